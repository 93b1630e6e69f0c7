"""Sound events as a study."""

from typing import final

from gestalt.core.experiment import AbstractRecipe, Captions, ExperimentData, Finder, Predictions
from gestalt.core.networks.encoder import Network
from gestalt.core.training import plain
from gestalt.modalities.audio import MODALITY, Recording

from .material import load_material
from .mixing import Soundscape
from .options import Options
from .results import COLUMNS, NOTE, baselines, measure


@final
class AudioEvents(AbstractRecipe[Recording, tuple[Soundscape, ...]]):
    """Events in soundscapes mixed from the shipped sounds, or in the user's recordings."""

    modality = MODALITY
    words = Captions(
        recipe="audio-events",
        title="Sound events",
        made="soundscapes mixed from the shipped sounds",
        own="windows of your recordings",
        objects="events",
        exhibits="Every coloured stretch is one discovered event; what has no colour was taken for background.",
        snippet="waveforms → one vector a frame",
    )
    columns = COLUMNS
    note = NOTE
    free = frozenset({"test_soundscapes"})

    def __init__(self, options: Options) -> None:
        self.options = self._own = options
        self.details = {"seconds": options.seconds, "finder": plain(options.finder)}

    def material(self) -> ExperimentData[Recording, tuple[Soundscape, ...]]:
        """Soundscapes, or windows of recordings."""
        return load_material(self._own)

    def finder(self) -> Finder:
        """Change points or k-means, on log-mel beside what is learned."""
        return self._own.finder.build()

    def measure(self, looked: Predictions, truth: tuple[Soundscape, ...]) -> dict[str, float]:
        """Instances and types."""
        return measure(looked, truth, self.options.training.seed)

    def baselines(
        self,
        random: Network,
        material: ExperimentData[Recording, tuple[Soundscape, ...]],
        truth: tuple[Soundscape, ...],
    ) -> dict[str, dict[str, float]]:
        """Log-mel features, a random encoder, and the practitioner's heuristic."""
        return baselines(random, self._own, material.tried, truth)
