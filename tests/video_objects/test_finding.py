"""What is measured, propagated and found by rules in videos, against loops and cases one can see."""

import math

import numpy as np
import torch
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.modalities.video import Clip
from gestalt.recipes.video_objects.propagation import Propagation, carried, propagation_metrics
from gestalt.recipes.video_objects.rules import Rules, moving_regions, slic_supervoxels
from gestalt.recipes.video_objects.synthetic.scenes import Layout, Scene
from gestalt.recipes.video_objects.synthetic.scenes import scenes as numbered
from gestalt.recipes.video_objects.synthetic.sources import load_sources
from gestalt.recipes.video_objects.truth import frame_metrics, on_grid, track_metrics, type_metrics

SCENES = [numbered(4, 3, load_sources("test"), Layout(size=32, frames=6)).scene(index) for index in range(4)]
GRID = Grid.uniform((6, 32, 32), (1 / 8, 1.0, 1.0))


def exact(scenes: list[Scene]) -> FeatureMap:
    """Features that tell the item of every pixel and nothing else."""
    numbers = torch.stack([on_grid(scene.numbers, GRID, scene.clip.edges) for scene in scenes])
    values = torch.nn.functional.one_hot(numbers + 1, 6).float()
    return FeatureMap(values, torch.ones(values.shape[:2], dtype=torch.bool), GRID)


def test_the_truth_scores_one_and_nothing_at_all_scores_little() -> None:
    pixels = torch.cat([scene.numbers.flatten(1) for scene in SCENES])
    assert frame_metrics(pixels, pixels) == {"ARI": 1.0, "fg-ARI": 1.0, "mBO": 1.0}
    assert track_metrics([scene.numbers for scene in SCENES], SCENES) == {"J": 1.0, "F": 1.0, "J&F": 1.0}
    nothing = track_metrics([torch.full_like(scene.numbers, -1) for scene in SCENES], SCENES)
    assert nothing["J&F"] < 0.35  # frames in which an item is not seen are right


def test_a_track_that_changes_its_number_costs_tracks_but_not_frames() -> None:
    restless = [scene.numbers.clone() for scene in SCENES]
    for numbers in restless:
        numbers[3:][numbers[3:] >= 0] += 5
    assert frame_metrics(torch.cat([one.flatten(1) for one in restless]),
                         torch.cat([scene.numbers.flatten(1) for scene in SCENES]))["mBO"] == 1.0  # fmt: skip
    assert track_metrics(restless, SCENES)["J"] < 0.8


def test_every_element_takes_the_item_under_its_centre() -> None:
    scene = SCENES[0]
    grid = Grid.uniform((3, 9, 8), (0.25, 4.0, 4.0), (0.0, -2.0, 0.0))
    found = on_grid(scene.numbers, grid, scene.clip.edges)
    for element, (time, y, x) in enumerate(grid.centres()[0].tolist()):
        frame = int(time * 8 + 1e-6)
        inside = 0 <= y < 32 and 0 <= x < 32 and frame < 6
        assert int(found[element]) == (int(scene.numbers[frame, int(y), int(x)]) if inside else -1)


def test_features_that_tell_items_carry_masks_and_name_kinds() -> None:
    telling = propagation_metrics(exact(SCENES), SCENES, Propagation(radius=16, side=32))["propagated J&F"]
    blind = exact(SCENES).with_values(torch.ones(4, GRID.elements, 1))
    assert telling > 0.9
    assert propagation_metrics(blind, SCENES, Propagation(radius=16, side=32))["propagated J&F"] < telling - 0.2
    kinds = torch.zeros(4, GRID.elements, 10)
    for row, scene in enumerate(SCENES):
        numbers = on_grid(scene.numbers, GRID, scene.clip.edges)
        for number, kind in enumerate(scene.kinds):
            kinds[row, numbers == number, kind] = 1.0
    assert type_metrics(exact(SCENES).with_values(kinds), SCENES)["1-NN"] > 0.5


def slow_carried(values: Tensor, first: Tensor, how: Propagation) -> list[list[list[float]]]:
    """One item, in loops: frames × tubes × masks."""
    times, rows, columns, _ = values.shape
    unit = values / values.norm(dim=-1, keepdim=True)
    places = [(y, x) for y in range(rows) for x in range(columns)]
    masks = [[[float(first[m, y, x]) for m in range(len(first))] for y, x in places]]
    for time in range(1, times):
        context = sorted({0, *range(max(0, time - how.before), time)})
        frame = []
        for y, x in places:
            seen = []
            for past in context:
                for place, (v, u) in enumerate(places):
                    if max(abs(v - y), abs(u - x)) <= how.radius:
                        seen.append((float(unit[time, y, x] @ unit[past, v, u]), masks[past][place]))
            seen.sort(key=lambda pair: -pair[0])
            best = seen[: how.nearest]
            weights = [math.exp(likeness / how.temperature) for likeness, _ in best]
            frame.append([
                sum(weight * mask[m] for weight, (_, mask) in zip(weights, best, strict=True)) / sum(weights)
                for m in range(len(first))
            ])  # fmt: skip
        masks.append(frame)
    return masks


def test_masks_are_carried_as_a_loop_carries_them() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(1, 4, 3, 4, 5, generator=generator)
    first = torch.rand(1, 2, 3, 4, generator=generator)
    how = Propagation(before=2, radius=1, nearest=3, temperature=0.2)
    found = carried(values, first, how)[0].permute(0, 2, 3, 1).flatten(1, 2)
    assert torch.allclose(found, torch.tensor(slow_carried(values[0], first[0], how)), atol=1e-5)


def moving_square() -> tuple[Clip, Tensor]:
    """A bright square that crosses a rough ground while the camera pans."""
    rng = np.random.default_rng(0)
    ground = torch.from_numpy(rng.integers(60, 160, (3, 48, 80))).to(torch.uint8)
    frames = torch.stack([ground[:, :, 2 * time : 2 * time + 48] for time in range(8)])
    numbers = torch.full((8, 48, 48), -1)
    for time in range(8):
        left = 2 + 5 * time
        frames[time, :, 18:28, left : left + 8] = 250
        numbers[time, 18:28, left : left + 8] = 0
    return Clip(frames, torch.arange(9) / 8), numbers


def test_rules_find_what_moves_against_the_camera_and_tile_a_clip() -> None:
    clip, true = moving_square()
    scene = Scene(clip, true, (0,))
    moving = moving_regions(clip.frames, Rules(margin=0.25))
    assert track_metrics([moving], [scene])["J"] > 0.6
    tiles = slic_supervoxels(clip.frames, Rules())
    assert int(tiles.min()) == 0
    assert 5 < len(tiles.unique()) < 60
