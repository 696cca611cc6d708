/* SPDX-License-Identifier: MIT */
/*
 * test_hot_path.c - what docs/performance.md says of the hot path, counted in instructions.
 *
 * Time cannot be judged by a test; what costs it can. A call of queue_work(), or the way of
 * a worker from one function to the next, is interrupted after each of its instructions, and
 * those are counted that other CPUs, or the system, have a part in. What happens now and then
 * only, such as taking the pool's bias back, is no part of that path: so the least of
 * many tries counts.
 */
#include <dlfcn.h>
#include <linux/membarrier.h>

#include "support/api.h"
#include "support/insn.h"
#include "support/step.h"

#ifndef TESTS_COVERAGE
#define TESTS_COVERAGE 0
#endif
#ifndef TESTS_JUDGE_LENGTH
#define TESTS_JUDGE_LENGTH 0
#endif

enum {
	MIN_TRIES = 5,
	MAX_TRIES = 100,
	WARM_UP = 5000, /* hops between two tries: the lock becomes biased to the worker */
	BURST = 32,
	MAX_TRACED = 1 << 16,
	MAX_STEPS = 1 << 18, /* then it is lost: the worker went to sleep */
	MAX_RMWS = 8,        /* that are remembered */
};

/* ------------------------------------------------------------------ tracing */

/*
 * The instructions of all stretches that begin at `from` and end in front of `to`; to 0: where the
 * function that begins at `from` returns to.
 */
static struct {
	uintptr_t from, to;
	int nr_wanted, nr_complete; /* stretches */
	bool is_inside;
	size_t nr;
	uintptr_t pc[MAX_TRACED];
} trace;

static void trace_init(uintptr_t from, uintptr_t to, int nr_stretches)
{
	trace.from = from;
	trace.to = to;
	trace.nr_wanted = nr_stretches;
	trace.nr_complete = 0;
	trace.is_inside = false;
	trace.nr = 0;
}

static void trace_enter(void)
{
	trace.is_inside = true;
	if (!trace.to)
		trace.to = step_top_of_stack();
}

static void trace_leave(void)
{
	trace.is_inside = false;
	if (++trace.nr_complete == trace.nr_wanted)
		step_end();
}

static void trace_step(long nth)
{
	uintptr_t pc = step_pc();

	if (trace.is_inside && pc == trace.to)
		trace_leave();
	else if (!trace.is_inside && pc == trace.from)
		trace_enter();
	if (trace.is_inside && trace.nr < MAX_TRACED)
		trace.pc[trace.nr++] = pc;
	if (nth == MAX_STEPS)
		step_end();
}

static bool trace_is_complete(void)
{
	return trace.nr_complete == trace.nr_wanted && trace.nr < MAX_TRACED;
}

/* ----------------------------------------------------------------- counting */

struct counts {
	long total;
	long of[NR_INSN_KINDS];
	uintptr_t rmw[MAX_RMWS]; /* where they are, each once */
};

/* What it must cost, and the least that it was seen to. */
static struct {
	struct counts wanted, least;
	int tries;
} figure;

static void note_rmw(struct counts *counts, uintptr_t pc)
{
	for (int i = 0; i < MAX_RMWS && counts->rmw[i] != pc; i++) {
		if (!counts->rmw[i]) {
			counts->rmw[i] = pc;
			return;
		}
	}
}

static void count_instruction(struct counts *counts, uintptr_t pc)
{
	enum insn_kind kind = insn_kind((const unsigned char *)pc);

	if (kind == INSN_RMW)
		note_rmw(counts, pc);
	counts->of[kind]++;
	counts->total++;
}

static bool is_less(const struct counts *a, const struct counts *b)
{
	static const enum insn_kind by[] = { INSN_SYSCALL, INSN_FENCE, INSN_RMW };

	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++)
		if (a->of[by[i]] != b->of[by[i]])
			return a->of[by[i]] < b->of[by[i]];
	return a->total < b->total;
}

/* The trace was a try. */
static void figure_take(void)
{
	struct counts counts = { 0 };

	figure.tries++;
	if (!trace_is_complete())
		return;
	for (size_t i = 0; i < trace.nr; i++)
		count_instruction(&counts, trace.pc[i]);
	if (!figure.least.total || is_less(&counts, &figure.least))
		figure.least = counts;
}

static bool figure_is_found(void)
{
	if (figure.tries < MIN_TRIES || !figure.least.total)
		return figure.tries >= MAX_TRIES;
	return figure.tries >= MAX_TRIES || !is_less(&figure.wanted, &figure.least);
}

