/* SPDX-License-Identifier: MIT */
/*
 * test_attrs.c - attributes of unbound queues: what is accepted, and where items then run:
 * guarantees O2 and O3. What becomes of items in flight: test_attrs_change.c.
 */
#include "support/topology.h"

/* ------------------------------------------------------------ what is accepted */

static struct workqueue_attrs *attrs;

static int begin_attrs(void **state)
{
	int err = begin_flat(state);

	attrs = alloc_workqueue_attrs();
	return err || !attrs ? -1 : 0;
}

static int end_attrs(void **state)
{
	free_workqueue_attrs(attrs);
	return test_end(state);
}

#define attrs_test(fn) cmocka_unit_test_setup_teardown(fn, begin_attrs, end_attrs)

/* O3 */
static void alloc_workqueue_attrs_gives_the_defaults(void **state)
{
	struct cpumask all = mask_of(~0u);

	(void)state;
	assert_int_equal(attrs->nice, 0);
	assert_int_equal(attrs->affn_scope, WQ_AFFN_DFL);
	assert_false(attrs->affn_strict);
	assert_false(attrs->ordered);
	assert_true(cpumask_equal(attrs->cpumask, &all));
}

static void free_workqueue_attrs_null_is_welcome(void **state)
{
	(void)state;
	free_workqueue_attrs(NULL);
}

static void apply_attrs_of_a_fresh_set_says_0(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);

	(void)state;
	assert_int_equal(apply_workqueue_attrs(wq, attrs), 0);
	run_one_item_on(wq);
	destroy_workqueue(wq);
}

/* O7 */
static void apply_attrs_copies_them(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);

	(void)state;
	attrs->nice = 13;
	assert_int_equal(apply_workqueue_attrs(wq, attrs), 0);
	memset(attrs, 0xff, sizeof(*attrs));
	assert_int_equal(witness_on(0, wq).nice, 13);
	assert_int_equal(set_unbound_mask(1), 0);
	assert_int_equal(witness_on(0, wq).nice, 13);
	destroy_workqueue(wq);
}

/* Refused: the queue is served as before. */
static void check_refused(int line, int warnings)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);

	assert_int_equal(apply(wq, .nice = 11), 0);
	if (apply_workqueue_attrs(wq, attrs) != -EINVAL)
		fail_msg("line %d: accepted", line);
	if (warnings)
		assert_warned();
	assert_int_equal(witness_on(0, wq).nice, 11);
	destroy_workqueue(wq);
}

static void apply_attrs_nice_out_of_range_is_reported(void **state)
{
	(void)state;
	attrs->nice = 20;
	check_refused(__LINE__, 1);
	attrs->nice = -21;
	check_refused(__LINE__, 1);
}

static void apply_attrs_scope_out_of_range_is_reported(void **state)
{
	(void)state;
	attrs->affn_scope = WQ_AFFN_NR_TYPES;
	check_refused(__LINE__, 1);
	attrs->affn_scope = (enum wq_affn_scope) - 1;
	check_refused(__LINE__, 1);
}

/* O3 */
static void apply_attrs_empty_mask_says_einval(void **state)
{
	(void)state;
	cpumask_clear(attrs->cpumask);
	check_refused(__LINE__, 0);
}

static void apply_attrs_null_is_reported(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);

	(void)state;
	assert_int_equal(apply_workqueue_attrs(wq, NULL), -EINVAL);
	assert_warned();
	assert_int_equal(apply_workqueue_attrs(NULL, attrs), -EINVAL);
	assert_warned();
	destroy_workqueue(wq);
}

static void apply_attrs_on_a_queue_that_is_not_unbound_is_reported(void **state)
{
	static const unsigned int flags[] = { WQ_PERCPU, WQ_PERCPU | WQ_HIGHPRI, WQ_BH };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct workqueue_struct *wq = alloc_workqueue("bound", flags[i], 0);

		assert_non_null(wq);
		assert_int_equal(apply_workqueue_attrs(wq, attrs), -EINVAL);
		assert_warned();
		run_one_item_on(wq);
		destroy_workqueue(wq);
	}
}

/* ---------------------------------------------------------------- nice, names */

/* Q6 S */
static void apply_attrs_nice_is_that_of_the_workers(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	struct witness nice, usual;

	(void)state;
	usual = witness_on(0, wq);
	assert_int_equal(usual.nice, getpriority(PRIO_PROCESS, 0));
	assert_int_equal(apply(wq, .nice = 12), 0);
	nice = witness_on(0, wq);
	assert_int_equal(nice.nice, 12);
	assert_true(usual.pool >= 0 && nice.pool >= 0);
	assert_int_not_equal(nice.pool, usual.pool);
	assert_int_equal(apply(wq, .nice = 0), 0);
	assert_int_equal(witness_on(0, wq).nice, usual.nice);
	destroy_workqueue(wq);
}

static long try_to_be_urgent(void *arg)
{
	(void)arg;
	return setpriority(PRIO_PROCESS, syscall(SYS_gettid), -20) == 0;
}

