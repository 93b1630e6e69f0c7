"""What an index needs of a finished run."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from ..components.description import describe
from ..data.feature_map import item_means
from ..data.items import Skipped
from ..data.segmentation import Objects
from ..discovery.finder import ObjectFinder
from ..discovery.found import FoundBatch
from ..modality.base import AbstractModality
from ..modality.optional import ComposesModalities
from ..networks.encoder import Network
from ..networks.modes import evaluating

HIDDEN, PROJECTED = "hidden", "projected"


@runtime_checkable
class Encodes(Protocol):
    """A finished run (`Model`): it encodes items and finds their objects."""

    @property
    def modality(self) -> AbstractModality[Any]:
        """Reads, collates and shows the items."""
        ...

    @property
    def network(self) -> Network:
        """The encoder with its projector."""
        ...

    @property
    def finder(self) -> ObjectFinder | None:
        """How objects are found."""
        ...

    def encoded(self, data: Any, skipped: list[Skipped] | None = None) -> Iterator[FoundBatch[Any]]:
        """Hidden features and objects of all items, a few at a time, on the CPU."""
        ...


def space_of(model: Encodes) -> str:
    """The space in which vectors are compared: the projector's where the parts of an item are, else the encoder's.

    The parts of joint items were trained to lie beside one another behind the projector. Everything else is compared
    before it, as in evaluation: a projector drops what the views changed, and that may be what one searches for.
    """
    return PROJECTED if isinstance(model.modality, ComposesModalities) else HIDDEN


def compared(model: Encodes, space: str, objects: Objects) -> Objects:
    """Pooled hidden features as they are compared: in the space of the index, of length 1 and on the CPU."""
    if space == PROJECTED:
        device = next(iter(model.network.parameters()), torch.zeros(())).device
        with evaluating(model.network):
            there = Objects(objects.vectors.to(device), objects.present.to(device))
            projected = model.network.project(there)
        objects = Objects(projected.vectors.float().cpu(), objects.present)
    return Objects(normalize(objects.vectors.float(), dim=-1), objects.present)


def part_vectors(model: Encodes, space: str, items: list[Any], name: str) -> Float[Tensor, "items dim"]:
    """The vectors of one part of joint items, each of which has it: the part is seen alone, as a query is.

    An encoder that mixes parts would otherwise put what the other parts say into the vector.
    """
    device = next(iter(model.network.parameters()), torch.zeros(())).device
    data = model.modality.collate([item.only([name]) for item in items]).to(device)
    with evaluating(model.network):
        features = model.network.encode(data).to("cpu")
    whole = Objects(item_means(features)[:, None], features.valid.any(dim=1, keepdim=True))
    return compared(model, space, whole).vectors[:, 0]


def digest_of(model: Encodes) -> str:
    """A digest of all that the vectors and objects of a run depend on: its weights, and how objects are found."""
    sha = hashlib.sha256(model.modality.name.encode())
    finder = model.finder
    parts: Mapping[str, nn.Module] = {
        "network": model.network,
        "finder": nn.ModuleList([] if finder is None else finder.plain_networks()),
    }
    for prefix, module in parts.items():
        for name, tensor in sorted(module.state_dict().items()):
            plain = tensor.detach().cpu().contiguous()
            sha.update(f"{prefix}.{name} {plain.dtype} {tuple(plain.shape)}".encode())
            sha.update(plain.reshape(-1).view(torch.uint8).numpy())
    try:
        sha.update(json.dumps(describe(finder, model.modality.encoders), sort_keys=True).encode())
    except TypeError:  # a grouper that is installed under no name: its settings cannot be told
        sha.update(type(finder).__name__.encode())
    return sha.hexdigest()
