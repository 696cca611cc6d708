/* SPDX-License-Identifier: MIT */
/*
 * progress.c - standard error: messages from any thread, and a progress bar.
 *
 * The bar occupies the last line of a terminal and makes room for messages.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "treehash.h"

enum { BAR_WIDTH = 24 };

/* Under lock; shown changes in the main thread only. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool shown;
static struct timespec start;

static void erase_locked(void)
{
	if (shown)
		fputs("\r\033[K", stderr);
}

bool progress_shown(void)
{
	return shown;
}

void progress_end(void)
{
	pthread_mutex_lock(&lock);
	erase_locked();
	fflush(stderr);
	shown = false;
	pthread_mutex_unlock(&lock);
}

static double seconds_since_start(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9;
}

static const char *format_bytes(char *buf, size_t size, double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;

	while (bytes >= 1000 && unit < sizeof(units) / sizeof(units[0]) - 1) {
		bytes /= 1024;
		unit++;
	}
	snprintf(buf, size, "%.1f %s", bytes, units[unit]);
	return buf;
}

void progress_draw(void)
{
	unsigned long done = atomic_load(&run.nr_done), found = atomic_load(&run.nr_files);
	double bytes = (double)atomic_load(&run.nr_bytes), seconds = seconds_since_start();
	int filled = found ? (int)((double)done / (double)found * BAR_WIDTH) : 0;
	char total[32], rate[32], bar[BAR_WIDTH + 1];

	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', (size_t)filled);
	bar[BAR_WIDTH] = '\0';
	format_bytes(total, sizeof(total), bytes);
	format_bytes(rate, sizeof(rate), seconds > 0 ? bytes / seconds : 0);

	pthread_mutex_lock(&lock);
	erase_locked();
	fprintf(stderr, "[%s] %lu/%lu files, %s, %s/s", bar, done, found, total, rate);
	fflush(stderr);
	pthread_mutex_unlock(&lock);
}

void progress_start(bool wanted)
{
	const char *term = getenv("TERM");

	shown = wanted && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (shown)
		progress_draw();
}

void report_failure(const char *path, int error)
{
	atomic_fetch_add(&run.nr_failures, 1);
	pthread_mutex_lock(&lock);
	erase_locked();
	fprintf(stderr, "treehash: %s: %s\n", path, strerror(error));
	pthread_mutex_unlock(&lock);
}

void report_no_memory(void)
{
	atomic_store(&run.stop, true);
	if (atomic_exchange(&run.no_memory, true))
		return;
	pthread_mutex_lock(&lock);
	erase_locked();
	fputs("treehash: out of memory\n", stderr);
	pthread_mutex_unlock(&lock);
}
