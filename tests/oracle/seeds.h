/* SPDX-License-Identifier: MIT */
/*
 * seeds.h - faults of a library that the oracle is there to find.
 *
 * They are played by calls.c, in a program of its own (oracle_seeded, built with
 * -DORACLE_SEEDED=1): one call in `odds` does what a faulty library would do. What only a few
 * stories can show is looked for in these alone. The program that judges the library has
 * nothing of this in it.
 */
#ifndef TESTS_ORACLE_SEEDS_H
#define TESTS_ORACLE_SEEDS_H

#include <stdbool.h>

#define SEEDS(S)                                                                                   \
	S(QUEUE_SAYS_FALSE, "A1", 16, "all",                                                       \
	  "queue_work() of an idle item says false, and queues it")                                \
	S(QUEUE_SAYS_TRUE, "A1", 16, "all", "queue_work() of a pending item says true")            \
	S(QUEUE_LOSES, "A4", 16, "all", "queue_work() says true, and forgets the item")            \
	S(QUEUE_DISABLED, "H1", 16, "all", "queue_work() of a disabled item queues it")            \
	S(QUEUE_STALE, "A6", 16, "all",                                                            \
	  "the run after a false sees what was stored before the last true")                       \
	S(QUEUE_OVERTAKES, "B9", 16, "all", "an item is queued after the one that comes later")    \
	S(QUEUE_ELSEWHERE, "B3", 16, "all",                                                        \
	  "an item is queued on another queue than the one given")                                 \
	S(RUN_TWICE, "A4", 16, "all", "a run happens twice, one after the other")                  \
	S(RUN_PENDING, "A3", 16, "all", "inside its function the item is still pending")           \
	S(LIMIT_IGNORED, "C1", 2, "all", "max_active is one too many")                             \
	S(RAISE_IGNORED, "C6", 1, "story", "workqueue_set_max_active() does nothing")              \
	S(FLUSH_NO_WAIT, "E1", 16, "all", "flush_work() does not wait")                            \
	S(FLUSH_SAYS_TRUE, "E3", 16, "all",                                                        \
	  "flush_work() of an item without a queueing says true")                                  \
	S(FLUSH_TIMER_STAYS, "E3", 4, "all", "flush_delayed_work() leaves the timer armed")        \
	S(FLUSH_QUEUE_NO_WAIT, "D1", 4, "all", "flush_workqueue() does not wait")                  \
	S(DRAIN_NO_WAIT, "F2", 2, "all", "drain_workqueue() is over before the queue is empty")    \
	S(DRAIN_REFUSES_NOBODY, "F1", 1, "story", "a draining queue takes items from outside")     \
	S(DESTROY_DROPS, "F4", 2, "story", "destroy_workqueue() takes pending items back")         \
	S(CANCEL_SAYS_TRUE, "G1", 16, "all", "cancel_work() of an idle item says true")            \
	S(CANCEL_SAYS_FALSE, "G1", 16, "all", "cancel_work() takes the item back, and says false") \
	S(CANCEL_LEAVES, "G1", 16, "all", "cancel_work() says true, and the item runs")            \
	S(CANCEL_NO_WAIT, "G2", 4, "all", "cancel_work_sync() does not wait for the run")          \
	S(CANCEL_STAYS_OFF, "G3", 16, "all", "cancel_work_sync() leaves the item disabled")        \
	S(CANCEL_STAYS_ON, "G3", 1, "story",                                                       \
	  "while cancel_work_sync() waits the item can queue itself")                              \
	S(DISABLE_COUNTS_ONCE, "H1", 16, "all", "disabling a disabled item does not count")        \
	S(ENABLE_SAYS_TRUE, "H2", 16, "all", "enable_work() says true with depth left")            \
	S(ENABLE_QUEUES, "H2", 16, "all", "enable_work() queues the item")                         \
	S(DELAY_IS_SHORT, "I2", 16, "all", "a delayed item comes a jiffy early")                   \
	S(DELAY_ZERO_ARMS, "I1", 16, "all", "a delay of 0 arms a timer")                           \
	S(MOD_SAYS_TRUE, "A4", 16, "all", "mod_delayed_work() of an idle item says true")          \
	S(MOD_LEAVES, "I4", 16, "all", "mod_delayed_work() of a pending item does not move it")    \
	S(MOD_DISABLED, "H4", 16, "all", "mod_delayed_work() of a disabled item queues it")        \
	S(PENDING_FORGETS_TIMER, "I3", 16, "all", "an item whose timer is armed is not pending")   \
	S(BUSY_FORGETS_RUN, "B3", 16, "all", "work_busy() does not see the run")

#define S(name, letter, odds, scene, what) SEED_##name,
enum seed { SEEDS(S) SEED_NONE, NR_SEEDS = SEED_NONE };
#undef S

/* Is it the calling thread's turn to play this fault? */
#ifdef ORACLE_SEEDED
bool seeded(enum seed seed);
#else
static inline bool seeded(enum seed seed)
{
	(void)seed;
	return false;
}
#endif

#endif /* TESTS_ORACLE_SEEDS_H */
