"""Distillation from a finished run into another encoder."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, final

from ..components.ranges import Positive
from ..networks.encoder import AbstractEncoder, Network
from .element_tasks.distillation import Distillation
from .element_tasks.learner import ElementLearner
from .method import AbstractMethod, DataInfo, MethodCard


@final
@dataclass(frozen=True)
class Distil(AbstractMethod):
    """Feature distillation: the encoder predicts what a finished run makes of every element, both seeing the same view.

    The encoder may be of another architecture, smaller or larger, with elements of another size.

    Source: Wei et al., "Contrastive learning rivals masked image modeling in fine-tuning via feature distillation"
    (2022): normalised targets, a linear predictor, β = 2, one view for both; that a small network learns so from a
    large one: Romero et al., "FitNets" (2015). Deviations: they add relative position biases that layers share, and
    more drop path in the student; both belong to an architecture.
    """

    run: Path | None = None
    """Folder of the finished run that teaches; it must be of the same modality."""
    beta: Positive = 2.0
    """Where the error turns from squared to absolute."""
    sees: Literal["views", "source"] = "views"
    """What both see: each view, or the untransformed item."""

    card: ClassVar[MethodCard] = MethodCard(
        "distillation",
        "Wei et al. 2022",
        "every element",
        "a finished run",
        "regression onto its vectors",
        page="methods/distil.md",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> ElementLearner:
        """The learner; it keeps a copy of the teacher.

        Raises:
            ValueError: if there is no teacher.
        """
        if data.teacher is None:
            raise ValueError("distillation learns from a finished run, and none is named: --method.run FOLDER")
        task = Distillation(encoder.dim, copy.deepcopy(data.teacher), self.beta)
        return ElementLearner(Network(encoder), task, self.sees)
