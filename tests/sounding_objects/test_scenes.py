"""Scenes that sound: made of what no other part holds, always the same way; sounds are those of motion, and true."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from gestalt.recipes.sounding_objects.synthetic.motion import Moving, moments, path
from gestalt.recipes.sounding_objects.synthetic.scenes import CLEAR, Layout, Scene, compose
from gestalt.recipes.sounding_objects.synthetic.scenes import scenes as numbered
from gestalt.recipes.sounding_objects.synthetic.sources import FAMILIES, SOUNDING, load_sources

PARTS = ("train", "validation", "test")
TEST = load_sources("test")
LAYOUT = Layout(size=32, rate=8.0)


def scenes(count: int = 12, layout: Layout = LAYOUT) -> list[Scene]:
    return [compose(TEST, layout, np.random.default_rng(seed)) for seed in range(count)]


def test_no_item_photograph_sound_or_background_is_in_two_parts() -> None:
    sources = {part: load_sources(part) for part in PARTS}
    for family in FAMILIES:
        names = [{sound.name for sound in sources[part].sounds[family]} for part in PARTS]
        origins = [{sound.source for sound in sources[part].sounds[family]} for part in PARTS]
        assert all(len(own) >= 2 for own in names), family
        for one, other in ((0, 1), (0, 2), (1, 2)):
            assert not names[one] & names[other]
            assert not origins[one] & origins[other]
    beneath = [{sound.source for sound in sources[part].backgrounds} for part in PARTS]
    assert len(set().union(*beneath)) == sum(map(len, beneath))
    assert set(FAMILIES) == set(SOUNDING.values()), "every family is some kind's own"
    pictures = [sources[part].pictures for part in PARTS]
    rows = [{row.numpy().tobytes() for row in one.items} for one in pictures]
    assert not rows[0] & rows[2] | rows[1] & rows[2] | rows[0] & rows[1]
    assert all(sound.samples.shape[0] <= 0.8 * 16_000 + 1 for sound in sources["train"].sounds["bass"])


def test_the_same_number_is_the_same_scene_and_seeds_differ() -> None:
    one, two, other = (numbered(5, seed, TEST, LAYOUT).scene(3) for seed in (0, 0, 1))
    assert torch.equal(one.clip.frames, two.clip.frames)
    assert torch.equal(one.recording.samples, two.recording.samples)
    assert (one.things, one.sounds) == (two.things, two.sounds)
    assert not torch.equal(one.clip.frames, other.clip.frames)
    read = numbered(5, 0, TEST, LAYOUT).read(3, np.random.default_rng(9))
    assert torch.equal(read.parts["audio"].samples, one.recording.samples)
    with pytest.raises(ValueError, match="at least one scene"):
        numbered(0, 0, TEST, LAYOUT)


def test_every_sound_is_of_its_thing_at_a_moment_of_its_motion_and_silent_things_make_none() -> None:
    together = 0
    for scene in scenes():
        sounding = [number for number, thing in enumerate(scene.things) if thing.family is not None]
        assert len(sounding) == 2
        assert len({scene.things[number].kind for number in sounding}) == 2
        for number, thing in enumerate(scene.things):
            own = [sound for sound in scene.sounds if sound.thing == number]
            assert thing.family == SOUNDING.get(thing.kind)
            if thing.family is None:
                assert not own
                together += any(moment == sound.onset for moment in thing.moments for sound in scene.sounds)
                continue
            assert [sound.onset for sound in own] == list(thing.moments)
            assert {sound.sound for sound in own} <= {sound.name for sound in TEST.sounds[thing.family]}
            assert len({sound.sound for sound in own}) == 1, "a thing sounds the same each time"
            assert all(sound.onset < sound.offset <= 2.0 for sound in own)
        onsets = sorted(sound.onset for sound in scene.sounds)
        assert all(b - a >= CLEAR for a, b in pairwise(onsets))
    assert together >= 3, "silent things often move together with one that sounds"


def test_what_is_heard_above_the_background_begins_at_the_onsets() -> None:
    """Two mixes that differ in the level of their sounds alone differ from the first onset on, and at every onset."""
    soft, loud = (replace(LAYOUT, snr=(snr, snr)) for snr in (0.0, 3.0))
    for seed in range(4):
        one, other = (compose(TEST, layout, np.random.default_rng(seed)) for layout in (soft, loud))
        assert one.sounds[0].onset == other.sounds[0].onset
        apart = ((one.recording.samples - other.recording.samples).abs() > 1e-5).nonzero()[:, 0] / 16_000
        assert float(apart[0]) == pytest.approx(one.sounds[0].onset, abs=0.012)
        for sound in one.sounds:
            assert ((apart >= sound.onset) & (apart < sound.onset + 0.05)).any()


def test_things_change_their_way_at_their_moments_and_at_no_other_but_the_end_of_a_stop() -> None:
    frames, config = np.arange(2000) / 1000, Moving()
    for seed in range(30):
        rng = np.random.default_rng(seed)
        when = moments(rng, config, 2.0)
        assert all(config.early <= moment <= 2.0 - config.late for moment in when)
        assert all(b - a >= config.apart - 0.011 for a, b in pairwise(when))
        found = path(rng, config, when, frames)
        assert np.abs(found.offsets).max() <= config.reach + 1e-6
        velocity = np.diff(found.offsets, axis=0) * 1000
        turns = (np.abs(np.diff(velocity, axis=0)).max(axis=1) > 1e-6).nonzero()[0] / 1000
        near = np.abs(turns[:, None] - np.array(when)).min(axis=1) < 0.003
        since = turns[~near][:, None] - np.array(when)
        assert all(((one > 0.24) & (one < 0.51)).any() for one in since), "a stop ends of itself"
        assert found.heights.min() < 0.7
        hit = float(frames[found.heights.argmin()])
        assert min(abs(hit - moment) for moment in when) < 0.035, "flattest as it hits"


def test_pixels_change_where_things_are_and_things_are_mostly_apart() -> None:
    for scene in scenes(4):
        assert scene.clip.size == (16, 32, 32)
        shares = [(scene.numbers == number).float().mean().item() for number in range(len(scene.things))]
        assert all(0.005 < share < 0.25 for share in shares), "every thing is to be seen"
