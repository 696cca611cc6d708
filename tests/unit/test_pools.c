/* SPDX-License-Identifier: MIT */
/*
 * test_pools.c - all pools: those of the CPUs, and unbound ones that queues share.
 *
 * No thread is started. Each test has a process of its own.
 */
#include "queue_calls.h"

#include "core/worker.h"
#include "memory.h"

enum {
	NR_KINDS = 4, /* pools of a CPU */
};

static const unsigned int kinds[NR_KINDS] = { 0, WQ_HIGHPRI, WQ_BH, WQ_BH | WQ_HIGHPRI };

/* -------------------------------------------------------------------- bound ones */

static void check_pool(const struct wq_pool *pool, unsigned int cpu, unsigned int flags)
{
	must(pool->cpu == (int)cpu && pool->is_bound);
	must(pool->nice == (flags & WQ_HIGHPRI ? WQ_HIGHPRI_NICE : 0));
	must(!pool->turn == !(flags & WQ_BH));
	must(wq_cpuset_count(&pool->cpus) == 1);
	must(wq_cpuset_has(&pool->cpus, cpu));
}

/* L6 */
static void every_allowed_cpu_has_a_pool_of_each_kind(void)
{
	start_bare_machine();
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
		for (int i = 0; i < NR_KINDS && is_allowed(cpu); i++)
			check_pool(wq_pools_of_cpu(cpu, kinds[i]), cpu, kinds[i]);
	}
}

static void pools_are_found_by_their_ids(void)
{
	start_bare_machine();
	must(wq_nr_pools == 1 + NR_KINDS * NR_ALLOWED);
	must(!wq_pools[0]);
	for (unsigned int id = 1; id < wq_nr_pools; id++) {
		must(wq_pools[id]->id == id);
		must((uintptr_t)wq_pools[id] % WQ_CACHE_LINE == 0);
	}
}

/* Starting may be tried again after it has failed half-way. */
static void pools_are_created_once(void)
{
	struct wq_pool *pool;

	start_bare_machine();
	pool = wq_pools_of_cpu(FIRST, WQ_HIGHPRI);
	create_pools_and_shards();
	must(wq_nr_pools == 1 + NR_KINDS * NR_ALLOWED);
	must(wq_pools_of_cpu(FIRST, WQ_HIGHPRI) == pool);
}

static int try_to_create_bound(int nr_allocs)
{
	int err;

	allocs_left = nr_allocs;
	wq_lock_acquire(&wq_config_lock);
	err = wq_pools_create_bound();
	wq_lock_release(&wq_config_lock);
	allocs_left = -1;
	return err;
}

/* They were: the old ones stayed, of no use, and took numbers that pools need. */
static void pools_of_a_failed_start_are_not_made_again(void)
{
	need_end_of_memory();
	set_cpus();
	must(try_to_create_bound(2) == -ENOMEM); /* the tables */
	/* a CPU's pools are made together */
	for (int nr = 0; nr < NR_KINDS; nr++) {
		must(try_to_create_bound(nr) == -ENOMEM);
		must(wq_nr_pools == 1);
	}
	for (int nr = 0; nr < NR_KINDS; nr++) {
		must(try_to_create_bound(nr ? nr : NR_KINDS) == -ENOMEM);
		must(wq_nr_pools == 1 + NR_KINDS);
	}
	must(try_to_create_bound(NR_KINDS * (NR_ALLOWED - 1)) == 0);
	must(wq_nr_pools == 1 + NR_KINDS * NR_ALLOWED);
	for (int i = 0; i < NR_KINDS; i++)
		check_pool(wq_pools_of_cpu(SECOND, kinds[i]), SECOND, kinds[i]);
}

static void new_pool_offers_the_manager_to_the_first_push(void)
{
	start_bare_machine();
	for (unsigned int id = 1; id < wq_nr_pools; id++) {
		must(wq_pools[id]->waker == &wq_manager_park);
		must(wq_pool_take_waker(wq_pools[id]) == &wq_manager_park);
	}
}

