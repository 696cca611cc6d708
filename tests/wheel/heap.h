/* SPDX-License-Identifier: MIT */
/*
 * heap.h - the oracle of the timing wheel: a binary heap of timers by the time at which they are due.
 *
 * It has nothing in common with a wheel: no slots, no levels, and no time. Keys are 64 bits
 * that do not wrap around. Its room for `max` timers is the caller's worry (heap_init()).
 */
#ifndef TESTS_WHEEL_HEAP_H
#define TESTS_WHEEL_HEAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct heap_entry {
	uint64_t key;
	uint32_t id;
};

struct heap {
	struct heap_entry *entries; /* from 1 on; none is due before entries[its place / 2] */
	uint32_t *place;            /* by id; 0: not here */
	uint32_t nr;
};

static inline bool heap_init(struct heap *heap, uint32_t max)
{
	heap->entries = calloc((size_t)max + 1, sizeof(*heap->entries));
	heap->place = calloc(max, sizeof(*heap->place));
	heap->nr = 0;
	return heap->entries && heap->place;
}

static inline void heap_fini(struct heap *heap)
{
	free(heap->entries);
	free(heap->place);
}

static inline bool heap_has(const struct heap *heap, uint32_t id)
{
	return heap->place[id] != 0;
}

static inline uint64_t heap_key(const struct heap *heap, uint32_t id)
{
	return heap->entries[heap->place[id]].key;
}

/* Some timer must be there. */
static inline uint64_t heap_first(const struct heap *heap)
{
	return heap->entries[1].key;
}

static inline void put(struct heap *heap, uint32_t place, struct heap_entry entry)
{
	heap->entries[place] = entry;
	heap->place[entry.id] = place;
}

/* The place is free: the entry goes there or nearer to the first. */
static inline void rise(struct heap *heap, uint32_t place, struct heap_entry entry)
{
	while (place > 1 && heap->entries[place / 2].key > entry.key) {
		put(heap, place, heap->entries[place / 2]);
		place /= 2;
	}
	put(heap, place, entry);
}

/* The place is free: fill it from below, all the way down. @return the place that is free then. */
static inline uint32_t pull_up(struct heap *heap, uint32_t place)
{
	uint32_t below;

	while ((below = 2 * place) <= heap->nr) {
		if (below < heap->nr && heap->entries[below + 1].key < heap->entries[below].key)
			below++;
		put(heap, place, heap->entries[below]);
		place = below;
	}
	return place;
}

static inline void heap_add(struct heap *heap, uint32_t id, uint64_t key)
{
	rise(heap, ++heap->nr, (struct heap_entry){ key, id });
}

static inline void heap_remove(struct heap *heap, uint32_t id)
{
	uint32_t place = pull_up(heap, heap->place[id]);
	struct heap_entry last = heap->entries[heap->nr];

	heap->place[id] = 0;
	if (place != heap->nr)
		rise(heap, place, last);
	heap->nr--;
}

/* All keys become so much less; none may become negative. */
static inline void heap_subtract(struct heap *heap, uint64_t amount)
{
	for (uint32_t place = 1; place <= heap->nr; place++)
		heap->entries[place].key -= amount;
}

#endif /* TESTS_WHEEL_HEAP_H */
