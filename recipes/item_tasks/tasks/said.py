"""Sentences by what they are, from shipped sentences and their tags, and passages that stood side by side."""

import gzip
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Literal, final

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from gestalt.modalities.text import Passage

from ...text_spans.corpus.sentences import BLOCK, PATH, sentence

Side = Literal["train", "validation", "test"]
KINDS = ("question", "past", "present", "modal")
"""A question, or a statement by its first finite verb: in the past (`VBD`), the present (`VBZ`, `VBP`), or with a modal
verb (`MD`)."""
FINITE = {"VBD": "past", "VBZ": "present", "VBP": "present", "MD": "modal"}
TOGETHER = 4
"""Sentences of a passage."""
BETWEEN = 2
"""Sentences between two passages that stood side by side."""
EACH = BLOCK // (TOGETHER + BETWEEN)
"""Passages of a block."""


@final
@dataclass(frozen=True)
class Said:
    """A sentence: its words, what kind it is (−1 for none), and its number among all that ship."""

    item: Passage
    kind: int
    number: int


def kind_of(words: tuple[str, ...], tags: tuple[str, ...]) -> int:
    """The number of the kind of a sentence, by the mark that ends it and its first finite verb; −1 for none of them.

    Example:
        >>> KINDS[kind_of(("Who", "knew", "?"), ("WP", "VBD", "."))], kind_of(("Just", "so", "."), ("RB", "RB", "."))
        ('question', -1)
        >>> KINDS[kind_of(("He", "could", "go", "."), ("PRP", "MD", "VB", "."))]
        'modal'
    """
    if words[-1] == "?":
        return KINDS.index("question")
    first = next((FINITE[tag] for tag in tags if tag in FINITE), None)
    return KINDS.index(first) if first is not None and words[-1] == "." else -1


@lru_cache(maxsize=1)
def everything() -> tuple[Said, ...]:
    """All sentences that ship, without the mark that ends a question or a statement."""
    found = list[Said]()
    with gzip.open(PATH, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file):
            words, tags = zip(*(pair.rsplit("/", 1) for pair in line.split()), strict=True)
            item = sentence(line).item
            ends = words[-1] in (".", "?")
            found.append(Said(item.part(0, len(words) - 1) if ends else item, kind_of(words, tags), number))
    return tuple(found)


def side_of(number: int) -> Side:
    """Where a sentence belongs: of ten blocks of a hundred eight are learned from, one chooses, one tests."""
    block = number // BLOCK % 10
    return "train" if block < 8 else "validation" if block == 8 else "test"


def sentences(side: Side) -> list[Said]:
    """The sentences of a side; what is asked about is not learned from, even where it comes again."""
    own = [one for one in everything() if side_of(one.number) == side]
    if side != "train":
        return own
    asked = {one.item.text for one in everything() if side_of(one.number) != "train"}
    return [one for one in own if one.item.text not in asked]


def further(some: list[Said], most: int, seed: int) -> list[Said]:
    """Sentences to learn from that are not among these, drawn by chance."""
    there = {one.number for one in some}
    left = [one for one in sentences("train") if one.number not in there]
    order = torch.randperm(len(left), generator=torch.Generator().manual_seed(seed))[:most]
    return [left[place] for place in order.tolist()]


def evenly(some: list[Said], each: int, seed: int) -> list[Said]:
    """As many of every kind, drawn by chance, by turns; as many as there are of the rarest, where these are fewer."""
    by_kind = [[one for one in some if one.kind == kind] for kind in range(len(KINDS))]
    drawn = torch.Generator().manual_seed(seed)
    each = min(each, *(len(own) for own in by_kind))
    taken = [[own[place] for place in torch.randperm(len(own), generator=drawn)[:each].tolist()] for own in by_kind]
    return [own[row] for row in range(each) for own in taken]


@final
@dataclass(frozen=True)
class Excerpt:
    """Neighbouring sentences, the number of their block, and which passage of it they are."""

    item: Passage
    block: int
    place: int


def excerpts(side: Side) -> list[Excerpt]:
    """Passages of a side, in the order of the corpus; those of a block stand side by side, two sentences apart."""
    found, every = list[Excerpt](), everything()
    for first in range(0, len(every) - BLOCK + 1, BLOCK):
        if side_of(first) == side:
            for place in range(EACH):
                begin = first + place * (TOGETHER + BETWEEN)
                words = [word for one in every[begin : begin + TOGETHER] for word in one.item.words]
                found.append(Excerpt(Passage.from_words(words), first // BLOCK, place))
    return found


def pairs(some: list[Excerpt]) -> tuple[Int[Tensor, "pairs 2"], Bool[Tensor, " pairs"]]:
    """Pairs of passages that stood side by side, and all of two blocks; which of them stood side by side."""
    which, same = list[tuple[int, int]](), list[bool]()
    for one, two in combinations(range(len(some)), 2):
        beside = some[one].block == some[two].block and abs(some[one].place - some[two].place) == 1
        if beside or some[one].block != some[two].block:
            which.append((one, two))
            same.append(beside)
    return torch.tensor(which, dtype=torch.long).view(-1, 2), torch.tensor(same, dtype=torch.bool)
