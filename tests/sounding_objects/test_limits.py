"""What the recipe refuses before it begins, and what it computes on any device and any lattice."""

from typing import Any

import numpy as np
import pytest
import torch

from gestalt.core.modality.joint import joint
from gestalt.core.modality.joint.item import JointData
from gestalt.core.networks.encoder import Network
from gestalt.modalities.audio import Audio
from gestalt.modalities.video import Video
from gestalt.recipes.sounding_objects import moments as by_hand
from gestalt.recipes.sounding_objects.answers import by_network, by_synchrony
from gestalt.recipes.sounding_objects.recipe import Options
from gestalt.recipes.sounding_objects.results import Truth, measure
from gestalt.recipes.sounding_objects.segments import Synchrony
from gestalt.recipes.sounding_objects.synthetic.motion import Moving
from gestalt.recipes.sounding_objects.synthetic.scenes import Layout, compose
from gestalt.recipes.sounding_objects.synthetic.sources import load_sources

MODALITY = joint(audio=Audio(16_000, 2.0), video=Video(2.0, 8.0, 32))
LAYOUT = Layout(size=32, rate=8.0)
SCENES = tuple(compose(load_sources("test"), LAYOUT, np.random.default_rng(seed)) for seed in range(5))


def test_the_rules_objects_are_on_the_device_of_the_batch_and_looked_for_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = MODALITY.collate([scene.item for scene in SCENES[:2]])
    elsewhere = data.to("meta")  # has no values: nothing can be looked for there
    monkeypatch.setattr(JointData, "to", lambda _, device: {"cpu": data}[device])
    found = Synchrony()(elsewhere)
    assert found.weights.device.type == found.whole.device.type == "meta"
    assert found.weights.shape == Synchrony()(data).weights.shape


def test_what_computes_spectra_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    data = MODALITY.collate([SCENES[0].item])
    made = by_hand.flux(data.data[0])[0]

    def refused(**settings: int) -> None:
        raise AssertionError(settings)

    monkeypatch.setattr(by_hand, "LogMel", refused)
    assert torch.equal(by_hand.flux(data.data[0])[0], made)


def test_scenes_in_which_moments_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"moments of a thing do not fit into a scene of 1\.05 s: make it 1\.1 s"):
        Layout(seconds=1.05)
    with pytest.raises(ValueError, match=r"do not fit into a scene of 2 s"):
        Layout(moving=Moving(moments=(1, 5)))
    with pytest.raises(ValueError, match="seconds"):
        Options(seconds=1.0)
    short = compose(load_sources("test"), Layout(size=32, rate=8.0, seconds=1.1), np.random.default_rng(0))
    assert len(short.sounds) >= 2
    with pytest.raises(ValueError, match="6 things cannot sound apart"):
        compose(load_sources("test"), Layout(size=32, seconds=1.1, sounding=6), np.random.default_rng(0))


@pytest.mark.parametrize(
    "settings",
    [{"audio": {"per_element": 8}}, {"audio": {"per_element": 1}}, {"video": {"frames": 2}}],
    ids=["longer sounds", "shorter sounds", "cells of two frames"],
)
def test_networks_of_any_lattice_answer_on_that_of_the_rules(settings: dict[str, dict[str, Any]]) -> None:
    torch.manual_seed(0)
    parts = "video=transformer" if "video" in settings else ""
    encoder = MODALITY.encoders["joint"](dim=8, encoders=parts, settings=settings)
    found, rules = by_network(SCENES, MODALITY, network := Network(encoder)), by_synchrony(SCENES, MODALITY)
    assert torch.equal(found.when, rules.when)
    assert found.moments is not None
    assert rules.moments is not None
    assert found.moments.shape == rules.moments.shape
    for own, other in zip(found.heats, rules.heats, strict=True):
        assert own.shape[:2] == other.shape[:2]
        assert torch.equal(own.isfinite().flatten(2).any(dim=2), other.isfinite().flatten(2).any(dim=2))
    metrics = measure(network, Truth(SCENES, SCENES[:2]), MODALITY)
    assert all(0 <= value <= 1 for value in metrics.values())
