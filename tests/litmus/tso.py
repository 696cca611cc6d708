# SPDX-License-Identifier: MIT
"""All runs of a program on x86: each thread has a buffer of stores, first in, first out.

Loads look into the own buffer first; read-modify-writes and fences wait until it is empty, and so
does a seq_cst store, which compilers make an exchange. A heavy barrier waits for everybody's.
"""
from graph import Memory
from program import CHOICE, FENCE, HEAVY, LIGHT, READ, SC, UPDATE, WRITE
from rc11 import DONE, Explorer


class Bad(Exception):
    pass


class Machine(Explorer):
    """A state: for each thread what its operations returned and its buffer, and the memory."""

    def seen_by(self, state, number, place):
        for where, value in reversed(state[1][number]):
            if where == place:
                return value
        return dict(state[2]).get(place, self.program.init.get(place, 0))

    @staticmethod
    def put(pairs, index, value):
        return pairs[:index] + (value,) + pairs[index + 1:]

    def returned(self, state, number, value):
        values = self.put(state[0], number, state[0][number] + (value,))
        return values, state[1], state[2]

    def stored(self, state, place, value):
        memory = {**dict(state[2]), place: value}
        return state[0], state[1], tuple(sorted(memory.items()))

    def drained(self, state):
        """The oldest store of some buffer reaches memory."""
        for number, buffer in enumerate(state[1]):
            if buffer:
                after = self.stored(state, *buffer[0])
                yield after[0], self.put(after[1], number, buffer[1:]), after[2]

    def stepped(self, state, number, op):
        buffers = state[1]
        if op.kind == READ:
            value = self.seen_by(state, number, op.place)
            if op.until is None or op.until(value):
                yield self.returned(state, number, value)
        elif op.kind == CHOICE:
            for value in op.value:
                yield self.returned(state, number, value)
        elif op.kind == WRITE and op.order != SC:
            new = self.put(buffers, number, buffers[number] + ((op.place, op.value),))
            values, _, memory = self.returned(state, number, None)
            yield values, new, memory
        elif op.kind == LIGHT or op.kind == FENCE and op.order != SC:
            yield self.returned(state, number, None)
        elif not (any(buffers) if op.kind == HEAVY else buffers[number]):
            if op.until is None or op.until(self.seen_by(state, number, op.place)):
                yield self.stepped_alone(state, number, op)

    def stepped_alone(self, state, number, op):
        """With an empty buffer."""
        if op.kind in (FENCE, HEAVY):
            return self.returned(state, number, None)
        if op.kind == WRITE:
            return self.stored(self.returned(state, number, None), op.place, op.value)
        assert op.kind == UPDATE
        old = self.seen_by(state, number, op.place)
        new = op.value(old)
        state = self.returned(state, number, old)
        return state if new is None else self.stored(state, op.place, new)

    def all_steps(self, state):
        yield from self.drained(state)
        for number, values in enumerate(state[0]):
            op = self.next_op(number, values)
            if op[0] is not DONE:
                yield from self.stepped(state, number, op)

    def judge_end(self, state):
        ends = [self.next_op(number, values) for number, values in enumerate(state[0])]
        self.count += 1
        message = self.program.bad([end[1] if end[0] is DONE else None for end in ends],
                                   Memory(self.program.init, state[2]))
        if message:
            raise Bad(message)

    def run(self):
        none = ((),) * len(self.program.threads)
        stack, seen = [(none, none, ())], set()
        while stack:
            state = stack.pop()
            steps = list(self.all_steps(state))
            if not steps:
                self.judge_end(state)
            for new in steps:
                if new not in seen:
                    seen.add(new)
                    stack.append(new)
        return self.count


def check(program):
    """-> (number of ends, None), or (0, what was found)"""
    machine = Machine(program)
    try:
        return machine.run(), None
    except Bad as found:
        return 0, str(found)
