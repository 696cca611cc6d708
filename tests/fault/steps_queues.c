/* SPDX-License-Identifier: MIT */
/*
 * steps_queues.c - the script's steps with queues: made, changed, looked at, drained, frozen.
 */
#include "fault/script.h"

#include <string.h>

/* ---------------------------------------------------------------- starting */

static struct job first_job;
static struct delayed_job first_delayed;
static struct timer_list first_timer;
static struct workqueue_struct *first_wq;
static struct workqueue_attrs *first_attrs;
static struct kthread_worker *first_worker;

static long first_work_on_cpu(void *arg)
{
	*(bool *)arg = true;
	return 0;
}

static void do_nothing(struct work_struct *work)
{
}

static void timer_does_nothing(struct timer_list *timer)
{
}

static void start_by_queueing(void)
{
	job_init(&first_job);
	insist(count_queued(schedule_work(&first_job.work)) ? 0 : REFUSED);
}

static void start_by_arming(void)
{
	delayed_job_init(&first_delayed);
	insist(count_queued(schedule_delayed_work(&first_delayed.dwork, 1)) ? 0 : REFUSED);
}

static void start_by_timer(void)
{
	timer_setup(&first_timer, timer_does_nothing, 0);
	insist((mod_timer(&first_timer, jiffies + 3600 * HZ), timer_pending(&first_timer)) ?
		       0 :
		       REFUSED);
}

static void start_by_call(void)
{
	bool was_called = false;

	insist(work_on_cpu(script_cpu(0), first_work_on_cpu, &was_called));
	must(was_called);
}

static void start_by_name(void)
{
	char text[16];
	int len;

	insist((len = workq_attr_read("parameters/power_efficient", text, sizeof(text))) > 0 ? 0 :
											       len);
}

/* The library's first use: another call each time. */
static void use_first(unsigned int which)
{
	switch (which) {
	case 0:
		insist(workq_start());
		break;
	case 1:
		start_by_queueing();
		break;
	case 2:
		insist(error_of_null(first_wq = alloc_workqueue("first", WQ_UNBOUND, 0)));
		break;
	case 3:
		start_by_arming();
		break;
	case 4:
		insist(error_of_null(first_attrs = alloc_workqueue_attrs()));
		break;
	case 5:
		insist(PTR_ERR_OR_ZERO(first_worker = kthread_run_worker(0, "first")));
		break;
	case 6:
		start_by_call();
		break;
	case 7:
		insist(schedule_on_each_cpu(do_nothing));
		break;
	case 8:
		start_by_name();
		break;
	default:
		start_by_timer();
	}
}

static void end_first_use(void)
{
	if (first_job.work.func)
		flush_work(&first_job.work);
	if (first_delayed.dwork.work.func)
		wait_until(atomic_load(&first_delayed.runs));
	if (first_delayed.dwork.work.func)
		flush_delayed_work(&first_delayed.dwork);
	if (first_timer.function)
		timer_delete_sync(&first_timer);
	if (first_wq)
		destroy_workqueue(first_wq);
	if (first_worker)
		kthread_destroy_worker(first_worker);
	free_workqueue_attrs(first_attrs);
}

void step_start(void)
{
	bool was_called = false;

	use_first(fault_plan()->nth % 10);
	insist(workq_start());
	end_first_use();
	must(strlen(workq_version()) > 0);
	insist(error_of_null(
		script_reclaim = alloc_workqueue("%s", WQ_PERCPU | WQ_MEM_RECLAIM, 0, "reclaim")));
	insist(error_of_null(script_percpu = alloc_workqueue("percpu", WQ_PERCPU, 0)));
	insist(error_of_null(script_unbound = alloc_workqueue("unbound", WQ_UNBOUND, 0)));
	must(!work_on_cpu(script_cpu(0), first_work_on_cpu, &was_called) && was_called);
}

/* ------------------------------------------------------------------- kinds */

