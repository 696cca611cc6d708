/* SPDX-License-Identifier: MIT */
/*
 * shared.c - items of all kinds of queues that everybody uses at once.
 *
 * Calls that nobody else's overlapped, by the item's ledger, must be answered as the model says;
 * the others must be possible. What holds in any case: never two runs at once (B3); a flush is not
 * over before what was queued before it is (E1, D1); after disable_work_sync() no run (H1). When a
 * client happens to be alone with an item that it has cancelled, and in the end, the books must
 * balance (A4).
 */
#include <sched.h>
#include <stdlib.h>

#include "oracle/calls.h"
#include "oracle/ledger.h"

enum kind {
	PERCPU,
	PERCPU_ONE,
	UNBOUND,
	ORDERED,
	HIGHPRI_INTENSIVE,
	BH,
	DRAINED, /* the only one that drain_workqueue() is called on */
	NR_KINDS,
};

enum {
	COMMON_PER_KIND = 4,
	TURN_OPS = 400,
};

struct item {
	struct delayed_work dwork;
	enum kind kind;
	bool is_plain;
	struct ledger *ledger;
	atomic_int inside;
	/* of runs, one after another: plain on purpose */
	struct rng rng;
	long runs;
	/* A5, A6: clients count up, runs look */
	atomic_long note[MAX_CLIENTS], noted[MAX_CLIENTS];
};

/* The item that a client keeps disabled. */
struct off {
	struct item *item;
	long entered;
	bool is_sync;
};

static struct workqueue_struct *queue[NR_KINDS];
static atomic_long drains_begun, drains_ended;
static atomic_int inside_ordered;
static struct item *items; /* the common ones; behind them each client's own, one of a kind */
static int nr_items;
static struct off off[MAX_CLIENTS];

/* -------------------------------------------------------------- one operation */

/* A call that can change an item, of a client or of its run. */
struct step {
	struct item *item;
	struct account *account;
	struct sums before, after;
	long drains; /* ended before */
	bool alone;
};

static void begin_step(struct step *step, struct item *item, int user)
{
	step->item = item;
	step->account = &item->ledger->account[user];
	step->drains = look_at(&drains_ended);
	ledger_sum(item->ledger, &step->before);
	count_own(&step->account->begun, 1);
}

/* The call has returned, and its outcome is in the account. */
static void end_step(struct step *step)
{
	long open = nr_open(&step->before);

	ledger_sum(step->item->ledger, &step->after);
	step->alone = is_quiet(&step->before) && step->after.begun == step->before.begun + 1;
	if (is_quiet(&step->before) && is_certain(&step->before))
		law(open >= 0 && open <= 2, "A1, A4: %ld runs are to come", open);
	count_judged(step->alone && is_certain(&step->before));
	count_own(&step->account->ended, 1);
}

/* Alone, and nothing uncertain: the state before the call is known. */
static bool is_exact(const struct step *step)
{
	return step->alone && is_certain(&step->before);
}

/* Exact, and the item was certainly not pending. */
static bool was_idle(const struct step *step)
{
	return is_exact(step) && nr_open(&step->before) == 0;
}

/* ------------------------------------------------------------------- queueing */

static struct place place_for(const struct item *item, struct rng *rng)
{
	struct place at = { queue[item->kind], rng_below(rng, 2) ? -1 : any_cpu(rng) };

	return at;
}

static unsigned long any_delay(struct rng *rng)
{
	static const unsigned long delays[] = { 0, 0, 0, 1, 1, 2, 5, FAR };

	return delays[rng_below(rng, 8)];
}

/* From outside: if a drain overlapped the call, the item may have been refused (A8). */
static bool can_be_dropped(const struct step *step, int user)
{
	return user != RUNS && step->item->kind == DRAINED &&
	       look_at(&drains_begun) != step->drains;
}

static void check_queued(const struct step *step, bool accepted)
{
	long depth = depth_of(&step->before);

	if (accepted && step->alone)
		law(depth == 0, "H1: accepted with depth %ld", depth);
	if (!accepted && was_idle(step))
		law(depth > 0, "A1, A7: an idle item was refused");
}

