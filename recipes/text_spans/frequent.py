"""First segments by a rule for any language with spaces: spans that begin with frequent words."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.items import AbstractItems, BadItemError, read_item
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.data.view import Batch
from gestalt.core.discovery.segmenters.base import AbstractSegmenter
from gestalt.modalities.text import Passage, Words, collate
from gestalt.modalities.text.letters import ngrams
from gestalt.modalities.text.punctuation import words_of

from .rules import numbered

ENOUGH = 20_000
"""Passages that statistics are learned from."""


@final
class FromFrequent(AbstractSegmenter):
    """A span begins where a frequent word follows a rare one; punctuation ends it.

    Function words are the most frequent of any corpus, and mostly begin what they belong to.

    Args:
        words: the most frequent words of the corpus.
    """

    frequent: Tensor

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__()
        self.register_buffer("frequent", hashes_of(words))

    def forward(self, batch: Batch[Any], generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        """The spans of every passage; nothing is drawn at random."""
        labels = self.spans(batch.source.data)
        return Segmentation.from_labels(labels, labels.shape[1])

    def spans(self, data: Words) -> Int[Tensor, "items words"]:
        """The number of every word's span; −1 on punctuation and padding."""
        inside = words_of(data)
        known = torch.isin(ngrams(data.codes.flatten(0, 1), (), whole=True)[0].view(inside.shape), self.frequent)
        begins = torch.zeros_like(inside)
        begins[:, 1:] = known[:, 1:] & ~known[:, :-1]
        return numbered(inside, begins)


def hashes_of(words: Sequence[str]) -> Int[Tensor, " frequent"]:
    """A number for every word, the same for capitals and small letters."""
    if not words:
        return torch.zeros(0, dtype=torch.long)
    return ngrams(collate([Passage.from_words(words)]).codes[0], (), whole=True)[0][:, 0]


def most_frequent(passages: Iterable[Passage], count: int) -> tuple[str, ...]:
    """The most frequent words of some passages, in small letters."""
    numbers: Counter[str] = Counter()
    for item in passages:
        numbers.update(word.lower() for word in item.words if any(map(str.isalnum, word)))
    return tuple(word for word, _ in numbers.most_common(count))


def read_some(items: AbstractItems[Passage]) -> list[Passage]:
    """Passages of a data set to learn statistics from, at most `ENOUGH`; those that cannot be read are left out."""
    rng, found = np.random.default_rng(0), []
    for place in np.linspace(0, len(items) - 1, min(len(items), ENOUGH)).astype(int).tolist():
        try:
            found.append(read_item(items, place, rng))
        except BadItemError:
            continue
    return found
