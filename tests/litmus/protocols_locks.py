# SPDX-License-Identifier: MIT
"""The lock, its bias, and what rests on locks alone.

A light barrier and a heavy one together are as two seq_cst fences. Where membarrier is refused both
are such fences indeed, which orders more.
"""
from program import ACQ, AR, Program, load, na_load, na_store, store, update
from protocols import protocol

HELD, BIASED, REVOKED = "held", "biased", "revoked"
NOBODY, SOMEBODY, FOR_LONG, REVOKER = range(4)


def nothing(ends, memory):
    return None


def acquire(s, place):
    """Spinning: waits until it is free."""
    while True:
        yield load(place, until=lambda value: value == 0)
        if (yield from s.cas("lock", place, 0, HELD)):
            return


def release(s, place):
    yield s.store("unlock", place, 0)


@protocol()
def lock(s):
    """One holder at a time, who sees what the last one did"""
    def user():
        if (yield from s.cas("lock", "word", 0, HELD)):
            yield na_store("data", (yield na_load("data")) + 1)
            yield from release(s, "word")
            return True
        return False
    return Program([user, user, user], nothing)


def wake_sleepers(s, light, look="lock-sleepers"):
    yield s.fence(light)
    if (yield s.load(look, "sleepers")):
        yield from s.xchg("lock-wake", "sleepers", NOBODY)


@protocol(looked_first="sleepers are looked for before the lock is free",
          slept_first="the word is looked at before the sleeper is announced")
def lock_sleep(s):
    """Who sleeps on a lock is woken when it is free; its release is a plain store"""
    def holder():
        yield na_store("data", 1)
        if s.variant == "looked-first":
            found = yield s.load("lock-sleepers", "sleepers")
            yield from release(s, "word")
            if found:
                yield from s.xchg("lock-wake", "sleepers", NOBODY)
            return
        yield from release(s, "word")
        yield from wake_sleepers(s, "lock-free")

    def sleeper():
        for urgency in (SOMEBODY, FOR_LONG):
            if (yield from s.cas("lock", "word", 0, HELD)):
                yield na_load("data")
                return "held it"
            is_held = False
            if s.variant == "slept-first":
                is_held = (yield load("word")) == HELD
            yield s.store("lock-announce", "sleepers", urgency)
            yield s.fence("lock-heavy")
            if s.variant != "slept-first":
                is_held = (yield load("word")) == HELD
            if is_held:
                yield load("sleepers", until=lambda value, mine=urgency: value != mine)
        return "tries on"

    def bad(ends, _):
        return "lost wake-up" if ends[0] and ends[1] is None else None
    return Program([holder, sleeper], bad, {"word": HELD})


@protocol()
def lock_sleepers_of_two(s):
    """... also when somebody else takes the lock meanwhile, and frees it"""
    def sleeper():
        for urgency in (SOMEBODY, FOR_LONG):
            if (yield from s.cas("lock", "word", 0, HELD)):
                yield from release(s, "word")
                yield from wake_sleepers(s, "lock-free")
                return "held it"
            yield s.store("lock-announce", "sleepers", urgency)
            yield s.fence("lock-heavy")
            if (yield load("word")) == HELD:
                yield load("sleepers", until=lambda value, mine=urgency: value != mine)
        return "tries on"

    def bad(ends, memory):
        return "lost wake-up" if None in ends and not memory["word"] else None
    return Program([sleeper, sleeper], bad)


