"""A recipe: things before a wall, seen by a line camera, with their depth measured in some of the lines."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt import (
    AbstractItems,
    AbstractMethod,
    AbstractRecipe,
    Captions,
    EncoderChoice,
    ExperimentData,
    Labelling,
    Labels,
    Network,
    ObjectFinder,
    Running,
    Training,
    ViewOptions,
    adjusted_rand_index,
    mean_best_overlap,
)
from gestalt.core.components.ranges import Count, Weight, check_ranges
from gestalt.core.evaluation import Column
from gestalt.core.experiment.first_segments import plain_segments
from gestalt.core.experiment.own_data import own_data
from gestalt.core.experiment.predictions import Predictions, predictions_of

from .depth import Depth
from .dino import DINO_SMALL
from .gaps import Gaps
from .lines import MODALITY, Line, raw

TEST = 1_000_000  # test scenes are the same for every run
Truth = Int[Tensor, "lines pixels"]


@final
@dataclass(frozen=True)
class Scenery:
    """What is generated."""

    pixels: Count = 64
    """Pixels of a line."""
    things: Count = 3
    """Things in a line; some may hide others."""
    noise: Weight = 0.01
    """Standard deviation of the camera's noise."""

    def __post_init__(self) -> None:
        check_ranges(self)


@final
@dataclass(frozen=True)
class Scene:
    """What the camera sees, and for every pixel which thing it shows (0: the wall) and how far away that is."""

    line: Line
    things: Int[np.ndarray, " pixels"]
    depth: Float[np.ndarray, " pixels"]


def scene(number: int, scenery: Scenery) -> Scene:
    """Things of random colours before a grey wall; near ones hide far ones, and are wider and brighter."""
    rng, pixels = np.random.default_rng(number), scenery.pixels
    things, depth = np.zeros(pixels, int), np.full(pixels, rng.uniform(6.0, 8.0))
    colour = np.full((pixels, 3), 0.4)
    far_to_near = sorted(rng.uniform(1.0, 5.0, scenery.things), reverse=True)
    for thing, away in enumerate(far_to_near, 1):
        width = int(pixels / (2 + 2 * away))
        start = int(rng.integers(pixels - width))
        here = slice(start, start + width)
        things[here], depth[here], colour[here] = thing, away, rng.uniform(0.1, 1.0, 3)
    line = colour * (2 / (1 + depth))[:, None] + rng.normal(0, scenery.noise, (pixels, 3))
    return Scene(line.astype(np.float32), things, depth)


@final
@dataclass(frozen=True)
class Scenes(AbstractItems[Line]):
    """So many scenes, numbered from `first` on: the same number gives the same scene."""

    count: int
    first: int
    scenery: Scenery

    def __len__(self) -> int:
        return self.count

    def read(self, index: int, rng: np.random.Generator) -> Line:  # noqa: ARG002
        """Scene `index`, made anew."""
        return self.scene(index).line

    def name(self, index: int) -> str:
        """Its number."""
        return f"scene {self.first + index}"

    def scene(self, index: int) -> Scene:
        """Scene `index` with what is true of it."""
        return scene(self.first + index, self.scenery)


@final
@dataclass(frozen=True)
class Options:
    """Discover things in lines of pixels, without labels.

    Trains on generated lines, and evaluates on lines that it never saw; or, with --data, trains on your own.
    """

    lines: Count = 500
    """Lines to generate for training (without --data)."""
    test_lines: Count = 50
    """Lines to evaluate on (without --data)."""
    scenery: Scenery = Scenery()
    """What the generated lines show."""
    finder: ObjectFinder = field(default_factory=lambda: ObjectFinder(Gaps(), "hidden"))
    """How things are found among pixels, for methods that do not say so themselves."""
    method: AbstractMethod = DINO_SMALL.method
    """What learns."""
    encoder: EncoderChoice = EncoderChoice("conv")
    """With what network."""
    views: ViewOptions = ViewOptions()
    """From which views."""
    running: Running = field(default_factory=lambda: Running(Path("runs/line-objects")))
    """Where to read and write."""
    labelling: Labelling = Labelling()
    """What is known."""
    training: Training = field(default_factory=lambda: Training(steps=300, batch=32, lr=1e-3, warmup=20))
    """How it is trained."""

    def __post_init__(self) -> None:
        check_ranges(self)


@final
class LineObjects(AbstractRecipe[Line, Truth]):
    """Things in generated lines, or in the user's."""

    name: ClassVar[str] = "line-objects"
    summary: ClassVar[str] = "discover things in lines of pixels, without labels"
    options_type = Options
    captions = Captions(
        title="Things in lines",
        shipped="generated lines",
        own="of your lines",
        objects="things",
        exhibits="Below every line is the discovered object of each pixel.",
        truth="The names of the true things come with their first and last pixel.",
        snippet="lines → one vector a pixel",
    )
    columns = (Column("ARI", "things"), Column("mBO", "things"))
    note = "Adjusted Rand index over pixels, and mean best overlap, the wall included; averaged over lines."
    free = frozenset({"test_lines"})
    modality = MODALITY

    def __init__(self, options: Options) -> None:
        self.options = self._own = options
        self.finder = options.finder

    def data(self) -> ExperimentData[Line, Truth]:
        """Scenes whose depth is measured, or the user's lines; a run is told a share of the depths (--label-share)."""
        options, first = self._own, plain_segments(raw(), ObjectFinder(self.finder.grouper, "hidden"))
        if options.running.data:
            return own_data(MODALITY, options.running, MODALITY.views, first_segments=first)
        items = Scenes(options.lines, options.training.seed * options.lines, options.scenery)
        tests = Scenes(options.test_lines, TEST, options.scenery)
        truth = [tests.scene(index) for index in range(len(tests))]
        return ExperimentData(
            items,
            MODALITY.views,
            [one.line for one in truth],
            [tests.name(index) for index in range(len(tests))],
            torch.tensor(np.stack([one.things for one in truth])),
            [extents(one) for one in truth],
            first_segments=first,
            labels=depths(items),
        )

    def measure(self, predictions: Predictions, truth: Truth) -> dict[str, float]:
        """Things against the true ones."""
        found = predictions.joined().found
        return {
            "ARI": float(adjusted_rand_index(found, truth).mean()),
            "mBO": float(mean_best_overlap(found, truth).mean()),
        }

    def baselines(
        self, random: Network, data: ExperimentData[Line, Truth], truth: Truth
    ) -> dict[str, dict[str, float]]:
        """Gaps of the colours themselves, and of the run's network before training."""
        networks = {"gaps of colours": Network(raw()), "gaps of a random encoder": random}
        finder = ObjectFinder(Gaps(), "hidden")
        return {
            name: self.measure(predictions_of(network, MODALITY, data.evaluated, finder), truth)
            for name, network in networks.items()
        }


def depths(items: Scenes) -> Labels:
    """The depth of every pixel."""
    known = torch.tensor(np.stack([items.scene(index).depth for index in range(len(items))]), dtype=torch.float32)
    return Labels(Depth(), known)


def extents(one: Scene) -> list[tuple[str, tuple[int, int]]]:
    """The true things as the modality shows them."""
    places = {int(thing): np.flatnonzero(one.things == thing) for thing in np.unique(one.things)}
    return [(f"thing {thing}", (int(here[0]), int(here[-1]))) for thing, here in places.items() if thing]
