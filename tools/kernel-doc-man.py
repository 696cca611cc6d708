#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kernel-doc-man.py --out DIR [--release TEXT] [--date DATE] OVERVIEW.7.in HEADER...

Man pages from the kernel-doc comments of the public headers: one of section 3
for each comment, an alias for each further name in it, and the overview, whose
@INDEX@ and @QUEUES@ are filled in. What a header declares and no comment
documents is a fault, as is a constant that the overview does not mention.
"""
import argparse
import pathlib
import re
import sys
import textwrap

COMMENT = re.compile(r"/\*\*\n(.*?)\*/", re.DOTALL)
SECTION = re.compile(r"^/\* -{3,} (.+) \*/$", re.MULTILINE)
PARAMETER = re.compile(r"@([\w.]+):\s*(.*)")
ROW = re.compile(r" {2,3}(\S+) {2,}(\S.*)")
QUEUE = re.compile(r"^WORKQ_SYSTEM_QUEUE\((\w+)\);\s*/\* (.*?) \*/$", re.MULTILINE)

# The header of our own additions, and what it needs for itself. In the others, which speak the
# kernel's names, everything with our prefix is such a need; and so are all names that begin
# with two underscores.
OWN_HEADERS = {"workq.h", "version.h.in"}
OWN_INTERNAL = {"WORKQ_FUNCTION"}


class Doc:
    """One kernel-doc comment and what it stands above."""

    def __init__(self, text, code, include, section):
        self.include, self.section = include, section
        lines = [re.sub(r"^\s*\* ?", "", line).rstrip() for line in text.splitlines()]
        title, self.parameters, body = split_comment(lines)
        names, _, self.summary = title.partition(" - ")
        self.kind = names.split()[0] if names.split()[0] in ("struct", "enum", "typedef") else ""
        self.names = [name.split()[-1].rstrip("()") for name in names.split(",")]
        self.synopsis = synopsis(code, self.kind, self.names)
        self.split_body("\n".join(body))

    def split_body(self, body):
        match = re.search(r"^Context, Return: (.*)", body, re.MULTILINE | re.DOTALL)
        if match:
            self.description, self.context, self.result = body[:match.start()], match[1], match[1]
            return
        rest, _, self.result = body.partition("Return:")
        self.description, _, self.context = rest.partition("Context:")

    def is_macro(self):
        return self.synopsis.startswith("#define")


def split_comment(lines):
    """-> title, [(parameter, text)], lines of the body"""
    title, parameters, at = lines[0], [], 1
    while at < len(lines) and lines[at] and not lines[at].startswith("@"):
        title += " " + lines[at].strip()
        at += 1
    while at < len(lines) and lines[at]:
        match = PARAMETER.match(lines[at])
        if match:
            parameters.append([match[1], match[2]])
        else:
            parameters[-1][1] += " " + lines[at].strip()
        at += 1
    return title, parameters, lines[at:]


# --- declarations -------------------------------------------------------------

def without_comments(code):
    return re.sub(r"/\*.*?\*/", "", code, flags=re.DOTALL)


def call_end(code, start):
    """The position behind the parenthesis that closes the first one after start."""
    depth = 0
    for at in range(code.index("(", start), len(code)):
        depth += {"(": 1, ")": -1}.get(code[at], 0)
        if depth == 0:
            return at + 1
    raise ValueError("unbalanced parentheses")


def plain_declaration(text):
    """As a user would write it: without attributes and the headers' own macros."""
    text = re.sub(r"WORKQ_FUNCTION\((.*?)\)", r"\1", text)
    text = re.sub(r"\b(WORKQ_EXTERN_C|static inline)\s+", "", text)
    for word in ("__attribute__", "WORKQ_SYMBOL"):
        while word in text:
            start = text.index(word)
            text = text[:start] + text[call_end(text, start):]
    return re.sub(r"\s*\n\s*", " ", text).strip()


def macro_heads(code, names):
    heads = [re.search(rf"#define ({name}\b(?:\([^)]*\))?)", code) for name in names]
    return "\n".join("#define " + head[1] for head in heads if head)


def synopsis(code, kind, names):
    """What stands behind a comment, fit for the page."""
    code = without_comments(code)
    if kind in ("struct", "enum"):
        return f"{kind} {names[0]};"
    if re.match(r"\s*#", code):
        return macro_heads(code, names)
    end = min(at for at in (code.find(";"), code.find("\n{")) if at >= 0)
    return plain_declaration(code[:end]) + ";"


def declared(header):
    """The names of a header, but constants."""
    code = without_comments(header)
    names = set(re.findall(r"^(?:struct|enum) (\w+) \{", code, re.MULTILINE))
    names |= set(re.findall(r"^typedef .*?\(\*(\w+)\)", code, re.MULTILINE))
    names |= set(re.findall(r"^#define (\w+)\(", code, re.MULTILINE))
    names |= set(re.findall(r"^static inline [^(;]*?(\w+)\(", code, re.MULTILINE))
    names |= set(re.findall(r"^WORKQ_FUNCTION\(.*?\) (\w+)\(", code, re.MULTILINE))
    return names | set(re.findall(r"^WORKQ_EXTERN_C [^(;{]*?(\w+)\(", code, re.MULTILINE))


