/* SPDX-License-Identifier: MIT */
/*
 * test_fork_defer.c - who queues while another thread forks does not wait for it (U8).
 */
#include "support/api.h"
#include "support/child.h"
#include "support/copied.h"
#include "support/must.h"

static struct workqueue_struct *wq;
static struct item item;
static struct delayed_item armed;

/* ------------------------------------------------- a fork, and who acts meanwhile */

static struct gate copying, acted;
static void (*act)(void);

static void wait_for_act(void)
{
	gate_open(&copying);
	gate_wait(&acted);
}

static long act_while_copied(void *unused)
{
	(void)unused;
	gate_wait(&copying);
	act();
	gate_open(&acted);
	return 0;
}

/* Another thread does @meanwhile while the process is copied; then the child does @fn. */
static bool fork_and_act(void (*meanwhile)(void), void (*fn)(void))
{
	struct call call;
	bool is_well;

	act = meanwhile;
	gate_init(&copying);
	gate_init(&acted);
	call_start(&call, act_while_copied, NULL);
	while_copied = wait_for_act;
	is_well = child_does(fn);
	call_join(&call);
	return is_well;
}

static void do_nothing(void)
{
}

/* --------------------------------------------------------------------- items */

static void queue_item(void)
{
	must(queue_work(wq, &item.work));
	must(work_pending(&item.work));
	must(!queue_work(wq, &item.work));
}

static void use_item(void)
{
	child_uses_item(wq, &item);
}

/* U8, U2 */
static void queued_while_copied_runs_in_the_parent_alone(void **state)
{
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		wq = queue_of_kind(kind);
		item_init(&item);
		assert_true(fork_and_act(queue_item, use_item));
		flush_work(&item.work);
		assert_int_equal(item_runs(&item), 1);
		/* as good as any */
		run_one_item_on(wq);
		assert_true(queue_work(wq, &item.work));
		flush_workqueue(wq);
		assert_int_equal(item_runs(&item), 2);
		destroy_workqueue(wq);
	}
}

static void use_delayed(void)
{
	child_uses_delayed(wq, &armed);
}

static void arm_soon(void)
{
	must(queue_delayed_work(wq, &armed.dwork, SOON));
	must(delayed_work_pending(&armed.dwork));
	must(!queue_delayed_work(wq, &armed.dwork, SOON));
}

/* U8, U2, I2 */
static void armed_while_copied_fires_in_the_parent_alone(void **state)
{
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		long long due;

		wq = queue_of_kind(kind);
		delayed_init(&armed);
		due = delayed_due_ns(SOON);
		assert_true(fork_and_act(arm_soon, use_delayed));
		wait_until(delayed_runs(&armed) == 1);
		assert_true(atomic_load(&armed.started_ns) >= due);
		destroy_workqueue(wq);
	}
}

static void arm_far(void)
{
	must(queue_delayed_work_on(allowed_cpu(0), wq, &armed.dwork, FAR));
}

/* U8 */
static void armed_while_copied_is_armed_afterwards(void **state)
{
	wq = alloc_workqueue("armed", WQ_UNBOUND, 0);
	delayed_init(&armed);
	assert_true(fork_and_act(arm_far, use_delayed));
	assert_true(mod_delayed_work(wq, &armed.dwork, FAR));
	assert_true(cancel_delayed_work(&armed.dwork));
	assert_true(fork_and_act(arm_far, use_delayed));
	assert_true(flush_delayed_work(&armed.dwork));
	assert_int_equal(delayed_runs(&armed), 1);
	destroy_workqueue(wq);
}

static void queue_with_delay_0(void)
{
	must(queue_delayed_work(wq, &armed.dwork, 0));
}

/* U8 */
static void delay_0_while_copied_queues(void **state)
{
	wq = alloc_workqueue("at once", WQ_PERCPU, 0);
	delayed_init(&armed);
	assert_true(fork_and_act(queue_with_delay_0, use_delayed));
	assert_true(!flush_delayed_work(&armed.dwork) || delayed_runs(&armed) == 1);
	assert_int_equal(delayed_runs(&armed), 1);
	destroy_workqueue(wq);
}

enum {
	MANY = 100,
};

static struct item many[MANY];
static struct trail trail;

static void begin_many(void)
{
	trail.len = 0;
	for (int i = 0; i < MANY; i++) {
		item_init(&many[i]);
		many[i].id = i;
		many[i].trail = &trail;
	}
}

static void queue_half(int first)
{
	for (int i = first; i < first + MANY / 2; i++)
		must(queue_work(wq, &many[i].work));
}

static void queue_first_half(void)
{
	queue_half(0);
}

static void use_many(void)
{
	trail.len = 0;
	for (int i = 0; i < MANY; i++)
		child_uses_item(wq, &many[i]);
}

