/* SPDX-License-Identifier: MIT */
/*
 * test_unbound_mask.c - the CPUs for unbound queues, and items queued from elsewhere:
 * guarantees O5, O6, O3.
 */
#include <dlfcn.h>

#include "support/topology.h"

/* --------------------------------------------------------- a caller on another CPU */

static __thread int pretended_cpu = -1;

/* Stands in for libc's, which the library asks for the caller's CPU. */
int sched_getcpu(void)
{
	static int (*_Atomic libc_getcpu)(void);
	int (*fn)(void) = atomic_load(&libc_getcpu);

	if (pretended_cpu >= 0)
		return pretended_cpu;
	if (!fn) {
		*(void **)&fn = dlsym(RTLD_NEXT, "sched_getcpu");
		atomic_store(&libc_getcpu, fn);
	}
	return fn();
}

/* ------------------------------------------------------------------ looking at masks */

static int digit_of(char c)
{
	return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* bit n: the n-th allowed CPU is in the mask that the attribute reads as. */
static unsigned int read_mask(const char *path)
{
	char text[WORKQ_NR_CPUS / 32 * 9 + 1];
	int len = workq_attr_read(path, text, sizeof(text));
	struct cpumask mask;
	unsigned int cpus = 0;

	assert_true(len > 0 && len < (int)sizeof(text));
	assert_int_equal(strspn(text, "0123456789abcdef,"), len);
	cpumask_clear(&mask);
	for (int at = len - 1, cpu = 0; at >= 0; at--) {
		if (text[at] == ',')
			continue;
		mask.bits[cpu / 64] |= (unsigned long)digit_of(text[at]) << cpu % 64;
		cpu += 4;
	}
	for (int i = 0; i < 32 && allowed_cpu(i) >= 0; i++)
		cpus |= (unsigned int)cpumask_test_cpu(allowed_cpu(i), &mask) << i;
	return cpus;
}

static struct workqueue_struct *strict_queue(void)
{
	struct workqueue_struct *wq = alloc_workqueue("strict", WQ_UNBOUND, 0);

	assert_int_equal(apply(wq, .scope = WQ_AFFN_CPU, .strict = true), 0);
	return wq;
}

/* The items of both CPUs run on these only. */
static void check_runs_on(struct workqueue_struct *wq, unsigned int cpus)
{
	for (int nth = 0; nth < 2; nth++) {
		struct witness witness = witness_on(nth, wq);

		if (witness.cpus != cpus)
			fail_msg("CPU %d: runs on %#x, not on %#x", nth, witness.cpus, cpus);
	}
}

/* -------------------------------------------------------------------- what is accepted */

/* O6 */
static void mask_is_at_first_all_allowed_cpus(void **state)
{
	(void)state;
	assert_int_equal(read_mask("cpumask"), 3);
	assert_int_equal(read_mask("cpumask_requested"), 3);
	assert_int_equal(read_mask("cpumask_isolated"), 0);
}

/* O6 */
static void mask_written_reads_back(void **state)
{
	(void)state;
	for (unsigned int cpus = 1; cpus <= 3; cpus++) {
		assert_int_equal(set_unbound_mask(cpus), 0);
		assert_int_equal(read_mask("cpumask"), cpus);
		assert_int_equal(read_mask("cpumask_requested"), cpus);
		assert_int_equal(read_mask("cpumask_isolated"), 0);
	}
}

/* O6 */
static void mask_that_is_empty_or_no_mask_says_einval(void **state)
{
	static const char *const text[] = { "",   "0",  "00000000", "0,0", "\n",  "x",
					    "1g", "-1", " ",        ",",   "1,,", "1 2" };

	(void)state;
	assert_int_equal(set_unbound_mask(2), 0);
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		if (workq_attr_write("cpumask", text[i]) != -EINVAL)
			fail_msg("\"%s\" is accepted", text[i]);
		assert_int_equal(read_mask("cpumask"), 2);
	}
	run_one_item_on(system_dfl_wq);
}

/* O6 */
static void mask_without_an_allowed_cpu_says_einval(void **state)
{
	/* CPU 1023 only: a test machine has it not, or does not allow it here. */
	char text[33 * 9] = "80000000";

	(void)state;
	for (int group = 0; group < 31; group++)
		strcat(text, ",00000000");
	assert_int_equal(workq_attr_write("cpumask", text), -EINVAL);
	assert_int_equal(read_mask("cpumask"), 3);
}

