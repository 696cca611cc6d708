/* SPDX-License-Identifier: MIT */
/*
 * test_rescuer.c - a rescuer's turn in a pool, and its thread's life.
 *
 * The pool is handmade and has no threads: for a turn the test's own thread is the
 * rescuer. Each test has a process of its own.
 */
#include "handmade.h"
#include "memory.h"

#include <errno.h>
#include <pthread.h>

#include "base/grace.h"
#include "core/rescuer.h"
#include "ops/init.h"

enum {
	TURN = 16,
};

static struct workqueue_struct other_wq;
static struct wq_pwq *other_pwq;
static struct trail trail;

static void note_item(struct work_struct *work)
{
	must(wq_worker_self && wq_worker_self->rescues);
	trail_add(&trail, (int)(work - item));
}

static void reserve(struct wq_pwq *of)
{
	wq_pool_lock(&pool);
	of->rescue = wq_worker_reserve_locked(&pool);
	must(of->rescue);
	of->rescue->rescues = of;
	wq_pool_unlock(&pool);
}

/* Even items are of the queue that has a rescuer, odd ones of another queue. */
static void begin(unsigned int flags)
{
	handmade_begin(flags | WQ_MEM_RECLAIM, ITEMS);
	handmade_wq(&other_wq, flags, ITEMS);
	other_pwq = new_pwq(&other_wq, &pool);
	reserve(pwq);
	wq_grace_claim();
	for (int i = 0; i < ITEMS; i++)
		INIT_WORK(&item[i], note_item);
}

static void end(void)
{
	wq_pwq_free(other_pwq);
	handmade_end();
}

/* -------------------------------------------------------------------- turns */

/* K3, K5 */
static void turn_runs_items_of_the_queue_only(void)
{
	begin(WQ_PERCPU);
	for (int i = 0; i < 8; i++)
		push_to(i % 2 ? other_pwq : pwq, &item[i]);
	must(!wq_worker_rescue(pwq, TURN));
	must(!wq_worker_self);
	must(atomic_load(&trail.len) == 4);
	for (int i = 0; i < 4; i++)
		must(atomic_load(&trail.id[i]) == 2 * i);
	must(nr_active(pwq) == 0 && nr_active(other_pwq) == 4);
	must(pool.nr_running == 0 && pool.nr_workers == 0);
	/* the others still want a worker */
	must(was_woken(&wq_manager_park));
	end();
}

/* K3 */
static void turn_ends_after_so_many_items(void)
{
	begin(WQ_UNBOUND);
	for (int i = 0; i < TURN + 3; i++)
		push(i);
	pwq->is_calling = true;
	must(wq_worker_rescue(pwq, TURN));
	must(trail_is_ascending(&trail, 0, TURN));
	must(pwq->is_calling);
	must(!wq_worker_rescue(pwq, TURN));
	must(trail_is_ascending(&trail, 0, TURN + 3));
	must(!pwq->is_calling);
	end();
}

/* K3 */
static void turn_without_items_does_nothing(void)
{
	begin(WQ_PERCPU);
	pwq->is_calling = true;
	must(!wq_worker_rescue(pwq, TURN));
	must(!pwq->is_calling && !atomic_load(&trail.len));
	must(pool.nr_running == 0 && pool.nr_workers == 0);
	end();
}

/* B5, K3 */
static void turn_leaves_an_item_to_the_worker_that_runs_it(void)
{
	struct wq_worker *worker;

	begin(WQ_UNBOUND);
	wq_pool_lock(&pool);
	worker = new_worker();
	file(0);
	begin_item(worker, &item[0]);
	wq_pool_unlock(&pool);
	push(0);
	push(2);
	must(!wq_worker_rescue(pwq, TURN));
	must(atomic_load(&trail.len) == 1 && atomic_load(&trail.id[0]) == 2);
	must(wq_node_work(worker->scheduled.next) == &item[0]);
	end();
}

/* ------------------------------------------------------------- calls, life */

static void create_rescuer(void)
{
	wq_lock_acquire(&wq_config_lock);
	snprintf(wq.name, sizeof(wq.name), "handmade");
	must(wq_rescuer_create(&wq) == 0);
	wq_lock_release(&wq_config_lock);
}

