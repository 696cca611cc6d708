/* SPDX-License-Identifier: MIT */
/*
 * timer.c - the timer thread (contracts in timer.h).
 *
 * One thread sleeps on one timerfd, which is set to the earliest time that any
 * shard asks for. Who arms an earlier timer sets it anew, without waking the
 * thread. The thread never calls a user's function: it queues items. The manager
 * makes it when the first timer is armed.
 */
#include "core/timer.h"

#include "base/grace.h"
#include "base/os.h"
#include "base/report.h"
#include "core/callback.h"
#include "core/cpus.h"
#include "core/manager.h"
#include "core/pool.h"
#include "core/shard.h"
#include "core/submit.h"

/* Timers handled in one hold of a shard's lock, so that who arms does not wait long; fewer in tests. */
#ifndef TIMER_BATCH
#define TIMER_BATCH 64u
#endif
/* For `deadline`: the thread is awake, and looks at everything before it sleeps. */
#define AWAKE          0ul
/* A timerfd that the program closes sooner than that was lost early. Of those in a row, the second
   is replaced only a while later, the third after twice that. */
#define EARLY_NS       10000000000ull
#define FIRST_PAUSE_NS 1000000000ull

/* A: the tick after which the timerfd fires; WQ_NO_TICK: it need not */
static unsigned long deadline = WQ_NO_TICK;
/* A: the timerfd; negative: there is none, and the thread sleeps on nr_calls */
static int timer_fd = -1;
/* A: a futex: how often such a thread was called. No park: one that was replaced may be late, and
   go to sleep beside its successor. */
static uint32_t nr_calls;
/* A: when the timerfd was opened; how many in a row were lost early; until when none is opened */
static uint64_t opened_ns;
static unsigned int nr_lost_early;
static uint64_t pause_end_ns;
/* A: the thread exists, or is being made */
static bool is_started;
/* A: of the thread that is in charge; an older one ends when it wakes up */
static unsigned int generation;
/* A: nothing fires any more */
static bool is_stopped;
/* A: by the thread: its id; and that it has ended since */
static uint32_t thread_tid;
static bool has_ended;

/* NULL behind the last one. */
static struct wq_shard *shard_at(unsigned int i)
{
	return i < wq_nr_shards ? wq_shards[i] : NULL;
}

#define for_each_shard(shard, i) for ((i) = 0; ((shard) = shard_at(i)) != NULL; (i)++)

/* ------------------------------------------------------ the next wake-up */

/* When the jiffy is over. */
static uint64_t end_of_jiffy(unsigned long tick)
{
	return tick < UINT64_MAX / WQ_NS_PER_JIFFY ? (tick + 1) * WQ_NS_PER_JIFFY : WQ_FOREVER;
}

/* A time that timerfd and futex take: 292 years, if it is later. */
static uint64_t clock_time(unsigned long tick)
{
	uint64_t ns = end_of_jiffy(tick);

	return ns < INT64_MAX ? ns : INT64_MAX;
}

/* It looks at the deadline anew, and whether it is to end. */
static void call_thread(void)
{
	/* order: TIMER-CALL pairs with TIMER-CALLED: what it is called for was stored before */
	wq_fetch_add_seq_cst(&nr_calls, 1u);
	wq_futex_wake_all(&nr_calls);
}

/* If the program closes each one, a new one for each timer would be of no use, and its thread. */
static void note_lost(void)
{
	uint64_t now = wq_os_now_ns(), pause_end = 0;
	unsigned int nr = wq_load_relaxed(&nr_lost_early) + 1;

	if (now - wq_load_relaxed(&opened_ns) >= EARLY_NS)
		nr = 0;
	if (nr > 1)
		pause_end = now + (FIRST_PAUSE_NS << (nr - 2));
	wq_store_relaxed(&nr_lost_early, nr);
	wq_store_relaxed(&pause_end_ns, pause_end);
}

/* The program has closed what it did not open. False: that is known already. */
static bool note_closed(int fd, int err)
{
	static uint32_t once; /* A: reported */

	if (!wq_cas_acq_rel(&timer_fd, &fd, err))
		return false;
	note_lost();
	wq_note_once(&once, "the timerfd of the library was closed by the program, taking another",
		     "");
	return true;
}

/* The thread sleeps on a timerfd that nobody can set any more: the manager makes another one. */
static void replace_thread(void)
{
	wq_fetch_add_seq_cst(&generation, 1u);
	wq_store_seq_cst(&is_started, false);
	wq_park_wake(&wq_manager_park);
}

