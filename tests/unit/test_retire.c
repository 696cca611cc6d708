/* SPDX-License-Identifier: MIT */
/*
 * test_retire.c - pwqs that their queue no longer uses: when they go, and what waits for it.
 *
 * There are no workers: what they do with items, and with the release of a pwq, the test
 * does. Each test has a process of its own.
 */
#include "queue_calls.h"

#include "core/layout.h"
#include "core/retire.h"

enum {
	NICE = 5, /* of pools that no other queue uses */
};

static struct workqueue_struct *wq;
static struct wq_pwq *old, *new;

static void begin(unsigned int flags, int max_active)
{
	start_machine();
	wq = make_queue_with(WQ_UNBOUND | flags, max_active);
	init_items();
	new = nth_pwq(wq, 0);
}

/* As apply_workqueue_attrs() does: other pwqs serve the queue from now on. */
static void change_nice(int nice)
{
	struct wq_layout layout;

	wq_lock_acquire(&wq_config_lock);
	wq->attrs->nice = nice;
	must(wq_layout_make(wq, &layout) == 0);
	wq_layout_install(wq, &layout);
	wq_lock_release(&wq_config_lock);
	old = new;
	new = wq->table->of_cpu[0];
	must(new != old &&new->pool->nice == nice);
}

/* ------------------------------------------------------------------ releases */

static bool is_release_queued(struct wq_pwq *pwq)
{
	return wq_load_relaxed(&pwq->release.data) & WQ_WORK_PENDING;
}

/* What its worker does; the pwq may be gone then. */
static long release(void *arg)
{
	struct wq_pwq *pwq = arg;
	work_func_t func = pwq->release.func;

	must(wq_word_pwq(pwq->release.data)->wq == &wq_release_wq);
	finish(&pwq->release);
	func(&pwq->release);
	return 0;
}

static struct call releasing;

/* In a thread of its own, stopped between its two looks at the pwq by this thread's section. */
static void release_half(struct wq_pwq *pwq)
{
	wq_grace_enter();
	call_start(&releasing, release, pwq);
	must(call_blocks(&releasing));
}

static void release_rest(void)
{
	wq_grace_leave();
	call_join(&releasing);
}

/* ----------------------------------------------------------------- when empty */

/* O7 */
static void replaced_pwq_that_is_empty_goes_at_once(void)
{
	begin(0, WQ_DFL_ACTIVE);
	change_nice(NICE);
	must(nr_pwqs(wq) == 2 && is_release_queued(old) && !is_release_queued(new));
	must(old->flushing & WQ_PWQ_RETIRED && !(new->flushing &WQ_PWQ_RETIRED));
	release(old);
	must(nr_pwqs(wq) == 1 && nth_pwq(wq, 0) == new);
	free_queue(wq);
}

/* O7, Q6 */
static void released_pwq_gives_its_place_in_the_pool_back(void)
{
	struct wq_pool *pool;

	begin(0, WQ_DFL_ACTIVE);
	change_nice(NICE);
	release(old);
	pool = new->pool;
	must(pool->nr_pwqs == 1);
	change_nice(NICE + 1);
	must(pool->nr_pwqs == 1);
	was_woken(&wq_manager_park);
	release(old);
	must(pool->nr_pwqs == 0 && was_woken(&wq_manager_park));
	free_queue(wq);
}

/* O7 */
static void replaced_pwq_stays_until_its_last_item_has_run(void)
{
	begin(0, 1);
	for (int i = 0; i < 3; i++)
		queue_on(new, i);
	change_nice(NICE);
	for (int i = 0; i < 3; i++) {
		must(wq_word_pwq(item[i].data) == old);
		must(!is_release_queued(old) && nr_pwqs(wq) == 2);
		was_woken(&wq_manager_park);
		run(i);
	}
	/* the worker that releases is yet to be made */
	must(is_release_queued(old) && was_woken(&wq_manager_park));
	release(old);
	must(nr_pwqs(wq) == 1 && wq->nr_filed_gone == 3);
	free_queue(wq);
}

/* G1 */
static void cancelled_item_may_be_the_last_one(void)
{
	begin(0, 1);
	queue_on(new, 0);
	queue_on(new, 1);
	change_nice(NICE);
	cancel(1);
	must(!is_release_queued(old));
	cancel(0);
	must(is_release_queued(old));
	release(old);
	must(nr_pwqs(wq) == 1);
	free_queue(wq);
}

