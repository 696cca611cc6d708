/* SPDX-License-Identifier: MIT */
/*
 * test_cpus.c - which CPUs the process may use, and how pools and queues follow.
 *
 * The system is made up: it has CPUs, and threads, which may use some of them: this one, which
 * plays the manager's, and workers', which only have ids. Each test has a process of its own.
 */
#include "../support/thread_stand_in.h"
#include "machine.h"

#include <dlfcn.h>
#include <errno.h>

#include "core/cpus.h"
#include "core/layout.h"
#include "core/worker.h"
#include "lines.h"
#include "memory.h"
#include "queue_calls.h"

enum {
	MS = 1000000,
};

/* -------------------------------------------------------------------- the system */

enum {
	/* ids of threads that are workers' */
	WORKER = 4242,
	IDLER = 4243,
	NR_THREADS = 3,
};

/* What the system has, and what it has made the masks of its threads by: the same, in the end. */
static struct wq_cpuset present, of_masks;
static struct wq_cpuset mask[NR_THREADS]; /* the manager's, the workers' */
static int nr_set[NR_THREADS];            /* how often they were set */
static int nr_asked;
static bool refuses_masks;         /* to the manager's thread */
static bool knows_others_only;     /* the system says nothing of the CPUs that it was told of */
static void (*meanwhile_fn)(void); /* what happens once the manager's thread has asked for its own */

static int index_of(long tid)
{
	must(tid == 0 || tid == WORKER || tid == IDLER);
	return tid ? tid - WORKER + 1 : 0;
}

static void let_happen(void)
{
	void (*fn)(void) = meanwhile_fn;

	meanwhile_fn = NULL;
	if (fn)
		fn();
}

static long tell_cpus(long tid, struct wq_cpuset *cpus)
{
	nr_asked++;
	wq_cpuset_and(cpus, &mask[index_of(tid)], tid ? &present : &of_masks);
	if (knows_others_only) {
		wq_cpuset_clear(cpus);
		wq_cpuset_add(cpus, NR_CPUS);
	}
	if (!tid)
		let_happen();
	return sizeof(*cpus);
}

