/* SPDX-License-Identifier: MIT */
/*
 * test_kthread_delayed.c - kthread_delayed_works: queue, mod, flush, cancel, and what becomes of
 * armed ones when their worker is destroyed. Each test has a process of its own, since a kind of
 * misuse may be reported once.
 */
#include "support/api.h"
#include "support/delayed.h"
#include "support/kwork.h"

static bool cancel(struct kwork *kwork)
{
	return kthread_cancel_delayed_work_sync(&kwork->dwork);
}

/* ------------------------------------------------------------------------ queue */

static void queue_delayed_work_runs_not_before_its_delay(void **state)
{
	static const unsigned long delays[] = { 1, 2, SOON, 20 };
	struct kthread_worker *worker = kworker("delay");
	struct kwork kwork;

	(void)state;
	kwork_init(&kwork);
	for (int i = 0; i < 4; i++) {
		long long due_ns = now_ns() + (long long)delays[i] * JIFFY_NS;

		assert_true(kthread_queue_delayed_work(worker, &kwork.dwork, delays[i]));
		wait_until(kwork_runs(&kwork) == i + 1);
		assert_true(atomic_load(&kwork.started_ns) >= due_ns);
	}
	kthread_destroy_worker(worker);
	assert_int_equal(kwork_runs(&kwork), 4);
}

static void queue_delayed_work_pending_is_false_and_changes_nothing(void **state)
{
	struct kthread_worker *worker = kworker("pending");
	struct kwork kwork;

	(void)state;
	kwork_init(&kwork);
	assert_true(kthread_queue_delayed_work(worker, &kwork.dwork, KFAR));
	assert_false(kthread_queue_delayed_work(worker, &kwork.dwork, 0));
	assert_false(kthread_queue_delayed_work(worker, &kwork.dwork, 1));
	assert_false(kthread_queue_work(worker, kwork_work(&kwork)));
	kthread_flush_worker(worker);
	assert_not_yet(kwork_runs(&kwork));
	assert_true(cancel(&kwork));
	assert_false(cancel(&kwork));
	kthread_destroy_worker(worker);
}

static void queue_delayed_work_without_delay_is_queued_in_order(void **state)
{
	struct kthread_worker *worker = kworker("now");
	static struct trail trail;
	struct kwork first, kwork[3];
	struct gate go;

	(void)state;
	kwork_run_until_released(worker, &first, &go);
	for (int i = 0; i < 3; i++) {
		kwork_init(&kwork[i]);
		kwork[i].id = i;
		kwork[i].trail = &trail;
		assert_true(i % 2 ? kthread_queue_work(worker, kwork_work(&kwork[i])) :
				    kthread_queue_delayed_work(worker, &kwork[i].dwork, 0));
	}
	kwork_release(&first);
	kthread_destroy_worker(worker);
	assert_true(trail_is_ascending(&trail, 0, 3));
}

static void delays_beyond_all_bounds_are_far_away(void **state)
{
	static const unsigned long delays[] = { LONG_MAX, ULONG_MAX, MAX_JIFFY_OFFSET };
	struct kthread_worker *worker = kworker("far");
	struct kwork kwork;

	(void)state;
	kwork_init(&kwork);
	for (int i = 0; i < 3; i++) {
		assert_true(kthread_queue_delayed_work(worker, &kwork.dwork, delays[i]));
		assert_true(kthread_mod_delayed_work(worker, &kwork.dwork, delays[i]));
		assert_not_yet(kwork_runs(&kwork));
		assert_true(cancel(&kwork));
	}
	kthread_destroy_worker(worker);
}

static atomic_int static_runs;

static void count_static_run(struct kthread_work *work)
{
	(void)work;
	atomic_fetch_add(&static_runs, 1);
}

static DEFINE_KTHREAD_DELAYED_WORK(static_work, count_static_run);

static void static_delayed_work_is_ready_for_use(void **state)
{
	struct kthread_worker *worker = kworker("static");

	(void)state;
	kthread_flush_work(&static_work.work);
	assert_true(kthread_queue_delayed_work(worker, &static_work, 1));
	wait_until(atomic_load(&static_runs));
	kthread_destroy_worker(worker);
}

/* -------------------------------------------------------------------------- mod */

static void mod_delayed_work_idle_is_false_and_arms(void **state)
{
	struct kthread_worker *worker = kworker("mod");
	struct kwork kwork;

	(void)state;
	kwork_init(&kwork);
	assert_false(kthread_mod_delayed_work(worker, &kwork.dwork, 1));
	wait_until(kwork_runs(&kwork) == 1);
	kthread_flush_work(kwork_work(&kwork));
	assert_false(kthread_mod_delayed_work(worker, &kwork.dwork, 0));
	kthread_destroy_worker(worker);
	assert_int_equal(kwork_runs(&kwork), 2);
}

