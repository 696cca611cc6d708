/* SPDX-License-Identifier: MIT */
/*
 * test_process_context.c - execute_in_process_context(): called here or queued;
 * queue_work_node(); current_is_workqueue_rescuer().
 *
 * Each test has a process of its own, since a kind of misuse may be reported once.
 */
#include <limits.h>

#include "support/api.h"
#include "support/tick.h"
#include "support/topology.h"

/* ------------------------------------------------ execute_in_process_context() */

struct errand {
	struct execute_work ew;
	pthread_t thread;
	struct work_struct *current;
	atomic_int runs;
};

static void run_errand(struct work_struct *work)
{
	struct errand *errand = container_of(work, struct errand, ew.work);

	errand->thread = pthread_self();
	errand->current = current_work();
	atomic_fetch_add(&errand->runs, 1);
}

/* Makes the call from somewhere, and notes what came of it. */
struct sender {
	struct work_struct work;
	struct delayed_work dwork;
	struct timer_list timer;
	struct errand errand;
	pthread_t thread;
	int answer, runs_at_return;
	atomic_bool sent;
};

static void send(struct sender *sender)
{
	sender->thread = pthread_self();
	sender->answer = execute_in_process_context(run_errand, &sender->errand.ew);
	/* A queued one may have begun already; a direct one must have ended. */
	sender->runs_at_return = atomic_load(&sender->errand.runs);
	atomic_store(&sender->sent, true);
}

static void send_from_item(struct work_struct *work)
{
	send(container_of(work, struct sender, work));
}

static void send_from_delayed(struct work_struct *work)
{
	send(container_of(to_delayed_work(work), struct sender, dwork));
}

static void send_from_timer(struct timer_list *timer)
{
	send(timer_container_of((struct sender *)NULL, timer, timer));
}

static void assert_called_directly(struct sender *sender)
{
	assert_int_equal(sender->answer, 0);
	assert_int_equal(sender->runs_at_return, 1);
	assert_true(pthread_equal(sender->errand.thread, sender->thread));
	assert_int_equal(work_busy(&sender->errand.ew.work), 0);
	assert_int_equal(atomic_load(&sender->errand.runs), 1);
}

static void assert_queued(struct sender *sender)
{
	assert_int_equal(sender->answer, 1);
	flush_work(&sender->errand.ew.work);
	assert_int_equal(atomic_load(&sender->errand.runs), 1);
	assert_ptr_equal(sender->errand.current, &sender->errand.ew.work);
}

static void send_from_queue(struct sender *sender, struct workqueue_struct *wq)
{
	memset(sender, 0, sizeof(*sender));
	INIT_WORK(&sender->work, send_from_item);
	assert_true(queue_work(wq, &sender->work));
	wait_until(atomic_load(&sender->sent));
}

static void execute_from_a_thread_calls_directly(void **state)
{
	struct sender sender = { 0 };

	send(&sender);
	assert_called_directly(&sender);
	assert_null(sender.errand.current);
}

static void execute_from_items_that_may_sleep_calls_directly(void **state)
{
	struct sender sender;

	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);

		send_from_queue(&sender, wq);
		assert_called_directly(&sender);
		assert_ptr_equal(sender.errand.current, &sender.work);
		destroy_workqueue(wq);
	}
}

static void execute_from_a_delayed_item_calls_directly(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct sender sender = { 0 };

	INIT_DELAYED_WORK(&sender.dwork, send_from_delayed);
	assert_true(queue_delayed_work(wq, &sender.dwork, 1));
	wait_until(atomic_load(&sender.sent));
	assert_called_directly(&sender);
	destroy_workqueue(wq);
}

/* M1 */
static void execute_from_a_bh_item_queues(void **state)
{
	struct workqueue_struct *wq[] = {
		alloc_workqueue("bh", WQ_BH | WQ_PERCPU, 0),
		alloc_workqueue("bh_highpri", WQ_BH | WQ_PERCPU | WQ_HIGHPRI, 0),
	};
	struct sender sender;

	for (int i = 0; i < 2; i++) {
		send_from_queue(&sender, wq[i]);
		assert_queued(&sender);
		destroy_workqueue(wq[i]);
	}
}

/* M1 */
static void execute_from_a_delayed_bh_item_queues(void **state)
{
	struct sender sender = { 0 };

	INIT_DELAYED_WORK(&sender.dwork, send_from_delayed);
	assert_true(queue_delayed_work(system_bh_wq, &sender.dwork, 1));
	wait_until(atomic_load(&sender.sent));
	assert_queued(&sender);
	cancel_delayed_work_sync(&sender.dwork);
}

