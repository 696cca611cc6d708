/* SPDX-License-Identifier: MIT */
/*
 * test_submit.c - an item that its owner wants queued: refused or not, and where it goes.
 *
 * Workers are only slots here; what they run is written into them. Each test has a
 * process of its own, since a refusal is reported once.
 */
#include "../support/meddle.h"
#include "machine.h"

#include <limits.h>

#include "core/submit.h"
#include "core/worker.h"
#include "lines.h"

static struct workqueue_struct *wq, *other;
static struct work_struct work, another;

static void never_run(struct work_struct *ran)
{
	(void)ran;
	abort();
}

static void another_func(struct work_struct *ran)
{
	(void)ran;
}

static void begin(void)
{
	start_machine();
	wq = make_queue(WQ_PERCPU);
	other = make_queue(WQ_PERCPU);
	strcpy(wq->name, "crowded");
	INIT_WORK(&work, never_run);
	INIT_WORK(&another, never_run);
	wq_report_set_fn(lines_catch);
	wq_grace_enter();
}

static void end(void)
{
	wq_grace_leave();
	free_queue(wq);
	free_queue(other);
}

/* A worker of the CPU that runs this item of this queue. */
static struct wq_worker *new_worker(unsigned int cpu, struct workqueue_struct *of,
				    struct work_struct *item)
{
	struct wq_pool *pool = of->table->of_cpu[cpu]->pool;
	struct wq_worker *worker;

	wq_pool_lock(pool);
	worker = wq_worker_alloc_locked(pool);
	must(worker);
	worker->current_func = item->func;
	worker->current_pwq = of->table->of_cpu[cpu];
	worker->current = item;
	wq_lock_release(&pool->lock);
	return worker;
}

/* PENDING is ours; this is what the rest of the word says. */
static void own(unsigned long rest)
{
	work.data = rest | WQ_WORK_PENDING;
}

/* Where the item goes when it is queued on the FIRST CPU; its word must say the same. */
static struct wq_pwq *prepare(void)
{
	struct wq_pool *pool = wq_submit_prepare(wq, &work, work.data, wq->table->of_cpu[FIRST]);
	struct wq_pwq *pwq = wq_word_pwq(work.data);

	must(pool && pwq->pool == pool && pwq->wq == wq);
	must(work.data == wq_word_queued(pwq, pwq->color));
	return pwq;
}

static void must_be_refused(unsigned long rest)
{
	must(!wq_submit_prepare(wq, &work, work.data, wq->table->of_cpu[FIRST]));
	must(work.data == rest);
}

static int nr_reports(void)
{
	return atomic_exchange(&lines_caught, 0);
}

/* ------------------------------------------------------------------- accepted */

static void item_goes_where_it_was_queued(void)
{
	begin();
	own(0);
	must(prepare() == wq->table->of_cpu[FIRST]);
	must(nr_reports() == 0);
	end();
}

static void word_says_queued_in_the_open_colour(void)
{
	begin();
	wq->table->of_cpu[FIRST]->color = 11;
	own(WQ_WORK_TIMER);
	prepare();
	must(wq_word_is_queued(work.data) && !wq_word_is_timer(work.data));
	must(wq_word_color(work.data) == 11);
	end();
}

static void submitted_item_is_pushed_and_nobody_woken(void)
{
	struct wq_park *wake = NULL;
	struct wq_pool *pool;

	begin();
	pool = wq->table->of_cpu[SECOND]->pool;
	own(WQ_WORK_TIMER);
	must(wq_submit(wq, &work, SECOND, &wake));
	must(pool->intake == &work && wq_word_pwq(work.data) == wq->table->of_cpu[SECOND]);
	/* whom a new pool offers */
	must(wake == &wq_manager_park && !was_woken(&wq_manager_park));
	end();
}

/* While the manager looks by itself, the second push has nobody to wake. */
static void second_push_wakes_nobody(void)
{
	struct wq_park *wake = NULL;

	begin();
	wq_manager_samples = true;
	own(0);
	must(wq_submit(wq, &work, FIRST, &wake) && wake);
	another.data = WQ_WORK_PENDING;
	must(wq_submit(wq, &another, FIRST, &wake) && !wake);
	must(wq->table->of_cpu[FIRST]->pool->intake == &another && another.entry.next == &work);
	end();
}

