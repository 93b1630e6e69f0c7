"""Segmenters decide what is compared."""

from .base import AbstractSegmenter as AbstractSegmenter
from .discovery import Discovery as Discovery
from .every_element import EveryElement as EveryElement
from .given import GivenMasks as GivenMasks
from .switch_at import SwitchAt as SwitchAt
from .whole_item import WholeItem as WholeItem
