"""The shipped sentences with their groups, and which of them are for training, choosing and testing."""

import gzip
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, final

import numpy as np

from gestalt.core.data.items import AbstractItems
from gestalt.modalities.text import Passage

from .grammar import Group, groups

PATH = Path(__file__).parents[2] / "samples" / "text" / "oanc_tagged.txt.gz"
BLOCK = 100  # neighbouring sentences come from one document, and stay on one side

CLOSING = frozenset(
    (",", ".", ";", ":", "?", "!", ")", "]", "}", "%", "...", "'s", "'m", "'re", "'ve", "'d", "'ll", "n't")
)
OPENING = frozenset(("(", "[", "{", "$", "#"))


@final
@dataclass(frozen=True)
class Sentence:
    """A sentence with its true groups of words."""

    item: Passage
    groups: tuple[Group, ...]

    @property
    def truth(self) -> list[tuple[str, Any]]:
        """The groups as `render` takes them: `noun` or `verb`, with characters."""
        spans = self.item.spans
        return [(group.kind.split()[0], (spans[group.first][0], spans[group.last - 1][1])) for group in self.groups]


@final
@dataclass(frozen=True)
class Corpus:
    """Sentences by what they are for: eight blocks of a hundred in ten train, one chooses options, one tests.

    No text is in two parts."""

    train: tuple[Sentence, ...]
    validation: tuple[Sentence, ...]
    test: tuple[Sentence, ...]


@final
class Sentences(AbstractItems[Passage]):
    """The passages of sentences, to train on."""

    def __init__(self, sentences: tuple[Sentence, ...]) -> None:
        self.sentences = sentences

    def __len__(self) -> int:
        return len(self.sentences)

    def read(self, index: int, rng: np.random.Generator) -> Passage:  # noqa: ARG002
        """Sentence `index`."""
        return self.sentences[index].item

    def name(self, index: int) -> str:
        """Its number."""
        return f"sentence {index}"


@lru_cache(maxsize=1)
def load_corpus() -> Corpus:
    """Read the shipped sentences."""
    with gzip.open(PATH, "rt", encoding="utf-8") as file:
        sentences = [sentence(line) for line in file]
    parts: tuple[list[Sentence], list[Sentence], list[Sentence]] = ([], [], [])
    for number, one in enumerate(sentences):
        block = number // BLOCK % 10
        parts[max(0, block - 7)].append(one)
    train, validation, test = parts
    # Some sentences ("Please include your address …") come again and again in the corpus.
    tested = {one.item.text for one in test}
    validation = [one for one in validation if one.item.text not in tested]
    held_out = tested | {one.item.text for one in validation}
    return Corpus(tuple(one for one in train if one.item.text not in held_out), tuple(validation), tuple(test))


def sentence(line: str) -> Sentence:
    """One line of `word/TAG`.

    Example:
        >>> one = sentence("He/PRP left/VBD Jim/NNP 's/POS house/NN ./.")
        >>> one.item.text, [group.kind for group in one.groups]
        ("He left Jim's house.", ['noun group', 'verb group', 'noun group'])
    """
    words, tags = zip(*(pair.rsplit("/", 1) for pair in line.split()), strict=True)
    gaps = ["" if after in CLOSING or before in OPENING else " " for before, after in pairwise(words)]
    return Sentence(Passage(words, ("", *gaps, "")), groups(tags))


def heads(one: Sentence) -> tuple[str | None, ...]:
    """The class of every word: the tag that heads its group; None for words in no group.

    Example:
        >>> heads(sentence("He/PRP left/VBD Jim/NNP 's/POS house/NN ./."))
        ('PRP', 'VBD', 'NN', 'NN', 'NN', None)
    """
    found: list[str | None] = [None] * len(one.item.words)
    for group in one.groups:
        found[group.first : group.last] = [group.head] * (group.last - group.first)
    return tuple(found)
