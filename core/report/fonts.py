"""Fonts of this system that have the letters of a text, for pictures that hold words."""

import unicodedata
from functools import lru_cache
from typing import Any

USUAL = "DejaVu Sans"
LAST = "Last Resort"  # draws every letter as a box
SHAPING = (3, 11)
"""The version of matplotlib from which letters are joined, and written from right to left."""


def families_for(text: str) -> tuple[str, ...] | None:
    """Families of fonts that have all letters of a text between them, the usual one first; None if there are none.

    matplotlib takes each letter from the first family that has it: `text.set_fontfamily(families)`.

    Example:
        >>> families_for("Drossel"), families_for(chr(0x10FFFD))
        (('DejaVu Sans',), None)
    """
    if needs_shaping(text) and not _shapes():
        return None
    missing = {ord(letter) for letter in text if not letter.isspace() and unicodedata.category(letter) != "Cf"}
    family, path = _usual()
    missing -= _letters(path)
    families = [family]
    for family, path in _others() if missing else ():
        own = missing & _letters(path)
        if own:
            families.append(family)
            missing -= own
        if not missing:
            break
    return None if missing else tuple(families)


def needs_shaping(text: str) -> bool:
    """Whether the letters of a text stand from right to left, or change with their neighbours.

    Example:
        >>> needs_shaping("طائر"), needs_shaping("पक्षी"), needs_shaping("鳥 Grünfink")
        (True, True, False)
    """
    return any(
        unicodedata.bidirectional(letter) in ("R", "AL") or unicodedata.category(letter) in ("Mn", "Mc")
        for letter in text
    )


def _shapes() -> bool:
    import matplotlib

    return tuple(map(int, matplotlib.__version__.split(".")[:2])) >= SHAPING


@lru_cache(maxsize=1)
def _usual() -> tuple[str, str]:
    """The family that comes with matplotlib, and its file."""
    from matplotlib.font_manager import FontProperties, findfont

    return USUAL, findfont(FontProperties(family=USUAL))


@lru_cache(maxsize=1)
def _others() -> tuple[tuple[str, str], ...]:
    """One upright font of usual weight of every family."""
    from matplotlib.font_manager import fontManager

    plain = [
        font
        for font in fontManager.ttflist
        if font.style == "normal" and font.weight in (400, "normal") and not font.name.startswith(LAST)
    ]
    first: dict[str, str] = {}
    for font in sorted(plain, key=lambda font: (font.name, font.fname)):
        first.setdefault(font.name, font.fname)
    return tuple(first.items())


@lru_cache(maxsize=4096)
def _letters(path: str) -> frozenset[int]:
    """The letters that a font has outlines of; none of one that cannot be opened or has pictures in their place."""
    from matplotlib.font_manager import get_font

    try:
        font: Any = get_font(path)
        return frozenset(font.get_charmap()) if font.scalable else frozenset()
    except (OSError, RuntimeError):
        return frozenset()
