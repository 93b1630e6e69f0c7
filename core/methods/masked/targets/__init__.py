"""What is predicted of hidden elements: their own numbers, their class, or what a follower makes of them."""

from .base import AbstractMaskedTarget as AbstractMaskedTarget
from .latent import Latent as Latent
from .own_class import OwnClass as OwnClass
from .own_numbers import OwnNumbers as OwnNumbers
