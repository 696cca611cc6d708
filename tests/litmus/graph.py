# SPDX-License-Identifier: MIT
"""An execution: events, what each happens after, what it reads, the order of writes.

Events are numbers: that of the thread << SHIFT, and on; so sets of them are bit masks.
"""
from typing import NamedTuple

from program import FENCE, HEAVY, LIGHT, NAMES, READ, UPDATE, WRITE

SHIFT = 5
FIRST = (1 << (1 << SHIFT)) - 1         # the writes of what was there first


class Event(NamedTuple):
    kind: int
    place: str
    order: int
    value: object                       # written, or read
    source: int                         # whose write it reads, or -1
    hb: int                             # what happens before it
    released: int                       # what an acquire that reads it has behind it


class Thread(NamedTuple):
    values: tuple                       # what its operations returned
    sources: tuple                      # whom they read
    size: int
    hb: int
    acquired: int                       # by relaxed reads, until a fence
    released: int                       # by the last release fence


class Memory(dict):
    """What is there in the end; 0 where nothing else was said."""

    def __init__(self, init, last):
        super().__init__(init)
        self.update(last)

    def __missing__(self, place):
        return 0


class Graph(NamedTuple):
    threads: tuple
    events: dict
    order: dict                         # location -> writes in modification order
    readers: dict                       # write -> who reads it

    def key(self):
        return (tuple((thread.values, thread.sources) for thread in self.threads),
                tuple(sorted(self.order.items())))

    def memory(self, init):
        last = {place: self.events[writes[-1]].value for place, writes in self.order.items()}
        return Memory(init, last)


def bits(mask):
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


# ------------------------------------------------------------------- telling it

KINDS = {READ: "R", WRITE: "W", UPDATE: "U", FENCE: "fence", LIGHT: "light barrier",
         HEAVY: "heavy barrier"}


def label(name):
    number = name >> SHIFT
    return f"{'abcdefgh'[number - 1]}{(name & (1 << SHIFT) - 1) + 1}" if number else "the start"


def describe(graph, name):
    event = graph.events[name]
    if event.kind in (LIGHT, HEAVY):
        return KINDS[event.kind]
    if event.kind == FENCE:
        return f"{NAMES[event.order]} fence"
    what = f"{KINDS[event.kind]} {event.place} = {event.value!r} {NAMES[event.order]}"
    if event.source >= 0:
        what += f", reads {label(event.source)}"
    return what


def show(graph):
    lines = [f"    {label(name)}: {describe(graph, name)}"
             for name in sorted(graph.events) if name >> SHIFT]
    for place, writes in sorted(graph.order.items()):
        if len(writes) > 2:
            lines.append(f"    {place}: " + " < ".join(label(w) for w in writes))
    return "\n".join(lines)
