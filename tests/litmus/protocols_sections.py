# SPDX-License-Identifier: MIT
"""Sections and grace periods, flags; what is published for all to find."""
from program import ACQ, REL, Program, load, na_load, na_store, store, update
from protocols import protocol
from protocols_locks import nothing


def synchronize(s):
    yield s.fence("sync-heavy")
    if (yield s.load("sync-read", "section")):
        yield s.load("sync-read-again", "section", until=lambda value: value != 1)


def section(s, light, body):
    yield store("section", 1)
    yield s.fence(light)
    yield from body
    yield s.store("leave", "section", 0)


def refused_or_pushed(s, light):
    def push():
        if not (yield load("flags")):
            yield na_store("pushed", 1)

    def drainer():
        yield from s.rmw("drain-flag", "flags", lambda old: 1)
        if s.variant != "not-synchronized":
            yield from synchronize(s)
        yield na_load("pushed")
    return Program([lambda: section(s, light, push()), drainer], nothing)


@protocol(not_synchronized="drain does not wait for sections")
def drain(s):
    """A producer sees that the queue drains, or its push is seen by who waited for its section"""
    return refused_or_pushed(s, "enter-light")


@protocol()
def drain_locked(s):
    """... also of who enters where sections may be closed"""
    return refused_or_pushed(s, "enter-locked-light")


@protocol()
def drain_by_fences(s):
    """... also where there is no membarrier"""
    def producer():
        yield store("section", 1)
        yield s.fence("enter-slow")
        if not (yield load("flags")):
            yield na_store("pushed", 1)
        yield s.store("leave", "section", 0)

    def drainer():
        yield from s.rmw("drain-flag", "flags", lambda old: 1)
        yield s.fence("heavy-fence")
        yield s.load("sync-read", "section", until=lambda value: not value)
        yield na_load("pushed")
    return Program([producer, drainer], nothing)


@protocol(not_asked="who uses the heavy barrier has not asked whether there is a membarrier")
def membarrier_is_known(s):
    """Where one thread's light barrier costs nothing the other one's heavy one is no mere fence"""
    def knows():
        yield from s.rmw("not-missing", "missing", lambda old: 0)

    def light():
        yield from knows()
        yield store("x", 1)
        yield s.fence("enter-slow" if (yield load("missing")) else "enter-light")
        return (yield load("y"))

    def heavy():
        if s.variant != "not-asked":
            yield from knows()
        yield store("y", 1)
        yield s.fence("heavy-fence" if (yield load("missing")) else "sync-heavy")
        return (yield load("x"))

    def bad(ends, _):
        return "neither has seen the other" if ends == [0, 0] else None
    return Program([light, heavy], bad, {"missing": 1})


@protocol()
def drain_shared(s):
    """... also of threads that share a record"""
    def producer():
        yield from s.rmw("enter-shared", "section", lambda old: old + 1)
        yield s.fence("enter-light")
        if not (yield load("flags")):
            yield update("pushed", lambda old: old + 1)
        yield from s.rmw("leave-shared", "section", lambda old: old - 1)
        return True

    def drainer():
        yield from s.rmw("drain-flag", "flags", lambda old: 1)
        yield s.fence("sync-heavy")
        if (yield s.load("sync-read", "section")):
            yield s.load("sync-read-again", "section", until=lambda value: not value)
        return (yield load("pushed"))

    def bad(ends, memory):
        if ends[1] is None:
            return None if None in ends[:1] else "waits for ever"
        return "a push after the drain" if memory["pushed"] != ends[1] and ends[0] else None
    return Program([producer, drainer], bad)


@protocol()
def section_counts(s):
    """Of two who share a record nobody's entering or leaving is lost"""
    def producer():
        yield from s.rmw("enter-shared", "section", lambda old: old + 1)
        yield from s.rmw("leave-shared", "section", lambda old: old - 1)

    def bad(_, memory):
        return "the record says that somebody is inside" if memory["section"] else None
    return Program([producer, producer], bad)


@protocol(freed_early="the old table is freed at once")
def table(s):
    """A producer finds a table whole, and nobody frees it under him"""
    def producer():
        yield store("section", 1)
        yield s.fence("enter-light")
        which = yield s.load("table-look", "table")
        yield na_load(which)
        yield s.store("leave", "section", 0)

    def installer():
        yield na_store("new", 1)
        yield s.store("table-publish", "table", "new")
        if s.variant != "freed-early":
            yield from synchronize(s)
        yield na_store("old", 0)
    return Program([producer, installer], nothing, {"table": "old"})


