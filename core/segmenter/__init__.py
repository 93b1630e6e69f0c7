"""Segmenters decide what is compared."""

from .base import AbstractSegmenter as AbstractSegmenter
from .discovery import Discovery as Discovery
from .discovery import discover as discover
from .every_element import EveryElement as EveryElement
from .given import Given as Given
from .hand_over import HandOver as HandOver
from .whole_item import WholeItem as WholeItem