def constants(header):
    """Enumerators without a tag, and macros without parameters."""
    code = without_comments(header)
    bodies = re.findall(r"^enum \{(.*?)\};", code, re.MULTILINE | re.DOTALL)
    names = {name for body in bodies for name in re.findall(r"\b(\w+) =", body)}
    names |= set(re.findall(r"^#define (\w+)\b(?!\()", code, re.MULTILINE))
    return {name for name in names if not name.endswith("_H")}


def is_public(name, header):
    if name.startswith("__") or name in OWN_INTERNAL:
        return False
    return header in OWN_HEADERS or not name.lower().startswith("workq_")


# --- roff ---------------------------------------------------------------------

def escape(text):
    text = text.replace("\\", "\\e")
    return re.sub(r"(?<![\w)])-(?=\w)", r"\\-", text)


def inline(text, pages):
    """References to parameters, functions and constants get their fonts."""
    text = escape(" ".join(text.split()))
    text = re.sub(r"@([\w.]+)|(?<!\w)\*(\w+)\*",
                  lambda m: f"\\fI{m[1] or m[2]}\\fP", text)
    text = re.sub(r"\b([a-zA-Z_]\w+)\(\)", lambda m: f"\\fB{m[1]}\\fP" +
                  ("(3)" if m[1] in pages else "()"), text)
    text = re.sub(r"(?<![\w\\])((?:__)?(?:WQ|WORK|WORKQ)_[A-Z_]+\*?|system_\w*wq|NULL|errno"
                  r"|E(?:INVAL|NOMEM|AGAIN))(?!\w)", r"\\fB\1\\fP", text)
    return wrap(text)


