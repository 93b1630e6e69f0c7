"""What a run says before its first step: what was found and left out, and what will be trained."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from lightning_fabric import Fabric
from torch import nn

from ..components.registry import GROUPERS
from ..data.items import Remarked, Skipped
from ..methods.presets import title_of
from ..methods.step import AbstractLearner
from ..storage.amounts import amount
from ..storage.naming import counted, first_lines
from ..training.data_record import DataRecord
from ..training.label_names import file_of_name
from .amounts import amounts_of
from .recipe import AbstractRecipe, ExperimentData


def found_said(recipe: AbstractRecipe[Any, Any], data: ExperimentData[Any, Any], record: DataRecord) -> list[str]:
    """Lines on the data: files, items, amounts, what was left out or is damaged, what reading decided, masks."""
    items = counted(len(data.items), "item")
    amounts = amounts_of(recipe.modality, data.items)
    count = f"{items}, {amounts}" if amounts else items
    lines = [f"found {record.said}; read as {count}" if record.said else f"found {count}"]
    lines += listed(data.skipped, "left out")
    lines += listed(data.damaged, "damaged")
    lines += data.items.remarks if isinstance(data.items, Remarked) else ()
    return lines if data.masked is None else [*lines, data.masked.said()]


def listed(files: Sequence[Skipped], word: str) -> list[str]:
    """The first files one by one, then how many there are, by reason.

    Example:
        >>> listed([Skipped("a.wav", "is silent")], "left out")
        ['left out a.wav: is silent']
        >>> listed([Skipped(f"{number}.wav", "is silent") for number in range(20)], "left out")[8:]
        ['left out 20 files in all, which the report lists: 20 × is silent']
        >>> listed([Skipped(f"a.csv:{number}", "is no row") for number in range(20)], "left out")[8:]
        ['left out 20 parts of files in all, which the report lists: 20 × is no row']
    """
    reasons = Counter(one.why for one in files).most_common(4)
    said = "; ".join(f"{count} × {reason}" for reason, count in reasons[:3]) + ("; …" if len(reasons) > 3 else "")
    lines = [f"{word} {one.said}" for one in files]
    return first_lines(lines, f"{word} {things(files)} in all, which the report lists: {said}")


def things(files: Sequence[Skipped]) -> str:
    """How many there are of what was left out; records and windows are no files.

    Example:
        >>> things([Skipped("a.wav", "is silent")]), things([Skipped("a.csv:7", "is no row")])
        ('1 file', '1 part of a file')
    """
    return counted(len(files), thing(files), _several(files))


def thing(files: Sequence[Skipped]) -> str:
    """What one of them is called.

    Example:
        >>> thing([Skipped("a.wav", "is silent")]), thing([Skipped("a.csv:7", "is no row")])
        ('file', 'part of a file')
    """
    return "part of a file" if _parts(files) else "file"


def _several(files: Sequence[Skipped]) -> str:
    parts = _parts(files)
    return "files" if not parts else "parts of files" if parts == len(files) else "files or parts of files"


def _parts(files: Sequence[Skipped]) -> int:
    return sum(file_of_name(one.name) != one.name for one in files)


def device_said(fabric: Fabric) -> str:
    """On what it is trained: the kind of device and how many."""
    kind = {"cuda": "GPU", "cpu": "CPU"}.get(fabric.device.type, fabric.device.type)
    return f"the {kind}" if fabric.world_size == 1 else f"{fabric.world_size} processes, each on a {kind}"


def training_said(recipe: AbstractRecipe[Any, Any], learner: AbstractLearner[Any]) -> str:
    """A line on what will be trained: method, encoder, grouper, steps, device."""
    options = recipe.options
    encoder, all_of_it = parameters(learner.online.encoder), parameters(learner)
    heads = f", {amount(all_of_it, 'parameters')} with heads" if all_of_it > encoder else ""
    finder = learner.finder or recipe.finder
    grouper = GROUPERS.name_of(type(finder.grouper)) or type(finder.grouper).__name__
    training = options.training
    return (
        f"training {title_of(options.method)} with the encoder {options.encoder.name} "
        f"({amount(encoder, 'parameters')}{heads}), objects by {grouper}: "
        f"{counted(training.steps, 'step')} of {counted(training.batch, 'item')}"
    )


def parameters(module: nn.Module) -> int:
    """How many numbers of it are trained."""
    return sum(one.numel() for one in module.parameters() if one.requires_grad)
