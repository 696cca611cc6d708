/* SPDX-License-Identifier: MIT */
/*
 * results.c - reads what workq-bench --json has written.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "results.h"

static bool is_same(const struct result *a, const struct result *b)
{
	return strcmp(a->workload, b->workload) == 0 && strcmp(a->system, b->system) == 0 &&
	       strcmp(a->command, b->command) == 0 && strcmp(a->flags, b->flags) == 0 &&
	       a->items == b->items && a->pending == b->pending && a->producers == b->producers;
}

static void add(struct results *results, const struct result *result)
{
	struct result *more;

	for (size_t i = 0; i < results->nr; i++) {
		if (is_same(&results->list[i], result)) {
			json_decref(results->list[i].json);
			results->list[i] = *result;
			return;
		}
	}
	more = realloc(results->list, (results->nr + 1) * sizeof(*more));
	if (!more)
		err(EXIT_FAILURE, "no memory");
	results->list = more;
	results->list[results->nr++] = *result;
}

static void read_line(struct results *results, const char *line, const char *file, int number)
{
	struct result r = { 0 };
	json_error_t error;

	r.json = json_loads(line, 0, &error);
	if (!r.json ||
	    json_unpack_ex(r.json, &error, 0, "{ss, ss, ss, sF, sF, sF, si, so, so}", "workload",
			   &r.workload, "system", &r.system, "unit", &r.unit, "median", &r.median,
			   "min", &r.min, "max", &r.max, "runs", &r.runs, "config", &r.config,
			   "extra", &r.extra) != 0 ||
	    json_unpack_ex(r.config, &error, 0, "{ss, ss, sI, sI, si}", "command", &r.command,
			   "flags", &r.flags, "items", &r.items, "pending", &r.pending, "producers",
			   &r.producers) != 0)
		errx(EXIT_FAILURE, "%s:%d: no result of workq-bench --json: %s", file, number,
		     error.text);
	r.cdf = json_object_get(r.extra, "cdf");
	add(results, &r);
}

void bench_results_read(struct results *results, const char *file)
{
	FILE *f = fopen(file, "re");
	char *line = NULL;
	size_t size = 0;

	if (!f)
		err(EXIT_FAILURE, "%s", file);
	for (int number = 1; getline(&line, &size, f) > 0; number++)
		read_line(results, line, file, number);
	free(line);
	fclose(f);
}

void bench_results_free(struct results *results)
{
	for (size_t i = 0; i < results->nr; i++)
		json_decref(results->list[i].json);
	free(results->list);
	results->list = NULL;
	results->nr = 0;
}

bool bench_result_is_ours(const struct result *result)
{
	return strncmp(result->system, "libworkq", strlen("libworkq")) == 0;
}

void bench_result_name(const struct result *result, char *name, size_t size)
{
	bool is_plain = strcmp(result->flags, "percpu") == 0;
	bool is_ours = strcmp(result->system, "libworkq") == 0;
	char pending[32] = "";

	if (result->pending)
		snprintf(pending, sizeof(pending), ", %lld pending", result->pending);
	snprintf(name, size, "%s%s%s%s%s%s", result->workload, is_ours ? "" : ", ",
		 is_ours ? "" : result->system, is_plain ? "" : ", ", is_plain ? "" : result->flags,
		 pending);
}

const char *bench_result_text(const json_t *part, const char *key)
{
	const char *text = json_string_value(json_object_get(part, key));

	return text ? text : "-";
}

double bench_result_number(const json_t *part, const char *key)
{
	const json_t *number = json_object_get(part, key);

	return json_is_number(number) ? json_number_value(number) : -1;
}

void bench_results_caption(const struct results *results, char *text, size_t size)
{
	const json_t *config = results->nr ? results->list[0].config : NULL;

	snprintf(text, size, "%s, %.0f CPUs allowed; libworkq %s; %s%s",
		 bench_result_text(config, "machine"), bench_result_number(config, "allowed_cpus"),
		 bench_result_text(config, "version"), bench_result_text(config, "date"),
		 json_is_true(json_object_get(config, "quick")) ?
			 "; --quick: THESE ARE NO FIGURES" :
			 "");
}
