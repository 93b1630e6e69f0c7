"""The published methods as compositions: each fills the five sockets of a `Learner` with the paper's answers."""

from .byol import byol as byol
from .odin import odin as odin
