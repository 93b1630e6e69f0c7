"""Items through a network: batches of like size, in the order of the items, and what half precision changes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.modality.optional import InfersEncoderSettings
from gestalt.core.modality.plugins import load_modality
from gestalt.core.networks.encoder import AbstractEncoder, Network
from gestalt.core.networks.modes import evaluating
from gestalt.core.runs.windows import of_like_size
from gestalt.modalities.text import MODALITY as TEXT
from tests.tiny_runs import tiny_model

LENGTHS = tuple(3 + 37 * number % 58 for number in range(80))
"""Words or atoms of items that follow one another."""


def lines_of(name: str) -> list[str]:
    if name == "graph":
        return ["C" * length for length in LENGTHS]
    return [" ".join(["old", "river", "runs"][place % 3] for place in range(length)) for length in LENGTHS]


def written(name: str, folder: Path) -> Path:
    path = folder / ("items.smi" if name == "graph" else "items.txt")
    path.write_text("\n".join(lines_of(name)) + "\n")
    return path


class Counting(AbstractEncoder):
    """An encoder that counts the elements of its batches, padding included."""

    def __init__(self, within: AbstractEncoder) -> None:
        super().__init__()
        self.within, self.dim, self.elements, self.batches = within, within.dim, 0, 0

    def forward(self, data: Any) -> FeatureMap:
        features: FeatureMap = self.within(data)
        self.elements += features.valid.numel()
        self.batches += 1
        return features


@pytest.mark.parametrize(("name", "encoder"), [("text", "transformer"), ("graph", "gin")])
def test_sets_of_like_size_are_encoded_together_and_come_in_their_order(
    name: str, encoder: str, tmp_path: Path
) -> None:
    modality = load_modality(name)
    items = modality.read([written(name, tmp_path)]).items
    settings = modality.encoder_settings(encoder, items) if isinstance(modality, InfersEncoderSettings) else {}
    model = replace(tiny_model(modality, encoder, 2, **settings), finder=None, batch=8)
    counting = Counting(model.encoder).eval()
    found = list(replace(model, network=Network(counting).eval()).encoded(items))
    assert [index for batch in found for index in batch.index] == list(range(len(LENGTHS)))
    assert max(len(batch.index) for batch in found) <= 8, "no more are in memory for whoever writes them"
    assert counting.batches <= len(LENGTHS) // 8 + 1, "and none is encoded twice, but the first, which is looked at"
    assert counting.elements < 1.25 * sum(LENGTHS), "in their order it would be 1.8 times"
    for batch in found:
        for row, index in enumerate(batch.index):
            item = items.read(index, np.random.default_rng(0))
            with evaluating(model.network):
                alone = model.network.encode(modality.collate([item])).values[0]
            assert torch.allclose(batch.features.values[row, : len(alone)], alone, atol=1e-4)


def test_the_places_of_all_items_are_in_one_batch_each() -> None:
    items: Sequence[Any] = [TEXT.specimens()[0].item] * 20
    assert of_like_size(TEXT, items, 8) == [[*range(8)], [*range(8, 16)], [*range(16, 20)]], "as they come"
    shuffled = [place for some in of_like_size(TEXT, items[:5], 2) for place in some]
    assert sorted(shuffled) == [*range(5)]
