"""Things that move and sound in scenes composed of the shipped items and sounds, or in the user's clips."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, final

from gestalt.core.components.ranges import Between, Count, Positive, check_ranges
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.discovery.segmenters import GivenMasks
from gestalt.core.experiment.options import EncoderChoice, Labelling, Running, ViewOptions
from gestalt.core.experiment.own_data import own_data
from gestalt.core.experiment.predictions import Predictions
from gestalt.core.experiment.recipe import AbstractRecipe, Captions, ExperimentData
from gestalt.core.methods.clip_objects import CLIPObjects
from gestalt.core.methods.method import AbstractMethod
from gestalt.core.modality.joint import JointItem, joint
from gestalt.core.modality.joint.transforms import EachPart
from gestalt.core.modality.transform import Views
from gestalt.core.networks.encoder import Network
from gestalt.core.training.options import Training
from gestalt.modalities.audio import Audio
from gestalt.modalities.audio import chain as of_sound
from gestalt.modalities.audio.effects import Gain
from gestalt.modalities.video import Video
from gestalt.modalities.video import chain as of_picture
from gestalt.modalities.video.space import Flip

from .results import COLUMNS, NOTE, Truth, baselines, measure
from .segments import Synchrony
from .synthetic.scenes import Layout, Scene, scenes
from .synthetic.sources import SAMPLE_RATE, load_sources

TEST_SEED, SETTING_SEED = 1_000_000, 2_000_000  # the same scenes for every run


@final
@dataclass(frozen=True)
class Options:
    """Discover which thing makes which sound, where and when, without labels.

    Trains on scenes in which clothing items that ship with the package move and sound, and evaluates on scenes of
    items, sounds and photographs that it never met; or, with --data, trains on your own clips. Writes a run folder
    with report.html.
    """

    seconds: Annotated[float, Between(1.1, 1e6)] = 2.0
    """Length of the windows that clips are taken in, in seconds."""
    rate: Positive = 8.0
    """Frames per second that are used, at most."""
    size: Annotated[int, Between(16, 65536)] = 48
    """The shorter side of the picture in pixels, at most."""
    scenes: Count = 2400
    """Scenes to compose for training (without --data)."""
    test_scenes: Count = 100
    """Scenes of unseen items and sounds to evaluate on (without --data)."""
    setting_scenes: Count = 60
    """Further scenes of training sources by which detectors of moments are set (without --data)."""
    finder: ObjectFinder = field(default_factory=lambda: ObjectFinder(KMeans(8), "projected"))
    """How objects are found, for methods that do not say so themselves."""
    places: Annotated[int, Between(1, 16)] = 3
    """Places of the picture that an onset may come from, in the segments of the rule, with which methods begin or from
    which they learn; 1: the one that changes most, at onsets at which no other one rivals it."""
    method: AbstractMethod = CLIPObjects(asking=0, compares="segments")
    """What learns."""
    encoder: EncoderChoice = EncoderChoice("joint", {"settings": {"video": {"width": 48, "blocks": 1}}})
    """With what network."""
    views: ViewOptions = ViewOptions()
    """From which views."""
    running: Running = field(default_factory=lambda: Running(Path("runs/sounding-objects")))
    """Where to read and write."""
    labelling: Labelling = Labelling()
    """What is known."""
    training: Training = field(default_factory=lambda: Training(steps=2000, batch=24, lr=2e-3, warmup=20))
    """How it is trained."""

    def __post_init__(self) -> None:
        check_ranges(self)


@final
class SoundingObjects(AbstractRecipe[JointItem, Truth]):
    """Things that move and sound in composed scenes, or in the user's clips."""

    name: ClassVar[str] = "sounding-objects"
    summary: ClassVar[str] = "discover which thing in a clip makes which sound, where and when, without labels"
    options_type = Options
    captions = Captions(
        title="Sounding objects",
        shipped="scenes composed of the shipped items and sounds",
        own="windows of your clips",
        objects="objects",
        exhibits="Every colour is one discovered object, in the sound and in the picture.",
        truth="Grey bars are the true sounds; the last row of frames shows the true things.",
        snippet="clips with their sound → one vector a moment of sound and a tube of the picture",
    )
    columns = COLUMNS
    note = NOTE
    free = frozenset({"test_scenes", "setting_scenes"})

    def __init__(self, options: Options) -> None:
        self.options = self._own = options
        self.modality = self._joint = joint(
            audio=Audio(SAMPLE_RATE, options.seconds), video=Video(options.seconds, options.rate, options.size)
        )
        self.finder = options.finder

    def data(self) -> ExperimentData[JointItem, Truth]:
        """Scenes, or windows of clips."""
        options = self._own
        first = GivenMasks(Synchrony(places=options.places))
        if options.running.data:
            return own_data(self.modality, options.running, self._views(), first_segments=first)
        layout = Layout(seconds=options.seconds, size=options.size, rate=options.rate)
        train = load_sources("train")
        items = scenes(options.scenes, options.training.seed, train, layout)
        held = load_sources("validation" if options.running.validate else "test")
        tests = scenes(options.test_scenes, TEST_SEED, held, layout)
        setting = scenes(options.setting_scenes, SETTING_SEED, train, layout)
        truth = tuple(tests.scene(index) for index in range(len(tests)))
        return ExperimentData(
            items,
            self._views(),
            tuple(scene.item for scene in truth),
            tuple(tests.name(index) for index in range(len(tests))),
            Truth(truth, tuple(setting.scene(index) for index in range(len(setting)))),
            [true_objects(scene) for scene in truth],
            label=lambda index: first_to_sound(items.scene(index)),
            evaluated_label=lambda place: first_to_sound(truth[place]),
            first_segments=first,
        )

    def measure(self, predictions: Predictions, truth: Truth) -> dict[str, float]:
        """Whose, where, when, and retrieval."""
        assert predictions.network is not None
        return measure(predictions.network, truth, self.modality)

    def baselines(
        self,
        random: Network,
        data: ExperimentData[JointItem, Truth],  # noqa: ARG002
        truth: Truth,
    ) -> dict[str, dict[str, float]]:
        """Chance, each part alone, synchrony, and the run's own network before training."""
        return baselines(random, truth, self.modality)

    def _views(self) -> Views[JointItem]:
        """Two views of every clip: the sound louder or softer, the picture mirrored by chance."""
        each = EachPart({"audio": of_sound((1.0, Gain(-6.0, 6.0))), "video": of_picture((0.5, Flip()))})
        view = self._joint.chain((1.0, each))
        return Views(self._joint.chain(), (view, view))


def true_objects(scene: Scene) -> list[tuple[str, Any]]:
    """What the report shows as the truth: sounds by whose they are, and things."""
    sounds: list[tuple[str, Any]] = [
        ("audio", (scene.things[one.thing].kind, (one.onset, one.offset))) for one in scene.sounds
    ]
    things = [("video", (thing.kind, scene.numbers == number)) for number, thing in enumerate(scene.things)]
    return sounds + things


def first_to_sound(scene: Scene) -> str | None:
    """The class of a scene: the kind of the thing that sounds first; None where nothing does."""
    return scene.things[scene.sounds[0].thing].kind if scene.sounds else None
