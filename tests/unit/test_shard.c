/* SPDX-License-Identifier: MIT */
/*
 * test_shard.c - armed timers by CPU: which shards there are, which one a timer belongs
 * to, and how many items of each queue they hold.
 *
 * Each test has a process of its own.
 */
#include "memory.h"
#include "shard_calls.h"
#include "support/map.h"

/* ------------------------------------------------------------------- making */

static void must_have_shards_of_allowed_cpus(void)
{
	must(wq_nr_shards == 2 * NR_ALLOWED);
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
		if (!is_allowed(cpu))
			continue;
		must(usual_shard(cpu) != deferrable_shard(cpu));
		must(usual_shard(cpu)->cpu == cpu && deferrable_shard(cpu)->cpu == cpu);
		must(usual_shard(cpu)->slack == 0 && deferrable_shard(cpu)->slack == DEFER);
	}
}

static void every_allowed_cpu_has_a_shard_and_one_for_deferrable_timers(void)
{
	begin();
	must_have_shards_of_allowed_cpus();
	end();
}

static void new_shards_are_empty_and_want_nothing(void)
{
	begin();
	for (unsigned int i = 0; i < wq_nr_shards; i++) {
		must(wq_shards[i]->index == i);
		must((uintptr_t)wq_shards[i] % WQ_CACHE_LINE == 0);
		must(wq_shards[i]->next == WQ_NO_TICK && !wq_shards[i]->running);
		must(wq_list_is_empty(&wq_shards[i]->expired));
		must(!expire(wq_shards[i], now + LATER));
		must_hold(wq_shards[i], 0);
	}
	must(!manager_was_woken());
	end();
}

/* Each by another one, in turn: not all of them by the first. */
static void cpus_not_allowed_arm_on_allowed_ones_shards_in_turn(void)
{
	static const unsigned int in_turn[] = { FIRST, SECOND, THIRD };
	unsigned int nr = 0;

	begin();
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
		if (is_allowed(cpu))
			continue;
		must(usual_shard(cpu) == usual_shard(in_turn[nr % NR_ALLOWED]));
		must(deferrable_shard(cpu) == deferrable_shard(in_turn[nr % NR_ALLOWED]));
		nr++;
	}
	must(nr == NR_CPUS - NR_ALLOWED);
	end();
}

static void cpus_there_are_none_of_arm_where_the_first_one_does(void)
{
	begin();
	must(usual_shard(NR_CPUS) == usual_shard(0));
	must(usual_shard(UINT32_MAX) == usual_shard(0));
	must(deferrable_shard(WQ_MAX_CPUS) == deferrable_shard(0));
	end();
}

static int maps_left = -1;

#if !TESTS_SANITIZED
/* Stands in for libc's: of maps as large as a shard, only so many are to be had. */
void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	if (len == sizeof(struct wq_shard) && maps_left == 0) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	if (len == sizeof(struct wq_shard) && maps_left > 0)
		maps_left--;
	return map_by_syscall(addr, len, prot, flags, fd, offset);
}
#endif

/* Neither of the two tables can be had at first. */
static void creation_without_memory_for_tables_can_be_tried_again(void)
{
	need_end_of_memory();
	set_cpus();
	for (int nr = 0; nr < 2; nr++) {
		allocs_left = nr;
		must(create_shards() == -ENOMEM && !wq_nr_shards);
	}
	allocs_left = -1;
	begin();
	must_have_shards_of_allowed_cpus();
	end();
}

static void creation_without_memory_goes_on_where_it_stopped(void)
{
	struct wq_shard *made[2 * NR_ALLOWED];
	unsigned int nr;

	if (TESTS_SANITIZED)
		exit(EXIT_SKIPPED);
	set_cpus();
	for (nr = 0; nr < 2 * NR_ALLOWED; nr++) {
		maps_left = 0;
		must(create_shards() == -ENOMEM);
		must(wq_nr_shards == nr);
		maps_left = 1;
		must(create_shards() == (nr + 1 < 2 * NR_ALLOWED ? -ENOMEM : 0));
		made[nr] = wq_shards[nr];
	}
	must(wq_nr_shards == nr);
	maps_left = -1;
	begin();
	for (nr = 0; nr < 2 * NR_ALLOWED; nr++)
		must(wq_shards[nr] == made[nr] && made[nr]->index == nr);
	must_have_shards_of_allowed_cpus();
	end();
}

static void shards_are_created_once(void)
{
	begin();
	must(create_shards() == 0);
	must(wq_nr_shards == 2 * NR_ALLOWED);
	must(usual_shard(FIRST) == here && usual_shard(SECOND) == there);
	end();
}

/* ------------------------------------------------------- what a timer belongs to */

static void timer_never_armed_belongs_to_no_shard(void)
{
	begin();
	must(timer.state == 0);
	must(!wq_shard_lock_timer(&timer));
	must(wq_shard_lock_to_arm(&timer, here) == here);
	must(here->lock.word && is_idle_on(&timer, here));
	wq_shard_unlock(here);
	end();
}

