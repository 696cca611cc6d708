/* SPDX-License-Identifier: MIT */
/*
 * test_attr_text.c - attributes by name and as text: workq_attr_read(), workq_attr_write(),
 * WQ_SYSFS and workqueue_sysfs_register(). What they do: guarantees O2, O3, O6.
 */
#include <limits.h>

#include "support/topology.h"

enum {
	TEXT = 256,
};

static void check_reads(const char *path, const char *expected)
{
	char text[TEXT] = "untouched";
	int len = workq_attr_read(path, text, sizeof(text));

	if (len < 0)
		fail_msg("%s: error %d", path, len);
	if (strcmp(text, expected))
		fail_msg("%s reads \"%s\", not \"%s\"", path, text, expected);
	assert_int_equal(len, strlen(text));
}

static void check_writes(const char *path, const char *text)
{
	int err = workq_attr_write(path, text);

	if (err)
		fail_msg("%s takes no \"%s\": %d", path, text, err);
}

static void check_refuses(const char *path, const char *text, int expected)
{
	int err = workq_attr_write(path, text);

	if (err != expected)
		fail_msg("%s given \"%s\" says %d", path, text, err);
}

static void check_not_there(const char *path)
{
	char text[TEXT];
	int len = workq_attr_read(path, text, sizeof(text));

	if (len != -ENOENT)
		fail_msg("%s: %d", path, len);
	check_refuses(path, "1", -ENOENT);
}

static struct workqueue_struct *visible(const char *name)
{
	struct workqueue_struct *wq = alloc_workqueue("%s", WQ_UNBOUND | WQ_SYSFS, 0, name);

	assert_non_null(wq);
	return wq;
}

/* ----------------------------------------------------------------- reading in general */

static void attr_read_tells_the_whole_length_and_cuts(void **state)
{
	struct workqueue_struct *wq = visible("cut");
	static const char whole[] = "default (cache_shard)";

	(void)state;
	for (size_t size = 1; size <= sizeof(whole) + 1; size++) {
		char text[TEXT];
		size_t fits = size < sizeof(whole) ? size - 1 : sizeof(whole) - 1;

		memset(text, '#', sizeof(text));
		assert_int_equal(workq_attr_read("cut/affinity_scope", text, size),
				 sizeof(whole) - 1);
		assert_int_equal(strlen(text), fits);
		assert_memory_equal(text, whole, fits);
		assert_int_equal(text[size], '#');
	}
	destroy_workqueue(wq);
}

static void attr_read_into_nothing_touches_nothing(void **state)
{
	struct workqueue_struct *wq = visible("nothing");
	char text = '#';

	(void)state;
	assert_int_equal(workq_attr_read("nothing/per_cpu", &text, 0), 1);
	assert_int_equal(text, '#');
	destroy_workqueue(wq);
}

static void attr_null_arguments_say_einval(void **state)
{
	char text[TEXT] = "";

	(void)state;
	assert_int_equal(workq_attr_read(NULL, text, sizeof(text)), -EINVAL);
	assert_int_equal(workq_attr_read("cpumask", NULL, 10), -EINVAL);
	assert_int_equal(workq_attr_write(NULL, "1"), -EINVAL);
	assert_int_equal(workq_attr_write("cpumask", NULL), -EINVAL);
	report_take(); /* it may be told of */
}

static void attr_unknown_path_says_enoent(void **state)
{
	static const char *const path[] = { "",
					    "/",
					    "/cpumask",
					    "parameters",
					    "parameters/x",
					    "queue",
					    "queue/",
					    "queue/x",
					    "queue/per_cpu/",
					    "/per_cpu",
					    "queue/nice/nice",
					    "queu/per_cpu",
					    "queue2/per_cpu",
					    "cpumask/per_cpu" };
	struct workqueue_struct *wq = visible("queue");

	(void)state;
	for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); i++)
		check_not_there(path[i]);
	check_reads("queue/per_cpu", "0");
	destroy_workqueue(wq);
}

static int begin_not_started(void **state)
{
	(void)state;
	topology_fake(&(struct topology){ .one_cache = true });
	alarm(TEST_SECONDS);
	workq_set_report_fn(report_catch);
	return 0;
}

static void attr_read_starts_the_library(void **state)
{
	(void)state;
	check_reads("parameters/default_affinity_scope", "cache_shard");
	run_one_item_on(system_dfl_wq);
}

static void attr_write_starts_the_library(void **state)
{
	(void)state;
	check_writes("parameters/default_affinity_scope", "numa");
	check_reads("parameters/default_affinity_scope", "numa");
	run_one_item_on(system_dfl_wq);
}

