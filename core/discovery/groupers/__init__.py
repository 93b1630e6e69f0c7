"""Groupers turn a feature map into a segmentation."""

from .across_parts import AcrossParts as AcrossParts
from .agglomerative import Agglomerative as Agglomerative
from .along import Along as Along
from .along import along_first_axis as along_first_axis
from .base import AbstractGrouper as AbstractGrouper
from .by_codebook import ByCodebook as ByCodebook
from .change_points import ChangePoints as ChangePoints
from .contiguous import Contiguous as Contiguous
from .estimated import Estimated as Estimated
from .in_order import InOrder as InOrder
from .kmeans import KMeans as KMeans
from .merge_alike import MergeAlike as MergeAlike
from .mixture import Mixture as Mixture
from .part_by_part import PartByPart as PartByPart
from .regions import Regions as Regions
from .regions import touching as touching
from .seams import Seams as Seams
from .spectral import Spectral as Spectral