/* L6 */
static void apply_attrs_negative_nice_where_permitted(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND | WQ_HIGHPRI, 0);
	struct call call;

	(void)state;
	call_start(&call, try_to_be_urgent, NULL);
	if (call_join(&call)) {
		assert_int_equal(witness_on(0, wq).nice, -20);
		assert_int_equal(apply(wq, .nice = -6), 0);
		assert_int_equal(witness_on(0, wq).nice, -6);
	} else {
		assert_int_equal(apply(wq, .nice = -6), 0);
		run_one_item_on(wq);
	}
	destroy_workqueue(wq);
}

/* ----------------------------------------------------------------- where, O2 O3 */

/* O2 */
static void strict_queue_items_stay_in_the_pod_of_their_cpu(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);

	(void)state;
	assert_int_equal(apply(wq, .scope = WQ_AFFN_CPU, .strict = true), 0);
	for (int round = 0; round < 10; round++)
		for (int nth = 0; nth < 2; nth++) {
			struct witness witness = witness_on(nth, wq);

			assert_int_equal(witness.cpus, 1u << nth);
			assert_int_equal(witness.item.cpu, allowed_cpu(nth));
		}
	destroy_workqueue(wq);
}

struct caller {
	struct workqueue_struct *wq;
	struct witness witness;
	int nth;
};

static long queue_from_own_cpu(void *arg)
{
	struct caller *caller = arg;

	pin_self(allowed_cpu(caller->nth));
	witness_init(&caller->witness, NULL);
	queue_work(caller->wq, &caller->witness.item.work);
	return flush_work(&caller->witness.item.work);
}

/* O2 */
static void strict_queue_without_a_cpu_named_takes_that_of_the_caller(void **state)
{
	struct caller caller = { .wq = alloc_workqueue("unbound", WQ_UNBOUND, 0) };
	struct call call;

	(void)state;
	assert_int_equal(apply(caller.wq, .scope = WQ_AFFN_CPU, .strict = true), 0);
	for (int i = 0; i < 10; i++) {
		caller.nth = i % 2;
		call_start(&call, queue_from_own_cpu, &caller);
		call_join(&call);
		assert_int_equal(caller.witness.cpus, 1u << i % 2);
	}
	destroy_workqueue(caller.wq);
}

/* O2 */
static void queue_that_is_not_strict_lets_workers_use_the_whole_mask(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	struct witness first, second;

	(void)state;
	assert_int_equal(apply(wq, .scope = WQ_AFFN_CPU), 0);
	first = witness_on(0, wq);
	second = witness_on(1, wq);
	assert_int_equal(first.cpus, 3);
	assert_int_equal(second.cpus, 3);
	assert_int_not_equal(first.pool, second.pool);
	destroy_workqueue(wq);
}

/* O3 */
static void mask_keeps_workers_on_its_cpus_strict_or_not(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);

	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(apply(wq, .cpus = 2, .strict = i & 1,
				       .scope = i & 2 ? WQ_AFFN_SYSTEM : WQ_AFFN_CPU),
				 0);
		assert_int_equal(witness_on(1, wq).cpus, 2);
	}
	destroy_workqueue(wq);
}

/* O3 */
static void pod_without_an_allowed_cpu_falls_back_to_the_mask(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);

	(void)state;
	assert_int_equal(apply(wq, .cpus = 1, .scope = WQ_AFFN_CPU, .strict = true), 0);
	assert_int_equal(witness_on(1, wq).cpus, 1);
	assert_int_equal(witness_on(0, wq).cpus, 1);
	destroy_workqueue(wq);
}

/* O3 */
static void mask_outside_of_the_allowed_cpus_falls_back_to_them(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);

	(void)state;
	cpumask_clear(attrs->cpumask);
	cpumask_set_cpu(WORKQ_NR_CPUS - 1, attrs->cpumask);
	assert_int_equal(apply_workqueue_attrs(wq, attrs), 0);
	assert_int_equal(witness_on(0, wq).cpus, 3);
	/* Those outside do not count beside one inside either. */
	cpumask_set_cpu(allowed_cpu(1), attrs->cpumask);
	assert_int_equal(apply_workqueue_attrs(wq, attrs), 0);
	assert_int_equal(witness_on(0, wq).cpus, 2);
	destroy_workqueue(wq);
}

/* ---------------------------------------------------------- scopes by topology */

/* '1': a pod holds both CPUs, '0': each has one of its own; from WQ_AFFN_CPU on. */
static void check_pods(const char *expected)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);

	for (int i = 0; expected[i]; i++) {
		enum wq_affn_scope scope = WQ_AFFN_CPU + i;

		assert_int_equal(apply(wq, .scope = scope, .strict = true), 0);
		for (int nth = 0; nth < 2; nth++) {
			unsigned int pod = expected[i] == '1' ? 3 : 1u << nth;

			if (witness_on(nth, wq).cpus != pod)
				fail_msg("scope %d, CPU %d: not in its pod", scope, nth);
		}
	}
	destroy_workqueue(wq);
}

