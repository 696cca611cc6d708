/* SPDX-License-Identifier: MIT */
/*
 * stress_lifetime.c - items and queues that end as soon as they may.
 *
 * Items free themselves in their function, or are freed right after flush_work(),
 * cancel_work_sync(), flush_workqueue() or destroy_workqueue(). Memory given up
 * is written over and looked at once more before it is freed: nobody may have
 * written to it (B2). The address sanitizer sees the rest.
 */
#include <sched.h>

#include "support/stress.h"

enum {
	OURS = 0xa5, /* what memory given up is filled with */
	KEPT = 64,   /* pieces of it that a thread keeps an eye on */
	CPUS = 8,
	NR_QUEUES = 4,
};

static struct workqueue_struct *queue[NR_QUEUES];
static atomic_long made, gone;

/* -------------------------------------------------------------------- memory */

struct object {
	struct work_struct work;
	struct workqueue_struct *wq;
	int rest;         /* runs still to come; the last one frees it */
	bool chains;      /* instead of running again, it makes a successor */
	atomic_int *runs; /* the owner's count, if there is one */
};

/* Pieces of memory given up; each thread's own, workers' included. */
struct attic {
	struct object *object[KEPT];
	unsigned int next;
};

static __thread struct attic attic;

static bool is_untouched(const struct object *object)
{
	const unsigned char *byte = (const unsigned char *)object;

	for (size_t i = 0; i < sizeof(*object); i++)
		if (byte[i] != OURS)
			return false;
	return true;
}

static void look_and_free(struct object *object)
{
	if (!object)
		return;
	law(is_untouched(object), "an item was touched after its end");
	free(object);
}

static struct object *object_make(struct workqueue_struct *wq, work_func_t func, int rest)
{
	struct object *object = calloc(1, sizeof(*object));

	if (!object)
		abort();
	object->wq = wq;
	object->rest = rest;
	INIT_WORK(&object->work, func);
	atomic_fetch_add(&made, 1);
	return object;
}

static void object_give_up(struct object *object)
{
	struct object **place = &attic.object[attic.next++ % KEPT];

	memset(object, OURS, sizeof(*object));
	look_and_free(*place);
	*place = object;
	atomic_fetch_add(&gone, 1);
}

/* In workers it frees at once: their attics would be left when they are reaped. */
static void object_free_self(struct object *object)
{
	memset(object, OURS, sizeof(*object));
	free(object);
	atomic_fetch_add(&gone, 1);
}

static void attic_clear(void)
{
	for (int i = 0; i < KEPT; i++) {
		look_and_free(attic.object[i]);
		attic.object[i] = NULL;
	}
}

/* ------------------------------------------------------ who frees itself (B2) */

static void run_and_free(struct work_struct *work)
{
	struct object *own = container_of(work, struct object, work);
	struct object *next;

	if (own->rest-- <= 0) {
		object_free_self(own);
		return;
	}
	if (!own->chains) {
		law(queue_work(own->wq, work), "an item could not queue itself");
		return;
	}
	next = object_make(own->wq, run_and_free, own->rest);
	next->chains = true;
	law(queue_work(own->wq, &next->work), "an item could not queue its successor");
	object_free_self(own);
}

static void free_in_function(struct workqueue_struct *wq, struct rng *rng)
{
	struct object *object = object_make(wq, run_and_free, rng_below(rng, 4));

	object->chains = rng_below(rng, 2);
	law(queue_work_on(rng_below(rng, CPUS), wq, &object->work), "an item was refused");
}

/* -------------------------------------------------- who is freed by its owner */

static void run_plainly(struct work_struct *work)
{
	struct object *own = container_of(work, struct object, work);

	own->rest--;
	if (own->runs)
		atomic_fetch_add(own->runs, 1);
}

static void free_after_flush(struct workqueue_struct *wq, struct rng *rng)
{
	struct object *object = object_make(wq, run_plainly, 1);

	queue_work_on(rng_below(rng, CPUS), wq, &object->work);
	flush_work(&object->work);
	law(object->rest == 0, "flushed, and has not run");
	object_give_up(object);
}