/* It is still in the intake when the attributes change. */
static void item_that_was_only_pushed_is_waited_for(void)
{
	begin(0, WQ_DFL_ACTIVE);
	push_to(new, 0);
	change_nice(NICE);
	must(!is_release_queued(old));
	run(0);
	must(is_release_queued(old));
	release(old);
	free_queue(wq);
}

static long change_nice_to(void *nice)
{
	change_nice((int)(intptr_t)nice);
	return 0;
}

/* Somebody took the table before it was replaced, and pushes long after. */
static void producer_with_the_old_table_is_waited_for(void)
{
	struct wq_pwq *seen;
	struct call call;

	begin(0, WQ_DFL_ACTIVE);
	wq_grace_enter();
	seen = wq_wq_pwq_of(wq, FIRST);
	call_start(&call, change_nice_to, (void *)(intptr_t)NICE);
	must(call_blocks(&call));
	must(wq_wq_pwq_of(wq, FIRST) != seen);
	must(!is_release_queued(seen));
	push_to(seen, 0);
	wq_grace_leave();
	call_join(&call);
	must(seen == old && !is_release_queued(old));
	run(0);
	release(old);
	must(nr_pwqs(wq) == 1);
	free_queue(wq);
}

/* ---------------------------------------------------- what lands there afterwards */

/* K1: its rescuer is on its way, and looks at it. */
static void pwq_that_a_rescuer_was_called_for_stays_until_he_was_there(void)
{
	begin(0, WQ_DFL_ACTIVE);
	change_nice(NICE);
	old->is_calling = true;
	release(old);
	must(nr_pwqs(wq) == 2 && !is_release_queued(old));
	wq_pool_lock(old->pool);
	old->is_calling = false;
	wq_retire_if_empty_locked(old);
	wq_pool_unlock(old->pool);
	must(is_release_queued(old));
	release(old);
	must(nr_pwqs(wq) == 1);
	free_queue(wq);
}

/* B4 */
static void item_that_lands_before_the_release_puts_it_off(void)
{
	begin(0, WQ_DFL_ACTIVE);
	change_nice(NICE);
	queue_on(old, 0);
	release(old);
	must(nr_pwqs(wq) == 2 && !is_release_queued(old));
	run(0);
	must(is_release_queued(old));
	release(old);
	must(nr_pwqs(wq) == 1);
	free_queue(wq);
}

/* B4 */
static void item_that_lands_between_the_looks_keeps_the_pwq(void)
{
	begin(0, WQ_DFL_ACTIVE);
	change_nice(NICE);
	release_half(old);
	push_to(old, 0);
	release_rest();
	must(nr_pwqs(wq) == 2 && !is_release_queued(old));
	run(0);
	must(is_release_queued(old));
	release(old);
	must(nr_pwqs(wq) == 1);
	free_queue(wq);
}

/* Its end has queued the release again: that one must find the pwq still there. */
static void item_that_comes_and_goes_between_the_looks_keeps_the_pwq(void)
{
	begin(0, WQ_DFL_ACTIVE);
	change_nice(NICE);
	release_half(old);
	queue_on(old, 0);
	run(0);
	must(is_release_queued(old));
	release_rest();
	must(nr_pwqs(wq) == 2);
	release(old);
	must(nr_pwqs(wq) == 1);
	free_queue(wq);
}

/* ---------------------------------------------------------- what remains of a queue */

/* C3 */
static void items_of_old_and_new_pwq_keep_the_limit_together(void)
{
	begin(0, 1);
	queue_on(new, 0);
	change_nice(NICE);
	must(old->limit == new->limit && old->shares_limit &&new->shares_limit);
	queue_on(new, 1);
	must(is_held(&item[1]));
	run(0);
	look(new);
	must(is_active(&item[1]));
	release(old);
	must(!new->shares_limit &&new->limit->nr == 1);
	queue_on(new, 2);
	must(is_held(&item[2]));
	run(1);
	must(is_active(&item[2]));
	run(2);
	must(new->limit->nr == 0);
	free_queue(wq);
}

/* A drain compares how many were ever filed (F2). */
static void items_of_pwqs_that_are_gone_stay_counted(void)
{
	begin(0, WQ_DFL_ACTIVE);
	queue_on(new, 0);
	run(0);
	change_nice(NICE);
	release(old);
	must(wq->nr_filed_gone == 1);
	queue_on(new, 0);
	queue_on(new, 1);
	run(0);
	run(1);
	change_nice(NICE + 1);
	release(old);
	must(wq->nr_filed_gone == 3);
	free_queue(wq);
}

/* -------------------------------------------------------------------- ordered */

