"""Objects in pictures as a study."""

from typing import final

from gestalt.core.experiment import AbstractRecipe, Captions, ExperimentData, Finder, Predictions
from gestalt.core.networks.encoder import Network
from gestalt.core.training import plain
from gestalt.modalities.image import MODALITY, Picture

from .material import load_material
from .options import Options
from .results import COLUMNS, NOTE, baselines, measure
from .scenes import Scene


@final
class ImageObjects(AbstractRecipe[Picture, tuple[Scene, ...]]):
    """Clothing on photographs, or the user's pictures."""

    modality = MODALITY
    words = Captions(
        recipe="image-objects",
        title="Objects in pictures",
        made="scenes of clothing on photographs",
        own="of your pictures",
        objects="objects",
        exhibits="Every colour is one discovered object; the photograph behind the items falls into several, too.",
        snippet="pictures → one vector a cell",
    )
    columns = COLUMNS
    note = NOTE
    free = frozenset({"test_scenes"})

    def __init__(self, options: Options) -> None:
        self.options = self._own = options
        self.details = {"size": options.size, "longest": options.longest, "finder": plain(options.finder)}

    def material(self) -> ExperimentData[Picture, tuple[Scene, ...]]:
        """Scenes, or pictures."""
        return load_material(self._own)

    def finder(self) -> Finder:
        """k-means on colours, learned features and places."""
        return self._own.finder.build()

    def measure(self, looked: Predictions, truth: tuple[Scene, ...]) -> dict[str, float]:
        """Instances and types."""
        return measure(looked, truth, self.options.training.seed)

    def baselines(
        self, random: Network, material: ExperimentData[Picture, tuple[Scene, ...]], truth: tuple[Scene, ...]
    ) -> dict[str, dict[str, float]]:
        """Plain features, a random encoder, Felzenszwalb and SLIC."""
        return baselines(random, self._own, material.tried, truth)
