/* SPDX-License-Identifier: MIT */
/*
 * test_worker.c - what worker threads are like: name, nice value, CPUs; and the turns that
 * those for WQ_BH take.
 *
 * Each test has a process of its own. Slots of workers stand in test_worker_slots.c.
 */
#include "handmade.h"

#include <pthread.h>
#include <sched.h>

#include "core/turn.h"
#include "fault.h"
#include "lines.h"
#include "real_worker.h"

/* ------------------------------------------------------------------------ names */

static void must_be_named(int cpu, int nice, bool is_bh, const char *expected)
{
	static struct wq_turn turn;
	struct wq_worker worker = { .pool = &pool, .slot = 7u << 16 | 3 };
	char name[32];

	wq_pools_init(&pool, 7, cpu, nice);
	pool.turn = is_bh ? &turn : NULL;
	wq_worker_name(&worker, name, sizeof(name));
	must(!strcmp(name, expected));
}

/* S */
static void name_says_cpu_or_pool_index_and_priority(void)
{
	must_be_named(0, 0, false, "kworker/0:2");
	must_be_named(12, -20, false, "kworker/12:2H");
	must_be_named(3, 0, true, "kworker/3:2B");
	must_be_named(3, -20, true, "kworker/3:2BH");
	must_be_named(-1, 0, false, "kworker/u7:2");
	must_be_named(-1, -20, false, "kworker/u7:2H");
	must_be_named(-1, 5, false, "kworker/u7:2");
}

/* --------------------------------------------------------------- a worker's thread */

/* What an item has seen of the thread that ran it. */
static struct {
	char name[16];
	int nice;
	cpu_set_t cpus;
	atomic_int runs;
} seen;

static void look_around(struct work_struct *work)
{
	pthread_getname_np(pthread_self(), seen.name, sizeof(seen.name));
	seen.nice = getpriority(PRIO_PROCESS, (id_t)wq_os_tid());
	sched_getaffinity(0, sizeof(seen.cpus), &seen.cpus);
	atomic_fetch_add(&seen.runs, 1);
}

static void run_item(void)
{
	int runs = atomic_load(&seen.runs);

	push(0);
	wait_until(atomic_load(&seen.runs) == runs + 1);
}

static void begin(unsigned int flags)
{
	handmade_begin(flags, WQ_DFL_ACTIVE);
	INIT_WORK(&item[0], look_around);
}

/* From start to end of a worker's life. */
static void have_item_run(void)
{
	struct call call;
	struct wq_worker *worker = start_worker(&pool, &call);

	run_item();
	reap(worker);
	call_join(&call);
}

static void worker_bears_its_name(void)
{
	begin(WQ_UNBOUND);
	have_item_run();
	must(!strcmp(seen.name, "kworker/u1:0"));
}

static void worker_has_its_pools_nice_value(void)
{
	begin(WQ_UNBOUND);
	pool.nice = 19;
	have_item_run();
	must(seen.nice == 19);
}

static void worker_of_a_pool_that_asks_for_none_keeps_its_nice_value(void)
{
	begin(WQ_UNBOUND);
	have_item_run();
	must(seen.nice == getpriority(PRIO_PROCESS, 0));
}

/* Of high priority in name only. */
static void nice_value_that_is_not_permitted_is_noted_once(void)
{
	wq_report_set_fn(lines_catch);
	fault_syscall(SYS_setpriority, EACCES);
	begin(WQ_UNBOUND);
	pool.nice = -20;
	have_item_run();
	have_item_run();
	must(atomic_load(&lines_caught) == 1);
	must(strstr(line_kept[0], "no permission for a nice value"));
	must(seen.nice == getpriority(PRIO_PROCESS, 0));
}

/* ------------------------------------------------------------------------- CPUs */

static unsigned int in_pod, outside;

