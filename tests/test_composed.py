"""Scenes that recipes compose are kept up to so many bytes, whatever their size."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import pytest
import torch

from gestalt.core.modality.joint import JointItem
from gestalt.modalities.audio import Recording
from gestalt.recipes.captioned_scenes.synthetic.items import CaptionedScenes
from gestalt.recipes.captioned_scenes.synthetic.scenes import Composer, Composing
from gestalt.recipes.captioned_scenes.synthetic.told import Telling, written
from gestalt.recipes.composed import ComposedItems, Kept, tensor_bytes
from gestalt.recipes.sounding_objects.synthetic import scenes as sounding
from gestalt.recipes.sounding_objects.synthetic.sources import load_sources as load_sounding
from gestalt.recipes.video_objects.synthetic import scenes as moving
from gestalt.recipes.video_objects.synthetic.sources import load_sources as load_moving

RNG = np.random.default_rng(0)


@dataclass(frozen=True)
class Numbers:
    """A scene of 80 bytes."""

    item: torch.Tensor


def test_items_are_kept_until_their_bytes_are_used_up() -> None:
    made = list[float]()

    def compose(rng: np.random.Generator) -> Numbers:
        made.append(rng.random())
        return Numbers(torch.full((20,), made[-1], dtype=torch.float32))

    items: ComposedItems[torch.Tensor, Numbers] = ComposedItems(5, 7, compose, attrgetter("item"), budget=200)
    first = [items.read(index, RNG) for index in range(4)]
    again = [items.read(index, RNG) for index in range(4)]
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    assert len(made) == 6, "the third and the fourth are composed anew"
    assert len(set(made)) == 4
    with pytest.raises(ValueError, match="at least one scene"):
        ComposedItems(0, 7, compose, attrgetter("item"))


def test_bytes_are_those_of_all_tensors() -> None:
    sound = Recording(torch.zeros(100), 16_000)
    assert tensor_bytes(JointItem({"audio": sound, "text": "a bell"})) == 400
    assert tensor_bytes([(torch.zeros(3, dtype=torch.uint8), torch.zeros(2))]) == 11


@pytest.mark.parametrize(
    "items",
    [
        sounding.scenes(3, 0, load_sounding("test"), sounding.Layout(size=16, rate=2.0)),
        moving.scenes(3, 0, load_moving("test"), moving.Layout(size=16, frames=2)),
        CaptionedScenes(3, Composer("test", 0, Composing()), Telling("text", written)),
    ],
    ids=["sounding-objects", "video-objects", "captioned-scenes"],
)
def test_scenes_of_every_recipe_have_the_same_bound(items: Any) -> None:
    kept = items._kept
    assert isinstance(kept, Kept)
    items.read(0, RNG)
    one = kept.bytes
    assert one == tensor_bytes(kept[0]) > 0
    kept.budget = 2 * one
    for index in range(3):
        items.read(index, RNG)
    assert kept.bytes == 2 * one
