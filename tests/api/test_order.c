/* SPDX-License-Identifier: MIT */
/*
 * test_order.c - which item starts when: guarantees B8 to B10.
 */
#include "support/api.h"

/* --------------------------------------------------------------------- B8 */

struct two_queues {
	struct workqueue_struct *a, *b;
};

static struct two_queues two_queues_make(void)
{
	struct two_queues two;

	two.a = alloc_workqueue("a", WQ_PERCPU, 0);
	two.b = alloc_workqueue("b", WQ_PERCPU, 0);
	return two;
}

static void two_queues_free(struct two_queues *two)
{
	destroy_workqueue(two->a);
	destroy_workqueue(two->b);
}

enum {
	ROW = 16,
};

static void row_init(struct item *row, struct trail *trail)
{
	memset(trail, 0, sizeof(*trail));
	for (int i = 0; i < ROW; i++) {
		item_init(&row[i]);
		row[i].id = i;
		row[i].trail = trail;
	}
}

/* Alternately on two queues, all behind a computing item of one CPU. */
static bool row_of_two_queues_in_order(struct two_queues *two)
{
	struct blocker blocker;
	struct item row[ROW];
	struct trail trail;

	row_init(row, &trail);
	blocker_spin_on(&blocker, allowed_cpu(0), two->a);
	for (int i = 0; i < ROW; i++)
		queue_work_on(allowed_cpu(0), i % 2 ? two->b : two->a, &row[i].work);
	blocker_release(&blocker);
	flush_workqueue(two->a);
	flush_workqueue(two->b);
	return trail_is_ascending(&trail, 0, ROW);
}

/*
 * The blocker's worker and one that took over from it may both be running for a
 * moment; then items start in order, but need not get to the trail in order.
 * Once in ten must do: by chance it is one in 16!.
 */
/* B8 */
static void run_items_of_one_pool_start_in_queueing_order(void **state)
{
	struct two_queues two = two_queues_make();
	bool in_order = false;

	(void)state;
	for (int round = 0; round < 10 && !in_order; round++)
		in_order = row_of_two_queues_in_order(&two);
	assert_true(in_order);
	two_queues_free(&two);
}

/* B8 */
static void run_items_over_the_limit_start_in_queueing_order(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("percpu_one", WQ_PERCPU, 1);
	struct blocker blocker;
	struct item row[ROW];
	struct trail trail;

	(void)state;
	row_init(row, &trail);
	blocker_start_on(&blocker, allowed_cpu(0), wq);
	for (int i = 0; i < ROW; i++)
		queue_work_on(allowed_cpu(0), wq, &row[i].work);
	blocker_release(&blocker);
	destroy_workqueue(wq);
	assert_true(trail_is_ascending(&trail, 0, ROW));
}

/* ---------------------------------------------------------------- B9, B10 */

enum {
	PRODUCERS = 4,
	PER_PRODUCER = 400,
};

struct ticket {
	struct work_struct work;
	struct line *line;
	int producer, nr;
};

struct line {
	struct workqueue_struct *wq;
	struct meter meter;
	struct ticket ticket[PRODUCERS][PER_PRODUCER];
	int next[PRODUCERS]; /* plain: one at a time is what is tested */
	int out_of_order;
	atomic_int producer;
};

static void serve_ticket(struct work_struct *work)
{
	struct ticket *ticket = container_of(work, struct ticket, work);
	struct line *line = ticket->line;

	meter_enter(&line->meter);
	line->out_of_order += ticket->nr != line->next[ticket->producer]++;
	if (ticket->nr % 64 == 0)
		nap_us(100);
	meter_leave(&line->meter);
}

static long queue_tickets(void *arg)
{
	struct line *line = arg;
	int producer = atomic_fetch_add(&line->producer, 1);

	pin_self(allowed_cpu(producer % nr_allowed_cpus()));
	for (int i = 0; i < PER_PRODUCER; i++) {
		struct ticket *ticket = &line->ticket[producer][i];

		ticket->line = line;
		ticket->producer = producer;
		ticket->nr = i;
		INIT_WORK(&ticket->work, serve_ticket);
		queue_work(line->wq, &ticket->work);
	}
	return 0;
}

/* Four producers on all CPUs: one at a time, and each one's in its order. */
static void check_line(struct workqueue_struct *wq)
{
	struct line *line = calloc(1, sizeof(*line));
	struct call call[PRODUCERS];

	assert_non_null(line);
	line->wq = wq;
	for (int i = 0; i < PRODUCERS; i++)
		call_start(&call[i], queue_tickets, line);
	for (int i = 0; i < PRODUCERS; i++)
		call_join(&call[i]);
	destroy_workqueue(wq);
	assert_int_equal(atomic_load(&line->meter.most), 1);
	assert_int_equal(line->out_of_order, 0);
	for (int i = 0; i < PRODUCERS; i++)
		assert_int_equal(line->next[i], PER_PRODUCER);
	free(line);
}