static struct workqueue_struct *alloc_kind(unsigned int kind)
{
	switch (kind) {
	case 0:
		return alloc_workqueue("highpri", WQ_PERCPU | WQ_HIGHPRI, 0);
	case 1:
		return alloc_workqueue("intensive", WQ_PERCPU | WQ_CPU_INTENSIVE, 4);
	case 2:
		return alloc_workqueue("bh", WQ_PERCPU | WQ_BH, 0);
	case 3:
		return alloc_workqueue("bh_highpri", WQ_PERCPU | WQ_BH | WQ_HIGHPRI, 0);
	case 4:
		return alloc_workqueue("unbound_highpri", WQ_UNBOUND | WQ_HIGHPRI, 1);
	case 5:
		return alloc_workqueue("power", WQ_PERCPU | WQ_POWER_EFFICIENT, 0);
	case 6:
		return alloc_ordered_workqueue("%s", WQ_MEM_RECLAIM | WQ_FREEZABLE, "ordered");
	case 7:
		return create_workqueue("legacy");
	case 8:
		return create_freezable_workqueue("legacy_freezable");
	case 9:
		return create_singlethread_workqueue("legacy_single");
	case 10:
		return alloc_workqueue_lockdep_map("map", WQ_UNBOUND | WQ_MEM_RECLAIM, 2, NULL);
	case 11:
		return alloc_ordered_workqueue_lockdep_map("ordered_map", 0, NULL);
	default:
		return NULL;
	}
}

enum { NR_KINDS = 12 };

static void look_around(struct job *job)
{
	struct work_struct *self = current_work();

	set_worker_desc("job %p", (void *)job);
	current_is_workqueue_rescuer();
	current_is_workqueue_mem_reclaim();
	workq_block_begin();
	workq_block_end();
	must(!self || self == &job->work);
	must(work_busy(&job->work) & WORK_BUSY_RUNNING);
}

static void queue_each_way(struct workqueue_struct *wq, bool is_unbound)
{
	struct job here, there, near;

	job_init(&here);
	job_init(&there);
	job_init(&near);
	here.then = look_around;
	must(count_queued(queue_work(wq, &here.work)));
	must(count_queued(queue_work_on(script_cpu(1), wq, &there.work)));
	must(count_queued(is_unbound ? queue_work_node(0, wq, &near.work) :
				       queue_work_on(script_cpu(0), wq, &near.work)));
	workqueue_congested(WORK_CPU_UNBOUND, wq);
	flush_work(&here.work);
	flush_workqueue(wq);
	must(!work_pending(&near.work) && !work_busy(&there.work));
	must(here.runs + there.runs + near.runs == 3);
}

void step_alloc_each_kind(void)
{
	struct workqueue_struct *wq[NR_KINDS];

	for (unsigned int kind = 0; kind < NR_KINDS; kind++)
		insist(error_of_null(wq[kind] = alloc_kind(kind)));
	for (unsigned int kind = 0; kind < NR_KINDS; kind++)
		queue_each_way(wq[kind], kind == 4 || kind == 6 || kind >= 8);
	for (unsigned int kind = 0; kind < NR_KINDS; kind++)
		destroy_workqueue(wq[kind]);
}

void step_run_on_system_queues(void)
{
	struct workqueue_struct *const all[] = {
		system_percpu_wq,
		system_highpri_wq,
		system_long_wq,
		system_dfl_wq,
		system_dfl_long_wq,
		system_freezable_wq,
		system_power_efficient_wq,
		system_freezable_power_efficient_wq,
		system_bh_wq,
		system_bh_highpri_wq,
		system_wq,
		system_unbound_wq,
	};
	struct job job;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		script_run_job(all[i]);
	job_init(&job);
	must(count_queued(schedule_work_on(script_cpu(1), &job.work)));
	flush_scheduled_work();
	must(job.runs == 1);
}

/* -------------------------------------------------------------- attributes */

static void apply(struct workqueue_struct *wq, struct workqueue_attrs *attrs)
{
	insist(apply_workqueue_attrs(wq, attrs));
	script_run_job(wq);
}

static void set_housekeeping(const struct cpumask *mask)
{
	insist(workqueue_unbound_housekeeping_update(mask));
	script_run_job(script_unbound);
}

