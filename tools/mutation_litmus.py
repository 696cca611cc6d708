# SPDX-License-Identifier: MIT
"""The checker of weak memory as a judge of mutants of memory orders.

tests/litmus has programs for the operations that order something, and knows where each stands in
lib/. A mutant of one of them is a weaker strength of that operation: the programs that have it are
run so. If none fails, tests/litmus/kept.txt must say why the order is stronger.
"""
import concurrent.futures
import functools
import importlib
import os
import re
import sys

import mutants
import mutation_tree

sys.path.append(str(mutants.LIB.parent / "tests" / "litmus"))
program = importlib.import_module("program")
sites = importlib.import_module("sites")
verify = importlib.import_module("verify")

BARRIER = re.compile(r"wq_(heavy|light|compiler)_barrier|wq_fence_seq_cst")


def primitives():
    """-> {name without wq_: strength}, those of the mutants among them"""
    found = sites.read_primitives(mutants.LIB)
    for match in re.finditer(r"#define wq_(\w+)\(.*?\)\s+(__atomic_\w+\(.*\))",
                             mutation_tree.WEAKER.replace("\\\n", " ")):
        orders = [program.ORDERS[name.lower()]
                  for name in re.findall(r"__ATOMIC_(\w+)", match[2])]
        found[match[1]] = program.Strength(program.UPDATE, *orders)
    return found


def squeezed(text):
    """-> it without repeated blanks, and where each character of that was"""
    kept = [(c if not c.isspace() else " ", i) for i, c in enumerate(text)
            if not (c.isspace() and (i == 0 or text[i - 1].isspace()))]
    return "".join(c for c, _ in kept), [i for _, i in kept]


def positions(text, place):
    """Where in a function's text the operations stand that a place names."""
    flat, where = squeezed(text)
    wanted = " ".join(place.text.split())
    at = re.search(sites.PRIMITIVE, wanted).start()
    return [where[match.start() + at] for match in re.finditer(re.escape(wanted), flat)]


def share(found, names):
    """Operations that are spelled alike -> {position: site}: in their order, or all of one site"""
    if len(names) == 1:
        return dict.fromkeys(found, names[0])
    if len(names) != len(found):
        raise SystemExit(f"{', '.join(names)}: sites.txt names as many operations, the code has "
                         f"{len(found)}")
    return dict(zip(found, names))


def sites_by_position(files):
    """-> {(file, position in it): site}"""
    alike = {}
    for name, site in sites.read_table()[0].items():
        for place in site.places:
            alike.setdefault(place._replace(is_labelled=True), []).append(name)
    result = {}
    for place, names in alike.items():
        file = files[place.path]
        for match in mutants.FUNCTION.finditer(file.code):
            if match["name"] == place.function:
                start, end = match.span("body")
                found = [start + at for at in positions(file.text[start:end], place)]
                result.update({(place.path, at): name
                               for at, name in share(found, names).items()})
    return result


def strength_of(mutant, known):
    """What is left of the operation."""
    if mutant.text == "(void)0":
        return program.Strength(program.FENCE, program.NA)
    return known[mutant.text.removeprefix("wq_")]


def judge(mutant_strength, site, uses, strengths):
    """-> (result, by)"""
    caught, on_x86 = verify.run_weak(site, mutant_strength, uses, strengths)
    if caught:
        return "killed", f"litmus {site}, {caught[0]}: {caught[1]}{', also on x86' * on_x86}"
    why = verify.read_kept().get((site, str(mutant_strength)))
    if why:
        return "explained", f"litmus {site}: {why}"
    return None, site


class Judge:
    """Of all mutants that stand for a weaker operation of a program."""

    def __init__(self, files):
        self.strengths, faults = sites.read()
        if faults:
            raise SystemExit("\n".join(faults))
        self.known, self.sites = primitives(), sites_by_position(files)
        bases = [verify.run_base(name, self.strengths) for name in verify.BY_NAME]
        self.uses = {}
        for name, _, _, used in bases:
            for site in used:
                self.uses.setdefault(site, []).append(name)

    def site_of(self, mutant):
        return self.sites.get((mutant.file, mutant.start)) if mutant.kind == "orders" else None

    def all(self, chosen):
        """-> {name: (result, by)} of those with a site"""
        todo = [(m, self.site_of(m)) for m in chosen]
        todo = [(m, site) for m, site in todo if site]
        judged = functools.partial(judge, strengths=self.strengths)
        with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
            results = pool.map(judged, [strength_of(m, self.known) for m, _ in todo],
                               [site for _, site in todo],
                               [self.uses[site] for _, site in todo])
            return {m.name: result for (m, _), result in zip(todo, results)}
