"""A run's folder on disk: what was built, saved without code, loaded without executing any."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import nn

from ..components.description import NotInstalledError, build, describe
from ..components.names import choose
from ..components.precision import FULL, Precision
from ..components.registry import MODALITIES
from ..components.settings import settings_of
from ..data.reasons import reason_of
from ..discovery.finder import ObjectFinder
from ..modality.base import AbstractModality
from ..modality.optional import ComposesModalities
from ..modality.plugins import installed_modality, load_modality
from ..networks.encoder import AbstractEncoder, Network
from ..storage.atomic import write_bytes
from ..storage.names_of_runs import CONFIG, WEIGHTS
from .config import RunConfig
from .model import Model


def save(
    folder: Path | str,
    model: Model[Any],
    encoder: str,
    modality: str | None = None,
    method: Any = None,
    recipe: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write `model.safetensors` and `config.json`: encoder, heads, finder, target, method.

    Args:
        folder: of the run; made if it is missing.
        model: what was learned.
        encoder: its name in the modality.
        modality: the name by which the user chose it, where that is not its own (`package.module:OBJECT`).
        method: the method that it was trained with.
        recipe: the recipe that made it.
        details: further JSON of the recipe.

    Raises:
        TypeError: if a part is not installed under a name; nothing is written then.
    """
    folder = Path(folder)
    config = config_of(model, encoder, modality, method, recipe, details)
    tensors = _prefixed("encoder", model.encoder)
    for name, head in heads_of(model).items():
        tensors |= _prefixed(f"heads.{name}", head)
    tensors |= _prefixed("finder", _learned_in(model.finder))
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / WEIGHTS, safetensors.torch.save(tensors))
    config.write(folder)


