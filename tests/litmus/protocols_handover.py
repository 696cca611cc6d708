# SPDX-License-Identifier: MIT
"""What one thread leaves for another one to find: items, flags, pointers, the end of a thread."""
from program import Program, load, na_load, na_store, store
from protocols import protocol
from protocols_items import IDLE, QUEUED
from protocols_locks import nothing


@protocol()
def let_go(s):
    """Who finds an item idle that was taken back, or refused, may use it as he likes"""
    def canceller():
        yield na_store("entry", 0)
        yield from s.xchg("let-go", "word", IDLE)

    def queuer():
        if (yield from s.cas("take-cas", "word", IDLE, QUEUED)):
            yield na_store("entry", 1)
    return Program([canceller, queuer], nothing, {"word": QUEUED})


@protocol()
def pwq_by_the_settled_word(s):
    """... also if he meets the word of before fork(), and somebody queues the item meanwhile"""
    def queuer():
        yield na_store("pwq", 1)
        yield from s.xchg("word-queued", "word", "pwq")

    def flusher():
        found = yield from s.rmw("word-settle", "word",
                                 lambda old: IDLE if old == "stale" else None)
        if found == "pwq":
            yield na_load("pwq")

    def bad(_, memory):
        return "it is not queued any more" if memory["word"] != "pwq" else None
    return Program([queuer, flusher], bad, {"word": "stale"})


@protocol()
def slots(s):
    """Who counts the workers of a pool finds each of them whole"""
    def maker():
        yield na_store("worker", 1)
        yield s.store("slot-count", "nr_slots", 1)

    def sampler():
        if (yield s.load("slot-walk", "nr_slots")):
            yield na_load("worker")
    return Program([maker, sampler], nothing)


@protocol()
def report(s):
    """A report function, and whoever puts another one in its place, finds what its user prepared"""
    def user():
        yield na_store("data", 1)
        return (yield from s.xchg("report-set", "report_fn", "mine"))

    def reporter():
        if (yield s.load("report-look", "report_fn")) == "mine":
            yield na_load("data")

    def successor():
        found = yield from s.xchg("report-set", "report_fn", "another")
        if found == "mine":
            yield na_load("data")
        return found

    def bad(ends, _):
        return "both replace the same one" if ends[0] == ends[2] else None
    return Program([user, reporter, successor], bad)


@protocol()
def prepare(s):
    """A manager that is asked to look at all pools sees the new one, or is asked still"""
    def maker():
        yield store("nr_pools", 1)
        yield s.store("prepare-ask", "must_prepare", 1)

    def manager():
        is_asked = yield from s.xchg("prepare-take", "must_prepare", 0)
        return is_asked, (yield load("nr_pools"))

    def bad(ends, memory):
        if memory["must_prepare"]:
            return None
        return "forgotten" if ends[1] != (1, 1) else None
    return Program([maker, manager], bad)


@protocol()
def ended(s):
    """Who sees that a thread is at its end knows which thread to wait for"""
    def thread():
        yield store("tid", 1)
        yield s.store("ended", "has_ended", 1)

    def waiter():
        if (yield s.load("ended-look", "has_ended")):
            return (yield load("tid"))
        return 1

    def bad(ends, _):
        return "does not wait for it" if ends[1] != 1 else None
    return Program([thread, waiter], bad)


@protocol()
def poller_is_closed(s):
    """Who finds that nobody listens for switches knows which thread did"""
    def thread():
        yield store("tid", 1)
        yield s.store("poller-end", "poller", -1)

    def waiter():
        if (yield s.load("poller-look", "poller")) < 0:
            return (yield load("tid"))
        return 1

    def bad(ends, _):
        return "the thread is taken for one that never was" if ends[1] != 1 else None
    return Program([thread, waiter], bad, {"poller": 3})


@protocol()
def end_is_asked(s):
    """Whoever is asked to end does first what there was to do"""
    def asker():
        yield store("call", 1)
        yield s.store("end-ask", "must_end", 1)

    def thread():
        if (yield s.load("end-asked", "must_end")):
            return (yield load("call"))
        return 1

    def bad(ends, _):
        return "left undone" if ends[1] != 1 else None
    return Program([asker, thread], bad)


@protocol()
def shut_down(s):
    """Who is told that all is over sees what was done by then"""
    def first():
        yield na_store("data", 1)
        yield s.store("over", "is_over", 1)

    def second():
        if (yield s.load("over-look", "is_over")):
            yield na_load("data")
    return Program([first, second], nothing)


@protocol()
def kthread_is_told(s):
    """A kthread that shall stop, or begin, finds what was prepared; and no flag is lost"""
    def stopper():
        yield na_store("data", 1)
        yield from s.rmw("task-tell", "flags", lambda old: old | 1)

    def waker():
        yield from s.rmw("task-tell", "flags", lambda old: old | 2)

    def thread():
        if (yield s.load("task-asked", "flags")) & 1:
            yield na_load("data")

    def bad(_, memory):
        return f"the flags are {memory['flags']}" if memory["flags"] != 3 else None
    return Program([stopper, waker, thread], bad)


@protocol()
def flavor(s):
    """There is one flavour of RCU, and whoever finds it finds it whole"""
    def settler(mine):
        def run():
            yield na_store(mine, 1)
            found = yield from s.rmw("flavor-settle", "flavor", lambda old: None if old else mine)
            if found:
                yield na_load(found)
            return found or mine
        return run

    def user():
        found = yield s.load("flavor-look", "flavor")
        if found:
            yield na_load(found)

    def bad(ends, _):
        return "two flavours" if ends[0] != ends[1] else None
    return Program([settler("liburcu"), settler("user's"), user], bad)


@protocol()
def timer_thread_replaced(s):
    """If a thread is started as one that was replaced, and so ends at once, another one will be"""
    def replacer():
        yield from s.rmw("generation-up", "generation", lambda old: old + 1)
        yield s.store("not-started", "is_started", 0)

    def manager():
        yield s.store("timer-started", "is_started", 1)
        return (yield s.load("generation-look", "generation"))

    def bad(ends, memory):
        return "no thread" if memory["is_started"] and not ends[1] else None
    return Program([replacer, manager], bad, {"is_started": 1})
