"""Objects in the user's own data of any modality; nothing is measured, since nobody knows the truth."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, final

from gestalt.core.components.ranges import Between, check_ranges
from gestalt.core.components.registry import MODALITIES
from gestalt.core.components.settings import accepted
from gestalt.core.data.grid import Grid
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import Along, ChangePoints, KMeans
from gestalt.core.experiment.first_segments import plain_segments
from gestalt.core.experiment.modality_settings import with_named_settings
from gestalt.core.experiment.options import EncoderChoice, Labelling, Running, ViewOptions
from gestalt.core.experiment.own_data import own_data
from gestalt.core.experiment.predictions import Predictions
from gestalt.core.experiment.recipe import AbstractRecipe, Captions, ExperimentData
from gestalt.core.experiment.sample_rate import at_rate
from gestalt.core.methods.method import AbstractMethod
from gestalt.core.methods.odin_warm_start import OdinWarmStart
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.finds_objects import FindsObjects
from gestalt.core.modality.inferred import plain_encoder
from gestalt.core.modality.learns_columns import LearnsColumns
from gestalt.core.modality.optional import ComposesModalities, FollowsSampleRate
from gestalt.core.modality.plugins import load_modality
from gestalt.core.networks.encoder import AbstractEncoder, Network
from gestalt.core.networks.modes import evaluating
from gestalt.core.runs.saving import modality_settings
from gestalt.core.training.options import Training

from .given import NOTHING, Given

AUTO = "auto"
OBJECTS = 12
"""Most objects per item, where nobody says otherwise."""


@final
@dataclass(frozen=True)
class Options:
    """Discover objects in your own data of any modality, without labels.

    Trains on the items under --data with the modality's own views, and writes a run folder with report.html. The
    encoder "auto" is the first of the modality that has parameters.
    """

    modality: str | None = None
    """Data type: an installed modality, or package.module:OBJECT, also from the working directory. Several with + in
    between are one of items with parts: audio+video, image+text."""
    allow_missing: bool = False
    """Take items of which a part is missing or cannot be read, where items have parts."""
    settings: tuple[str, ...] = ()
    """How the modality reads its items, as name=value: seconds=2, fill=linear, columns=x,y. The documentation of the
    modality lists them."""
    sample_rate: Annotated[float | int, Between(0.0, 1e8, open_below=True)] | None = None
    """Samples per second to which items are brought. None: the rate of most of them, 16000 for encoders made for
    speech. For modalities of items that are sampled in time, such as audio and sensors."""
    finder: ObjectFinder | None = None
    """How objects are found among elements, for methods that do not say so themselves. None: as the
    modality says; otherwise change points where elements lie on one axis, k-means elsewhere, in plain features beside
    learned ones."""
    method: AbstractMethod = OdinWarmStart()
    """What learns."""
    encoder: EncoderChoice = EncoderChoice(AUTO)
    """With what network."""
    views: ViewOptions = ViewOptions()
    """From which views."""
    running: Running = field(default_factory=lambda: Running(Path("runs/objects")))
    """Where to read and write."""
    labelling: Labelling = Labelling()
    """What is known."""
    training: Training = field(default_factory=lambda: Training(steps=450, batch=32, lr=2e-3, warmup=50))
    """How it is trained."""
    from_python: Mapping[str, Any] = field(default_factory=dict)
    """What `gestalt.train` was given that no command line can name, such as items in memory, as JSON."""

    def __post_init__(self) -> None:
        check_ranges(self)


@final
class Objects(AbstractRecipe[Any, None]):
    """The user's items with the views of their modality.

    Args:
        options: the whole configuration.
        given: what `gestalt.train` passes as objects.

    Raises:
        ValueError: if no modality is named, or no data.
        ImportError: if the modality, or a library of it, is not there.
    """

    name: ClassVar[str] = "objects"
    summary: ClassVar[str] = "discover objects in your own data of any modality, without labels"
    options_type = Options
    columns = ()
    note = ""

    def __init__(self, options: Options, given: Given = NOTHING) -> None:
        if options.modality is None:
            known = ", ".join(MODALITIES.names())
            raise ValueError(f"name the data type by --modality: {known}, or package.module:OBJECT")
        self.modality = load_modality(options.modality) if given.modality is None else given.modality
        self.modality = with_named_settings(self.modality, options.settings)
        if options.allow_missing:
            self.modality = allowing_missing(self.modality)
        if options.from_python and given is NOTHING:
            raise ValueError(
                f"the run was given {' and '.join(sorted(options.from_python))} from Python: call gestalt.train(…, "
                "resume=True) with the same ones; it trains no further where it is finished, and makes the report anew"
            )
        if not options.running.data and given.reading is None:
            raise ValueError("name your files and folders by --data: this recipe brings no data of its own")
        self.modality_name = options.modality
        self.given = given
        encoder = options.encoder
        if encoder.name == AUTO:
            encoder = EncoderChoice(smallest(self.modality), encoder.settings)
            options = replace(options, encoder=encoder)
        if given.modality is None and isinstance(self.modality, FollowsSampleRate):
            # What follows from the data is an option of the run from here on: one that goes on keeps it.
            self.modality = self.modality.at_rate(options.sample_rate, encoder.name, options.running.data)
            rate = modality_settings(self.modality)["sample_rate"]
            method, finder = at_rate(options.method, rate), at_rate(options.finder, rate)
            options = replace(options, sample_rate=rate, method=method, finder=finder)
        elif options.sample_rate is not None:
            raise ValueError(
                f"--sample-rate is for items that are sampled in time, and those of {self.modality.name} are not; "
                "leave it out"
            )
        if isinstance(self.modality, LearnsColumns) and options.labelling.label_column is not None:
            self.modality = self.modality.without((options.labelling.label_column,))
        raw = plain_of(self.modality)
        self.finder = default_finder(self.modality, raw) if options.finder is None else options.finder
        self.options = self._own = options
        self.captions = Captions(
            title=f"Objects in {self.modality.name}",
            shipped="",
            own=f"of your items of {self.modality.name}",
            objects="objects",
            exhibits="Equal colours within an item are one object; colours of different ones have nothing to do with "
            "one another.",
            truth="",
            snippet=f"a batch of {self.modality.name} → one vector per {self.modality.element}",
        )

    def data(self) -> ExperimentData[Any, None]:
        """All items under the user's paths, or those that were passed."""
        given = self.given
        views = self.modality.views if given.views is None else given.views
        data = own_data(self.modality, self.options.running, views, reading=given.reading)
        if isinstance(self.modality, LearnsColumns):
            self.modality = self.modality.of_items(data.items)
        # Only the items say what their plain features are: how many kinds of nodes, how many channels.
        raw = plain_encoder(self.modality, data.items)
        if self._own.finder is None:
            self.finder = default_finder(self.modality, raw)
        alone = replace(self.finder, space="hidden", extra_features=ConcatFeatures(raw, 0.0))
        return replace(data, labels=given.labels, first_segments=plain_segments(raw, alone))

    def measure(self, predictions: Predictions, truth: None) -> dict[str, float]:  # noqa: ARG002
        """Nothing."""
        return {}

    def baselines(self, random: Network, data: ExperimentData[Any, None], truth: None) -> dict[str, dict[str, float]]:  # noqa: ARG002
        """None."""
        return {}