/* The pod is one of two CPUs that the pool's workers may use; this thread is on the other. */
static void begin_with_pod(void)
{
	struct wq_cpuset allowed;
	cpu_set_t set;

	must(wq_os_allowed_cpus(&allowed) == 0);
	if (wq_cpuset_count(&allowed) < 2)
		exit(EXIT_SKIPPED);
	outside = wq_cpuset_next(&allowed, 0);
	in_pod = wq_cpuset_next(&allowed, outside + 1);
	begin(WQ_UNBOUND);
	wq_cpuset_add(&pool.pod, in_pod);
	wq_cpuset_add(&pool.cpus, in_pod);
	wq_cpuset_add(&pool.cpus, outside);
	CPU_ZERO(&set);
	CPU_SET(outside, &set);
	must(sched_setaffinity(0, sizeof(set), &set) == 0);
}

static bool may_use_both(void)
{
	return CPU_COUNT(&seen.cpus) == 2 && CPU_ISSET(in_pod, &seen.cpus) &&
	       CPU_ISSET(outside, &seen.cpus);
}

/* O2 */
static void worker_that_begins_outside_of_its_pod_is_moved_and_let_go(void)
{
	begin_with_pod();
	have_item_run();
	must(may_use_both());
}

/* O2 */
static void worker_that_has_strayed_is_brought_back_when_it_is_woken(void)
{
	struct wq_worker *worker;
	struct call call;
	cpu_set_t set;

	begin_with_pod();
	worker = start_worker(&pool, &call);
	run_item();
	wait_until(is_idle_now(worker));
	CPU_ZERO(&set);
	CPU_SET(outside, &set);
	must(sched_setaffinity(atomic_load(&call.tid), sizeof(set), &set) == 0);
	run_item();
	must(may_use_both());
	reap(worker);
	call_join(&call);
}

/* O2 */
static void strict_worker_is_moved_into_its_pod_for_good(void)
{
	begin_with_pod();
	pool.cpus = pool.pod;
	have_item_run();
	must(CPU_COUNT(&seen.cpus) == 1 && CPU_ISSET(in_pod, &seen.cpus));
}

/* P2 */
static void worker_of_a_cpu_is_bound_again_when_it_is_woken_elsewhere(void)
{
	struct wq_worker *worker;
	struct call call;
	cpu_set_t set;

	begin_with_pod();
	pool.cpu = (int)in_pod;
	pool.cpus = pool.pod;
	worker = start_worker(&pool, &call);
	run_item();
	wait_until(is_idle_now(worker));
	/* as the system does when the CPU has gone */
	CPU_ZERO(&set);
	CPU_SET(outside, &set);
	must(sched_setaffinity(atomic_load(&call.tid), sizeof(set), &set) == 0);
	run_item();
	must(CPU_COUNT(&seen.cpus) == 1 && CPU_ISSET(in_pod, &seen.cpus));
	reap(worker);
	call_join(&call);
}

/* ------------------------------------------------------------------------ turns */

enum {
	ROW = 6,    /* items of the first pool */
	RUNS = 400, /* of each pool's item */
};

static struct wq_pool second;
static struct wq_pwq *second_pwq;
static struct wq_turn turn;
static struct call calls[2];
static struct wq_worker *workers[2];
static struct gate gate;
static struct trail trail;
static struct meter meter;
static atomic_int runs[2];

static void hold_turn(struct work_struct *work)
{
	trail_add(&trail, (int)(work - item));
	if (work == &item[0])
		gate_wait(&gate);
}

static void run_again(struct work_struct *work)
{
	int which = (int)(work - item);

	meter_enter(&meter);
	if (atomic_fetch_add(&runs[which], 1) + 1 < RUNS)
		push_to(which ? second_pwq : pwq, work);
	meter_leave(&meter);
}

/* The two pools for WQ_BH that a CPU has. */
static void begin_bh(work_func_t func)
{
	handmade_begin(WQ_PERCPU | WQ_BH, WQ_DFL_ACTIVE);
	wq_pools_init(&second, POOL_ID + 1, 0, -20);
	wq_pools[POOL_ID + 1] = &second;
	second_pwq = new_pwq(&wq, &second);
	pool.turn = second.turn = &turn;
	for (int i = 0; i < ITEMS; i++)
		INIT_WORK(&item[i], func);
	gate_init(&gate);
	wq_report_set_fn(lines_catch); /* perhaps no permission for the nice value */
}

