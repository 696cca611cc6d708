/* SPDX-License-Identifier: MIT */
/*
 * test_grace.c - sections and grace periods.
 *
 * Each test has a process of its own: records stay in the table for good. The
 * ones about waiting also run where the kernel has no membarrier.
 */
#include "fault.h"

#include "base/grace.h"
#include "base/os.h"

enum {
	TABLE_START = 128, /* records there are room for without allocating */
};

static unsigned int nesting(const struct wq_record *record)
{
	return (unsigned int)(wq_load_acquire(&record->section) & WQ_SECTION_NESTING);
}

static void start_main_thread(void)
{
	wq_membarrier_init();
	wq_grace_claim();
	must(wq_grace_self);
}

static long do_synchronize(void *arg)
{
	atomic_bool *result = arg;

	wq_grace_synchronize();
	return result ? atomic_load(result) : 0;
}

/* ------------------------------------------------------------------- readers */

/* A thread that is inside from `in` open until `go` is opened, then inside once more. */
struct reader {
	struct call call;
	struct gate in, go, in_again, end;
	void (*meanwhile)(struct reader *reader); /* called in the section, if not NULL */
	bool again;
	atomic_bool left;
	struct wq_record *record;
};

static long read_main(void *arg)
{
	struct reader *reader = arg;

	wq_grace_claim();
	reader->record = wq_grace_self;
	wq_grace_enter();
	if (reader->meanwhile)
		reader->meanwhile(reader);
	gate_open(&reader->in);
	gate_wait(&reader->go);
	atomic_store(&reader->left, true);
	wq_grace_leave();
	if (!reader->again)
		return 0;
	wq_grace_enter();
	gate_open(&reader->in_again);
	gate_wait(&reader->end);
	wq_grace_leave();
	return 0;
}

static void reader_prepare(struct reader *reader)
{
	memset(reader, 0, sizeof(*reader));
	gate_init(&reader->in);
	gate_init(&reader->go);
	gate_init(&reader->in_again);
	gate_init(&reader->end);
}

static void reader_start(struct reader *reader)
{
	call_start(&reader->call, read_main, reader);
	gate_wait(&reader->in);
}

static void must_wait_for(struct reader *reader)
{
	struct call sync;

	call_start(&sync, do_synchronize, &reader->left);
	must(call_blocks(&sync));
	gate_open(&reader->go);
	must(call_join(&sync));
	call_join(&reader->call);
}

/* ------------------------------------------------------------------ whom for */

static void synchronize_without_sections_returns(void)
{
	wq_membarrier_init();
	wq_grace_synchronize();
	wq_grace_claim();
	wq_grace_enter();
	wq_grace_leave();
	wq_grace_synchronize();
}

static void synchronize_waits_for_a_section_in_progress(void)
{
	static struct reader reader;

	start_main_thread();
	reader_prepare(&reader);
	reader_start(&reader);
	must_wait_for(&reader);
}

/* Its one sleeping caller has found the only record with a section, so it waits for that one. */
static void synchronize_does_not_wait_for_later_sections(void)
{
	static struct reader reader;
	struct call sync;

	start_main_thread();
	reader_prepare(&reader);
	reader.again = true;
	reader_start(&reader);
	call_start(&sync, do_synchronize, NULL);
	must(call_blocks(&sync));
	gate_open(&reader.go);
	gate_wait(&reader.in_again);
	call_join(&sync);
	must(nesting(reader.record) == 1);
	gate_open(&reader.end);
	call_join(&reader.call);
}

static void synchronize_waits_for_every_one_of_several_sections(void)
{
	enum { NR = 3 };
	static struct reader reader[NR];
	struct call sync;

	start_main_thread();
	for (int i = 0; i < NR; i++) {
		reader_prepare(&reader[i]);
		reader_start(&reader[i]);
	}
	call_start(&sync, do_synchronize, &reader[0].left);
	for (int i = NR - 1; i >= 0; i--) {
		must(call_blocks(&sync));
		gate_open(&reader[i].go);
		call_join(&reader[i].call);
	}
	must(call_join(&sync));
}

/* ------------------------------------------------------------------- nesting */

static void nest(struct reader *reader)
{
	for (int i = 0; i < 3; i++)
		wq_grace_enter();
	for (int i = 0; i < 3; i++)
		wq_grace_leave();
	must(nesting(reader->record) == 1);
}

