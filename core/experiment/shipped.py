"""What the recipe of a finished run ships, with its labels: for an evaluation without data of one's own."""

from pathlib import Path
from typing import Any

from ..components.registry import RECIPES
from ..data.items import AbstractItems
from ..runs.config import RunConfig
from ..runs.saving import modality_settings
from ..training.labels import Labels
from .labelling import labels_of
from .options import Labelling
from .recipe import AbstractRecipe


def shipped_labels(run: Path) -> tuple[AbstractItems[Any], Labels]:
    """The shipped training items of a run's recipe under its default options, and everything that it knows of them.

    Self-supervised methods have seen these items, and not their labels.

    Raises:
        ValueError: if the recipe ships no labelled items, or the run reads items in another form than it does.
    """
    config = RunConfig.read(run)
    name = config.recipe
    lacking = f"{run} was made by no recipe that ships labelled items; name your own data, with --labels"
    kind = RECIPES.load(name) if name is not None and name in RECIPES.names() else None
    if not isinstance(kind, type) or not issubclass(kind, AbstractRecipe):
        raise ValueError(lacking)
    build: Any = kind
    try:
        recipe: AbstractRecipe[Any, Any] = build(kind.options_type())
        data = recipe.data()
    except (TypeError, ValueError) as error:
        raise ValueError(f"{lacking} ({error})") from error
    labels = labels_of(data, Labelling(label_share=1.0), seed=0)
    if labels is None:
        raise ValueError(lacking)
    own, wanted = dict(config.modality["settings"]), modality_settings(recipe.modality)
    differing = sorted(key for key in wanted if key in own and own[key] != wanted[key])
    if differing:
        raise ValueError(
            f"the run reads items with other settings than the recipe {name!r} has ({', '.join(differing)}), so its "
            "shipped items are not in the run's form; name your own data, with --labels"
        )
    return data.items, labels
