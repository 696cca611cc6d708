/* SPDX-License-Identifier: MIT */
/*
 * test_shard_arm.c - arming waits for no lock: who finds it taken leaves the timer in the
 * intake, and it is never forgotten there.
 *
 * By hand, by two racing threads, and by a signal handler that interrupts who holds the
 * lock at each of his instructions.
 */
#include <sys/ptrace.h>

#include "support/step.h"
#include "support/syscall_stand_in.h"
#include "shard_calls.h"

/* ------------------------------------------------------ arming delayed items */

static void arm_item_puts_it_on_the_shard(void)
{
	begin();
	arm(0, here, now + LATER);
	must(is_armed_on(item(0), here));
	must(item(0)->expires == now + LATER);
	must_hold(here, 1);
	must_hold(there, 0);
	must(here->next == now + LATER && there->next == WQ_NO_TICK);
	must(manager_was_woken() && wq_timer_wants_thread());
	end();
}

static void thread_is_not_wanted_any_more_when_stopped(void)
{
	begin();
	wq_timer_stop();
	arm(0, here, now + LATER);
	must(!wq_timer_wants_thread());
	end();
}

/* As a signal handler does that interrupts who holds the lock: it must not wait. */
static void arm_under_the_lock_is_filed_when_it_is_released(void)
{
	begin();
	wq_shard_lock(here);
	for (int i = 0; i < 3; i++) {
		arm(i, here, now + LATER - (unsigned int)i);
		must(is_idle_on(item(i), here));
	}
	must(here->lock.word && here->intake && !nr_armed(wq, here));
	must(!manager_was_woken());
	wq_shard_unlock(here);
	for (int i = 0; i < 3; i++)
		must(is_armed_on(item(i), here));
	must_hold(here, 3);
	must(here->next == now + LATER - 2);
	must(manager_was_woken());
	end();
}

/* Who pushed it was interrupted before he tried for the lock again. */
static void pushed_item_is_filed_by_the_next_one_who_locks(void)
{
	begin();
	wq_lock_acquire(&here->lock);
	arm(0, here, now + LATER);
	wq_lock_release(&here->lock);
	must(here->intake);
	must(wq_shard_lock_timer(item(0)) == here);
	must(wq_shard_is_armed_locked(item(0)));
	must(!here->intake && nr_armed(wq, here) == 1);
	wq_shard_unlock(here);
	must_hold(here, 1);
	must(manager_was_woken());
	end();
}

static bool frees_lock;

/* Between the push of a timer and the second try for the lock: whoever holds it goes. */
static bool syscall_is_refused(long nr)
{
	if (nr == SYS_membarrier && frees_lock) {
		frees_lock = false;
		wq_lock_release(&here->lock);
	}
	return false;
}

/* SHARD-PUSH: he who releases the lock has looked before the timer was there. */
static void pushed_item_is_filed_at_once_if_the_lock_is_free_by_then(void)
{
	begin();
	wq_membarrier_init();
	if (wq_membarrier_is_missing())
		exit(EXIT_SKIPPED);
	wq_lock_acquire(&here->lock);
	frees_lock = true;
	arm(0, here, now + LATER);
	must(!frees_lock && is_armed_on(item(0), here));
	must_hold(here, 1);
	must(here->next == now + LATER && manager_was_woken());
	end();
}

/* -------------------------------------- arming, racing with who releases the lock */

static struct {
	struct duel duel;
	atomic_bool is_armed;
} race;

static void *arm_each_round(void *arg)
{
	(void)arg;
	duel_take_place(&race.duel, 1);
	for (int round = 1; meet(&race.duel, 1, round); round++) {
		arm(0, here, now + LATER);
		atomic_store(&race.is_armed, true);
	}
	return NULL;
}

/* Held until about the moment when the other one gives up trying for the lock. */
static void hold_lock(void)
{
	bool was_too_early;

	wq_shard_lock(here);
	dawdle(race.duel.delay);
	was_too_early = !wq_load_relaxed(&here->intake);
	wq_shard_unlock(here);
	close_in(&race.duel, was_too_early);
}

/* SHARD-PUSH, SHARD-LOOK: either he who pushes gets the lock, or he who releases it looks. */
static void arm_while_the_lock_is_released_is_never_forgotten(void)
{
	pthread_t other;

	begin();
	duel_begin(&race.duel);
	must(pthread_create(&other, NULL, arm_each_round, NULL) == 0);
	duel_take_place(&race.duel, 0);
	for (int round = 1; meet(&race.duel, 0, round); round++) {
		hold_lock();
		while (!atomic_load(&race.is_armed))
			sched_yield();
		must(is_armed_on(item(0), here));
		remove_timer(item(0));
		atomic_store(&race.is_armed, false);
	}
	pthread_join(other, NULL);
	end();
}

