/* SPDX-License-Identifier: MIT */
/*
 * test_block_sources.c - how the library learns that a worker waits: it is told, it sees the
 * switch, it looks from time to time.
 *
 * One source at a time: looking is put off for a minute (WORKQ_SAMPLE_US) and seeing is
 * turned off (WORKQ_WATCH_SWITCHES), so that what happens within a test's deadline was learnt
 * in the one way that is left. With none, nothing happens: that the others are off is
 * true. The library reads its options once, so each test is a process.
 */
#include <linux/perf_event.h>

#include "support/rescued.h"
#include "support/seccomp.h"
#include "support/waits.h"

static const char never[] = "60000000"; /* not while a test runs */
static const char often[] = "1000";

struct source {
	const char *sample_us;
	const char *watch_switches;
};

static const struct source none = { never, "0" };
static const struct source seen = { never, "2" };
static const struct source sampled = { often, "0" };
static const struct source seen_or_sampled = { often, "2" };

static int begin(void **state)
{
	const struct source *source = *state;

	setenv("WORKQ_SAMPLE_US", source->sample_us, 1);
	setenv("WORKQ_WATCH_SWITCHES", source->watch_switches, 1);
	/* who is preempted computes for long; that is another matter (L4) */
	setenv("WORKQ_CPU_INTENSIVE_THRESH_US", "0", 1);
	return test_begin(state) ? -1 : workq_start();
}

/* The event by which the library sees switches. */
static bool has_perf_events(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.context_switch = 1,
		.exclude_kernel = 1,
	};
	long fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd >= 0)
		close((int)fd);
	return fd >= 0;
}

#define need_perf_events()                                                                         \
	do {                                                                                       \
		if (!has_perf_events())                                                            \
			skip();                                                                    \
	} while (0)

/* -------------------------------------------------------------------- items */

enum step {
	WAITS = 1,
	GOES_ON,
	NEXT,
};

/* An item that waits, and the one behind it on the same CPU. */
struct pair {
	struct work_struct waiter, next;
	struct baton baton;
	struct trail trail;
	struct gate hold;
	bool computes; /* until the gate opens; it does not wait at all */
};

static void wait_for_baton(struct work_struct *work)
{
	struct pair *pair = container_of(work, struct pair, waiter);

	trail_add(&pair->trail, WAITS);
	if (pair->computes)
		gate_spin(&pair->hold);
	else
		baton_wait(&pair->baton);
	trail_add(&pair->trail, GOES_ON);
}

static void note_next(struct work_struct *work)
{
	trail_add(&container_of(work, struct pair, next)->trail, NEXT);
}

static void pair_init(struct pair *pair, enum wait_kind kind)
{
	memset(pair, 0, sizeof(*pair));
	INIT_WORK(&pair->waiter, wait_for_baton);
	INIT_WORK(&pair->next, note_next);
	baton_init(&pair->baton, kind);
	gate_init(&pair->hold);
}

/* Both are queued, and the first one has begun. */
static void pair_start(struct pair *pair, struct workqueue_struct *wq)
{
	assert_true(queue_work_on(allowed_cpu(0), wq, &pair->waiter));
	assert_true(queue_work_on(allowed_cpu(0), wq, &pair->next));
	wait_until(atomic_load(&pair->trail.len) >= 1);
}

static int pair_step(struct pair *pair, int nth)
{
	return atomic_load(&pair->trail.id[nth]);
}

static void pair_end(struct pair *pair)
{
	flush_work(&pair->waiter);
	flush_work(&pair->next);
	assert_int_equal(atomic_load(&pair->trail.len), 3);
	baton_fini(&pair->baton);
}

/* The next one runs while the first one waits. */
static void check_is_stepped_around(struct workqueue_struct *wq, enum wait_kind kind)
{
	static struct pair pair;

	pair_init(&pair, kind);
	pair_start(&pair, wq);
	wait_until(pair_step(&pair, 1) == NEXT);
	baton_pass(&pair.baton);
	pair_end(&pair);
}

/* It does not, however long that may be; then they run one after the other. */
static void check_is_not_stepped_around(struct pair *pair, struct workqueue_struct *wq)
{
	pair_start(pair, wq);
	assert_not_yet(atomic_load(&pair->trail.len) > 1);
	if (pair->computes)
		gate_open(&pair->hold);
	else
		baton_pass(&pair->baton);
	pair_end(pair);
	assert_int_equal(pair_step(pair, 1), GOES_ON);
	assert_int_equal(pair_step(pair, 2), NEXT);
}

static void check_kinds_are_stepped_around(const enum wait_kind *kinds, int nr)
{
	struct workqueue_struct *normal = alloc_workqueue("normal", WQ_PERCPU, 0);
	struct workqueue_struct *high = alloc_workqueue("high", WQ_PERCPU | WQ_HIGHPRI, 0);

	for (int i = 0; i < nr; i++) {
		check_is_stepped_around(normal, kinds[i]);
		check_is_stepped_around(high, kinds[i]);
	}
	destroy_workqueue(normal);
	destroy_workqueue(high);
}

/* ------------------------------------------------------------------ sources */

static const enum wait_kind told_kinds[] = { WAIT_TOLD, WAIT_SCHEDULE };
static const enum wait_kind untold_kinds[] = { WAIT_READ, WAIT_COND };

