/* SPDX-License-Identifier: MIT */
/*
 * test_chain.c - as many items as max_active allows, each waiting for the next one.
 *
 * All of them must have been started before the first can go on: a pool that gives up
 * replacing workers that wait, at whatever number, never finishes. Afterwards the workers
 * that were needed for that go again.
 */
#include "support/api.h"
#include "support/thread.h"
#include "support/waits.h"

enum {
	CHAIN = 40, /* links, and the queues' max_active */
	LONG_CHAIN = 256,
	FLUSHES = 12, /* nested */
	READERS = 512,
	FEW = 8, /* threads that may be more afterwards: two idle ones of a pool or two (Q4) */
};

/* ------------------------------------------------------------------- chains */

struct link {
	struct work_struct work;
	struct baton baton; /* passed by the link behind this one */
	struct link *before;
	bool is_last;
	int id;
};

static const unsigned int chain_flags[] = { WQ_PERCPU, WQ_PERCPU | WQ_HIGHPRI,
					    WQ_PERCPU | WQ_CPU_INTENSIVE, WQ_UNBOUND };

enum { NR_CHAIN_FLAGS = sizeof(chain_flags) / sizeof(chain_flags[0]) };

static struct link chain[LONG_CHAIN];
static struct trail trail;

static void wait_for_next(struct work_struct *work)
{
	struct link *link = container_of(work, struct link, work);

	if (!link->is_last)
		baton_wait(&link->baton);
	trail_add(&trail, link->id);
	if (link->before)
		baton_pass(&link->before->baton);
}

/* The order in which they end is given; @kind NR_WAIT_KINDS: each link waits in another way. */
static void chain_make(int nr, enum wait_kind kind)
{
	memset(&trail, 0, sizeof(trail));
	for (int i = 0; i < nr; i++) {
		INIT_WORK(&chain[i].work, wait_for_next);
		baton_init(&chain[i].baton,
			   kind == NR_WAIT_KINDS ? (enum wait_kind)(i % NR_WAIT_KINDS) : kind);
		chain[i].before = i ? &chain[i - 1] : NULL;
		chain[i].is_last = i == nr - 1;
		chain[i].id = nr - 1 - i;
	}
}

/* Link i for CPU i times @cpu_step. */
static void chain_run(struct workqueue_struct *wq, int nr, int cpu_step)
{
	int cpus = nr_allowed_cpus();

	for (int i = 0; i < nr; i++)
		assert_true(queue_work_on(allowed_cpu(i * cpu_step % cpus), wq, &chain[i].work));
	wait_until(atomic_load(&trail.len) == nr);
	flush_workqueue(wq);
	assert_true(trail_is_ascending(&trail, 0, nr));
	for (int i = 0; i < nr; i++)
		baton_fini(&chain[i].baton);
}

/* Also with several nodes so many items may be active on one (C3). */
static struct workqueue_struct *make_queue(unsigned int flags, int max_active)
{
	struct workqueue_struct *wq = alloc_workqueue("chain", flags, max_active);

	assert_non_null(wq);
	if (flags & WQ_UNBOUND)
		workqueue_set_min_active(wq, max_active);
	return wq;
}

static void check_chain(unsigned int flags, int nr, enum wait_kind kind)
{
	struct workqueue_struct *wq = make_queue(flags, nr);

	chain_make(nr, kind);
	chain_run(wq, nr, /* cpu_step */ 0);
	destroy_workqueue(wq);
}

static void check_chain_of_all_kinds(enum wait_kind kind)
{
	for (int i = 0; i < NR_CHAIN_FLAGS; i++)
		check_chain(chain_flags[i], CHAIN, kind);
}

/* C4 C8 */
static void chain_of_max_active_items_in_a_condition_variable_completes(void **state)
{
	check_chain_of_all_kinds(WAIT_COND);
}

/* C4 C8 */
static void chain_of_max_active_items_in_read_completes(void **state)
{
	check_chain_of_all_kinds(WAIT_READ);
}

/* C4 C8 */
static void chain_of_max_active_items_that_tell_completes(void **state)
{
	check_chain_of_all_kinds(WAIT_TOLD);
}

