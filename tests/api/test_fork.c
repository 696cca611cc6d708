/* SPDX-License-Identifier: MIT */
/*
 * test_fork.c - the child of fork(): items of all states, queues, and who forks (U1 to U5).
 */
#include <pthread.h>

#include "support/api.h"
#include "support/child.h"

static struct workqueue_struct *wq;

static struct item idle, pending, running;
static struct delayed_item armed;
static struct gate go;

static void use_system_queues(void)
{
	child_runs_item_on(system_percpu_wq);
	child_runs_item_on(system_dfl_wq);
	child_runs_item_on(system_bh_wq);
	flush_workqueue(system_percpu_wq);
}

static void use_queue(void)
{
	child_runs_item_on(wq);
	flush_workqueue(wq);
	drain_workqueue(wq);
	destroy_workqueue(wq);
	wq = alloc_workqueue("of the child", WQ_UNBOUND | WQ_MEM_RECLAIM, 3);
	child_must(wq);
	child_runs_item_on(wq);
	destroy_workqueue(wq);
	use_system_queues();
}

/* ------------------------------------------------------------------ queues */

/* U1 */
static void child_uses_and_destroys_queues_of_each_kind(void **state)
{
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		wq = queue_of_kind(kind);
		run_one_item_on(wq);
		assert_true(child_does(use_queue));
		run_one_item_on(wq);
		destroy_workqueue(wq);
	}
}

/* U1 */
static void child_uses_a_queue_with_a_rescuer(void **state)
{
	wq = alloc_workqueue("reclaim", WQ_MEM_RECLAIM | WQ_PERCPU, 0);
	assert_true(child_does(use_queue));
	run_one_item_on(wq);
	destroy_workqueue(wq);
}

static void expect_attributes(void)
{
	char text[32];

	child_must(workq_attr_read("attributes/max_active", text, sizeof(text)) > 0);
	child_must(atoi(text) == 3);
	child_must(workq_attr_read("attributes/nice", text, sizeof(text)) > 0);
	child_must(atoi(text) == 5);
	use_queue();
}

/* U1 */
static void queue_keeps_its_attributes_in_the_child(void **state)
{
	struct workqueue_attrs *attrs = alloc_workqueue_attrs();

	wq = alloc_workqueue("attributes", WQ_UNBOUND | WQ_SYSFS, 3);
	attrs->nice = 5;
	assert_int_equal(apply_workqueue_attrs(wq, attrs), 0);
	assert_true(child_does(expect_attributes));
	free_workqueue_attrs(attrs);
	destroy_workqueue(wq);
}

/* ------------------------------------------------------------------- items */

static void use_items(void)
{
	child_uses_item(wq, &idle);
	child_uses_item(wq, &pending);
	child_uses_item(wq, &running);
	child_uses_delayed(wq, &armed);
	use_queue();
}

/* U2 */
static void items_of_all_states_are_idle_in_the_child(void **state)
{
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		wq = queue_of_kind(kind);
		gate_init(&go);
		item_init(&idle);
		item_init_held(&pending, &go);
		item_init_held(&running, &go);
		delayed_init(&armed);
		queue_work_on(allowed_cpu(0), wq, &running.work);
		wait_until(item_is_running(&running));
		queue_work_on(allowed_cpu(0), wq, &pending.work);
		queue_delayed_work(wq, &armed.dwork, FAR);
		assert_true(child_does(use_items));
		assert_true(delayed_work_pending(&armed.dwork));
		assert_true(cancel_delayed_work(&armed.dwork));
		gate_open(&go);
		flush_work(&pending.work);
		assert_int_equal(item_runs(&running) + item_runs(&pending), 2);
		destroy_workqueue(wq);
	}
}

static void use_items_without_the_library(void)
{
	INIT_WORK(&pending.work, item_fn);
	memset(&armed, 0xff, sizeof(armed));
	delayed_init(&armed);
	use_items();
}

