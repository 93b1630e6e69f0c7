"""Scenes are composed of what no other part holds, always the same way, with exact masks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation

from gestalt.recipes.scene_sources import class_names
from gestalt.recipes.video_objects.recipe import largest
from gestalt.recipes.video_objects.synthetic.scenes import LEAST, Layout, Scene, compose
from gestalt.recipes.video_objects.synthetic.scenes import scenes as numbered
from gestalt.recipes.video_objects.synthetic.sources import PHOTOGRAPHS, load_sources

TEST = load_sources("test")
LAYOUT = Layout(size=48, frames=5)


def test_no_item_and_no_photograph_is_in_two_parts() -> None:
    parts = [load_sources(part) for part in PHOTOGRAPHS]
    assert [len(part.items) for part in parts] == [4000, 1000, 1500]
    names = [name for part in PHOTOGRAPHS.values() for name in part]
    assert len(names) == len(set(names))
    rows = [{row.numpy().tobytes() for row in part.items} for part in parts]
    assert not rows[0] & rows[2] | rows[1] & rows[2] | rows[0] & rows[1]
    assert len(class_names()) == 10


def test_the_same_number_is_the_same_scene_and_seeds_differ() -> None:
    one, two, other = (numbered(5, seed, TEST, LAYOUT).scene(3) for seed in (0, 0, 1))
    assert torch.equal(one.clip.frames, two.clip.frames)
    assert torch.equal(one.numbers, two.numbers)
    assert not torch.equal(one.clip.frames, other.clip.frames)
    assert torch.equal(numbered(5, 0, TEST, LAYOUT).read(3, np.random.default_rng(9)).frames, one.clip.frames)
    with pytest.raises(ValueError, match="at least one scene"):
        numbered(0, 0, TEST, LAYOUT)


def test_pixels_are_the_ground_exactly_where_the_masks_say_ground() -> None:
    bare = replace(TEST, outlines=torch.zeros_like(TEST.outlines))
    for seed in range(4):
        scene = compose(TEST, LAYOUT, np.random.default_rng(seed))
        ground = compose(bare, LAYOUT, np.random.default_rng(seed)).clip.frames
        changed = (scene.clip.frames != ground).any(dim=1).numpy()
        inside = (scene.numbers >= 0).numpy()
        assert 0.02 < inside.mean() < 0.7
        border = binary_dilation(inside, np.ones((1, 3, 3), bool)) & ~inside
        assert changed[inside].mean() > 0.97
        # Items of which next to nothing is seen have no number, but are there.
        assert (changed & ~inside & ~border).sum() <= LEAST * LAYOUT.frames
        assert changed[border].any()


def test_items_move_and_their_kinds_are_known() -> None:
    scene = compose(TEST, Layout(fewest=2, most=2), np.random.default_rng(7))
    assert len(scene.kinds) == 2
    assert scene.clip.size == (8, 64, 64)
    assert scene.clip.seconds == 1.0
    moved = []
    for number in scene.numbers[scene.numbers >= 0].unique().tolist():
        first, last = ((scene.numbers[frame] == number).nonzero().float().mean(dim=0) for frame in (0, -1))
        moved.append(float((last - first).norm()))
    assert max(moved) > 3


def test_the_class_of_a_scene_is_that_of_the_thing_of_which_most_is_seen() -> None:
    clip = compose(TEST, LAYOUT, np.random.default_rng(0)).clip
    numbers = torch.full((5, 48, 48), -1)
    assert largest(Scene(clip, numbers, (3, 7))) is None
    numbers[0, :4] = 0
    numbers[3, :5] = 1
    assert largest(Scene(clip, numbers, (3, 7))) == class_names()[7]
