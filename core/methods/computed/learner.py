"""One training step with computed targets, alone or beside any other learner."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ...data.feature_map import FeatureMap, item_means_and_sums
from ...data.view import Batch, View
from ...discovery.finder import ObjectFinder
from ...discovery.segmenters.base import AbstractSegmenter
from ...distributed.ranks import mean_over_ranks
from ...networks.encoder import AbstractEncoder, Network
from ...optimization.progress import Progress
from ..compared import health_of
from ..compared_items import compared_items
from ..step import AbstractLearner, StepOutput
from .head import ComputedHead

Known = tuple[Float[Tensor, "batch values"] | None, FeatureMap | None]
"""What is computed from the items of a batch, and from the elements of their source view."""


@final
class ComputedLearner(AbstractLearner[Any]):
    """Predicts from an item's vectors what is computed from it, and leaves everything else to the learner beside it.

    L = L_beside + weight · Σ_heads mean (z − ẑ)², over the known numbers of all items (or elements) and views.

    Args:
        online: the network that is trained; that of the learner beside it, where there is one.
        of_items: from mean and sum of an item's elements to what is computed from it; None for nothing.
        of_elements: from the vector of an element to its plain features; None for nothing.
        plain: the encoder that gives plain features.
        beside: a learner with the same online network, whose loss is added; None for computed targets alone.
        weight: of computed targets.
        sees: from what they are predicted: the source itself, or each view of it. An element of a view predicts the
            plain features of the element of the source that it shows.
    """

    def __init__(
        self,
        online: Network,
        of_items: ComputedHead | None = None,
        of_elements: ComputedHead | None = None,
        plain: AbstractEncoder | None = None,
        beside: AbstractLearner[Any] | None = None,
        weight: float = 1.0,
        sees: Literal["source", "views"] = "source",
    ) -> None:
        super().__init__()
        if of_items is None and of_elements is None:
            raise ValueError("computed targets need a head: of items, of elements, or both")
        if (of_elements is None) != (plain is None):
            raise ValueError("what elements predict are plain features: give both the head and the encoder, or neither")
        if beside is not None and beside.online is not online:
            raise ValueError("the learner beside computed targets must train the same network")
        self.online = online
        self.of_items = of_items
        self.of_elements = of_elements
        self.plain = plain
        self.beside = beside
        self.weight = weight
        self.sees = sees

    def forward(self, batch: Batch[Any], generator: torch.Generator, progress: Progress) -> StepOutput[Any]:
        """What the learner beside it computes, and the errors of the heads."""
        beside = None if self.beside is None else self.beside(batch, generator, progress)
        views = (batch.source,) if self.sees == "source" else batch.views
        seen = [self.online.encode(view.data) for view in views]
        losses: dict[str, Tensor] = {}
        if self.of_items is not None:
            means = [item_means_and_sums(features) for features in seen]
            losses["computed"] = _mean([self.of_items.error(rows, self._of_items(batch)) for rows in means])
        if self.of_elements is not None:
            parts = [self._elements(batch, view, features) for view, features in zip(views, seen, strict=True)]
            losses["computed_elements"] = _mean([self.of_elements.error(rows, values) for rows, values in parts])
        value = self.weight * torch.stack([*losses.values()]).sum()
        parts_of_loss = {name: loss.detach() for name, loss in losses.items()}
        if beside is None:
            return StepOutput(value, parts_of_loss, compared_items(batch, seen, generator, progress))
        return replace(beside, loss=beside.loss + value, metrics=dict(beside.metrics) | parts_of_loss)

    def _of_items(self, batch: Batch[Any]) -> Float[Tensor, "batch values"]:
        assert self.of_items is not None
        if batch.computed is None:
            return torch.full((len(batch), self.of_items.outputs), torch.nan, device=batch.index.device)
        return batch.computed

    def _elements(self, batch: Batch[Any], view: View[Any], features: FeatureMap) -> tuple[Tensor, Tensor]:
        """The valid elements of a view, and the plain features of what each shows; NaN where that is nothing."""
        assert self.plain is not None
        with torch.no_grad():
            plain: FeatureMap = self.plain(batch.source.data)
            known = torch.where(plain.valid[..., None], plain.values.float(), torch.nan)
            if view is batch.source:
                shown = plain.with_values(known).on_elements_of(features, missing=torch.nan)
            else:
                index = view.correspondence.source_elements(features, plain.places)
                index = torch.where(view.correspondence.known[:, None], index, -1)
                rows = index.clamp(min=0)[..., None].expand(-1, -1, known.shape[2])
                shown = torch.where(index[..., None] >= 0, known.gather(1, rows), torch.nan)
        return features.values[features.valid].float(), shown[features.valid]

    @torch.no_grad()
    def after_step(self, outputs: Sequence[StepOutput[Any]], progress: Progress) -> None:
        """The learner beside it updates what follows."""
        if self.beside is not None:
            self.beside.after_step(outputs, progress)

    @property
    def finder(self) -> ObjectFinder | None:  # type: ignore[override]
        """How the learner beside it finds objects."""
        return None if self.beside is None else self.beside.finder

    @property
    def segmenter(self) -> AbstractSegmenter | None:
        """What the learner beside it compares, for those who keep its segments in rounds; None where nothing is."""
        found: AbstractSegmenter | None = getattr(self.beside, "segmenter", None)
        return found

    def health(self, output: StepOutput[Any]) -> dict[str, float]:
        """That of the learner beside it; alone, spread and rank of whole items."""
        return health_of(output.details) if self.beside is None else self.beside.health(output)

    def heads(self) -> Mapping[str, nn.Module]:
        """The heads of computed targets, and those of the learner beside it."""
        own = {"computed": self.of_items, "computed_elements": self.of_elements}
        beside = {"projector": self.online.projector} if self.beside is None else self.beside.heads()
        return dict(beside) | {name: head for name, head in own.items() if head is not None}


def _mean(parts: Sequence[tuple[Tensor, Tensor]]) -> Float[Tensor, ""]:
    """Σ errors / Σ numbers, over all views and ranks."""
    return mean_over_ranks(torch.stack([total for total, _ in parts]).sum(), torch.stack([n for _, n in parts]).sum())
