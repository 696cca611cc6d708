/* SPDX-License-Identifier: MIT */
/*
 * test_list.c - linked lists, also checked against an array.
 */
#include "unit.h"

#include "base/list.h"

enum {
	NODES = 16,
};

struct thing {
	int before;
	struct wq_list node;
	int id;
};

static struct wq_list head;
static struct thing thing[NODES];

static int list_begin(void **state)
{
	wq_list_init(&head);
	memset(thing, 0, sizeof(thing));
	for (int i = 0; i < NODES; i++)
		thing[i].id = i;
	return unit_begin(state);
}

#define list_test(fn) cmocka_unit_test_setup_teardown(fn, list_begin, unit_end)

static struct thing *thing_of(struct wq_list *node)
{
	return wq_list_entry(node, struct thing, node);
}

/* The list is what ids[] says, forwards and backwards. */
static void assert_list_equals(const int *ids, int nr)
{
	struct wq_list *node;
	int i = 0;

	wq_list_for_each(node, &head) {
		assert_true(i < nr);
		assert_int_equal(thing_of(node)->id, ids[i++]);
	}
	assert_int_equal(i, nr);
	for (node = head.prev; node != &head; node = node->prev)
		assert_int_equal(thing_of(node)->id, ids[--i]);
	assert_int_equal(i, 0);
	assert_int_equal(wq_list_is_empty(&head), nr == 0);
}

#define assert_list_is(...)                                                                        \
	assert_list_equals((const int[]){ __VA_ARGS__ },                                           \
			   (int)(sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int)))

static void add_tail(int id)
{
	wq_list_add_tail(&thing[id].node, &head);
}

static void new_list_is_empty(void **state)
{
	struct wq_list *node;

	assert_true(wq_list_is_empty(&head));
	wq_list_for_each(node, &head)
		fail();
}

static void add_tail_keeps_the_order(void **state)
{
	add_tail(3);
	add_tail(1);
	add_tail(2);
	assert_list_is(3, 1, 2);
}

static void add_head_reverses_the_order(void **state)
{
	for (int i = 0; i < 3; i++)
		wq_list_add_head(&thing[i].node, &head);
	assert_list_is(2, 1, 0);
}

static void insert_goes_between_its_neighbours(void **state)
{
	add_tail(0);
	add_tail(1);
	wq_list_insert(&thing[2].node, &thing[0].node, &thing[1].node);
	assert_list_is(0, 2, 1);
}

static void del_closes_the_gap(void **state)
{
	for (int i = 0; i < 5; i++)
		add_tail(i);
	wq_list_del(&thing[2].node);
	assert_list_is(0, 1, 3, 4);
	wq_list_del(&thing[0].node);
	assert_list_is(1, 3, 4);
	wq_list_del(&thing[4].node);
	assert_list_is(1, 3);
}

static void del_of_the_last_leaves_an_empty_list(void **state)
{
	add_tail(0);
	wq_list_del(&thing[0].node);
	assert_true(wq_list_is_empty(&head));
	assert_ptr_equal(head.prev, &head);
}

static void node_knows_whether_it_is_on_a_list(void **state)
{
	assert_false(wq_list_is_on(&thing[0].node));
	add_tail(0);
	assert_true(wq_list_is_on(&thing[0].node));
	wq_list_del(&thing[0].node);
	assert_false(wq_list_is_on(&thing[0].node));
	wq_list_add_head(&thing[0].node, &head);
	assert_true(wq_list_is_on(&thing[0].node));
}

static void note_of_a_node_on_no_list_is_kept_until_taken_or_overwritten(void **state)
{
	wq_list_note(&thing[0].node, &head);
	assert_false(wq_list_is_on(&thing[0].node));
	assert_ptr_equal(wq_list_take_note(&thing[0].node), &head);
	assert_false(wq_list_is_on(&thing[0].node));
	wq_list_note(&thing[0].node, &head);
	add_tail(0);
	assert_true(wq_list_is_on(&thing[0].node));
	assert_false(wq_list_is_marked(&thing[0].node));
}

static void for_each_safe_survives_taking_every_node_off(void **state)
{
	struct wq_list *node, *next;
	int id = 0;

	for (int i = 0; i < NODES; i++)
		add_tail(i);
	wq_list_for_each_safe(node, next, &head) {
		assert_int_equal(thing_of(node)->id, id++);
		wq_list_del(node);
	}
	assert_int_equal(id, NODES);
	assert_true(wq_list_is_empty(&head));
}

