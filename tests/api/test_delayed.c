/* SPDX-License-Identifier: MIT */
/*
 * test_delayed.c - delayed items: guarantees I1 to I3, I5 and I6; how they are
 * made. I4 is in test_mod_delayed.c, A1 to A7 in test_delayed_pending.c.
 */
#include "support/api.h"
#include "support/delayed.h"

/* ----------------------------------------------------------------- I1, I2 */

/* A1 I2 */
static void queue_delayed_work_idle_item_runs_once_and_not_early(void **state)
{
	static const unsigned long delays[] = { 0, 1, SOON, 3 * SOON };

	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct delayed_item item;

		delayed_init(&item);
		for (int i = 0; i < 4; i++) {
			assert_true(delayed_arm(&item, wq, delays[i]));
			wait_until(delayed_runs(&item) == i + 1);
			assert_true(delayed_was_not_early(&item));
			flush_work(&item.dwork.work);
			assert_true(delayed_is_idle(&item));
		}
		destroy_workqueue(wq);
		assert_int_equal(delayed_runs(&item), 4);
	}
}

enum {
	PUNCTUAL = 256,
	LONGEST = 70, /* jiffies */
};

struct punctual {
	struct workqueue_struct *wq;
	struct delayed_item item[PUNCTUAL];
};

/* At all phases of a jiffy: the naps are not a whole number of them. */
static long arm_with_all_delays(void *arg)
{
	struct punctual *punctual = arg;

	for (int i = 0; i < PUNCTUAL; i++) {
		delayed_init(&punctual->item[i]);
		if (!delayed_arm(&punctual->item[i], punctual->wq, 1 + i % LONGEST))
			return -1;
		nap_us(37);
	}
	return 0;
}

/* I2 */
static void queue_delayed_work_by_several_threads_none_is_early(void **state)
{
	static const enum queue_kind kinds[] = { PERCPU, UNBOUND, ORDERED };
	static struct punctual punctual[3];
	struct call call[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		punctual[i].wq = queue_of_kind(kinds[i]);
		call_start(&call[i], arm_with_all_delays, &punctual[i]);
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(call_join(&call[i]), 0);
		for (int j = 0; j < PUNCTUAL; j++) {
			wait_until(delayed_runs(&punctual[i].item[j]) == 1);
			assert_true(delayed_was_not_early(&punctual[i].item[j]));
		}
		destroy_workqueue(punctual[i].wq);
	}
}

/* With a timer in between flush_work() would not see it. */
/* I1 */
static void queue_delayed_work_delay_zero_is_queued_at_once(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct delayed_item item;

		delayed_init(&item);
		for (int i = 1; i <= 100; i++) {
			assert_true(queue_delayed_work(wq, &item.dwork, 0));
			flush_work(&item.dwork.work);
			assert_int_equal(delayed_runs(&item), i);
		}
		destroy_workqueue(wq);
	}
}

/* I1 */
static void queue_delayed_work_delay_zero_keeps_the_order_of_queueing(void **state)
{
	struct delayed_item item[6];
	struct stuck_queue stuck;
	struct trail trail = { 0 };

	(void)state;
	stuck_queue_make(&stuck);
	for (int i = 0; i < 6; i++) {
		delayed_init(&item[i]);
		item[i].id = i;
		item[i].trail = &trail;
		if (i % 2)
			assert_true(queue_delayed_work(stuck.wq, &item[i].dwork, 0));
		else
			assert_true(queue_work(stuck.wq, &item[i].dwork.work));
	}
	stuck_queue_free(&stuck);
	assert_true(trail_is_ascending(&trail, 0, 6));
}

/* I2 */
static void queue_delayed_work_endless_delay_never_fires(void **state)
{
	static const unsigned long delays[] = {
		ULONG_MAX,        ULONG_MAX - 1, LONG_MAX + 1ul, LONG_MAX, MAX_JIFFY_OFFSET + 1,
		MAX_JIFFY_OFFSET, 1ul << 48u,    1ul << 32u
	};
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item endless[8], usual;

	(void)state;
	for (int i = 0; i < 8; i++) {
		delayed_init(&endless[i]);
		assert_true(queue_delayed_work(wq, &endless[i].dwork, delays[i]));
		assert_true(time_after(endless[i].dwork.timer.expires, jiffies));
	}
	delayed_init(&usual);
	assert_true(delayed_arm(&usual, wq, 2 * SOON));
	wait_until(delayed_runs(&usual));
	assert_true(delayed_was_not_early(&usual));
	for (int i = 0; i < 8; i++) {
		assert_true(delayed_is_pending(&endless[i]));
		assert_true(cancel_delayed_work_sync(&endless[i].dwork));
		assert_int_equal(delayed_runs(&endless[i]), 0);
	}
	destroy_workqueue(wq);
}

