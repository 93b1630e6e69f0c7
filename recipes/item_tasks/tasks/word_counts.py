"""Bags of words: which words a text has, without anything that is learned but which words are common."""

from collections import Counter
from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.modalities.text import Passage, Words, collate
from gestalt.modalities.text.encoders import identities

HASHES = 1 << 16
"""So many different hashes of words there are."""


@final
class WordCounts(AbstractEncoder):
    """Which words there are, without parameters: every word by a hash of its letters, case folded, 1 at its place; the
    mean over a text is a bag of words. What is not listed is counted together.

    Args:
        words: the hashes of the words that have a place, of `HASHES`.
    """

    places: Tensor

    def __init__(self, words: tuple[int, ...]) -> None:
        super().__init__()
        self.words = tuple(words)
        table = torch.full((HASHES,), len(self.words))
        table[list(self.words)] = torch.arange(len(self.words))
        self.register_buffer("places", table, persistent=False)
        self.dim = len(self.words) + 1

    @classmethod
    def of(cls, texts: Sequence[Passage], most: int) -> "WordCounts":
        """With places for the `most` commonest words of some texts."""
        counts = Counter(word.casefold() for one in texts for word in one.words)
        common = [word for word, _ in counts.most_common(most)]
        return cls(tuple(dict.fromkeys(identities(collate([Passage.from_words(common)]), HASHES)[0].tolist())))

    def forward(self, data: Words) -> FeatureMap:
        """One vector per word."""
        place = self.places[identities(data, HASHES)]
        return FeatureMap(torch.nn.functional.one_hot(place, self.dim).float() * data.valid[..., None], data.valid)