/* As one who holds a lock. */
static void nest_locked(struct reader *reader)
{
	wq_grace_enter_locked();
	must(nesting(reader->record) == 2);
	wq_grace_leave();
	must(nesting(reader->record) == 1);
}

static void inner_leave_does_not_end_the_section(void)
{
	static struct reader reader;

	start_main_thread();
	reader_prepare(&reader);
	reader.meanwhile = nest;
	reader_start(&reader);
	must_wait_for(&reader);
}

static void outermost_leave_counts_one_finished_section(void)
{
	start_main_thread();
	for (uint64_t i = 0; i < 5; i++) {
		must(wq_grace_self->section == i << WQ_SECTION_SHIFT);
		wq_grace_enter();
		wq_grace_enter();
		must(wq_grace_self->section == (i << WQ_SECTION_SHIFT) + 2);
		wq_grace_leave();
		wq_grace_leave();
	}
}

static void read_in_handler(int sig)
{
	(void)sig;
	wq_grace_enter();
	must(nesting(wq_grace_self) == 2);
	wq_grace_leave();
}

static void interrupt(struct reader *reader)
{
	raise(SIGUSR1);
	must(nesting(reader->record) == 1);
}

static void section_of_a_handler_does_not_end_the_interrupted_one(void)
{
	static struct reader reader;

	start_main_thread();
	signal(SIGUSR1, read_in_handler);
	reader_prepare(&reader);
	reader.meanwhile = interrupt;
	reader_start(&reader);
	must_wait_for(&reader);
}

static void claim_in_handler(int sig)
{
	(void)sig;
	must(!wq_grace_self);
	wq_grace_claim();
	wq_grace_enter();
	wq_grace_leave();
}

static void handler_may_be_the_first_to_claim(void)
{
	struct wq_record *record;

	wq_membarrier_init();
	signal(SIGUSR1, claim_in_handler);
	raise(SIGUSR1);
	record = wq_grace_self;
	must(record && nesting(record) == 0);
	wq_grace_enter();
	wq_grace_leave();
	wq_grace_synchronize();
}

/* ------------------------------------------------------------------- torture */

enum {
	GRACE_PERIODS = 200,
	SIGNALS = 200,
};

/* Not atomic: TSan would see a reader that is not waited for. */
struct object {
	int is_alive;
};

static struct object *current;
static atomic_bool stop;
static atomic_int nr_handled, nr_read;

static void read_object(void)
{
	wq_grace_enter();
	must(wq_load_acquire(&current)->is_alive);
	wq_grace_leave();
}

static void read_object_in_handler(int sig)
{
	(void)sig;
	if (!wq_grace_self)
		wq_grace_claim();
	read_object();
	atomic_fetch_add(&nr_handled, 1);
}

static long read_objects(void *arg)
{
	wq_grace_claim();
	while (!atomic_load(&stop)) {
		read_object();
		atomic_fetch_add(&nr_read, 1);
	}
	return 0;
}

/* Replace the object; what nobody can find any more is dead after a grace period. */
static void replace_object(struct object *old, struct object *new)
{
	new->is_alive = 1;
	must(wq_xchg_acq_rel(&current, new) == old);
	wq_grace_synchronize();
	old->is_alive = 0;
}

static void readers_never_see_a_dead_object(void)
{
	static struct object object[2] = { { 1 } };
	struct call reader[2];

	start_main_thread();
	signal(SIGUSR1, read_object_in_handler);
	current = &object[0];
	for (int i = 0; i < 2; i++)
		call_start(&reader[i], read_objects, NULL);
	wait_until(atomic_load(&nr_read) > 1000);
	for (int i = 0; i < GRACE_PERIODS; i++) {
		pthread_kill(reader[i % 2].thread, SIGUSR1);
		replace_object(&object[i % 2], &object[(i + 1) % 2]);
	}
	atomic_store(&stop, true);
	call_join(&reader[0]);
	call_join(&reader[1]);
	must(atomic_load(&nr_handled) > 0);
}

enum {
	ROUNDS = 10000,
};

/* A door that the writer closes: who found it open must be out when synchronize returns. */
static struct {
	uint32_t is_closed __attribute__((aligned(64)));
	uint32_t is_inside __attribute__((aligned(64)));
	bool was_open;
	struct duel duel;
} door;

