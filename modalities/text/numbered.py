"""Texts as a program of tensors takes them: the numbers of their sub-words, and which of them each word has."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.exports.tensors import TensorInputs

from .data import Words
from .sub_words import Pieces, numbers_of


@final
@dataclass(frozen=True)
class SubWords:
    """A batch of texts, one row each.

    Attributes:
        ids: numbers of the sub-words, special ones included.
        counts: how many of them each text has.
        begins, ends: of every word the place of its first sub-word, and of the one after its last; equal after the last
            word of a text.
    """

    ids: Int[Tensor, "batch sub_words"]
    counts: Int[Tensor, " batch"]
    begins: Int[Tensor, "batch words"]
    ends: Int[Tensor, "batch words"]

    @property
    def there(self) -> Bool[Tensor, "batch sub_words"]:
        """Which sub-words are no padding."""
        return torch.arange(self.ids.shape[1], device=self.ids.device) < self.counts[:, None]

    @property
    def valid(self) -> Bool[Tensor, "batch words"]:
        """Which places hold a word."""
        return self.ends > self.begins

    def means(self, hidden: Float[Tensor, "batch sub_words dim"]) -> Float[Tensor, "batch words dim"]:
        """The mean over the sub-words of every word, 0 where there is no word.

        Example:
            >>> one = torch.tensor
            >>> batch = SubWords(one([[2, 7, 8, 9, 3]]), one([5]), one([[1, 3, 0]]), one([[3, 4, 0]]))
            >>> batch.means(torch.arange(5.0).view(1, 5, 1))[0, :, 0]
            tensor([1.5000, 3.0000, 0.0000])
        """
        place = torch.arange(self.ids.shape[1], device=self.ids.device)
        own = (place >= self.begins[..., None]) & (place < self.ends[..., None])
        counts = (self.ends - self.begins).clamp(min=1)[..., None]
        return (own.to(hidden.dtype) / counts) @ hidden


def tensor_inputs(pieces: Pieces, most: int) -> TensorInputs:
    """How batches of passages are numbered for a program.

    Args:
        pieces: the tokenizer.
        most: sub-words that the program takes at once.
    """
    axes = {"ids": ("batch", "sub_words"), "counts": ("batch",)}
    axes |= {"begins": ("batch", "words"), "ends": ("batch", "words")}

    def take(batch: Words) -> tuple[Tensor, ...]:
        numbers = numbers_of(pieces, batch.strings(), most)
        return tuple(torch.from_numpy(numbers[name]) for name in axes)

    return TensorInputs(axes, take, lambda tensors: SubWords(*tensors))
