#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check-exports.py LIBWORKQ_SO [LIBWORKQ_A]: whose names are these?

The shared library exports workq_* and nothing else; the static one, where the
linker hides nothing, defines workq_* and wq_* only.
"""
import re
import subprocess
import sys

from c_source import Faults

VERSION_NODE = re.compile(r"LIBWORKQ_[0-9.]+$")


def symbols(path, *options):
    out = subprocess.run(["nm", "--defined-only", "-P", *options, path], check=True, text=True,
                         capture_output=True).stdout
    rows = (line.split() for line in out.splitlines())
    return [row[0].split("@")[0] for row in rows if len(row) >= 2]


def main():
    faults = Faults()
    exported = [name for name in symbols(sys.argv[1], "-D") if not VERSION_NODE.match(name)]
    for name in exported:
        if not name.startswith("workq_"):
            faults.add(sys.argv[1], 0, f"exports {name}")
    if not exported:
        faults.add(sys.argv[1], 0, "exports nothing")
    for archive in sys.argv[2:]:
        for name in symbols(archive, "-g"):
            if not name.startswith(("workq_", "wq_")):
                faults.add(archive, 0, f"defines {name}")
    faults.exit(f"exports: {len(exported)} symbols")


if __name__ == "__main__":
    main()
