/* SPDX-License-Identifier: MIT */
/*
 * test_every_name.c - every name of the kernel's API is there, with its value, its
 * type and its way of being used. test_every_name_cxx.cpp compiles this file as C++,
 * hence no CMocka, and nothing that only C has.
 *
 * That it compiles is the larger part of the test; what the names do is tested elsewhere.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include <workq/workq.h>
#include <workq/workqueue.h>

static int faults;

static void check_at(int line, bool is_true, const char *what)
{
	if (is_true)
		return;
	fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, line, what);
	faults++;
}

#define CHECK(cond) check_at(__LINE__, (cond), #cond)

/* -------------------------------------------------------------- constants, flags */

#define VALUE(name, value) static_assert((int)(name) == (value), #name)

VALUE(WORK_BUSY_PENDING, 1);
VALUE(WORK_BUSY_RUNNING, 2);
VALUE(WORKER_DESC_LEN, 32);
VALUE(WQ_NAME_LEN, 32);
VALUE(WQ_MAX_ACTIVE, 2048);
VALUE(WQ_UNBOUND_MAX_ACTIVE, 2048);
VALUE(WQ_DFL_ACTIVE, 1024);
VALUE(WQ_DFL_MIN_ACTIVE, 8);
VALUE(WQ_BH, 1 << 0);
VALUE(WQ_UNBOUND, 1 << 1);
VALUE(WQ_FREEZABLE, 1 << 2);
VALUE(WQ_MEM_RECLAIM, 1 << 3);
VALUE(WQ_HIGHPRI, 1 << 4);
VALUE(WQ_CPU_INTENSIVE, 1 << 5);
VALUE(WQ_SYSFS, 1 << 6);
VALUE(WQ_POWER_EFFICIENT, 1 << 7);
VALUE(WQ_PERCPU, 1 << 8);
VALUE(__WQ_ORDERED, 1 << 17);
VALUE(__WQ_LEGACY, 1 << 18);
VALUE(__WQ_DEPRECATED, 1 << 19);
VALUE(WQ_AFFN_DFL, 0);
VALUE(WQ_AFFN_CPU, 1);
VALUE(WQ_AFFN_SMT, 2);
VALUE(WQ_AFFN_CACHE, 3);
VALUE(WQ_AFFN_CACHE_SHARD, 4);
VALUE(WQ_AFFN_NUMA, 5);
VALUE(WQ_AFFN_SYSTEM, 6);
VALUE(WQ_AFFN_NR_TYPES, 7);

static_assert(WORK_CPU_UNBOUND >= 1024, "no real CPU has this id");
static_assert(sizeof(struct work_struct) == 32, "as in the kernel");
static_assert(sizeof(struct delayed_work) == 88, "as in the kernel");
static_assert(sizeof(struct execute_work) == sizeof(struct work_struct), "nothing else in it");

/* ----------------------------------------------------------------- initialisers */

static int runs;

static void count(struct work_struct *work)
{
	CHECK(work->func == count);
	runs++;
}

static void count_delayed(struct work_struct *work)
{
	CHECK(to_delayed_work(work)->work.func == count_delayed);
	runs++;
}

static void ignore_timer(struct timer_list *timer)
{
	(void)timer;
}

struct object {
	int before;
	struct work_struct work;
	struct delayed_work dwork;
	struct rcu_work rwork;
	struct timer_list timer;
};

DECLARE_WORK(shared_item, count);
static DECLARE_WORK(item, count);
static DECLARE_DELAYED_WORK(delayed, count_delayed);
static DECLARE_DEFERRABLE_WORK(deferrable, count_delayed);
static DEFINE_TIMER(defined_timer, ignore_timer);
static struct work_struct by_hand = __WORK_INITIALIZER(by_hand, count);
static struct delayed_work delayed_by_hand =
	__DELAYED_WORK_INITIALIZER(delayed_by_hand, count_delayed, 0);

