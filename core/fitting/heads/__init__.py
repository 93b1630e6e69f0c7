"""Heads that are fitted to labelled vectors: each answers about everything that it is given, at once."""

from .base import AbstractFittedHead as AbstractFittedHead
from .base import Standard as Standard
from .biaffine import Biaffine as Biaffine
from .convolution import ElementConvolution as ElementConvolution
from .linear import FittedLinear as FittedLinear
from .mlp import FittedMLP as FittedMLP
from .nearest import NearestRows as NearestRows
