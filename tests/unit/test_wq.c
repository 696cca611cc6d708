/* SPDX-License-Identifier: MIT */
/*
 * test_wq.c - the pools of all CPUs, and queues on them: which CPU leads where.
 *
 * On a machine made up for the purpose: CPUs 0 to 9, of which 1, 4 and 5 may be
 * used. No thread is started. Each test has a process of its own.
 */
#include "unit.h"

#include "base/os.h"
#include "core/manager.h"
#include "core/pool.h"
#include "core/pwq.h"
#include "core/shard.h"
#include "core/wq.h"

enum {
	NR_CPUS = 10,
	FIRST = 1,
	SECOND = 4,
	THIRD = 5,
	NR_ALLOWED = 3,
};

static bool is_allowed(unsigned int cpu)
{
	return cpu == FIRST || cpu == SECOND || cpu == THIRD;
}

static void create_pools_and_shards(void)
{
	wq_lock_acquire(&wq_config_lock);
	must(wq_pool_create_all() == 0);
	must(wq_shard_create_all() == 0);
	wq_lock_release(&wq_config_lock);
}

static void start_machine(void)
{
	wq_cpuset_clear(&wq_allowed_cpus);
	wq_cpuset_add(&wq_allowed_cpus, FIRST);
	wq_cpuset_add(&wq_allowed_cpus, SECOND);
	wq_cpuset_add(&wq_allowed_cpus, THIRD);
	wq_nr_cpus = NR_CPUS;
	create_pools_and_shards();
}

static struct workqueue_struct *make_queue(unsigned int flags, int max_active)
{
	struct workqueue_struct *wq = wq_os_alloc(sizeof(*wq), WQ_CACHE_LINE);

	must(wq);
	wq->flags = flags;
	wq->max_active = max_active;
	must(wq_wq_init(wq) == 0);
	return wq;
}

static void free_queue(struct workqueue_struct *wq)
{
	wq_wq_fini(wq);
	wq_os_free(wq);
}

/* -------------------------------------------------------------------- pools */

static void every_allowed_cpu_has_a_pool_of_each_priority(void)
{
	start_machine();
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
		for (int highpri = 0; highpri < 2; highpri++) {
			struct wq_pool *pool = wq_pool_of_cpu(cpu, highpri);

			must(!pool == !is_allowed(cpu));
			if (!pool)
				continue;
			must(pool->cpu == (int)cpu && pool->is_bound);
			must(pool->is_highpri == highpri);
			must(wq_cpuset_count(&pool->cpus) == 1);
			must(wq_cpuset_has(&pool->cpus, cpu));
		}
	}
}

static void cpus_there_are_none_of_have_no_pool(void)
{
	start_machine();
	must(!wq_pool_of_cpu(NR_CPUS, false));
	must(!wq_pool_of_cpu(UINT32_MAX, false));
	must(!wq_pool_of_cpu(WQ_MAX_CPUS, true));
}

static void unbound_pools_may_run_on_all_allowed_cpus(void)
{
	start_machine();
	for (int highpri = 0; highpri < 2; highpri++) {
		struct wq_pool *pool = wq_pool_unbound(highpri);

		must(pool->cpu == -1 && !pool->is_bound);
		must(pool->is_highpri == highpri);
		must(memcmp(&pool->cpus, &wq_allowed_cpus, sizeof(pool->cpus)) == 0);
		must(pool->max_running == NR_ALLOWED);
	}
	must(wq_pool_unbound(false) != wq_pool_unbound(true));
}

static void pools_are_found_by_their_ids(void)
{
	start_machine();
	must(wq_nr_pools == 1 + 2 * NR_ALLOWED + 2);
	must(!wq_pools[0]);
	for (unsigned int id = 1; id < wq_nr_pools; id++) {
		must(wq_pools[id]->id == id);
		must((uintptr_t)wq_pools[id] % WQ_CACHE_LINE == 0);
	}
}

/* Starting may be tried again after it has failed half-way. */
static void pools_are_created_once(void)
{
	struct wq_pool *bound, *unbound;

	start_machine();
	bound = wq_pool_of_cpu(FIRST, true);
	unbound = wq_pool_unbound(false);
	create_pools_and_shards();
	must(wq_nr_pools == 1 + 2 * NR_ALLOWED + 2);
	must(wq_pool_of_cpu(FIRST, true) == bound);
	must(wq_pool_unbound(false) == unbound);
}

static void new_pool_offers_the_manager_to_the_first_push(void)
{
	start_machine();
	for (unsigned int id = 1; id < wq_nr_pools; id++) {
		must(wq_pools[id]->waker == &wq_manager_park);
		must(wq_pool_take_waker(wq_pools[id]) == &wq_manager_park);
	}
}

/* ------------------------------------------------------------------- queues */

static unsigned int nr_pwqs(struct workqueue_struct *wq)
{
	struct wq_pwq *pwq;
	unsigned int nr = 0;

	wq_wq_for_each_pwq(pwq, wq) nr++;
	return nr;
}

