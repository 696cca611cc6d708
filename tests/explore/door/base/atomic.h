/* SPDX-License-Identifier: MIT */
/*
 * atomic.h - the deterministic back end of lib/base/atomic.h.
 *
 * It comes before the library's own on the include path: each atomic operation is a call, in which
 * another thread may be let on, and stores may be kept in a store buffer. Orders matter as they do
 * on x86 (TSO): only read-modify-writes, sequentially consistent stores and fences empty the buffer.
 */
#ifndef WQ_BASE_ATOMIC_H
#define WQ_BASE_ATOMIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uintptr_t explore_load(const void *p, size_t size);
void explore_store(void *p, size_t size, uintptr_t value);
void explore_store_fenced(void *p, size_t size, uintptr_t value);
uintptr_t explore_xchg(void *p, size_t size, uintptr_t value);
bool explore_cas(void *p, size_t size, void *old, uintptr_t value);
uintptr_t explore_or(void *p, size_t size, uintptr_t value);
uintptr_t explore_and(void *p, size_t size, uintptr_t value);
uintptr_t explore_add(void *p, size_t size, uintptr_t value);
void explore_fence(void);
void explore_relax(void);

#define explore_as(p, bits) ((__typeof__(*(p)))(bits))

#define wq_load_relaxed(p) explore_as(p, explore_load((p), sizeof(*(p))))
#define wq_load_acquire(p) wq_load_relaxed(p)
#define wq_load_seq_cst(p) wq_load_relaxed(p)

#define wq_store_relaxed(p, v) explore_store((p), sizeof(*(p)), (uintptr_t)(v))
#define wq_store_release(p, v) wq_store_relaxed(p, v)
#define wq_store_seq_cst(p, v) explore_store_fenced((p), sizeof(*(p)), (uintptr_t)(v))

#define wq_xchg_acquire(p, v) explore_as(p, explore_xchg((p), sizeof(*(p)), (uintptr_t)(v)))
#define wq_xchg_acq_rel(p, v) wq_xchg_acquire(p, v)
#define wq_xchg_seq_cst(p, v) wq_xchg_acquire(p, v)

#define wq_cas_acquire(p, old, new)                                                                \
	explore_cas((p), sizeof(*(p)), (old), (uintptr_t)(__typeof__(*(p)))(new))
#define wq_cas_acq_rel(p, old, new)      wq_cas_acquire(p, old, new)
#define wq_cas_weak_seq_cst(p, old, new) wq_cas_acquire(p, old, new)

#define wq_fetch_or_acq_rel(p, v)  explore_as(p, explore_or((p), sizeof(*(p)), (uintptr_t)(v)))
#define wq_fetch_and_acq_rel(p, v) explore_as(p, explore_and((p), sizeof(*(p)), (uintptr_t)(v)))
#define wq_fetch_add_seq_cst(p, v) explore_as(p, explore_add((p), sizeof(*(p)), (uintptr_t)(v)))
#define wq_fetch_sub_seq_cst(p, v) explore_as(p, explore_add((p), sizeof(*(p)), -(uintptr_t)(v)))

#define wq_compiler_barrier() __atomic_signal_fence(__ATOMIC_SEQ_CST)

static inline void wq_cpu_relax(void)
{
	explore_relax();
}

static inline void wq_fence_seq_cst(void)
{
	explore_fence();
}

#define wq_likely(x)   __builtin_expect(!!(x), 1)
#define wq_unlikely(x) __builtin_expect(!!(x), 0)
#define WQ_INLINE      inline

#define WQ_CACHE_LINE   64
#define WQ_LINE_ALIGNED __attribute__((aligned(WQ_CACHE_LINE)))
#define WQ_READ_MOSTLY

#endif /* WQ_BASE_ATOMIC_H */
