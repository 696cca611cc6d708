/* SPDX-License-Identifier: MIT */
/*
 * liburcu_tsan.h - programs with liburcu under ThreadSanitizer, which does not see into it.
 *
 * What liburcu itself does with memory is none of our business. A program whose readers
 * look at plain memory tells what a grace period promises: sections that have ended come
 * before the run. One that has not would still be a race. Without the sanitizer: nothing.
 */
#ifndef TESTS_LIBURCU_TSAN_H
#define TESTS_LIBURCU_TSAN_H

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TESTS_TELL_TSAN
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define TESTS_TELL_TSAN
#endif

#ifdef TESTS_TELL_TSAN
const char *__tsan_default_suppressions(void);
void __tsan_acquire(void *address);
void __tsan_release(void *address);

const char *__tsan_default_suppressions(void)
{
	return "called_from_lib:liburcu-bp.so.8\n"
	       "called_from_lib:liburcu-memb.so.8\n"
	       "called_from_lib:liburcu-qsbr.so.8\n";
}

static char liburcu_grace_periods;

/* By a reader, at the end of its section. */
static inline void tell_section_ends(void)
{
	__tsan_release(&liburcu_grace_periods);
}

/* In the function of an rcu item. */
static inline void tell_grace_period_is_over(void)
{
	__tsan_acquire(&liburcu_grace_periods);
}
#else
static inline void tell_section_ends(void)
{
}

static inline void tell_grace_period_is_over(void)
{
}
#endif

#endif /* TESTS_LIBURCU_TSAN_H */
