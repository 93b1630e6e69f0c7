"""Exemplar learning as a composition."""

from dataclasses import dataclass
from typing import ClassVar, final

from ..discovery.segmenters.whole_item import WholeItem
from ..networks.encoder import AbstractEncoder
from .compose import learner_of
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.classified import Exemplar as Objective
from .settings import Heads


@final
@dataclass(frozen=True)
class Exemplar(AbstractMethod):
    """Exemplar learning: every item is a class of its own, and a classifier tells the items apart by their views.

    NPID asks the same question, and answers it with a memory of vectors in place of the classifier's weights.

    Source: Dosovitskiy et al. (2014): a linear classifier on the network's features. Deviations: every item of the data
    set is a class (the paper draws 8000 patches, of 150 views each); views are the modality's.
    """

    heads: Heads = Heads(projection=None)
    """Projector in front of the classifier; none by default."""

    card: ClassVar[MethodCard] = MethodCard(
        "exemplar", "Dosovitskiy et al. 2014", "the whole item", "none", "items as classes", page="methods/exemplar.md"
    )

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner; its classifier has one class for every item."""
        online = self.heads.network(encoder)
        objective = Objective(data.items, self.heads.width(encoder))
        return learner_of(online, WholeItem(), objective, None, teacher_views=0)
