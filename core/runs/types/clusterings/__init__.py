"""Ways to cluster the object vectors of a data set into types."""

from .balanced import BalancedTypes as BalancedTypes
from .base import AbstractClustering as AbstractClustering
from .base import HasNumber as HasNumber
from .communities import CommunityTypes as CommunityTypes
from .density import DensityTypes as DensityTypes
from .k_means import KMeansTypes as KMeansTypes
