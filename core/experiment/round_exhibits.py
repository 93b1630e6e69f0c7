"""What was found in training items, round after round, side by side."""

from typing import TypeVar

import numpy as np
from markupsafe import Markup

from ..data.items import BadItemError
from ..report import Exhibit, Panel
from ..training.kept_segments import SHARD, KeptSegments
from ..training.round_signs import read_signs
from ..training.steady_items import SteadyItems
from .recipe import SHOWN, AbstractRecipe, ExperimentData

ItemT = TypeVar("ItemT")
TruthT = TypeVar("TruthT")


def round_exhibits(recipe: AbstractRecipe[ItemT, TruthT], data: ExperimentData[ItemT, TruthT]) -> tuple[Exhibit, ...]:
    """The first training items with the segments of every round; nothing where a run had no rounds."""
    out = recipe.options.running.out
    folders = [(signs, out / "segments" / f"round-{signs.round}") for signs in read_signs(out)]
    kept = [(signs, KeptSegments(folder, len(data.items))) for signs, folder in folders if folder.is_dir()]
    items = SteadyItems(data.items, recipe.options.training.seed)
    shown = []
    for index in range(min(SHOWN, len(items)) if kept else 0):
        try:
            item = items.read(index, np.random.default_rng(0))
        except BadItemError:
            continue  # the report lists it among what was left out
        panels = []
        for signs, segments in kept:
            masks = segments.of_item(index, item) if segments.path(index // SHARD).is_file() else None
            if masks is not None:
                picture = recipe.modality.render(item, masks.labels.long(), masks.places)
                panels.append(Panel(f"Round {signs.round}, from step {signs.step}", Markup(picture)))
        if panels:
            shown.append(Exhibit(f"Learned from: {items.name(index)}", tuple(panels)))
    return tuple(shown)
