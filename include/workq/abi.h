/* SPDX-License-Identifier: MIT */
/*
 * abi.h - what every public header needs: where it works, how its symbols are called.
 */
#ifndef WORKQ_ABI_H
#define WORKQ_ABI_H

#if !defined(__linux__) || !defined(__LP64__)
#error "libworkq supports 64-bit (LP64) Linux only"
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define WORKQ_EXTERN_C extern "C"
#else
#define WORKQ_EXTERN_C extern
#endif

/*
 * The headers speak the kernel's names; the symbols in the library carry the
 * prefix workq_. A program with a flush_work() of its own does not collide.
 */
#define WORKQ_SYMBOL(name) __asm__("workq_" #name) __attribute__((visibility("default")))

/**
 * container_of - the object around a member
 * @ptr:    pointer to the member
 * @type:   type of the object
 * @member: name of the member in it
 */
#ifndef container_of
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#endif

#endif /* WORKQ_ABI_H */
