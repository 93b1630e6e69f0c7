"""Odin as a composition."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

from ..data.presence import Presence
from ..discovery.finder import ObjectFinder
from ..discovery.groupers.kmeans import KMeans
from ..discovery.segmenters.discovery import Discovery
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, CopyEvery, Follower, MovingAverage, NetworkSource, Shared
from .compose import learner_of, task_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.base import AbstractObjective
from .objectives.contrastive import Contrastive
from .settings import Heads, Inputs


@final
@dataclass(frozen=True)
class Odin(AbstractMethod):
    """Odin: discovers objects with a network that follows the online one, and tells them apart across two views.

    Source: Hénaff et al. (2022) and the patent application: temperature 0.1, a copy every 10 epochs, claims 8, 9, 12,
    13 and 16. Widths are those of DetCon and BYOL; the number of objects is our choice within its advice.
    """

    heads: Heads = Heads()
    """Projector and predictor."""
    predictor: bool = True
    """The online side predicts the teacher's vectors (claim 12), or compares its own (claim 13)."""
    teacher: AbstractRule | None = MovingAverage(0.996)
    """How the teacher follows; none: one network on both sides (claim 16)."""
    discovery: AbstractRule | Literal["teacher"] = CopyEvery(10)
    """How the discovery network follows (claims 8, 9), or "teacher" for the teacher's own network."""
    finder: ObjectFinder = ObjectFinder(KMeans(objects=16))
    """How objects are found in the discovery network's features."""
    objective: AbstractObjective = Contrastive(temperature=0.1)
    """Contrast between objects; its similarity and negatives are settings of it."""
    presence: Presence = Presence()
    """Which objects count as present in a view, and a bound on their number."""
    inputs: Inputs = Inputs()
    """What the two networks see."""
    task: bool = False
    """Learn from the labels of labelled objects at the same time."""

    card: ClassVar[MethodCard] = MethodCard(
        "Odin", "Hénaff et al. 2022", "discovered objects", "EMA", "contrast", page="methods/odin.md"
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner."""
        online = self.heads.network(encoder)
        teacher: NetworkSource = Shared(online) if self.teacher is None else Follower(online, self.teacher)
        found = Discovery(discovery_network(online, teacher, self.discovery), self.finder)
        predictor = self.heads.predictor(encoder) if self.predictor else None
        task = task_of(data, self.heads.width(encoder)) if self.task else None
        return learner_of(online, found, self.objective, teacher, predictor, task, self.inputs, self.presence)


def discovery_network(
    online: Network, teacher: NetworkSource, rule: AbstractRule | Literal["teacher"]
) -> NetworkSource:
    """The discovery network: it runs in evaluation mode, so its buffers are copied whatever the rule says of them."""
    if isinstance(rule, AbstractRule):
        return Follower(online, rule, buffers="copy")
    return Shared(teacher.network)
