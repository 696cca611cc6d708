/* SPDX-License-Identifier: MIT */
/*
 * steps_delayed.c - the script's steps with time: delayed items, timers, grace periods, and
 * items on CPUs.
 */
#include "fault/script.h"

#include <string.h>

#define FAR (3600ul * HZ)

/* ------------------------------------------------------------- delayed items */

static void cancel_armed(struct workqueue_struct *wq, struct delayed_job *job)
{
	must(count_queued(queue_delayed_work(wq, &job->dwork, FAR)));
	must(delayed_work_pending(&job->dwork));
	must(count_taken(cancel_delayed_work(&job->dwork)));
	must(count_queued(schedule_delayed_work_on(script_cpu(1), &job->dwork, FAR)));
	must(count_taken(cancel_delayed_work_sync(&job->dwork)));
	must(count_queued(queue_delayed_work(wq, &job->dwork, FAR)));
	must(count_taken(disable_delayed_work(&job->dwork)));
	must(!disable_delayed_work_sync(&job->dwork));
	must(!count_queued(queue_delayed_work(wq, &job->dwork, 1)));
	must(!enable_delayed_work(&job->dwork) && enable_delayed_work(&job->dwork));
}

/* An idle item is queued by that, too. */
static void mod_and_flush(struct workqueue_struct *wq, struct delayed_job *job)
{
	unsigned int runs = job->runs;

	must(!mod_delayed_work(wq, &job->dwork, FAR));
	count_queued(true);
	must(mod_delayed_work_on(script_cpu(1), wq, &job->dwork, FAR / 2));
	must(flush_delayed_work(&job->dwork));
	must(job->runs == runs + 1);
	must(!mod_delayed_work(wq, &job->dwork, 1));
	count_queued(true);
	wait_until(atomic_load(&job->runs) == runs + 2);
	must(count_queued(queue_delayed_work(wq, &job->dwork, FAR)));
	delayed_work_timer_fn(&job->dwork.timer);
	flush_delayed_work(&job->dwork);
	must(job->runs == runs + 3);
}

void step_delay(void)
{
	struct delayed_job soon, later, deferrable, stays;

	delayed_job_init(&soon);
	delayed_job_init(&later);
	delayed_job_init(&stays);
	delayed_job_init(&deferrable);
	INIT_DEFERRABLE_WORK(&deferrable.dwork, delayed_job_fn);
	must(count_queued(queue_delayed_work(script_percpu, &stays.dwork, FAR)));
	must(count_queued(queue_delayed_work_on(script_cpu(1), script_unbound, &later.dwork, 3)));
	must(count_queued(queue_delayed_work(script_percpu, &soon.dwork, 1)));
	must(count_queued(schedule_delayed_work(&deferrable.dwork, 1)));
	wait_until(atomic_load(&soon.runs) && atomic_load(&later.runs));
	must(flush_delayed_work(&deferrable.dwork) || atomic_load(&deferrable.runs));
	flush_work(&deferrable.dwork.work);
	mod_and_flush(script_reclaim, &soon);
	cancel_armed(script_unbound, &later);
	must(count_taken(cancel_delayed_work_sync(&stays.dwork)));
	flush_workqueue(script_percpu);
	flush_workqueue(script_reclaim);
	destroy_delayed_work_on_stack(&soon.dwork);
	must(soon.runs == 4 && later.runs == 1 && deferrable.runs == 1 && stays.runs == 0);
}

/* ------------------------------------------------------------------ timers */

static atomic_uint nr_fired;

static void count_fired(struct timer_list *timer)
{
	atomic_fetch_add(&nr_fired, 1);
}

