"""Which element of the source every element of a view shows.

A transform states its correspondence as it acts. Two kinds suffice, and both compose: `Affine` for elements on the
axes of a grid (crop, flip, resize, rotation, stretch, temporal sampling) and `Index` for sets (words, nodes, points).
Items with parts have one of either for each (`InParts`). Where nothing is known (a paraphrase, say), `known` is False
for the item: it is then compared as a whole.
"""

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar, final

import torch
from einops import einsum
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .feature_map import FeatureMap
from .grid import Grid
from .places import Places, one_grid
from .shares import LiesBetween, Shares, around

KindT = TypeVar("KindT", bound="AbstractCorrespondence")


class AbstractCorrespondence(abc.ABC):
    """For every element of a view the element of the source that it shows, or none."""

    known: Bool[Tensor, " batch"]

    @abc.abstractmethod
    def source_elements(self, view: FeatureMap, source: Places | None) -> Int[Tensor, "batch elements"]:
        """The source element under every element of `view`; −1 for none. `source` is the source's own lattice."""

    @abc.abstractmethod
    def then(self, second: "AbstractCorrespondence") -> "AbstractCorrespondence":
        """The correspondence of this transform followed by `second`, which started from this one's view."""

    @abc.abstractmethod
    def join(self, others: Sequence["AbstractCorrespondence"]) -> "AbstractCorrespondence":
        """The items of this correspondence and of `others`, in order, as one batch."""

    @abc.abstractmethod
    def to(self, device: torch.device | str) -> "AbstractCorrespondence":
        """The same correspondence on another device."""


def shares_of(correspondence: AbstractCorrespondence, view: FeatureMap, source: Places | None) -> Shares:
    """How much each element of a view tells of each element of its source, between elements where it may lie there."""
    if isinstance(correspondence, LiesBetween):
        return correspondence.shares(view, source)
    return Shares.shown(correspondence.source_elements(view, source))


def _of_kind(kind: type[KindT], other: AbstractCorrespondence) -> KindT:
    if not isinstance(other, kind):
        raise TypeError(
            f"correspondences of one item are of one kind, got {kind.__name__} and {type(other).__name__}; "
            "let all transforms of a modality state the same kind"
        )
    return other