static void mod_delayed_work_armed_is_true_and_moves_it(void **state)
{
	struct kthread_worker *worker = kworker("mod");
	struct kwork kwork;

	(void)state;
	kwork_init(&kwork);
	for (int i = 1; i <= 20; i++) {
		assert_true(kthread_queue_delayed_work(worker, &kwork.dwork, KFAR));
		assert_true(kthread_mod_delayed_work(worker, &kwork.dwork, KFAR / 2));
		assert_true(kthread_mod_delayed_work(worker, &kwork.dwork, i % 3));
		wait_until(kwork_runs(&kwork) == i);
		kthread_flush_work(kwork_work(&kwork));
	}
	kthread_destroy_worker(worker);
}

static void mod_delayed_work_queued_is_true_and_takes_it_off(void **state)
{
	struct kthread_worker *worker = kworker("mod");
	struct kwork first, kwork;
	struct call call;
	struct gate go;

	(void)state;
	kwork_run_until_released(worker, &first, &go);
	kwork_init(&kwork);
	kthread_queue_work(worker, kwork_work(&kwork));
	call_start(&call, do_kthread_flush_work, kwork_work(&kwork));
	assert_true(call_blocks(&call));
	assert_true(kthread_mod_delayed_work(worker, &kwork.dwork, KFAR));
	call_join(&call);
	kwork_release(&first);
	kthread_flush_worker(worker);
	assert_int_equal(kwork_runs(&kwork), 0);
	assert_true(kthread_mod_delayed_work(worker, &kwork.dwork, 0));
	kthread_destroy_worker(worker);
	assert_int_equal(kwork_runs(&kwork), 1);
}

static void mod_delayed_work_running_is_false_and_runs_again(void **state)
{
	struct kthread_worker *worker = kworker("mod");
	struct kwork kwork;
	struct gate go;

	(void)state;
	kwork_run_until_released(worker, &kwork, &go);
	assert_false(kthread_mod_delayed_work(worker, &kwork.dwork, 1));
	assert_true(kthread_mod_delayed_work(worker, &kwork.dwork, 2));
	gate_open(&go);
	wait_until(kwork_runs(&kwork) == 2);
	kthread_destroy_worker(worker);
}

/* The callback as it may come, late, when the timer has been armed anew since it fired. */
static void late_callback_leaves_a_work_that_is_armed_anew(void **state)
{
	struct kthread_worker *worker = kworker("late");
	struct kwork kwork;

	(void)state;
	kwork_init(&kwork);
	kthread_queue_delayed_work(worker, &kwork.dwork, KFAR);
	kthread_delayed_work_timer_fn(&kwork.dwork.timer);
	kthread_flush_worker(worker);
	assert_int_equal(kwork_runs(&kwork), 0);
	assert_true(cancel(&kwork));
	kthread_delayed_work_timer_fn(&kwork.dwork.timer);
	kthread_destroy_worker(worker);
	assert_int_equal(kwork_runs(&kwork), 0);
}

/* Also when the timer's callback is under way: it must not queue what was put off. */
static void mod_delayed_work_while_the_timer_fires_puts_it_off(void **state)
{
	struct kthread_worker *worker = kworker("mod");
	struct kwork kwork;
	int runs = 0;

	(void)state;
	kwork_init(&kwork);
	for (int i = 0; i < 600; i++) {
		/* the timer's jiffy is over then; callers get to it at any time after that */
		long long look_ns = (long long)(jiffies + 2) * JIFFY_NS + i % 200 * 1000;

		assert_true(kthread_queue_delayed_work(worker, &kwork.dwork, 1));
		while (now_ns() < look_ns)
			;
		if (!kthread_mod_delayed_work(worker, &kwork.dwork, KFAR))
			runs++;
		kthread_flush_worker(worker);
		assert_int_equal(kwork_runs(&kwork), runs);
		assert_true(cancel(&kwork));
	}
	kthread_destroy_worker(worker);
}

/* --------------------------------------------------------------- flush and cancel */

static void flush_work_armed_returns_at_once(void **state)
{
	struct kthread_worker *worker = kworker("flush");
	struct kwork kwork;

	(void)state;
	kwork_init(&kwork);
	kthread_queue_delayed_work(worker, &kwork.dwork, KFAR);
	kthread_flush_work(kwork_work(&kwork));
	assert_int_equal(kwork_runs(&kwork), 0);
	assert_true(cancel(&kwork));
	kthread_destroy_worker(worker);
}

