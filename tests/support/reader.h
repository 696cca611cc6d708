/* SPDX-License-Identifier: MIT */
/*
 * reader.h - for tests of rcu items: the item they use, and a thread in a read-side
 * critical section, of any flavour of liburcu.
 */
#ifndef TESTS_READER_H
#define TESTS_READER_H

#include <urcu/flavor.h>

#include "call.h"
#include "gate.h"
#include "item.h"
#include "liburcu_tsan.h"

struct rcu_item {
	struct rcu_work rwork;
	struct gate *hold;   /* waited for inside, if not NULL */
	struct meter *meter; /* entered while inside, if not NULL */
	atomic_int started;
	atomic_int finished;
};

static inline void rcu_item_fn(struct work_struct *work)
{
	struct rcu_item *item = container_of(to_rcu_work(work), struct rcu_item, rwork);

	if (item->meter)
		meter_enter(item->meter);
	atomic_fetch_add(&item->started, 1);
	if (item->hold)
		gate_wait_at(item->hold, __FILE__, __LINE__, "the gate an item waits for is open");
	if (item->meter)
		meter_leave(item->meter);
	atomic_fetch_add(&item->finished, 1);
}

static inline void rcu_item_init(struct rcu_item *item)
{
	memset(item, 0, sizeof(*item));
	INIT_RCU_WORK(&item->rwork, rcu_item_fn);
}

static inline int rcu_item_runs(struct rcu_item *item)
{
	return atomic_load(&item->started);
}

static inline bool rcu_item_is_pending(struct rcu_item *item)
{
	return work_pending(&item->rwork.work);
}

static inline long do_flush_rcu_work(void *rwork)
{
	return flush_rcu_work(rwork);
}

/* ----------------------------------------------------------------- readers */

struct reader {
	const struct rcu_flavor_struct *flavor;
	struct call call;
	struct gate inside;
	struct gate leave;
};

static inline long reader_main(void *arg)
{
	struct reader *reader = arg;

	reader->flavor->register_thread();
	reader->flavor->read_lock();
	gate_open(&reader->inside);
	gate_wait_at(&reader->leave, __FILE__, __LINE__, "the reader may leave");
	reader->flavor->read_unlock();
	reader->flavor->unregister_thread();
	return 0;
}

/* It is in its section when this returns. */
static inline void reader_enter(struct reader *reader, const struct rcu_flavor_struct *flavor)
{
	reader->flavor = flavor;
	gate_init(&reader->inside);
	gate_init(&reader->leave);
	call_start(&reader->call, reader_main, reader);
	gate_wait_at(&reader->inside, __FILE__, __LINE__, "the reader is inside");
}

static inline void reader_leave(struct reader *reader)
{
	gate_open(&reader->leave);
	call_join(&reader->call);
}

#endif /* TESTS_READER_H */
