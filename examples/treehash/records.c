/* SPDX-License-Identifier: MIT */
/*
 * records.c - the memory of the run: a record for each directory and file.
 *
 * Records are cut from large blocks and freed together at the end. A directory
 * keeps its path, a file its directory and name: memory grows with the names
 * in the tree and with nothing else.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "treehash.h"

enum {
	BLOCK_SIZE = 256 * 1024,
	ALIGNMENT = 8,
};

struct block {
	struct block *next;
	char space[];
};

/* All under lock, until the queues are idle. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *blocks;
static char *free_begin, *free_end; /* within the newest block */
static struct dir *dirs;
static struct file *files;
static size_t longest_path;

static int add_block(size_t size)
{
	struct block *block = malloc(sizeof(*block) + size);

	if (!block)
		return -1;
	block->next = blocks;
	blocks = block;
	free_begin = block->space;
	free_end = block->space + size;
	return 0;
}

static void *allocate_locked(size_t size)
{
	void *memory;

	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (size > (size_t)(free_end - free_begin) &&
	    add_block(size > BLOCK_SIZE ? size : BLOCK_SIZE) < 0)
		return NULL;
	memory = free_begin;
	free_begin += size;
	return memory;
}

/* find prints DIR as it was given: "DIR/name", but "DIR/" gives "DIR/name", too. */
static bool needs_slash(const struct dir *dir)
{
	size_t len = strlen(dir->path);

	return len > 0 && dir->path[len - 1] != '/';
}

static size_t path_size(const struct dir *dir, const char *name)
{
	return (dir ? strlen(dir->path) + needs_slash(dir) : 0) + strlen(name) + 1;
}

void records_write_path(char *buf, const struct dir *dir, const char *name)
{
	if (dir) {
		buf = stpcpy(buf, dir->path);
		if (needs_slash(dir))
			*buf++ = '/';
	}
	memcpy(buf, name, strlen(name) + 1);
}

char *records_new_path(const struct dir *dir, const char *name)
{
	char *path = malloc(path_size(dir, name));

	if (path)
		records_write_path(path, dir, name);
	else
		report_no_memory();
	return path;
}

/*
 * An item must be initialised before records_cancel() can see it: both happen
 * under the lock.
 */
struct dir *records_add_dir(const struct dir *parent, const char *name)
{
	struct dir *dir;

	pthread_mutex_lock(&lock);
	dir = allocate_locked(sizeof(*dir) + path_size(parent, name));
	if (dir) {
		INIT_WORK(&dir->work, walk_dir);
		records_write_path(dir->path, parent, name);
		dir->next = dirs;
		dirs = dir;
	}
	pthread_mutex_unlock(&lock);
	if (!dir)
		report_no_memory();
	return dir;
}

struct file *records_add_file(const struct dir *dir, const char *name)
{
	size_t size = path_size(dir, name), name_size = strlen(name) + 1;
	struct file *file;

	pthread_mutex_lock(&lock);
	file = allocate_locked(offsetof(struct file, name) + name_size);
	if (file) {
		INIT_WORK(&file->work, hash_file);
		atomic_init(&file->state, FILE_QUEUED);
		memcpy(file->name, name, name_size);
		file->dir = dir;
		file->next = files;
		files = file;
		if (longest_path < size)
			longest_path = size;
		atomic_fetch_add(&run.nr_files, 1);
	}
	pthread_mutex_unlock(&lock);
	if (!file)
		report_no_memory();
	return file;
}

size_t records_longest_path(void)
{
	return longest_path;
}

/*
 * Who claims a file may use the union: hash_file() puts the digest there,
 * records_cancel() relies on the item's still being there.
 */
bool records_claim_file(struct file *file)
{
	unsigned char queued = FILE_QUEUED;

	return atomic_compare_exchange_strong(&file->state, &queued, FILE_TAKEN);
}

/*
 * Takes back every item that has not begun. One that is queued or entered
 * meanwhile returns at once: run.stop is set, and its file may be claimed.
 */
void records_cancel(void)
{
	pthread_mutex_lock(&lock);
	for (struct dir *dir = dirs; dir; dir = dir->next)
		if (cancel_work(&dir->work))
			walk_put_dir();
	for (struct file *file = files; file; file = file->next)
		if (records_claim_file(file))
			cancel_work(&file->work);
	pthread_mutex_unlock(&lock);
}

struct file **records_hashed_files(size_t *nr)
{
	struct file **hashed = malloc((atomic_load(&run.nr_files) + 1) * sizeof(struct file *));

	if (!hashed) {
		report_no_memory();
		return NULL;
	}
	*nr = 0;
	for (struct file *file = files; file; file = file->next)
		if (atomic_load(&file->state) == FILE_HASHED)
			hashed[(*nr)++] = file;
	return hashed;
}

void records_free(void)
{
	while (blocks) {
		struct block *block = blocks;

		blocks = block->next;
		free(block);
	}
}
