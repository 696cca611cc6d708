#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check-snippets.py LIBWORKQ INCLUDE_DIR... -- FILE.md...: does the documentation's C code work?

Each block that begins with ```c is compiled as C11 with warnings as errors. One
with a main() is linked with the library and must end with status 0.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

from c_source import Faults, line_of

BLOCK = re.compile(r"^```c\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function"]


def complaint(code, library, includes, folder):
    """What is wrong with the block, or None."""
    program = pathlib.Path(folder) / "snippet"
    link = [library, f"-Wl,-rpath,{pathlib.Path(library).resolve().parent}", "-pthread"]
    has_main = re.search(r"\bmain\(", code)
    command = ["cc", *FLAGS, *[f"-I{path}" for path in includes], "-x", "c", "-"]
    command += ["-x", "none", *link, "-o", program] if has_main else ["-c", "-o", program]
    done = subprocess.run(command, input=code, text=True, capture_output=True, check=False)
    if done.returncode:
        return done.stderr
    if not has_main:
        return None
    done = subprocess.run([program], text=True, capture_output=True, check=False, timeout=60)
    return f"exits with status {done.returncode}: {done.stderr}" if done.returncode else None


def main():
    split = sys.argv.index("--")
    library, includes, files = sys.argv[1], sys.argv[2:split], sys.argv[split + 1:]
    faults, count = Faults(), 0
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            text = pathlib.Path(path).read_text(encoding="utf-8")
            for block in BLOCK.finditer(text):
                wrong = complaint(block[1], library, includes, folder)
                count += 1
                if wrong:
                    faults.add(path, line_of(text, block.start()), wrong)
    faults.exit(f"snippets: {count} in {len(files)} files")


if __name__ == "__main__":
    main()
