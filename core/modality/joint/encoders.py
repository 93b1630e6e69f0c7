"""Encoders of joint items: one for every part, and what brings their vectors into one space."""

from collections.abc import Callable, Mapping
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor, nn

from ...components.names import choose
from ...components.ranges import Count, CountOrNone, Width, check_ranges
from ...data.feature_map import FeatureMap
from ...data.grid import Grid
from ...data.parts import joined
from ...networks.encoder import AbstractEncoder
from ...networks.transformer import Mixer
from .item import JointData

Builders = Mapping[str, Mapping[str, Callable[..., AbstractEncoder]]]
"""The encoders of every part's modality by name."""
Settings = Mapping[str, Mapping[str, Any]]


@final
class JointRaw(AbstractEncoder):
    """Plain features of all parts, without parameters: those of each part have places of their own in the vector.

    Elements of different parts are thus orthogonal. Features of a part are divided by the root of their number, so that
    no part outweighs another by its width alone.

    Args:
        builders: of every part.
        settings: of each part's plain features; what is not said has its default.
    """

    def __init__(self, builders: Builders, settings: Settings | None = None) -> None:
        super().__init__()
        self.settings = {} if settings is None else {name: dict(own) for name, own in settings.items()}
        self.parts = nn.ModuleDict({name: own["raw"](**self.settings.get(name, {})) for name, own in builders.items()})
        self.dims = {name: _dim(part) for name, part in self.parts.items()}
        self.dim = sum(self.dims.values())

    @property
    def of_parts(self) -> dict[str, nn.Module]:
        """The encoder of every part."""
        return dict(self.parts.items())

    def forward(self, data: JointData) -> FeatureMap:
        """One vector per element of every part."""
        first, maps = 0, {}
        for name, features in encoded(self.parts, data).items():
            wide = features.values.new_zeros(*features.valid.shape, self.dim)
            wide[..., first : first + self.dims[name]] = features.values / self.dims[name] ** 0.5
            maps[name] = features.with_values(wide)
            first += self.dims[name]
        return joined(maps, data.in_time)


@final
class Joint(AbstractEncoder):
    """An encoder for every part, a projection of each into one space, and a transformer over the elements of all parts.

    Without layers, elements of a part know of their own part alone: two views that keep one part each are then encoded
    independently, as CLIP does it.

    Args:
        builders: of every part.
        encoders: which encoder each part has, as `audio=dilated,video=unet`; parts that are not named have the first of
            their modality that learns.
        settings: of each part's encoder; what is not said has its default.
        dim: length of the vectors in the common space.
        layers: of the transformer over the elements of all parts.
        heads: of its attention.
    """

    def __init__(
        self,
        builders: Builders,
        encoders: str = "",
        settings: Settings | None = None,
        dim: Width = 128,
        layers: CountOrNone = 0,
        heads: Count = 4,
    ) -> None:
        super().__init__()
        self.encoders, self.dim, self.layers, self.heads = encoders, dim, layers, heads
        self.settings = {} if settings is None else {name: dict(own) for name, own in settings.items()}
        check_ranges(self)
        chosen = chosen_encoders(encoders, builders)
        self.parts = nn.ModuleDict(
            {name: own[chosen[name]](**self.settings.get(name, {})) for name, own in builders.items()}
        )
        self.projections = nn.ModuleDict({name: nn.Linear(_dim(part), dim) for name, part in self.parts.items()})
        self.kinds = nn.ParameterDict({name: nn.Parameter(0.02 * torch.randn(dim)) for name in builders})
        self.mixer = Mixer(dim, layers, heads) if layers else None

    @property
    def of_parts(self) -> dict[str, nn.Module]:
        """The encoder of every part."""
        return dict(self.parts.items())

    def forward(self, data: JointData) -> FeatureMap:
        """One vector per element of every part."""
        tokens = joined(
            {
                name: features.with_values(
                    (self.projections[name](features.values) + self.kinds[name]) * features.valid[..., None]
                )
                for name, features in encoded(self.parts, data).items()
            },
            data.in_time,
        )
        if self.mixer is None:
            return tokens
        mixed: FeatureMap = self.mixer(tokens)
        return mixed