@protocol()
def lock_wake_of_two(s):
    """Of two who release it one after the other none takes back what a sleeper announced since"""
    def release_and_wake():
        yield from release(s, "word")
        yield s.fence("lock-free")
        if (yield s.load("lock-sleepers", "sleepers")):
            if (yield from s.xchg("lock-wake", "sleepers", NOBODY)):
                yield update("futex", lambda old: old + 1, AR)

    def other():
        for _ in (1, 2):
            if (yield from s.cas("lock", "word", 0, HELD)):
                yield from release_and_wake()
        return True

    def sleeper():
        # futex: who wakes is told by a number, as the kernel's queue has a lock of its own
        yield update("futex", lambda old: old, AR, until=lambda value: value)
        if (yield from s.cas("lock", "word", 0, HELD)):
            return True
        yield s.store("lock-announce", "sleepers", FOR_LONG)
        yield s.fence("lock-heavy")
        if (yield load("word")) != HELD:
            return True
        wakes = yield update("futex", lambda old: old, AR)
        if (yield load("sleepers")) == FOR_LONG:
            yield load("futex", ACQ, until=lambda value: value > wakes)
        return True

    def bad(ends, memory):
        return "lost wake-up" if ends[2] is None and not memory["word"] else None
    return Program([release_and_wake, other, sleeper], bad, {"word": HELD, "sleepers": SOMEBODY})


@protocol()
def lock_by_fences(s):
    """Where there is no membarrier both barriers are fences: nobody sleeps for ever either"""
    def holder():
        yield from release(s, "word")
        yield s.fence("light-fence")
        return "wakes" if (yield s.load("lock-sleepers", "sleepers")) else "wakes nobody"

    def sleeper():
        yield s.store("lock-announce", "sleepers", SOMEBODY)
        yield s.fence("heavy-fence")
        return "sleeps" if (yield load("word")) == HELD else "tries on"

    def bad(ends, _):
        return "lost wake-up" if ends == ["wakes nobody", "sleeps"] else None
    return Program([holder, sleeper], bad, {"word": HELD})


def enter(s):
    """-> whether the thread that the lock is biased to may go on"""
    yield s.store("bias-inside", "inside", 1)
    yield s.fence("bias-light")
    if (yield load("word")) == BIASED:
        return True
    if s.variant != "not-left":
        yield s.store("bias-leave", "inside", 0)
    return False


@protocol(marked_late="the revoker looks whether the thread is inside, then marks the word",
          looked_first="the thread looks at the word, then says that it is inside",
          left_by_a_relaxed_store="it leaves by a store that orders nothing",
          not_left="it finds the bias gone, and goes without leaving")
def bias(s):
    """The thread that the lock is biased to and who takes it away are never both inside"""
    def owner():
        if s.variant == "looked-first":
            is_in = (yield load("word")) == BIASED
            yield s.store("bias-inside", "inside", 1)
            yield s.fence("bias-light")
        else:
            is_in = yield from enter(s)
        if is_in:
            yield na_store("data", 1)
            if s.variant == "left-by-a-relaxed-store":
                yield store("inside", 0)
            else:
                yield s.store("bias-leave", "inside", 0)

    def revoker():
        if s.variant == "marked-late":
            yield s.fence("bias-heavy")
            yield s.load("bias-outside", "inside", until=lambda value: not value)
        if not (yield from s.cas("bias-mark", "word", BIASED, REVOKED)):
            return "too late"
        if s.variant != "marked-late":
            yield s.fence("bias-heavy")
            yield s.load("bias-outside", "inside", until=lambda value: not value)
        yield na_store("data", 2)
        yield store("word", HELD)
        yield from release(s, "word")
        return "through"

    def bad(ends, _):
        return None if ends[1] else "the revoker waits for ever"
    return Program([owner, revoker], bad, {"word": BIASED})


@protocol()
def bias_is_set(s):
    """Who revokes a bias sees what was done when it was given, and that its thread is inside"""
    def owner():
        if not (yield from s.cas("lock", "word", 0, HELD)):
            return
        yield na_store("data", 1)
        yield store("inside", 1)
        yield s.store("bias-set", "word", BIASED)
        yield na_store("data", 2)
        yield s.store("bias-leave", "inside", 0)

    def revoker():
        if not (yield from s.cas("bias-mark", "word", BIASED, REVOKED)):
            return
        yield s.fence("bias-heavy")
        yield s.load("bias-outside", "inside", until=lambda value: not value)
        yield na_load("data")
    return Program([owner, revoker], nothing)


