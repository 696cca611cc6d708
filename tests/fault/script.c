/* SPDX-License-Identifier: MIT */
/*
 * script.c - the frame of the script: verdict, accounting, and the order of its steps
 * (contracts in script.h).
 */
#include "fault/script.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More than the deadline of a wait, which says what it waits for. */
enum { STEP_SECONDS = DEADLINE_S + 10 };

struct account script_account;

/* The step that is under way. */
static const char *_Atomic step_name = "start";

/* ------------------------------------------------------------------ verdict */

void script_die(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: in step %s: does not hold: %s\n", file, line,
		atomic_load(&step_name), what);
	abort();
}

static void step_hangs(int sig)
{
	static const char text[] = "hangs in step ";
	const char *name = atomic_load(&step_name);

	(void)sig;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)!write(STDERR_FILENO, name, strlen(name));
	(void)!write(STDERR_FILENO, "\n", 1);
	abort();
}

/* ------------------------------------------------------------------ reports */

/* Said in any run: what the script itself does on purpose, and what any machine may lack. */
static const char *const expected[] = {
	"enqueued on deprecated workqueue",
	"flush_scheduled_work()",
	"refused by the draining queue",
	"no permission for a nice value",
	"hogged CPU",
	"queue_rcu_work() queues nothing: libworkq was built without liburcu",
};

/* An error was returned, or a report said what the fault is. */
static atomic_bool fault_was_told;

/* Is one of the texts, with bars between them, in the line? */
static bool says_one_of(const char *line, const char *texts)
{
	while (*texts) {
		size_t len = strcspn(texts, "|");

		if (memmem(line, strlen(line), texts, len))
			return true;
		texts += len + (texts[len] == '|');
	}
	return false;
}

static bool is_expected(const char *line)
{
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		if (strstr(line, expected[i]))
			return true;
	return false;
}

static bool says_what_fails(const char *line)
{
	for (int point = 0; point < NR_FAULT_POINTS; point++)
		if (fault_struck((enum fault_point)point) &&
		    says_one_of(line, fault_points[point].texts))
			return true;
	return false;
}

void script_report_fn(const char *line)
{
	(void)!write(STDERR_FILENO, line, strlen(line));
	(void)!write(STDERR_FILENO, "\n", 1);
	/* what show_all_workqueues() and its kin say */
	if (!strstr(line, "workq: note: ") && !strstr(line, "workq: WARNING: "))
		return;
	if (says_what_fails(line))
		atomic_store(&fault_was_told, true);
	else if (!is_expected(line))
		script_die(__FILE__, __LINE__, line);
}

static bool must_be_told_of(enum fault_point point)
{
	const struct fault_plan *plan = fault_plan();
	unsigned int nr_struck = fault_struck(point);

	if (!nr_struck)
		return false;
	switch (fault_points[point].speech) {
	case SILENT:
		return false;
	case FROM_FIRST:
		return plan->span == FOR_GOOD && plan->nth == 1;
	case AGAIN:
		return nr_struck >= FAULT_AGAIN;
	default:
		return true;
	}
}

static bool must_be_told(void)
{
	for (int point = 0; point < NR_FAULT_POINTS; point++)
		if (must_be_told_of((enum fault_point)point))
			return true;
	return false;
}

/* ------------------------------------------------------------- second tries */

static unsigned int nr_tries;
static bool has_it;
static long long try_until_ns;

/* An insist() begins, or goes on: only the thread of the script does that. */
void script_begin_try(void)
{
	fault_struck_here();
	errno = 0;
	if (!nr_tries)
		try_until_ns = deadline_ns();
}

/* Does the fault explain the error? */
static bool is_its_error(int error)
{
	if (fault_plan()->span == SHORTAGE)
		return error == ENOMEM || error == EAGAIN || error == REFUSED;
	switch (fault_plan()->point) {
	case FAULT_wq_os_thread_create:
		return error == EAGAIN || error == REFUSED;
	case FAULT_wq_os_alloc:
	case FAULT_wq_os_map:
		/* EAGAIN: of a call that can only say that the library could not start */
		return error == ENOMEM || error == EAGAIN || error == REFUSED;
	case FAULT_wq_os_thread_at_exit:
		return error == ENOMEM;
	default:
		return error == REFUSED;
	}
}

bool script_must_retry(long error, const char *file, int line, const char *what)
{
	has_it = !error;
	if (has_it)
		goto done;
	if (!fault_struck_here() || !is_its_error(abs((int)error)))
		script_die(file, line, what);
	if (error != REFUSED)
		atomic_store(&fault_was_told, true);
	nr_tries++;
	if (fault_plan()->span == FOR_GOOD)
		goto done;
	if ((fault_plan()->span == MOMENT && nr_tries > 1) || now_ns() > try_until_ns)
		script_die(file, line, what);
	if (fault_plan()->span != MOMENT)
		nap_us(500);
	return true;
done:
	nr_tries = 0;
	return false;
}

bool script_has_it(void)
{
	return has_it;
}

/* -------------------------------------------------------------------- jobs */

void job_fn(struct work_struct *work)
{
	struct job *job = container_of(work, struct job, work);
	struct gate *hold = job->hold;

	atomic_fetch_add(&script_account.runs, 1);
	atomic_fetch_add(&job->runs, 1);
	if (job->then)
		job->then(job);
	if (hold)
		gate_wait_at(hold, __FILE__, __LINE__, "the gate a job waits for is open");
}

