/* SPDX-License-Identifier: MIT */
/*
 * insn.h - what costs time among the instructions of x86-64.
 *
 * Tells apart those that a short path through the library is judged by: atomic read-modify-writes,
 * full fences, system calls, conditional branches, calls, and jumps through memory, as the stubs
 * of a shared library's calls are. It knows no lengths: where instructions begin is known from
 * stepping through them.
 */
#ifndef TESTS_INSN_H
#define TESTS_INSN_H

#include <stdbool.h>

enum insn_kind {
	INSN_OTHER,
	INSN_RMW,
	INSN_FENCE,
	INSN_SYSCALL,
	INSN_BRANCH,
	INSN_CALL,
	INSN_STUB,
	NR_INSN_KINDS,
};

/* The fields of the byte that names the operands. */
static inline unsigned int insn_mod(unsigned char modrm)
{
	return modrm >> 6;
}

static inline unsigned int insn_reg(unsigned char modrm)
{
	return modrm >> 3 & 7;
}

static inline bool insn_is_prefix(unsigned char byte)
{
	return byte == 0x26 || byte == 0x2e || byte == 0x36 || byte == 0x3e ||
	       (byte >= 0x64 && byte <= 0x67) || byte == 0xf0 || byte == 0xf2 || byte == 0xf3;
}

/* or $0, N(%rsp): locked, it is the faster way to spell a fence. */
static inline bool insn_is_or_of_stack(const unsigned char *at)
{
	return at[0] == 0x83 && (at[1] & 0x3f) == 0x0c && insn_mod(at[1]) < 2 && at[2] == 0x24;
}

static inline enum insn_kind insn_kind_of_two_bytes(const unsigned char *at)
{
	if (at[0] == 0x05)
		return INSN_SYSCALL;
	if ((at[0] & 0xf0) == 0x80)
		return INSN_BRANCH;
	/* the loads' and the stores' fence, 0xe8 and 0xf8, are no full ones */
	return at[0] == 0xae && at[1] == 0xf0 ? INSN_FENCE : INSN_OTHER;
}

static inline enum insn_kind insn_kind_of_ff(unsigned char modrm)
{
	if (insn_reg(modrm) == 2)
		return INSN_CALL;
	return insn_reg(modrm) == 4 && insn_mod(modrm) != 3 ? INSN_STUB : INSN_OTHER;
}

static inline enum insn_kind insn_kind_of_opcode(const unsigned char *at)
{
	switch (at[0]) {
	case 0x0f:
		return insn_kind_of_two_bytes(at + 1);
	case 0x86:
	case 0x87:
		/* an exchange with memory is locked without saying so */
		return insn_mod(at[1]) != 3 ? INSN_RMW : INSN_OTHER;
	case 0xe8:
		return INSN_CALL;
	case 0xff:
		return insn_kind_of_ff(at[1]);
	default:
		return (at[0] & 0xf0) == 0x70 || at[0] == 0xe3 ? INSN_BRANCH : INSN_OTHER;
	}
}

static inline enum insn_kind insn_kind(const unsigned char *at)
{
	bool is_locked = false;

	for (; insn_is_prefix(*at); at++)
		is_locked |= *at == 0xf0;
	/* REX: registers and widths */
	if ((*at & 0xf0) == 0x40)
		at++;
	if (is_locked)
		return insn_is_or_of_stack(at) ? INSN_FENCE : INSN_RMW;
	return insn_kind_of_opcode(at);
}

#endif /* TESTS_INSN_H */