/* C4 C8 */
static void chain_of_max_active_items_in_schedule_completes(void **state)
{
	check_chain_of_all_kinds(WAIT_SCHEDULE);
}

/* C4 C8 */
static void chain_of_items_that_wait_in_all_ways_completes(void **state)
{
	check_chain_of_all_kinds(NR_WAIT_KINDS);
}

/* C4 C8 */
static void chain_across_cpus_completes(void **state)
{
	struct workqueue_struct *wq = make_queue(WQ_PERCPU, CHAIN);

	chain_make(CHAIN, NR_WAIT_KINDS);
	chain_run(wq, CHAIN, /* cpu_step */ 1);
	destroy_workqueue(wq);
}

/* C8 */
static void chain_longer_than_eight_completes_with_the_default_limit(void **state)
{
	int nr = TESTS_SANITIZED ? LONG_CHAIN / 4 : LONG_CHAIN;
	struct workqueue_struct *wq = make_queue(WQ_PERCPU, /* max_active */ 0);

	chain_make(nr, WAIT_TOLD);
	chain_run(wq, nr, /* cpu_step */ 0);
	destroy_workqueue(wq);
}

/* C1 C8 */
static void items_behind_a_chain_of_max_active_wait_for_it(void **state)
{
	struct workqueue_struct *wq = make_queue(WQ_PERCPU, CHAIN);
	struct baton *last = &chain[CHAIN - 1].baton;
	struct item behind;

	item_init(&behind);
	chain_make(CHAIN, WAIT_READ);
	chain[CHAIN - 1].is_last = false;
	for (int i = 0; i < CHAIN; i++)
		assert_true(queue_work_on(allowed_cpu(0), wq, &chain[i].work));
	assert_true(queue_work_on(allowed_cpu(0), wq, &behind.work));
	assert_not_yet(item_runs(&behind));
	baton_pass(last);
	flush_workqueue(wq);
	assert_int_equal(item_runs(&behind), 1);
	assert_true(trail_is_ascending(&trail, 0, CHAIN));
	for (int i = 0; i < CHAIN; i++)
		baton_fini(&chain[i].baton);
	destroy_workqueue(wq);
}

/* ---------------------------------------------------------- nested flushes */

/* An item that queues the next one, and flushes that, or its whole queue. */
struct nested {
	struct work_struct work;
	struct workqueue_struct *wq;
	struct nested *next;
	bool flushes_queue;
	atomic_int returned;
};

static struct nested nested[FLUSHES];

static void queue_next_and_flush(struct work_struct *work)
{
	struct nested *own = container_of(work, struct nested, work);

	if (own->next) {
		queue_work(own->next->wq, &own->next->work);
		if (own->flushes_queue)
			flush_workqueue(own->next->wq);
		else
			flush_work(&own->next->work);
		if (!atomic_load(&own->next->returned))
			missed_deadline(__FILE__, __LINE__, "the item that was flushed has run");
	}
	atomic_fetch_add(&own->returned, 1);
}

/* @wq has a queue for each item. */
static void check_nested(struct workqueue_struct *const *wq, bool flushes_queue)
{
	for (int i = 0; i < FLUSHES; i++) {
		nested[i].wq = wq[i];
		nested[i].next = i + 1 < FLUSHES ? &nested[i + 1] : NULL;
		nested[i].flushes_queue = flushes_queue;
		atomic_store(&nested[i].returned, 0);
		INIT_WORK(&nested[i].work, queue_next_and_flush);
	}
	assert_true(queue_work_on(allowed_cpu(0), wq[0], &nested[0].work));
	wait_until(atomic_load(&nested[0].returned) == 1);
	flush_workqueue(wq[0]);
	for (int i = 0; i < FLUSHES; i++)
		assert_int_equal(atomic_load(&nested[i].returned), 1);
}

/* C8 E1 */
static void chain_of_items_that_flush_each_other_completes(void **state)
{
	struct workqueue_struct *wq[FLUSHES];

	for (int k = 0; k < NR_CHAIN_FLAGS; k++) {
		wq[0] = make_queue(chain_flags[k], FLUSHES);
		for (int i = 1; i < FLUSHES; i++)
			wq[i] = wq[0];
		check_nested(wq, /* flushes_queue */ false);
		destroy_workqueue(wq[0]);
	}
}

