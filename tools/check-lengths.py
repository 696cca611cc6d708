#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check-lengths.py [DIR...]: are the functions short?

Half of them at most 12 lines, nine in ten at most 40, none over 80, counted from
the line with the name to the closing brace. Needs universal-ctags.
"""
import math
import statistics
import subprocess
import sys

from c_source import Faults, files_below

MEDIAN, NINTH_TENTH, LONGEST = 12, 40, 80


def functions(paths):
    """-> [(lines, path, first line, name)]"""
    if not paths:
        return []
    out = subprocess.run(
        ["ctags", "--language-force=C", "--kinds-C=f", "-x", "--_xformat=%{end}\t%n\t%F\t%N",
         *map(str, paths)], check=True, text=True, capture_output=True).stdout
    found = []
    for row in out.splitlines():
        end, first, path, name = row.split("\t")
        found.append((int(end) - int(first) + 1, path, int(first), name))
    return sorted(found, reverse=True)


def main():
    paths = [path for top in sys.argv[1:] or ["lib"] for path in files_below(top)]
    found = functions(paths)
    faults = Faults()
    if not found:
        faults.exit("lengths: 0 functions")
    lengths = [entry[0] for entry in found]
    median = statistics.median(lengths)
    ninth_tenth = sorted(lengths)[math.ceil(0.9 * len(lengths)) - 1]
    for lines, path, first, name in found:
        if lines > LONGEST:
            faults.add(path, first, f"{name}() has {lines} lines, more than {LONGEST}")
        elif lines > NINTH_TENTH and ninth_tenth > NINTH_TENTH:
            faults.add(path, first, f"{name}() has {lines} lines, and more than one in ten "
                                    f"has over {NINTH_TENTH}")
    if median > MEDIAN:
        faults.add(paths[0], 1, f"the median function has {median:g} lines, more than {MEDIAN}")
    faults.exit(f"lengths: {len(found)} functions, median {median:g}, 90 % up to {ninth_tenth}, "
                f"longest {lengths[0]} ({found[0][3]})")


if __name__ == "__main__":
    main()
