/* SPDX-License-Identifier: MIT */
/*
 * test_bh_verbs.c - what flush, cancel, disable, delay, drain and destroy do with
 * the items of WQ_BH queues (M2), queueing in signal handlers, misuse of such queues.
 *
 * Items that have to stay inside compute: they must not sleep. Each test has a
 * process of its own, since a kind of misuse may be reported once.
 */
#include <errno.h>

#include "support/api.h"
#include "support/delayed.h"

static struct workqueue_struct *bh_queue(void)
{
	return alloc_workqueue("bh", WQ_BH | WQ_PERCPU, 0);
}

/* A queue of which an item computes on the first CPU: what is queued there waits. */
struct held_queue {
	struct workqueue_struct *wq;
	struct blocker spinner;
	struct item item; /* pending */
};

static void held_queue_make(struct held_queue *held)
{
	held->wq = bh_queue();
	assert_non_null(held->wq);
	blocker_spin_on(&held->spinner, allowed_cpu(0), held->wq);
	item_init(&held->item);
	assert_true(queue_work_on(allowed_cpu(0), held->wq, &held->item.work));
}

static void held_queue_free(struct held_queue *held)
{
	blocker_release(&held->spinner);
	destroy_workqueue(held->wq);
}

/* ------------------------------------------------------------- from outside */

/* M2 G1 */
static void cancel_pending_bh_item_takes_it_back(void **state)
{
	struct held_queue held;

	held_queue_make(&held);
	assert_false(queue_work(held.wq, &held.item.work));
	assert_true(cancel_work(&held.item.work));
	assert_false(cancel_work(&held.item.work));
	assert_true(queue_work_on(allowed_cpu(0), held.wq, &held.item.work));
	assert_true(cancel_work_sync(&held.item.work));
	assert_int_equal(work_busy(&held.item.work), 0);
	held_queue_free(&held);
	assert_int_equal(item_runs(&held.item), 0);
}

/* M2 G2 G3 */
static void cancel_sync_running_bh_item_waits_and_refuses_queueing(void **state)
{
	struct held_queue held;
	struct call cancel;

	held_queue_make(&held);
	call_start(&cancel, do_cancel_work_sync, &held.spinner.item.work);
	assert_true(call_blocks(&cancel));
	assert_false(queue_work(held.wq, &held.spinner.item.work));
	gate_open(&held.spinner.go);
	assert_false(call_join(&cancel));
	assert_false(item_is_running(&held.spinner.item));
	held_queue_free(&held);
	assert_int_equal(item_runs(&held.item), 1);
}

/* M2 H1 H2 */
static void disable_bh_item_refuses_it_until_enabled(void **state)
{
	struct held_queue held;
	struct call disable;

	held_queue_make(&held);
	assert_true(disable_work(&held.item.work));
	assert_false(queue_work(held.wq, &held.item.work));
	assert_true(enable_and_queue_work(held.wq, &held.item.work));
	call_start(&disable, do_disable_work_sync, &held.spinner.item.work);
	assert_true(call_blocks(&disable));
	gate_open(&held.spinner.go);
	assert_false(call_join(&disable));
	assert_false(queue_work(held.wq, &held.spinner.item.work));
	assert_true(enable_work(&held.spinner.item.work));
	held_queue_free(&held);
	assert_int_equal(item_runs(&held.item), 1);
}

/* M2 E1 */
static void flush_work_waits_for_the_bh_item(void **state)
{
	struct held_queue held;
	struct call flush[2];

	held_queue_make(&held);
	call_start(&flush[0], do_flush_work, &held.spinner.item.work);
	call_start(&flush[1], do_flush_work, &held.item.work);
	for (int i = 0; i < 2; i++)
		assert_true(call_blocks(&flush[i]));
	gate_open(&held.spinner.go);
	for (int i = 0; i < 2; i++)
		assert_true(call_join(&flush[i]));
	assert_int_equal(item_runs(&held.item), 1);
	assert_false(flush_work(&held.item.work));
	held_queue_free(&held);
}

/* M2 E6 */
static void flush_work_of_bh_item_taken_back_returns(void **state)
{
	struct held_queue held;
	struct call flush;

	held_queue_make(&held);
	call_start(&flush, do_flush_work, &held.item.work);
	assert_true(call_blocks(&flush));
	assert_true(cancel_work(&held.item.work));
	call_join(&flush);
	held_queue_free(&held);
	assert_int_equal(item_runs(&held.item), 0);
}

