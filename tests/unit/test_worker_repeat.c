/* SPDX-License-Identifier: MIT */
/*
 * test_worker_repeat.c - an item that queues itself runs again on its worker, for the queue that it
 * has chosen.
 *
 * The pool is made by hand; its worker is a thread.
 */
#include "handmade.h"

#include "real_worker.h"

enum { RUNS = 6 };

static struct workqueue_struct other_wq;
static struct wq_pwq *other_pwq;
/* For which queue each run is to be. */
static struct wq_pwq *wanted[RUNS];
static atomic_int nr_runs;

static void queue_itself(struct work_struct *work)
{
	int next = atomic_load(&nr_runs) + 1;
	struct wq_pwq *to;

	must(wq_worker_self->pwq == wanted[next - 1]);
	if (next < RUNS) {
		to = wanted[next];
		wq_xchg_acq_rel(&work->data, wq_word_queued(to, wq_load_relaxed(&to->color)));
		wq_pool_push_own(wq_worker_self, work);
	}
	atomic_fetch_add(&nr_runs, 1);
}

static bool is_empty(const struct wq_pwq *of)
{
	bool is_empty;

	wq_pool_lock(&pool);
	is_empty = !wq_pwq_in_flight_locked(of) && wq_pool_is_valid_locked(&pool);
	wq_pool_unlock(&pool);
	return is_empty;
}

/* B2 B4 */
static void item_that_queues_itself_runs_for_the_queue_it_has_chosen(void)
{
	struct wq_worker *worker;
	struct call call;

	handmade_begin(WQ_PERCPU, WQ_DFL_ACTIVE);
	handmade_wq(&other_wq, WQ_PERCPU, WQ_DFL_ACTIVE);
	other_pwq = new_pwq(&other_wq, &pool);
	for (int i = 0; i < RUNS; i++)
		wanted[i] = i == 2 || i == 3 || i == 5 ? other_pwq : pwq;
	INIT_WORK(&item[0], queue_itself);
	worker = start_worker(&pool, &call);
	push(0);
	wait_until(atomic_load(&nr_runs) == RUNS && is_empty(pwq) && is_empty(other_pwq));
	reap(worker);
	call_join(&call);
	wq_pwq_free(other_pwq);
	handmade_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(item_that_queues_itself_runs_for_the_queue_it_has_chosen),
	};

	return cmocka_run_group_tests_name("worker_repeat", tests, NULL, NULL);
}
