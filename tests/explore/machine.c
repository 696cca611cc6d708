/* SPDX-License-Identifier: MIT */
/*
 * machine.c - fibers, of which the search says which one runs (contracts in machine.h).
 *
 * A fiber's thread-local variables are those of a thread of the system that sleeps for good and has
 * lent its thread pointer. x86-64 with FSGSBASE only.
 */
#include "machine.h"

#include <link.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image.h"
#include "memory.h"
#include "reduce.h"
#include "search.h"
#include "stores.h"

enum {
	STACK_SIZE = 64 << 10,
	MAX_STEPS = 300000,
	MAX_CHECKPOINTS = 1 + MAX_CHOICES / CHECKPOINT_EVERY,
};

/* What is put off for longer is periodic, and must not be needed. */
#define SOON_NS 1000000000ull

struct machine machine;
enum machine_fault machine_fault;

/* As they were made, for good: that they are restored does no harm. */
static char *stacks;
static size_t tls_size;
static uintptr_t main_fs;
/* Set by each switch to a fiber. */
static void *main_sp;

/* ------------------------------------------------------------------ fibers */

/* Go on where sp was saved, with that thread pointer. The compiler must not look into it. */
void swap(void **save, void *sp, uintptr_t fs);
__asm__(".text\n .type swap, @function\n swap:\n"
	"pushq %rbx\n pushq %rbp\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
	"movq %rsp, (%rdi)\n movq %rsi, %rsp\n wrfsbase %rdx\n"
	"popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbp\n popq %rbx\n ret\n"
	".size swap, . - swap\n");

static void switch_to(int next)
{
	struct fiber *from = machine_self(), *to = &machine.fiber[next];

	if (to == from)
		return;
	machine.running = next;
	reduce_resume(to);
	swap(&from->sp, to->sp, to->fs);
}

static void leave_machine(void)
{
	machine.is_over = true;
	swap(&machine_self()->sp, main_sp, main_fs);
}

void machine_cut(void)
{
	machine.is_cut = true;
	leave_machine();
}

static void cut_if_redundant(void)
{
	if (search_reduces() && reduce_is_redundant(machine_self()))
		machine_cut();
	machine_self()->is_redundant = false;
}

static uint32_t bit(int i)
{
	return 1u << i;
}

static void set_state(struct fiber *fiber, enum fiber_state state)
{
	uint32_t own = machine_bit(fiber);

	fiber->state = state;
	machine.ready = state == READY ? machine.ready | own : machine.ready & ~own;
}

void machine_let_go(struct fiber *fiber)
{
	set_state(fiber, READY);
}

static bool is_ready(int i)
{
	return machine.ready & bit(i);
}

/* The running one. */
static bool has_yielded(void)
{
	return machine.yielded & bit(machine.running);
}

/* Ready ones but the running one, those behind it first; true to `yielded` or not. */
static unsigned int find_ready(int *found, bool yielded)
{
	uint32_t all = machine.ready & ~bit(machine.running),
		 ready = all & (yielded ? machine.yielded : ~machine.yielded),
		 before = ready & (bit(machine.running) - 1);
	unsigned int nr = 0;

	for (uint32_t left = ready ^ before; left; left &= left - 1)
		found[nr++] = __builtin_ctz(left);
	for (uint32_t left = before; left; left &= left - 1)
		found[nr++] = __builtin_ctz(left);
	return nr;
}

/* Of these: nothing is gained by going on with them. */
static uint32_t find_useless(const int *found, unsigned int nr)
{
	uint32_t useless = 0;

	for (unsigned int i = 0; i < nr && search_reduces(); i++)
		if (reduce_is_useless(&machine.fiber[found[i]]))
			useless |= 1u << i;
	return useless;
}

static bool users_have_ended(void)
{
	for (int i = 0; i < MAX_FIBERS; i++)
		if (machine.fiber[i].is_user && machine.fiber[i].state != ENDED)
			return false;
	return true;
}

