/* SPDX-License-Identifier: MIT */
/*
 * test_layout_install.c - limits of a queue's pwqs by node, freezing, and one layout that
 * takes another one's place.
 *
 * On a made-up machine of two nodes. There are no workers.
 */
#include "two_nodes.h"

#include "core/layout.h"
#include "queue_calls.h"

static struct workqueue_struct *wq;

static void begin_with(unsigned int flags, int max_active)
{
	start_two_nodes("0-11");
	wq = make_queue_with(flags, max_active);
	init_items();
}

static void set_limits(int min_active, int max_active)
{
	wq_lock_acquire(&wq_config_lock);
	wq->min_active = min_active;
	wq->max_active = max_active;
	wq_layout_set_limits(wq);
	wq_lock_release(&wq_config_lock);
}

static void set_freezing(bool is_freezing)
{
	wq_lock_acquire(&wq_config_lock);
	wq_is_freezing = is_freezing;
	wq_layout_set_limits(wq);
	wq_lock_release(&wq_config_lock);
}

/* Serve the queue as its attributes now say. */
static void install(void)
{
	struct wq_layout layout;

	wq_lock_acquire(&wq_config_lock);
	must(wq_layout_make(wq, &layout) == 0);
	wq_layout_install(wq, &layout);
	wq_lock_release(&wq_config_lock);
}

static struct wq_pwq *at(unsigned int cpu)
{
	return wq->table->of_cpu[cpu];
}

/* ------------------------------------------------------------------- by node */

static void must_limit(unsigned int first, unsigned int second, unsigned int of_no_node)
{
	must(wq->limits[0].max == first && wq->limits[1].max == second);
	must(wq->limits[NR_NODES].max == of_no_node);
}

/* C3 */
static void nodes_share_max_active_by_their_cpus_rounded_up(void)
{
	begin_with(WQ_UNBOUND, 30);
	must(wq->min_active == WQ_DFL_MIN_ACTIVE);
	/* 8 of 12 CPUs are on the first node */
	must_limit(20, 10, 30);
	set_limits(8, 2048);
	must_limit(1366, 683, 2048);
	set_limits(1, 5);
	must_limit(4, 2, 5);
	set_limits(0, 1);
	must_limit(1, 1, 1);
}

/* C4 */
static void no_node_has_less_than_min_active(void)
{
	begin_with(WQ_UNBOUND, 12);
	must_limit(8, 8, 12);
	set_limits(9, 12);
	must_limit(9, 9, 12);
	set_limits(12, 12);
	must_limit(12, 12, 12);
}

/* C4 */
static void min_active_is_no_more_than_max_active(void)
{
	begin_with(WQ_UNBOUND, 5);
	must(wq->min_active == 5);
	must_limit(5, 5, 5);
}

/* C3, C7 */
static void only_cpus_that_the_queue_may_use_count(void)
{
	begin_with(WQ_UNBOUND, 10);
	wq->attrs->cpus = set_of("0,8-10");
	set_limits(1, 10);
	must_limit(3, 8, 10);
	wq->attrs->cpus = set_of("0-3");
	set_limits(2, 10);
	must_limit(10, 2, 10);
	/* no overlap: as if it had no mask (O3) */
	wq->attrs->cpus = set_of("15");
	set_limits(1, 12);
	must_limit(8, 4, 12);
}

/* C7 */
static void node_without_usable_cpus_has_room_for_one_at_least(void)
{
	begin_with(WQ_UNBOUND, 10);
	wq->attrs->cpus = set_of("0-3");
	set_limits(0, 10);
	/* none is for freezing: its pwqs may still hold items back */
	must_limit(10, 1, 10);
}

/* C3 */
static void pwqs_of_one_node_share_its_limit(void)
{
	begin_with(WQ_UNBOUND, 30);
	must(nr_pwqs(wq) == 3);
	must(at(0)->limit == &wq->limits[0] && at(4)->limit == &wq->limits[0]);
	must(at(8)->limit == &wq->limits[1]);
	must(at(0)->shares_limit && at(4)->shares_limit && !at(8)->shares_limit);
	must(wq->limits[0].nr_pwqs == 2 && wq->limits[1].nr_pwqs == 1);
}

