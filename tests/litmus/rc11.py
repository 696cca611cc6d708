# SPDX-License-Identifier: MIT
"""All executions of a program that C11 allows, in the repaired form called RC11.

An execution grows by one event at a time, each behind what it reads from, so that nothing comes out
of thin air. Kept for each event: what happens before it. For each location: the order of its
writes. An event is the last of all when it is added, so that coherence and atomicity are decided
then and there; the order of what is seq_cst is checked on the whole (psc). The release sequence is
that of C++20 and C23: only read-modify-writes continue it.

A light and a heavy barrier together order like two seq_cst fences; two light ones order nothing.
"""
from graph import FIRST, SHIFT, Event, Graph, Thread
from program import (CHOICE, FENCE, HEAVY, LIGHT, NA, READ, SC, UPDATE, WRITE, is_acquire,
                     is_release)
from psc import is_sc_acyclic

DONE = object()


class Found(Exception):
    """An execution that must not be."""

    def __init__(self, message, graph):
        super().__init__(message)
        self.message, self.graph = message, graph


class Explorer:
    def __init__(self, program):
        self.program = program
        self.cache = {}
        self.places = {}
        self.count = 0

    # ------------------------------------------------------------- the threads

    def next_op(self, number, values):
        """-> what the thread does next, or (DONE, what it returned)"""
        key = number, values
        if key not in self.cache:
            thread = self.program.threads[number]()
            try:
                op = next(thread)
                for value in values:
                    op = thread.send(value)
                self.cache[key] = op
            except StopIteration as end:
                self.cache[key] = (DONE, True if end.value is None else end.value)
        return self.cache[key]

    def ops(self, graph):
        for number, thread in enumerate(graph.threads):
            op = self.next_op(number, thread.values)
            if op[0] is not DONE:
                yield number, op

    def registers(self, graph):
        ends = [self.next_op(n, t.values) for n, t in enumerate(graph.threads)]
        return [end[1] if end[0] is DONE else None for end in ends]

    # --------------------------------------------------------- growing a graph

    def start(self):
        """What was there first happens before everything; its events are made when needed."""
        thread = Thread((), (), 0, FIRST, 0, 0)
        return Graph((thread,) * len(self.program.threads), {}, {}, {})

    def with_place(self, graph, place):
        if not place or place in graph.order:
            return graph
        name = self.places.setdefault(place, len(self.places))
        assert name < 1 << SHIFT
        first = Event(WRITE, place, NA, self.program.init.get(place, 0), -1, 0, 0)
        return graph._replace(events={**graph.events, name: first},
                              order={**graph.order, place: (name,)})

    def floor(self, graph, place, hb):
        """The oldest write that somebody with this past may still read."""
        writes = graph.order[place]
        for index in range(len(writes) - 1, -1, -1):
            if hb & (1 << writes[index] | graph.readers.get(writes[index], 0)):
                return index
        return 0

    def add(self, graph, number, op, kind, order, value, source=-1, position=None, result=None):
        thread, events = graph.threads[number], graph.events
        name = (number + 1 << SHIFT) + thread.size
        hb, acquired, fenced = thread.hb, thread.acquired, thread.released
        released = 0
        if source >= 0:
            if is_acquire(order):
                hb |= events[source].released
            else:
                acquired |= events[source].released
        if kind in (FENCE, HEAVY) and is_acquire(order):
            hb |= acquired
        if kind in (FENCE, HEAVY) and is_release(order):
            fenced = hb | 1 << name
        if position is not None:
            released = hb | 1 << name if is_release(order) else fenced if order != NA else 0
            if source >= 0:
                released |= events[source].released
        event = Event(kind, op.place, order, value, source, hb, released)
        threads = list(graph.threads)
        threads[number] = Thread(thread.values + (result,), thread.sources + (source,),
                                 thread.size + 1, hb | 1 << name, acquired, fenced)
        new_events = {**events, name: event}
        orders, readers = graph.order, graph.readers
        if position is not None:
            writes = orders[op.place]
            orders = {**orders, op.place: writes[:position] + (name,) + writes[position:]}
        if source >= 0:
            readers = {**readers, source: readers.get(source, 0) | 1 << name}
        grown = Graph(tuple(threads), new_events, orders, readers)
        if (order == SC or kind == LIGHT) and not is_sc_acyclic(grown):
            return None
        if event.place and self.has_race(graph, event) and is_sc_acyclic(grown):
            raise Found(f"data race on {event.place}", grown)
        return grown

    @staticmethod
    def has_race(graph, event):
        """Is there one on the same location, not ordered, and one of them plain?"""
        return any(other.place == event.place and NA in (other.order, event.order) and
                   not event.hb >> name & 1 and not event.kind == other.kind == READ
                   for name, other in graph.events.items())

    def grow_read(self, graph, number, op):
        """By a load: one graph for each write that it may read."""
        writes = graph.order[op.place]
        for source in writes[self.floor(graph, op.place, graph.threads[number].hb):]:
            value = graph.events[source].value
            if op.until is None or op.until(value):
                yield self.add(graph, number, op, READ, op.order, value, source, None, value)

    def grow_update(self, graph, number, op):
        writes = graph.order[op.place]
        for index in range(self.floor(graph, op.place, graph.threads[number].hb), len(writes)):
            source = writes[index]
            old = graph.events[source].value
            if op.until is not None and not op.until(old):
                continue
            new = op.value(old)
            if new is None:
                yield self.add(graph, number, op, READ, op.fail, old, source, None, old)
            elif not self.is_updated(graph, writes, index):
                yield self.add(graph, number, op, UPDATE, op.order, new, source, index + 1, old)

    @staticmethod
    def is_updated(graph, writes, index):
        """Nothing comes between a write and the read-modify-write that reads it."""
        return index + 1 < len(writes) and graph.events[writes[index + 1]].kind == UPDATE

    def grow_write(self, graph, number, op):
        writes = graph.order[op.place]
        for index in range(self.floor(graph, op.place, graph.threads[number].hb), len(writes)):
            if not self.is_updated(graph, writes, index):
                yield self.add(graph, number, op, WRITE, op.order, op.value, -1, index + 1)

    def grow_choice(self, graph, number, op):
        thread = graph.threads[number]
        for value in op.value:
            threads = list(graph.threads)
            threads[number] = thread._replace(values=thread.values + (value,),
                                              sources=thread.sources + (-1,))
            yield graph._replace(threads=tuple(threads))

    def grow(self, graph, number, op):
        graph = self.with_place(graph, op.place)
        if op.kind == READ:
            return self.grow_read(graph, number, op)
        if op.kind == UPDATE:
            return self.grow_update(graph, number, op)
        if op.kind == WRITE:
            return self.grow_write(graph, number, op)
        if op.kind == CHOICE:
            return self.grow_choice(graph, number, op)
        if op.kind == FENCE and op.order == NA:
            return self.grow_choice(graph, number, op._replace(value=(None,)))
        order = SC if op.kind == HEAVY else op.order
        return [self.add(graph, number, op, op.kind, order, None)]

    # --------------------------------------------------------------- all of them

    def successors(self, graph):
        """What needs nobody else comes first: it may as well be early."""
        ops = list(self.ops(graph))
        for number, op in ops:
            if op.kind not in (READ, UPDATE) or op.order == NA and op.kind == READ:
                return self.grow(graph, number, op)
        return (new for number, op in ops for new in self.grow(graph, number, op))

    def is_stuck(self, graph):
        """Does everybody who is not through wait for what will not come?"""
        for _, op in self.ops(graph):
            if op.until is None:
                return False
            graph = self.with_place(graph, op.place)
            if op.until(graph.events[graph.order[op.place][-1]].value):
                return False
        return True

    def judge(self, graph):
        if not is_sc_acyclic(graph):
            return
        self.count += 1
        message = self.program.bad(self.registers(graph), graph.memory(self.program.init))
        if message:
            raise Found(message, graph)

    def run(self):
        """-> the number of executions; raises Found"""
        first = self.start()
        stack, seen = [first], {first.key()}
        while stack:
            graph = stack.pop()
            if self.is_stuck(graph):
                self.judge(graph)
            for new in self.successors(graph):
                if new is not None and (key := new.key()) not in seen:
                    seen.add(key)
                    stack.append(new)
        return self.count


def check(program):
    """-> (number of executions, None), or (0, what was found)"""
    explorer = Explorer(program)
    try:
        return explorer.run(), None
    except Found as found:
        return 0, found
