/* SPDX-License-Identifier: MIT */
/*
 * test_grace_close.c - sections that are closed for a moment, and records in a child of fork().
 *
 * Each test has a process of its own; they also run where the kernel has no membarrier.
 */
#include "../support/syscall_stand_in.h"
#include "fault.h"

#include "base/grace.h"
#include "base/os.h"

static atomic_int nr_asked; /* whether a thread lives */

static bool syscall_is_refused(long nr)
{
	if (nr == SYS_tgkill)
		atomic_fetch_add(&nr_asked, 1);
	return false;
}

static uint64_t in_ms(unsigned int ms)
{
	return wq_os_now_ns() + ms * 1000000ull;
}

static void start_main_thread(void)
{
	wq_membarrier_init();
	wq_grace_claim();
	must(wq_grace_self);
}

static atomic_bool was_inside;

static long enter_and_leave(void *unused)
{
	wq_grace_claim();
	wq_grace_enter();
	atomic_store(&was_inside, true);
	wq_grace_leave();
	return 0;
}

static void entering_waits_while_sections_are_closed(void)
{
	struct call call;

	start_main_thread();
	must(wq_grace_close(WQ_FOREVER));
	call_start(&call, enter_and_leave, NULL);
	must(call_blocks(&call));
	must(!atomic_load(&was_inside));
	wq_grace_reopen();
	call_join(&call);
	must(atomic_load(&was_inside));
}

static void who_closes_may_enter(void)
{
	start_main_thread();
	must(wq_grace_close(WQ_FOREVER));
	wq_grace_enter();
	wq_grace_leave();
	wq_grace_reopen();
	must(!(wq_barrier_flags & WQ_BARRIER_CLOSED));
}

static long enter_with_a_lock(void *unused)
{
	wq_grace_claim();
	wq_grace_enter_locked();
	wq_grace_leave();
	return 0;
}

static void who_holds_a_lock_enters_closed_sections(void)
{
	struct call call;

	start_main_thread();
	must(wq_grace_close(WQ_FOREVER));
	call_start(&call, enter_with_a_lock, NULL);
	call_join(&call);
	wq_grace_reopen();
}

/* A handler that has come between its thread's saying "inside" and its looking. */
static long enter_within_what_nobody_waits_for(void *unused)
{
	wq_grace_claim();
	wq_grace_enter_locked();
	wq_grace_enter();
	atomic_store(&was_inside, true);
	wq_grace_leave();
	wq_grace_leave();
	return 0;
}

static void entering_within_a_section_waits_too(void)
{
	struct call call;

	start_main_thread();
	must(wq_grace_close(WQ_FOREVER));
	call_start(&call, enter_within_what_nobody_waits_for, NULL);
	must(call_blocks(&call));
	must(!atomic_load(&was_inside));
	wq_grace_reopen();
	call_join(&call);
	must(atomic_load(&was_inside));
}

/* ------------------------------------------------------------ who is inside */

static struct gate in, go;
static atomic_bool is_left;

/* With a section within the section, as a handler has it: it may wait, if closing gives up. */
static long stay_inside(void *unused)
{
	wq_grace_claim();
	wq_grace_enter();
	gate_open(&in);
	gate_wait(&go);
	wq_grace_enter();
	wq_grace_leave();
	atomic_store(&is_left, true);
	wq_grace_leave();
	return 0;
}

static long close_for_good(void *unused)
{
	bool is_well;

	while (!wq_grace_close(in_ms(5)))
		nap_us(1000);
	is_well = atomic_load(&is_left);
	wq_grace_reopen();
	return is_well;
}

static void closing_waits_for_sections_and_what_is_within(void)
{
	struct call reader, closer;

	start_main_thread();
	gate_init(&in);
	gate_init(&go);
	call_start(&reader, stay_inside, NULL);
	gate_wait(&in);
	call_start(&closer, close_for_good, NULL);
	/* it tries again and again, so that it is never asleep for long */
	nap_us(20000);
	must(!call_is_back(&closer));
	gate_open(&go);
	must(call_join(&closer));
	call_join(&reader);
}

static void closing_in_vain_leaves_sections_open(void)
{
	struct call reader, other;

	start_main_thread();
	gate_init(&in);
	gate_init(&go);
	call_start(&reader, stay_inside, NULL);
	gate_wait(&in);
	must(!wq_grace_close(in_ms(5)));
	call_start(&other, enter_and_leave, NULL);
	call_join(&other);
	gate_open(&go);
	call_join(&reader);
	must(wq_grace_close(WQ_FOREVER));
	wq_grace_reopen();
}

static long die_inside(void *unused)
{
	wq_grace_claim();
	wq_grace_enter();
	return 0;
}

static void closing_does_not_wait_for_the_dead(void)
{
	struct call call;

	start_main_thread();
	call_start(&call, die_inside, NULL);
	call_join(&call);
	must(wq_grace_close(WQ_FOREVER));
	wq_grace_reopen();
}

/* -------------------------------------------------------------- deferring */

static struct gate may_go;
static struct wq_record *in_section;

static long enter_or_defer(void *unused)
{
	bool has_entered;

	wq_grace_claim();
	has_entered = wq_grace_enter_or_defer();
	in_section = wq_grace_self;
	atomic_store(&was_inside, true);
	gate_wait(&may_go);
	wq_grace_leave();
	return has_entered;
}