/* Nobody can go on: let the time come that the first one waits for. */
static int let_time_pass(void)
{
	int first = -1;

	for (int i = 0; i < MAX_FIBERS; i++)
		if (machine.fiber[i].state == BLOCKED &&
		    (first < 0 || machine.fiber[i].deadline < machine.fiber[first].deadline))
			first = i;
	if (first < 0 || machine.fiber[first].deadline > machine.now + SOON_NS)
		return -1;
	if (machine.fiber[first].deadline > machine.now)
		machine.now = machine.fiber[first].deadline;
	set_state(&machine.fiber[first], READY);
	return first;
}

static void say_who_waits(void)
{
	for (int i = 0; i < MAX_FIBERS; i++)
		if (machine.fiber[i].is_user && machine.fiber[i].state == BLOCKED)
			fprintf(stderr, "explore: %s waits for ever\n", machine.fiber[i].name);
}

static int next_when_none_is_ready(void)
{
	int next = let_time_pass();

	if (next >= 0)
		return next;
	if (!users_have_ended()) {
		say_who_waits();
		machine_fail("nobody can go on: a wake-up is lost, or there is a circle");
	}
	leave_machine();
	return machine.running;
}

static int choose_next(const int *found, unsigned int nr)
{
	uint32_t useless;

	if (search->is_random)
		return search_choose_fiber(found, nr);
	if (has_yielded())
		return found[0];
	useless = find_useless(found, nr);
	if (useless == (1u << nr) - 1)
		machine_cut();
	return found[search_choose(nr, useless)];
}

/* The running fiber waits, has ended, or has yielded. */
static void schedule(void)
{
	int found[MAX_FIBERS], next;
	unsigned int nr = find_ready(found, /* yielded */ false);

	if (++machine.nr_steps > MAX_STEPS)
		machine_fail("no end after %d steps", MAX_STEPS);
	if (!is_ready(machine.running))
		cut_if_redundant();
	if (nr) {
		next = choose_next(found, nr);
	} else {
		nr = find_ready(found, /* yielded */ true);
		machine.yielded = 0;
		if (nr)
			next = found[0];
		else if (is_ready(machine.running))
			next = machine.running;
		else
			next = next_when_none_is_ready();
	}
	switch_to(next);
}

static void fiber_main(void)
{
	struct fiber *self = machine_self();

	self->fn(self->arg);
	stores_flush(self, self->nr_buffered);
	set_state(self, ENDED);
	schedule();
	abort();
}

static char *stack_top(int i)
{
	return stacks + (size_t)(i + 1) * STACK_SIZE;
}

int machine_add(const char *name, void (*fn)(void *arg), void *arg, bool is_user, unsigned int cpu)
{
	int i = 0;
	struct fiber *fiber;
	void **sp;

	while (machine.fiber[i].state != UNUSED && machine.fiber[i].state != ENDED)
		if (++i == MAX_FIBERS)
			machine_fail("too many threads");
	fiber = &machine.fiber[i];
	*fiber = (struct fiber){ .fs = fiber->fs,
				 .buffer = fiber->buffer,
				 .ghost = fiber->ghost,
				 .is_user = is_user,
				 .name = name,
				 .fn = fn,
				 .arg = arg,
				 .cpu = cpu };
	set_state(fiber, READY);
	machine.yielded &= ~bit(i);
	machine.buffering &= ~bit(i);
	machine.ghosted &= ~bit(i);
	machine.unmet &= ~bit(i);
	memset((char *)fiber->fs - tls_size, 0, tls_size);
	sp = (void **)stack_top(i) - 2;
	*sp = (void *)fiber_main;
	fiber->sp = sp - 6;
	return i;
}

/* ---------------------------------------------------------------- choices */

static void point_at_random(void)
{
	int found[MAX_FIBERS];
	unsigned int nr = find_ready(found, false);

	found[nr++] = machine.running;
	switch_to(search_choose_fiber(found, nr));
}

