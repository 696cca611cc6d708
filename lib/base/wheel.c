/* SPDX-License-Identifier: MIT */
/*
 * wheel.c - a timing wheel (contracts in wheel.h).
 *
 * Between calls each timer in a slot is where place_of() says. Those in `loose`
 * may be anywhere later; the wheel does not move on before they are placed.
 */
#include "base/wheel.h"

#include <stddef.h>

static struct wq_wheel_timer *timer_of(struct wq_list *link)
{
	return wq_list_entry(link, struct wq_wheel_timer, link);
}

static unsigned long expires_of(const struct wq_list *link)
{
	return wq_list_entry(link, const struct wq_wheel_timer, link)->expires;
}

/* -------------------------------------------------------------- places */

struct place {
	unsigned int level, slot;
};

static unsigned int level_of(unsigned long difference)
{
	return difference ? (63u - (unsigned int)__builtin_clzl(difference)) / WQ_WHEEL_BITS : 0;
}

static unsigned int digit(unsigned long tick, unsigned int level)
{
	return (unsigned int)(tick >> level * WQ_WHEEL_BITS) % WQ_WHEEL_SLOTS;
}

static struct place place_of(const struct wq_wheel *wheel, unsigned long tick)
{
	unsigned int level = level_of(tick ^ wheel->tick);

	return (struct place){ level, digit(tick, level) };
}

static bool is_due(const struct wq_wheel *wheel, unsigned long expires)
{
	return (long)(expires - wheel->tick) <= 0;
}

/* When it will be handed out: an overdue timer now. */
static unsigned long due_tick(const struct wq_wheel *wheel, unsigned long expires)
{
	return is_due(wheel, expires) ? wheel->tick : expires;
}

/* Both are to come. */
static unsigned long earlier(const struct wq_wheel *wheel, unsigned long a, unsigned long b)
{
	return a - wheel->tick < b - wheel->tick ? a : b;
}

static void mark_filled(struct wq_wheel *wheel, struct place place)
{
	wheel->filled[place.level] |= 1ull << place.slot;
	wheel->levels |= 1u << place.level;
}

static void mark_empty(struct wq_wheel *wheel, struct place place)
{
	wheel->filled[place.level] &= ~(1ull << place.slot);
	if (!wheel->filled[place.level])
		wheel->levels &= ~(1u << place.level);
}

static bool is_filled(const struct wq_wheel *wheel, struct place place)
{
	return wheel->filled[place.level] >> place.slot & 1;
}

/* -------------------------------------------------------- add and remove */

void wq_wheel_add(struct wq_wheel *wheel, struct wq_wheel_timer *timer, unsigned long expires)
{
	unsigned long tick = due_tick(wheel, expires);
	struct place place = place_of(wheel, tick);
	struct wq_wheel_slot *slot = &wheel->slots[place.level][place.slot];

	timer->expires = expires;
	if (is_filled(wheel, place)) {
		slot->earliest = earlier(wheel, tick, slot->earliest);
	} else {
		wq_list_init(&slot->timers);
		slot->earliest = tick;
		mark_filled(wheel, place);
	}
	wq_list_add_tail(&timer->link, &slot->timers);
}

/* The last timer of the list with this head has gone. */
static void note_empty(struct wq_wheel *wheel, struct wq_list *head)
{
	struct wq_wheel_slot *slot = wq_list_entry(head, struct wq_wheel_slot, timers);
	size_t index;

	if (slot == &wheel->loose) {
		wheel->is_sifting = false;
		return;
	}
	index = (size_t)(slot - &wheel->slots[0][0]);
	mark_empty(wheel, (struct place){ (unsigned int)index / WQ_WHEEL_SLOTS,
					  (unsigned int)index % WQ_WHEEL_SLOTS });
}

void wq_wheel_remove(struct wq_wheel *wheel, struct wq_wheel_timer *timer)
{
	struct wq_list *next = timer->link.next;

	wq_list_del(&timer->link);
	if (wq_list_is_empty(next))
		note_empty(wheel, next);
}

