# SPDX-License-Identifier: MIT
"""Mutants: every small change of lib/ that a test ought to notice.

    orders     a memory order that is one step weaker; a barrier that is missing
    locks      a lock that is not taken, not released, or neither in a function
    wakes      somebody who is not woken, or not told that there is work
    calls      any other statement that is a call, left out
    branches   a condition turned round, && for ||, < for <= and so on
    constants  a number that is one more, or 0; true for false

A mutant has a name that outlives changes elsewhere in the file: file, function,
what is changed, and the line it is in; and a number if the line has several.
"""
import bisect
import collections
import pathlib
import re

from c_source import blank, code_only, files_below

LIB = pathlib.Path(__file__).resolve().parent.parent / "lib"
KINDS = ("orders", "locks", "wakes", "calls", "branches", "constants")

Mutant = collections.namedtuple("Mutant", "name file function kind start end text")

FUNCTION = re.compile(
    r"^ *(?P<signature>[A-Za-z_][^;{}#]*?)(?P<name>\w+)\((?P<rest>[^;{}]*)\)\n\{\n(?P<body>.*?)^\}",
    re.DOTALL | re.MULTILINE)
CALL = re.compile(r"(?<=[;{})e:\n])\n\t+(?P<name>\w+)\(")
NOT_CALLS = {"if", "while", "for", "switch", "return", "sizeof", "wq_assert", "wq_assert_held",
             "defined"}
ATOMIC = re.compile(r"\bwq_(?P<op>load|store|xchg|cas|cas_weak|fetch_\w+?)_"
                    r"(?P<order>acquire|release|acq_rel|seq_cst)\b(?=\()")
BARRIER = re.compile(r"wq_(?:heavy|light|compiler)_barrier|wq_fence_seq_cst|wq_membarrier\w*")
LOCK = re.compile(r"wq_lock_(?!init|note|forget|let_in)\w+|\w+_(?:un)?lock(?:_locked)?|"
                  r"(?:un)?lock_\w+|wq_grace_(?:enter|leave)\w*|wq_turn_(?:take|leave)|\w*_lock_all|"
                  r"\w*_unlock_all|unlock_and_wake|wq_pool_unlock_and_wake")
WAKE = re.compile(r"\w*wake\w*|\w*kick\w*|\w*_due_locked|\w*note_busy\w*|\w*note_pool\w*|"
                  r"wq_lock_let_in|\w*_serve\w*|\w*_wants?_\w+|\w*complete\w*|\w*release_locked|"
                  r"wq_rescuer_call|add_call|wq_shard_set_next\w*|\w*set_alarm|set_deadline|"
                  r"wq_lock_release_slow|wq_retire_if_empty_locked|note_debt|queue_release|"
                  r"\w*drain_(?:some_|all_)?locked|gate_open|finish")
WEAKER = {
    "load": {"seq_cst": ["acquire"], "acquire": ["relaxed"]},
    "store": {"seq_cst": ["release"], "release": ["relaxed"]},
    "rmw": {"seq_cst": ["acq_rel"], "acq_rel": ["acquire", "release"],
            "acquire": ["relaxed"], "release": ["relaxed"]},
}
OPERATORS = {"&&": ["||"], "||": ["&&"], "<": ["<="], "<=": ["<"], ">": [">="], ">=": [">"],
             "==": ["!="], "!=": ["=="]}
OPERATOR = re.compile(r" (&&|\|\||<=|>=|==|!=|<|>)(?=[ \n])")
CONDITION = re.compile(r"\b(?:if|while) (?=\()")
NUMBER = re.compile(r"(?<![\w.\"])(0x[0-9a-f]+|\d+)([ul]*)\b(?!\.)")
# Of these a number more or less is a matter of time or room only: how soon who waits looks again,
# and how long a text may be before it is cut.
OF_NO_MATTER = re.compile(r"\bstruct wq_backoff \w+ = \{ 0 \}|\bchar \w+\[[^]]*\]"
                          r"(?:, \w+\[[^]]*\])*;")
# Of two that are equal either is the lesser: "a < b ? a : b", "if (a < b) b = a", "a < b ? b - a : 0".
TERM = r"(?:[\w.\[\]]|->)+"
EITHER = re.compile(rf"(?:(?<=\()|(?<== )|(?<=return )|(?<=, ))"
                    rf"(?P<a>{TERM}) (?P<op>[<>]=?) (?P<b>{TERM}) \? (?:(?P=a) : (?P=b)|(?P=b) : (?P=a)|"
                    rf"(?P=a) - (?P=b) : 0|(?P=b) - (?P=a) : 0)(?=[;,)])|"
                    rf"\bif \((?P<c>{TERM}) (?P<of>[<>]=?) (?P<d>{TERM})\)\n\t+"
                    rf"(?:(?P=c) = (?P=d)|(?P=d) = (?P=c));")
ATTRIBUTE = re.compile(r"__attribute__\(\(.*?\)\)\)?")
ASSERTION = re.compile(r"\bwq_assert(?=\()")
TRUTH = re.compile(r"\b(true|false)\b")


def closing(text, start):
    """Of the parenthesis at start: where its partner is."""
    depth = 0
    for i in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i
    raise ValueError("no closing parenthesis")


