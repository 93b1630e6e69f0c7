"""Spans of one passage set into another, in place of other words or between them."""

import numpy as np

from gestalt.core.data.masks import ItemMasks
from gestalt.core.modality.transplant import Transplant

from .data import Passage

REPLACED = 0.5
"""Chance that a span takes the place of other words, where there are enough; otherwise it is put between two."""


def transplant(host: Passage, donor: Passage, part: ItemMasks, rng: np.random.Generator) -> Transplant[Passage] | None:
    """A span of one passage within another: in place of a random stretch of words, or between two words.

    The longest run of words of the part is taken. A stretch that gives way has up to twice as many words, and at most
    half of the host's. The first and the last word of the host, its capital and its full stop, stay where they are; a
    capital with which the donor begins becomes a small letter. White space is that of the two passages, and at least a
    space between words that were no neighbours.

    Args:
        host: the passage that the span is set into.
        donor: the passage that it is from.
        part: which words.
        rng: the only source of randomness.

    Returns:
        None for a part of more words than the host has, or of none.
    """
    first, count = _run(part, donor)
    total = len(host.words)
    if not 0 < count <= total:
        return None
    most = min(2 * count, total // 2, max(total - 2, 0))
    replaces, length = rng.random() < REPLACED, int(rng.integers(1, max(most, 1) + 1))
    gone = length if replaces and most else 0
    place = int(rng.integers(1, max(total - gone, 2)))

    span = list(donor.words[first : first + count])
    if first == 0 and span[0].istitle():
        span[0] = span[0].lower()
    after = place + gone
    words = (*host.words[:place], *span, *host.words[after:])
    before = donor.gaps[first] or ("" if first and not _is_word(span[0]) else " ")
    behind = host.gaps[after] if after == total else _between(host.gaps[after], host.words[after])
    gaps = (*host.gaps[:place], before, *donor.gaps[first + 1 : first + count], behind, *host.gaps[after + 1 :])
    of_host = [*range(place), *[-1] * count, *range(after, total)]
    of_donor = [*[-1] * place, *range(first, first + count), *[-1] * (total - after)]
    return Transplant.of_set(Passage(words, gaps, host.start), of_host, of_donor)


def _run(part: ItemMasks, donor: Passage) -> tuple[int, int]:
    """Where the longest run of words of a part begins, and how many they are."""
    inside = (part.under(None, len(donor.words)) >= 0).numpy().astype(np.int8)
    bounds = np.flatnonzero(np.diff(inside, prepend=0, append=0)).reshape(-1, 2)
    if not len(bounds):
        return 0, 0
    begin, end = bounds[int(np.diff(bounds, axis=1).argmax())].tolist()
    return begin, end - begin


def _between(gap: str, word: str) -> str:
    """White space before a word that has a new neighbour."""
    return gap or (" " if _is_word(word) else "")


def _is_word(text: str) -> bool:
    """Whether it is more than punctuation."""
    return any(letter.isalnum() for letter in text)