static void who_may_defer_enters_where_sections_are_open(void)
{
	start_main_thread();
	gate_init(&may_go);
	gate_open(&may_go);
	must(enter_or_defer(NULL));
	must(!(in_section->section & WQ_SECTION_NESTING));
}

static void who_may_defer_waits_until_he_is_let(void)
{
	struct call call, other;

	start_main_thread();
	gate_init(&may_go);
	must(wq_grace_close(WQ_FOREVER));
	call_start(&call, enter_or_defer, NULL);
	must(call_blocks(&call));
	must(!atomic_load(&was_inside));
	call_start(&other, enter_and_leave, NULL);
	wq_grace_let_defer();
	wait_until(atomic_load(&was_inside));
	/* others wait on; he is in a section, though they are closed */
	must(call_blocks(&other));
	must(wq_load_acquire(&in_section->section) & WQ_SECTION_NESTING);
	/* who has closed them, too, so that what he queues does not overtake what others have */
	must(!wq_grace_enter_or_defer());
	wq_grace_leave();
	wq_grace_reopen();
	call_join(&other);
	must(!wq_grace_close(in_ms(5)));
	gate_open(&may_go);
	must(!call_join(&call));
	/* not any more */
	must(wq_grace_enter_or_defer());
	wq_grace_leave();
}

static void who_may_defer_enters_when_they_are_open_again(void)
{
	struct call call;

	start_main_thread();
	gate_init(&may_go);
	gate_open(&may_go);
	must(wq_grace_close(WQ_FOREVER));
	call_start(&call, enter_or_defer, NULL);
	must(call_blocks(&call));
	wq_grace_reopen();
	must(call_join(&call));
}

/* ---------------------------------------------------------------- Dekker */

enum {
	ROUNDS = 300,
};

static int guarded;
static atomic_bool is_over;

static long count_inside(void *unused)
{
	wq_grace_claim();
	while (!atomic_load(&is_over)) {
		wq_grace_enter();
		__atomic_store_n(&guarded, guarded + 1, __ATOMIC_RELAXED);
		wq_grace_leave();
	}
	return 0;
}

/* SECTIONS-CLOSE */
static void nobody_is_inside_when_sections_are_closed(void)
{
	struct call call;
	int seen;

	start_main_thread();
	call_start(&call, count_inside, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		must(wq_grace_close(WQ_FOREVER));
		seen = __atomic_load_n(&guarded, __ATOMIC_RELAXED);
		for (int k = 0; k < 100; k++)
			must(__atomic_load_n(&guarded, __ATOMIC_RELAXED) == seen);
		wq_grace_reopen();
		sched_yield();
	}
	atomic_store(&is_over, true);
	call_join(&call);
}

/* ------------------------------------------------------------- a child's */

static unsigned int nr_debts;

static void count_debt(void *debt)
{
	must(debt == &nr_debts);
	nr_debts++;
}

static void records_are_free_after_reset(void)
{
	struct wq_record *record;
	struct call call;

	start_main_thread();
	record = wq_grace_self;
	record->debt = &nr_debts;
	wq_park_wake(&record->park);
	call_start(&call, die_inside, NULL);
	call_join(&call);
	wq_grace_for_each_debt(count_debt);
	must(nr_debts == 1);
	wq_grace_reset();
	must(!record->owner && !record->section && !record->debt && !record->park.word);
	wq_grace_for_each_debt(count_debt);
	must(nr_debts == 1);
	wq_grace_self = NULL;
	wq_grace_claim();
	wq_grace_synchronize();
}

static struct gate may_leave;

static long stay_inside_for_long(void *unused)
{
	wq_grace_claim();
	wq_grace_enter();
	atomic_store(&was_inside, true);
	gate_wait(&may_leave);
	wq_grace_leave();
	return 0;
}

static long close_sections(void *unused)
{
	wq_grace_claim();
	return wq_grace_close(WQ_FOREVER);
}

static void closing_waits_for_the_living_however_long(void)
{
	struct call inside, closer;
	int before;

	start_main_thread();
	gate_init(&may_leave);
	call_start(&inside, stay_inside_for_long, NULL);
	wait_until(atomic_load(&was_inside));
	before = atomic_load(&nr_asked);
	call_start(&closer, close_sections, NULL);
	wait_until(atomic_load(&nr_asked) >= before + 2);
	must(call_blocks(&closer));
	gate_open(&may_leave);
	must(call_join(&closer));
	call_join(&inside);
}

#define both_tests(fn) child_test(fn), heavy_test(fn)

int main(void)
{
	const struct CMUnitTest tests[] = {
		both_tests(entering_waits_while_sections_are_closed),
		both_tests(entering_within_a_section_waits_too),
		both_tests(who_closes_may_enter),
		both_tests(who_holds_a_lock_enters_closed_sections),
		both_tests(closing_waits_for_sections_and_what_is_within),
		both_tests(closing_in_vain_leaves_sections_open),
		both_tests(closing_does_not_wait_for_the_dead),
		both_tests(closing_waits_for_the_living_however_long),
		both_tests(who_may_defer_enters_where_sections_are_open),
		both_tests(who_may_defer_waits_until_he_is_let),
		both_tests(who_may_defer_enters_when_they_are_open_again),
		both_tests(nobody_is_inside_when_sections_are_closed),
		child_test(records_are_free_after_reset),
	};

	return cmocka_run_group_tests_name("grace_close", tests, NULL, NULL);
}