/* Also beside an item that stays where it was. */
void step_change_attrs(void)
{
	struct workqueue_attrs *attrs;
	struct cpumask one;
	struct stopper stopper;

	stopper_start(&stopper);
	insist(error_of_null(attrs = alloc_workqueue_attrs()));
	for (int scope = WQ_AFFN_CPU; scope <= WQ_AFFN_SYSTEM; scope++) {
		attrs->affn_scope = (enum wq_affn_scope)scope;
		attrs->affn_strict = scope % 2;
		apply(script_unbound, attrs);
	}
	attrs->nice = 5;
	insist(apply_workqueue_attrs(stopper.wq, attrs));
	apply(script_unbound, attrs);
	cpumask_clear(&one);
	cpumask_set_cpu((unsigned int)script_cpu(0), &one);
	set_housekeeping(&one);
	set_housekeeping(attrs->cpumask);
	stopper_end(&stopper);
	free_workqueue_attrs(attrs);
}

static void write_attr(const char *path, const char *text)
{
	char now[2048];

	insist(workq_attr_write(path, text));
	must(workq_attr_read(path, now, sizeof(now)) > 0);
	must(!strncmp(now, text, strlen(text)));
}

void step_change_attrs_by_name(void)
{
	struct workqueue_struct *wq, *later;
	char mask[2048];

	insist(error_of_null(wq = alloc_workqueue("named", WQ_UNBOUND | WQ_SYSFS, 0)));
	insist(error_of_null(later = alloc_workqueue("named_later", WQ_UNBOUND, 0)));
	insist(workqueue_sysfs_register(later));
	must(workq_attr_read("cpumask", mask, sizeof(mask)) > 0);
	write_attr("cpumask", mask);
	write_attr("parameters/default_affinity_scope", "numa");
	write_attr("named/max_active", "3");
	write_attr("named/nice", "1");
	write_attr("named_later/cpumask", mask);
	write_attr("named_later/affinity_scope", "cpu");
	write_attr("named_later/affinity_strict", "1");
	script_run_job(wq);
	script_run_job(later);
	write_attr("parameters/default_affinity_scope", "cache_shard");
	destroy_workqueue(wq);
	destroy_workqueue(later);
}

/* ------------------------------------------------------------------ limits */

/* One goes after the other, then more at once. */
static void limit_and_lift(struct workqueue_struct *wq)
{
	struct job jobs[4];
	struct gate go;

	gate_init(&go);
	workqueue_set_max_active(wq, 1);
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		job_init(&jobs[i]);
		jobs[i].hold = &go;
		must(count_queued(queue_work(wq, &jobs[i].work)));
	}
	wait_until(atomic_load(&jobs[0].runs));
	workqueue_set_max_active(wq, 4);
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++)
		wait_until(atomic_load(&jobs[i].runs));
	gate_open(&go);
	flush_workqueue(wq);
	workqueue_set_max_active(wq, WQ_DFL_ACTIVE);
}

void step_change_limits(void)
{
	workqueue_set_min_active(script_unbound, 4);
	limit_and_lift(script_percpu);
	limit_and_lift(script_unbound);
	workqueue_set_min_active(script_unbound, WQ_DFL_MIN_ACTIVE);
}

/* -------------------------------------------------------------- taking back */

void step_cancel(void)
{
	struct stopper stopper;
	struct job job;

	stopper_start(&stopper);
	job_init(&job);
	must(count_queued(queue_work(stopper.wq, &job.work)));
	must(!count_queued(queue_work(stopper.wq, &job.work)));
	must(count_taken(cancel_work(&job.work)));
	must(count_queued(queue_work(stopper.wq, &job.work)));
	must(count_taken(cancel_work_sync(&job.work)));
	must(count_queued(queue_work(stopper.wq, &job.work)));
	must(count_taken(disable_work(&job.work)));
	must(!disable_work_sync(&job.work));
	must(!count_queued(queue_work(stopper.wq, &job.work)));
	must(!enable_work(&job.work));
	must(enable_and_queue_work(stopper.wq, &job.work));
	count_queued(true);
	stopper_end(&stopper);
	must(job.runs == 1);
	destroy_work_on_stack(&job.work);
}

/* -------------------------------------------------------- draining, freezing */

static struct stopper drained;
static struct job chained;

static void queue_next(struct job *job)
{
	if (atomic_load(&job->runs) < 3)
		must(count_queued(queue_work(drained.wq, &job->work)));
}

static long drain_it(void *wq)
{
	drain_workqueue(wq);
	return 0;
}