/* C3 */
static void pwq_for_pods_of_several_nodes_has_the_full_limit(void)
{
	begin_with(WQ_UNBOUND, 30);
	wq->attrs->scope = WQ_AFFN_SYSTEM;
	install();
	must(at(0)->limit == &wq->limits[NR_NODES] && !at(0)->shares_limit);
	wq->attrs->scope = WQ_AFFN_NUMA;
	install();
	must(at(0)->limit == &wq->limits[0] && at(8)->limit == &wq->limits[1]);
	/* no usable CPU in the first node (O3) */
	wq->attrs->cpus = set_of("8-9");
	install();
	must(at(0)->limit == &wq->limits[1]);
}

/* C1 */
static void pwqs_of_a_percpu_queue_have_a_limit_each(void)
{
	begin_with(WQ_PERCPU, 3);
	for (unsigned int cpu = 0; cpu < NR_ONLINE; cpu++) {
		must(at(cpu)->limit == &at(cpu)->own && !at(cpu)->shares_limit);
		must(at(cpu)->own.max == 3);
	}
	set_limits(3, 7);
	for (unsigned int cpu = 0; cpu < NR_ONLINE; cpu++)
		must(at(cpu)->own.max == 7);
}

/* ---------------------------------------------------------------------- changed */

/* C6 */
static void raised_limit_starts_what_was_held_back(void)
{
	begin_with(WQ_UNBOUND, 1);
	for (int i = 0; i < 3; i++)
		queue_on(at(8), i);
	must(is_active(&item[0]) && is_held(&item[1]));
	set_limits(2, 2);
	must(is_active(&item[1]) && is_held(&item[2]));
	for (int i = 0; i < 3; i++)
		run(i);
	free_queue(wq);
}

/* C6, N1 */
static void what_is_in_the_intake_is_filed_under_the_old_limit(void)
{
	begin_with(WQ_PERCPU, 3);
	for (int i = 0; i < 5; i++)
		push_to(at(4), i);
	set_limits(1, 1);
	must(is_active(&item[2]) && is_held(&item[3]) && is_held(&item[4]));
	run(0);
	run(1);
	must(is_held(&item[3]));
	run(2);
	must(is_active(&item[3]));
}

/* A worker of the pool runs: it sees to what comes, so that others' lock holds do not. */
static void occupy(struct wq_pool *pool)
{
	struct wq_worker *worker;

	wq_pool_lock(pool);
	worker = wq_worker_alloc_locked(pool);
	must(worker);
	worker->tid = wq_os_tid();
	pool->nr_running++;
	wq_pool_unlock(pool);
}

/* C6, N1 */
static void what_is_in_the_intake_of_a_busy_pool_is_filed_under_the_old_limit(void)
{
	begin_with(WQ_PERCPU, 3);
	occupy(at(4)->pool);
	for (int i = 0; i < 5; i++)
		push_to(at(4), i);
	set_limits(1, 1);
	must(is_active(&item[2]) && is_held(&item[3]) && is_held(&item[4]));
}

/* ---------------------------------------------------------------------- freezing */

static void check_freeze(unsigned int flags, unsigned int cpu)
{
	begin_with(flags | WQ_FREEZABLE, 3);
	push_to(at(cpu), 0);
	set_freezing(true);
	must(is_active(&item[0]) && at(cpu)->limit->max == 0);
	for (int i = 1; i < 5; i++)
		queue_on(at(cpu), i);
	run(0);
	must(is_held(&item[1]) && at(cpu)->limit->nr == 0);
	set_freezing(false);
	must(at(cpu)->limit->max == 3);
	must(is_active(&item[1]) && is_active(&item[3]) && is_held(&item[4]));
	for (int i = 1; i < 5; i++)
		run(i);
	free_queue(wq);
}

