# SPDX-License-Identifier: MIT
"""The state word of an item, and what it says of where the item runs (docs/ordering.md, Items).

Each function makes a program of the operations that the code has; what is not shared is left out.
User's data are plain: an access that is not ordered is a data race, and an error.
"""
from program import REL, Program, load, na_load, na_store, store, update
from protocols import protocol

IDLE, PENDING, QUEUED = "idle", "pending", "queued"


def set_pending(old):
    return PENDING if old == IDLE else old


@protocol(by_a_load="already pending -> return false, by a plain load",
          cleared_by_a_store="PENDING cleared by a release store")
def told_false(s):
    """Who is told that an item is pending already has his data seen by the run that is pending"""
    def queuer():
        yield store("data", 1)
        if s.variant == "by-a-load":
            if (yield load("word")) == QUEUED:
                return "false"
        return "true" if (yield from s.rmw("take", "word", set_pending)) == IDLE else "false"

    def worker():
        if s.variant == "cleared-by-a-store":
            yield store("word", IDLE, REL)
        else:
            yield from s.xchg("clear", "word", IDLE)
        return (yield load("data"))

    def bad(ends, _):
        return "told false, and the run has not seen it" if ends == ["false", 0] else None
    return Program([queuer, worker], bad, {"word": QUEUED})


@protocol(queued_by_a_store="the owner writes the word by a store")
def told_false_in_transit(s):
    """... also when somebody else is about to push it, and a third one is told so too"""
    def owner():
        found = yield from s.cas("take-cas", "word", IDLE, PENDING)
        if not found:
            return None
        if s.variant == "queued-by-a-store":
            yield store("word", QUEUED)
        else:
            yield from s.xchg("word-queued", "word", QUEUED)
        yield store("pushed", 1)
        return True

    def queuer(data):
        def run():
            yield store(data, 1)
            return (yield from s.rmw("take", "word", set_pending)) != IDLE
        return run

    def worker():
        yield load("pushed", until=lambda value: value)
        yield from s.xchg("clear", "word", IDLE)
        return [(yield load("x")), (yield load("y"))]

    def bad(ends, _):
        _, x, y, run = ends
        # if one of them was told true, it may be for his run that the other one was told false
        if x and y and run and 0 in run:
            return "told false, and the run has not seen it"
        return None
    return Program([owner, queuer("x"), queuer("y"), worker], bad, {"word": IDLE})


@protocol(published_late="PENDING cleared before the run is published",
          looked_early="where it runs is looked at before PENDING is taken")
def no_two_runs(s):
    """The item is queued elsewhere only when its run is over, and run 2 sees all of run 1"""
    def worker():
        if s.variant == "published-late":
            yield from s.xchg("clear", "word", IDLE)
        yield s.store("publish-func", "func", "f")
        yield s.store("publish-pwq", "pwq", "p")
        yield s.store("publish-current", "current", "item")
        if s.variant != "published-late":
            yield from s.xchg("clear", "word", IDLE)
        yield na_store("data", 1)
        yield s.store("returned", "current", 0)

    def where_it_runs():
        if (yield s.load("look-current", "current")) != "item":
            return None
        pwq = yield s.load("look-pwq", "pwq")
        if (yield s.load("look-func", "func")) != "f":
            return None
        if (yield s.load("look-again", "current")) != "item":
            return None
        return pwq

    def queuer():
        early = None
        if s.variant == "looked-early":
            early = yield from where_it_runs()
        if (yield from s.rmw("take", "word", set_pending)) != IDLE:
            return "pending"
        pwq = early if s.variant == "looked-early" else (yield from where_it_runs())
        if not pwq:
            yield na_store("data", 2)   # run 2, on another pool
        return pwq or "elsewhere"

    def bad(ends, _):
        return "queued to no pwq" if ends[1] == 0 else None
    return Program([worker, queuer], bad, {"word": QUEUED})


@protocol(looked_once="the second look at current left out")
def pwq_of_another_item(s):
    """A pwq that is found belongs to the item, not to the next one of the same worker"""
    def worker():
        yield from s.xchg("clear", "word", IDLE)
        yield s.store("returned", "current", 0)
        yield s.store("publish-func", "func", "f")
        yield s.store("publish-pwq", "pwq", "q")
        yield s.store("publish-current", "current", "other")

    def queuer():
        if (yield from s.rmw("take", "word", set_pending)) != IDLE:
            return None
        if (yield s.load("look-current", "current")) != "item":
            return None
        pwq = yield s.load("look-pwq", "pwq")
        if (yield s.load("look-func", "func")) != "f":
            return None
        if s.variant != "looked-once" and (yield s.load("look-again", "current")) != "item":
            return None
        return pwq

    def bad(ends, _):
        return "queued to another item's pwq" if ends[1] == "q" else None
    return Program([worker, queuer], bad,
                   {"word": QUEUED, "current": "item", "pwq": "p", "func": "f"})


