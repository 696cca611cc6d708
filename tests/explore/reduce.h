/* SPDX-License-Identifier: MIT */
/*
 * reduce.h - which schedules show nothing that another one does not show.
 *
 * Steps of two fibers that touch different places, or only read, may change places. So a fiber that
 * is preempted before a step, and goes on without anybody having touched what the step touches, might
 * as well have been preempted behind it; and a store that is kept back at a preemption, and that
 * nobody looks for until it is seen, might as well have been seen at once. Both have as many
 * preemptions, or fewer, and come earlier in the order of the search: such runs are cut short.
 */
#ifndef EXPLORE_REDUCE_H
#define EXPLORE_REDUCE_H

#include "machine.h"

/* The running fiber makes this step. */
void reduce_step(struct step step);
/* The running fiber is preempted before it, by the last choice. */
void reduce_preempt(struct step step);
/* So many of its stores are seen from then on, of which that choice may also keep back some. */
void reduce_preempt_seen(unsigned int nr);
/* Nothing is gained by letting it go on now. */
bool reduce_is_useless(const struct fiber *fiber);
/* It goes on. */
void reduce_resume(struct fiber *fiber);
/* A point, or the end of what the fiber does: is it known by now that the run is redundant? */
bool reduce_is_redundant(const struct fiber *self);
/* The running fiber does what cannot be judged: it yields, or looks at what others do. */
void reduce_keep(void);
/* Those stores are seen by now. False: they might have been seen earlier. */
bool reduce_flush(const struct fiber *fiber, unsigned int nr);
/* The running fiber uses what is shared without any step of its own. */
void reduce_look(void);

#endif /* EXPLORE_REDUCE_H */
