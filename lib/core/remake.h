/* SPDX-License-Identifier: MIT */
/*
 * remake.h - queues whose attributes or CPUs have changed are served anew.
 *
 * All with the configuration lock held. May sleep.
 */
#ifndef WQ_CORE_REMAKE_H
#define WQ_CORE_REMAKE_H

#include "core/types.h"

/* 0, -ENOMEM or -EAGAIN, then it is served as before. */
int wq_remake_queue(struct workqueue_struct *wq);
/* All of them that are concerned; an error ends it with some served anew, some as before. */
int wq_remake_all(bool (*is_concerned)(const struct workqueue_struct *wq));

#endif /* WQ_CORE_REMAKE_H */