static long sched_call(long nr, const long *arg)
{
	static long (*libc_syscall)(long nr, ...);

	if (nr == SYS_sched_getaffinity)
		return tell_cpus(arg[0], (struct wq_cpuset *)arg[2]);
	if (!libc_syscall)
		*(void **)&libc_syscall = dlsym(RTLD_NEXT, "syscall");
	return libc_syscall(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

/* It reads six arguments however many there are, as libc's own does. */
__attribute__((no_sanitize("address"))) long syscall(long nr, ...)
{
	long arg[6];
	va_list args;

	va_start(args, nr);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	return sched_call(nr, arg);
}

int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
	struct wq_cpuset asked, left;

	must(size == sizeof(asked));
	memcpy(&asked, set, sizeof(asked));
	wq_cpuset_and(&left, &asked, &present);
	if (wq_cpuset_is_empty(&left) || (!pid && refuses_masks)) {
		errno = EINVAL;
		return -1;
	}
	mask[index_of(pid)] = asked;
	nr_set[index_of(pid)]++;
	/* who asks is given what there is now */
	if (!pid)
		of_masks = present;
	return 0;
}

static struct wq_cpuset set_of(const char *list)
{
	struct wq_cpuset set;

	must(wq_cpuset_parse_list(&set, list));
	return set;
}

static bool is_list(const struct wq_cpuset *set, const char *list)
{
	struct wq_cpuset expected = set_of(list);

	return wq_cpuset_is_equal(set, &expected);
}

/* Before Linux 6.2, or offline: changes of cpusets are changes of masks. */
static bool masks_are_overwritten;

/* Threads that have none of them may use all. */
static void system_has(const char *list)
{
	struct wq_cpuset both;

	present = of_masks = set_of(list);
	for (int i = 0; i < NR_THREADS; i++) {
		wq_cpuset_and(&both, &mask[i], &present);
		if (wq_cpuset_is_empty(&both))
			wq_cpuset_fill(&mask[i], WQ_MAX_CPUS);
		if (masks_are_overwritten)
			mask[i] = present;
	}
}

/* Who asks now is given these. It has not got to the manager's thread yet. */
static void system_is_about_to_have(const char *list)
{
	present = set_of(list);
}

/* taskset --all-tasks */
static void somebody_sets(const char *list)
{
	struct wq_cpuset set = set_of(list);

	must(sched_setaffinity(0, sizeof(set), (const cpu_set_t *)set.bits) == 0);
	must(sched_setaffinity(WORKER, sizeof(set), (const cpu_set_t *)set.bits) == 0);
	must(sched_setaffinity(IDLER, sizeof(set), (const cpu_set_t *)set.bits) == 0);
}

/* ------------------------------------------------------------------- the manager */

static uint64_t now = MS;

static void look_again(void)
{
	now += wq_options.cpu_watch_ms * MS;
	wq_cpus_watch(now);
}

static void must_allow(const char *list)
{
	look_again();
	if (!is_list(&wq_allowed_cpus, list)) {
		char text[256];

		wq_cpuset_print_list(&wq_allowed_cpus, text, sizeof(text));
		fprintf(stderr, "allowed are %s, not %s\n", text, list);
		abort();
	}
}

/* What somebody has set is taken for that when it is seen again. */
static void must_allow_soon(const char *list)
{
	look_again();
	must_allow(list);
}

/* The thread is there, and has an item, or none. */
static struct wq_worker *add_worker(struct wq_pool *pool, uint32_t tid)
{
	struct wq_worker *worker;

	wq_pool_lock(pool);
	worker = wq_worker_reserve_locked(pool);
	must(worker);
	worker->tid = tid;
	wq_pool_unlock(pool);
	return worker;
}

static struct wq_worker *worker;

static const char *chosen = "";

/* The process was started with the CPUs of machine.h: 1, 4, 5. */
static void begin(const char *system)
{
	wq_report_set_fn(lines_catch);
	set_cpus();
	set_options();
	mask[0] = mask[1] = mask[2] = wq_allowed_cpus;
	present = of_masks = set_of(system);
	wq_options.cpus = chosen;
	wq_options.cpu_watch_ms = 100;
	wq_options.cgroup_root = "/nonexistent";
	wq_lock_acquire(&wq_config_lock);
	wq_cpus_start();
	wq_lock_release(&wq_config_lock);
	create_pools_and_shards();
	init_system();
	worker = add_worker(nth_pwq(system_dfl_wq, 0)->pool, WORKER);
	wq_grace_claim();
	wq_cpus_begin();
	was_woken(&wq_manager_park);
	init_items();
}

/* ----------------------------------------------------------- what may be used */

/* P1, P2 */
static void affinity_that_is_all_there_is_restricts_nothing(void)
{
	begin("1,4-5");
	must_allow("1,4-5");
	system_has("1,4-5,7");
	must_allow("1,4-5,7");
	system_has("0");
	must_allow("0");
	system_has("0-9");
	must_allow("0-9");
	/* ids that no table has room for */
	system_has("3,9-12");
	must_allow("3,9");
}

/* P1, P2 */
static void affinity_that_leaves_cpus_out_goes_on_doing_so(void)
{
	begin("0-9");
	must_allow("1,4-5");
	system_has("0-4");
	must_allow("1,4");
	system_has("0-9");
	must_allow("1,4-5");
}

static void restriction_that_leaves_nothing_counts_again_later(void)
{
	begin("0-9");
	system_has("6-8");
	must_allow("6-8");
	system_has("5-8");
	must_allow("5");
}

static void somebodys_affinity_is_a_restriction_from_then_on(void)
{
	begin("1,4-5");
	somebody_sets("4-5");
	must_allow_soon("4-5");
	system_has("0-4");
	must_allow("4");
	system_has("0-9");
	must_allow("4-5");
	somebody_sets("0-2");
	must_allow_soon("0-2");
	somebody_sets("0-9");
	must_allow_soon("0-9");
	system_has("2-3");
	must_allow("2-3");
}

/* The same where the system forgets what threads have asked for. */
static void masks_that_the_system_overwrites_restrict_nothing(void)
{
	masks_are_overwritten = true;
	affinity_that_is_all_there_is_restricts_nothing();
}

static void restriction_survives_that_the_system_overwrites_masks(void)
{
	masks_are_overwritten = true;
	affinity_that_leaves_cpus_out_goes_on_doing_so();
}

static void somebodys_affinity_survives_that_the_system_overwrites_masks(void)
{
	masks_are_overwritten = true;
	somebodys_affinity_is_a_restriction_from_then_on();
}

static void option_chooses_of_what_is_allowed(void)
{
	chosen = "4-8";
	begin("1,4-5");
	must(is_list(&wq_allowed_cpus, "4-5"));
	must_allow("4-5");
	system_has("0-7");
	must_allow("4-7");
	system_has("0-1");
	must_allow("0-1");
	system_has("1,8");
	must_allow("8");
	must(lines_take() == 0);
}

static void option_that_chooses_nothing_is_noted_and_all_taken(void)
{
	chosen = "2-3";
	begin("1,4-5");
	must(strstr(line_kept[0], "WORKQ_CPUS=2-3 names no CPU"));
	must(lines_take() == 1);
	must_allow("1,4-5");
	/* it chooses nothing later, either */
	system_has("2,4");
	must_allow("2,4");
}

static void option_that_is_no_list_is_noted_and_all_taken(void)
{
	chosen = "1-";
	begin("1,4-5");
	must(strstr(line_kept[0], "WORKQ_CPUS=1- names no CPU"));
	must_allow("1,4-5");
}

static void looks_are_not_more_frequent_than_said(void)
{
	begin("1,4-5");
	look_again();
	nr_asked = 0;
	for (int i = 0; i < 99; i++)
		wq_cpus_watch(now + (uint64_t)i * MS);
	must(nr_asked == 0);
	wq_cpus_watch(now + 100 * MS);
	must(nr_asked > 0);
}

static void turned_off_nothing_is_asked(void)
{
	begin("1,4-5");
	wq_options.cpu_watch_ms = 0;
	system_has("7");
	nr_asked = 0;
	wq_cpus_watch(now + 1000000ull * MS);
	must(nr_asked == 0 && is_list(&wq_allowed_cpus, "1,4-5"));
}

/* It says nothing of those that it was asked for, now or later. */
static void system_that_knows_other_cpus_only_changes_nothing(void)
{
	begin("1,4-5");
	look_again();
	knows_others_only = true;
	must_allow_soon("1,4-5");
	knows_others_only = false;
	system_has("4-5");
	must_allow("4-5");
}

/* U6 */
static void shut_down_it_follows_no_more(void)
{
	begin("1,4-5");
	look_again();
	wq_is_shutting_down = true;
	system_has("4-5");
	must_allow("1,4-5");
}

/* ------------------------------------------------------ changes in the middle of a look */

static void grow(void)
{
	system_has("1,4-5");
}

static void grow_slowly(void)
{
	system_is_about_to_have("1,4-5");
}

/* Between the question for the thread's own affinity and the one for all that there is. */
static void look_while(void (*fn)(void))
{
	meanwhile_fn = fn;
	look_again();
	must(!meanwhile_fn);
}

/* P1, P2 */
static void cpuset_that_grows_during_a_look_restricts_nothing(void)
{
	begin("1,4-5");
	system_has("4");
	look_while(grow);
	must_allow("1,4-5");
	system_has("1,4-5,7");
	must_allow("1,4-5,7");
}

static void cpuset_that_grows_during_a_look_leaves_a_restriction(void)
{
	begin("0-9");
	system_has("4");
	must_allow("4");
	look_again();
	system_has("1,4");
	look_while(grow);
	must_allow("1,4-5");
	system_has("0-9");
	must_allow("1,4-5");
}

static void cpuset_that_grows_during_a_look_leaves_what_the_option_chooses(void)
{
	chosen = "4-5";
	begin("1,4-5");
	system_has("1,4");
	look_while(grow);
	must_allow("4-5");
}

/* Where the system forgets what threads have asked for nothing else says what the option is. */
static void masks_overwritten_during_a_look_restrict_nothing(void)
{
	masks_are_overwritten = true;
	cpuset_that_grows_during_a_look_restricts_nothing();
}

static void masks_overwritten_during_a_look_leave_what_the_option_chooses(void)
{
	masks_are_overwritten = true;
	cpuset_that_grows_during_a_look_leaves_what_the_option_chooses();
}

/* New CPUs are handed out, and threads have not got them yet, for more than a look. */
static void cpuset_that_grows_slowly_restricts_nothing_in_the_end(void)
{
	begin("1,4-5");
	system_has("4");
	look_while(grow_slowly);
	look_again();
	look_again();
	grow();
	must_allow_soon("1,4-5");
	system_has("1,4-5,7");
	must_allow_soon("1,4-5,7");
}

/* It is in doubt, and knows no better than before. */
static void must_doubt(void (*fn)(void))
{
	look_while(fn);
	must(is_list(&wq_allowed_cpus, "1,4-5"));
}

/* And then it changes back. */
static void cpus_that_are_not_there_are_nobodys_affinity(void)
{
	begin("1,4-5");
	system_has("1");
	system_is_about_to_have("4");
	look_again();
	must_allow("1,4-5");
	system_has("1");
	must_allow("1");
}

static void doubt_that_was_settled_is_not_taken_up_again(void)
{
	begin("1,4-5");
	for (int i = 0; i < 3; i++) {
		system_has("4");
		must_doubt(grow);
		must_allow("1,4-5");
	}
}

static void grow_further(void)
{
	system_has("1,4-5,7");
}

static void doubts_that_differ_do_not_become_certain(void)
{
	begin("1,4-5");
	system_has("4");
	must_doubt(grow);
	system_has("5");
	must_doubt(grow);
	system_has("5");
	must_doubt(grow_further);
	must_allow("1,4-5,7");
}

/* An affinity that is seen once may be the trace of what is over. */
static void in_doubt_the_next_look_is_soon(void)
{
	begin("1,4-5");
	look_again();
	somebody_sets("4-5");
	look_again();
	must(is_list(&wq_allowed_cpus, "1,4-5"));
	nr_asked = 0;
	wq_cpus_watch(now + 4 * MS);
	must(nr_asked == 0);
	wq_cpus_watch(now + 5 * MS);
	must(is_list(&wq_allowed_cpus, "4-5"));
	now += 5 * MS;
	nr_asked = 0;
	wq_cpus_watch(now + 99 * MS);
	must(nr_asked == 0);
}

static void affinity_set_while_a_cpuset_changes_is_a_restriction(void)
{
	begin("0-5");
	system_has("1,4");
	must_allow("1,4");
	somebody_sets("4");
	system_has("0-5");
	must_allow_soon("4");
	system_has("4-9");
	must_allow("4");
}

static void set_4(void)
{
	somebody_sets("4");
}

static void affinity_set_during_a_look_is_a_restriction(void)
{
	begin("1,4-5");
	look_while(set_4);
	must_allow_soon("4");
	system_has("0-9");
	must_allow("4");
}

/* Whom the system refuses that, asks again. */
static void affinity_that_cannot_be_narrowed_is_followed_when_it_can(void)
{
	chosen = "4-5";
	begin("1,4-5");
	look_again();
	somebody_sets("1,4");
	refuses_masks = true;
	must_allow_soon("4-5");
	refuses_masks = false;
	must_allow("4");
}

static void affinity_that_need_not_be_narrowed_is_followed_at_once(void)
{
	chosen = "4-5";
	begin("1,4-5");
	look_again();
	somebody_sets("1,4");
	refuses_masks = true;
	must_allow_soon("4-5");
	refuses_masks = false;
	somebody_sets("5");
	must_allow_soon("5");
}

/* ------------------------------------------------------------------- who is asked */

static void without_a_worker_changes_are_followed_when_there_is_one(void)
{
	begin("1,4-5");
	worker->tid = 0;
	system_has("4");
	must_allow("1,4-5");
	system_has("1,4-5");
	somebody_sets("5");
	must_allow_soon("1,4-5");
	worker->tid = WORKER;
	must_allow_soon("5");
}

/* Be that a restriction that is still in doubt. */
static void worker_that_is_asked_has_its_cpus_back(void)
{
	begin("1,4-5");
	look_again();
	somebody_sets("4-5");
	look_again();
	must(is_list(&mask[1], "4-5"));
	must_allow("4-5");
	must(is_list(&mask[1], "4-5"));
}

static void worker_without_an_item_is_asked_rather_than_one_that_has_one(void)
{
	struct wq_worker *idler;
	struct wq_pool *pool;

	begin("1,4-5");
	pool = worker->pool;
	wq_pool_lock(pool);
	idler = wq_worker_alloc_locked(pool);
	idler->tid = IDLER;
	wq_pool_enter_locked(pool);
	wq_pool_idle_locked(pool, idler);
	wq_pool_unlock(pool);
	look_again();
	somebody_sets("4-5");
	nr_set[1] = nr_set[2] = 0;
	look_again();
	must(nr_set[1] == 0 && nr_set[2] == 2);
}

/* P2: they had become fewer, and would stay so. */
static void worker_that_was_asked_for_nothing_belongs_where_it_did(void)
{
	begin("1,4-5");
	look_again();
	system_has("4");
	masks_are_overwritten = true;
	look_while(grow);
	mask[1] = set_of("4");
	mask[0] = set_of("1,4-5");
	look_again();
	must(is_list(&mask[1], "1,4-5"));
}

/* ---------------------------------------------------------------------- pools */

static struct wq_pool *pool_of(unsigned int cpu, unsigned int flags)
{
	return wq_pools_of_cpu(cpu, flags);
}

/* P1, P2 */
static void pools_of_a_cpu_that_is_gone_are_served_elsewhere(void)
{
	begin("1,4-5");
	system_has("1,5");
	look_again();
	must(!pool_of(SECOND, 0)->is_bound && !pool_of(SECOND, WQ_HIGHPRI)->is_bound);
	must(is_list(&pool_of(SECOND, 0)->cpus, "1,5"));
	must(pool_of(SECOND, 0)->max_running == 2);
	must(pool_of(FIRST, 0)->is_bound && is_list(&pool_of(FIRST, 0)->cpus, "1"));
	system_has("4");
	look_again();
	must(pool_of(SECOND, 0)->is_bound && is_list(&pool_of(SECOND, 0)->cpus, "4"));
	must(!pool_of(FIRST, 0)->is_bound && is_list(&pool_of(FIRST, 0)->cpus, "4"));
}

/* O6, P1 */
static void elsewhere_is_where_unbound_work_may_run(void)
{
	begin("1,4-5");
	wq_affinity_cpus.requested = set_of("5-9");
	system_has("1,5");
	look_again();
	must(is_list(&pool_of(SECOND, 0)->cpus, "5"));
	system_has("1");
	look_again();
	must(is_list(&pool_of(SECOND, 0)->cpus, "1"));
	must(is_list(&wq_affinity_cpus.unbound, "1"));
	system_has("1,7");
	look_again();
	must(is_list(&pool_of(SECOND, 0)->cpus, "7"));
}

/* M3, M1 */
static void bh_items_run_one_after_another_elsewhere_too(void)
{
	begin("1,4-5");
	system_has("1");
	look_again();
	must(pool_of(SECOND, WQ_BH)->is_bound && is_list(&pool_of(SECOND, WQ_BH)->cpus, "1"));
}

/* P1: what the CPU's worker holds off. */
static void what_waits_behind_a_runner_may_start_when_the_cpu_is_gone(void)
{
	struct wq_pwq *pwq;

	begin("1,4-5");
	pwq = wq_wq_pwq_of(system_percpu_wq, SECOND);
	/* somebody runs */
	wq_pool_lock(pwq->pool);
	pwq->pool->nr_workers = pwq->pool->nr_running = 1;
	wq_pool_unlock(pwq->pool);
	queue_on(pwq, 0);
	must(!pwq->pool->wants_worker);
	was_woken(&wq_manager_park);
	system_has("1,5");
	look_again();
	must(pwq->pool->wants_worker && was_woken(&wq_manager_park));
}

static void cpu_that_appears_gets_pools_once(void)
{
	unsigned int nr;

	begin("1,4-5");
	nr = wq_nr_pools;
	system_has("1,4-5,7");
	look_again();
	must(wq_nr_pools == nr + 4);
	must(pool_of(7, WQ_HIGHPRI)->cpu == 7 && pool_of(7, WQ_HIGHPRI)->is_bound);
	must(pool_of(7, WQ_BH)->turn &&
	     pool_of(7, WQ_BH)->turn == pool_of(7, WQ_BH | WQ_HIGHPRI)->turn);
	system_has("1,4-5");
	look_again();
	must(!pool_of(7, 0)->is_bound);
	system_has("1,4-5,7");
	look_again();
	must(wq_nr_pools == nr + 4 && pool_of(7, 0)->is_bound);
}

/* --------------------------------------------------------------------- queues */

static struct wq_pwq *pwq_on(struct workqueue_struct *wq, unsigned int cpu)
{
	return wq_wq_pwq_of(wq, cpu);
}

/* The item that serves queues anew; NULL: nobody has queued it. */
static struct work_struct *remaking(void)
{
	struct wq_pwq *pwq = pwq_on(&wq_release_wq, 0);
	struct wq_list *node;

	look(pwq);
	wq_list_for_each(node, &pwq->pool->worklist) {
		struct work_struct *work = wq_node_work(node);

		if (wq_word_pwq(work->data)->wq == &wq_release_wq &&
		    work->func != nth_pwq(system_dfl_wq, 0)->release.func)
			return work;
	}
	return NULL;
}

/* What its worker does. */
static void remake(void)
{
	struct work_struct *work = remaking();
	work_func_t func;

	must(work);
	func = work->func;
	finish(work);
	func(work);
}

/* P2: of a CPU that had no pools. */
static void percpu_queues_have_a_pwq_for_a_cpu_that_appears(void)
{
	struct wq_pwq *others;

	begin("1,4-5");
	others = pwq_on(system_percpu_wq, 7);
	must(others->pool->cpu != 7);
	queue_on(others, 0);
	system_has("1,4-5,7");
	look_again();
	remake();
	must(pwq_on(system_percpu_wq, 7)->pool == pool_of(7, 0));
	must(pwq_on(system_highpri_wq, 7)->pool == pool_of(7, WQ_HIGHPRI));
	must(pwq_on(system_bh_wq, 7)->pool == pool_of(7, WQ_BH));
	/* the others stay, and so does what is queued there */
	must(nr_pwqs(system_percpu_wq) == NR_ALLOWED + 1);
	must(is_active(&item[0]) && wq_word_pwq(item[0].data) == others);
	must(!others->is_replaced && !others->is_retired);
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
		must(!is_allowed(cpu) || pwq_on(system_percpu_wq, cpu)->pool->cpu == (int)cpu);
	queue_on(pwq_on(system_percpu_wq, 7), 1);
	must(is_active(&item[1]));
	run(1);
	run(0);
}

static void percpu_queues_that_lack_nothing_stay_as_they_are(void)
{
	struct wq_table *table;

	begin("1,4-5");
	table = system_percpu_wq->table;
	was_woken(&wq_manager_park);
	system_has("1");
	look_again();
	/* its worker is yet to be made */
	must(was_woken(&wq_manager_park));
	remake();
	must(system_percpu_wq->table == table);
}

/* P3 */
static void queue_made_while_a_cpu_is_gone_has_a_pwq_for_it(void)
{
	struct workqueue_struct *wq;

	begin("1,4-5");
	system_has("1");
	look_again();
	wq = make_queue(WQ_PERCPU);
	must(pwq_on(wq, SECOND)->pool == pool_of(SECOND, 0));
	free_queue(wq);
}

/* P4 */
static void unbound_queues_are_served_by_the_cpus_that_there_are(void)
{
	begin("1,4-5");
	must(is_list(&pwq_on(system_dfl_wq, FIRST)->pool->pod, "1,4-5"));
	system_has("4-7");
	look_again();
	/* at once those of CPUs, a little later this */
	must(is_list(&pwq_on(system_dfl_wq, FIRST)->pool->pod, "1,4-5"));
	remake();
	must(is_list(&pwq_on(system_dfl_wq, FIRST)->pool->cpus, "4-7"));
	must(!remaking());
}

/* A CPU of it is gone, which is known, and queues have not followed yet. */
static struct wq_table *table_of_too_many_cpus(void)
{
	struct wq_table *table;

	need_end_of_memory();
	begin("1,4-5");
	table = system_dfl_wq->table;
	system_has("4-5");
	look_again();
	return table;
}

/* P4 */
static void without_memory_queues_stay_as_they_were_and_follow_later(void)
{
	struct wq_table *table = table_of_too_many_cpus();

	allocs_left = 0;
	remake();
	allocs_left = -1;
	must(system_dfl_wq->table == table);
	must(strstr(line_kept[0], "no memory to follow a change of CPUs"));
	must(lines_take() == 1);
	must(!remaking());
	look_again();
	remake();
	must(is_list(&pwq_on(system_dfl_wq, FIRST)->pool->cpus, "4-5"));
	must(lines_take() == 0);
}

/* Nobody will look again. */
static void shut_down_queues_that_cannot_follow_stay_without_a_word(void)
{
	struct wq_table *table = table_of_too_many_cpus();

	wq_is_shutting_down = true;
	allocs_left = 0;
	remake();
	must(system_dfl_wq->table == table && lines_take() == 0);
}

/* P1, P4 */
static void without_memory_for_pools_the_rest_follows(void)
{
	unsigned int nr;

	need_end_of_memory();
	begin("1,4-5");
	nr = wq_nr_pools;
	system_has("4-5,7");
	allocs_left = 2;
	look_again();
	must(is_list(&wq_allowed_cpus, "4-5,7"));
	must(!pool_of(FIRST, 0)->is_bound && wq_nr_pools == nr);
	must(strstr(line_kept[0], "cannot follow a change of CPUs yet, trying again: ENOMEM"));
	must(lines_take() == 1 && !remaking());
	allocs_left = -1;
	look_again();
	must(wq_nr_pools == nr + 4);
	remake();
	must(pwq_on(system_percpu_wq, 7)->pool == pool_of(7, 0));
}

/* P4 */
static void without_a_thread_queues_stay_as_they_were(void)
{
	begin("1,4-5");
	/* what serves others anew is a queue with a rescuer, and is to be made */
	wq_lock_acquire(&wq_config_lock);
	wq_list_del(&wq_release_wq.node);
	wq_wq_fini(&wq_release_wq);
	wq_release_wq.flags |= WQ_MEM_RECLAIM;
	wq_lock_release(&wq_config_lock);
	threads_refuse();
	system_has("4-5");
	look_again();
	look_again();
	must(nr_threads_refused == 2);
	must(strstr(line_kept[0], "cannot follow a change of CPUs yet, trying again: EAGAIN"));
	must(lines_take() == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(affinity_that_is_all_there_is_restricts_nothing),
		child_test(affinity_that_leaves_cpus_out_goes_on_doing_so),
		child_test(restriction_that_leaves_nothing_counts_again_later),
		child_test(somebodys_affinity_is_a_restriction_from_then_on),
		child_test(masks_that_the_system_overwrites_restrict_nothing),
		child_test(restriction_survives_that_the_system_overwrites_masks),
		child_test(somebodys_affinity_survives_that_the_system_overwrites_masks),
		child_test(option_chooses_of_what_is_allowed),
		child_test(option_that_chooses_nothing_is_noted_and_all_taken),
		child_test(option_that_is_no_list_is_noted_and_all_taken),
		child_test(looks_are_not_more_frequent_than_said),
		child_test(turned_off_nothing_is_asked),
		child_test(system_that_knows_other_cpus_only_changes_nothing),
		child_test(shut_down_it_follows_no_more),
		child_test(shut_down_queues_that_cannot_follow_stay_without_a_word),
		child_test(cpuset_that_grows_during_a_look_restricts_nothing),
		child_test(cpuset_that_grows_during_a_look_leaves_a_restriction),
		child_test(cpuset_that_grows_during_a_look_leaves_what_the_option_chooses),
		child_test(masks_overwritten_during_a_look_restrict_nothing),
		child_test(masks_overwritten_during_a_look_leave_what_the_option_chooses),
		child_test(cpuset_that_grows_slowly_restricts_nothing_in_the_end),
		child_test(cpus_that_are_not_there_are_nobodys_affinity),
		child_test(doubt_that_was_settled_is_not_taken_up_again),
		child_test(doubts_that_differ_do_not_become_certain),
		child_test(in_doubt_the_next_look_is_soon),
		child_test(affinity_that_cannot_be_narrowed_is_followed_when_it_can),
		child_test(affinity_that_need_not_be_narrowed_is_followed_at_once),
		child_test(worker_without_an_item_is_asked_rather_than_one_that_has_one),
		child_test(affinity_set_while_a_cpuset_changes_is_a_restriction),
		child_test(affinity_set_during_a_look_is_a_restriction),
		child_test(without_a_worker_changes_are_followed_when_there_is_one),
		child_test(worker_that_is_asked_has_its_cpus_back),
		child_test(worker_that_was_asked_for_nothing_belongs_where_it_did),
		child_test(pools_of_a_cpu_that_is_gone_are_served_elsewhere),
		child_test(elsewhere_is_where_unbound_work_may_run),
		child_test(bh_items_run_one_after_another_elsewhere_too),
		child_test(what_waits_behind_a_runner_may_start_when_the_cpu_is_gone),
		child_test(cpu_that_appears_gets_pools_once),
		child_test(percpu_queues_have_a_pwq_for_a_cpu_that_appears),
		child_test(percpu_queues_that_lack_nothing_stay_as_they_are),
		child_test(queue_made_while_a_cpu_is_gone_has_a_pwq_for_it),
		child_test(unbound_queues_are_served_by_the_cpus_that_there_are),
		child_test(without_memory_queues_stay_as_they_were_and_follow_later),
		child_test(without_memory_for_pools_the_rest_follows),
		child_test(without_a_thread_queues_stay_as_they_were),
	};

	return cmocka_run_group_tests_name("cpus", tests, NULL, NULL);
}
