"""The objects of an item as weights on its elements, and the vectors pooled over them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import torch
from einops import einsum
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .correspondence import AbstractCorrespondence, shares_of
from .feature_map import FeatureMap, Grid
from .places import Places, one_grid
from .precision import full_precision


@final
@dataclass(frozen=True)
class Elements:
    """The elements of a view: one vector each, and the weight of each in every object; 0 on padding."""

    vectors: Float[Tensor, "batch elements dim"]
    weights: Float[Tensor, "batch objects elements"]

    def detach(self) -> "Elements":
        """The same elements without their history of gradients."""
        return Elements(self.vectors.detach(), self.weights)


@final
@dataclass(frozen=True)
class Objects:
    """One vector per object of every item; the vector of an absent object is zero and means nothing.

    `elements` are those that the objects are made of, for objectives that compare elements; None where none does.
    """

    vectors: Float[Tensor, "batch objects dim"]
    present: Bool[Tensor, "batch objects"]
    elements: Elements | None = None

    def __post_init__(self) -> None:
        if self.vectors.shape[:2] != self.present.shape:
            raise ValueError(
                "vectors and present must agree on batch and objects, "
                f"got {tuple(self.vectors.shape)} and {tuple(self.present.shape)}"
            )

    def map(self, function: Callable[[Tensor], Tensor]) -> "Objects":
        """Apply `function: rows dim → rows other` to the present objects only, so absent ones enter no statistics."""
        rows = function(self.vectors[self.present])
        vectors = rows.new_zeros(*self.present.shape, rows.shape[-1])
        return Objects(vectors.masked_scatter(self.present[..., None], rows), self.present, self.elements)

    def detach(self) -> "Objects":
        """The same objects without their history of gradients."""
        elements = None if self.elements is None else self.elements.detach()
        return Objects(self.vectors.detach(), self.present, elements)


@final
@dataclass(frozen=True)
class Segmentation:
    """For every element its weight in each object: non-negative, at most 1 in sum over objects, 0 on padding.

    `places` tells where the elements lie (None for sets). An item marked `whole` has one object, number 0, which is
    the item itself wherever it is seen; so BYOL's comparison of whole items needs no correspondence, and an item whose
    correspondence is unknown falls back to it. `at_centres`: object k is the centre of element k, if that has weight,
    and a view shows it between the elements around that place.

    Example:
        >>> segments = Segmentation.from_labels(torch.tensor([[0, 0, 1, -1]]), objects=2)
        >>> features = FeatureMap(torch.tensor([[[1.0], [3.0], [5.0], [9.0]]]), torch.ones(1, 4, dtype=torch.bool))
        >>> segments.pool(features).vectors.flatten().tolist()
        [2.0, 5.0]
    """

    weights: Float[Tensor, "batch objects elements"]
    places: Places | None
    whole: Bool[Tensor, " batch"]
    at_centres: bool = False

    def __post_init__(self) -> None:
        batch, objects, elements = self.weights.shape
        if self.whole.shape != (batch,):
            raise ValueError(f"whole must have shape {(batch,)}, got {tuple(self.whole.shape)}")
        if self.places is not None and self.places.elements != elements:
            raise ValueError(f"the places have {self.places.elements} elements, the weights have {elements}")
        if self.at_centres and objects != elements:
            raise ValueError(f"one object at the centre of every element, got {objects} objects, {elements} elements")

    @property
    def grid(self) -> Grid | None:
        """The one lattice of the elements; None for sets.

        Raises:
            ValueError: for elements of several parts.
        """
        return one_grid(self.places)

    @classmethod
    def from_labels(
        cls, labels: Int[Tensor, "batch elements"], objects: int, places: Places | None = None
    ) -> "Segmentation":
        """Hard segments from object numbers; −1 belongs to none.

        Raises:
            ValueError: if a label is not in −1 … objects − 1.
        """
        if labels.numel() and (int(labels.min()) < -1 or int(labels.max()) >= objects):
            raise ValueError(
                f"labels must lie in −1 … {objects - 1}, got {int(labels.min())} … {int(labels.max())}; "
                "raise `objects` or renumber the labels"
            )
        numbers = torch.arange(objects, device=labels.device)
        weights = (labels[:, None] == numbers[:, None]).to(torch.get_default_dtype())
        return cls(weights, places, torch.zeros(len(labels), dtype=torch.bool, device=labels.device))

    @classmethod
    def whole_items(cls, batch: int, device: torch.device | str = "cpu") -> "Segmentation":
        """Every item is one object."""
        return cls(torch.zeros(batch, 1, 0, device=device), None, torch.ones(batch, dtype=torch.bool, device=device))

    @classmethod
    def every_element(cls, features: FeatureMap, at_centres: bool = False) -> "Segmentation":
        """Every valid element is an object of its own, or its centre; memory grows with the square of the elements."""
        weights = torch.diag_embed(features.valid.to(features.values.dtype))
        return cls(weights, features.places, torch.zeros_like(features.valid[:, 0]), at_centres)

    @property
    def objects(self) -> int:
        """Greatest number of objects per item."""
        return self.weights.shape[1]

    def labels(self) -> Int[Tensor, "batch elements"]:
        """The heaviest object of every element, −1 where no object has weight."""
        heaviest, number = self.weights.max(dim=1)
        return torch.where(heaviest > 0, number, -1)

    def falling_back(self, unknown: Bool[Tensor, " batch"]) -> "Segmentation":
        """The same segments, except that items in `unknown` are taken as a whole."""
        return replace(self, whole=self.whole | unknown)

    def seen_from(self, correspondence: AbstractCorrespondence, view: FeatureMap) -> "Segmentation":
        """These segments carried onto the elements of a view: each takes the weights of the source element it shows.

        With `at_centres` those around the centre of a source element share its weight, linearly between their own
        centres; all weights of an item are scaled so that no element of the view has more than 1.
        """
        if self.at_centres:
            carried = self._between(correspondence, view)
        elif self.weights.shape[2]:
            source = correspondence.source_elements(view, self.places)
            index = source.clamp(min=0)[:, None].expand(-1, self.objects, -1)
            carried = self.weights.gather(2, index) * (source >= 0)[:, None]
        else:
            carried = self.weights.new_zeros(*self.weights.shape[:2], view.valid.shape[1])
        item = torch.zeros_like(carried)
        item[:, 0] = view.valid.to(carried.dtype)
        return Segmentation(torch.where(self.whole[:, None, None], item, carried), view.places, self.whole)

    def _between(
        self, correspondence: AbstractCorrespondence, view: FeatureMap
    ) -> Float[Tensor, "batch objects elements"]:
        batch, objects, _ = self.weights.shape
        shares = shares_of(correspondence, view, self.places).matrix(batch, objects, view.valid.shape[1])
        carried = shares.to(self.weights) * self.weights.diagonal(dim1=1, dim2=2)[..., None]
        greatest = torch.nn.functional.pad(carried.sum(dim=1), (0, 1), value=1.0).amax(dim=1)
        return carried / greatest[:, None, None]

    def with_rest(self) -> "Segmentation":
        """The same segments, and one more object behind them: what belongs to none; nothing of items taken as a whole.

        Padding belongs to it too: no view shows it.

        Example:
            >>> Segmentation.from_labels(torch.tensor([[0, -1, 1]]), objects=2).with_rest().labels().tolist()
            [[0, 2, 1]]
        """
        rest = (1 - self.weights.sum(dim=1, keepdim=True)).clamp(min=0) * ~self.whole[:, None, None]
        return Segmentation(torch.cat([self.weights, rest], dim=1), self.places, self.whole)

    def padded(self, objects: int) -> "Segmentation":
        """The same segments with at least so many objects; further ones have no element.

        Example:
            >>> Segmentation.from_labels(torch.tensor([[0, 1]]), objects=2).padded(5).objects
            5
        """
        missing = max(0, objects - self.objects)
        return Segmentation(torch.nn.functional.pad(self.weights, (0, 0, 0, missing)), self.places, self.whole)

    def pool(self, features: FeatureMap, least: float = 0.0) -> Objects:
        """The mean of the features over each object, `h_k = Σ_i m_ki h_i / Σ_i m_ki`, and which objects are present.

        An object is present if its weights sum to more than `least` (in elements). Weights of padding are ignored.
        The sums run in float32 whatever the features' precision.
        """
        weights = self.weights.float() * features.valid[:, None]
        area = weights.sum(dim=2)
        present = area > least
        share = weights / area.clamp(min=torch.finfo(area.dtype).tiny)[..., None]
        values = torch.where(features.valid[..., None], features.values.float(), 0.0)
        with full_precision(values):
            vectors = einsum(share, values, "b k n, b n d -> b k d")
        return Objects(torch.where(present[..., None], vectors, 0.0), present)

    def rows(self, index: Int[Tensor, " rows"]) -> "Segmentation":
        """The segments of some items of the batch."""
        places = None if self.places is None else self.places.rows(index)
        return Segmentation(self.weights[index], places, self.whole[index], self.at_centres)

    def to(self, device: torch.device | str) -> "Segmentation":
        """The same segments on another device."""
        return replace(self, weights=self.weights.to(device), whole=self.whole.to(device))
