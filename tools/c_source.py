# SPDX-License-Identifier: MIT
"""What the checks have in common: C text without comments and strings, and faults."""
import pathlib
import re
import sys

TOKEN = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""",
    re.DOTALL | re.VERBOSE)


def blank(text):
    """Spaces in place of everything but newlines: positions stay."""
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    """Comments blanked; strings kept."""
    return TOKEN.sub(lambda m: blank(m[0]) if m[0][0] == "/" else m[0], text)


def code_only(text):
    """Comments and the insides of strings blanked."""
    def replace(match):
        token = match[0]
        return blank(token) if token[0] == "/" else token[0] + blank(token[1:-1]) + token[0]
    return TOKEN.sub(replace, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def files_below(top):
    return sorted(p for p in pathlib.Path(top).rglob("*") if p.suffix in (".c", ".h"))


class Faults:
    """Prints faults as file:line: message and remembers that there were some."""

    def __init__(self):
        self.count = 0

    def add(self, path, line, message):
        print(f"{path}:{line}: {message}")
        self.count += 1

    def exit(self, summary):
        print(f"{summary}: " + (f"{self.count} faults" if self.count else "no faults"))
        sys.exit(1 if self.count else 0)