/* U2 */
static void memory_of_items_is_the_childs_at_once(void **state)
{
	wq = alloc_ordered_workqueue("memory", 0);
	gate_init(&go);
	item_init(&idle);
	item_init_held(&running, &go);
	item_init(&pending);
	delayed_init(&armed);
	queue_work(wq, &running.work);
	queue_work(wq, &pending.work);
	queue_delayed_work(wq, &armed.dwork, FAR);
	assert_true(child_does(use_items_without_the_library));
	gate_open(&go);
	assert_true(cancel_delayed_work(&armed.dwork));
	destroy_workqueue(wq);
	assert_int_equal(item_runs(&pending), 1);
}

enum {
	MANY = 1000,
};

static struct item many[MANY];
static struct delayed_item many_armed[MANY];

static void use_many(void)
{
	for (int i = 0; i < MANY; i++) {
		child_must(!work_pending(&many[i].work));
		child_must(!delayed_work_pending(&many_armed[i].dwork));
		many[i].hold = NULL;
		child_must(queue_work(wq, &many[i].work));
		child_must(queue_delayed_work(wq, &many_armed[i].dwork, 1));
	}
	for (int i = 0; i < MANY; i++)
		flush_delayed_work(&many_armed[i].dwork);
	flush_workqueue(wq);
	for (int i = 0; i < MANY; i++)
		child_must(item_runs(&many[i]) == 1 && delayed_runs(&many_armed[i]) == 1);
}

/* U2 */
static void items_held_back_and_armed_far_apart_are_idle(void **state)
{
	struct blocker blocker;

	wq = alloc_workqueue("many", WQ_UNBOUND, 1);
	blocker_start(&blocker, wq);
	for (int i = 0; i < MANY; i++) {
		item_init(&many[i]);
		delayed_init(&many_armed[i]);
		queue_work(wq, &many[i].work);
		queue_delayed_work(wq, &many_armed[i].dwork, FAR + (unsigned long)i * i * i);
	}
	assert_true(child_does(use_many));
	for (int i = 0; i < MANY; i++)
		assert_true(cancel_delayed_work(&many_armed[i].dwork));
	blocker_release(&blocker);
	destroy_workqueue(wq);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(item_runs(&many[i]), 1);
}

static void expect_depths(void)
{
	child_must(!queue_work(wq, &idle.work));
	child_must(!enable_work(&idle.work));
	child_must(enable_work(&idle.work));
	child_uses_item(wq, &idle);
	child_must(!queue_delayed_work(wq, &armed.dwork, 1));
	child_must(enable_delayed_work(&armed.dwork));
	child_uses_delayed(wq, &armed);
}

/* U2 */
static void disabled_items_stay_so_in_the_child(void **state)
{
	wq = alloc_workqueue("disabled", WQ_PERCPU, 0);
	item_init(&idle);
	delayed_init(&armed);
	disable_work(&idle.work);
	disable_work(&idle.work);
	disable_delayed_work(&armed.dwork);
	assert_true(child_does(expect_depths));
	assert_false(queue_work(wq, &idle.work));
	destroy_workqueue(wq);
}

static void use_running(void)
{
	child_uses_item(wq, &running);
	use_queue();
}

/* While another thread is in a call that waits. */
static void fork_while(long (*waits)(void *arg), bool is_for_queue)
{
	struct call call;

	wq = alloc_workqueue("waited for", WQ_PERCPU, 0);
	gate_init(&go);
	item_init_held(&running, &go);
	queue_work(wq, &running.work);
	wait_until(item_is_running(&running));
	call_start(&call, waits, is_for_queue ? (void *)wq : &running.work);
	assert_true(call_blocks(&call));
	assert_true(child_does(use_running));
	gate_open(&go);
	call_join(&call);
	run_one_item_on(wq);
	destroy_workqueue(wq);
}

/* U2 */
static void who_waited_in_the_parent_is_forgotten_in_the_child(void **state)
{
	fork_while(do_cancel_work_sync, false);
	fork_while(do_flush_work, false);
	fork_while(do_flush_workqueue, true);
	fork_while(do_drain_workqueue, true);
}

static void expect_one_disable(void)
{
	child_must(!queue_work(wq, &running.work));
	child_must(enable_work(&running.work));
	use_running();
}

