#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check-ordering.py [LIB [ORDERING_MD]]: does every ordering have its partner and its entry?

A comment "order: LABEL pairs with OTHER and OTHER2; LABEL2 pairs with ..." labels
the atomic operation below it. A label that pairs with another one must be named
by it in return; one that "pairs with this ..." must stand on two sides. Each has
an entry, "### LABEL", in docs/ordering.md, and each entry a label.
"""
import pathlib
import re
import sys

from c_source import Faults, files_below, line_of

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
LABEL = r"[A-Z]+(?:-[A-Z]+)+|[A-Z]{4,}"
CLAUSE = re.compile(rf"\s*({LABEL})\b(.*)", re.DOTALL)
PARTNERS = re.compile(r"pairs with([^:(]*)")
ENTRY = re.compile(rf"^### ({LABEL})$", re.MULTILINE)


def clauses(text):
    """-> (line, label, partners or None) of each clause of each order comment"""
    for comment in COMMENT.finditer(text):
        start = re.match(r"/\*\s*order:", comment[0])
        if not start:
            continue
        body = re.sub(r"\n\s*\*?", " ", comment[0][start.end():-2])
        for part in body.split(";"):
            clause = CLAUSE.match(part)
            if clause:
                pairs = PARTNERS.search(clause[2])
                partners = re.findall(LABEL, pairs[1]) if pairs else None
                yield line_of(text, comment.start()), clause[1], partners


def read_sites(lib):
    """-> {label: [(path, line, partners or None)]}"""
    sites = {}
    for path in files_below(lib):
        for line, label, partners in clauses(path.read_text(encoding="utf-8")):
            sites.setdefault(label, []).append((path, line, partners))
    return sites


def check_pairs(sites, faults):
    named = {label: {p for site in where for p in site[2] or ()} for label, where in sites.items()}
    for label, where in sites.items():
        for path, line, partners in where:
            if partners == [] and len(where) < 2:
                faults.add(path, line, f"{label} pairs with something that bears no label")
            for partner in partners or ():
                if partner not in sites:
                    faults.add(path, line, f"{label} pairs with {partner}, which stands nowhere")
                elif label not in named[partner]:
                    faults.add(path, line, f"{label} pairs with {partner}, but {partner} does not "
                                           f"name {label}")


def check_entries(sites, document, faults):
    text = pathlib.Path(document).read_text(encoding="utf-8")
    entries = {match[1]: line_of(text, match.start()) for match in ENTRY.finditer(text)}
    for label, where in sites.items():
        if label not in entries:
            faults.add(where[0][0], where[0][1], f"{label} has no entry in {document}")
    for label, line in entries.items():
        if label not in sites:
            faults.add(document, line, f"{label} stands nowhere in the code")


def main():
    lib = sys.argv[1] if len(sys.argv) > 1 else "lib"
    document = sys.argv[2] if len(sys.argv) > 2 else "docs/ordering.md"
    faults = Faults()
    sites = read_sites(lib)
    check_pairs(sites, faults)
    check_entries(sites, document, faults)
    faults.exit(f"ordering: {len(sites)} labels")


if __name__ == "__main__":
    main()
