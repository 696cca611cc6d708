/* SPDX-License-Identifier: MIT */
/*
 * atomic.h - atomic operations, the memory order in the name.
 *
 * The only file that spells a memory order. They work on plain integers and
 * pointers, because public structs hold nothing else. Sizes are 4 and 8 bytes;
 * read-modify-writes return the old value.
 */
#ifndef WQ_BASE_ATOMIC_H
#define WQ_BASE_ATOMIC_H

#define wq_load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define wq_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define wq_load_seq_cst(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)

#define wq_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define wq_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define wq_store_seq_cst(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)

#define wq_xchg_acquire(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE)
#define wq_xchg_acq_rel(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
#define wq_xchg_seq_cst(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)

/* Compare and swap: true if *p was *old and is now new; else *old is what was found. */
#define wq_cas_acquire(p, old, new)                                                                \
	__atomic_compare_exchange_n((p), (old), (new), 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define wq_cas_acq_rel(p, old, new)                                                                \
	__atomic_compare_exchange_n((p), (old), (new), 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define wq_cas_weak_seq_cst(p, old, new)                                                           \
	__atomic_compare_exchange_n((p), (old), (new), 1, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)

#define wq_fetch_or_acq_rel(p, v)  __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define wq_fetch_and_acq_rel(p, v) __atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL)
#define wq_fetch_add_seq_cst(p, v) __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)
#define wq_fetch_sub_seq_cst(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_SEQ_CST)

/* Orders nothing for the CPU: the light side of a membarrier, see membarrier.h. */
#define wq_compiler_barrier() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* In a loop that waits for another CPU. */
static inline void wq_cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield");
#else
	wq_compiler_barrier();
#endif
}

/*
 * A full barrier; only for membarrier.h, and where it is the user's own accesses that must be
 * ordered. Spelled out: ThreadSanitizer has no fences.
 */
static inline void wq_fence_seq_cst(void)
{
#if defined(__x86_64__)
	__asm__ __volatile__("lock; orl $0, (%%rsp)" ::: "memory", "cc");
#elif defined(__aarch64__)
	__asm__ __volatile__("dmb ish" ::: "memory");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

#define wq_likely(x)   __builtin_expect(!!(x), 1)
#define wq_unlikely(x) __builtin_expect(!!(x), 0)

/* Of the hot path: the compiler would make a call of it. */
#define WQ_INLINE inline __attribute__((always_inline))

/* Fields that different CPUs write are kept this far apart. */
#define WQ_CACHE_LINE   64
#define WQ_LINE_ALIGNED __attribute__((aligned(WQ_CACHE_LINE)))
/*
 * For variables that everybody reads for each item and hardly anybody writes: lines without others,
 * for tools/check-lines.py those with letter Q.
 */
#define WQ_READ_MOSTLY  __attribute__((section("workq_read_mostly")))

#endif /* WQ_BASE_ATOMIC_H */
