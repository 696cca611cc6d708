/* SPDX-License-Identifier: MIT */
/*
 * test_layout.c - which pwqs a queue has, and which of them serves which CPU.
 *
 * On a made-up machine of two nodes. No thread is started. Limits, and what happens when
 * a layout takes another one's place, stand in test_layout_install.c.
 */
#include "two_nodes.h"

#include "core/layout.h"
#include "core/worker.h"
#include "memory.h"

static struct workqueue_struct *wq;
static struct wq_layout layout;

static void begin_on(const char *allowed)
{
	start_two_nodes(allowed);
	wq = make_queue(WQ_UNBOUND);
}

static void begin(void)
{
	begin_on("0-11");
}

static int make_locked(struct workqueue_struct *of)
{
	int err;

	wq_lock_acquire(&wq_config_lock);
	err = wq_layout_make(of, &layout);
	wq_lock_release(&wq_config_lock);
	return err;
}

static void unmake(void)
{
	wq_lock_acquire(&wq_config_lock);
	wq_layout_free(&layout);
	wq_lock_release(&wq_config_lock);
	must(!layout.table && wq_list_is_empty(&layout.pwqs));
}

/* What these attributes ask for. */
static void make(unsigned int scope, const char *cpus, bool is_strict)
{
	wq->attrs->scope = scope;
	wq->attrs->cpus = set_of(cpus);
	wq->attrs->is_strict = is_strict;
	must(make_locked(wq) == 0);
}

static struct wq_pwq *at(unsigned int cpu)
{
	return layout.table->of_cpu[cpu];
}

static int nr_made(void)
{
	struct wq_list *node;
	int nr = 0;

	wq_list_for_each(node, &layout.pwqs)
		nr++;
	return nr;
}

/* Items queued on these CPUs go to one pwq, and run in this pod. */
static void must_serve(const char *queued_on, const char *pod, const char *cpus)
{
	struct wq_cpuset on = set_of(queued_on);
	struct wq_pwq *pwq = at(wq_cpuset_next(&on, 0));
	unsigned int cpu;

	must(is_list(&pwq->pool->pod, pod) && is_list(&pwq->pool->cpus, cpus));
	must(pwq->wq == wq && !pwq->pool->is_bound && pwq->pool->nice == wq->attrs->nice);
	wq_cpuset_for_each(cpu, &on) must(at(cpu) == pwq);
}

/* ----------------------------------------------------------------------- pods */

static void check_scope(unsigned int scope, int nr_pods, const char *const *pods)
{
	make(scope, "0-11", /* is_strict */ false);
	must(nr_made() == nr_pods);
	for (int i = 0; i < nr_pods; i++)
		must_serve(pods[i], pods[i], "0-11");
	unmake();
}

/* O2 */
static void each_scope_has_a_pwq_for_each_pod(void)
{
	static const char *const cpus[] = { "0", "1", "2", "3", "4",  "5",
					    "6", "7", "8", "9", "10", "11" };
	static const char *const cores[] = { "0-1", "2-3", "4-5", "6-7", "8-9", "10-11" };
	static const char *const caches[] = { "0-3", "4-7", "8-11" };
	static const char *const nodes[] = { "0-7", "8-11" };
	static const char *const all[] = { "0-11" };

	begin();
	check_scope(WQ_AFFN_CPU, 12, cpus);
	check_scope(WQ_AFFN_SMT, 6, cores);
	check_scope(WQ_AFFN_CACHE, 3, caches);
	check_scope(WQ_AFFN_CACHE_SHARD, 3, caches);
	check_scope(WQ_AFFN_NUMA, 2, nodes);
	check_scope(WQ_AFFN_SYSTEM, 1, all);
}

/* O2 */
static void default_scope_is_the_one_that_is_set(void)
{
	begin();
	must(nr_pwqs(wq) == 3);
	wq_affinity_default_scope = WQ_AFFN_NUMA;
	make(WQ_AFFN_DFL, "0-11", false);
	must(nr_made() == 2);
	unmake();
}