@protocol()
def one_table(s):
    """Who was told by a producer that has seen the new table sees no older one (B9)"""
    def installer():
        yield s.store("table-publish", "table", "new")

    def producer():
        seen = yield s.load("table-look", "table")
        yield store("told", 1 if seen == "new" else 0, REL)

    def other():
        if (yield load("told", ACQ)):
            return (yield s.load("table-look", "table"))
        return "new"

    def bad(ends, _):
        return "an older table" if ends[2] != "new" else None
    return Program([installer, producer, other], bad, {"table": "old"})


@protocol(not_asked_again="who enters does not look whether sections are closed")
def close(s):
    """Who is about to fork sees who is inside, or who enters sees that sections are closed"""
    def producer():
        yield store("section", 1)
        yield s.fence("enter-light")
        if s.variant == "not-asked-again" or not (yield load("flags")):
            yield na_store("items", 1)
        else:
            yield s.fence("enter-slow")
        yield s.store("leave", "section", 0)

    def closer():
        yield from s.rmw("close-flag", "flags", lambda old: 1)
        yield s.fence("close-heavy")
        yield s.load("close-read", "section", until=lambda value: not value)
        yield na_load("items")
    return Program([producer, closer], nothing)


def without(flag):
    return lambda old: old & ~flag


def with_flag(flag):
    return lambda old: old | flag


@protocol()
def barrier_flags(s):
    """Nobody who closes sections takes back that membarrier is refused, nor the other way round"""
    def closer():
        yield from s.rmw("close-flag", "flags", with_flag(2))
        yield from s.rmw("defer-let", "flags", with_flag(4))
        yield from s.rmw("reopen", "flags", without(6))

    def refused():
        yield from s.rmw("missing", "flags", with_flag(1))

    def bad(_, memory):
        return f"the flags are {memory['flags']}" if memory["flags"] != 1 else None
    return Program([closer, refused], bad)


@protocol()
def barrier_flags_of_many(s):
    """... nor who finds that there is a membarrier that they are closed"""
    def closer():
        yield from s.rmw("close-flag", "flags", with_flag(2))

    def finds():
        yield from s.rmw("not-missing", "flags", without(1))

    def bad(_, memory):
        return f"the flags are {memory['flags']}" if memory["flags"] != 2 else None
    return Program([closer, finds], bad, {"flags": 1})


@protocol()
def queue_flags(s):
    """A queue's flags are set and cleared by several at once, and it is reported once"""
    def drainer():
        yield from s.rmw("drain-flag", "flags", with_flag(2))

    def queuer():
        return (yield from s.rmw("deprecated", "flags", without(1))) & 1

    def bad(ends, memory):
        if ends[1:].count(1) != 1:
            return "not reported once"
        return f"the flags are {memory['flags']}" if memory["flags"] != 2 else None
    return Program([drainer, queuer, queuer], bad, {"flags": 1})


@protocol()
def record(s):
    """A record has one owner, who sees what the last one wrote"""
    def claim():
        if (yield from s.cas("record-take", "owner", 0, 1)):
            yield na_store("section", (yield na_load("section")) + 1)

    def last_owner():
        yield na_store("section", 5)
        yield store("owner", 0, REL)
    return Program([last_owner, claim, claim], nothing, {"owner": "somebody"})


# --------------------------------------------------------------- publication


@protocol()
def started(s):
    """Who sees that the library has started sees the pools"""
    def starter():
        yield na_store("pools", 1)
        yield s.store("started", "is_started", 1)

    def user():
        if (yield s.load("is-started", "is_started")):
            yield na_load("pools")
    return Program([starter, user], nothing)


@protocol()
def pools(s):
    """Who finds a pool, by its number or by how many there are, finds it whole; and its workers"""
    def maker():
        yield na_store("pool", 1)
        yield s.store("pool-publish", "pools", "pool")
        yield s.store("pool-count", "nr_pools", 1)
        yield na_store("worker", 1)
        yield s.store("slot-publish", "chunks", "worker")

    def walker():
        if (yield s.load("pool-walk", "nr_pools")):
            assert (yield load("pools"))
            yield na_load("pool")

    def looker():
        if (yield s.load("pool-find", "pools")):
            yield na_load("pool")
        if (yield s.load("slot-find", "chunks")):
            yield na_load("worker")
    return Program([maker, walker, looker], nothing)


@protocol()
def ring(s):
    """Who is told of a ring sees the worker as it was when it opened it"""
    def worker():
        yield na_store("worker", 1)
        yield from s.rmw("ring-open", "nr_opened", lambda old: old + 1)

    def watcher():
        if (yield s.load("ring-news", "nr_opened")) == 2:
            yield na_load("worker")

    def other():
        yield from s.rmw("ring-open", "nr_opened", lambda old: old + 1)
    return Program([worker, other, watcher], nothing)
