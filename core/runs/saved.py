"""A run's folder on disk: what was learned, saved without code, loaded without executing any."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import safetensors.torch
import torch
from torch import nn

from ..storage.atomic import write_bytes, write_text
from ..networks.encoder import AbstractEncoder, Network
from ..networks.heads import mlp
from ..modality.base import AbstractModality
from ..modality.plugins import installed_modality, load_modality, modality_entry_points

WEIGHTS = "encoder.safetensors"
CONFIG = "config.json"


@final
@dataclass(frozen=True)
class Architecture:
    """Everything that `encoder.safetensors` needs beside the weights.

    `projector` is (hidden, outputs) of the head, None where there is none. `details` is the recipe's own JSON: how it
    grouped, what it trained on. `grouping` is how objects are found, as `Grouping.described` gives it, None where
    nobody wrote it down.
    """

    modality: str
    encoder: str
    settings: Mapping[str, Any]
    projector: tuple[int, int] | None
    details: Mapping[str, Any]
    grouping: Mapping[str, Any] | None = None


def save_network(folder: Path, network: Network, architecture: Architecture) -> None:
    """Write `encoder.safetensors` and its `config.json`."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_bytes(folder / WEIGHTS, safetensors.torch.save(tensors))
    fields = {
        "modality": architecture.modality,
        "encoder": architecture.encoder,
        "settings": dict(architecture.settings),
        "projector": architecture.projector,
        "details": dict(architecture.details),
        "grouping": None if architecture.grouping is None else dict(architecture.grouping),
    }
    write_text(folder / CONFIG, json.dumps(fields, indent=2, ensure_ascii=False) + "\n")


def read_architecture(folder: Path) -> Architecture:
    """Read `config.json`.

    Raises:
        FileNotFoundError: if the folder is no finished run.
        ValueError: if the file is damaged.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} holds no {CONFIG}: it is not the folder of a finished run; "
            "finish the run first (the same command with --resume), or name another folder"
        )
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        projector, grouping = fields["projector"], fields.get("grouping")
        return Architecture(
            str(fields["modality"]),
            str(fields["encoder"]),
            dict(fields["settings"]),
            None if projector is None else (int(projector[0]), int(projector[1])),
            dict(fields["details"]),
            None if grouping is None else dict(grouping),
        )
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ValueError(f"{path} is damaged or was written by another version: {error!r}") from error


def build_network(modality: AbstractModality[Any], architecture: Architecture) -> Network:
    """The network with fresh weights.

    Raises:
        ValueError: if the modality has no encoder of that name.
    """
    if architecture.encoder not in modality.encoders:
        raise ValueError(
            f"the modality {modality.name!r} has no encoder {architecture.encoder!r}; "
            f"it has {', '.join(sorted(modality.encoders))}"
        )
    encoder = modality.encoders[architecture.encoder](**architecture.settings)
    head: nn.Module | None = None
    if architecture.projector is not None:
        head = mlp(encoder.dim, *architecture.projector)
    return Network(encoder, head)


def load_network(
    folder: Path | str, device: torch.device | str = "cpu", modality: AbstractModality[Any] | str | None = None
) -> tuple[Network, Architecture]:
    """The network of a finished run, in evaluation mode.

    Only JSON and safetensors are read, and only installed modalities are imported: opening a run executes none of its
    files. A modality that is not installed has to be passed, itself or as `package.module:OBJECT`: a file must not
    decide what is imported.

    Raises:
        FileNotFoundError: if the folder is no finished run.
        ValueError: if it is damaged, if its weights belong to another version of the architecture, or if its modality
            is not installed and was not passed.
    """
    folder = Path(folder)
    architecture = read_architecture(folder)
    network = build_network(modality_of(folder, modality), architecture)
    try:
        network.load_state_dict(safetensors.torch.load_file(folder / WEIGHTS))
    except RuntimeError as error:
        raise ValueError(
            f"the weights in {folder / WEIGHTS} are not those of the encoder {architecture.encoder!r} as it is now: "
            "another version of the package wrote them; install that version, or train again"
        ) from error
    return network.to(device).eval(), architecture


def modality_of(folder: Path | str, named: AbstractModality[Any] | str | None = None) -> AbstractModality[Any]:
    """The modality of a finished run: the one that the user names, or else the installed one that `config.json` names.

    Raises:
        ValueError: if it is not installed and was not named.
    """
    if isinstance(named, AbstractModality):
        return named
    if named is not None:
        return load_modality(named)
    name = read_architecture(Path(folder)).modality
    if ":" in name and name not in {point.value for point in modality_entry_points().values()}:
        raise ValueError(
            f"there is no modality {name!r} among the installed ones, and what a run's folder names is not imported "
            f"unasked; if you trust that code, name it: --modality {name}, or gestalt.load(…, modality={name!r})"
        )
    return installed_modality(name)


def load(
    folder: Path | str, device: torch.device | str = "cpu", modality: AbstractModality[Any] | str | None = None
) -> AbstractEncoder:
    """The encoder of a finished run, in evaluation mode, ready to build on.

    `modality` is needed where the run's own is not installed: the object, or `package.module:OBJECT`.

    Source of the weights: the online network at the end of training, without its projector.
    """
    return load_network(folder, device, modality)[0].encoder