/* I2 */
static void queue_delayed_work_armed_tells_when_it_expires(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	unsigned long before = jiffies;
	struct delayed_item item;

	(void)state;
	delayed_init(&item);
	queue_delayed_work(wq, &item.dwork, FAR);
	assert_true(time_after_eq(item.dwork.timer.expires, before + FAR));
	assert_true(time_before_eq(item.dwork.timer.expires, jiffies + FAR + 1));
	assert_true(cancel_delayed_work(&item.dwork));
	destroy_workqueue(wq);
}

/* --------------------------------------------------------------------- I3 */

/* I3 A3 */
static void delayed_item_is_pending_until_its_function_begins(void **state)
{
	struct stuck_queue stuck;
	struct delayed_item item;
	struct gate go;

	(void)state;
	stuck_queue_make(&stuck);
	gate_init(&go);
	delayed_init_held(&item, &go);
	assert_true(delayed_is_idle(&item));
	assert_true(queue_delayed_work(stuck.wq, &item.dwork, SOON));
	do { /* armed, in transit, filed */
		assert_true(delayed_is_pending(&item));
		assert_true(work_pending(&item.dwork.work));
		assert_int_equal(work_busy(&item.dwork.work), WORK_BUSY_PENDING);
	} while (!stuck_queue_holds_items(&stuck));
	blocker_release(&stuck.blocker);
	wait_until(delayed_is_running(&item));
	assert_false(delayed_is_pending(&item));
	assert_int_equal(work_busy(&item.dwork.work), WORK_BUSY_RUNNING);
	assert_true(queue_delayed_work(stuck.wq, &item.dwork, FAR));
	assert_true(delayed_is_pending(&item));
	assert_int_equal(work_busy(&item.dwork.work), WORK_BUSY_RUNNING | WORK_BUSY_PENDING);
	assert_true(cancel_delayed_work(&item.dwork));
	delayed_release(&item);
	assert_true(delayed_is_idle(&item));
	destroy_workqueue(stuck.wq);
}

/* ----------------------------------------------------------------- I5, I6 */

/* I5 */
static void queue_delayed_work_on_cpu_runs_there(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);

	(void)state;
	for (unsigned long delay = 0; delay <= SOON; delay += SOON)
		for (int nth = 0; nth < nr_allowed_cpus(); nth++) {
			struct delayed_item item;

			delayed_init(&item);
			assert_true(
				queue_delayed_work_on(allowed_cpu(nth), wq, &item.dwork, delay));
			wait_until(delayed_runs(&item));
			assert_int_equal(atomic_load(&item.cpu), allowed_cpu(nth));
			flush_work(&item.dwork.work);
		}
	destroy_workqueue(wq);
}

struct errand {
	struct delayed_item item;
	struct workqueue_struct *wq;
	int from, to;
};

static long arm_from_there(void *arg)
{
	struct errand *errand = arg;

	pin_self(errand->from);
	return queue_delayed_work_on(errand->to, errand->wq, &errand->item.dwork, SOON);
}

/* I5: its timer is in the shard of the CPU that it was armed on. */
static void queue_delayed_work_armed_on_another_cpu_runs_where_it_was_sent(void **state)
{
	(void)state;
	need_cpus(2);
	for (int nth = 0; nth < 2; nth++) {
		struct errand errand = { .from = allowed_cpu(1 - nth), .to = allowed_cpu(nth) };
		struct call call;

		delayed_init(&errand.item);
		errand.wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
		call_start(&call, arm_from_there, &errand);
		assert_true(call_join(&call));
		wait_until(delayed_runs(&errand.item));
		assert_int_equal(atomic_load(&errand.item.cpu), errand.to);
		destroy_workqueue(errand.wq);
	}
}

static long arm_here(void *arg)
{
	struct delayed_item *item = arg;

	pin_self(item->id);
	return schedule_delayed_work(&item->dwork, SOON);
}