static long go_through_door(void *arg)
{
	wq_grace_claim();
	duel_take_place(&door.duel, 1);
	for (int i = 1; i <= ROUNDS && meet(&door.duel, 1, 2 * i); i++) {
		dawdle(64);
		wq_grace_enter();
		door.was_open = !wq_load_relaxed(&door.is_closed);
		if (door.was_open) {
			wq_store_relaxed(&door.is_inside, 1);
			dawdle(400);
			wq_store_relaxed(&door.is_inside, 0);
		}
		wq_grace_leave();
		meet(&door.duel, 1, 2 * i + 1);
	}
	return 0;
}

static void section_that_missed_the_news_is_over_after_synchronize(void)
{
	struct call reader;

	start_main_thread();
	duel_begin(&door.duel);
	call_start(&reader, go_through_door, NULL);
	duel_take_place(&door.duel, 0);
	for (int i = 1; i <= ROUNDS && meet(&door.duel, 0, 2 * i); i++) {
		dawdle(door.duel.delay);
		wq_store_relaxed(&door.is_closed, 1);
		wq_grace_synchronize();
		dawdle(100); /* until his stores arrive */
		must(!wq_load_relaxed(&door.is_inside));
		meet(&door.duel, 0, 2 * i + 1);
		close_in(&door.duel, /* was_too_early */ !door.was_open);
		wq_store_relaxed(&door.is_closed, 0);
	}
	call_join(&reader);
}

/* The handler may come anywhere in a claim, and claims, too. */
static long claim_again_and_again(void *arg)
{
	while (atomic_load(&nr_handled) < SIGNALS) {
		wq_grace_self = NULL;
		wq_grace_claim();
		read_object();
	}
	return nesting(wq_grace_self);
}

static void handler_in_the_middle_of_a_claim_does_no_harm(void)
{
	static struct object object = { 1 };
	struct call claimer;
	int seen = -1;

	start_main_thread();
	signal(SIGUSR1, read_object_in_handler);
	current = &object;
	call_start(&claimer, claim_again_and_again, NULL);
	while (atomic_load(&nr_handled) < SIGNALS) {
		if (atomic_load(&nr_handled) != seen) {
			seen = atomic_load(&nr_handled);
			pthread_kill(claimer.thread, SIGUSR1);
		}
		sched_yield();
	}
	must(call_join(&claimer) == 0);
	wq_grace_synchronize();
}

/* ------------------------------------------------------------------- records */

static void claim_again_finds_the_own_record(void)
{
	struct wq_record *record;

	start_main_thread();
	record = wq_grace_self;
	wq_grace_self = NULL;
	wq_grace_claim();
	must(wq_grace_self == record);
}

/* As by a thread that has the id of one that has died in a section. */
static void claim_ends_the_section_of_who_had_the_record(void)
{
	uint64_t owner;

	start_main_thread();
	owner = wq_grace_self->owner;
	wq_grace_enter();
	wq_grace_self = NULL;
	wq_grace_claim();
	must(nesting(wq_grace_self) == 0);
	must((uint32_t)wq_grace_self->owner == (uint32_t)owner);
	/* two threads that see the same dead owner are told apart by the count above the id */
	must(wq_grace_self->owner > owner);
	wq_grace_enter();
	wq_grace_leave();
	wq_grace_synchronize();
}

static void section_survives_a_claim_by_another_thread(void)
{
	static struct reader first, second;

	start_main_thread();
	reader_prepare(&first);
	reader_start(&first);
	reader_prepare(&second);
	reader_start(&second);
	must(first.record != second.record);
	gate_open(&second.go);
	call_join(&second.call);
	must_wait_for(&first);
}

/* Threads that are there at the same time. */
enum {
	CROWD = 300,
};

struct crowd {
	struct call call[CROWD];
	struct wq_record *record[CROWD];
	atomic_int nr_arrived, nr_claimed;
	struct gate claim, leave;
	bool is_inside; /* each stays in a section */
};

static long crowd_main(void *arg)
{
	struct crowd *crowd = arg;
	int i = atomic_fetch_add(&crowd->nr_arrived, 1);

	gate_wait(&crowd->claim);
	wq_grace_claim();
	crowd->record[i] = wq_grace_self;
	if (crowd->is_inside)
		wq_grace_enter();
	atomic_fetch_add(&crowd->nr_claimed, 1);
	gate_wait(&crowd->leave);
	if (crowd->is_inside)
		wq_grace_leave();
	return 0;
}