/* Who has the shard's lock has the timer to himself: it still names that shard. */
static void timer_taken_off_stays_with_its_shard(void)
{
	begin();
	arm(0, here, now + LATER);
	remove_timer(item(0));
	must(is_idle_on(item(0), here));
	arm(0, here, now);
	must(expire(here, now + 1) == item(0));
	must(is_idle_on(item(0), here));
	must_hold(here, 0);
	end();
}

/* Lock what the timer belongs to, to arm it on `there` by preference. */
static struct wq_shard *lock_to_arm_there(void)
{
	struct wq_shard *shard = wq_shard_lock_to_arm(&timer, there);

	must(shard->lock.word);
	must((timer.state & WQ_TIMER_SHARD_MASK) == shard->index + 1);
	must(!(shard == here ? there : here)->lock.word);
	return shard;
}

static void idle_timer_moves_to_who_arms_it(void)
{
	begin();
	wq_shard_unlock(wq_shard_lock_to_arm(&timer, here));
	must(lock_to_arm_there() == there);
	wq_shard_unlock(there);
	must(is_idle_on(&timer, there));
	end();
}

static void armed_timer_stays_where_it_is(void)
{
	begin();
	wq_shard_lock_to_arm(&timer, here);
	wq_shard_add_locked(here, &timer, now + LATER);
	wq_shard_unlock(here);
	must(lock_to_arm_there() == here);
	wq_shard_unlock(here);
	must(is_armed_on(&timer, here));
	end();
}

static void expired_timer_stays_until_it_was_called(void)
{
	begin();
	wq_grace_enter();
	wq_shard_lock_to_arm(&timer, here);
	wq_callback_add_locked(here, &timer);
	wq_shard_unlock(here);
	wq_grace_leave();
	must(timer.state == ((here->index + 1) | WQ_TIMER_EXPIRED));
	must(lock_to_arm_there() == here);
	wq_shard_unlock(here);
	must(timer.state == ((here->index + 1) | WQ_TIMER_EXPIRED));
	end();
}

/* timer_delete_sync() must find that it runs. */
static void timer_stays_while_its_callback_runs(void)
{
	begin();
	wq_shard_lock_to_arm(&timer, here);
	here->running = &timer;
	wq_shard_unlock(here);
	must(lock_to_arm_there() == here);
	here->running = NULL;
	wq_shard_unlock(here);
	must(lock_to_arm_there() == there);
	wq_shard_unlock(there);
	end();
}

static void idle_item_moves_to_who_arms_it(void)
{
	begin();
	arm(0, here, now + LATER);
	remove_timer(item(0));
	arm(0, there, now + LATER);
	must(is_armed_on(item(0), there));
	must_hold(here, 0);
	must_hold(there, 1);
	end();
}

static void idle_item_stays_if_its_shard_is_locked(void)
{
	begin();
	arm(0, here, now + LATER);
	remove_timer(item(0));
	wq_lock_acquire(&here->lock);
	arm(0, there, now + LATER / 2);
	must(is_idle_on(item(0), here) && here->intake && !there->intake);
	wq_shard_unlock(here);
	must(is_armed_on(item(0), here) && here->next == now + LATER / 2);
	must_hold(here, 1);
	must_hold(there, 0);
	end();
}

static struct wq_shard *locked;
static struct gate seen;

static long lock_timer_until_seen(void *arg)
{
	(void)arg;
	locked = wq_shard_lock_timer(&timer);
	gate_wait(&seen);
	wq_shard_unlock(locked);
	return 0;
}

/* It waits for the lock of the one, and meanwhile the timer goes to another one. */
static void lock_timer_follows_a_timer_that_moves(void)
{
	struct call call;

	begin();
	gate_init(&seen);
	wq_shard_unlock(wq_shard_lock_to_arm(&timer, here));
	wq_lock_acquire(&here->lock);
	call_start(&call, lock_timer_until_seen, NULL);
	must(call_blocks(&call));
	wq_store_release(&timer.state, there->index + 1);
	wq_lock_release(&here->lock);
	wait_until(wq_load_relaxed(&there->lock.word));
	must(!wq_load_relaxed(&here->lock.word));
	gate_open(&seen);
	call_join(&call);
	must(locked == there);
	end();
}

static uint32_t may_move;

/* It is armed and disarmed here, then wanted on the other shard, whose lock is taken. */
static long use_and_move(void *arg)
{
	(void)arg;
	while (!wq_load_relaxed(&may_move))
		wq_cpu_relax();
	wq_shard_lock_to_arm(&timer, here);
	wq_shard_add_locked(here, &timer, now + LATER);
	wq_shard_remove_locked(here, &timer);
	wq_shard_unlock(here);
	wq_shard_unlock(wq_shard_lock_to_arm(&timer, there));
	return 0;
}

