/* SPDX-License-Identifier: MIT */
/*
 * test_handler_queues_while_a_limit_is_locked.c - queue_work() in a signal handler that
 * interrupts a work function in the library.
 *
 * A worker files at once what it queues on its own pool, if it finds the pool's lock free. If
 * the item's queue shares a limit between pools, filing took that limit's lock too, and waited
 * for it. A handler on a worker that held it by way of the other pool, say in cancel_work(),
 * waited for the thread that it had interrupted (debug builds aborted). Such items are pushed
 * now, as by threads that are no workers. Other tests interrupted threads that were none.
 */
#include "support/step.h"
#include "support/topology.h"

enum {
	PER_HANDLER = 3,
	NEVER = 0,
	ACTS = 120,
	WARM_UPS = 5,
	CROWD = 3,
};

static struct workqueue_struct *wq;
static struct work_struct other, queued[PER_HANDLER];
static long act_at;
static int nr_acts, nr_refused;
static atomic_int nr_done;
static void (*act)(void);

static void run_nothing(struct work_struct *work)
{
}

/* In a handler. */
static void queue_some(long nth)
{
	if (nth != act_at)
		return;
	for (int i = 0; i < PER_HANDLER; i++)
		nr_refused += !queue_work_on(allowed_cpu(0), wq, &queued[i]);
	nr_acts++;
	step_end();
}

static void cancel_other(void)
{
	cancel_work(&other);
}

static void disable_other(void)
{
	disable_work(&other);
}

/* Interrupted after so many instructions; @return how many there were. */
static long act_until(long nth)
{
	queue_work_on(allowed_cpu(1), wq, &other);
	act_at = nth;
	step_begin(queue_some);
	act();
	step_end();
	for (int i = 0; i < PER_HANDLER; i++)
		cancel_work(&queued[i]);
	INIT_WORK(&other, run_nothing);
	atomic_fetch_add(&nr_done, 1);
	return step_nth;
}

/* Each instruction takes a signal: here and there is enough, locks are held for longer. */
static void act_in_steps(struct work_struct *work)
{
	long nr_steps = act_until(NEVER), nr;

	/* the first call binds symbols, another may have to wait: the shortest is the usual way */
	for (int i = 0; i < WARM_UPS; i++) {
		nr = act_until(NEVER);
		nr_steps = nr < nr_steps ? nr : nr_steps;
	}
	for (int i = 0; i < ACTS; i++)
		act_until(1 + nr_steps * i / ACTS);
}

/* The pool will have idle workers. */
static void crowd_pool(void)
{
	struct blocker blocker[CROWD];
	struct workqueue_struct *crowded = alloc_workqueue("crowded", WQ_UNBOUND, 0);

	assert_int_equal(apply(crowded, .scope = WQ_AFFN_CPU), 0);
	for (int i = 0; i < CROWD; i++)
		blocker_start_on(&blocker[i], allowed_cpu(0), crowded);
	for (int i = 0; i < CROWD; i++)
		blocker_release(&blocker[i]);
	destroy_workqueue(crowded);
}

/* The only place is the acting item's: all that it and the handlers queue is over the limit. */
static void check_acting(void (*act_fn)(void))
{
	struct work_struct acting;

	need_steps();
	act = act_fn;
	wq = alloc_workqueue("q", WQ_UNBOUND, 1);
	assert_int_equal(apply(wq, .scope = WQ_AFFN_CPU), 0);
	crowd_pool();
	INIT_WORK(&other, run_nothing);
	INIT_WORK(&acting, act_in_steps);
	for (int i = 0; i < PER_HANDLER; i++)
		INIT_WORK(&queued[i], run_nothing);
	assert_true(queue_work_on(allowed_cpu(0), wq, &acting));
	for (int i = 0; i <= ACTS; i++)
		wait_until(atomic_load(&nr_done) > i);
	flush_work(&acting);
	assert_true(nr_acts > ACTS / 2);
	assert_int_equal(nr_refused, 0);
	destroy_workqueue(wq);
}

/* A9 */
static void queue_work_in_handlers_while_an_item_of_another_pool_is_cancelled(void **state)
{
	check_acting(cancel_other);
}

/* A9 */
static void queue_work_in_handlers_while_an_item_of_another_pool_is_disabled(void **state)
{
	check_acting(disable_other);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		flat_test(queue_work_in_handlers_while_an_item_of_another_pool_is_cancelled),
		flat_test(queue_work_in_handlers_while_an_item_of_another_pool_is_disabled),
	};

	return run_on_two_cpus(argv, tests, sizeof(tests) / sizeof(tests[0]));
}