/* O2 */
static void strict_workers_stay_in_their_pod(void)
{
	begin();
	make(WQ_AFFN_CACHE, "0-11", /* is_strict */ true);
	must_serve("0-3", "0-3", "0-3");
	must_serve("4-7", "4-7", "4-7");
	must_serve("8-11", "8-11", "8-11");
	unmake();
}

/* O2 */
static void pod_is_what_the_queues_mask_leaves_of_it(void)
{
	begin();
	make(WQ_AFFN_CACHE, "1-2,4,9-11", false);
	must(nr_made() == 3);
	must_serve("0-3", "1-2", "1-2,4,9-11");
	must_serve("4-7", "4", "1-2,4,9-11");
	must_serve("8-11", "9-11", "1-2,4,9-11");
	unmake();
	make(WQ_AFFN_CACHE, "1-2,4,9-11", true);
	must_serve("0-3", "1-2", "1-2");
	unmake();
}

/* O3 */
static void pods_without_usable_cpus_are_served_by_all_that_are(void)
{
	begin();
	make(WQ_AFFN_SMT, "0-2,8", false);
	must(nr_made() == 4);
	must_serve("0-1", "0-1", "0-2,8");
	must_serve("2-3", "2", "0-2,8");
	/* all such pods together */
	must_serve("4-7,10-11", "0-2,8", "0-2,8");
	must_serve("8-9", "8", "0-2,8");
	unmake();
	make(WQ_AFFN_SMT, "0-2,8", true);
	must_serve("4-7,10-11", "0-2,8", "0-2,8");
	unmake();
}

/* O3 */
static void mask_without_usable_cpus_means_all_unbound_ones(void)
{
	begin();
	wq_affinity_cpus.requested = set_of("4-5,8");
	must(wq_affinity_combine(&wq_affinity_cpus));
	make(WQ_AFFN_NUMA, "0-3", false);
	must(nr_made() == 2);
	must_serve("0-7", "4-5", "4-5,8");
	must_serve("8-11", "8", "4-5,8");
	unmake();
}

/* Items may be queued on CPUs where they cannot run, and on ids there are none of (O3). */
static void cpus_that_are_not_allowed_lead_somewhere(void)
{
	begin_on("0-5");
	make(WQ_AFFN_CPU, "0-11", false);
	must(nr_made() == 7);
	must_serve("5", "5", "0-5");
	must_serve("6-11", "0-5", "0-5");
	must_serve("0,12-15", "0", "0-5");
	unmake();
}

static void nice_is_that_of_the_queue(void)
{
	begin();
	wq->attrs->nice = 7;
	make(WQ_AFFN_SYSTEM, "0-11", false);
	must_serve("0-11", "0-11", "0-11");
	unmake();
	must(make_queue(WQ_UNBOUND | WQ_HIGHPRI)->attrs->nice == WQ_HIGHPRI_NICE);
}

/* Q6 */
static void queues_with_the_same_attributes_share_their_pools(void)
{
	struct workqueue_struct *other;

	begin();
	other = make_queue(WQ_UNBOUND);
	for (unsigned int cpu = 0; cpu < NR_IDS; cpu++) {
		must(other->table->of_cpu[cpu]->pool == wq->table->of_cpu[cpu]->pool);
		must(other->table->of_cpu[cpu] != wq->table->of_cpu[cpu]);
	}
	free_queue(other);
}

/* B9 */
static void ordered_queue_has_one_pwq_whatever_its_scope(void)
{
	begin();
	wq = make_queue_with(WQ_UNBOUND | __WQ_ORDERED, 1);
	must(nr_pwqs(wq) == 1);
	make(WQ_AFFN_CPU, "0-11", false);
	must(nr_made() == 1);
	must_serve("0-15", "0-11", "0-11");
	unmake();
	make(WQ_AFFN_NUMA, "2,9", true);
	must(nr_made() == 1);
	must_serve("0-15", "2,9", "2,9");
	unmake();
}

