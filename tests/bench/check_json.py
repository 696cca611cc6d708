#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads the JSON lines of workq-bench from standard input; fails if they are not as documented."""
import json
import sys

TOP = {"workload", "system", "unit", "median", "min", "max", "runs", "config", "extra"}
CONFIG = {"command", "version", "flags", "items", "producers", "producer_cpu", "target_cpu",
          "max_active", "allowed_cpus", "quick", "pending", "machine", "date"}
USAGE = {"wall_ns_per_item", "cpu_ns_per_item", "voluntary_switches_per_item",
         "involuntary_switches_per_item"}
SYSCALLS = {"system_calls_per_item"}
LATENCY = {"p50", "p90", "p99", "p99_9", "worst", "cdf"}
LATENESS = LATENCY | {"number", "early"}
SINGLE_TIMES = {"flush": LATENCY, "wake": LATENCY, "lateness": LATENESS, "scope": LATENCY,
                "replace": LATENCY, "mix": LATENCY}
SOME_SINGLE_TIMES = {"spawn", "cancel"}
SYSTEMS = {"timer": {"libworkq", "libuv", "wheel", "libc"}, "lateness": {"libworkq", "timerfd"},
           "spawn": {"libworkq", "libc"}, "scale": {"libworkq", "memory", "wheel"}}
COMPARED_LATENCIES = {"round-trip", "idle-wake"}
COMPARED = {"spray-1", "spray-2", "chain", "memory", "embedded"} | COMPARED_LATENCIES
# Who there has nothing pending.
PENDING = {"timer": {"libc"}, "lateness": {"timerfd"}}


def has_pending(result):
    command = result["config"]["command"]
    if command == "scale":
        return result["workload"].startswith("timer-")
    return command in PENDING and result["system"] not in PENDING[command]


def check_cdf(extra):
    cdf = extra["cdf"]
    assert cdf == sorted(cdf) and [point[0] for point in cdf[:100]] == list(range(100))
    assert [50, extra["p50"]] in cdf and [99, extra["p99"]] in cdf
    assert cdf[-1] == [100, extra["worst"]]
    assert all(left[1] <= right[1] for left, right in zip(cdf, cdf[1:]))


def check_compared(result):
    """A line of compare; gives the keys that it adds to extra."""
    assert result["workload"] in COMPARED, result["workload"]
    assert result["config"]["system_version"]
    has_ratio = result["unit"] != "bytes"
    if has_ratio:
        ratio = result["extra"]["ratio"]
        assert 0 < ratio["min"] <= ratio["median"] <= ratio["max"]
    if has_ratio and result["system"] == "libworkq":
        assert ratio == {"min": 1, "median": 1, "max": 1}
    return {"ratio"} if has_ratio else set()


def check(result):
    assert set(result) == TOP, set(result) ^ TOP
    command = result["config"]["command"]
    is_compared = command == "compare"
    config = CONFIG | {"system_version"} if is_compared else CONFIG
    assert set(result["config"]) == config, set(result["config"]) ^ config
    assert is_compared or result["system"] in SYSTEMS.get(command, {"libworkq"})
    assert (result["config"]["pending"] > 0) == has_pending(result)
    assert result["config"]["quick"] is True
    assert result["runs"] == 2
    assert 0 <= result["min"] <= result["median"] <= result["max"]
    assert result["min"] > 0 or result["unit"] == "bytes" or command == "memory"

    extra = result["extra"]
    single_times = SINGLE_TIMES.get(command, set())
    if command in SOME_SINGLE_TIMES and result["unit"] == "us":
        single_times = LATENCY
    if is_compared and result["workload"] in COMPARED_LATENCIES:
        single_times = LATENCY
    wanted = USAGE | SYSCALLS | single_times
    if is_compared:
        wanted = wanted | check_compared(result)
    assert set(extra) == wanted, set(extra) ^ wanted
    assert extra["wall_ns_per_item"] > 0
    assert all(extra[name] >= 0 for name in USAGE)
    assert extra["system_calls_per_item"] is None or extra["system_calls_per_item"] >= 0
    if single_times:
        assert 0 < extra["p50"] <= extra["p90"] <= extra["p99"] <= extra["p99_9"]
        assert extra["p99_9"] <= extra["worst"]
        check_cdf(extra)
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
