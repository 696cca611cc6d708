/* SPDX-License-Identifier: MIT */
/*
 * walk.c - the walk of the tree: each directory is an item.
 *
 * A directory is open only while its item runs, so that max_active bounds the
 * file descriptors. Symbolic links are not followed. Directories queue more
 * directories, so that no flush covers them all: they are counted instead.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "treehash.h"

/* Directories not yet dealt with, and walk_root() while it looks at DIR. */
static atomic_ulong nr_unread = 1;

void walk_put_dir(void)
{
	if (atomic_fetch_sub(&nr_unread, 1) == 1)
		all_files_queued();
}

static void queue_dir(const struct dir *parent, const char *name)
{
	struct dir *dir = records_add_dir(parent, name);

	if (!dir)
		return;
	atomic_fetch_add(&nr_unread, 1);
	queue_work(run.walk_wq, &dir->work);
}

static void queue_file(const struct dir *parent, const char *name)
{
	struct file *file = records_add_file(parent, name);

	if (file)
		queue_work(run.hash_wq, &file->work);
}

static void queue_entry(mode_t type, const struct dir *parent, const char *name)
{
	if (type == S_IFDIR)
		queue_dir(parent, name);
	else if (type == S_IFREG)
		queue_file(parent, name);
}

static void report_entry(const struct dir *dir, const char *name, int error)
{
	char *path = records_new_path(dir, name);

	if (path)
		report_failure(path, error);
	free(path);
}

/* Not every file system tells the type of an entry. */
static mode_t stat_type(int fd, const struct dir *dir, const char *name)
{
	struct stat st;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return st.st_mode & S_IFMT;
	report_entry(dir, name, errno);
	return 0;
}

static void visit_entry(int fd, const struct dir *dir, const struct dirent *entry)
{
	mode_t type = DTTOIF(entry->d_type);

	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return;
	if (entry->d_type == DT_UNKNOWN)
		type = stat_type(fd, dir, entry->d_name);
	queue_entry(type, dir, entry->d_name);
}

/* Return: 0 or an errno. */
static int read_dir(DIR *stream, const struct dir *dir)
{
	while (!atomic_load(&run.stop)) {
		struct dirent *entry;

		errno = 0;
		entry = readdir(stream);
		if (!entry)
			return errno;
		visit_entry(dirfd(stream), dir, entry);
	}
	return 0;
}

static DIR *open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream;
	int error;

	if (fd < 0)
		return NULL;
	stream = fdopendir(fd);
	if (!stream) {
		error = errno;
		close(fd);
		errno = error;
	}
	return stream;
}

static void read_path(const struct dir *dir)
{
	DIR *stream = open_dir(dir->path);
	int error;

	if (!stream) {
		report_failure(dir->path, errno);
		return;
	}
	error = read_dir(stream, dir);
	if (error)
		report_failure(dir->path, error);
	closedir(stream);
}

void walk_dir(struct work_struct *work)
{
	struct dir *dir = from_work(dir, work, work);

	if (!atomic_load(&run.stop))
		read_path(dir);
	walk_put_dir();
}

void walk_root(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		report_failure(path, errno);
	else
		queue_entry(st.st_mode & S_IFMT, NULL, path);
	walk_put_dir();
}