/* U8, B9 */
static void queued_while_copied_runs_in_order(void **state)
{
	wq = alloc_ordered_workqueue("order", 0);
	begin_many();
	assert_true(fork_and_act(queue_first_half, use_many));
	queue_half(MANY / 2);
	flush_workqueue(wq);
	assert_true(trail_is_ascending(&trail, 0, MANY));
	destroy_workqueue(wq);
}

static void act_then_queue(void)
{
	wait_for_act();
	queue_half(MANY / 2);
}

/* In a handler of the program's that comes after the library's. */
/* U8, B9 */
static void who_forks_does_not_overtake_what_others_queued(void **state)
{
	struct call call;

	wq = alloc_ordered_workqueue("order", 0);
	begin_many();
	act = queue_first_half;
	gate_init(&copying);
	gate_init(&acted);
	call_start(&call, act_while_copied, NULL);
	while_copied = act_then_queue;
	assert_true(child_does(use_many));
	call_join(&call);
	flush_workqueue(wq);
	assert_true(trail_is_ascending(&trail, 0, MANY));
	destroy_workqueue(wq);
}

static int named_cpu;

static void queue_on_named_cpu(void)
{
	pin_self(allowed_cpu(0));
	must(queue_work_on(named_cpu, wq, &item.work));
}

/* Who forks is elsewhere. */
static long fork_on_another_cpu(void *unused)
{
	(void)unused;
	pin_self(allowed_cpu(1));
	return fork_and_act(queue_on_named_cpu, use_item);
}

static int cpu_when_queued_on(int cpu)
{
	struct call call;

	item_init(&item);
	named_cpu = cpu;
	call_start(&call, fork_on_another_cpu, NULL);
	assert_true(call_join(&call));
	flush_work(&item.work);
	assert_int_equal(item_runs(&item), 1);
	return atomic_load(&item.cpu);
}

/* U8, O1 */
static void queued_while_copied_runs_where_it_should(void **state)
{
	need_cpus(2);
	wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	assert_int_equal(cpu_when_queued_on(allowed_cpu(1)), allowed_cpu(1));
	assert_int_equal(cpu_when_queued_on(allowed_cpu(0)), allowed_cpu(0));
	assert_int_equal(cpu_when_queued_on(WORK_CPU_UNBOUND), allowed_cpu(0));
	/* there is none: anywhere */
	cpu_when_queued_on(1 << 20);
	cpu_when_queued_on(-1);
	destroy_workqueue(wq);
}

/* ---------------------------------------------------- what must not be queued */

static void queue_disabled(void)
{
	must(!queue_work(wq, &item.work));
	must(!queue_delayed_work(wq, &armed.dwork, SOON));
}

static void use_disabled(void)
{
	child_must(!queue_work(wq, &item.work));
	child_must(enable_work(&item.work));
	child_must(!enable_delayed_work(&armed.dwork));
	child_must(enable_delayed_work(&armed.dwork));
	use_item();
	use_delayed();
}

/* U8, H1 */
static void disabled_item_is_not_queued_while_copied(void **state)
{
	wq = alloc_workqueue("disabled", WQ_PERCPU, 0);
	item_init(&item);
	delayed_init(&armed);
	disable_work(&item.work);
	disable_delayed_work(&armed.dwork);
	disable_delayed_work(&armed.dwork);
	assert_true(fork_and_act(queue_disabled, use_disabled));
	assert_true(enable_work(&item.work));
	assert_false(enable_delayed_work(&armed.dwork));
	assert_true(enable_delayed_work(&armed.dwork));
	run_one_item_on(wq);
	assert_int_equal(item_runs(&item) + delayed_runs(&armed), 0);
	destroy_workqueue(wq);
}

static struct work_struct uninitialised;
static struct delayed_work without_timer;

static void queue_uninitialised(void)
{
	must(queue_work(wq, &uninitialised));
	must(queue_delayed_work(wq, &without_timer, SOON));
}

/* U8, A8 */
static void item_never_initialised_is_refused_while_copied(void **state)
{
	wq = alloc_workqueue("refused", WQ_PERCPU, 0);
	assert_true(fork_and_act(queue_uninitialised, do_nothing));
	assert_warned();
	assert_false(work_pending(&uninitialised));
	assert_false(delayed_work_pending(&without_timer));
	destroy_workqueue(wq);
}

static struct blocker blocker;

static void queue_refused(void)
{
	must(queue_work(wq, &item.work));
	must(!work_pending(&item.work));
}

