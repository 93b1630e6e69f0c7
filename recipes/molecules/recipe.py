"""Parts of the shipped molecules, or of the user's."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, final

from gestalt.core.components.ranges import CountOrNone, check_ranges
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import Regions
from gestalt.core.discovery.segmenters import AbstractSegmenter
from gestalt.core.experiment.first_segments import plain_segments
from gestalt.core.experiment.options import EncoderChoice, Labelling, Running, ViewOptions
from gestalt.core.experiment.own_data import own_data
from gestalt.core.experiment.predictions import Predictions
from gestalt.core.experiment.recipe import AbstractRecipe, Captions, ExperimentData
from gestalt.core.methods.computed.method import Computed
from gestalt.core.methods.method import AbstractMethod
from gestalt.core.modality.transform import Views
from gestalt.core.networks.encoder import Network
from gestalt.core.training.options import Training
from gestalt.modalities.graph import Graph, GraphModality, chain
from gestalt.modalities.graph.encoders import Raw
from gestalt.modalities.graph.views import EdgeMask, FeatureMask, NodeDrop, NodeMask, RandomWalk

from .corpus.shipped import records, shipped, solubility
from .results import COLUMNS, NOTE, baselines, measure
from .truth import Truth


def parts_finder() -> ObjectFinder:
    """Neighbouring atoms merge while they are alike, in plain features beside the network's hidden ones."""
    return ObjectFinder(Regions(penalty=1.5, objects=32), "hidden", extra_features=ConcatFeatures(Raw(), 0.1))


@final
@dataclass(frozen=True)
class Options:
    """Discover the parts of molecules, and learn to represent atoms and molecules, without labels.

    Trains on the drugs and the molecules of measured solubility that ship with the package, and evaluates on molecules
    that it never saw; or, with --data, trains on your own molecules. Writes a run folder with report.html.
    """

    tuning: CountOrNone = 200
    """Steps of fine-tuning on measured solubility, for the table; 0 leaves it out."""
    column: str | None = None
    """Column of SMILES in your tables; none: the one with a usual name (with --data)."""
    encoding: str | None = None
    """Encoding of files that are not in Unicode: latin-1, cp1252, gb18030, … (with --data)."""
    finder: ObjectFinder = field(default_factory=parts_finder)
    """How parts are found among atoms, for methods that do not say so themselves."""
    method: AbstractMethod = Computed()
    """What learns."""
    encoder: EncoderChoice = EncoderChoice("gine", {"width": 128, "layers": 4})
    """With what network."""
    views: ViewOptions = ViewOptions()
    """From which views."""
    running: Running = field(default_factory=lambda: Running(Path("runs/molecules")))
    """Where to read and write."""
    labelling: Labelling = Labelling()
    """What is known."""
    training: Training = field(default_factory=lambda: Training(steps=1000, batch=64, lr=2e-3, warmup=20))
    """How it is trained."""

    def __post_init__(self) -> None:
        check_ranges(self)


@final
class Molecules(AbstractRecipe[Graph, Truth]):
    """Parts of the shipped molecules, or of the user's."""

    name: ClassVar[str] = "molecules"
    summary: ClassVar[str] = "discover the parts of molecules, without labels"
    options_type = Options
    captions = Captions(
        title="Parts of molecules",
        shipped="shipped molecules",
        own="of your molecules",
        objects="parts",
        exhibits="Every colour is one discovered part of the molecule.",
        truth="Beside it are the ring systems, functional groups and chains that chemists' rules name. Colours of the "
        "two drawings do not correspond.",
        snippet="molecules → one vector an atom",
    )
    columns = COLUMNS
    note = NOTE
    free = frozenset({"tuning"})
    tuning = "tuning"

    def __init__(self, options: Options) -> None:
        self.options = self._own = options
        self.modality = GraphModality(column=options.column, encoding=options.encoding)
        self.finder = options.finder

    def data(self) -> ExperimentData[Graph, Truth]:
        """Molecules that ship with the package, or the user's."""
        running, first = self.options.running, first_segments(self.finder)
        if running.data:
            reading = self.modality.read(running.data, running.skip_bad)
            records(reading)  # networks are refused before anything is read
            return own_data(self.modality, running, views(), first_segments=first, reading=reading)
        known = shipped(running.validate)
        return ExperimentData(
            known.items,
            views(),
            known.evaluated,
            known.names,
            known.truth,
            known.parts,
            label=lambda index: solubility(known.items.records[index]),
            evaluated_label=lambda place: known.classes[place],
            first_segments=first,
        )

    def measure(self, predictions: Predictions, truth: Truth) -> dict[str, float]:
        """Parts against chemists' rules, and solubility from vectors."""
        return measure(predictions, truth, self._own.tuning, self.options.training.seed)

    def baselines(
        self, random: Network, data: ExperimentData[Graph, Truth], truth: Truth
    ) -> dict[str, dict[str, float]]:
        """Plain features, a random encoder, chemists' rules, and fingerprints."""
        return baselines(random, self.finder, data.evaluated, truth, self._own.tuning, self.options.training.seed)


def views() -> Views[Graph]:
    """Two views of every molecule: parts of it, with a few atoms dropped, and atoms and features masked."""
    steps = (
        (0.5, RandomWalk(0.7, 0.95)),
        (0.3, NodeDrop(0.1)),
        (0.8, NodeMask(0.15)),
        (0.5, FeatureMask(0.2)),
        (0.3, EdgeMask(0.2)),
    )
    return Views(chain(), (chain(*steps),) * 2)


def first_segments(finder: ObjectFinder) -> AbstractSegmenter:
    """The same way of grouping, on plain features alone."""
    return plain_segments(Raw(), ObjectFinder(finder.grouper, "hidden"))
