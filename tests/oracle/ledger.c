/* SPDX-License-Identifier: MIT */
/*
 * ledger.c - reads the accounts of an item, in the order that makes them bounds.
 */
#include "oracle/ledger.h"

static struct account *account_of(struct ledger *ledger, int nth)
{
	return &ledger->account[nth < oracle.clients ? nth : RUNS];
}

#define SUM_OF(ledger, name)                                                                       \
	({                                                                                         \
		long sum_ = 0;                                                                     \
                                                                                                   \
		for (int nth = 0; nth <= oracle.clients; nth++)                                    \
			sum_ += count_of(&account_of(ledger, nth)->name);                          \
		sum_;                                                                              \
	})

void ledger_sum(struct ledger *ledger, struct sums *sums)
{
	sums->ended = SUM_OF(ledger, ended);
	sums->left = look_at(&ledger->left);
	sums->entered = look_at(&ledger->entered);
#define F(name) sums->name = SUM_OF(ledger, name);
	ACCOUNTS(F)
#undef F
	sums->begun = SUM_OF(ledger, begun);
}