/* U8, F1 */
static void draining_queue_refuses_from_outside_while_copied(void **state)
{
	struct call drain;

	wq = alloc_workqueue("drained", WQ_PERCPU, 0);
	item_init(&item);
	blocker_start(&blocker, wq);
	call_start(&drain, do_drain_workqueue, wq);
	assert_true(call_blocks(&drain));
	assert_true(fork_and_act(queue_refused, do_nothing));
	blocker_release(&blocker);
	call_join(&drain);
	assert_warned();
	assert_int_equal(item_runs(&item), 0);
	destroy_workqueue(wq);
}

/* In the queue's own item. */
static void chain_fn(struct work_struct *work)
{
	(void)work;
	act_while_copied(NULL);
}

/* U8, F1, F2 */
static void drain_follows_what_its_items_queue_while_copied(void **state)
{
	struct work_struct chain;
	struct call drain;

	wq = alloc_workqueue("drained", WQ_PERCPU, 0);
	item_init(&item);
	INIT_WORK_ONSTACK(&chain, chain_fn);
	act = queue_item;
	gate_init(&copying);
	gate_init(&acted);
	assert_true(queue_work(wq, &chain));
	call_start(&drain, do_drain_workqueue, wq);
	assert_true(call_blocks(&drain));
	while_copied = wait_for_act;
	assert_true(child_does(use_item));
	call_join(&drain);
	assert_int_equal(item_runs(&item), 1);
	destroy_workqueue(wq);
	destroy_work_on_stack(&chain);
}

/* ------------------------------------------------------------ who waits for it */

static long (*wait_fn)(void *arg);
static void *wait_arg;
static struct call waiter;

static struct gate may_wait;
static atomic_bool is_about_to_wait;

static long wait_when_told(void *unused)
{
	(void)unused;
	gate_wait(&may_wait);
	atomic_store(&is_about_to_wait, true);
	return wait_fn(wait_arg);
}

/* The copying goes on for so long that he who does not wait is back. */
static void queue_and_have_it_waited_for(void)
{
	queue_item();
	gate_open(&may_wait);
	wait_until(atomic_load(&is_about_to_wait));
	must(call_blocks(&waiter));
}

static long expect_waited_for(long (*fn)(void *arg), void *arg)
{
	item_init(&item);
	gate_init(&may_wait);
	atomic_store(&is_about_to_wait, false);
	wait_fn = fn;
	wait_arg = arg;
	call_start(&waiter, wait_when_told, NULL);
	assert_true(fork_and_act(queue_and_have_it_waited_for, use_item));
	return call_join(&waiter);
}

/* U8, D1, E1 */
static void flush_waits_for_what_was_queued_while_copied(void **state)
{
	wq = alloc_workqueue("flushed", WQ_PERCPU, 0);
	assert_true(expect_waited_for(do_flush_work, &item.work) || item_runs(&item));
	assert_int_equal(item_runs(&item), 1);
	expect_waited_for(do_flush_workqueue, wq);
	assert_int_equal(item_runs(&item), 1);
	expect_waited_for(do_drain_workqueue, wq);
	assert_int_equal(item_runs(&item), 1);
	destroy_workqueue(wq);
}

/* U8, G1 */
static void cancel_takes_back_what_was_queued_while_copied(void **state)
{
	wq = alloc_ordered_workqueue("cancelled", 0);
	blocker_start(&blocker, wq);
	assert_true(expect_waited_for(do_cancel_work_sync, &item.work));
	assert_true(expect_waited_for(do_disable_work_sync, &item.work));
	assert_true(enable_work(&item.work));
	blocker_release(&blocker);
	flush_workqueue(wq);
	assert_int_equal(item_runs(&item), 0);
	destroy_workqueue(wq);
}

/* ------------------------------------------------------------------- handlers */

static pthread_mutex_t mallocs = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool is_locked, is_queued;

static void queue_in_handler(int sig)
{
	(void)sig;
	queue_work(wq, &item.work);
	queue_delayed_work(wq, &armed.dwork, SOON);
	atomic_store(&is_queued, true);
}

/* Interrupted while it holds what fork() needs, when nobody can queue. */
static long allocate(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&mallocs);
	atomic_store(&is_locked, true);
	gate_wait(&copying);
	pthread_kill(pthread_self(), SIGUSR1);
	pthread_mutex_unlock(&mallocs);
	return 0;
}

static void lock_for_fork(void)
{
	gate_open(&copying);
	pthread_mutex_lock(&mallocs);
	pthread_mutex_unlock(&mallocs);
}

/* U8 */
static void handler_that_interrupts_malloc_does_not_hold_up_fork(void **state)
{
	struct sigaction action = { .sa_handler = queue_in_handler };
	struct call allocator;

	wq = alloc_workqueue("handler", WQ_PERCPU, 0);
	item_init(&item);
	delayed_init(&armed);
	gate_init(&copying);
	sigaction(SIGUSR1, &action, NULL);
	call_start(&allocator, allocate, NULL);
	wait_until(atomic_load(&is_locked));
	while_copied = lock_for_fork;
	assert_true(child_does(use_item));
	call_join(&allocator);
	assert_true(atomic_load(&is_queued));
	flush_work(&item.work);
	wait_until(delayed_runs(&armed) == 1);
	assert_int_equal(item_runs(&item), 1);
	signal(SIGUSR1, SIG_DFL);
	destroy_workqueue(wq);
}

