"""`gestalt.train`: the recipe `objects` from Python."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from gestalt.core.components.registry import MODALITIES
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.distributed.ranks import world_size
from gestalt.core.experiment.options import EncoderChoice, Labelling, Running, ViewOptions
from gestalt.core.experiment.run import run
from gestalt.core.methods.method import AbstractMethod
from gestalt.core.methods.odin_warm_start import OdinWarmStart
from gestalt.core.methods.presets import Preset, preset_named
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.named_paths import named_paths
from gestalt.core.modality.plugins import installed_modality, load_modality
from gestalt.core.modality.transform import Views
from gestalt.core.runs.inputs import paths_of, reading_of
from gestalt.core.runs.model import Model
from gestalt.core.runs.saving import load, modality_settings
from gestalt.core.training.labels import Labels
from gestalt.core.training.options import Training

from .given import Given
from .recipe import AUTO, Objects, Options

WARM_START = OdinWarmStart()


def train(
    data: Any,
    *,
    modality: str | AbstractModality[Any],
    out: Path | str,
    method: AbstractMethod | str = WARM_START,
    encoder: str | EncoderChoice = AUTO,
    finder: ObjectFinder | None = None,
    views: Views[Any] | ViewOptions | None = None,
    training: Training | None = None,
    labels: Path | Labels | None = None,
    masks: Path | None = None,
    resume: bool = False,
    skip_bad: bool = False,
    data_changed: bool = False,
) -> Model[Any]:
    """Discover objects in your own data, and learn to represent them: the recipe `objects` from Python.

    The run's folder is that of `gestalt run objects …`. A run on paths may be resumed by either; one that was given
    objects, such as items in memory, is resumed from Python, with the same ones.

    Args:
        data: files and folders (patterns and lists of them too), or items in whatever holds some: see `items_of`.
        modality: the name of an installed one, `package.module:OBJECT`, or itself.
        out: folder of the run.
        method: what learns: with its settings, or its name among `gestalt methods`.
        encoder: its name in the modality, or with settings; "auto" is the first that has parameters.
        finder: how objects are found, for methods that do not say so themselves; None: change points where elements
            lie on one axis, k-means otherwise.
        views: which views are compared, as transforms or as options; None: the modality's own.
        training: how it is trained; None: the recipe's way, with what the authors of a named preset changed.
        labels: for methods that learn from them: a CSV file (name of a file, label), the word "folders" as a path, or
            themselves, one row per item.
        masks: that come with the files, as the first segments of methods that take any.
        resume: go on with the run in the folder.
        skip_bad: leave out items that cannot be used, and list them in the report.
        data_changed: with `resume`, go on although files were added, removed or changed since the run was begun.

    Returns:
        What `gestalt.load(out)` gives: embed, discover and predict new data with it.

    Raises:
        BadItemError: for an item that cannot be used, unless `skip_bad`.
        FileExistsError: if the folder holds a run, and `resume` is False.
        ImportError: if the modality, or a library of it, is not there.
        KeyboardInterrupt: after Ctrl-C, when the run is saved; go on with `resume`.
        TypeError: for data that are no paths and no items, or for a part that could not be saved.
        ValueError: for names that do not exist, options that make no sense, or a run that was begun with others.

    Example:
        >>> import tempfile
        >>> from gestalt.modalities.text import Passage
        >>> items = [Passage.of(text) for text in ("The old man saw the sea.", "Birds sing in the wide sky.")]
        >>> few = Training(steps=2, batch=2, workers=0, log_every=1, accelerator="cpu")
        >>> model = train(items, modality="text", out=tempfile.mkdtemp(), training=few)  # doctest: +ELLIPSIS
        report: ...
        >>> len(model.discover([Passage.of("She left the wide sea.")])[0].labels)
        6
    """
    kind = load_modality(modality) if isinstance(modality, str) else modality
    name, settings = (modality, {}) if isinstance(modality, str) else name_of(modality)
    chosen = preset_named(method) if isinstance(method, str) else Preset("", method)
    paths = paths_of(data)
    paths = None if paths is None else named_paths(paths, kind)
    if masks is not None and paths is None:
        raise ValueError("masks belong to files: pass the paths of the data, not the items themselves")
    given = Given(  # a modality that is named may follow the data: their sample rate
        modality=None if isinstance(modality, str) and paths is not None else kind,
        reading=reading_of(data, kind, skip_bad) if paths is None else None,
        views=views if isinstance(views, Views) else None,
        labels=labels if isinstance(labels, Labels) else None,
    )
    options = Options(
        modality=name,
        finder=finder,
        method=chosen.method,
        encoder=EncoderChoice(encoder) if isinstance(encoder, str) else encoder,
        views=views if isinstance(views, ViewOptions) else ViewOptions(),
        running=Running(Path(out), paths or (), masks, resume, data_changed, skip_bad),
        labelling=Labelling(None if labels is None or isinstance(labels, Labels) else Path(labels)),
        training=with_preset(Options().training, chosen) if training is None else training,
        from_python=given.described() | ({"modality": settings} if settings else {}),
    )
    threads = torch.get_num_threads()
    try:
        code = run(Objects(options, given))
    finally:
        torch.set_num_threads(threads)
    if world_size() > 1:
        dist.barrier()  # the first process has written the run when it comes here
    if code:
        raise KeyboardInterrupt("training was stopped, and is saved; go on with resume=True")
    return load(out, modality=modality)


def name_of(modality: AbstractModality[Any]) -> tuple[str, Mapping[str, Any]]:
    """The name by which a command line would choose a modality, and its settings where they are not those it names."""
    own = modality_settings(modality)
    named: dict[str, Any] = {}
    if modality.name in MODALITIES.points():
        named[modality.name] = installed_modality(modality.name)
    module = type(modality).__module__
    named |= {f"{module}:{attribute}": value for attribute, value in vars(sys.modules[module]).items()}
    of_its_class = {name: value for name, value in named.items() if type(value) is type(modality)}
    for name, value in of_its_class.items():
        if value is modality or modality_settings(value) == own:
            return name, {}
    return next(iter(of_its_class), modality.name), own


def with_preset(training: Training, preset: Preset) -> Training:
    """The options of training that go with a preset, in place of those that it changes."""
    batch, steps = preset.training.get("batch", training.batch), preset.training.get("steps", training.steps)
    return replace(training, **preset.training_for(batch, steps))