/* M2 D1 */
static void flush_workqueue_waits_for_bh_items_queued_before(void **state)
{
	struct endless endless;
	struct held_queue held;
	struct call flush;

	held_queue_make(&held);
	call_start(&flush, do_flush_workqueue, held.wq);
	assert_true(call_blocks(&flush));
	gate_open(&held.spinner.go);
	call_join(&flush);
	assert_int_equal(item_runs(&held.item), 1);
	atomic_init(&endless.runs, 0);
	endless.wq = held.wq;
	INIT_WORK(&endless.work, requeue_for_ever);
	assert_true(queue_work(held.wq, &endless.work));
	flush_workqueue(held.wq);
	assert_true(atomic_load(&endless.runs) > 0);
	cancel_work_sync(&endless.work);
	held_queue_free(&held);
}

/* M2 I1 I2 */
static void delayed_bh_item_is_never_early_and_runs_on_its_cpu(void **state)
{
	struct workqueue_struct *wq = bh_queue();
	struct delayed_item item;

	for (int i = 0; allowed_cpu(i) >= 0; i++) {
		delayed_init(&item);
		item.due_ns = now_ns() + SOON * JIFFY_NS;
		assert_true(queue_delayed_work_on(allowed_cpu(i), wq, &item.dwork, SOON));
		wait_until(delayed_runs(&item) == 1);
		assert_true(delayed_was_not_early(&item));
		assert_int_equal(atomic_load(&item.cpu), allowed_cpu(i));
		assert_true(queue_delayed_work_on(allowed_cpu(i), wq, &item.dwork, 0));
		assert_true(flush_work(&item.dwork.work) || delayed_runs(&item) == 2);
	}
	destroy_workqueue(wq);
}

/* M2 G1 E3 I4 H3 */
static void delayed_bh_item_armed_is_moved_flushed_and_taken_back(void **state)
{
	struct workqueue_struct *wq = bh_queue();
	struct delayed_item item;

	delayed_init(&item);
	assert_true(queue_delayed_work(wq, &item.dwork, FAR));
	assert_true(mod_delayed_work(wq, &item.dwork, 2 * FAR));
	assert_true(flush_delayed_work(&item.dwork));
	assert_int_equal(delayed_runs(&item), 1);
	assert_true(queue_delayed_work(wq, &item.dwork, FAR));
	assert_true(cancel_delayed_work_sync(&item.dwork));
	assert_true(queue_delayed_work(wq, &item.dwork, FAR));
	assert_true(disable_delayed_work_sync(&item.dwork));
	assert_false(queue_delayed_work(wq, &item.dwork, 0));
	assert_true(enable_delayed_work(&item.dwork));
	assert_true(delayed_is_idle(&item));
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&item), 1);
}

/* F4 */
static void destroy_runs_pending_bh_items_first(void **state)
{
	struct held_queue held;
	struct call destroy;

	held_queue_make(&held);
	call_start(&destroy, do_destroy_workqueue, held.wq);
	assert_true(call_blocks(&destroy));
	gate_open(&held.spinner.go);
	call_join(&destroy);
	assert_int_equal(item_runs(&held.item), 1);
}

/* ------------------------------------------------------------------- inside */

/* What an item finds; @two is queued for the same CPU. */
struct insider {
	struct work_struct work, two;
	struct workqueue_struct *wq;
	struct work_struct *current;
	bool pending, answer[8];
	unsigned int busy;
	atomic_int runs, runs_of_two;
};

static void count_two(struct work_struct *work)
{
	atomic_fetch_add(&container_of(work, struct insider, two)->runs_of_two, 1);
}

static void act_inside(struct work_struct *work)
{
	struct insider *own = container_of(work, struct insider, work);

	if (atomic_fetch_add(&own->runs, 1))
		return;
	own->current = current_work();
	own->pending = work_pending(work);
	own->busy = work_busy(work);
	own->answer[0] = queue_work(own->wq, work);
	own->answer[1] = queue_work(own->wq, work);
	own->answer[2] = queue_work(own->wq, &own->two);
	own->answer[3] = cancel_work(&own->two);
	own->answer[4] = queue_work(own->wq, &own->two);
	own->answer[5] = disable_work(&own->two);
	own->answer[6] = queue_work(own->wq, &own->two);
	own->answer[7] = enable_work(&own->two);
}

