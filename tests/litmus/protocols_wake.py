# SPDX-License-Identifier: MIT
"""Who sleeps and who wakes: the intake and the waker, parks, flushers, limits, turns, tasks.

A sleeper waits for its token, or for the word of a futex, by a load that is repeated; who gets
nothing any more has no register in the end.
"""
from program import (ACQ, AR, REL, Program, choice, load, na_load, na_store, store, update)
from protocols import protocol

EMPTY, TOKEN, ASLEEP = "empty", "token", "asleep"


def push(s, item):
    """An item's memory is its owner's until it is pushed."""
    yield na_store(item, 1)
    yield from s.rmw("push", "intake", lambda old: old + (item,))


@protocol()
def intake(s):
    """Whoever takes the intake sees each item as it was pushed, and each once"""
    def worker():
        taken = yield from s.xchg("intake-take", "intake", ())
        for item in taken:
            yield na_store(item, 2)
        return taken

    def bad(ends, memory):
        every = sorted(ends[2] + memory["intake"])
        return None if every == ["x", "y"] else f"pushed x and y, found {every}"
    return Program([lambda: push(s, "x"), lambda: push(s, "y"), worker], bad, {"intake": ()})


@protocol()
def intake_is_rid_of_once(s):
    """Of two who take it each item is one's"""
    def worker():
        return (yield from s.xchg("intake-take", "intake", ()))

    def bad(ends, memory):
        every = ends[1] + ends[2] + memory["intake"]
        return None if every == ("x",) else f"pushed x, found {every}"

    def locked():
        yield load("lock", ACQ, until=lambda value: value)
        return (yield from worker())

    def first():
        taken = yield from worker()
        yield store("lock", 1, REL)
        return taken
    return Program([lambda: push(s, "x"), first, locked], bad, {"intake": ()})


@protocol(weak_offer="acquire and release on the worker's side",
          weak_push="acquire and release on the producer's side",
          looked_first="the worker looks at the intake, then offers itself")
def sleep_wake(s):
    """A worker that goes to sleep sees the item, or who pushes it sees the worker (Dekker)"""
    def producer():
        if s.variant == "weak-push":
            yield update("intake", lambda old: ("x",), AR)
            waker = yield load("waker", ACQ)
        else:
            yield from s.rmw("push", "intake", lambda old: ("x",))
            waker = yield s.load("waker-look", "waker")
        return "wakes" if waker else "wakes nobody"

    def worker():
        if s.variant == "looked-first":
            found = yield s.load("intake-look", "intake")
            yield s.store("waker-offer", "waker", 1)
            return "looks" if found else "sleeps"
        if s.variant == "weak-offer":
            yield store("waker", 1, REL)
            return "looks" if (yield load("intake", ACQ)) else "sleeps"
        yield s.store("waker-offer", "waker", 1)
        return "looks" if (yield s.load("intake-look", "intake")) else "sleeps"

    def bad(ends, _):
        return "lost wake-up" if ends == ["wakes nobody", "sleeps"] else None
    return Program([producer, worker], bad, {"intake": ()})


@protocol()
def sleep_wake_twice(s):
    """The same of a worker that sleeps, is woken by one of two, and goes to sleep again"""
    def producer():
        yield from s.rmw("push", "intake", lambda old: 1)
        if (yield s.load("waker-look", "waker")):
            if (yield from s.xchg("waker-take", "waker", 0)):
                yield update("token", lambda old: 1, AR)
        return True

    def worker():
        yield update("token", lambda old: 0, ACQ, until=lambda value: value)
        yield from s.xchg("intake-take", "intake", 0)
        if (yield load("waker")):
            return "sleeps"
        yield s.store("waker-offer", "waker", 1)
        return "looks" if (yield s.load("intake-look", "intake")) else "sleeps"

    def bad(ends, memory):
        if memory["token"] or not memory["intake"] or ends[:2] != [True, True]:
            return None
        return None if ends[2] == "looks" else "lost wake-up"
    return Program([producer, producer, worker], bad, {"waker": 1})


@protocol()
def waker_is_taken_once(s):
    """Of two who push one wakes the worker, and none takes an offer made since for his own"""
    def producer():
        yield s.load("waker-look", "waker", until=lambda value: value)
        return (yield from s.xchg("waker-take", "waker", 0))

    def bad(ends, _):
        return "taken twice" if ends.count(1) > 1 else None
    return Program([producer, producer], bad, {"waker": 1})


@protocol()
def waker_offered_anew(s):
    """Who takes an offer made since he looked finds that worker whole"""
    def manager():
        yield s.store("waker-offer", "waker", "first")
        yield na_store("second", 1)
        yield s.store("waker-offer", "waker", "second")

    def producer():
        if (yield s.load("waker-look", "waker")):
            if (yield from s.xchg("waker-take", "waker", 0)) == "second":
                yield na_load("second")
    return Program([manager, producer], lambda ends, memory: None)


