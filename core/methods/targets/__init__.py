"""Targets: what is known of items, elements or objects; each brings its loss, its head's width and its score."""

from .base import AbstractTarget as AbstractTarget
from .base import Balances as Balances
from .base import Decides as Decides
from .base import Errs as Errs
from .base import FromNeighbours as FromNeighbours
from .base import HasUnits as HasUnits
from .base import Points as Points
from .base import Written as Written
from .base import any_known as any_known
from .base import known_rows as known_rows
from .base import standardised as standardised
from .classes import Classes as Classes
from .tags import Tags as Tags
from .tags import tags_from as tags_from
from .trees import Trees as Trees
from .values import Values as Values
