/* SPDX-License-Identifier: MIT */
/*
 * stress_rcu.c - readers look at memory that rcu items free (J1).
 *
 * Writers replace objects in a table and queue the old ones; the item inside
 * fills the object with rubbish and frees it (B2). A reader must never see that.
 * Queues are destroyed while objects of theirs wait for a grace period: none is
 * lost (A4, F4). An item that stays is queued and flushed by all writers.
 */
#include <urcu/urcu-bp.h>

#include "support/liburcu_tsan.h"
#include "support/stress.h"

enum {
	SLOTS = 16,
	LOOKS = 8,
	NR_QUEUES = 3,
	NR_READERS = 2,
	OURS = 0x5a5a5a5a, /* in an object that is valid */
};

struct object {
	unsigned int valid[LOOKS];
	struct rcu_work rwork;
};

static struct workqueue_struct *queue[NR_QUEUES];
static _Atomic(struct object *) slot[SLOTS];
static atomic_long made, gone, looks, times_queued, times_run;
static atomic_bool is_over;
static struct rcu_work common;

/* ------------------------------------------------------------------ objects */

static void free_fn(struct work_struct *work)
{
	struct object *object = container_of(to_rcu_work(work), struct object, rwork);

	tell_grace_period_is_over();
	memset(object, 0xa5, sizeof(*object));
	free(object);
	atomic_fetch_add(&gone, 1);
}

static struct object *object_make(void)
{
	struct object *object = malloc(sizeof(*object));

	if (!object)
		abort();
	for (int i = 0; i < LOOKS; i++)
		object->valid[i] = OURS;
	INIT_RCU_WORK(&object->rwork, free_fn);
	atomic_fetch_add(&made, 1);
	return object;
}

static void replace(struct workqueue_struct *wq, unsigned int at, struct object *object)
{
	struct object *old = atomic_exchange(&slot[at], object);

	if (old)
		law(queue_rcu_work(wq, &old->rwork), "an object's item was refused");
}

/* ------------------------------------------------------------------ writers */

static void common_fn(struct work_struct *work)
{
	atomic_fetch_add(&times_run, 1);
}

static void queue_common(struct rng *rng)
{
	if (queue_rcu_work(queue[0], &common))
		atomic_fetch_add(&times_queued, 1);
	if (rng_below(rng, 4) == 0)
		flush_rcu_work(&common);
}

static void destroy_with_objects(struct rng *rng)
{
	struct workqueue_struct *wq = alloc_workqueue("visited", WQ_UNBOUND, rng_below(rng, 3));

	if (!wq)
		abort();
	for (int i = rng_below(rng, SLOTS); i >= 0; i--)
		replace(wq, rng_below(rng, SLOTS), object_make());
	destroy_workqueue(wq);
}

static void act(struct rng *rng)
{
	unsigned int dice = rng_below(rng, 256);

	if (dice == 0)
		destroy_with_objects(rng);
	else if (dice < 8)
		queue_common(rng);
	else
		replace(queue[rng_below(rng, NR_QUEUES)], rng_below(rng, SLOTS), object_make());
}

static void *write_slots(struct rng *rng)
{
	for (long op = 0; op < stress.ops; op++)
		act(rng);
	return NULL;
}

/* ------------------------------------------------------------------ readers */

static void look_at(const struct object *object)
{
	const volatile unsigned int *valid = object->valid;

	for (int i = 0; i < LOOKS; i++)
		law(valid[i] == OURS, "a reader saw 0x%x", valid[i]);
	atomic_fetch_add_explicit(&looks, 1, memory_order_relaxed);
}

static void *read_slots(struct rng *rng)
{
	while (!atomic_load(&is_over)) {
		struct object *object;

		urcu_bp_read_lock();
		object = atomic_load(&slot[rng_below(rng, SLOTS)]);
		if (object)
			look_at(object);
		tell_section_ends();
		urcu_bp_read_unlock();
	}
	return NULL;
}

/* ------------------------------------------------------------------ the run */

static atomic_int writers_left;

static void *live(void *nth)
{
	int number = (int)(intptr_t)nth;
	struct rng rng = rng_of(1, number);

	if (number < NR_READERS)
		return read_slots(&rng);
	write_slots(&rng);
	if (atomic_fetch_sub(&writers_left, 1) == 1)
		atomic_store(&is_over, true);
	return NULL;
}

static void judge_report(const char *line)
{
	if (strstr(line, "WARNING"))
		fault("%s", line);
}

int main(int argc, char **argv)
{
	stress_begin("stress_rcu", argc, argv, 40000, 2);
	workq_set_report_fn(judge_report);
	queue[0] = alloc_workqueue("percpu", WQ_PERCPU, 0);
	queue[1] = alloc_workqueue("unbound", WQ_UNBOUND, 4);
	queue[2] = alloc_ordered_workqueue("ordered", 0);
	INIT_RCU_WORK(&common, common_fn);
	atomic_store(&writers_left, stress.threads);
	stress_threads(NR_READERS + stress.threads, live);
	for (int i = 0; i < SLOTS; i++)
		replace(queue[i % NR_QUEUES], i, NULL);
	for (int i = 0; i < NR_QUEUES; i++)
		destroy_workqueue(queue[i]);
	law(made == gone, "%ld made, %ld gone", made, gone);
	law(times_queued == times_run, "queued %ld times, run %ld times", times_queued, times_run);
	printf("%ld objects made and gone, looked at %ld times\n", gone, looks);
	return stress_end();
}