/* O6 */
static void mask_in_other_spellings_is_accepted(void **state)
{
	(void)state;
	if (allowed_cpu(1) > 3)
		skip();
	assert_int_equal(workq_attr_write("cpumask", "F\n"), 0);
	assert_int_equal(read_mask("cpumask"), 3);
	assert_int_equal(workq_attr_write("cpumask", "00000000,0000000f"), 0);
	assert_int_equal(read_mask("cpumask"), 3);
}

/* O6 */
static void mask_parts_that_are_read_only_stay(void **state)
{
	(void)state;
	assert_int_equal(workq_attr_write("cpumask_requested", mask_text(1)), -EACCES);
	assert_int_equal(workq_attr_write("cpumask_isolated", mask_text(1)), -EACCES);
	assert_int_equal(read_mask("cpumask"), 3);
}

/* ------------------------------------------------------------------- what it applies to */

/* O6 */
static void mask_applies_to_queues_that_exist(void **state)
{
	struct workqueue_struct *plain = alloc_workqueue("plain", WQ_UNBOUND, 0);
	struct workqueue_struct *high = alloc_workqueue("high", WQ_UNBOUND | WQ_HIGHPRI, 0);
	struct workqueue_struct *ordered = alloc_ordered_workqueue("ordered", 0);
	struct workqueue_struct *strict = strict_queue();

	(void)state;
	for (unsigned int cpus = 1; cpus <= 2; cpus++) {
		assert_int_equal(set_unbound_mask(cpus), 0);
		check_runs_on(plain, cpus);
		check_runs_on(high, cpus);
		check_runs_on(ordered, cpus);
		check_runs_on(strict, cpus);
		check_runs_on(system_dfl_wq, cpus);
		check_runs_on(system_dfl_long_wq, cpus);
	}
	assert_int_equal(set_unbound_mask(3), 0);
	check_runs_on(plain, 3);
	check_runs_on(ordered, 3);
	assert_int_equal(witness_on(0, strict).cpus, 1);
	assert_int_equal(witness_on(1, strict).cpus, 2);
	destroy_workqueue(plain);
	destroy_workqueue(high);
	destroy_workqueue(ordered);
	destroy_workqueue(strict);
}

/* O6 */
static void mask_applies_to_queues_made_later(void **state)
{
	struct workqueue_struct *wq;

	(void)state;
	assert_int_equal(set_unbound_mask(2), 0);
	wq = alloc_workqueue("later", WQ_UNBOUND, 0);
	check_runs_on(wq, 2);
	destroy_workqueue(wq);
	wq = alloc_ordered_workqueue("later", 0);
	check_runs_on(wq, 2);
	destroy_workqueue(wq);
}

/* O1 O6 */
static void mask_does_not_apply_to_percpu_queues(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu", WQ_PERCPU, 0);

	(void)state;
	assert_int_equal(set_unbound_mask(2), 0);
	for (int nth = 0; nth < 2; nth++) {
		struct witness witness = witness_on(nth, wq);

		assert_int_equal(witness.cpus, 1u << nth);
		assert_int_equal(witness.item.cpu, allowed_cpu(nth));
	}
	destroy_workqueue(wq);
}

/* O3 O6 */
static void mask_of_a_queue_outside_of_it_falls_back_until_it_counts_again(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);

	(void)state;
	assert_int_equal(apply(wq, .cpus = 2), 0);
	check_runs_on(wq, 2);
	assert_int_equal(set_unbound_mask(1), 0);
	check_runs_on(wq, 1);
	assert_int_equal(set_unbound_mask(3), 0);
	check_runs_on(wq, 2);
	destroy_workqueue(wq);
}

/* O6 O7 */
static void mask_changed_while_items_run_lets_them_finish(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	struct witness held;
	struct gate go;

	(void)state;
	gate_init(&go);
	witness_hold_on(&held, 0, wq, &go);
	assert_int_equal(set_unbound_mask(2), 0);
	check_runs_on(wq, 2);
	assert_true(item_is_running(&held.item));
	gate_open(&go);
	destroy_workqueue(wq);
	assert_int_equal(atomic_load(&held.item.finished), 1);
}

/* A4 O6 */
static void mask_changed_under_load_loses_nothing(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	static struct item item[64];
	int accepted = 0, runs = 0;

	(void)state;
	for (int i = 0; i < 64; i++)
		item_init(&item[i]);
	for (int round = 0; round < 60; round++) {
		for (int i = 0; i < 64; i++)
			accepted += queue_work_on(allowed_cpu(i % 2), wq, &item[i].work);
		assert_int_equal(set_unbound_mask(1 + round % 3), 0);
	}
	destroy_workqueue(wq);
	for (int i = 0; i < 64; i++)
		runs += item_runs(&item[i]);
	assert_int_equal(runs, accepted);
}

