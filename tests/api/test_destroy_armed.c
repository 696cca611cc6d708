/* SPDX-License-Identifier: MIT */
/*
 * test_destroy_armed.c - a queue is destroyed while delayed items are armed for
 * it (F6): they are reported, left idle, and never run; items of other queues
 * do not notice. What is queued already runs (F4).
 */
#include <dlfcn.h>

#include "support/api.h"
#include "support/delayed.h"

static void another_fn(struct work_struct *work)
{
	delayed_fn(work);
}

/* By its name if the dynamic symbols have it, else as "file+0xoffset". */
static bool report_names(work_func_t func, const char *name)
{
	char offset[32];
	Dl_info info;

	if (!dladdr((void *)(uintptr_t)func, &info))
		return false;
	snprintf(offset, sizeof(offset), "+0x%lx", (uintptr_t)func - (uintptr_t)info.dli_fbase);
	return report_says(name) || report_says(offset);
}

/* --------------------------------------------------------------- the report */

/* F6 */
static void destroy_with_armed_items_reports_how_many_and_which_functions(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("doomed", WQ_PERCPU, 0);
	struct delayed_item item[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		delayed_init(&item[i]);
		if (i == 2)
			INIT_DELAYED_WORK(&item[i].dwork, another_fn);
		queue_delayed_work(wq, &item[i].dwork, FAR << i);
	}
	destroy_workqueue(wq);
	assert_true(report_says("doomed"));
	assert_true(report_says(" 3 "));
	assert_true(report_names(delayed_fn, "delayed_fn"));
	assert_true(report_names(another_fn, "another_fn"));
	assert_warned();
}

/* A function of its own for each n. */
#define FN(n)                                                                                      \
	static void fn_##n(struct work_struct *work)                                               \
	{                                                                                          \
		delayed_fn(work);                                                                  \
	}

FN(0)
FN(1)
FN(2)
FN(3)
FN(4)

/* F6 */
static void destroy_with_armed_items_of_many_functions_names_the_first_ones(void **state)
{
	static const work_func_t fns[] = { fn_0, fn_1, fn_2, fn_3, fn_4 };
	struct workqueue_struct *wq = alloc_workqueue("doomed", WQ_PERCPU, 0);
	struct delayed_item item[5];

	(void)state;
	for (int i = 0; i < 5; i++) {
		delayed_init(&item[i]);
		INIT_DELAYED_WORK(&item[i].dwork, fns[i]);
		queue_delayed_work(wq, &item[i].dwork, FAR);
	}
	destroy_workqueue(wq);
	assert_true(report_says(" 5 of "));
	assert_true(report_says(" x1 ..."));
	assert_warned();
}

enum {
	MANY = 1000,
};

/* F6 */
static void destroy_with_many_armed_items_leaves_all_idle(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("doomed", WQ_UNBOUND, 0);
	struct delayed_item *item = calloc(MANY, sizeof(*item));

	(void)state;
	assert_non_null(item);
	for (int i = 0; i < MANY; i++) {
		delayed_init(&item[i]);
		assert_true(queue_delayed_work(wq, &item[i].dwork, FAR + i * 77));
	}
	destroy_workqueue(wq);
	assert_true(report_says("1000"));
	assert_warned();
	for (int i = 0; i < MANY; i++) {
		assert_true(delayed_is_idle(&item[i]));
		assert_int_equal(delayed_runs(&item[i]), 0);
		assert_false(cancel_delayed_work(&item[i].dwork));
	}
	free(item);
}

/* F6 */
static void destroy_without_armed_items_reports_nothing(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct workqueue_struct *other = alloc_workqueue("other", WQ_PERCPU, 0);
		struct delayed_item ran, cancelled, moved, queued;

		delayed_init(&ran);
		delayed_init(&cancelled);
		delayed_init(&moved);
		delayed_init(&queued);
		queue_delayed_work(wq, &ran.dwork, 1);
		queue_delayed_work(wq, &cancelled.dwork, FAR);
		queue_delayed_work(wq, &moved.dwork, FAR);
		wait_until(delayed_runs(&ran));
		cancel_delayed_work(&cancelled.dwork);
		mod_delayed_work(other, &moved.dwork, FAR);
		queue_delayed_work(wq, &queued.dwork, 0);
		destroy_workqueue(wq);
		assert_reported(0);
		assert_int_equal(delayed_runs(&queued), 1);
		assert_true(delayed_is_pending(&moved));
		assert_true(flush_delayed_work(&moved.dwork));
		destroy_workqueue(other);
	}
	assert_reported(0);
}

/* ---------------------------------------------------------------- the items */

/* F6 */
static void destroy_with_armed_items_they_are_idle_and_never_run(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct workqueue_struct *wq = queue_of_kind(kind);
		struct delayed_item soon, far;
		int began;

		delayed_init(&soon);
		delayed_init(&far);
		queue_delayed_work(wq, &far.dwork, FAR);
		queue_delayed_work(wq, &soon.dwork, 2 * SOON);
		destroy_workqueue(wq);
		assert_warned();
		began = delayed_runs(&soon); /* on a slow machine */
		assert_true(delayed_is_idle(&soon));
		assert_true(delayed_is_idle(&far));
		assert_not_yet(delayed_runs(&soon) > began);
		assert_int_equal(delayed_runs(&far), 0);
	}
}

