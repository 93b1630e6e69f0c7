"""Objectives: what pulls together, what pushes apart."""

from .base import AbstractObjective as AbstractObjective
from .base import Loss as Loss
from .combined import Combined as Combined
from .contrastive import Contrastive as Contrastive
from .contrastive import contrastive as contrastive
from .regression import Regression as Regression
from .regression import regression as regression