/* ------------------------------------------------------------------ of the process */

static const char *const scope_name[] = { "cpu", "smt", "cache", "cache_shard", "numa", "system" };

/* O2 */
static void attr_default_affinity_scope_is_told_by_the_queues(void **state)
{
	struct workqueue_struct *wq = visible("scope");
	char expected[TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(scope_name) / sizeof(scope_name[0]); i++) {
		check_writes("parameters/default_affinity_scope", scope_name[i]);
		check_reads("parameters/default_affinity_scope", scope_name[i]);
		snprintf(expected, sizeof(expected), "default (%s)", scope_name[i]);
		check_reads("scope/affinity_scope", expected);
	}
	destroy_workqueue(wq);
}

/* O2 */
static void attr_default_affinity_scope_moves_queues_that_follow_it(void **state)
{
	struct workqueue_struct *follows = alloc_workqueue("follows", WQ_UNBOUND, 0);
	struct workqueue_struct *stays = alloc_workqueue("stays", WQ_UNBOUND, 0);

	(void)state;
	assert_int_equal(apply(follows, .strict = true), 0);
	assert_int_equal(apply(stays, .strict = true, .scope = WQ_AFFN_CACHE), 0);
	assert_int_equal(witness_on(1, follows).cpus, 3);
	check_writes("parameters/default_affinity_scope", "cpu");
	assert_int_equal(witness_on(0, follows).cpus, 1);
	assert_int_equal(witness_on(1, follows).cpus, 2);
	assert_int_equal(witness_on(1, stays).cpus, 3);
	check_writes("parameters/default_affinity_scope", "system");
	assert_int_equal(witness_on(1, follows).cpus, 3);
	destroy_workqueue(follows);
	destroy_workqueue(stays);
}

static void attr_default_affinity_scope_refuses_others(void **state)
{
	static const char *const text[] = { "", "default", "socket", "cach", "cpu0", "7", "\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		check_refuses("parameters/default_affinity_scope", text[i], -EINVAL);
	check_reads("parameters/default_affinity_scope", "cache_shard");
}

static int begin_power_efficient(void **state)
{
	return setenv("WORKQ_POWER_EFFICIENT", "1", 1) ? -1 : begin_flat(state);
}

static void attr_power_efficient_is_that_of_the_environment(void **state)
{
	struct workqueue_struct *wq =
		alloc_workqueue("pe", WQ_PERCPU | WQ_POWER_EFFICIENT | WQ_SYSFS, 0);

	(void)state;
	check_reads("parameters/power_efficient", "1");
	check_reads("pe/per_cpu", "0");
	check_refuses("parameters/power_efficient", "0", -EACCES);
	run_one_item_on(wq);
	assert_true(witness_on(0, system_power_efficient_wq).pool >= 0);
	assert_true(witness_on(0, system_freezable_power_efficient_wq).pool >= 0);
	destroy_workqueue(wq);
}

static void attr_power_efficient_is_off_by_default(void **state)
{
	struct workqueue_struct *wq =
		alloc_workqueue("pe", WQ_PERCPU | WQ_POWER_EFFICIENT | WQ_SYSFS, 0);

	(void)state;
	check_reads("parameters/power_efficient", "0");
	check_reads("pe/per_cpu", "1");
	check_refuses("parameters/power_efficient", "1", -EACCES);
	assert_int_equal(witness_on(0, system_power_efficient_wq).pool, -1);
	destroy_workqueue(wq);
}

/* -------------------------------------------------------------------- of a queue */

static void attr_of_a_percpu_queue_are_two(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU | WQ_SYSFS, 7);

	(void)state;
	check_reads("percpu/per_cpu", "1");
	check_refuses("percpu/per_cpu", "0", -EACCES);
	check_reads("percpu/max_active", "7");
	check_writes("percpu/max_active", "9");
	check_reads("percpu/max_active", "9");
	check_not_there("percpu/nice");
	check_not_there("percpu/cpumask");
	check_not_there("percpu/affinity_scope");
	check_not_there("percpu/affinity_strict");
	destroy_workqueue(wq);
}

static void attr_of_an_unbound_queue_at_first(void **state)
{
	struct workqueue_struct *wq = visible("unbound");
	char mask[TEXT];

	(void)state;
	check_reads("unbound/per_cpu", "0");
	check_reads("unbound/max_active", "1024");
	check_reads("unbound/nice", "0");
	assert_true(workq_attr_read("cpumask", mask, sizeof(mask)) > 0);
	check_reads("unbound/cpumask", mask);
	check_reads("unbound/affinity_scope", "default (cache_shard)");
	check_reads("unbound/affinity_strict", "0");
	check_refuses("unbound/per_cpu", "0", -EACCES);
	destroy_workqueue(wq);
}