static void free_after_cancel(struct workqueue_struct *wq, struct rng *rng)
{
	struct object *object = object_make(wq, run_plainly, 1);
	int taken;

	queue_work_on(rng_below(rng, CPUS), wq, &object->work);
	if (rng_below(rng, 2))
		sched_yield();
	taken = cancel_work_sync(&object->work);
	law(object->rest == taken, "ran %d times, taken back %d times", 1 - object->rest, taken);
	object_give_up(object);
}

static void free_after_disable(struct workqueue_struct *wq, struct rng *rng)
{
	struct object *object = object_make(wq, run_plainly, 1);

	queue_work_on(rng_below(rng, CPUS), wq, &object->work);
	disable_work_sync(&object->work);
	law(!queue_work(wq, &object->work), "a disabled item was queued");
	object_give_up(object);
}

static void free_after_flush_workqueue(struct workqueue_struct *wq, struct rng *rng)
{
	struct object *object[4];
	int nr = 1 + rng_below(rng, 4);

	for (int i = 0; i < nr; i++) {
		object[i] = object_make(wq, run_plainly, 1);
		queue_work_on(rng_below(rng, CPUS), wq, &object[i]->work);
	}
	flush_workqueue(wq);
	for (int i = 0; i < nr; i++) {
		law(object[i]->rest == 0, "the queue was flushed, and it has not run");
		object_give_up(object[i]);
	}
}

/* The frame is left at once, and the next call writes over it. */
static __attribute__((noinline)) void flush_on_stack(struct workqueue_struct *wq, struct rng *rng)
{
	atomic_int runs = 0;
	struct object object = { .wq = wq, .rest = 1, .runs = &runs };

	INIT_WORK_ONSTACK(&object.work, run_plainly);
	queue_work_on(rng_below(rng, CPUS), wq, &object.work);
	flush_work(&object.work);
	law(atomic_load(&runs) == 1, "flushed, and has not run");
	destroy_work_on_stack(&object.work);
	memset(&object, OURS, sizeof(object));
}

/* ------------------------------------------------------- queues come and go */

static void destroy_with_items(struct rng *rng)
{
	struct workqueue_struct *wq;
	int nr = rng_below(rng, 6);

	if (rng_below(rng, 3) == 0)
		wq = alloc_ordered_workqueue("visited", 0);
	else
		wq = alloc_workqueue("visited", rng_below(rng, 2) ? WQ_PERCPU : WQ_UNBOUND,
				     rng_below(rng, 3));
	for (int i = 0; i < nr; i++)
		free_in_function(wq, rng);
	if (rng_below(rng, 4) == 0)
		flush_workqueue(wq);
	destroy_workqueue(wq);
}

/* ------------------------------------------------------------------- the run */

static void act(struct rng *rng)
{
	struct workqueue_struct *wq = queue[rng_below(rng, NR_QUEUES)];
	unsigned int dice = rng_below(rng, 64);

	if (dice < 24)
		free_in_function(wq, rng);
	else if (dice < 32)
		free_after_flush(wq, rng);
	else if (dice < 42)
		free_after_cancel(wq, rng);
	else if (dice < 46)
		free_after_disable(wq, rng);
	else if (dice < 50)
		free_after_flush_workqueue(wq, rng);
	else if (dice < 62)
		flush_on_stack(wq, rng);
	else
		destroy_with_items(rng);
}

static void *live(void *nth)
{
	struct rng rng = rng_of(1, (int)(intptr_t)nth);

	for (long op = 0; op < stress.ops; op++)
		act(&rng);
	attic_clear();
	return NULL;
}

static void judge_report(const char *line)
{
	if (strstr(line, "WARNING"))
		fault("%s", line);
}

int main(int argc, char **argv)
{
	stress_begin("stress_lifetime", argc, argv, 150000, 4);
	workq_set_report_fn(judge_report);
	queue[0] = alloc_workqueue("percpu", WQ_PERCPU, 0);
	queue[1] = alloc_workqueue("unbound", WQ_UNBOUND, 4);
	queue[2] = alloc_ordered_workqueue("ordered", 0);
	queue[3] = alloc_workqueue("highpri", WQ_PERCPU | WQ_HIGHPRI | WQ_CPU_INTENSIVE, 2);
	stress_threads(stress.threads, live);
	for (int i = 0; i < NR_QUEUES; i++)
		destroy_workqueue(queue[i]);
	law(made == gone, "%ld made, %ld gone", made, gone);
	printf("%ld items made and gone\n", gone);
	return stress_end();
}
