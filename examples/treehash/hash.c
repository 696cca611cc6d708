/* SPDX-License-Identifier: MIT */
/*
 * hash.c - SHA-256 of one file: each file is an item.
 *
 * Buffers go from one active item to the next, so that there are as many as
 * files have ever been hashed at once, which max_active bounds.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "treehash.h"

struct buffer {
	struct buffer *next;
	EVP_MD_CTX *ctx;
	unsigned char bytes[READ_SIZE];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct buffer *unused; /* under lock */

static void free_buffer(struct buffer *buffer)
{
	EVP_MD_CTX_free(buffer->ctx);
	free(buffer);
}

static struct buffer *new_buffer(void)
{
	struct buffer *buffer = malloc(sizeof(*buffer));

	if (!buffer)
		return NULL;
	buffer->ctx = EVP_MD_CTX_new();
	if (buffer->ctx && EVP_DigestInit_ex(buffer->ctx, EVP_sha256(), NULL))
		return buffer;
	free_buffer(buffer);
	return NULL;
}

static struct buffer *get_buffer(void)
{
	struct buffer *buffer;

	pthread_mutex_lock(&lock);
	buffer = unused;
	if (buffer)
		unused = buffer->next;
	pthread_mutex_unlock(&lock);
	return buffer ? buffer : new_buffer();
}

static void put_buffer(struct buffer *buffer)
{
	pthread_mutex_lock(&lock);
	buffer->next = unused;
	unused = buffer;
	pthread_mutex_unlock(&lock);
}

void hash_free_buffers(void)
{
	while (unused) {
		struct buffer *buffer = unused;

		unused = buffer->next;
		free_buffer(buffer);
	}
}

/* Return: 0, an errno, or ECANCELED when the run is to stop. */
static int digest_fd(int fd, struct buffer *buffer, unsigned char *digest)
{
	ssize_t len;

	/* NULL: the same algorithm again, which spares OpenSSL the search for it */
	if (!EVP_DigestInit_ex(buffer->ctx, NULL, NULL))
		return ENOMEM;
	while ((len = read(fd, buffer->bytes, READ_SIZE)) > 0) {
		if (atomic_load(&run.stop))
			return ECANCELED;
		if (!EVP_DigestUpdate(buffer->ctx, buffer->bytes, (size_t)len))
			return EIO;
		atomic_fetch_add(&run.nr_bytes, (unsigned long)len);
	}
	if (len < 0)
		return errno;
	return EVP_DigestFinal_ex(buffer->ctx, digest, NULL) ? 0 : EIO;
}

/* What was a file when its directory was read may be a FIFO or a link by now. */
static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	errno = ENOENT;
	return -1;
}

static int digest_path(const char *path, unsigned char *digest)
{
	struct buffer *buffer = get_buffer();
	int error, fd;

	if (!buffer)
		return ENOMEM;
	fd = open_file(path);
	if (fd < 0) {
		error = errno;
	} else {
		error = digest_fd(fd, buffer, digest);
		close(fd);
	}
	put_buffer(buffer);
	return error;
}

void hash_file(struct work_struct *work)
{
	struct file *file = from_work(file, work, work);
	char *path;
	int error;

	if (!records_claim_file(file) || atomic_load(&run.stop))
		return;
	path = records_new_path(file->dir, file->name);
	if (!path)
		return;
	error = digest_path(path, file->digest);
	if (!error)
		atomic_store(&file->state, FILE_HASHED);
	else if (error != ECANCELED)
		report_failure(path, error);
	if (error != ECANCELED)
		atomic_fetch_add(&run.nr_done, 1);
	free(path);
}