/* M2 A3 G1 H1 H2 */
static void bh_item_inside_queues_cancels_and_disables_as_others_do(void **state)
{
	static const bool expected[8] = { true, false, true, true, true, true, false, true };
	struct insider own = { .wq = bh_queue() };

	own.current = &own.two;
	INIT_WORK(&own.work, act_inside);
	INIT_WORK(&own.two, count_two);
	assert_true(queue_work_on(allowed_cpu(0), own.wq, &own.work));
	wait_until(atomic_load(&own.runs) == 2);
	flush_workqueue(own.wq);
	assert_null(own.current);
	assert_false(own.pending);
	assert_int_equal(own.busy, WORK_BUSY_RUNNING);
	for (int i = 0; i < 8; i++)
		assert_int_equal(own.answer[i], expected[i]);
	assert_int_equal(atomic_load(&own.runs_of_two), 0);
	assert_true(queue_work(own.wq, &own.two));
	destroy_workqueue(own.wq);
	assert_int_equal(atomic_load(&own.runs_of_two), 1);
}

struct canceller {
	struct work_struct work;
	struct work_struct *target;
	bool answer;
	atomic_bool begun, done;
};

static void cancel_target_sync(struct work_struct *work)
{
	struct canceller *own = container_of(work, struct canceller, work);

	atomic_store(&own->begun, true);
	own->answer = cancel_work_sync(own->target);
	atomic_store(&own->done, true);
}

static void canceller_start(struct canceller *canceller, int cpu, struct workqueue_struct *wq,
			    struct work_struct *target)
{
	memset(canceller, 0, sizeof(*canceller));
	canceller->target = target;
	INIT_WORK(&canceller->work, cancel_target_sync);
	assert_true(queue_work_on(cpu, wq, &canceller->work));
	wait_until(atomic_load(&canceller->begun));
}

/* M2 G2 */
static void cancel_sync_in_bh_item_waits_for_the_one_of_another_cpu(void **state)
{
	struct workqueue_struct *wq;
	struct canceller canceller;
	struct blocker spinner;

	need_cpus(2);
	wq = bh_queue();
	blocker_spin_on(&spinner, allowed_cpu(1), wq);
	canceller_start(&canceller, allowed_cpu(0), wq, &spinner.item.work);
	assert_not_yet(atomic_load(&canceller.done));
	gate_open(&spinner.go);
	wait_until(atomic_load(&canceller.done));
	assert_false(canceller.answer);
	assert_false(item_is_running(&spinner.item));
	destroy_workqueue(wq);
}

/* M2 G1 */
static void cancel_sync_in_bh_item_takes_pending_ones_back(void **state)
{
	struct workqueue_struct *wq;
	struct canceller canceller;
	struct blocker spinner;
	struct item item;

	need_cpus(2);
	wq = bh_queue();
	blocker_spin_on(&spinner, allowed_cpu(1), wq);
	item_init(&item);
	assert_true(queue_work_on(allowed_cpu(1), wq, &item.work));
	canceller_start(&canceller, allowed_cpu(0), wq, &item.work);
	wait_until(atomic_load(&canceller.done));
	assert_true(canceller.answer);
	blocker_release(&spinner);
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&item), 0);
}

/* ----------------------------------------------------------------- draining */

/* F2 */
static void drain_of_bh_queue_waits_and_the_queue_works_again(void **state)
{
	struct held_queue held;
	struct call drain;

	held_queue_make(&held);
	call_start(&drain, do_drain_workqueue, held.wq);
	assert_true(call_blocks(&drain));
	gate_open(&held.spinner.go);
	call_join(&drain);
	assert_int_equal(item_runs(&held.item), 1);
	run_one_item_on(held.wq);
	held_queue_free(&held);
}

/* Queues @next, and itself, when the test lets it. */
struct chain {
	struct work_struct work;
	struct workqueue_struct *wq;
	struct gate go;
	struct item next;
	bool queued_next, queued_itself;
	atomic_int runs;
};

