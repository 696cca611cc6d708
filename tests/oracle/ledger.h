/* SPDX-License-Identifier: MIT */
/*
 * ledger.h - what is known of an item that several use, without a lock and without a log.
 *
 * Every user of an item - each client, and its own runs - has an account with counters that only
 * he writes: before a call that he begins it, afterwards how it ended. Who reads all accounts
 * before and after a call of his own knows whether he was alone; then they are the item's exact
 * state, but for a run that is just being entered, and the answer must be the model's. If not, they
 * are bounds.
 */
#ifndef TESTS_ORACLE_LEDGER_H
#define TESTS_ORACLE_LEDGER_H

#include "oracle/oracle.h"

/* Fields of both kinds of structs below. "off" is disabled, also by a cancel_sync that waits. */
#define ACCOUNTS(F)                                                                                \
	F(resolved)     /* uncertain ones of which it has been found out */                        \
	F(uncertain)    /* accepted, but perhaps refused */                                        \
	F(refused)      /* found out: so many were */                                              \
	F(accepted)     /* said that there will be a run */                                        \
	F(taken)        /* said that there will be none */                                         \
	F(takes_failed) /* was not pending */                                                      \
	F(takes_begun)                                                                             \
	F(ons_ended)                                                                               \
	F(offs_ended)                                                                              \
	F(ons_begun)                                                                               \
	F(offs_begun)

struct account {
#define F(name) atomic_long name;
	_Alignas(CACHE_LINE) atomic_long begun;
	atomic_long ended; /* calls that can change the item */
	ACCOUNTS(F)
#undef F
};

struct sums {
#define F(name) long name;
	ACCOUNTS(F)
#undef F
	long begun, ended;
	long entered, left; /* runs */
};

enum { RUNS = MAX_CLIENTS }; /* the account of an item's runs: one at a time (B3) */

struct ledger {
	atomic_long entered, left;
	struct account account[MAX_CLIENTS + 1];
};

/* What ended is read first, what began last: nothing is under way if they agree. */
void ledger_sum(struct ledger *ledger, struct sums *sums);

/* Nobody else's calls when it was read? */
static inline bool is_quiet(const struct sums *sums)
{
	return sums->begun == sums->ended;
}

/* Of the acceptances, those without a run and not taken back. */
static inline long nr_open(const struct sums *sums)
{
	return sums->accepted - sums->taken - sums->refused - sums->entered;
}

static inline bool is_certain(const struct sums *sums)
{
	return sums->uncertain == sums->resolved;
}

static inline long depth_of(const struct sums *sums)
{
	return sums->offs_ended - sums->ons_begun;
}

#endif /* TESTS_ORACLE_LEDGER_H */
