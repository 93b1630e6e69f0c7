"""Passages of words, and the batches made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from .sub_words import LONGEST
from .words import split


@final
@dataclass(frozen=True)
class Passage:
    """Words with the white space around them, and where the passage begins in its file (characters).

    The text is `gaps[0] + words[0] + gaps[1] + … + words[-1] + gaps[-1]`, without loss.

    Example:
        >>> passage = Passage.of("So far,  silence.", start=100)
        >>> passage.words, passage.text == "So far,  silence."
        (('So', 'far', ',', 'silence', '.'), True)
        >>> passage.spans[3]
        (109, 116)
    """

    words: tuple[str, ...]
    gaps: tuple[str, ...]
    start: int = 0

    def __post_init__(self) -> None:
        if len(self.gaps) != len(self.words) + 1:
            raise ValueError(f"{len(self.words)} words need one gap more than that, got {len(self.gaps)}")
        if not self.words or not all(self.words):
            raise ValueError(f"a passage needs words, and none of them empty, got {self.words[:8]}")

    @classmethod
    def of(cls, text: str, start: int = 0) -> "Passage":
        """A text, cut into words.

        Raises:
            ValueError: if there is no word in it.
        """
        words, gaps = split(text)
        return cls(words, gaps, start)

    @classmethod
    def from_words(cls, words: Sequence[str]) -> "Passage":
        """Words that were cut already, with single spaces between them."""
        return cls(tuple(words), ("", *[" "] * (len(words) - 1), ""))

    def part(self, first: int, last: int) -> "Passage":
        """The words `first` … `last` (the one after), without the white space around them.

        Example:
            >>> Passage.of("So far,  silence.").part(2, 4)
            Passage(words=(',', 'silence'), gaps=('', '  ', ''), start=6)
        """
        gaps = ("", *self.gaps[first + 1 : last], "")
        return Passage(self.words[first:last], gaps, self.spans[first][0])

    @property
    def text(self) -> str:
        """The text, character for character."""
        return "".join(gap + word for gap, word in zip(self.gaps, (*self.words, ""), strict=True))

    @cached_property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """First character of every word in the file, and the one after its last."""
        lengths = [len(part) for pair in zip(self.gaps, self.words, strict=False) for part in pair]
        edges = list(accumulate(lengths, initial=self.start))
        return tuple(zip(edges[1::2], edges[2::2], strict=True))


def passage_of(thing: object) -> Passage:
    """A passage of a string, of a list of words, or of a tuple that begins with a string (a data set's text and label).

    Raises:
        TypeError: for nothing of these.
        ValueError: if there is no word in it.

    Example:
        >>> passage_of(("So far.", 1)).words, passage_of(["So", "far"]).words
        (('So', 'far', '.'), ('So', 'far'))
    """
    if isinstance(thing, tuple) and thing and isinstance(thing[0], Passage | str):
        thing = thing[0]
    if isinstance(thing, Passage):
        return thing
    if isinstance(thing, str):
        return Passage.of(thing)
    if isinstance(thing, list) and all(isinstance(word, str) for word in thing):
        return Passage.from_words(thing)
    raise TypeError(f"is no text: expected a string or a list of words, got {type(thing).__name__}")


@final
@dataclass(frozen=True)
class Words:
    """A batch of passages as Unicode code points, 0 after the end of a word; `lengths` counts each one's words.

    Example:
        >>> batch = collate([Passage.of("go on"), Passage.of("stop")])
        >>> batch.codes[0, 0, :3].tolist(), batch.lengths.tolist(), batch.strings()
        ([103, 111, 0], [2, 1], [['go', 'on'], ['stop']])
    """

    codes: Int[Tensor, "batch words characters"]
    lengths: Int[Tensor, " batch"]

    def __post_init__(self) -> None:
        if self.lengths.shape != self.codes.shape[:1]:
            raise ValueError(f"{len(self.codes)} passages need as many lengths, got {tuple(self.lengths.shape)}")

    @property
    def valid(self) -> Bool[Tensor, "batch words"]:
        """Which places hold a word."""
        return torch.arange(self.codes.shape[1], device=self.codes.device) < self.lengths[:, None]

    def strings(self) -> list[list[str]]:
        """The words themselves, for tokenizers."""
        codes = np.ascontiguousarray(self.codes.cpu().numpy(), dtype="<i4")
        words = codes.view(f"<U{codes.shape[2]}")[:, :, 0]
        return [row[:count].tolist() for row, count in zip(words, self.lengths.tolist(), strict=True)]

    def to(self, device: torch.device | str, /) -> "Words":
        """The same batch on another device."""
        return Words(self.codes.to(device, non_blocking=True), self.lengths.to(device, non_blocking=True))


def collate(items: Sequence[Passage]) -> Words:
    """Passages as one batch.

    Raises:
        ValueError: if there are none.
    """
    if not items:
        raise ValueError("a batch needs at least one passage, got none")
    words = [word for item in items for word in item.words]
    width = min(LONGEST, max(map(len, words)))
    codes = np.array(words, dtype=f"<U{width}").view("<i4").reshape(len(words), width)
    lengths = [len(item.words) for item in items]
    rows = list(torch.from_numpy(codes.astype(np.int64)).split(lengths))
    return Words(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), torch.tensor(lengths))
