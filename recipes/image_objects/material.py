"""What a run trains on, and what it is tried on: composed scenes with truth, or the user's pictures without."""

import torch

from gestalt.core.experiment import ExperimentData, readable
from gestalt.core.modality.transform import Views
from gestalt.modalities.image import Image, Picture, chain
from gestalt.modalities.image.effects import ColourJitter
from gestalt.modalities.image.views import Flip, Resize, ResizedCrop

from .clothing import Part, names
from .options import Options
from .scenes import Composing, Scene, Scenes

TEST_SEED = 1_000_000
"""Test scenes are the same for every run."""


FINER = 2
"""How many times smaller cells are than 4 × 4 pixels, along both axes: items of some 20 pixels need it."""


def load_material(options: Options) -> ExperimentData[Picture, tuple[Scene, ...]]:
    """Read or compose everything that the options ask for."""
    return _own(options) if options.running.data else _shipped(options)


def views(size: int, span: bool) -> Views[Picture]:
    """Two views of every picture: cropped, mirrored, recoloured; not blurred, since texture is what tells things apart.

    Args:
        size: pixels a side of the views and of their source.
        span: whether the source is a part of the picture that spans both views (photographs), or the whole (scenes).
    """
    source = ResizedCrop(size, (0.5, 1.0)) if span else Resize(size)
    view = chain((1.0, ResizedCrop(size, (0.4, 1.0))), (0.5, Flip()), (0.8, ColourJitter()))
    return Views(chain((1.0, source)), (view, view))


def settings(encoder: str) -> dict[str, int]:
    """Settings of an encoder whose cells can be made small."""
    return {"conv": {"finer": FINER}}.get(encoder, {})


def _shipped(options: Options) -> ExperimentData[Picture, tuple[Scene, ...]]:
    standard = Composing()
    shrunk = min(1.0, options.size / standard.size)  # small scenes have small items, large ones more room
    config = Composing(
        size=options.size, smallest=round(standard.smallest * shrunk), largest=round(standard.largest * shrunk)
    )
    items = Scenes(options.scenes, options.training.seed, "train", config)
    part: Part = "validation" if options.running.validate else "test"
    tests = Scenes(options.test_scenes, TEST_SEED, part, config)
    truth = tuple(tests.scene(index) for index in range(len(tests)))
    classes = names()
    return ExperimentData(
        items,
        views(options.size, span=False),
        tuple(scene.pixels for scene in truth),
        tuple(tests.name(index) for index in range(len(tests))),
        truth,
        [
            [(classes[kind], scene.owner == number) for number, kind in enumerate(scene.classes.tolist())]
            for scene in truth
        ],
        settings=settings(options.learning.encoder),
        label=lambda index: largest(items.scene(index)),
    )


def largest(scene: Scene) -> str:
    """The class of a scene: that of the item of which most is to be seen."""
    shown = torch.bincount(scene.owner[scene.owner >= 0], minlength=len(scene.classes))
    return names()[int(scene.classes[shown.argmax()])]


def _own(options: Options) -> ExperimentData[Picture, tuple[Scene, ...]]:
    running = options.running
    reading = Image(longest=options.longest).read(running.data, running.skip_bad)
    skipped = list(reading.skipped)
    tried = readable(reading.items, skipped if running.skip_bad else None)
    return ExperimentData(
        reading.items,
        views(options.size, span=True),
        tuple(tried.values()),
        tuple(reading.items.name(place) for place in tried),
        None,
        skipped=tuple(dict.fromkeys(skipped)),
        settings=settings(options.learning.encoder),
    )
