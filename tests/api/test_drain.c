/* SPDX-License-Identifier: MIT */
/*
 * test_drain.c - draining and destroying queues: guarantees F1 to F4 and F6.
 * F5 speaks of armed delayed work and comes with it.
 */
#include "support/api.h"

/* ----------------------------------------------------------------- F1, F2 */

enum {
	CHAIN = 8,
};

struct link {
	struct work_struct work;
	struct chain *chain;
};

/* Each item queues the next one; all items of @wq. */
struct chain {
	struct workqueue_struct *wq;
	struct link link[CHAIN];
	struct gate go; /* the first waits for it */
	atomic_int runs;
	atomic_int refused;
};

static void run_link(struct work_struct *work)
{
	struct link *link = container_of(work, struct link, work);
	struct chain *chain = link->chain;
	int nr = link - chain->link;

	if (nr == 0)
		gate_wait(&chain->go);
	atomic_fetch_add(&chain->runs, 1);
	if (nr + 1 < CHAIN && !queue_work(chain->wq, &chain->link[nr + 1].work))
		atomic_fetch_add(&chain->refused, 1);
}

static void chain_start(struct chain *chain, struct workqueue_struct *wq)
{
	chain->wq = wq;
	gate_init(&chain->go);
	atomic_init(&chain->runs, 0);
	atomic_init(&chain->refused, 0);
	for (int i = 0; i < CHAIN; i++) {
		chain->link[i].chain = chain;
		INIT_WORK(&chain->link[i].work, run_link);
	}
	queue_work(wq, &chain->link[0].work);
}

/* F1 F2 */
static void drain_accepts_and_follows_chained_items(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct chain chain;
		struct call drain;

		chain_start(&chain, wq);
		call_start(&drain, do_drain_workqueue, wq);
		assert_true(call_blocks(&drain));
		gate_open(&chain.go);
		call_join(&drain);
		assert_int_equal(atomic_load(&chain.runs), CHAIN);
		assert_int_equal(atomic_load(&chain.refused), 0);
		destroy_workqueue(wq);
	}
}

struct pair {
	struct work_struct first;
	struct item second;
	struct workqueue_struct *wq;
	struct gate go, hold; /* of each */
};

static void queue_second(struct work_struct *work)
{
	struct pair *pair = container_of(work, struct pair, first);

	gate_wait(&pair->go);
	queue_work(pair->wq, &pair->second.work);
}

/* Not only until what was queued before has run. */
/* F2 */
static void drain_waits_for_a_chained_item_that_is_held_up(void **state)
{
	struct pair pair;
	struct call drain;

	(void)state;
	pair.wq = alloc_workqueue("pair", WQ_PERCPU, 0);
	gate_init(&pair.go);
	gate_init(&pair.hold);
	INIT_WORK(&pair.first, queue_second);
	item_init_held(&pair.second, &pair.hold);
	queue_work(pair.wq, &pair.first);
	call_start(&drain, do_drain_workqueue, pair.wq);
	assert_true(call_blocks(&drain));
	gate_open(&pair.go);
	wait_until(item_is_running(&pair.second));
	assert_true(call_blocks(&drain));
	gate_open(&pair.hold);
	call_join(&drain);
	assert_int_equal(atomic_load(&pair.second.finished), 1);
	destroy_workqueue(pair.wq);
}

struct refused {
	struct workqueue_struct *wq;
	struct blocker blocker;
	struct call drain;
	struct item item;
};

static void refused_begin(struct refused *refused)
{
	refused->wq = alloc_workqueue("drained", WQ_PERCPU, 0);
	blocker_start(&refused->blocker, refused->wq);
	item_init(&refused->item);
	call_start(&refused->drain, do_drain_workqueue, refused->wq);
	assert_true(call_blocks(&refused->drain));
}