/* Relaxed: that the run sees it is the library's affair (A5, A6). */
static long read_note(struct item *item, int client)
{
	return atomic_load_explicit(&item->note[client], memory_order_relaxed);
}

static void leave_note(struct item *item, int client)
{
	atomic_store_explicit(&item->note[client], read_note(item, client) + 1,
			      memory_order_relaxed);
}

/* True: the item was enabled, and so there is a run to come, whatever the answer. */
static bool queue_step(struct item *item, int user, struct rng *rng)
{
	struct place at = place_for(item, rng);
	struct step step;
	bool accepted;

	begin_step(&step, item, user);
	if (user != RUNS)
		leave_note(item, user);
	if (item->is_plain || rng_below(rng, 4) == 0)
		accepted = call_queue(&at, &item->dwork.work);
	else
		accepted = call_arm(&at, &item->dwork, any_delay(rng));
	if (accepted && can_be_dropped(&step, user))
		count_own(&step.account->uncertain, 1);
	count_own(&step.account->accepted, accepted);
	end_step(&step);
	check_queued(&step, accepted);
	return is_exact(&step) && depth_of(&step.before) == 0;
}

/* Did a disabling, or a cancelling that waits, perhaps overlap? */
static bool can_be_off(const struct item *item, const struct step *step)
{
	struct sums now;

	ledger_sum(item->ledger, &now);
	return now.offs_begun > step->before.ons_ended;
}

static void mod_step(struct item *item, int user, struct rng *rng)
{
	struct place at = place_for(item, rng);
	struct step step;
	bool was_pending;

	begin_step(&step, item, user);
	was_pending = call_mod(&at, &item->dwork, any_delay(rng));
	if (!was_pending) {
		if (can_be_off(item, &step))
			count_own(&step.account->uncertain, 1);
		count_own(&step.account->accepted, 1);
	}
	end_step(&step);
	if (was_idle(&step))
		law(!was_pending, "A4: mod_delayed_work() found an idle item pending");
	if (step.alone && depth_of(&step.before) > 0)
		law(!was_pending, "H4: a disabled item was pending");
}

/* A5, A6: also after a false the run to come sees what was stored before. */
static void queue_and_flush(struct item *item, int client, struct rng *rng)
{
	long note = read_note(item, client) + 1;
	struct sums before, after;
	bool certain;

	ledger_sum(item->ledger, &before);
	certain = queue_step(item, client, rng);
	if (item->is_plain)
		call_flush(&item->dwork.work);
	else
		call_flush_delayed(&item->dwork);
	ledger_sum(item->ledger, &after);
	if (certain && is_quiet(&before) && after.begun == before.begun + 1 && is_certain(&after))
		law(look_at(&item->noted[client]) >= note,
		    "A5, A6: the run saw %ld, not %ld; queue %d, plain %d, accepted %ld",
		    look_at(&item->noted[client]), note, item->kind, item->is_plain,
		    after.accepted - before.accepted);
}

/* ---------------------------------------------------------------- taking back */

static void begin_take(struct step *step, enum take how)
{
	count_own(&step->account->takes_begun, 1);
	if (how != CANCEL)
		count_own(&step->account->offs_begun, 1);
}

static void end_take(struct step *step, enum take how, bool was_taken)
{
	count_own(was_taken ? &step->account->taken : &step->account->takes_failed, 1);
	if (how != CANCEL)
		count_own(&step->account->offs_ended, 1);
	if (how == CANCEL_SYNC) {
		count_own(&step->account->ons_begun, 1);
		count_own(&step->account->ons_ended, 1);
	}
}

