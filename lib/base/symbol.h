/* SPDX-License-Identifier: MIT */
/*
 * symbol.h - the name of a function, for people.
 *
 * As dladdr() has it, but without the dynamic linker's lock, which is held while
 * constructors run: they may wait for us.
 */
#ifndef WQ_BASE_SYMBOL_H
#define WQ_BASE_SYMBOL_H

#include <stddef.h>
#include <stdint.h>

/*
 * "function", "function+0x4", or "program+0x1234" of a function that is not among the
 * dynamic symbols. Any thread, any lock but the dynamic linker's own; not a signal handler.
 */
void wq_symbol_name(uintptr_t function, char *name, size_t size);

#endif /* WQ_BASE_SYMBOL_H */
