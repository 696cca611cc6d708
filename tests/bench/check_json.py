#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads the JSON lines of workq-bench from standard input; fails if they are not as documented."""
import json
import sys

TOP = {"workload", "system", "unit", "median", "min", "max", "runs", "config", "extra"}
CONFIG = {"command", "version", "flags", "items", "producers", "producer_cpu", "target_cpu",
          "max_active", "allowed_cpus", "quick", "pending"}
USAGE = {"wall_ns_per_item", "cpu_ns_per_item", "voluntary_switches_per_item",
         "involuntary_switches_per_item"}
LATENCY = {"p50", "p90", "p99", "p99_9", "worst"}
LATENESS = LATENCY | {"number", "early"}
SINGLE_TIMES = {"flush": LATENCY, "wake": LATENCY, "lateness": LATENESS, "scope": LATENCY}
SYSTEMS = {"timer": {"libworkq", "libuv", "wheel", "libc"}, "lateness": {"libworkq", "timerfd"}}


def check(result):
    assert set(result) == TOP, set(result) ^ TOP
    assert set(result["config"]) == CONFIG, set(result["config"]) ^ CONFIG
    command = result["config"]["command"]
    assert result["system"] in SYSTEMS.get(command, {"libworkq"})
    assert (result["config"]["pending"] > 0) == (
        command in SYSTEMS and result["system"] not in ("libc", "timerfd"))
    assert result["config"]["quick"] is True
    assert result["runs"] == 2
    assert 0 < result["min"] <= result["median"] <= result["max"]

    extra = result["extra"]
    wanted = USAGE | SINGLE_TIMES.get(command, set())
    assert set(extra) == wanted, set(extra) ^ wanted
    assert extra["wall_ns_per_item"] > 0
    assert all(extra[name] >= 0 for name in USAGE)
    if wanted != USAGE:
        assert 0 < extra["p50"] <= extra["p90"] <= extra["p99"] <= extra["p99_9"]
        assert extra["p99_9"] <= extra["worst"]
    if command == "lateness":
        assert extra["number"] == 2 * result["config"]["items"]
        assert extra["early"] == 0  # I2


def main():
    results = [json.loads(line) for line in sys.stdin]
    assert results, "no output"
    for result in results:
        check(result)
    names = [(result["workload"], result["system"], result["config"]["items"],
              result["config"]["pending"]) for result in results]
    assert len(set(names)) == len(names), f"two results of one name: {names}"


main()