/* O1 */
static void submit_for_a_cpu_there_is_none_of_goes_somewhere(void)
{
	struct wq_park *wake;

	begin();
	own(0);
	must(wq_submit(wq, &work, NR_CPUS, &wake));
	must(wq_word_pwq(work.data) == wq->table->of_cpu[0]);
	end();
}

/* ------------------------------------------------------------------ still running */

/* B4 */
static void item_that_runs_elsewhere_goes_there(void)
{
	struct wq_worker *worker;

	begin();
	worker = new_worker(SECOND, wq, &work);
	own(wq_word_off(worker->slot, 0));
	must(prepare() == wq->table->of_cpu[SECOND]);
	own(wq_word_off(worker->slot, 0) | WQ_WORK_TIMER);
	must(prepare() == wq->table->of_cpu[SECOND]);
	end();
}

/* B4: another queue's limits do not count here. */
static void item_that_runs_for_another_queue_goes_where_it_was_queued(void)
{
	struct wq_worker *worker;

	begin();
	worker = new_worker(SECOND, other, &work);
	own(wq_word_off(worker->slot, 0));
	must(prepare() == wq->table->of_cpu[FIRST]);
	end();
}

/* B4, B9 */
static void item_of_an_ordered_queue_goes_where_it_was_queued(void)
{
	struct wq_worker *worker;

	begin();
	worker = new_worker(SECOND, wq, &work);
	wq->flags |= __WQ_ORDERED;
	own(wq_word_off(worker->slot, 0));
	must(prepare() == wq->table->of_cpu[FIRST]);
	wq->flags &= ~(unsigned int)__WQ_ORDERED;
	end();
}

static void item_whose_worker_has_returned_goes_where_it_was_queued(void)
{
	struct wq_worker *worker;

	begin();
	worker = new_worker(SECOND, wq, &work);
	worker->current = NULL;
	own(wq_word_off(worker->slot, 0));
	must(prepare() == wq->table->of_cpu[FIRST]);
	worker->current = &another;
	own(wq_word_off(worker->slot, 0));
	must(prepare() == wq->table->of_cpu[FIRST]);
	end();
}

/* B7 */
static void item_made_anew_while_the_old_one_runs_is_another_one(void)
{
	struct wq_worker *worker;

	begin();
	worker = new_worker(SECOND, wq, &work);
	work.func = another_func;
	own(wq_word_off(worker->slot, 0));
	must(prepare() == wq->table->of_cpu[FIRST]);
	end();
}

static void deprecated_queue_is_noted_once(void)
{
	begin();
	wq->flags |= __WQ_DEPRECATED;
	for (int i = 0; i < 2; i++) {
		own(0);
		must(prepare() == wq->table->of_cpu[FIRST]);
		must(nr_reports() == (i == 0));
	}
	end();
}

/* ---------------------------------------------------------------------- refused */

/* A8 */
static void item_without_a_function_is_reported_once_and_idle(void)
{
	struct wq_park *wake = &wq_manager_park;

	begin();
	work.func = NULL;
	own(WQ_WORK_TIMER);
	must_be_refused(0);
	must(nr_reports() == 1);
	must(strstr(line_kept[0], "never initialised") && strstr(line_kept[0], "\"crowded\""));
	own(0);
	must(!wq_submit(wq, &work, FIRST, &wake) && !wake && !work.data);
	must(!wq->table->of_cpu[FIRST]->pool->intake);
	must(wq_submit_has_no_func(wq, &work));
	must(!wq_submit_has_no_func(wq, &another));
	must(nr_reports() == 0);
	end();
}

/* A8, F1: it keeps what the word says of its last run. */
static void draining_queue_refuses_and_reports_once(void)
{
	struct wq_park *wake = &wq_manager_park;
	unsigned long rest;

	begin();
	wq->flags |= __WQ_DRAINING;
	rest = wq_word_off(new_worker(SECOND, wq, &work)->slot, 0);
	own(rest | WQ_WORK_TIMER);
	must_be_refused(rest);
	must(nr_reports() == 1);
	must(strstr(line_kept[0], "draining") && strstr(line_kept[0], "crowded"));
	own(rest);
	must(!wq_submit(wq, &work, FIRST, &wake) && !wake && work.data == rest);
	must(!wq->table->of_cpu[FIRST]->pool->intake && nr_reports() == 0);
	wq->flags &= ~(unsigned int)__WQ_DRAINING;
	own(rest);
	must(prepare() == wq->table->of_cpu[SECOND]);
	end();
}

