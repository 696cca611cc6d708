/* SPDX-License-Identifier: MIT */
/*
 * init.h - first use of the library, and of each thread.
 */
#ifndef WQ_OPS_INIT_H
#define WQ_OPS_INIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/grace.h"

/* Start the library if nothing did. 0, -ENOMEM or -EAGAIN. */
int wq_init_library(void);
/* The same, and give the thread its record. False: could not, reported. */
bool wq_init_thread(void);

/* Has anybody used it? */
bool wq_init_is_started(void);
/* In the child of fork(): nothing has started, and the thread has used nothing. */
void wq_init_forget(void);

/*
 * Every call into the library begins so: true if the thread may use it. What
 * follows may enter sections and park.
 */
static inline bool wq_init_use(void)
{
	return wq_likely(wq_grace_self != NULL) || wq_init_thread();
}

#endif /* WQ_OPS_INIT_H */
