/* SPDX-License-Identifier: MIT */
/*
 * world.c - an item, its queues, and what must be true of them (contracts in world.h).
 */
#include "world.h"

#include "child.h"
#include "machine.h"
#include "memory.h"
#include "os_explore.h"
#include "reduce.h"

/* What is kept of the scenario is looked at beside the library's own steps. */
static struct world *world(void)
{
	static struct world kept;

	reduce_look();
	return &kept;
}

#define law(condition, text)                                                                       \
	do {                                                                                       \
		if (!(condition))                                                                  \
			machine_fail("%s", text);                                                  \
	} while (0)

/* ------------------------------------------------------------------- items */

static void wait_for_gate(void)
{
	while (!world()->gate)
		machine_block((uint32_t *)(void *)&world()->gate, UINT64_MAX);
}

static void run_blocker(struct work_struct *work)
{
	(void)work;
	wait_for_gate();
}

static void run_item(struct work_struct *work)
{
	int read;

	world()->started++;
	law(!world()->inside++ || world()->is_elsewhere, "the item runs twice at once (B3)");
	law(!world()->disabled || world()->is_elsewhere, "the item runs while it is disabled (H1)");
	machine_point(NULL, ANYTHING);
	read = world()->read = world()->letter;
	if (world()->situation == RUNNING || world()->situation == REQUEUES)
		wait_for_gate();
	if (world()->requeues) {
		world()->requeues = false;
		if (queue_work(world()->wq, work))
			world()->accepted++;
	}
	world()->inside--;
	world()->done = read;
	world()->finished++;
}

/* The item is queued, here and now, wherever it is pending. */
static bool is_plain(void)
{
	return !world()->is_armed && !world()->is_modified && !world()->is_elsewhere &&
	       !world()->is_withdrawn;
}

static bool is_next_in_turn(void)
{
	return world()->kind != ORDERED || !is_plain() ||
	       (world()->done >= world()->next_letter && !world()->inside);
}

static void run_next(struct work_struct *work)
{
	(void)work;
	law(is_next_in_turn(), "the next item of an ordered queue comes before its turn (B9)");
	world()->next_runs++;
}

/* -------------------------------------------------------------- operations */

/* A drain that overlaps a call from outside may have it dropped (A8, F1). */
static void note_accepted(bool accepted, int nr_drains)
{
	if (!accepted)
		return;
	world()->accepted++;
	if (world()->draining || world()->nr_drains != nr_drains)
		world()->uncertain++;
}

static int nr_drains_over(void)
{
	return world()->nr_drains - world()->draining;
}

#define ACCEPT(call)                                                                               \
	do {                                                                                       \
		int nr_drains = nr_drains_over();                                                  \
                                                                                                   \
		note_accepted(call, nr_drains);                                                    \
	} while (0)

static bool queue_item(void)
{
	int nr_drains = nr_drains_over();
	bool accepted;

	world()->letter++;
	accepted = queue_work(world()->wq, &world()->item->work);
	note_accepted(accepted, nr_drains);
	return accepted;
}

static void do_queue(void)
{
	queue_item();
}

/*
 * Only one of two who do this at once queues the next one. Where the item was pending, by somebody who
 * may not have put it on the queue yet, that is not behind it.
 */
static void do_queue_two(void)
{
	int letter = world()->letter + 1;
	bool accepted = queue_item();

	if (world()->is_next_used)
		return;
	world()->is_next_used = true;
	world()->next_letter = accepted ? letter : 0;
	world()->next_accepted = queue_work(world()->wq, &world()->next);
	law(world()->next_accepted, "an idle item is refused (A1)");
}

static void do_queue_on(void)
{
	world()->letter++;
	ACCEPT(queue_work_on(1, world()->wq, &world()->item->work));
}

/* Then it may run in both queues at once (B6), and only the last run is waited for. */
static void do_queue_other(void)
{
	world()->is_elsewhere = true;
	world()->letter++;
	ACCEPT(queue_work(world()->other, &world()->item->work));
}

static void do_queue_delayed(void)
{
	world()->is_armed = true;
	world()->letter++;
	ACCEPT(queue_delayed_work(world()->wq, world()->item, 1));
}

/* False also says that the item is disabled, or being cancelled: nobody knows. */
static void modify(unsigned long delay)
{
	int nr_drains = world()->nr_drains - world()->draining;
	bool was_pending;

	world()->is_modified = true;
	world()->letter++;
	was_pending = mod_delayed_work(world()->wq, world()->item, delay);
	if (!was_pending)
		world()->accepted++;
	/* what was pending may be dropped by a drain instead of being put off */
	if (!was_pending || world()->draining || world()->nr_drains != nr_drains)
		world()->uncertain++;
}