/* B9 */
static void ordered_queue_four_producers_one_at_a_time_in_order(void **state)
{
	(void)state;
	check_line(alloc_ordered_workqueue("ordered", 0));
	check_line(alloc_ordered_workqueue("ordered_hi", WQ_HIGHPRI));
	check_line(create_singlethread_workqueue("single"));
}

/* B9 */
static void ordered_queue_queued_for_any_cpu_runs_in_order(void **state)
{
	struct workqueue_struct *wq = alloc_ordered_workqueue("ordered", 0);
	struct blocker blocker;
	struct item row[ROW];
	struct trail trail;
	int cpus = nr_allowed_cpus();

	(void)state;
	row_init(row, &trail);
	blocker_start_on(&blocker, allowed_cpu(0), wq);
	for (int i = 0; i < ROW; i++)
		queue_work_on(allowed_cpu(i % cpus), wq, &row[i].work);
	blocker_release(&blocker);
	destroy_workqueue(wq);
	assert_true(trail_is_ascending(&trail, 0, ROW));
}

struct rejoiner {
	struct item item;
	struct workqueue_struct *wq;
};

static void rejoin_once(struct work_struct *work)
{
	struct rejoiner *rejoiner = container_of(work, struct rejoiner, item.work);
	bool first = item_runs(&rejoiner->item) == 0;

	item_fn(work);
	if (first)
		queue_work(rejoiner->wq, work);
}

/* B9 */
static void ordered_queue_requeued_item_goes_to_the_tail(void **state)
{
	struct rejoiner rejoiner = { .wq = alloc_ordered_workqueue("ordered", 0) };
	struct trail trail = { 0 };
	struct blocker blocker;
	struct item behind;

	(void)state;
	blocker_start(&blocker, rejoiner.wq);
	item_init(&rejoiner.item);
	rejoiner.item.work.func = rejoin_once;
	item_init(&behind);
	rejoiner.item.trail = behind.trail = &trail;
	behind.id = 1;
	queue_work(rejoiner.wq, &rejoiner.item.work);
	queue_work(rejoiner.wq, &behind.work);
	blocker_release(&blocker);
	drain_workqueue(rejoiner.wq);
	destroy_workqueue(rejoiner.wq);
	assert_int_equal(atomic_load(&trail.len), 3);
	assert_true(trail.id[0] == 0 && trail.id[1] == 1 && trail.id[2] == 0);
}

/* B9 */
static void ordered_queues_two_of_them_do_not_wait_for_each_other(void **state)
{
	struct workqueue_struct *one = alloc_ordered_workqueue("one", 0);
	struct workqueue_struct *two = alloc_ordered_workqueue("two", 0);
	struct blocker blocker;
	struct item item;

	(void)state;
	blocker_start(&blocker, one);
	item_init(&item);
	queue_work(two, &item.work);
	flush_work(&item.work);
	assert_int_equal(item_runs(&item), 1);
	blocker_release(&blocker);
	destroy_workqueue(one);
	destroy_workqueue(two);
}

/* B10 */
static void unbound_queue_max_active_one_runs_one_at_a_time(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("unbound_one", WQ_UNBOUND, 1);
	struct meter meter = { 0 };
	struct item row[ROW];
	struct trail trail;
	struct gate go;
	int cpus = nr_allowed_cpus();

	(void)state;
	gate_init(&go);
	row_init(row, &trail);
	for (int i = 0; i < ROW; i++) {
		row[i].hold = &go;
		row[i].meter = &meter;
		queue_work_on(allowed_cpu(i % cpus), wq, &row[i].work);
	}
	wait_until(atomic_load(&trail.len) == 1);
	assert_not_yet(atomic_load(&trail.len) > 1);
	gate_open(&go);
	destroy_workqueue(wq);
	assert_int_equal(atomic_load(&trail.len), ROW);
	assert_int_equal(atomic_load(&meter.most), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(run_items_of_one_pool_start_in_queueing_order),
		api_test(run_items_over_the_limit_start_in_queueing_order),
		api_test(ordered_queue_four_producers_one_at_a_time_in_order),
		api_test(ordered_queue_queued_for_any_cpu_runs_in_order),
		api_test(ordered_queue_requeued_item_goes_to_the_tail),
		api_test(ordered_queues_two_of_them_do_not_wait_for_each_other),
		api_test(unbound_queue_max_active_one_runs_one_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