def without_assertions(body):
    """They only look: a weaker one is no fault, and a stronger one would fail at once."""
    for match in ASSERTION.finditer(body):
        end = closing(body, match.end())
        body = body[:match.end()] + blank(body[match.end():end]) + body[end:]
    return body


def orders(body):
    for match in ATOMIC.finditer(body):
        op, order = match["op"], match["order"]
        for weaker in WEAKER[op if op in WEAKER else "rmw"].get(order, ()):
            yield "orders", match.start(), match.end(), f"wq_{op}_{weaker}"
        if op == "cas" and order == "acq_rel":
            yield "orders", match.start(), match.end(), "wq_cas_acq_rel_or_relaxed"


def kind_of_call(name):
    if BARRIER.fullmatch(name):
        return "orders"
    if WAKE.fullmatch(name) and not name.endswith("unlock_and_wake"):
        return "wakes"
    return "locks" if LOCK.fullmatch(name) else "calls"


def statements(body):
    """-> (name, arguments, start, end) of each statement that is a call"""
    for match in CALL.finditer(body):
        end = closing(body, match.end() - 1)
        if match["name"] in NOT_CALLS or body[end + 1:end + 2] != ";":
            continue
        yield match["name"], body[match.end():end], match.start("name"), end + 1


def calls(body):
    for name, _, start, end in statements(body):
        yield kind_of_call(name), start, end, "(void)0"


def conditions(body):
    for match in CONDITION.finditer(body):
        end = closing(body, match.end())
        yield "branches", match.end(), end + 1, f"(!{body[match.end():end + 1]})"


def operators(body):
    either = {match.start("op" if match["op"] else "of") for match in EITHER.finditer(body)}
    for match in OPERATOR.finditer(body):
        if match.start(1) in either:
            continue
        for other in OPERATORS[match[1]]:
            yield "branches", match.start(1), match.end(1), other


def constants(body):
    free = [match.span() for match in OF_NO_MATTER.finditer(body)]
    for match in NUMBER.finditer(body):
        value, suffix = int(match[1], 0), match[2]
        is_free = any(start <= match.start() < end for start, end in free)
        for other in {value + 1, 0} - {value}:
            if is_free and other == value + 1:
                continue
            yield "constants", match.start(), match.end(), f"{other}{suffix}"
    for match in TRUTH.finditer(body):
        yield "constants", match.start(), match.end(), {"true": "false"}.get(match[1], "true")


def pairs(body):
    """All of a function's calls that take or release the same lock: left out together."""
    groups = collections.defaultdict(list)
    for name, arguments, start, end in statements(body):
        if LOCK.fullmatch(name):
            groups[arguments].append((start, end))
    return [group for group in groups.values() if len(group) > 1]


class File:
    """One file of lib/, and its mutants."""

    def __init__(self, path):
        self.path = path
        self.file = str(path.relative_to(LIB))
        self.text = path.read_text(encoding="utf-8")
        self.code = ATTRIBUTE.sub(lambda m: blank(m[0]), code_only(self.text))
        self.starts = [0] + [m.end() for m in re.finditer("\n", self.text)]
        self.seen = collections.Counter()

    def line_at(self, position):
        line = bisect.bisect_right(self.starts, position) - 1
        end = self.text.find("\n", position)
        return " ".join(self.text[self.starts[line]:end].split())

    def mutant(self, function, kind, start, end, text):
        before = " ".join(self.text[start:end].split())
        what = f"without {before}" if text == "(void)0" else f"{before} -> {' '.join(text.split())}"
        if kind == "branches" and text.startswith("(!"):
            # with its strings, which are blank in what was searched
            what, text = "negated", f"(!{self.text[start:end]})"
        name = f"{self.file} {function}: {kind}: {what}: {self.line_at(start)}"
        return self.named(name, function, kind, start, end, text)

    def named(self, name, function, kind, start, end, text):
        self.seen[name] += 1
        if self.seen[name] > 1:
            name += f" #{self.seen[name]}"
        return Mutant(name, self.file, function, kind, start, end, text)

    def pair(self, function, group, offset):
        """The text between the first and the last of them, without all of them."""
        start, end = group[0][0] + offset, group[-1][1] + offset
        text = self.text[start:end]
        for one, other in reversed(group):
            at = one + offset - start
            text = text[:at] + "(void)0" + text[other + offset - start:]
        lock = " ".join(self.text[start:group[0][1] + offset].split())
        name = f"{self.file} {function}: locks: without all of the lock: {lock}"
        return self.named(name, function, "locks", start, end, text)

    def mutants(self):
        for match in FUNCTION.finditer(self.code):
            name, offset, body = match["name"], match.start("body") - 1, "\n" + match["body"]
            checked = without_assertions(body)
            for source in (orders, calls, conditions, operators, constants):
                for kind, start, end, text in source(checked):
                    yield self.mutant(name, kind, start + offset, end + offset, text)
            for group in pairs(body):
                yield self.pair(name, group, offset)

    def mutate(self, mutant):
        return self.text[:mutant.start] + mutant.text + self.text[mutant.end:]


def read_all():
    """-> ({file: File}, [Mutant])"""
    # atomic.h only gives names to what the compiler has
    files = {}
    for path in files_below(LIB):
        file = File(path)
        if file.file != "base/atomic.h":
            files[file.file] = file
    return files, [mutant for file in files.values() for mutant in file.mutants()]