static void for_each_safe_survives_a_move_to_another_list(void **state)
{
	struct wq_list *node, *next, other;

	wq_list_init(&other);
	for (int i = 0; i < 6; i++)
		add_tail(i);
	wq_list_for_each_safe(node, next, &head) {
		if (thing_of(node)->id % 2)
			continue;
		wq_list_del(node);
		wq_list_add_tail(node, &other);
	}
	assert_list_is(1, 3, 5);
	assert_int_equal(thing_of(other.next)->id, 0);
	assert_int_equal(thing_of(other.prev)->id, 4);
}

/* -------------------------------------------------------------- marked nodes */

static void assert_marked_list_is(int first, int last)
{
	struct wq_list *node;
	int id = first;

	wq_list_for_each(node, &head) {
		assert_int_equal(thing_of(node)->id, id++);
		assert_true(wq_list_is_marked(node) && wq_list_is_on(node));
	}
	assert_int_equal(id, last + 1);
	assert_false(wq_list_is_marked(&head));
}

static void marked_nodes_keep_order_and_mark(void **state)
{
	for (int i = 0; i < 4; i++) {
		wq_list_add_tail_marked(&thing[i].node, &head);
		assert_marked_list_is(0, i);
	}
}

static void marked_node_taken_off_leaves_its_neighbours_marked(void **state)
{
	for (int i = 0; i < 4; i++)
		wq_list_add_tail_marked(&thing[i].node, &head);
	wq_list_del_marked(&thing[0].node);
	assert_marked_list_is(1, 3);
	wq_list_del_marked(&thing[3].node);
	assert_marked_list_is(1, 2);
	wq_list_add_tail_marked(&thing[3].node, &head);
	assert_marked_list_is(1, 3);
	wq_list_del_marked(&thing[2].node);
	assert_false(wq_list_is_on(&thing[2].node) || wq_list_is_marked(&thing[2].node));
	wq_list_del_marked(&thing[1].node);
	assert_marked_list_is(3, 3);
	wq_list_del_marked(&thing[3].node);
	assert_true(wq_list_is_empty(&head));
	assert_ptr_equal(head.prev, &head);
}

static void unmarked_node_can_be_taken_off_in_the_marked_way(void **state)
{
	for (int i = 0; i < 3; i++)
		add_tail(i);
	assert_false(wq_list_is_marked(&thing[1].node));
	wq_list_del_marked(&thing[1].node);
	assert_list_is(0, 2);
	wq_list_del_marked(&thing[2].node);
	assert_list_is(0);
	wq_list_del_marked(&thing[0].node);
	assert_true(wq_list_is_empty(&head));
}

/* -------------------------------------------------------------------- oracle */

struct model {
	int id[NODES];
	int nr;
};

static void model_insert(struct model *model, int at, int id)
{
	memmove(&model->id[at + 1], &model->id[at], (size_t)(model->nr - at) * sizeof(int));
	model->id[at] = id;
	model->nr++;
}

static void model_remove(struct model *model, int id)
{
	int at = 0;

	while (model->id[at] != id)
		at++;
	model->nr--;
	memmove(&model->id[at], &model->id[at + 1], (size_t)(model->nr - at) * sizeof(int));
}

/* Put the thing on the list at either end, or take it off. */
static void random_step(struct model *model, uint64_t *seed)
{
	int id = (int)random_below(seed, NODES);

	if (wq_list_is_on(&thing[id].node)) {
		wq_list_del(&thing[id].node);
		model_remove(model, id);
	} else if (random_below(seed, 2)) {
		wq_list_add_head(&thing[id].node, &head);
		model_insert(model, 0, id);
	} else {
		wq_list_add_tail(&thing[id].node, &head);
		model_insert(model, model->nr, id);
	}
}

static void random_lists_agree_with_an_array(void **state)
{
	struct model model = { .nr = 0 };
	uint64_t seed = random_seed();

	for (int step = 0; step < 20000; step++) {
		random_step(&model, &seed);
		assert_list_equals(model.id, model.nr);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		list_test(new_list_is_empty),
		list_test(add_tail_keeps_the_order),
		list_test(add_head_reverses_the_order),
		list_test(insert_goes_between_its_neighbours),
		list_test(del_closes_the_gap),
		list_test(del_of_the_last_leaves_an_empty_list),
		list_test(node_knows_whether_it_is_on_a_list),
		list_test(note_of_a_node_on_no_list_is_kept_until_taken_or_overwritten),
		list_test(for_each_safe_survives_taking_every_node_off),
		list_test(for_each_safe_survives_a_move_to_another_list),
		list_test(marked_nodes_keep_order_and_mark),
		list_test(marked_node_taken_off_leaves_its_neighbours_marked),
		list_test(unmarked_node_can_be_taken_off_in_the_marked_way),
		list_test(random_lists_agree_with_an_array),
	};

	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
