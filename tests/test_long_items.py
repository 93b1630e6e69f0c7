"""What a long item costs follows the window, not the item."""

from pathlib import Path

import numpy as np
import pytest
from benchmarks.long_items import FILES

from gestalt.core.components.registry import MODALITIES
from gestalt.core.modality.inferred import inferred_settings
from gestalt.core.modality.plugins import load_modality

LENGTHS = {
    "audio": (8, 600),
    "image": (1024, 2048),
    "video": (4, 40),
    "text": (256, 50_000),
    "graph": (512, 5000),
    "sensors": (20, 300),
    "points": (512, 50_000),
    "table": (50, 5000),
}
"""A short file, of two windows or so, and a long one, in the units of each modality."""


def test_every_modality_that_ships_has_its_long_item() -> None:
    assert FILES.keys() == LENGTHS.keys() == set(MODALITIES.names())


@pytest.mark.parametrize("name", LENGTHS)
def test_the_windows_of_a_long_item_are_no_larger_than_those_of_a_short_one(name: str, tmp_path: Path) -> None:
    modality, rng = load_modality(name), np.random.default_rng(0)
    elements = []
    for units in LENGTHS[name]:
        items = modality.read([FILES[name].write(tmp_path, units)]).items
        encoder = modality.encoders["raw"](**inferred_settings(modality, "raw", items))
        sizes = []
        for index in sorted({0, len(items) // 2, len(items) - 1}):
            features = encoder(modality.collate([items.read(index, rng)]))
            sizes.append(int(features.valid.sum()))
        elements.append(max(sizes))
        assert name == "image" or units < LENGTHS[name][1] or len(items) > 1
    short, long = elements
    assert 0 < long <= short
