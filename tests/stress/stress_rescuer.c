/* SPDX-License-Identifier: MIT */
/*
 * stress_rescuer.c - threads are refused at random, for a while or one by one.
 *
 * Producers queue, cancel and flush items on queues with and without WQ_MEM_RECLAIM, change
 * attributes, and make and destroy queues. Nothing is lost or doubled (A4); a rescuer runs
 * items of its own queue only (K3); queues that have one need no worker to go on (K4).
 */
#include <sched.h>

#include "support/stress.h"
#include "support/thread_stand_in.h"

enum {
	CPUS = 8,
	ITEMS = 48, /* of each producer, shared with nobody: counts are exact */
	REFUSE_US = 20000,
	NR_QUEUES = 6,
	NR_RECLAIM = 4, /* the first of them */
};

static struct workqueue_struct *queue[NR_QUEUES];
static atomic_long nr_runs, nr_rescued;
static atomic_bool is_over;

/* ---------------------------------------------------------- refusing threads */

enum mood {
	ALL_ARE_MADE,
	HALF_ARE_MADE,
	NONE_IS_MADE,
};

static _Atomic enum mood mood;

static bool is_refused(void)
{
	static atomic_uint nr_asked;

	if (atomic_load(&mood) == HALF_ARE_MADE)
		return atomic_fetch_add(&nr_asked, 1) % 2;
	return atomic_load(&mood) == NONE_IS_MADE;
}

static void *change_mood(void *arg)
{
	struct rng rng = rng_of(2, 0);

	while (!atomic_load(&is_over)) {
		atomic_store(&mood, (enum mood)rng_below(&rng, 3));
		usleep(rng_below(&rng, REFUSE_US));
	}
	atomic_store(&mood, ALL_ARE_MADE);
	return arg;
}

/* --------------------------------------------------------------------- items */

struct object {
	struct work_struct work;
	bool has_rescuer;  /* all queues it is queued on have one */
	unsigned int rest; /* it queues itself so often */
	struct workqueue_struct *wq;
	atomic_long queued, runs, taken;
	atomic_int inside;
};

/* Another worker is wanted at once. */
static void wait_a_little(void)
{
	workq_block_begin();
	usleep(100);
	workq_block_end();
}

static void run(struct work_struct *work)
{
	struct object *own = container_of(work, struct object, work);

	law(atomic_fetch_add(&own->inside, 1) == 0, "an item overlaps itself");
	if (current_is_workqueue_rescuer()) {
		law(own->has_rescuer, "a rescuer runs an item of another queue");
		atomic_fetch_add(&nr_rescued, 1);
	}
	if ((uintptr_t)work / sizeof(*own) % 4 == 0)
		wait_a_little();
	if (own->rest) {
		own->rest--;
		if (queue_work(own->wq, work))
			atomic_fetch_add(&own->queued, 1);
	}
	atomic_fetch_add(&own->runs, 1);
	atomic_fetch_add(&nr_runs, 1);
	atomic_fetch_sub(&own->inside, 1);
}

static void queue_object(struct object *object, struct rng *rng)
{
	if (queue_work_on((int)rng_below(rng, CPUS), object->wq, &object->work))
		atomic_fetch_add(&object->queued, 1);
}

static void take_back(struct object *object, bool sync)
{
	if (sync ? cancel_work_sync(&object->work) : cancel_work(&object->work))
		atomic_fetch_add(&object->taken, 1);
}

/* Nobody else queues it. */
static void judge(struct object *object)
{
	long queued, runs, taken;

	while (flush_work(&object->work))
		;
	queued = atomic_load(&object->queued);
	runs = atomic_load(&object->runs);
	taken = atomic_load(&object->taken);
	law(queued == runs + taken, "%ld times queued, %ld runs, %ld taken back", queued, runs,
	    taken);
}

static void make_object(struct object *object, struct workqueue_struct *wq, bool has_rescuer)
{
	memset(object, 0, sizeof(*object));
	INIT_WORK(&object->work, run);
	object->wq = wq;
	object->has_rescuer = has_rescuer;
}

/* ------------------------------------------------------- queues come and go */

static struct workqueue_struct *make_visited(struct rng *rng)
{
	switch (rng_below(rng, 3)) {
	case 0:
		return alloc_workqueue("visit", WQ_PERCPU | WQ_MEM_RECLAIM, 0);
	case 1:
		return alloc_workqueue("visit", WQ_UNBOUND | WQ_MEM_RECLAIM, 3);
	default:
		return alloc_ordered_workqueue("visit", WQ_MEM_RECLAIM);
	}
}

