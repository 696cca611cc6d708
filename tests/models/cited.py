#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""cited.py [ROOT]: do the functions still exist that the models say they stand for?

The part "Models" of the comment on top of a model cites them: "f(), g() in ops/x.c; h() in ...".
They must be in that room, the .c or the .h; those cited without a room, anywhere in lib/.
"""
import pathlib
import re
import sys

ROOM = re.compile(r"\b((?:base|core|ops|watch)/[a-z_]+)\.(?:[ch]\b|\[ch\])")
FUNCTION = re.compile(r"\b([a-z]\w+)\(\)")


def cited_part(model):
    """What the head says between "Models" and the next part."""
    head = re.sub(r"\n \*\s*", " ", re.sub(r"\n \* ([A-Z]\w+)  +", r"\n#\1 ", model.read_text()))
    found = re.search(r"#Models (.*?)(?:\n#|\*/)", head, re.DOTALL)
    return found.group(1) if found else ""


def claims(text):
    """Pairs of a function and its room, or None."""
    for phrase in re.split(r";|\. |: ", text):
        begin = 0
        for room in ROOM.finditer(phrase):
            before = phrase[begin:room.start()]
            if re.search(r"\bin (?:lib/)?$", before):
                yield from ((name, room.group(1)) for name in FUNCTION.findall(before))
                begin = room.end()
        yield from ((name, None) for name in FUNCTION.findall(phrase[begin:]))


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
    sources = {path: path.read_text() for path in sorted((root / "lib").glob("*/*.[ch]"))}
    rooms, nr, faults = {}, 0, 0
    for path, text in sources.items():
        room = f"{path.parent.name}/{path.stem}"
        rooms[room] = rooms.get(room, "") + text
    everything = "".join(sources.values())
    for model in sorted((root / "docs/models").glob("*.pml")):
        for name, room in claims(cited_part(model)):
            nr += 1
            if not re.search(rf"\b{name}\(", rooms.get(room, "") if room else everything):
                print(f"{model.name}: there is no {name}() in {room or 'lib'}")
                faults += 1
    print(f"models: {nr} functions cited, {faults} of them not there")
    return 1 if faults or not nr else 0


if __name__ == "__main__":
    sys.exit(main())
