"""Encoders of rows: plain features of cells, and two networks in two steps that know of which column each is."""

from collections.abc import Sequence
from typing import Annotated, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gestalt.core.components.ranges import AttentionHeads, Between, Depth, Share, Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap, Links
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.transformer import Mixer

from .columns import ABSENT
from .data import MOST, Rows

Widths = Annotated[int, Between(1, 4097)]
"""1 for a column of numbers; of a column of categories, its words and the unknown one."""
SIX: tuple[int, ...] = (1, 1, 1, 1, 3, 3)
RELATED = 3.0
"""How much what columns tell of others counts beside standardised numbers."""
KNOTS = (-1.0, 0.0, 1.0)
"""Where the slope of a number's token may change, in deviations."""


@final
class Slots(nn.Module):
    """The place of every cell in a row of plain numbers: numbers, words, and for every column whether it is missing."""

    def __init__(self, widths: Sequence[int], digest: str, association: Sequence[float] = ()) -> None:
        super().__init__()
        count = len(widths)
        if not 1 <= count <= MOST:
            raise ValueError(f"widths name the columns, 1 to {MOST}, got {count}")
        if len(association) not in (0, count * (count - 1) // 2):
            raise ValueError(f"association has a number for each of {count * (count - 1) // 2} pairs of columns")
        self.widths = tuple(widths)
        self.digest = digest
        self.numbers = sum(widths)
        self.size = self.numbers + count
        first = torch.tensor([0, *widths]).cumsum(0)[:-1]
        related = torch.eye(count)
        if association:
            one, two = torch.triu_indices(count, count, 1)
            related[one, two] = related[two, one] = torch.tensor(list(association), dtype=torch.float32)
        self.register_buffer("first", first, persistent=False)
        self.register_buffer("numeric", torch.tensor([width == 1 for width in widths]), persistent=False)
        self.register_buffer("related", related, persistent=False)

    def forward(self, data: Rows) -> tuple[Int[Tensor, "batch cells"], Float[Tensor, "batch cells"]]:
        """The slot of every cell, and what stands there: its number, 1 for words and for missing cells.

        Raises:
            ValueError: if rows were read with another schema than the encoder is built for.
        """
        if data.widths != self.widths or (self.digest and data.schema != self.digest):
            raise ValueError(
                f"the encoder is built for rows of {len(self.widths)} columns with the schema "
                f"{self.digest or self.widths}, got {len(data.widths)} with {data.schema}; read them with the modality "
                "of the run (gestalt.load(run).modality), which knows its schema"
            )
        number = self.get_buffer("numeric")[data.columns]
        absent = data.codes == ABSENT
        slot = self.get_buffer("first")[data.columns] + torch.where(number, 0, (data.codes - 1).clamp(min=0))
        slot = torch.where(absent, self.numbers + data.columns, slot)
        return slot, torch.where(number & ~absent, data.values, 1.0)

    def spread(self, data: Rows) -> Float[Tensor, "batch cells size"]:
        """One number of each cell at its slot, zeros elsewhere."""
        slot, amount = self(data)
        amount = amount * data.valid
        wide: Tensor = amount.new_zeros(*slot.shape, self.size)
        return wide.scatter(2, slot[..., None], amount[..., None])


def all_near(valid: Bool[Tensor, "batch cells"]) -> Bool[Tensor, "batch cells cells"]:
    """All cells of a row are neighbours: columns have no places, and their order says nothing."""
    return (valid[:, :, None] & valid[:, None]) & ~torch.eye(valid.shape[1], dtype=torch.bool, device=valid.device)


@final
class Raw(AbstractEncoder):
    """Plain features without parameters: standardised numbers, words as one of many, missing cells, related columns.

    Every cell has its number at the slot of its column, and behind all slots, three times, how much its column tells of
    each other column. So the mean over a row is the row of standardised numbers and of words as one of many.

    Args:
        widths: of every column, how many numbers say what a cell is.
        digest: that of the schema with which rows are read; nothing takes any.
        association: of every two columns, how much they tell of one another; nothing for not at all.

    Example:
        >>> from .showing import specimens
        >>> from .data import collate
        >>> Raw()(collate([specimens()[0].item])).values.shape
        torch.Size([1, 6, 22])
    """

    def __init__(self, widths: Sequence[Widths] = SIX, digest: str = "", association: Sequence[Share] = ()) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.digest = digest
        self.association = tuple(association)
        check_ranges(self)
        self.slots = Slots(self.widths, digest, self.association)
        self.dim = self.slots.size + len(self.widths)

    def forward(self, data: Rows) -> FeatureMap:
        """One vector per cell; all cells of a row are neighbours.

        Raises:
            ValueError: if rows were read with another schema.
        """
        related = RELATED * self.slots.get_buffer("related")[data.columns] * data.valid[..., None]
        values = torch.cat([self.slots.spread(data), related], dim=2)
        return FeatureMap(values, data.valid, neighbours=all_near(data.valid))


@final
class Cells(nn.Module):
    """Tokens of cells, and columns added to them: what a cell says, then where it stands.

    A number v of column c has the token W_c (v, |v + 1|, |v|, |v − 1|, 1), which may bend at its knots; a word, and a
    missing cell, has a vector of its own.
    """

    def __init__(self, slots: Slots, width: int) -> None:
        super().__init__()
        columns = len(slots.widths)
        self.slots = slots
        self.numbers = nn.Parameter(torch.randn(columns, 2 + len(KNOTS), width) * 0.5)
        self.words = nn.Embedding(slots.size, width)
        self.columns = nn.Embedding(columns, width)

    def embed(self, data: Rows) -> FeatureMap:
        """The token of every cell, with its column as a link of the cell to itself."""
        slot, amount = self.slots(data)
        knots = amount.new_tensor(KNOTS)
        bent = torch.cat([amount[..., None], (amount[..., None] - knots).abs(), torch.ones_like(amount)[..., None]], 2)
        number = self.slots.get_buffer("numeric")[data.columns] & (data.codes != ABSENT)
        of_numbers = torch.einsum("bek,bekw->bew", bent, self.numbers[data.columns])
        values = torch.where(number[..., None], of_numbers, self.words(slot)) * data.valid[..., None]
        own = data.valid.flatten().nonzero()[:, 0]
        links = Links(torch.stack([own, own]), data.columns.flatten()[own, None].float())
        return FeatureMap(values, data.valid, neighbours=all_near(data.valid), links=links)

    def targets(self, data: Rows) -> FeatureMap:
        """What every cell says, at its slot."""
        return FeatureMap(self.slots.spread(data), data.valid, neighbours=all_near(data.valid))

    def placed(self, tokens: FeatureMap) -> Float[Tensor, "batch cells width"]:
        """Tokens with their columns.

        Raises:
            ValueError: if the tokens do not say of which column each is.
        """
        if tokens.links is None:
            raise ValueError("cells need their columns: take tokens from `embed`, and keep their links")
        columns = torch.zeros(tokens.valid.numel(), dtype=torch.long, device=tokens.valid.device)
        columns = columns.scatter(0, tokens.links.ends[0], tokens.links.values[:, 0].long()).view(tokens.valid.shape)
        placed: Tensor = tokens.values + self.columns(columns)
        return placed


def _seen(tokens: FeatureMap, visible: Bool[Tensor, "batch cells"] | None) -> Bool[Tensor, "batch cells 1"]:
    return (tokens.valid if visible is None else tokens.valid & visible)[..., None]


@final
class MLP(AbstractEncoder):
    """Every cell beside the mean of its row, through layers with a way around them (`InTwoSteps`).

    h_i ← h_i + W' gelu(W (norm(h_i), mean_j norm(h_j))) in each layer.

    Args:
        width: length of the vectors.
        layers: how many.
        widths: of every column, how many numbers say what a cell is.
        digest: that of the schema with which rows are read; nothing takes any.

    Source: Zaheer et al., "Deep sets" (2017), for the mean beside every element.

    Example:
        >>> from .showing import specimens
        >>> from .data import collate
        >>> MLP(width=32)(collate([specimens()[0].item])).values.shape
        torch.Size([1, 6, 32])
    """

    def __init__(
        self,
        width: Width = 64,
        layers: Depth = 3,
        widths: Sequence[Widths] = SIX,
        digest: str = "",
    ) -> None:
        super().__init__()
        self.width = width
        self.layers = layers
        self.widths = tuple(widths)
        self.digest = digest
        check_ranges(self)
        self.cells = Cells(Slots(self.widths, digest), width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))
        self.inner = nn.ModuleList(nn.Linear(2 * width, 2 * width) for _ in range(layers))
        self.outer = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(layers))
        self.last = nn.LayerNorm(width)
        self.dim = width

    def embed(self, data: Rows) -> FeatureMap:
        """What every cell says.

        Raises:
            ValueError: if rows were read with another schema.
        """
        return self.cells.embed(data)

    def mix(self, tokens: FeatureMap, visible: Bool[Tensor, "batch cells"] | None = None) -> FeatureMap:
        """What the layers make of the visible cells."""
        return FeatureMap(self.by_layer(tokens, visible)[-1], tokens.valid, neighbours=tokens.neighbours)

    def by_layer(
        self, tokens: FeatureMap, visible: Bool[Tensor, "batch cells"] | None = None
    ) -> tuple[Float[Tensor, "batch cells dim"], ...]:
        """What every layer gives, the last one normalised."""
        there = _seen(tokens, visible)
        count = there.sum(dim=1, keepdim=True).clamp(min=1)
        x, found = self.cells.placed(tokens) * there, list[Tensor]()
        for norm, inner, outer in zip(self.norms, self.inner, self.outer, strict=True):
            own = norm(x) * there
            mean = (own.sum(dim=1, keepdim=True) / count).expand_as(own)
            x = x + outer(nn.functional.gelu(inner(torch.cat([own, mean], dim=2)))) * there
            found.append(x)
        return (*found[:-1], self.last(found[-1]) * there)

    def forward(self, data: Rows) -> FeatureMap:
        """One vector per cell."""
        return self.mix(self.embed(data))

    @property
    def element_values(self) -> int:
        """Numbers that say what a cell is: the slots of all columns."""
        return self.cells.slots.size

    def element_targets(self, data: Rows) -> FeatureMap:
        """What every cell says, at its slot."""
        return self.cells.targets(data)