/* The variants of each choice: how many of the last stores are kept back. */
static void maybe_preempt(struct step step)
{
	struct fiber *self = machine_self();
	unsigned int variants = 1 + self->nr_buffered, nr_seen, choice;
	int found[MAX_FIBERS];
	unsigned int nr = find_ready(found, false);

	choice = search_choose_variant(1 + nr, variants, find_useless(found, nr) << 1);
	if (!choice)
		return;
	search_run.nr_preempted++;
	nr_seen = self->nr_buffered - (choice - 1) % variants;
	reduce_preempt_seen(nr_seen);
	stores_flush(self, nr_seen);
	reduce_preempt(step);
	switch_to(found[(choice - 1) / variants]);
}

void machine_point(const void *p, enum access access)
{
	struct step step = { p, access };
	bool writes = access != READS && access != FENCES;
	bool is_shared = !p || search_is_shared(p, machine.running, writes);

	if (++machine.nr_steps > MAX_STEPS)
		machine_fail("no end after %d steps", MAX_STEPS);
	if (search->is_random) {
		point_at_random();
		return;
	}
	if (!is_shared) {
		/* what was kept back is seen, though nobody could be let on right before */
		if (access == UPDATES && machine_self()->nr_buffered)
			reduce_keep();
		return;
	}
	cut_if_redundant();
	if (search_may_preempt())
		maybe_preempt(step);
	reduce_step(step);
	machine_self()->last = p;
}

void machine_yield(void)
{
	machine.nr_steps++;
	reduce_keep();
	/* whom it waits for may be slow: that counts as a preemption of his */
	if (!search->is_random && search_may_preempt() && search_choose(2, 0)) {
		search_run.nr_preempted++;
		return;
	}
	stores_flush_self();
	machine.yielded |= bit(machine.running);
	schedule();
}

void machine_block(uint32_t *word, uint64_t deadline)
{
	struct fiber *self = machine_self();

	if (self->nr_buffered)
		reduce_keep();
	stores_flush_self();
	self->word = word;
	self->deadline = deadline;
	set_state(self, BLOCKED);
	schedule();
	self->word = NULL;
}

void machine_wake(const uint32_t *word, int nr)
{
	if (machine_fault == LOST_WAKE)
		return;
	for (int i = 0; i < MAX_FIBERS && nr > 0; i++) {
		struct fiber *fiber = &machine.fiber[i];

		if (fiber->state != BLOCKED || fiber->word != word)
			continue;
		set_state(fiber, READY);
		nr--;
	}
}

/* --------------------------------------------------------- save and restore */

/* States that runs go on from, before a choice; the first one is the start. Not saved themselves. */
static struct checkpoints {
	unsigned int nr;
	struct {
		unsigned int choice;
		struct image image;
	} at[MAX_CHECKPOINTS];
} * checkpoints;

/* Stacks, thread-local variables, and what is kept of stores. */
static void copy_fibers(struct image *image)
{
	for (int i = 0; i < MAX_FIBERS; i++) {
		struct fiber *fiber = &machine.fiber[i];

		image_copy(image, (char *)fiber->fs - tls_size, tls_size);
		image_copy(image, fiber->buffer, fiber->nr_buffered * sizeof(*fiber->buffer));
		image_copy(image, fiber->ghost, fiber->nr_ghosts * sizeof(*fiber->ghost));
		/* one that ends is still running while it is chosen who is next */
		if (fiber->state == READY || fiber->state == BLOCKED || i == machine.running)
			image_copy(image, fiber->sp, (size_t)(stack_top(i) - (char *)fiber->sp));
	}
}

static void copy_all(struct image *image, bool is_saving)
{
	image_begin(image, is_saving);
	/* first, as static variables say where the stacks end */
	memory_copy(image);
	copy_fibers(image);
}

