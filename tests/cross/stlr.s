/* SPDX-License-Identifier: MIT */
/*
 * stlr.s - read by the assembler before each source for aarch64.
 *
 * qemu-user 7.2 on x86-64 lets an LDAR overtake the STLR before it, which that processor does not:
 * two threads that each store and then look (seq_cst) may both see nothing. A barrier keeps them
 * in order.
 */
.macro	stlr value, address
	dmb	ish
	str	\value, \address
	dmb	ish
.endm

.macro	stlrb value, address
	dmb	ish
	strb	\value, \address
	dmb	ish
.endm

.macro	stlrh value, address
	dmb	ish
	strh	\value, \address
	dmb	ish
.endm