/* The item is idle, and nobody else is there: what is missing was refused, if it can have been. */
static void balance(struct step *step)
{
	const struct sums *sums = &step->after;
	long open = nr_open(sums);

	law(open >= 0 && open <= sums->uncertain - sums->resolved,
	    "A4: accepted %ld, taken back %ld, refused %ld, ran %ld; uncertain %ld", sums->accepted,
	    sums->taken, sums->refused, sums->entered, sums->uncertain - sums->resolved);
	law(sums->left == sums->entered, "G4: %ld entered, %ld left", sums->entered, sums->left);
	count_own(&step->account->refused, open);
	count_own(&step->account->resolved, sums->uncertain - sums->resolved);
}

/* What is refused is written while the step counts as begun: nobody takes it for quiet. */
static void take_step(struct item *item, int user, enum take how)
{
	unsigned int busy = 0;
	struct step step;
	bool was_taken;

	begin_step(&step, item, user);
	begin_take(&step, how);
	was_taken = call_take(how, item->is_plain, &item->dwork);
	if (take_waits(how))
		busy = call_busy(&item->dwork.work) | (unsigned int)atomic_load(&item->inside) << 2;
	end_take(&step, how, was_taken);
	ledger_sum(item->ledger, &step.after);
	if (take_waits(how) && is_quiet(&step.before) &&
	    step.after.begun == step.before.begun + 1) {
		law(!busy, "G2, G4, H1: busy %u after waiting", busy);
		balance(&step);
	}
	end_step(&step);
	if (was_idle(&step))
		law(!was_taken, "G1: an idle item was taken back");
}

static void switch_off(struct item *item, int client, enum take how)
{
	struct off *mine = &off[client];

	take_step(item, client, how);
	mine->item = item;
	mine->is_sync = how == DISABLE_SYNC;
	mine->entered = look_at(&item->ledger->entered);
}

static void switch_on(int client)
{
	struct off *mine = &off[client];
	struct item *item = mine->item;
	struct step step;
	bool answer;

	if (mine->is_sync)
		law(look_at(&item->ledger->entered) == mine->entered && !atomic_load(&item->inside),
		    "H1: a disabled item ran");
	mine->item = NULL;
	begin_step(&step, item, client);
	count_own(&step.account->ons_begun, 1);
	answer = call_enable(item->is_plain, &item->dwork);
	count_own(&step.account->ons_ended, 1);
	end_step(&step);
	if (step.alone)
		law(answer == (depth_of(&step.before) == 1), "H2: enabling says %d, depth was %ld",
		    answer, depth_of(&step.before));
}

/* ----------------------------------------------------------- waiting, looking */

/*
 * Plain items: what was accepted before is over, taken back, or refused, but for so many as are
 * excused.
 */
static void check_settled(struct item *item, const struct sums *before, long excused,
			  const char *letters)
{
	struct sums now;
	long settled;

	ledger_sum(item->ledger, &now);
	settled = now.left + now.takes_begun - now.takes_failed + now.refused + now.uncertain -
		  now.resolved;
	law(settled + excused >= before->accepted, "%s: %ld of %ld are over, queue %d", letters,
	    settled, before->accepted, item->kind);
}

/* E6: if the queueing that we wait for is taken back, the run before it may go on. */
static void flush_plain(struct item *item)
{
	struct sums before, after;

	ledger_sum(item->ledger, &before);
	call_flush(&item->dwork.work);
	ledger_sum(item->ledger, &after);
	check_settled(item, &before, after.takes_begun > before.taken + before.takes_failed, "E1");
}

/* Others can move a delayed one to where a flush does not look: judged if nobody did. */
static void flush_delayed(struct item *item, bool also_timer)
{
	struct sums before, after;
	bool answer;

	ledger_sum(item->ledger, &before);
	answer = also_timer ? call_flush_delayed(&item->dwork) : call_flush(&item->dwork.work);
	ledger_sum(item->ledger, &after);
	if (!is_quiet(&before) || after.begun != before.begun || !is_certain(&before))
		return;
	if (also_timer)
		law(after.left == after.entered && nr_open(&after) == 0,
		    "E3: %ld not entered, %ld inside", nr_open(&after), after.entered - after.left);
	if (!answer && !also_timer)
		law(after.left == before.entered || nr_open(&before) > 0, "E1: still inside");
}

