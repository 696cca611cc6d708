/* SPDX-License-Identifier: MIT */
/*
 * plugin_host.c - a program that knows nothing of libworkq loads a plug-in that uses it, and
 * unloads it, again and again.
 *
 * The plug-in destroys its queue as it goes, and is unmapped. The library is not: its threads
 * run its code. They are the same ones when the plug-in comes again.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugin.h"

enum {
	LOADS = 30,
	RUNS = 20,
	SECONDS = 180,
	/* the main one, manager and timer thread, the pool's; the rescuer goes with the queue */
	MAX_THREADS = 8,
};

static int nr_threads(void)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/task");
	int nr = 0;

	while ((entry = readdir(dir)))
		nr += entry->d_name[0] != '.';
	closedir(dir);
	return nr;
}

static bool is_loaded(const char *name)
{
	void *handle = dlopen(name, RTLD_NOW | RTLD_NOLOAD);

	if (handle)
		dlclose(handle);
	return handle;
}

static void load_and_unload(void)
{
	int (*run)(int nr);
	void *handle = dlopen(PLUGIN_PATH, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		fprintf(stderr, "%s\n", dlerror());
	assert_non_null(handle);
	*(void **)&run = dlsym(handle, "plugin_run");
	assert_non_null(run);
	assert_int_equal(run(RUNS), RUNS);
	assert_int_equal(run(RUNS), 2 * RUNS);
	assert_int_equal(dlclose(handle), 0);
}

static void plugin_with_a_queue_can_be_unloaded_and_the_library_stays(void **state)
{
	(void)state;
	alarm(SECONDS);
	assert_false(is_loaded(LIBRARY_NAME));
	for (int i = 0; i < LOADS; i++) {
		load_and_unload();
		assert_false(is_loaded(PLUGIN_PATH));
		assert_true(is_loaded(LIBRARY_NAME));
	}
	assert_in_range(nr_threads(), 2, MAX_THREADS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plugin_with_a_queue_can_be_unloaded_and_the_library_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