@protocol(token_by_a_store="the wake is a store: nobody sees that there is a sleeper")
def park(s):
    """Who sleeps until two have come is woken, whenever they come and whatever he gives up"""
    def waker(name):
        def run():
            yield store(name, 1)
            if s.variant == "token-by-a-store":
                yield store("word", TOKEN, REL)
            elif (yield from s.xchg("park-wake", "word", TOKEN)) == ASLEEP:
                yield update("futex", lambda old: old + 1)
        return run

    def wait(may_give_up):
        if (yield from s.cas("park-sleep", "word", EMPTY, ASLEEP)):
            if may_give_up and (yield choice("sleeps", "deadline")) == "deadline":
                if (yield from s.cas("park-give-up", "word", ASLEEP, EMPTY)):
                    return
            else:
                yield s.load("park-look", "word", until=lambda value: value == TOKEN)
        yield from s.xchg("park-token", "word", EMPTY)

    def sleeper():
        for i in range(3):
            yield from wait(not i)
            if (yield load("x")) and (yield load("y")):
                return "both"
        return "some"

    def bad(ends, memory):
        if ends[2] == "some":
            return "woken for nothing"
        if ends[2] is None or memory["word"] == ASLEEP:
            return "lost wake-up"
        return None
    return Program([waker("x"), waker("y"), sleeper], bad, {"word": EMPTY})


@protocol()
def park_message(s):
    """Who is woken, or finds a token, sees what was stored before the wake that he knows of"""
    def waker():
        yield na_store("data", 1)
        yield from s.xchg("park-wake", "word", TOKEN)

    def sleeper():
        if (yield from s.cas("park-sleep", "word", EMPTY, ASLEEP)):
            yield load("word", until=lambda value: value == TOKEN)
            yield s.load("park-look", "word", until=lambda value: value == TOKEN)
        yield from s.xchg("park-token", "word", EMPTY)
        yield na_load("data")
    return Program([waker, sleeper], lambda ends, memory: None, {"word": EMPTY})


@protocol()
def park_twice(s):
    """... also of the second of two who came before he looked"""
    def waker(name):
        def run():
            yield na_store("data " + name, 1)
            yield from s.xchg("park-wake", "word", name)
        return run

    def sleeper():
        found = yield from s.rmw("park-sleep", "word",
                                 lambda old: ASLEEP if old == EMPTY else None)
        if found == EMPTY:
            if (yield choice("sleeps", "deadline")) == "deadline":
                found = yield from s.rmw("park-give-up", "word",
                                         lambda old: EMPTY if old == ASLEEP else None)
                if found == ASLEEP:
                    return
            else:
                found = yield s.load("park-look", "word", until=lambda value: value != ASLEEP)
        yield na_load("data " + found)
        token = yield from s.xchg("park-token", "word", EMPTY)
        yield na_load("data " + token)
    return Program([waker("x"), waker("y"), sleeper], lambda ends, memory: None, {"word": EMPTY})


@protocol(touched_after="the waiter's memory is looked at after is_done")
def done(s):
    """Who waits sees all that was done, and has his stack for himself when he returns"""
    def completer():
        yield na_store("data", 1)
        if s.variant != "touched-after":
            yield na_load("stack")
        yield s.store("done", "is_done", 1)
        if s.variant == "touched-after":
            yield na_load("stack")

    def waiter():
        yield s.load("wait-done", "is_done", until=lambda value: value)
        yield na_load("data")
        yield na_store("stack", 1)
    return Program([completer, waiter], lambda ends, memory: None)


@protocol(named_late="the flusher looks at its colour, then names itself")
def flush_colors(s):
    """The last item of a colour sees the flusher, or the flusher sees that it is through"""
    def last_item():
        yield from s.rmw("flush-down", "pending", lambda old: old - 1)
        return "wakes" if (yield s.load("flush-head", "head")) else "wakes nobody"

    def flusher():
        if s.variant == "named-late":
            found = yield s.load("flush-look", "pending")
            yield s.store("flush-name", "head", 1)
        else:
            yield s.store("flush-name", "head", 1)
            found = yield s.load("flush-look", "pending")
        return "sleeps" if found else "is through"

    def bad(ends, _):
        return "lost wake-up" if ends == ["wakes nobody", "sleeps"] else None
    return Program([last_item, flusher], bad, {"pending": 1})


@protocol()
def flush_of_two(s):
    """Of two pools whose last items end at once one is the last of all"""
    def last_item():
        return (yield from s.rmw("flush-down", "pending", lambda old: old - 1))

    def bad(ends, memory):
        return None if sorted(ends) == [1, 2] and not memory["pending"] else "nobody was the last"
    return Program([last_item, last_item], bad, {"pending": 2})