static void refused_end(struct refused *refused)
{
	blocker_release(&refused->blocker);
	call_join(&refused->drain);
	assert_int_equal(item_runs(&refused->item), 0);
	assert_true(queue_work(refused->wq, &refused->item.work));
	destroy_workqueue(refused->wq);
	assert_int_equal(item_runs(&refused->item), 1);
	assert_true(reports_are_well_formed());
	report_take(); /* once per process, so perhaps not here */
}

/* F1 */
static void drain_refuses_items_from_outside_and_says_true(void **state)
{
	struct refused refused;

	(void)state;
	refused_begin(&refused);
	assert_true(queue_work(refused.wq, &refused.item.work));
	assert_int_equal(work_busy(&refused.item.work), 0);
	refused_end(&refused);
}

struct outsider {
	struct work_struct work;
	struct workqueue_struct *wq;
	struct work_struct *target;
	bool answer;
};

static void queue_target(struct work_struct *work)
{
	struct outsider *outsider = container_of(work, struct outsider, work);

	outsider->answer = queue_work(outsider->wq, outsider->target);
}

/* F1 */
static void drain_refuses_items_from_functions_of_another_queue(void **state)
{
	struct workqueue_struct *other = alloc_workqueue("other", WQ_UNBOUND, 0);
	struct outsider outsider;
	struct refused refused;

	(void)state;
	refused_begin(&refused);
	outsider.wq = refused.wq;
	outsider.target = &refused.item.work;
	INIT_WORK(&outsider.work, queue_target);
	queue_work(other, &outsider.work);
	destroy_workqueue(other);
	assert_true(outsider.answer);
	assert_false(work_pending(&refused.item.work));
	refused_end(&refused);
}

/* F1 */
static void drain_accepts_items_for_other_queues(void **state)
{
	struct workqueue_struct *other = alloc_workqueue("other", WQ_PERCPU, 0);
	struct refused refused;
	struct item item;

	(void)state;
	refused_begin(&refused);
	item_init(&item);
	assert_true(queue_work(other, &item.work));
	flush_work(&item.work);
	assert_int_equal(item_runs(&item), 1);
	destroy_workqueue(other);
	refused_end(&refused);
}

/* F2 */
static void drain_waits_for_everything_held_back(void **state)
{
	static const enum queue_kind kinds[] = { PERCPU_ONE, UNBOUND_ONE, ORDERED };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct workqueue_struct *wq = queue_of_kind(kinds[i]);
		struct blocker blocker;
		struct item item[4];
		struct call drain;

		blocker_start(&blocker, wq);
		for (int j = 0; j < 4; j++) {
			item_init(&item[j]);
			queue_work(wq, &item[j].work);
		}
		call_start(&drain, do_drain_workqueue, wq);
		assert_true(call_blocks(&drain));
		gate_open(&blocker.go);
		call_join(&drain);
		for (int j = 0; j < 4; j++)
			assert_int_equal(item_runs(&item[j]), 1);
		destroy_workqueue(wq);
	}
}

/* F2 */
static void drain_by_several_all_return_and_the_queue_works_again(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("drained", WQ_UNBOUND, 0);
	struct call drain[4];
	struct chain chain;
	struct item item;

	(void)state;
	chain_start(&chain, wq);
	for (int i = 0; i < 4; i++)
		call_start(&drain[i], do_drain_workqueue, wq);
	for (int i = 0; i < 4; i++)
		assert_true(call_blocks(&drain[i]));
	gate_open(&chain.go);
	for (int i = 0; i < 4; i++)
		call_join(&drain[i]);
	assert_int_equal(atomic_load(&chain.runs), CHAIN);
	item_init(&item);
	assert_true(queue_work(wq, &item.work));
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 1);
}

/* F2 */
static void drain_empty_queue_returns_and_the_queue_works_again(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct item item;

		for (int i = 1; i <= 3; i++) {
			drain_workqueue(wq);
			item_init(&item);
			queue_work(wq, &item.work);
			drain_workqueue(wq);
			assert_int_equal(item_runs(&item), 1);
		}
		destroy_workqueue(wq);
	}
}

struct hopper {
	struct work_struct left, right;
	struct workqueue_struct *wq;
	int hops; /* plain: each item queues the other one */
};