/* At most so many instructions, exactly so many RMWs. */
static void figure_init(long max_total, long rmws)
{
	memset(&figure, 0, sizeof(figure));
	figure.wanted.total = TESTS_JUDGE_LENGTH ? max_total : MAX_TRACED;
	figure.wanted.of[INSN_RMW] = rmws;
}

static void print_rmw(uintptr_t pc)
{
	Dl_info info = { 0 };

	if (dladdr((void *)pc, &info) && info.dli_fname)
		print_message("             RMW at %s+%#lx\n", info.dli_fname,
			      (unsigned long)(pc - (uintptr_t)info.dli_fbase));
}

static void figure_check(const char *what, int per)
{
	const struct counts *least = &figure.least;

	print_message("%s: %.4g instructions, %.4g RMWs, %ld fences, %.4g branches, %.4g calls, "
		      "%.4g stubs, %ld system calls; %d tries\n",
		      what, (double)least->total / per, (double)least->of[INSN_RMW] / per,
		      least->of[INSN_FENCE], (double)least->of[INSN_BRANCH] / per,
		      (double)least->of[INSN_CALL] / per, (double)least->of[INSN_STUB] / per,
		      least->of[INSN_SYSCALL], figure.tries);
	for (int i = 0; i < MAX_RMWS && least->rmw[i]; i++)
		print_rmw(least->rmw[i]);
	assert_true(least->total > 0);
	assert_int_equal(least->of[INSN_SYSCALL], 0);
	assert_int_equal(least->of[INSN_FENCE], 0);
	assert_int_equal(least->of[INSN_RMW], figure.wanted.of[INSN_RMW]);
	assert_in_range(least->total, 1, figure.wanted.total);
}

/* Without the system call barriers are fences. */
static bool has_membarrier(void)
{
	long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	return commands > 0 && commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED;
}

#define need_figures()                                                                             \
	do {                                                                                       \
		need_steps();                                                                      \
		if (TESTS_COVERAGE || !has_membarrier())                                           \
			skip();                                                                    \
	} while (0)

/* ------------------------------------------------------ are they counted well? */