/* Q1: a program that has asked for workers beforehand gets them for later CPUs, too. */
static void manager_is_told_of_the_pools_of_a_cpu_that_appears(void)
{
	start_bare_machine();
	wq_manager_prepare();
	must(was_woken(&wq_manager_park));
	wq_cpuset_add(&wq_allowed_cpus, NR_CPUS - 1);
	wq_lock_acquire(&wq_config_lock);
	must(wq_pools_create_bound() == 0);
	wq_lock_release(&wq_config_lock);
	must(was_woken(&wq_manager_park));
}

/* It waits for the one that runs, as it must on the pool's own CPU; elsewhere it need not (L6). */
static void item_not_filed_yet_is_seen_when_its_pool_is_placed_elsewhere(void)
{
	struct wq_pool *pool;
	struct wq_pwq *pwq;

	start_machine();
	init_items();
	pwq = wq_wq_pwq_of(make_queue(0), FIRST);
	pool = pwq->pool;
	wq_manager_samples = true;
	wq_pool_lock(pool);
	wq_pool_enter_locked(pool);
	wq_pool_unlock(pool);
	push_to(pwq, 0);
	must(!was_woken(&wq_manager_park));
	wq_lock_acquire(&wq_config_lock);
	wq_pools_place(pool, &wq_allowed_cpus);
	wq_lock_release(&wq_config_lock);
	must(is_active(&item[0]));
	must(was_woken(&wq_manager_park));
}

/* ------------------------------------------------------------------ unbound ones */

static struct wq_cpuset one, two;

static void begin(void)
{
	start_bare_machine();
	wq_cpuset_add(&one, FIRST);
	wq_cpuset_add(&two, FIRST);
	wq_cpuset_add(&two, SECOND);
	was_woken(&wq_manager_park);
}

static struct wq_pool *get(int nice, const struct wq_cpuset *pod, const struct wq_cpuset *cpus)
{
	struct wq_pool *pool;

	wq_lock_acquire(&wq_config_lock);
	pool = wq_pools_get_unbound(nice, pod, cpus);
	wq_lock_release(&wq_config_lock);
	return pool;
}

static void put(struct wq_pool *pool)
{
	wq_lock_acquire(&wq_config_lock);
	wq_pools_put(pool);
	wq_lock_release(&wq_config_lock);
}

static void must_serve(const struct wq_pool *pool, int nice, const struct wq_cpuset *pod,
		       const struct wq_cpuset *cpus)
{
	must(pool->cpu == -1 && !pool->is_bound && !pool->turn);
	must(pool->nice == nice);
	must(wq_cpuset_is_equal(&pool->pod, pod));
	must(wq_cpuset_is_equal(&pool->cpus, cpus));
	must(pool->max_running == wq_cpuset_count(pod));
	must(wq_pools[pool->id] == pool && pool->id < wq_nr_pools);
}

/* As many run without waiting for the sampler as there are CPUs where they are woken (L7). */
static void unbound_pool_is_as_it_was_asked_for(void)
{
	begin();
	must_serve(get(0, &wq_allowed_cpus, &wq_allowed_cpus), 0, &wq_allowed_cpus,
		   &wq_allowed_cpus);
	must_serve(get(-20, &two, &wq_allowed_cpus), -20, &two, &wq_allowed_cpus);
	must_serve(get(5, &one, &one), 5, &one, &one);
}

/* Q6 */
static void pool_is_shared_by_all_who_ask_for_the_same(void)
{
	struct wq_pool *pool;
	unsigned int nr;

	begin();
	pool = get(0, &one, &two);
	nr = wq_nr_pools;
	must(pool->nr_pwqs == 1);
	must(get(0, &one, &two) == pool && pool->nr_pwqs == 2);
	must(wq_nr_pools == nr);
}

/* Q6 */
static void who_asks_for_something_else_gets_another_pool(void)
{
	struct wq_pool *pool;

	begin();
	pool = get(0, &one, &two);
	must(get(1, &one, &two) != pool);
	must(get(0, &two, &two) != pool);
	must(get(0, &one, &one) != pool);
	must(get(0, &one, &wq_allowed_cpus) != pool);
	must(pool->nr_pwqs == 1);
}

/* Its workers do without concurrency management. */
static void unbound_pool_of_one_cpu_is_not_that_cpus_own(void)
{
	unsigned int nr;

	begin();
	nr = wq_nr_pools;
	must(get(0, &one, &one)->id == nr);
	must(!wq_pools_of_cpu(FIRST, 0)->nr_pwqs);
}

