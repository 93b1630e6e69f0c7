"""Objectives: what pulls together, what pushes apart."""

from .assignments import Balanced as Balanced
from .assignments import Centred as Centred
from .assignments import balanced_by as balanced_by
from .base import AbstractObjective as AbstractObjective
from .base import Loss as Loss
from .combined import Combined as Combined
from .contrastive import Contrastive as Contrastive
from .contrastive import contrastive as contrastive
from .deepcluster import DeepCluster as DeepCluster
from .distillation import Distillation as Distillation
from .elements import ElementsToObjects as ElementsToObjects
from .hidden_elements import HiddenElements as HiddenElements
from .moco import Moco as Moco
from .npid import Npid as Npid
from .prototype_contrast import PrototypeContrast as PrototypeContrast
from .pseudo_labels import pseudo_labels as pseudo_labels
from .queue import Entries as Entries
from .queue import Queue as Queue
from .regression import Regression as Regression
from .relic import Relic as Relic
from .self_labelling import SelfLabelling as SelfLabelling
from .semantic import Semantic as Semantic
from .supervised import Nothing as Nothing
from .supervised import SupervisedContrastive as SupervisedContrastive
