# SPDX-License-Identifier: MIT
"""Which operations of the library the programs stand for, and what the code says of them.

An order is written here nowhere: it is taken from the name of the primitive that stands at that
place, and what that means from base/atomic.h. So a program always has the code's orders. Beside
that the orders that were meant stand here, so that the code cannot change unseen.
"""
import importlib
import pathlib
import re
import sys
from typing import NamedTuple

import program as p

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools"))
ordering = importlib.import_module("check-ordering")
PRIMITIVE = re.compile(r"wq_(?:(load|store|xchg|cas_weak|cas|fetch_\w+?)_(relaxed|acquire|release|"
                       r"acq_rel|seq_cst)|(fence_seq_cst|light_barrier|heavy_barrier|"
                       r"compiler_barrier))\b")
BARRIERS = {"fence_seq_cst": p.Strength(p.FENCE, p.SC), "light_barrier": p.Strength(p.LIGHT),
            "heavy_barrier": p.Strength(p.HEAVY, p.SC), "compiler_barrier": p.Strength(p.LIGHT)}
FUNCTION = re.compile(r"^(?=[a-z])[^;{}#]*?\b(\w+)\([^;{}]*\)\n\{\n(.*?)^\}",
                      re.MULTILINE | re.DOTALL)


class Place(NamedTuple):
    path: str
    function: str
    text: str
    is_labelled: bool


def read_place(text):
    """PATH: FUNCTION: OPERATION; ~ before the function: the label stands elsewhere only"""
    path, function, operation = text.split(": ", 2)
    return Place(path, function.lstrip("~"), operation, not function.startswith("~"))


class Site(NamedTuple):
    label: str                          # "-": it bears none
    places: list


def read_table():
    """-> {name: Site}, and those that only call a function that has the operation"""
    text = pathlib.Path(__file__).with_name("sites.txt").read_text(encoding="utf-8")
    sites, calls = {}, []
    for line in re.sub(r"\n\s+\|", " |", text).splitlines():
        if line and not line.startswith("#"):
            first, *places = [part.strip() for part in line.split(" | ")]
            name, label = first.split(": ")
            site = Site(label, [read_place(place) for place in places])
            if name == "call":
                calls.append(site)
            else:
                sites[name] = site
    return sites, calls


def read_functions(lib):
    """-> {(file, function): its text, {labels in its comments}}"""
    functions = {}
    for path in sorted(lib.rglob("*.[ch]")):
        text = path.read_text(encoding="utf-8")
        for match in FUNCTION.finditer(text):
            labels = {label for _, label, _ in ordering.clauses(match[2])}
            functions[str(path.relative_to(lib)), match[1]] = match[2], labels
    return functions


def read_primitives(lib):
    """-> {name: what it is made of}, by base/atomic.h"""
    text = (lib / "base/atomic.h").read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for match in re.finditer(r"#define wq_(\w+)\(.*?\)\s+(__atomic_\w+\(.*\))", text):
        orders = [p.ORDERS[name.lower()] for name in re.findall(r"__ATOMIC_(\w+)", match[2])]
        kind = (p.READ if match[1].startswith("load") else
                p.WRITE if match[1].startswith("store") else p.UPDATE)
        found[match[1]] = p.Strength(kind, *orders)
    return {**found, **BARRIERS}


def check_places(name, site, functions, faults):
    """Does each operation stand where the table says, with its label?"""
    for place in site.places:
        body, labels = functions.get((place.path, place.function), ("", set()))
        if " ".join(place.text.split()) not in " ".join(body.split()):
            faults.append(f"{name}: no `{place.text}` in {place.function}() of lib/{place.path}")
        if site.label != "-" and place.is_labelled and site.label not in labels:
            faults.append(f"{name}: no {site.label} in {place.function}() of lib/{place.path}")


def strength_of(name, site, primitives, faults):
    strengths = {primitives[re.search(PRIMITIVE, place.text)[0].removeprefix("wq_")]
                 for place in site.places}
    if len(strengths) != 1:
        faults.append(f"{name}: its places are not of the same order")
    return strengths.pop()


def uncovered(sites, functions, document):
    """Labels, and places of labels, that stand in no program."""
    covered = {(site.label, place.path, place.function) for site in sites for place in site.places}
    for (path, function), (_, labels) in functions.items():
        for label in sorted(labels):
            if (label, path, function) not in covered:
                yield f"{label} in {function}() of lib/{path} is in no program"
    known = {label for label, _, _ in covered}
    for label in ordering.ENTRY.findall(document.read_text(encoding="utf-8")):
        if label not in known:
            yield f"{label} of docs/ordering.md is in no program"


def read(lib=ROOT / "lib", document=ROOT / "docs/ordering.md"):
    """-> ({site: its strength in the code}, where the table and the code disagree)"""
    faults = []
    functions, primitives = read_functions(lib), read_primitives(lib)
    table, calls = read_table()
    for name, site in [*table.items(), *(("call", call) for call in calls)]:
        check_places(name, site, functions, faults)
    strengths = {name: strength_of(name, site, primitives, faults) for name, site in table.items()}
    faults += uncovered([*table.values(), *calls], functions, document)
    return strengths, faults