@protocol(looked_first="room is looked for before it can be seen that somebody waits")
def limit(s):
    """Who waits for a slot sees room, or who makes room sees him"""
    def giver():
        yield from s.rmw("limit-give", "nr", lambda old: old - 1)
        return "serves" if (yield s.load("limit-wanted", "nr_waiting")) else "serves nobody"

    def joiner():
        if s.variant == "looked-first":
            nr = yield s.load("limit-look", "nr")
            yield s.store("limit-wait", "nr_waiting", 1)
        else:
            yield s.store("limit-wait", "nr_waiting", 1)
            nr = yield s.load("limit-look", "nr")
        return "waits" if nr >= 1 else "starts"

    def bad(ends, _):
        return "waits though there is room" if ends == ["serves nobody", "waits"] else None
    return Program([giver, joiner], bad, {"nr": 1})


@protocol()
def limit_of_two(s):
    """Of two who give a slot back at once both count"""
    def giver():
        yield from s.rmw("limit-give", "nr", lambda old: old - 1)

    def bad(_, memory):
        return "a slot is lost" if memory["nr"] else None
    return Program([giver, giver], bad, {"nr": 2})


@protocol(cleared_late="the kick is taken back after the lines were looked at",
          a_load="who finds it kicked by a load does nothing")
def kick(s):
    """Who finds that a pool is kicked already need not push: it will see why he came"""
    def kicker(line):
        def run():
            yield store(line, 1)
            if s.variant == "a-load" and (yield load("is_kicked")):
                return
            if not (yield from s.xchg("kick-push", "is_kicked", 1)):
                yield update("kicks", lambda old: old + 1, AR)
        return run

    def pool():
        seen = set()
        for _ in (1, 2):
            if not (yield update("kicks", lambda old: 0, AR)):
                break
            if s.variant != "cleared-late":
                yield from s.xchg("kick-take", "is_kicked", 0)
            for line in "xy":
                if (yield load(line)):
                    seen.add(line)
            if s.variant == "cleared-late":
                yield from s.xchg("kick-take", "is_kicked", 0)
        return seen

    def bad(ends, memory):
        lost = {"x", "y"} - ends[2]
        return f"nobody looks at {lost}" if lost and not memory["kicks"] else None
    return Program([kicker("x"), kicker("y"), pool], bad, {"kicks": 0})


@protocol()
def turn(s):
    """Of two BH pools one has the turn, sees what the other did, and nobody sleeps for ever"""
    def leaver():
        yield na_store("data", 1)
        yield s.store("turn-leave", "serving", 1)
        return "wakes" if (yield s.load("turn-look", "next")) != 1 else "wakes nobody"

    def asker():
        mine = yield from s.rmw("turn-ask", "next", lambda old: old + 1)
        if (yield s.load("turn-take", "serving")) != mine:
            return "sleeps"
        yield na_load("data")
        return "has it"

    def bad(ends, _):
        return "lost wake-up" if ends == ["wakes nobody", "sleeps"] else None
    return Program([leaver, asker], bad, {"next": 1})


@protocol()
def turn_tickets(s):
    """Two who ask at once have different tickets"""
    def asker():
        return (yield from s.rmw("turn-ask", "next", lambda old: old + 1))

    def bad(ends, _):
        return "the same ticket" if ends[0] == ends[1] else None
    return Program([asker, asker], bad)


@protocol()
def task(s):
    """A thread that is about to sleep sees its condition, or who makes it true sees the thread"""
    def sleeper():
        yield store("state", ASLEEP)
        yield s.fence("task-sleep")
        return "goes on" if (yield load("condition")) else "sleeps"

    def waker():
        yield store("condition", 1)
        yield s.fence("task-wake")
        return "wakes" if (yield load("state")) == ASLEEP else "wakes nobody"

    def bad(ends, _):
        return "lost wake-up" if ends == ["sleeps", "wakes nobody"] else None
    return Program([sleeper, waker], bad)


@protocol()
def task_message(s):
    """Who returns from schedule() since he was woken sees what the waker stored before"""
    def sleeper(site):
        def run():
            if (yield s.load(site, "state")) != ASLEEP:
                yield na_load("data")
        return run

    def waker():
        yield na_store("data", 1)
        yield s.fence("task-wake")
        yield from s.cas("task-run", "state", ASLEEP, "running")
    return Program([sleeper("task-asks"), sleeper("task-woken"), waker],
                   lambda ends, memory: None, {"state": ASLEEP})


@protocol()
def task_is_woken_once(s):
    """Of two who wake a thread one is told that he did, and his token is the only one"""
    def waker():
        return (yield from s.cas("task-run", "state", ASLEEP, "running"))

    def bad(ends, _):
        return "woken twice" if all(ends) else None
    return Program([waker, waker], bad, {"state": ASLEEP})
