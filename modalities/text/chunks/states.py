"""What a word can be to a chunk: its first word, a further one, or in none."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool
from torch import Tensor


@final
@dataclass(frozen=True)
class States:
    """The states of a word, and which may follow which.

    There are `kinds` of chunks, each with a state for its first word and one for all further ones, and `outside` states
    of words in no chunk. A chunk has two words at least, and none goes on behind the end of a stretch, which is a state
    of its own that is seen: a mark of punctuation, or the end of a passage.

    The first words come first, then the further ones, then those outside, and the end of a stretch last.

    Source: Ponvert, Baldridge and Erk, "Simple unsupervised grammar induction from raw text with cascaded finite state
    models" (2011); several kinds of chunks are ours.

    Example:
        >>> States(kinds=1, outside=1).allowed.int().tolist()  # from first, further, outside, end to the same
        [[0, 1, 0, 0], [1, 1, 1, 1], [1, 0, 1, 1], [1, 0, 1, 0]]
    """

    kinds: int
    outside: int

    @property
    def count(self) -> int:
        """Number of states of a word."""
        return 2 * self.kinds + self.outside

    @property
    def further(self) -> slice:
        """Words that go on with the chunk of the word before."""
        return slice(self.kinds, 2 * self.kinds)

    @property
    def alone(self) -> slice:
        """Words in no chunk."""
        return slice(2 * self.kinds, self.count)

    @property
    def parts(self) -> list[int]:
        """For every state, the end among them, which one it is where there is one kind of chunk and one outside."""
        return [0] * self.kinds + [1] * self.kinds + [2] * self.outside + [3]

    @property
    def allowed(self) -> Bool[Tensor, "states states"]:
        """Whether one state, in a row, may come right before another, in a column."""
        one = torch.eye(self.kinds, dtype=torch.bool)
        found = torch.zeros(self.count + 1, self.count + 1, dtype=torch.bool)
        found[self.kinds :, : self.kinds] = True  # a chunk begins anywhere but right behind a first word
        found[self.kinds :, 2 * self.kinds :] = True
        found[: self.kinds, self.further] = one
        found[self.further, self.further] = one
        found[-1, -1] = False
        return found
