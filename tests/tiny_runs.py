"""Folders of finished runs, of networks as they are before training: made in no time."""

from pathlib import Path
from typing import Any

import torch

from gestalt.core.components.settings import accepted
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import Along, ChangePoints, KMeans
from gestalt.core.modality.base import AbstractModality
from gestalt.core.networks.encoder import Network
from gestalt.core.networks.heads import MLP
from gestalt.core.runs.model import Model
from gestalt.core.runs.saving import save


def finder_of(modality: AbstractModality[Any], objects: int = 4, **settings: Any) -> ObjectFinder:
    """k-means, or change points in recordings, on plain features beside learned ones."""
    build = modality.encoders["raw"]
    raw = build(**accepted(build, settings) if modality.name in ("graph", "points", "table") else {})
    if modality.name == "audio":
        grouper: Any = Along(ChangePoints(penalty=0.03, objects=20, standardise=False))
    else:
        grouper = KMeans(objects, spherical=False, position=float(modality.name in ("image", "video")))
    return ObjectFinder(grouper, "hidden", None, ConcatFeatures(raw, 0.5))


def tiny_model(modality: AbstractModality[Any], encoder: str = "conv", objects: int = 4, **settings: Any) -> Model[Any]:
    """A model of an encoder as it is built, with a projector."""
    torch.manual_seed(0)
    built = modality.encoders[encoder](**settings)
    network = Network(built, MLP(built.dim, 16, 8)).eval()
    return Model(modality, network, {}, finder_of(modality, objects, **settings))


def tiny_run(
    out: Path, modality: AbstractModality[Any], encoder: str = "conv", objects: int = 4, **settings: Any
) -> Path:
    """The folder of a run that holds such a model."""
    save(out, tiny_model(modality, encoder, objects, **settings), encoder)
    return out