def default_finder(modality: AbstractModality[Any], raw: AbstractEncoder) -> ObjectFinder:
    """What the modality says; otherwise plain features beside the projected ones, cut at change points on one axis,
    clustered by k-means elsewhere.
    """
    if isinstance(modality, FindsObjects):
        return modality.finder(raw, OBJECTS)
    sequence = axes(modality) == 1
    cuts = Along(ChangePoints(penalty=0.03, objects=OBJECTS, standardise=False))
    grouper = cuts if sequence else KMeans(OBJECTS, spherical=False)
    return ObjectFinder(grouper, "projected", extra_features=ConcatFeatures(raw, 0.5))


def plain_of(modality: AbstractModality[Any]) -> AbstractEncoder:
    """Plain features with the settings of the modality that they take, before any item is known."""
    build = modality.encoders["raw"]
    return build(**accepted(build, modality_settings(modality)))


def axes(modality: AbstractModality[Any]) -> int:
    """On how many axes the elements of a specimen lie; 0 for a set, and for elements of several parts."""
    raw = plain_of(modality)
    with evaluating(raw):
        places = raw(modality.collate([modality.specimens()[0].item])).places
    return len(places.edges) if isinstance(places, Grid) else 0


def allowing_missing(modality: AbstractModality[Any]) -> AbstractModality[Any]:
    """The same modality, whose items may lack parts.

    Raises:
        ValueError: if its items have no parts.
    """
    if not isinstance(modality, ComposesModalities):
        raise ValueError(
            f"--allow-missing is for items with parts (--modality image+text), and those of {modality.name} have none; "
            "leave it out"
        )
    return modality.composed_of(modality.modalities, True)


def smallest(modality: AbstractModality[Any]) -> str:
    """The name of the modality's first encoder that has parameters: modalities name the small ones first."""
    return next(name for name, build in modality.encoders.items() if any(True for _ in build().parameters()))