static void run_with_rescuer(void (*call)(void))
{
	create_rescuer();
	call();
	wq_rescuer_stop(&wq);
	must(!wq.rescuer);
}

static char thread_name[16];

static void note_name(struct work_struct *work)
{
	pthread_getname_np(pthread_self(), thread_name, sizeof(thread_name));
	note_item(work);
}

static void call_for_two_queues(void)
{
	INIT_WORK(&item[0], note_name);
	push_to(other_pwq, &item[1]);
	push(0);
	/* twice: it is on its way */
	wq_rescuer_call(&pool);
	wq_rescuer_call(&pool);
	wait_until(atomic_load(&trail.len) == 1);
}

/* K1, K2, K3 */
static void call_wakes_the_queues_thread_for_its_items(void)
{
	begin(WQ_PERCPU);
	run_with_rescuer(call_for_two_queues);
	must(trail_is_ascending(&trail, 0, 1));
	must(!strcmp(thread_name, "kworker/R-handm"));
	must(nr_active(other_pwq) == 1);
	end();
}

static struct gate go;

static void note_when_let_go(struct work_struct *work)
{
	gate_wait(&go);
	note_item(work);
}

static long stop(void *unused)
{
	(void)unused;
	wq_grace_claim();
	wq_rescuer_stop(&wq);
	return 0;
}

/* K1 */
static void stop_waits_for_what_it_was_called_for(void)
{
	struct call call;

	begin(WQ_UNBOUND);
	gate_init(&go);
	create_rescuer();
	INIT_WORK(&item[0], note_when_let_go);
	for (int i = 0; i < ITEMS; i++)
		push(i);
	wq_rescuer_call(&pool);
	call_start(&call, stop, NULL);
	must(call_blocks(&call));
	gate_open(&go);
	call_join(&call);
	must(!wq.rescuer);
	must(trail_is_ascending(&trail, 0, ITEMS));
	must(!pwq->is_calling);
	end();
}

static void do_nothing(void)
{
}

/* K1 */
static void rescuers_come_and_go(void)
{
	begin(WQ_PERCPU);
	for (int i = 0; i < 100; i++)
		run_with_rescuer(do_nothing);
	end();
}

/* -------------------------------------------------------------- end of memory */

/* True: there was memory enough. */
static bool make_with_allocations(int nr)
{
	struct workqueue_struct *new;

	allocs_left = nr;
	errno = 0;
	new = alloc_workqueue("small", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	allocs_left = -1;
	if (!new) {
		must(errno == ENOMEM || errno == EAGAIN);
		return false;
	}
	destroy_workqueue(new);
	return true;
}

/* K1 */
static void queue_without_memory_is_refused_with_its_thread(void)
{
	int nr = 0;

	need_end_of_memory();
	must(wq_init_library() == 0);
	while (!make_with_allocations(nr))
		nr++;
	must(nr > 3);
}

static void leave_the_turn(struct work_struct *work)
{
	(void)work;
	must(wq_worker_abandon_rescue() == pwq);
	/* its thread calls for another one: nobody else puts it in line meanwhile */
	must(pwq->is_calling && !wq_worker_self && !pwq->rescue->tid);
	pthread_exit(NULL);
}

static void *rescue(void *unused)
{
	(void)unused;
	wq_grace_claim();
	wq_worker_rescue(pwq, TURN);
	abort();
}

/* T1 */
static void turn_whose_item_ends_the_thread_stays_called_for(void)
{
	pthread_t thread;

	begin(WQ_UNBOUND);
	INIT_WORK(&item[0], leave_the_turn);
	push(0);
	pwq->is_calling = true;
	must(!pthread_create(&thread, NULL, rescue, NULL) && !pthread_join(thread, NULL));
	must(pwq->is_calling && !nr_active(pwq));
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(turn_runs_items_of_the_queue_only),
		child_test(turn_ends_after_so_many_items),
		child_test(turn_without_items_does_nothing),
		child_test(turn_leaves_an_item_to_the_worker_that_runs_it),
		child_test(call_wakes_the_queues_thread_for_its_items),
		child_test(stop_waits_for_what_it_was_called_for),
		child_test(rescuers_come_and_go),
		child_test(turn_whose_item_ends_the_thread_stays_called_for),
		child_test(queue_without_memory_is_refused_with_its_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
