"""Items told apart by how well their objects find one another, part by part."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ...components.ranges import CountOrNone, Positive, check_ranges
from ...data.segmentation import Objects
from ...distributed.ranks import mean_over_ranks
from ...losses.best_matches import best_matches
from ...losses.info_nce import info_nce_of_scores
from ...networks.scale import LearnedScale
from ...optimization.progress import Progress
from ..compared import Compared
from ..info import BatchInfo
from .base import AbstractObjective, Loss, ordered_pairs, total_of_pairs
from .keys import keys_of


@final
class MatchedObjects(AbstractObjective):
    """Contrast between items whose views show different objects: words and regions, sounds and regions.

    ℓ_i = −log( e^{s_ii/τ} / Σ_j e^{s_ij/τ} ), s_ij the mean over the objects of item i of their greatest cosine
    similarity with an object of item j (`gestalt.losses.best_matches`), over all items j of the other view. No object
    needs to be in both views, and which belongs to which is not given: the most alike one is taken.

    With `segments` it is the objects that are told apart, and not the items: object k of one view, as the mean of its
    elements, finds its counterpart among the objects of all items in the other view by the most alike of *their*
    elements. An object may so be a moment of which it is not known which of the places that it holds made the sound.

    Args:
        temperature: τ.
        asking: the number of the view whose objects each look for theirs, in both directions: words in pictures, of
            which much is not mentioned. None: those of the view whose items are told.
        learned: whether the temperature is trained, from τ on, as in CLIP.
        segments: tell objects apart, which are in both views, in place of items.

    Items without an object in one of the two views are neither compared nor candidates.
    """

    def __init__(
        self,
        temperature: Positive = 0.07,
        asking: CountOrNone | None = None,
        learned: bool = True,
        segments: bool = False,
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.asking = asking
        self.learned = learned
        self.segments = segments
        check_ranges(self)
        self.scale = LearnedScale(temperature) if learned else None

    @property
    def elements(self) -> bool:
        """Whether it needs the elements of objects: where these are told apart."""
        return self.segments

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:  # noqa: ARG002
        """The loss over all ordered pairs of views, with the temperature as a part where it is trained."""
        temperature = self.temperature if self.scale is None else self.scale()
        losses = [
            self._direction(online[i], teacher[j], self.asking == j, temperature)
            for i, j in ordered_pairs(len(online), len(teacher))
        ]
        value = total_of_pairs(losses)
        parts = {"matched": value.detach()}
        return Loss(value, parts if self.scale is None else parts | {"temperature": self.scale().detach()})

    def _direction(
        self, told: Objects, among: Objects, turned: bool, temperature: float | Float[Tensor, ""]
    ) -> Float[Tensor, ""]:
        """Every item of one view among all items of the other; `turned`: it is the others' objects that ask."""
        if self.segments:
            told, among = segments_as_items(told, asked=turned), segments_as_items(among, asked=not turned)
        queries, keys = keys_of(told, "cosine", other_ranks=False), keys_of(among, "cosine")
        there = told.present.any(dim=1) & among.present.any(dim=1)
        everyone = int(keys.item.max()) + 1 if len(keys.item) else 0
        mine, items = len(told.present), max(everyone, keys.first_item + len(told.present))
        if turned:
            scores = best_matches(keys.vectors, queries.vectors, keys.item, queries.item, (items, mine)).T
        else:
            scores = best_matches(queries.vectors, keys.vectors, queries.item, keys.item, (mine, items))
        scores, known = scores[there], scores[there].isfinite()
        scores = torch.where(known, scores, 0.0) / temperature  # −∞ would give the temperature a gradient that is NaN
        own = there.nonzero() + keys.first_item
        others = known & (torch.arange(items, device=own.device) != own)
        losses = info_nce_of_scores(scores.gather(1, own)[:, 0], scores, others)
        return mean_over_ranks(losses.sum(), there.sum())

    def after_step(self, outputs: Sequence[Any], progress: Progress) -> None:  # noqa: ARG002
        """A trained temperature stays within its bound."""
        if self.scale is not None:
            self.scale.hold()

    def health(self, details: Compared) -> dict[str, float]:
        """What is compared are items: `shared_objects` is the share of those that have an object in both views."""
        first, second = (view.present.any(dim=1) for view in details.online[:2])
        return {"shared_objects": float((first & second).sum() / (first | second).sum().clamp(min=1))}

    def heads(self) -> Mapping[str, nn.Module]:
        """The trained temperature, where it is."""
        return {} if self.scale is None else {"scale": self.scale}


def segments_as_items(view: Objects, asked: bool) -> Objects:
    """Every object as an item of its own: of one object, its mean, or of as many as it has elements, where it is asked.

    Raises:
        ValueError: if it is asked and its elements are not at hand.

    Example: an item with two objects, of two elements and of one.

        >>> from gestalt.core.data.segmentation import Elements
        >>> weights = torch.tensor([[[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
        >>> elements = Elements(torch.tensor([[[1.0], [3.0], [5.0]]]), weights)
        >>> view = Objects(torch.tensor([[[2.0], [5.0]]]), torch.ones(1, 2, dtype=torch.bool), elements)
        >>> segments_as_items(view, asked=False).vectors.shape, segments_as_items(view, asked=True).present.tolist()
        (torch.Size([2, 1, 1]), [[True, True, False], [False, False, True]])
    """
    if not asked:
        return Objects(view.vectors.flatten(0, 1)[:, None], view.present.flatten()[:, None])
    if view.elements is None:
        raise ValueError("objects are found by their elements, and these are not at hand; see `ComparesElements`")
    inside = (view.elements.weights > 0) & view.present[..., None]
    vectors = view.elements.vectors[:, None].expand(*inside.shape, -1)
    return Objects(vectors.flatten(0, 1), inside.flatten(0, 1))