/* U2 H5 */
static void disables_of_others_stay_where_one_waits_in_a_cancel(void **state)
{
	struct call call;

	wq = alloc_workqueue("disabled and waited for", WQ_PERCPU, 0);
	gate_init(&go);
	item_init_held(&running, &go);
	queue_work(wq, &running.work);
	wait_until(item_is_running(&running));
	disable_work(&running.work);
	call_start(&call, do_cancel_work_sync, &running.work);
	assert_true(call_blocks(&call));
	assert_true(child_does(expect_one_disable));
	gate_open(&go);
	call_join(&call);
	assert_true(enable_work(&running.work));
	destroy_workqueue(wq);
}

/* ----------------------------------------------------------------- timers */

static struct timer_list timer;
static atomic_int nr_calls;

static void count_call(struct timer_list *unused)
{
	atomic_fetch_add(&nr_calls, 1);
}

static void use_timer(void)
{
	child_must(!timer_pending(&timer));
	child_must(!timer_delete_sync(&timer));
	child_must(!mod_timer(&timer, jiffies + 1));
	wait_until(atomic_load(&nr_calls) == 1);
	child_must(!timer_delete_sync(&timer));
}

/* U2 */
static void timers_are_idle_in_the_child(void **state)
{
	timer_setup(&timer, count_call, 0);
	mod_timer(&timer, jiffies + FAR);
	assert_true(child_does(use_timer));
	assert_int_equal(atomic_load(&nr_calls), 0);
	assert_true(timer_delete_sync(&timer));
}

/* Descriptors of what the library may have: a timer, what hears of its workers. */
static int nr_of_library(void)
{
	char path[32], target[64];
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	ssize_t len;
	int nr = 0;

	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/self/fd/%.10s", entry->d_name);
		len = readlink(path, target, sizeof(target) - 1);
		target[len < 0 ? 0 : len] = '\0';
		nr += !strncmp(target, "anon_inode:", 11);
	}
	closedir(dir);
	return nr;
}

static void expect_no_descriptors(void)
{
	child_must(nr_of_library() == 0);
}

/* U3 */
static void descriptors_are_not_shared_with_the_child(void **state)
{
	int nr_before;

	delayed_init(&armed);
	queue_delayed_work(system_dfl_wq, &armed.dwork, 1);
	wait_until(delayed_runs(&armed) == 1);
	wait_until(timer_thread());
	nr_before = nr_of_library();
	assert_true(nr_before > 0);
	assert_true(child_does(expect_no_descriptors));
	assert_int_equal(nr_of_library(), nr_before);
	queue_delayed_work(system_dfl_wq, &armed.dwork, 1);
	wait_until(delayed_runs(&armed) == 2);
	cancel_delayed_work_sync(&armed.dwork);
}

/* -------------------------------------------------------------- who forks */

static long fork_in_a_thread(void *unused)
{
	return child_does(use_queue);
}

/* U1 */
static void any_thread_may_fork(void **state)
{
	struct call call;

	wq = alloc_workqueue("threads", WQ_PERCPU, 0);
	call_start(&call, fork_in_a_thread, NULL);
	assert_true(call_join(&call));
	destroy_workqueue(wq);
}

static atomic_int nr_well;

static void expect_no_worker(void)
{
	child_must(!current_work());
	child_uses_item(wq, &pending);
	use_queue();
}

static void fork_in_item(struct work_struct *work)
{
	atomic_fetch_add(&nr_well, child_does(expect_no_worker));
}

/* U4 */
static void work_function_may_fork(void **state)
{
	DECLARE_WORK(work, fork_in_item);

	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		wq = queue_of_kind(kind);
		item_init(&pending);
		atomic_store(&nr_well, 0);
		queue_work(wq, &work);
		queue_work(wq, &pending.work);
		flush_work(&work);
		assert_int_equal(atomic_load(&nr_well), 1);
		flush_work(&pending.work);
		destroy_workqueue(wq);
	}
}

static pid_t returning_child;

static void fork_and_return(struct work_struct *work)
{
	returning_child = child_fork();
	child_ends_by_exit = !returning_child;
}