static void set_alarm(unsigned long tick)
{
	int fd = wq_load_acquire(&timer_fd), err;

	if (fd >= 0) {
		err = wq_os_timer_set(fd, clock_time(tick));
		if (err && note_closed(fd, err))
			replace_thread();
	} else if (wq_load_acquire(&is_started)) {
		call_thread();
	} else {
		wq_park_wake(&wq_manager_park);
	}
}

/*
 * Several may do this at once: who was overtaken by an earlier time sees that
 * afterwards, and sets that.
 */
static void set_alarm_to_deadline(void)
{
	unsigned long wanted;

	do {
		wanted = wq_load_seq_cst(&deadline);
		if (wanted == AWAKE || wanted == WQ_NO_TICK)
			return;
		set_alarm(wanted);
		/* order: ALARM-SET, then look at the deadline again */
	} while (wq_load_seq_cst(&deadline) != wanted);
}

void wq_timer_announce(struct wq_shard *shard)
{
	unsigned long next = wq_load_seq_cst(&shard->next);
	/* order: DEADLINE-LOOK pairs with DEADLINE-SET (Dekker): shard->next was stored before */
	unsigned long found = wq_load_seq_cst(&deadline);

	do {
		if (next >= found)
			return;
	} while (!wq_cas_weak_seq_cst(&deadline, &found, next));
	/* by a worker that may not have entered a section before */
	if (!wq_grace_self)
		wq_grace_claim();
	/* it keeps the timerfd from being closed */
	wq_grace_enter_locked();
	set_alarm_to_deadline();
	wq_grace_leave();
}

static unsigned long earliest_next(void)
{
	unsigned long next, earliest = WQ_NO_TICK;
	struct wq_shard *shard;
	unsigned int i;

	for_each_shard(shard, i)
	{
		/* order: NEXT-LOOK pairs with NEXT-LOWER (Dekker) */
		next = wq_load_seq_cst(&shard->next);
		if (next < earliest)
			earliest = next;
	}
	return earliest;
}

/* Say until when to sleep. False: something earlier was armed meanwhile by who knew us awake. */
static bool set_deadline(void)
{
	unsigned long earliest = earliest_next();

	/* order: DEADLINE-SET pairs with DEADLINE-LOOK; then NEXT-LOOK again */
	wq_store_seq_cst(&deadline, earliest);
	if (earliest_next() < earliest) {
		wq_store_seq_cst(&deadline, AWAKE);
		return false;
	}
	/* else sleep_until_alarm() looks at the deadline */
	if (wq_load_relaxed(&timer_fd) >= 0)
		set_alarm_to_deadline();
	return true;
}

/* -------------------------------------------------------------- firing */

static struct wq_park *fire(struct wq_shard *shard, struct timer_list *timer)
{
	struct delayed_work *dwork = wq_timer_dwork(timer);
	struct wq_park *wake;

	if (!dwork)
		return wq_callback_add_locked(shard, timer);
	/* pushed before the shard's lock is released: others see it armed, or queued */
	wq_submit(dwork->wq, &dwork->work, (unsigned int)dwork->cpu, &wake);
	return wake;
}

/* Fire what is due, up to a batch; false: there may be more. */
static bool fire_batch(struct wq_shard *shard, unsigned long now)
{
	struct wq_park *wake[TIMER_BATCH];
	unsigned int budget = TIMER_BATCH, nr_wake = 0, i;
	struct timer_list *timer;

	wq_grace_enter();
	wq_shard_lock(shard);
	while ((timer = wq_shard_expire_locked(shard, now, &budget))) {
		wake[nr_wake] = fire(shard, timer);
		nr_wake += wake[nr_wake] != NULL;
	}
	wq_shard_set_next_locked(shard);
	wq_shard_unlock(shard);
	wq_grace_leave();
	for (i = 0; i < nr_wake; i++)
		wq_park_wake(wake[i]);
	return budget;
}

/* Deferrable timers ride along with others, whether the shard asks for it or not. */
static bool has_due(const struct wq_shard *shard, unsigned long now)
{
	unsigned long next = wq_load_relaxed(&shard->next);

	return next != WQ_NO_TICK && next - shard->slack < now;
}

/* A batch from each shard in turn: none waits for another one's backlog. */
static void fire_all(void)
{
	struct wq_shard *shard;
	unsigned long now;
	unsigned int i;
	bool is_done;

	do {
		is_done = true;
		now = wq_shard_now();
		for_each_shard(shard, i)
		{
			if (has_due(shard, now) && !fire_batch(shard, now))
				is_done = false;
		}
	} while (!is_done);
}

/* -------------------------------------------------------------- thread */

