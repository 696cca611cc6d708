/* SPDX-License-Identifier: MIT */
/*
 * treehash.h - what the rooms of treehash share.
 *
 *   main.c      options, Ctrl-C, exit status
 *   walk.c      directory items: read a directory, queue what is in it
 *   hash.c      file items: SHA-256 of one file
 *   records.c   the memory of both
 *   listing.c   sort and print
 *   progress.c  standard error
 */
#ifndef TREEHASH_H
#define TREEHASH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <workq/workqueue.h>

enum {
	DIGEST_SIZE = 32,
	READ_SIZE = 128 * 1024, /* bytes per read, and of buffer per active file */
};

/* A directory and the item that reads it. */
struct dir {
	struct work_struct work;
	struct dir *next; /* in records.c's list */
	char path[];
};

enum file_state {
	FILE_QUEUED, /* .work is in use */
	FILE_TAKEN,  /* one of hash_file() and records_cancel() has claimed it */
	FILE_HASHED, /* .digest is valid */
};

/*
 * A regular file. The digest takes the place of the work item, which is free
 * for other use as soon as its function has been entered: a million files
 * cost 56 bytes each, and their names.
 */
struct file {
	struct file *next; /* in records.c's list */
	const struct dir *dir;
	union {
		struct work_struct work;
		unsigned char digest[DIGEST_SIZE];
	};
	_Atomic(unsigned char) state;
	char name[];
};

/* One run of the program. */
struct run {
	struct workqueue_struct *walk_wq;
	struct workqueue_struct *hash_wq;
	atomic_bool stop; /* end early: interrupted, or out of memory */
	atomic_bool no_memory;
	atomic_ulong nr_failures; /* each has been reported */
	/* for show: files found; hashed, or tried; bytes read */
	atomic_ulong nr_files;
	atomic_ulong nr_done;
	atomic_ulong nr_bytes;
};

extern struct run run;

/* main.c: called once, when the last directory has been read or taken back. */
void all_files_queued(void);

/* walk.c */
void walk_root(const char *path);
void walk_dir(struct work_struct *work);
void walk_put_dir(void); /* one directory less to read */

/* hash.c */
void hash_file(struct work_struct *work);
void hash_free_buffers(void);

/*
 * records.c. The functions that allocate return NULL when memory is out; that
 * is reported and ends the run. Records are ready to be queued; @parent or
 * @dir is NULL for the root.
 */
struct dir *records_add_dir(const struct dir *parent, const char *name);
struct file *records_add_file(const struct dir *dir, const char *name);
char *records_new_path(const struct dir *dir, const char *name); /* to be freed */
struct file **records_hashed_files(size_t *nr);                  /* to be freed */
void records_write_path(char *buf, const struct dir *dir, const char *name);
size_t records_longest_path(void);
bool records_claim_file(struct file *file);
void records_cancel(void);
void records_free(void);

/* listing.c: ends early when writing fails, which ferror(stdout) tells. */
void listing_print(void);

/* progress.c */
void progress_start(bool wanted);
bool progress_shown(void);
void progress_draw(void);
void progress_end(void);
void report_failure(const char *path, int error);
void report_no_memory(void);

#endif /* TREEHASH_H */