static void new_unbound_pool_offers_the_manager_to_the_first_push(void)
{
	begin();
	must(wq_pool_take_waker(get(0, &one, &one)) == &wq_manager_park);
}

/* Q1 */
static void manager_is_told_of_an_unbound_pool_that_is_wanted(void)
{
	begin();
	wq_manager_prepare();
	must(was_woken(&wq_manager_park));
	get(0, &one, &one);
	must(was_woken(&wq_manager_park));
	get(0, &one, &one);
	must(!was_woken(&wq_manager_park));
}

/* ----------------------------------------------------------------------- leaving */

/* Q4 */
static void manager_is_told_when_the_last_pwq_has_left(void)
{
	struct wq_pool *pool;

	begin();
	pool = get(0, &one, &one);
	get(0, &one, &one);
	put(pool);
	must(pool->nr_pwqs == 1 && !was_woken(&wq_manager_park));
	put(pool);
	must(pool->nr_pwqs == 0 && was_woken(&wq_manager_park));
}

static void pool_that_was_left_becomes_what_is_asked_for_next(void)
{
	struct wq_pool *pool;
	unsigned int nr, id;

	begin();
	pool = get(0, &one, &one);
	nr = wq_nr_pools;
	id = pool->id;
	put(pool);
	must(get(7, &two, &wq_allowed_cpus) == pool);
	must_serve(pool, 7, &two, &wq_allowed_cpus);
	must(pool->id == id && pool->nr_pwqs == 1 && wq_nr_pools == nr);
}

static void pool_that_is_used_is_left_alone(void)
{
	struct wq_pool *pool;

	begin();
	pool = get(0, &one, &one);
	get(0, &one, &one);
	put(pool);
	must(get(7, &two, &two) != pool);
	must_serve(pool, 0, &one, &one);
}

/* They have the old nice value and the old CPUs. */
static void pool_that_has_workers_becomes_nothing_else(void)
{
	struct wq_worker *worker;
	struct wq_pool *pool;

	begin();
	pool = get(0, &one, &one);
	wq_pool_lock(pool);
	worker = wq_worker_alloc_locked(pool);
	wq_pool_unlock(pool);
	put(pool);
	must(get(7, &two, &two) != pool);
	must_serve(pool, 0, &one, &one);
	wq_pool_lock(pool);
	wq_worker_release_locked(worker);
	wq_pool_unlock(pool);
	must(get(7, &one, &two) == pool);
}

/* Q6 */
static void pool_that_was_left_is_found_by_who_asks_for_the_same(void)
{
	struct wq_pool *empty, *pool;

	begin();
	empty = get(1, &one, &one);
	pool = get(0, &one, &two);
	wq_pool_lock(pool);
	must(wq_worker_alloc_locked(pool));
	wq_pool_unlock(pool);
	put(empty);
	put(pool);
	must(get(0, &one, &two) == pool && pool->nr_pwqs == 1);
	must(get(1, &one, &one) == empty);
}

/* --------------------------------------------------------------------- no pool */

/* Ids have 16 bits; a pool that was left does all the same. */
static void there_is_no_pool_beyond_the_last_id(void)
{
	struct wq_pool *pool;

	begin();
	pool = get(0, &one, &one);
	for (unsigned int id = wq_nr_pools; id < WQ_MAX_POOLS; id++)
		wq_pools[id] = wq_pools_of_cpu(FIRST, 0);
	wq_nr_pools = WQ_MAX_POOLS;
	must(get(1, &one, &one)->id == WQ_MAX_POOLS);
	must(!get(2, &one, &one));
	must(get(0, &one, &one) == pool);
	put(pool);
	must(!get(3, &one, &one));
	put(pool);
	must(get(3, &one, &one) == pool);
}

static int create_bound(void);

/* All of a CPU's, or none. */
static void there_are_no_pools_of_a_cpu_beyond_the_last_id(void)
{
	unsigned int nr;

	begin();
	nr = wq_nr_pools;
	for (unsigned int id = nr; id < WQ_MAX_POOLS; id++)
		wq_pools[id] = wq_pools_of_cpu(FIRST, 0);
	wq_cpuset_add(&wq_allowed_cpus, SECOND + 2);
	wq_nr_pools = WQ_MAX_POOLS;
	must(create_bound() == -ENOMEM && wq_nr_pools == WQ_MAX_POOLS);
	wq_nr_pools = nr;
	must(create_bound() == 0 && wq_nr_pools == nr + NR_KINDS);
}