static void look(struct item *item)
{
	struct sums before, after;
	unsigned int busy;
	bool pending;

	ledger_sum(item->ledger, &before);
	pending = call_pending(item->is_plain, &item->dwork);
	busy = call_busy(&item->dwork.work);
	ledger_sum(item->ledger, &after);
	if (!is_quiet(&before) || after.begun != before.begun || !is_certain(&before))
		return;
	if (after.left < before.entered)
		law(busy & WORK_BUSY_RUNNING, "work_busy() is %u and does not see the run", busy);
	if (nr_open(&before) == 0)
		law(!pending && !(busy & WORK_BUSY_PENDING), "A3: an idle item is pending");
	if (!pending && nr_open(&after) > 0)
		law(!(busy & WORK_BUSY_PENDING), "A3: pending after it was not");
}

static void wait_for_queue(enum kind kind, bool drain)
{
	struct sums *before = must_alloc((size_t)nr_items * sizeof(*before));

	for (int i = 0; i < nr_items; i++)
		if (items[i].kind == kind)
			ledger_sum(items[i].ledger, &before[i]);
	if (drain) {
		atomic_fetch_add(&drains_begun, 1);
		call_drain(queue[kind]);
		atomic_fetch_add(&drains_ended, 1);
	} else {
		call_flush_queue(queue[kind]);
	}
	for (int i = 0; i < nr_items; i++)
		if (items[i].kind == kind && items[i].is_plain)
			check_settled(&items[i], &before[i], 0, drain ? "F2" : "D1");
	free(before);
}

static void act_on_queue(struct rng *rng)
{
	enum kind kind = (enum kind)rng_below(rng, NR_KINDS);
	unsigned int dice = rng_below(rng, 4);

	if (kind == DRAINED && dice)
		wait_for_queue(kind, true);
	else if (dice < 2)
		wait_for_queue(kind, false);
	else if (dice == 2 && (kind == PERCPU || kind == UNBOUND))
		call_set_max_active(queue[kind], 1 + (int)rng_below(rng, 16));
	else
		call_congested(any_cpu(rng), queue[kind]);
}

/* ------------------------------------------------------------- what items do */

static void act_inside(struct item *item)
{
	unsigned int dice = rng_below(&item->rng, 64);

	if (dice < 6)
		queue_step(item, RUNS, &item->rng);
	else if (dice < 10 && !item->is_plain)
		mod_step(item, RUNS, &item->rng);
	else if (dice < 12)
		take_step(item, RUNS, CANCEL);
	else if (dice < 15 && item->kind != BH)
		sched_yield();
}

static void run_once(struct item *item)
{
	law(atomic_exchange(&item->inside, 1) == 0, "B3: two runs at once");
	if (item->kind == ORDERED)
		law(atomic_fetch_add(&inside_ordered, 1) == 0, "B9: two at once");
	for (int client = 0; client < oracle.clients; client++)
		atomic_store_explicit(&item->noted[client], read_note(item, client),
				      memory_order_relaxed);
	add_own(&item->ledger->entered, 1);
	item->runs++;
	act_inside(item);
	if (item->kind == ORDERED)
		atomic_fetch_sub(&inside_ordered, 1);
	atomic_store(&item->inside, 0);
	add_own(&item->ledger->left, 1);
}

static void run_shared(struct work_struct *work)
{
	struct item *item = container_of(to_delayed_work(work), struct item, dwork);

	if (item->kind != BH)
		law(call_current() == work, "current_work() is another item");
	run_once(item);
	if (seeded(SEED_RUN_TWICE))
		run_once(item);
}

/* ------------------------------------------------------------------- clients */

/*
 * In every other epoch there is but one for each queue, so that calls overlap. Else half of the
 * time one that nobody else uses but its runs.
 */
static bool is_crowded(void)
{
	return oracle.epoch % 2 == 0;
}