/* F6 */
static void destroyed_queues_items_may_be_used_on_another_queue(void **state)
{
	struct workqueue_struct *other = alloc_workqueue("other", WQ_PERCPU, 0);
	struct delayed_item item;

	(void)state;
	delayed_init(&item);
	for (int i = 0; i < 10; i++) {
		struct workqueue_struct *wq = queue_of_kind(i % NR_QUEUE_KINDS);

		assert_true(queue_delayed_work(wq, &item.dwork, FAR));
		destroy_workqueue(wq);
		assert_warned();
		assert_false(flush_delayed_work(&item.dwork));
		assert_false(cancel_delayed_work_sync(&item.dwork));
		assert_int_equal(delayed_runs(&item), i);
		assert_true(delayed_arm(&item, other, i % 3));
		wait_until(delayed_runs(&item) == i + 1);
		assert_true(delayed_was_not_early(&item));
		flush_work(&item.dwork.work);
	}
	destroy_workqueue(other);
}

/* F6 */
static void destroyed_queues_items_may_be_freed_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		struct workqueue_struct *wq = alloc_workqueue("doomed", WQ_UNBOUND, 0);
		struct delayed_item *item = malloc(sizeof(*item));

		assert_non_null(item);
		delayed_init(item);
		assert_true(queue_delayed_work(wq, &item->dwork, FAR));
		destroy_workqueue(wq);
		assert_warned();
		memset(item, 0xa5, sizeof(*item));
		free(item);
	}
}

/* F6 */
static void destroy_leaves_armed_items_of_other_queues_alone(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("doomed", WQ_PERCPU, 0);
	struct workqueue_struct *other = alloc_workqueue("other", WQ_PERCPU, 0);
	struct delayed_item doomed, soon, far;

	(void)state;
	delayed_init(&doomed);
	delayed_init(&soon);
	delayed_init(&far);
	queue_delayed_work(wq, &doomed.dwork, FAR);
	assert_true(queue_delayed_work(other, &far.dwork, FAR));
	assert_true(delayed_arm(&soon, other, 4 * SOON));
	destroy_workqueue(wq);
	assert_warned();
	wait_until(delayed_runs(&soon));
	assert_true(delayed_was_not_early(&soon));
	assert_true(delayed_is_pending(&far));
	assert_true(flush_delayed_work(&far.dwork));
	destroy_workqueue(other);
	assert_int_equal(delayed_runs(&doomed), 0);
}

/* H1 F6 */
static void destroy_keeps_the_disable_depth_of_items(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("doomed", WQ_PERCPU, 0);
	struct delayed_item item;

	(void)state;
	delayed_init(&item);
	assert_false(disable_delayed_work(&item.dwork));
	assert_false(queue_delayed_work(wq, &item.dwork, FAR));
	destroy_workqueue(wq);
	assert_reported(0);
	assert_true(enable_delayed_work(&item.dwork));
}

/* ------------------------------------------------------------ while it destroys */

struct rearming {
	struct delayed_work dwork;
	struct workqueue_struct *wq;
	struct gate go;
	atomic_int runs;
	bool answer;
};

static void wait_and_arm_again(struct work_struct *work)
{
	struct rearming *own = container_of(to_delayed_work(work), struct rearming, dwork);

	atomic_fetch_add(&own->runs, 1);
	gate_wait(&own->go);
	own->answer = queue_delayed_work(own->wq, &own->dwork, FAR);
}

/* F5 F6 */
static void destroy_reports_what_its_last_items_arm(void **state)
{
	(void)state;
	for (int kind = 0; kind < NR_QUEUE_KINDS; kind++) {
		struct rearming own = { .wq = queue_of_kind(kind) };
		struct call destroy;

		gate_init(&own.go);
		INIT_DELAYED_WORK(&own.dwork, wait_and_arm_again);
		queue_delayed_work(own.wq, &own.dwork, 0);
		wait_until(atomic_load(&own.runs) == 1);
		call_start(&destroy, do_destroy_workqueue, own.wq);
		assert_true(call_blocks(&destroy));
		gate_open(&own.go);
		call_join(&destroy);
		assert_true(own.answer);
		assert_warned();
		assert_false(delayed_work_pending(&own.dwork));
		assert_int_equal(atomic_load(&own.runs), 1);
	}
}

/* Accepted from outside before the end: either way it is idle afterwards. */
/* F6 */
static void destroy_racing_with_expiry_items_run_or_are_left_idle(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		struct workqueue_struct *wq = queue_of_kind(i % NR_QUEUE_KINDS);
		struct delayed_item item[4];
		long long until;

		for (int j = 0; j < 4; j++) {
			delayed_init(&item[j]);
			assert_true(delayed_arm(&item[j], wq, 1 + j / 2));
		}
		until = item[0].due_ns + i % 50 * 20000LL;
		while (now_ns() < until)
			;
		destroy_workqueue(wq);
		for (int j = 0; j < 4; j++) {
			assert_true(delayed_is_idle(&item[j]));
			assert_true(delayed_runs(&item[j]) <= 1);
			assert_int_equal(delayed_runs(&item[j]), atomic_load(&item[j].finished));
			memset(&item[j], 0xa5, sizeof(item[j]));
		}
	}
	assert_true(reports_are_well_formed());
	report_take();
}

