# SPDX-License-Identifier: MIT
"""Timers: armed without waiting for a lock, moved from one shard to another, slept for."""
from program import AR, Program, load, na_load, na_store, store, update
from protocols import protocol
from protocols_locks import HELD, acquire, nothing, release

AWAKE = 0


def file_intake(s):
    for timer in (yield from s.xchg("shard-take", "intake", ())):
        yield na_load(timer)


def unlock_shard(s, rounds=2):
    for _ in range(rounds):
        if (yield load("intake")):
            yield from file_intake(s)
        if s.variant == "looked-first":
            found = yield s.load("shard-look", "intake")
        yield from release(s, "lock")
        yield s.fence("lock-free")
        if s.variant != "looked-first":
            found = yield s.load("shard-look", "intake")
        if not found or not (yield from s.cas("lock", "lock", 0, HELD)):
            return


@protocol(looked_first="the intake is looked at before the lock is free",
          no_second_try="who has pushed does not try for the lock")
def shard(s):
    """A timer that is pushed while its shard is locked is filed by who unlocks, or by who pushed"""
    def holder():
        yield from unlock_shard(s)
        return True

    def handler():
        yield na_store("x", 1)
        yield from s.rmw("shard-push", "intake", lambda old: old + ("x",))
        if s.variant == "no-second-try":
            return True
        yield s.fence("shard-heavy")
        if (yield from s.cas("lock", "lock", 0, HELD)):
            yield from unlock_shard(s)
        return True

    def bad(ends, memory):
        return "a timer stays on the intake" if all(ends) and memory["intake"] else None
    return Program([holder, handler], bad, {"lock": HELD, "intake": ()})


@protocol()
def shard_of_two(s):
    """... of two that are pushed at once none is lost"""
    def handler(timer):
        def run():
            yield na_store(timer, 1)
            yield from s.rmw("shard-push", "intake", lambda old: old + (timer,))
        return run

    def holder():
        yield from file_intake(s)
        yield from file_intake(s)

    def thief():
        return (yield from s.xchg("shard-take", "intake", ()))

    def bad(ends, memory):
        lost = {"x", "y"} - set(memory["intake"]) - set(ends[2])
        return f"lost: {lost}" if lost else None
    return Program([handler("x"), handler("y"), thief], bad, {"intake": ()})


@protocol(named_early="the shard is not looked up again under its lock")
def shard_moves(s):
    """Who locks the shard that a timer names sees what was done to it under the old shard's lock"""
    def mover():
        yield from acquire(s, "lock a")
        yield na_store("link", 1)
        yield s.store("shard-move", "state", "lock b")
        yield from release(s, "lock a")
        yield from acquire(s, "lock b")
        yield na_store("link", 3)
        yield from release(s, "lock b")

    def other():
        named = yield s.load("shard-named", "state")
        yield from acquire(s, named)
        if s.variant == "named-early" or (yield s.load("shard-named", "state")) == named:
            yield na_store("link", 2)
        yield from release(s, named)
    return Program([mover, other], nothing, {"state": "lock a"})


@protocol()
def shard_is_claimed(s):
    """A timer without a shard is claimed by one of two, who sees what its owner made of it"""
    def arm(which):
        def run():
            yield from s.cas("shard-claim", "state", "none", which)
            named = yield s.load("shard-named", "state")
            yield from acquire(s, named)
            yield na_store("link", which)
            yield from release(s, named)
        return run
    return Program([arm("lock a"), arm("lock b")], nothing, {"state": "none"})


@protocol(looked_early="the timer thread does not look at the shards again",
          announced_early="the deadline is looked at before next is stored")
def deadline(s):
    """Who arms sees that the timer thread is about to sleep, or that one sees the timer"""
    def armer():
        if s.variant == "announced-early":
            found = yield s.load("deadline-look", "deadline")
        yield s.store("next-lower", "next", 5)
        if s.variant != "announced-early":
            found = yield s.load("deadline-look", "deadline")
        return "leaves it to the thread" if found == AWAKE else "sets the alarm"

    def thread():
        earliest = yield s.load("next-look", "next")
        yield s.store("deadline-set", "deadline", earliest)
        if s.variant != "looked-early":
            earliest = min(earliest, (yield s.load("next-look", "next")))
        return "sleeps until 5" if earliest == 5 else "sleeps longer"

    def bad(ends, _):
        return "slept through" if ends == ["leaves it to the thread", "sleeps longer"] else None
    return Program([armer, thread], bad, {"next": 9, "deadline": AWAKE})


def announce(s, when):
    """-> whether the deadline was later: it is the caller's now"""
    found = yield s.load("deadline-look", "deadline")
    while when < found:
        seen = yield from s.rmw("deadline-lower", "deadline",
                                lambda old, now=found: when if old == now else None)
        if seen == found:
            return True
        found = seen
    return False


@protocol()
def deadline_of_sleeper(s):
    """... also of a thread that wakes up meanwhile: who armed finds that by a CAS that fails"""
    def armer():
        yield s.store("next-lower", "next", 5)
        if (yield from announce(s, 5)):
            return "sets the alarm"
        return "leaves it to the thread"

    def thread():
        yield store("deadline", AWAKE)
        earliest = yield s.load("next-look", "next")
        yield s.store("deadline-set", "deadline", earliest)
        earliest = min(earliest, (yield s.load("next-look", "next")))
        return "sleeps until 5" if earliest == 5 else "sleeps longer"

    def bad(ends, _):
        return "slept through" if ends == ["leaves it to the thread", "sleeps longer"] else None
    return Program([armer, thread], bad, {"next": 9, "deadline": 9})


@protocol(set_once="the deadline is not looked at again")
def alarm(s):
    """Of several who set the timerfd the last one sets it to the earliest deadline"""
    def armer(when):
        def run():
            if not (yield from announce(s, when)):
                return True
            for _ in (1, 2):
                wanted = yield s.load("alarm-load", "deadline")
                # a system call: the kernel has a lock of its own there
                yield update("timerfd", lambda old, tick=wanted: tick, AR)
                if s.variant == "set-once" or \
                   (yield s.load("alarm-again", "deadline")) == wanted:
                    return True
            return True
        return run

    def bad(ends, memory):
        if memory["deadline"] != 3:
            return "the deadline is not the earliest"
        if all(ends) and memory["timerfd"] != 3:
            return "the timerfd is set to another time than the deadline"
        return None
    return Program([armer(5), armer(3)], bad, {"deadline": 9, "timerfd": 9})


@protocol(called_early="the thread is called before the deadline is lowered",
          counted_late="the deadline is looked at before the calls are counted")
def alarm_without_timerfd(s):
    """The timer thread sees an earlier deadline, or is called once more than it has counted"""
    def armer(when):
        def run():
            if s.variant == "called-early":
                yield from s.rmw("timer-call", "calls", lambda old: old + 1)
            yield from announce(s, when)
            if s.variant != "called-early":
                yield from s.rmw("timer-call", "calls", lambda old: old + 1)
        return run

    def thread():
        if s.variant == "counted-late":
            wanted = yield load("deadline")
        calls = yield s.load("timer-called", "calls")
        if s.variant != "counted-late":
            wanted = yield load("deadline")
        return calls, wanted

    def bad(ends, memory):
        # the system compares with the count, under a lock that who wakes takes, too
        if ends[2] and ends[2][0] == memory["calls"] and ends[2][1] > memory["deadline"]:
            return "slept through"
        return None
    return Program([armer(5), armer(3), thread], bad, {"deadline": 9, "calls": 0})
