"""Names of classes that are likely one, written in two ways."""

import unicodedata
from collections.abc import Iterable

SHOWN = 3
"""Groups of names that are repeated in a line."""


def alike_said(names: Iterable[str], what: str = "classes") -> str:
    """In a line, which names differ in capital letters, spaces or the form of their letters alone; nothing for none.

    Example:
        >>> alike_said(["dog", "Dog ", "cat"])
        "the classes 'dog' and 'Dog ' differ in capital letters or spaces alone: if they are one, write them alike"
        >>> alike_said(["dog", "cat"])
        ''
    """
    groups = dict[str, list[str]]()
    for name in names:
        groups.setdefault(" ".join(unicodedata.normalize("NFKC", name).casefold().split()), []).append(name)
    several = [own for own in groups.values() if len(own) > 1]
    if not several:
        return ""
    said = ", ".join(" and ".join(map(repr, own)) for own in several[:SHOWN]) + (", …" if len(several) > SHOWN else "")
    return f"the {what} {said} differ in capital letters or spaces alone: if they are one, write them alike"