static int create_bound(void)
{
	int err;

	wq_lock_acquire(&wq_config_lock);
	err = wq_pools_create_bound();
	wq_lock_release(&wq_config_lock);
	return err;
}

/* A CPU has all of its pools, or will get them anew. */
static void creation_without_memory_is_made_good_by_the_next(void)
{
	need_end_of_memory();
	set_cpus();
	/* less than what one CPU needs, then more */
	for (int nr = 0; nr < NR_KINDS; nr++) {
		allocs_left = nr;
		must(create_bound() == -ENOMEM);
	}
	allocs_left = NR_KINDS + 1;
	must(create_bound() == -ENOMEM);
	check_pool(wq_pools_of_cpu(FIRST, WQ_BH), FIRST, WQ_BH);
	allocs_left = -1;
	must(create_bound() == 0);
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
		for (int i = 0; i < NR_KINDS && is_allowed(cpu); i++)
			check_pool(wq_pools_of_cpu(cpu, kinds[i]), cpu, kinds[i]);
	}
}

static void without_memory_there_is_no_unbound_pool(void)
{
	need_end_of_memory();
	begin();
	allocs_left = 0;
	must(!get(0, &one, &one));
	allocs_left = -1;
	must(get(0, &one, &one)->nr_pwqs == 1);
}

/* --------------------------------------------------------------- how many run */

static void set_max_running(unsigned int each, unsigned int quota)
{
	wq_lock_acquire(&wq_config_lock);
	wq_pools_set_max_running(each, quota);
	wq_lock_release(&wq_config_lock);
}

static void quota_bounds_what_the_cpus_of_a_pod_would_run(void)
{
	struct wq_pool *pool;

	start_bare_machine();
	pool = get(0, &wq_allowed_cpus, &wq_allowed_cpus);
	must(pool->max_running == NR_ALLOWED);
	set_max_running(0, 2);
	must(pool->max_running == 2);
	set_max_running(0, NR_ALLOWED + 1);
	must(pool->max_running == NR_ALLOWED);
	set_max_running(7, 2);
	must(pool->max_running == 7);
	must(get(-20, &wq_allowed_cpus, &wq_allowed_cpus)->max_running == 7);
	set_max_running(0, 0);
	must(pool->max_running == NR_ALLOWED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(every_allowed_cpu_has_a_pool_of_each_kind),
		child_test(pools_are_found_by_their_ids),
		child_test(pools_are_created_once),
		child_test(pools_of_a_failed_start_are_not_made_again),
		child_test(new_pool_offers_the_manager_to_the_first_push),
		child_test(manager_is_told_of_the_pools_of_a_cpu_that_appears),
		child_test(item_not_filed_yet_is_seen_when_its_pool_is_placed_elsewhere),
		child_test(unbound_pool_is_as_it_was_asked_for),
		child_test(pool_is_shared_by_all_who_ask_for_the_same),
		child_test(who_asks_for_something_else_gets_another_pool),
		child_test(unbound_pool_of_one_cpu_is_not_that_cpus_own),
		child_test(new_unbound_pool_offers_the_manager_to_the_first_push),
		child_test(manager_is_told_of_an_unbound_pool_that_is_wanted),
		child_test(manager_is_told_when_the_last_pwq_has_left),
		child_test(pool_that_was_left_becomes_what_is_asked_for_next),
		child_test(pool_that_is_used_is_left_alone),
		child_test(pool_that_has_workers_becomes_nothing_else),
		child_test(pool_that_was_left_is_found_by_who_asks_for_the_same),
		child_test(there_is_no_pool_beyond_the_last_id),
		child_test(there_are_no_pools_of_a_cpu_beyond_the_last_id),
		child_test(creation_without_memory_is_made_good_by_the_next),
		child_test(without_memory_there_is_no_unbound_pool),
		child_test(quota_bounds_what_the_cpus_of_a_pod_would_run),
	};

	return cmocka_run_group_tests_name("pools", tests, NULL, NULL);
}
