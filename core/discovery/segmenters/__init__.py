"""Segmenters decide what is compared."""

from .attended import Attended as Attended
from .base import AbstractSegmenter as AbstractSegmenter
from .discovery import Discovery as Discovery
from .every_element import EveryElement as EveryElement
from .given import GivenMasks as GivenMasks
from .in_rounds import InRounds as InRounds
from .in_rounds import Rounds as Rounds
from .switch_at import SwitchAt as SwitchAt
from .whole_item import WholeItem as WholeItem