void wq_wheel_move(struct wq_wheel *wheel, struct wq_wheel_timer *timer, unsigned long expires)
{
	struct place from = place_of(wheel, due_tick(wheel, timer->expires));
	struct place to = place_of(wheel, due_tick(wheel, expires));
	struct wq_wheel_slot *slot = &wheel->slots[to.level][to.slot];

	/* a loose timer is not where place_of() says */
	if (wheel->is_sifting || from.level != to.level || from.slot != to.slot) {
		wq_wheel_remove(wheel, timer);
		wq_wheel_add(wheel, timer, expires);
		return;
	}
	timer->expires = expires;
	slot->earliest = earlier(wheel, due_tick(wheel, expires), slot->earliest);
}

/* ---------------------------------------------------------------- time */

/* The slot that is due first, of those with timers. */
static const struct wq_wheel_slot *first_slot(const struct wq_wheel *wheel)
{
	unsigned int level = (unsigned int)__builtin_ctz(wheel->levels);
	unsigned int start = digit(wheel->tick, level);
	uint64_t filled = wheel->filled[level];
	/* bit 0 of this is where the wheel stands: at the highest level slots come round */
	uint64_t ahead = filled >> start | filled << (WQ_WHEEL_SLOTS - start) % WQ_WHEEL_SLOTS;

	return &wheel->slots[level][(start + (unsigned int)__builtin_ctzll(ahead)) % WQ_WHEEL_SLOTS];
}

bool wq_wheel_next(const struct wq_wheel *wheel, unsigned long *tick)
{
	if (wheel->levels)
		*tick = first_slot(wheel)->earliest;
	if (wheel->is_sifting)
		*tick = wheel->levels ? earlier(wheel, *tick, wheel->loose.earliest) :
					wheel->loose.earliest;
	return wheel->levels || wheel->is_sifting;
}

/* Take all timers of a slot: each must be handed out or find a new place. */
static void loosen(struct wq_wheel *wheel, struct place place)
{
	struct wq_wheel_slot *slot = &wheel->slots[place.level][place.slot];

	wheel->loose = *slot;
	wheel->loose.timers.next->prev = &wheel->loose.timers;
	wheel->loose.timers.prev->next = &wheel->loose.timers;
	wheel->is_sifting = true;
	mark_empty(wheel, place);
}

/*
 * The wheel comes to a tick before which nothing is due. Slots below the highest digit that
 * changes are empty: what was in them was due before. So one slot at most is come to.
 */
static void come_to(struct wq_wheel *wheel, unsigned long tick)
{
	struct place place = place_of(wheel, tick);

	wheel->tick = tick;
	if (is_filled(wheel, place))
		loosen(wheel, place);
}

/* What the caller calls now may be over: others have told the wheel a later time. */
static unsigned long not_before(const struct wq_wheel *wheel, unsigned long now)
{
	return (long)(now - wheel->tick) < 0 ? wheel->tick : now;
}

/* A timer of `loose` that is due; NULL: all are placed, or the budget is spent. */
static struct wq_wheel_timer *sift(struct wq_wheel *wheel, unsigned int *budget)
{
	struct wq_wheel_timer *timer;

	while (wheel->is_sifting && *budget) {
		--*budget;
		timer = timer_of(wheel->loose.timers.next);
		wq_wheel_remove(wheel, timer);
		if (is_due(wheel, timer->expires))
			return timer;
		wq_wheel_add(wheel, timer, timer->expires);
	}
	return NULL;
}

struct wq_wheel_timer *wq_wheel_expire(struct wq_wheel *wheel, unsigned long now,
				       unsigned int *budget)
{
	struct wq_wheel_timer *timer;
	unsigned long next;

	for (;;) {
		timer = sift(wheel, budget);
		if (timer || !*budget)
			return timer;
		now = not_before(wheel, now);
		if (!wq_wheel_next(wheel, &next) || next - wheel->tick > now - wheel->tick) {
			come_to(wheel, now);
			return NULL;
		}
		come_to(wheel, next);
	}
}

