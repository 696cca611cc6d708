/* SPDX-License-Identifier: MIT */
/*
 * test_names.c - the library's threads: their number (Q6), their names (S), and
 * what a function may count on in them.
 */
#include <dirent.h>
#include <regex.h>
#include <sys/resource.h>

#include "support/api.h"

/* ---------------------------------------------------------------- helpers */

/* What an item sees of the thread it runs on. */
struct witness {
	struct work_struct work;
	char comm[32];
	sigset_t blocked;
	cpu_set_t cpus;
	int nice;
};

static void read_comm(const char *path, char *comm, size_t size)
{
	FILE *f = fopen(path, "r");

	comm[0] = '\0';
	if (f && fgets(comm, size, f))
		comm[strcspn(comm, "\n")] = '\0';
	if (f)
		fclose(f);
}

static void look_around(struct work_struct *work)
{
	struct witness *witness = container_of(work, struct witness, work);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%ld/comm", syscall(SYS_gettid));
	read_comm(path, witness->comm, sizeof(witness->comm));
	pthread_sigmask(SIG_BLOCK, NULL, &witness->blocked);
	sched_getaffinity(0, sizeof(witness->cpus), &witness->cpus);
	witness->nice = getpriority(PRIO_PROCESS, syscall(SYS_gettid));
}

static void witness_on(struct witness *witness, int cpu, struct workqueue_struct *wq)
{
	memset(witness, 0, sizeof(*witness));
	INIT_WORK(&witness->work, look_around);
	assert_true(queue_work_on(cpu, wq, &witness->work));
	flush_work(&witness->work);
}

static bool matches(const char *text, const char *pattern)
{
	regex_t regex;
	bool match;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB))
		return false;
	match = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return match;
}

static int nr_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int nr = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		nr += entry->d_name[0] != '.';
	closedir(dir);
	return nr;
}

/* --------------------------------------------------------------------- S */

/* S */
static void worker_name_percpu_has_cpu_and_id(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct witness witness;
	char pattern[64];

	(void)state;
	for (int i = 0; allowed_cpu(i) >= 0; i++) {
		witness_on(&witness, allowed_cpu(i), wq);
		snprintf(pattern, sizeof(pattern), "^kworker/%d:[0-9]+$", allowed_cpu(i));
		assert_true(matches(witness.comm, pattern));
	}
	destroy_workqueue(wq);
}

/* S */
static void worker_name_highpri_ends_in_h(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("highpri", WQ_PERCPU | WQ_HIGHPRI, 0);
	struct witness witness;
	char pattern[64];

	(void)state;
	for (int i = 0; allowed_cpu(i) >= 0; i++) {
		witness_on(&witness, allowed_cpu(i), wq);
		snprintf(pattern, sizeof(pattern), "^kworker/%d:[0-9]+H$", allowed_cpu(i));
		assert_true(matches(witness.comm, pattern));
	}
	destroy_workqueue(wq);
}

/* S */
static void worker_name_unbound_has_u_and_pool(void **state)
{
	struct workqueue_struct *wq[] = {
		alloc_workqueue("unbound", WQ_UNBOUND, 0),
		alloc_ordered_workqueue("ordered", 0),
	};
	struct witness witness;

	(void)state;
	for (int i = 0; i < 2; i++) {
		witness_on(&witness, WORK_CPU_UNBOUND, wq[i]);
		assert_true(matches(witness.comm, "^kworker/u[0-9]+:[0-9]+$"));
		destroy_workqueue(wq[i]);
	}
}

static struct gate has_looked, may_return;

static void look_around_and_wait(struct work_struct *work)
{
	look_around(work);
	gate_open(&has_looked);
	gate_wait(&may_return);
}

/* S */
static void worker_names_of_one_cpu_differ(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct witness held = { 0 }, other;

	(void)state;
	gate_init(&has_looked);
	gate_init(&may_return);
	INIT_WORK(&held.work, look_around_and_wait);
	assert_true(queue_work_on(allowed_cpu(0), wq, &held.work));
	gate_wait(&has_looked);
	/* whoever runs this one is another worker */
	witness_on(&other, allowed_cpu(0), wq);
	assert_string_not_equal(other.comm, held.comm);
	gate_open(&may_return);
	destroy_workqueue(wq);
}

/* --------------------------------------------------------------------- Q6 */

enum {
	MANY_QUEUES = 50,
};

