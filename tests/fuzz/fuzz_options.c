/* SPDX-License-Identifier: MIT */
/*
 * fuzz_options.c - the variables WORKQ_* of the environment: each value is within its bounds,
 * or the default, and then a line says so; lines have nothing in them that is not printed.
 *
 * Input: lines NAME=VALUE, NAME without its WORKQ_.
 */
#include "fuzz.h"

#include "base/lock.h"
#include "base/options.h"
#include "base/report.h"
#include "core/affinity.h"
#include "core/cpus.h"
#include "core/types.h"

enum {
	MAX_VARIABLES = 32,
	NR_CPUS = 70,
	MAX_LINE = 240,
};

/* As docs/guide.md has them. */
static const struct known {
	const char *name;
	const uint64_t *value;
	uint64_t fallback, min, max;
} known[] = {
	{ "CHECK_ITEMS", &wq_options.check_items, 1, 0, 1 },
	{ "IDLE_TIMEOUT_MS", &wq_options.idle_timeout_ms, 300000, 1, 86400000 },
	{ "DEFER_MS", &wq_options.defer_ms, 1000, 1, 86400000 },
	{ "CPU_INTENSIVE_THRESH_US", &wq_options.intensive_us, 10000, 0, 60000000 },
	{ "CPU_INTENSIVE_WARNING_THRESH", &wq_options.intensive_warn, 4, 0, 1000000 },
	{ "WATCH_SWITCHES", &wq_options.watch_switches, 1, 0, 2 },
	{ "SAMPLE_US", &wq_options.sample_us, 2000, 100, 60000000 },
	{ "WATCHDOG_THRESH_MS", &wq_options.watchdog_ms, 30000, 0, 86400000 },
	{ "PANIC_ON_STALL", &wq_options.panic_on_stall, 0, 0, 1000000 },
	{ "PANIC_ON_STALL_MS", &wq_options.panic_on_stall_ms, 0, 0, 86400000 },
	{ "CPU_WATCH_MS", &wq_options.cpu_watch_ms, 100, 0, 86400000 },
	{ "MAX_RUNNING", &wq_options.max_running, 0, 0, 65535 },
	{ "POWER_EFFICIENT", &wq_options.power_efficient, 0, 0, 1 },
};

/* ---------------------------------------------------------------- environment */

static struct variable {
	char *line; /* NAME, its '=' a NUL */
	const char *value;
} variable[MAX_VARIABLES];
static size_t nr_variables;

static const char *value_of(const char *name)
{
	for (size_t i = 0; i < nr_variables; i++)
		if (!strcmp(variable[i].line, name))
			return variable[i].value;
	return NULL;
}

const char *__wrap_wq_os_getenv(const char *name);
const char *__wrap_wq_os_getenv(const char *name)
{
	must(!strncmp(name, "WORKQ_", strlen("WORKQ_")));
	return value_of(name + strlen("WORKQ_"));
}

long __wrap_wq_os_read_file(const char *path, char *buf, size_t size);
long __wrap_wq_os_read_file(const char *path, char *buf, size_t size)
{
	must(size && !strncmp(path, wq_options.sysfs_root, strlen(wq_options.sysfs_root)));
	buf[0] = '\0';
	return -2; /* ENOENT */
}

static void fill_environment(struct input *input)
{
	char *line, *sign;

	for (nr_variables = 0; nr_variables < MAX_VARIABLES; nr_variables++) {
		line = take_line(input);
		if (!line)
			return;
		sign = strchr(line, '=');
		if (sign)
			*sign = '\0';
		variable[nr_variables] = (struct variable){ line, sign ? sign + 1 : "" };
	}
}

static void empty_environment(void)
{
	while (nr_variables)
		free(variable[--nr_variables].line);
}

/* -------------------------------------------------------------------- reports */

static unsigned int nr_lines;

static void check_line(const char *line)
{
	nr_lines++;
	must(strlen(line) < MAX_LINE);
	must(!strncmp(line, "workq: note: ", strlen("workq: note: ")));
	for (; *line; line++)
		must((unsigned char)*line >= ' ' && *line != 0x7f);
}

