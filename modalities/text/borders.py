"""Where long texts are cut into windows: behind sentences where there are some, else behind clauses."""

import re
from bisect import bisect_right
from collections.abc import Sequence

SENTENCE = re.compile(r"[.!?…。！？।॥؟۔]+")
CLAUSE = re.compile(r"[,;:，、；：،؛–—]|--")
CLOSING = frozenset("\"'”’»›)]}」』）")


def window_ends(words: Sequence[str], window: int) -> list[int]:
    """The number of words up to the end of every window of at most `window` words.

    A window ends with the last sentence that ends in its second half, or else with the last clause that does: what
    belongs together stays together. Where there is neither, it is full.

    Example:
        >>> window_ends("It rains . We stay at home , she said to us and then left".split(), 8)
        [8, 15]
        >>> window_ends("a b c d e".split(), 2)
        [2, 4, 5]
    """
    sentences, clauses = _ends(words)
    ends = [0]
    while ends[-1] < len(words):
        full, least = ends[-1] + window, ends[-1] + max(window // 2, 1)
        if full >= len(words):
            ends.append(len(words))
            break
        ends.append(_last(sentences, least, full) or _last(clauses, least, full) or full)
    return ends[1:]


def _ends(words: Sequence[str]) -> tuple[list[int], list[int]]:
    """Behind which words sentences and clauses end; marks that close a quotation belong to its sentence."""
    sentences, clauses = list[int](), list[int]()
    for place, word in enumerate(words):
        if SENTENCE.fullmatch(word):
            sentences.append(place + 1)
        elif CLAUSE.fullmatch(word):
            clauses.append(place + 1)
        elif word in CLOSING and sentences and sentences[-1] == place:
            sentences[-1] = place + 1
    return sentences, clauses


def _last(ends: Sequence[int], least: int, most: int) -> int | None:
    """The last of the increasing `ends` from `least` to `most`."""
    place = bisect_right(ends, most)
    return ends[place - 1] if place and ends[place - 1] >= least else None