@final
@dataclass(frozen=True)
class Affine(AbstractCorrespondence):
    """Position in the source = `matrix` · position in the view + `offset`, in axis units; one rule per item.

    What the view shows of no source (a mask, a filled border) is listed as regions of the view: a position `p` lies in
    hidden region `r` if all coordinates of `hidden_matrix[r] · p + hidden_offset[r]` are in `[0, 1)`. A region that
    spans a whole axis has a zero row and the offset ½; padding regions have offset −1 and hide nothing.

    Example: the last two of four seconds, stretched to twice the speed, with the first half second masked.

        >>> from gestalt.core.data.grid import Grid
        >>> crop = Affine.of(scale=[1.0], offset=[2.0])
        >>> fast = Affine.of(scale=[2.0], offset=[0.0]).hiding(low=[0.0], high=[0.5])
        >>> source = Grid.uniform(cells=(8,), step=(0.5,))
        >>> view = FeatureMap(torch.zeros(1, 4, 1), torch.ones(1, 4, dtype=torch.bool), Grid.uniform((4,), (0.25,)))
        >>> crop.then(fast).source_elements(view, source).tolist()
        [[-1, -1, 6, 7]]
    """

    matrix: Float[Tensor, "batch axes axes"]
    offset: Float[Tensor, "batch axes"]
    hidden_matrix: Float[Tensor, "batch regions axes axes"]
    hidden_offset: Float[Tensor, "batch regions axes"]
    known: Bool[Tensor, " batch"]

    def __post_init__(self) -> None:
        batch, axes = self.offset.shape
        regions = self.hidden_offset.shape[1]
        expected = {"matrix": (batch, axes, axes), "hidden_matrix": (batch, regions, axes, axes), "known": (batch,)}
        for name, shape in expected.items():
            if tuple(getattr(self, name).shape) != shape:
                raise ValueError(f"Affine.{name} must have shape {shape}, got {tuple(getattr(self, name).shape)}")

    @classmethod
    def of(cls, scale: Sequence[float], offset: Sequence[float], known: bool = True) -> "Affine":
        """One item whose axes are scaled and shifted separately."""
        axes = len(scale)
        return cls(
            torch.diag(torch.tensor(scale, dtype=torch.float32))[None],
            torch.tensor(offset, dtype=torch.float32)[None],
            torch.zeros(1, 0, axes, axes),
            torch.zeros(1, 0, axes),
            torch.tensor([known]),
        )

    @classmethod
    def identity(cls, axes: int) -> "Affine":
        """One item, unchanged: the same object every time, so that `then` knows it."""
        return _identity(axes)

    @classmethod
    def none(cls, axes: int) -> "Affine":
        """One item of which nothing is known."""
        return cls.of([1.0] * axes, [0.0] * axes, known=False)

    def hiding(self, low: Sequence[float], high: Sequence[float]) -> "Affine":
        """Also hide the box `[low, high)` of the view; an infinite bound spans the axis on both sides.

        A box without extent hides nothing.
        """
        if any(a >= b for a, b in zip(low, high, strict=True)):
            return self
        scale, offset = [], []
        for a, b in zip(low, high, strict=True):
            bounded = abs(a) != float("inf") and abs(b) != float("inf")
            scale.append(1 / (b - a) if bounded else 0.0)
            offset.append(-a / (b - a) if bounded else 0.5)
        matrix = torch.diag(torch.tensor(scale)).expand(len(self.offset), 1, -1, -1).to(self.offset)
        shift = torch.tensor(offset).expand(len(self.offset), 1, -1).to(self.offset)
        return Affine(
            self.matrix,
            self.offset,
            torch.cat([self.hidden_matrix, matrix], dim=1),
            torch.cat([self.hidden_offset, shift], dim=1),
            self.known,
        )

    def leading(self, axes: int) -> "Affine":
        """What this says about the first `axes` axes alone, for elements that span all the others (a time frame).

        A hidden region stays only if it spans the dropped axes entirely: a frequency mask hides no time frame.
        """
        if axes == self.offset.shape[1]:
            return self
        rest = self.hidden_offset[..., axes:]
        spans = (self.hidden_matrix[..., axes:, :] == 0).all(dim=-1) & (rest >= 0) & (rest < 1)
        return Affine(
            self.matrix[:, :axes, :axes],
            self.offset[:, :axes],
            self.hidden_matrix[..., :axes, :axes],
            torch.where(spans.all(dim=-1)[..., None], self.hidden_offset[..., :axes], torch.inf),
            self.known,
        )

    def source_elements(self, view: FeatureMap, source: Places | None) -> Int[Tensor, "batch elements"]:
        """The source element under the centre of every view element.

        Elements may lie on fewer axes than the correspondence speaks of: those they lack, they span (`leading`).

        Raises:
            ValueError: if the view's features or the source have no lattice, or the source has axes that the view
                lacks.
        """
        rule, own, lattice = self._on(view, source)
        points = own.centres().to(rule.offset).expand(len(rule.offset), -1, -1)
        positions = einsum(rule.matrix, points, "b i j, b n j -> b n i") + rule.offset[:, None]
        visible = rule.known[:, None] & view.valid & ~rule._hides(points)
        return torch.where(visible, lattice.locate(positions[..., : len(lattice.edges)]), -1)

    def shares(self, view: FeatureMap, source: Places | None) -> Shares:
        """The view's elements around the centre of every source element, linearly between their centres.

        A source element whose centre the view does not show, or hides, has none; nor do hidden elements of the view
        count. Where the source lacks axes of the view, each element of the view counts for the one it shows.

        Raises:
            ValueError: as `source_elements`; and if a transform brings an axis to a point.
        """
        rule, own, lattice = self._on(view, source)
        if len(lattice.edges) < len(own.edges):
            return Shares.shown(self.source_elements(view, source))
        unchanged = torch.eye(len(own.edges), device=rule.matrix.device)
        back, singular = torch.linalg.inv_ex(torch.where(rule.known[:, None, None], rule.matrix, unchanged))
        if bool(singular.any()):
            raise ValueError("a view that brings an axis to a point has no place between its elements")
        points = lattice.centres().to(rule.offset).expand(len(rule.offset), -1, -1)
        places = einsum(back, points - rule.offset[:, None], "b i j, b n j -> b n i")
        cell = own.locate(places)
        shown = rule.known[:, None] & (cell >= 0) & ~rule._hides(places)
        shown &= view.valid.gather(1, cell.clamp(min=0))
        told = view.valid & ~rule._hides(own.centres().to(rule.offset).expand(len(rule.offset), -1, -1))
        index, weight = around(own, places)
        weight = weight * shown[..., None] * told.gather(1, index.flatten(1)).view_as(index)
        item, element, corner = (weight > 0).nonzero(as_tuple=True)
        return Shares(item, element, index[item, element, corner], weight[item, element, corner])

    def _on(self, view: FeatureMap, source: Places | None) -> tuple["Affine", Grid, Grid]:
        """The rule on the axes of the view, and the lattices of view and source."""
        lattice = one_grid(source)
        if view.grid is None or lattice is None:
            raise ValueError("an affine correspondence needs elements on a grid on both sides, got a set")
        axes, target = len(view.grid.edges), len(lattice.edges)
        if not target <= axes <= self.offset.shape[1]:
            raise ValueError(
                f"the view lies on {axes} axes, its source on {target}, the correspondence on {self.offset.shape[1]}; "
                "the view may lack axes of the correspondence, and the source axes of the view, but not the reverse"
            )
        return self.leading(axes), view.grid, lattice

    def _hides(self, points: Float[Tensor, "batch points axes"]) -> Bool[Tensor, "batch points"]:
        """Which places of the view show nothing of the source."""
        inner = einsum(self.hidden_matrix, points, "b r i j, b n j -> b n r i") + self.hidden_offset[:, None]
        return ((inner >= 0) & (inner < 1)).all(dim=-1).any(dim=-1)

    def then(self, second: AbstractCorrespondence) -> "Affine":
        """The composition; regions that this transform hid are carried into the second view's coordinates."""
        second = _of_kind(Affine, second)
        # This runs for every step of every view of every item, and most steps move nothing; matmul starts faster than
        # einsum.
        still = _identity(self.offset.shape[1])
        if second is still:
            return self
        if self is still:
            return second
        regions, offset = (second.hidden_matrix, second.hidden_offset), second.offset[..., None]
        if self.hidden_offset.shape[1]:
            moved = self.hidden_matrix @ second.matrix[:, None]
            shifted = (self.hidden_matrix @ offset[:, None])[..., 0] + self.hidden_offset
            regions = torch.cat([moved, regions[0]], dim=1), torch.cat([shifted, regions[1]], dim=1)
        return Affine(
            self.matrix @ second.matrix,
            (self.matrix @ offset)[..., 0] + self.offset,
            *regions,
            self.known & second.known,
        )

    def join(self, others: Sequence[AbstractCorrespondence]) -> "Affine":
        """One batch of all items; shorter lists of hidden regions are padded with regions that hide nothing."""
        parts = [self, *(_of_kind(Affine, other) for other in others)]
        regions = max(part.hidden_offset.shape[1] for part in parts)

        def pad(regional: Tensor, value: float) -> Tensor:
            missing = regional.new_full((regional.shape[0], regions - regional.shape[1], *regional.shape[2:]), value)
            return torch.cat([regional, missing], dim=1)

        return Affine(
            torch.cat([part.matrix for part in parts]),
            torch.cat([part.offset for part in parts]),
            torch.cat([pad(part.hidden_matrix, 0.0) for part in parts]),
            torch.cat([pad(part.hidden_offset, -1.0) for part in parts]),
            torch.cat([part.known for part in parts]),
        )

    def to(self, device: torch.device | str) -> "Affine":
        """The same correspondence on another device."""
        fields = (self.matrix, self.offset, self.hidden_matrix, self.hidden_offset, self.known)
        return Affine(*(field.to(device, non_blocking=True) for field in fields))