/* Without a thread for its rescuer there is no queue; otherwise it needs no other. */
static void visit_queue(struct rng *rng)
{
	struct workqueue_struct *wq;
	struct object object[4];
	long queued = 0, runs = 0;

	errno = 0;
	wq = make_visited(rng);
	if (!wq) {
		law(errno == EAGAIN, "refused with error %d", errno);
		return;
	}
	for (int i = 0; i < 4; i++) {
		make_object(&object[i], wq, /* has_rescuer */ true);
		object[i].rest = rng_below(rng, 3);
		queue_object(&object[i], rng);
	}
	if (rng_below(rng, 2))
		drain_workqueue(wq);
	destroy_workqueue(wq);
	for (int i = 0; i < 4; i++) {
		queued += atomic_load(&object[i].queued);
		runs += atomic_load(&object[i].runs);
	}
	law(queued == runs, "destroyed: %ld times queued, %ld runs", queued, runs);
}

static void change_attributes(struct rng *rng)
{
	struct workqueue_attrs *attrs = alloc_workqueue_attrs();
	/* the unbound ones */
	struct workqueue_struct *wq = queue[2 + rng_below(rng, 3)];
	int err;

	if (!attrs)
		abort();
	attrs->affn_scope = (enum wq_affn_scope)rng_below(rng, WQ_AFFN_NR_TYPES);
	attrs->affn_strict = rng_below(rng, 2);
	err = apply_workqueue_attrs(wq, attrs);
	law(err == 0, "a change failed with %d", err);
	free_workqueue_attrs(attrs);
}

/* ------------------------------------------------------------------- the run */

static void act_on(struct object *object, struct rng *rng)
{
	unsigned int dice = rng_below(rng, 32);

	if (dice < 24)
		queue_object(object, rng);
	else if (dice < 28)
		take_back(object, /* sync */ false);
	else if (dice < 30)
		take_back(object, /* sync */ true);
	else
		flush_work(&object->work);
}

static void act(struct object *object, struct rng *rng)
{
	unsigned int dice = rng_below(rng, 512);

	if (dice == 0)
		visit_queue(rng);
	else if (dice == 1)
		change_attributes(rng);
	else if (dice == 2)
		flush_workqueue(queue[rng_below(rng, NR_QUEUES)]);
	else
		act_on(&object[rng_below(rng, ITEMS)], rng);
}

static void *live(void *nth)
{
	struct rng rng = rng_of(1, (int)(intptr_t)nth);
	struct object *object = calloc(ITEMS, sizeof(*object));

	if (!object)
		abort();
	for (int i = 0; i < ITEMS; i++)
		make_object(&object[i], queue[i % NR_QUEUES], i % NR_QUEUES < NR_RECLAIM);
	for (long op = 0; op < stress.ops; op++)
		act(object, &rng);
	for (int i = 0; i < ITEMS; i++)
		judge(&object[i]);
	free(object);
	return NULL;
}

static void judge_report(const char *line)
{
	if (strstr(line, "WARNING"))
		fault("%s", line);
}

static void make_queues(void)
{
	queue[0] = alloc_workqueue("bound", WQ_PERCPU | WQ_MEM_RECLAIM, 0);
	queue[1] = alloc_workqueue("high", WQ_PERCPU | WQ_HIGHPRI | WQ_MEM_RECLAIM, 2);
	queue[2] = alloc_workqueue("loose", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	queue[3] = alloc_ordered_workqueue("order", WQ_MEM_RECLAIM);
	queue[4] = alloc_workqueue("plain", WQ_UNBOUND, 4);
	queue[5] = alloc_workqueue("plain_bound", WQ_PERCPU, 0);
}

int main(int argc, char **argv)
{
	struct rng rng;
	pthread_t moody;

	stress_begin("stress_rescuer", argc, argv, 100000, 4);
	/* otherwise there would soon be workers enough */
	setenv("WORKQ_IDLE_TIMEOUT_MS", "1", 1);
	workq_set_report_fn(judge_report);
	make_queues();
	/* the first change makes one more rescuer: from then on changes need no thread */
	rng = rng_of(3, 0);
	change_attributes(&rng);
	atomic_store(&thread_is_refused_fn, is_refused);
	if (pthread_create(&moody, NULL, change_mood, NULL))
		abort();
	stress_threads(stress.threads, live);
	atomic_store(&is_over, true);
	pthread_join(moody, NULL);
	for (int i = 0; i < NR_QUEUES; i++)
		destroy_workqueue(queue[i]);
	printf("%ld runs, %ld of them by rescuers, %d threads refused\n", nr_runs, nr_rescued,
	       atomic_load(&nr_threads_refused));
	return stress_end();
}