static void run_item(struct work_struct *work)
{
	int before = runs;

	CHECK(!work_pending(work));
	CHECK(work_busy(work) == 0);
	CHECK(queue_work(system_percpu_wq, work));
	flush_work(work);
	CHECK(runs == before + 1);
}

static void run_delayed(struct delayed_work *dwork)
{
	int before = runs;

	CHECK(!delayed_work_pending(dwork));
	CHECK(queue_delayed_work(system_percpu_wq, dwork, MAX_JIFFY_OFFSET));
	CHECK(delayed_work_pending(dwork));
	CHECK(flush_delayed_work(dwork));
	CHECK(runs == before + 1);
}

static void use_what_was_initialised_statically(void)
{
	DECLARE_WORK(automatic, count);
	DECLARE_DELAYED_WORK(automatic_delayed, count_delayed);

	run_item(&shared_item);
	run_item(&item);
	run_item(&by_hand);
	run_item(&automatic);
	run_delayed(&delayed);
	run_delayed(&deferrable);
	run_delayed(&delayed_by_hand);
	run_delayed(&automatic_delayed);
	CHECK(!timer_pending(&defined_timer));
}

static void use_what_is_initialised_at_run_time(void)
{
	struct work_struct work;
	struct delayed_work dwork;
	struct rcu_work rwork;

	INIT_WORK(&work, count);
	run_item(&work);
	INIT_WORK_ONSTACK(&work, count);
	run_item(&work);
	destroy_work_on_stack(&work);
	INIT_DELAYED_WORK(&dwork, count_delayed);
	run_delayed(&dwork);
	INIT_DEFERRABLE_WORK(&dwork, count_delayed);
	run_delayed(&dwork);
	INIT_DELAYED_WORK_DEFERRABLE(&dwork, count_delayed);
	run_delayed(&dwork);
	INIT_DELAYED_WORK_ONSTACK(&dwork, count_delayed);
	run_delayed(&dwork);
	destroy_delayed_work_on_stack(&dwork);
	INIT_DEFERRABLE_WORK_ONSTACK(&dwork, count_delayed);
	run_delayed(&dwork);
	destroy_delayed_work_on_stack(&dwork);
	INIT_RCU_WORK(&rwork, count);
	run_item(&rwork.work);
	INIT_RCU_WORK_ONSTACK(&rwork, count);
	run_item(&rwork.work);
	destroy_work_on_stack(&rwork.work);
}

static void find_objects_from_their_parts(void)
{
	struct object object, *own = NULL;

	own = from_work(own, &object.work, work);
	CHECK(own == &object);
	own = from_work(own, &object.dwork.work, dwork.work);
	CHECK(own == &object);
	own = container_of(to_delayed_work(&object.dwork.work), struct object, dwork);
	CHECK(own == &object);
	own = container_of(to_rcu_work(&object.rwork.work), struct object, rwork);
	CHECK(own == &object);
	own = timer_container_of(own, &object.timer, timer);
	CHECK(own == &object);
	own = from_timer(own, &object.timer, timer);
	CHECK(own == &object);
}

/* ------------------------------------------------------------------- prototypes */

/* Is @fn a function of this type? Names it, too. */
#define IS(result, fn, ...)                                                                        \
	do {                                                                                       \
		typedef result type_of_fn(__VA_ARGS__);                                            \
		type_of_fn *pointer = fn;                                                          \
		CHECK(pointer);                                                                    \
	} while (0)

