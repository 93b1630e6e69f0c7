"""iBOT as a composition."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..components.ranges import CountOrNone, Positive, Share, Weight, Width
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, Follower, MovingAverage
from ..networks.heads import DeepMLP
from ..networks.two_steps import InTwoSteps
from .hiding_learner import HidingLearner
from .masked.hiding import AbstractHiding, Together
from .masked.token import MaskToken
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.assignments import Balance, balanced_by
from .objectives.combined import Combined
from .objectives.distillation import Distillation
from .objectives.hidden_elements import HiddenElements
from .settings import fitting


@final
@dataclass(frozen=True)
class IBOT(AbstractMethod):
    """iBOT: DINO between views, and within a view what the teacher says of elements that the student does not see.

    Source: Zhou et al., "iBOT: image BERT pre-training with online tokenizer" (2022), and its code: 8192 prototypes, a
    head that items and elements share, of 2048 and 256, DINO's temperatures and schedules, views of which half have
    hidden elements, regions of 10 to 50 %, equal weights. Deviations: an item is the mean of its elements in place of a
    class token; where elements are hidden, it is 30 %.
    """

    hidden: Width = 2048
    """Width of the head's hidden layers."""
    bottleneck: Width = 256
    """Length of the vectors that are compared with the prototypes."""
    prototypes: Width | None = None
    """Number of prototypes K; none: 8192, or a tenth of the items where that is less."""
    balance: Balance = "centring"
    """What keeps all prototypes in use: a centre, Sinkhorn–Knopp or a soft-max over the batch, or nothing."""
    centre_momentum: Share = 0.9
    """How much of itself the centre keeps; items and elements have one each."""
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
    hiding: AbstractHiding = Together(0.3)
    """Which elements are hidden from the student."""
    chance: Share = 0.5
    """Chance of a view to have hidden elements."""
    weight: Weight = 1.0
    """Weight of the loss of hidden elements."""
    teacher: AbstractRule = MovingAverage(0.996)
    """How the teacher follows."""

    card: ClassVar[MethodCard] = MethodCard(
        "iBOT",
        "Zhou et al. 2022",
        "the whole item and hidden elements",
        "EMA",
        "self-distillation",
        page="methods/ibot.md",
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> HidingLearner:
        """The learner.

        Raises:
            ValueError: if the encoder is not in two steps.
        """
        if not isinstance(encoder, InTwoSteps):
            able = ", ".join(data.two_steps)
            advice = f"choose one with --encoder: {able}" if able else "no encoder of this modality can"
            raise ValueError(
                f"iBOT hides elements between the two steps of an encoder, and {type(encoder).__name__} has one step "
                f"alone; {advice}"
            )
        online = Network(encoder, DeepMLP(encoder.dim, self.hidden, self.bottleneck))
        count = fitting(8192, data.items) if self.prototypes is None else self.prototypes
        between = Distillation(
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
        elements = HiddenElements(between, balanced_by(self.balance, count, self.centre_momentum))
        return HidingLearner(
            online,
            Follower(online, self.teacher),
            # Elements first: their centre takes the teacher's scores before its prototypes follow.
            Combined([elements, between], [self.weight, 1.0]),
            self.hiding,
            MaskToken(encoder.dim),
            self.chance,
            data.large_views,
        )
