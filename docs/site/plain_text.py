"""Docstrings are plain text with code in backquotes; the reference takes Markdown."""

import re

# Code is left as it is: in backquotes, and what follows the prompt of a session.
CODE = re.compile(r"(`[^`]*`)")
ENTRY = re.compile(r"\s*\*{0,2}[\w.]+(?: \([^)]*\))?: ")


def as_markdown(docstring: str) -> str:
    """The same text for a reader of Markdown: formulas keep their _ and *, and an `Example:` is a session of Python."""
    session, lines = False, []
    for line in re.sub(r"^Example:$", "Examples:", docstring, flags=re.MULTILINE).splitlines():
        session = line.lstrip().startswith(">>> ") or (session and line.strip() != "")
        lines.append(line if session else escaped(line))
    return "\n".join(lines)


def escaped(line: str) -> str:
    """A line of prose with _ and * as they stand; the name of an argument at its beginning is no prose."""
    entry = ENTRY.match(line)
    start = entry.end() if entry else 0
    parts = CODE.split(line[start:])
    return line[:start] + "".join(part if part.startswith("`") else re.sub(r"([_*])", r"\\\1", part) for part in parts)