/* ------------------------------------ a signal handler arms, at every instruction */

enum {
	EXIT_TOO_LATE = 79,
	MAX_STEPS = 20000,
	/* Where code is longer, such as without optimisation, the points are further apart. */
	MAX_POINTS = 600,
};

static volatile long is_through; /* a word, for the tracer */
static volatile sig_atomic_t came_late;

/* What is interrupted, what comes before it, and when the handler's timer is due. */
struct victim {
	void (*prepare)(void);
	void (*act)(void);
	unsigned long handler_after;
};

static const struct victim *victim;

/* Its timer belongs to another shard so far. */
static void arm_in_handler(int sig)
{
	(void)sig;
	came_late = is_through;
	arm(1, here, now + victim->handler_after);
}

static bool is_armed_on_either(int i)
{
	return is_armed_on(item(i), here) != is_armed_on(item(i), there);
}

/* What each shard must be looked at for: see the victims. */
static void must_be_looked_at(void)
{
	unsigned long after = victim->handler_after;

	if (is_armed_on(item(1), there)) {
		must(there->next == now + after);
		after = LATER;
	}
	must(here->next == now + (after < LATER ? after : LATER));
	/* it is earlier than all before, so that somebody must be told */
	must(manager_was_woken());
}

static void be_interrupted(void)
{
	signal(SIGUSR1, arm_in_handler);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(EXIT_SKIPPED);
	victim->prepare();
	/* not by raise(): that of musl blocks all signals meanwhile */
	kill(getpid(), SIGSTOP);
	victim->act();
	is_through = 1;
	must(is_armed_on(item(0), here) && is_armed_on_either(1));
	must_hold(here, 1 + is_armed_on(item(1), here));
	must_hold(there, is_armed_on(item(1), there));
	must_be_looked_at();
	_exit(came_late ? EXIT_TOO_LATE : 0);
}

/* It is stopped where it begins; its wait status. */
static int start_victim(pid_t *pid)
{
	int status = 0;

	*pid = fork();
	if (*pid == 0)
		be_interrupted();
	waitpid(*pid, &status, 0);
	return status;
}

/* Go on with an instruction, or with all; its wait status then. */
static int go_on(pid_t pid, int how, intptr_t sig)
{
	int status = 0;

	if (ptrace(how, pid, NULL, (void *)sig))
		exit(EXIT_SKIPPED);
	waitpid(pid, &status, 0);
	return status;
}

