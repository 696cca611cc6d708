#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mutate.py run|report|check|map: does some test notice each mutant of tools/mutants.py?

run builds lib/ with one mutant at a time, links tests with it, and runs those
that come by the mutated function, the quickest first, until one fails. What
became of each mutant goes to a file of JSON lines, which a later run continues.
Before that, the code with the mutant is explored (tests/explore), if it comes by there. Of memory
orders x86 shows little: the checker of weak memory (tests/litmus) judges those that stand in one of
its programs; tests of the others are built with ThreadSanitizer.

    killed         a test failed, or took too long; a schedule or an execution was wrong
    explained      no execution is wrong, and tests/litmus/kept.txt says why it is stronger
    survived       all of them passed
    untested       no test comes by, so none was run
    same code      neither, but the compiler makes the same of it, at -O2, or is not given it here
    does not build

report counts, and prints survivors that tests/mutation/reviewed.txt does not
explain; check only looks whether its entries still name mutants. map takes down
which tests come by which functions, from a build of the preset coverage.
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import sys
import threading

import mutants
import mutation_explore
import mutation_litmus
import mutation_tree

HERE = mutants.LIB.parent / "tests" / "mutation"
REVIEWED = HERE / "reviewed.txt"
MAP = HERE / "tests.map"
UNNOTICED = ("survived", "untested")
# Orders that the other ways of proof take care of; what the first word of a reason may be.
WAYS = ("equivalent:", "litmus:", "model:", "explored:", "duration:", "diagnosis:", "system:")


# ----------------------------------------------------------------- what to do

def rank(mutant, seed):
    """By chance, but the same one whatever becomes of other lines."""
    return hashlib.sha256(f"{seed} {mutant.name}".encode()).digest()


def sampled(chosen, seed, nr):
    return sorted(chosen, key=lambda mutant: rank(mutant, seed))[:nr]


def tried_before(chosen, samples):
    """-> the names of those that earlier samples, such as 7:260, had"""
    earlier = set()
    for sample in samples:
        seed, nr = map(int, sample.split(":"))
        earlier.update(m.name for m in sampled(chosen, seed, nr))
    return earlier


def choose(args, found):
    chosen = [m for m in found
              if (not args.kind or m.kind in args.kind) and
              (not args.file or m.file in args.file) and
              (not args.name or args.name in m.name)]
    earlier = tried_before(chosen, args.beside)
    chosen = [m for m in chosen if m.name not in earlier]
    if args.sample:
        chosen = sampled(chosen, args.seed, args.sample)
    return chosen


def read_results(path):
    results = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            result = json.loads(line)
            results[result["name"]] = result
    return results


def read_reviewed():
    """-> ({name: reason}, [fault]); names on lines without a reason between them share the next"""
    reviewed, faults, names, has_reason = {}, [], [], True
    for number, line in enumerate(REVIEWED.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0].isspace():
            has_reason = True
            reviewed.update({name: f"{reviewed[name]} {line.strip()}".strip() for name in names})
            continue
        names = [line.strip()] if has_reason else [*names, line.strip()]
        has_reason = False
        if names[-1] in reviewed:
            faults.append(f"{REVIEWED.name}:{number}: twice: {names[-1]}")
        reviewed[names[-1]] = ""
    faults += [f"{REVIEWED.name}: {name}: the reason begins with none of {', '.join(WAYS)}"
               for name, reason in reviewed.items() if not reason.startswith(WAYS)]
    return reviewed, faults


def check(found):
    reviewed, faults = read_reviewed()
    known = {mutant.name for mutant in found}
    return reviewed, faults + [f"{REVIEWED.name}: no such mutant: {name}"
                               for name in reviewed if name not in known]


# ------------------------------------------------------------------- running