def wrap(text):
    lines = textwrap.wrap(text, 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join("\\&" + line if line[0] in ".'" else line for line in lines)


def paragraphs(text, pages):
    blocks = [block for block in re.split(r"\n\s*\n", text.strip("\n")) if block.strip()]
    return ["\n".join(block_lines(block, pages)) for block in blocks]


def is_literal(block):
    return block.startswith("  ") and not any(map(ROW.fullmatch, block.splitlines()))


def block_lines(block, pages):
    """A paragraph, with the rows of a table in it as tagged paragraphs; indented: as it stands."""
    if is_literal(block):
        return [".nf", escape(block), ".fi"]
    plain, rows = [], []
    for line in block.splitlines():
        row = ROW.fullmatch(line)
        if row:
            rows.append([row[1], row[2]])
        elif rows:
            rows[-1][1] += " " + line.strip()
        else:
            plain.append(line)
    lines = [inline(" ".join(plain), pages)] if " ".join(plain).strip() else []
    for tag, text in rows:
        lines += [".TP", f"\\fB{escape(tag)}\\fP", inline(text, pages)]
    return lines


def prototype(text, parameters):
    """Bold, the parameters in italics, broken after commas."""
    lines, line = [], ""
    for piece in re.split(r"(?<=,) ", text):
        if line and len(line) + len(piece) > 76:
            lines.append(line)
            line = "    " + piece
        else:
            line = f"{line} {piece}" if line else piece
    text = escape("\n".join(lines + [line]))
    for name, _ in parameters:
        if name != "...":
            text = re.sub(rf"\b{name}(?=[,)])", rf"\\fI{name}\\fB", text)
    return "\n".join(f"\\fB{line}\\fP" for line in text.splitlines())


def heading(name, section, options):
    return (f'.\\" SPDX-License-Identifier: MIT\n'
            f'.TH "{name}" {section} "{options.date}" "{options.release}" "libworkq manual"')


def sections_of(doc, pages):
    yield "NAME", [wrap(", ".join(doc.names) + " \\- ") + "\n" + inline(doc.summary, {})]
    yield "LIBRARY", ["The workqueue library (\\fIlibworkq\\fP, \\fI\\-lworkq\\fP)"]
    yield "SYNOPSIS", [".nf", f"\\fB#include <{doc.include}>\\fP", "",
                       "\n".join(prototype(line, doc.parameters)
                                 for line in doc.synopsis.splitlines()), ".fi"]
    description = paragraphs(doc.description, pages)
    if not description:
        stop = "" if doc.summary.endswith("?") else "."
        description = [inline(sentence(doc.summary) + stop, pages)]
    lines = ["\n.PP\n".join(description)]
    if doc.parameters:
        lines.append(".SS " + ("Members" if doc.kind in ("struct", "enum") else "Parameters"))
    for name, text in doc.parameters:
        lines += [".TP", f"\\fI{name}\\fP", inline(text, pages)]
    yield "DESCRIPTION", lines
    for title, text in (("CONTEXT", doc.context), ("RETURN VALUE", doc.result)):
        if text.strip():
            yield title, ["\n.PP\n".join(paragraphs(sentence(text), pages))]


def sentence(text):
    """With a capital, unless a name or a row of a table comes first."""
    text = text.strip(" ") if not text.startswith("\n") else text.strip("\n")
    return text[:1].upper() + text[1:] if re.match(r"[a-z]+(?![\w(])", text) else text


def mentioned(doc, pages):
    text = " ".join([doc.summary, doc.description, doc.context, doc.result] +
                    [parameter[1] for parameter in doc.parameters])
    found = {name for name in re.findall(r"\b(\w+)\(\)", text) if name in pages}
    return sorted(found - set(doc.names))


def page(doc, pages, options):
    lines = [heading(doc.names[0], 3, options)]
    for title, body in sections_of(doc, pages):
        lines += [f".SH {title}", *body]
    also = [f"\\fB{name}\\fP(3)" for name in mentioned(doc, pages)] + ["\\fBworkq\\fP(7)"]
    return "\n".join(lines + [".SH SEE ALSO", ",\n".join(also)]) + "\n"


def index(docs):
    lines, section = [], None
    for doc in docs:
        if doc.section != section:
            section = doc.section
            lines.append(f".SS {section[:1].upper()}{section[1:]}")
        lines += [".TP", ",\n".join(f"\\fB{name}\\fP(3)" for name in doc.names),
                  inline(doc.summary, {})]
    return "\n".join(lines)


def queues(header):
    return "\n".join(f".TP\n\\fB{name}\\fP\n{escape(text)}" for name, text in QUEUE.findall(header))


# --- reading and writing ------------------------------------------------------

def read_docs(path):
    text = path.read_text()
    sections = [(0, "types and items")] + [(m.start(), m[1]) for m in SECTION.finditer(text)]
    docs = []
    for match in COMMENT.finditer(text):
        section = [name for start, name in sections if start <= match.start()][-1]
        if path.name in OWN_HEADERS:
            section = "beyond the kernel"
        docs.append(Doc(match[1], text[match.end():], f"workq/{path.name}", section))
    return docs


def faults(headers, docs, overview):
    documented = {name for doc in docs for name in doc.names}
    overview = re.sub(r"\\f[BIPR]", " ", overview)
    for path in headers:
        text = path.read_text()
        public = {name for name in declared(text) | constants(text)
                  if is_public(name, path.name)}
        for name in sorted((declared(text) & public) - documented):
            yield f"{path}: {name} has no kernel-doc comment"
        for name in sorted((constants(text) & public) - documented):
            if not re.search(rf"\b{name}\b", overview):
                yield f"{path}: the overview does not mention {name}"
        for name in re.findall(r"^WORKQ_SYSTEM_QUEUE\((\w+)\)", text, re.MULTILINE):
            if name not in dict(QUEUE.findall(text)):
                yield f"{path}: {name} has no comment behind it"
        for doc in docs:
            if doc.include.endswith(path.name) and not doc.synopsis.strip(";"):
                yield f"{path}: nothing is declared behind the comment on {doc.names[0]}"
    for doc in docs:
        if not doc.summary:
            yield f"{doc.include}: {doc.names[0]} has no summary: NAME - SUMMARY"


def write_all(out, files):
    """Writes the pages and takes away those of an earlier run that are no more."""
    for old in out.glob("man[37]/*.[37]"):
        if old.relative_to(out).as_posix() not in files:
            old.unlink()
    for name, text in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text)


def pages_of(docs, overview, headers, options):
    pages = {name for doc in docs for name in doc.names}
    files = {}
    for doc in docs:
        files[f"man3/{doc.names[0]}.3"] = page(doc, pages, options)
        for alias in doc.names[1:]:
            files[f"man3/{alias}.3"] = f".so man3/{doc.names[0]}.3\n"
    text = overview.replace("@INDEX@", index(docs))
    text = text.replace("@QUEUES@", "\n".join(filter(None, (queues(h.read_text())
                                                           for h in headers))))
    files["man7/workq.7"] = heading("workq", 7, options) + "\n" + text
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--release", default="libworkq")
    parser.add_argument("--date", default="")
    parser.add_argument("overview", type=pathlib.Path)
    parser.add_argument("headers", type=pathlib.Path, nargs="+")
    options = parser.parse_args()
    overview = options.overview.read_text()
    docs = [doc for path in options.headers for doc in read_docs(path)]
    found = list(faults(options.headers, docs, overview))
    if found:
        sys.exit("\n".join(found))
    files = pages_of(docs, overview, options.headers, options)
    write_all(options.out, files)
    print(f"man pages: {len(files)} in {options.out}")


if __name__ == "__main__":
    main()
