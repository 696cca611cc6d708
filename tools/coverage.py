#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""coverage.py [--list] [--check] REVIEWED [BUILD]: is every branch of lib/ taken, both ways?

BUILD is a build directory of the preset `coverage`, after its tests; its gcov
notes are read with gcov. A branch is an outcome of a condition, as gcov counts
it, the same one in all objects that include a header. Fails if one that was
never taken is not on the list REVIEWED, or if that is longer than allowed.
Outcomes in which a wq_assert() fails are left out: they end the process.

REVIEWED has entries of this form, the reason indented:

    core/pool.c wake_first: if (!worker || is_rare(worker))  x2
        Why two outcomes of this line cannot be taken here.

--list prints the list of what was not taken instead, in that form. --check
needs no build: each entry must fit the sources, and have a reason.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIB = ROOT / "lib"
ENTRY = re.compile(r"(?P<file>\S+) (?P<function>\w+): (?P<text>.*?)(?:\s+x(?P<nr>\d+))?$")
MOST_REVIEWED = 0.005

Place = collections.namedtuple("Place", "file function text")


def objects(build):
    """Notes of the library and of the unit tests, which have headers of it inlined."""
    lib = sorted(build.glob("lib/**/*.gcda"))
    return lib + sorted(build.glob("tests/CMakeFiles/unit_*/unit/*.gcda"))


def gcov(notes):
    """-> the parsed reports of gcov on these files"""
    command = ["gcov", "--branch-probabilities", "--json-format", "--stdout", *map(str, notes)]
    out = subprocess.run(command, check=False, capture_output=True, text=True, cwd=notes[0].parent)
    return [json.loads(line) for line in out.stdout.splitlines() if line.startswith("{")]


def lines_of(report):
    """-> (path below lib/, function, line, [count]) of each line with branches"""
    for file in report["files"]:
        path = (pathlib.Path(report["current_working_directory"]) / file["file"]).resolve()
        if LIB not in path.parents:
            continue
        for line in file["lines"]:
            if line["branches"]:
                # the public ones have a name for the linker
                function = line["function_name"].removeprefix("*workq_")
                yield (str(path.relative_to(LIB)), function, line["line_number"],
                       [branch["count"] for branch in line["branches"]])


def merge(reports):
    """-> {(path, function, line): [count]}; the same line counts the same branches everywhere"""
    merged = {}
    for report in reports:
        for path, function, line, counts in lines_of(report):
            known = merged.setdefault((path, function, line), [0] * len(counts))
            if len(known) != len(counts):
                sys.exit(f"{path}:{line}: {len(known)} branches in one object, {len(counts)} "
                         "in another: compile without optimisation and inlining")
            for i, count in enumerate(counts):
                known[i] += count
    return merged


class Sources:
    """The text of lines, without blanks around it; of a macro's use, its first line."""

    def __init__(self):
        self.lines = {}

    def text(self, path, line):
        if path not in self.lines:
            self.lines[path] = (LIB / path).read_text(encoding="utf-8").splitlines()
        return self.lines[path][line - 1].strip()


def measure(build):
    """-> (outcomes, of failing assertions, {Place: outcomes not taken})"""
    found = objects(build)
    if not found:
        sys.exit(f"{build}: no notes of gcov: built with WORKQ_COVERAGE, and run?")
    merged = merge(report for i in range(0, len(found), 16) for report in gcov(found[i:i + 16]))
    sources, total, asserted, missing = Sources(), 0, 0, collections.Counter()
    for (path, function, line), counts in sorted(merged.items()):
        text = sources.text(path, line)
        if text.startswith("wq_assert("):
            asserted += len(counts)
            continue
        total += len(counts)
        if 0 in counts:
            missing[Place(path, function, text)] += counts.count(0)
    return total, asserted, missing


def read_reviewed(path):
    """-> ({Place: outcomes}, [fault])"""
    reviewed, faults, place, reasons = {}, [], None, {}
    for number, line in enumerate(pathlib.Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0].isspace():
            reasons[place] = reasons.get(place, "") + line.strip()
            continue
        entry = ENTRY.match(line)
        if not entry:
            faults.append(f"{path}:{number}: not an entry: {line}")
            continue
        place = Place(entry["file"], entry["function"], entry["text"])
        reviewed[place] = reviewed.get(place, 0) + int(entry["nr"] or 1)
    faults += [f"{path}: no reason: {place}" for place in reviewed if not reasons.get(place)]
    return reviewed, faults


def check_sources(reviewed):
    """-> [fault]: entries of code that is not there any more"""
    faults = []
    for place in reviewed:
        file = LIB / place.file
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        lines = {line.strip() for line in text.splitlines()}
        if place.text not in lines or f"{place.function}(" not in text:
            faults.append(f"reviewed, but not in the sources: {show(place)}")
    return faults


def show(place, nr=1):
    return f"{place.file} {place.function}: {place.text}" + (f"  x{nr}" if nr > 1 else "")


def judge(total, missing, reviewed):
    faults = [f"not taken: {show(place, nr)}" for place, nr in missing.items()
              if nr > reviewed.get(place, 0)]
    listed = sum(reviewed.values())
    if listed > MOST_REVIEWED * total:
        faults.append(f"{listed} reviewed, more than {MOST_REVIEWED:.1%} of {total}")
    return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("reviewed")
    parser.add_argument("build", nargs="?", type=pathlib.Path)
    args = parser.parse_args()
    reviewed, faults = read_reviewed(args.reviewed)
    faults += check_sources(reviewed)
    summary = f"{sum(reviewed.values())} outcomes reviewed"
    if not args.check:
        total, asserted, missing = measure(args.build.resolve())
        if args.list:
            print("\n".join(show(place, nr) for place, nr in missing.items()))
        else:
            faults += judge(total, missing, reviewed)
        nr = sum(missing.values())
        summary = (f"{total} outcomes of branches, {nr} not taken ({nr / total:.2%}), {summary}, "
                   f"{asserted} of assertions left out")
    print("\n".join(faults + [f"coverage: {summary}: {len(faults) or 'no'} faults"]))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
