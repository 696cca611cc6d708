#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""verify.py: every protocol as the code has it, with each of its orders weakened, and made wrong.

    verify.py [ci|soak]             everything: a table
    verify.py PROTOCOL              one of them: does it hold?
    verify.py PROTOCOL VARIANT      ... made wrong in a way that is known: the execution
    verify.py PROTOCOL SITE=ORDER   ... with this order there, as it stands in the table
"""
import concurrent.futures
import os
import pathlib
import sys
import time

import classics
import graph
import program as p
import protocols_fork  # noqa: F401 pylint: disable=unused-import
import protocols_handover  # noqa: F401 pylint: disable=unused-import
import protocols_items  # noqa: F401 pylint: disable=unused-import
import protocols_locks  # noqa: F401 pylint: disable=unused-import
import protocols_sections  # noqa: F401 pylint: disable=unused-import
import protocols_timers  # noqa: F401 pylint: disable=unused-import
import protocols_wake  # noqa: F401 pylint: disable=unused-import
import rc11
import sites
import tso
from protocols import ALL

BY_NAME = {protocol.name: protocol for protocol in ALL}
BELOW = {p.SC: {p.READ: [p.ACQ], p.WRITE: [p.REL], p.UPDATE: [p.AR], p.FENCE: [p.AR]},
         p.AR: {p.UPDATE: [p.ACQ, p.REL], p.FENCE: [p.ACQ, p.REL]},
         p.ACQ: {p.READ: [p.RLX], p.UPDATE: [p.RLX], p.FENCE: [p.NA]},
         p.REL: {p.WRITE: [p.RLX], p.UPDATE: [p.RLX], p.FENCE: [p.NA]}}


def weaker(strength):
    """The next weaker ones."""
    if strength.is_split:
        return []
    if strength.kind == p.LIGHT:
        return [p.Strength(p.FENCE, p.NA)]
    if strength.kind == p.HEAVY:
        return [p.Strength(p.FENCE, p.SC)]
    result = [strength._replace(order=order)
              for order in BELOW.get(strength.order, {}).get(strength.kind, [])]
    if strength.kind == p.UPDATE:
        result += [strength._replace(fail=p.RLX)] if strength.fail != p.RLX else []
        result.append(strength._replace(is_split=True))
    return result


# ------------------------------------------------------------------ one program


def make(name, strengths, variant=None):
    """-> the program, and what notes the sites that it comes to"""
    chosen = p.Sites(strengths, variant)
    return BY_NAME[name].make(chosen), chosen


def run_base(name, strengths):
    """As the code has it -> (name, executions, what is wrong, sites)"""
    program, chosen = make(name, strengths)
    count, found = rc11.check(program)
    on_x86 = tso.check(program)[1]
    return name, count, found.message if found else on_x86, sorted(chosen.used)


def run_variant(name, variant, strengths):
    program, _ = make(name, strengths, variant)
    found = rc11.check(program)[1]
    return name, variant, found and found.message, bool(found and tso.check(program)[1])


def run_weak(site, strength, names, strengths):
    """-> (the first program that fails and how, or None; whether one fails on x86 too)"""
    caught, on_x86 = None, False
    for name in names:
        program, _ = make(name, {**strengths, site: strength})
        found = rc11.check(program)[1]
        if found:
            caught = caught or (name, found.message)
            on_x86 = on_x86 or bool(tso.check(program)[1])
    return caught, on_x86


def try_site(site, names, strengths):
    """Each weaker order, and those below it if it holds -> (site, [(strength, caught, x86)])"""
    todo, results = weaker(strengths[site]), []
    while todo:
        strength = todo.pop(0)
        caught, on_x86 = run_weak(site, strength, names, strengths)
        results.append((strength, caught, on_x86))
        if not caught:
            known = todo + [done for done, _, _ in results]
            todo += [s for s in weaker(strength) if not s.is_split and s not in known]
    return site, results


# ------------------------------------------------------------------ all of them


def read_kept():
    """-> {(site, strength as text): why it is kept stronger}"""
    kept = {}
    text = pathlib.Path(__file__).with_name("kept.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            names, would_do, why = [part.strip() for part in line.split("|")]
            for name in names.split("; "):
                kept.update({(name, strength): why for strength in would_do.split("; ")})
    return kept


class Report:
    def __init__(self):
        self.faults = []
        self.counts = dict.fromkeys(("verdicts", "programs", "executions", "variants", "orders",
                                     "weakened", "caught", "on_x86", "kept"), 0)

    def count(self, name, number=1):
        self.counts[name] += number

    def fault(self, text):
        self.faults.append(text)
        print(f"FAULT: {text}", flush=True)

    def take_classics(self):
        count, wrong = classics.check()
        self.count("verdicts", count)
        for text in wrong:
            self.fault(text)
        print(f"classic tests: {count} verdicts, {len(wrong)} not as known")

    def take_base(self, result):
        name, count, wrong, _ = result
        self.count("programs")
        self.count("executions", count)
        if wrong:
            self.fault(f"{name} does not hold: {wrong}")
        print(f"{name:26} {count:5} executions  {' '.join(BY_NAME[name].claim.split())}")

    def take_variant(self, result):
        name, variant, message, on_x86 = result
        self.count("variants")
        if not message:
            self.fault(f"{name}: {variant} is not noticed")
            return
        where = "also on x86" if on_x86 else "not on x86"
        print(f"{name:26} fails as it must, {where}: {BY_NAME[name].variants[variant]}")

    def take_site(self, site, label, strength, results, kept):
        self.count("orders")
        print(f"{site} ({label}): {strength}")
        for weak, caught, on_x86 in results:
            self.count("weakened")
            why = kept.pop((site, str(weak)), None)
            if caught:
                self.count("caught")
                self.count("on_x86", on_x86)
                print(f"    {weak!s:30} {caught[0]}: {caught[1]}{', also on x86' * on_x86}")
            if caught and why:
                self.fault(f"{site}: {weak} is caught, and stands in kept.txt")
            elif not caught and not why:
                self.fault(f"{site}: {weak} would do, and kept.txt does not say why it is stronger")
            elif why:
                self.count("kept")
                print(f"    {weak!s:30} would do; {why}")


def uses_of(bases, strengths, report):
    uses = {}
    for name, _, _, used in bases:
        for site in used:
            uses.setdefault(site, []).append(name)
    for site in strengths:
        if site not in uses:
            report.fault(f"{site} of sites.txt is in no program")
    return uses


def verify(pool, report):
    strengths, disagreements = sites.read()
    for text in disagreements:
        report.fault(text)
    report.take_classics()
    bases = list(pool.map(run_base, BY_NAME, [strengths] * len(BY_NAME)))
    for base in bases:
        report.take_base(base)
    variants = [(name, variant) for name in BY_NAME for variant in BY_NAME[name].variants]
    for result in pool.map(run_variant, *zip(*variants), [strengths] * len(variants)):
        report.take_variant(result)
    uses, kept, table = uses_of(bases, strengths, report), read_kept(), sites.read_table()[0]
    for site, results in pool.map(try_site, uses, uses.values(), [strengths] * len(uses)):
        report.take_site(site, table[site].label, strengths[site], results, kept)
    for site, strength in kept:
        report.fault(f"kept.txt: {site}, {strength}: was not tried, or is caught")


def verify_all():
    start, report = time.monotonic(), Report()
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        verify(pool, report)
    c = report.counts
    faults = f"{len(report.faults)} faults" if report.faults else "no faults"
    print(f"litmus: {c['verdicts']} classic verdicts; {c['programs']} programs hold in "
          f"{c['executions']} executions; {c['variants']} wrong variants fail; {c['orders']} "
          f"orders of the code, weakened in {c['weakened']} ways: {c['caught']} caught "
          f"({c['on_x86']} of them on x86 too), {c['kept']} kept with a reason; "
          f"{time.monotonic() - start:.0f} s: {faults}")
    return 1 if report.faults else 0


# ------------------------------------------------------------------ on demand


def find_strength(site, text, strengths):
    todo = [strengths[site]]
    for strength in todo:
        if str(strength) == text:
            return strength
        todo += weaker(strength)
    raise SystemExit(f"{site} has no weaker order `{text}`; it is {strengths[site]}")


def explain(name, changes):
    strengths, variant = sites.read()[0], None
    for change in changes:
        site, is_order, order = change.partition("=")
        if is_order:
            strengths[site] = find_strength(site, order, strengths)
        else:
            variant = change
    count, found = rc11.check(make(name, strengths, variant)[0])
    print(f"{name}: {found.message}" if found else f"{name} holds in {count} executions")
    if found:
        print(graph.show(found.graph))
    print(f"on x86: {tso.check(make(name, strengths, variant)[0])[1] or 'holds'}")


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("ci", "soak"):
        sys.exit(verify_all())
    if sys.argv[1] not in BY_NAME:
        raise SystemExit(__doc__ + "\nPROTOCOL: " + ", ".join(BY_NAME))
    explain(sys.argv[1], sys.argv[2:])


if __name__ == "__main__":
    main()
