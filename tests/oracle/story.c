/* SPDX-License-Identifier: MIT */
/*
 * story.c - what is rare, told step by step: each story has a queue, and an end that is known.
 *
 * Gates and flags make sure that one thing has happened before the next one is done; all else that
 * goes on in the process goes on beside it. Items that wait for others tell the library
 * (workq_block_begin()).
 */
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>

#include "oracle/calls.h"

static void wait_at(sem_t *gate)
{
	workq_block_begin();
	while (sem_wait(gate) && errno == EINTR)
		;
	workq_block_end();
}

/* An item with a plan: to wait at a gate, to queue others, and itself. */
struct actor {
	struct delayed_work dwork;
	const struct place *at;
	sem_t *gate; /* waited for inside, if not NULL */
	struct actor *chained;
	int nr_chained, again;
	atomic_int inside;
	atomic_long runs;
};

static void run_actor(struct work_struct *work)
{
	struct actor *own = container_of(to_delayed_work(work), struct actor, dwork);

	law(atomic_exchange(&own->inside, 1) == 0, "B3: two runs at once");
	if (own->gate)
		wait_at(own->gate);
	for (int i = 0; i < own->nr_chained; i++)
		law(call_queue(own->at, &own->chained[i].dwork.work), "F1: a chained item refused");
	if (own->again > 0) {
		own->again--;
		law(call_queue(own->at, work), "A3, F1: an item refused to queue itself");
	}
	atomic_store(&own->inside, 0);
	atomic_fetch_add(&own->runs, 1);
}

static void actor_init(struct actor *actor, const struct place *at)
{
	*actor = (struct actor){ .at = at };
	INIT_DELAYED_WORK(&actor->dwork, run_actor);
}

static long runs_of(struct actor *actor)
{
	return atomic_load(&actor->runs);
}

static void check_idle(struct actor *actor)
{
	law(!call_busy(&actor->dwork.work) && !call_pending(false, &actor->dwork) &&
		    !atomic_load(&actor->inside),
	    "the story is over, and an item is not idle");
}

/* ---------------------------------------------------------- destroy: F2, F4 */

enum { VISITORS = 6 };

static unsigned int any_flags(struct rng *rng)
{
	static const unsigned int flags[] = { WQ_PERCPU, WQ_UNBOUND, WQ_PERCPU | WQ_HIGHPRI,
					      WQ_PERCPU | WQ_CPU_INTENSIVE };

	return flags[rng_below(rng, 4)];
}

static struct workqueue_struct *any_queue(struct rng *rng)
{
	if (rng_below(rng, 4) == 0)
		return call_alloc_ordered("visited");
	return call_alloc(any_flags(rng), (int)rng_below(rng, 3), "visited");
}

/* Whatever is queued runs, and whatever that queues. */
static void visit(struct rng *rng)
{
	struct place at = { any_queue(rng), rng_below(rng, 2) ? -1 : any_cpu(rng) };
	struct actor visitor[VISITORS];
	int again[VISITORS];

	for (int i = 0; i < VISITORS; i++) {
		actor_init(&visitor[i], &at);
		visitor[i].again = again[i] = (int)rng_below(rng, 4);
		law(call_queue(&at, &visitor[i].dwork.work), "A1: a new item was refused");
	}
	if (rng_below(rng, 2)) {
		call_drain(at.wq);
		for (int i = 0; i < VISITORS; i++)
			law(runs_of(&visitor[i]) == again[i] + 1, "F2: drained with items left");
	}
	call_destroy(at.wq);
	for (int i = 0; i < VISITORS; i++) {
		law(runs_of(&visitor[i]) == again[i] + 1, "F4: destroyed with items left");
		check_idle(&visitor[i]);
	}
}

/* ----------------------------------------------------- drain: A8, F1, F5 */

struct drainer {
	struct work_struct work;
	struct workqueue_struct *wq;
	atomic_bool done;
};

static void run_drainer(struct work_struct *work)
{
	struct drainer *own = container_of(work, struct drainer, work);

	call_drain(own->wq);
	atomic_store(&own->done, true);
}

