"""What a follower that sees everything makes of the hidden elements."""

from collections.abc import Sequence
from typing import Any, Literal, final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from ....data.feature_map import FeatureMap
from ....losses.distances import at_least_float
from ....losses.masked import smooth_absolute
from ....networks.encoder import AbstractEncoder
from ....networks.follower import Follower
from ....networks.modes import evaluating
from ....networks.two_steps import GivesAdditions, GivesLayers, InTwoSteps
from ....optimization.progress import Progress
from .base import AbstractMaskedTarget


@final
class Latent(AbstractMaskedTarget):
    """The vectors of a follower in evaluation mode, from all tokens: t = mean_{l > L − K} norm(h_l), or norm(h).

    `norm` is layer normalisation without parameters: a follower that gave the same everywhere would give nothing. h_l
    is what layer l gives at its end, or what it adds there. With `normalises="mean"`, t = norm(mean_{l > L − K} h_l).

    Args:
        teacher: the follower, which copies buffers.
        dim: length of its vectors.
        top: K, so many of its last layers are averaged, at most as many as there are; None: what the encoder gives.
        tokens: the follower's own, or those of the online network.
        beta: of the smooth absolute error.
        normalises: each layer, or their mean.
        of_layers: their end, or the output of their feed-forward network, which is added there (`GivesAdditions`).

    Source: data2vec (Baevski et al., 2022): K layers, tokens of the online network; I-JEPA (Assran et al., 2023): what
    the encoder gives, of its own tokens.
    """

    def __init__(
        self,
        teacher: Follower,
        dim: int,
        top: int | None = None,
        tokens: Literal["own", "online"] = "own",
        beta: float = 1.0,
        normalises: Literal["layers", "mean"] = "layers",
        of_layers: Literal["end", "feed-forward"] = "end",
    ) -> None:
        super().__init__()
        if teacher.buffer_policy == "own":
            raise ValueError('a follower that is looked at in evaluation mode needs Follower(…, buffers="copy")')
        self.teacher = teacher
        self.outputs = dim
        self.top = top
        self.tokens = tokens
        self.beta = beta
        self.normalises = normalises
        self.of_layers = of_layers

    def wanted(self, encoder: AbstractEncoder, data: Any, tokens: FeatureMap) -> Shaped[Tensor, "batch elements ..."]:  # noqa: ARG002
        """The follower's vectors, normalised."""
        network = self.teacher.network
        with evaluating(network):
            follower = network.encoder
            assert isinstance(follower, InTwoSteps)
            given = tokens if self.tokens == "online" else follower.embed(data)
            if self.top is not None and self.of_layers == "feed-forward":
                assert isinstance(follower, GivesAdditions)
                layers = follower.added_by_layer(given)[-self.top :]
            elif self.top is not None and isinstance(follower, GivesLayers):
                layers = follower.by_layer(given)[-self.top :]
            else:
                return _normal(follower.mix(given).values)
            if self.normalises == "mean":
                return _normal(torch.stack([at_least_float(layer) for layer in layers]).mean(dim=0))
            return torch.stack([_normal(layer) for layer in layers]).mean(dim=0)

    def error(
        self, predicted: Float[Tensor, "rows outputs"], wanted: Shaped[Tensor, "rows ..."]
    ) -> Float[Tensor, " rows"]:
        """The smooth absolute error."""
        return smooth_absolute(predicted, wanted, self.beta)

    def after_step(self, outputs: Sequence[Any], progress: Progress) -> None:
        """The follower follows."""
        self.teacher.after_step(outputs, progress)


def _normal(vectors: Float[Tensor, "batch elements dim"]) -> Float[Tensor, "batch elements dim"]:
    found: Tensor = torch.nn.functional.layer_norm(at_least_float(vectors), vectors.shape[-1:])
    return found