static void attr_reads_what_was_applied(void **state)
{
	struct workqueue_struct *wq = visible("applied");
	struct workqueue_struct *high =
		alloc_workqueue("high", WQ_UNBOUND | WQ_HIGHPRI | WQ_SYSFS, 3);

	(void)state;
	assert_int_equal(apply(wq, .nice = 13, .strict = true, .scope = WQ_AFFN_NUMA), 0);
	check_reads("applied/nice", "13");
	check_reads("applied/affinity_strict", "1");
	check_reads("applied/affinity_scope", "numa");
	workqueue_set_max_active(wq, 21);
	check_reads("applied/max_active", "21");
	check_reads("high/nice", "-20");
	check_reads("high/max_active", "3");
	destroy_workqueue(wq);
	destroy_workqueue(high);
}

/* O2 O3 */
static void attr_written_is_how_items_are_served(void **state)
{
	struct workqueue_struct *wq = visible("written");
	struct witness witness;

	(void)state;
	check_writes("written/nice", "13\n");
	check_reads("written/nice", "13");
	check_writes("written/affinity_strict", "1");
	check_writes("written/affinity_scope", "cpu\n");
	witness = witness_on(1, wq);
	assert_int_equal(witness.nice, 13);
	assert_int_equal(witness.cpus, 2);
	check_writes("written/cpumask", mask_text(1));
	witness = witness_on(1, wq);
	assert_int_equal(witness.nice, 13);
	assert_int_equal(witness.cpus, 1);
	check_writes("written/affinity_strict", "0");
	check_writes("written/cpumask", mask_text(3));
	assert_int_equal(witness_on(0, wq).cpus, 3);
	destroy_workqueue(wq);
}

/* O2 */
static void attr_affinity_scope_takes_each_name(void **state)
{
	struct workqueue_struct *wq = visible("scopes");

	(void)state;
	for (size_t i = 0; i < sizeof(scope_name) / sizeof(scope_name[0]); i++) {
		check_writes("scopes/affinity_scope", scope_name[i]);
		check_reads("scopes/affinity_scope", scope_name[i]);
	}
	check_writes("scopes/affinity_scope", "default");
	check_reads("scopes/affinity_scope", "default (cache_shard)");
	destroy_workqueue(wq);
}

/* C6 */
static void attr_max_active_starts_waiting_items(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("limit", WQ_UNBOUND | WQ_SYSFS, 1);
	struct blocker first;
	struct item second;

	(void)state;
	blocker_start(&first, wq);
	item_init(&second);
	assert_true(queue_work(wq, &second.work));
	assert_not_yet(item_runs(&second));
	check_writes("limit/max_active", "2");
	check_reads("limit/max_active", "2");
	wait_until(item_runs(&second));
	blocker_release(&first);
	destroy_workqueue(wq);
}

/* Refused, and nothing has changed. */
static void check_keeps(const char *path, const char *value, const char *const *text, size_t nr)
{
	check_writes(path, value);
	for (size_t i = 0; i < nr; i++) {
		check_refuses(path, text[i], -EINVAL);
		check_reads(path, value);
	}
	report_take(); /* why it is refused may be told */
}

static void attr_refuses_what_is_no_value(void **state)
{
	static const char *const nice[] = { "", "x", "20", "-21", "5x", "4294967301", "\n", "1 2" };
	static const char *const scope[] = { "", "socket", "cach", "cache_", "cpu ", "numa\n\n" };
	static const char *const strict[] = { "", "x", "yes" };
	static const char *const mask[] = { "", "0", "x", "0,0", "1\n\n" };
	static const char *const active[] = { "", "x", "5x", "-", "0", "4294967301x" };
	struct workqueue_struct *wq = visible("refuses");

	(void)state;
#define check_each(path, value, text)                                                              \
	check_keeps((path), (value), (text), sizeof(text) / sizeof((text)[0]))
	check_each("refuses/nice", "12", nice);
	check_each("refuses/affinity_scope", "smt", scope);
	check_each("refuses/affinity_strict", "1", strict);
	check_each("refuses/max_active", "5", active);
	for (size_t i = 0; i < sizeof(mask) / sizeof(mask[0]); i++)
		check_refuses("refuses/cpumask", mask[i], -EINVAL);
	assert_int_equal(witness_on(0, wq).nice, 12);
	destroy_workqueue(wq);
}

