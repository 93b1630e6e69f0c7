"""Molecules as a study."""

from typing import final

from gestalt.core.experiment import AbstractRecipe, Captions, ExperimentData, Finder, Predictions
from gestalt.core.networks.encoder import Network
from gestalt.core.training import plain
from gestalt.modalities.graph import MODALITY, Graph

from .material import Truth, load_material
from .options import Options
from .results import COLUMNS, NOTE, baselines, measure


@final
class Molecules(AbstractRecipe[Graph, Truth]):
    """Parts of the shipped molecules, or of the user's."""

    modality = MODALITY
    words = Captions(
        recipe="molecules",
        title="Parts of molecules",
        made="shipped molecules",
        own="of your molecules",
        objects="parts",
        exhibits="Every colour is one discovered part of the molecule; beside it, the ring systems, functional groups "
        "and chains that chemists' rules name. Colours of the two drawings do not correspond.",
        snippet="molecules → one vector an atom",
    )
    columns = COLUMNS
    note = NOTE
    free = frozenset({"tuning"})

    def __init__(self, options: Options) -> None:
        self.options = self._own = options
        self.details = {"finder": plain(options.finder)}

    def material(self) -> ExperimentData[Graph, Truth]:
        """Molecules that ship with the package, or the user's."""
        return load_material(self._own)

    def finder(self) -> Finder:
        """Regions of neighbouring atoms, or k-means."""
        return self._own.finder.build()

    def measure(self, looked: Predictions, truth: Truth) -> dict[str, float]:
        """Parts against chemists' rules, and solubility from vectors."""
        return measure(looked, truth, self._own.tuning, self.options.training.seed)

    def baselines(
        self, random: Network, material: ExperimentData[Graph, Truth], truth: Truth
    ) -> dict[str, dict[str, float]]:
        """Plain features, a random encoder, chemists' rules, and fingerprints."""
        return baselines(random, self._own.finder, material.tried, truth, self._own.tuning, self.options.training.seed)
