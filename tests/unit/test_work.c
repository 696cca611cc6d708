/* SPDX-License-Identifier: MIT */
/*
 * test_work.c - the state word of an item.
 */
#include "unit.h"

#include "core/work.h"

/* What a queued and an off-queue word consist of. */
#define FREE_BIT     (1ul << 1)
#define QUEUED_FLAGS (WQ_WORK_PENDING | FREE_BIT | WQ_WORK_QUEUED | WQ_WORK_BARRIER)
#define SLOT_MASK    (0xfffffffful << WQ_WORK_SLOT_SHIFT)
#define FREE_MASK    0xfff0ul

static struct wq_pwq *const pwqs[] = {
	(struct wq_pwq *)0x100,
	(struct wq_pwq *)0x7f0012345600,
	(struct wq_pwq *)0xffffffffffffff00,
};

static void assert_are_disjoint_and_complete(const unsigned long *fields, size_t nr)
{
	unsigned long all = 0;

	for (size_t i = 0; i < nr; i++) {
		assert_int_equal(all & fields[i], 0);
		all |= fields[i];
	}
	assert_int_equal(all, ~0ul);
}

static void fields_of_a_queued_word_do_not_overlap(void **state)
{
	static const unsigned long fields[] = {
		WQ_WORK_PENDING, FREE_BIT,           WQ_WORK_QUEUED,
		WQ_WORK_BARRIER, WQ_WORK_COLOR_MASK, WQ_WORK_PWQ_MASK,
	};

	assert_are_disjoint_and_complete(fields, sizeof(fields) / sizeof(fields[0]));
}

static void fields_of_an_off_queue_word_do_not_overlap(void **state)
{
	static const unsigned long fields[] = {
		WQ_WORK_PENDING, FREE_BIT,           WQ_WORK_QUEUED, WQ_WORK_BARRIER,
		FREE_MASK,       WQ_WORK_DEPTH_MASK, SLOT_MASK,
	};

	assert_are_disjoint_and_complete(fields, sizeof(fields) / sizeof(fields[0]));
}

static void pwqs_are_aligned_for_the_word(void **state)
{
	assert_int_equal(_Alignof(struct wq_pwq), WQ_PWQ_ALIGN);
	assert_int_equal((WQ_PWQ_ALIGN - 1) & WQ_WORK_PWQ_MASK, 0);
	assert_int_equal(WQ_WORK_COLOR_MASK >> WQ_WORK_COLOR_SHIFT, WQ_NR_COLORS - 1);
}

static void queued_word_gives_back_what_it_was_made_of(void **state)
{
	for (size_t i = 0; i < sizeof(pwqs) / sizeof(pwqs[0]); i++) {
		for (unsigned int color = 0; color < WQ_NR_COLORS; color++) {
			unsigned long word = wq_word_queued(pwqs[i], color);

			assert_ptr_equal(wq_word_pwq(word), pwqs[i]);
			assert_int_equal(wq_word_color(word), color);
			assert_true(wq_word_is_queued(word));
			assert_int_equal(word & QUEUED_FLAGS, WQ_WORK_QUEUED | WQ_WORK_PENDING);
		}
	}
}

static void barrier_bit_of_a_queued_word_changes_nothing_else(void **state)
{
	unsigned long word = wq_word_queued(pwqs[1], 9) | WQ_WORK_BARRIER;

	assert_ptr_equal(wq_word_pwq(word), pwqs[1]);
	assert_int_equal(wq_word_color(word), 9);
	assert_true(wq_word_is_queued(word));
	assert_true(word & WQ_WORK_PENDING);
}

