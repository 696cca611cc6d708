/* SPDX-License-Identifier: MIT */
/*
 * listing.c - prints what `sort -z | xargs -0 -r sha256sum` would print.
 *
 * Paths are in the order of the locale (LC_COLLATE); paths that it does not
 * tell apart are in the order of their bytes, as with sort.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "treehash.h"

/* Two paths; only the main thread sorts and prints. */
static char *path_a, *path_b;

static int compare_files(const void *a, const void *b)
{
	const struct file *file_a = *(struct file *const *)a;
	const struct file *file_b = *(struct file *const *)b;
	int order;

	records_write_path(path_a, file_a->dir, file_a->name);
	records_write_path(path_b, file_b->dir, file_b->name);
	order = strcoll(path_a, path_b);
	return order ? order : strcmp(path_a, path_b);
}

static void print_digest(const unsigned char *digest)
{
	static const char hex[] = "0123456789abcdef";
	char text[2 * DIGEST_SIZE + 1];

	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		text[2 * i] = hex[digest[i] >> 4];
		text[2 * i + 1] = hex[digest[i] & 15];
	}
	text[sizeof(text) - 1] = '\0';
	fputs(text, stdout);
}

static void print_escaped(const char *path)
{
	for (; *path; path++) {
		if (*path == '\n')
			fputs("\\n", stdout);
		else if (*path == '\r')
			fputs("\\r", stdout);
		else if (*path == '\\')
			fputs("\\\\", stdout);
		else
			putchar(*path);
	}
}

/* sha256sum begins a line with a backslash if the path in it is escaped. */
static void print_file(const struct file *file)
{
	bool escaped;

	records_write_path(path_a, file->dir, file->name);
	escaped = strpbrk(path_a, "\\\n\r");
	if (escaped)
		putchar('\\');
	print_digest(file->digest);
	fputs("  ", stdout);
	if (escaped)
		print_escaped(path_a);
	else
		fputs(path_a, stdout);
	putchar('\n');
}

static void print_files(struct file **files, size_t nr)
{
	qsort(files, nr, sizeof(struct file *), compare_files);
	for (size_t i = 0; i < nr && !ferror(stdout) && !atomic_load(&run.stop); i++)
		print_file(files[i]);
}

void listing_print(void)
{
	size_t nr, size = records_longest_path() + 1;
	struct file **files = records_hashed_files(&nr);

	path_a = malloc(size);
	path_b = malloc(size);
	if (files && path_a && path_b)
		print_files(files, nr);
	else
		report_no_memory();
	free(path_a);
	free(path_b);
	free(files);
}