static void look_at_queueing(void)
{
	IS(bool, queue_work_on, int, struct workqueue_struct *, struct work_struct *);
	IS(bool, queue_work, struct workqueue_struct *, struct work_struct *);
	IS(bool, queue_work_node, int, struct workqueue_struct *, struct work_struct *);
	IS(bool, queue_delayed_work_on, int, struct workqueue_struct *, struct delayed_work *,
	   unsigned long);
	IS(bool, queue_delayed_work, struct workqueue_struct *, struct delayed_work *,
	   unsigned long);
	IS(bool, mod_delayed_work_on, int, struct workqueue_struct *, struct delayed_work *,
	   unsigned long);
	IS(bool, mod_delayed_work, struct workqueue_struct *, struct delayed_work *, unsigned long);
	IS(bool, schedule_work_on, int, struct work_struct *);
	IS(bool, schedule_work, struct work_struct *);
	IS(bool, schedule_delayed_work_on, int, struct delayed_work *, unsigned long);
	IS(bool, schedule_delayed_work, struct delayed_work *, unsigned long);
	IS(bool, enable_and_queue_work, struct workqueue_struct *, struct work_struct *);
	IS(bool, queue_rcu_work, struct workqueue_struct *, struct rcu_work *);
	IS(int, schedule_on_each_cpu, work_func_t);
	IS(long, work_on_cpu, int, long (*)(void *), void *);
	IS(int, execute_in_process_context, work_func_t, struct execute_work *);
	IS(void, delayed_work_timer_fn, struct timer_list *);
}

static void look_at_waiting_and_taking_back(void)
{
	IS(bool, flush_work, struct work_struct *);
	IS(bool, flush_delayed_work, struct delayed_work *);
	IS(bool, flush_rcu_work, struct rcu_work *);
	IS(void, flush_workqueue, struct workqueue_struct *);
	IS(void, flush_scheduled_work, void);
	IS(void, drain_workqueue, struct workqueue_struct *);
	IS(bool, cancel_work, struct work_struct *);
	IS(bool, cancel_work_sync, struct work_struct *);
	IS(bool, cancel_delayed_work, struct delayed_work *);
	IS(bool, cancel_delayed_work_sync, struct delayed_work *);
	IS(bool, disable_work, struct work_struct *);
	IS(bool, disable_work_sync, struct work_struct *);
	IS(bool, disable_delayed_work, struct delayed_work *);
	IS(bool, disable_delayed_work_sync, struct delayed_work *);
	IS(bool, enable_work, struct work_struct *);
	IS(bool, enable_delayed_work, struct delayed_work *);
}

static void look_at_queues_and_attributes(void)
{
	IS(struct workqueue_struct *, alloc_workqueue, const char *, unsigned int, int, ...);
	IS(struct workqueue_struct *, alloc_ordered_workqueue, const char *, unsigned int, ...);
	IS(void, destroy_workqueue, struct workqueue_struct *);
	IS(void, workqueue_set_max_active, struct workqueue_struct *, int);
	IS(void, workqueue_set_min_active, struct workqueue_struct *, int);
	IS(struct workqueue_attrs *, alloc_workqueue_attrs, void);
	IS(void, free_workqueue_attrs, struct workqueue_attrs *);
	IS(int, apply_workqueue_attrs, struct workqueue_struct *, const struct workqueue_attrs *);
	IS(int, workqueue_unbound_housekeeping_update, const struct cpumask *);
	IS(int, workqueue_sysfs_register, struct workqueue_struct *);
	IS(void, freeze_workqueues_begin, void);
	IS(bool, freeze_workqueues_busy, void);
	IS(void, thaw_workqueues, void);
}

static void look_at_introspection(void)
{
	IS(bool, work_pending, const struct work_struct *);
	IS(bool, delayed_work_pending, const struct delayed_work *);
	IS(unsigned int, work_busy, struct work_struct *);
	IS(bool, workqueue_congested, int, struct workqueue_struct *);
	IS(struct work_struct *, current_work, void);
	IS(bool, current_is_workqueue_rescuer, void);
	IS(bool, current_is_workqueue_mem_reclaim, void);
	IS(void, set_worker_desc, const char *, ...);
	IS(void, show_all_workqueues, void);
	IS(void, show_freezable_workqueues, void);
	IS(void, show_one_workqueue, struct workqueue_struct *);
	IS(void, print_worker_info, const char *, int); /* a thread id for the task */
	IS(void, wq_watchdog_touch, int);
}