struct writer {
	unsigned int cpus;
	atomic_int failed;
};

static long write_again_and_again(void *arg)
{
	struct writer *writer = arg;

	for (int i = 0; i < 40; i++)
		if (set_unbound_mask(writer->cpus))
			atomic_fetch_add(&writer->failed, 1);
	return 0;
}

/* O6 */
static void mask_written_by_two_threads_is_one_of_theirs(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	struct writer writer[2] = { { .cpus = 1 }, { .cpus = 2 } };
	struct call call[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		call_start(&call[i], write_again_and_again, &writer[i]);
	for (int i = 0; i < 2; i++)
		call_join(&call[i]);
	assert_int_equal(writer[0].failed + writer[1].failed, 0);
	assert_int_equal(read_mask("cpumask_requested"), read_mask("cpumask"));
	check_runs_on(wq, read_mask("cpumask"));
	destroy_workqueue(wq);
}

/* ------------------------------------------------------------ housekeeping, environment */

/* O6 */
static void housekeeping_takes_cpus_out_and_back_in(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);
	struct cpumask hk = mask_of(2);

	(void)state;
	assert_int_equal(workqueue_unbound_housekeeping_update(&hk), 0);
	assert_int_equal(read_mask("cpumask"), 2);
	assert_int_equal(read_mask("cpumask_requested"), 3);
	assert_int_equal(read_mask("cpumask_isolated"), 1);
	check_runs_on(wq, 2);
	hk = mask_of(3);
	assert_int_equal(workqueue_unbound_housekeeping_update(&hk), 0);
	assert_int_equal(read_mask("cpumask"), 3);
	assert_int_equal(read_mask("cpumask_isolated"), 0);
	check_runs_on(wq, 3);
	destroy_workqueue(wq);
}

/* O6 */
static void housekeeping_that_leaves_no_cpu_says_einval(void **state)
{
	struct cpumask hk;

	(void)state;
	cpumask_clear(&hk);
	assert_int_equal(workqueue_unbound_housekeeping_update(&hk), -EINVAL);
	cpumask_set_cpu(WORKQ_NR_CPUS - 1, &hk);
	assert_int_equal(workqueue_unbound_housekeeping_update(&hk), -EINVAL);
	assert_int_equal(workqueue_unbound_housekeeping_update(NULL), -EINVAL);
	assert_int_equal(read_mask("cpumask"), 3);
	assert_int_equal(read_mask("cpumask_isolated"), 0);
	report_take(); /* NULL may be told of */
}

/* O6 */
static void housekeeping_and_mask_both_count(void **state)
{
	struct cpumask hk = mask_of(1);

	(void)state;
	assert_int_equal(set_unbound_mask(2), 0);
	assert_int_equal(workqueue_unbound_housekeeping_update(&hk), -EINVAL);
	assert_int_equal(read_mask("cpumask"), 2);
	assert_int_equal(set_unbound_mask(3), 0);
	assert_int_equal(workqueue_unbound_housekeeping_update(&hk), 0);
	assert_int_equal(set_unbound_mask(2), -EINVAL);
	assert_int_equal(read_mask("cpumask"), 1);
	check_runs_on(system_dfl_wq, 1);
}

static int begin_with_unbound_cpus(void **state)
{
	char list[16];

	snprintf(list, sizeof(list), "%d", allowed_cpu(1));
	topology_fake(&(struct topology){ .one_cache = true });
	return setenv("WORKQ_UNBOUND_CPUS", list, 1) ? -1 : test_begin(state);
}

/* O6 */
static void mask_of_the_environment_is_the_first_one(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound", WQ_UNBOUND, 0);

	(void)state;
	assert_int_equal(read_mask("cpumask"), 2);
	check_runs_on(wq, 2);
	check_runs_on(system_dfl_wq, 2);
	assert_int_equal(set_unbound_mask(3), 0);
	check_runs_on(wq, 3);
	destroy_workqueue(wq);
}

/* ------------------------------------------------------------------ round robin, O5 */

static long queue_from_first_cpu(void *arg)
{
	struct workqueue_struct *wq = arg;
	struct witness witness;

	pin_self(allowed_cpu(0));
	witness_init(&witness, NULL);
	queue_work(wq, &witness.item.work);
	flush_work(&witness.item.work);
	return witness.cpus;
}

