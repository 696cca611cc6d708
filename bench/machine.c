/* SPDX-License-Identifier: MIT */
/*
 * machine.c - on what and when it was measured, for results that are read elsewhere.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "bench.h"

/* "model name : WHAT", which not every architecture has; @name is left as it is then. */
static void read_model(char *name, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		char *value = strchr(line, ':');

		if (!value || strncmp(line, "model name", strlen("model name")) != 0)
			continue;
		value += strspn(value, ": \t");
		value[strcspn(value, "\n")] = '\0';
		snprintf(name, size, "%s", value);
		break;
	}
	if (f)
		fclose(f);
}

const char *bench_machine(void)
{
	static char text[256];
	struct utsname uts;
	char model[160];
	int version_length;

	uname(&uts);
	snprintf(model, sizeof(model), "%s", uts.machine);
	read_model(model, sizeof(model));
	/* What follows the numbers says who built it. */
	version_length = (int)strspn(uts.release, ".0123456789");
	snprintf(text, sizeof(text), "%s, %s %.*s", model, uts.sysname, version_length,
		 uts.release);
	return text;
}

const char *bench_today(void)
{
	static char text[16];
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	return text;
}
