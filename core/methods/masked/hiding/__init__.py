"""Which elements are hidden: at random, in blocks, spans, tubes, subgraphs, or whole objects."""

from .at_random import AtRandom as AtRandom
from .base import AbstractHiding as AbstractHiding
from .base import Hidden as Hidden
from .base import hide as hide
from .blocks import Blocks as Blocks
from .objects import HiddenObjects as HiddenObjects
from .parts import HiddenParts as HiddenParts
from .spans import Spans as Spans
from .subgraphs import Subgraphs as Subgraphs
from .targets import TargetRegions as TargetRegions
from .together import Together as Together
from .tubes import Tubes as Tubes
