"""Words at several scales: dilated convolutions over embedded words, joined."""

from collections.abc import Sequence
from typing import Annotated, final

import torch
from torch import nn

from gestalt.core.components.ranges import Between, Share, Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.encoder import AbstractEncoder

from .data import Words
from .encoders import Conv, ResidualBlock, WordNorm


@final
class Dilated(AbstractEncoder):
    """Words, what is beside them, and what is further away, joined: embeddings and dilated convolutions over them.

    Words are embedded by their n-grams as those of `Conv` are. Residual blocks see words 1, 2, 4, … away; what stands
    after each of them, and the word itself, is joined and mapped to `dim` numbers.

    Args:
        width: channels of all layers.
        dim: the length of the vectors.
        dilations: one residual block each, of three words that lie so far apart.
        grams: lengths of the n-grams, in letters.
        buckets: rows of the embedding.
        dropout: share of the blocks' outputs that is set to 0, while training.
        word_dropout: chance, while training, that a word is hidden from the network, so that its vector has to come
            from the words around it.

    Source: Yu and Koltun, "Multi-scale context aggregation by dilated convolutions" (2016).

    Example:
        >>> from .data import Passage, collate
        >>> Dilated(dim=24)(collate([Passage.of("So far, silence.")])).values.shape
        torch.Size([1, 5, 24])
    """

    def __init__(
        self,
        width: Width = 128,
        dim: Width = 64,
        dilations: Sequence[Annotated[int, Between(1, 4096)]] = (1, 2, 4),
        grams: Sequence[Annotated[int, Between(1, 64)]] = (2, 3, 4),
        buckets: Annotated[int, Between(1, 10_000_000)] = 8192,
        dropout: Share = 0.1,
        word_dropout: Annotated[float, Between(0.0, 1.0, open_above=True)] = 0.1,
    ) -> None:
        super().__init__()
        self.width = width
        self.dim = dim
        self.dilations = tuple(dilations)
        self.grams = tuple(grams)
        self.buckets = buckets
        self.dropout = dropout
        self.word_dropout = word_dropout
        check_ranges(self)
        self.words = Conv(width, (), grams, buckets, dropout, word_dropout)
        self.blocks = nn.ModuleList(ResidualBlock(width, 3, dropout, dilation) for dilation in self.dilations)
        self.norms = nn.ModuleList(WordNorm(width) for _ in range(len(self.dilations) + 1))
        self.out = nn.Linear(width * len(self.norms), dim)

    def forward(self, data: Words) -> FeatureMap:
        """One vector per word."""
        x, valid = self.words(data).values, data.valid
        scales = [x]
        for block in self.blocks:
            x = block(x, valid)
            scales.append(x)
        joined = torch.cat([norm(scale, valid) for norm, scale in zip(self.norms, scales, strict=True)], dim=2)
        return FeatureMap(self.out(joined) * valid[..., None], valid)
