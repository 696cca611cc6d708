#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check-hardening.py LIBWORKQ_SO: is it linked and compiled as a hardened library?

By readelf and objdump: the relocated data is read only from the start (RELRO and BIND_NOW), nothing is both
writable and executable, the stack neither, no text relocations, no search path; functions with
buffers have canaries, and calls of libc that fill buffers go to those that check (_FORTIFY_SOURCE);
on x86-64 what is exported begins with a landing pad.
"""
import re
import subprocess
import sys

from c_source import Faults


def output_of(*command):
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


def readelf(path, *options):
    return output_of("readelf", "--wide", *options, path)


def check_segments(text, complain):
    stack = re.search(r"^\s*GNU_STACK\s.*?\s(R[W ][E ])\s*0x", text, re.MULTILINE)
    if not stack or "E" in stack[1]:
        complain("the stack is executable (-z noexecstack)")
    if not re.search(r"^\s*GNU_RELRO\s", text, re.MULTILINE):
        complain("no GNU_RELRO segment (-z relro)")
    for flags in re.findall(r"^\s*LOAD\s.*?\s(R[W ][E ])\s*0x", text, re.MULTILINE):
        if "W" in flags and "E" in flags:
            complain("a segment is writable and executable")


def check_dynamic(text, complain):
    if not re.search(r"BIND_NOW|\bNOW\b", text):
        complain("symbols are bound late (-z now)")
    if "(TEXTREL)" in text:
        complain("has text relocations")
    for tag in ("RPATH", "RUNPATH"):
        if f"({tag})" in text:
            complain(f"has a {tag}")


def check_symbols(text, complain):
    if "__stack_chk_fail" not in text:
        complain("no function has a canary (-fstack-protector-strong)")
    if not re.search(r"__(vsnprintf|snprintf|memcpy|read)_chk", text):
        complain("nothing is checked by _FORTIFY_SOURCE")


def check_landing_pads(text, complain):
    starts = re.findall(r"^[0-9a-f]+ <(workq_\w+)>:\n.*?:\t(\w+)", text, re.MULTILINE)
    without = [name for name, instruction in starts if instruction != "endbr64"]
    if not starts or without:
        complain(f"{len(without)} functions without endbr64, such as {without[:1]} (-fcf-protection)")


def main():
    path = sys.argv[1]
    faults = Faults()

    def complain(message):
        faults.add(path, 0, message)

    check_segments(readelf(path, "--program-headers"), complain)
    check_dynamic(readelf(path, "--dynamic"), complain)
    check_symbols(readelf(path, "--dyn-syms"), complain)
    if "X86-64" in readelf(path, "--file-header"):
        check_landing_pads(output_of("objdump", "-d", "--no-show-raw-insn", path), complain)
    faults.exit("hardening: as it should be")


if __name__ == "__main__":
    main()