static void look_at_timers(void)
{
	struct timer_list timer;

	IS(int, mod_timer, struct timer_list *, unsigned long);
	IS(int, mod_timer_pending, struct timer_list *, unsigned long);
	IS(int, timer_reduce, struct timer_list *, unsigned long);
	IS(void, add_timer, struct timer_list *);
	IS(void, add_timer_on, struct timer_list *, int);
	IS(int, timer_delete_sync, struct timer_list *);
	IS(int, timer_delete_sync_try, struct timer_list *);
	IS(int, timer_shutdown, struct timer_list *);
	IS(int, timer_shutdown_sync, struct timer_list *);
	timer_setup(&timer, ignore_timer, TIMER_DEFERRABLE | TIMER_PINNED | TIMER_IRQSAFE);
	CHECK(timer_delete(&timer) == 0);
	CHECK(del_timer(&timer) == 0);
	CHECK(del_timer_sync(&timer) == 0);
	CHECK(try_to_del_timer_sync(&timer) == 0);
	timer.expires = jiffies + MAX_JIFFY_OFFSET;
	add_timer_local(&timer);
	CHECK(timer_shutdown_sync(&timer) == 1);
	timer_setup_on_stack(&timer, ignore_timer, 0);
	timer.expires = jiffies + MAX_JIFFY_OFFSET;
	add_timer_global(&timer);
	CHECK(timer_delete_sync(&timer) == 1);
	timer_destroy_on_stack(&timer);
	destroy_timer_on_stack(&timer);
}

/* ------------------------------------------------------------------------ queues */

static void look_at_system_queues(void)
{
	struct workqueue_struct *const wq[] = {
		system_wq,
		system_percpu_wq,
		system_highpri_wq,
		system_long_wq,
		system_unbound_wq,
		system_dfl_wq,
		system_dfl_long_wq,
		system_freezable_wq,
		system_power_efficient_wq,
		system_freezable_power_efficient_wq,
		system_bh_wq,
		system_bh_highpri_wq,
	};

	for (size_t i = 0; i < sizeof(wq) / sizeof(wq[0]); i++)
		for (size_t j = 0; j < i; j++)
			CHECK(wq[i] && wq[i] != wq[j]);
}

static void use_queue(struct workqueue_struct *wq)
{
	CHECK(wq);
	CHECK(queue_work(wq, &item));
	__flush_workqueue(wq);
	flush_workqueue(wq);
	destroy_workqueue(wq);
}

static void use_what_makes_queues(void)
{
	use_queue(alloc_workqueue("alloc_%d", WQ_PERCPU | WQ_HIGHPRI, 1, 1));
	use_queue(alloc_workqueue("plain", WQ_UNBOUND, 0));
	use_queue(alloc_ordered_workqueue("ordered_%s", WQ_FREEZABLE | WQ_MEM_RECLAIM, "x"));
	use_queue(create_workqueue("created"));
	use_queue(create_freezable_workqueue("created_freezable"));
	use_queue(create_singlethread_workqueue("created_single"));
}

static void use_attributes(void)
{
	struct workqueue_struct *wq = alloc_workqueue("attrs", WQ_UNBOUND, 0);
	struct workqueue_attrs *attrs = alloc_workqueue_attrs();
	cpumask_var_t mask;

	CHECK(wq && attrs);
	cpumask_copy(mask, attrs->cpumask);
	CHECK(!cpumask_empty(mask) && cpumask_equal(mask, attrs->cpumask));
	CHECK(attrs->nice == 0 && !attrs->affn_strict && !attrs->ordered);
	CHECK(attrs->affn_scope == WQ_AFFN_DFL);
	attrs->affn_scope = WQ_AFFN_SYSTEM;
	CHECK(apply_workqueue_attrs(wq, attrs) == 0);
	free_workqueue_attrs(attrs);
	use_queue(wq);
}

int main(void)
{
	use_what_was_initialised_statically();
	use_what_is_initialised_at_run_time();
	find_objects_from_their_parts();
	look_at_queueing();
	look_at_waiting_and_taking_back();
	look_at_queues_and_attributes();
	look_at_introspection();
	look_at_timers();
	look_at_system_queues();
	use_what_makes_queues();
	use_attributes();
	return faults ? EXIT_FAILURE : EXIT_SUCCESS;
}
