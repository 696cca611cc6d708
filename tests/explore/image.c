/* SPDX-License-Identifier: MIT */
/*
 * image.c - what was saved at once (contracts in image.h).
 */
#include "image.h"

#include <stdlib.h>
#include <string.h>

void image_begin(struct image *image, bool is_saving)
{
	image->at = 0;
	image->is_saving = is_saving;
}

static void make_room(struct image *image, size_t size)
{
	if (size <= image->size)
		return;
	image->size = size + size / 2;
	image->mem = realloc(image->mem, image->size);
	if (!image->mem)
		abort();
}

void image_copy(struct image *image, void *live, size_t size)
{
	if (image->is_saving) {
		make_room(image, image->at + size);
		memcpy(image->mem + image->at, live, size);
	} else {
		memcpy(live, image->mem + image->at, size);
	}
	image->at += size;
}
