/* SPDX-License-Identifier: MIT */
/*
 * err.h - the kernel's pointers that may be an error instead.
 *
 * The addresses of the last MAX_ERRNO bytes stand for negative errno values.
 * Each name gives way to one that the program has defined as a macro before.
 */
#ifndef WORKQ_ERR_H
#define WORKQ_ERR_H

#include <workq/abi.h>

/* ------------------------------------------------- errors in place of pointers */

static inline void *workq_err_ptr(long error)
{
	return (void *)error;
}

static inline long workq_ptr_err(const void *ptr)
{
	return (long)ptr;
}

/* As in the kernel: the highest addresses belong to nobody. */
static inline bool workq_is_err(const void *ptr)
{
	return (uintptr_t)ptr >= (uintptr_t)-4095L;
}

static inline int workq_ptr_err_or_zero(const void *ptr)
{
	return workq_is_err(ptr) ? (int)workq_ptr_err(ptr) : 0;
}

static inline bool workq_is_err_or_null(const void *ptr)
{
	return !ptr || workq_is_err(ptr);
}

/**
 * MAX_ERRNO - the largest error number that fits a pointer
 */
#ifndef MAX_ERRNO
#define MAX_ERRNO 4095
#endif

/**
 * ERR_PTR - an error as a pointer
 * @error: a negative errno value, -MAX_ERRNO at the least
 */
#ifndef ERR_PTR
#define ERR_PTR(error) workq_err_ptr(error)
#endif

/**
 * PTR_ERR - the error that a pointer stands for
 * @ptr: a pointer for which IS_ERR() is true
 *
 * Return: a negative errno value.
 */
#ifndef PTR_ERR
#define PTR_ERR(ptr) workq_ptr_err(ptr)
#endif

/**
 * IS_ERR - does a pointer stand for an error?
 * @ptr: the pointer; NULL is none
 */
#ifndef IS_ERR
#define IS_ERR(ptr) workq_is_err(ptr)
#endif

/**
 * IS_ERR_OR_NULL - does a pointer stand for an error, or is it NULL?
 * @ptr: the pointer
 */
#ifndef IS_ERR_OR_NULL
#define IS_ERR_OR_NULL(ptr) workq_is_err_or_null(ptr)
#endif

/**
 * PTR_ERR_OR_ZERO - the error that a pointer stands for, or 0
 * @ptr: the pointer
 */
#ifndef PTR_ERR_OR_ZERO
#define PTR_ERR_OR_ZERO(ptr) workq_ptr_err_or_zero(ptr)
#endif

#endif /* WORKQ_ERR_H */
