/* SPDX-License-Identifier: MIT */
/*
 * test_rcu.c - items that run after a grace period (J1).
 *
 * The program is linked to several flavours of liburcu; "bp" is the one the
 * library takes by itself. A reader in its section keeps grace periods from ending.
 */
#include <errno.h>

#include <urcu/urcu-bp.h>
#include <urcu/urcu-memb.h>
#include <urcu/urcu-qsbr.h>

#include "support/api.h"
#include "support/reader.h"

/* urcu/flavor.h declares that of the header that comes first. */
extern const struct rcu_flavor_struct urcu_memb_flavor, urcu_qsbr_flavor;

static struct workqueue_struct *wq;
static struct reader reader;
static struct rcu_item item;

static void begin_with_reader(struct workqueue_struct *queue)
{
	wq = queue;
	assert_non_null(wq);
	rcu_item_init(&item);
	reader_enter(&reader, &urcu_bp_flavor);
}

static struct workqueue_struct *plain_queue(void)
{
	return alloc_workqueue("rcu", WQ_UNBOUND, 0);
}

/* ----------------------------------------------------------- grace periods */

/* J1 */
static void queue_rcu_work_reader_inside_holds_the_run_off(void **state)
{
	begin_with_reader(plain_queue());
	assert_true(queue_rcu_work(wq, &item.rwork));
	assert_true(rcu_item_is_pending(&item));
	assert_not_yet(rcu_item_runs(&item));
	reader_leave(&reader);
	wait_until(rcu_item_runs(&item) == 1);
	flush_rcu_work(&item.rwork);
	assert_false(rcu_item_is_pending(&item));
	assert_int_equal(rcu_item_runs(&item), 1);
	destroy_workqueue(wq);
}

/* J1 */
static void queue_rcu_work_inside_a_section_holds_the_run_off(void **state)
{
	wq = plain_queue();
	rcu_item_init(&item);
	urcu_bp_read_lock();
	assert_true(queue_rcu_work(wq, &item.rwork));
	assert_not_yet(rcu_item_runs(&item));
	urcu_bp_read_unlock();
	flush_rcu_work(&item.rwork);
	assert_int_equal(rcu_item_runs(&item), 1);
	destroy_workqueue(wq);
}

/* A1 */
static void queue_rcu_work_pending_returns_false(void **state)
{
	begin_with_reader(plain_queue());
	assert_true(queue_rcu_work(wq, &item.rwork));
	assert_false(queue_rcu_work(wq, &item.rwork));
	assert_false(queue_work(wq, &item.rwork.work));
	reader_leave(&reader);
	flush_rcu_work(&item.rwork);
	assert_int_equal(rcu_item_runs(&item), 1);
	assert_true(queue_rcu_work(wq, &item.rwork));
	flush_rcu_work(&item.rwork);
	assert_int_equal(rcu_item_runs(&item), 2);
	destroy_workqueue(wq);
}

static int stored, seen;

static void look_fn(struct work_struct *work)
{
	seen = stored;
}

/* A5 */
static void run_sees_what_was_stored_before(void **state)
{
	wq = plain_queue();
	INIT_RCU_WORK(&item.rwork, look_fn);
	for (int i = 1; i <= 20; i++) {
		stored = i;
		assert_true(queue_rcu_work(wq, &item.rwork));
		flush_rcu_work(&item.rwork);
		assert_int_equal(seen, i);
	}
	destroy_workqueue(wq);
}

enum {
	MANY = 200,
};

struct object {
	char before[64];
	struct rcu_work rwork;
	char behind[64];
};

static atomic_int freed;

static void free_fn(struct work_struct *work)
{
	struct object *object = container_of(to_rcu_work(work), struct object, rwork);

	memset(object, 0xa5, sizeof(*object));
	free(object);
	atomic_fetch_add(&freed, 1);
}

/* B2 */
static void function_may_free_the_item(void **state)
{
	wq = plain_queue();
	for (int i = 0; i < MANY; i++) {
		struct object *object = malloc(sizeof(*object));

		assert_non_null(object);
		INIT_RCU_WORK(&object->rwork, free_fn);
		assert_true(queue_rcu_work(wq, &object->rwork));
	}
	wait_until(atomic_load(&freed) == MANY);
	destroy_workqueue(wq);
}

static void again_fn(struct work_struct *work)
{
	rcu_item_fn(work);
	if (rcu_item_runs(&item) < 5)
		assert_true(queue_rcu_work(wq, to_rcu_work(work)));
}

