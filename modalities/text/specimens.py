"""Small passages with known groups of words, on which the conformance suite runs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import final

import torch

from gestalt.core.modality.base import Specimen

from .data import Passage

SCENES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "The old man has been waiting for a big white boat, but nobody knew its name.",
        (
            ("noun group", "The old man"),
            ("verb group", "has been waiting"),
            ("noun group", "a big white boat"),
            ("noun group", "nobody"),
            ("verb group", "knew"),
            ("noun group", "its name"),
        ),
    ),
    (
        "In 1999 their <first> engine & its 12 wheels would not turn!",
        (("noun group", "their <first> engine"), ("noun group", "its 12 wheels"), ("verb group", "would not turn")),
    ),
    ("Ελένη read 東京物語 aloud.", (("noun group", "Ελένη"), ("verb group", "read"), ("noun group", "東京物語"))),
)


@final
class Mark:
    """A passage with another word in one place, which shares no letters with any word of the specimens."""

    def __init__(self, item: Passage) -> None:
        self.item = item

    def __call__(self, element: int) -> Passage:
        """The passage, marked at that word."""
        words = list(self.item.words)
        words[element] = "ЖЩЮЪ4433" + "5" * (element % 3)
        return replace(self.item, words=tuple(words))


def specimens() -> Sequence[Specimen[Passage]]:
    """Sentences with their noun and verb groups."""
    made = []
    for text, groups in SCENES:
        item = Passage.of(text, start=10)
        labels = torch.full((len(item.words),), -1)
        truth = []
        for number, (name, group) in enumerate(groups):
            begin = text.index(group) + item.start
            end = begin + len(group)
            inside = [place for place, (a, b) in enumerate(item.spans) if begin <= a and b <= end]
            labels[inside] = number
            truth.append((name, (begin, end)))
        made.append(Specimen(item, labels, Mark(item), tuple(truth)))
    return made