/* ------------------------------------------------------------------- children */

static void queue_and_arm(void)
{
	queue_item();
	must(queue_delayed_work(wq, &armed.dwork, FAR));
}

static void queue_first(void)
{
	child_must(queue_work(wq, &item.work));
	child_must(queue_delayed_work(wq, &armed.dwork, FAR));
	child_must(flush_delayed_work(&armed.dwork));
	flush_work(&item.work);
	child_must(item_runs(&item) == 1 && delayed_runs(&armed) == 1);
}

static void modify_first(void)
{
	child_must(!mod_delayed_work(wq, &armed.dwork, FAR));
	child_must(flush_delayed_work(&armed.dwork));
	use_delayed();
}

static void flush_first(void)
{
	child_must(!flush_work(&item.work));
	child_must(!flush_delayed_work(&armed.dwork));
	use_item();
	use_delayed();
}

static void cancel_first(void)
{
	child_must(!cancel_work(&item.work));
	child_must(!cancel_delayed_work(&armed.dwork));
	use_item();
	use_delayed();
}

static void disable_first(void)
{
	child_must(!disable_work_sync(&item.work));
	child_must(!queue_work(wq, &item.work));
	child_must(enable_work(&item.work));
	child_must(!disable_delayed_work(&armed.dwork));
	child_must(!queue_delayed_work(wq, &armed.dwork, 1));
	child_must(enable_delayed_work(&armed.dwork));
	use_item();
	use_delayed();
}

static void look_first(void)
{
	child_must(!work_busy(&item.work) && !work_busy(&armed.dwork.work));
	child_must(!work_pending(&item.work) && !delayed_work_pending(&armed.dwork));
	use_item();
	use_delayed();
}

/* Neither the child nor its child has used it before. */
static void fork_first(void)
{
	child_must(child_does(queue_first));
	child_must(child_does(cancel_first));
	queue_first();
}

/* U8, U2 */
static void deferred_items_are_idle_in_the_child_whatever_it_does_first(void **state)
{
	static void (*const firsts[])(void) = {
		queue_first,   modify_first, flush_first, cancel_first,
		disable_first, look_first,   fork_first,
	};

	wq = alloc_workqueue("first", WQ_PERCPU, 0);
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		item_init(&item);
		delayed_init(&armed);
		assert_true(fork_and_act(queue_and_arm, firsts[i]));
		flush_work(&item.work);
		assert_int_equal(item_runs(&item), 1);
		assert_true(cancel_delayed_work(&armed.dwork));
	}
	destroy_workqueue(wq);
}

static void defer_in_the_child(void)
{
	/* who starts the library waits for who forks */
	child_runs_item_on(wq);
	child_must(fork_and_act(queue_and_arm, queue_first));
	flush_work(&item.work);
	child_must(item_runs(&item) == 1);
	child_must(cancel_delayed_work(&armed.dwork));
}

/* U8, U2 */
static void child_whose_parent_deferred_may_defer(void **state)
{
	wq = alloc_workqueue("generations", WQ_PERCPU, 0);
	item_init(&item);
	delayed_init(&armed);
	assert_true(fork_and_act(queue_and_arm, defer_in_the_child));
	flush_work(&item.work);
	assert_int_equal(item_runs(&item), 1);
	assert_true(cancel_delayed_work(&armed.dwork));
	destroy_workqueue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(queued_while_copied_runs_in_the_parent_alone),
		api_test(armed_while_copied_fires_in_the_parent_alone),
		api_test(armed_while_copied_is_armed_afterwards),
		api_test(delay_0_while_copied_queues),
		api_test(queued_while_copied_runs_in_order),
		api_test(who_forks_does_not_overtake_what_others_queued),
		api_test(queued_while_copied_runs_where_it_should),
		api_test(disabled_item_is_not_queued_while_copied),
		api_test(item_never_initialised_is_refused_while_copied),
		api_test(draining_queue_refuses_from_outside_while_copied),
		api_test(drain_follows_what_its_items_queue_while_copied),
		api_test(flush_waits_for_what_was_queued_while_copied),
		api_test(cancel_takes_back_what_was_queued_while_copied),
		api_test(handler_that_interrupts_malloc_does_not_hold_up_fork),
		api_test(deferred_items_are_idle_in_the_child_whatever_it_does_first),
		api_test(child_whose_parent_deferred_may_defer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