/* A3 */
static void function_may_queue_the_item_again(void **state)
{
	wq = plain_queue();
	rcu_item_init(&item);
	INIT_RCU_WORK(&item.rwork, again_fn);
	assert_true(queue_rcu_work(wq, &item.rwork));
	wait_until(atomic_load(&item.finished) == 5);
	flush_rcu_work(&item.rwork);
	assert_int_equal(rcu_item_runs(&item), 5);
	destroy_workqueue(wq);
}

/* B3 */
static void item_queued_while_it_runs_does_not_overlap(void **state)
{
	struct meter meter = { 0 };
	struct gate go;

	wq = plain_queue();
	gate_init(&go);
	rcu_item_init(&item);
	item.hold = &go;
	item.meter = &meter;
	assert_true(queue_rcu_work(wq, &item.rwork));
	wait_until(rcu_item_runs(&item) == 1);
	assert_true(queue_rcu_work(wq, &item.rwork));
	/* queued by now: another item's grace period ended after its */
	urcu_bp_barrier();
	assert_not_yet(rcu_item_runs(&item) > 1);
	gate_open(&go);
	flush_rcu_work(&item.rwork);
	assert_int_equal(rcu_item_runs(&item), 2);
	assert_int_equal(atomic_load(&meter.most), 1);
	destroy_workqueue(wq);
}

static void item_on_the_stack(void **state)
{
	struct rcu_work rwork;

	wq = plain_queue();
	INIT_RCU_WORK_ONSTACK(&rwork, look_fn);
	assert_ptr_equal(to_rcu_work(&rwork.work), &rwork);
	assert_true(queue_rcu_work(wq, &rwork));
	flush_rcu_work(&rwork);
	destroy_work_on_stack(&rwork.work);
	destroy_workqueue(wq);
}

/* ----------------------------------------------------------------- waiting */

/* J1 E1 */
static void flush_rcu_work_waits_for_the_grace_period_and_the_run(void **state)
{
	struct call flush;
	struct gate go;

	begin_with_reader(plain_queue());
	gate_init(&go);
	item.hold = &go;
	assert_true(queue_rcu_work(wq, &item.rwork));
	call_start(&flush, do_flush_rcu_work, &item.rwork);
	assert_true(call_blocks(&flush));
	reader_leave(&reader);
	wait_until(rcu_item_runs(&item) == 1);
	assert_true(call_blocks(&flush));
	gate_open(&go);
	assert_true(call_join(&flush));
	assert_int_equal(atomic_load(&item.finished), 1);
	destroy_workqueue(wq);
}

/* E1 */
static void flush_rcu_work_of_queued_item_waits(void **state)
{
	struct blocker blocker;
	struct call flush;

	wq = alloc_ordered_workqueue("rcu", 0);
	rcu_item_init(&item);
	blocker_start(&blocker, wq);
	assert_true(queue_rcu_work(wq, &item.rwork));
	urcu_bp_barrier();
	call_start(&flush, do_flush_rcu_work, &item.rwork);
	assert_true(call_blocks(&flush));
	assert_int_equal(rcu_item_runs(&item), 0);
	blocker_release(&blocker);
	assert_true(call_join(&flush));
	assert_int_equal(rcu_item_runs(&item), 1);
	destroy_workqueue(wq);
}

/* E1 */
static void flush_rcu_work_of_idle_item_returns_false(void **state)
{
	wq = plain_queue();
	rcu_item_init(&item);
	assert_false(flush_rcu_work(&item.rwork));
	assert_true(queue_rcu_work(wq, &item.rwork));
	flush_rcu_work(&item.rwork);
	assert_false(flush_rcu_work(&item.rwork));
	destroy_workqueue(wq);
}

/* E1 */
static void flush_work_of_the_item_inside_does_not_wait(void **state)
{
	begin_with_reader(plain_queue());
	assert_true(queue_rcu_work(wq, &item.rwork));
	assert_false(flush_work(&item.rwork.work));
	assert_true(rcu_item_is_pending(&item));
	reader_leave(&reader);
	destroy_workqueue(wq);
}

/* D2 */
static void flush_workqueue_does_not_wait_for_grace_periods(void **state)
{
	begin_with_reader(plain_queue());
	assert_true(queue_rcu_work(wq, &item.rwork));
	assert_false(queue_rcu_work(wq, &item.rwork));
	flush_workqueue(wq);
	assert_int_equal(rcu_item_runs(&item), 0);
	reader_leave(&reader);
	destroy_workqueue(wq);
}