static void do_mod_0(void)
{
	world()->is_hurried = true;
	modify(0);
}

/* Time passes only when nobody can go on. */
static void do_mod_1(void)
{
	modify(1);
	law(work_pending(&world()->item->work) || world()->is_hurried || world()->is_withdrawn,
	    "what was put off is not pending (I4)");
}

/*
 * What was accepted before the call is over when it returns, or was cancelled. Not what somebody puts
 * off meanwhile.
 */
static void wait_by(void (*wait)(void))
{
	int accepted = world()->accepted - world()->uncertain;

	wait();
	law(world()->is_modified || world()->is_elsewhere ||
		    world()->finished + world()->cancelled + world()->cancelling >= accepted,
	    "what was accepted before the call is not over (D1, E1, F2, G2)");
}

/* An item whose timer is armed is not what they wait for. */
static void wait_for_queued_by(void (*wait)(void))
{
	if (world()->is_armed)
		wait();
	else
		wait_by(wait);
}

static void flush_item(void)
{
	flush_work(&world()->item->work);
}

static void flush_item_delayed(void)
{
	world()->is_hurried = true;
	flush_delayed_work(world()->item);
}

static void wait_for_next_by(void (*wait)(struct workqueue_struct *wq))
{
	int accepted = world()->next_accepted;

	wait(world()->wq);
	law(world()->next_runs >= accepted, "what was accepted before the call is not over (D1)");
}

static void flush_queue(void)
{
	wait_for_next_by(flush_workqueue);
}

static void drain_queue(void)
{
	world()->draining++;
	world()->nr_drains++;
	world()->is_withdrawn = true;
	wait_for_next_by(drain_workqueue);
	world()->draining--;
}

static void destroy_queue(void)
{
	destroy_workqueue(world()->wq);
	world()->wq = NULL;
}

/* Also what somebody else has made pending, and has not put on the queue yet, is waited for. */
static void do_queue_flush(void)
{
	int letter = world()->letter + 1;

	queue_item();
	flush_queue();
	law(!is_plain() || world()->done >= letter, "the run after the call is not over (A6, D1)");
}

static void do_flush_work(void)
{
	wait_for_queued_by(flush_item);
}

static void do_flush_delayed(void)
{
	wait_by(flush_item_delayed);
}

static void do_flush_queue(void)
{
	wait_for_queued_by(flush_queue);
}

static void do_drain(void)
{
	wait_for_queued_by(drain_queue);
}

static void do_destroy(void)
{
	wait_for_queued_by(destroy_queue);
}

static void cancel_by(bool (*cancel)(struct delayed_work *item))
{
	bool cancelled;

	world()->is_withdrawn = true;
	world()->cancelling++;
	cancelled = cancel(world()->item);
	world()->cancelling--;
	world()->cancelled += cancelled;
}

static void do_cancel(void)
{
	cancel_by(cancel_delayed_work);
}

static void cancel_item_sync(void)
{
	cancel_by(cancel_delayed_work_sync);
}

static void do_cancel_sync(void)
{
	wait_by(cancel_item_sync);
}

static void do_disable(void)
{
	cancel_by(disable_delayed_work);
	enable_delayed_work(world()->item);
}

static void disable_item_sync(void)
{
	cancel_by(disable_delayed_work_sync);
}

static void do_disable_sync(void)
{
	wait_by(disable_item_sync);
	law(!world()->inside || world()->is_elsewhere, "the item runs after it was disabled (H1)");
	world()->disabled++;
	/* what is refused has been PENDING for a moment: that it does not run is what counts */
	machine_point(NULL, ANYTHING);
	world()->disabled--;
	enable_delayed_work(world()->item);
}

static void do_max_active(void)
{
	workqueue_set_max_active(world()->wq, 1);
	workqueue_set_max_active(world()->wq, 4);
}

/* Does it see the run that began before, and is not over? */
static void do_busy(void)
{
	bool was_inside = world()->inside;
	int finished = world()->finished;
	unsigned int busy = work_busy(&world()->item->work);

	law(!(busy & ~(unsigned int)(WORK_BUSY_PENDING | WORK_BUSY_RUNNING)), "work_busy()");
	law(!was_inside || world()->finished != finished || world()->is_elsewhere ||
		    busy & WORK_BUSY_RUNNING,
	    "work_busy() does not see the run");
}

