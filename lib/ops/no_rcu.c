/* SPDX-License-Identifier: MIT */
/*
 * no_rcu.c - queue_rcu_work() and flush_rcu_work() of a build without liburcu's headers.
 *
 * The calls are there, so that programs link; nothing is queued, and that is reported.
 * (With the headers: rcu.c.)
 */
#include <errno.h>

#include <workq/workq.h>

#include "base/report.h"
#include "ops/rcu.h"

static uint32_t said_no_liburcu; /* A: reported */

int workq_set_rcu_flavor(const struct rcu_flavor_struct *flavor)
{
	return flavor ? -ENOSYS : -EINVAL;
}

bool queue_rcu_work(struct workqueue_struct *wq, struct rcu_work *rwork)
{
	if (!wq || !rwork)
		wq_warn("queue_rcu_work() without ", wq ? "an item" : "a queue");
	else
		wq_note_once(&said_no_liburcu,
			     "queue_rcu_work() queues nothing: libworkq was built without liburcu "
			     "(Debian: liburcu-dev)",
			     "");
	return false;
}

bool flush_rcu_work(struct rcu_work *rwork)
{
	if (rwork)
		return flush_work(&rwork->work);
	wq_warn("flush_rcu_work() of no item", "");
	return false;
}

bool wq_rcu_wait(struct workqueue_struct *wq, const char *caller)
{
	(void)wq;
	(void)caller;
	return true;
}