/* O2 */
static void scopes_of_two_cores_with_one_cache(void **state)
{
	(void)state;
	check_pods("001111");
}

static int begin_two_threads(void **state)
{
	topology_fake(&(struct topology){ .one_core = true, .one_cache = true });
	return test_begin(state);
}

/* O2 */
static void scopes_of_two_threads_of_a_core(void **state)
{
	(void)state;
	check_pods("011111");
}

static int begin_two_caches(void **state)
{
	topology_fake(&(struct topology){ .node = { 1, 1 } });
	return test_begin(state);
}

/* O2 */
static void scopes_of_two_caches_on_one_node(void **state)
{
	(void)state;
	check_pods("000011");
}

static int begin_sparse_nodes(void **state)
{
	topology_fake(&(struct topology){ .node = { 2, 9 } });
	return test_begin(state);
}

/* O2 */
static void scopes_of_two_nodes_with_gaps_between_their_ids(void **state)
{
	(void)state;
	check_pods("000001");
}

static int begin_unknown(void **state)
{
	topology_fake(&(struct topology){ .unknown = true });
	return test_begin(state);
}

/* O2 */
static void scopes_where_sysfs_says_nothing_have_one_pod(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);

	(void)state;
	for (enum wq_affn_scope scope = WQ_AFFN_CACHE; scope < WQ_AFFN_NR_TYPES; scope++) {
		assert_int_equal(apply(wq, .scope = scope, .strict = true), 0);
		assert_int_equal(witness_on(0, wq).cpus, 3);
		assert_int_equal(witness_on(1, wq).cpus, 3);
	}
	destroy_workqueue(wq);
}

static int begin_with_scope(const char *scope, void **state)
{
	topology_fake(&(struct topology){ .node = { 0, 1 } });
	return setenv("WORKQ_AFFINITY_SCOPE", scope, 1) ? -1 : test_begin(state);
}

static int begin_with_scope_system(void **state)
{
	return begin_with_scope("system", state);
}

/* O2 */
static void default_scope_is_that_of_the_environment(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);

	(void)state;
	assert_int_equal(apply(wq, .strict = true), 0);
	assert_int_equal(witness_on(0, wq).cpus, 3);
	assert_int_equal(apply(wq, .strict = true, .scope = WQ_AFFN_NUMA), 0);
	assert_int_equal(witness_on(1, wq).cpus, 2);
	destroy_workqueue(wq);
}

/* O2 */
static void default_scope_is_cache_shard(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);

	(void)state;
	assert_int_equal(apply(wq, .strict = true), 0);
	assert_int_equal(witness_on(0, wq).cpus, 1);
	assert_int_equal(witness_on(1, wq).cpus, 2);
	destroy_workqueue(wq);
}

#define topology_test(fn, begin) cmocka_unit_test_setup_teardown(fn, begin, test_end)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		attrs_test(alloc_workqueue_attrs_gives_the_defaults),
		attrs_test(free_workqueue_attrs_null_is_welcome),
		attrs_test(apply_attrs_of_a_fresh_set_says_0),
		attrs_test(apply_attrs_copies_them),
		attrs_test(apply_attrs_nice_out_of_range_is_reported),
		attrs_test(apply_attrs_scope_out_of_range_is_reported),
		attrs_test(apply_attrs_empty_mask_says_einval),
		attrs_test(apply_attrs_null_is_reported),
		attrs_test(apply_attrs_on_a_queue_that_is_not_unbound_is_reported),
		attrs_test(mask_outside_of_the_allowed_cpus_falls_back_to_them),
		flat_test(apply_attrs_nice_is_that_of_the_workers),
		flat_test(apply_attrs_negative_nice_where_permitted),
		flat_test(strict_queue_items_stay_in_the_pod_of_their_cpu),
		flat_test(strict_queue_without_a_cpu_named_takes_that_of_the_caller),
		flat_test(queue_that_is_not_strict_lets_workers_use_the_whole_mask),
		flat_test(mask_keeps_workers_on_its_cpus_strict_or_not),
		flat_test(pod_without_an_allowed_cpu_falls_back_to_the_mask),
		flat_test(scopes_of_two_cores_with_one_cache),
		two_nodes_test(default_scope_is_cache_shard),
		topology_test(scopes_of_two_threads_of_a_core, begin_two_threads),
		topology_test(scopes_of_two_caches_on_one_node, begin_two_caches),
		topology_test(scopes_of_two_nodes_with_gaps_between_their_ids, begin_sparse_nodes),
		topology_test(scopes_where_sysfs_says_nothing_have_one_pod, begin_unknown),
		topology_test(default_scope_is_that_of_the_environment, begin_with_scope_system),
	};

	(void)argc;
	return run_on_two_cpus(argv, tests, sizeof(tests) / sizeof(tests[0]));
}