/* Of them no user knows. */
static void librarys_own_items_are_refused_without_a_word(void)
{
	struct wq_park *wake = &wq_manager_park;

	begin();
	wq_timers_wq.flags |= __WQ_DRAINING;
	own(0);
	must(!wq_submit(&wq_timers_wq, &work, FIRST, &wake) && !wake && !work.data);
	wq_timers_wq.flags &= ~(unsigned int)__WQ_DRAINING;
	wq_release_wq.flags |= __WQ_DRAINING;
	own(0);
	must(!wq_submit(&wq_release_wq, &work, FIRST, &wake) && !wake && !work.data);
	wq_release_wq.flags &= ~(unsigned int)__WQ_DRAINING;
	must(nr_reports() == 0);
	end();
}

static void queue_being_destroyed_refuses(void)
{
	begin();
	wq->flags |= __WQ_DESTROYING;
	own(0);
	must_be_refused(0);
	must(nr_reports() == 1);
	end();
}

/* F1 */
static void draining_queue_takes_what_its_own_items_queue(void)
{
	begin();
	wq->flags |= __WQ_DRAINING;
	wq_worker_self = new_worker(SECOND, wq, &another);
	own(0);
	must(prepare() == wq->table->of_cpu[FIRST]);
	must(nr_reports() == 0);
	wq_worker_self = NULL;
	end();
}

/* F1, M1 */
static void draining_bh_queue_refuses_its_own_items_too(void)
{
	struct workqueue_struct *bh;

	begin();
	bh = make_queue_with(WQ_PERCPU | WQ_BH, INT_MAX);
	bh->flags |= __WQ_DRAINING;
	wq_worker_self = new_worker(SECOND, bh, &another);
	own(0);
	must(!wq_submit_prepare(bh, &work, work.data, bh->table->of_cpu[FIRST]));
	must(!work.data && nr_reports() == 1);
	wq_worker_self = NULL;
	free_queue(bh);
	end();
}

static void draining_queue_refuses_other_queues_workers(void)
{
	begin();
	wq->flags |= __WQ_DRAINING;
	wq_worker_self = new_worker(SECOND, other, &another);
	own(0);
	must_be_refused(0);
	/* between two items */
	wq_worker_self = new_worker(SECOND, wq, &another);
	wq_worker_self->current = NULL;
	own(0);
	must_be_refused(0);
	wq_worker_self = NULL;
	end();
}

/* ---------------------------------------------------------------- taking PENDING */

/* The rest of the word is handed out, and kept. */
static void idle_item_is_taken(void)
{
	unsigned long rest = wq_word_off(3, 0), word = 0;

	begin();
	work.data = rest;
	must(wq_submit_take_pending(wq, &work, &word));
	must(word == rest && work.data == (rest | WQ_WORK_PENDING));
	must(!wq->late);
	end();
}

/* G2 */
static void disabled_item_is_not_taken_and_stays_idle(void)
{
	unsigned long disabled = wq_word_off(3, 2), word;

	begin();
	work.data = disabled;
	must(!wq_submit_take_pending(wq, &work, &word));
	must(work.data == disabled && !wq->late);
	end();
}

static bool is_taken_from(unsigned long pending)
{
	unsigned long word;
	bool is_taken;

	work.data = pending;
	is_taken = wq_submit_take_pending(wq, &work, &word);
	must(work.data == pending);
	return is_taken;
}

/* D1: whoever may be on his way to the pool must be waited for by later flushers. */
static void item_in_transit_or_queued_is_not_taken_and_marks_the_queue_late(void)
{
	begin();
	must(!is_taken_from(WQ_WORK_PENDING));
	must(wq->late == 1 && !other->late);
	wq->late = 0;
	must(!is_taken_from(wq_word_off(3, 0) | WQ_WORK_PENDING));
	must(wq->late == 1);
	wq->late = 0;
	must(!is_taken_from(wq_word_queued(wq->table->of_cpu[FIRST], 0)));
	must(wq->late == 1);
	end();
}

/* D2 */
static void armed_item_is_not_taken_and_marks_nothing(void)
{
	begin();
	must(!is_taken_from(WQ_WORK_PENDING | WQ_WORK_TIMER));
	must(!is_taken_from(wq_word_off(3, 0) | WQ_WORK_PENDING | WQ_WORK_TIMER));
	must(!wq->late);
	end();
}

