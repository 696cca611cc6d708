/* SPDX-License-Identifier: MIT */
/*
 * test_os_exit.c - what is left to be called as a thread ends.
 */
#include "unit.h"

#include "base/atomic.h"
#include "base/os.h"

struct legacy {
	struct wq_os_exit exit;
	atomic_int calls;
	pthread_t caller;
};

static void count_call(struct wq_os_exit *exit)
{
	struct legacy *legacy = (struct legacy *)exit;

	legacy->caller = pthread_self();
	atomic_fetch_add(&legacy->calls, 1);
}

static void *leave_and_end(void *arg)
{
	struct legacy *legacy = arg;

	legacy[0].exit.fn = legacy[1].exit.fn = count_call;
	assert_int_equal(wq_os_thread_at_exit(&legacy[0].exit), 0);
	assert_int_equal(wq_os_thread_at_exit(&legacy[1].exit), 0);
	assert_int_equal(atomic_load(&legacy[1].calls), 0);
	return NULL;
}

static void exit_fn_is_called_once_by_its_thread_the_last_one_left(void **state)
{
	struct legacy legacy[2];
	pthread_t thread;

	(void)state;
	memset(legacy, 0, sizeof(legacy));
	assert_int_equal(pthread_create(&thread, NULL, leave_and_end, legacy), 0);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&legacy[0].calls), 0);
	assert_int_equal(atomic_load(&legacy[1].calls), 1);
	assert_true(pthread_equal(legacy[1].caller, thread));
}

/* ------------------------------------------------------------- an early end */

static struct gate called, ended;
static atomic_int nr_called;
static pthread_key_t key;

static void note_early_end(void)
{
	/* thread-local data is still there */
	atomic_fetch_add(&nr_called, pthread_getspecific(key) == &key);
	gate_open(&called);
}

static void note_end(void *value)
{
	gate_open(&ended);
}

static void exit_thread(void *arg)
{
	pthread_setspecific(key, &key);
	wq_os_thread_set_ended_fn(arg ? note_early_end : NULL);
	pthread_exit(NULL);
}

static void return_from_thread(void *arg)
{
	pthread_setspecific(key, &key);
	wq_os_thread_set_ended_fn(note_early_end);
}

static void run_thread(void (*fn)(void *arg), void *arg)
{
	struct wq_cpuset cpus;

	gate_init(&called);
	gate_init(&ended);
	atomic_store(&nr_called, 0);
	assert_int_equal(wq_os_allowed_cpus(&cpus), 0);
	assert_int_equal(wq_os_thread_create(fn, arg, &cpus), 0);
	gate_wait(&ended);
}

/* T1 */
static void ended_fn_is_called_if_the_thread_does_not_return(void **state)
{
	pthread_key_create(&key, note_end);
	run_thread(exit_thread, &key);
	assert_int_equal(atomic_load(&nr_called), 1);
	run_thread(exit_thread, NULL);
	assert_int_equal(atomic_load(&nr_called), 0);
	run_thread(return_from_thread, NULL);
	assert_int_equal(atomic_load(&nr_called), 0);
	pthread_key_delete(key);
}

static atomic_bool is_listed_in_destructor;
static struct gate in_destructor, leave_destructor;

static void look_at_list(void *value)
{
	atomic_store(&is_listed_in_destructor, !wq_os_threads_are_done());
	gate_open(&in_destructor);
	gate_wait(&leave_destructor);
}

static void enlist(void *arg)
{
	wq_os_thread_enlist();
	pthread_setspecific(key, &key);
}

/* T4 */
static void thread_is_on_the_list_until_destructors_have_run(void **state)
{
	struct wq_cpuset cpus;

	gate_init(&in_destructor);
	gate_init(&leave_destructor);
	assert_true(wq_os_threads_are_done());
	/* the list's own key is the older one, and so its destructor comes first in each round */
	wq_os_thread_enlist();
	pthread_key_create(&key, look_at_list);
	wq_os_threads_reset();
	assert_true(wq_os_threads_are_done());
	assert_int_equal(wq_os_allowed_cpus(&cpus), 0);
	assert_int_equal(wq_os_thread_create(enlist, NULL, &cpus), 0);
	gate_wait(&in_destructor);
	assert_true(atomic_load(&is_listed_in_destructor));
	assert_false(wq_os_threads_are_done());
	gate_open(&leave_destructor);
	wait_until(wq_os_threads_are_done());
	wait_until(wq_os_threads_are_forgotten());
	pthread_key_delete(key);
}

#ifdef __GLIBC__
/* Sanitizers know nothing of the thread any more in the last one. */
enum { NR_ROUNDS = TESTS_SANITIZED ? 3 : 4 };

static pthread_key_t users;
static int nr_rounds;

/* Each destructor of the user's that leaves something behind is called again, in one more round. */
static void leave_more(void *arg)
{
	if (nr_rounds < 3)
		must(!wq_os_threads_are_done());
	else
		/* it is through, but has not left the system */
		must(wq_os_threads_are_done() && !wq_os_threads_are_forgotten());
	if (++nr_rounds < NR_ROUNDS)
		pthread_setspecific(users, arg);
}

static void *leave_several_rounds(void *arg)
{
	wq_os_thread_enlist();
	pthread_setspecific(users, arg);
	return NULL;
}

/* The library's own destructor is the later one of each round: its key comes later. */
static void thread_is_on_the_list_for_several_rounds_of_destructors(void)
{
	pthread_t thread;

	must(!pthread_key_create(&users, leave_more));
	must(!pthread_create(&thread, NULL, leave_several_rounds, &users));
	must(!pthread_join(thread, NULL));
	must(nr_rounds == NR_ROUNDS && wq_os_threads_are_done());
	wait_until(wq_os_threads_are_forgotten());
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef __GLIBC__
		/* keys are used in the order they were made; the library has not made its own yet */
		child_test(thread_is_on_the_list_for_several_rounds_of_destructors),
#endif
		room_test(thread_is_on_the_list_until_destructors_have_run),
		room_test(ended_fn_is_called_if_the_thread_does_not_return),
		cmocka_unit_test_setup_teardown(
			exit_fn_is_called_once_by_its_thread_the_last_one_left, unit_begin,
			unit_end),
	};

	return cmocka_run_group_tests_name("os_exit", tests, NULL, NULL);
}