def first_that_learns(builders: Mapping[str, Callable[..., AbstractEncoder]]) -> str:
    """The first encoder with parameters; `raw` where there is none."""
    for name, build in builders.items():
        if name != "raw" and any(True for _ in build().parameters()):
            return name
    return "raw"


def chosen_encoders(
    said: str,
    builders: Builders,
    first: Callable[[Mapping[str, Callable[..., AbstractEncoder]]], str] = first_that_learns,
) -> dict[str, str]:
    """The name of every part's encoder.

    Args:
        said: which, as `part=encoder` with commas between.
        builders: of every part.
        first: which encoder a part has that is not named.

    Raises:
        ValueError: if a part or an encoder of that name is not there.

    Example:
        >>> from gestalt.core.networks.encoder import Identity
        >>> chosen_encoders("a=raw", {"a": {"raw": Identity, "b": nn.Linear}, "c": {"raw": lambda: Identity(2)}})
        {'a': 'raw', 'c': 'raw'}
    """
    pairs = [pair.partition("=") for pair in said.replace(" ", "").split(",") if pair]
    wrong = [name + middle + own for name, middle, own in pairs if not middle]
    if wrong:
        raise ValueError(f"encoders are named as part=encoder, with commas between, got {wrong[0]!r} in {said!r}")
    named = {choose("part", name, list(builders)): own for name, _, own in pairs}
    for name, own in named.items():
        choose(f"encoder of {name}", own, list(builders[name]))
    return {name: named[name] if name in named else first(own) for name, own in builders.items()}


def encoded(
    parts: nn.ModuleDict,
    data: JointData,
    make: Callable[[nn.Module, Any], FeatureMap] = lambda part, own: part(own),
    width: Callable[[nn.Module], int] | None = None,
) -> dict[str, FeatureMap]:
    """The features of every part for all items; elements of a part that an item lacks are not valid.

    A part that no item has, has no elements.

    Args:
        parts: the encoders of all parts.
        data: the batch.
        make: what is made of a part by its encoder: features, or something else on its elements.
        width: how long the vectors of that are; None: as those of the encoder.
    """
    found = {}
    device = next((rows.device for rows in data.rows), torch.device("cpu"))
    for (name, encoder), rows, own in zip(parts.items(), data.rows, data.data, strict=True):
        if own is None:
            values = torch.zeros(data.items, 0, (width or _dim)(encoder), device=device)
            found[name] = FeatureMap(values, torch.zeros(data.items, 0, dtype=torch.bool, device=device))
            continue
        features = make(encoder, own)
        found[name] = features if len(rows) == data.items else _spread(features, rows, data.items)
    return found


def _spread(features: FeatureMap, rows: Int[Tensor, " having"], items: int) -> FeatureMap:
    """The features of some items as those of all; nothing is valid in the others."""
    values = features.values.new_zeros(items, *features.values.shape[1:]).index_copy(0, rows, features.values)
    valid = features.valid.new_zeros(items, features.valid.shape[1]).index_copy(0, rows, features.valid)
    neighbours = features.neighbours
    if neighbours is not None:
        neighbours = neighbours.new_zeros(items, *neighbours.shape[1:]).index_copy(0, rows, neighbours)
    return FeatureMap(values, valid, _for_all(features.grid, rows, items), neighbours)


def _for_all(grid: Grid | None, rows: Int[Tensor, " having"], items: int) -> Grid | None:
    """A lattice of some items as one of all: items that lack it have the first one's."""
    if grid is None:
        return None
    axes = []
    for edges in grid.edges:
        if len(edges) > 1:
            every = edges[:1].repeat(items, 1)
            every[rows.to(edges.device)] = edges
            edges = every
        axes.append(edges)
    return Grid(tuple(axes))


def _dim(encoder: nn.Module) -> int:
    assert isinstance(encoder, AbstractEncoder)
    return encoder.dim