@protocol()
def bias_revoked_by_two(s):
    """Of two who revoke one has it, and the other one is woken when that one is through"""
    def revoker():
        if not (yield from s.cas("bias-mark", "word", BIASED, REVOKED)):
            return False
        yield s.fence("bias-heavy")
        yield s.load("bias-outside", "inside", until=lambda value: not value)
        yield na_store("data", 1)
        return True

    def bad(ends, _):
        return None if sorted(ends) == [False, True] else "not one of them"
    return Program([revoker, revoker], bad, {"word": BIASED})


@protocol()
def bias_sleep(s):
    """A revoker that sleeps until the thread is outside is woken when that leaves"""
    def owner():
        yield na_store("data", 1)
        yield s.store("bias-leave", "inside", 0)
        yield from wake_sleepers(s, "bias-free")

    def revoker():
        for _ in (1, 2):
            if not (yield s.load("bias-outside", "inside")):
                yield na_load("data")
                return "has it"
            yield s.store("lock-announce", "sleepers", REVOKER)
            yield s.fence("lock-heavy")
            if (yield load("inside")):
                yield load("sleepers", until=lambda value: value != REVOKER)
        return "tries on"

    def bad(ends, _):
        return "lost wake-up" if ends[0] and ends[1] is None else None
    return Program([owner, revoker], bad, {"word": REVOKED, "inside": 1})


@protocol(not_woken="who gives up does not wake whoever waits for him")
def bias_given_up(s):
    """A revoker whose time is over restores the bias: who sleeps until then tries himself"""
    def revoker():
        yield na_load("data")
        yield s.store("bias-restore", "word", BIASED)
        if s.variant != "not-woken":
            yield s.fence("bias-restore-light")
            yield from s.xchg("lock-wake", "sleepers", NOBODY)
        return True

    def sleeper():
        if not (yield from s.cas("bias-mark", "word", BIASED, "mine")):
            yield s.store("lock-announce", "sleepers", SOMEBODY)
            yield s.fence("lock-heavy")
            if (yield load("word")) == REVOKED:
                yield load("sleepers", until=lambda value: value != SOMEBODY)
            return "tries on"
        yield na_store("data", 1)
        return "has it"

    def bad(ends, _):
        return "lost wake-up" if ends[0] and ends[1] is None else None
    return Program([revoker, sleeper], bad, {"word": REVOKED})


@protocol()
def unbias(s):
    """The thread takes its bias back, or somebody revokes it: one of them holds the lock"""
    def owner():
        is_mine = yield from s.cas("unbias", "word", BIASED, HELD)
        if is_mine:
            yield store("inside", 0)
            yield na_store("data", 1)
            yield from release(s, "word")
        else:
            yield na_store("data", 1)
            yield s.store("bias-leave", "inside", 0)

    def revoker():
        if (yield from s.cas("bias-mark", "word", BIASED, REVOKED)):
            yield s.fence("bias-heavy")
            yield s.load("bias-outside", "inside", until=lambda value: not value)
        elif not (yield from s.cas("lock", "word", 0, HELD)):
            return
        yield na_store("data", 2)
    return Program([owner, revoker], nothing, {"word": BIASED, "inside": 1})


@protocol(without_a_lock="nr_running is read without the pool's lock",
          looked_first="the pools are looked at, then it is said that nobody samples")
def sampling(s):
    """The manager sees that a worker runs, or that worker sees that nobody samples any more"""
    def look():
        if s.variant != "without-a-lock":
            yield from acquire(s, "lock")
        running = yield load("nr_running")
        if s.variant != "without-a-lock":
            yield from release(s, "lock")
        return running

    def manager():
        running = False
        if s.variant == "looked-first":
            running = yield from look()
        yield s.store("samples-stop", "samples", 0)
        if s.variant != "looked-first":
            running = yield from look()
        return "samples on" if running else "sleeps"

    def worker():
        yield from acquire(s, "lock")
        yield store("nr_running", 1)
        samples = yield s.load("samples-look", "samples")
        yield from release(s, "lock")
        return "wakes nobody" if samples else "wakes"

    def bad(ends, _):
        return "nobody samples" if ends == ["sleeps", "wakes nobody"] else None
    return Program([manager, worker], bad, {"samples": 1})
