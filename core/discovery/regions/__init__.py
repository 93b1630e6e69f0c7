"""Fine segments of plain features, which a grouper then merges: superpixels, stretches between exact changes."""

from .base import AbstractOverSegmentation as AbstractOverSegmentation
from .base import FineSegments as FineSegments
from .base import Seen as Seen
from .fine_groups import FineGroups as FineGroups
from .pooling import GroupRegions as GroupRegions