static void open_timer(void)
{
	static uint32_t once; /* A: reported */
	int none = wq_load_relaxed(&timer_fd), fd;

	if (none >= 0 || wq_os_now_ns() < wq_load_relaxed(&pause_end_ns))
		return;
	fd = wq_os_timer_create();
	wq_store_relaxed(&opened_ns, wq_os_now_ns());
	if (fd < 0)
		wq_note_once(&once,
			     "no descriptor for a timerfd: who arms a timer has to wake its thread",
			     "");
	if (fd >= 0 && !wq_cas_acq_rel(&timer_fd, &none, fd))
		wq_os_timer_close(fd);
	/* who sleeps without one, because he was replaced meanwhile or has replaced us, takes it */
	if (fd >= 0)
		call_thread();
}

static uint32_t count_calls(void)
{
	/* order: TIMER-CALLED pairs with TIMER-CALL: then look what it was for */
	return wq_load_acquire(&nr_calls);
}

/* Without a timerfd until the next call after so many. */
static void sleep_until_alarm(uint32_t nr)
{
	int fd = wq_load_relaxed(&timer_fd), err;

	if (fd < 0) {
		wq_futex_wait(&nr_calls, nr, clock_time(wq_load_relaxed(&deadline)));
		return;
	}
	err = wq_os_timer_wait(fd);
	if (err)
		note_closed(fd, err);
}

static void timer_main(void *arg)
{
	unsigned int mine = (unsigned int)(uintptr_t)arg;
	uint32_t nr = count_calls();

	wq_os_thread_set_name("kworker/timer");
	wq_store_relaxed(&thread_tid, wq_os_tid());
	wq_grace_claim();
	do {
		wq_store_seq_cst(&deadline, AWAKE);
		/* in a section, so that fork() finds either none or its number (U3) */
		wq_grace_enter();
		open_timer();
		wq_grace_leave();
		do
			fire_all();
		while (!set_deadline());
		sleep_until_alarm(nr);
		nr = count_calls();
	} while (wq_load_acquire(&generation) == mine && !wq_load_acquire(&is_stopped));
	/* what woke us may have been meant for the one in charge */
	set_alarm_to_deadline();
	wq_store_release(&has_ended, true);
}

bool wq_timer_wants_thread(void)
{
	return wq_load_relaxed(&deadline) != WQ_NO_TICK && !wq_load_relaxed(&is_started) &&
	       !wq_load_relaxed(&is_stopped);
}

int wq_timer_start(void)
{
	struct wq_cpuset cpus;
	uintptr_t mine;
	int err;

	/* before it runs, so that who arms does not ask again; and before its generation is
	   looked at: replace_thread() changes that, then asks for another thread */
	wq_store_seq_cst(&is_started, true);
	mine = wq_load_seq_cst(&generation);
	wq_cpus_copy_allowed(&cpus);
	err = wq_os_thread_create(timer_main, (void *)mine, &cpus);
	if (err)
		wq_store_release(&is_started, false);
	return err;
}

/* -------------------------------------------------------------- the end */

void wq_timer_stop(void)
{
	int fd = wq_load_acquire(&timer_fd);

	wq_store_seq_cst(&is_stopped, true);
	if (fd >= 0)
		wq_os_timer_set(fd, 0);
	else
		call_thread();
}

bool wq_timer_is_gone(void)
{
	if (!wq_load_acquire(&is_started))
		return true;
	/* again and again: it may just have set the timerfd to its next time */
	wq_timer_stop();
	return wq_load_acquire(&has_ended) && !wq_os_thread_exists(wq_load_relaxed(&thread_tid));
}

void wq_timer_close(void)
{
	int fd;

	/* for good: who arms a timer leaves the timerfd alone */
	wq_store_seq_cst(&deadline, AWAKE);
	/* order: SYNCHRONIZE: who did not see that is through with it */
	wq_grace_synchronize();
	fd = wq_load_acquire(&timer_fd);
	if (fd >= 0 && wq_cas_acq_rel(&timer_fd, &fd, -1))
		wq_os_timer_close(fd);
}

void wq_timer_reset(void)
{
	/* the program may have closed it, and the number may be something else's */
	if (timer_fd >= 0 && wq_os_timer_is_open(timer_fd))
		wq_os_timer_close(timer_fd);
	timer_fd = -1;
	deadline = WQ_NO_TICK;
	nr_calls = 0;
	nr_lost_early = 0;
	pause_end_ns = 0;
	is_started = false;
	is_stopped = false;
	thread_tid = 0;
	has_ended = false;
}
