"""The table of a run on data with masks."""

import math
from collections.abc import Sequence
from typing import Any, TypeVar

from ..evaluation.table import Column, Table
from ..methods.presets import title_of
from ..methods.step import AbstractLearner
from ..modality.inferred import plain_encoder
from ..networks.encoder import Network
from .masks import MaskedItems, measured, on_plain_features
from .recipe import AbstractRecipe

ItemT = TypeVar("ItemT")
TruthT = TypeVar("TruthT")

COLUMNS = (Column("ARI"), Column("fg-ARI"), Column("mBO"))
NOTE = (
    "Found objects against the masks that come with the data, at the centres of elements: the adjusted Rand index with "
    "and without what lies in no mask, and the mean over masks of the greatest intersection over union with a found "
    "object. All rows find objects in the same way; the first groups plain features without parameters."
)


def mask_table(
    recipe: AbstractRecipe[ItemT, TruthT],
    masked: MaskedItems[ItemT],
    random: AbstractLearner[Any],
    learner: AbstractLearner[Any],
) -> Table:
    """What plain features, the network before training and the trained one find, against the masks."""
    modality, title = recipe.modality, title_of(recipe.options.method)
    finder = learner.finder or recipe.finder
    rows, items = dict[str, Sequence[float | None]](), 0
    for name, network, own in (
        ("plain features", Network(plain_encoder(modality, masked.items)), on_plain_features(finder)),
        (f"{title}, before training", random.online, finder),
        (title, learner.online, finder),
    ):
        found, items = measured(network, modality, masked, own)
        rows[name] = [None if math.isnan(found[column.name]) else found[column.name] for column in COLUMNS]
    return Table.of(f"{items} items with masks, seed {recipe.options.training.seed}", COLUMNS, rows, NOTE)
