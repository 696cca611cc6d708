/* SPDX-License-Identifier: MIT */
/*
 * test_membarrier.c - the barrier that only one side pays for.
 */
#include "fault.h"
#include "lines.h"

#include <errno.h>
#include <workq/workq.h>

#include "base/membarrier.h"
#include "base/os.h"

/* What the kernel says, asked in our own way. */
static bool kernel_has_membarrier(void)
{
	enum { QUERY = 0, PRIVATE_EXPEDITED = 1 << 3 };
	long commands = syscall(SYS_membarrier, QUERY, 0, 0);

	return commands > 0 && commands & PRIVATE_EXPEDITED;
}

static void barrier_is_missing_until_asked_for(void)
{
	must(wq_membarrier_is_missing());
	wq_light_barrier();
	wq_heavy_barrier();
	must(wq_membarrier_is_missing());
}

static void init_finds_what_the_kernel_has(void)
{
	for (int i = 0; i < 2; i++) {
		wq_membarrier_init();
		must(wq_membarrier_is_missing() != kernel_has_membarrier());
	}
}

static void library_that_has_started_knows_what_the_kernel_has(void)
{
	must(workq_start() == 0);
	must(wq_membarrier_is_missing() != kernel_has_membarrier());
}

static void errno_is_untouched(void)
{
	errno = 4711;
	wq_membarrier_init();
	wq_light_barrier();
	wq_heavy_barrier();
	must(errno == 4711);
}

/* ---------------------------------------------------------------- taken away */

/* A seccomp filter that comes after the library has started. */
static void take_membarrier_away(void)
{
	wq_report_set_fn(lines_catch);
	wq_membarrier_init();
	if (wq_membarrier_is_missing())
		exit(EXIT_SKIPPED);
	fault_syscall(SYS_membarrier, EPERM);
}

static void barrier_refused_later_is_replaced_and_noted_once(void)
{
	take_membarrier_away();
	for (int i = 0; i < 3; i++) {
		errno = 4711;
		wq_heavy_barrier();
		must(wq_membarrier_is_missing());
		must(errno == 4711);
	}
	must(strncmp(line_kept[0], "workq: note: membarrier", 23) == 0);
	must(lines_take() == 1);
}

/* -------------------------------------------------------------------- Dekker */

enum {
	ROUNDS = 20000,
};

struct flag {
	uint32_t is_up;
} __attribute__((aligned(64)));

/* Each side puts its flag up, then looks at the other's. */
static struct {
	struct flag light, heavy;
	bool light_saw;
	struct duel duel;
} dekker;

static long light_side(void *arg)
{
	wq_membarrier_init();
	duel_take_place(&dekker.duel, 1);
	for (int i = 1; i <= ROUNDS && meet(&dekker.duel, 1, 2 * i); i++) {
		dawdle(64);
		wq_store_relaxed(&dekker.light.is_up, 1);
		wq_light_barrier();
		dekker.light_saw = wq_load_relaxed(&dekker.heavy.is_up);
		meet(&dekker.duel, 1, 2 * i + 1);
	}
	return 0;
}

static void lower_flags(void)
{
	wq_store_relaxed(&dekker.light.is_up, 0);
	wq_store_relaxed(&dekker.heavy.is_up, 0);
}

static void heavy_side(void)
{
	bool heavy_saw;

	lower_flags();
	for (int i = 1; i <= ROUNDS && meet(&dekker.duel, 0, 2 * i); i++) {
		dawdle(dekker.duel.delay);
		wq_store_relaxed(&dekker.heavy.is_up, 1);
		wq_heavy_barrier();
		heavy_saw = wq_load_relaxed(&dekker.light.is_up);
		meet(&dekker.duel, 0, 2 * i + 1);
		must(heavy_saw || dekker.light_saw);
		if (heavy_saw != dekker.light_saw)
			close_in(&dekker.duel, /* was_too_early */ dekker.light_saw);
		lower_flags();
	}
}

static void one_of_two_sides_sees_the_other(void)
{
	struct call light;

	wq_membarrier_init();
	duel_begin(&dekker.duel);
	call_start(&light, light_side, NULL);
	duel_take_place(&dekker.duel, 0);
	heavy_side();
	call_join(&light);
}

static void one_of_two_sides_sees_the_other_when_it_is_taken_away(void)
{
	take_membarrier_away();
	one_of_two_sides_sees_the_other();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(barrier_is_missing_until_asked_for),
		child_test(init_finds_what_the_kernel_has),
		heavy_test(init_finds_what_the_kernel_has),
		child_test(library_that_has_started_knows_what_the_kernel_has),
		child_test(errno_is_untouched),
		heavy_test(errno_is_untouched),
		child_test(barrier_refused_later_is_replaced_and_noted_once),
		child_test(one_of_two_sides_sees_the_other),
		heavy_test(one_of_two_sides_sees_the_other),
		child_test(one_of_two_sides_sees_the_other_when_it_is_taken_away),
	};

	return cmocka_run_group_tests_name("membarrier", tests, NULL, NULL);
}
