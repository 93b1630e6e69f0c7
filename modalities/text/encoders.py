"""Encoders of words by their letters: plain features, and a small convolutional network over them."""

from collections.abc import Sequence
from typing import Annotated, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gestalt.core.components.exporting import is_exporting
from gestalt.core.components.ranges import Between, Kernel, Share, Weight, Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.encoder import AbstractEncoder

from .data import Words
from .letters import SHAPES, ngrams, shapes


@final
class Letters(AbstractEncoder):
    """The spelling of a word, without parameters: hashed character n-grams beside its shape.

    x_d = Σ_g s(g) [h(g) = d] / √G over the word's G n-grams of one to three letters, ends marked, case folded; h picks
    one of `buckets` dimensions and s a sign. Then length, capitals, digits and punctuation (`letters.shapes`).

    Args:
        buckets: dimensions for the n-grams.
        neighbours: weight of the words before and after, whose features stand beside the word's own; 0 leaves them out.

    Example:
        >>> from .data import Passage, collate
        >>> Letters()(collate([Passage.of("So far, silence."), Passage.of("Stop")])).values.shape
        torch.Size([2, 5, 72])
    """

    def __init__(self, buckets: Width = 64, neighbours: Weight = 0.0) -> None:
        super().__init__()
        self.buckets = buckets
        self.neighbours = neighbours
        check_ranges(self)
        self.dim = (buckets + SHAPES) * (3 if neighbours else 1)

    def forward(self, data: Words) -> FeatureMap:
        """One vector per word; nothing is learned."""
        codes = data.codes.flatten(0, 1)
        grams, present = ngrams(codes, lengths=(1, 2, 3))
        sign = (1.0 - 2.0 * (grams // self.buckets % 2)) * present
        hashed = torch.zeros(codes.shape[0], self.buckets, device=codes.device)
        hashed.scatter_add_(1, grams % self.buckets, sign)
        hashed = hashed / present.sum(dim=1, keepdim=True).clamp(min=1).sqrt()
        own = torch.cat([hashed, shapes(codes)], dim=1).view(*data.codes.shape[:2], -1) * data.valid[..., None]
        if not self.neighbours:
            return FeatureMap(own, data.valid)
        around = nn.functional.pad(own, (0, 0, 1, 1)) * self.neighbours
        beside = torch.cat([own, around[:, :-2], around[:, 2:]], dim=2)
        return FeatureMap(beside * data.valid[..., None], data.valid)


SPELLING = 64 + SHAPES
"""Numbers that `spelling` gives of a word."""


def spelling(data: Words) -> FeatureMap:
    """The spelling of every word as `Letters` gives it."""
    found: FeatureMap = Letters()(data)
    return found


def identities(data: Words, classes: int) -> Int[Tensor, "batch words"]:
    """Which word each is: a hash of the whole word, case folded, as one of so many classes.

    Example:
        >>> from .data import Passage, collate
        >>> found = identities(collate([Passage.of("the old man and The sea")]), 1000)[0]
        >>> bool(found[0] == found[4]), len(found.unique())
        (True, 5)
    """
    hashes, _ = ngrams(data.codes.flatten(0, 1), (), whole=True)
    return hashes[:, 0].view(data.codes.shape[:2]) % classes


@final
class WordNorm(nn.Module):
    """Layer normalisation of every word; zero on padding."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Float[Tensor, "batch words dim"], valid: Bool[Tensor, "batch words"]) -> Tensor:
        """The same shape."""
        normal: Tensor = self.norm(x) * valid[..., None]
        return normal


@final
class ResidualBlock(nn.Module):
    """x + dropout(relu(norm(W ∗ x))), a convolution over words that lie `dilation` apart."""

    def __init__(self, width: int, kernel: int, dropout: float, dilation: int = 1) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self.over_words = nn.Conv1d(width, width, kernel, padding=padding, dilation=dilation, bias=False)
        self.norm = WordNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "batch words dim"], valid: Bool[Tensor, "batch words"]) -> Tensor:
        """The same shape; padding stays zero."""
        seen: Tensor = self.over_words(x.transpose(1, 2)).transpose(1, 2)
        inner: Tensor = self.dropout(self.norm(seen, valid).relu())
        return x + inner


@final
class Conv(AbstractEncoder):
    """Embeddings of hashed n-grams, and convolutions over the words; the default, fast on two CPU cores.

    A word's embedding is the mean of the embeddings of its n-grams of `grams` letters and of the word as a whole, each
    hashed into one of `buckets` rows, plus a linear map of its shape. So any word of any language has a vector, and
    needs no vocabulary. Residual blocks follow.

    Args:
        width: channels of all layers, the length of the vectors.
        kernels: one residual block each; a kernel `k` lets a word see `(k − 1) / 2` more words to either side.
        grams: lengths of the n-grams, in letters.
        buckets: rows of the embedding.
        dropout: share of the blocks' outputs that is set to 0, while training.
        word_dropout: chance, while training, that a word is hidden from the network, so that its vector has to come
            from the words around it, where there are some. It is a dropout, not a view: the word keeps its place.

    Source: the embedding is that of fastText (Bojanowski et al., 2017), with the mean for the sum.

    Example:
        >>> from .data import Passage, collate
        >>> Conv(width=32)(collate([Passage.of("So far, silence.")])).values.shape
        torch.Size([1, 5, 32])
    """

    def __init__(
        self,
        width: Width = 128,
        kernels: Sequence[Kernel] = (3, 3),
        grams: Sequence[Annotated[int, Between(1, 64)]] = (2, 3, 4),
        buckets: Annotated[int, Between(1, 10_000_000)] = 8192,
        dropout: Share = 0.1,
        word_dropout: Annotated[float, Between(0.0, 1.0, open_above=True)] = 0.1,
    ) -> None:
        super().__init__()
        self.width = width
        self.kernels = tuple(kernels)
        self.grams = tuple(grams)
        self.buckets = buckets
        self.dropout = dropout
        self.word_dropout = word_dropout
        check_ranges(self)
        if any(kernel % 2 == 0 for kernel in kernels):
            raise ValueError(f"kernels must be odd, so that a word stays in its place, got {list(kernels)}")
        self.embedding = nn.EmbeddingBag(buckets + 1, width, mode="mean", padding_idx=buckets)
        self.shape = nn.Linear(SHAPES, width)
        # Without word dropout it is never used, and what is never used may not ask for a gradient on several devices.
        self.hidden = nn.Parameter(torch.zeros(width), requires_grad=word_dropout > 0)
        self.norm = WordNorm(width)
        self.blocks = nn.ModuleList(ResidualBlock(width, kernel, dropout) for kernel in kernels)
        self.dim = width

    def embed(self, data: Words) -> FeatureMap:
        """The embedding of every word by its letters."""
        return FeatureMap(self.norm(self._embedded(data.codes, data.valid), data.valid), data.valid)

    def mix(self, tokens: FeatureMap, visible: Bool[Tensor, "batch words"] | None = None) -> FeatureMap:
        """What the blocks make of the visible words."""
        return tokens.with_values(self.by_layer(tokens, visible)[-1])

    def forward(self, data: Words) -> FeatureMap:
        """One vector per word."""
        return self.mix(self.embed(data))

    def by_layer(
        self, tokens: FeatureMap, visible: Bool[Tensor, "batch words"] | None = None
    ) -> tuple[Float[Tensor, "batch words dim"], ...]:
        """What every block gives; the embedding itself where there is none."""
        there = tokens.valid if visible is None else tokens.valid & visible
        x = tokens.values if visible is None else tokens.values * there[..., None]
        if self.training and self.word_dropout:
            # A word alone has none around it that its vector could come from.
            may = there & (there.sum(dim=1, keepdim=True) > 1)
            hide = (torch.rand(there.shape, device=there.device) < self.word_dropout) & may
            x = torch.where(hide[..., None], self.hidden, x)
        found = []
        for block in self.blocks:
            x = block(x, there)
            found.append(x)
        return tuple(found or [x])

    element_values = SPELLING

    def element_targets(self, data: Words) -> FeatureMap:
        """The spelling of every word in numbers."""
        return spelling(data)

    @property
    def element_classes(self) -> int:
        """As many as the embedding has rows."""
        return self.buckets

    def classes_of_elements(self, data: Words) -> Int[Tensor, "batch words"]:
        """Which word each is: a hash of the whole word."""
        return identities(data, self.buckets)

    def _embedded(self, codes: Int[Tensor, "batch words characters"], valid: Bool[Tensor, "batch words"]) -> Tensor:
        """Every distinct word is embedded once: the same few make up most of a batch."""
        if is_exporting():  # how many are distinct is known when the program runs
            own = self._word_by_word(codes.flatten(0, 1)).view(*valid.shape, -1)
            return torch.where(valid[..., None], own, 0.0)
        distinct, number = codes[valid].unique(dim=0, return_inverse=True)
        grams, present = ngrams(distinct, self.grams, whole=True)
        rows = self.embedding(torch.where(present, grams % self.buckets, self.buckets)) + self.shape(shapes(distinct))
        embedded: Tensor = rows.new_zeros(*valid.shape, rows.shape[1]).masked_scatter(valid[..., None], rows[number])
        return embedded

    def _word_by_word(self, codes: Int[Tensor, "rows characters"]) -> Float[Tensor, "rows dim"]:
        """The same of single words, of operations that every format of programs knows."""
        grams, present = ngrams(codes, self.grams, whole=True)
        vectors = nn.functional.embedding(
            torch.where(present, grams % self.buckets, self.buckets), self.embedding.weight
        )
        means = (vectors * present[..., None]).sum(dim=1) / present.sum(dim=1, keepdim=True).clamp(min=1)
        shaped: Tensor = means + self.shape(shapes(codes))
        return shaped