/* J1 */
static void cancel_of_waiting_item_waits_until_it_is_queued(void **state)
{
	struct blocker blocker;
	struct call cancel;

	begin_with_reader(alloc_ordered_workqueue("rcu", 0));
	blocker_start(&blocker, wq);
	assert_true(queue_rcu_work(wq, &item.rwork));
	call_start(&cancel, do_cancel_work_sync, &item.rwork.work);
	assert_true(call_blocks(&cancel));
	assert_true(rcu_item_is_pending(&item));
	reader_leave(&reader);
	assert_true(call_join(&cancel));
	assert_false(rcu_item_is_pending(&item));
	blocker_release(&blocker);
	destroy_workqueue(wq);
	assert_int_equal(rcu_item_runs(&item), 0);
}

/* J1 H1 */
static void queue_rcu_work_disabled_item_is_reported_and_refused(void **state)
{
	wq = plain_queue();
	rcu_item_init(&item);
	disable_work(&item.rwork.work);
	assert_false(queue_rcu_work(wq, &item.rwork));
	assert_reported(1);
	assert_false(queue_rcu_work(wq, &item.rwork));
	assert_reported(0);
	assert_false(rcu_item_is_pending(&item));
	assert_true(enable_work(&item.rwork.work));
	assert_true(queue_rcu_work(wq, &item.rwork));
	flush_rcu_work(&item.rwork);
	assert_int_equal(rcu_item_runs(&item), 1);
	destroy_workqueue(wq);
}

/* -------------------------------------------------- when a queue goes away */

/* A8 F5 */
static void grace_period_that_ends_while_the_queue_drains_is_refused(void **state)
{
	struct blocker blocker;
	struct call drain;

	begin_with_reader(plain_queue());
	blocker_start(&blocker, wq);
	assert_true(queue_rcu_work(wq, &item.rwork));
	call_start(&drain, do_drain_workqueue, wq);
	assert_true(call_blocks(&drain));
	reader_leave(&reader);
	wait_until(!rcu_item_is_pending(&item));
	assert_reported(1);
	blocker_release(&blocker);
	call_join(&drain);
	assert_int_equal(rcu_item_runs(&item), 0);
	assert_true(queue_rcu_work(wq, &item.rwork));
	destroy_workqueue(wq);
	assert_int_equal(rcu_item_runs(&item), 1);
}

/* F4 */
static void destroy_workqueue_waits_for_grace_periods_and_runs_the_items(void **state)
{
	struct call destroy;

	begin_with_reader(plain_queue());
	assert_true(queue_rcu_work(wq, &item.rwork));
	call_start(&destroy, do_destroy_workqueue, wq);
	assert_true(call_blocks(&destroy));
	assert_int_equal(rcu_item_runs(&item), 0);
	reader_leave(&reader);
	call_join(&destroy);
	assert_int_equal(rcu_item_runs(&item), 1);
}

/* Accepted until the queue is no more to be used by others? */
static bool is_refused_by(struct workqueue_struct *queue, struct work_struct *work)
{
	assert_true(queue_work(queue, work));
	return !cancel_work(work);
}

/* A8 F4 */
static void queue_rcu_work_while_the_queue_is_destroyed_is_reported_and_refused(void **state)
{
	struct blocker blocker;
	struct call destroy;
	struct item probe;

	begin_with_reader(alloc_workqueue("rcu", WQ_UNBOUND, 1));
	item_init(&probe);
	blocker_start(&blocker, wq);
	call_start(&destroy, do_destroy_workqueue, wq);
	wait_until(is_refused_by(wq, &probe.work));
	assert_true(queue_rcu_work(wq, &item.rwork));
	assert_false(rcu_item_is_pending(&item));
	assert_reported(1);
	blocker_release(&blocker);
	call_join(&destroy);
	reader_leave(&reader);
	assert_int_equal(rcu_item_runs(&item), 0);
}

static void forever_fn(struct work_struct *work)
{
	rcu_item_fn(work);
	queue_rcu_work(wq, to_rcu_work(work));
}

/* F4 A8 */
static void destroy_workqueue_ends_an_item_that_queues_itself(void **state)
{
	wq = plain_queue();
	rcu_item_init(&item);
	INIT_RCU_WORK(&item.rwork, forever_fn);
	assert_true(queue_rcu_work(wq, &item.rwork));
	wait_until(rcu_item_runs(&item) > 3);
	destroy_workqueue(wq);
	assert_false(rcu_item_is_pending(&item));
	assert_reported(1);
}

