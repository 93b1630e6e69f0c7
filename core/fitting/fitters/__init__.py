"""How a head is fitted, by name: linear, nearest neighbours, MLP, convolution, biaffine. Another is one class."""

from .base import AbstractFitter as AbstractFitter
from .biaffine import BiaffineFitter as BiaffineFitter
from .convolution import Convolution as Convolution
from .linear import Linear as Linear
from .mlp import MLPFitter as MLPFitter
from .nearest import Nearest as Nearest