/* B9 */
static void ordered_queue_starts_nothing_new_before_the_old_pwq_is_gone(void)
{
	begin(__WQ_ORDERED, 1);
	queue_on(new, 0);
	queue_on(new, 1);
	change_nice(NICE);
	queue_on(new, 2);
	queue_on(new, 3);
	must(new->is_plugged && !old->is_plugged);
	must(is_active(&item[0]) && is_held(&item[2]));
	run(0);
	run(1);
	look(new);
	must(is_held(&item[2]));
	release(old);
	must(!new->is_plugged &&is_active(&item[2]) && is_held(&item[3]));
	run(2);
	run(3);
	free_queue(wq);
}

/* B9 */
static void ordered_queue_holds_back_what_is_only_pushed(void)
{
	begin(__WQ_ORDERED, 1);
	queue_on(new, 0);
	change_nice(NICE);
	push_to(new, 1);
	run(0);
	release(old);
	must(is_active(&item[1]));
	run(1);
	free_queue(wq);
}

/* B9 */
static void first_pwq_of_an_ordered_queue_waits_for_nobody(void)
{
	begin(__WQ_ORDERED, 1);
	must(!new->is_plugged);
	queue_on(new, 0);
	must(is_active(&item[0]));
	run(0);
	free_queue(wq);
}

/* B9 */
static void ordered_queue_serves_one_pwq_after_the_other(void)
{
	struct wq_pwq *first, *second;

	begin(__WQ_ORDERED, 1);
	queue_on(new, 0);
	change_nice(NICE);
	queue_on(new, 1);
	first = old;
	change_nice(NICE + 1);
	queue_on(new, 2);
	second = old;
	must(second->is_plugged && new->is_plugged);
	run(0);
	release(first);
	must(!second->is_plugged && new->is_plugged);
	must(is_active(&item[1]) && is_held(&item[2]));
	run(1);
	release(second);
	must(!new->is_plugged &&is_active(&item[2]));
	run(2);
	free_queue(wq);
}

/* B9 */
static void empty_pwq_in_between_lets_nobody_through(void)
{
	struct wq_pwq *first, *second;

	begin(__WQ_ORDERED, 1);
	queue_on(new, 0);
	change_nice(NICE);
	first = old;
	second = new;
	change_nice(NICE + 1);
	queue_on(new, 2);
	must(is_release_queued(second));
	release(second);
	must(nr_pwqs(wq) == 2 && new->is_plugged &&is_held(&item[2]));
	run(0);
	release(first);
	must(!new->is_plugged &&is_active(&item[2]));
	run(2);
	free_queue(wq);
}

/* G1, B9 */
static void held_back_item_of_a_plugged_pwq_can_be_cancelled(void)
{
	struct wq_pwq *first, *second;

	begin(__WQ_ORDERED, 1);
	queue_on(new, 0);
	change_nice(NICE);
	first = old;
	second = new;
	queue_on(second, 1);
	change_nice(NICE + 1);
	must(!is_release_queued(second));
	cancel(1);
	must(is_release_queued(second));
	release(second);
	run(0);
	release(first);
	must(!new->is_plugged);
	free_queue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(replaced_pwq_that_is_empty_goes_at_once),
		child_test(released_pwq_gives_its_place_in_the_pool_back),
		child_test(replaced_pwq_stays_until_its_last_item_has_run),
		child_test(cancelled_item_may_be_the_last_one),
		child_test(item_that_was_only_pushed_is_waited_for),
		child_test(producer_with_the_old_table_is_waited_for),
		child_test(pwq_that_a_rescuer_was_called_for_stays_until_he_was_there),
		child_test(item_that_lands_before_the_release_puts_it_off),
		child_test(item_that_lands_between_the_looks_keeps_the_pwq),
		child_test(item_that_comes_and_goes_between_the_looks_keeps_the_pwq),
		child_test(items_of_old_and_new_pwq_keep_the_limit_together),
		child_test(items_of_pwqs_that_are_gone_stay_counted),
		child_test(ordered_queue_starts_nothing_new_before_the_old_pwq_is_gone),
		child_test(ordered_queue_holds_back_what_is_only_pushed),
		child_test(first_pwq_of_an_ordered_queue_waits_for_nobody),
		child_test(ordered_queue_serves_one_pwq_after_the_other),
		child_test(empty_pwq_in_between_lets_nobody_through),
		child_test(held_back_item_of_a_plugged_pwq_can_be_cancelled),
	};

	return cmocka_run_group_tests_name("retire", tests, NULL, NULL);
}
