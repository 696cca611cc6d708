# SPDX-License-Identifier: MIT
"""Small concurrent programs: what a thread does, one access at a time.

A thread is a generator. It yields operations and is sent what they read; it is run again from its
start for each execution, so it may do nothing but that. What it returns is looked at in the end.
"""
from typing import Any, Callable, NamedTuple, Optional

NA, RLX, ACQ, REL, AR, SC = range(6)
ORDERS = {"na": NA, "relaxed": RLX, "acquire": ACQ, "release": REL, "acq_rel": AR, "seq_cst": SC}
NAMES = {value: name for name, value in ORDERS.items()}

READ, WRITE, UPDATE, FENCE, LIGHT, HEAVY, CHOICE = range(7)


def is_acquire(order):
    return order in (ACQ, AR, SC)


def is_release(order):
    return order in (REL, AR, SC)


class Op(NamedTuple):
    kind: int
    place: str = ""                     # the location
    order: int = NA
    value: Any = None                   # written; of UPDATE: a function old -> new, None: no write
    fail: int = RLX                     # the order of an UPDATE that does not write
    until: Optional[Callable] = None    # in a loop: is this what it waits for?
    site: str = ""


class Program(NamedTuple):
    """bad(returned, memory): what is wrong with this end, or None. A thread that waits for ever has
    returned None."""
    threads: list
    bad: Callable
    init: dict = {}


def load(place, order=RLX, until=None):
    return Op(READ, place, order, until=until)


def store(place, value, order=RLX):
    return Op(WRITE, place, order, value)


def na_load(place):
    return Op(READ, place, NA)


def na_store(place, value):
    return Op(WRITE, place, NA, value)


def update(place, function, order=RLX, until=None):
    return Op(UPDATE, place, order, function, RLX, until)


def choice(*values):
    """One of these, whichever is worse."""
    return Op(CHOICE, value=values)


class Strength(NamedTuple):
    """What an operation of the code is made of, or what is left of it."""
    kind: int
    order: int = NA
    fail: int = RLX
    is_split: bool = False              # an UPDATE torn into a load and a store

    def __str__(self):
        if self.is_split:
            return "load, then store"
        if self.kind in (LIGHT, HEAVY):
            return "light barrier" if self.kind == LIGHT else "heavy barrier"
        if self.kind == FENCE:
            return "no barrier" if self.order == NA else f"{NAMES[self.order]} fence"
        if self.kind == UPDATE and self.fail != RLX:
            return f"{NAMES[self.order]}, {NAMES[self.fail]} if it fails"
        return NAMES[self.order]


class Sites:
    """The operations of a program that stand for one in the code, each with its strength."""

    def __init__(self, strengths, variant=None):
        self.strengths = strengths
        self.variant = variant
        self.used = set()

    def of(self, site):
        self.used.add(site)
        return self.strengths[site]

    def load(self, site, place, until=None):
        strength = self.of(site)
        assert strength.kind == READ, site
        return Op(READ, place, strength.order, until=until, site=site)

    def store(self, site, place, value):
        strength = self.of(site)
        assert strength.kind == WRITE, site
        return Op(WRITE, place, strength.order, value, site=site)

    def fence(self, site):
        strength = self.of(site)
        assert strength.kind in (FENCE, LIGHT, HEAVY), site
        return Op(strength.kind, order=strength.order, site=site)

    def rmw(self, site, place, function):
        """-> what was there; `function` makes of it what will be, or None: nothing is written"""
        strength = self.of(site)
        assert strength.kind == UPDATE, site
        if not strength.is_split:
            return (yield Op(UPDATE, place, strength.order, function, strength.fail, site=site))
        read = strength.order if strength.order in (SC, ACQ) else ACQ
        old = yield Op(READ, place, read, site=site)
        new = function(old)
        if new is not None:
            write = strength.order if strength.order in (SC, REL) else REL
            yield Op(WRITE, place, write, new, site=site)
        return old

    def xchg(self, site, place, value):
        return (yield from self.rmw(site, place, lambda old: value))

    def cas(self, site, place, old, new):
        """-> whether it was `old`"""
        found = yield from self.rmw(site, place, lambda found: new if found == old else None)
        return found == old
