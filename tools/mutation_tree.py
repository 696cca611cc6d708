# SPDX-License-Identifier: MIT
"""Builds of the library with one mutant in it, and tests that are linked with that.

A base is an ordinary build with everything linked statically. A tree beside it has an archive of the
library of its own: for a mutant the objects that contain it are compiled and replaced there, and the
tests linked with that. So trees do not disturb each other, and a mutant costs a second.
"""
import atexit
import collections
import concurrent.futures
import contextlib
import fcntl
import json
import os
import pathlib
import re
import shlex
import selectors
import shutil
import signal
import subprocess
import tempfile
import time

import mutation_explore
from mutants import LIB

ROOT = LIB.parent
OPTIONS = ["-DBUILD_SHARED_LIBS=OFF", "-DWORKQ_BUILD_BENCH=OFF", "-DWORKQ_BUILD_EXAMPLES=OFF",
           "-DWORKQ_INSTALL=OFF", "-DCMAKE_C_FLAGS_RELWITHDEBINFO=-O1"]
# address: leaks, and whatever else AddressSanitizer and UndefinedBehaviorSanitizer see.
PRESETS = {"plain": "dev", "thread": "tsan", "address": "asan"}
OPTIONS_OF = {"address": ["-DWORKQ_SANITIZE=address,undefined"]}
# How much longer a test may take than it takes alone, and at least.
PATIENCE = {"plain": 3, "thread": 12, "address": 6}
LEAST_SECONDS = {"plain": 12, "thread": 60, "address": 30}
# For the comparison of machine code: much that differs in the source alone is the same then.
SAME_CODE = ["-g0", "-O2"]
# How long a test that has passed once is believed to pass: the machine may get busy.
SOUND_S = 600
FAILED = re.compile(rb"(?:\[  FAILED  \]|still not:) ([^\n]+)")
# No look at the CPUs from time to time, which would make up for a wake-up that is lost.
ENVIRONMENT = {"WORKQ_TEST_DEADLINE_S": "3", "WORKQ_STRESS_SCALE": "0.05",
               "WORKQ_CPU_WATCH_MS": "0"}
OBJECTS = "lib/CMakeFiles/workq_objects.dir/"

# Orders that atomic.h has no name for, since the library does not need them.
WEAKER = """
#define wq_xchg_relaxed(p, v) __atomic_exchange_n((p), (v), __ATOMIC_RELAXED)
#define wq_xchg_release(p, v) __atomic_exchange_n((p), (v), __ATOMIC_RELEASE)
#define wq_cas_relaxed(p, old, new) \\
	__atomic_compare_exchange_n((p), (old), (new), 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
#define wq_cas_release(p, old, new) \\
	__atomic_compare_exchange_n((p), (old), (new), 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED)
#define wq_cas_acq_rel_or_relaxed(p, old, new) \\
	__atomic_compare_exchange_n((p), (old), (new), 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)
#define wq_cas_weak_acq_rel(p, old, new) \\
	__atomic_compare_exchange_n((p), (old), (new), 1, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)
#define wq_fetch_or_acquire(p, v) __atomic_fetch_or((p), (v), __ATOMIC_ACQUIRE)
#define wq_fetch_or_release(p, v) __atomic_fetch_or((p), (v), __ATOMIC_RELEASE)
#define wq_fetch_and_acquire(p, v) __atomic_fetch_and((p), (v), __ATOMIC_ACQUIRE)
#define wq_fetch_and_release(p, v) __atomic_fetch_and((p), (v), __ATOMIC_RELEASE)
#define wq_fetch_add_acq_rel(p, v) __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)
#define wq_fetch_sub_acq_rel(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_ACQ_REL)
"""


@contextlib.contextmanager
def alone_in(build):
    """Several of us may use a base at once, but only one ninja may build it."""
    build.mkdir(parents=True, exist_ok=True)
    with (build / "mutation.lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run_quietly(command, **how):
    """-> (status, what it printed)"""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False, **how)
    return done.returncode, done.stdout


