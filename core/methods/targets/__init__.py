"""Targets: what is known of items, elements or objects; each brings its loss, its head's width and its score."""

from .base import AbstractTarget as AbstractTarget
from .base import HasUnits as HasUnits
from .base import any_known as any_known
from .base import known_rows as known_rows
from .base import standardised as standardised
from .classes import Classes as Classes
from .values import Values as Values
