/* SPDX-License-Identifier: MIT */
/*
 * fork.h - what happens to the library in fork(): see docs/fork.md.
 */
#ifndef WQ_OPS_FORK_H
#define WQ_OPS_FORK_H

/* Have the library looked after in each fork() from now on; done at load time, but for programs
   whose constructors come first. */
void wq_fork_register(void);

/*
 * As the library starts: in a child, make anew what it has of its parent's. 0, -ENOMEM or -EAGAIN.
 * Configuration lock held.
 */
int wq_fork_restart(void);

#endif /* WQ_OPS_FORK_H */