/* F4 */
static void destroy_workqueue_in_a_section_is_reported_and_not_done(void **state)
{
	wq = plain_queue();
	rcu_item_init(&item);
	urcu_bp_read_lock();
	assert_true(queue_rcu_work(wq, &item.rwork));
	destroy_workqueue(wq);
	assert_reported(1);
	urcu_bp_read_unlock();
	destroy_workqueue(wq);
	assert_int_equal(rcu_item_runs(&item), 1);
}

/* ------------------------------------------------------------------ misuse */

static void flush_rcu_work_in_a_section_is_reported_and_does_not_wait(void **state)
{
	wq = plain_queue();
	rcu_item_init(&item);
	urcu_bp_read_lock();
	assert_true(queue_rcu_work(wq, &item.rwork));
	assert_false(flush_rcu_work(&item.rwork));
	assert_reported(1);
	urcu_bp_read_unlock();
	destroy_workqueue(wq);
}

static atomic_int flush_answer;

static void flush_self_fn(struct work_struct *work)
{
	atomic_store(&flush_answer, flush_rcu_work(to_rcu_work(work)));
}

static void flush_rcu_work_of_itself_is_reported_and_does_not_wait(void **state)
{
	wq = plain_queue();
	atomic_store(&flush_answer, -1);
	INIT_RCU_WORK(&item.rwork, flush_self_fn);
	assert_true(queue_rcu_work(wq, &item.rwork));
	destroy_workqueue(wq);
	assert_int_equal(atomic_load(&flush_answer), 0);
	assert_reported(1);
}

static void nothing_to_queue_or_flush_is_reported(void **state)
{
	wq = plain_queue();
	rcu_item_init(&item);
	assert_false(queue_rcu_work(NULL, &item.rwork));
	assert_false(queue_rcu_work(wq, NULL));
	assert_false(flush_rcu_work(NULL));
	assert_reported(3);
	destroy_workqueue(wq);
}

/* A8 */
static void item_never_initialised_is_reported_and_dropped(void **state)
{
	wq = plain_queue();
	memset(&item, 0, sizeof(item));
	assert_true(queue_rcu_work(wq, &item.rwork));
	assert_reported(1);
	assert_false(rcu_item_is_pending(&item));
	assert_false(flush_rcu_work(&item.rwork));
	assert_reported(1);
	destroy_workqueue(wq);
}

/* ---------------------------------------------------------------- flavours */

static void check_flavor(const struct rcu_flavor_struct *flavor)
{
	assert_int_equal(workq_set_rcu_flavor(flavor), 0);
	wq = plain_queue();
	rcu_item_init(&item);
	/* of another flavour: waited for by nobody */
	urcu_bp_read_lock();
	assert_true(queue_rcu_work(wq, &item.rwork));
	flush_rcu_work(&item.rwork);
	urcu_bp_read_unlock();
	reader_enter(&reader, flavor);
	assert_true(queue_rcu_work(wq, &item.rwork));
	assert_not_yet(rcu_item_runs(&item) > 1);
	reader_leave(&reader);
	flush_rcu_work(&item.rwork);
	assert_int_equal(rcu_item_runs(&item), 2);
	destroy_workqueue(wq);
}

/* J1 */
static void set_rcu_flavor_memb_waits_for_its_readers(void **state)
{
	urcu_memb_register_thread();
	check_flavor(&urcu_memb_flavor);
	urcu_memb_unregister_thread();
}

/* J1 */
static void set_rcu_flavor_qsbr_waits_for_its_readers(void **state)
{
	check_flavor(&urcu_qsbr_flavor);
}

static void flush_rcu_work_of_an_online_qsbr_thread_waits(void **state)
{
	assert_int_equal(workq_set_rcu_flavor(&urcu_qsbr_flavor), 0);
	wq = plain_queue();
	rcu_item_init(&item);
	urcu_qsbr_register_thread();
	assert_true(queue_rcu_work(wq, &item.rwork));
	assert_true(flush_rcu_work(&item.rwork));
	assert_int_equal(rcu_item_runs(&item), 1);
	urcu_qsbr_unregister_thread();
	destroy_workqueue(wq);
}