static void flush_work_armed_and_running_waits_for_the_run(void **state)
{
	struct kthread_worker *worker = kworker("flush");
	struct kwork kwork;
	struct call call;
	struct gate go;

	(void)state;
	kwork_run_until_released(worker, &kwork, &go);
	kthread_queue_delayed_work(worker, &kwork.dwork, KFAR);
	call_start(&call, do_kthread_flush_work, kwork_work(&kwork));
	assert_true(call_blocks(&call));
	gate_open(&go);
	call_join(&call);
	assert_true(cancel(&kwork));
	kthread_destroy_worker(worker);
	assert_int_equal(kwork_runs(&kwork), 1);
}

/* Also by the call for plain works. */
static void cancel_armed_is_true_and_it_never_runs(void **state)
{
	struct kthread_worker *worker = kworker("cancel");
	struct kwork kwork;
	int runs = 0;

	(void)state;
	kwork_init(&kwork);
	assert_false(cancel(&kwork));
	for (int i = 0; i < 200; i++) {
		assert_true(kthread_queue_delayed_work(worker, &kwork.dwork, 1));
		if (i % 4 == 0)
			nap_us(900);
		if (!(i % 2 ? cancel(&kwork) : kthread_cancel_work_sync(kwork_work(&kwork))))
			runs++;
		assert_int_equal(kwork_runs(&kwork), runs);
		assert_int_equal(atomic_load(&kwork.finished), runs);
	}
	kthread_destroy_worker(worker);
	assert_int_equal(kwork_runs(&kwork), runs);
}

static void cancel_running_and_armed_waits_and_is_true(void **state)
{
	struct kthread_worker *worker = kworker("cancel");
	struct kwork kwork;
	struct call call;
	struct gate go;

	(void)state;
	kwork_run_until_released(worker, &kwork, &go);
	kthread_queue_delayed_work(worker, &kwork.dwork, KFAR);
	call_start(&call, do_kthread_cancel_delayed_work_sync, &kwork.dwork);
	assert_true(call_blocks(&call));
	gate_open(&go);
	assert_int_equal(call_join(&call), 1);
	kthread_destroy_worker(worker);
}

struct periodic {
	struct kthread_delayed_work dwork;
	struct kthread_worker *worker;
	atomic_int runs;
};

static void arm_itself(struct kthread_work *work)
{
	struct periodic *periodic = container_of(work, struct periodic, dwork.work);
	int runs = atomic_fetch_add(&periodic->runs, 1);

	kthread_queue_delayed_work(periodic->worker, &periodic->dwork, runs % 2);
}

static void cancel_stops_one_that_arms_itself(void **state)
{
	struct periodic periodic = { .worker = kworker("periodic") };

	(void)state;
	kthread_init_delayed_work(&periodic.dwork, arm_itself);
	for (int i = 0; i < 20; i++) {
		int runs = atomic_load(&periodic.runs);

		assert_true(kthread_queue_delayed_work(periodic.worker, &periodic.dwork, 1));
		wait_until(atomic_load(&periodic.runs) > runs + 3);
		kthread_cancel_delayed_work_sync(&periodic.dwork);
		runs = atomic_load(&periodic.runs);
		nap_us(1500);
		kthread_flush_worker(periodic.worker);
		assert_int_equal(atomic_load(&periodic.runs), runs);
	}
	kthread_destroy_worker(periodic.worker);
}

struct mortal {
	struct kthread_delayed_work dwork;
	atomic_int *deaths;
};

static void free_itself(struct kthread_work *work)
{
	struct mortal *mortal = container_of(work, struct mortal, dwork.work);
	atomic_int *deaths = mortal->deaths;

	memset(mortal, 0xa5, sizeof(*mortal));
	free(mortal);
	atomic_fetch_add(deaths, 1);
}

/* Nobody may touch it any more, however it came to run: the timer's callback least of all. */
static void function_may_free_its_delayed_work(void **state)
{
	struct kthread_worker *worker = kworker("free");
	atomic_int deaths = 0;

	(void)state;
	for (int i = 0; i < 400; i++) {
		struct mortal *mortal = malloc(sizeof(*mortal));

		assert_non_null(mortal);
		mortal->deaths = &deaths;
		kthread_init_delayed_work(&mortal->dwork, free_itself);
		kthread_queue_delayed_work(worker, &mortal->dwork, i % 2 ? KFAR : i % 5);
		if (i % 2)
			kthread_mod_delayed_work(worker, &mortal->dwork, i % 4 / 2);
	}
	wait_until(atomic_load(&deaths) == 400);
	kthread_destroy_worker(worker);
}

