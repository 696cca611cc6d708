/* SPDX-License-Identifier: MIT */
/*
 * files.h - the files that the library reads, made up of the input.
 *
 * A file for each line "PATH<TAB>CONTENT": as in tests/unit/topo {0-3,8} in a path stands for
 * each of these numbers, and contents end in a newline; unlike there "\n" in one is a newline.
 * Of several that match the first one counts.
 */
#ifndef TESTS_FUZZ_FILES_H
#define TESTS_FUZZ_FILES_H

#include "fuzz.h"

#include <ctype.h>
#include <errno.h>

enum {
	MAX_FILES = 512,
	SPOILED = 64, /* bytes behind what was read */
};

static struct file {
	char *path;
	const char *end;     /* of the path: what is no pattern and stands there */
	const char *content; /* behind it, in the same block */
	size_t end_len;
} files[MAX_FILES];
static size_t nr_files;

/* "\n" and "\\" become one character. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (text[0] == '\\' && (text[1] == 'n' || text[1] == '\\'))
			*to++ = *++text == 'n' ? '\n' : '\\';
		else
			*to++ = *text;
	}
	*to = '\0';
}

static struct file file_of(char *line)
{
	struct file file = { .path = line, .content = "" };
	char *tab = strchr(line, '\t'), *brace;

	if (tab) {
		*tab = '\0';
		unescape(tab + 1);
		file.content = tab + 1;
	}
	brace = strrchr(line, '}');
	file.end = brace ? brace + 1 : line;
	file.end_len = strlen(file.end);
	return file;
}

static void files_fill(struct input *input)
{
	char *line;

	for (nr_files = 0; nr_files < MAX_FILES; nr_files++) {
		line = take_line(input);
		if (!line)
			return;
		files[nr_files] = file_of(line);
	}
}

static void files_empty(void)
{
	while (nr_files)
		free(files[--nr_files].path);
}

/* --------------------------------------------------------------------- finding */

/* Is the number in "0-3,8}", which is gone over? */
static bool is_in_braces(const char **pattern, unsigned long number)
{
	unsigned long first, last;
	bool is_in = false;
	char *end;

	do {
		first = last = strtoul(*pattern, &end, 10);
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		is_in |= first <= number && number <= last;
		*pattern = end + 1;
	} while (*end == ',');
	if (*end == '}')
		return is_in;
	*pattern = end;
	return false;
}

static bool is_path_of(const char *pattern, const char *path)
{
	char *end;

	for (; *pattern; pattern++, path++) {
		if (*pattern == '{' && isdigit((unsigned char)*path)) {
			pattern++;
			if (!is_in_braces(&pattern, strtoul(path, &end, 10)))
				return false;
			path = end;
		}
		if (*pattern != *path || !*path)
			return *pattern == *path;
	}
	return !*path;
}

/* As most others do not: sooner found out than whether numbers match. */
static bool ends_alike(const struct file *file, const char *path, size_t len)
{
	size_t i = 0;

	if (len < file->end_len)
		return false;
	path += len - file->end_len;
	while (i < file->end_len && path[i] == file->end[i])
		i++;
	return i == file->end_len;
}

/* NULL: there is none. */
static inline const struct file *files_find(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < nr_files; i++)
		if (ends_alike(&files[i], path, len) && is_path_of(files[i].path, path))
			return &files[i];
	return NULL;
}

/* As wq_os_read_file() does; what lies behind the NUL is spoiled. */
static inline long files_read(const char *path, char *buf, size_t size)
{
	const struct file *file = files_find(path);
	size_t len;

	must(size);
	buf[0] = '\0';
	if (!file)
		return -ENOENT;
	len = (size_t)snprintf(buf, size, "%s\n", file->content);
	if (len >= size)
		return (long)size - 1;
	memset(buf + len + 1, '7', size - len - 1 < SPOILED ? size - len - 1 : SPOILED);
	return (long)len;
}

#endif /* TESTS_FUZZ_FILES_H */