@lru_cache
def _identity(axes: int) -> Affine:
    return Affine.of([1.0] * axes, [0.0] * axes)


@final
@dataclass(frozen=True)
class Index(AbstractCorrespondence):
    """Element `i` of the view is element `index[i]` of the source; −1 for what was inserted or is padding.

    Example: a word is dropped, then a word is inserted in front.

        >>> drop, insert = Index.of([0, 2]), Index.of([-1, 0, 1])
        >>> drop.then(insert).index.tolist()
        [[-1, 0, 2]]
    """

    index: Int[Tensor, "batch elements"]
    known: Bool[Tensor, " batch"]

    def __post_init__(self) -> None:
        if self.index.shape[:1] != self.known.shape:
            raise ValueError(f"index has {len(self.index)} items, known has {len(self.known)}")

    @classmethod
    def of(cls, index: Sequence[int], known: bool = True) -> "Index":
        """One item."""
        return cls(torch.tensor([list(index)], dtype=torch.long).view(1, -1), torch.tensor([known]))

    @classmethod
    def identity(cls, elements: int) -> "Index":
        """One item, unchanged."""
        return cls.of(range(elements))

    @classmethod
    def none(cls, elements: int) -> "Index":
        """One item of which nothing is known."""
        return cls.of([-1] * elements, known=False)

    def source_elements(self, view: FeatureMap, source: Places | None) -> Int[Tensor, "batch elements"]:
        """The source element of every view element.

        Raises:
            ValueError: if the encoder's elements are not the view's elements, or lie on a grid.
        """
        if source is not None or view.grid is not None:
            raise ValueError("an index correspondence needs elements of a set on both sides, got a grid")
        missing = view.valid.shape[1] - self.index.shape[1]
        if missing < 0 or bool((view.valid[:, self.index.shape[1] :]).any()):
            raise ValueError(
                f"the view has {self.index.shape[1]} elements, but the encoder gave {view.valid.shape[1]}; "
                "an encoder of a set gives one vector per element, in order"
            )
        index = torch.nn.functional.pad(self.index, (0, missing), value=-1)
        return torch.where(view.valid & self.known[:, None], index, -1)

    def then(self, second: AbstractCorrespondence) -> "Index":
        """The composition: look the second's sources up in the first."""
        second = _of_kind(Index, second)
        found = self.index.gather(1, second.index.clamp(min=0)) if self.index.shape[1] else second.index.clamp(max=-1)
        return Index(torch.where(second.index >= 0, found, -1), self.known & second.known)

    def join(self, others: Sequence[AbstractCorrespondence]) -> "Index":
        """One batch of all items, padded with −1."""
        parts = [self, *(_of_kind(Index, other) for other in others)]
        longest = max(part.index.shape[1] for part in parts)
        padded = [torch.nn.functional.pad(part.index, (0, longest - part.index.shape[1]), value=-1) for part in parts]
        return Index(torch.cat(padded), torch.cat([part.known for part in parts]))

    def to(self, device: torch.device | str) -> "Index":
        """The same correspondence on another device."""
        return Index(self.index.to(device, non_blocking=True), self.known.to(device, non_blocking=True))
