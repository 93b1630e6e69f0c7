"""Encoders of points: plain features of a point and of what lies around it, and a network of both."""

from typing import Annotated, final

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from gestalt.core.components.exporting import is_exporting
from gestalt.core.components.ranges import Between, Depth, Width, check_ranges
from gestalt.core.data.feature_map import FeatureMap, Links
from gestalt.core.data.precision import full_precision
from gestalt.core.networks.encoder import AbstractEncoder

from .data import Clouds

Near = Annotated[int, Between(1, 256)]
"""How many of the nearest points are around a point."""
Columns = Annotated[int, Between(0, 64)]
"""Numbers that are known of a point beside its place."""
DISTANCES = 1 << 22
"""So many distances are in memory at a time."""


def nearest(
    places: Float[Tensor, "batch elements 3"], valid: Bool[Tensor, "batch elements"], near: int
) -> tuple[Int[Tensor, "batch elements near"], Bool[Tensor, "batch elements near"]]:
    """The nearest points of every point, itself among them, and which of these there are.

    Distances are computed a block of rows at a time: memory grows with the elements, not with their square.

    Example:
        >>> line = torch.tensor([[[0.0, 0, 0], [1.0, 0, 0], [5.0, 0, 0]]])
        >>> nearest(line, torch.ones(1, 3, dtype=torch.bool), 2)[0].tolist()
        [[[0, 1], [1, 0], [2, 1]]]
    """
    if is_exporting():  # all distances at once: how many blocks there would be is no question for a program
        apart = (
            (places[:, :, None] - places[:, None]).square().sum(dim=3).sqrt().masked_fill(~valid[:, None], torch.inf)
        )
        index = apart.topk(near, dim=2, largest=False).indices
        return index, of_nearest(valid[..., None], index)[..., 0] & valid[..., None]
    batch, elements, _ = places.shape
    near = min(near, elements)
    rows = max(1, DISTANCES // max(batch * elements, 1))
    found = []
    for first in range(0, elements, rows):
        # Not by matrix products, whose rounding depends on the size of the batch.
        apart = torch.cdist(
            places[:, first : first + rows], places, compute_mode="donot_use_mm_for_euclid_dist"
        ).masked_fill(~valid[:, None], torch.inf)
        found.append(apart.topk(near, dim=2, largest=False).indices)
    index = torch.cat(found, dim=1) if found else places.new_zeros(batch, 0, near, dtype=torch.long)
    there = valid.gather(1, index.flatten(1)).view(index.shape) & valid[..., None]
    return index, there


def of_nearest(
    values: Shaped[Tensor, "batch elements dim"], index: Int[Tensor, "batch elements near"]
) -> Shaped[Tensor, "batch elements near dim"]:
    """The vectors of the nearest points of every point."""
    batch, elements, near = index.shape
    rows = index.flatten(1)[..., None].expand(-1, -1, values.shape[2])
    return values.gather(1, rows).view(batch, elements, near, values.shape[2])


def joined(
    index: Int[Tensor, "batch elements near"], there: Bool[Tensor, "batch elements near"]
) -> Bool[Tensor, "batch elements elements"]:
    """Which points are neighbours: one is among the nearest of the other."""
    batch, elements, _ = index.shape
    near = torch.zeros(batch, elements, elements, dtype=torch.bool, device=index.device)
    near = near.scatter(2, index, there) & ~torch.eye(elements, dtype=torch.bool, device=index.device)
    return near | near.mT


@final
class Raw(AbstractEncoder):
    """Plain features without parameters: where a point lies, what is known of it, and the shape of what is around it.

    Of the covariance of its nearest points, with eigenvalues λ₁ ≥ λ₂ ≥ λ₃: linearity (λ₁ − λ₂)/λ₁, planarity
    (λ₂ − λ₃)/λ₁, scattering λ₃/λ₁, and verticality, 1 − |n_z| with n the eigenvector of λ₃.

    Args:
        columns: how many numbers are known of a point beside its place.
        near: how many of the nearest points are around a point, itself among them.

    Source: Weinmann et al., "Semantic point cloud interpretation based on optimal neighborhoods" (2015), with a fixed
    number of points.
    """

    def __init__(self, columns: Columns = 1, near: Near = 12) -> None:
        super().__init__()
        self.columns = columns
        self.near = near
        check_ranges(self)
        self.dim = 3 + columns + 4

    def forward(self, data: Clouds) -> FeatureMap:
        """One vector per point; nearest points are neighbours.

        Raises:
            ValueError: if the data have other columns than the encoder was built for.
        """
        agree(data, self.columns)
        index, there = nearest(data.places, data.valid, self.near)
        values = torch.cat([data.places, data.features, shape_of(data, index, there)], dim=2)
        return FeatureMap(values.masked_fill(~data.valid[..., None], 0.0), data.valid, neighbours=_known(index, there))


def _known(
    index: Int[Tensor, "batch elements near"], there: Bool[Tensor, "batch elements near"]
) -> Bool[Tensor, "batch elements elements"] | None:
    """Which points are neighbours; a program gives vectors alone."""
    return None if is_exporting() else joined(index, there)


def shape_of(
    data: Clouds, index: Int[Tensor, "batch elements near"], there: Bool[Tensor, "batch elements near"]
) -> Float[Tensor, "batch elements 4"]:
    """Linearity, planarity, scattering and verticality of what is around every point."""
    around = of_nearest(data.places, index)
    count = there.sum(dim=2).clamp(min=1)[..., None]
    mean = (around * there[..., None]).sum(dim=2) / count
    apart = (around - mean[:, :, None]) * there[..., None]
    with full_precision(apart):  # numbers of the data, whatever networks compute in
        spread = torch.einsum("benx,beny->bexy", apart, apart) / count[..., None]
    values, vectors = torch.linalg.eigh(spread)
    third, second, first = values.clamp(min=0).unbind(dim=2)
    whole = first.clamp(min=1e-9)
    # Where points lie on a line no direction is the normal: any of them would do, and none is told.
    upright = torch.where(second > 1e-6 * whole, 1 - vectors[..., 2, 0].abs(), 0.0)
    return torch.stack([(first - second) / whole, (second - third) / whole, third / whole, upright], dim=2)


def agree(data: Clouds, columns: int) -> None:
    """Refuse data of other columns than an encoder was built for.

    Raises:
        ValueError: with both.
    """
    if data.features.shape[2] != columns:
        raise ValueError(
            f"the encoder is built for points with {columns} columns beside their places, the data have "
            f"{data.features.shape[2]}; pass columns={data.features.shape[2]} when building it"
        )


@final
class PointNet(AbstractEncoder):
    """Every point, its nearest points, and the whole cloud: layers over the nearest points, then a maximum over all.

    In each layer h_i ← h_i + W' relu(max_j (A h_i + B (h_j − h_i) + C (p_j − p_i) + D p_i)), with j over the nearest
    points of i, itself among them, and p their places; in the end a point has its vector beside the maximum over the
    cloud, mapped to `width`. It is in two steps: a token holds what is known of a point, not where it lies.

    Args:
        width: length of the vectors.
        layers: how many; each sees one step further.
        near: how many of the nearest points are around a point, itself among them.
        columns: how many numbers are known of a point beside its place.

    Source: Qi et al., "PointNet" (2017), the maximum over the cloud beside every point; Wang et al., "Dynamic graph CNN
    for learning on point clouds" (2019), the edges, here of places alone, so that they are found once.
    """

    def __init__(self, width: Width = 64, layers: Depth = 2, near: Near = 12, columns: Columns = 1) -> None:
        super().__init__()
        self.width = width
        self.layers = layers
        self.near = near
        self.columns = columns
        check_ranges(self)
        self.dim = width
        self.point = nn.Linear(columns, width) if columns else None
        self.alone = nn.Parameter(torch.zeros(width))
        self.own = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.other = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(layers))
        self.apart = nn.ModuleList(nn.Linear(6, width, bias=False) for _ in range(layers))
        self.mixed = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))
        self.both = nn.Linear(2 * width, width)

    def embed(self, data: Clouds) -> FeatureMap:
        """What is known of every point; as links, how far its nearest points are, and where it lies itself.

        Raises:
            ValueError: if the data have other columns than the encoder was built for.
        """
        agree(data, self.columns)
        index, there = nearest(data.places, data.valid, self.near)
        batch, elements, near = index.shape
        values = self.alone.expand(batch, elements, -1)
        values = values if self.point is None else values + self.point(data.features)
        first = torch.arange(batch, device=index.device)[:, None, None] * elements
        own = torch.arange(elements, device=index.device)[None, :, None].expand(batch, -1, near)
        ends = torch.stack([(index + first)[there], (own + first)[there]])
        middle = data.places[:, :, None].expand(-1, -1, near, -1)
        places = torch.cat([of_nearest(data.places, index) - middle, middle], dim=3)[there]
        valid = data.valid
        return FeatureMap(
            values.masked_fill(~valid[..., None], 0.0),
            valid,
            neighbours=joined(index, there),
            links=Links(ends, places),
        )

    def mix(self, tokens: FeatureMap, visible: Bool[Tensor, "batch elements"] | None = None) -> FeatureMap:
        """What the layers make of the visible points.

        Raises:
            ValueError: if the tokens do not say what joins them.
        """
        if tokens.links is None:
            raise ValueError("points need their places: take tokens from `embed`, and keep their links")
        there = tokens.valid if visible is None else tokens.valid & visible
        ends, places = tokens.links.ends, tokens.links.values
        inside = there.flatten()[ends].all(dim=0)
        row = there.flatten().cumsum(0) - 1
        (other_end, own_end), places = row[ends[:, inside]], places[inside]
        x = tokens.values[there]
        for own, other, apart, mixed, norm in zip(
            self.own, self.other, self.apart, self.mixed, self.norms, strict=True
        ):
            given = norm(x)
            far = other(given)
            messages = far[other_end] - far[own_end] + apart(places)
            x = x + mixed((own(given) + _greatest(messages, own_end, len(x))).relu())
        item = there.nonzero()[:, 0]
        cloud = _greatest(x, item, len(there))[item]
        rows = self.both(torch.cat([x, cloud], dim=1))
        values = rows.new_zeros(*there.shape, rows.shape[1]).masked_scatter(there[..., None], rows)
        return FeatureMap(values, tokens.valid, neighbours=tokens.neighbours)

    def forward(self, data: Clouds) -> FeatureMap:
        """One vector per point; nearest points are neighbours.

        Raises:
            ValueError: if the data have other columns than the encoder was built for.
        """
        return self._all_places(data) if is_exporting() else self.mix(self.embed(data))

    def _all_places(self, data: Clouds) -> FeatureMap:
        """The same with as many nearest points for every place of the batch, padding among them: for a program."""
        agree(data, self.columns)
        index, there = nearest(data.places, data.valid, self.near)
        middle = data.places[:, :, None].expand(-1, -1, self.near, -1)
        places = torch.cat([of_nearest(data.places, index) - middle, middle], dim=3)
        x = self.alone.expand(*data.valid.shape, -1)
        x = x if self.point is None else x + self.point(data.features)
        for own, other, apart, mixed, norm in zip(
            self.own, self.other, self.apart, self.mixed, self.norms, strict=True
        ):
            given = norm(x)
            far = other(given)
            messages = of_nearest(far, index) - far[:, :, None] + apart(places)
            greatest = messages.masked_fill(~there[..., None], -torch.inf).amax(dim=2)
            x = x + mixed((own(given) + greatest).relu())
        cloud = x.masked_fill(~data.valid[..., None], -torch.inf).amax(dim=1, keepdim=True)
        values = self.both(torch.cat([x, cloud.expand_as(x)], dim=2))
        return FeatureMap(values.masked_fill(~data.valid[..., None], 0.0), data.valid)

    @property
    def element_values(self) -> int:
        """Numbers that say what a point is: its columns, and the shape of what is around it."""
        return self.columns + 4

    def element_targets(self, data: Clouds) -> FeatureMap:
        """What every point is: its columns, and the shape of what is around it."""
        index, there = nearest(data.places, data.valid, self.near)
        values = torch.cat([data.features, shape_of(data, index, there)], dim=2)
        return FeatureMap(values.masked_fill(~data.valid[..., None], 0.0), data.valid, neighbours=joined(index, there))


def _greatest(
    values: Float[Tensor, "rows dim"], places: Int[Tensor, " rows"], count: int
) -> Float[Tensor, "count dim"]:
    """The greatest of the rows at each of `count` places, number by number; every place that is asked for has one."""
    index = places[:, None].expand_as(values)
    return values.new_zeros(count, values.shape[1]).scatter_reduce(0, index, values, "amax", include_self=False)