/* C8 D1 */
static void chain_of_items_that_flush_queues_of_one_item_completes(void **state)
{
	static const enum queue_kind kinds[] = { PERCPU_ONE, UNBOUND_ONE, ORDERED };
	struct workqueue_struct *wq[FLUSHES];

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (int i = 0; i < FLUSHES; i++)
			wq[i] = queue_of_kind(kinds[k]);
		check_nested(wq, /* flushes_queue */ true);
		for (int i = 0; i < FLUSHES; i++)
			destroy_workqueue(wq[i]);
	}
}

/* ------------------------------------------------------------- many at once */

static int many_pipe[2];
static struct work_struct reader[READERS];
static atomic_int nr_inside, nr_read;

static void read_one_byte(struct work_struct *work)
{
	(void)work;
	atomic_fetch_add(&nr_inside, 1);
	wait_in_read(many_pipe[0]);
	atomic_fetch_add(&nr_read, 1);
}

static void check_many_readers(unsigned int flags, int max_active)
{
	struct workqueue_struct *wq = make_queue(flags, max_active);
	int before = nr_threads_named("kworker/");
	struct item one_more;

	assert_int_equal(pipe(many_pipe), 0);
	atomic_store(&nr_inside, 0);
	atomic_store(&nr_read, 0);
	for (int i = 0; i < READERS; i++) {
		INIT_WORK(&reader[i], read_one_byte);
		assert_true(queue_work_on(allowed_cpu(0), wq, &reader[i]));
	}
	item_init(&one_more);
	assert_true(queue_work_on(allowed_cpu(0), wq, &one_more.work));
	/* each is a thread more, and has a deadline of its own */
	for (int i = 1; i < READERS; i++)
		wait_until(atomic_load(&nr_inside) >= i);
	wait_until(item_runs(&one_more) == 1);
	/* it was queued last, so all of them have been started, and none is through */
	wait_until(atomic_load(&nr_inside) == READERS);
	assert_int_equal(atomic_load(&nr_read), 0);
	let_readers_go(many_pipe[1], READERS);
	wait_until(atomic_load(&nr_read) == READERS);
	flush_workqueue(wq);
	wait_until(nr_threads_named("kworker/") <= before + FEW);
	close(many_pipe[0]);
	close(many_pipe[1]);
	run_one_item_on(wq);
	destroy_workqueue(wq);
}

/* C8 L1 Q4 */
static void percpu_item_behind_512_in_read_runs_and_their_workers_go(void **state)
{
	check_many_readers(WQ_PERCPU, 1024);
}

/* C8 L7 Q4 */
static void unbound_item_behind_512_in_read_runs_and_their_workers_go(void **state)
{
	check_many_readers(WQ_UNBOUND, 1024);
}

/* C8 L1 Q4 */
static void highpri_item_behind_512_in_read_runs_and_their_workers_go(void **state)
{
	check_many_readers(WQ_PERCPU | WQ_HIGHPRI, 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(chain_of_max_active_items_in_a_condition_variable_completes),
		api_test(chain_of_max_active_items_in_read_completes),
		api_test(chain_of_max_active_items_that_tell_completes),
		api_test(chain_of_max_active_items_in_schedule_completes),
		api_test(chain_of_items_that_wait_in_all_ways_completes),
		api_test(chain_across_cpus_completes),
		api_test(chain_longer_than_eight_completes_with_the_default_limit),
		api_test(items_behind_a_chain_of_max_active_wait_for_it),
		api_test(chain_of_items_that_flush_each_other_completes),
		api_test(chain_of_items_that_flush_queues_of_one_item_completes),
		api_test(percpu_item_behind_512_in_read_runs_and_their_workers_go),
		api_test(unbound_item_behind_512_in_read_runs_and_their_workers_go),
		api_test(highpri_item_behind_512_in_read_runs_and_their_workers_go),
	};

	/* an idle worker too many is soon gone */
	setenv("WORKQ_IDLE_TIMEOUT_MS", "20", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
