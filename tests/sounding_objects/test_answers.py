"""Answers about scenes are judged as the truth says, and the rule's objects span sound and picture."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from gestalt.core.data.grid import Grid
from gestalt.core.data.parts import segmentation_of
from gestalt.core.modality.joint import JointItem, joint
from gestalt.core.networks.encoder import Network
from gestalt.modalities.audio import Audio
from gestalt.modalities.video import Video
from gestalt.recipes.sounding_objects.answers import (
    AFTER,
    Answers,
    beside,
    by_motion,
    by_network,
    by_synchrony,
    sound_curve,
)
from gestalt.recipes.sounding_objects.moments import change, flux
from gestalt.recipes.sounding_objects.segments import Synchrony, latest
from gestalt.recipes.sounding_objects.synthetic.scenes import Layout, Scene, compose
from gestalt.recipes.sounding_objects.synthetic.sources import load_sources
from gestalt.recipes.sounding_objects.truth import (
    chance,
    detector_for,
    moments_f1,
    place_metrics,
    retrieval_metrics,
)

MODALITY = joint(audio=Audio(16_000, 2.0), video=Video(2.0, 8.0, 48))
LAYOUT = Layout(size=48, rate=8.0)
SCENES = [compose(load_sources("test"), LAYOUT, np.random.default_rng(seed)) for seed in range(6)]
WHEN = torch.arange(62) * 0.032


def told(scene_heat: Any) -> Answers:
    """Answers whose heat is a function of scene and sound; sounds and pictures are told apart."""
    heats, grids = [], []
    for scene in SCENES:
        edges = scene.clip.edges
        maps = torch.stack([scene_heat(scene, one) for one in scene.sounds])
        onsets = torch.tensor([one.onset for one in scene.sounds])[:, None]
        here = (edges[1:] > onsets) & (edges[:-1] < onsets + AFTER)
        heats.append(torch.where(here[..., None, None], maps, -torch.inf))
        grids.append(Grid((edges[None], *Grid.uniform((48, 48), (1.0, 1.0)).edges)))
    return Answers(tuple(heats), tuple(grids), None, WHEN, torch.eye(6), torch.eye(6))


def test_the_truth_itself_is_perfect_and_another_thing_is_always_wrong() -> None:
    perfect = told(lambda scene, one: (scene.numbers == one.thing).float())
    found = place_metrics(perfect, SCENES)
    assert found["matching"] == found["pointing"] == 1.0
    assert found["cIoU"] > 0.7, "the thing moves within the frames that are looked at"
    assert set(retrieval_metrics(perfect).values()) == {1.0}
    other = told(lambda scene, one: (scene.numbers == (one.thing + 1) % len(scene.things)).float())
    assert place_metrics(other, SCENES)["matching"] == 0.0
    assert place_metrics(other, SCENES)["pointing"] == 0.0


def test_a_map_that_says_nothing_has_what_chance_has() -> None:
    even = place_metrics(told(lambda scene, one: torch.zeros(16, 48, 48)), SCENES)  # noqa: ARG005
    blind = chance(SCENES)
    assert even["matching"] == pytest.approx(blind["matching"])
    assert even["pointing"] == pytest.approx(blind["pointing"], abs=0.03)
    assert blind["picture R@5"] == pytest.approx(5 / 6)


def test_onsets_are_found_within_a_tenth_of_a_second_and_detectors_take_what_helps() -> None:
    def curve(shift: float, height: float = 5.0) -> torch.Tensor:
        rows = torch.zeros(len(SCENES), 62)
        for row, scene in enumerate(SCENES):
            for one in scene.sounds:
                rows[row, (WHEN - one.onset - shift).abs().argmin()] = height
        return rows

    assert moments_f1(curve(0.0), 1.0, WHEN, SCENES) == 1.0
    assert moments_f1(curve(0.07), 1.0, WHEN, SCENES) > 0.9
    assert moments_f1(curve(0.15), 1.0, WHEN, SCENES) < 0.3
    assert moments_f1(curve(0.0), 6.0, WHEN, SCENES) == 0.0
    noise = torch.randn(len(SCENES), 62, generator=torch.Generator().manual_seed(0)).abs()
    detector = detector_for(noise, curve(0.0, 3.0), WHEN, SCENES)
    assert detector.weight > 0, "the picture helps"
    alone = detector_for(noise, None, WHEN, SCENES)
    both = moments_f1(detector(noise, curve(0.0, 3.0)), detector.level, WHEN, SCENES)
    assert both > moments_f1(noise, alone.level, WHEN, SCENES) + 0.15
    assert detector_for(curve(0.0), noise, WHEN, SCENES).weight <= 1, "and is not needed"
    assert detector_for(None, curve(0.0), WHEN, SCENES).weight == 0.0


def test_rules_hear_onsets_see_sudden_motion_and_agree_with_no_network() -> None:
    both, alone = by_synchrony(SCENES, MODALITY), by_motion(SCENES, MODALITY)
    assert place_metrics(both, SCENES)["matching"] > place_metrics(alone, SCENES)["matching"]
    detector = detector_for(sound_curve(SCENES, MODALITY), None, both.when, SCENES)
    assert moments_f1(sound_curve(SCENES, MODALITY), detector.level, both.when, SCENES) > 0.5
    assert alone.heard is None
    assert retrieval_metrics(alone) == {}


def test_a_network_answers_in_the_space_in_which_its_method_compares() -> None:
    torch.manual_seed(0)
    encoder = MODALITY.encoders["joint"](dim=16, settings={"video": {"width": 16}, "audio": {"width": 16}})
    network = Network(encoder, torch.nn.Linear(16, 5))
    found = by_network(SCENES, MODALITY, network)
    assert found.heard is not None
    assert found.heard.shape == (6, 5)
    for heat, grid, scene in zip(found.heats, found.grids, SCENES, strict=True):
        assert heat.shape == (len(scene.sounds), *grid.shape)
        seen = heat[heat.isfinite()]
        assert 0 < len(seen) < heat.numel()
        assert float(seen.abs().max()) <= 1 + 1e-5, "cosines"
    scaled = by_network(SCENES, MODALITY, Network(encoder, torch.nn.Sequential(network.projector, Doubled())))
    torch.testing.assert_close(scaled.heats[0], found.heats[0], atol=1e-5, rtol=1e-4)


class Doubled(torch.nn.Module):
    """Twice the vectors: cosines stay."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return 2 * rows


