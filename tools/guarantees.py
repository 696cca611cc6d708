#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""guarantees.py [--check]: which test cites which guarantee?

Rewrites the list at the end of docs/guarantees.md. A test cites by a comment in
front of its function that holds nothing but letters, such as "A5 A6"; a stress
program in the comment on top, such as "(A4)". With --check nothing is written:
fails if the list is out of date, a guarantee of A to I, Q6, R1, S or T has no test, or
a test cites one that does not exist.
"""
import pathlib
import re
import sys
import textwrap

TOP = pathlib.Path(__file__).resolve().parents[1]
DOCUMENT = TOP / "docs/guarantees.md"
FOLDERS = ("api", "unit", "stress", "regress")

LETTER = r"(?:[A-RTU]\d+|S)"
ROW = re.compile(rf"^\| ({LETTER}) \| (.*) \|$", re.MULTILINE)
CITED = re.compile(rf"/\* ({LETTER}(?:,? {LETTER})*) \*/\s*(?:static )?\w[\w *]*?(\w+)\(")
ON_TOP = re.compile(rf"\(({LETTER}(?:, {LETTER})*)\)")
GENERATED = re.compile(r"(?<=<!-- tests: begin -->\n).*(?=<!-- tests: end -->)", re.DOTALL)

# The scenarios come from elsewhere and cite nothing.
SCENARIOS = """
A1 q_return q_while_running
A2 q_race_producers
A3 q_in_handler q_requeue_self
A4 q_thousand ca_race sx_mixed
A8 dr_outside q_uninit
B2 sx_churn
B3 nr_hammer nr_reinit_running q_while_running
B4 nr_running_other_cpu nr_requeue_self_other_cpu
B6 nr_two_wq_same_cpu
B8 ord_fifo_one_cpu ord_percpu_ma1
B9 ord_ordered ord_4producers ord_requeue_tail ord_flush_middle
B10 ord_unbound_ma1
C1 ma_percpu ma_default ma_separate
C3 ma_unbound
C6 ma_change_up
D1 fl_wq_waits fl_wq_not_after fl_wq_requeue_self fl_rounds
D2 fl_wq_delayed
D8 fl_rounds
E1 fl_states fl_running_pending
E3 fl_delayed
E6 ma_inactive_cancel
F1 dr_outside
F2 dr_chain dr_two_drainers
F4 ds_pending ds_many
G1 ca_states ca_delayed_states ca_running_pending ma_inactive_cancel
G2 ca_states ca_delayed_states ca_running_pending
G3 ca_self_requeue ca_delayed_periodic
G5 ca_cross_wq
G6 ca_race
H1 di_basic di_depth di_pending di_running di_overflow
H2 di_basic di_depth di_enable_and_queue di_underflow
I1 dl_zero
I2 dl_basic dl_many dl_periodic dl_order
I3 dl_basic st_busy
I4 dl_mod
I5 cpu_delayed_on cpu_local
L1 cm_sleep_lets_next cm_spin_holds
L3 cm_intensive_flag
L6 cm_highpri_pool
L7 cm_unbound_spin cpu_parallel
J1 rcu_basic rcu_free
M1 bh_basic bh_requeue
M2 bh_delayed bh_inside bh_requeue
O1 cpu_each cpu_local cpu_on_each
"""


def guarantees(text):
    """-> {letter: is it of this version}"""
    return {match[1]: not match[2].endswith("*later*") for match in ROW.finditer(text)}


def citations(path):
    """-> (letter, test or None for the whole program)"""
    text = path.read_text(encoding="utf-8")
    for match in CITED.finditer(text):
        for letter in re.findall(LETTER, match[1]):
            yield letter, match[2]
    if path.parent.name == "stress":
        on_top = re.search(r"/\*\n.*?\*/", text, re.DOTALL)
        for match in ON_TOP.finditer(on_top[0] if on_top else ""):
            for letter in match[1].split(", "):
                yield letter, None


def read_tests():
    """-> {letter: {file: [test]}}"""
    found = {}
    for folder in FOLDERS:
        for path in sorted((TOP / "tests" / folder).glob("*.c*")):
            name = path.relative_to(TOP / "tests").as_posix()
            for letter, test in citations(path):
                tests = found.setdefault(letter, {}).setdefault(name, [])
                if test and test not in tests:
                    tests.append(test)
    return found


def read_scenarios():
    """-> {letter: [scenario]}"""
    rows = [line.split() for line in SCENARIOS.strip().splitlines()]
    return {row[0]: row[1:] for row in rows}


def entry(letter, files, scenarios):
    parts = []
    for name, tests in files.items():
        label = f"[{pathlib.Path(name).stem}](../tests/{name})"
        parts.append(label + (": " + ", ".join(f"`{test}`" for test in tests) if tests else ""))
    if scenarios:
        parts.append("kernel: " + ", ".join(scenarios))
    return textwrap.fill(f"**{letter}** " + "; ".join(parts or ["none"]), 100,
                         initial_indent="- ", subsequent_indent="  ",
                         break_long_words=False, break_on_hyphens=False)


def main():
    text = DOCUMENT.read_text(encoding="utf-8")
    promised, tests, scenarios = guarantees(text), read_tests(), read_scenarios()
    now = [letter for letter, is_now in promised.items() if is_now or letter in tests]
    lines = [entry(letter, tests.get(letter, {}), scenarios.get(letter)) for letter in now]
    untested = [letter for letter in now if letter not in tests and not scenarios.get(letter)]
    faults = [f"{letter} has no test" for letter in untested]
    faults += [f"{name} cites {letter}, which does not exist"
               for letter in sorted(tests.keys() - promised.keys()) for name in tests[letter]]
    renewed = GENERATED.sub(lambda _: "\n".join(lines) + "\n", text)
    if "--check" not in sys.argv:
        DOCUMENT.write_text(renewed, encoding="utf-8")
    elif renewed != text:
        faults.append(f"{DOCUMENT.relative_to(TOP)} is out of date: run tools/guarantees.py")
    for fault in faults:
        print(fault)
    print(f"guarantees: {len(now)} of this version: " + (f"{len(faults)} faults" if faults
                                                         else "no faults"))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