/* O5 */
static void queue_work_from_outside_of_the_mask_runs_inside(void **state)
{
	struct workqueue_struct *wq[] = { alloc_workqueue("unbound", WQ_UNBOUND, 0),
					  alloc_ordered_workqueue("ordered", 0), strict_queue() };
	struct call call;

	(void)state;
	assert_int_equal(set_unbound_mask(2), 0);
	for (int i = 0; i < 3; i++) {
		call_start(&call, queue_from_first_cpu, wq[i]);
		assert_int_equal(call_join(&call), 2);
		destroy_workqueue(wq[i]);
	}
}

/* O5 */
static void queue_work_from_a_cpu_that_is_not_there_runs_inside(void **state)
{
	struct workqueue_struct *wq = strict_queue();
	struct witness witness;

	(void)state;
	assert_int_equal(set_unbound_mask(2), 0);
	for (int cpu = WORKQ_NR_CPUS - 1; cpu > allowed_cpu(1); cpu /= 2) {
		pretended_cpu = cpu;
		witness_init(&witness, NULL);
		assert_true(queue_work(wq, &witness.item.work));
		flush_work(&witness.item.work);
		assert_int_equal(witness.cpus, 2);
	}
	pretended_cpu = -1;
	destroy_workqueue(wq);
}

enum {
	TURNS = 12,
};

struct turns {
	struct workqueue_struct *wq;
	int pool[TURNS];
};

static long take_turns(void *arg)
{
	struct turns *turns = arg;
	struct witness witness;

	pin_self(allowed_cpu(0));
	for (int i = 0; i < TURNS; i++) {
		witness_init(&witness, NULL);
		queue_work(turns->wq, &witness.item.work);
		flush_work(&witness.item.work);
		turns->pool[i] = witness.pool;
	}
	return 0;
}

/* Each call takes the next CPU of the mask; told apart by their pools. */
/* O5 */
static void queue_work_from_outside_of_the_mask_goes_round(void **state)
{
	struct turns turns;
	struct call call;

	(void)state;
	need_cpus(3);
	turns.wq = strict_queue();
	assert_int_equal(set_unbound_mask(6), 0);
	call_start(&call, take_turns, &turns);
	call_join(&call);
	assert_true(turns.pool[0] >= 0);
	assert_int_not_equal(turns.pool[0], turns.pool[1]);
	for (int i = 2; i < TURNS; i++)
		assert_int_equal(turns.pool[i], turns.pool[i - 2]);
	destroy_workqueue(turns.wq);
}

/* O5 O2 */
static void queue_work_from_inside_of_the_mask_stays(void **state)
{
	struct workqueue_struct *wq = strict_queue();
	struct call call;

	(void)state;
	for (int i = 0; i < 20; i++) {
		call_start(&call, queue_from_first_cpu, wq);
		assert_int_equal(call_join(&call), 1);
	}
	destroy_workqueue(wq);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		flat_test(mask_is_at_first_all_allowed_cpus),
		flat_test(mask_written_reads_back),
		flat_test(mask_that_is_empty_or_no_mask_says_einval),
		flat_test(mask_without_an_allowed_cpu_says_einval),
		flat_test(mask_in_other_spellings_is_accepted),
		flat_test(mask_parts_that_are_read_only_stay),
		flat_test(mask_applies_to_queues_that_exist),
		flat_test(mask_applies_to_queues_made_later),
		flat_test(mask_does_not_apply_to_percpu_queues),
		flat_test(mask_of_a_queue_outside_of_it_falls_back_until_it_counts_again),
		two_nodes_test(mask_changed_while_items_run_lets_them_finish),
		two_nodes_test(mask_changed_under_load_loses_nothing),
		flat_test(mask_written_by_two_threads_is_one_of_theirs),
		flat_test(housekeeping_takes_cpus_out_and_back_in),
		flat_test(housekeeping_that_leaves_no_cpu_says_einval),
		flat_test(housekeeping_and_mask_both_count),
		cmocka_unit_test_setup_teardown(mask_of_the_environment_is_the_first_one,
						begin_with_unbound_cpus, test_end),
		flat_test(queue_work_from_outside_of_the_mask_runs_inside),
		flat_test(queue_work_from_a_cpu_that_is_not_there_runs_inside),
		flat_test(queue_work_from_inside_of_the_mask_stays),
	};
	const struct CMUnitTest with_three[] = {
		api_test(queue_work_from_outside_of_the_mask_goes_round),
	};

	(void)argc;
	/* First: then the program begins anew with two CPUs, if it has more. */
	if (run_in_processes(with_three, 1))
		return 1;
	return run_on_two_cpus(argv, tests, sizeof(tests) / sizeof(tests[0]));
}