def must(command, **how):
    status, out = run_quietly(command, **how)
    if status:
        raise SystemExit(f"{shlex.join(map(str, command))}: {status}\n{out}")
    return out


def prefix():
    """ThreadSanitizer of these compilers dies where addresses are randomised by many bits."""
    try:
        bits = int(pathlib.Path("/proc/sys/vm/mmap_rnd_bits").read_text(encoding="ascii"))
    except OSError:
        bits = 28
    return ["setarch", "-R"] if bits > 28 else []


def first_failure(process, end):
    """Reads what is printed -> which test has failed or what it has waited for, None if it ends"""
    out, seen = process.stdout, b""
    with selectors.DefaultSelector() as selector:
        selector.register(out, selectors.EVENT_READ)
        while selector.select(max(0, end - time.monotonic())):
            read = os.read(out.fileno(), 65536)
            seen = (seen + read)[-65536 - 200:]
            failed = FAILED.search(seen)
            if failed or not read:
                return failed[1].decode(errors="replace") if failed else None
    return None


def run_test(command, env, seconds):
    """-> how it ended, '' if well; whatever it has started is ended, too

    It is not waited for once a part of it has failed: the others may all hang.
    """
    end = time.monotonic() + seconds
    with subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          start_new_session=True) as process:
        try:
            failed = first_failure(process, end)
            if failed:
                return failed
            status = process.wait(timeout=max(0, end - time.monotonic()))
            return f"status {status}" if status else ""
        except subprocess.TimeoutExpired:
            return "timeout"
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def tests_in(build):
    """-> {test: (command, {variable: value})}, as CTest knows them"""
    out = must(["ctest", "--test-dir", str(build), "--show-only=json-v1"])
    tests = {}
    for test in json.loads(out)["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", ())}
        env = dict(v.split("=", 1) for v in properties.get("ENVIRONMENT", ()))
        if "command" in test:
            tests[test["name"]] = test["command"], env
    return tests


class Base:
    """A build of everything as it is."""

    def __init__(self, build, variant):
        self.build_dir, self.variant = build, variant
        with alone_in(build):
            must(["cmake", "--preset", PRESETS[variant], "-B", str(build), *OPTIONS,
                  *OPTIONS_OF.get(variant, ())], cwd=ROOT)
        self.commands = {}
        for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
            self.commands[entry["output"] if "output" in entry else
                          re.search(r" -o (\S+)", entry["command"])[1]] = entry
        self.tests = {}
        self.sound = {}
        self.explorer = None
        self.weaker = build / "weaker.h"
        self.weaker.write_text(WEAKER, encoding="utf-8")

    def program(self, test):
        """Relative to the build, as ninja knows it."""
        return str(pathlib.Path(self.tests[test][0][0]).relative_to(self.build_dir))

    def build(self, tests):
        with alone_in(self.build_dir):
            self.build_alone(tests)

    def build_alone(self, tests):
        known = {line.split(":")[0] for line in
                 must(["ninja", "-C", str(self.build_dir), "-t", "targets", "all"]).splitlines()}
        targets = {test.replace("/", "_") for test in tests} & known
        must(["ninja", "-C", str(self.build_dir), "lib/libworkq.a", *sorted(targets)])
        # CTest says the commands of what is built only
        self.tests = tests_in(self.build_dir)
        tests = [test for test in tests if test in self.tests]
        self.links = self.read_links(tests)
        self.read_explorer()
        self.depends = self.read_depends()

    def read_explorer(self):
        """There is none for ThreadSanitizer, and none but for x86-64."""
        target = mutation_explore.TARGET
        if run_quietly(["ninja", "-C", str(self.build_dir), target])[0]:
            return
        listed = run_quietly([str(self.build_dir / target), "--list"])[1]
        lines = must(["ninja", "-C", str(self.build_dir), "-t", "commands", target]).splitlines()
        objects, self.links[target] = mutation_explore.commands(lines, self.build_dir)
        self.commands.update(objects)
        self.explorer = mutation_explore.Explorer(self, run_test, listed)

    def read_links(self, tests):
        """-> {test: the command that links it}"""
        out = must(["ninja", "-C", str(self.build_dir), "-t", "commands",
                    *map(self.program, tests)]).splitlines()
        return {test: next(line for line in out if f"-o {self.program(test)} " in line)
                for test in tests}

    def read_depends(self):
        """-> {object: the files below lib/ that are in it}"""
        depends, of = {}, None
        for line in must(["ninja", "-C", str(self.build_dir), "-t", "deps"]).splitlines():
            if line[:1].strip():
                of = depends.setdefault(line.split(":")[0], set())
            elif line.strip().startswith(str(LIB) + "/"):
                of.add(str(pathlib.Path(line.strip()).relative_to(LIB)))
            elif "/lib/" in line:
                path = (self.build_dir / line.strip()).resolve()
                if LIB in path.parents:
                    of.add(str(path.relative_to(LIB)))
        return depends

    def run(self, test, program, seconds):
        """-> how the test ended, '' if well"""
        command, env = self.tests[test]
        limit = max(LEAST_SECONDS[self.variant], seconds.get(test, 1) * PATIENCE[self.variant])
        return run_test([*prefix(), program, *command[1:]], {**ENVIRONMENT, **env}, limit)

    def is_sound(self, test, seconds):
        """Does it pass without a mutant? Else it says nothing of one."""
        is_known, at = self.sound.get(test, (False, -SOUND_S))
        if time.monotonic() - at > SOUND_S:
            is_known = not self.run(test, self.tests[test][0][0], seconds)
            self.sound[test] = is_known, time.monotonic()
        return is_known

    def tree(self, number):
        """Of this process only: several may be at work."""
        tree = Tree(self, self.build_dir / f"tree{number}-{os.getpid()}")
        atexit.register(shutil.rmtree, tree.top, ignore_errors=True)
        return tree