static void set_rcu_flavor_twice_is_refused_unless_it_is_the_same(void **state)
{
	assert_int_equal(workq_set_rcu_flavor(NULL), -EINVAL);
	assert_int_equal(workq_set_rcu_flavor(&urcu_memb_flavor), 0);
	assert_int_equal(workq_set_rcu_flavor(&urcu_memb_flavor), 0);
	assert_int_equal(workq_set_rcu_flavor(&urcu_qsbr_flavor), -EBUSY);
	assert_int_equal(workq_set_rcu_flavor(NULL), -EINVAL);
}

static void default_flavor_is_the_programs_bp(void **state)
{
	wq = plain_queue();
	rcu_item_init(&item);
	assert_true(queue_rcu_work(wq, &item.rwork));
	assert_int_equal(workq_set_rcu_flavor(&urcu_memb_flavor), -EBUSY);
	assert_int_equal(workq_set_rcu_flavor(&urcu_bp_flavor), 0);
	destroy_workqueue(wq);
}

/* ------------------------------------------------------------------------- */

static struct gate may_queue;
static atomic_bool is_inside;

static void queue_rcu_last(struct work_struct *work)
{
	(void)work;
	atomic_store(&is_inside, true);
	gate_wait(&may_queue);
	queue_rcu_work(wq, &item.rwork);
}

static long destroy_inside_a_section(void *queue)
{
	urcu_bp_read_lock();
	destroy_workqueue(queue);
	urcu_bp_read_unlock();
	return 0;
}

/* J1 F4: its last item has begun a grace period, for which who destroys it would wait inside. */
static void destroy_inside_a_section_does_not_wait_for_what_the_last_item_began(void **state)
{
	struct work_struct last;
	struct call destroyer;

	wq = plain_queue();
	rcu_item_init(&item);
	gate_init(&may_queue);
	INIT_WORK(&last, queue_rcu_last);
	queue_work(wq, &last);
	wait_until(atomic_load(&is_inside));
	call_start(&destroyer, destroy_inside_a_section, wq);
	assert_true(call_blocks(&destroyer));
	gate_open(&may_queue);
	call_join(&destroyer);
	assert_true(report_says("read-side critical section"));
	report_take();
	/* refused, or through: the queue is still there */
	flush_rcu_work(&item.rwork);
	destroy_workqueue(wq);
	report_take();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(queue_rcu_work_reader_inside_holds_the_run_off),
		api_test(queue_rcu_work_inside_a_section_holds_the_run_off),
		api_test(queue_rcu_work_pending_returns_false),
		api_test(run_sees_what_was_stored_before),
		api_test(function_may_free_the_item),
		api_test(function_may_queue_the_item_again),
		api_test(item_queued_while_it_runs_does_not_overlap),
		api_test(item_on_the_stack),
		api_test(flush_rcu_work_waits_for_the_grace_period_and_the_run),
		api_test(flush_rcu_work_of_queued_item_waits),
		api_test(flush_rcu_work_of_idle_item_returns_false),
		api_test(flush_work_of_the_item_inside_does_not_wait),
		api_test(flush_workqueue_does_not_wait_for_grace_periods),
		api_test(cancel_of_waiting_item_waits_until_it_is_queued),
		api_test(queue_rcu_work_disabled_item_is_reported_and_refused),
		api_test(grace_period_that_ends_while_the_queue_drains_is_refused),
		api_test(destroy_workqueue_waits_for_grace_periods_and_runs_the_items),
		api_test(queue_rcu_work_while_the_queue_is_destroyed_is_reported_and_refused),
		api_test(destroy_workqueue_ends_an_item_that_queues_itself),
		api_test(destroy_workqueue_in_a_section_is_reported_and_not_done),
		api_test(flush_rcu_work_in_a_section_is_reported_and_does_not_wait),
		api_test(flush_rcu_work_of_itself_is_reported_and_does_not_wait),
		api_test(nothing_to_queue_or_flush_is_reported),
		api_test(item_never_initialised_is_reported_and_dropped),
		api_test(set_rcu_flavor_memb_waits_for_its_readers),
		api_test(set_rcu_flavor_qsbr_waits_for_its_readers),
		api_test(flush_rcu_work_of_an_online_qsbr_thread_waits),
		api_test(set_rcu_flavor_twice_is_refused_unless_it_is_the_same),
		api_test(default_flavor_is_the_programs_bp),
		api_test(destroy_inside_a_section_does_not_wait_for_what_the_last_item_began),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