/* They exist, and have not claimed yet. */
static void crowd_start(struct crowd *crowd, int nr)
{
	gate_init(&crowd->claim);
	gate_init(&crowd->leave);
	for (int i = 0; i < nr; i++)
		call_start(&crowd->call[i], crowd_main, crowd);
	wait_until(atomic_load(&crowd->nr_arrived) == nr);
}

static void crowd_claim(struct crowd *crowd, int nr)
{
	gate_open(&crowd->claim);
	wait_until(atomic_load(&crowd->nr_claimed) == nr);
}

static void crowd_leave(struct crowd *crowd, int nr)
{
	gate_open(&crowd->leave);
	for (int i = 0; i < nr; i++)
		call_join(&crowd->call[i]);
}

static bool is_new(struct wq_record *const *seen, int nr, const struct wq_record *record)
{
	for (int i = 0; i < nr; i++)
		if (seen[i] == record)
			return false;
	return true;
}

static void threads_at_the_same_time_have_records_of_their_own(void)
{
	static struct crowd crowd;

	start_main_thread();
	crowd_start(&crowd, CROWD);
	crowd_claim(&crowd, CROWD);
	for (int i = 0; i < CROWD; i++) {
		must(crowd.record[i] != wq_grace_self && !crowd.record[i]->shared);
		must((uintptr_t)crowd.record[i] % WQ_CACHE_LINE == 0);
		must(is_new(crowd.record, i, crowd.record[i]));
	}
	crowd_leave(&crowd, CROWD);
}

static void synchronize_waits_for_sections_in_a_grown_table(void)
{
	static struct reader reader;
	static struct crowd crowd;

	start_main_thread();
	crowd_start(&crowd, CROWD);
	crowd_claim(&crowd, CROWD);
	reader_prepare(&reader);
	reader_start(&reader); /* the 302nd record */
	must_wait_for(&reader);
	crowd_leave(&crowd, CROWD);
}

/* --------------------------------------------------- records of dead threads */

enum {
	GENERATIONS = 100,
	BATCH = 30,
};

static long claim_only(void *arg)
{
	struct wq_record **record = arg;

	wq_grace_claim();
	wq_grace_enter();
	wq_grace_leave();
	*record = wq_grace_self;
	return 0;
}

/* When this returns the kernel has forgotten the threads. */
static void live_and_die_together(struct wq_record **record, int nr)
{
	struct call call[BATCH];

	for (int i = 0; i < nr; i++)
		call_start(&call[i], claim_only, &record[i]);
	for (int i = 0; i < nr; i++)
		call_join(&call[i]);
	for (int i = 0; i < nr; i++)
		wait_until(!wq_os_thread_exists((uint32_t)atomic_load(&call[i].tid)));
}

static struct wq_record *live_and_die(void)
{
	struct wq_record *record;

	live_and_die_together(&record, 1);
	return record;
}

static void thousands_of_threads_over_time_do_not_grow_the_table(void)
{
	static struct wq_record *seen[TABLE_START], *record[BATCH];
	int nr = 0;

	start_main_thread();
	for (int i = 0; i < GENERATIONS; i++) {
		live_and_die_together(record, BATCH);
		for (int j = 0; j < BATCH; j++) {
			must(record[j] != wq_grace_self && !record[j]->shared);
			if (!is_new(seen, nr, record[j]))
				continue;
			must(nr < TABLE_START - 1); /* the main thread has one */
			seen[nr++] = record[j];
		}
	}
}

static void record_of_a_dead_thread_is_used_again_and_works(void)
{
	static struct reader reader;
	struct wq_record *first;

	start_main_thread();
	first = live_and_die();
	for (int i = 0; i < TABLE_START; i++)
		live_and_die(); /* until there are no free ones */
	reader_prepare(&reader);
	reader_start(&reader);
	must(reader.record->owner >> 32 > 1);
	must_wait_for(&reader);
	must(first->park.word == 0);
}

static void living_threads_keep_their_records(void)
{
	static struct reader reader;

	start_main_thread();
	reader_prepare(&reader);
	reader_start(&reader);
	for (int i = 0; i < 2 * TABLE_START; i++)
		must(live_and_die() != reader.record);
	must_wait_for(&reader);
}

/* --------------------------------------------------------- the shared record */

/* More threads than records, and no memory for more records. */
static void fill_table(struct crowd *crowd, int nr)
{
	start_main_thread();
	fault_mmap_of(2 * TABLE_START * sizeof(struct wq_record));
	crowd_start(crowd, nr);
	crowd_claim(crowd, nr);
}

