"""What a run trains on, and what it is tried on: composed scenes with truth, or the user's videos without."""

import torch

from gestalt.core.experiment import ExperimentData, readable
from gestalt.core.modality.transform import Views
from gestalt.modalities.video import Clip, Video, VideoFiles, chain
from gestalt.modalities.video.effects import Blur, ColourJitter, Grey
from gestalt.modalities.video.space import Flip, ResizedCrop
from gestalt.modalities.video.views import TimeCrop

from .options import Options
from .scenes import Layout, Scene, Scenes
from .sources import kind_names, load_sources

TEST_SEED = 1_000_000  # test scenes are the same for every run
STRIDE, FINER = 4, 2
"""Pixels a side of what the convolutions see, and how much smaller tubes are: objects of some 20 pixels need it."""


def load_material(options: Options) -> ExperimentData[Clip, tuple[Scene, ...]]:
    """Read or compose everything that the options ask for."""
    return _own(options) if options.running.data else _shipped(options)


def views(size: int) -> Views[Clip]:
    """Two views of every clip: half of its time, a part of its picture, in other colours."""
    steps = [(1.0, TimeCrop(0.5, 0.5)), (1.0, ResizedCrop(size, 0.5)), (0.5, Flip())]
    steps += [(0.8, ColourJitter()), (0.1, Grey()), (0.2, Blur())]
    return Views(chain(), (chain(*steps),) * 2)


def settings(encoder: str) -> dict[str, int]:
    """Settings of an encoder whose tubes can be made small."""
    return {"conv": {"stride": STRIDE, "finer": FINER, "width": 64}}.get(encoder, {})


def layout(options: Options) -> Layout:
    """How scenes are composed under these options."""
    return Layout(size=options.size, frames=max(2, round(options.seconds * options.rate)), rate=options.rate)


def _shipped(options: Options) -> ExperimentData[Clip, tuple[Scene, ...]]:
    items = Scenes(options.scenes, options.training.seed, load_sources("train"), layout(options))
    part = "validation" if options.running.validate else "test"
    tests = Scenes(options.test_scenes, TEST_SEED, load_sources(part), layout(options))
    truth = tuple(tests.scene(index) for index in range(len(tests)))
    names = kind_names()
    return ExperimentData(
        items,
        views(options.view),
        tuple(scene.clip for scene in truth),
        tuple(tests.name(index) for index in range(len(tests))),
        truth,
        [[(names[kind], scene.numbers == number) for number, kind in enumerate(scene.kinds)] for scene in truth],
        settings=settings(options.learning.encoder),
        label=lambda index: largest(items.scene(index)),
    )


def largest(scene: Scene) -> str | None:
    """The class of a scene: the kind of the thing of which most is to be seen; None where nothing is."""
    shown = scene.numbers[scene.numbers >= 0]
    return kind_names()[scene.kinds[int(torch.bincount(shown).argmax())]] if len(shown) else None


def _own(options: Options) -> ExperimentData[Clip, tuple[Scene, ...]]:
    running = options.running
    reading = Video(options.seconds, options.rate, options.size).read(running.data, running.skip_bad)
    files = reading.items
    assert isinstance(files, VideoFiles)
    skipped = list(reading.skipped)
    tried = readable(files, skipped if running.skip_bad else None)
    return ExperimentData(
        files.with_jitter(True),
        views(options.view),
        tuple(tried.values()),
        tuple(files.name(place) for place in tried),
        None,
        skipped=tuple(dict.fromkeys(skipped)),
        settings=settings(options.learning.encoder),
    )