/* N1, N2 */
static void frozen_percpu_queue_holds_back_what_comes(void)
{
	check_freeze(WQ_PERCPU, 5);
}

/* N1, N2 */
static void frozen_unbound_queue_holds_back_what_comes(void)
{
	check_freeze(WQ_UNBOUND, 8);
}

/* N1, N2 */
static void frozen_ordered_queue_holds_back_what_comes(void)
{
	begin_with(WQ_UNBOUND | __WQ_ORDERED | WQ_FREEZABLE, 1);
	set_freezing(true);
	queue_on(at(0), 0);
	must(is_held(&item[0]));
	set_freezing(false);
	must(is_active(&item[0]));
	run(0);
}

/* N1 */
static void queue_made_during_a_freeze_is_frozen(void)
{
	start_two_nodes("0-11");
	wq_is_freezing = true;
	wq = make_queue(WQ_PERCPU | WQ_FREEZABLE);
	must(at(0)->own.max == 0);
	wq = make_queue(WQ_UNBOUND | WQ_FREEZABLE);
	must_limit(0, 0, 0);
	wq = make_queue(WQ_PERCPU);
	must(at(0)->own.max == WQ_DFL_ACTIVE);
}

/* N2 */
static void limit_set_during_a_freeze_comes_with_its_end(void)
{
	begin_with(WQ_UNBOUND | WQ_FREEZABLE, 30);
	set_freezing(true);
	set_limits(1, 12);
	must_limit(0, 0, 0);
	set_freezing(false);
	must_limit(8, 4, 12);
}

/* N1, N2 */
static void percpu_limit_set_during_a_freeze_comes_with_its_end(void)
{
	begin_with(WQ_PERCPU | WQ_FREEZABLE, 30);
	set_freezing(true);
	set_limits(1, 12);
	must(at(5)->own.max == 0);
	queue_on(at(5), 0);
	must(is_held(&item[0]));
	set_freezing(false);
	must(at(5)->own.max == 12 && is_active(&item[0]));
	run(0);
	free_queue(wq);
}

/* -------------------------------------------------------------------- installing */

static void first_layout_takes_nobodys_place(void)
{
	begin_with(WQ_UNBOUND, 10);
	must(!wq->has_retired && !at(0)->is_replaced && !at(0)->is_plugged);
	must(nth_pwq(wq, 0) == at(0) && nth_pwq(wq, 1) == at(4) && nth_pwq(wq, 2) == at(8));
}

/* O7 */
static void new_layout_serves_all_cpus_from_now_on(void)
{
	struct wq_pwq *old[NR_IDS];

	begin_with(WQ_UNBOUND, 10);
	for (unsigned int cpu = 0; cpu < NR_IDS; cpu++)
		old[cpu] = at(cpu);
	wq->attrs->scope = WQ_AFFN_NUMA;
	install();
	must(wq->has_retired && nr_pwqs(wq) == 5);
	for (unsigned int cpu = 0; cpu < NR_IDS; cpu++) {
		must(old[cpu]->is_replaced && old[cpu]->is_retired);
		must(!at(cpu)->is_replaced && !at(cpu)->is_retired);
		must(wq_wq_pwq_of(wq, cpu) == at(cpu));
	}
	must(nth_pwq(wq, 3) == at(0) && nth_pwq(wq, 4) == at(8));
}

/* D1 */
static void new_pwqs_begin_with_the_open_colour(void)
{
	begin_with(WQ_UNBOUND, 10);
	wq->work_color = 11;
	install();
	must(at(0)->color == 11 && at(8)->color == 11);
	must(nth_pwq(wq, 0)->color == 0);
}

/* Q6 */
static void layout_with_the_same_attributes_has_the_same_pools(void)
{
	struct wq_pool *pool;
	unsigned int nr;

	begin_with(WQ_UNBOUND, 10);
	pool = at(0)->pool;
	nr = pool->nr_pwqs;
	install();
	must(at(0)->pool == pool && pool->nr_pwqs == nr + 1);
	must(at(0)->limit->nr_pwqs == 4 && nth_pwq(wq, 0)->shares_limit);
}

