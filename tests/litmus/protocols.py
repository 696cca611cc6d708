# SPDX-License-Identifier: MIT
"""What all protocols have in common: a program for each, and how to make it wrong."""
from typing import Callable, NamedTuple

ALL = []


class Protocol(NamedTuple):
    name: str
    make: Callable                      # Sites -> Program
    variants: dict                      # known to be wrong: {name: what it is}
    claim: str


def protocol(**variants):
    def add(make):
        ALL.append(Protocol(make.__name__.replace("_", "-"), make,
                            {name.replace("_", "-"): text for name, text in variants.items()},
                            make.__doc__))
        return make
    return add