static void add_checkpoint(void)
{
	checkpoints->at[checkpoints->nr].choice = search_run.next;
	copy_all(&checkpoints->at[checkpoints->nr].image, /* is_saving */ true);
	checkpoints->nr++;
}

void machine_checkpoint(void)
{
	swap(&machine_self()->sp, main_sp, main_fs);
}

/* Until they have nothing more to do; or somebody wants a checkpoint. */
static void run_fibers(void)
{
	swap(&main_sp, machine_self()->sp, machine_self()->fs);
	while (!machine.is_over) {
		add_checkpoint();
		swap(&main_sp, machine_self()->sp, machine_self()->fs);
	}
	stores_settle();
}

void machine_run(void)
{
	machine.is_over = machine.is_cut = false;
	machine.nr_steps = 0;
	if (!machine.ready)
		return;
	machine.running = __builtin_ctz(machine.ready);
	run_fibers();
}

void machine_save(void)
{
	memory_save();
	add_checkpoint();
}

void machine_run_again(void)
{
	while (checkpoints->nr > 1 && checkpoints->at[checkpoints->nr - 1].choice >= search->nr)
		checkpoints->nr--;
	copy_all(&checkpoints->at[checkpoints->nr - 1].image, /* is_saving */ false);
	if (checkpoints->nr > 1) {
		run_fibers();
	} else {
		search_begin_run();
		machine_run();
	}
}

/* ------------------------------------------------------------------- start */

static int note_tls_size(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	(void)data;
	/* the first one is the program */
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_TLS)
			tls_size = (info->dlpi_phdr[i].p_memsz + info->dlpi_phdr[i].p_align - 1) &
				   -info->dlpi_phdr[i].p_align;
	return 1;
}

static uintptr_t thread_pointer(void)
{
	uintptr_t fs;

	__asm__ __volatile__("movq %%fs:0, %0" : "=r"(fs));
	return fs;
}

struct lender {
	sem_t has_lent;
	uintptr_t fs;
};

static void *lend(void *arg)
{
	struct lender *lender = arg;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	lender->fs = thread_pointer();
	sem_post(&lender->has_lent);
	for (;;)
		pause();
	return NULL;
}

static uintptr_t borrow_thread_pointer(void)
{
	struct lender lender;
	pthread_t thread;

	sem_init(&lender.has_lent, 0, 0);
	if (pthread_create(&thread, NULL, lend, &lender))
		abort();
	sem_wait(&lender.has_lent);
	return lender.fs;
}

static void note_crash(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (sig == SIGSEGV && memory_note_written(info->si_addr))
		return;
	machine_fail("the schedule ends by signal %d", sig);
}

static void catch_crashes(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE };
	struct sigaction action = { .sa_sigaction = note_crash,
				    .sa_flags = SA_ONSTACK | SA_SIGINFO | SA_NODEFER };
	stack_t stack = { .ss_size = STACK_SIZE };

	stack.ss_sp = malloc(STACK_SIZE);
	sigaltstack(&stack, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

void machine_init(bool tso)
{
	machine.keeps_stores = tso;
	memory_init();
	stacks = memory_map((size_t)MAX_FIBERS * STACK_SIZE);
	dl_iterate_phdr(note_tls_size, NULL);
	checkpoints = (void *)memory_map(sizeof(*checkpoints));
	machine.now = 3600 * SOON_NS;
	main_fs = thread_pointer();
	for (int i = 0; i < MAX_FIBERS; i++) {
		struct fiber *fiber = &machine.fiber[i];

		fiber->fs = borrow_thread_pointer();
		/* not among what memory.c restores: copy_fibers() copies as much as counts */
		fiber->buffer = (void *)memory_map(MAX_BUFFERED * sizeof(*fiber->buffer));
		fiber->ghost = (void *)memory_map(MAX_GHOSTS * sizeof(*fiber->ghost));
	}
	catch_crashes();
}

void machine_fail(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "explore: FOUND: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	search_print();
	_exit(1);
}
