"""Modalities composed of others: their items have parts, such as a clip with its sound, a picture with its caption."""

from .item import JointItem as JointItem
from .modality import JointModality as JointModality
from .modality import joint as joint
