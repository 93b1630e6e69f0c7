"""DINO as a method: a student predicts what its teacher says of other crops."""

from dataclasses import dataclass
from typing import ClassVar, final

from jaxtyping import Float
from torch import Tensor, nn

from gestalt import (
    AbstractEncoder,
    AbstractMethod,
    AbstractRule,
    DataInfo,
    Follower,
    Learner,
    MethodCard,
    MovingAverage,
    Network,
    Preset,
    WholeItem,
)
from gestalt.core.components.ranges import CountOrNone, Positive, Width

from .dino_objective import DinoObjective


@final
class Projector(nn.Module):
    """Linear, GELU, Linear, GELU, Linear: DINO's head up to its bottleneck; prototypes follow.

    Args:
        inputs: length of the vectors.
        hidden: width of the hidden layers.
        outputs: of the bottleneck.
    """

    def __init__(self, inputs: Width, hidden: Width, outputs: Width) -> None:
        super().__init__()
        self.inputs, self.hidden, self.outputs = inputs, hidden, outputs
        sizes = [(inputs, hidden), (hidden, hidden), (hidden, outputs)]
        first, second, third = (nn.Linear(*size) for size in sizes)
        for layer in (first, second, third):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
        self.layers = nn.Sequential(first, nn.GELU(), second, nn.GELU(), third)

    def forward(self, rows: Float[Tensor, "rows inputs"]) -> Float[Tensor, "rows outputs"]:
        """One vector per row."""
        projected: Tensor = self.layers(rows)
        return projected


@final
@dataclass(frozen=True)
class DINO(AbstractMethod):
    """DINO: self-distillation without labels, over large and small crops.

    Source: Caron et al., "Emerging properties in self-supervised vision transformers" (2021), and its code. The weight
    decay that rises from 0.04 to 0.4 belongs to the training options and is constant here.
    """

    hidden: Width = 2048
    """Width of the head's hidden layers."""
    bottleneck: Width = 256
    """Length of the vectors that are compared with the prototypes."""
    prototypes: Width = 65536
    """Number of prototypes K."""
    temperature: Positive = 0.1
    """Temperature of the student."""
    teacher_temperature: Positive = 0.07
    """Temperature of the teacher after its warm-up."""
    first_temperature: Positive = 0.04
    """Temperature of the teacher at the start."""
    warmup_epochs: CountOrNone = 30
    """Epochs in which the teacher's temperature rises."""
    frozen_epochs: CountOrNone = 1
    """Epochs in which the student's prototypes are not trained."""
    teacher: AbstractRule = MovingAverage(0.996)
    """How the teacher follows."""

    card: ClassVar[MethodCard] = MethodCard("my DINO", "Caron et al. 2021", "whole items", "EMA", "self-distillation")

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        online = Network(encoder, Projector(encoder.dim, self.hidden, self.bottleneck))
        objective = DinoObjective(
            self.bottleneck,
            self.prototypes,
            self.teacher,
            self.temperature,
            self.teacher_temperature,
            self.first_temperature,
            self.warmup_epochs,
            self.frozen_epochs,
        )
        return Learner(online, WholeItem(), objective, Follower(online, self.teacher), teacher_views=data.large_views)


DINO_SMALL = Preset("my DINO, small", DINO(hidden=64, bottleneck=32, prototypes=256))
"""For runs of minutes."""
