/* SPDX-License-Identifier: MIT */
/*
 * machine.h - a machine of a few threads, of which one runs at a time and the search says which.
 *
 * Threads are fibers of one thread of the system: each has a stack and thread-local variables of its
 * own. All that the library and a scenario keep - static variables, memory, stacks - can be saved
 * and restored, so that a run begins again in microseconds.
 */
#ifndef EXPLORE_MACHINE_H
#define EXPLORE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MAX_FIBERS = 16,
	MAX_BUFFERED = 31, /* reasons are bits */
	MAX_GHOSTS = 4 * MAX_BUFFERED,
	NR_CPUS = 2,
};

enum fiber_state { UNUSED, READY, BLOCKED, ENDED };

struct buffered {
	void *p;
	uintptr_t old;  /* what the others see */
	bool is_unseen; /* kept back first at a preemption, and nobody has looked there since */
};

/* A store that is seen since a choice, and might be kept back instead. */
struct ghost {
	const void *p;
	unsigned int choice, variant;
};

/* What a step does to the one place that it touches. UPDATES and FENCES empty the store buffer. */
enum access { READS, WRITES, UPDATES, FENCES, ANYTHING };

struct step {
	const void *p;
	enum access access;
};

struct fiber {
	void *sp; /* while it does not run */
	uintptr_t fs;
	enum fiber_state state; /* see also machine.ready */
	bool is_user;           /* a run ends when all of them have */
	unsigned int cpu;
	uint32_t *word; /* of the futex it sleeps on, or NULL */
	uint64_t deadline;
	const char *name;
	void (*fn)(void *arg);
	void *arg;
	unsigned int nr_buffered; /* stores that the others do not see yet */
	struct buffered *buffer;  /* of MAX_BUFFERED */
	/* see reduce.h */
	struct step pending; /* before which it was preempted */
	bool is_redundant;   /* it has met nobody meanwhile, and goes on */
	bool was_looked_at, looks;
	const void *last; /* where its last step was */
	unsigned int nr_ghosts;
	struct ghost *ghost; /* of MAX_GHOSTS */
};

struct machine {
	struct fiber fiber[MAX_FIBERS];
	int running; /* index */
	/* fibers, by bit */
	uint32_t ready;
	uint32_t yielded;   /* others first */
	uint32_t buffering; /* whose stores the others do not see yet */
	uint32_t ghosted;   /* who has ghosts */
	uint32_t unmet; /* preempted, and nobody's step since then must not change places with its */
	uint64_t now;
	char *brk; /* memory handed out ends here */
	unsigned long nr_steps;
	uint64_t history;  /* who looked at what is shared, and when */
	bool keeps_stores; /* in buffers */
	bool is_over;
	bool is_cut;
};

extern struct machine machine;

/* A machine that does less than it must, so that a protocol that needs it is seen to fail. */
enum machine_fault {
	NO_FAULT,
	WEAK_STORE,   /* sequentially consistent stores are release stores */
	WEAK_BARRIER, /* membarrier() reaches the caller only */
	TORN_RMW,     /* an exchange is a load and a store */
	LOST_WAKE,    /* waking somebody who sleeps does nothing */
	LOST_TIMER,   /* the timer is not set anew while somebody sleeps on it */
	NR_FAULTS,
};

extern enum machine_fault machine_fault;

/* Once. `tso`: stores wait in buffers. */
void machine_init(bool tso);
int machine_add(const char *name, void (*fn)(void *arg), void *arg, bool is_user, unsigned int cpu);
/* It waits no longer. */
void machine_let_go(struct fiber *fiber);
/* Let them run until all users have ended and nothing more happens; or something was found. */
void machine_run(void);
/* Runs begin here, unless there is a checkpoint. Once. */
void machine_save(void);
/* From the start, or from the last checkpoint before a choice that is another one now. */
void machine_run_again(void);

static inline struct fiber *machine_self(void)
{
	return &machine.fiber[machine.running];
}

static inline uint32_t machine_bit(const struct fiber *fiber)
{
	return 1u << (fiber - machine.fiber);
}

/* One of these, which is taken out of them; or NULL. The running one is none of them. */
static inline struct fiber *machine_take(uint32_t *fibers)
{
	struct fiber *fiber = NULL;

	*fibers &= ~machine_bit(machine_self());
	if (*fibers)
		fiber = &machine.fiber[__builtin_ctz(*fibers)];
	*fibers &= *fibers - 1;
	return fiber;
}

/* By the running fiber. */
/* Others may be let on, before it touches what they touch, too. */
void machine_point(const void *p, enum access access);
/* Others first: it is waiting for one of them. */
void machine_yield(void);
/* Sleep on the word, or until the time has come. */
void machine_block(uint32_t *word, uint64_t deadline);
void machine_wake(const uint32_t *word, int nr);
/* The run ends here: another one shows the same. */
void machine_cut(void);
/* Runs that differ only in choices that are still to come may go on from here. */
void machine_checkpoint(void);
/* A guarantee is broken: prints what, and how to get there again; does not return. */
void machine_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif /* EXPLORE_MACHINE_H */
