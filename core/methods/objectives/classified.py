"""Pretext classes: which transform was applied, and which item this is."""

from collections.abc import Mapping, Sequence
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ...components.ranges import Count, Width, check_ranges
from ...data.segmentation import Objects
from ...distributed.ranks import mean_over_ranks
from ...losses.distances import at_least_float
from ...networks.heads import LinearHead
from ..info import BatchInfo
from .base import AbstractObjective, Loss


@final
class TransformPrediction(AbstractObjective):
    """−log p(a | z), p = softmax(W z + b): by which alternative a was a view changed? The mean over views and objects.

    Args:
        dim: length of the vectors.
        alternatives: how many there are.

    Source: Gidaris et al., "Unsupervised representation learning by predicting image rotations" (2018), equation 2,
    where the alternatives are four rotations.
    """

    def __init__(self, dim: Width, alternatives: Count) -> None:
        super().__init__()
        self.dim, self.alternatives = dim, alternatives
        check_ranges(self)
        self.classifier = LinearHead(dim, alternatives)

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:  # noqa: ARG002
        """The loss and the share of views that are told rightly.

        Raises:
            ValueError: if it is not known by which alternative the views were changed.
        """
        if info.applied is None or info.applied.shape[1] != len(online):
            known = 0 if info.applied is None else info.applied.shape[1]
            raise ValueError(
                f"it is known of {known} of {len(online)} views by which alternative they were changed; give the views "
                "of the data some (Views.alternatives), as the training of a run does"
            )
        return _classified(self.classifier, online, info.applied.T)

    def heads(self) -> Mapping[str, nn.Module]:
        """The classifier."""
        return {"classifier": self.classifier}


@final
class Exemplar(AbstractObjective):
    """−log p(i | z), p = softmax(W z + b) over all items of the data set: which item i is it? The mean over views.

    Args:
        items: the size of the data set.
        dim: length of the vectors.

    Source: Dosovitskiy et al., "Discriminative unsupervised feature learning with exemplar convolutional neural
    networks" (2014), equation 2.
    """

    def __init__(self, items: Count, dim: Width) -> None:
        super().__init__()
        self.items, self.dim = items, dim
        check_ranges(self)
        self.classifier = LinearHead(dim, items)

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:  # noqa: ARG002
        """The loss and the share of views whose item is told rightly.

        Raises:
            ValueError: if an item has a number beyond the classifier.
        """
        if len(info.index) and int(info.index.max()) >= self.items:
            raise ValueError(
                f"the classifier has {self.items} classes, got item number {int(info.index.max())}; build it for the "
                "size of the data set"
            )
        return _classified(self.classifier, online, info.index.expand(len(online), -1))

    def heads(self) -> Mapping[str, nn.Module]:
        """The classifier."""
        return {"classifier": self.classifier}


def _classified(classifier: nn.Module, views: Sequence[Objects], classes: Int[Tensor, "views batch"]) -> Loss:
    """Cross-entropy and accuracy over the present objects of all views and ranks; an object's class is its item's."""
    vectors = torch.cat([view.vectors[view.present] for view in views])
    named = torch.cat(
        [own[:, None].expand_as(view.present)[view.present] for own, view in zip(classes, views, strict=True)]
    )
    logits: Float[Tensor, "rows classes"] = at_least_float(classifier(at_least_float(vectors)))
    rows = nn.functional.cross_entropy(logits, named, reduction="none")
    right: Bool[Tensor, " rows"] = logits.detach().argmax(dim=1) == named
    value = mean_over_ranks(rows.sum(), torch.tensor(len(rows), device=rows.device))
    return Loss(value, {"classification": value.detach(), "accuracy": right.float().mean()})