/* ------------------------------------------------------------------- numbers */

/* Digits only, and not too many for the type: those that are significant. */
static bool is_number(const char *text, uint64_t *number)
{
	size_t zeros = strspn(text, "0"), digits = strspn(text, "0123456789");

	if (!digits || text[digits] || digits - zeros > 18)
		return false;
	*number = 0;
	for (; *text; text++)
		*number = *number * 10 + (uint64_t)(*text - '0');
	return true;
}

static void check_numbers(void)
{
	unsigned int nr_bad = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct known *option = &known[i];
		const char *text = value_of(option->name);
		uint64_t number = option->fallback;

		if (text &&
		    (!is_number(text, &number) || number < option->min || number > option->max)) {
			number = option->fallback;
			nr_bad++;
		}
		must(*option->value == number);
	}
	must(nr_lines == nr_bad);
}

/* --------------------------------------------------------------------- texts */

/* One that the process may use? */
static bool names_cpu(const char *text)
{
	struct wq_cpuset cpus;

	return text && wq_cpuset_parse_list(&cpus, text) && wq_cpuset_next(&cpus, 0) < NR_CPUS;
}

static struct wq_topo *first_topo; /* of all CPUs */

struct wq_topo *__real_wq_topo_read(const char *root, const struct wq_cpuset *cpus);
struct wq_topo *__wrap_wq_topo_read(const char *root, const struct wq_cpuset *cpus);
/* Where there is no file it follows from the CPUs: not read anew for all of them. */
struct wq_topo *__wrap_wq_topo_read(const char *root, const struct wq_cpuset *cpus)
{
	struct wq_cpuset all;

	must(!strcmp(root, wq_options.sysfs_root));
	wq_cpuset_fill(&all, NR_CPUS);
	if (strcmp(root, "/sys") != 0 || !wq_cpuset_is_equal(cpus, &all))
		return __real_wq_topo_read(root, cpus);
	if (!first_topo)
		first_topo = __real_wq_topo_read(root, cpus);
	return first_topo;
}

void __real_wq_topo_free(struct wq_topo *topo);
void __wrap_wq_topo_free(struct wq_topo *topo);
void __wrap_wq_topo_free(struct wq_topo *topo)
{
	if (topo != first_topo)
		__real_wq_topo_free(topo);
}

/* What the library does at its first use. */
static void start(void)
{
	wq_nr_cpus = NR_CPUS;
	wq_cpuset_fill(&wq_allowed_cpus, NR_CPUS);
	wq_lock_acquire(&wq_config_lock);
	wq_cpus_start();
	must(!wq_affinity_start());
	wq_lock_release(&wq_config_lock);
	wq_topo_free(wq_affinity_topo);
	wq_affinity_topo = NULL;
}

/* The CPUs that are left are those named, if there are any. */
static void check_lists(void)
{
	struct wq_cpuset cpus;

	must(!wq_cpuset_is_empty(&wq_allowed_cpus) &&
	     !wq_cpuset_is_empty(&wq_affinity_cpus.unbound));
	must(wq_cpuset_is_subset(&wq_affinity_cpus.unbound, &wq_allowed_cpus));
	wq_cpuset_fill(&cpus, NR_CPUS);
	must(wq_cpuset_is_subset(&wq_allowed_cpus, &cpus));
	if (!names_cpu(value_of("CPUS")))
		must(wq_cpuset_is_equal(&wq_allowed_cpus, &cpus));
	else if (wq_cpuset_parse_list(&cpus, value_of("CPUS")))
		must(wq_cpuset_is_subset(&wq_allowed_cpus, &cpus));
	must(wq_affinity_default_scope > WQ_AFFN_DFL &&
	     wq_affinity_default_scope < WQ_AFFN_NR_TYPES);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	wq_report_set_fn(check_line);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, data + size };

	fill_environment(&input);
	nr_lines = 0;
	wq_options_read();
	check_numbers();
	start();
	check_lists();
	empty_environment();
	return 0;
}
