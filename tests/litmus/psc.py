# SPDX-License-Identifier: MIT
"""Is there an order of all that is seq_cst, as RC11 has it?

psc = ([Esc] | [Fsc]; hb?); scb; ([Esc] | hb?; [Fsc])  |  [Fsc]; (hb | hb; eco; hb); [Fsc]
scb = sb | sb!=; hb; sb!= | hb to the same location | mo | rb

must have no cycle. All relations are looked at backwards: who comes before an event?
"""
from graph import FIRST, SHIFT, bits
from program import HEAVY, LIGHT, SC


def image(mask, relation):
    result = 0
    for name in bits(mask):
        result |= relation(name)
    return result


class Backwards:
    def __init__(self, graph):
        self.events, self.readers = graph.events, graph.readers
        self.there, self.same, self.writes_before = 0, {}, {}
        for name, event in self.events.items():
            self.there |= 1 << name
            self.same[event.place] = self.same.get(event.place, 0) | 1 << name
        for writes in graph.order.values():
            before = 0
            for name in writes:
                self.writes_before[name] = before
                before |= 1 << name
        self.known = {}

    def hb(self, name):
        return self.events[name].hb & self.there

    def of_thread(self, name):
        """Earlier in the same thread."""
        first = (name >> SHIFT) << SHIFT
        return self.there & ((1 << name) - (1 << first) | (FIRST if first else 0))

    def elsewhere(self, name):
        place = self.events[name].place
        return self.of_thread(name) & ~(self.same[place] if place else 0)

    def overwritten(self, name):
        """Of a write: earlier writes, and who reads those."""
        before = self.writes_before.get(name, 0)
        return (before | image(before, lambda w: self.readers.get(w, 0))) & ~(1 << name)

    def eco(self, name):
        source = self.events[name].source
        result = self.overwritten(name)
        if source >= 0:
            result |= 1 << source | self.overwritten(source)
        return result

    def scb(self, name):
        if name not in self.known:
            event = self.events[name]
            middle = image(image(self.elsewhere(name), self.hb), self.elsewhere)
            result = self.of_thread(name) | middle | self.overwritten(name)
            if event.place:
                result |= self.hb(name) & self.same[event.place]
            self.known[name] = result
        return self.known[name]

    def psc(self, name, chosen):
        """Which of the chosen come before this one?"""
        is_fence = not self.events[name].place
        reached = image(1 << name | (self.hb(name) if is_fence else 0), self.scb)
        behind = reached | image(reached, self.hb)
        if is_fence:
            behind |= self.hb(name) | image(image(self.hb(name), self.eco), self.hb)
        by_hb = self.hb(name) if is_fence else 0
        for other in chosen:
            is_other_fence = not self.events[other].place
            if self.is_light(name, other):
                before = by_hb if is_other_fence else 0
            else:
                before = behind if is_other_fence else reached
            if before >> other & 1:
                yield other

    def is_light(self, name, other):
        """Is one a light barrier, and none a heavy one?"""
        kinds = self.events[name].kind, self.events[other].kind
        return LIGHT in kinds and HEAVY not in kinds


def is_sc_acyclic(graph):
    chosen = [name for name, e in graph.events.items() if e.order == SC or e.kind == LIGHT]
    if len(chosen) < 2:
        return True
    relation = Backwards(graph)
    edges = {name: set(relation.psc(name, chosen)) for name in chosen}
    while True:
        ends = [name for name, before in edges.items() if not before & edges.keys()]
        if not ends:
            return not edges
        for name in ends:
            del edges[name]
