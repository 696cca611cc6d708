# SPDX-License-Identifier: MIT
"""The tests of the literature, with the verdicts known from there: is the checker right?"""
import pathlib
import re

import program as p
import rc11
import tso

ORDERS = {"na": p.NA, "rlx": p.RLX, "acq": p.ACQ, "rel": p.REL, "ar": p.AR, "sc": p.SC}


def parse_op(text):
    """-> (conditions, register or None, operation)"""
    words = text.split()
    conditions = []
    while words[0].startswith("?"):
        conditions.append(words.pop(0)[1:].split("="))
    kind, *rest = words
    if kind in ("light", "heavy"):
        return conditions, None, p.Op(p.LIGHT if kind == "light" else p.HEAVY)
    order = ORDERS[rest.pop()]
    if kind == "F":
        return conditions, None, p.Op(p.FENCE, order=order)
    if kind == "W":
        return conditions, None, p.store(rest[0], int(rest[1]), order)
    if kind == "R":
        return conditions, rest[0], p.load(rest[1], order)
    value = int(rest[2])
    function = (lambda old: value) if kind == "X" else (lambda old: old + value)
    return conditions, rest[0], p.update(rest[1], function, order)


def parse_thread(text):
    lines = [parse_op(part) for part in text.split(";") if part.strip()]

    def thread():
        registers = {}
        for conditions, register, op in lines:
            if all(registers.get(name) == int(value) for name, value in conditions):
                found = yield op
                if register:
                    registers[register] = found
        return registers
    return thread


def parse(line):
    """-> (name, program, may it be: C11, x86)"""
    name, *threads, asked, c11, x86 = [part.strip() for part in line.split("|")]
    wanted = [(n, int(v)) for n, v in re.findall(r"(\w+)=(\d+)", asked)]

    def bad(registers, memory):
        ends = {}
        for some in registers:
            ends.update(some if isinstance(some, dict) else {})
        if wanted and all((ends[n] if n in ends else memory[n]) == v for n, v in wanted):
            return asked
        return None
    return name, p.Program([parse_thread(text) for text in threads], bad), c11, x86


def read():
    text = pathlib.Path(__file__).with_name("classics.txt").read_text(encoding="utf-8")
    return [parse(line) for line in text.splitlines() if line and not line.startswith("#")]


def verdict(found):
    return "no" if found is None else "yes"


def check():
    """-> (how many verdicts, those that are not as known)"""
    wrong, count = [], 0
    for name, program, c11, x86 in read():
        for model, checker, expected in (("C11", rc11, c11), ("x86", tso, x86)):
            if not expected:
                continue
            count += 1
            said = verdict(checker.check(program)[1])
            if said != expected:
                wrong.append(f"{name}: {model} says {said}, known is {expected}")
    return count, wrong


if __name__ == "__main__":
    print(check())
