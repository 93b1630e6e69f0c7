"""Things that move as a study."""

from typing import final

from gestalt.core.experiment import AbstractRecipe, Captions, ExperimentData, Finder, Predictions
from gestalt.core.networks.encoder import Network
from gestalt.core.training import plain
from gestalt.modalities.video import MODALITY, Clip

from .material import load_material
from .options import Options
from .results import CEILING, COLUMNS, NOTE, baselines, measure
from .scenes import Scene


@final
class VideoObjects(AbstractRecipe[Clip, tuple[Scene, ...]]):
    """Things in moving scenes composed of the shipped items, or in the user's videos."""

    modality = MODALITY
    words = Captions(
        recipe="video-objects",
        title="Objects in videos",
        made="moving scenes composed of the shipped items",
        own="windows of your videos",
        objects="objects",
        exhibits="Every colour is one discovered object through time; the last row shows the true ones where known.",
        snippet="clips → one vector a tube",
    )
    columns = COLUMNS
    note = NOTE
    ceilings = frozenset({CEILING})
    free = frozenset({"test_scenes"})

    def __init__(self, options: Options) -> None:
        self.options = self._own = options
        self.details = {
            "seconds": options.seconds,
            "rate": options.rate,
            "size": options.size,
            "finder": plain(options.finder),
        }

    def material(self) -> ExperimentData[Clip, tuple[Scene, ...]]:
        """Scenes, or windows of videos."""
        return load_material(self._own)

    def finder(self) -> Finder:
        """K-means on colour, texture and place beside what is learned."""
        return self._own.finder.build()

    def measure(self, looked: Predictions, truth: tuple[Scene, ...]) -> dict[str, float]:
        """Frames, tracks, and features."""
        return measure(looked, truth)

    def baselines(
        self, random: Network, material: ExperimentData[Clip, tuple[Scene, ...]], truth: tuple[Scene, ...]
    ) -> dict[str, dict[str, float]]:
        """The ceiling, colours, a random encoder, and the field's heuristics."""
        return baselines(random, self._own, material.tried, truth)