static void attr_max_active_out_of_range_never_wraps(void **state)
{
	static const char *const text[] = { "2049", "4294967297", "18446744073709551617" };
	struct workqueue_struct *wq = visible("wraps");
	char now[TEXT];

	(void)state;
	check_writes("wraps/max_active", "6");
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		/* Clamped or refused: both will do. */
		const char *expected = workq_attr_write("wraps/max_active", text[i]) ? "6" : "2048";

		assert_true(workq_attr_read("wraps/max_active", now, sizeof(now)) > 0);
		assert_string_equal(now, expected);
		check_writes("wraps/max_active", "6");
	}
	report_take();
	destroy_workqueue(wq);
}

/* B9 */
static void attr_max_active_of_an_ordered_queue_is_read_only(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("ordered", WQ_SYSFS);

	(void)state;
	check_reads("ordered/max_active", "1");
	check_refuses("ordered/max_active", "2", -EACCES);
	check_reads("ordered/max_active", "1");
	check_writes("ordered/affinity_scope", "cpu");
	check_writes("ordered/nice", "12");
	assert_int_equal(witness_on(0, wq).nice, 12);
	destroy_workqueue(wq);
}

/* ----------------------------------------------------------------- who is visible */

static void attr_of_queues_without_sysfs_are_not_there(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("hidden", WQ_UNBOUND, 0);

	(void)state;
	check_not_there("hidden/per_cpu");
	check_not_there("events/per_cpu");
	check_not_there("events_unbound/nice");
	destroy_workqueue(wq);
}

static void attr_of_a_destroyed_queue_are_gone(void **state)
{
	struct workqueue_struct *wq = visible("goes");

	(void)state;
	check_reads("goes/nice", "0");
	destroy_workqueue(wq);
	check_not_there("goes/nice");
	wq = visible("goes");
	check_reads("goes/nice", "0");
	destroy_workqueue(wq);
}

/* O6 */
static void attr_mask_without_a_cpu_of_this_machine_is_einval(void **state)
{
	struct workqueue_struct *wq = visible("far");
	char mask[WORKQ_NR_CPUS / 4 + WORKQ_NR_CPUS / 32] = "80000000", before[64], after[64];

	(void)state;
	for (int i = 1; i < WORKQ_NR_CPUS / 32; i++)
		strcat(mask, ",00000000");
	assert_true(workq_attr_read("far/cpumask", before, sizeof(before)) > 0);
	assert_int_equal(workq_attr_write("far/cpumask", mask), -EINVAL);
	assert_int_equal(workq_attr_write("cpumask", mask), -EINVAL);
	assert_true(workq_attr_read("far/cpumask", after, sizeof(after)) > 0);
	assert_string_equal(before, after);
	destroy_workqueue(wq);
}

/* F4 */
static void attr_of_a_queue_being_destroyed_are_gone(void **state)
{
	struct workqueue_struct *wq = visible("going");
	struct blocker blocker;
	struct call call;

	(void)state;
	blocker_start(&blocker, wq);
	call_start(&call, do_destroy_workqueue, wq);
	assert_true(call_blocks(&call));
	check_not_there("going/nice");
	gate_open(&blocker.go);
	call_join(&call);
}

static void attr_of_two_queues_with_one_name_are_those_of_the_first(void **state)
{
	struct workqueue_struct *first = alloc_workqueue("twin", WQ_UNBOUND | WQ_SYSFS, 3);
	struct workqueue_struct *second = alloc_workqueue("twin", WQ_UNBOUND | WQ_SYSFS, 4);

	(void)state;
	assert_non_null(second);
	check_reads("twin/max_active", "3");
	check_writes("twin/max_active", "5");
	check_reads("twin/max_active", "5");
	destroy_workqueue(first);
	check_reads("twin/max_active", "4");
	destroy_workqueue(second);
	check_not_there("twin/max_active");
	report_take(); /* the second may be told of */
}

static void sysfs_register_makes_a_queue_visible(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("late", WQ_UNBOUND, 0);

	(void)state;
	check_not_there("late/nice");
	assert_int_equal(apply(wq, .nice = 12), 0);
	assert_int_equal(workqueue_sysfs_register(wq), 0);
	check_reads("late/nice", "12");
	assert_int_equal(workqueue_sysfs_register(wq), -EEXIST);
	destroy_workqueue(wq);
	check_not_there("late/nice");
}

