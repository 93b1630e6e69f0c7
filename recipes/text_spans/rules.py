"""Spans by rules that need neither training nor features: the baselines of the field, and chance."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from gestalt.core.evaluation import Intervals
from gestalt.modalities.text import Passage, collate
from gestalt.modalities.text.punctuation import words_of

# The closed classes of English: a group begins where one of these follows another word …
BEGINNING = """
the a an this that these those my your his her its our their some any no every each all both such what which whose
i you he she it we they me him us them who whom there something anything nothing someone everyone nobody
is are was were be been being am has have had having do does did will would can could may might must shall should
to not n't
"""
# … and these belong to none.
BETWEEN = """
of in on at by for with from about as into through after over between out against during without before under
around among and or but nor so yet if because while although though when where why how than then up down
just only even also still too here
"""
BEGINNING_WORDS, BETWEEN_WORDS = frozenset(BEGINNING.split()), frozenset(BETWEEN.split())


def words_mask(items: Sequence[Passage]) -> Bool[Tensor, "items words"]:
    """Which elements are words, not punctuation; False on padding."""
    return words_of(collate(items))


def between_punctuation(items: Sequence[Passage]) -> Int[Tensor, "items words"]:
    """A span is what stands between two marks of punctuation."""
    mask = words_mask(items)
    return numbered(mask, torch.zeros_like(mask))


def closed_classes(items: Sequence[Passage]) -> Int[Tensor, "items words"]:
    """A span begins with an article, pronoun or auxiliary, or after a preposition or conjunction, and ends before one.

    The practitioner's rule for English: two lists of some hundred function words.
    """
    begins, inside = [], []
    for item, mask in zip(items, words_mask(items), strict=True):
        marks = zip(item.words, mask.tolist(), strict=False)
        kinds = [_kind(word) if is_word else "between" for word, is_word in marks]
        inside.append(torch.tensor([kind in ("begin", "content") for kind in kinds]))
        before = ["between", *kinds[:-1]]
        begins.append(torch.tensor([a == "begin" != b for a, b in zip(kinds, before, strict=True)]))
    pad = torch.nn.utils.rnn.pad_sequence
    return numbered(pad(inside, batch_first=True, padding_value=False), pad(begins, batch_first=True))


def by_chance(items: Sequence[Passage], seed: int, mean: float = 2.0) -> Int[Tensor, "items words"]:
    """Every word begins a span with probability 1 / `mean`; punctuation ends one."""
    mask = words_mask(items)
    draws = torch.rand(mask.shape, generator=torch.Generator().manual_seed(seed))
    return numbered(mask, draws < 1 / mean)


def right_branching(items: Sequence[Passage]) -> list[Intervals]:
    """The spans of trees that branch to the right: from every word to the last one of the sentence; they overlap."""
    found = []
    for mask in words_mask(items):
        inside = mask.nonzero()[:, 0].tolist()
        found.append(Intervals.of([(float(first), inside[-1] + 1.0) for first in inside]))
    return found


def _kind(word: str) -> str:
    lower = word.lower()
    if lower in BETWEEN_WORDS:
        return "between"
    return "begin" if lower in BEGINNING_WORDS else "content"


def numbered(inside: Bool[Tensor, "items words"], begins: Bool[Tensor, "items words"]) -> Int[Tensor, "items words"]:
    """Runs within `inside`, cut where one `begins`; −1 elsewhere."""
    starts = inside & begins
    starts[:, 0] |= inside[:, 0]
    starts[:, 1:] |= inside[:, 1:] & ~inside[:, :-1]
    return torch.where(inside, starts.cumsum(dim=1) - 1, -1)