/* F6 */
static void destroy_racing_with_cancel_of_armed_items(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		struct workqueue_struct *wq = alloc_workqueue("doomed", WQ_PERCPU, 0);
		struct delayed_item item;
		struct call cancel;

		delayed_init(&item);
		assert_true(queue_delayed_work(wq, &item.dwork, FAR));
		call_start(&cancel, do_cancel_delayed_work_sync, &item.dwork);
		destroy_workqueue(wq);
		/* either the one or the other took it */
		assert_int_equal(call_join(&cancel), report_take() == 0);
		assert_true(delayed_is_idle(&item));
		assert_int_equal(delayed_runs(&item), 0);
	}
}

enum {
	CROWD = 20000,
	FORGET_ROUNDS = 100,
};

/* Another queue's: destroying looks at them all while others arm. */
static struct delayed_item crowd[CROWD];

static long arm_crowd(void *wq)
{
	long accepted = 0;

	pin_self(allowed_cpu(0));
	for (int i = 0; i < CROWD; i++) {
		delayed_init(&crowd[i]);
		accepted += queue_delayed_work(wq, &crowd[i].dwork, FAR + i % 100);
	}
	return accepted;
}

struct bystander {
	struct workqueue_struct *doomed_wq, *wq;
	struct delayed_item doomed, item;
	long long pause_ns; /* from the beginning of the destruction */
	atomic_bool armed, go;
};

/* All on one CPU, so that both items are armed at the same place. */
static long arm_beside(void *arg)
{
	struct bystander *bystander = arg;
	long long until;

	pin_self(allowed_cpu(0));
	queue_delayed_work(bystander->doomed_wq, &bystander->doomed.dwork, FAR);
	atomic_store(&bystander->armed, true);
	while (!atomic_load(&bystander->go))
		;
	until = now_ns() + bystander->pause_ns;
	while (now_ns() < until)
		;
	return delayed_arm(&bystander->item, bystander->wq, 1);
}

/* On another CPU, to be at it at the same time. */
static long destroy_beside(void *arg)
{
	struct bystander *bystander = arg;

	pin_self(allowed_cpu(1));
	wait_until(atomic_load(&bystander->armed));
	atomic_store(&bystander->go, true);
	destroy_workqueue(bystander->doomed_wq);
	return 0;
}

static void bystander_round(struct bystander *bystander)
{
	struct call arm, destroy;

	delayed_init(&bystander->doomed);
	delayed_init(&bystander->item);
	atomic_init(&bystander->armed, false);
	atomic_init(&bystander->go, false);
	bystander->doomed_wq = alloc_workqueue("doomed", WQ_PERCPU, 0);
	call_start(&arm, arm_beside, bystander);
	call_start(&destroy, destroy_beside, bystander);
	assert_true(call_join(&arm));
	call_join(&destroy);
	wait_until(delayed_runs(&bystander->item));
	assert_true(delayed_was_not_early(&bystander->item));
	flush_work(&bystander->item.dwork.work);
}

/* It cannot wait for the one who destroys: nobody must forget it. */
/* A9 I2 */
static void item_armed_while_a_queue_is_destroyed_fires(void **state)
{
	static struct bystander bystander;
	struct workqueue_struct *crowd_wq = alloc_workqueue("crowd", WQ_UNBOUND, 0);
	struct call call;

	(void)state;
	need_cpus(2);
	bystander.wq = alloc_workqueue("bystander", WQ_PERCPU, 0);
	call_start(&call, arm_crowd, crowd_wq);
	assert_int_equal(call_join(&call), CROWD);
	for (int i = 0; i < FORGET_ROUNDS; i++) {
		bystander.pause_ns = i * 3000;
		bystander_round(&bystander);
	}
	assert_warned();
	destroy_workqueue(bystander.wq);
	assert_reported(0);
	destroy_workqueue(crowd_wq);
	assert_warned();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(destroy_with_armed_items_reports_how_many_and_which_functions),
		api_test(destroy_with_armed_items_of_many_functions_names_the_first_ones),
		api_test(destroy_with_many_armed_items_leaves_all_idle),
		api_test(destroy_without_armed_items_reports_nothing),
		api_test(destroy_with_armed_items_they_are_idle_and_never_run),
		api_test(destroyed_queues_items_may_be_used_on_another_queue),
		api_test(destroyed_queues_items_may_be_freed_at_once),
		api_test(destroy_leaves_armed_items_of_other_queues_alone),
		api_test(destroy_keeps_the_disable_depth_of_items),
		api_test(destroy_reports_what_its_last_items_arm),
		api_test(destroy_racing_with_expiry_items_run_or_are_left_idle),
		api_test(destroy_racing_with_cancel_of_armed_items),
		api_test(item_armed_while_a_queue_is_destroyed_fires),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
