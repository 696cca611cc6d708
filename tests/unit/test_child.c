/* SPDX-License-Identifier: MIT */
/*
 * test_child.c - the items that a child of fork() finds, wherever they wait, and what it takes to
 * lock everything before.
 *
 * A machine made up, in which nobody goes on: so items stay where they are put.
 */
#include "machine.h"

#include "core/child.h"
#include "core/limit.h"
#include "core/timer.h"
#include "core/worker.h"

enum { NR = 4 };

static struct workqueue_struct *wq;
static struct work_struct item[NR];
static struct delayed_work dwork;
static struct wq_pool *pool;

static void never_run(struct work_struct *work)
{
	(void)work;
	abort();
}

static void begin(void)
{
	start_machine();
	wq = make_queue(WQ_PERCPU);
	for (int i = 0; i < NR; i++)
		INIT_WORK(&item[i], never_run);
	INIT_DELAYED_WORK(&dwork, never_run);
	dwork.wq = wq;
	pool = wq->table->of_cpu[FIRST]->pool;
}

static struct wq_pwq *pwq_here(void)
{
	return wq->table->of_cpu[FIRST];
}

static void queue_unfiled(int i)
{
	wq_xchg_acq_rel(&item[i].data, wq_word_queued(pwq_here(), 0));
}

static bool is_idle(const struct work_struct *work)
{
	return !(work->data & WQ_WORK_PENDING) && !work->entry.next && !work->entry.prev;
}

/* As fork() does, and its child. */
static void forget(void)
{
	must(wq_child_lock_all(wq_os_now_ns()));
	wq_child_forget_items();
}

/* U3: also what stands between items in an intake, and is none. */
static void item_in_an_intake_is_forgotten_its_pools_kick_is_not(void)
{
	begin();
	queue_unfiled(0);
	wq_pool_push(pool, &item[0]);
	wq_pool_push(pool, &pool->kick);
	queue_unfiled(1);
	wq_pool_push(pool, &item[1]);
	forget();
	must(is_idle(&item[0]) && is_idle(&item[1]));
	/* it stays as it was pushed: linked to what came before */
	must(pool->kick.entry.next);
}

/* U3 */
static void item_that_is_about_to_run_again_is_forgotten(void)
{
	struct wq_worker *worker;

	begin();
	wq_pool_lock(pool);
	worker = wq_worker_alloc_locked(pool);
	worker->work = &item[0];
	wq_lock_release(&pool->lock);
	queue_unfiled(0);
	pool->again = worker;
	forget();
	must(is_idle(&item[0]));
}

static void put_on(struct wq_list *list, int i)
{
	queue_unfiled(i);
	wq_list_add_tail(wq_work_node(&item[i]), list);
}

/* U3 */
static void item_on_any_list_is_forgotten(void)
{
	struct wq_worker *worker;

	begin();
	wq_pool_lock(pool);
	worker = wq_worker_alloc_locked(pool);
	wq_lock_release(&pool->lock);
	put_on(&pool->worklist, 0);
	put_on(&worker->scheduled, 1);
	put_on(&pwq_here()->inactive, 2);
	forget();
	for (int i = 0; i < 3; i++)
		must(is_idle(&item[i]));
}

/* U3 */
static void item_in_a_shards_intake_is_forgotten(void)
{
	struct wq_shard *shard;

	begin();
	shard = wq_shard_for(&dwork.timer, FIRST);
	dwork.work.data = WQ_WORK_PENDING | WQ_WORK_TIMER;
	wq_lock_acquire(&shard->lock);
	wq_shard_arm(&dwork.timer, shard, wq_shard_now(), wq_shard_now() + 1000);
	wq_lock_release(&shard->lock);
	must(shard->intake);
	forget();
	must(is_idle(&dwork.work) && !dwork.timer.state);
}

/* U5: unless somebody has enabled it by mistake, or it waits. */
static void disable_that_a_thread_owed_is_taken_back_if_it_is_there(void)
{
	unsigned long disabled = wq_word_off(0, 1);

	begin();
	wq_grace_self->debt = &item[0];
	item[0].data = disabled;
	forget();
	must(item[0].data == wq_word_off(0, 0));
	wq_child_forget_items();
	must(item[0].data == wq_word_off(0, 0));
	queue_unfiled(0);
	wq_child_forget_items();
	must(item[0].data == wq_word_queued(pwq_here(), 0));
}

/* Who cannot have all in time has none. */
static void locks_that_are_not_to_be_had_in_time_are_let_go(void)
{
	struct wq_shard *shard;

	begin();
	must(wq_child_lock_all(wq_os_now_ns()));
	wq_child_unlock_all();
	pool->lock.word = WQ_LOCK_HELD;
	must(!wq_child_lock_all(wq_os_now_ns()));
	pool->lock.word = 0;
	shard = wq_shard_for(&dwork.timer, SECOND);
	shard->lock.word = WQ_LOCK_HELD;
	must(!wq_child_lock_all(wq_os_now_ns()));
	shard->lock.word = 0;
	must(!wq_pools[1]->lock.word && !wq_shards[0]->lock.word);
	must(wq_child_lock_all(wq_os_now_ns()));
	wq_child_unlock_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(item_in_an_intake_is_forgotten_its_pools_kick_is_not),
		child_test(item_that_is_about_to_run_again_is_forgotten),
		child_test(item_on_any_list_is_forgotten),
		child_test(item_in_a_shards_intake_is_forgotten),
		child_test(disable_that_a_thread_owed_is_taken_back_if_it_is_there),
		child_test(locks_that_are_not_to_be_had_in_time_are_let_go),
	};

	return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