static void fire_each_way(struct timer_list timers[4])
{
	for (int i = 0; i < 4; i++)
		timer_setup(&timers[i], count_fired, i == 3 ? TIMER_DEFERRABLE : 0);
	must(!mod_timer(&timers[0], jiffies + 1));
	timers[1].expires = jiffies + 2;
	add_timer(&timers[1]);
	timers[2].expires = jiffies + 2;
	add_timer_on(&timers[2], script_cpu(1));
	timers[3].expires = round_jiffies(jiffies + FAR);
	add_timer_local(&timers[3]);
	must(timer_reduce(&timers[3], jiffies + FAR / 2));
	must(mod_timer_pending(&timers[3], jiffies + FAR / 4));
	must(timer_pending(&timers[3]) && timer_delete(&timers[3]));
	wait_until(atomic_load(&nr_fired) == 3);
}

void step_arm_timers(void)
{
	struct timer_list timers[4];
	unsigned long before;

	atomic_store(&nr_fired, 0);
	fire_each_way(timers);
	must(!timer_delete_sync(&timers[0]));
	wait_until(timer_delete_sync_try(&timers[1]) == 0);
	timers[2].expires = jiffies + round_jiffies_up_relative(FAR);
	add_timer_global(&timers[2]);
	must(timer_shutdown(&timers[2]));
	must(!timer_shutdown_sync(&timers[2]));
	must(!mod_timer(&timers[2], jiffies + 1));
	/* which of two calls in one expression comes first is for the compiler to choose */
	before = workq_jiffies();
	must(time_before_eq(before, jiffies));
	must(round_jiffies_up(jiffies) && round_jiffies_relative(HZ));
	timer_destroy_on_stack(&timers[0]);
	must(atomic_load(&nr_fired) == 3);
}

/* ----------------------------------------------------------- grace periods */

static struct {
	struct rcu_work rwork;
	atomic_uint runs;
} rcu_job;

static void rcu_job_fn(struct work_struct *work)
{
	atomic_fetch_add(&script_account.runs, 1);
	atomic_fetch_add(&rcu_job.runs, 1);
}

#ifdef TESTS_HAVE_RCU
void step_wait_for_grace_periods(void)
{
	INIT_RCU_WORK(&rcu_job.rwork, rcu_job_fn);
	insist(count_queued(queue_rcu_work(script_unbound, &rcu_job.rwork)) ? 0 : REFUSED);
	if (!script_has_it())
		return;
	must(flush_rcu_work(&rcu_job.rwork) || rcu_job.runs);
	must(rcu_job.runs == 1);
	must(workq_set_rcu_flavor(NULL) == -EINVAL);
}
#else
void step_wait_for_grace_periods(void)
{
	INIT_RCU_WORK(&rcu_job.rwork, rcu_job_fn);
	must(!queue_rcu_work(script_unbound, &rcu_job.rwork));
	must(!flush_rcu_work(&rcu_job.rwork));
	must(workq_set_rcu_flavor(NULL) == -EINVAL);
}
#endif

/* -------------------------------------------------------------------- CPUs */

static atomic_uint nr_calls;

static long call_fn(void *arg)
{
	atomic_fetch_add(&nr_calls, 1);
	return (long)arg;
}

static void each_fn(struct work_struct *work)
{
	atomic_fetch_add(&nr_calls, 1);
}

static struct execute_work from_bh;
static atomic_bool bh_has_run;

/* It may not sleep here: so it becomes an item. */
static void execute_from_bh(struct work_struct *work)
{
	must(execute_in_process_context(each_fn, &from_bh) == 1);
	atomic_store(&bh_has_run, true);
}

void step_call_on_cpus(void)
{
	struct work_struct bh;
	struct execute_work direct;

	atomic_store(&nr_calls, 0);
	must(work_on_cpu(script_cpu(1), call_fn, (void *)4711) == 4711);
	insist(schedule_on_each_cpu(each_fn));
	must(atomic_load(&nr_calls) > 1);
	atomic_store(&nr_calls, 0);
	must(!execute_in_process_context(each_fn, &direct));
	INIT_WORK(&bh, execute_from_bh);
	must(queue_work(system_bh_wq, &bh));
	wait_until(atomic_load(&bh_has_run));
	flush_work(&bh);
	flush_work(&from_bh.work);
	must(atomic_load(&nr_calls) == 2);
}
