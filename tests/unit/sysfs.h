/* SPDX-License-Identifier: MIT */
/*
 * sysfs.h - a sysfs made up in a temporary directory, which each test begins with anew.
 *
 * Paths are below devices/system, and {0-3,8} in one stands for each of these
 * numbers; topo/make.py makes such texts.
 */
#ifndef TESTS_SYSFS_H
#define TESTS_SYSFS_H

#include "unit.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>

#include "base/cpuset.h"

enum {
	SYSFS_PATH = 512,
	SYSFS_TEXT = 65536,
};

static char sysfs_root[64];

static inline int sysfs_remove_entry(const char *path, const struct stat *stat, int type,
				     struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int sysfs_begin(void **state)
{
	/* thousands of small files: some file systems take seconds */
	strcpy(sysfs_root, "/dev/shm/workq-sysfs-XXXXXX");
	if (mkdtemp(sysfs_root))
		return unit_begin(state);
	strcpy(sysfs_root, "/tmp/workq-sysfs-XXXXXX");
	return mkdtemp(sysfs_root) ? unit_begin(state) : -1;
}

static inline int sysfs_end(void **state)
{
	int err = nftw(sysfs_root, sysfs_remove_entry, 16, FTW_DEPTH | FTW_PHYS);

	return unit_end(state) || err ? -1 : 0;
}

#define sysfs_test(fn) cmocka_unit_test_setup_teardown(fn, sysfs_begin, sysfs_end)

static inline void sysfs_make_directory_of(char *path)
{
	char *slash = strrchr(path, '/');

	*slash = '\0';
	if (mkdir(path, 0755) && errno == ENOENT) {
		sysfs_make_directory_of(path);
		must(mkdir(path, 0755) == 0);
	}
	*slash = '/';
}

/* Byte for byte; in place of what was there. */
static inline void sysfs_write_one(const char *path, const char *content)
{
	char file[sizeof(sysfs_root) + SYSFS_PATH];
	FILE *f;

	snprintf(file, sizeof(file), "%s/devices/system/%s", sysfs_root, path);
	f = fopen(file, "w");
	if (!f) {
		sysfs_make_directory_of(file);
		f = fopen(file, "w");
	}
	must(f && fputs(content, f) >= 0);
	must(fclose(f) == 0);
}

static inline void sysfs_write(const char *path, const char *content)
{
	const char *open = strchr(path, '{'), *close = strchr(path, '}');
	char list[SYSFS_PATH], one[SYSFS_PATH];
	struct wq_cpuset numbers;
	unsigned int number;

	if (!open || !close) {
		sysfs_write_one(path, content);
		return;
	}
	snprintf(list, sizeof(list), "%.*s", (int)(close - open - 1), open + 1);
	must(wq_cpuset_parse_list(&numbers, list));
	wq_cpuset_for_each(number, &numbers)
	{
		must(snprintf(one, sizeof(one), "%.*s%u%s", (int)(open - path), path, number,
			      close + 1) < SYSFS_PATH);
		sysfs_write(one, content);
	}
}

/* A file for each line "PATH<TAB>CONTENT" but comments; as in sysfs, contents end in a newline. */
static inline void sysfs_add(const char *text)
{
	char line[SYSFS_TEXT], content[SYSFS_TEXT];
	size_t len;
	char *tab;

	for (; *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		must(len < sizeof(line));
		memcpy(line, text, len);
		line[len] = '\0';
		if (!len || line[0] == '#')
			continue;
		tab = strchr(line, '\t');
		if (tab)
			*tab = '\0';
		snprintf(content, sizeof(content), "%s\n", tab ? tab + 1 : "");
		sysfs_write(line, content);
	}
}

/* One of the machines in topo/. */
static inline void sysfs_load(const char *machine)
{
	char path[SYSFS_PATH], text[SYSFS_TEXT];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.txt", TESTS_TOPO_DIR, machine);
	f = fopen(path, "r");
	must(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	must(len && feof(f));
	fclose(f);
	text[len] = '\0';
	sysfs_add(text);
}

#endif /* TESTS_SYSFS_H */