@final
class Transformer(AbstractEncoder):
    """The tokens of cells with their columns, and pre-norm blocks in which all cells see one another (`InTwoSteps`).

    Args:
        width: length of the vectors.
        depth: number of blocks.
        heads: of attention, which divide the width.
        widths: of every column, how many numbers say what a cell is.
        digest: that of the schema with which rows are read; nothing takes any.

    Source: Gorishniy et al., "Revisiting deep learning models for tabular data" (2021), the FT-Transformer, without its
    token of the whole row.
    """

    def __init__(
        self,
        width: Width = 64,
        depth: Depth = 3,
        heads: AttentionHeads = 4,
        widths: Sequence[Widths] = SIX,
        digest: str = "",
    ) -> None:
        super().__init__()
        self.width = width
        self.depth = depth
        self.heads = heads
        self.widths = tuple(widths)
        self.digest = digest
        check_ranges(self)
        self.cells = Cells(Slots(self.widths, digest), width)
        self.mixer = Mixer(width, depth, heads)
        self.dim = width

    def embed(self, data: Rows) -> FeatureMap:
        """What every cell says.

        Raises:
            ValueError: if rows were read with another schema.
        """
        return self.cells.embed(data)

    def mix(self, tokens: FeatureMap, visible: Bool[Tensor, "batch cells"] | None = None) -> FeatureMap:
        """What the blocks make of the visible cells."""
        mixed: FeatureMap = self.mixer(self._placed(tokens), visible)
        return FeatureMap(mixed.values, tokens.valid, neighbours=tokens.neighbours)

    def _placed(self, tokens: FeatureMap) -> FeatureMap:
        return tokens.with_values(self.cells.placed(tokens))

    def forward(self, data: Rows) -> FeatureMap:
        """One vector per cell."""
        return self.mix(self.embed(data))

    def by_layer(
        self, tokens: FeatureMap, visible: Bool[Tensor, "batch cells"] | None = None
    ) -> tuple[Float[Tensor, "batch cells dim"], ...]:
        """What every block gives."""
        return self.mixer.by_layer(self._placed(tokens), visible)

    def added_by_layer(
        self, tokens: FeatureMap, visible: Bool[Tensor, "batch cells"] | None = None
    ) -> tuple[Float[Tensor, "batch cells dim"], ...]:
        """What the feed-forward network of every block adds."""
        return self.mixer.added_by_layer(self._placed(tokens), visible)

    def attention(self, data: Rows) -> Float[Tensor, "batch heads cells"]:
        """How much attention every cell gets in the last block."""
        return self.mixer.attention(self._placed(self.embed(data)))

    @property
    def element_values(self) -> int:
        """Numbers that say what a cell is: the slots of all columns."""
        return self.cells.slots.size

    def element_targets(self, data: Rows) -> FeatureMap:
        """What every cell says, at its slot."""
        return self.cells.targets(data)
