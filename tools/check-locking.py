#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check-locking.py [TYPES_H]: does every shared field say who may touch it?

The legend is in comments of the file, one letter a line:      * L: the pool's lock
Every field of every struct carries a letter of it, in a comment behind it or in
one that stands alone above it:      unsigned int nr_idle; /* L: length of idle */
"""
import re
import sys

from c_source import Faults, blank, code_only, line_of

LEGEND = re.compile(r"^\s*\*\s+([A-Z]):\s+\S", re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
LETTERS = re.compile(r"/\*+\s*([A-Z](?:[,+ ]*[A-Z])*):\s*\S")
AGGREGATE = re.compile(r"\b(?:struct|union)\b[^;{}()=]*\{")
NAME = re.compile(r"(\w+)\s*(?:\[[^\]]*\]\s*|:\s*\w+\s*|\)\s*\(.*)*$", re.DOTALL)
ATTRIBUTE = re.compile(r"\b__attribute__\s*\(\(.*?\)\)|\b[A-Z0-9_]*ALIGNED\b|\b_Alignas\s*\(.*?\)",
                       re.DOTALL)


def closing(code, start):
    """Position of the brace that closes the one before start."""
    depth = 1
    for position in range(start, len(code)):
        depth += {"{": 1, "}": -1}.get(code[position], 0)
        if depth == 0:
            return position
    return len(code)


def fields(code, start, end):
    """-> (first, semicolon) of each declaration between start and end; nested ones flat."""
    position = start
    while position < end:
        semicolon = code.find(";", position, end)
        if semicolon < 0:
            return
        brace = code.find("{", position, semicolon)
        if brace >= 0:
            nested_end = closing(code, brace + 1)
            yield from fields(code, brace + 1, nested_end)
            semicolon = code.find(";", nested_end, end)
            # The members of an anonymous one speak for themselves; a named one is a field.
            if code[nested_end + 1:semicolon].strip():
                yield nested_end + 1, semicolon
        elif not code[position:semicolon].strip().startswith("_Static_assert"):
            yield position, semicolon
        position = semicolon + 1


def comment_of(text, code, start, first, semicolon):
    """The comment behind the field, else one that stands alone above it."""
    newline = text.find("\n", semicolon)
    behind = COMMENT.search(text, semicolon, newline)
    if behind is None:
        behind = re.compile(r"[ \t]*(/\*.*?\*/)", re.DOTALL).match(text, semicolon + 1)
    if behind:
        return behind[0].strip()
    begin = first + len(code[first:semicolon]) - len(code[first:semicolon].lstrip())
    above = [m for m in COMMENT.finditer(text, start, begin)
             if not text[m.end():begin].strip() and text.count("\n", m.end(), begin) == 1
             and not text[text.rfind("\n", 0, m.start()) + 1:m.start()].strip()]
    return above[-1][0] if above else None


def check_field(path, text, code, start, field, legend, faults):
    first, semicolon = field
    declaration = ATTRIBUTE.sub(" ", code[first:semicolon]).strip()
    name = NAME.search(declaration)
    name = name[1] if name else declaration
    comment = comment_of(text, code, start, first, semicolon)
    letters = LETTERS.match(comment) if comment else None
    line = line_of(text, semicolon)
    if not letters:
        faults.add(path, line, f"{name} has no locking letter")
        return
    unknown = set(re.findall("[A-Z]", letters[1])) - legend
    if unknown:
        faults.add(path, line, f"{name}: {', '.join(sorted(unknown))} is not in the legend")


def check(path, text, faults):
    legend = set()
    for comment in COMMENT.finditer(text):
        legend |= set(LEGEND.findall(comment[0]))
    if not legend:
        faults.add(path, 1, "no legend: a comment with lines such as ' * L: the pool's lock'")
    # Preprocessor lines are no declarations.
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: blank(m[0]), code_only(text),
                  flags=re.MULTILINE)
    count = position = 0
    while match := AGGREGATE.search(code, position):
        position = closing(code, match.end())
        for field in fields(code, match.end(), position):
            check_field(path, text, code, match.end(), field, legend, faults)
            count += 1
    return count, legend


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "lib/core/types.h"
    faults = Faults()
    with open(path, encoding="utf-8") as file:
        count, legend = check(path, file.read(), faults)
    faults.exit(f"locking: {count} fields, legend {' '.join(sorted(legend))}")


if __name__ == "__main__":
    main()
