"""Odin started from first segments by a rule, as the recipes train it in minutes."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..components.ranges import CountOrNone, Positive, Weight, Width, check_ranges
from ..discovery.segmenters.discovery import Discovery
from ..discovery.segmenters.switch_at import SwitchAt
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, CopyEvery, Follower, MovingAverage
from .compose import head, learner_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.base import AbstractObjective
from .objectives.combined import Combined
from .objectives.contrastive import Contrastive
from .objectives.regression import Regression
from .odin import discovery_network


@final
@dataclass(frozen=True)
class OdinWarmStart(AbstractMethod):
    """Odin, warm start: compares the segments of a rule first, and discovered ones from a step on.

    It departs from Odin in three ways: first segments come from the recipe's rule (or from masks that come with the
    data) until `switch` steps are done; objects are found as the recipe finds them; regression onto the teacher's
    objects may join the contrast between them. Heads are small, for runs of minutes.

    Source: ours; what it gives stands in each recipe's page.
    """

    contrast: Weight = 1.0
    """Weight of contrast between objects."""
    regression: Weight = 0.0
    """Weight of regression onto the teacher's objects."""
    temperature: Positive = 0.1
    """Temperature of the contrast."""
    switch: CountOrNone = 200
    """Steps with first segments before discovered ones take over."""
    hidden: Width = 256
    """Width of the heads' hidden layer."""
    projection: Width = 128
    """Length of the projected vectors."""
    teacher: AbstractRule = MovingAverage(0.99)
    """How the teacher follows."""
    discovery: AbstractRule = CopyEvery(steps=100)
    """How the discovery network follows."""

    card: ClassVar[MethodCard] = MethodCard(
        "Odin, warm start",
        "ours, after Hénaff et al. 2022",
        "segments of a rule, then discovered objects",
        "moving average",
        "contrast between objects, with or without regression",
        "two of one source view",
    )

    def __post_init__(self) -> None:
        check_ranges(self)
        if not self.contrast and not self.regression:
            raise ValueError("contrast and regression cannot both be 0: nothing would be learned")

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner.

        Raises:
            ValueError: if the data bring no way of finding objects.
        """
        if data.finder is None:
            raise ValueError(
                "odin-warm-start finds objects as the recipe does, and there is no recipe: DataInfo(finder=…)"
            )
        online = Network(encoder, head(encoder.dim, self.hidden, self.projection))
        teacher = Follower(online, self.teacher)
        discovered = Discovery(discovery_network(online, teacher, self.discovery), data.finder)
        first = data.first_segments
        terms: list[tuple[float, AbstractObjective]] = [
            (self.contrast, Contrastive(self.temperature)),
            (self.regression, Regression()),
        ]
        weights, objectives = zip(*((weight, term) for weight, term in terms if weight), strict=True)
        return learner_of(
            online,
            discovered if first is None else SwitchAt(first, discovered, self.switch),
            Combined(objectives, weights),
            teacher,
            predictor=head(self.projection, self.hidden, self.projection),
        )
