"""Fine segments of text: chunks of words by a learned grammar."""

from collections.abc import Iterator, Sequence
from typing import Any, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gestalt.core.components.ranges import Count, CountOrNone, Share, check_ranges
from gestalt.core.data.course import Course
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.discovery.regions import AbstractOverSegmentation, FineSegments, Seen

from ..data import Passage, Words, collate
from ..punctuation import words_of
from .chain import pairs
from .learning import learn
from .states import States
from .symbols import Symbols
from .tables import Tables

AT_ONCE = 16_384
"""Words of a batch while the grammar is learned."""


@final
class Chunks(nn.Module, AbstractOverSegmentation):
    """Chunks of words, by a grammar that is learned from text without labels.

    Every word is the first of a chunk, a further one, or in none; no chunk goes on across punctuation. Which words and
    states come together is learned by expectation and maximisation: what begins and ends stretches of text between two
    marks teaches what begins and ends chunks within them. No list of words, no tags.

    A word joins the chunk of the word before it if the grammar gives that a chance of at least `joins`. A word is in
    no span if it is in no chunk by a chance of `out` at least, and is one of the most `frequent` ones: these are mostly
    what stands between groups. Other words in no chunk are spans of one word.

    A fresh one is to be fitted; what was fitted is kept with the weights of a run.

    Args:
        kinds: of chunks.
        outside: kinds of words in no chunk.
        joins: least chance.
        out: least chance.
        frequent: so many words may be in no span.
        words: most words that the grammar tells apart; others go by their endings.
        endings: most endings that it tells apart.

    Source: Ponvert, Baldridge and Erk, "Simple unsupervised grammar induction from raw text with cascaded finite state
    models" (2011), its right-linear grammar. Ours: several kinds of chunks and of words outside, divided as by Petrov
    et al. (2006); what follows rare words and what they end with; chances of joining in place of the best path;
    frequent words in no span.
    """

    start: Tensor
    of_words: Tensor
    after: Tensor

    def __init__(
        self,
        kinds: Count = 2,
        outside: Count = 2,
        joins: Share = 0.35,
        out: Share = 0.3,
        frequent: CountOrNone = 100,
        words: Count = 6000,
        endings: CountOrNone = 300,
    ) -> None:
        super().__init__()
        self.kinds, self.outside, self.joins, self.out, self.frequent = kinds, outside, joins, out, frequent
        self.words, self.endings = words, endings
        check_ranges(self)
        self.states = States(kinds, outside)
        self.symbols = Symbols(words, endings)
        count = self.states.count
        self.register_buffer("start", torch.zeros(count))
        self.register_buffer("of_words", torch.zeros(self.symbols.count, count))
        self.register_buffer("after", torch.zeros(self.symbols.count, count, count + 1))

    def fit(self, passages: Sequence[Passage], seed: int = 0) -> None:
        """Learn the grammar from passages of text."""
        batches = [(data, words_of(data)) for data in _batches(passages)]
        self.symbols.fit(batches)
        numbers = [torch.where(inside, self.symbols(data), -1) for data, inside in batches]
        tables = learn(numbers, self.states, self.symbols.count, torch.Generator().manual_seed(seed))
        self.start.copy_(tables.start)
        self.of_words.copy_(tables.words)
        self.after.copy_(tables.after)

    @torch.no_grad()
    def look(self, data: Words, features: FeatureMap | None = None) -> Float[Tensor, "items words 2"]:  # noqa: ARG002
        """The chance that a word goes on with the chunk before, and whether it is in any span.

        Raises:
            ValueError: if the grammar was never learned.
        """
        if not bool(self.start.any()):
            raise ValueError("this grammar of chunks was learned from no text yet: call fit(passages) first")
        inside, symbols = words_of(data), self.symbols(data)
        steps, _ = pairs(Tables(self.start, self.of_words, self.after), torch.where(inside, symbols, -1))
        now = steps[:, :-1].sum(dim=2)  # of every word, its own state
        alone = now[..., self.states.alone].sum(dim=2) > self.out
        spanned = inside & ~(alone & (symbols < self.frequent))
        return torch.stack([now[..., self.states.further].sum(dim=2), spanned.to(now)], dim=2)

    def cut(
        self,
        features: FeatureMap,
        seen: Seen | None,
        generator: torch.Generator,  # noqa: ARG002
        window: int | Course | None = None,  # noqa: ARG002
    ) -> FineSegments:
        """The spans that `look` found.

        Raises:
            TypeError: if `seen` is something else.
        """
        if not isinstance(seen, Tensor):
            raise TypeError(f"chunks are cut by what `look` found of every word, got {type(seen).__name__}")
        return FineSegments(self.numbered(seen), features.grid)

    def numbered(self, seen: Float[Tensor, "items words 2"]) -> Int[Tensor, "items words"]:
        """The number of every word's span; −1 where it is in none."""
        spanned = seen[..., 1] > 0
        before = torch.nn.functional.pad(spanned, (1, 0))[:, :-1]
        starts: Bool[Tensor, "items words"] = spanned & (~before | (seen[..., 0] < self.joins))
        return torch.where(spanned, starts.cumsum(dim=1) - 1, -1)


def _batches(passages: Sequence[Passage]) -> Iterator[Any]:
    """Passages of about the same length together, so that little is padding."""
    order = sorted(passages, key=lambda one: len(one.words))
    batch: list[Passage] = []
    for one in order:
        if batch and (len(batch) + 1) * len(one.words) > AT_ONCE:
            yield collate(batch)
            batch = []
        batch.append(one)
    if batch:
        yield collate(batch)
