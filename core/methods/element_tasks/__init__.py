"""Pretext tasks on single elements: where two of them lie, which come next, which lie near."""

from .base import AbstractElementTask as AbstractElementTask
from .context import ContextPrediction as ContextPrediction
from .distillation import Distillation as Distillation
from .learner import ElementLearner as ElementLearner
from .near import SkipGram as SkipGram
from .next import NextElement as NextElement