class Tree:
    """What differs from the base while a mutant is in it."""

    def __init__(self, base, top):
        self.base, self.top = base, top
        shutil.rmtree(top, ignore_errors=True)
        (top / "objects").mkdir(parents=True)
        self.archive = top / "libworkq.a"
        self.objects = {o: o[len(OBJECTS):].replace("/", "-") for o in base.commands
                        if o.startswith(OBJECTS)}
        for path, name in self.objects.items():
            shutil.copy(base.build_dir / path, top / "objects" / name)
        self.put_in_archive(self.objects.values())

    def put_in_archive(self, names):
        must(["ar", "rcs", str(self.archive), *names], cwd=self.top / "objects")

    def compile(self, output, file, source, to, flags=()):
        """The object as the base has it, but with the text of file in source."""
        entry = self.base.commands[output]
        command = shlex.split(entry["command"])
        command[command.index("-o") + 1] = str(to)
        if (LIB / file).samefile(entry["file"]):
            command[-1] = str(source)
        for flag in ("-MD", ):
            if flag in command:
                command.remove(flag)
        for flag in ("-MT", "-MF"):
            if flag in command:
                at = command.index(flag)
                del command[at:at + 2]
        command[1:1] = ["-I", str(self.top / "overlay"), "-include", str(self.base.weaker), "-w"]
        command += flags
        return run_quietly(command, cwd=entry["directory"])[0] == 0

    def affected(self, file):
        return [o for o in self.base.depends if file in self.base.depends[o] and
                not o.startswith(mutation_explore.OBJECTS)]

    def write(self, file, text):
        overlay = self.top / "overlay"
        shutil.rmtree(overlay, ignore_errors=True)
        source = overlay / file
        source.parent.mkdir(parents=True)
        source.write_text(text, encoding="utf-8")
        return source

    def build(self, file, source, tests):
        """-> {test: its own object, compiled anew}, or None"""
        own, changed = {}, []
        for output in self.affected(file):
            if output in self.objects:
                changed.append(output)
                to = self.top / "objects" / self.objects[output]
            else:
                test = next((t for t in tests if f"/{t.replace('/', '_')}.dir/" in output), None)
                if not test:
                    continue
                own[test] = output, self.top / f"{test.replace('/', '_')}.o"
                to = own[test][1]
            if not self.compile(output, file, source, to):
                return None, changed
        self.put_in_archive([self.objects[o] for o in changed])
        return own, changed

    def code_of(self, output, file, source):
        """-> the object without what is for debuggers"""
        to = self.top / "code.o"
        to.unlink(missing_ok=True)
        self.compile(output, file, source, to, SAME_CODE)
        return to.read_bytes() if to.exists() else None

    def is_same_code(self, file, text):
        """Does the compiler see no difference, or not see the line at all?"""
        objects = [o for o in self.affected(file) if o in self.objects]
        original = (LIB / file).read_text(encoding="utf-8")
        for output in objects:
            before = self.code_of(output, file, self.write(file, original))
            if before is None or before != self.code_of(output, file, self.write(file, text)):
                return False
        return True

    def restore(self, changed):
        for output in changed:
            name = self.objects[output]
            shutil.copy(self.base.build_dir / output, self.top / "objects" / name)
        if changed:
            self.put_in_archive([self.objects[o] for o in changed])

    def link(self, test, own):
        # by its own name, which some tests look for in reports
        program = self.top / "tests" / test
        program.parent.mkdir(parents=True, exist_ok=True)
        command = self.base.links[test].replace("lib/libworkq.a", str(self.archive))
        command = command.replace(f"-o {self.base.program(test)} ", f"-o {program} ")
        return self.link_by(command, program, [own[test]] if test in own else [])

    def link_by(self, command, program, replaced):
        for old, new in replaced:
            command = command.replace(f" {old} ", f" {new} ")
        status, out = run_quietly(command, shell=True, cwd=self.base.build_dir)
        if status:
            raise SystemExit(f"{command}: {status}\n{out}")
        return program

    def explore(self, file, source, nr):
        """-> which scenario has noticed, and how; None if none has; "" if it cannot be compiled"""
        replaced = []
        for output in mutation_explore.affected(self.base.depends, file):
            to = self.top / mutation_explore.object_name(output)
            if not self.compile(output, file, source, to):
                return ""
            replaced.append((output, to))
        if not replaced:
            return None
        target, program = mutation_explore.TARGET, self.top / "explore"
        command = self.base.links[target].replace(f"-o {target} ", f"-o {program} ")
        return self.base.explorer.judge(self.link_by(command, program, replaced), nr)

    def fails(self, test, program, how, seconds):
        """Was it not chance? A busy machine makes some tests fail once."""
        if how == "timeout":
            return not self.base.run(test, self.base.tests[test][0][0], seconds)
        return self.base.run(test, program, seconds)

    def run_tests(self, file, source, tests, seconds):
        """-> (result, the test that noticed or None)"""
        own, changed = self.build(file, source, tests)
        result, by = ("survived" if tests else "untested"), None
        if own is None:
            result = "does not build"
        for test in tests if own is not None else ():
            program = str(self.link(test, own))
            how = self.base.run(test, program, seconds)
            if (how and self.base.is_sound(test, seconds) and
                    self.fails(test, program, how, seconds)):
                result, by = "killed", f"{test}: {how}"
                break
        self.restore(changed)
        return result, by

    def judge(self, file, text, tests, seconds, scenarios=0):
        """-> (result, who noticed or None, seconds)"""
        start = time.monotonic()
        source = self.write(file, text)
        by = None
        if scenarios and self.base.explorer and mutation_explore.is_met(file):
            by = self.explore(file, source, scenarios)
        if by:
            result = "killed"
        else:
            tests = [test for test in tests if test in self.base.links]
            result, by = self.run_tests(file, source, tests, seconds)
        if result in ("survived", "untested") and self.is_same_code(file, text):
            result = "same code"
        return result, by, time.monotonic() - start


