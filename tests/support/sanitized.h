/* SPDX-License-Identifier: MIT */
/*
 * sanitized.h - is this build one of Thread-, Address- or MemorySanitizer's, or an emulator's?
 */
#ifndef TESTS_SANITIZED_H
#define TESTS_SANITIZED_H

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TESTS_THREAD_SANITIZED 1
#endif
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define TESTS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define TESTS_THREAD_SANITIZED 1
#endif
#if defined(__SANITIZE_ADDRESS__)
#define TESTS_SANITIZED 1
#endif
#ifndef TESTS_THREAD_SANITIZED
#define TESTS_THREAD_SANITIZED 0
#endif
#ifndef TESTS_SANITIZED
#define TESTS_SANITIZED TESTS_THREAD_SANITIZED
#endif

/* CMake says so: threads also sleep for locks of the emulator. */
#ifndef TESTS_EMULATED
#define TESTS_EMULATED 0
#endif

#endif /* TESTS_SANITIZED_H */
