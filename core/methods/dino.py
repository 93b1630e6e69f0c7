"""DINO as a composition."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

from ..components.ranges import CountOrNone, Positive, Share, Width
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, MovingAverage
from ..networks.heads import DeepMLP
from .compose import learner_of
from .detcon import segmenter_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.assignments import Balance, balanced_by
from .objectives.distillation import Distillation
from .settings import fitting


@final
@dataclass(frozen=True)
class DINO(AbstractMethod):
    """DINO: a student predicts, from every other crop, which prototypes its slow teacher assigns a large crop to.

    Source: Caron et al., "Emerging properties in self-supervised vision transformers" (2021), and its code: 65536
    prototypes with weight normalisation, a head of 2048 and 256, τ = 0.1, τ_t from 0.04 to 0.07 over 30 epochs,
    centring with 0.9, a last layer that is frozen for one epoch, a decay from 0.996. Deviations: τ_t rises by the step;
    weight decay, which rises from 0.04 to 0.4 there, is a constant of training.
    """

    hidden: Width = 2048
    """Width of the head's hidden layers."""
    bottleneck: Width = 256
    """Length of the vectors that are compared with the prototypes."""
    prototypes: Width | None = None
    """Number of prototypes K; none: 65536, or a tenth of the items where that is less."""
    balance: Balance = "centring"
    """What keeps all prototypes in use: a centre, Sinkhorn–Knopp or a soft-max over the batch, or nothing."""
    centre_momentum: Share = 0.9
    """How much of itself the centre keeps."""
    temperature: Positive = 0.1
    """Temperature τ of the student."""
    teacher_temperature: Positive = 0.07
    """Temperature τ_t of the teacher after its warm-up."""
    first_temperature: Positive = 0.04
    """Temperature of the teacher at the start."""
    warmup_epochs: CountOrNone = 30
    """Epochs in which the teacher's temperature rises."""
    frozen_epochs: CountOrNone = 1
    """Epochs in which the student's prototypes are not trained."""
    teacher: AbstractRule | None = MovingAverage(0.996)
    """How the teacher follows; none: the student itself."""
    compares: Literal["items", "segments"] = "items"
    """Whole items, or the objects that come with the data or from the recipe's rule."""

    card: ClassVar[MethodCard] = MethodCard(
        "DINO", "Caron et al. 2021", "the whole item", "EMA", "self-distillation", page="methods/dino.md"
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        online = Network(encoder, DeepMLP(encoder.dim, self.hidden, self.bottleneck))
        count = fitting(65536, data.items) if self.prototypes is None else self.prototypes
        objective = Distillation(
            self.bottleneck,
            count,
            balanced_by(self.balance, count, self.centre_momentum),
            self.teacher,
            self.temperature,
            self.teacher_temperature,
            self.first_temperature,
            self.warmup_epochs,
            self.frozen_epochs,
        )
        segmenter = segmenter_of(self.compares, data)
        return learner_of(online, segmenter, objective, self.teacher, teacher_views=data.large_views)