# ------------------------------------------------------------------- the map

LONGEST_LOOK, LONGEST_TEST, TESTS_OF_FUNCTION = 300, 20.0, 16


def functions_run(build, into):
    """-> {file and name of each function of lib/ that ran: which of its lines}"""
    objects = into / str(build / OBJECTS).lstrip("/")
    for notes in objects.rglob("*.gcda"):
        notes.with_suffix(".gcno").symlink_to(
            build / OBJECTS / notes.relative_to(objects).with_suffix(".gcno"))
    found = sorted(map(str, objects.rglob("*.gcda")))
    out = subprocess.run(["gcov", "--json-format", "--stdout", *found], cwd=into, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         check=True).stdout if found else ""
    ran = collections.defaultdict(set)
    for report in (json.loads(line) for line in out.splitlines() if line.startswith("{")):
        for file in report["files"]:
            path = pathlib.Path(file["file"])
            for line in file["lines"] if LIB in path.parents else ():
                if line["count"] and "function_name" in line:
                    ran[f"{path.relative_to(LIB)} {line['function_name']}"].add(line["line_number"])
    return {key: sorted(lines) for key, lines in ran.items()}


def look_at(build, test, command, env):
    """-> (seconds, functions run)"""
    with tempfile.TemporaryDirectory() as into:
        start = time.monotonic()
        run_test(command, {**ENVIRONMENT, **env, "GCOV_PREFIX": into}, LONGEST_LOOK)
        took = time.monotonic() - start
        print(f"{took:6.1f} {test}", flush=True)
        return took, functions_run(build, pathlib.Path(into))


