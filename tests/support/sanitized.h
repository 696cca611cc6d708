/* SPDX-License-Identifier: MIT */
/*
 * sanitized.h - is this build one of ThreadSanitizer's or AddressSanitizer's?
 */
#ifndef TESTS_SANITIZED_H
#define TESTS_SANITIZED_H

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define TESTS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define TESTS_SANITIZED 1
#endif
#ifndef TESTS_SANITIZED
#define TESTS_SANITIZED 0
#endif

#endif /* TESTS_SANITIZED_H */