static int nr_common(void)
{
	return is_crowded() ? NR_KINDS : NR_KINDS * COMMON_PER_KIND;
}

static struct item *any_item(int client, struct rng *rng)
{
	if (is_crowded() || rng_below(rng, 2))
		return &items[rng_below(rng, (unsigned int)nr_common())];
	return &items[nr_common() + client * NR_KINDS + (int)rng_below(rng, NR_KINDS)];
}

static void wait_for_item(struct item *item, struct rng *rng)
{
	if (item->is_plain)
		flush_plain(item);
	else
		flush_delayed(item, rng_below(rng, 2));
}

static void act_on_item(struct item *item, int client, struct rng *rng)
{
	unsigned int dice = rng_below(rng, 512);

	if (dice < 200 || (dice < 260 && item->is_plain))
		queue_step(item, client, rng);
	else if (dice < 260)
		mod_step(item, client, rng);
	else if (dice < 320)
		take_step(item, client, CANCEL);
	else if (dice < 330)
		take_step(item, client, CANCEL_SYNC);
	else if (dice < 350 && !off[client].item)
		switch_off(item, client, DISABLE + rng_below(rng, 2));
	else if (dice < 380 && off[client].item)
		switch_on(client);
	else if (dice < 384)
		wait_for_item(item, rng);
	else if (dice < 386)
		queue_and_flush(item, client, rng);
	else if (dice < 387)
		act_on_queue(rng);
	else
		look(item);
}

/* Who waits keeps nobody off. */
static void turn_shared(int client, struct rng *rng)
{
	for (int i = 0; i < TURN_OPS; i++)
		act_on_item(any_item(client, rng), client, rng);
	if (off[client].item)
		switch_on(client);
}

/* -------------------------------------------------------------------- epochs */

static void make_queues(void)
{
	queue[PERCPU] = call_alloc(WQ_PERCPU, 0, "percpu");
	queue[PERCPU_ONE] = call_alloc(WQ_PERCPU, 1, "percpu_one");
	queue[UNBOUND] = call_alloc(WQ_UNBOUND, 0, "unbound");
	queue[ORDERED] = call_alloc_ordered("ordered");
	queue[HIGHPRI_INTENSIVE] =
		call_alloc(WQ_PERCPU | WQ_HIGHPRI | WQ_CPU_INTENSIVE, 0, "intensive");
	queue[BH] = call_alloc(WQ_PERCPU | WQ_BH, 0, "bh");
	queue[DRAINED] = call_alloc(WQ_UNBOUND, 0, "drained");
}

static void begin_shared(void)
{
	struct rng rng = rng_of(5, 0);

	nr_items = nr_common() + oracle.clients * NR_KINDS;
	items = must_alloc((size_t)nr_items * sizeof(*items));
	make_queues();
	for (int i = 0; i < nr_items; i++) {
		struct item *item = &items[i];

		INIT_DELAYED_WORK(&item->dwork, run_shared);
		item->kind = (enum kind)(i % NR_KINDS);
		item->is_plain = item->kind == DRAINED || rng_below(&rng, 2);
		item->rng = rng_of(2, (unsigned int)i);
		item->ledger = must_alloc(sizeof(*item->ledger));
	}
}

/* Cancelled, nobody else is there: each step balances the books. */
static void end_shared(void)
{
	for (int kind = 0; kind < NR_KINDS; kind++)
		call_flush_queue(queue[kind]);
	for (int i = 0; i < nr_items; i++)
		take_step(&items[i], 0, CANCEL_SYNC);
	for (int kind = 0; kind < NR_KINDS; kind++)
		call_destroy(queue[kind]);
	for (int i = 0; i < nr_items; i++) {
		law(items[i].runs == look_at(&items[i].ledger->left), "B3: %ld runs, %ld left",
		    items[i].runs, look_at(&items[i].ledger->left));
		free(items[i].ledger);
	}
	free(items);
}

const struct scene scene_shared = { "shared", begin_shared, turn_shared, end_shared, 8 };
