/* SPDX-License-Identifier: MIT */
/*
 * test_worker_slots.c - numbers of worker slots, and where the slots are.
 */
#include "handmade.h"

enum {
	SLOTS = 5000,
	MOST_SLOTS = WQ_SLOT_CHUNK * ((1 << WQ_SLOT_CHUNKS) - 1),
};

static struct wq_worker *workers[MOST_SLOTS];

static int slots_begin(void **state)
{
	handmade_begin(WQ_PERCPU, 1);
	wq_pool_lock(&pool);
	return unit_begin(state);
}

static int slots_end(void **state)
{
	unlock_only();
	handmade_end();
	return unit_end(state);
}

#define slots_test(fn) cmocka_unit_test_setup_teardown(fn, slots_begin, slots_end)

static void alloc_slots(int nr)
{
	for (int i = 0; i < nr; i++) {
		workers[i] = wq_worker_alloc_locked(&pool);
		assert_non_null(workers[i]);
	}
}

static void slots_are_numbered_from_one_within_their_pool(void **state)
{
	alloc_slots(SLOTS);
	for (uint32_t i = 0; i < SLOTS; i++) {
		assert_int_equal(workers[i]->slot, POOL_ID << 16 | (i + 1));
		assert_int_equal(wq_slot_pool_id(workers[i]->slot), POOL_ID);
		assert_ptr_equal(workers[i]->pool, &pool);
	}
}

static void slot_number_finds_its_slot(void **state)
{
	alloc_slots(SLOTS);
	assert_int_equal(pool.nr_slots, SLOTS);
	for (unsigned int i = 0; i < SLOTS; i++) {
		assert_ptr_equal(wq_worker_of_slot(workers[i]->slot), workers[i]);
		assert_ptr_equal(wq_worker_at_locked(&pool, i), workers[i]);
	}
}

/* Chunks of 4, 8, 16 ...: slots lie side by side within one. */
static void slots_of_a_chunk_lie_side_by_side(void **state)
{
	unsigned int first = 0;

	alloc_slots(SLOTS);
	for (unsigned int size = WQ_SLOT_CHUNK; first + size <= SLOTS; size *= 2) {
		for (unsigned int i = 1; i < size; i++)
			assert_ptr_equal(workers[first + i], workers[first] + i);
		first += size;
	}
	assert_true(first > SLOTS / 2);
}

static void chunks_are_made_when_they_are_needed(void **state)
{
	alloc_slots(WQ_SLOT_CHUNK);
	assert_non_null(pool.chunks[0]);
	assert_null(pool.chunks[1]);
	alloc_slots(1);
	assert_ptr_equal(workers[0], pool.chunks[1]);
	alloc_slots(2 * WQ_SLOT_CHUNK - 1);
	assert_null(pool.chunks[2]);
	alloc_slots(1);
	assert_ptr_equal(workers[0], pool.chunks[2]);
}

static void slots_stay_where_they_are(void **state)
{
	struct wq_worker *first[WQ_SLOT_CHUNK];

	for (unsigned int i = 0; i < WQ_SLOT_CHUNK; i++)
		first[i] = wq_worker_alloc_locked(&pool);
	alloc_slots(SLOTS);
	for (unsigned int i = 0; i < WQ_SLOT_CHUNK; i++)
		assert_ptr_equal(wq_worker_at_locked(&pool, i), first[i]);
}

static void slots_do_not_share_cache_lines(void **state)
{
	alloc_slots(100);
	for (int i = 0; i < 100; i++)
		assert_int_equal((uintptr_t)workers[i] % WQ_CACHE_LINE, 0);
	assert_int_equal(sizeof(struct wq_worker) % WQ_CACHE_LINE, 0);
}

static void new_slot_has_no_thread_and_no_item(void **state)
{
	alloc_slots(1);
	assert_int_equal(workers[0]->tid, 0);
	assert_null(workers[0]->work);
	assert_null(workers[0]->current);
	assert_false(workers[0]->is_idle || workers[0]->is_uncounted || workers[0]->must_exit);
	assert_empty(&workers[0]->scheduled);
	assert_empty(&workers[0]->waiters);
}

static void workers_are_counted(void **state)
{
	alloc_slots(10);
	assert_int_equal(pool.nr_workers, 10);
	for (int i = 0; i < 4; i++)
		wq_worker_release_locked(workers[i]);
	assert_int_equal(pool.nr_workers, 6);
	assert_int_equal(pool.nr_slots, 10);
}

static void released_slots_are_used_again_before_new_ones(void **state)
{
	alloc_slots(6);
	workers[2]->tid = 4711;
	workers[2]->must_exit = true;
	workers[2]->may_repeat = true;
	wq_worker_release_locked(workers[4]);
	wq_worker_release_locked(workers[2]);
	assert_ptr_equal(wq_worker_alloc_locked(&pool), workers[2]);
	assert_ptr_equal(wq_worker_alloc_locked(&pool), workers[4]);
	assert_int_equal(workers[2]->slot, POOL_ID << 16 | 3);
	assert_int_equal(workers[2]->tid, 0);
	assert_false(workers[2]->must_exit);
	/* K3: the next thread may be a rescuer, who takes turns */
	assert_false(workers[2]->may_repeat);
	assert_int_equal(wq_worker_alloc_locked(&pool)->slot, POOL_ID << 16 | 7);
}

static void pools_number_their_slots_independently(void **state)
{
	static struct wq_pool other;
	struct wq_worker *theirs;

	memset(&other, 0, sizeof(other));
	other.id = 2;
	other.lock = pool.lock; /* held, too */
	wq_pools[2] = &other;
	alloc_slots(3);
	theirs = wq_worker_alloc_locked(&other);
	assert_int_equal(theirs->slot, 2 << 16 | 1);
	assert_ptr_equal(wq_worker_of_slot(theirs->slot), theirs);
	assert_ptr_equal(wq_worker_of_slot(workers[0]->slot), workers[0]);
	wq_os_free(other.chunks[0]);
	wq_pools[2] = NULL;
}

/* The index must fit its 16 bits. */
static void too_many_slots_are_refused(void **state)
{
	alloc_slots(MOST_SLOTS);
	assert_int_equal(workers[MOST_SLOTS - 1]->slot, POOL_ID << 16 | MOST_SLOTS);
	assert_true(MOST_SLOTS <= 0xffff);
	assert_ptr_equal(wq_worker_of_slot(workers[MOST_SLOTS - 1]->slot), workers[MOST_SLOTS - 1]);
	assert_null(wq_worker_alloc_locked(&pool));
	assert_int_equal(pool.nr_workers, MOST_SLOTS);
	wq_worker_release_locked(workers[17]);
	assert_ptr_equal(wq_worker_alloc_locked(&pool), workers[17]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		slots_test(slots_are_numbered_from_one_within_their_pool),
		slots_test(slot_number_finds_its_slot),
		slots_test(slots_of_a_chunk_lie_side_by_side),
		slots_test(chunks_are_made_when_they_are_needed),
		slots_test(slots_stay_where_they_are),
		slots_test(slots_do_not_share_cache_lines),
		slots_test(new_slot_has_no_thread_and_no_item),
		slots_test(workers_are_counted),
		slots_test(released_slots_are_used_again_before_new_ones),
		slots_test(pools_number_their_slots_independently),
		slots_test(too_many_slots_are_refused),
	};

	return cmocka_run_group_tests_name("worker_slots", tests, NULL, NULL);
}