/* The queue has room for one, who is there: only a refused item is not pending afterwards. */
static bool is_refused(struct drainer *drainer, const struct place *at, struct actor *probe)
{
	law(call_queue(at, &probe->dwork.work), "A1: an idle item was refused");
	if (!call_pending(true, &probe->dwork))
		return true;
	law(!atomic_load(&drainer->done), "F2: drained with an item inside");
	law(call_take(CANCEL, true, &probe->dwork), "G1: a pending item was not taken back");
	return false;
}

static void wait_until_draining(struct drainer *drainer, const struct place *at)
{
	struct actor probe;

	actor_init(&probe, at);
	wait_until(is_refused(drainer, at, &probe));
	law(runs_of(&probe) == 0, "A8: ran past the item that holds the queue up");
	check_idle(&probe);
}

static void knock_while_draining(const struct place *at)
{
	struct actor outsider;

	actor_init(&outsider, at);
	for (int i = 0; i < 3; i++) {
		law(call_queue(at, &outsider.dwork.work), "A8: a dropped item is not idle");
		law(!call_pending(true, &outsider.dwork), "F1: an outsider was accepted");
	}
	law(call_arm(at, &outsider.dwork, 0), "A8, I1: a dropped item is not idle");
	law(!call_pending(false, &outsider.dwork), "F1: an outsider was accepted");
	law(call_arm(at, &outsider.dwork, FAR), "F5: a timer was refused");
	law(call_take(CANCEL_SYNC, false, &outsider.dwork), "G1: an armed timer was not found");
	law(runs_of(&outsider) == 0, "A8: a refused item ran");
}

/* An item, but of another queue. */
struct knocker {
	struct work_struct work;
	const struct place *at;
};

static void run_knocker(struct work_struct *work)
{
	knock_while_draining(container_of(work, struct knocker, work)->at);
}

static void knock_from_elsewhere(const struct place *at)
{
	struct place elsewhere = { system_percpu_wq, -1 };
	struct knocker knocker = { .at = at };

	INIT_WORK(&knocker.work, run_knocker);
	call_queue(&elsewhere, &knocker.work);
	call_flush(&knocker.work);
}

static void drain_beside_others(struct rng *rng)
{
	struct place at = { call_alloc(any_flags(rng), 1, "draining"), any_cpu(rng) };
	struct drainer drainer = { .wq = at.wq };
	struct actor holder, chained[VISITORS];
	struct place elsewhere = { system_dfl_wq, -1 };
	sem_t gate;

	sem_init(&gate, 0, 0);
	actor_init(&holder, &at);
	holder.gate = &gate;
	holder.chained = chained;
	holder.nr_chained = VISITORS;
	for (int i = 0; i < VISITORS; i++) {
		actor_init(&chained[i], &at);
		chained[i].again = (int)rng_below(rng, 3);
	}
	INIT_WORK(&drainer.work, run_drainer);
	call_queue(&at, &holder.dwork.work);
	wait_until(call_busy(&holder.dwork.work) == WORK_BUSY_RUNNING);
	call_queue(&elsewhere, &drainer.work);
	wait_until_draining(&drainer, &at);
	knock_while_draining(&at);
	knock_from_elsewhere(&at);
	sem_post(&gate);
	call_flush(&drainer.work);
	for (int i = 0; i < VISITORS; i++) {
		law(runs_of(&chained[i]) > 0 && !chained[i].again, "F2: the chain has not ended");
		check_idle(&chained[i]);
	}
	law(call_queue(&at, &chained[0].dwork.work), "F2: refused after the drain");
	call_flush(&chained[0].dwork.work);
	check_idle(&chained[0]);
	call_destroy(at.wq);
	sem_destroy(&gate);
}

/* ---------------------------------------------------- flushers: E1, E5, E6 */

enum { FLUSHERS = 3 };

struct flusher {
	struct work_struct work;
	struct actor *target;
	atomic_bool begun;
	long runs_seen;
};

static void run_flusher(struct work_struct *work)
{
	struct flusher *own = container_of(work, struct flusher, work);

	atomic_store(&own->begun, true);
	call_flush(&own->target->dwork.work);
	own->runs_seen = runs_of(own->target);
}

