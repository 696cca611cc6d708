/* SPDX-License-Identifier: MIT */
/*
 * test_options_setuid.c - a program with more rights than its user has takes nothing from the
 * environment.
 *
 * The test runs a copy of itself, setuid root, as nobody. That needs root, and a directory whose
 * file system heeds the bit; otherwise it is skipped, and says so.
 */
#include "unit.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/options.h"
#include "base/os.h"

enum {
	NOBODY = 65534,
	EXIT_IGNORED = 10,
	EXIT_HEEDED = 11,
	EXIT_HEEDED_IN_PART = 12,
	EXIT_NOT_SECURE = 13,
};

/* Of each option another value than its default. */
static const char *const environment[] = {
	"WORKQ_CHECK_ITEMS=0",
	"WORKQ_CPU_INTENSIVE_THRESH_US=1",
	"WORKQ_CPU_INTENSIVE_WARNING_THRESH=5",
	"WORKQ_CPU_WATCH_MS=1",
	"WORKQ_DEFER_MS=1",
	"WORKQ_IDLE_TIMEOUT_MS=1",
	"WORKQ_MAX_RUNNING=1",
	"WORKQ_PANIC_ON_STALL=1",
	"WORKQ_PANIC_ON_STALL_MS=1",
	"WORKQ_POWER_EFFICIENT=1",
	"WORKQ_SAMPLE_US=100",
	"WORKQ_WATCHDOG_THRESH_MS=1",
	"WORKQ_WATCH_SWITCHES=0",
	"WORKQ_AFFINITY_SCOPE=system",
	"WORKQ_CGROUP_ROOT=/nowhere",
	"WORKQ_CPUS=0",
	"WORKQ_SYSFS_ROOT=/nowhere",
	"WORKQ_UNBOUND_CPUS=0",
	NULL,
};

/* ------------------------------------------------------------------ the copy */

/* Words, all of them: numbers, and where texts are. */
static size_t count_differences(const struct wq_options *a, const struct wq_options *b)
{
	uint64_t one[sizeof(*a) / sizeof(uint64_t)], other[sizeof(*b) / sizeof(uint64_t)];
	size_t nr = 0;

	memcpy(one, a, sizeof(one));
	memcpy(other, b, sizeof(other));
	for (size_t i = 0; i < sizeof(one) / sizeof(one[0]); i++)
		nr += one[i] != other[i];
	return nr;
}

/* What has the environment to say? */
static int judge(void)
{
	struct wq_options with, without;
	size_t differences;

	wq_options_read();
	with = wq_options;
	clearenv();
	wq_options_read();
	without = wq_options;
	differences = count_differences(&with, &without);
	if (!differences)
		return EXIT_IGNORED;
	return differences == sizeof(with) / sizeof(uint64_t) ? EXIT_HEEDED : EXIT_HEEDED_IN_PART;
}

static int be_the_copy(bool is_secure)
{
	if (is_secure && !getauxval(AT_SECURE))
		return EXIT_NOT_SECURE;
	return judge();
}

/* ----------------------------------------------------------------- making it */

static char dir[64], copy[80];

static void copy_self(void)
{
	char buf[65536];
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to = creat(copy, 0755);
	ssize_t n;

	must(from >= 0 && to >= 0);
	while ((n = read(from, buf, sizeof(buf))) > 0)
		must(write(to, buf, (size_t)n) == n);
	must(!n && !close(from) && !close(to));
}

static int begin(void **state)
{
	strcpy(dir, "/tmp/workq-setuid-XXXXXX");
	must(mkdtemp(dir) && !chmod(dir, 0755));
	snprintf(copy, sizeof(copy), "%s/copy", dir);
	copy_self();
	return unit_begin(state);
}

static int end(void **state)
{
	int err = unlink(copy) || rmdir(dir);

	return unit_end(state) || err ? -1 : 0;
}

#define setuid_test(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

static void become_nobody(void)
{
	must(!setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY));
	must(!setresuid(NOBODY, NOBODY, NOBODY));
}

/* Its exit status. */
static int run_copy(const char *role, bool is_nobody)
{
	char *const args[] = { copy, (char *)(uintptr_t)role, NULL };
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (is_nobody)
			become_nobody();
		execve(copy, args, (char *const *)(uintptr_t)environment);
		_exit(EXIT_FAILURE);
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid);
	must(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* --------------------------------------------------------------------- tests */

/* Or the next test would show nothing. */
static void options_of_a_usual_program_are_those_of_the_environment(void **state)
{
	assert_int_equal(run_copy("usual", /* is_nobody */ false), EXIT_HEEDED);
}

static void options_of_a_setuid_program_are_the_defaults(void **state)
{
	int result;

	if (geteuid()) {
		print_message("skipped: only root can make a program setuid root\n");
		skip();
	}
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) > 0) {
		print_message("skipped: this process may gain no privileges\n");
		skip();
	}
	must(!chmod(copy, 04755));
	result = run_copy("secure", /* is_nobody */ true);
	if (result == EXIT_NOT_SECURE) {
		print_message("skipped: /tmp is mounted nosuid\n");
		skip();
	}
	assert_int_equal(result, EXIT_IGNORED);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		setuid_test(options_of_a_usual_program_are_those_of_the_environment),
		setuid_test(options_of_a_setuid_program_are_the_defaults),
	};

	if (argc > 1)
		return be_the_copy(!strcmp(argv[1], "secure"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
