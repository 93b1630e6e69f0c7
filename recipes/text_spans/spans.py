"""Groups of words as a study."""

from typing import final

from gestalt.core.experiment import AbstractRecipe, Captions, ExperimentData, Finder, Predictions
from gestalt.core.networks.encoder import Network
from gestalt.core.training import plain
from gestalt.modalities.text import MODALITY, Passage

from .corpus import Sentence
from .material import load_material
from .options import Options
from .results import COLUMNS, NOTE, baselines, measure
from .rules import most_frequent


@final
class TextSpans(AbstractRecipe[Passage, tuple[Sentence, ...]]):
    """Noun and verb groups in the shipped sentences, or groups of words in the user's text."""

    modality = MODALITY
    words = Captions(
        recipe="text-spans",
        title="Groups of words",
        made="shipped sentences",
        own="passages of your text",
        objects="spans",
        exhibits="Every coloured block is one discovered span; grey bars are the true groups.",
        snippet="passages → one vector a word",
    )
    columns = COLUMNS
    note = NOTE
    free = frozenset({"test_sentences"})

    def __init__(self, options: Options) -> None:
        self.options = self._own = options
        self.frequent: tuple[str, ...] = ()
        self.details = {
            "window": options.window,
            "lines": options.lines,
            "column": options.column,
            "finder": plain(options.finder),
        }

    def material(self) -> ExperimentData[Passage, tuple[Sentence, ...]]:
        """Sentences, or passages of the user's text."""
        material = load_material(self._own)
        self.frequent = most_frequent(material.items, self._own.finder.frequent)
        return material

    def finder(self) -> Finder:
        """Change points or k-means, along the order of the words."""
        return self._own.finder.build(self.frequent)

    def measure(self, looked: Predictions, truth: tuple[Sentence, ...]) -> dict[str, float]:
        """Spans and types."""
        return measure(looked, truth, self.options.training.seed)

    def baselines(
        self, random: Network, material: ExperimentData[Passage, tuple[Sentence, ...]], truth: tuple[Sentence, ...]
    ) -> dict[str, dict[str, float]]:
        """Raw features, a random encoder, chance, and the rules of the field."""
        return baselines(random, self._own, material.tried, truth, self.frequent)