static void flush_together(struct rng *rng)
{
	struct place at = make_row(rng, "flushed"), elsewhere = { system_dfl_wq, -1 };
	bool cancel = rng_below(rng, 2);
	struct flusher flusher[FLUSHERS];
	struct actor holder, target;
	sem_t gate;

	sem_init(&gate, 0, 0);
	actor_init(&holder, &at);
	actor_init(&target, &at);
	holder.gate = &gate;
	call_queue(&at, &holder.dwork.work);
	call_queue(&at, &target.dwork.work);
	for (int i = 0; i < FLUSHERS; i++) {
		flusher[i] = (struct flusher){ .target = &target };
		INIT_WORK(&flusher[i].work, run_flusher);
		call_queue(&elsewhere, &flusher[i].work);
	}
	for (int i = 0; i < FLUSHERS; i++)
		wait_until(atomic_load(&flusher[i].begun));
	if (cancel)
		law(call_take(CANCEL + rng_below(rng, 2), true, &target.dwork), "G1: not pending");
	else
		sem_post(&gate);
	for (int i = 0; i < FLUSHERS; i++) {
		call_flush(&flusher[i].work);
		law(flusher[i].runs_seen == !cancel, "E1, E5, E6: %ld runs when it was over",
		    flusher[i].runs_seen);
	}
	if (cancel)
		sem_post(&gate);
	call_destroy(at.wq);
	law(runs_of(&target) == !cancel, "G1: %ld runs", runs_of(&target));
	sem_destroy(&gate);
}

/* ------------------------------------- cancel_sync against requeueing: G2, G3 */

struct stubborn {
	struct delayed_work dwork;
	struct place at;
	bool insists;
	atomic_bool is_ready;
	atomic_long entered, left;
};

/* Pending until the canceller has it; then refused for as long as he waits for us. */
static void insist(struct stubborn *own)
{
	law(call_queue(&own->at, &own->dwork.work), "A3: an item refused to queue itself");
	atomic_store(&own->is_ready, true);
	wait_until(!call_pending(true, &own->dwork));
	for (int i = 0; i < 3; i++)
		law(!call_queue(&own->at, &own->dwork.work), "G3: queued while it is waited for");
}

static void run_stubborn(struct work_struct *work)
{
	struct stubborn *own = container_of(to_delayed_work(work), struct stubborn, dwork);

	law(atomic_fetch_add(&own->entered, 1) == look_at(&own->left), "B3: two runs at once");
	if (own->insists)
		insist(own);
	atomic_fetch_add(&own->left, 1);
}

static void cancel_stubborn(struct rng *rng)
{
	bool disable = rng_below(rng, 2);
	struct stubborn item = { .insists = true };

	item.at = (struct place){ any_queue(rng), any_cpu(rng) };
	INIT_DELAYED_WORK(&item.dwork, run_stubborn);
	call_queue(&item.at, &item.dwork.work);
	wait_until(atomic_load(&item.is_ready));
	law(call_busy(&item.dwork.work) == (WORK_BUSY_PENDING | WORK_BUSY_RUNNING),
	    "B3: it runs and is pending");
	law(call_take(disable ? DISABLE_SYNC : CANCEL_SYNC, true, &item.dwork),
	    "G2: it was pending");
	law(look_at(&item.left) == 1 && look_at(&item.entered) == 1 && !call_busy(&item.dwork.work),
	    "G2, G4: it still runs");
	item.insists = false;
	if (disable) {
		law(!call_queue(&item.at, &item.dwork.work), "H1: accepted while disabled");
		law(call_enable(true, &item.dwork), "H2: depth is left");
	}
	law(call_queue(&item.at, &item.dwork.work), "G3: still disabled");
	call_destroy(item.at.wq);
	law(look_at(&item.left) == 2, "A4: %ld runs, not 2", look_at(&item.left));
}

/* ------------------------------------------------- together: C4; one more: C6 */

enum { PARTY = 4 };

