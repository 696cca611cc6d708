#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The checks of tools/ find what they are for, and let good code pass."""
import pathlib
import platform
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


class Lines(Check):
    """Compiled, and with a library around it."""

    def build(self, fields, variables=""):
        self.write("core/lock.h", "#define LINE_ALIGNED __attribute__((aligned(64)))\n"
                   "struct wq_lock {\n\tint word;\n};\n")
        self.write("core/types.h", f"""
/*
 * L: the pool's lock
 * C: const
 * A: atomic
 */
#include "lock.h"
struct inner {{
	long held; /* L: something */
}} LINE_ALIGNED;
struct pool {{
	{fields}
}} LINE_ALIGNED;
{variables}
""")
        source = self.write("core/a.c", "#include \"types.h\"\nstruct pool pool;\n"
                            "int asked LINE_ALIGNED = 1;\nint other = 1;\nstruct inner inner;\n")
        library = self.lib / "a.so"
        subprocess.run(["cc", "-g", "-shared", "-fPIC", "-fno-toplevel-reorder", "-o", library,
                        source], check=True)
        return library, self.lib

    def test_sides_apart_pass(self):
        self.passes("lines", *self.build("""
	int *intake; /* AQ: pushed */
	int cpu; /* C: whose */
	struct wq_lock lock LINE_ALIGNED; /* C: itself */
	int nr; /* A: under L: how many */
	int limit; /* AR: set once */
	struct inner inner; /* C: more */
	int kick LINE_ALIGNED; /* A: by anybody */"""))

    def test_sides_in_one_line_fail(self):
        for fields in ("int *intake; /* AQ: pushed */ int nr; /* L: how many */",
                       "int *intake; /* AQ: pushed */ struct wq_lock lock; /* C: itself */",
                       "int *intake; /* AQ: pushed */ int kick; /* A: by anybody */",
                       "int nr; /* L: how many */ int kick; /* A: by anybody */",
                       "int nr[17]; /* L: how many */ int kick; /* A: by anybody */",
                       "int pool_id; /* CQ: whose */ int by_thread; /* A: by the thread */"):
            with self.subTest(fields=fields):
                self.fails("lines", "pool, bytes from", *self.build(fields.replace("*/ ", "*/\n")))

    def test_struct_unknown_to_library_fails(self):
        library, lib = self.build("int nr; /* L: how many */")
        with open(lib / "core/types.h", "a", encoding="utf-8") as file:
            file.write("struct unused {\n\tint a LINE_ALIGNED; /* L: a */\n};\n")
        self.fails("lines", "unused is not in the library", library, lib)

    def test_neighbour_of_variable_fails(self):
        self.passes("lines", *self.build("int nr; /* L: how many */"))
        self.fails("lines", "in the line of asked: other",
                   *self.build("int nr; /* L: how many */", "/* AQ: by all */\nextern int asked;"))


class CallsThatFail(Check):
    """Names as in the files that check-faults.py reads."""

    def tree(self, door="int wq_os_a(int x);\nvoid wq_os_b(void);", script="y = flush_work(w);"):
        root = self.lib
        self.write("lib/base/os.h", door + "\n")
        self.write("lib/base/ring.h", "/* wq_ring_none() */\n")
        self.write("tests/fault/points.h", "#define FAULT_POINTS(P) \\\n\tP(int, wq_os_a, (int x), "
                   "(x), -1) \\\n\n#define FAULT_NONE(N) \\\n\tN(wq_os_b)\n")
        self.write("tests/fault/script.c", script + "\n")
        self.write("include/workq/workqueue.h", "bool flush_work(struct work_struct *work)\n"
                   "\tWORKQ_SYMBOL(flush_work);\n")
        return root

    def test_all_in_their_places_pass(self):
        self.passes("faults", self.tree())

    def test_function_without_row_fails(self):
        self.fails("faults", "lib/base/os.h:3: wq_os_c() has no row",
                   self.tree(door="int wq_os_a(int x);\nvoid wq_os_b(void);\nint wq_os_c(void);"))

    def test_row_without_function_fails(self):
        self.fails("faults", "wq_os_b() is no function", self.tree(door="int wq_os_a(int x);"))

    def test_public_call_that_is_not_made_fails(self):
        self.fails("faults", "flush_work() is not called", self.tree(script="/* flush_work() */"))


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


class Hardening(Check):
    FLAGS = ("-O2", "-fstack-protector-strong", "-fcf-protection", "-D_FORTIFY_SOURCE=2",
             "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack")
    CODE = """
        #include <stdio.h>
        #include <string.h>
        int workq_a(const char *text, unsigned long len);
        int workq_a(const char *text, unsigned long len)
        {
            char buf[64];
            memcpy(buf, text, len);
            return puts(buf);
        }
    """

    def library(self, *left_out, more=()):
        path = self.lib / "libx.so"
        self.lib.mkdir(exist_ok=True)
        flags = [flag for flag in self.FLAGS if flag not in left_out]
        subprocess.run(["gcc", "-shared", "-fPIC", *flags, *more, "-x", "c", "-", "-o", path],
                       input=self.CODE, text=True, check=True)
        return path

    def test_all_passes(self):
        self.passes("hardening", self.library())

    def test_late_binding_fails(self):
        self.fails("hardening", "-z now", self.library("-Wl,-z,now", more=["-Wl,-z,lazy"]))

    def test_writable_relocations_fail(self):
        self.fails("hardening", "-z relro",
                   self.library("-Wl,-z,relro", more=["-Wl,-z,norelro"]))

    def test_executable_stack_fails(self):
        self.fails("hardening", "-z noexecstack",
                   self.library("-Wl,-z,noexecstack", more=["-Wl,-z,execstack"]))

    def test_no_canary_fails(self):
        self.fails("hardening", "-fstack-protector-strong",
                   self.library("-fstack-protector-strong", more=["-fno-stack-protector"]))

    def test_unchecked_calls_fail(self):
        self.fails("hardening", "_FORTIFY_SOURCE", self.library("-D_FORTIFY_SOURCE=2"))

    @unittest.skipUnless(platform.machine() == "x86_64", "landing pads are checked on x86-64")
    def test_no_landing_pad_fails(self):
        self.fails("hardening", "-fcf-protection",
                   self.library("-fcf-protection", more=["-fcf-protection=none"]))

    def test_search_path_fails(self):
        self.fails("hardening", "PATH", self.library(more=["-Wl,-rpath,/tmp"]))


if __name__ == "__main__":
    unittest.main()