static void sysfs_register_of_a_name_that_is_taken_says_eexist(void **state)
{
	struct workqueue_struct *first = alloc_workqueue("taken", WQ_PERCPU | WQ_SYSFS, 3);
	struct workqueue_struct *second = alloc_workqueue("taken", WQ_UNBOUND, 4);

	(void)state;
	assert_int_equal(workqueue_sysfs_register(second), -EEXIST);
	check_reads("taken/max_active", "3");
	destroy_workqueue(first);
	check_not_there("taken/max_active");
	assert_int_equal(workqueue_sysfs_register(second), 0);
	check_reads("taken/max_active", "4");
	destroy_workqueue(second);
}

static void sysfs_register_of_an_ordered_queue_shows_its_limit_read_only(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("ordered", 0);

	(void)state;
	assert_int_equal(workqueue_sysfs_register(wq), 0);
	check_reads("ordered/max_active", "1");
	assert_int_equal(workq_attr_write("ordered/max_active", "2"), -EACCES);
	destroy_workqueue(wq);
}

static void sysfs_register_null_is_reported(void **state)
{
	(void)state;
	assert_int_equal(workqueue_sysfs_register(NULL), -EINVAL);
	assert_warned();
}

/* ------------------------------------------------------------------- many at once */

struct reader {
	atomic_bool stop;
	atomic_int wrong;
};

static long read_again_and_again(void *arg)
{
	struct reader *reader = arg;
	char text[TEXT];

	while (!atomic_load(&reader->stop)) {
		int len = workq_attr_read("passing/affinity_scope", text, sizeof(text));

		if (len != -ENOENT && (len < 0 || strncmp(text, "default (", 9)))
			atomic_fetch_add(&reader->wrong, 1);
		len = workq_attr_write("passing/nice", "12");
		if (len && len != -ENOENT)
			atomic_fetch_add(&reader->wrong, 1);
	}
	return 0;
}

static void attr_read_while_queues_come_and_go_is_whole_or_not_there(void **state)
{
	struct reader reader = { 0 };
	struct call call;

	(void)state;
	call_start(&call, read_again_and_again, &reader);
	for (int i = 0; i < 200; i++) {
		struct workqueue_struct *wq = visible("passing");

		if (i % 20 == 0)
			run_one_item_on(wq);
		destroy_workqueue(wq);
	}
	atomic_store(&reader.stop, true);
	call_join(&call);
	assert_int_equal(atomic_load(&reader.wrong), 0);
}

#define begin_test(fn, begin) cmocka_unit_test_setup_teardown(fn, begin, test_end)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		flat_test(attr_read_tells_the_whole_length_and_cuts),
		flat_test(attr_read_into_nothing_touches_nothing),
		flat_test(attr_null_arguments_say_einval),
		flat_test(attr_unknown_path_says_enoent),
		begin_test(attr_read_starts_the_library, begin_not_started),
		begin_test(attr_write_starts_the_library, begin_not_started),
		flat_test(attr_default_affinity_scope_is_told_by_the_queues),
		flat_test(attr_default_affinity_scope_moves_queues_that_follow_it),
		flat_test(attr_default_affinity_scope_refuses_others),
		begin_test(attr_power_efficient_is_that_of_the_environment, begin_power_efficient),
		flat_test(attr_power_efficient_is_off_by_default),
		flat_test(attr_of_a_percpu_queue_are_two),
		flat_test(attr_of_an_unbound_queue_at_first),
		flat_test(attr_reads_what_was_applied),
		flat_test(attr_written_is_how_items_are_served),
		flat_test(attr_affinity_scope_takes_each_name),
		flat_test(attr_max_active_starts_waiting_items),
		flat_test(attr_refuses_what_is_no_value),
		flat_test(attr_max_active_out_of_range_never_wraps),
		flat_test(attr_max_active_of_an_ordered_queue_is_read_only),
		flat_test(attr_of_queues_without_sysfs_are_not_there),
		flat_test(attr_of_a_destroyed_queue_are_gone),
		flat_test(attr_of_a_queue_being_destroyed_are_gone),
		flat_test(attr_mask_without_a_cpu_of_this_machine_is_einval),
		flat_test(attr_of_two_queues_with_one_name_are_those_of_the_first),
		flat_test(sysfs_register_makes_a_queue_visible),
		flat_test(sysfs_register_of_a_name_that_is_taken_says_eexist),
		flat_test(sysfs_register_of_an_ordered_queue_shows_its_limit_read_only),
		flat_test(sysfs_register_null_is_reported),
		flat_test(attr_read_while_queues_come_and_go_is_whole_or_not_there),
	};

	(void)argc;
	return run_on_two_cpus(argv, tests, sizeof(tests) / sizeof(tests[0]));
}
