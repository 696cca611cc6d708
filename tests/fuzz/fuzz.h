/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - frame of the fuzz targets: an invariant, and an input in pieces.
 *
 * Every piece is a block of the heap of just its size, so that AddressSanitizer sees a byte
 * read behind it.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

struct input {
	const uint8_t *at, *end;
};

static inline void *fuzz_alloc(size_t size)
{
	void *mem = malloc(size);

	must(mem);
	return mem;
}

/* 0 when there are no more. */
static inline unsigned int take_byte(struct input *input)
{
	return input->at < input->end ? *input->at++ : 0;
}

static inline unsigned int take_number(struct input *input)
{
	unsigned int high = take_byte(input);

	return high << 8 | take_byte(input);
}

static inline char *fuzz_copy(const uint8_t *from, size_t len)
{
	char *text = fuzz_alloc(len + 1);

	memcpy(text, from, len);
	text[len] = '\0';
	return text;
}

/* All that is left. A NUL in it ends it. */
static inline char *take_rest(struct input *input)
{
	const uint8_t *from = input->at;

	input->at = input->end;
	return fuzz_copy(from, (size_t)(input->end - from));
}

/* Up to the next newline, which is no part of it; NULL: there is nothing left. */
static inline char *take_line(struct input *input)
{
	const uint8_t *from = input->at, *newline;

	if (from == input->end)
		return NULL;
	newline = memchr(from, '\n', (size_t)(input->end - from));
	input->at = newline ? newline + 1 : input->end;
	return fuzz_copy(from, (size_t)((newline ? newline : input->end) - from));
}

#endif /* TESTS_FUZZ_H */