static void instructions_of_each_kind_are_told_apart(void **state)
{
	static const struct {
		unsigned char code[10];
		enum insn_kind kind;
	} known[] = {
		{ { 0xf0, 0x48, 0x0f, 0xb1, 0x17 }, INSN_RMW },   /* lock cmpxchg %rdx,(%rdi) */
		{ { 0xf0, 0x0f, 0xb1, 0x17 }, INSN_RMW },         /* lock cmpxchg %edx,(%rdi) */
		{ { 0x66, 0xf0, 0x0f, 0xc1, 0x07 }, INSN_RMW },   /* lock xadd %ax,(%rdi) */
		{ { 0xf0, 0x48, 0x83, 0x0f, 0x01 }, INSN_RMW },   /* lock orq $1,(%rdi) */
		{ { 0x48, 0x87, 0x07 }, INSN_RMW },               /* xchg %rax,(%rdi) */
		{ { 0x41, 0x86, 0x40, 0x08 }, INSN_RMW },         /* xchg %al,8(%r8) */
		{ { 0x48, 0x87, 0xc7 }, INSN_OTHER },             /* xchg %rax,%rdi */
		{ { 0x48, 0x0f, 0xb1, 0x17 }, INSN_OTHER },       /* cmpxchg %rdx,(%rdi) */
		{ { 0x0f, 0xae, 0xf0 }, INSN_FENCE },             /* mfence */
		{ { 0xf0, 0x83, 0x0c, 0x24, 0x00 }, INSN_FENCE }, /* lock orl $0,(%rsp) */
		{ { 0xf0, 0x48, 0x83, 0x0c, 0x24, 0x00 }, INSN_FENCE }, /* lock orq $0,(%rsp) */
		{ { 0xf0, 0x83, 0x4c, 0x24, 0xc0, 0 }, INSN_FENCE },    /* lock orl $0,-64(%rsp) */
		{ { 0x0f, 0xae, 0xe8 }, INSN_OTHER },                   /* lfence */
		{ { 0x0f, 0x05 }, INSN_SYSCALL },                       /* syscall */
		{ { 0x74, 0x10 }, INSN_BRANCH },                        /* je */
		{ { 0x0f, 0x85, 0x10, 0, 0, 0 }, INSN_BRANCH },         /* jne, far away */
		{ { 0x0f, 0x94, 0xc0 }, INSN_OTHER },                   /* sete %al */
		{ { 0xeb, 0x10 }, INSN_OTHER },                         /* jmp */
		{ { 0xe8, 0x10, 0, 0, 0 }, INSN_CALL },                 /* call */
		{ { 0x41, 0xff, 0xd4 }, INSN_CALL },                    /* call *%r12 */
		{ { 0xff, 0x15, 0x10, 0, 0, 0 }, INSN_CALL },           /* call *16(%rip) */
		{ { 0xff, 0x25, 0x10, 0, 0, 0 }, INSN_STUB },           /* jmp *16(%rip) */
		{ { 0xf2, 0xff, 0x25, 0x10, 0, 0, 0 }, INSN_STUB },     /* bnd jmp *16(%rip) */
		{ { 0xff, 0xe0 }, INSN_OTHER },                         /* jmp *%rax */
		{ { 0x64, 0x48, 0x8b, 0x04, 0x25 }, INSN_OTHER },       /* mov %fs:...,%rax */
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_int_equal(insn_kind(known[i].code), known[i].kind);
}

/* Three that touch others, and a system call. */
static void __attribute__((noinline)) do_something_dear(void)
{
	static atomic_int shared;

	atomic_fetch_add(&shared, 1);
	atomic_exchange(&shared, 2);
	atomic_thread_fence(memory_order_seq_cst);
	(void)syscall(SYS_getppid);
}

static void instructions_of_a_call_are_counted(void **state)
{
	need_steps();
	if (TESTS_COVERAGE)
		skip();
	do_something_dear();
	figure_init(0, 2);
	trace_init((uintptr_t)do_something_dear, /* to */ 0, 1);
	step_begin(trace_step);
	do_something_dear();
	step_end();
	figure_take();
	assert_true(figure.least.total > 4);
	assert_int_equal(figure.least.of[INSN_RMW], 2);
	assert_int_equal(figure.least.of[INSN_FENCE], 1);
	assert_int_equal(figure.least.of[INSN_SYSCALL], 1);
}

/* ----------------------------------------------------------- queue_work() */

static struct workqueue_struct *hot_wq;

static void queue_in_steps(struct work_struct *work)
{
	trace_init((uintptr_t)queue_work, /* to */ 0, 1);
	step_begin(trace_step);
	queue_work(hot_wq, work);
	step_end();
	figure_take();
}

/* A worker of the pool runs, so nobody need be woken. */
static void queue_work_by_a_producer_costs_two_rmws(void **state)
{
	struct blocker computing;
	struct item item;

	need_figures();
	hot_wq = alloc_workqueue("hot", WQ_PERCPU, 0);
	pin_self(allowed_cpu(0));
	item_init(&item);
	queue_work(hot_wq, &item.work);
	flush_work(&item.work);
	blocker_spin_on(&computing, allowed_cpu(0), hot_wq);
	figure_init(150, 2);
	while (!figure_is_found()) {
		queue_in_steps(&item.work);
		assert_true(cancel_work(&item.work));
	}
	blocker_release(&computing);
	destroy_workqueue(hot_wq);
	figure_check("queue_work() by a producer", 1);
}

/* ---------------------------------------------------------------- the worker */

static enum { IN_QUEUE_WORK, BETWEEN_ITEMS } hop_tries;

static struct {
	struct work_struct work;
	struct work_struct *next;
} hop[2];

static bool hop_is_stepped; /* the worker's way to the next item is a try */
static atomic_bool hops_are_over;

/* Queues the next one; of many hops one is a try. */
static void hop_fn(struct work_struct *work)
{
	static int nr_hops;
	struct work_struct *next = work == &hop[0].work ? hop[0].next : hop[1].next;

	if (hop_is_stepped)
		figure_take();
	hop_is_stepped = false;
	if (figure_is_found()) {
		atomic_store(&hops_are_over, true);
		return;
	}
	if (++nr_hops % WARM_UP == 0 && hop_tries == IN_QUEUE_WORK) {
		queue_in_steps(next);
		return;
	}
	queue_work(hot_wq, next);
	if (nr_hops % WARM_UP)
		return;
	hop_is_stepped = true;
	trace_init((uintptr_t)__builtin_return_address(0), (uintptr_t)hop_fn, 1);
	step_begin(trace_step);
}

/* One item that queues itself, or two that queue each other. */
static void hop_on(bool is_one)
{
	hot_wq = alloc_workqueue("hot", WQ_PERCPU, 0);
	for (int i = 0; i < 2; i++) {
		INIT_WORK(&hop[i].work, hop_fn);
		hop[i].next = &hop[is_one ? i : 1 - i].work;
	}
	atomic_store(&hops_are_over, false);
	assert_true(queue_work_on(allowed_cpu(0), hot_wq, &hop[0].work));
	wait_until(atomic_load(&hops_are_over));
	destroy_workqueue(hot_wq);
}

static void queue_work_by_the_item_itself_costs_one_rmw(void **state)
{
	need_figures();
	figure_init(250, 1);
	hop_tries = IN_QUEUE_WORK;
	hop_on(/* is_one */ true);
	figure_check("queue_work() by the item itself", 1);
}

static void queue_work_by_another_item_of_the_pool_costs_one_rmw(void **state)
{
	need_figures();
	figure_init(300, 1);
	hop_tries = IN_QUEUE_WORK;
	hop_on(/* is_one */ false);
	figure_check("queue_work() by another item of the pool", 1);
}

static void worker_that_runs_an_item_again_costs_one_rmw(void **state)
{
	need_figures();
	figure_init(200, 1);
	hop_tries = BETWEEN_ITEMS;
	hop_on(/* is_one */ true);
	figure_check("worker, to the next run of the item", 1);
}

static void worker_that_runs_another_item_costs_one_rmw(void **state)
{
	need_figures();
	figure_init(250, 1);
	hop_tries = BETWEEN_ITEMS;
	hop_on(/* is_one */ false);
	figure_check("worker, to the next item", 1);
}

/* ------------------------------------------------------------------ a burst */

static struct {
	struct work_struct leader, item[BURST];
	struct gate go;
	int nr_hops;
	atomic_bool is_waiting;
	atomic_int nr_run;
} burst;

/* The leader runs for so long that the lock is biased, then lets the others be queued. */
static void burst_fn(struct work_struct *work)
{
	if (work != &burst.leader) {
		atomic_fetch_add(&burst.nr_run, 1);
		return;
	}
	if (++burst.nr_hops < WARM_UP) {
		queue_work(hot_wq, work);
		return;
	}
	atomic_store(&burst.is_waiting, true);
	gate_spin(&burst.go);
	trace_init((uintptr_t)__builtin_return_address(0), (uintptr_t)burst_fn, BURST);
	step_begin(trace_step);
}

static void try_burst(void)
{
	burst.nr_hops = 0;
	atomic_store(&burst.is_waiting, false);
	atomic_store(&burst.nr_run, 0);
	gate_init(&burst.go);
	queue_work_on(allowed_cpu(0), hot_wq, &burst.leader);
	wait_until(atomic_load(&burst.is_waiting));
	for (int i = 0; i < BURST; i++)
		queue_work_on(allowed_cpu(0), hot_wq, &burst.item[i]);
	gate_open(&burst.go);
	/* flushing would need the lock */
	wait_until(atomic_load(&burst.nr_run) == BURST);
	flush_workqueue(hot_wq);
	figure_take();
}

/* Taking all that was pushed off the intake is the one more. */
static void worker_in_a_burst_costs_one_rmw_per_item(void **state)
{
	need_figures();
	hot_wq = alloc_workqueue("hot", WQ_PERCPU, 0);
	INIT_WORK(&burst.leader, burst_fn);
	for (int i = 0; i < BURST; i++)
		INIT_WORK(&burst.item[i], burst_fn);
	figure_init(300L * BURST, BURST + 1);
	while (!figure_is_found())
		try_burst();
	destroy_workqueue(hot_wq);
	figure_check("worker, per item of a burst", BURST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(instructions_of_each_kind_are_told_apart),
		api_test(instructions_of_a_call_are_counted),
		api_test(queue_work_by_a_producer_costs_two_rmws),
		api_test(queue_work_by_the_item_itself_costs_one_rmw),
		api_test(queue_work_by_another_item_of_the_pool_costs_one_rmw),
		api_test(worker_that_runs_an_item_again_costs_one_rmw),
		api_test(worker_that_runs_another_item_costs_one_rmw),
		api_test(worker_in_a_burst_costs_one_rmw_per_item),
	};

	/* what items leave behind is asked of the system, by a library that checks itself */
	setenv("WORKQ_CHECK_ITEMS", "0", /* overwrite */ 1);
	/* each look of the manager would take the bias away */
	setenv("WORKQ_SAMPLE_US", "10000000", /* overwrite */ 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