/* O1 */
static void percpu_queue_has_a_pwq_for_each_allowed_cpu(void)
{
	struct workqueue_struct *bound;
	/* each of those that are not allowed is served by another one, in turn */
	unsigned int next = NR_IDS - 1;

	begin_on("0-2,8-11,15");
	bound = make_queue(WQ_PERCPU);
	must(nr_pwqs(bound) == 8);
	for (unsigned int cpu = 0; cpu < NR_IDS; cpu++) {
		struct wq_pool *pool = bound->table->of_cpu[cpu]->pool;

		must(pool->is_bound);
		if (wq_cpuset_has(&wq_allowed_cpus, cpu)) {
			must(pool->cpu == (int)cpu);
			continue;
		}
		do
			next = (next + 1) % NR_IDS;
		while (!wq_cpuset_has(&wq_allowed_cpus, next));
		must(pool->cpu == (int)next);
	}
	must(!bound->table->nr_ring);
	free_queue(bound);
}

/* ----------------------------------------------------------------------- rings */

static void set_unbound(const char *list)
{
	wq_affinity_cpus.requested = set_of(list);
	must(wq_affinity_combine(&wq_affinity_cpus));
}

/* O5 */
static void items_queued_outside_go_round_the_unbound_cpus(void)
{
	static const unsigned int inside[] = { 2, 4, 5, 9 };

	begin();
	set_unbound("2,4-5,9");
	make(WQ_AFFN_CPU, "0-11", false);
	must(layout.table->nr_ring == 4);
	for (unsigned int i = 0; i < 4; i++)
		must(layout.table->ring[i] == at(inside[i]));
	for (unsigned int cpu = 0; cpu < NR_IDS; cpu++)
		must(layout.table->is_outside[cpu] ==
		     !wq_cpuset_has(&wq_affinity_cpus.unbound, cpu));
	unmake();
}

/* O5 */
static void there_is_no_ring_if_all_allowed_cpus_are_unbound(void)
{
	begin_on("2-7");
	make(WQ_AFFN_CPU, "0-11", false);
	must(!layout.table->nr_ring);
	unmake();
	set_unbound("0-9");
	make(WQ_AFFN_CPU, "3", false);
	must(!layout.table->nr_ring);
	unmake();
}

/* ---------------------------------------------------------------------- memory */

static unsigned int nr_places(void)
{
	unsigned int nr = 0;

	for (unsigned int id = 1; id < wq_nr_pools; id++)
		nr += wq_pools[id]->nr_pwqs;
	return nr;
}

/* Whatever allocation fails. */
static void check_without_memory(struct workqueue_struct *of)
{
	unsigned int nr = nr_places();
	int err = -ENOMEM, n;

	for (n = 0; err; n++) {
		allocs_left = n;
		err = make_locked(of);
		allocs_left = -1;
		must(err == 0 || err == -ENOMEM);
		must(!err || (!layout.table && wq_list_is_empty(&layout.pwqs)));
		must(!err || nr_places() == nr);
	}
	/* the table, and more than one pwq */
	must(n > 3);
	unmake();
	must(nr_places() == nr);
}

static void without_memory_nothing_is_left_behind(void)
{
	static struct workqueue_struct percpu = { .flags = WQ_PERCPU };

	need_end_of_memory();
	begin();
	wq->attrs->nice = 3;
	wq->attrs->scope = WQ_AFFN_SMT;
	check_without_memory(wq);
	check_without_memory(&percpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		node_test(each_scope_has_a_pwq_for_each_pod),
		node_test(default_scope_is_the_one_that_is_set),
		node_test(strict_workers_stay_in_their_pod),
		node_test(pod_is_what_the_queues_mask_leaves_of_it),
		node_test(pods_without_usable_cpus_are_served_by_all_that_are),
		node_test(mask_without_usable_cpus_means_all_unbound_ones),
		node_test(cpus_that_are_not_allowed_lead_somewhere),
		node_test(nice_is_that_of_the_queue),
		node_test(queues_with_the_same_attributes_share_their_pools),
		node_test(ordered_queue_has_one_pwq_whatever_its_scope),
		node_test(percpu_queue_has_a_pwq_for_each_allowed_cpu),
		node_test(items_queued_outside_go_round_the_unbound_cpus),
		node_test(there_is_no_ring_if_all_allowed_cpus_are_unbound),
		node_test(without_memory_nothing_is_left_behind),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