@protocol()
def func_of_another_item(s):
    """... nor to another item made anew at the same address, with another function"""
    def worker():
        yield s.store("publish-func", "func", "g")
        yield s.store("publish-pwq", "pwq", "q")
        yield s.store("publish-current", "current", "item")
        yield from s.xchg("clear", "other", IDLE)

    def queuer():
        if (yield from s.rmw("take", "other", set_pending)) != IDLE:
            return None
        if (yield s.load("look-current", "current")) != "item":
            return "over"
        pwq = yield s.load("look-pwq", "pwq")
        return pwq, (yield s.load("look-func", "func"))

    def bad(ends, _):
        return "the function of another run" if ends[1] not in (True, ("q", "g")) else None
    return Program([worker, queuer], bad, {"other": QUEUED, "pwq": "p", "func": "f"})


@protocol()
def taken_by_cas(s):
    """The usual case of queue_work(): one of two takes the item, whose last run is seen"""
    def worker():
        yield na_store("data", 1)
        yield from s.xchg("clear", "word", IDLE)

    def queuer():
        if (yield from s.cas("take-cas", "word", IDLE, QUEUED)):
            yield na_store("data", (yield na_load("data")) + 1)
            return "true"
        return "false"

    def bad(ends, _):
        return "taken twice" if ends.count("true") > 1 else None
    return Program([worker, queuer, queuer], bad, {"word": PENDING})


@protocol()
def pwq_by_the_word(s):
    """Whoever finds the pwq in the word finds it whole, though he never looked at the table"""
    def installer():
        yield na_store("pwq", 1)
        yield s.store("table-publish", "table", "pwq")

    def queuer(site):
        def run():
            if (yield s.load("table-look", "table")):
                yield from s.rmw(site, "word", lambda old: "pwq" if old == IDLE else None)
        return run

    def flusher():
        if (yield s.load("word-look", "word")) == "pwq":
            yield na_load("pwq")
    return Program([installer, queuer("take-cas"), queuer("word-queued"), flusher],
                   lambda ends, memory: None, {"word": IDLE})


@protocol()
def rcu_item(s):
    """liburcu's thread sees the queue that an item was given for"""
    def queuer():
        yield na_store("wq", 1)
        yield from s.rmw("rcu-begin", "word", lambda old: "timer")

    def liburcu():
        if (yield s.load("rcu-end", "word")) == "timer":
            yield na_load("wq")
    return Program([queuer, liburcu], lambda ends, memory: None, {"word": PENDING})


@protocol()
def rcu_item_false(s):
    """Who is told false while the item is given to liburcu is seen by its run"""
    def queuer():
        yield from s.rmw("rcu-begin", "word", lambda old: "timer")

    def other():
        yield store("data", 1)
        return (yield from s.rmw("take", "word", set_pending)) != IDLE

    def liburcu():
        if (yield s.load("rcu-end", "word")) != "timer":
            return None
        yield from s.xchg("word-queued", "word", QUEUED)
        yield from s.xchg("clear", "word", IDLE)
        return (yield load("data"))

    def bad(ends, _):
        return "told false, and the run has not seen it" if ends[1:] == [True, 0] else None
    return Program([queuer, other, liburcu], bad, {"word": PENDING})


@protocol(not_synchronized="who clears wq->late does not wait for sections",
          synchronized_first="... or waits first, and clears then")
def late(s):
    """Who is told false while the item is in transit, and flushes then, waits for its run (D1)"""
    def owner():
        yield store("section", 1)
        yield s.fence("enter-light")
        yield from s.cas("take-cas", "word", IDLE, QUEUED)
        yield from s.rmw("push", "intake", lambda old: 1)
        yield s.store("leave", "section", 0)

    def synchronize():
        yield s.fence("sync-heavy")
        yield s.load("sync-read", "section", until=lambda value: not value)

    def flush():
        if (yield s.load("late-look", "late")):
            if s.variant == "synchronized-first":
                yield from synchronize()
            yield s.store("late-clear", "late", 0)
            if not s.variant:
                yield from synchronize()

    def other_flusher():
        yield load("flush_lock", until=lambda value: not value)
        yield from flush()
        yield s.store("unlock", "flush_lock", 1)

    def queuer():
        if (yield from s.rmw("take", "word", set_pending)) == IDLE:
            return None
        if not (yield load("late")):
            yield s.store("late-set", "late", 1)
        if (yield from s.rmw("lock", "flush_lock", lambda old: 2 if old == 1 else None)) != 1:
            return None
        yield from flush()
        # the pool is drained: an RMW, so that it finds the newest
        return (yield update("intake", lambda old: None if old else -1)) or "missed"

    def bad(ends, _):
        return "flushed before it was pushed" if ends[1] == "missed" else None
    return Program([owner, queuer, other_flusher], bad, {"word": IDLE, "late": 1})
