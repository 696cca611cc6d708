/* SPDX-License-Identifier: MIT */
/*
 * test_show_while_a_plugin_loads.c - dlopen() of a plug-in that makes a queue, and meanwhile
 * somebody wants to know what queues are busy with.
 *
 * Names of functions came from dladdr(), which takes the dynamic linker's lock. That is held
 * while constructors and destructors of plug-ins run. show_all_workqueues() asked with the
 * library's own locks held, which making a queue needs: both waited for ever. And the watchdog
 * asks on the manager's thread: a constructor that waited for an item, for which a worker had
 * yet to be made, waited for who waited for it. Names come from dl_iterate_phdr() now. No
 * other test has plug-ins.
 */
#include <dlfcn.h>

#include "plugin_with_queue.h"
#include "support/shown.h"
#include "support/stuck.h"
#include "support/topology.h"

enum {
	PLUGIN_NICE = 7,
};

static struct gate begin_reached, begin_go, end_reached, end_go;
static atomic_int runs_of_plugin;
static atomic_int lockups;

void plugin_begins(void)
{
	gate_open(&begin_reached);
	gate_wait(&begin_go);
}

/* With a nice value that nobody else has: its pool is new, and has no worker. */
void plugin_has_queue(struct workqueue_struct *wq)
{
	assert_int_equal(apply(wq, .nice = PLUGIN_NICE), 0);
}

void plugin_has_begun(int nr_runs)
{
	atomic_store(&runs_of_plugin, nr_runs);
}

void plugin_ends(void)
{
	gate_open(&end_reached);
	gate_wait(&end_go);
}

static void gates_init(void)
{
	gate_init(&begin_reached);
	gate_init(&begin_go);
	gate_init(&end_reached);
	gate_init(&end_go);
}

static long load(void *plugin)
{
	*(void **)plugin = dlopen(PLUGIN_PATH, RTLD_NOW);
	if (!*(void **)plugin)
		fprintf(stderr, "%s\n", dlerror());
	return *(void **)plugin != NULL;
}

static long unload(void *plugin)
{
	return dlclose(plugin);
}

static long show_all(void *arg)
{
	show_all_workqueues();
	return 0;
}

/* Something is busy, so there is a name to find. */
static void check_showing(void)
{
	struct call call;

	shown_begin();
	call_start(&call, show_all, NULL);
	call_join(&call);
	assert_shown("workqueue of_program: ");
	assert_shown("in-flight: ");
}

static void show_all_while_a_plugin_is_loaded_and_unloaded_returns(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("of_program", WQ_PERCPU, 0);
	struct call loader, unloader;
	struct blocker blocker;
	void *plugin;

	gates_init();
	blocker_start(&blocker, wq);
	call_start(&loader, load, &plugin);
	gate_wait(&begin_reached);
	check_showing();
	gate_open(&begin_go);
	assert_true(call_join(&loader));
	assert_int_equal(atomic_load(&runs_of_plugin), 1);
	call_start(&unloader, unload, plugin);
	gate_wait(&end_reached);
	check_showing();
	assert_shown("workqueue of_program: ");
	gate_open(&end_go);
	assert_int_equal(call_join(&unloader), 0);
	blocker_release(&blocker);
	destroy_workqueue(wq);
}

static void catch_lockup(const char *line)
{
	shown_catch(line);
	/* next it is told which function the CPU is busy with */
	if (strstr(line, "  pwq "))
		atomic_fetch_add(&lockups, 1);
}

/* R1 */
static void constructor_gets_a_new_worker_while_the_watchdog_tells_of_a_stall(void **state)
{
	struct stuck_pool stuck;
	struct call loader;
	void *plugin;

	gates_init();
	call_start(&loader, load, &plugin);
	gate_wait(&begin_reached);
	workq_set_report_fn(catch_lockup);
	stuck_pool_make(&stuck);
	wait_until(atomic_load(&lockups) > 0);
	gate_open(&begin_go);
	assert_true(call_join(&loader));
	assert_int_equal(atomic_load(&runs_of_plugin), 1);
	stuck_pool_free(&stuck);
	gate_open(&end_go);
	assert_int_equal(dlclose(plugin), 0);
}

static int begin_with_short_threshold(void **state)
{
	setenv("WORKQ_WATCHDOG_THRESH_MS", "200", /* overwrite */ 1);
	return test_begin(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(show_all_while_a_plugin_is_loaded_and_unloaded_returns),
		cmocka_unit_test_setup_teardown(
			constructor_gets_a_new_worker_while_the_watchdog_tells_of_a_stall,
			begin_with_short_threshold, test_end),
	};

	return run_in_processes(tests, sizeof(tests) / sizeof(tests[0]));
}
