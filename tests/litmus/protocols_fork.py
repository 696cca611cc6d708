# SPDX-License-Identifier: MIT
"""What is queued while a process is copied by fork(): left on a stack, and landed by who forks.

The stack is what was pushed, newest first; or CLOSED: nobody forks; or LANDING.
"""
from program import ACQ, REL, Program, load, na_load, na_store, store
from protocols import protocol
from protocols_items import IDLE, PENDING, QUEUED
from protocols_locks import nothing

CLOSED, LANDING = "closed", "landing"


def defer(s, item):
    """-> whether it is on the stack; else nobody copies any more"""
    if (yield s.load("defer-wait", "newest", until=lambda head: head != LANDING)) == CLOSED:
        return False
    found = yield from s.rmw("defer-push", "newest",
                             lambda head: (item,) + head if isinstance(head, tuple) else None)
    if isinstance(found, tuple):
        return True
    # once more
    yield s.load("defer-wait", "newest", until=lambda head: head == CLOSED)
    return False


def take_all(s):
    """-> oldest first"""
    found = yield from s.xchg("defer-take", "newest", LANDING)
    return reversed(found)


@protocol()
def deferred_items(s):
    """Each deferred item is landed once, by somebody who sees what its producer has written"""
    def land(item):
        yield na_store(item, (yield na_load(item)) + 1)

    def producer(item):
        def run():
            yield na_store(item, 1)
            if not (yield from defer(s, item)):
                yield from land(item)
        return run

    def forker():
        for item in (yield from take_all(s)):
            yield from land(item)
        yield s.store("defer-landed", "newest", CLOSED)

    def bad(ends, memory):
        if None in ends:
            return "waits for ever"
        return "not landed once" if (memory["x"], memory["y"]) != (2, 2) else None
    return Program([producer("x"), producer("y"), forker], bad, {"newest": ()})


@protocol(let_first="others may defer before the stack is open")
def deferred_until_copied(s):
    """Who may defer, and finds that nobody copies any more, does not mistake what was before it"""
    def producer():
        if not (yield s.load("defer-look", "flags")):
            return
        if not (yield from defer(s, "x")):
            yield na_store("copied", 1)

    def forker():
        if s.variant == "let-first":
            yield from s.rmw("defer-let", "flags", lambda old: 1)
            yield store("newest", ())
        else:
            yield store("newest", ())
            yield from s.rmw("defer-let", "flags", lambda old: 1)
        yield na_load("copied")
        yield from s.xchg("defer-take", "newest", LANDING)
        yield s.store("defer-landed", "newest", CLOSED)
    return Program([producer, forker], nothing, {"newest": CLOSED})


@protocol(no_landing="the stack is closed before what was on it has landed")
def deferred_in_order(s):
    """What was deferred before comes first, also if who comes behind it finds all open (B8)"""
    def push(item):
        yield from s.rmw("push", "intake", lambda old: (old or ()) + (item,))

    def first():
        if not (yield from defer(s, "first")):
            yield from push("first")
        yield store("told", 1, REL)

    def second():
        yield load("told", ACQ, until=lambda value: value)
        # open: by the fast path, which acquires nothing
        if not (yield load("flags")):
            yield from push("second")
        elif not (yield from defer(s, "second")):
            yield from push("second")

    def forker():
        end = CLOSED if s.variant == "no-landing" else LANDING
        for item in reversed((yield from s.xchg("defer-take", "newest", end))):
            yield from push(item)
        yield s.store("defer-landed", "newest", CLOSED)
        yield from s.rmw("reopen", "flags", lambda old: 0)

    def bad(ends, memory):
        if None in ends:
            return "waits for ever"
        return "overtaken" if memory["intake"] != ("first", "second") else None
    return Program([first, second, forker], bad, {"newest": (), "flags": 1})


@protocol()
def deferred_taken(s):
    """One of two takes an item that may be deferred, and sees its last run"""
    def worker():
        yield na_store("data", 1)
        yield from s.xchg("clear", "word", IDLE)

    def queuer():
        if (yield from s.rmw("take-deferred", "word",
                             lambda old: "deferred" if old == IDLE else old)) == IDLE:
            yield na_store("data", (yield na_load("data")) + 1)
            return "true"
        return "false"

    def bad(ends, _):
        return "taken twice" if ends.count("true") > 1 else None
    return Program([worker, queuer, queuer], bad, {"word": PENDING})


@protocol(by_a_load="already pending -> return false, by a plain load")
def deferred_told_false(s):
    """Who is told false of an item that was deferred has his data seen by its run (A6)"""
    def forker():
        yield from s.xchg("word-queued", "word", QUEUED)
        yield store("pushed", 1)

    def queuer():
        yield store("data", 1)
        if s.variant == "by-a-load":
            return (yield load("word")) != IDLE
        return (yield from s.rmw("take-deferred", "word",
                                 lambda old: "deferred" if old == IDLE else old)) != IDLE

    def worker():
        yield load("pushed", until=lambda value: value)
        yield from s.xchg("clear", "word", IDLE)
        return (yield load("data"))

    def bad(ends, _):
        return "told false, and the run has not seen it" if ends[1:] == [True, 0] else None
    return Program([forker, queuer, worker], bad, {"word": "deferred"})


@protocol()
def deferred_delayed_told_false(s):
    """... also of a delayed one, which loses its tag before it is armed"""
    def forker():
        yield from s.rmw("defer-untag", "word", lambda old: "timer")
        yield from s.xchg("word-queued", "word", QUEUED)
        yield from s.xchg("clear", "word", IDLE)
        return (yield load("data"))

    def queuer():
        yield store("data", 1)
        return (yield from s.rmw("take", "word",
                                 lambda old: PENDING if old == IDLE else old)) != IDLE

    def bad(ends, _):
        return "told false, and the run has not seen it" if ends == [0, True] else None
    return Program([forker, queuer], bad, {"word": "deferred"})
