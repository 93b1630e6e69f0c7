"""Things in moving scenes composed of the shipped items, or in the user's videos."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, final

from gestalt.core.components.ranges import Between, Count, Positive, check_ranges
from gestalt.core.data.transplants import Transplants
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import MergeAlike
from gestalt.core.discovery.regions import GroupRegions
from gestalt.core.discovery.segmenters import GivenMasks, Rounds
from gestalt.core.experiment.options import EncoderChoice, Labelling, Running, ViewOptions
from gestalt.core.experiment.own_data import own_data
from gestalt.core.experiment.predictions import Predictions
from gestalt.core.experiment.recipe import AbstractRecipe, Captions, ExperimentData
from gestalt.core.methods.method import AbstractMethod
from gestalt.core.methods.odin_rounds import OdinRounds
from gestalt.core.modality.transform import Views
from gestalt.core.networks.encoder import Network
from gestalt.core.training.options import Training
from gestalt.modalities.video import Clip, Video, chain
from gestalt.modalities.video.effects import ColourJitter
from gestalt.modalities.video.space import Flip, ResizedCrop
from gestalt.modalities.video.views import TimeCrop

from ..scene_sources import class_names, most_visible
from .results import CEILING, COLUMNS, NOTE, baselines, measure
from .rules import fine, first_segments
from .synthetic.scenes import Layout, Scene, scenes
from .synthetic.sources import load_sources

TEST_SEED = 1_000_000  # test scenes are the same for every run


def regions_finder() -> ObjectFinder:
    """Supervoxels, merged while what was learned of them is alike; nothing is background."""
    return ObjectFinder(MergeAlike(0.12, objects=64), "hidden", regions=GroupRegions(fine()))


@final
@dataclass(frozen=True)
class Options:
    """Discover the things that move in videos, without labels.

    Trains on moving scenes composed of the clothing items that ship with the package, and evaluates on scenes of items
    and photographs that it never saw; or, with --data, trains on your own videos. Writes a run folder with report.html.
    """

    seconds: Positive = 1.0
    """Length of the windows that videos are taken in, in seconds."""
    rate: Positive = 8.0
    """Frames per second that are used, at most."""
    size: Annotated[int, Between(16, 65536)] = 64
    """The shorter side of the picture in pixels, at most."""
    view: Annotated[int, Between(16, 65536)] = 64
    """Height and width of the views in pixels."""
    scenes: Count = 400
    """Scenes to compose for training (without --data)."""
    test_scenes: Count = 60
    """Scenes of unseen items to evaluate on (without --data)."""
    cell: Annotated[int, Between(1, 64)] = 2
    """Pixels a side of the tubes whose colours the baselines group."""
    finder: ObjectFinder = field(default_factory=regions_finder)
    """How objects are found, for methods that do not say so themselves."""
    method: AbstractMethod = OdinRounds(rounds=Rounds(300), transplants=Transplants(smallest=0.01, largest=0.27))
    """What learns."""
    encoder: EncoderChoice = EncoderChoice("unet")
    """With what network."""
    views: ViewOptions = ViewOptions()
    """From which views."""
    running: Running = field(default_factory=lambda: Running(Path("runs/video-objects")))
    """Where to read and write."""
    labelling: Labelling = Labelling()
    """What is known."""
    training: Training = field(default_factory=lambda: Training(steps=600, batch=4, lr=2e-3, warmup=30))
    """How it is trained."""

    def __post_init__(self) -> None:
        check_ranges(self)


@final
class VideoObjects(AbstractRecipe[Clip, tuple[Scene, ...]]):
    """Things in moving scenes composed of the shipped items, or in the user's videos."""

    name: ClassVar[str] = "video-objects"
    summary: ClassVar[str] = "discover the things that move in videos, without labels"
    options_type = Options
    captions = Captions(
        title="Objects in videos",
        shipped="moving scenes composed of the shipped items",
        own="windows of your videos",
        objects="objects",
        exhibits="Every colour is one discovered object through time.",
        truth="The last row shows the true ones.",
        snippet="clips → one vector a tube",
    )
    columns = COLUMNS
    note = NOTE
    ceilings = frozenset({CEILING})
    free = frozenset({"test_scenes"})

    def __init__(self, options: Options) -> None:
        self.options = self._own = options
        self.modality = Video(options.seconds, options.rate, options.size)
        self.finder = options.finder

    def data(self) -> ExperimentData[Clip, tuple[Scene, ...]]:
        """Scenes, or windows of videos."""
        options, first = self._own, GivenMasks(first_segments())
        if options.running.data:
            return own_data(self.modality, options.running, views(options.view), first_segments=first)
        frames = max(2, round(options.seconds * options.rate))
        layout = Layout(size=options.size, frames=frames, rate=options.rate)
        items = scenes(options.scenes, options.training.seed, load_sources("train"), layout)
        held = load_sources("validation" if options.running.validate else "test")
        tests = scenes(options.test_scenes, TEST_SEED, held, layout)
        truth = tuple(tests.scene(index) for index in range(len(tests)))
        return ExperimentData(
            items,
            views(options.view),
            tuple(scene.clip for scene in truth),
            tuple(tests.name(index) for index in range(len(tests))),
            truth,
            [
                [(class_names()[kind], scene.numbers == number) for number, kind in enumerate(scene.kinds)]
                for scene in truth
            ],
            label=lambda index: largest(items.scene(index)),
            evaluated_label=lambda place: largest(truth[place]),
            first_segments=first,
        )

    def measure(self, predictions: Predictions, truth: tuple[Scene, ...]) -> dict[str, float]:
        """Frames, tracks, and features."""
        return measure(predictions, truth)

    def baselines(
        self, random: Network, data: ExperimentData[Clip, tuple[Scene, ...]], truth: tuple[Scene, ...]
    ) -> dict[str, dict[str, float]]:
        """The ceiling, colours, a random encoder, and rules made by hand."""
        return baselines(random, self.finder, self._own.cell, data.evaluated, truth)


def views(size: int) -> Views[Clip]:
    """Two views of every clip: half of its time, recoloured, cropped and mirrored half the time; never blurred."""
    view = chain((1.0, TimeCrop(0.5, 0.5)), (0.5, ResizedCrop(size, 0.4)), (0.5, Flip()), (0.8, ColourJitter()))
    return Views(chain(), (view, view))


def largest(scene: Scene) -> str | None:
    """The class of a scene: the kind of the thing of which most is to be seen; None where nothing is."""
    number = most_visible(scene.numbers)
    return None if number is None else class_names()[scene.kinds[number]]