/* L1 */
static void item_that_waits_unknown_to_the_library_holds_off_the_next(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("bound", WQ_PERCPU, 0);
	static struct pair pair;

	for (int i = 0; i < 2; i++) {
		pair_init(&pair, untold_kinds[i]);
		check_is_not_stepped_around(&pair, wq);
	}
	destroy_workqueue(wq);
}

/* L1 */
static void item_that_tells_is_stepped_around(void **state)
{
	check_kinds_are_stepped_around(told_kinds, 2);
}

/* A worker's switches are seen from when it is woken while somebody watches. */
static void wait_until_watched(void)
{
	struct visit visit;

	wait_until(nr_threads_named("kworker/watch\n") == 1);
	visit = visit_on(0, system_percpu_wq);
	wait_until(thread_state(visit.tid) == 'S');
	visit = visit_on(0, system_highpri_wq);
	wait_until(thread_state(visit.tid) == 'S');
}

/* L1 */
static void item_that_is_seen_to_wait_is_stepped_around(void **state)
{
	need_perf_events();
	wait_until_watched();
	check_kinds_are_stepped_around(untold_kinds, 2);
	check_kinds_are_stepped_around(told_kinds, 2);
}

/* L1 */
static void item_that_is_found_waiting_is_stepped_around(void **state)
{
	check_kinds_are_stepped_around(untold_kinds, 2);
	check_kinds_are_stepped_around(told_kinds, 2);
}

/* L1 */
static void item_that_waits_is_found_where_switches_cannot_be_seen(void **state)
{
	if (!seccomp_refuse(SYS_perf_event_open, EACCES))
		skip();
	check_kinds_are_stepped_around(untold_kinds, 2);
}

/* ------------------------------------------------------- not to be mistaken */

static void *compete(void *is_over)
{
	pin_self(allowed_cpu(0));
	while (!atomic_load((atomic_bool *)is_over))
		;
	return NULL;
}

static long nr_preemptions(int tid)
{
	static const char name[] = "nonvoluntary_ctxt_switches:";
	char path[64], line[128];
	long nr = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, sizeof(name) - 1))
			nr = atol(line + sizeof(name) - 1);
	if (f)
		fclose(f);
	return nr;
}

static atomic_int computing_tid;

static void compute_until_open(struct work_struct *work)
{
	atomic_store(&computing_tid, (int)syscall(SYS_gettid));
	wait_for_baton(work);
}

/* Who lost the CPU to another thread has not gone to sleep. */
static void check_preempted_item_holds_off_the_next(void)
{
	struct workqueue_struct *wq = alloc_workqueue("bound", WQ_PERCPU, 0);
	static struct pair pair;
	atomic_bool is_over = false;
	pthread_t rival;
	long before;

	pair_init(&pair, WAIT_READ);
	pair.computes = true;
	INIT_WORK(&pair.waiter, compute_until_open);
	assert_int_equal(pthread_create(&rival, NULL, compete, &is_over), 0);
	pair_start(&pair, wq);
	before = nr_preemptions(atomic_load(&computing_tid));
	wait_until(nr_preemptions(atomic_load(&computing_tid)) >= before + 3);
	assert_int_equal(atomic_load(&pair.trail.len), 1);
	gate_open(&pair.hold);
	pair_end(&pair);
	/* ThreadSanitizer has a lock for the trail, for which the item may sleep when it goes on */
	if (!TESTS_THREAD_SANITIZED)
		assert_int_equal(pair_step(&pair, 1), GOES_ON);
	atomic_store(&is_over, true);
	pthread_join(rival, NULL);
	destroy_workqueue(wq);
}

/* L1 */
static void item_that_is_seen_preempted_holds_off_the_next(void **state)
{
	need_perf_events();
	wait_until_watched();
	check_preempted_item_holds_off_the_next();
}

/* L1 */
static void item_that_is_found_preempted_holds_off_the_next(void **state)
{
	check_preempted_item_holds_off_the_next();
}

/* ------------------------------------------------------------------ unbound */

/* L7: no source is needed. Whose first step is first is open, so the next one comes later. */
static void items_of_an_unbound_queue_start_beside_one_that_waits(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("loose", WQ_UNBOUND, 0);
	static struct pair pair;

	need_cpus(2);
	pair_init(&pair, WAIT_READ);
	assert_true(queue_work(wq, &pair.waiter));
	wait_until(atomic_load(&pair.trail.len) >= 1);
	assert_true(queue_work(wq, &pair.next));
	wait_until(pair_step(&pair, 1) == NEXT);
	baton_pass(&pair.baton);
	pair_end(&pair);
	destroy_workqueue(wq);
}

#define source_test(fn, source)                                                                    \
	{                                                                                          \
#fn, fn, begin, test_end, (void *)&(source)                                        \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		source_test(item_that_waits_unknown_to_the_library_holds_off_the_next, none),
		source_test(item_that_tells_is_stepped_around, none),
		source_test(item_that_is_seen_to_wait_is_stepped_around, seen),
		source_test(item_that_is_found_waiting_is_stepped_around, sampled),
		source_test(item_that_waits_is_found_where_switches_cannot_be_seen,
			    seen_or_sampled),
		source_test(item_that_is_seen_preempted_holds_off_the_next, seen),
		source_test(item_that_is_found_preempted_holds_off_the_next, sampled),
		source_test(items_of_an_unbound_queue_start_beside_one_that_waits, none),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
