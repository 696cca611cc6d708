/* SPDX-License-Identifier: MIT */
/*
 * reduce.c - which schedules show nothing that another one does not show (contracts in reduce.h).
 */
#include "reduce.h"

#include "search.h"

/* Places are told apart by eight bytes, as in search.c. */
static bool is_same_place(const void *a, const void *b)
{
	return (uintptr_t)a >> 3 == (uintptr_t)b >> 3;
}

static bool writes(struct step step)
{
	return step.access == WRITES || step.access == UPDATES;
}

static bool must_not_swap(struct step a, struct step b)
{
	if (a.access == ANYTHING || b.access == ANYTHING)
		return true;
	return a.p && b.p && is_same_place(a.p, b.p) && (writes(a) || writes(b));
}

static bool empties_buffer(struct step step)
{
	return step.access == UPDATES || step.access == FENCES;
}

static void meet(struct fiber *fiber)
{
	machine.unmet &= ~machine_bit(fiber);
}

/* Somebody else looks for a store that the fiber keeps back. */
static void note_seen(struct fiber *fiber, const void *p)
{
	for (unsigned int i = 0; i < fiber->nr_buffered; i++) {
		if (!is_same_place(fiber->buffer[i].p, p))
			continue;
		fiber->buffer[i].is_unseen = false;
		if (empties_buffer(fiber->pending))
			meet(fiber);
	}
}

/* Somebody else looks for a store that might be kept back: that is to be tried. */
static void note_ghosts(const struct fiber *fiber, const void *p)
{
	for (unsigned int i = 0; i < fiber->nr_ghosts; i++)
		if (is_same_place(fiber->ghost[i].p, p))
			search_give_reason(fiber->ghost[i].choice, fiber->ghost[i].variant);
}

void reduce_step(struct step step)
{
	uint32_t unmet = machine.unmet, buffering = machine.buffering, ghosted = machine.ghosted;
	struct fiber *fiber;

	while ((fiber = machine_take(&unmet)))
		if (must_not_swap(fiber->pending, step))
			meet(fiber);
	if (!step.p)
		return;
	while ((fiber = machine_take(&buffering)))
		note_seen(fiber, step.p);
	while ((fiber = machine_take(&ghosted)))
		note_ghosts(fiber, step.p);
}

void reduce_preempt_seen(unsigned int nr)
{
	struct fiber *self = machine_self();

	for (unsigned int i = 0; i < nr; i++) {
		struct ghost ghost = { self->buffer[i].p, search_run.next - 1,
				       self->nr_buffered - i };

		if (self->nr_ghosts == MAX_GHOSTS) {
			search_give_reason(ghost.choice, ghost.variant);
			continue;
		}
		self->ghost[self->nr_ghosts++] = ghost;
		machine.ghosted |= machine_bit(self);
	}
}

void reduce_preempt(struct step step)
{
	struct fiber *self = machine_self();

	self->pending = step;
	if (step.access != ANYTHING)
		machine.unmet |= machine_bit(self);
	self->was_looked_at = false;
	if (self->nr_buffered)
		self->buffer[0].is_unseen = true;
}

void reduce_resume(struct fiber *fiber)
{
	fiber->is_redundant = machine.unmet & machine_bit(fiber);
	meet(fiber);
	fiber->looks = false;
}

static void note_special(void)
{
	if (machine_self()->last)
		search_note_special(machine_self()->last);
}

bool reduce_is_redundant(const struct fiber *self)
{
	return self->is_redundant && !(self->looks && self->was_looked_at);
}

bool reduce_is_useless(const struct fiber *fiber)
{
	return (machine.unmet & machine_bit(fiber)) && fiber->pending.p &&
	       !search_is_special(fiber->pending.p);
}

void reduce_keep(void)
{
	machine_self()->is_redundant = false;
	note_special();
}

bool reduce_flush(const struct fiber *fiber, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		if (fiber->buffer[i].is_unseen)
			return false;
		/* whoever was preempted before a step there sees another value now */
		reduce_step((struct step){ fiber->buffer[i].p, WRITES });
	}
	return true;
}

void reduce_look(void)
{
	uint32_t unmet = machine.unmet;
	struct fiber *fiber;

	note_special();
	machine.history =
		machine.history * 0x9e3779b97f4a7c15ull + (unsigned int)machine.running + 1;
	machine_self()->looks = true;
	while ((fiber = machine_take(&unmet)))
		fiber->was_looked_at = true;
}
