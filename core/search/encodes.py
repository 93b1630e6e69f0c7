"""What an index needs of a finished run."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
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
from ..networks.digest import weight_bytes
from ..networks.encoder import Network
from ..networks.modes import evaluating
from ..runs.spaces import Space, in_space


@runtime_checkable
class Encodes(Protocol):
    """A finished run (`Model`): it encodes items and finds their objects."""

    @property
    def run(self) -> Path | None:
        """Its folder; None where it is in none."""
        ...

    @property
    def modality(self) -> AbstractModality[Any]:
        """Reads, collates and shows the items."""
        ...

    @property
    def network(self) -> Network:
        """The encoder with its projector."""
        ...

    @property
    def heads(self) -> Mapping[str, nn.Module]:
        """What was trained beside it: a predictor, where there is one."""
        ...

    @property
    def finder(self) -> ObjectFinder | None:
        """How objects are found."""
        ...

    def encoded(self, data: Any, skipped: list[Skipped] | None = None) -> Iterator[FoundBatch[Any]]:
        """Hidden features and objects of all items, a few at a time, on the CPU."""
        ...


def space_of(model: Encodes) -> Space:
    """The space in which an index compares vectors: that of the training where items have parts, else the encoder's.

    The parts of joint items were trained to lie beside one another behind projector and predictor. Everything else is
    compared before them, as in evaluation: a projector drops what the views changed, which one may search for.
    """
    return "compared" if isinstance(model.modality, ComposesModalities) else "hidden"


def compared(model: Encodes, space: Space, objects: Objects) -> Objects:
    """Pooled hidden features as they are compared: in the space of the index, of length 1 and on the CPU."""
    objects = objects.map(in_space(space, model.network, model.heads))
    return Objects(normalize(objects.vectors.float(), dim=-1), objects.present)


def seen_alone(model: Encodes, space: Space, items: Sequence[Any], chunk: int = 16) -> Float[Tensor, "items dim"]:
    """The vectors of items in memory, each by itself and as a whole."""
    device = next(iter(model.network.parameters()), torch.zeros(())).device
    rows = list[Tensor]()
    for first in range(0, len(items), chunk):
        data = model.modality.collate(items[first : first + chunk]).to(device)
        with evaluating(model.network):
            features = model.network.encode(data).to("cpu")
        whole = Objects(item_means(features)[:, None], features.valid.any(dim=1, keepdim=True))
        rows.append(compared(model, space, whole).vectors[:, 0])
    return torch.cat(rows)


def digest_of(model: Encodes) -> str:
    """A digest of all that the vectors and objects of a run depend on: its weights, and how objects are found."""
    sha = hashlib.sha256(model.modality.name.encode())
    finder = model.finder
    predictor = {"predictor": model.heads["predictor"]} if "predictor" in model.heads else {}
    parts: Mapping[str, nn.Module] = {
        "network": model.network,
        **predictor,
        "finder": nn.ModuleList([] if finder is None else finder.plain_networks()),
    }
    for prefix, module in parts.items():
        for part in weight_bytes(module, f"{prefix}."):
            sha.update(part)
    try:
        sha.update(json.dumps(describe(finder, model.modality.encoders), sort_keys=True).encode())
    except TypeError:  # a grouper that is installed under no name: its settings cannot be told
        sha.update(type(finder).__name__.encode())
    return sha.hexdigest()