static void copy_item(void)
{
	machine_point(&world()->item->work.data, READS);
	law(child_finds_idle(world()->item), "in the child the item is pending for ever (U2)");
}

static void do_fork(void)
{
	explore_fork(copy_item);
}

const struct operation operations[] = {
	{ "queue", do_queue, false, true },
	{ "queue_on", do_queue_on, false, true },
	{ "queue_other", do_queue_other, false, true },
	{ "queue_two", do_queue_two, false, true },
	{ "queue_flush", do_queue_flush, false, true },
	{ "queue_delayed", do_queue_delayed, false, true },
	{ "mod_0", do_mod_0, false, true },
	{ "mod_1", do_mod_1, false, true },
	{ "flush_work", do_flush_work, false, false },
	{ "flush_delayed", do_flush_delayed, false, false },
	{ "flush_queue", do_flush_queue, false, true },
	{ "drain", do_drain, false, true },
	{ "cancel", do_cancel, false, false },
	{ "cancel_sync", do_cancel_sync, false, false },
	{ "disable", do_disable, false, false },
	{ "disable_sync", do_disable_sync, false, false },
	{ "max_active", do_max_active, false, true },
	{ "busy", do_busy, false, false },
	{ "fork", do_fork, false, false },
	{ "destroy", do_destroy, true, true },
};
const size_t nr_operations = sizeof(operations) / sizeof(operations[0]);

/* -------------------------------------------------------------- situations */

static struct workqueue_struct *make_queue(enum queue_kind kind)
{
	switch (kind) {
	case PERCPU:
		return alloc_workqueue("explored", WQ_PERCPU, 0);
	case UNBOUND:
		return alloc_workqueue("explored", WQ_UNBOUND, 0);
	default:
		return alloc_ordered_workqueue("explored", 0);
	}
}

/* Workers, the timer thread and all that is made at the first use. */
static void warm_up(void)
{
	do_queue();
	flush_work(&world()->item->work);
	do_queue_on();
	flush_work(&world()->item->work);
	do_queue_other();
	flush_work(&world()->item->work);
	do_queue_delayed();
	flush_delayed_work(world()->item);
	world()->is_armed = world()->is_elsewhere = false;
}

void world_begin(enum queue_kind kind)
{
	*world() = (struct world){ .kind = kind };
	world()->wq = make_queue(kind);
	world()->other = alloc_workqueue("other", WQ_PERCPU, 0);
	world()->item = memory_alloc(sizeof(*world()->item), 16);
	INIT_DELAYED_WORK(world()->item, run_item);
	INIT_WORK(&world()->blocker, run_blocker);
	INIT_WORK(&world()->next, run_next);
	warm_up();
}

static void block_queue(void)
{
	/* of a limit of one, so that all kinds are alike */
	workqueue_set_max_active(world()->wq, 1);
	queue_work(world()->wq, &world()->blocker);
}

void world_arrange(enum situation situation)
{
	world()->situation = situation;
	switch (situation) {
	case PENDING:
		block_queue();
		do_queue();
		break;
	case REQUEUES:
		world()->requeues = true;
		do_queue();
		break;
	case RUNNING:
		do_queue();
		break;
	case ARMED:
		do_queue_delayed();
		break;
	default:
		break;
	}
}

void world_enter(void)
{
	struct work_struct unused;

	INIT_WORK_ONSTACK(&unused, run_blocker);
	flush_work(&unused);
	queue_work(world()->other, &unused);
	cancel_work_sync(&unused);
	destroy_work_on_stack(&unused);
}

void world_open(void *unused)
{
	(void)unused;
	machine_point(NULL, ANYTHING);
	world()->gate = true;
	machine_wake((uint32_t *)(void *)&world()->gate, MAX_FIBERS);
}

void world_check(void)
{
	int over = world()->finished + world()->cancelled;

	law(!world()->inside && world()->started == world()->finished, "a run is not over");
	law(over <= world()->accepted, "more runs and cancels than acceptances (A4)");
	law(over >= world()->accepted - world()->uncertain, "an accepted item was lost (A4)");
	law(!work_pending(&world()->item->work), "the item is pending, and nothing happens");
	law(world()->is_withdrawn || world()->read == world()->letter,
	    "what was written before a call is read by no run (A5, A6, I4)");
	law(world()->next_runs <= world()->next_accepted, "the next item runs twice (A4)");
	law(world()->next_runs == world()->next_accepted || world()->nr_drains,
	    "the next item was lost (A4)");
	memory_free(world()->item);
	law(memory_freed_is_untouched(), "freed memory was written to (B2)");
}