static int exit_status(int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED)
		exit(EXIT_SKIPPED);
	must(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* How many instructions it has. */
static int count_steps(void)
{
	pid_t pid;
	int n = 0, status = start_victim(&pid);

	while (WIFSTOPPED(status) && !ptrace(PTRACE_PEEKDATA, pid, &is_through, NULL)) {
		must(++n < MAX_STEPS);
		status = go_on(pid, PTRACE_SINGLESTEP, 0);
	}
	if (WIFSTOPPED(status))
		status = go_on(pid, PTRACE_CONT, SIGUSR1);
	must(exit_status(status) == EXIT_TOO_LATE);
	return n;
}

/* The child's exit status if it was interrupted at its n-th instruction. */
static int interrupt_at(int n)
{
	pid_t pid;
	int status = start_victim(&pid);

	while (WIFSTOPPED(status) && n-- > 0)
		status = go_on(pid, PTRACE_SINGLESTEP, 0);
	if (WIFSTOPPED(status))
		status = go_on(pid, PTRACE_CONT, SIGUSR1);
	return exit_status(status);
}

/* Tracer and traced take turns: on one CPU that takes a tenth of the time. */
static void stay_on_this_cpu(void)
{
	cpu_set_t place;

	CPU_ZERO(&place);
	CPU_SET(sched_getcpu(), &place);
	sched_setaffinity(0, sizeof(place), &place);
}

/* Sanitizers defer signals, and need many more instructions. */
static void interrupt_everywhere(const struct victim *which)
{
	int n, stride, status = 0;

	if (TESTS_SANITIZED)
		exit(EXIT_SKIPPED);
	victim = which;
	stay_on_this_cpu();
	n = count_steps();
	/* indeed one by one */
	must(n > 20);
	stride = n / MAX_POINTS + 1;
	for (n = 0; status == 0; n += stride) {
		must(n < MAX_STEPS);
		status = interrupt_at(n);
	}
	must(status == EXIT_TOO_LATE);
}

/* The first item is of this shard, the handler's of the other one; the thread was asked for. */
static void begin_with_items_of_both(void)
{
	begin();
	arm(0, here, now + 3 * LATER);
	arm(1, there, now + 3 * LATER);
	for (int i = 0; i < 2; i++)
		remove_timer(item(i));
	must(!expire(here, now) && !expire(there, now));
	must(manager_was_woken());
}

static void lock_and_add(void)
{
	wq_shard_lock(here);
	wq_shard_add_locked(here, item(0), now + LATER);
}

static void unlock(void)
{
	wq_shard_unlock(here);
}

static void handler_arms_at_any_point_of_an_unlock(void)
{
	static const struct victim sooner = { lock_and_add, unlock, LATER / 2 };
	static const struct victim later = { lock_and_add, unlock, 2 * LATER };

	begin_with_items_of_both();
	interrupt_everywhere(&sooner);
	interrupt_everywhere(&later);
	end();
}

static void do_nothing(void)
{
}

static void arm_first_item(void)
{
	arm(0, here, now + LATER);
}

static void handler_arms_at_any_point_of_arming(void)
{
	static const struct victim sooner = { do_nothing, arm_first_item, LATER / 2 };

	begin_with_items_of_both();
	interrupt_everywhere(&sooner);
	end();
}

/* The last ones of arming by the intake: from looking for the lock in vain on. */
#define PUSH_STEPS      60
/* Where code is longer, such as without optimisation: these too, in larger steps. */
#define LONG_PUSH_STEPS 240
#define STRIDE          4

static long push_when; /* the instruction after which the handler comes; 0: never */

static void push_in_handler(long nth)
{
	if (nth == push_when)
		arm(1, here, now + LATER);
}

/* How many instructions that took. */
static long push_interrupted_at(long nth)
{
	push_when = nth;
	wq_lock_acquire(&here->lock);
	step_begin(push_in_handler);
	arm(0, here, now + LATER);
	step_end();
	wq_lock_release(&here->lock);
	wq_shard_lock(here);
	wq_shard_unlock(here);
	must(is_armed_on(item(0), here));
	remove_timer(item(0));
	return step_nth;
}

static long freed_at; /* the instruction before which the lock is free, and only then */

static void be_free_for_an_instruction(long nth)
{
	if (nth == freed_at)
		here->lock.word = 0;
	if (nth != freed_at + 1)
		return;
	if (!here->lock.word)
		here->lock.word = WQ_LOCK_HELD;
	step_end();
}

/* Somebody else is faster: he who is told "free" finds it taken, and goes by the intake. */
static void lock_that_is_free_for_a_moment_is_had_or_not(void)
{
	if (!STEPS_EXIST)
		exit(EXIT_SKIPPED);
	begin();
	for (freed_at = 1; freed_at < LONG_PUSH_STEPS; freed_at++) {
		here->lock.word = WQ_LOCK_HELD;
		step_begin(be_free_for_an_instruction);
		arm(0, here, now + LATER);
		step_end();
		here->lock.word = 0;
		wq_shard_lock(here);
		wq_shard_unlock(here);
		must(is_armed_on(item(0), here));
		remove_timer(item(0));
	}
	end();
}

/* Both find the lock taken. */
static void handler_pushes_at_any_point_of_a_push(void)
{
	long nr;

	if (!STEPS_EXIST)
		exit(EXIT_SKIPPED);
	begin();
	/* the first time more is done, by the dynamic linker, too */
	push_interrupted_at(0);
	nr = push_interrupted_at(0);
	must(nr > PUSH_STEPS);
	for (int i = 1; i < LONG_PUSH_STEPS && i < nr; i += i < PUSH_STEPS ? 1 : STRIDE) {
		push_interrupted_at(nr - i);
		must(is_armed_on(item(1), here));
		remove_timer(item(1));
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(arm_item_puts_it_on_the_shard),
		child_test(arm_under_the_lock_is_filed_when_it_is_released),
		child_test(pushed_item_is_filed_by_the_next_one_who_locks),
		child_test(pushed_item_is_filed_at_once_if_the_lock_is_free_by_then),
		child_test(arm_while_the_lock_is_released_is_never_forgotten),
		child_test(handler_arms_at_any_point_of_an_unlock),
		child_test(handler_arms_at_any_point_of_arming),
		child_test(lock_that_is_free_for_a_moment_is_had_or_not),
		child_test(thread_is_not_wanted_any_more_when_stopped),
		child_test(handler_pushes_at_any_point_of_a_push),
	};

	return cmocka_run_group_tests_name("shard_arm", tests, NULL, NULL);
}