static void queue_next_and_itself(struct work_struct *work)
{
	struct chain *chain = container_of(work, struct chain, work);

	if (atomic_fetch_add(&chain->runs, 1))
		return;
	gate_spin(&chain->go);
	chain->queued_next = queue_work(chain->wq, &chain->next.work);
	chain->queued_itself = queue_work(chain->wq, work);
}

/* F1 A8 */
static void drain_counts_items_of_the_bh_queue_itself_as_outside(void **state)
{
	struct chain chain = { .wq = bh_queue() };
	struct call drain;

	gate_init(&chain.go);
	item_init(&chain.next);
	INIT_WORK(&chain.work, queue_next_and_itself);
	assert_true(queue_work(chain.wq, &chain.work));
	wait_until(atomic_load(&chain.runs) == 1);
	call_start(&drain, do_drain_workqueue, chain.wq);
	assert_true(call_blocks(&drain));
	gate_open(&chain.go);
	call_join(&drain);
	assert_reported(1);
	assert_true(chain.queued_next && chain.queued_itself);
	assert_int_equal(work_busy(&chain.work) | work_busy(&chain.next.work), 0);
	assert_int_equal(atomic_load(&chain.runs), 1);
	assert_int_equal(item_runs(&chain.next), 0);
	assert_true(queue_work(chain.wq, &chain.next.work));
	destroy_workqueue(chain.wq);
	assert_int_equal(item_runs(&chain.next), 1);
}

/* ----------------------------------------------------------- signal handlers */

static struct workqueue_struct *handlers_wq;
static struct item handlers_item;
static atomic_int queued_by_handlers;

static void queue_in_handler(int sig)
{
	(void)sig;
	atomic_fetch_add(&queued_by_handlers, queue_work(handlers_wq, &handlers_item.work));
}

struct shooter {
	pthread_t target;
	atomic_bool stop;
	atomic_int shots;
};

static long shoot_until_told(void *arg)
{
	struct shooter *shooter = arg;

	while (!atomic_load(&shooter->stop)) {
		pthread_kill(shooter->target, SIGUSR1);
		atomic_fetch_add(&shooter->shots, 1);
		nap_us(20);
	}
	return 0;
}

/* M2 A4 */
static void queue_work_in_signal_handler_runs_the_bh_item(void **state)
{
	struct shooter shooter = { .target = pthread_self() };
	struct call call;
	struct item own;
	int accepted = 0;

	handlers_wq = bh_queue();
	item_init(&handlers_item);
	item_init(&own);
	signal(SIGUSR1, queue_in_handler);
	call_start(&call, shoot_until_told, &shooter);
	while (atomic_load(&shooter.shots) < 1000 || !atomic_load(&queued_by_handlers))
		accepted += queue_work(handlers_wq, &own.work);
	atomic_store(&shooter.stop, true);
	call_join(&call);
	signal(SIGUSR1, SIG_IGN);
	destroy_workqueue(handlers_wq);
	assert_int_equal(item_runs(&own), accepted);
	assert_int_equal(item_runs(&handlers_item), atomic_load(&queued_by_handlers));
}

/* ------------------------------------------------------------ system queues */

/* M1 */
static void system_bh_queues_run_items(void **state)
{
	struct workqueue_struct *const wq[] = { system_bh_wq, system_bh_highpri_wq };
	struct delayed_item delayed;
	struct item item;

	for (int i = 0; i < 2; i++) {
		assert_non_null(wq[i]);
		item_init(&item);
		assert_true(queue_work_on(allowed_cpu(0), wq[i], &item.work));
		flush_work(&item.work);
		assert_int_equal(item_runs(&item), 1);
		assert_int_equal(atomic_load(&item.cpu), allowed_cpu(0));
		delayed_init(&delayed);
		assert_true(delayed_arm(&delayed, wq[i], SOON));
		wait_until(delayed_runs(&delayed));
		assert_true(delayed_was_not_early(&delayed));
		cancel_delayed_work_sync(&delayed.dwork);
	}
}

/* -------------------------------------------------------------------- misuse */

/* NULL and EINVAL, and the first of them is reported. */
static void assert_refused(unsigned int flags, int max_active)
{
	errno = 0;
	assert_null(alloc_workqueue("refused", flags, max_active));
	assert_int_equal(errno, EINVAL);
}