/* C3, O7 */
static void limits_follow_the_mask_that_is_installed(void)
{
	begin_with(WQ_UNBOUND, 30);
	wq->attrs->cpus = set_of("0-1,8-9");
	install();
	must_limit(15, 15, 30);
}

static bool has_ring(void)
{
	return wq->flags & __WQ_RING;
}

static void set_unbound(const char *list)
{
	wq_affinity_cpus.requested = set_of(list);
	must(wq_affinity_combine(&wq_affinity_cpus));
	install();
}

/* Queueing looks at it only if the queue says that it has one (O5). */
static void queue_says_whether_its_table_has_a_ring(void)
{
	begin_with(WQ_UNBOUND, 10);
	must(!has_ring());
	set_unbound("1-3");
	must(has_ring() && wq->table->nr_ring == 3);
	set_unbound("0-11");
	must(!has_ring() && !wq->table->nr_ring);
	must((wq->flags & ~(unsigned int)__WQ_RING) == WQ_UNBOUND);
}

/* B9 */
static void every_later_pwq_of_an_ordered_queue_is_plugged(void)
{
	begin_with(WQ_UNBOUND | __WQ_ORDERED, 1);
	must(!at(0)->is_plugged);
	install();
	must(at(0)->is_plugged && nr_pwqs(wq) == 2);
	wq->flags &= ~(unsigned int)__WQ_ORDERED;
	install();
	must(!at(0)->is_plugged);
}

static unsigned int nr_places(void)
{
	unsigned int nr = 0;

	for (unsigned int id = 1; id < wq_nr_pools; id++)
		nr += wq_pools[id]->nr_pwqs;
	return nr;
}

/* Q6 */
static void freed_queue_leaves_its_pools(void)
{
	unsigned int nr;

	start_two_nodes("0-11");
	nr = nr_places();
	wq = make_queue(WQ_UNBOUND);
	must(nr_places() == nr + 3);
	free_queue(wq);
	must(nr_places() == nr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		node_test(nodes_share_max_active_by_their_cpus_rounded_up),
		node_test(no_node_has_less_than_min_active),
		node_test(min_active_is_no_more_than_max_active),
		node_test(only_cpus_that_the_queue_may_use_count),
		node_test(node_without_usable_cpus_has_room_for_one_at_least),
		node_test(pwqs_of_one_node_share_its_limit),
		node_test(pwq_for_pods_of_several_nodes_has_the_full_limit),
		node_test(pwqs_of_a_percpu_queue_have_a_limit_each),
		node_test(raised_limit_starts_what_was_held_back),
		node_test(what_is_in_the_intake_is_filed_under_the_old_limit),
		node_test(what_is_in_the_intake_of_a_busy_pool_is_filed_under_the_old_limit),
		node_test(frozen_percpu_queue_holds_back_what_comes),
		node_test(frozen_unbound_queue_holds_back_what_comes),
		node_test(frozen_ordered_queue_holds_back_what_comes),
		node_test(queue_made_during_a_freeze_is_frozen),
		node_test(limit_set_during_a_freeze_comes_with_its_end),
		node_test(percpu_limit_set_during_a_freeze_comes_with_its_end),
		node_test(first_layout_takes_nobodys_place),
		node_test(new_layout_serves_all_cpus_from_now_on),
		node_test(new_pwqs_begin_with_the_open_colour),
		node_test(layout_with_the_same_attributes_has_the_same_pools),
		node_test(limits_follow_the_mask_that_is_installed),
		node_test(queue_says_whether_its_table_has_a_ring),
		node_test(every_later_pwq_of_an_ordered_queue_is_plugged),
		node_test(freed_queue_leaves_its_pools),
	};

	return cmocka_run_group_tests_name("layout_install", tests, NULL, NULL);
}