static void check_queues_add_no_threads(unsigned int flags)
{
	struct workqueue_struct *wq[MANY_QUEUES];
	int before;

	wq[0] = alloc_workqueue("first", flags, 0);
	run_one_item_on(wq[0]);
	before = nr_threads();
	for (int i = 1; i < MANY_QUEUES; i++) {
		wq[i] = alloc_workqueue("equal_%d", flags, 0, i);
		assert_non_null(wq[i]);
	}
	for (int i = 0; i < MANY_QUEUES; i++)
		run_one_item_on(wq[i]);
	/* Each pool may still get its first workers; a queue may not. */
	assert_true(nr_threads() <= before + 2 * nr_allowed_cpus() + 2);
	for (int i = 0; i < MANY_QUEUES; i++)
		destroy_workqueue(wq[i]);
}

/* Q6 */
static void queues_of_equal_attributes_share_their_threads(void **state)
{
	(void)state;
	if (2 * nr_allowed_cpus() + 2 >= MANY_QUEUES)
		skip();
	check_queues_add_no_threads(WQ_PERCPU);
	check_queues_add_no_threads(WQ_PERCPU | WQ_HIGHPRI);
	check_queues_add_no_threads(WQ_UNBOUND);
}

/* ------------------------------------------------ what a function may count on */

/* B1 */
static void worker_blocks_asynchronous_signals_only(void **state)
{
	static const int blocked[] = { SIGINT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2, SIGCHLD };
	static const int open[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	struct witness witness;

	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);

		witness_on(&witness, WORK_CPU_UNBOUND, wq);
		for (size_t i = 0; i < sizeof(blocked) / sizeof(blocked[0]); i++)
			assert_true(sigismember(&witness.blocked, blocked[i]));
		for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
			assert_false(sigismember(&witness.blocked, open[i]));
		destroy_workqueue(wq);
	}
}

/* B1 */
static void worker_percpu_is_bound_to_exactly_its_cpu(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct witness witness;

	(void)state;
	for (int i = 0; allowed_cpu(i) >= 0; i++) {
		witness_on(&witness, allowed_cpu(i), wq);
		assert_int_equal(CPU_COUNT(&witness.cpus), 1);
		assert_true(CPU_ISSET(allowed_cpu(i), &witness.cpus));
	}
	destroy_workqueue(wq);
}

struct pinned_start {
	struct workqueue_struct *wq;
	struct witness witness;
};

static long start_from_pinned_thread(void *arg)
{
	struct pinned_start *start = arg;

	pin_self(allowed_cpu(0));
	queue_work(start->wq, &start->witness.work);
	return 0;
}

/* B1 */
static void worker_unbound_inherits_no_cpu_from_who_queued(void **state)
{
	struct pinned_start start = { .wq = alloc_workqueue("unbound", WQ_UNBOUND, 0) };
	struct call call;

	(void)state;
	INIT_WORK(&start.witness.work, look_around);
	call_start(&call, start_from_pinned_thread, &start);
	call_join(&call);
	flush_work(&start.witness.work);
	assert_int_equal(CPU_COUNT(&start.witness.cpus), nr_allowed_cpus());
	destroy_workqueue(start.wq);
}

static long try_to_raise_priority(void *arg)
{
	(void)arg;
	return setpriority(PRIO_PROCESS, syscall(SYS_gettid), -20) == 0;
}

/* B1 */
static void worker_highpri_has_nice_minus_20_where_permitted(void **state)
{
	struct workqueue_struct *high = alloc_workqueue("highpri", WQ_PERCPU | WQ_HIGHPRI, 0);
	struct workqueue_struct *normal = alloc_workqueue("percpu", WQ_PERCPU, 0);
	struct witness witness;
	struct call call;

	(void)state;
	witness_on(&witness, allowed_cpu(0), normal);
	assert_true(witness.nice >= 0);
	witness_on(&witness, allowed_cpu(0), high);
	call_start(&call, try_to_raise_priority, NULL);
	if (call_join(&call))
		assert_int_equal(witness.nice, -20);
	destroy_workqueue(high);
	destroy_workqueue(normal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(worker_name_percpu_has_cpu_and_id),
		api_test(worker_name_highpri_ends_in_h),
		api_test(worker_name_unbound_has_u_and_pool),
		api_test(worker_names_of_one_cpu_differ),
		api_test(queues_of_equal_attributes_share_their_threads),
		api_test(worker_blocks_asynchronous_signals_only),
		api_test(worker_percpu_is_bound_to_exactly_its_cpu),
		api_test(worker_unbound_inherits_no_cpu_from_who_queued),
		api_test(worker_highpri_has_nice_minus_20_where_permitted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