static void alloc_bh_with_other_flags_is_reported_and_einval(void **state)
{
	static const unsigned int others[] = { WQ_UNBOUND,       WQ_FREEZABLE, WQ_MEM_RECLAIM,
					       WQ_CPU_INTENSIVE, WQ_SYSFS,     WQ_POWER_EFFICIENT };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_refused(WQ_BH | others[i], 0);
		if (i == 0)
			assert_warned();
		assert_refused(WQ_BH | WQ_PERCPU | WQ_HIGHPRI | others[i], 0);
	}
	errno = 0;
	assert_null(alloc_ordered_workqueue("refused", WQ_BH));
	assert_int_equal(errno, EINVAL);
	report_take();
}

static void alloc_bh_with_a_limit_is_reported_and_einval(void **state)
{
	static const int limits[] = { 1, -1, WQ_DFL_ACTIVE, WQ_MAX_ACTIVE, WQ_MAX_ACTIVE + 1 };

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		assert_refused(WQ_BH | WQ_PERCPU, limits[i]);
		if (i == 0)
			assert_warned();
	}
	report_take();
}

static void alloc_bh_with_the_flags_that_go_with_it_is_not_reported(void **state)
{
	static const unsigned int flags[] = { WQ_BH | WQ_PERCPU, WQ_BH | WQ_PERCPU | WQ_HIGHPRI };

	for (int i = 0; i < 2; i++) {
		struct workqueue_struct *wq = alloc_workqueue("bh", flags[i], 0);

		assert_non_null(wq);
		run_one_item_on(wq);
		destroy_workqueue(wq);
	}
	/* Warnings only: that a nice value is not permitted is worth a note. */
	assert_true(reports_are_well_formed());
	assert_int_equal(report_take(), 0);
}

static void set_max_active_of_bh_queue_is_reported_without_effect(void **state)
{
	struct workqueue_struct *wq = bh_queue();

	workqueue_set_max_active(wq, 5);
	assert_warned();
	run_one_item_on(wq);
	destroy_workqueue(wq);
}

static void set_min_active_of_bh_queue_is_reported_without_effect(void **state)
{
	struct workqueue_struct *wq = bh_queue();

	workqueue_set_min_active(wq, 5);
	assert_warned();
	run_one_item_on(wq);
	destroy_workqueue(wq);
}

static void apply_attrs_to_bh_queue_is_reported_and_einval(void **state)
{
	struct workqueue_attrs *attrs = alloc_workqueue_attrs();
	struct workqueue_struct *wq = bh_queue();

	assert_non_null(attrs);
	assert_int_equal(apply_workqueue_attrs(wq, attrs), -EINVAL);
	assert_warned();
	run_one_item_on(wq);
	free_workqueue_attrs(attrs);
	destroy_workqueue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(cancel_pending_bh_item_takes_it_back),
		api_test(cancel_sync_running_bh_item_waits_and_refuses_queueing),
		api_test(disable_bh_item_refuses_it_until_enabled),
		api_test(flush_work_waits_for_the_bh_item),
		api_test(flush_work_of_bh_item_taken_back_returns),
		api_test(flush_workqueue_waits_for_bh_items_queued_before),
		api_test(delayed_bh_item_is_never_early_and_runs_on_its_cpu),
		api_test(delayed_bh_item_armed_is_moved_flushed_and_taken_back),
		api_test(destroy_runs_pending_bh_items_first),
		api_test(bh_item_inside_queues_cancels_and_disables_as_others_do),
		api_test(cancel_sync_in_bh_item_waits_for_the_one_of_another_cpu),
		api_test(cancel_sync_in_bh_item_takes_pending_ones_back),
		api_test(drain_of_bh_queue_waits_and_the_queue_works_again),
		api_test(drain_counts_items_of_the_bh_queue_itself_as_outside),
		api_test(queue_work_in_signal_handler_runs_the_bh_item),
		api_test(system_bh_queues_run_items),
		api_test(alloc_bh_with_other_flags_is_reported_and_einval),
		api_test(alloc_bh_with_a_limit_is_reported_and_einval),
		api_test(alloc_bh_with_the_flags_that_go_with_it_is_not_reported),
		api_test(set_max_active_of_bh_queue_is_reported_without_effect),
		api_test(set_min_active_of_bh_queue_is_reported_without_effect),
		api_test(apply_attrs_to_bh_queue_is_reported_and_einval),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