static void execute_from_a_timer_queues(void **state)
{
	struct sender sender = { 0 };

	timer_setup(&sender.timer, send_from_timer, 0);
	mod_timer(&sender.timer, jiffies);
	wait_until(atomic_load(&sender.sent));
	assert_queued(&sender);
	timer_delete_sync(&sender.timer);
}

/* The queued function sleeps, as the one that queues it must not. */
struct sleeper {
	struct execute_work ew;
	struct gate go;
	atomic_int runs;
};

static void sleep_until_released(struct work_struct *work)
{
	struct sleeper *sleeper = container_of(work, struct sleeper, ew.work);

	gate_wait(&sleeper->go);
	atomic_fetch_add(&sleeper->runs, 1);
}

struct delegate {
	struct work_struct work;
	struct sleeper sleeper;
	int answer;
};

static void delegate_sleep(struct work_struct *work)
{
	struct delegate *own = container_of(work, struct delegate, work);

	own->answer = execute_in_process_context(sleep_until_released, &own->sleeper.ew);
}

/* M1 */
static void execute_from_a_bh_item_holds_no_bh_item_up(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("bh", WQ_BH | WQ_PERCPU, 0);
	struct delegate own = { .answer = -1 };

	gate_init(&own.sleeper.go);
	INIT_WORK(&own.work, delegate_sleep);
	assert_true(queue_work_on(allowed_cpu(0), wq, &own.work));
	flush_work(&own.work);
	assert_int_equal(own.answer, 1);
	for (int i = 0; i < 10; i++)
		run_one_item_on(wq);
	assert_int_equal(atomic_load(&own.sleeper.runs), 0);
	gate_open(&own.sleeper.go);
	flush_work(&own.sleeper.ew.work);
	assert_int_equal(atomic_load(&own.sleeper.runs), 1);
	destroy_workqueue(wq);
}

static struct execute_work *volatile no_ew;
static volatile work_func_t no_fn;

static void execute_without_function_or_memory_is_reported(void **state)
{
	struct errand errand = { 0 };

	execute_in_process_context(no_fn, &errand.ew);
	assert_warned();
	execute_in_process_context(run_errand, no_ew);
	report_take(); /* the same kind of misuse */
	assert_int_equal(atomic_load(&errand.runs), 0);
	assert_int_equal(execute_in_process_context(run_errand, &errand.ew), 0);
	assert_int_equal(atomic_load(&errand.runs), 1);
}

/* ------------------------------------------------------------ queue_work_node() */

static const int any_nodes[] = { 0, 1, 7, 4095, -1, INT_MAX, INT_MIN };

static void check_node(int node, struct workqueue_struct *wq)
{
	struct item item;

	item_init(&item);
	assert_true(queue_work_node(node, wq, &item.work));
	flush_work(&item.work);
	assert_int_equal(item_runs(&item), 1);
}

static void queue_work_node_runs_whether_there_is_such_a_node_or_not(void **state)
{
	struct workqueue_struct *wq[] = {
		alloc_workqueue("unbound", WQ_UNBOUND, 0),
		alloc_ordered_workqueue("ordered", 0),
	};

	for (int i = 0; i < 2; i++) {
		for (size_t j = 0; j < sizeof(any_nodes) / sizeof(any_nodes[0]); j++)
			check_node(any_nodes[j], wq[i]);
		destroy_workqueue(wq[i]);
	}
	assert_reported(0);
}

/* Nodes 3 and 8, a CPU each. */
static int begin_sparse_nodes(void **state)
{
	if (allowed_cpu(1) >= 0)
		topology_fake(&(struct topology){ .node = { 3, 8 } });
	return test_begin(state);
}

static struct witness witness_of_node(int node, struct workqueue_struct *wq)
{
	struct witness witness;

	witness_init(&witness, NULL);
	assert_true(queue_work_node(node, wq, &witness.item.work));
	flush_work(&witness.item.work);
	return witness;
}

/* O2 */
static void queue_work_node_serves_the_item_by_a_worker_of_the_node(void **state)
{
	struct workqueue_struct *wq;

	need_cpus(2);
	wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	assert_int_equal(apply(wq, .scope = WQ_AFFN_NUMA, .strict = true), 0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(witness_of_node(3, wq).cpus & 3, 1);
		assert_int_equal(witness_of_node(8, wq).cpus, 2);
		assert_int_not_equal(witness_of_node(0, wq).cpus, 0);
	}
	destroy_workqueue(wq);
}

