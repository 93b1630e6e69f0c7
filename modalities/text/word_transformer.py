"""A small transformer on words, in two steps."""

from collections.abc import Sequence
from typing import Annotated, final

from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.components.ranges import AttentionHeads, Between, Depth, Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.transformer import Mixer

from .data import Words
from .encoders import SPELLING, Conv, identities, spelling


@final
class WordTransformer(AbstractEncoder):
    """Words embedded by their n-grams as those of `Conv` are, their order, and pre-norm blocks.

    Words are its tokens: there are no sub-words, and any word of any language has a vector. Its second step takes any
    number of words (`InTwoSteps`).

    Args:
        width: length of the vectors.
        depth: number of blocks.
        heads: of attention, which divide the width.
        grams: lengths of the n-grams, in letters.
        buckets: rows of the embedding, and classes of words for methods that predict which word is hidden.

    Source: Devlin et al., "BERT" (2019), with pre-norm blocks and fixed places; the embedding is that of fastText.

    Example:
        >>> from .data import Passage, collate
        >>> WordTransformer(width=32, depth=1)(collate([Passage.of("So far, silence.")])).values.shape
        torch.Size([1, 5, 32])
    """

    element_values = SPELLING

    def __init__(
        self,
        width: Width = 96,
        depth: Depth = 4,
        heads: AttentionHeads = 4,
        grams: Sequence[Annotated[int, Between(1, 64)]] = (2, 3, 4),
        buckets: Annotated[int, Between(1, 10_000_000)] = 8192,
    ) -> None:
        super().__init__()
        self.width = width
        self.depth = depth
        self.heads = heads
        self.grams = tuple(grams)
        self.buckets = buckets
        check_ranges(self)
        self.words = Conv(width, (), grams, buckets, dropout=0.0, word_dropout=0.0)
        self.mixer = Mixer(width, depth, heads)
        self.dim = width

    def embed(self, data: Words) -> FeatureMap:
        """The embedding of every word by its letters."""
        return self.words.embed(data)

    def mix(self, tokens: FeatureMap, visible: Bool[Tensor, "batch words"] | None = None) -> FeatureMap:
        """What the blocks make of the visible words."""
        mixed: FeatureMap = self.mixer(tokens, visible)
        return mixed

    def forward(self, data: Words) -> FeatureMap:
        """One vector per word."""
        return self.mix(self.embed(data))

    def by_layer(
        self, tokens: FeatureMap, visible: Bool[Tensor, "batch words"] | None = None
    ) -> tuple[Float[Tensor, "batch words dim"], ...]:
        """What every block gives."""
        return self.mixer.by_layer(tokens, visible)

    def added_by_layer(
        self, tokens: FeatureMap, visible: Bool[Tensor, "batch words"] | None = None
    ) -> tuple[Float[Tensor, "batch words dim"], ...]:
        """What the feed-forward network of every block adds."""
        return self.mixer.added_by_layer(tokens, visible)

    def attention(self, data: Words) -> Float[Tensor, "batch heads words"]:
        """How much attention every word gets in the last block."""
        return self.mixer.attention(self.embed(data))

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