struct guest {
	struct work_struct work;
	atomic_int *arrived;
	int expected;
};

static void run_guest(struct work_struct *work)
{
	struct guest *own = container_of(work, struct guest, work);

	atomic_fetch_add(own->arrived, 1);
	workq_block_begin();
	wait_until(atomic_load(own->arrived) >= own->expected);
	workq_block_end();
}

/* So many as max_active says wait for each other, and all of them go on. */
static void meet(struct rng *rng)
{
	int expected = 2 + (int)rng_below(rng, PARTY - 1);
	struct place at = { call_alloc(any_flags(rng), expected, "party"), any_cpu(rng) };
	struct guest guest[PARTY];
	atomic_int arrived = 0;

	for (int i = 0; i < expected; i++) {
		guest[i].arrived = &arrived;
		guest[i].expected = expected;
		INIT_WORK(&guest[i].work, run_guest);
		call_queue(&at, &guest[i].work);
	}
	for (int i = 0; i < expected; i++) {
		call_flush(&guest[i].work);
		law(atomic_load(&arrived) == expected, "E1: over before the others were there");
	}
	call_destroy(at.wq);
}

static void raise_limit(struct rng *rng)
{
	struct place at = { call_alloc(any_flags(rng), 1, "raised"), any_cpu(rng) };
	struct actor holder, waiting[VISITORS];
	sem_t gate;

	sem_init(&gate, 0, 0);
	actor_init(&holder, &at);
	holder.gate = &gate;
	call_queue(&at, &holder.dwork.work);
	for (int i = 0; i < VISITORS; i++) {
		actor_init(&waiting[i], &at);
		call_queue(&at, &waiting[i].dwork.work);
	}
	for (int i = 0; i < VISITORS; i++)
		law(runs_of(&waiting[i]) == 0 && call_pending(true, &waiting[i].dwork),
		    "C1: one too many");
	call_set_max_active(at.wq, 2);
	for (int i = 0; i < VISITORS; i++) {
		call_flush(&waiting[i].dwork.work);
		law(runs_of(&waiting[i]) == 1, "C6: %ld runs", runs_of(&waiting[i]));
	}
	law(runs_of(&holder) == 0, "C6: lowered, or over");
	call_set_max_active(at.wq, 1);
	sem_post(&gate);
	call_destroy(at.wq);
	sem_destroy(&gate);
}

/* ---------------------------------------------- it runs where it has run: B4 */

struct mover {
	struct work_struct work;
	struct place to;
	int rest;
	int ran_on[3];
	long nr_runs;
};

static void run_mover(struct work_struct *work)
{
	struct mover *own = container_of(work, struct mover, work);

	own->ran_on[own->nr_runs++] = sched_getcpu();
	if (own->rest-- > 0)
		law(call_queue(&own->to, work), "A3: an item refused to queue itself");
}

static void move_while_it_runs(struct rng *rng)
{
	struct place at = { call_alloc(WQ_PERCPU, 0, "moved"), any_cpu(rng) };
	struct mover mover = { .to = { at.wq, any_cpu(rng) }, .rest = 2 };

	INIT_WORK(&mover.work, run_mover);
	call_queue(&at, &mover.work);
	call_drain(at.wq);
	law(mover.nr_runs == 3, "F2: %ld runs, not 3", mover.nr_runs);
	for (int i = 0; i < 3; i++)
		law(mover.ran_on[i] == at.cpu,
		    "B4: queued on CPU %d while running on %d, ran on %d", mover.to.cpu, at.cpu,
		    mover.ran_on[i]);
	call_destroy(at.wq);
}

/* ------------------------------------------------------------------- the scene */

static void turn_story(int client, struct rng *rng)
{
	static void (*const stories[])(struct rng *) = {
		visit, drain_beside_others, flush_together,     cancel_stubborn,
		meet,  raise_limit,         move_while_it_runs,
	};

	(void)client;
	stories[rng_below(rng, sizeof(stories) / sizeof(stories[0]))](rng);
}

static void nothing(void)
{
}

const struct scene scene_story = { "story", nothing, turn_story, nothing, 1 };