/* ------------------------------------------- somebody is faster by an instruction */

static void prepare_only(void)
{
	own(0);
	prepare();
}

/* Its item is the first one. */
static void report_first(void)
{
	wq_fetch_and_acq_rel(&wq->flags, ~(unsigned int)__WQ_DEPRECATED);
}

static void deprecated_queue_is_reported_by_the_first_of_two(void)
{
	int nr_first = 0;

	if (!STEPS_EXIST)
		exit(EXIT_SKIPPED);
	begin();
	wq->flags |= __WQ_DEPRECATED;
	while (meddle_after(++nr_first, prepare_only, report_first) && !nr_reports())
		wq->flags |= __WQ_DEPRECATED;
	/* who comes later finds it reported */
	wq->flags &= ~(unsigned int)__WQ_DEPRECATED;
	prepare_only();
	must(nr_reports() == 0 && nr_first > 1);
	end();
}

/* An rcu item whose grace period has begun in the parent. */
static void leave_behind(void)
{
	work.data = (wq_word_tag() + (1ul << WQ_WORK_TAG_SHIFT)) | WQ_WORK_PENDING | WQ_WORK_TIMER;
	must(wq_word_is_stale(work.data));
}

static bool is_taken, is_taken_by_other;

static void take(void)
{
	unsigned long word;

	is_taken = wq_submit_take_pending(wq, &work, &word);
}

static void take_first(void)
{
	unsigned long word;

	is_taken_by_other = wq_submit_take_pending(wq, &work, &word);
}

static void item_left_by_the_parent_is_taken_by_one_of_two(void)
{
	if (!STEPS_EXIST)
		exit(EXIT_SKIPPED);
	begin();
	leave_behind();
	for (long n = 1; meddle_after(n, take, take_first); n++) {
		must(is_taken != is_taken_by_other);
		must(work.data == WQ_WORK_PENDING);
		leave_behind();
	}
	end();
}

static unsigned long word_seen;

static void look(void)
{
	word_seen = wq_work_look(&work);
}

static void look_first(void)
{
	must(wq_work_look(&work) == 0);
}

static void item_left_by_the_parent_is_settled_by_one_of_two(void)
{
	if (!STEPS_EXIST)
		exit(EXIT_SKIPPED);
	begin();
	leave_behind();
	for (long n = 1; meddle_after(n, look, look_first); n++) {
		must(word_seen == 0 && work.data == 0);
		leave_behind();
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(item_goes_where_it_was_queued),
		child_test(word_says_queued_in_the_open_colour),
		child_test(submitted_item_is_pushed_and_nobody_woken),
		child_test(second_push_wakes_nobody),
		child_test(submit_for_a_cpu_there_is_none_of_goes_somewhere),
		child_test(item_that_runs_elsewhere_goes_there),
		child_test(item_that_runs_for_another_queue_goes_where_it_was_queued),
		child_test(item_of_an_ordered_queue_goes_where_it_was_queued),
		child_test(item_whose_worker_has_returned_goes_where_it_was_queued),
		child_test(item_made_anew_while_the_old_one_runs_is_another_one),
		child_test(deprecated_queue_is_noted_once),
		child_test(item_without_a_function_is_reported_once_and_idle),
		child_test(draining_queue_refuses_and_reports_once),
		child_test(librarys_own_items_are_refused_without_a_word),
		child_test(queue_being_destroyed_refuses),
		child_test(deprecated_queue_is_reported_by_the_first_of_two),
		child_test(item_left_by_the_parent_is_taken_by_one_of_two),
		child_test(item_left_by_the_parent_is_settled_by_one_of_two),
		child_test(draining_queue_takes_what_its_own_items_queue),
		child_test(draining_bh_queue_refuses_its_own_items_too),
		child_test(draining_queue_refuses_other_queues_workers),
		child_test(idle_item_is_taken),
		child_test(disabled_item_is_not_taken_and_stays_idle),
		child_test(item_in_transit_or_queued_is_not_taken_and_marks_the_queue_late),
		child_test(armed_item_is_not_taken_and_marks_nothing),
	};

	return cmocka_run_group_tests_name("submit", tests, NULL, NULL);
}
