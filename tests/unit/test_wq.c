/* SPDX-License-Identifier: MIT */
/*
 * test_wq.c - queues, the system's own too: which CPU leads where.
 *
 * No thread is started. Each test has a process of its own.
 */
#include "machine.h"

#include "core/worker.h"
#include "memory.h"

/* ------------------------------------------------------------------- queues */

static void check_percpu_queue(unsigned int flags)
{
	struct workqueue_struct *wq = make_queue_with(WQ_PERCPU | flags, 7);
	struct wq_pwq *pwq;

	must(nr_pwqs(wq) == NR_ALLOWED);
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
		if (!is_allowed(cpu))
			continue;
		pwq = wq->table->of_cpu[cpu];
		must(pwq->pool == wq_pools_of_cpu(cpu, flags));
		must(pwq->wq == wq && pwq->limit == &pwq->own && pwq->own.max == 7);
	}
	free_queue(wq);
}

static void percpu_queue_leads_to_each_cpus_own_pool(void)
{
	start_bare_machine();
	check_percpu_queue(0);
	check_percpu_queue(WQ_HIGHPRI);
	check_percpu_queue(WQ_BH);
	check_percpu_queue(WQ_BH | WQ_HIGHPRI);
}

/* Each by another, in turn: not all of them by the first. */
static void cpus_not_allowed_are_stood_in_for_in_turn(void)
{
	static const unsigned int in_turn[] = { FIRST, SECOND, THIRD };
	struct workqueue_struct *wq;
	unsigned int nr = 0;

	start_bare_machine();
	wq = make_queue_with(WQ_PERCPU, 1);
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
		if (!is_allowed(cpu))
			must(wq->table->of_cpu[cpu] ==
			     wq->table->of_cpu[in_turn[nr++ % NR_ALLOWED]]);
	must(nr == NR_CPUS - NR_ALLOWED);
	free_queue(wq);
}

static void unbound_queue_has_one_limit_for_all_cpus(void)
{
	struct workqueue_struct *wq;

	start_bare_machine();
	wq = make_queue_with(WQ_UNBOUND | WQ_HIGHPRI, 3);
	must(nr_pwqs(wq) == 1);
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
		must(wq->table->of_cpu[cpu] == nth_pwq(wq, 0));
	must(!nth_pwq(wq, 0)->pool->is_bound && nth_pwq(wq, 0)->pool->nice == WQ_HIGHPRI_NICE);
	must(nth_pwq(wq, 0)->limit->max == 3);
	free_queue(wq);
}

static void new_queue_is_open_and_nobody_flushes_it(void)
{
	struct workqueue_struct *wq;

	start_bare_machine();
	wq = make_queue_with(WQ_PERCPU, 1);
	must(!wq_wq_is_refusing(wq));
	must(wq_list_is_empty(&wq->flushers) && wq_list_is_empty(&wq->overflow));
	must(wq->flush_lock.rank == WQ_RANK_FLUSH && !wq->flush_lock.word);
	free_queue(wq);
}

static void draining_and_destroying_queues_refuse(void)
{
	struct workqueue_struct wq = { .flags = WQ_PERCPU };

	must(!wq_wq_is_refusing(&wq));
	wq.flags = WQ_PERCPU | __WQ_DRAINING;
	must(wq_wq_is_refusing(&wq));
	wq.flags = WQ_PERCPU | __WQ_DESTROYING;
	must(wq_wq_is_refusing(&wq));
	wq.flags = WQ_PERCPU | __WQ_SHUT;
	must(wq_wq_is_refusing(&wq));
	wq.flags = ~(unsigned int)(__WQ_DRAINING | __WQ_DESTROYING | __WQ_SHUT);
	must(!wq_wq_is_refusing(&wq));
}

static void freed_queue_holds_nothing(void)
{
	struct workqueue_struct *wq;

	start_bare_machine();
	wq = make_queue_with(WQ_PERCPU, 1);
	wq_lock_acquire(&wq_config_lock);
	wq_list_del(&wq->node);
	wq_wq_fini(wq);
	wq_lock_release(&wq_config_lock);
	must(!nr_pwqs(wq) && !wq->table && !wq->armed && !wq->attrs && !wq->limits);
	wq_os_free(wq);
}

static void made_queue_is_one_of_all(void)
{
	struct workqueue_struct *wq;

	start_bare_machine();
	must(wq_list_is_empty(&wq_all));
	wq = make_queue_with(WQ_PERCPU, 1);
	must(wq_all.next == &wq->node && wq_all.prev == &wq->node);
	free_queue(wq);
}

/* C4 */
static void min_active_is_eight_but_no_more_than_max_active(void)
{
	start_bare_machine();
	must(make_queue_with(WQ_UNBOUND, 100)->min_active == WQ_DFL_MIN_ACTIVE);
	must(make_queue_with(WQ_UNBOUND, 8)->min_active == 8);
	must(make_queue_with(WQ_UNBOUND, 3)->min_active == 3);
}

static void new_unbound_queue_has_the_default_attributes(void)
{
	struct wq_cpuset possible;
	struct wq_attrs *attrs;

	start_bare_machine();
	wq_cpuset_fill(&possible, NR_CPUS);
	attrs = make_queue_with(WQ_UNBOUND, 1)->attrs;
	must(wq_cpuset_is_equal(&attrs->cpus, &possible));
	must(!attrs->nice && attrs->scope == WQ_AFFN_DFL && !attrs->is_strict);
	must(make_queue_with(WQ_UNBOUND | WQ_HIGHPRI, 1)->attrs->nice == WQ_HIGHPRI_NICE);
	must(!make_queue_with(WQ_PERCPU, 1)->attrs);
}

