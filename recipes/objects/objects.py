"""Objects in any kind of data as a study, without a truth."""

from collections.abc import Sequence
from typing import Any, final

from gestalt.core.data.items import Skipped
from gestalt.core.evaluation import Column
from gestalt.core.experiment import AbstractRecipe, Captions, ExperimentData, Finder, Predictions, readable
from gestalt.core.modality.base import AbstractModality
from gestalt.core.networks.encoder import Network
from gestalt.core.training import plain

from .options import Options


@final
class Objects(AbstractRecipe[Any, None]):
    """The user's items with the default views of their modality. Nothing is measured: nobody knows the truth."""

    columns: Sequence[Column] = ()
    note = ""

    def __init__(self, options: Options, modality: AbstractModality[Any]) -> None:
        self.options = self._own = options
        self.modality = modality
        self.named = options.modality
        self.details = {"finding": plain(options.finding)}
        self.words = Captions(
            recipe="objects",
            title=f"Objects in {modality.name}",
            made="",
            own=f"of your items of {modality.name}",
            objects="objects",
            exhibits="Equal colours within an item are one object; colours of different items have nothing to do with "
            "one another.",
            snippet=f"a batch of {modality.name} → one vector per {modality.element}",
        )

    def material(self) -> ExperimentData[Any, None]:
        """All items under the user's paths."""
        running = self.options.running
        reading = self.modality.read(running.data, running.skip_bad)
        skipped = list[Skipped](reading.skipped)
        tried = readable(reading.items, skipped if running.skip_bad else None)
        return ExperimentData(
            reading.items,
            self.modality.views,
            tuple(tried.values()),
            tuple(reading.items.name(place) for place in tried),
            None,
            skipped=tuple(dict.fromkeys(skipped)),
        )

    def finder(self) -> Finder:
        """As the options say."""
        return self._own.finding.build(self.modality)

    def measure(self, looked: Predictions, truth: None) -> dict[str, float]:  # noqa: ARG002
        """Nothing."""
        return {}

    def baselines(
        self, random: Network, material: ExperimentData[Any, None], truth: None
    ) -> dict[str, dict[str, float]]:
        """None."""
        return {}
