#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench-tables.py RESULTS DOCUMENT - the figures of a run of workq-bench, into a document's tables.

Between the lines <!-- table NAME --> and <!-- end --> of DOCUMENT goes the table NAME of TABLES
below, made of the JSON lines in RESULTS. Everything else stays as it is.
"""

import json
import re
import sys

MARKED = re.compile(r"(<!-- table (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value):
    """Three digits of it, those before the point in groups."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"


def count(value):
    """10⁵ rather than 100000."""
    power = len(str(value)) - 1
    if power >= 3 and value == 10**power:
        return "10" + str(power).translate(SUPERSCRIPT)
    return f"{value:,}".replace(",", " ")


def spread(result):
    return f"{number(result['min'])} .. {number(result['max'])}"


def switches(result):
    extra = result["extra"]
    return extra["voluntary_switches_per_item"] + extra["involuntary_switches_per_item"]


def calls(result):
    value = result["extra"].get("system_calls_per_item")
    return "-" if value is None else number(value)


def table(head, rows):
    lines = [head, ["---"] + ["--:"] * (len(head) - 1)] + rows
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def plain(results):
    """A row for each result; single times if there are any."""
    times = ["p50", "p90", "p99", "worst"] if any("p50" in r["extra"] for r in results) else []
    head = ["workload", "items", "unit", "median", "min .. max"] + times
    head += ["CPU ns", "switches", "system calls"]
    is_mixed = len({r["system"] for r in results}) > 1
    rows = []
    for r in results:
        name = r["workload"] + (f", {r['system']}" if is_mixed else "")
        if r["config"].get("pending"):
            name += f", {count(r['config']['pending'])} pending"
        row = [name, count(r["config"]["items"]), r["unit"], number(r["median"]), spread(r)]
        row += [number(r["extra"][t]) if t in r["extra"] else "" for t in times]
        row += [number(r["extra"]["cpu_ns_per_item"]), number(switches(r)), calls(r)]
        rows.append(row)
    return table(head, rows)


def late(results):
    """Single times by how many are pending."""
    times = ["p50", "p90", "p99", "p99_9", "worst"]
    head = ["workload", "pending", "of"] + [t.replace("_", ".") for t in times]
    return table(head, [[r["workload"], count(r["config"]["pending"]), r["system"]] +
                        [number(r["extra"][t]) for t in times] for r in results])


def crosswise(results, row_of, cell):
    """Rows by row_of, a column for each system; both in the order they come."""
    systems = list(dict.fromkeys(r["system"] for r in results))
    rows = {}
    for r in results:
        rows.setdefault(row_of(r), {})[r["system"]] = cell(r)
    return table([""] + systems, [[name] + [cells.get(s, "") for s in systems]
                                  for name, cells in rows.items()])


def timers(results):
    return crosswise(results, lambda r: f"{r['workload']}, {count(r['config']['pending'])} pending"
                     if r["config"]["pending"] else f"{r['workload']}, {count(r['config']['items'])}",
                     lambda r: f"{number(r['median'])} ({spread(r)})")


def peers(results):
    """A row for each library, a column for each workload."""
    workloads = list(dict.fromkeys(r["workload"] for r in results))
    units = {r["workload"]: r["unit"] for r in results}
    rows = {}
    for r in results:
        cell = number(r["median"])
        ratio = r["extra"].get("ratio")
        if ratio and r["system"] != "libworkq":
            cell += f" ({number(ratio['median'])}x)"
        rows.setdefault(r["system"], {})[r["workload"]] = cell
    return table([""] + [f"{w}, {units[w]}" for w in workloads],
                 [[name] + [cells.get(w, "-") for w in workloads] for name, cells in rows.items()])


def peers_times(results):
    return plain([r for r in results if "p50" in r["extra"]])


# Name of the table: what makes it, and of which results.
TABLES = {
    "queue": (plain, {"command": "queue", "flags": "percpu"}),
    "queue-unbound": (plain, {"command": "queue", "flags": "unbound"}),
    "queue-ordered": (plain, {"command": "queue", "flags": "ordered"}),
    "chain": (plain, {"command": "chain", "flags": "percpu"}),
    "chain-unbound": (plain, {"command": "chain", "flags": "unbound"}),
    "chain-ordered": (plain, {"command": "chain", "flags": "ordered"}),
    "spawn": (plain, {"command": "spawn"}),
    "flush": (plain, {"command": "flush"}),
    "wake": (plain, {"command": "wake"}),
    "cancel": (plain, {"command": "cancel"}),
    "mix": (plain, {"command": "mix"}),
    "scope": (plain, {"command": "scope"}),
    "replace": (plain, {"command": "replace"}),
    "timer": (timers, {"command": "timer"}),
    "lateness": (late, {"command": "lateness"}),
    "compare": (peers, {"command": "compare"}),
    "compare-times": (peers_times, {"command": "compare"}),
    "scale": (plain, {"command": "scale"}),
    "memory": (plain, {"command": "memory"}),
}


def make(name, results):
    if name not in TABLES:
        sys.exit(f"bench-tables: there is no table {name}")
    form, wanted = TABLES[name]
    chosen = [r for r in results if all(r["config"].get(k) == v for k, v in wanted.items())]
    if not chosen:
        sys.exit(f"bench-tables: no results for the table {name}")
    return form(chosen)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as f:
        results = [json.loads(line) for line in f if line.strip()]
    with open(sys.argv[2], encoding="utf-8") as f:
        text = f.read()
    text = MARKED.sub(lambda m: f"{m[1]}\n{make(m[2], results)}\n{m[3]}", text)
    with open(sys.argv[2], "w", encoding="utf-8") as f:
        f.write(text)


if __name__ == "__main__":
    main()
