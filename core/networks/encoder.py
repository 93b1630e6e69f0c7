"""Encoders give one vector per element; a network is an encoder with its projector."""

import abc
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar, final, runtime_checkable

from torch import nn

from ..data.feature_map import FeatureMap
from ..data.segmentation import Objects
from .pace import Paced

EncoderT = TypeVar("EncoderT", bound="AbstractEncoder")


class AbstractEncoder(nn.Module, abc.ABC):
    """Any network that gives one vector per element.

    A subclass sets `dim`, the length of the vectors, and keeps every argument of its constructor in an attribute of the
    same name, as JSON: saving and loading a run reads them off (`settings_of`) and builds the same architecture again.
    What was loaded from a file, such as a checkpoint, is kept as None, and the configuration that it brought instead.
    """

    dim: int
    paced: Paced | None = None
    """Layers that learn slower or not at all, for encoders that can start from other weights."""

    def train(self: EncoderT, mode: bool = True) -> EncoderT:
        """Training mode, for all but frozen layers: these compute in training what they do in evaluation."""
        super().train(mode)
        if self.paced is not None:
            self.paced.keep_still()
        return self

    @abc.abstractmethod
    def forward(self, data: Any) -> FeatureMap:
        """The feature map of a batch, with padding marked and, on a grid, the lattice of the elements."""


@runtime_checkable
class EncodesParts(Protocol):
    """An encoder of items with parts that has one for every part: each sees as far as it does."""

    @property
    def of_parts(self) -> Mapping[str, Any]:
        """The encoders by the names of the parts."""
        ...


@final
class Identity(AbstractEncoder):
    """The numbers of every element as they are, without parameters: `raw` of a modality whose batch is a `FeatureMap`.

    Example:
        >>> import torch
        >>> Identity(dim=3)(FeatureMap.padded([torch.ones(2, 3)])).values.shape
        torch.Size([1, 2, 3])
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, data: FeatureMap) -> FeatureMap:
        """The data."""
        return data


@final
class Network(nn.Module):
    """An encoder f and a projector g.

    Elements are encoded, objects are projected: hidden features are pooled first (`Segmentation.pool`), then projected.
    """

    def __init__(self, encoder: AbstractEncoder, projector: nn.Module | None = None) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector = nn.Identity() if projector is None else projector

    def encode(self, data: Any) -> FeatureMap:
        """h = f(x): one vector per element."""
        features: FeatureMap = self.encoder(data)
        return features

    def project(self, objects: Objects) -> Objects:
        """z = g(h) for the objects that are present."""
        return objects.map(self.projector)

    def project_elements(self, features: FeatureMap) -> FeatureMap:
        """z = g(h) for every valid element on its own."""
        projected = Objects(features.values, features.valid).map(self.projector)
        return features.with_values(projected.vectors)