static int forking_tid;

static void end_when_alone(struct work_struct *work)
{
	wait_until(thread_state(forking_tid) == '?' || thread_state(forking_tid) == 'Z');
	_exit(EXIT_SUCCESS);
}

static DECLARE_WORK(last, end_when_alone);

static void fork_use_and_return(struct work_struct *work)
{
	fork_and_return(work);
	if (returning_child)
		return;
	forking_tid = own_tid();
	child_must(queue_work(wq, &last));
}

static void fork_in_callback(struct timer_list *unused)
{
	fork_and_return(NULL);
}

/* musl 1.2.3 leaves a lock held for good in the child whose forking thread ends (docs/fork.md). */
#ifdef __GLIBC__
#define need_forking_threads_to_end() ((void)0)
#else
#define need_forking_threads_to_end() skip()
#endif

/* U4 */
static void work_function_that_returns_in_the_child_ends_its_thread(void **state)
{
	DECLARE_WORK(work, fork_and_return);
	DECLARE_WORK(other, fork_use_and_return);

	need_forking_threads_to_end();
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		wq = queue_of_kind(kind);
		item_init(&pending);
		queue_work(wq, &work);
		flush_work(&work);
		assert_true(child_end(returning_child));
		queue_work(wq, &other);
		flush_work(&other);
		assert_true(child_end(returning_child));
		destroy_workqueue(wq);
	}
}

/* U4 */
static void bh_item_and_callback_that_return_in_the_child_end_it(void **state)
{
	DECLARE_WORK(work, fork_and_return);

	need_forking_threads_to_end();
	wq = alloc_workqueue("after", WQ_PERCPU, 0);
	item_init(&pending);
	queue_work(system_bh_wq, &work);
	flush_work(&work);
	assert_true(child_end(returning_child));
	returning_child = 0;
	timer_setup(&timer, fork_in_callback, 0);
	mod_timer(&timer, jiffies);
	wait_until(!timer_pending(&timer));
	timer_delete_sync(&timer);
	assert_true(child_end(returning_child));
	run_one_item_on(system_bh_wq);
	destroy_workqueue(wq);
}

/* ------------------------------------------------------------ generations */

static int depth;

static void fork_again(void)
{
	struct blocker blocker;

	child_must(!work_pending(&pending.work));
	if (depth-- == 0)
		return;
	blocker_start(&blocker, wq);
	child_must(queue_work(wq, &pending.work));
	child_must(queue_delayed_work(wq, &armed.dwork, FAR));
	child_must(child_does(fork_again));
	child_must(work_pending(&pending.work));
	child_must(cancel_delayed_work(&armed.dwork));
	blocker_release(&blocker);
	flush_work(&pending.work);
}

static void fork_without_use(void)
{
	child_must(child_does(use_queue));
}

/* U1 */
static void children_have_children(void **state)
{
	wq = alloc_ordered_workqueue("generations", 0);
	item_init(&pending);
	delayed_init(&armed);
	depth = 4;
	fork_again();
	assert_true(child_does(fork_without_use));
	destroy_workqueue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(child_uses_and_destroys_queues_of_each_kind),
		api_test(child_uses_a_queue_with_a_rescuer),
		api_test(queue_keeps_its_attributes_in_the_child),
		api_test(items_of_all_states_are_idle_in_the_child),
		api_test(memory_of_items_is_the_childs_at_once),
		api_test(items_held_back_and_armed_far_apart_are_idle),
		api_test(disabled_items_stay_so_in_the_child),
		api_test(who_waited_in_the_parent_is_forgotten_in_the_child),
		api_test(disables_of_others_stay_where_one_waits_in_a_cancel),
		api_test(timers_are_idle_in_the_child),
		api_test(descriptors_are_not_shared_with_the_child),
		api_test(any_thread_may_fork),
		api_test(work_function_may_fork),
		api_test(work_function_that_returns_in_the_child_ends_its_thread),
		api_test(bh_item_and_callback_that_return_in_the_child_end_it),
		api_test(children_have_children),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