static void start_both(void)
{
	workers[0] = start_worker(&pool, &calls[0]);
	workers[1] = start_worker(&second, &calls[1]);
}

static void reap_both(void)
{
	for (int i = 0; i < 2; i++) {
		reap(workers[i]);
		call_join(&calls[i]);
	}
	must(!wq_turn_is_awaited(&turn) && turn.next == turn.serving);
}

/* M1 */
static void item_of_the_other_pool_waits_for_one_item_only(void)
{
	begin_bh(hold_turn);
	for (int i = 0; i < ROW; i++)
		push(i);
	workers[0] = start_worker(&pool, &calls[0]);
	wait_until(atomic_load(&trail.len) == 1);
	push_to(second_pwq, &item[ROW]);
	workers[1] = start_worker(&second, &calls[1]);
	wait_until(wq_turn_is_awaited(&turn));
	must(atomic_load(&trail.len) == 1);
	gate_open(&gate);
	wait_until(atomic_load(&trail.len) == ROW + 1);
	must(trail.id[0] == 0 && trail.id[1] == ROW);
	for (int i = 1; i < ROW; i++)
		must(trail.id[i + 1] == i);
	reap_both();
}

static atomic_bool first_was_settled;

static void look_for_first(struct work_struct *work)
{
	wq_pool_lock(&pool);
	atomic_store(&first_was_settled, !wq_pool_find_busy_locked(&pool, &item[0], hold_turn));
	wq_pool_unlock(&pool);
	trail_add(&trail, (int)(work - item));
}

/* M1, M2 */
static void item_is_settled_before_the_other_pool_has_its_turn(void)
{
	begin_bh(hold_turn);
	item[1].func = look_for_first;
	push(0);
	workers[0] = start_worker(&pool, &calls[0]);
	wait_until(atomic_load(&trail.len) == 1);
	push_to(second_pwq, &item[1]);
	workers[1] = start_worker(&second, &calls[1]);
	wait_until(wq_turn_is_awaited(&turn));
	gate_open(&gate);
	wait_until(atomic_load(&trail.len) == 2);
	/* cancel_work_sync() of the first one may be called there */
	must(atomic_load(&first_was_settled));
	reap_both();
}

/* M1 */
static void items_of_the_two_pools_never_run_at_once(void)
{
	begin_bh(run_again);
	push(0);
	push_to(second_pwq, &item[1]);
	start_both();
	wait_until(atomic_load(&runs[0]) == RUNS && atomic_load(&runs[1]) == RUNS);
	reap_both();
	must(atomic_load(&meter.most) == 1);
}

/* Else the other pool would wait for a worker that has nothing to do. */
static void idle_worker_has_no_turn(void)
{
	begin_bh(run_again);
	start_both();
	wait_until(is_idle_now(workers[0]) && is_idle_now(workers[1]));
	wait_until(wq_load_relaxed(&turn.next) == wq_load_relaxed(&turn.serving));
	reap_both();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(name_says_cpu_or_pool_index_and_priority),
		child_test(worker_bears_its_name),
		child_test(worker_has_its_pools_nice_value),
		child_test(worker_of_a_pool_that_asks_for_none_keeps_its_nice_value),
		child_test(nice_value_that_is_not_permitted_is_noted_once),
		child_test(worker_that_begins_outside_of_its_pod_is_moved_and_let_go),
		child_test(worker_that_has_strayed_is_brought_back_when_it_is_woken),
		child_test(strict_worker_is_moved_into_its_pod_for_good),
		child_test(worker_of_a_cpu_is_bound_again_when_it_is_woken_elsewhere),
		child_test(item_of_the_other_pool_waits_for_one_item_only),
		child_test(item_is_settled_before_the_other_pool_has_its_turn),
		child_test(items_of_the_two_pools_never_run_at_once),
		child_test(idle_worker_has_no_turn),
	};

	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
