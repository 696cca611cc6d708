/* SPDX-License-Identifier: MIT */
/*
 * memory.h - memory that is handed out, checked, saved and restored.
 *
 * All of it, and the static variables: what a run has written is undone as far as to where the next
 * one begins.
 */
#ifndef EXPLORE_MEMORY_H
#define EXPLORE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct image;

/* Once. */
void memory_init(void);
/* Zeroed; not restored by memory_copy(). */
char *memory_map(size_t size);

void *memory_alloc(size_t size, size_t align);
/* It is never handed out again. */
void memory_free(void *mem);
/* A step that touches what was freed is a fault. */
void memory_check(const void *p);
bool memory_freed_is_untouched(void);

/* What is written from then on is restored. Once. */
void memory_save(void);
/* Saves it, or restores it. */
void memory_copy(struct image *image);
/* Somebody cannot write there. True: by now he can, and it will be restored. */
bool memory_note_written(char *address);

#endif /* EXPLORE_MEMORY_H */
