"""iBOT's second term: what the teacher says of an element that the student does not see."""

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ...data.segmentation import Elements, Objects
from ...distributed.ranks import mean_over_ranks
from ...losses.distances import unit
from ...losses.soft_cross_entropy import soft_cross_entropy
from ...optimization.progress import Progress
from ..compared import Compared
from ..info import BatchInfo
from ..step import StepOutput
from .assignments import AbstractAssignment, ObservesScores
from .base import AbstractObjective, Loss
from .distillation import Distillation


@final
class HiddenElements(AbstractObjective):
    """H(P(x_i), softmax(s(x̂_i) / τ)) over the elements i of a view x that are hidden in the student's view x̂.

    The mean over an item's hidden elements, then over all items (those with nothing hidden count as 0) and the
    teacher's views. Prototypes, temperatures and schedules are those of the objective between views; the centre is its
    own, of all elements that the teacher sees. `Objects.elements` are projected vectors; on the online side their
    weights mark what is hidden, on the teacher's side what is there.

    Args:
        between: the objective between views.
        assignment: how scores of elements become P.

    Source: Zhou et al., "iBOT: image BERT pre-training with online tokenizer" (2022), equation 2, and its code with a
    shared head.
    """

    def __init__(self, between: Distillation, assignment: AbstractAssignment) -> None:
        super().__init__()
        self._between = (between,)  # a tuple hides it from this module's parameters: it is trained and saved elsewhere
        self.assignment = assignment

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:
        """The loss, with no part.

        Raises:
            ValueError: if the objects bring no elements.
        """
        between, losses = self._between[0], []
        temperature = between.teacher_temperature_at(info.progress)
        for seen, taught in zip(online, teacher, strict=False):
            elements, hidden = _elements(seen)
            items = hidden.sum(dim=1)[hidden.nonzero()[:, 0]]
            targets = self.assignment(between.taught(_elements(taught)[0].vectors[hidden]), temperature)
            said = between.said(elements.vectors[hidden], info.progress)
            rows = soft_cross_entropy(said, targets, between.temperature, "none") / items
            losses.append(mean_over_ranks(rows.sum(), torch.tensor(len(hidden), device=rows.device)))
        value = torch.stack(losses).mean()
        return Loss(value, {"hidden": value.detach()})

    @torch.no_grad()
    def after_step(self, outputs: Sequence[StepOutput[Compared]], progress: Progress) -> None:  # noqa: ARG002
        """The centre follows what the teacher says of its elements: before its prototypes follow."""
        if not isinstance(self.assignment, ObservesScores):
            return
        views = [_elements(view) for output in outputs for view in output.details.teacher]
        rows = torch.cat([elements.vectors[there] for elements, there in views])
        # Scores are products with unit vectors: their sum is the score of the mean direction, times the mean's length.
        total = unit(rows).sum(dim=0, keepdim=True)
        self.assignment.observe(self._between[0].taught(total)[0] * total.norm(), len(rows))


def _elements(objects: Objects) -> tuple[Elements, Bool[Tensor, "batch elements"]]:
    if objects.elements is None:
        raise ValueError("HiddenElements compares elements, and these objects bring none: Objects(elements=…)")
    weights: Float[Tensor, "batch elements"] = objects.elements.weights[:, 0]
    return objects.elements, weights > 0
