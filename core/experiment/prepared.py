"""The data, labels and learners of a recipe, as training and the report need them, with what is said of the data."""

import sys
from dataclasses import dataclass
from typing import Any, final

from ..components.names import choose
from ..methods.method import wants_labels
from ..methods.presets import Preset, preset_named, title_of
from ..modality.joint.masks import paths_of_masks
from ..training.data_record import DataRecord
from ..training.label_source import WORDS
from .announced import found_said
from .build import LearnerFactory
from .labelling import labels_of
from .options import Labelling, Running
from .recipe import AbstractRecipe
from .views import chosen_views


@final
@dataclass(frozen=True)
class Prepared:
    """A recipe with everything read.

    Attributes:
        factory: of its learners, with its data and labels.
        rivals: the methods to compare with.
        record: what the data are; None where another process says it.
    """

    factory: LearnerFactory
    rivals: tuple[Preset, ...]
    record: DataRecord | None


def check_names(recipe: AbstractRecipe[Any, Any]) -> tuple[Preset, ...]:
    """The methods to compare with; refuses names that do not exist before anything is read.

    Raises:
        ValueError: with the nearest name.
    """
    choose("encoder", recipe.options.encoder.name, list(recipe.modality.encoders))
    return tuple(preset_named(name) for name in recipe.options.running.compare)


def prepared(recipe: AbstractRecipe[Any, Any], speaks: bool) -> Prepared:
    """Read the data of a recipe and what is known of them.

    Args:
        recipe: with its options.
        speaks: say what was found; one process of a run does.

    Raises:
        ValueError: for names that do not exist, no items, or masks that the recipe does not read.
    """
    options, rivals = recipe.options, check_names(recipe)
    data = recipe.data()
    if not len(data.items):
        raise ValueError("there are no items to train on; check the data path")
    if options.running.masks is not None and data.masked is None:
        raise ValueError(f"the recipe {recipe.name} reads no masks; leave out --masks")
    record = record_of(options.running, options.labelling, len(data.items)) if speaks else None
    if record is not None:
        print(*found_said(recipe, data, record), sep="\n", file=sys.stderr)
    # What the recipe knows of its items may take long to find out.
    asked = any(wants_labels(method) for method in (options.method, *(rival.method for rival in rivals)))
    own = options.labelling.labels is not None or options.labelling.label_column is not None
    given = own or data.labels is not None
    if given and not asked and speaks:
        print(f"the labels are not used: {title_of(options.method)} does not learn from them", file=sys.stderr)
    labels = None
    if asked or given:
        labels = labels_of(data, options.labelling, options.training.seed, options.running.skip_bad)
    if labels is not None and speaks:
        print(*filter(None, (labels.said, labels.note)), sep="\n", file=sys.stderr)
    views = chosen_views(options.views, data.views, recipe.modality)
    return Prepared(LearnerFactory(recipe, data, views, labels), rivals, record)


def record_of(running: Running, labelling: Labelling, items: int) -> DataRecord:
    """What a run on the user's own data is begun on: the data, and the masks and labels that come with them."""
    labels = None if str(labelling.labels) in WORDS else labelling.labels
    masks = () if running.masks is None else paths_of_masks(running.masks)
    return DataRecord.of((*running.data, *masks, *(() if labels is None else (labels,))), items)
