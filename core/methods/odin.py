"""Odin as a composition."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

from ..components.ranges import Width, check_ranges
from ..data.presence import Presence
from ..discovery.finder import ObjectFinder
from ..discovery.groupers.kmeans import KMeans
from ..discovery.segmenters.discovery import Discovery
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, CopyEvery, Follower, MovingAverage, NetworkSource, Shared
from .adversary import Adversary
from .compose import head, learner_of, task_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.base import AbstractObjective
from .objectives.contrastive import Contrastive


@final
@dataclass(frozen=True)
class Odin(AbstractMethod):
    """Odin: discovers objects with a network that follows the online one, and tells them apart across two views.

    Source: Hénaff et al., "Object discovery and representation networks" (2022), and the patent application, which
    gives the temperature (0.1), the copying period (10 epochs) and the variants (claims 8, 9, 12, 13, 16). Widths are
    those of DetCon and BYOL; the number of objects is our choice within its advice.
    """

    hidden: Width = 4096
    """Width of the heads' hidden layer."""
    projection: Width | None = 256
    """Length of the projected vectors; None compares, and groups, hidden features without any projector."""
    predictor: bool = True
    """The online side predicts the teacher's vectors (claim 12), or compares its own (claim 13)."""
    teacher: AbstractRule | None = MovingAverage(0.996)
    """How the teacher follows; none: one network on both sides (claim 16)."""
    discovery: AbstractRule | Literal["teacher"] = CopyEvery(epochs=10)
    """How the discovery network follows (claims 8, 9), or "teacher" for the teacher's own network."""
    finder: ObjectFinder = ObjectFinder(KMeans(objects=16))
    """How objects are found in the discovery network's features."""
    objective: AbstractObjective = Contrastive(temperature=0.1)
    """Contrast between objects; its similarity and negatives are settings of it."""
    span: bool = False
    """Group only what the views show of an item, instead of the whole source ([0074])."""
    presence: Presence = Presence()
    """Which objects count as present in a view, and a bound on their number."""
    teacher_sees: Literal["views", "source"] = "views"
    """The teacher sees the other view, or the untransformed item."""
    adversary: Adversary | None = None
    """Makes the first view hard to predict from."""
    task: bool = False
    """Learn from the labels of labelled objects at the same time."""

    card: ClassVar[MethodCard] = MethodCard(
        "Odin",
        "Hénaff et al. 2022, US 2025/0259068",
        "objects discovered by a network that follows the online one",
        "moving average",
        "contrast between objects",
        "two of one source view",
    )

    def __post_init__(self) -> None:
        check_ranges(self)

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        online = Network(encoder, head(encoder.dim, self.hidden, self.projection))
        width = self.projection or encoder.dim
        teacher: NetworkSource = Shared(online) if self.teacher is None else Follower(online, self.teacher)
        return learner_of(
            online,
            Discovery(discovery_network(online, teacher, self.discovery), self.finder, self.span),
            self.objective,
            teacher,
            predictor=head(width, self.hidden, width) if self.predictor else None,
            presence=self.presence,
            task=task_of(data, width) if self.task else None,
            teacher_sees=self.teacher_sees,
            adversary=self.adversary,
        )


def discovery_network(
    online: Network, teacher: NetworkSource, rule: AbstractRule | Literal["teacher"]
) -> NetworkSource:
    """The discovery network: it runs in evaluation mode, so its buffers are copied whatever the rule says of them."""
    if isinstance(rule, AbstractRule):
        return Follower(online, rule, buffers="copy")
    return Shared(teacher.network)