/*
 * SHARD-MOVE, SHARD-NAMED: nothing else orders the two threads, mostly: whoever takes the
 * other shard's lock next sees what was done under the first one's. ThreadSanitizer tells.
 */
static void timer_that_moved_is_seen_as_it_was_left(void)
{
	struct call mover;

	begin();
	for (int round = 0; round < 20; round++) {
		timer_setup(&timer, never_called, 0);
		wq_store_relaxed(&may_move, 0u);
		call_start(&mover, use_and_move, NULL);
		wq_lock_acquire(&there->lock);
		wq_store_relaxed(&may_move, 1u);
		wait_until(wq_load_relaxed(&timer.state) == there->index + 1);
		wq_lock_release(&there->lock);
		must(wq_shard_lock_timer(&timer) == there);
		wq_shard_add_locked(there, &timer, now + LATER);
		wq_shard_remove_locked(there, &timer);
		wq_shard_unlock(there);
		call_join(&mover);
	}
	end();
}

/* ------------------------------------------------------------------- counting */

static void armed_items_are_counted_by_queue_and_shard(void)
{
	struct workqueue_struct *other;

	begin();
	other = make_queue(WQ_UNBOUND);
	dwork[2].wq = other;
	arm(0, here, now + LATER);
	arm(1, there, now + LATER);
	arm(2, here, now + LATER);
	arm(3, here, now + LATER);
	must_hold(here, 2);
	must_hold(there, 1);
	must(nr_armed(other, here) == 1 && nr_armed(other, there) == 0);
	remove_timer(item(0));
	remove_timer(item(2));
	must(expire(here, now + LATER + 1) == item(3));
	must_hold(here, 0);
	must_hold(there, 1);
	must(nr_armed(other, here) == 0);
	remove_timer(item(1));
	must_hold(there, 0);
	free_queue(other);
	end();
}

static void items_armed_anew_are_counted_once(void)
{
	begin();
	arm(0, here, now + LATER);
	wq_shard_lock(here);
	for (unsigned long i = 0; i < 5; i++)
		wq_shard_move_locked(here, item(0), now + i * i * LATER);
	must(is_armed_on(item(0), here));
	wq_shard_unlock(here);
	must_hold(here, 1);
	must(expire(here, now + 16 * LATER + 1) == item(0));
	must_hold(here, 0);
	end();
}

static void users_timers_are_not_counted(void)
{
	begin();
	must(!wq_timer_dwork(&timer) && wq_timer_dwork(item(3)) == &dwork[3]);
	wq_shard_lock_to_arm(&timer, here);
	wq_shard_add_locked(here, &timer, now);
	must(is_armed_on(&timer, here));
	wq_shard_unlock(here);
	must_hold(here, 0);
	must(expire(here, now + 1) == &timer);
	must_hold(here, 0);
	end();
}

/* ------------------------------------------------------------ broken contracts */

static void add_an_armed_timer(void)
{
	begin();
	arm(0, here, now);
	wq_shard_lock(here);
	wq_shard_add_locked(here, item(0), now);
}

static void remove_an_idle_timer(void)
{
	begin();
	wq_shard_lock(here);
	wq_shard_remove_locked(here, item(0));
}

static void add_without_the_lock(void)
{
	begin();
	wq_shard_add_locked(here, item(0), now);
}

static void calls_that_do_not_fit_the_state_are_bugs(void **state)
{
	(void)state;
	assert_aborts(add_an_armed_timer, "wq_shard_is_armed_locked");
	assert_aborts(remove_an_idle_timer, "wq_shard_is_armed_locked");
	assert_aborts(add_without_the_lock, "lock not held");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(every_allowed_cpu_has_a_shard_and_one_for_deferrable_timers),
		child_test(new_shards_are_empty_and_want_nothing),
		child_test(cpus_not_allowed_arm_on_allowed_ones_shards_in_turn),
		child_test(cpus_there_are_none_of_arm_where_the_first_one_does),
		child_test(creation_without_memory_for_tables_can_be_tried_again),
		child_test(creation_without_memory_goes_on_where_it_stopped),
		child_test(shards_are_created_once),
		child_test(timer_never_armed_belongs_to_no_shard),
		child_test(timer_taken_off_stays_with_its_shard),
		child_test(idle_timer_moves_to_who_arms_it),
		child_test(armed_timer_stays_where_it_is),
		child_test(expired_timer_stays_until_it_was_called),
		child_test(timer_stays_while_its_callback_runs),
		child_test(idle_item_moves_to_who_arms_it),
		child_test(idle_item_stays_if_its_shard_is_locked),
		child_test(lock_timer_follows_a_timer_that_moves),
		child_test(timer_that_moved_is_seen_as_it_was_left),
		child_test(armed_items_are_counted_by_queue_and_shard),
		child_test(items_armed_anew_are_counted_once),
		child_test(users_timers_are_not_counted),
		room_test(calls_that_do_not_fit_the_state_are_bugs),
	};

	return cmocka_run_group_tests_name("shard", tests, NULL, NULL);
}