static void check_percpu_queue(unsigned int flags)
{
	struct workqueue_struct *wq = make_queue(WQ_PERCPU | flags, 7);

	must(nr_pwqs(wq) == NR_ALLOWED);
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
		if (!is_allowed(cpu))
			continue;
		must(wq->table[cpu]->pool == wq_pool_of_cpu(cpu, flags & WQ_HIGHPRI));
		must(wq->table[cpu]->wq == wq && wq->table[cpu]->max_active == 7);
	}
	free_queue(wq);
}

static void percpu_queue_leads_to_each_cpus_own_pool(void)
{
	start_machine();
	check_percpu_queue(0);
	check_percpu_queue(WQ_HIGHPRI);
}

/* Each by another, in turn: not all of them by the first. */
static void cpus_not_allowed_are_stood_in_for_in_turn(void)
{
	static const unsigned int in_turn[] = { FIRST, SECOND, THIRD };
	struct workqueue_struct *wq;
	unsigned int nr = 0;

	start_machine();
	wq = make_queue(WQ_PERCPU, 1);
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
		if (!is_allowed(cpu))
			must(wq->table[cpu] == wq->table[in_turn[nr++ % NR_ALLOWED]]);
	must(nr == NR_CPUS - NR_ALLOWED);
	free_queue(wq);
}

static void unbound_queue_has_one_limit_for_all_cpus(void)
{
	struct workqueue_struct *wq;

	start_machine();
	wq = make_queue(WQ_UNBOUND | WQ_HIGHPRI, 3);
	must(nr_pwqs(wq) == 1);
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
		must(wq->table[cpu] == wq->pwqs);
	must(wq->pwqs->pool == wq_pool_unbound(/* is_highpri */ true));
	must(wq->pwqs->max_active == 3);
	free_queue(wq);
}

static void new_queue_is_open_and_nobody_flushes_it(void)
{
	struct workqueue_struct *wq;

	start_machine();
	wq = make_queue(WQ_PERCPU, 1);
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
	wq.flags = ~(unsigned int)(__WQ_DRAINING | __WQ_DESTROYING);
	must(!wq_wq_is_refusing(&wq));
}

static void freed_queue_holds_nothing(void)
{
	struct workqueue_struct *wq;

	start_machine();
	wq = make_queue(WQ_PERCPU, 1);
	wq_wq_fini(wq);
	must(!wq->pwqs && !wq->table);
	wq_os_free(wq);
}

/* ----------------------------------------------------------- system's queues */

static void init_system(void)
{
	wq_lock_acquire(&wq_config_lock);
	must(wq_wq_init_system() == 0);
	wq_lock_release(&wq_config_lock);
}

static struct workqueue_struct *const *system_queues(void)
{
	static struct workqueue_struct *all[11];

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
	return all;
}

static void system_queues_have_names_before_anything_started(void)
{
	must(strcmp(system_percpu_wq->name, "events") == 0);
	must(strcmp(system_highpri_wq->name, "events_highpri") == 0);
	must(strcmp(system_dfl_wq->name, "events_unbound") == 0);
	for (struct workqueue_struct *const *wq = system_queues(); *wq; wq++)
		must((*wq)->name[0] && !(*wq)->table);
}

static void system_queues_are_ten_and_work_after_init(void)
{
	struct workqueue_struct *const *all = system_queues();
	int nr = 0;

	start_machine();
	init_system();
	for (; all[nr]; nr++) {
		bool is_unbound = all[nr]->flags & WQ_UNBOUND;

		for (int i = 0; i < nr; i++)
			must(all[i] != all[nr]);
		must(nr_pwqs(all[nr]) == (is_unbound ? 1 : NR_ALLOWED));
		must(is_unbound == !(all[nr]->flags & WQ_PERCPU));
	}
	must(nr == 10);
	must(system_percpu_wq->pwqs->max_active == WQ_DFL_ACTIVE);
	must(system_dfl_wq->pwqs->max_active == WQ_MAX_ACTIVE);
	must(system_highpri_wq->pwqs->pool->is_highpri);
	must(!system_percpu_wq->pwqs->pool->is_highpri);
}

static void system_queues_are_made_once(void)
{
	struct wq_pwq *pwq;

	start_machine();
	init_system();
	pwq = system_wq->pwqs;
	init_system();
	must(system_wq->pwqs == pwq && nr_pwqs(system_wq) == NR_ALLOWED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(every_allowed_cpu_has_a_pool_of_each_priority),
		child_test(cpus_there_are_none_of_have_no_pool),
		child_test(unbound_pools_may_run_on_all_allowed_cpus),
		child_test(pools_are_found_by_their_ids),
		child_test(pools_are_created_once),
		child_test(new_pool_offers_the_manager_to_the_first_push),
		child_test(percpu_queue_leads_to_each_cpus_own_pool),
		child_test(cpus_not_allowed_are_stood_in_for_in_turn),
		child_test(unbound_queue_has_one_limit_for_all_cpus),
		child_test(new_queue_is_open_and_nobody_flushes_it),
		child_test(draining_and_destroying_queues_refuse),
		child_test(freed_queue_holds_nothing),
		child_test(system_queues_have_names_before_anything_started),
		child_test(system_queues_are_ten_and_work_after_init),
		child_test(system_queues_are_made_once),
	};

	return cmocka_run_group_tests_name("wq", tests, NULL, NULL);
}
