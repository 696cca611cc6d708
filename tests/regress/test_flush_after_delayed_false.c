/* SPDX-License-Identifier: MIT */
/*
 * test_flush_after_delayed_false.c - "false" from queue_delayed_work(), then a flush.
 *
 * Who is told that the item is pending already may rely on flush_workqueue() to wait for
 * that run (D1), even if the one who queued it has not pushed it yet. queue_work() left a
 * mark for the flush when it said so; queue_delayed_work() did not, and the flush came
 * back before the item had run. Both leave it now.
 *
 * A signal holds the queuer somewhere in queue_work(): chance. Before the fix one in some
 * 30 signals found the wrong moment, so that the test failed in every run.
 */
#include "support/api.h"
#include "support/delayed.h"

enum {
	SIGNALS = 500,
};

static struct workqueue_struct *wq;
static struct delayed_item item;

/* The queuer, and what it is told. */
static struct {
	struct call call;
	atomic_bool must_stop;
	atomic_bool is_held;
	atomic_bool go;
} queuer;

static void hold_queuer(int sig)
{
	atomic_store(&queuer.is_held, true);
	while (!atomic_load(&queuer.go))
		nap_us(50);
	atomic_store(&queuer.is_held, false);
}

/* Mostly found inside of queue_work(). */
static long queue_and_take_back(void *arg)
{
	while (!atomic_load(&queuer.must_stop)) {
		queue_work(wq, &item.dwork.work);
		if (!atomic_load(&queuer.must_stop))
			cancel_delayed_work(&item.dwork);
	}
	return 0;
}

static void start_and_hold_queuer(unsigned int dawdle_us)
{
	atomic_store(&queuer.must_stop, false);
	atomic_store(&queuer.go, false);
	call_start(&queuer.call, queue_and_take_back, NULL);
	wait_until(atomic_load(&queuer.call.tid));
	nap_us(dawdle_us);
	pthread_kill(queuer.call.thread, SIGUSR1);
	wait_until(atomic_load(&queuer.is_held));
	atomic_store(&queuer.must_stop, true);
}

/* D1: as long as the queuer is held, either the flush waits for it or the run is over. */
static void check_flush_waits(void)
{
	struct call flusher;

	call_start(&flusher, do_flush_workqueue, wq);
	if (!call_blocks(&flusher))
		assert_false(delayed_is_pending(&item));
	atomic_store(&queuer.go, true);
	call_join(&flusher);
}

static void flush_after_queue_delayed_work_said_false_waits_for_the_run(void **state)
{
	wq = alloc_workqueue("flushed", WQ_UNBOUND, 0);
	signal(SIGUSR1, hold_queuer);
	delayed_init(&item);
	for (unsigned int i = 0; i < SIGNALS; i++) {
		start_and_hold_queuer(i % 7);
		if (!delayed_arm(&item, wq, FAR))
			check_flush_waits();
		atomic_store(&queuer.go, true);
		call_join(&queuer.call);
		cancel_delayed_work_sync(&item.dwork);
	}
	destroy_workqueue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(flush_after_queue_delayed_work_said_false_waits_for_the_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
