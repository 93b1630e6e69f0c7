"""The interface of a task on elements, and the vectors of elements that are seen on their own."""

import abc
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ...data.feature_map import FeatureMap, Grid, Links
from ...data.item_noise import ItemNoise
from ...distributed.ranks import part_of_mean, sum_over_ranks
from ...networks.encoder import AbstractEncoder
from ...networks.two_steps import InTwoSteps
from ..method import DataInfo
from ..objectives.base import Loss


class AbstractElementTask(nn.Module, abc.ABC):
    """A question about single elements of an item, which other elements answer."""

    @abc.abstractmethod
    def forward(self, encoder: AbstractEncoder, data: Any, noise: ItemNoise) -> Loss:
        """The loss of a batch: the same on N ranks, averaged, as on one rank with the joined batch.

        Its part `asked` says how many questions the batch had, on all ranks (`asked_of`).

        Args:
            encoder: that learns.
            data: a view, as the encoder takes it.
            noise: random numbers of every item.
        """

    @abc.abstractmethod
    def heads(self) -> Mapping[str, nn.Module]:
        """What learns beside the encoder, by name."""


def asked_of(total: Float[Tensor, ""], right: Tensor | None, count: Tensor, name: str) -> Loss:
    """The mean over what was asked on all ranks, and for the log the share that is right and how much was asked.

    Args:
        total: the sum of the losses of this rank.
        right: how many of this rank's answers are; None where none is right or wrong.
        count: how many this rank asked. Where no rank asked anything, the loss is 0, and the collapse watch says so.
        name: of the loss in the log.
    """
    asked = sum_over_ranks(count.detach().float())
    value = part_of_mean(total, asked)
    parts = {name: value.detach(), "asked": asked}
    return Loss(value, parts if right is None else parts | {"accuracy": right / count.clamp(min=1)})


def in_two_steps(encoder: AbstractEncoder, data: DataInfo, title: str) -> None:
    """Refuse an encoder with one step alone.

    Raises:
        ValueError: naming the encoders of the modality that have two.
    """
    if not isinstance(encoder, InTwoSteps):
        able = ", ".join(data.two_steps)
        raise ValueError(
            f"{title} shows an encoder some elements of an item and not the others, and {type(encoder).__name__} sees "
            f"all of them; " + (f"choose one with --encoder: {able}" if able else "no encoder of this modality can")
        )


def in_sequence(data: DataInfo, title: str) -> None:
    """Refuse elements that do not follow one another.

    Raises:
        ValueError: if the modality does not say that they do.
    """
    if not data.sequence:
        raise ValueError(
            f"{title} needs elements that follow one another, such as moments or words, and those of this modality do "
            "not (the protocol IsSequence)"
        )


def tokens_of(encoder: InTwoSteps, data: Any, dim: int) -> FeatureMap:
    """The tokens of a view, which are to be predicted from vectors of the same length.

    Raises:
        ValueError: if they are of another length.
    """
    tokens = encoder.embed(data)
    if tokens.values.shape[2] != dim:
        raise ValueError(
            f"{type(encoder).__name__} has tokens of {tokens.values.shape[2]} numbers and vectors of {dim}; a task "
            "that predicts tokens needs both of one length"
        )
    return tokens


def seen_alone(
    encoder: InTwoSteps, tokens: FeatureMap, places: Int[Tensor, "batch places"]
) -> Float[Tensor, "batch places dim"]:
    """The vectors of elements of which each is all that the encoder sees: neither what lies around them, nor where.

    Where an element has no place, since all lie in one cell, no vector can tell it.
    """
    batch, count = places.shape
    rows = tokens.values.gather(1, places[..., None].expand(-1, -1, tokens.values.shape[2]))
    there = torch.ones(batch * count, 1, dtype=torch.bool, device=places.device)
    cell = None if tokens.grid is None else Grid(tuple(edges[:1, :2] for edges in tokens.grid.edges))
    links = None if tokens.links is None else Links(tokens.links.ends[:, :0], tokens.links.values[:0])
    near = (
        None if tokens.neighbours is None else torch.zeros(batch * count, 1, 1, dtype=torch.bool, device=places.device)
    )
    alone = FeatureMap(rows.reshape(batch * count, 1, -1), there, cell, near, links=links)
    return encoder.mix(alone).values.view(batch, count, -1)
