"""Objects in scenes composed of clothing on photographs, or in the user's pictures."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal, final

from gestalt.core.components.ranges import Between, Count, check_ranges
from gestalt.core.data.transplants import Transplants
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import MergeAlike
from gestalt.core.discovery.regions import GroupRegions
from gestalt.core.discovery.segmenters import AbstractSegmenter, GivenMasks, Rounds
from gestalt.core.experiment.first_segments import plain_segments
from gestalt.core.experiment.options import EncoderChoice, Labelling, Running, ViewOptions
from gestalt.core.experiment.own_data import own_data
from gestalt.core.experiment.predictions import Predictions
from gestalt.core.experiment.recipe import AbstractRecipe, Captions, ExperimentData
from gestalt.core.methods.method import AbstractMethod
from gestalt.core.methods.odin_rounds import OdinRounds
from gestalt.core.modality.transform import Views
from gestalt.core.networks.encoder import Network
from gestalt.core.training.options import Training
from gestalt.modalities.image import Image, Picture, chain
from gestalt.modalities.image.effects import ColourJitter
from gestalt.modalities.image.encoders import ColourTexture
from gestalt.modalities.image.superpixels import Superpixels
from gestalt.modalities.image.views import Flip, Resize, ResizedCrop

from ..scene_sources import class_names, most_visible
from .results import COLUMNS, NOTE, baselines, measure
from .rules import colours_finder, felzenszwalb
from .synthetic.materials import Material
from .synthetic.scenes import Composing, Scene, Scenes

TEST_SEED = 1_000_000  # test scenes are the same for every run


def regions_finder() -> ObjectFinder:
    """Superpixels, merged while what was learned of them is alike; nothing is background."""
    return ObjectFinder(MergeAlike(0.425, objects=64), "hidden", regions=GroupRegions(Superpixels()))


@final
@dataclass(frozen=True)
class Options:
    """Discover objects in pictures, without labels.

    Trains on scenes of clothing on photographs, composed from data that ship with the package, and evaluates on scenes
    of items and photographs that it never saw; or, with --data, trains on your own pictures. Writes a run folder with
    report.html.
    """

    size: Annotated[int, Between(32, 65536)] = 64
    """Pixels a side of the views that are learned from."""
    scenes: Count = 3000
    """Scenes to compose for training (without --data)."""
    test_scenes: Count = 200
    """Scenes of unseen items and photographs to evaluate on (without --data)."""
    longest: Annotated[int, Between(32, 65536)] = 256
    """Your own pictures are shrunk to so many pixels a side when read."""
    material: Material = "textures"
    """What the items of composed scenes are made of: random textures of two colours, or parts of photographs with soft
    edges (without --data)."""
    first: Literal["felzenszwalb", "colours"] = "felzenszwalb"
    """First segments to learn from: Felzenszwalb's, or superpixels merged by their colours."""
    cell: Annotated[int, Between(2, 64)] = 2
    """Pixels a side of the cells whose colours the baselines group."""
    finder: ObjectFinder = field(default_factory=regions_finder)
    """How objects are found, for methods that do not say so themselves."""
    method: AbstractMethod = OdinRounds(rounds=Rounds(275), transplants=Transplants(smallest=0.015, largest=0.27))
    """What learns."""
    encoder: EncoderChoice = EncoderChoice("unet")
    """With what network."""
    views: ViewOptions = ViewOptions()
    """From which views."""
    running: Running = field(default_factory=lambda: Running(Path("runs/image-objects")))
    """Where to read and write."""
    labelling: Labelling = Labelling()
    """What is known."""
    training: Training = field(default_factory=lambda: Training(steps=1100, batch=16, lr=2e-3, warmup=30))
    """How it is trained."""

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.longest < self.size:
            raise ValueError(
                f"longest (--longest) must be at least size (--size), got {self.longest} and {self.size}; "
                "views larger than the pictures would be blurred"
            )


@final
class ImageObjects(AbstractRecipe[Picture, tuple[Scene, ...]]):
    """Clothing on photographs, or the user's pictures."""

    name: ClassVar[str] = "image-objects"
    summary: ClassVar[str] = "discover objects in pictures, without labels"
    options_type = Options
    captions = Captions(
        title="Objects in pictures",
        shipped="scenes of clothing on photographs",
        own="of your pictures",
        objects="objects",
        exhibits="Every colour is one discovered object; what is behind things falls into several, too.",
        truth="The last picture of a row shows the true objects.",
        snippet="pictures → one vector a cell",
    )
    columns = COLUMNS
    note = NOTE
    free = frozenset({"test_scenes"})

    def __init__(self, options: Options) -> None:
        self.options = self._own = options
        self.modality = Image(longest=options.longest, size=options.size)
        self.finder = options.finder

    def data(self) -> ExperimentData[Picture, tuple[Scene, ...]]:
        """Scenes, or pictures."""
        options, first = self._own, first_segments(self._own)
        if options.running.data:
            return own_data(self.modality, options.running, views(options.size, span=True), first_segments=first)
        config = Composing.of_size(options.size, options.material)
        items = Scenes(options.scenes, options.training.seed, "train", config)
        tests = Scenes(options.test_scenes, TEST_SEED, "validation" if options.running.validate else "test", config)
        truth = tuple(tests.scene(index) for index in range(len(tests)))
        return ExperimentData(
            items,
            views(options.size, span=False),
            tuple(scene.pixels for scene in truth),
            tuple(tests.name(index) for index in range(len(tests))),
            truth,
            [
                [(class_names()[kind], scene.owner == number) for number, kind in enumerate(scene.classes.tolist())]
                for scene in truth
            ],
            label=lambda index: largest(items.scene(index)),
            evaluated_label=lambda place: largest(truth[place]),
            first_segments=first,
        )

    def measure(self, predictions: Predictions, truth: tuple[Scene, ...]) -> dict[str, float]:
        """Instances and types."""
        return measure(predictions, truth, self.options.training.seed)

    def baselines(
        self, random: Network, data: ExperimentData[Picture, tuple[Scene, ...]], truth: tuple[Scene, ...]
    ) -> dict[str, dict[str, float]]:
        """Plain features, a random encoder, Felzenszwalb and SLIC."""
        return baselines(random, self.finder, self._own.cell, data.evaluated, truth, self.options.training.seed)


def views(size: int, span: bool) -> Views[Picture]:
    """Two views of every picture, recoloured, and cropped and mirrored half the time; not blurred: texture tells apart.

    Args:
        size: pixels a side of the views and of their source.
        span: whether the source is a part of the picture that spans both views (photographs), or the whole (scenes).
    """
    source = ResizedCrop(size, (0.5, 1.0)) if span else Resize(size)
    view = chain((0.5, ResizedCrop(size, (0.4, 1.0))), (0.5, Flip()), (0.8, ColourJitter()))
    return Views(chain((1.0, source)), (view, view))


def first_segments(options: Options) -> AbstractSegmenter:
    """Felzenszwalb's segments, or superpixels merged by their colours."""
    if options.first == "felzenszwalb":
        return GivenMasks(felzenszwalb(objects=64))
    return plain_segments(ColourTexture(stride=options.cell), colours_finder())


def largest(scene: Scene) -> str | None:
    """The class of a scene: that of the item of which most is to be seen."""
    number = most_visible(scene.owner)
    return None if number is None else class_names()[int(scene.classes[number])]