void wq_wheel_catch_up(struct wq_wheel *wheel, unsigned long now)
{
	unsigned long next;

	now = not_before(wheel, now);
	if (now == wheel->tick || wheel->is_sifting)
		return;
	if (wq_wheel_next(wheel, &next) && next - wheel->tick <= now - wheel->tick)
		return;
	/* a slot with timers is left to wq_wheel_expire(), which moves them down */
	if (!is_filled(wheel, place_of(wheel, now)))
		wheel->tick = now;
}

void wq_wheel_reset(struct wq_wheel *wheel, unsigned long tick)
{
	unsigned int level;

	wheel->tick = tick;
	wheel->levels = 0;
	wheel->is_sifting = false;
	for (level = 0; level < WQ_WHEEL_LEVELS; level++)
		wheel->filled[level] = 0;
}

/* ------------------------------------------------------------- looking */

static void visit(struct wq_list *head, void (*fn)(struct wq_wheel_timer *timer, void *arg),
		  void *arg)
{
	struct wq_list *link, *next;

	wq_list_for_each_safe(link, next, head)
		fn(timer_of(link), arg);
}

void wq_wheel_for_each(struct wq_wheel *wheel, void (*fn)(struct wq_wheel_timer *timer, void *arg),
		       void *arg)
{
	unsigned int level, slot;

	if (wheel->is_sifting)
		visit(&wheel->loose.timers, fn, arg);
	for (level = 0; level < WQ_WHEEL_LEVELS; level++) {
		for (slot = 0; slot < WQ_WHEEL_SLOTS && wheel->filled[level]; slot++) {
			if (is_filled(wheel, (struct place){ level, slot }))
				visit(&wheel->slots[level][slot].timers, fn, arg);
		}
	}
}

static bool links_are_valid(const struct wq_list *head)
{
	const struct wq_list *link = head;

	do {
		if (!link->next || link->next->prev != link)
			return false;
		link = link->next;
	} while (link != head);
	return !wq_list_is_empty(head);
}

/* No timer is due before the slot says. */
static bool slot_is_valid(const struct wq_wheel *wheel, const struct wq_wheel_slot *slot)
{
	const struct wq_list *link;
	unsigned long tick;

	if (!links_are_valid(&slot->timers) || (long)(slot->earliest - wheel->tick) < 0)
		return false;
	wq_list_for_each(link, &slot->timers) {
		tick = due_tick(wheel, expires_of(link));
		if (tick - wheel->tick < slot->earliest - wheel->tick)
			return false;
	}
	return true;
}

static bool is_place_of(const struct wq_wheel *wheel, struct place place, unsigned long expires)
{
	struct place right = place_of(wheel, due_tick(wheel, expires));

	return right.level == place.level && right.slot == place.slot;
}

static bool place_is_valid(const struct wq_wheel *wheel, struct place place)
{
	const struct wq_wheel_slot *slot = &wheel->slots[place.level][place.slot];
	const struct wq_list *link;

	if (!slot_is_valid(wheel, slot) || !is_place_of(wheel, place, slot->earliest))
		return false;
	wq_list_for_each(link, &slot->timers) {
		if (!is_place_of(wheel, place, expires_of(link)))
			return false;
	}
	return true;
}

static bool level_is_valid(const struct wq_wheel *wheel, unsigned int level)
{
	struct place place = { .level = level };
	bool is_marked = wheel->levels >> level & 1;

	if (is_marked != (wheel->filled[level] != 0))
		return false;
	for (place.slot = 0; place.slot < WQ_WHEEL_SLOTS; place.slot++) {
		if (is_filled(wheel, place) && !place_is_valid(wheel, place))
			return false;
	}
	return true;
}

bool wq_wheel_is_valid(const struct wq_wheel *wheel)
{
	unsigned int level;

	for (level = 0; level < WQ_WHEEL_LEVELS; level++) {
		if (!level_is_valid(wheel, level))
			return false;
	}
	return !(wheel->levels >> WQ_WHEEL_LEVELS) &&
	       (!wheel->is_sifting || slot_is_valid(wheel, &wheel->loose));
}