static void power_efficient_queue_is_unbound_if_so_wished(void)
{
	unsigned int flags = WQ_PERCPU | WQ_POWER_EFFICIENT | WQ_FREEZABLE;

	wq_options.power_efficient = 0;
	must(wq_wq_settle_power(flags) == flags);
	wq_options.power_efficient = 1;
	must(wq_wq_settle_power(flags) == (WQ_UNBOUND | WQ_POWER_EFFICIENT | WQ_FREEZABLE));
	must(wq_wq_settle_power(WQ_PERCPU) == WQ_PERCPU);
}

/* Whatever allocation fails. */
static void check_without_memory(unsigned int flags)
{
	struct workqueue_struct wq = { .flags = flags, .max_active = 1 };
	int err = -ENOMEM, n;

	for (n = 0; err; n++) {
		wq_lock_acquire(&wq_config_lock);
		allocs_left = n;
		err = wq_wq_init(&wq);
		allocs_left = -1;
		wq_lock_release(&wq_config_lock);
		must(err == 0 || err == -ENOMEM);
		must(!err || (!wq.table && !wq.armed && !wq.attrs && !wq.limits && !nr_pwqs(&wq)));
		must(!err == !wq_list_is_empty(&wq_all));
	}
	must(n > 3);
	wq_lock_acquire(&wq_config_lock);
	wq_list_del(&wq.node);
	wq_wq_fini(&wq);
	wq_lock_release(&wq_config_lock);
}

static void without_memory_there_is_no_queue_and_nothing_left(void)
{
	need_end_of_memory();
	start_bare_machine();
	check_without_memory(WQ_PERCPU);
	check_without_memory(WQ_UNBOUND);
}

/* ----------------------------------------------------------- system's queues */

static struct workqueue_struct *const *system_queues(void)
{
	static struct workqueue_struct *all[13];

	all[0] = system_percpu_wq;
	all[1] = system_highpri_wq;
	all[2] = system_long_wq;
	all[3] = system_dfl_wq;
	all[4] = system_dfl_long_wq;
	all[5] = system_freezable_wq;
	all[6] = system_power_efficient_wq;
	all[7] = system_freezable_power_efficient_wq;
	all[8] = system_wq;
	all[9] = system_unbound_wq;
	all[10] = system_bh_wq;
	all[11] = system_bh_highpri_wq;
	return all;
}

/* In a child of fork(): what is laid out already stays so, the rest waits for the next try. */
static void queues_without_memory_are_laid_out_later(void)
{
	struct workqueue_struct *first, *second;
	int err;

	need_end_of_memory();
	start_machine();
	first = make_queue(WQ_PERCPU);
	second = make_queue(WQ_PERCPU);
	wq_lock_acquire(&wq_config_lock);
	wq_wq_reset_all();
	allocs_left = 0;
	err = wq_wq_lay_out_all();
	must(err == -ENOMEM && (!first->table || !second->table));
	allocs_left = -1;
	must(wq_wq_lay_out_all() == 0 && first->table && second->table);
	must(wq_wq_lay_out_all() == 0);
	wq_lock_release(&wq_config_lock);
}

static void system_queues_have_names_before_anything_started(void)
{
	must(strcmp(system_percpu_wq->name, "events") == 0);
	must(strcmp(system_highpri_wq->name, "events_highpri") == 0);
	must(strcmp(system_dfl_wq->name, "events_unbound") == 0);
	for (struct workqueue_struct *const *wq = system_queues(); *wq; wq++)
		must((*wq)->name[0] && !(*wq)->table);
}

static void system_queues_are_twelve_and_work_after_init(void)
{
	struct workqueue_struct *const *all = system_queues();
	int nr = 0;

	start_bare_machine();
	init_system();
	for (; all[nr]; nr++) {
		bool is_unbound = all[nr]->flags & WQ_UNBOUND;

		for (int i = 0; i < nr; i++)
			must(all[i] != all[nr]);
		must(nr_pwqs(all[nr]) == (is_unbound ? 1 : NR_ALLOWED));
		must(is_unbound == !(all[nr]->flags & WQ_PERCPU));
	}
	must(nr == 12);
	must(nth_pwq(system_percpu_wq, 0)->limit->max == WQ_DFL_ACTIVE);
	must(nth_pwq(system_dfl_wq, 0)->limit->max == WQ_MAX_ACTIVE);
	must(nth_pwq(system_highpri_wq, 0)->pool->nice == WQ_HIGHPRI_NICE);
	must(nth_pwq(system_percpu_wq, 0)->pool->nice == 0);
}

static void system_queues_are_made_once(void)
{
	struct wq_pwq *pwq;

	start_bare_machine();
	init_system();
	pwq = nth_pwq(system_wq, 0);
	init_system();
	must(nth_pwq(system_wq, 0) == pwq && nr_pwqs(system_wq) == NR_ALLOWED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(percpu_queue_leads_to_each_cpus_own_pool),
		child_test(cpus_not_allowed_are_stood_in_for_in_turn),
		child_test(unbound_queue_has_one_limit_for_all_cpus),
		child_test(new_queue_is_open_and_nobody_flushes_it),
		child_test(draining_and_destroying_queues_refuse),
		child_test(freed_queue_holds_nothing),
		child_test(made_queue_is_one_of_all),
		child_test(min_active_is_eight_but_no_more_than_max_active),
		child_test(new_unbound_queue_has_the_default_attributes),
		child_test(power_efficient_queue_is_unbound_if_so_wished),
		child_test(without_memory_there_is_no_queue_and_nothing_left),
		child_test(queues_without_memory_are_laid_out_later),
		child_test(system_queues_have_names_before_anything_started),
		child_test(system_queues_are_twelve_and_work_after_init),
		child_test(system_queues_are_made_once),
	};

	return cmocka_run_group_tests_name("wq", tests, NULL, NULL);
}