static void sections_of_lock_holders_count_in_the_shared_record(void)
{
	static struct reader reader;
	static struct crowd crowd;

	fill_table(&crowd, TABLE_START);
	reader_prepare(&reader);
	reader.meanwhile = nest_locked;
	reader_start(&reader);
	must(reader.record->shared);
	must_wait_for(&reader);
	crowd_leave(&crowd, TABLE_START);
}

static void threads_without_room_share_a_record(void)
{
	enum { NR = TABLE_START + 10 };
	static struct crowd crowd;
	struct wq_record *shared = NULL;
	int nr_shared = 0;

	fill_table(&crowd, NR);
	for (int i = 0; i < NR; i++) {
		if (!crowd.record[i]->shared)
			continue;
		must(!shared || shared == crowd.record[i]);
		shared = crowd.record[i];
		nr_shared++;
	}
	must(nr_shared == NR + 1 - TABLE_START); /* the main thread has a record, too */
	crowd_leave(&crowd, NR);
}

static void synchronize_waits_for_all_sections_in_the_shared_record(void)
{
	static struct reader first, second;
	static struct crowd crowd;
	struct call sync;

	fill_table(&crowd, TABLE_START);
	reader_prepare(&first);
	first.meanwhile = nest;
	reader_start(&first);
	reader_prepare(&second);
	reader_start(&second);
	must(first.record->shared && second.record == first.record);
	call_start(&sync, do_synchronize, &second.left);
	must(call_blocks(&sync));
	gate_open(&first.go);
	call_join(&first.call);
	must(call_blocks(&sync));
	gate_open(&second.go);
	must(call_join(&sync));
	call_join(&second.call);
	crowd_leave(&crowd, TABLE_START);
}

/* Crowds come and go: the shared record is a last resort, not a fate. */
static void records_are_found_again_after_there_was_no_room(void)
{
	static struct crowd crowd;

	fill_table(&crowd, TABLE_START + 10);
	crowd_leave(&crowd, TABLE_START + 10);
	for (int i = 0; i < TABLE_START + 10; i++)
		wait_until(!wq_os_thread_exists((uint32_t)atomic_load(&crowd.call[i].tid)));
	must(!live_and_die()->shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(synchronize_without_sections_returns),
		child_test(synchronize_waits_for_a_section_in_progress),
		child_test(synchronize_does_not_wait_for_later_sections),
		child_test(synchronize_waits_for_every_one_of_several_sections),
		child_test(inner_leave_does_not_end_the_section),
		child_test(outermost_leave_counts_one_finished_section),
		child_test(section_of_a_handler_does_not_end_the_interrupted_one),
		child_test(handler_may_be_the_first_to_claim),
		child_test(readers_never_see_a_dead_object),
		child_test(section_that_missed_the_news_is_over_after_synchronize),
		child_test(handler_in_the_middle_of_a_claim_does_no_harm),
		child_test(claim_again_finds_the_own_record),
		child_test(claim_ends_the_section_of_who_had_the_record),
		child_test(section_survives_a_claim_by_another_thread),
		child_test(threads_at_the_same_time_have_records_of_their_own),
		child_test(synchronize_waits_for_sections_in_a_grown_table),
		child_test(thousands_of_threads_over_time_do_not_grow_the_table),
		child_test(record_of_a_dead_thread_is_used_again_and_works),
		child_test(living_threads_keep_their_records),
		child_test(sections_of_lock_holders_count_in_the_shared_record),
		child_test(threads_without_room_share_a_record),
		child_test(synchronize_waits_for_all_sections_in_the_shared_record),
		child_test(records_are_found_again_after_there_was_no_room),
		heavy_test(synchronize_without_sections_returns),
		heavy_test(synchronize_waits_for_a_section_in_progress),
		heavy_test(synchronize_does_not_wait_for_later_sections),
		heavy_test(inner_leave_does_not_end_the_section),
		heavy_test(outermost_leave_counts_one_finished_section),
		heavy_test(section_of_a_handler_does_not_end_the_interrupted_one),
		heavy_test(readers_never_see_a_dead_object),
		heavy_test(section_that_missed_the_news_is_over_after_synchronize),
		heavy_test(synchronize_waits_for_all_sections_in_the_shared_record),
	};

	return cmocka_run_group_tests_name("grace", tests, NULL, NULL);
}
