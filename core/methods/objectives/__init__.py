"""Objectives: what pulls together, what pushes apart."""

from .base import AbstractObjective as AbstractObjective
from .base import Loss as Loss
from .classified import Exemplar as Exemplar
from .classified import TransformPrediction as TransformPrediction
from .combined import Combined as Combined
from .contrastive import Contrastive as Contrastive
from .contrastive import contrastive as contrastive
from .elements import ElementsToObjects as ElementsToObjects
from .moco import Moco as Moco
from .npid import Npid as Npid
from .paws import Paws as Paws
from .pseudo_labels import pseudo_labels as pseudo_labels
from .queue import Entries as Entries
from .queue import Queue as Queue
from .regression import Regression as Regression
from .relic import Relic as Relic
from .semantic import Semantic as Semantic
from .simmatch import SimMatch as SimMatch
from .supervised import Nothing as Nothing
from .supervised import SupervisedContrastive as SupervisedContrastive
