#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make.py [--record [SYSFS]]: the machines beside this file, or the one it runs on.

Each machine is a text file. A line is a path below devices/system, a tab, and
what that file holds; {0-3,8} in a path stands for each of these numbers. Without
argument it writes the machines made up here, after the numbering and the caches
of real ones; --record prints the tree of this machine in the same form, as vm.txt
was made.
"""
import argparse
import pathlib
import re

HERE = pathlib.Path(__file__).parent
COMMENT = "# SPDX-License-Identifier: MIT\n# "
RECORDED = ["cpu/online", "cpu/cpu[0-9]*/topology/core_cpus_list",
            "cpu/cpu[0-9]*/topology/thread_siblings_list",
            "cpu/cpu[0-9]*/topology/package_cpus_list",
            "cpu/cpu[0-9]*/topology/core_siblings_list",
            "cpu/cpu[0-9]*/cache/index[0-9]*/level", "cpu/cpu[0-9]*/cache/index[0-9]*/type",
            "cpu/cpu[0-9]*/cache/index[0-9]*/shared_cpu_list",
            "node/online", "node/node[0-9]*/cpulist"]


def cpulist(ids):
    """-> "0-3,8" of numbers"""
    ranges = []
    for i in sorted(ids):
        if ranges and ranges[-1][1] == i - 1:
            ranges[-1][1] = i
        else:
            ranges.append([i, i])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)


def folded(tree):
    """Paths that differ in one number and hold the same become one line. {path: content}"""
    for directory in ("index", "cpu", "node"):
        groups = {}
        for path, content in tree.items():
            number = re.search(rf"/{directory}(\d+)/", path)
            key = (re.sub(rf"/{directory}\d+/", f"/{directory}@/", path), content)
            groups.setdefault(key, []).append(int(number[1]) if number else 0)
        tree = {}
        for (path, content), ids in groups.items():
            braces = cpulist(ids) if len(ids) == 1 else "{" + cpulist(ids) + "}"
            tree[path.replace("@", braces)] = content
    return tree


def text_of(comment, tree):
    lines = [f"{path}\t{content}".rstrip() for path, content in folded(tree).items()]
    return COMMENT + comment + "\n" + "\n".join(lines) + "\n"


def record(sysfs):
    top = pathlib.Path(sysfs) / "devices/system"
    return {path.relative_to(top).as_posix(): path.read_text().rstrip("\n")
            for pattern in RECORDED for path in sorted(top.glob(pattern))}


class Machine:
    """Sets of CPUs become files."""

    def __init__(self):
        self.tree = {}

    def share(self, name, groups):
        for group in groups:
            for cpu in group:
                self.tree[f"cpu/cpu{cpu}/{name}"] = cpulist(group)

    def topology(self, cores, packages):
        self.tree["cpu/online"] = cpulist(cpu for core in cores for cpu in core)
        self.share("topology/core_cpus_list", cores)
        self.share("topology/package_cpus_list", packages)

    def cache(self, index, level, kind, groups):
        for group in groups:
            for cpu in group:
                self.tree[f"cpu/cpu{cpu}/cache/index{index}/level"] = str(level)
                self.tree[f"cpu/cpu{cpu}/cache/index{index}/type"] = kind
        self.share(f"cache/index{index}/shared_cpu_list", groups)

    def caches(self, cores, l2, l3):
        self.cache(0, 1, "Data", cores)
        self.cache(1, 1, "Instruction", cores)
        self.cache(2, 2, "Unified", l2)
        self.cache(3, 3, "Unified", l3)

    def nodes(self, nodes):
        self.tree["node/online"] = cpulist(nodes)
        for node, cpus in nodes.items():
            self.tree[f"node/node{node}/cpulist"] = cpulist(cpus)

    def regular(self, cores, caches, packages):
        """One node per package, second-level caches per core."""
        self.topology(cores, packages)
        self.caches(cores, cores, caches)
        self.nodes(dict(enumerate(packages)))


def cut(cores, size):
    """Groups of so many cores, as sets of CPUs."""
    return [sum(cores[i:i + size], []) for i in range(0, len(cores), size)]


def laptop(machine):
    cores = [[i, i + 4] for i in range(4)]
    machine.regular(cores, cut(cores, 4), cut(cores, 4))


def two_socket(machine):
    cores = [[i, i + 32] for i in range(32)]
    machine.regular(cores, cut(cores, 16), cut(cores, 16))


def multi_llc(machine):
    cores = [[i] for i in range(128)]
    machine.regular(cores, cut(cores, 8), cut(cores, 64))


def hybrid(machine):
    fast = [[i, i + 1] for i in range(0, 16, 2)]
    slow = [[i] for i in range(16, 24)]
    everybody = cut(fast + slow, 16)
    machine.topology(fast + slow, everybody)
    machine.caches(fast + slow, fast + cut(slow, 4), everybody)
    machine.nodes({0: everybody[0]})


def single(machine):
    machine.regular([[0]], [[0]], [[0]])


def arm_server(machine):
    cores = [[i] for i in range(72)]
    machine.regular(cores, cut(cores, 72), cut(cores, 72))


def sparse(machine):
    # four threads each, of which two are online; caches are shared by two cores
    cores = [[i, i + 1] for top in (0, 80) for i in range(top, top + 16, 4)]
    sockets = cut(cores, 4)
    machine.topology(cores, sockets)
    machine.caches(cores, cut(cores, 2), cut(cores, 2))
    machine.nodes({0: sockets[0], 8: sockets[1], 252: [], 253: []})


MACHINES = {
    laptop: "a laptop: 4 cores of 2 threads",
    two_socket: "two sockets of 16 cores of 2 threads, as Xeons number them",
    multi_llc: "two EPYCs of 64 cores, second threads switched off, 8 cores to a cache",
    hybrid: "8 cores of 2 threads, 8 of one in clusters of 4 that share their second level",
    single: "a virtual machine with one CPU",
    arm_server: "72 cores that share a cache, as of a Grace",
    sparse: "POWER9 with half the threads offline, and nodes of memory only",
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", nargs="?", const="/sys", metavar="SYSFS")
    sysfs = parser.parse_args().record
    if sysfs:
        print(text_of("recorded", record(sysfs)), end="")
        return
    for make, comment in MACHINES.items():
        machine = Machine()
        make(machine)
        (HERE / f"{make.__name__}.txt").write_text(text_of(comment, machine.tree))


if __name__ == "__main__":
    main()