def read_map(path):
    """-> ({file and function: [test]}, {test: seconds})"""
    reached, seconds = {}, {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "seconds":
            seconds[words[1]] = float(words[2])
        else:
            # public functions have the names of their symbols
            reached[f"{words[0]} {words[1].removeprefix('*workq_')}"] = words[2:]
    return reached, seconds


def ranking(reached, seconds):
    """-> a function (key, test) -> sort key

    First the tests of the function's own room; then those that run most of its lines; then those
    that know the file best, that is, come by functions of it that few others come by; slow ones
    last.
    """
    knows = collections.Counter()
    for key, tests in reached.items():
        for test in tests:
            knows[key.split()[0], test] += 1 / len(tests)

    def rank(key, test):
        file = key.split()[0]
        is_rooms = test.split("/")[1].split("_", 1)[-1].startswith(pathlib.Path(file).stem)
        return (not is_rooms, seconds[test] > LONGEST_TEST, -len(reached[key][test]),
                -knows[file, test], test)
    return rank


def in_order(key, lines, rank, seconds):
    """-> the tests of a function: first such that run all lines that any of them runs"""
    left = sorted(lines, key=lambda test: rank(key, test))
    first, seen = [], set()
    for is_slow in (False, True):
        while True:
            news = {test: set(lines[test]) - seen for test in left
                    if (seconds[test] > LONGEST_TEST) == is_slow}
            best = max(news, key=lambda test: len(news[test]), default=None)
            if not best or not news[best]:
                break
            seen |= news[best]
            first.append(best)
            left.remove(best)
    return first + left


def write_map(build, path, jobs, wanted):
    """Of the tests whose name has that in it; what is known of others stays."""
    raw = build / "reached.json"
    reached, seconds = json.loads(raw.read_text(encoding="utf-8")) if wanted else ({}, {})
    tests = {test: how for test, how in tests_in(build).items()
             if test.split("/")[0] not in ("bench", "examples", "fault") and wanted in test}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        looks = {test: pool.submit(look_at, build, test, *how) for test, how in tests.items()}
        for test, look in looks.items():
            seconds[test], ran = look.result()
            for tests_of in reached.values():
                tests_of.pop(test, None)
            for key, lines in ran.items():
                reached.setdefault(key, {})[test] = lines
    raw.write_text(json.dumps([reached, seconds]), encoding="utf-8")
    rank = ranking(reached, seconds)
    with path.open("w", encoding="utf-8") as out:
        out.write("# Written by tools/mutate.py map: how long tests take, and which of them come by "
                  "a function.\n")
        for test, took in sorted(seconds.items()):
            out.write(f"seconds {test} {took:.1f}\n")
        for key, lines in sorted(reached.items()):
            those = in_order(key, lines, rank, seconds)
            if those:
                out.write(f"{key} {' '.join(those[:TESTS_OF_FUNCTION])}\n")
