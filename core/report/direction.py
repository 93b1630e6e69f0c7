"""Texts that are written from right to left, in pages of other texts."""

import html
import unicodedata


def reads_leftwards(text: str) -> bool:
    """Whether a text is one of those that are written from right to left: its first letter says so.

    Example:
        >>> reads_leftwards("«سلام» hello"), reads_leftwards("1. hello")
        (True, False)
    """
    strong = (kind for kind in map(unicodedata.bidirectional, text) if kind in ("L", "R", "AL"))
    return next(strong, "L") != "L"


def isolated(text: str) -> str:
    """A text as HTML whose direction changes nothing around it.

    Example:
        >>> isolated("a <b>"), isolated("سلام 1")
        ('a &lt;b&gt;', '<bdi>سلام 1</bdi>')
    """
    leftwards = any(unicodedata.bidirectional(letter) in ("R", "AL", "RLO", "RLE", "RLI") for letter in text)
    return f"<bdi>{html.escape(text)}</bdi>" if leftwards else html.escape(text)
