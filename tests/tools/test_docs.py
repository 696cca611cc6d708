#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tools behind docs/ find what they are for, and let good input pass."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
OFFER = "/* order: OFFER-IT pairs with LOOK-UP (Dekker) */\nstore(a);\n"
LOOK = "/* order: LOOK-UP pairs with OFFER-IT, also when it\n * fails: an RMW (A6) */\nload(a);\n"
ENTRIES = "### OFFER-IT\n\n### LOOK-UP\n"
HEADER = """
/* -------- verbs */

/**
 * frob, frob_more - do it
 * @count: how often
 *         at most
 *
 * Calls twice(). See (A1).
 *
 * Context: any thread. Return:
 *   0        done
 *   -ENOMEM  no memory,
 *            or so
 */
WORKQ_FUNCTION(int) frob(int count) __attribute__((nonnull(1)));
WORKQ_FUNCTION(int) frob_more(int count);

/**
 * twice - a macro
 */
#define twice(x) ((x) + (x))

enum {
	WQ_SIZE = 3,
};
"""


class Tool(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.top = pathlib.Path(self.dir.name)

    def tearDown(self):
        self.dir.cleanup()

    def write(self, name, text):
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run_tool(self, tool, *arguments):
        done = subprocess.run([sys.executable, TOOLS / f"{tool}.py", *arguments], text=True,
                              capture_output=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def passes(self, tool, *arguments):
        status, output = self.run_tool(tool, *arguments)
        self.assertEqual(status, 0, output)

    def fails(self, tool, text, *arguments):
        status, output = self.run_tool(tool, *arguments)
        self.assertEqual(status, 1, output)
        self.assertIn(text, output)


class Ordering(Tool):
    def arguments(self, code, entries):
        self.write("lib/a.c", code)
        return "check-ordering", self.top / "lib", self.write("ordering.md", entries)

    def check_fails(self, text, code, entries=ENTRIES):
        tool, *arguments = self.arguments(code, entries)
        self.fails(tool, text, *arguments)

    def test_both_sides_and_entries_pass(self):
        self.passes(*self.arguments(OFFER + LOOK, ENTRIES))

    def test_missing_side_fails(self):
        self.check_fails("LOOK-UP, which stands nowhere", OFFER)

    def test_side_that_names_another_fails(self):
        self.check_fails("but LOOK-UP does not name OFFER-IT",
                         OFFER + "/* order: LOOK-UP pairs with LOOK-UP */\n")

    def test_partner_without_label_fails(self):
        self.check_fails("bears no label", "/* order: OFFER-IT pairs with this */\n")

    def test_missing_entry_fails(self):
        self.check_fails("LOOK-UP has no entry", OFFER + LOOK, "### OFFER-IT\n")

    def test_entry_without_label_fails(self):
        self.check_fails("GONE-IT stands nowhere", OFFER + LOOK, ENTRIES + "### GONE-IT\n")


class ManPages(Tool):
    def arguments(self, header=HEADER, overview=".SH NAME\nWQ_SIZE\n@INDEX@\n@QUEUES@\n"):
        return ("kernel-doc-man", "--out", self.top / "man", self.write("workq.7.in", overview),
                self.write("workq.h", header))

    def page(self, name):
        return (self.top / "man/man3" / name).read_text()

    def test_page_has_every_part(self):
        self.passes(*self.arguments())
        for part in (r"\fBint frob(int \fIcount\fB);", "how often at most", r"\fBtwice\fP(3)",
                     "Any thread.", r"\fB0\fP", "\\fB\\-ENOMEM\\fP\nno memory, or so"):
            self.assertIn(part, self.page("frob.3"))
        self.assertEqual(self.page("frob_more.3"), ".so man3/frob.3\n")

    def test_pages_no_longer_made_are_taken_away(self):
        self.passes(*self.arguments())
        self.passes(*self.arguments(HEADER.replace("twice", "thrice")))
        self.assertFalse((self.top / "man/man3/twice.3").exists())

    def test_indented_block_stands_as_it_is(self):
        self.passes(*self.arguments(HEADER.replace(" * Calls twice(). See (A1).\n",
                                                   " * Says\n *\n *   one two\n *     three\n")))
        self.assertIn("\n.nf\n  one two\n    three\n.fi\n", self.page("frob.3"))

    def test_undocumented_function_fails(self):
        self.fails(*self.order("other has no kernel-doc",
                               HEADER + "WORKQ_FUNCTION(int) other(void);\n"))

    def test_undocumented_macro_fails(self):
        self.fails(*self.order("other has no kernel-doc", HEADER + "#define other(x) (x)\n"))

    def test_unmentioned_constant_fails(self):
        self.fails(*self.order("does not mention WQ_NEW",
                               HEADER.replace("WQ_SIZE = 3", "WQ_SIZE = 3, WQ_NEW = 4")))

    def order(self, text, header):
        tool, *arguments = self.arguments(header)
        return tool, text, *arguments


class Snippets(Tool):
    def arguments(self, code):
        library = self.top / "libempty.so"
        subprocess.run(["cc", "-shared", "-x", "c", "/dev/null", "-o", library], check=True)
        return ("check-snippets", library, self.top, "--",
                self.write("a.md", f"text\n\n```c\n{code}```\n"))

    def test_program_that_succeeds_passes(self):
        self.passes(*self.arguments("int main(void)\n{\n\treturn 0;\n}\n"))

    def test_program_that_fails_fails(self):
        tool, *arguments = self.arguments("int main(void)\n{\n\treturn 3;\n}\n")
        self.fails(tool, "a.md:3: exits with status 3", *arguments)

    def test_fragment_that_does_not_compile_fails(self):
        tool, *arguments = self.arguments("static int f(void)\n{\n\treturn missing;\n}\n")
        self.fails(tool, "missing", *arguments)


class BenchTables(Tool):
    RESULT = ('{"workload":"flush-same-cpu","system":"libworkq","unit":"us","median":4.1,"min":4,'
              '"max":1234.5,"runs":3,"config":{"command":"flush","flags":"percpu","items":100000},'
              '"extra":{"cpu_ns_per_item":99.5,"voluntary_switches_per_item":0.5,'
              '"involuntary_switches_per_item":0,"system_calls_per_item":null}}\n')

    def arguments(self, text):
        self.document = self.write("a.md", text)
        return "bench-tables", self.write("results.json", self.RESULT), self.document

    def test_table_is_filled_in_and_the_rest_stays(self):
        tool, *files = self.arguments("before\n<!-- table flush -->\nold\n<!-- end -->\nafter\n")
        self.passes(tool, *files)
        with open(self.document, encoding="utf-8") as f:
            text = f.read()
        self.assertIn("| flush-same-cpu | 10⁵ | us | 4.10 | 4.00 .. 1 234 | 99.5 | 0.50 | - |\n", text)
        self.assertTrue(text.startswith("before\n") and text.endswith("<!-- end -->\nafter\n"))
        self.assertNotIn("old", text)

    def test_unknown_table_fails(self):
        tool, *files = self.arguments("<!-- table cost -->\n<!-- end -->\n")
        self.fails(tool, "there is no table cost", *files)

    def test_table_without_results_fails(self):
        tool, *files = self.arguments("<!-- table wake -->\n<!-- end -->\n")
        self.fails(tool, "no results for the table wake", *files)


if __name__ == "__main__":
    unittest.main()
