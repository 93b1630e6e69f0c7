"""Words and things in composed scenes with captions."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, final

from gestalt.core.components.ranges import Between, Count, check_ranges
from gestalt.core.data.items import AbstractItems
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import AcrossParts, KMeans, PartByPart
from gestalt.core.discovery.segmenters import AbstractSegmenter
from gestalt.core.experiment.first_segments import plain_segments
from gestalt.core.experiment.options import EncoderChoice, Labelling, Running, ViewOptions
from gestalt.core.experiment.own_data import own_data
from gestalt.core.experiment.predictions import Predictions
from gestalt.core.experiment.recipe import AbstractRecipe, Captions, ExperimentData
from gestalt.core.methods.clip_objects import CLIPObjects
from gestalt.core.methods.method import AbstractMethod
from gestalt.core.modality.inferred import plain_encoder
from gestalt.core.modality.joint import JointItem, JointModality, joint
from gestalt.core.modality.transform import Views
from gestalt.core.networks.encoder import Network
from gestalt.core.training.options import Training
from gestalt.modalities.audio import Audio
from gestalt.modalities.image import Image
from gestalt.modalities.text import Text

from ..scene_sources import Part, class_names, most_visible
from .results import COLUMNS, NOTE, baselines, measure
from .synthetic.items import CaptionedScenes
from .synthetic.scenes import Composer, Composing, Scene
from .synthetic.speech import SPOKEN, speech
from .synthetic.told import PICTURE, WRITTEN, Telling, Told, written

OF_TOLD: dict[str, dict[str, dict[str, Any]]] = {
    WRITTEN: {WRITTEN: {"dropout": 0.0, "word_dropout": 0.0}},
    SPOKEN: {SPOKEN: {"per_element": 8, "kernels": (5, 5)}},
}
"""Settings of the encoders of captions."""
TEST_SEED = 1_000_000  # test scenes are the same for every run


@final
@dataclass(frozen=True)
class Options:
    """Discover what belongs together in pictures and their captions, without labels.

    Trains on scenes of clothing on photographs with sentences of a small grammar, composed from data that ship with the
    package, and evaluates on scenes of items and photographs that it never saw; or, with --data, trains on your own
    captioned pictures. Writes a run folder with report.html.
    """

    size: Annotated[int, Between(32, 65536)] = 64
    """Pixels a side of the scenes, and of your own pictures as they are learned from."""
    scenes: Count = 6000
    """Scenes to compose for training (without --data)."""
    captions: Literal["written", "spoken"] = "written"
    """Whether scenes have written captions, or spoken ones: by four voices in training, by another one in evaluation
    (without --data)."""
    test_scenes: Annotated[int, Between(2, 1_000_000)] = 200
    """Scenes of unseen items and photographs to evaluate on (without --data)."""
    finder: ObjectFinder = field(default_factory=lambda: ObjectFinder(AcrossParts(KMeans(8)), "projected"))
    """How objects are found among cells and words, for methods that do not say so themselves."""
    method: AbstractMethod = CLIPObjects(asking=1)
    """What learns."""
    encoder: EncoderChoice = EncoderChoice("joint")
    """With what network; `joint` has a small U for pictures, and convolutions for captions."""
    views: ViewOptions = ViewOptions()
    """From which views."""
    running: Running = field(default_factory=lambda: Running(Path("runs/captioned-scenes")))
    """Where to read and write."""
    labelling: Labelling = Labelling()
    """What is known."""
    training: Training = field(default_factory=lambda: Training(steps=400, batch=32, lr=2e-3, warmup=50))
    """How it is trained."""

    def __post_init__(self) -> None:
        check_ranges(self)


@final
class CaptionedScenesRecipe(AbstractRecipe[JointItem, tuple[Told, ...]]):
    """Scenes with captions, or the user's captioned pictures."""

    name: ClassVar[str] = "captioned-scenes"
    summary: ClassVar[str] = "discover which words and things belong together in captioned pictures, without labels"
    options_type = Options
    captions = Captions(
        title="Pictures and their captions",
        shipped="composed scenes with captions",
        own="of your captioned pictures",
        objects="objects",
        exhibits="Equal colours within a part are one object; the table says how often a noun is in one with its item.",
        truth="What is called true are the items, and the phrases that mention them.",
        snippet="pictures and captions → one vector a cell and a word",
    )
    columns = COLUMNS
    note = NOTE
    free = frozenset({"test_scenes"})

    def __init__(self, options: Options) -> None:
        picture = Image(longest=options.size, size=options.size)
        spoken = options.captions == "spoken"
        self.modality = self._joint = (
            joint(image=picture, audio=Audio()) if spoken else joint(image=picture, text=Text())
        )
        self.finder = options.finder
        if options.encoder.name == "joint":
            settings = encoder_settings(self._joint) | dict(options.encoder.settings)
            options = replace(options, encoder=EncoderChoice("joint", settings))
        self.options = self._own = options

    def data(self) -> ExperimentData[JointItem, tuple[Told, ...]]:
        """Scenes, or captioned pictures."""
        options = self._own
        if options.running.data:
            data = own_data(self._joint, options.running, unchanged(self._joint))
            return replace(data, first_segments=self._first_segments(data.items))
        config = Composing.of_size(options.size)
        composer = Composer("train", options.training.seed, config)
        part: Part = "validation" if options.running.validate else "test"
        tests = Composer(part, TEST_SEED, config)
        telling = self._telling(part)
        told = tuple(telling.told(tests.scene(index)) for index in range(options.test_scenes))
        items = CaptionedScenes(options.scenes, composer, self._telling("train"))
        return ExperimentData(
            items,
            unchanged(self._joint),
            tuple(one.item for one in told),
            tuple(f"{part} scene {index}: {one.scene.caption.text}" for index, one in enumerate(told)),
            told,
            [one.truth() for one in told],
            label=lambda index: largest(composer.scene(index)),
            evaluated_label=lambda place: largest(told[place].scene),
            first_segments=self._first_segments(items),
        )

    def _first_segments(self, items: AbstractItems[JointItem]) -> AbstractSegmenter:
        """Clusters of plain features, part by part."""
        plain = plain_encoder(self._joint, items)
        return plain_segments(plain, ObjectFinder(PartByPart(KMeans(8)), "hidden"))

    def _telling(self, part: Part) -> Telling:
        return Telling(WRITTEN, written) if self._own.captions == "written" else speech(part)

    def measure(self, predictions: Predictions, truth: tuple[Told, ...]) -> dict[str, float]:
        """Caption match, retrieval and grounding."""
        return measure(predictions, self._joint, truth)

    def baselines(
        self, random: Network, data: ExperimentData[JointItem, tuple[Told, ...]], truth: tuple[Told, ...]
    ) -> dict[str, dict[str, float]]:
        """Chance, each modality by itself, plain features, and a random network."""
        plain = Network(plain_encoder(self._joint, data.items))
        return baselines(random, plain, self.finder, self._joint, truth)


def encoder_settings(modality: JointModality) -> dict[str, Any]:
    """Cells of 4 pixels that see items as wholes, words that see two to either side, or 128 ms of speech."""
    told = next(part for part in modality.parts if part != PICTURE)
    return {
        "encoders": f"{PICTURE}=unet,{told}=conv",
        "dim": 64,
        "settings": {PICTURE: {"stride": 4, "dim": 64}, **OF_TOLD[told]},
    }


def unchanged(modality: JointModality) -> Views[JointItem]:
    """Two views of every item as it is: a mirrored scene, one in other colours or a part of it is not what was said."""
    return Views(modality.chain(), (modality.chain(),) * 2)


def largest(scene: Scene) -> str | None:
    """The class of a scene: that of the item of which most is to be seen."""
    number = most_visible(scene.owner)
    return None if number is None else class_names()[scene.items[number].thing]