/* I5 */
static void queue_delayed_work_without_cpu_runs_on_the_callers(void **state)
{
	(void)state;
	for (int nth = 0; nth < nr_allowed_cpus(); nth++) {
		struct delayed_item item;
		struct call call;

		delayed_init(&item);
		item.id = allowed_cpu(nth);
		call_start(&call, arm_here, &item);
		assert_true(call_join(&call));
		wait_until(delayed_runs(&item));
		assert_int_equal(atomic_load(&item.cpu), allowed_cpu(nth));
		flush_work(&item.dwork.work);
	}
}

static void queue_delayed_work_on_a_cpu_that_is_not_there_runs_somewhere(void **state)
{
	static const int cpus[] = { 4095, 8191, -1, INT_MAX, INT_MIN };
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item[5];

	(void)state;
	for (int i = 0; i < 5; i++) {
		delayed_init(&item[i]);
		assert_true(queue_delayed_work_on(cpus[i], wq, &item[i].dwork, SOON));
	}
	for (int i = 0; i < 5; i++) {
		wait_until(delayed_runs(&item[i]));
		flush_work(&item[i].dwork.work);
	}
	destroy_workqueue(wq);
	report_take(); /* it may be told of */
}

/* The timer fires while it runs elsewhere: it never runs twice at once. */
/* B3 B4 */
static void queue_delayed_work_on_another_cpu_while_running_runs_after_it(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct meter meter = { 0 };
	struct delayed_item item, later;
	struct gate go;

	(void)state;
	need_cpus(2);
	gate_init(&go);
	delayed_init_held(&item, &go);
	delayed_init(&later);
	item.meter = &meter;
	queue_delayed_work_on(allowed_cpu(0), wq, &item.dwork, 0);
	wait_until(delayed_is_running(&item));
	assert_true(queue_delayed_work_on(allowed_cpu(1), wq, &item.dwork, 1));
	/* its timer has fired when that of one that is due later has */
	assert_true(queue_delayed_work_on(allowed_cpu(1), wq, &later.dwork, 2));
	wait_until(delayed_runs(&later));
	assert_not_yet(delayed_runs(&item) > 1);
	gate_open(&go);
	wait_until(delayed_runs(&item) == 2);
	destroy_workqueue(wq);
	assert_int_equal(atomic_load(&item.cpu), allowed_cpu(0));
	assert_int_equal(atomic_load(&meter.most), 1);
}

enum {
	CROWD = 64,
};

/* I6 */
static void delayed_items_due_at_once_all_run_one_at_a_time_if_ordered(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("ordered", 0);
	struct delayed_item item[CROWD];
	struct meter meter = { 0 };

	(void)state;
	for (int i = 0; i < CROWD; i++) {
		delayed_init(&item[i]);
		item[i].meter = &meter;
		assert_true(delayed_arm(&item[i], wq, SOON));
	}
	for (int i = 0; i < CROWD; i++) {
		wait_until(delayed_runs(&item[i]));
		assert_true(delayed_was_not_early(&item[i]));
	}
	destroy_workqueue(wq);
	assert_int_equal(atomic_load(&meter.most), 1);
}

/* ----------------------------------------------------------- how they are made */

static atomic_int static_runs;

static void count_static_run(struct work_struct *work)
{
	(void)work;
	atomic_fetch_add(&static_runs, 1);
}

static DECLARE_DELAYED_WORK(declared, count_static_run);
static DECLARE_DEFERRABLE_WORK(declared_deferrable, count_static_run);

static void declared_items_are_idle_and_ready(void **state)
{
	(void)state;
	assert_false(delayed_work_pending(&declared));
	assert_false(delayed_work_pending(&declared_deferrable));
	assert_true(schedule_delayed_work(&declared, 1));
	assert_true(schedule_delayed_work_on(allowed_cpu(0), &declared_deferrable, FAR));
	wait_until(atomic_load(&static_runs) == 1);
	assert_true(flush_delayed_work(&declared_deferrable));
	flush_delayed_work(&declared);
	assert_int_equal(atomic_load(&static_runs), 2);
	assert_int_equal(work_busy(&declared.work), 0);
	assert_int_equal(work_busy(&declared_deferrable.work), 0);
}

static void delayed_structs_have_the_promised_sizes(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct delayed_work), 88);
	assert_int_equal(sizeof(struct timer_list), 40);
}