static void hop(struct hopper *hopper, struct work_struct *next, int cpu)
{
	if (hopper->hops++ < 1000)
		queue_work_on(cpu, hopper->wq, next);
}

static void hop_to_right(struct work_struct *work)
{
	struct hopper *hopper = container_of(work, struct hopper, left);

	hop(hopper, &hopper->right, allowed_cpu(1));
}

static void hop_to_left(struct work_struct *work)
{
	struct hopper *hopper = container_of(work, struct hopper, right);

	hop(hopper, &hopper->left, allowed_cpu(0));
}

/* A chain that changes pools must not slip behind the one who looks at them. */
/* F2 */
static void drain_follows_a_chain_from_cpu_to_cpu(void **state)
{
	struct hopper hopper;

	(void)state;
	need_cpus(2);
	hopper.wq = alloc_workqueue("hopper", WQ_PERCPU, 0);
	for (int i = 0; i < 20; i++) {
		hopper.hops = 0;
		INIT_WORK(&hopper.left, hop_to_right);
		INIT_WORK(&hopper.right, hop_to_left);
		queue_work_on(allowed_cpu(0), hopper.wq, &hopper.left);
		drain_workqueue(hopper.wq);
		assert_int_equal(hopper.hops, 1001);
		report_take(); /* so long a chain is told of (F3) */
	}
	destroy_workqueue(hopper.wq);
}

/* --------------------------------------------------------------------- F3 */

struct stoppable {
	struct work_struct work;
	struct workqueue_struct *wq;
	atomic_int runs;
	atomic_bool stop;
};

static void requeue_until_stopped(struct work_struct *work)
{
	struct stoppable *stoppable = container_of(work, struct stoppable, work);

	atomic_fetch_add(&stoppable->runs, 1);
	if (!atomic_load(&stoppable->stop))
		queue_work(stoppable->wq, work);
}

/* F3 */
static void drain_item_that_requeues_keeps_waiting_and_reports(void **state)
{
	struct stoppable stoppable = { .wq = alloc_workqueue("endless", WQ_UNBOUND, 0) };
	struct call drain;
	int runs;

	(void)state;
	INIT_WORK(&stoppable.work, requeue_until_stopped);
	queue_work(stoppable.wq, &stoppable.work);
	call_start(&drain, do_drain_workqueue, stoppable.wq);
	wait_until(report_count() + note_count() > 0);
	runs = atomic_load(&stoppable.runs);
	wait_until(atomic_load(&stoppable.runs) > runs + 1000);
	assert_false(call_is_back(&drain));
	atomic_store(&stoppable.stop, true);
	call_join(&drain);
	assert_true(reports_are_well_formed());
	report_take();
	destroy_workqueue(stoppable.wq);
}

/* --------------------------------------------------------------------- F4 */

/* F4 */
static void destroy_runs_everything_pending_first(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct blocker blocker;
		struct call destroy;
		struct item item[16];

		blocker_start_on(&blocker, allowed_cpu(0), wq);
		for (int i = 0; i < 16; i++) {
			item_init(&item[i]);
			queue_work_on(allowed_cpu(0), wq, &item[i].work);
		}
		call_start(&destroy, do_destroy_workqueue, wq);
		assert_true(call_blocks(&destroy));
		gate_open(&blocker.go);
		call_join(&destroy);
		for (int i = 0; i < 16; i++)
			assert_int_equal(item_runs(&item[i]), 1);
	}
}

/* F4 */
static void destroy_follows_chained_items(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct chain chain;
		struct call destroy;

		chain_start(&chain, queue_of_kind(kind));
		call_start(&destroy, do_destroy_workqueue, chain.wq);
		assert_true(call_blocks(&destroy));
		gate_open(&chain.go);
		call_join(&destroy);
		assert_int_equal(atomic_load(&chain.runs), CHAIN);
		assert_int_equal(atomic_load(&chain.refused), 0);
	}
}

