"""A transformer on the elements of any feature map: pre-norm blocks, places, and elements that are not there."""

from typing import ClassVar, final

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ..data.feature_map import FeatureMap
from ..data.precision import full_precision
from .kept import Kept
from .places import placed


@final
class Attention(nn.Module):
    """Attention of several heads: softmax(q kᵀ / √d) v, among the pairs that are allowed; None allows all."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"heads must divide the width, got width={dim} and heads={heads}")
        self.heads = heads
        self.inner = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(
        self, x: Float[Tensor, "batch elements dim"], allowed: Bool[Tensor, "batch elements elements"] | None
    ) -> Tensor:
        """The same shape."""
        query, key, value = rearrange(self.inner(x), "b n (three h d) -> three b h n d", three=3, h=self.heads)
        mask = None if allowed is None else allowed[:, None]
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, mask)
        found: Tensor = self.out(rearrange(mixed, "b h n d -> b n (h d)"))
        return found

    def weights(
        self, x: Float[Tensor, "batch elements dim"], allowed: Bool[Tensor, "batch elements elements"] | None
    ) -> Float[Tensor, "batch heads elements elements"]:
        """How much each element (a row) takes from every other."""
        query, key, _ = rearrange(self.inner(x), "b n (three h d) -> three b h n d", three=3, h=self.heads)
        with full_precision(query):
            scores = query.float() @ key.float().transpose(-1, -2) / query.shape[-1] ** 0.5
        if allowed is not None:
            scores = scores.masked_fill(~allowed[:, None], -torch.inf)
        shares: Tensor = scores.softmax(dim=-1)
        return shares


@final
class Block(nn.Module):
    """x ← x + attention(norm(x)), then x ← x + W₂ gelu(W₁ norm(x))."""

    def __init__(self, dim: int, heads: int, expansion: int = 4) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(dim, eps=1e-6)
        self.attention = Attention(dim, heads)
        self.before_layers = nn.LayerNorm(dim, eps=1e-6)
        self.layers = nn.Sequential(nn.Linear(dim, expansion * dim), nn.GELU(), nn.Linear(expansion * dim, dim))

    def forward(
        self, x: Float[Tensor, "batch elements dim"], allowed: Bool[Tensor, "batch elements elements"] | None
    ) -> Tensor:
        """The same shape."""
        before, added = self.parts(x, allowed)
        return before + added

    def parts(
        self, x: Float[Tensor, "batch elements dim"], allowed: Bool[Tensor, "batch elements elements"] | None
    ) -> tuple[Tensor, Tensor]:
        """What there is before the last sum, and what the feed-forward network adds to it."""
        x = x + self.attention(self.before_attention(x), allowed)
        added: Tensor = self.layers(self.before_layers(x))
        return x, added

    def weights(
        self, x: Float[Tensor, "batch elements dim"], allowed: Bool[Tensor, "batch elements elements"] | None
    ) -> Float[Tensor, "batch heads elements elements"]:
        """How much each element (a row) takes from every other."""
        return self.attention.weights(self.before_attention(x), allowed)


@final
class Mixer(nn.Module):
    """Blocks of a transformer that add places to tokens and mix them; hidden elements and padding are left out.

    What is hidden is really gone: where 75 % are, attention costs a sixteenth. Where `neighbours` are known, an element
    attends to itself and to these alone, as in message passing.

    Args:
        dim: length of the tokens and of the vectors.
        depth: number of blocks.
        heads: of attention; they divide `dim`.
        units: of every axis, what counts as 1 for the places (`sines`); None counts cells.

    Example:
        >>> tokens = FeatureMap(torch.randn(1, 5, 8), torch.ones(1, 5, dtype=torch.bool))
        >>> visible = torch.tensor([[True, True, False, True, False]])
        >>> Mixer(8, depth=1, heads=2)(tokens, visible).values.abs().sum(dim=2).gt(0).tolist()
        [[True, True, False, True, False]]
    """

    calls_of_blocks: ClassVar[tuple[str, ...]] = ("parts", "weights")

    def __init__(self, dim: int, depth: int, heads: int, units: tuple[float, ...] | None = None) -> None:
        super().__init__()
        self.units = units
        self.blocks = nn.ModuleList(Block(dim, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        for part in self.modules():
            if isinstance(part, nn.Linear):
                nn.init.xavier_uniform_(part.weight)
                nn.init.zeros_(part.bias)

    def forward(self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None) -> FeatureMap:
        """One vector per element, normalised; zero where an element is not visible."""
        kept, x, allowed = self._started(tokens, visible)
        for block in self.blocks:
            x = block(x, allowed)
        return tokens.with_values(kept.put_back(self.norm(x)))

    def by_layer(
        self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None
    ) -> tuple[Float[Tensor, "batch elements dim"], ...]:
        """What every block gives, from the first to the last, not normalised."""
        kept, x, allowed = self._started(tokens, visible)
        found = []
        for block in self.blocks:
            x = block(x, allowed)
            found.append(kept.put_back(x))
        return tuple(found)

    def added_by_layer(
        self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None
    ) -> tuple[Float[Tensor, "batch elements dim"], ...]:
        """What the feed-forward network of every block adds, from the first to the last."""
        kept, x, allowed = self._started(tokens, visible)
        found = []
        for block in self.blocks:
            assert isinstance(block, Block)
            before, added = block.parts(x, allowed)
            x = before + added
            found.append(kept.put_back(added))
        return tuple(found)

    @torch.no_grad()
    def attention(self, tokens: FeatureMap) -> Float[Tensor, "batch heads elements"]:
        """How much attention every element gets in the last block, on average over all elements of its item."""
        kept, x, allowed = self._started(tokens, None)
        for block in list(self.blocks)[:-1]:
            x = block(x, allowed)
        last = self.blocks[-1]
        assert isinstance(last, Block)
        weights = last.weights(x, allowed)
        asking = kept.valid[:, None, :, None]
        got = (weights * asking).sum(dim=2) / asking.sum(dim=2).clamp(min=1)
        return kept.put_back(got.transpose(1, 2)).transpose(1, 2)

    def _started(
        self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None
    ) -> tuple[Kept, Float[Tensor, "batch kept dim"], Bool[Tensor, "batch kept kept"] | None]:
        """The visible tokens with their places, and which may attend to which."""
        kept = Kept.of(tokens.valid if visible is None else tokens.valid & visible)
        x = kept.taken(tokens.values + placed(tokens, tokens.values.shape[2], self.units))
        return kept, x, kept.pairs(tokens.neighbours)
