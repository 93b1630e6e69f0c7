"""CLIP by object, as a composition."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

from ..components.ranges import CountOrNone, Positive
from ..discovery.finder import ObjectFinder
from ..discovery.segmenters.base import AbstractSegmenter
from ..discovery.segmenters.discovery import Discovery
from ..discovery.segmenters.every_element import EveryElement
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, CopyEvery, Follower, Shared
from .compose import learner_of
from .detcon import given_segments
from .learner import Learner
from .method import AbstractMethod, DataInfo, MethodCard
from .objectives.matched import MatchedObjects
from .settings import Heads


@final
@dataclass(frozen=True)
class CLIPObjects(AbstractMethod):
    """CLIP by object: a caption fits a picture as well as each of its words finds something in it.

    Source: ours, after CLIP (Radford et al., 2021), whose one vector for each part it replaces by objects; an item's
    score is the mean over the objects of one part of the greatest similarity with an object of the other (MISA of
    Harwath et al., 2018; FILIP, Yao et al., 2022).
    """

    heads: Heads = Heads(projection=None)
    """Projector beside the encoder's own projection of each part; none."""
    temperature: Positive = 0.07
    """Temperature τ at the start."""
    learned: bool = True
    """Whether the temperature is trained."""
    parts: tuple[str, ...] = ()
    """The part that each view shows; none: a view for every part."""
    asking: CountOrNone | None = None
    """The number of the view, from 0 on, whose objects each look for their like, in both directions: that of captions,
    of which each word should be seen, where much of a picture is not mentioned. None: those of either view in turn."""
    finder: ObjectFinder | None = None
    """How the objects of every part are found; none: every element is one."""
    discovery: AbstractRule = CopyEvery(100, "steps")
    """How the network follows in whose features they are found."""

    compares: Literal["items", "segments"] = "items"
    """What finds its counterpart in the other part: whole items, by all of their objects; or segments that span parts,
    those of the recipe's rule or masks that come with the data, each by its elements: which of the places that changed
    at a moment made the sound is then not said beforehand."""

    card: ClassVar[MethodCard] = MethodCard(
        "CLIP, by object",
        "ours",
        "the objects of the parts of an item",
        "the network itself",
        "contrast between parts",
        page="methods/clip-objects.md",
    )

    @property
    def title(self) -> str:
        """What tables call it."""
        return self.card.title if self.compares == "items" else f"{self.card.title}, segments"

    def build(self, encoder: AbstractEncoder, data: DataInfo) -> Learner:
        """The learner.

        Raises:
            ValueError: if segments are compared, with a projection or a finder.
        """
        online, told_apart = self.heads.network(encoder), self.compares == "segments"
        objective = MatchedObjects(self.temperature, self.asking, self.learned, told_apart)
        return learner_of(online, self._given(data) if told_apart else self._segments(online), objective)

    def _given(self, data: DataInfo) -> AbstractSegmenter:
        if self.heads.projection is not None:
            raise ValueError(
                f"segments are found by their elements, which no projector enters, got a projection of length "
                f"{self.heads.projection}; leave it at none, or compare items"
            )
        if self.finder is not None:
            raise ValueError("segments come from the data or the recipe's rule; leave the finder out, or compare items")
        return given_segments(data)

    def _segments(self, online: Network) -> AbstractSegmenter:
        if self.finder is None:
            return EveryElement(Shared(online))
        return Discovery(Follower(online, self.discovery, buffers="copy"), self.finder)