/* ----------------------------------------------------------------------- misuse */

static void destroy_worker_with_armed_works_reports_and_disarms(void **state)
{
	struct kthread_worker *worker = kworker("armed"), *other = kworker("other");
	struct kwork kwork[5];

	(void)state;
	for (int i = 0; i < 5; i++) {
		kwork_init(&kwork[i]);
		kthread_queue_delayed_work(worker, &kwork[i].dwork, KFAR);
	}
	kthread_destroy_worker(worker);
	assert_reported(1);
	for (int i = 0; i < 5; i++) {
		assert_false(timer_pending(&kwork[i].dwork.timer));
		kthread_init_delayed_work(&kwork[i].dwork, kwork_fn);
		assert_true(kthread_queue_delayed_work(other, &kwork[i].dwork, i % 2));
		wait_until(kwork_runs(&kwork[i]) == 1);
	}
	kthread_destroy_worker(other);
}

static void destroy_worker_while_timers_fire_loses_none_silently(void **state)
{
	enum { ROUNDS = 100 };

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct kthread_worker *worker = kworker("firing");
		struct kwork kwork;

		kwork_init(&kwork);
		kthread_queue_delayed_work(worker, &kwork.dwork, 1);
		nap_us(i * 20);
		kthread_destroy_worker(worker);
		assert_int_equal(kwork_runs(&kwork) + report_take(), 1);
	}
}

static void delayed_work_on_a_second_worker_is_reported_and_runs(void **state)
{
	struct kthread_worker *one = kworker("one"), *two = kworker("two");
	struct kwork kwork;

	(void)state;
	kwork_init(&kwork);
	assert_true(kthread_queue_delayed_work(one, &kwork.dwork, 1));
	wait_until(kwork_runs(&kwork) == 1);
	kthread_flush_worker(one);
	assert_true(kthread_queue_delayed_work(two, &kwork.dwork, 1));
	assert_warned();
	wait_until(kwork_runs(&kwork) == 2);
	kthread_flush_worker(two);
	assert_false(kthread_mod_delayed_work(one, &kwork.dwork, 1));
	assert_warned();
	wait_until(kwork_runs(&kwork) == 3);
	kthread_destroy_worker(one);
	kthread_destroy_worker(two);
}

static void delayed_work_not_initialised_is_reported_and_refused(void **state)
{
	struct kthread_worker *worker = kworker("zeroed");
	struct kthread_delayed_work zeroed, half;
	struct kthread_delayed_work *volatile no_work = NULL;

	(void)state;
	memset(&zeroed, 0, sizeof(zeroed));
	memset(&half, 0, sizeof(half));
	kthread_init_work(&half.work, kwork_fn);
	assert_false(kthread_queue_delayed_work(worker, &zeroed, 1));
	assert_warned();
	assert_false(kthread_queue_delayed_work(worker, &half, 1));
	assert_warned();
	assert_false(kthread_mod_delayed_work(worker, &half, 0));
	assert_warned();
	assert_false(kthread_queue_delayed_work(worker, no_work, 1));
	assert_warned();
	assert_false(kthread_cancel_delayed_work_sync(no_work));
	kthread_destroy_worker(worker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(queue_delayed_work_runs_not_before_its_delay),
		api_test(queue_delayed_work_pending_is_false_and_changes_nothing),
		api_test(queue_delayed_work_without_delay_is_queued_in_order),
		api_test(delays_beyond_all_bounds_are_far_away),
		api_test(static_delayed_work_is_ready_for_use),
		api_test(mod_delayed_work_idle_is_false_and_arms),
		api_test(mod_delayed_work_armed_is_true_and_moves_it),
		api_test(mod_delayed_work_queued_is_true_and_takes_it_off),
		api_test(mod_delayed_work_running_is_false_and_runs_again),
		api_test(late_callback_leaves_a_work_that_is_armed_anew),
		api_test(mod_delayed_work_while_the_timer_fires_puts_it_off),
		api_test(flush_work_armed_returns_at_once),
		api_test(flush_work_armed_and_running_waits_for_the_run),
		api_test(cancel_armed_is_true_and_it_never_runs),
		api_test(cancel_running_and_armed_waits_and_is_true),
		api_test(cancel_stops_one_that_arms_itself),
		api_test(function_may_free_its_delayed_work),
		api_test(destroy_worker_with_armed_works_reports_and_disarms),
		api_test(destroy_worker_while_timers_fire_loses_none_silently),
		api_test(delayed_work_on_a_second_worker_is_reported_and_runs),
		api_test(delayed_work_not_initialised_is_reported_and_refused),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