/* A1 H1 */
static void queue_work_node_answers_like_queue_work(void **state)
{
	struct stuck_queue stuck;
	struct item item;

	stuck_queue_make(&stuck);
	item_init(&item);
	assert_true(queue_work_node(0, stuck.wq, &item.work));
	assert_false(queue_work_node(0, stuck.wq, &item.work));
	assert_true(disable_work(&item.work));
	assert_false(queue_work_node(0, stuck.wq, &item.work));
	assert_true(enable_work(&item.work));
	stuck_queue_free(&stuck);
	assert_int_equal(item_runs(&item), 0);
}

static void queue_work_node_on_percpu_queue_is_reported_once_and_runs(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);

	check_node(0, wq);
	assert_reported(1);
	for (size_t i = 0; i < sizeof(any_nodes) / sizeof(any_nodes[0]); i++)
		check_node(any_nodes[i], wq);
	assert_reported(0);
	destroy_workqueue(wq);
}

static void queue_work_node_on_bh_queue_is_reported_and_runs(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("bh", WQ_BH | WQ_PERCPU, 0);

	check_node(0, wq);
	assert_reported(1);
	destroy_workqueue(wq);
}

static struct workqueue_struct *volatile no_wq;
static struct work_struct *volatile no_work;

static void queue_work_node_without_item_or_queue_is_reported_and_false(void **state)
{
	struct item item;

	item_init(&item);
	assert_false(queue_work_node(0, no_wq, &item.work));
	assert_warned();
	assert_false(queue_work_node(0, system_dfl_wq, no_work));
	report_take(); /* the same kind of misuse */
	assert_false(work_pending(&item.work));
}

/* ------------------------------------------------- current_is_workqueue_rescuer() */

struct asker {
	struct work_struct work;
	struct timer_list timer;
	bool is_rescuer;
	atomic_bool asked;
};

static void ask_in_item(struct work_struct *work)
{
	struct asker *asker = container_of(work, struct asker, work);

	asker->is_rescuer = current_is_workqueue_rescuer();
	atomic_store(&asker->asked, true);
}

static void ask_in_timer(struct timer_list *timer)
{
	struct asker *asker = timer_container_of(asker, timer, timer);

	asker->is_rescuer = current_is_workqueue_rescuer();
	atomic_store(&asker->asked, true);
}

static bool is_rescuer_in_item_of(struct workqueue_struct *wq)
{
	struct asker asker = { .is_rescuer = true };

	INIT_WORK(&asker.work, ask_in_item);
	assert_true(queue_work(wq, &asker.work));
	flush_work(&asker.work);
	return asker.is_rescuer;
}

static void nobody_is_a_rescuer_where_there_are_workers(void **state)
{
	struct workqueue_struct *wq[] = {
		alloc_workqueue("reclaim", WQ_PERCPU | WQ_MEM_RECLAIM, 0),
		alloc_workqueue("reclaim_unbound", WQ_UNBOUND | WQ_MEM_RECLAIM, 0),
		alloc_workqueue("bh", WQ_BH | WQ_PERCPU, 0),
	};
	struct asker asker = { .is_rescuer = true };

	assert_false(current_is_workqueue_rescuer());
	for (int i = 0; i < 3; i++) {
		assert_false(is_rescuer_in_item_of(wq[i]));
		destroy_workqueue(wq[i]);
	}
	timer_setup(&asker.timer, ask_in_timer, 0);
	mod_timer(&asker.timer, jiffies);
	wait_until(atomic_load(&asker.asked));
	assert_false(asker.is_rescuer);
	timer_delete_sync(&asker.timer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(execute_from_a_thread_calls_directly),
		api_test(execute_from_items_that_may_sleep_calls_directly),
		api_test(execute_from_a_delayed_item_calls_directly),
		api_test(execute_from_a_bh_item_queues),
		api_test(execute_from_a_delayed_bh_item_queues),
		api_test(execute_from_a_timer_queues),
		api_test(execute_from_a_bh_item_holds_no_bh_item_up),
		api_test(execute_without_function_or_memory_is_reported),
		api_test(queue_work_node_runs_whether_there_is_such_a_node_or_not),
		cmocka_unit_test_setup_teardown(
			queue_work_node_serves_the_item_by_a_worker_of_the_node, begin_sparse_nodes,
			test_end),
		api_test(queue_work_node_answers_like_queue_work),
		api_test(queue_work_node_on_percpu_queue_is_reported_once_and_runs),
		api_test(queue_work_node_on_bh_queue_is_reported_and_runs),
		api_test(queue_work_node_without_item_or_queue_is_reported_and_false),
		api_test(nobody_is_a_rescuer_where_there_are_workers),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
