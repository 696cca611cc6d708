#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check-faults.py [ROOT]: can tests/fault make every call of the doors fail, and is all tested?

 - Each function of base/os.h and base/ring.h is a row of FAULT_POINTS in
   tests/fault/points.h, or a word of FAULT_NONE: it cannot fail. And each row and word is
   a function there.
 - Each public function is called by the script, tests/fault/*.c.
"""
import pathlib
import re
import sys

from c_source import Faults, code_only, line_of

DOORS = ["lib/base/os.h", "lib/base/ring.h"]
POINTS = "tests/fault/points.h"
# What the doors make of a function of libc.
OTHERS = {"sched_getcpu"}

DECLARED = re.compile(r"\b(wq_(?:os|ring)_\w+)\(")
ROW = re.compile(r"^\tP\([\w *]+,\s*(?:\\\n\s*)?(\w+),", re.MULTILINE)
WORD = re.compile(r"^\tN\((\w+)\)", re.MULTILINE)
PUBLIC = re.compile(r"\bWORKQ_SYMBOL\((\w+)\)|\bWORKQ_FUNCTION\([^()]*\)\s*(\w+)\(")


def named(pattern, text):
    """-> {name: line}"""
    return {next(filter(None, match.groups())): line_of(text, match.start())
            for match in pattern.finditer(text)}


def check_doors(root, faults):
    text = (root / POINTS).read_text()
    points = {**named(ROW, text), **named(WORD, text)}
    declared = set(OTHERS)
    for door in DOORS:
        functions = named(DECLARED, code_only((root / door).read_text()))
        declared |= functions.keys()
        for name, line in functions.items():
            if name not in points:
                faults.add(door, line, f"{name}() has no row in FAULT_POINTS of {POINTS}; if it "
                                       "cannot fail, name it in FAULT_NONE")
    for name, line in points.items():
        if name not in declared:
            faults.add(POINTS, line, f"{name}() is no function of {' or '.join(DOORS)}")
    return points


def check_script(root, faults):
    script = " ".join(code_only(path.read_text()) for path in root.glob("tests/fault/*.c"))
    used = set(re.findall(r"\w+", script))
    for path in sorted(root.glob("include/workq/*.h")):
        text = path.read_text()
        for name, line in named(PUBLIC, code_only(text)).items():
            if name not in used and not text.splitlines()[line - 1].startswith("#"):
                faults.add(path.relative_to(root), line, f"{name}() is not called in tests/fault")


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    faults = Faults()
    points = check_doors(root, faults)
    check_script(root, faults)
    faults.exit(f"faults: {len(points)} functions of the doors")


if __name__ == "__main__":
    main()