def config_of(
    model: Model[Any],
    encoder: str,
    modality: str | None = None,
    method: Any = None,
    recipe: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> RunConfig:
    """What `save` writes beside the weights; its arguments are those of `save`.

    Raises:
        TypeError: if a part is not installed under a name.
    """
    encoders = model.modality.encoders
    return RunConfig(
        modality={"name": modality or model.modality.name, "settings": modality_settings(model.modality)},
        encoder={
            "name": encoder,
            "settings": describe(settings_of(model.encoder, encoders[choose("encoder", encoder, list(encoders))])),
        },
        heads={
            name: None if isinstance(head, nn.Identity) else describe(head) for name, head in heads_of(model).items()
        },
        finder=describe(model.finder, encoders),
        target=describe(model.target),
        method=describe(method, encoders),
        recipe=recipe,
        details=describe(details or {}),
    )


def heads_of(model: Model[Any]) -> dict[str, nn.Module]:
    """All heads by name, the projector of the network among them."""
    return {"projector": model.network.projector} | dict(model.heads)


def load(
    folder: Path | str,
    device: torch.device | str = "cpu",
    modality: AbstractModality[Any] | str | None = None,
    precision: Precision = FULL,
) -> Model[Any]:
    """A finished run as a `Model`, in evaluation mode: `embed`, `discover`, `predict`, `encoder`.

    Only JSON and safetensors are read, and only installed components are imported: opening a run executes none of its
    files. A modality that is not installed has to be passed, itself or as `package.module:OBJECT`: a file must not
    decide what is imported.

    In half precision (`bf16-mixed`, on GPUs `16-mixed` too) the encoder's products are computed in 16 bits, and
    everything behind it, which gets its vectors in 32, in 32.

    Raises:
        FileNotFoundError: if the folder is no finished run.
        ValueError: if it is damaged, if its weights belong to another version of the architecture, or if its modality
            is not installed and was not passed; if the device has no such precision.
    """
    folder = Path(folder)
    config = RunConfig.read(folder)
    kind = modality_of(folder, modality)
    name = str(config.encoder["name"])
    with _built_from(folder / CONFIG):
        choose("encoder", name, list(kind.encoders))
        encoder: AbstractEncoder = kind.encoders[name](**config.encoder["settings"])
        heads = {key: nn.Identity() if head is None else build(head) for key, head in config.heads.items()}
        finder, target = build(config.finder, kind.encoders), build(config.target)
        if not isinstance(finder, ObjectFinder | None) or not all(isinstance(one, nn.Module) for one in heads.values()):
            raise TypeError(f"heads and finder are {config.heads} and {config.finder}")
        _learned_in(finder)  # asks every part for what it has learned: a part that is none says so here
    tensors = _weights(folder / WEIGHTS)
    try:
        _load(encoder, "encoder", tensors)
        for key, head in heads.items():
            _load(head, f"heads.{key}", tensors)
        if any(name.startswith("finder.") for name in tensors):  # runs of older versions kept nothing of it
            _load(_learned_in(finder), "finder", tensors)
    except RuntimeError as error:
        raise ValueError(
            f"the weights in {folder / WEIGHTS} are not those of the encoder {name!r} and its heads as they are now: "
            "another version of the package wrote them; install that version, or train again"
        ) from error
    network = Network(encoder, heads.pop("projector", None))
    trained = {key: head.eval() for key, head in heads.items()}
    return replace(Model(kind, network.eval(), trained, finder, target, run=folder).to(device), precision=precision)


def modality_of(folder: Path | str, named: AbstractModality[Any] | str | None = None) -> AbstractModality[Any]:
    """The modality of a finished run, with the settings of the run: one that the user names, or else the installed one.

    Raises:
        ValueError: if it is not installed and was not named.
    """
    if isinstance(named, AbstractModality):
        return named
    config = RunConfig.read(Path(folder))
    name = str(config.modality["name"])
    if named is not None:
        found = load_modality(named)
    elif ":" in name and name not in {point.value for point in MODALITIES.points().values()}:
        raise ValueError(
            f"there is no modality {name!r} among the installed ones, and what a run's folder names is not imported "
            f"unasked; if you trust that code, name it: --modality {name}, or gestalt.load(…, modality={name!r})"
        )
    else:
        try:
            found = installed_modality(name)
        except ValueError as error:
            raise ValueError(f"{error}; {Path(folder) / CONFIG} names it") from error
    with _built_from(Path(folder) / CONFIG):
        return with_settings(found, config.modality["settings"])


def with_settings(modality: AbstractModality[Any], settings: Mapping[str, Any]) -> AbstractModality[Any]:
    """The same modality, built by settings that `modality_settings` gave."""
    if isinstance(modality, ComposesModalities):
        of_parts: Mapping[str, Any] = settings.get("parts", {})
        parts = {name: with_settings(part, of_parts.get(name, {})) for name, part in modality.modalities.items()}
        return modality.composed_of(parts, bool(settings.get("allow_missing", modality.allow_missing)))
    return type(modality)(**settings) if settings else modality


def modality_settings(modality: AbstractModality[Any]) -> dict[str, Any]:
    """The settings that build a modality again; none where they cannot be written down.

    A modality whose constructor takes functions or arrays is used as it is installed. One that is composed of others
    has theirs.
    """
    if isinstance(modality, ComposesModalities):
        parts = {name: modality_settings(part) for name, part in modality.modalities.items()}
        return {"parts": parts, "allow_missing": modality.allow_missing}
    try:
        settings: dict[str, Any] = describe(settings_of(modality))
    except TypeError:
        return {}
    return settings


@contextmanager
def _built_from(path: Path) -> Iterator[None]:
    """Within it, components are built of the settings in a file, which is named where they do not fit."""
    try:
        yield
    except NotInstalledError as error:
        raise ValueError(f"{path}: {error}") from error
    except (ValueError, TypeError, AttributeError, RuntimeError, OverflowError, RecursionError) as error:
        raise ValueError(
            f"{path} does not say how to build this run: {reason_of(error)}. It was changed, or another version wrote "
            "it: install that version, or train again"
        ) from error


def _weights(path: Path) -> dict[str, torch.Tensor]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there: the run was not finished, or its weights were removed")
    try:
        return safetensors.torch.load_file(path)
    except Exception as error:  # an element type that torch does not have, a header of sense to nobody
        raise ValueError(f"{path} is damaged, or no file of safetensors ({error}); train again") from error


def _learned_in(finder: ObjectFinder | None) -> nn.ModuleList:
    """What a finder has learned from data, or computes with: the networks of plain features, a grammar of chunks."""
    return nn.ModuleList([] if finder is None else finder.plain_networks())


def _prefixed(prefix: str, module: nn.Module) -> dict[str, torch.Tensor]:
    return {f"{prefix}.{name}": tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}


def _load(module: nn.Module, prefix: str, tensors: Mapping[str, torch.Tensor]) -> None:
    own = {name.removeprefix(f"{prefix}."): tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}.")}
    module.load_state_dict(own)