/* What outsiders queue meanwhile is refused (A8), and that is true of the answer, too. */
void step_drain(void)
{
	struct call drain;
	struct job late;

	stopper_start(&drained);
	job_init(&chained);
	job_init(&late);
	chained.then = queue_next;
	must(count_queued(queue_work(drained.wq, &chained.work)));
	call_start(&drain, drain_it, drained.wq);
	/* until it has begun, it is taken */
	do
		must(count_queued(queue_work(drained.wq, &late.work)));
	while (count_taken(cancel_work(&late.work)));
	atomic_fetch_add(&script_account.refused, 1);
	gate_open(&drained.go);
	call_join(&drain);
	must(chained.runs == 3 && late.runs == 0);
	destroy_workqueue(drained.wq);
}

void step_freeze(void)
{
	struct workqueue_struct *wq;
	struct job job;

	insist(error_of_null(wq = alloc_workqueue("freezable", WQ_PERCPU | WQ_FREEZABLE, 0)));
	job_init(&job);
	freeze_workqueues_begin();
	must(count_queued(queue_work(wq, &job.work)));
	wait_until(!freeze_workqueues_busy());
	must(work_pending(&job.work) && !job.runs);
	show_freezable_workqueues();
	thaw_workqueues();
	flush_work(&job.work);
	must(job.runs == 1);
	destroy_workqueue(wq);
}

/* ----------------------------------------------------- waiting for each other */

enum { NR_LINKS = 4 };

static struct {
	struct job job;
	struct gate is_through;
} chain[NR_LINKS];

/* Each waits for the next one, some tell the pool. */
static void wait_for_next(struct job *job)
{
	size_t i = (size_t)((char *)job - (char *)chain) / sizeof(chain[0]);
	bool tells = i % 2;

	if (tells)
		workq_block_begin();
	if (i + 1 < NR_LINKS)
		gate_wait(&chain[i + 1].is_through);
	if (tells)
		workq_block_end();
	gate_open(&chain[i].is_through);
}

static void run_chain(struct workqueue_struct *wq)
{
	for (size_t i = 0; i < NR_LINKS; i++) {
		job_init(&chain[i].job);
		gate_init(&chain[i].is_through);
		chain[i].job.then = wait_for_next;
	}
	for (size_t i = 0; i < NR_LINKS; i++)
		must(count_queued(queue_work_on(script_cpu(0), wq, &chain[i].job.work)));
	flush_workqueue(wq);
}

/* C4, K: so many threads as are needed come, with the resources at the latest. */
void step_wait_for_each_other(void)
{
	run_chain(script_percpu);
	run_chain(script_unbound);
}

/* ----------------------------------------------------------------- looking */

void step_show(void)
{
	struct stopper stopper;
	struct job job;
	char comm[64];

	stopper_start(&stopper);
	job_init(&job);
	must(count_queued(queue_work(stopper.wq, &job.work)));
	show_all_workqueues();
	show_one_workqueue(stopper.wq);
	print_worker_info("", 1);
	must(!workq_worker_comm(1, comm, sizeof(comm)));
	wq_watchdog_touch(WORK_CPU_UNBOUND);
	stopper_end(&stopper);
	must(job.runs == 1);
}

/* ------------------------------------------------------------------ threads */

/* More than have a record without asking for memory. */
enum { NR_THREADS = 136 };

static struct gate all_are_there;
static atomic_int nr_there;

static void *queue_from_thread(void *arg)
{
	struct job job;

	job_init(&job);
	must(count_queued(queue_work(script_percpu, &job.work)));
	flush_work(&job.work);
	must(job.runs == 1);
	atomic_fetch_add(&nr_there, 1);
	gate_wait(&all_are_there);
	return NULL;
}

void step_many_threads(void)
{
	pthread_t threads[NR_THREADS];

	/* it takes some time, and concerns nobody else */
	if (fault_plan()->point != FAULT_wq_os_map)
		return;
	gate_init(&all_are_there);
	for (int i = 0; i < NR_THREADS; i++)
		must(!pthread_create(&threads[i], NULL, queue_from_thread, NULL));
	wait_until(atomic_load(&nr_there) == NR_THREADS);
	gate_open(&all_are_there);
	for (int i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
}
