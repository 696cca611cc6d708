# SPDX-License-Identifier: MIT
"""Exploration as a judge of mutants: the library's code on a machine whose every step is chosen.

A wake-up that is lost is found there as nobody who can go on, a lock that is missing as a broken
law, within a second, where other tests wait for a deadline or for chance. See tests/explore.
"""
import hashlib
import re


TARGET = "tests/explore/explore"
OBJECTS = "tests/CMakeFiles/explore.dir/"
# Schedules of a scenario, and how long one may take before it is taken for an endless loop.
MAX_RUNS, LIMIT_S = 2000, 20
# How many scenarios a mutant meets: a matter of some seconds. Where order is everything, more.
SCENARIOS = {"locks": 60, "wakes": 60, "calls": 20, "branches": 20, "constants": 20}
# What is not met there, although it is built in: no scenario comes by.
NOT_MET = re.compile(
    r"watch/.*|base/(cpuset|options|quota|report|ring|settings|symbol|told|topo)\..|"
    r"core/(affinity|callback|custody|hog|rescuer|remake|stray|switches|turn)\..|"
    r"ops/(attrs|freeze|kthread|kworker|kworker_life|no_rcu|oncpu|rcu|sched|show|shutdown|sysfs|"
    r"task|waiter)\..")


def is_met(file):
    return not NOT_MET.fullmatch(file)


def commands(lines, build):
    """What builds it -> ({object: as in compile_commands.json}, how it is linked)"""
    objects, link = {}, None
    for line in lines:
        output = re.search(rf" -o ({OBJECTS}\S+)", line)
        if output:
            objects[output[1]] = {"command": line, "directory": str(build),
                                  "file": line.split()[-1]}
        elif f" -o {TARGET} " in line:
            link = line
    return objects, link


def scenarios(listed):
    """All of them, in an order by chance that is always the same: neighbours are much alike."""
    return sorted(listed.split("\n"), key=lambda s: hashlib.sha256(s.encode()).digest())


class Explorer:
    """What there is to explore, and whether a program fails to."""

    def __init__(self, base, run_test, listed):
        self.program, self.run_test = base.build_dir / TARGET, run_test
        self.all = [line for line in scenarios(listed) if line]
        self.sound = {}

    def run(self, program, scenario):
        command = [program, "--bound=1", "--tso", f"--max-runs={MAX_RUNS}", *scenario.split()]
        return self.run_test(list(map(str, command)), {}, LIMIT_S)

    def is_sound(self, scenario, how):
        """Nothing there depends on time, but for how long it takes."""
        if scenario not in self.sound or how == "timeout":
            self.sound[scenario] = not self.run(self.program, scenario)
        return self.sound[scenario]

    def judge(self, program, nr):
        """-> the first scenario that fails and how, or None"""
        for scenario in self.all[:nr]:
            how = self.run(program, scenario)
            if how and self.is_sound(scenario, how):
                return f"explore {scenario}: {how}"
        return None


def affected(depends, file):
    """-> the objects of it that are compiled anew"""
    return [output for output in depends if output.startswith(OBJECTS) and file in depends[output]]


def object_name(output):
    return "explore-" + output[len(OBJECTS):].replace("/", "-").replace("..", "")