class Run:
    """Takes the mutants one by one, each worker in a tree of its own."""

    def __init__(self, args, files):
        self.args, self.files = args, files
        self.reached, self.seconds = mutation_tree.read_map(MAP)
        self.lock = threading.Lock()
        self.trees, self.counts, self.done = {}, collections.Counter(), 0
        self.spare = collections.defaultdict(list)

    def variant(self, mutant):
        is_order = mutant.kind == "orders" and mutant.text != "(void)0"
        return self.args.variant or ("thread" if is_order else "plain")

    def tests_of(self, mutant):
        """Those of its room first: what they have of inline functions, the map does not know."""
        reached = self.reached.get(f"{mutant.file} {mutant.function}", [])
        left_out = re.search(r"without wq_([a-z]+)", mutant.name)
        rooms = [f"unit/test_{room}" for room in
                 (pathlib.Path(mutant.file).stem, left_out and left_out[1])]
        is_inline = mutant.file.endswith(".h")
        tests = [test for room in rooms for test in self.seconds if test == room or
                 test.startswith(f"{room}_") and (is_inline or test in reached)]
        # of those whose programs are meant to be aborted, the map knows nothing
        named = [test for test in self.seconds
                 if test.startswith(f"api/test_{pathlib.Path(mutant.file).stem}_")]
        return [*dict.fromkeys([*tests, *reached, *named])][:self.args.tests]

    def scenarios_for(self, mutant):
        nr = self.args.scenarios
        return mutation_explore.SCENARIOS.get(mutant.kind, 0) if nr is None else nr

    def prepare(self, chosen):
        wanted = collections.defaultdict(set)
        for mutant in chosen:
            wanted[self.variant(mutant)].update(self.tests_of(mutant))
        for variant, tests in wanted.items():
            base = mutation_tree.Base(self.args.build / variant, variant)
            base.build(sorted(tests))
            self.spare[variant] = [base.tree(i) for i in range(self.args.jobs)]

    def one(self, mutant):
        variant = self.variant(mutant)
        with self.lock:
            tree = self.spare[variant].pop()
        try:
            text = self.files[mutant.file].mutate(mutant)
            result, by, seconds = tree.judge(mutant.file, text, self.tests_of(mutant),
                                             self.seconds, self.scenarios_for(mutant))
        finally:
            with self.lock:
                self.spare[variant].append(tree)
        return {"name": mutant.name, "kind": mutant.kind, "result": result, "by": by,
                "seconds": round(seconds, 1), "variant": variant}

    def note(self, result, total):
        with self.lock:
            self.done += 1
            self.counts[result["result"]] += 1
            with self.args.results.open("a", encoding="utf-8") as out:
                out.write(json.dumps(result) + "\n")
            if self.args.verbose or result["result"] in UNNOTICED:
                print(f"[{self.done}/{total}] {result['result']} {result['by'] or ''}: "
                      f"{result['name']}", flush=True)

    def without_judged(self, todo):
        """-> those that neither the checker of weak memory nor a written reason judges

        Tests would have little to say of the latter: with memory orders they rarely fail.
        """
        orders = [mutant for mutant in todo if mutant.kind == "orders"]
        judged = mutation_litmus.Judge(self.files).all(orders) if orders else {}
        reviewed = read_reviewed()[0]
        for mutant in orders:
            if mutant.name in reviewed:
                judged.setdefault(mutant.name, ("explained", reviewed[mutant.name]))
            if mutant.name in judged:
                result, by = judged[mutant.name]
                self.note({"name": mutant.name, "kind": mutant.kind, "result": result, "by": by,
                           "seconds": 0, "variant": "litmus"}, len(orders))
        return [mutant for mutant in todo if mutant.name not in judged]

    def all(self, chosen):
        self.done = 0
        if chosen:
            self.prepare(chosen)
        with concurrent.futures.ThreadPoolExecutor(self.args.jobs) as pool:
            futures = [pool.submit(self.one, mutant) for mutant in chosen]
            try:
                for future in concurrent.futures.as_completed(futures):
                    self.note(future.result(), len(chosen))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def run(args, files, found):
    chosen = choose(args, found)
    known, reviewed = read_results(args.results), read_reviewed()[0]
    todo = [m for m in chosen if m.name not in known or args.again or
            args.survivors and known[m.name]["result"] in UNNOTICED and m.name not in reviewed]
    args.results.parent.mkdir(parents=True, exist_ok=True)
    this = Run(args, files)
    this.all(this.without_judged(todo))
    return report(args, found, {m.name for m in chosen})


# ---------------------------------------------------------------- reporting

def report(args, found, names=None):
    """-> number of faults"""
    reviewed, faults = check(found)
    results = read_results(args.results)
    counts = collections.defaultdict(collections.Counter)
    for mutant in found:
        result = results.get(mutant.name)
        if not result or (names is not None and mutant.name not in names):
            continue
        outcome = result["result"]
        if outcome in UNNOTICED and mutant.name in reviewed:
            outcome = "explained"
        elif outcome in UNNOTICED:
            faults.append(f"{outcome}: {mutant.name}")
        counts[mutant.kind][outcome] += 1
        counts["all"][outcome] += 1
    for kind in (*mutants.KINDS, "all"):
        if counts[kind]:
            print(f"{kind:10} {sum(counts[kind].values()):5} tried: " +
                  ", ".join(f"{nr} {what}" for what, nr in sorted(counts[kind].items())))
    print("\n".join(faults))
    print(f"mutation: {sum(counts['all'].values())} of {len(found)} mutants tried, "
          f"{counts['all']['killed']} killed, {counts['all']['explained']} explained, "
          f"{counts['all']['survived']} survived, {counts['all']['untested']} untested: "
          f"{len(faults) or 'no'} faults")
    return len(faults)


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=("run", "report", "check", "map", "list"))
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/mutation"))
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--beside", action="append", default=[], metavar="SEED:SIZE",
                        help="leave out those of that sample")
    parser.add_argument("--kind", action="append", choices=mutants.KINDS)
    parser.add_argument("--file", action="append", help="below lib/")
    parser.add_argument("--name", help="part of the mutant's name; for map, of the test's")
    parser.add_argument("--tests", type=int, default=12, help="at most so many for each mutant")
    parser.add_argument("--scenarios", type=int, help="to explore with each mutant, at most")
    parser.add_argument("--variant", choices=tuple(mutation_tree.PRESETS))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--again", action="store_true", help="also those with a result")
    parser.add_argument("--survivors", action="store_true",
                        help="also those that have survived without a written reason")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    args.build = args.build.resolve()
    args.results = (args.results or args.build / "results.jsonl").resolve()
    return args


def main():
    args = parse()
    files, found = mutants.read_all()
    if args.command == "run":
        sys.exit(1 if run(args, files, found) else 0)
    elif args.command == "report":
        sys.exit(1 if report(args, found) else 0)
    elif args.command == "map":
        mutation_tree.write_map(args.build, MAP, args.jobs, args.name or "")
    elif args.command == "list":
        print("\n".join(mutant.name for mutant in choose(args, found)))
    else:
        reviewed, faults = check(found)
        print("\n".join(faults + [f"mutation: {len(found)} mutants, {len(reviewed)} reviewed: "
                                  f"{len(faults) or 'no'} faults"]))
        sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