static void off_queue_word_gives_back_what_it_was_made_of(void **state)
{
	static const uint32_t slots[] = { 0, 1, 1u << 16 | 1, 0x1ffff, 0xffff0001, UINT32_MAX };
	static const unsigned int depths[] = { 0, 1, 2, 255, 256, 0x8000, WQ_WORK_MAX_DEPTH };

	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
		for (size_t j = 0; j < sizeof(depths) / sizeof(depths[0]); j++) {
			unsigned long word = wq_word_off(slots[i], depths[j]);

			assert_int_equal(wq_word_slot(word), slots[i]);
			assert_int_equal(wq_word_depth(word), depths[j]);
			assert_false(wq_word_is_queued(word));
			assert_int_equal(word & (QUEUED_FLAGS | FREE_MASK), 0);
		}
	}
}

/* In transit: PENDING of a word that is not queued yet. */
static void pending_does_not_disturb_an_off_queue_word(void **state)
{
	unsigned long word = wq_word_off(0xabcd1234, 0x5678) | WQ_WORK_PENDING;

	assert_int_equal(wq_word_slot(word), 0xabcd1234);
	assert_int_equal(wq_word_depth(word), 0x5678);
	assert_false(wq_word_is_queued(word));
}

static void deferred_word_is_told_from_others_and_stale_in_a_child(void **state)
{
	unsigned long idle = wq_word_off(0xabcd1234, 0), word = wq_word_deferred(idle, 0x8001);

	assert_true(word & WQ_WORK_PENDING && wq_word_is_timer(word));
	assert_true(wq_word_is_deferred(word));
	assert_int_equal(wq_word_depth(word), 0x8001);
	assert_int_equal(wq_word_slot(word), 0xabcd1234);
	assert_false(wq_word_is_stale(word));
	/* a delayed item's, or one that waits for a grace period */
	assert_false(wq_word_is_deferred(wq_word_deferred(idle, 0)));
	/* armed */
	assert_false(wq_word_is_deferred(idle | WQ_WORK_PENDING | WQ_WORK_TIMER));
	/* disabled */
	assert_false(wq_word_is_deferred(wq_word_off(0xabcd1234, 1)));
	wq_fork_generation++;
	assert_true(wq_word_is_stale(word));
	assert_int_equal(wq_word_settled(word), idle);
	assert_int_equal(wq_word_deferred(word, 1), wq_word_deferred(idle, 1));
	wq_fork_generation--;
}

static void slot_number_names_its_pool(void **state)
{
	assert_int_equal(wq_slot_pool_id(0), 0);
	assert_int_equal(wq_slot_pool_id(1u << 16 | 0xffff), 1);
	assert_int_equal(wq_slot_pool_id(0xffffu << 16 | 1), 0xffff);
}

static void initialised_item_is_idle_enabled_and_never_ran(void **state)
{
	struct work_struct work;

	memset(&work, 0xff, sizeof(work));
	INIT_WORK(&work, NULL);
	assert_int_equal(work.data, wq_word_off(0, 0));
	assert_false(wq_list_is_on(wq_work_node(&work)));
}

static void node_and_item_convert_to_and_fro(void **state)
{
	struct work_struct work;
	struct wq_list list;

	INIT_WORK(&work, NULL);
	wq_list_init(&list);
	wq_list_add_tail(wq_work_node(&work), &list);
	assert_ptr_equal(wq_node_work(list.next), &work);
	assert_ptr_equal(work.entry.next, &list);
	assert_ptr_equal(work.entry.prev, &list);
	wq_list_del(wq_work_node(&work));
	assert_null(work.entry.prev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		room_test(fields_of_a_queued_word_do_not_overlap),
		room_test(fields_of_an_off_queue_word_do_not_overlap),
		room_test(pwqs_are_aligned_for_the_word),
		room_test(queued_word_gives_back_what_it_was_made_of),
		room_test(barrier_bit_of_a_queued_word_changes_nothing_else),
		room_test(off_queue_word_gives_back_what_it_was_made_of),
		room_test(pending_does_not_disturb_an_off_queue_word),
		room_test(deferred_word_is_told_from_others_and_stale_in_a_child),
		room_test(slot_number_names_its_pool),
		room_test(initialised_item_is_idle_enabled_and_never_ran),
		room_test(node_and_item_convert_to_and_fro),
	};

	return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}
