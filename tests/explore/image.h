/* SPDX-License-Identifier: MIT */
/*
 * image.h - what was saved at once, in the order in which it is restored.
 */
#ifndef EXPLORE_IMAGE_H
#define EXPLORE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

struct image {
	char *mem;
	size_t size; /* that there is room for */
	size_t at;   /* so much has been copied */
	bool is_saving;
};

void image_begin(struct image *image, bool is_saving);
/* Save that, or restore it. */
void image_copy(struct image *image, void *live, size_t size);

#endif /* EXPLORE_IMAGE_H */
