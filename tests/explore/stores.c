/* SPDX-License-Identifier: MIT */
/*
 * stores.c - the deterministic back end of the library's atomic operations (contracts in stores.h).
 */
#include "stores.h"

#include <string.h>

#include "base/atomic.h"
#include "memory.h"
#include "reduce.h"
#include "search.h"

/*
 * Memory has the new value at once, for its thread, which also reads it plainly; what is buffered is
 * the old one, which the others go on seeing.
 */

void stores_flush(struct fiber *fiber, unsigned int nr)
{
	if (!reduce_flush(fiber, nr) && search_reduces())
		machine_cut();
	fiber->nr_buffered -= nr;
	if (!fiber->nr_buffered)
		machine.buffering &= ~machine_bit(fiber);
	memmove(fiber->buffer, fiber->buffer + nr, fiber->nr_buffered * sizeof(fiber->buffer[0]));
}

void stores_flush_self(void)
{
	machine_self()->nr_ghosts = 0;
	machine.ghosted &= ~machine_bit(machine_self());
	stores_flush(machine_self(), machine_self()->nr_buffered);
}

void stores_settle(void)
{
	for (int i = 0; i < MAX_FIBERS; i++)
		machine.fiber[i].nr_buffered = 0;
	machine.buffering = 0;
}

void stores_flush_all(void)
{
	if (machine_fault == WEAK_BARRIER) {
		machine_self()->nr_buffered = 0;
		machine.buffering &= ~machine_bit(machine_self());
		return;
	}
	stores_settle();
}

static struct buffered *find_buffered(struct fiber *fiber, const void *p)
{
	for (unsigned int i = 0; i < fiber->nr_buffered; i++)
		if (fiber->buffer[i].p == p)
			return &fiber->buffer[i];
	return NULL;
}

/* By whom a store to this is under way that the running fiber does not see; or NULL. */
static struct fiber *who_buffers(const void *p)
{
	uint32_t buffering = machine.buffering;
	struct fiber *fiber;

	while ((fiber = machine_take(&buffering)))
		if (find_buffered(fiber, p))
			return find_buffered(machine_self(), p) ? NULL : fiber;
	return NULL;
}

uintptr_t stores_visible(const void *p, size_t size)
{
	struct fiber *other = who_buffers(p);
	uintptr_t value = 0;

	if (other)
		return find_buffered(other, p)->old;
	memcpy(&value, p, size);
	return value;
}

uintptr_t explore_load(const void *p, size_t size)
{
	memory_check(p);
	machine_point(p, READS);
	return stores_visible(p, size);
}

void explore_store(void *p, size_t size, uintptr_t value)
{
	struct fiber *self = machine_self(), *other;
	uintptr_t old = 0;

	memory_check(p);
	machine_point(p, WRITES);
	if (machine.keeps_stores) {
		/* two stores to the same place become visible in the order in which they came */
		while ((other = who_buffers(p)))
			stores_flush(other, 1);
		if (self->nr_buffered == MAX_BUFFERED)
			stores_flush(self, 1);
		memcpy(&old, p, size);
		machine.buffering |= machine_bit(self);
		self->buffer[self->nr_buffered++] = (struct buffered){ .p = p, .old = old };
	}
	memcpy(p, &value, size);
}

void explore_fence(void)
{
	machine_point(NULL, FENCES);
	stores_flush_self();
}

/* Before a read-modify-write: the value that it finds. */
static uintptr_t begin_rmw(void *p, size_t size)
{
	memory_check(p);
	machine_point(p, UPDATES);
	stores_flush_self();
	return stores_visible(p, size);
}

/* A store that is still under way comes after it. */
static void end_rmw(void *p, size_t size, uintptr_t value)
{
	struct fiber *other = who_buffers(p);

	if (other)
		find_buffered(other, p)->old = value;
	else
		memcpy(p, &value, size);
}

void explore_store_fenced(void *p, size_t size, uintptr_t value)
{
	if (machine_fault == WEAK_STORE) {
		explore_store(p, size, value);
		return;
	}
	begin_rmw(p, size);
	end_rmw(p, size, value);
}

uintptr_t explore_xchg(void *p, size_t size, uintptr_t value)
{
	uintptr_t found = begin_rmw(p, size);

	if (machine_fault == TORN_RMW)
		machine_point(p, UPDATES);
	end_rmw(p, size, value);
	return found;
}

bool explore_cas(void *p, size_t size, void *old, uintptr_t value)
{
	uintptr_t found = begin_rmw(p, size), expected = 0;

	memcpy(&expected, old, size);
	if (found != expected) {
		memcpy(old, &found, size);
		return false;
	}
	end_rmw(p, size, value);
	return true;
}

uintptr_t explore_or(void *p, size_t size, uintptr_t value)
{
	uintptr_t found = begin_rmw(p, size);

	end_rmw(p, size, found | value);
	return found;
}

uintptr_t explore_and(void *p, size_t size, uintptr_t value)
{
	uintptr_t found = begin_rmw(p, size);

	end_rmw(p, size, found & value);
	return found;
}

uintptr_t explore_add(void *p, size_t size, uintptr_t value)
{
	uintptr_t found = begin_rmw(p, size);

	end_rmw(p, size, found + value);
	return found;
}

void explore_relax(void)
{
	machine_yield();
}
