#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check-lines.py LIBRARY [LIB_DIR]: does each cache line belong to one side only?

Takes the locking letters of core/types.h and the offsets that the compiler chose, from the
debug information of the library. In a struct that begins on a cache line the fields of a line
must be of one side: of producers (letter Q), of who holds the lock (L, T, X, O, and A where the
comment says so), or of anybody else (A). What is const or written seldom (C, G, F, M, R) may
stand anywhere. Such a struct also ends where a line ends, so that arrays of it share none.

Variables with a Q in the comment above them share their line with such variables only.
"""
import importlib
import pathlib
import re
import subprocess
import sys

from c_source import Faults, code_only, line_of

locking = importlib.import_module("check-locking")

LINE = 64
STRUCT = re.compile(r"\bstruct\s+(\w+)\s*\{")
ALIGNED = re.compile(r"ALIGNED|\baligned\s*\(")
HOLDER = re.compile(r":\s*(?:under [LTX]\b|by the thread)")
VARIABLE = re.compile(r"^/\*[\s*]*[A-Z]*Q[A-Z]*: [^/]*\*/\n(?:extern )?[\w *]*?\b(\w+)(?:\[\w*\])?;",
                      re.MULTILINE)
DIE = re.compile(r"^\s*<([0-9a-f]+)><([0-9a-f]+)>: Abbrev Number: \d+ \((DW_TAG_\w+)\)")
ATTRIBUTE = re.compile(r"^\s*<[0-9a-f]+>\s+(DW_AT_\w+)\s*: (.*)$")


# -------------------------------------------------------- what the source says


def side_of(letters, comment):
    """Who writes it for each item; None: nobody."""
    if "Q" in letters:
        return "producers"
    if set(letters) & set("CGFMR"):
        return None
    if set(letters) & set("LTXO") or HOLDER.search(comment):
        return "holder"
    return None if re.search(r":\s*under [GF]\b", comment) else "others"


def read_struct(text, code, start, end):
    """-> {field: side}"""
    sides = {}
    for first, semicolon in locking.fields(code, start, end):
        declaration = locking.ATTRIBUTE.sub(" ", code[first:semicolon]).strip()
        pointer = re.match(r"[^(]*\(\*(\w+)\)", declaration)
        name = pointer or locking.NAME.search(declaration)
        comment = locking.comment_of(text, code, start, first, semicolon) or ""
        letters = locking.LETTERS.match(comment)
        is_lock = re.match(r"struct wq_lock\s", declaration)
        if name and letters:
            sides[name[1]] = "holder" if is_lock else side_of(letters[1], comment)
    return sides


def read_source(path):
    """-> {struct: ({field: side}, line of the file, whether it begins on a cache line)}"""
    text = path.read_text(encoding="utf-8")
    code = code_only(text)
    structs = {}
    for match in STRUCT.finditer(code):
        end = locking.closing(code, match.end())
        whole = code[match.start():code.find(";", end)]
        structs[match[1]] = (read_struct(text, code, match.end(), end),
                             line_of(text, match.start()), bool(ALIGNED.search(whole)))
    return structs


# ------------------------------------------------------ what the compiler made of it


def read_dies(library):
    """-> [(level, offset, tag, {attribute: value})]"""
    out = subprocess.run(["readelf", "--debug-dump=info", "--wide", library], text=True,
                         capture_output=True, check=True).stdout
    dies = []
    for line in out.splitlines():
        if die := DIE.match(line):
            dies.append((int(die[1], 16), int(die[2], 16), die[3], {}))
        elif dies and (attribute := ATTRIBUTE.match(line)):
            # "(indirect string, offset: 0x1f): name", "(strp) (offset: 0x1f): name", "(data1) 64"
            value = attribute[2].rsplit("): ", 1)[-1].strip()
            dies[-1][3][attribute[1]] = re.sub(r"^\(\w+\)\s*", "", value)
    return dies


def read_layouts(library, wanted):
    """-> {struct: (size, [(offset, field, name of its struct, if it is one)])}"""
    dies = read_dies(library)
    named = {offset: attributes.get("DW_AT_name") for _, offset, tag, attributes in dies
             if tag == "DW_TAG_structure_type"}
    layouts = {}
    for index, (level, _, tag, attributes) in enumerate(dies):
        name = attributes.get("DW_AT_name")
        if (tag != "DW_TAG_structure_type" or name not in wanted or name in layouts
                or "DW_AT_byte_size" not in attributes):
            continue
        members = []
        for inner, _, kind, own in dies[index + 1:]:
            if inner <= level:
                break
            if kind == "DW_TAG_member" and inner == level + 1:
                kind_of = re.search(r"<0x([0-9a-f]+)>", own["DW_AT_type"])[1]
                members.append((int(own["DW_AT_data_member_location"], 0), own["DW_AT_name"],
                                named.get(int(kind_of, 16))))
        layouts[name] = int(attributes["DW_AT_byte_size"], 0), members
    return layouts


def spread(structs, layouts, name, base=0, prefix=""):
    """-> [(first byte, byte behind, field, side)], structs of types.h taken apart"""
    size, members = layouts[name]
    ends = [offset for offset, _, _ in members[1:]] + [size]
    for (offset, field, inner), end in zip(members, ends):
        if inner in layouts and inner in structs:
            yield from spread(structs, layouts, inner, base + offset, f"{prefix}{field}.")
        else:
            yield base + offset, base + end, prefix + field, structs[name][0].get(field, "others")


# ------------------------------------------------------------------- the check


def check_lines(path, line, name, fields, faults):
    lines = {}
    for begin, end, field, side in fields:
        for number in range(begin // LINE, (max(end, begin + 1) - 1) // LINE + 1):
            if side:
                lines.setdefault(number, {}).setdefault(side, []).append(field)
    for number, sides in sorted(lines.items()):
        if len(sides) > 1:
            who = "; ".join(f"{side}: {', '.join(fields)}" for side, fields in sides.items())
            faults.add(path, line, f"{name}, bytes from {number * LINE}: {who}")
    return len(lines)


def check_structs(path, library, faults):
    structs = read_source(path)
    layouts = read_layouts(library, structs)
    count = 0
    for name, (_, line, is_aligned) in structs.items():
        if not is_aligned:
            continue
        if name not in layouts:
            faults.add(path, line, f"{name} is not in the library's debug information")
            continue
        count += check_lines(path, line, name, spread(structs, layouts, name), faults)
    return count


def check_variables(lib, library, faults):
    mine = {}
    for path in sorted(lib.rglob("*.h")):
        text = path.read_text(encoding="utf-8")
        for match in VARIABLE.finditer(text):
            mine[match[1]] = (path, line_of(text, match.start()))
    out = subprocess.run(["nm", "-S", library], text=True, capture_output=True, check=True).stdout
    lines = {}
    for row in out.splitlines():
        address, size, kind, name = (row.split() + [""] * 4)[:4]
        if kind in ("b", "B", "d", "D") and name not in ("_DYNAMIC", "_GLOBAL_OFFSET_TABLE_"):
            begin = int(address, 16)
            for number in range(begin // LINE, (begin + int(size, 16) - 1) // LINE + 1):
                lines.setdefault(number, set()).add(name)
    for names in lines.values():
        if names & mine.keys() and names - mine.keys():
            path, line = mine[min(names & mine.keys())]
            faults.add(path, line, "in the line of " + ", ".join(sorted(names & mine.keys())) +
                       ": " + ", ".join(sorted(names - mine.keys())))
    return len(mine)


def main():
    library = sys.argv[1]
    lib = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "lib")
    faults = Faults()
    nr_lines = check_structs(lib / "core/types.h", library, faults)
    nr_variables = check_variables(lib, library, faults)
    faults.exit(f"lines: {nr_lines} of structs, {nr_variables} variables of producers")


if __name__ == "__main__":
    main()