/* F4 */
static void destroy_refuses_items_from_outside(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("destroyed", WQ_PERCPU, 0);
	struct blocker blocker;
	struct call destroy;
	struct item item;

	(void)state;
	blocker_start(&blocker, wq);
	item_init(&item);
	call_start(&destroy, do_destroy_workqueue, wq);
	assert_true(call_blocks(&destroy));
	assert_true(queue_work(wq, &item.work));
	assert_int_equal(work_busy(&item.work), 0);
	gate_open(&blocker.go);
	call_join(&destroy);
	assert_int_equal(item_runs(&item), 0);
	report_take(); /* once per process, so perhaps not here */
}

/* F4 */
static void destroy_many_queues_with_items_runs_them_all(void **state)
{
	struct item item[8];

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct workqueue_struct *wq = queue_of_kind(round % NR_QUEUE_KINDS);
		int nr = round % 8;

		for (int i = 0; i < nr; i++) {
			item_init(&item[i]);
			queue_work(wq, &item[i].work);
		}
		destroy_workqueue(wq);
		for (int i = 0; i < nr; i++)
			assert_int_equal(item_runs(&item[i]), 1);
	}
}

enum {
	NOTED_TRIES = 11, /* 10, 100, 200 ... 1000 */
	RUNS_MORE = 2000,
};

static struct workqueue_struct *endless_wq;
static atomic_int runs_more;

/* Until all that is to be noted was, and some more. */
static void queue_itself_for_long(struct work_struct *work)
{
	if (note_count() < NOTED_TRIES || atomic_fetch_add(&runs_more, 1) < RUNS_MORE)
		queue_work(endless_wq, work);
}

/* F3 */
static void drain_that_lasts_is_noted_eleven_times_at_most(void **state)
{
	struct work_struct work;

	(void)state;
	endless_wq = alloc_workqueue("endless", WQ_PERCPU, 0);
	INIT_WORK(&work, queue_itself_for_long);
	queue_work(endless_wq, &work);
	drain_workqueue(endless_wq);
	assert_true(report_says("isn't complete after"));
	assert_noted(NOTED_TRIES);
	destroy_workqueue(endless_wq);
}

/* --------------------------------------------------------------------- F6 */

/*
 * Using the queue after destroy is the user's bug; using its items is not: they
 * name no queue any more.
 */
/* F6 */
static void destroy_leaves_items_usable_with_other_queues(void **state)
{
	struct workqueue_struct *other = alloc_workqueue("other", WQ_PERCPU, 0);
	struct item item;

	(void)state;
	item_init(&item);
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);

		queue_work(wq, &item.work);
		destroy_workqueue(wq);
		assert_int_equal(work_busy(&item.work), 0);
		assert_false(cancel_work_sync(&item.work));
		assert_false(flush_work(&item.work));
		assert_true(queue_work(other, &item.work));
		flush_work(&item.work);
	}
	assert_int_equal(item_runs(&item), 2 * NR_QUEUE_KINDS);
	destroy_workqueue(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(drain_accepts_and_follows_chained_items),
		api_test(drain_waits_for_a_chained_item_that_is_held_up),
		api_test(drain_refuses_items_from_outside_and_says_true),
		api_test(drain_refuses_items_from_functions_of_another_queue),
		api_test(drain_accepts_items_for_other_queues),
		api_test(drain_waits_for_everything_held_back),
		api_test(drain_by_several_all_return_and_the_queue_works_again),
		api_test(drain_empty_queue_returns_and_the_queue_works_again),
		api_test(drain_follows_a_chain_from_cpu_to_cpu),
		api_test(drain_item_that_requeues_keeps_waiting_and_reports),
		api_test(destroy_runs_everything_pending_first),
		api_test(destroy_follows_chained_items),
		api_test(destroy_refuses_items_from_outside),
		api_test(destroy_many_queues_with_items_runs_them_all),
		api_test(destroy_leaves_items_usable_with_other_queues),
		api_test(drain_that_lasts_is_noted_eleven_times_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
