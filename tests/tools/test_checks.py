#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The checks of tools/ find what they are for, and let good code pass."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
TYPES = """
/*
 * Legend:
 * L: the pool's lock
 * C: const
 */
struct pool;
struct pool {
	int nr_idle; /* L: idle ones */
	/* C: how many
	 * there may be */
	int max;
	void (*fn)(int a, int b); /* C: what runs */
	struct list due[4] ALIGNED; /* L: some words
				       on two lines; with a semicolon */
	union {
		long a; /* L: one */
		long b; /* L: the other */
	};
	struct {
		int x; /* L: inner */
	} named; /* L: outer */
	%s
} ALIGNED;
"""


class Check(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.lib = pathlib.Path(self.dir.name) / "lib"

    def tearDown(self):
        self.dir.cleanup()

    def write(self, name, text):
        path = self.lib / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run_check(self, tool, *arguments):
        done = subprocess.run([sys.executable, TOOLS / f"check-{tool}.py", *arguments], text=True,
                              capture_output=True, check=False)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def passes(self, tool, *arguments):
        status, out = self.run_check(tool, *arguments)
        self.assertEqual(status, 0, out)

    def fails(self, tool, expected, *arguments):
        status, out = self.run_check(tool, *arguments)
        self.assertEqual(status, 1, out)
        self.assertIn(expected, out)


class Floors(Check):
    def test_include_down_passes(self):
        self.write("ops/queue.c", '#include <workq/workqueue.h>\n#include "core/types.h"\n')
        self.passes("floors", self.lib)

    def test_include_up_fails(self):
        self.write("core/wq.c", '\n#include "ops/queue.h"\n')
        self.fails("floors", "core/wq.c:2: core must not include", self.lib)

    def test_include_beside_fails(self):
        self.write("core/wq.c", '#include "types.h"\n')
        self.fails("floors", "is no room", self.lib)

    def test_unknown_floor_fails(self):
        self.write("misc/x.c", "")
        self.fails("floors", "not on a floor", self.lib)

    def test_memory_order_outside_atomic_fails(self):
        self.write("core/work.c", "int a = __atomic_load_n(p, __ATOMIC_RELAXED);\n")
        self.fails("floors", "core/work.c:1: __atomic_load_n", self.lib)

    def test_memory_order_in_atomic_passes(self):
        self.write("base/atomic.h", "int a = __atomic_load_n(p, __ATOMIC_RELAXED);\n")
        self.passes("floors", self.lib)

    def test_libc_outside_doors_fails(self):
        for line in ("x = malloc(3);", "pthread_t thread;", "free (x);", "clock_gettime(0, &ts);",
                     "#include <pthread.h>", "#include <sys/mman.h>", "abort();"):
            for room in ("core/wq.c", "base/options.c"):
                path = self.write(room, line + "\n")
                with self.subTest(line=line, room=room):
                    self.fails("floors", "doors", self.lib)
                path.unlink()

    def test_libc_in_doors_passes(self):
        for door in ("os", "park", "lock", "report"):
            self.write(f"base/{door}.c", "#include <unistd.h>\nx = syscall(SYS_gettid);\n")
        self.passes("floors", self.lib)

    def test_names_alike_pass(self):
        self.write("core/wq.c", '/* malloc( */ char *s = "free(x)";\n'
                                "wq_os_free(x); ops->free(x); y.close(x); free_slots(1);\n")
        self.passes("floors", self.lib)


class Lengths(Check):
    @staticmethod
    def function(name, lines):
        return f"static void {name}(void)\n{{\n" + "\tf();\n" * (lines - 3) + "}\n"

    def test_short_passes(self):
        self.write("core/a.c", self.function("a", 12))
        self.passes("lengths", self.lib)

    def test_long_fails(self):
        self.write("core/a.c", "".join(self.function(f"f{i}", 4) for i in range(30)))
        self.write("core/b.c", "\n" + self.function("b", 81))
        self.fails("lengths", "core/b.c:2: b() has 81 lines", self.lib)

    def test_too_many_long_fail(self):
        self.write("core/a.c", "".join(self.function(f"f{i}", 4) for i in range(8)))
        self.write("core/b.c", self.function("b", 41) + self.function("c", 42))
        self.fails("lengths", "b() has 41 lines, and more than one in ten", self.lib)

    def test_median_too_long_fails(self):
        self.write("core/a.c", self.function("a", 13))
        self.fails("lengths", "median", self.lib)


class Locking(Check):
    def test_every_letter_passes(self):
        self.passes("locking", self.write("core/types.h", TYPES % ""))

    def test_missing_letter_fails(self):
        for field in ("int missing;", "int missing; /* what for */", "int missing; /* X: who? */",
                      "void (*missing)(void);", "struct list missing[3] ALIGNED;",
                      "struct {\n int a; /* L: a */\n} missing;",
                      "/* L: above something else */\n\n\tint missing;"):
            path = self.write("core/types.h", TYPES % field)
            with self.subTest(field=field):
                self.fails("locking", "missing", path)

    def test_missing_legend_fails(self):
        self.fails("locking", "no legend", self.write("core/types.h", "struct a {\n};\n"))


class Exports(Check):
    def library(self, code):
        path = self.lib / "libx.so"
        self.lib.mkdir(exist_ok=True)
        subprocess.run(["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", path], input=code,
                       text=True, check=True)
        return path

    def test_prefix_passes(self):
        self.passes("exports", self.library("int workq_a; void workq_b(void) {}"))

    def test_other_name_fails(self):
        self.fails("exports", "exports flush_work",
                   self.library("int workq_a; void flush_work(void) {}"))


if __name__ == "__main__":
    unittest.main()
