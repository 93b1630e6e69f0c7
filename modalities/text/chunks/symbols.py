"""Words as numbers: the frequent ones each by itself, the others by how they end."""

from collections.abc import Iterable
from typing import final

import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

from ..data import Words
from ..letters import folded, ngrams, shapes

DIGITS = 1
"""The ending of whatever has a digit."""
UNUSED = torch.iinfo(torch.long).max


@final
class Symbols(nn.Module):
    """The number of every word: frequent words in the order of their frequency, then endings, then all others.

    Words are the same in capitals and in small letters; an ending are the last two letters, and all that has digits
    ends alike. What is fitted is kept in buffers.

    Args:
        words: most words that are told apart, of those that come five times.
        endings: most endings of all others, of those that come ten times.
    """

    hashes: Tensor
    numbers: Tensor

    WORDS_AT_LEAST, ENDINGS_AT_LEAST = 5, 10

    def __init__(self, words: int, endings: int) -> None:
        super().__init__()
        self.words, self.endings = words, endings
        self.register_buffer("hashes", torch.full((words + endings,), UNUSED))
        self.register_buffer("numbers", torch.zeros(words + endings, dtype=torch.long))

    @property
    def count(self) -> int:
        """How many numbers there are."""
        return self.words + self.endings + 1

    def fit(self, texts: Iterable[tuple[Words, Bool[Tensor, "items words"]]]) -> None:
        """Learn which words and endings are frequent in batches of words, of which those that are marked count."""
        pairs = [torch.stack([word_hashes(data)[inside], ending_hashes(data)[inside]]) for data, inside in texts]
        words, endings = torch.cat(pairs, dim=1)
        frequent = _most(words, self.words, self.WORDS_AT_LEAST)
        ends = _most(endings[~torch.isin(words, frequent)], self.endings, self.ENDINGS_AT_LEAST)
        keys = torch.cat([frequent, ends])
        numbers = torch.cat([torch.arange(len(frequent)), self.words + torch.arange(len(ends))])
        order = keys.argsort()
        self.hashes.fill_(UNUSED)
        self.numbers.fill_(self.count - 1)
        self.hashes[: len(keys)], self.numbers[: len(keys)] = keys[order], numbers[order]

    def forward(self, data: Words) -> Int[Tensor, "items words"]:
        """The number of every word."""
        by_word, by_ending = self._numbers(word_hashes(data)), self._numbers(ending_hashes(data))
        return torch.where(by_word < self.count - 1, by_word, by_ending)

    def _numbers(self, hashes: Int[Tensor, "items words"]) -> Int[Tensor, "items words"]:
        place = torch.searchsorted(self.hashes, hashes).clamp(max=len(self.hashes) - 1)
        return torch.where(self.hashes[place] == hashes, self.numbers[place], self.count - 1)


def word_hashes(data: Words) -> Int[Tensor, "items words"]:
    """A number ≥ 0 for every word, the same for capitals and small letters."""
    return ngrams(data.codes.flatten(0, 1), (), whole=True)[0][:, 0].view(data.codes.shape[:2])


def ending_hashes(data: Words) -> Int[Tensor, "items words"]:
    """A number < 0 for the last two letters of every word."""
    codes = folded(data.codes.flatten(0, 1))
    last = (codes > 0).sum(dim=1, keepdim=True) - 1
    letters = [(codes.gather(1, (last - back).clamp(min=0)) * (last >= back))[:, 0] for back in (0, 1)]
    endings = torch.where(shapes(codes)[:, 3] > 0, DIGITS, letters[0] * 2**21 + letters[1])
    return -1 - endings.view(data.codes.shape[:2])


def _most(hashes: Int[Tensor, " words"], most: int, least: int) -> Int[Tensor, " kept"]:
    """The most frequent, from the most frequent on."""
    known, counts = hashes.unique(return_counts=True)
    order = counts.argsort(descending=True, stable=True)[:most]
    kept: Tensor = known[order][counts[order] >= least]
    return kept
