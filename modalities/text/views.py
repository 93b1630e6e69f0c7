"""Transforms that move, drop and insert words, each with its correspondence, and views made of all transforms.

Whatever is drawn does not depend on what the words are, so that a change of one word changes no other.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import final

import numpy as np

from gestalt.core.components.ranges import Count, PositiveShare, Share, check_ordered, check_ranges
from gestalt.core.data.correspondence import Index
from gestalt.core.modality.transform import AbstractTransform, Chain, Views

from .data import Passage
from .noise import AbstractNoise, Characters, Keyboard


def unchanged(item: Passage) -> Index:
    """Every word is itself."""
    return Index.identity(len(item.words))


@final
class Crop(AbstractTransform[Passage]):
    """A random stretch of words, `least` … `most` of the passage (shares), and never less than `shortest` words."""

    def __init__(self, least: PositiveShare = 0.6, most: PositiveShare = 1.0, shortest: Count = 3) -> None:
        self.least = least
        self.most = most
        self.shortest = shortest
        check_ranges(self)
        check_ordered(self, "least", "most")

    def __call__(self, item: Passage, rng: np.random.Generator) -> tuple[Passage, Index]:
        """Word `i` of the view is word `first + i`."""
        words = len(item.words)
        length = min(words, max(self.shortest, round(rng.uniform(self.least, self.most) * words)))
        first = int(rng.integers(words - length + 1))
        gaps = ("", *item.gaps[first + 1 : first + length], "")
        stretch = Passage(item.words[first : first + length], gaps, item.spans[first][0])
        return stretch, Index.of(range(first, first + length))


@final
class Delete(AbstractTransform[Passage]):
    """Drops every word with probability `share`; at least one stays."""

    def __init__(self, share: Share = 0.1) -> None:
        self.share = share
        check_ranges(self)

    def __call__(self, item: Passage, rng: np.random.Generator) -> tuple[Passage, Index]:
        """The words that stay, in order."""
        draws = rng.random(len(item.words))
        kept = np.flatnonzero(draws >= min(self.share, float(draws.max()))).tolist()
        return arranged(item, [item.words[place] for place in kept], kept), Index.of(kept)


@final
class Swap(AbstractTransform[Passage]):
    """Exchanges neighbouring words; every word begins a swap with probability `share`."""

    def __init__(self, share: Share = 0.1) -> None:
        self.share = share
        check_ranges(self)

    def __call__(self, item: Passage, rng: np.random.Generator) -> tuple[Passage, Index]:
        """The new order."""
        order = list(range(len(item.words)))
        for place in np.flatnonzero(rng.random(len(order) - 1) < self.share).tolist():
            order[place : place + 2] = order[place + 1], order[place]
        return arranged(item, [item.words[place] for place in order], order), Index.of(order)


@final
class Insert(AbstractTransform[Passage]):
    """Puts a further word before every word with probability `share`.

    Args:
        vocabulary: inserted words are drawn from these, the words of a corpus, say; they show nothing of the source.
            None repeats words of the passage itself, which show what they repeat.
        share: how often.
    """

    def __init__(self, vocabulary: Sequence[str] | None = None, share: Share = 0.1) -> None:
        if vocabulary is not None and not all(vocabulary or [""]):
            raise ValueError("Insert needs a vocabulary of words, none of them empty; None repeats the passage's own")
        self.vocabulary = None if vocabulary is None else tuple(vocabulary)
        self.share = share
        check_ranges(self)

    def __call__(self, item: Passage, rng: np.random.Generator) -> tuple[Passage, Index]:
        """−1 for a word of the vocabulary, the number of the word that it repeats otherwise."""
        places = np.flatnonzero(rng.random(len(item.words)) < self.share)
        source = item.words if self.vocabulary is None else self.vocabulary
        chosen = rng.integers(len(source), size=len(places))
        words = np.insert(np.array(item.words, dtype=object), places, [source[number] for number in chosen]).tolist()
        index = np.insert(np.arange(len(item.words)), places, chosen if self.vocabulary is None else -1).tolist()
        return arranged(item, words, index), Index.of(index)


@final
class Noisy(AbstractTransform[Passage]):
    """Changes every word with probability `share`, each by random numbers of its own; no word comes or goes."""

    def __init__(self, noise: AbstractNoise, share: Share = 0.1) -> None:
        self.noise = noise
        self.share = share
        check_ranges(self)

    def __call__(self, item: Passage, rng: np.random.Generator) -> tuple[Passage, Index]:
        """The identity."""
        words = list(item.words)
        seeds = rng.integers(2**63, size=len(words))
        for place in np.flatnonzero(rng.random(len(words)) < self.share).tolist():
            # A noise that leaves nothing of a word would take an element away.
            words[place] = self.noise(words[place], np.random.default_rng(seeds[place])) or words[place]
        return replace(item, words=tuple(words)), unchanged(item)


def arranged(item: Passage, words: Sequence[str], index: Sequence[int]) -> Passage:
    """Words from the places `index` of a passage (−1 from elsewhere), with the white space that was before each.

    Where neighbours were none in the passage, there is a space at least, so that they do not run together.
    """
    gaps = [
        item.gaps[after] if after >= 0 and (item.gaps[after] or 0 <= before == after - 1) else " "
        for before, after in pairwise(index)
    ]
    return Passage(tuple(words), (item.gaps[0], *gaps, item.gaps[-1]), item.start)


def chain(*steps: tuple[float, AbstractTransform[Passage]]) -> Chain[Passage]:
    """Transforms of passages in a row, as pairs (probability, transform); none is the item itself.

    Example:
        >>> view, correspondence = chain((1.0, Delete(0.5)))(Passage.of("a b c d e f"), np.random.default_rng(0))
        >>> view.text, correspondence.index.tolist()
        ('d e f', [[3, 4, 5]])
    """
    return Chain(unchanged, steps)


def default_views(count: int = 2) -> Views[Passage]:
    """`count` views of each item: a crop, some words dropped, moved and misspelt."""
    steps: list[tuple[float, AbstractTransform[Passage]]] = [
        (1.0, Crop()),
        (0.5, Delete(0.1)),
        (0.3, Swap(0.05)),
        (0.5, Noisy(Characters(), 0.1)),
        (0.3, Noisy(Keyboard(), 0.1)),
    ]
    return Views(chain(), (chain(*steps),) * count)


def dropout_views(count: int = 2) -> Views[Passage]:
    """`count` times the item as it is: the views differ by the dropout of the encoder alone.

    Source: SimCSE (Gao et al., 2021), whose authors found changes of the words themselves to do worse.
    """
    return Views(chain(), (chain(),) * count)
