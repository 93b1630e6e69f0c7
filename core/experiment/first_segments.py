"""First segments of plain features, for a warm start."""

from ..discovery.finder import ObjectFinder
from ..discovery.segmenters.discovery import Discovery
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import Fixed


def plain_segments(raw: AbstractEncoder, finder: ObjectFinder) -> Discovery:
    """The objects that `finder` finds in the features of an encoder without parameters; nothing is learned."""
    return Discovery(Fixed(Network(raw)), finder)
