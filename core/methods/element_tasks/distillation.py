"""Distillation: what does a trained network make of every element?"""

from collections.abc import Mapping
from typing import Any, final

import torch
from torch import nn
from torch.nn.functional import layer_norm

from ...components.ranges import Positive, check_ranges
from ...data.fewer_axes import on_axes_of
from ...data.item_noise import ItemNoise
from ...losses.distances import at_least_float
from ...losses.masked import smooth_absolute
from ...networks.encoder import AbstractEncoder, Network
from ...networks.heads import LinearHead
from ...networks.modes import evaluating
from ..objectives.base import Loss
from .base import AbstractElementTask, asked_of


@final
class Distillation(AbstractElementTask):
    """mean_i smooth(W h_i, norm(t_i)), t_i the vector of a trained network for what element i shows.

    `norm` is layer normalisation without parameters, `smooth` the smooth absolute error. Where the teacher has larger
    or smaller elements, t_i is that of the one under the centre of element i; where it sees nothing there, nothing is
    asked. Where its lattice has further axes (moments × bands, the encoder's moments alone), t_i is a mean over these.

    Args:
        dim: length of the vectors of the encoder that learns.
        teacher: the trained network; it is in evaluation mode, and never changes.
        beta: of the smooth absolute error.
    """

    def __init__(self, dim: int, teacher: Network, beta: Positive = 2.0) -> None:
        super().__init__()
        self.dim, self.beta = dim, beta
        check_ranges(self)
        self.teacher = teacher.requires_grad_(False)
        self.predictor = LinearHead(dim, teacher.encoder.dim)

    def forward(self, encoder: AbstractEncoder, data: Any, noise: ItemNoise) -> Loss:  # noqa: ARG002
        """The mean over elements."""
        with evaluating(self.teacher):
            taught = self.teacher.encode(data)
        seen = encoder(data)
        taught = on_axes_of(taught.with_values(at_least_float(taught.values)), seen)
        known = torch.where(taught.valid[..., None], taught.values, torch.nan)
        wanted = taught.with_values(known).on_elements_of(seen, missing=torch.nan)
        there = seen.valid & ~wanted.isnan().any(dim=2)
        wanted = layer_norm(wanted[there], wanted.shape[2:])
        errors = smooth_absolute(self.predictor(seen.values[there]), wanted, self.beta)
        return asked_of(errors.sum(), None, there.sum(), "distilled")

    def heads(self) -> Mapping[str, nn.Module]:
        """The predictor."""
        return {"predictor": self.predictor}