void job_init(struct job *job)
{
	memset(job, 0, sizeof(*job));
	INIT_WORK(&job->work, job_fn);
}

void delayed_job_fn(struct work_struct *work)
{
	struct delayed_job *job = container_of(to_delayed_work(work), struct delayed_job, dwork);

	atomic_fetch_add(&script_account.runs, 1);
	atomic_fetch_add(&job->runs, 1);
}

void delayed_job_init(struct delayed_job *job)
{
	memset(job, 0, sizeof(*job));
	INIT_DELAYED_WORK(&job->dwork, delayed_job_fn);
}

void script_run_job(struct workqueue_struct *wq)
{
	struct job job;

	job_init(&job);
	insist(count_queued(queue_work(wq, &job.work)) ? 0 : REFUSED);
	flush_work(&job.work);
	must(atomic_load(&job.runs) == 1);
}

bool stopper_start(struct stopper *stopper)
{
	gate_init(&stopper->go);
	job_init(&stopper->job);
	stopper->job.hold = &stopper->go;
	insist(error_of_null(stopper->wq = alloc_ordered_workqueue("stopper", 0)));
	if (!script_has_it())
		return false;
	must(count_queued(queue_work(stopper->wq, &stopper->job.work)));
	wait_until(atomic_load(&stopper->job.runs));
	return true;
}

void stopper_end(struct stopper *stopper)
{
	gate_open(&stopper->go);
	destroy_workqueue(stopper->wq);
}

/* ------------------------------------------------------------------- steps */

struct workqueue_struct *script_percpu, *script_unbound, *script_reclaim;

int script_cpu(unsigned int nth)
{
	cpu_set_t set;

	must(!sched_getaffinity(0, sizeof(set), &set));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set) && nth-- == 0)
			return cpu;
	return script_cpu(0);
}

/* Since steps are over that make such a thread, in times when it can be had. */
static bool has_idle_worker, has_timer_thread;

/*
 * What goes on without memory and without new threads; the outage will not end before. K1: the
 * items of a queue with a rescuer. Others where there is a worker, and also those that are delayed.
 */
static void check_outage(void)
{
	struct delayed_job delayed;
	struct job rescued[3], job;

	if (!script_reclaim || !fault_hold())
		return;
	for (size_t i = 0; i < ARRAY_LEN(rescued); i++) {
		job_init(&rescued[i]);
		must(count_queued(queue_work(script_reclaim, &rescued[i].work)));
	}
	for (size_t i = 0; i < ARRAY_LEN(rescued); i++)
		wait_until(atomic_load(&rescued[i].runs));
	job_init(&job);
	if (has_idle_worker) {
		must(count_queued(queue_work_on(script_cpu(0), script_percpu, &job.work)));
		wait_until(atomic_load(&job.runs));
	}
	delayed_job_init(&delayed);
	if (has_timer_thread) {
		must(count_queued(queue_delayed_work(script_reclaim, &delayed.dwork, 1)));
		wait_until(atomic_load(&delayed.runs));
	}
	fault_release();
	flush_workqueue(script_reclaim);
	flush_workqueue(script_percpu);
}

static const struct {
	const char *name;
	void (*fn)(void);
} steps[] = {
#define STEP(name)                                                                                 \
	{                                                                                          \
#name, step_##name                                                                 \
	}
	STEP(start),
	STEP(run_on_system_queues),
	STEP(alloc_each_kind),
	STEP(wait_for_each_other),
	STEP(change_limits),
	STEP(change_attrs),
	STEP(change_attrs_by_name),
	STEP(delay),
	STEP(arm_timers),
	STEP(wait_for_grace_periods),
	STEP(call_on_cpus),
	STEP(lose_cpus),
	STEP(cancel),
	STEP(drain),
	STEP(freeze),
	STEP(kthreads),
	STEP(sleep),
	STEP(kthread_workers),
	STEP(show),
	STEP(many_threads),
#undef STEP
};

static void note_threads(void (*step)(void))
{
	has_idle_worker |= step == step_start;
	has_timer_thread |= step == step_delay;
}

const char *const script_seeds[] = { "loses an item", "leaks", "says nothing" };

/* As a library would that does not bear the fault. */
static void sow(void)
{
	const char *seed = getenv(FAULT_SEED);

	if (!seed || !(fault_nr_struck() || fault_was_late()))
		return;
	if (!strcmp(seed, script_seeds[0]))
		count_queued(true);
	else if (!strcmp(seed, script_seeds[1]))
		must(wq_os_alloc(1, 1));
	else
		atomic_store(&fault_was_told, false);
}

static void end(void)
{
	sow();
	destroy_workqueue(script_percpu);
	destroy_workqueue(script_unbound);
	destroy_workqueue(script_reclaim);
	must(script_account.queued ==
	     script_account.runs + script_account.taken + script_account.refused);
	must(!must_be_told() || atomic_load(&fault_was_told));
	must(!workq_shutdown(ULONG_MAX));
	must(!alloc_workqueue("late", WQ_PERCPU, 0) && errno == ESHUTDOWN);
}

void script_run(void)
{
	signal(SIGALRM, step_hangs);
	workq_set_report_fn(script_report_fn);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		atomic_store(&step_name, steps[i].name);
		alarm(STEP_SECONDS);
		steps[i].fn();
		check_outage();
		note_threads(steps[i].fn);
	}
	atomic_store(&step_name, "end");
	end();
	alarm(0);
}