def test_agreement_is_weighed_beside_sudden_changes() -> None:
    change_, truth = by_synchrony(SCENES, MODALITY), told(lambda scene, one: (scene.numbers == one.thing).float())
    none, much = (beside(change_, truth, weight) for weight in (0.0, 100.0))
    assert place_metrics(much, SCENES)["matching"] == 1.0
    alone = place_metrics(change_, SCENES)["matching"]
    assert place_metrics(none, SCENES)["matching"] == pytest.approx(alone, abs=0.15)
    assert alone < 1.0
    for heat, before in zip(none.heats, truth.heats, strict=True):
        assert torch.equal(heat.isfinite(), before.isfinite())


def test_objects_of_the_rule_have_the_sound_of_an_onset_and_what_changes_then() -> None:
    data = MODALITY.collate([scene.item for scene in SCENES])
    rule = Synchrony()
    segments = rule(data)
    weights = segments.weights
    assert float(weights.min()) >= 0
    assert float(weights.sum(dim=1).max()) <= 1 + 1e-6, "law 4"
    heard, seen = (segmentation_of(segments, part) for part in ("audio", "video"))
    assert heard.grid is not None
    assert seen.grid is not None
    middles, frames = heard.grid.centres()[0, :, 0], seen.grid.centres()
    found = hits = right = 0
    for row, scene in enumerate(SCENES):
        pixels = torch.nn.functional.interpolate(
            seen.weights[row].unflatten(1, seen.grid.shape).amax(dim=1)[:, None], (48, 48)
        )[:, 0]
        for number in range(segments.objects):
            sounding, moving = heard.weights[row, number] > 0, seen.weights[row, number] > 0
            assert bool(sounding.any()) or not bool(moving.any())
            if not sounding.any():
                continue
            begin = float(middles[sounding].min())
            assert float(middles[sounding].max()) - begin < rule.seconds + 0.04
            found += 1
            sounds = [one for one in scene.sounds if abs(begin - one.onset) < 0.1]
            hits += bool(sounds)
            if not (sounds and moving.any()):
                continue
            times = frames[row % len(frames)][moving][:, 0]
            assert begin - 0.2 < float(times.min()) <= float(times.max()) < begin + rule.held + 0.2
            shown = [(scene.numbers == thing).any(dim=0) for thing in range(len(scene.things))]
            covered = torch.stack([(pixels[number] * one).sum() / one.sum() for one in shown])
            right += int(covered.argmax()) == sounds[0].thing
    assert hits > 0.7 * found > 0
    assert right > 0.5 * hits, "chance is less than a third"


def test_onsets_with_a_rival_are_left_out_and_other_settings_do_what_they_say() -> None:
    data = MODALITY.collate([scene.item for scene in SCENES])

    def objects(rule: Synchrony) -> int:
        return int((rule(data).weights.sum(dim=2) > 0).sum())

    assert objects(Synchrony(rival=0.2)) < objects(Synchrony()) < objects(Synchrony(rival=1.0))
    assert objects(Synchrony(sharp=3.0, rival=1.0)) < objects(Synchrony(rival=1.0))
    assert objects(Synchrony(objects=1, rival=1.0)) <= len(SCENES)
    assert objects(Synchrony(places=3)) == objects(Synchrony(rival=1.0)), "with several places no onset is left out"
    one, three = (segmentation_of(Synchrony(places=n, rival=1.0)(data), "video").weights > 0 for n in (1, 3))
    assert bool((three | ~one).all()), "the place that changes most is one of them"
    assert 1.5 * float(one.sum()) < float(three.sum()) <= 3 * float(one.sum()) * 1.2
    small, large = (segmentation_of(Synchrony(side=side)(data), "video").weights.sum() for side in (3, 7))
    assert small < large


def test_the_rule_needs_both_parts_and_an_element_has_one_object() -> None:
    lacking = MODALITY.collate([SCENES[0].item, JointItem({"audio": SCENES[1].recording})])
    with pytest.raises(ValueError, match="an item lacks one"):
        Synchrony()(lacking)
    mine = torch.tensor([[[True, True, False], [False, True, True], [False, False, True]]])
    assert latest(mine).int().tolist() == [[[1, 0, 0], [0, 1, 0], [0, 0, 1]]]


def test_what_moves_evenly_does_not_change_suddenly_and_padding_never_does() -> None:
    still: Scene = SCENES[0]
    data = MODALITY.collate([still.item])
    audio, video = data.data
    steady = replace(video, frames=video.frames[:, :1].expand(-1, 16, -1, -1, -1))
    assert float(change(steady).max()) == 0.0
    short = replace(video, sizes=torch.tensor([[5, 48, 48]]))
    assert float(change(short)[:, 5:].max()) == 0.0
    assert float(change(video)[:, 5:].max()) > 0.0
    curve, grid = flux(audio)
    assert curve.shape[1] == grid.shape[0] == 62