static void delayed_items_on_stack_are_used_like_others(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_work usual, deferrable;

	(void)state;
	INIT_DELAYED_WORK_ONSTACK(&usual, count_static_run);
	INIT_DEFERRABLE_WORK_ONSTACK(&deferrable, count_static_run);
	assert_true(queue_delayed_work(wq, &usual, FAR));
	assert_true(queue_delayed_work(wq, &deferrable, FAR));
	assert_true(flush_delayed_work(&usual));
	assert_true(cancel_delayed_work_sync(&deferrable));
	destroy_delayed_work_on_stack(&usual);
	destroy_delayed_work_on_stack(&deferrable);
	destroy_workqueue(wq);
}

static void delayed_items_initialised_by_all_names_run(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		delayed_init(&item[i]);
	INIT_DEFERRABLE_WORK(&item[1].dwork, delayed_fn);
	INIT_DELAYED_WORK_DEFERRABLE(&item[2].dwork, delayed_fn);
	for (int i = 0; i < 3; i++) {
		assert_true(delayed_arm(&item[i], wq, 1));
		wait_until(delayed_runs(&item[i]));
		assert_true(delayed_was_not_early(&item[i]));
	}
	destroy_workqueue(wq);
}

/* What stands in the timer, called by hand. */
static void delayed_work_timer_fn_queues_an_armed_item_only(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct delayed_item item;

	(void)state;
	delayed_init(&item);
	assert_ptr_equal(item.dwork.timer.function, delayed_work_timer_fn);
	delayed_work_timer_fn(&item.dwork.timer);
	assert_true(delayed_is_idle(&item));
	assert_true(queue_delayed_work(wq, &item.dwork, FAR));
	delayed_work_timer_fn(&item.dwork.timer);
	flush_work(&item.dwork.work);
	assert_int_equal(delayed_runs(&item), 1);
	delayed_work_timer_fn(&item.dwork.timer);
	destroy_workqueue(wq);
	assert_int_equal(delayed_runs(&item), 1);
}

/* ------------------------------------------------------------ signal handlers */

static struct delayed_item *signalled;
static struct workqueue_struct *signalled_wq;
static volatile sig_atomic_t signal_answers;

static void arm_in_handler(int sig)
{
	(void)sig;
	signal_answers = queue_delayed_work(signalled_wq, &signalled->dwork, SOON) +
			 2 * queue_delayed_work(signalled_wq, &signalled->dwork, 0);
}

/* stress_delayed_signal.c interrupts calls of the library, too. */
static void queue_delayed_work_in_a_signal_handler_is_accepted_and_runs(void **state)
{
	struct delayed_item item;

	(void)state;
	delayed_init(&item);
	signalled = &item;
	signalled_wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	signal(SIGUSR1, arm_in_handler);
	item.due_ns = now_ns() + SOON * JIFFY_NS;
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_DFL);
	assert_int_equal(signal_answers & 1, 1);
	wait_until(delayed_runs(&item));
	assert_true(delayed_was_not_early(&item) || signal_answers & 2);
	destroy_workqueue(signalled_wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(queue_delayed_work_idle_item_runs_once_and_not_early),
		api_test(queue_delayed_work_by_several_threads_none_is_early),
		api_test(queue_delayed_work_delay_zero_is_queued_at_once),
		api_test(queue_delayed_work_delay_zero_keeps_the_order_of_queueing),
		api_test(queue_delayed_work_endless_delay_never_fires),
		api_test(queue_delayed_work_armed_tells_when_it_expires),
		api_test(delayed_item_is_pending_until_its_function_begins),
		api_test(queue_delayed_work_on_cpu_runs_there),
		api_test(queue_delayed_work_armed_on_another_cpu_runs_where_it_was_sent),
		api_test(queue_delayed_work_without_cpu_runs_on_the_callers),
		api_test(queue_delayed_work_on_a_cpu_that_is_not_there_runs_somewhere),
		api_test(queue_delayed_work_on_another_cpu_while_running_runs_after_it),
		api_test(delayed_items_due_at_once_all_run_one_at_a_time_if_ordered),
		api_test(declared_items_are_idle_and_ready),
		api_test(delayed_structs_have_the_promised_sizes),
		api_test(delayed_items_on_stack_are_used_like_others),
		api_test(delayed_items_initialised_by_all_names_run),
		api_test(delayed_work_timer_fn_queues_an_armed_item_only),
		api_test(queue_delayed_work_in_a_signal_handler_is_accepted_and_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
