"""One seed of the story: an archive, a run that learned from it, types with names, and detectors of these."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import final

import torch

from gestalt.core.data.items import AbstractItems
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.experiment.options import Running
from gestalt.core.experiment.run import run
from gestalt.core.methods.odin_rounds import OdinRounds
from gestalt.core.networks.encoder import Network
from gestalt.core.runs.answer_scores import evaluate_answers
from gestalt.core.runs.evaluation_options import Evaluating
from gestalt.core.runs.fitting import fit_items
from gestalt.core.runs.known import KnownMasks
from gestalt.core.runs.mask_classes import NONE
from gestalt.core.runs.model import Model
from gestalt.core.runs.saving import load
from gestalt.core.runs.types.finding import Typing, found_types
from gestalt.core.training.labels import Labels
from gestalt.modalities.audio import MODALITY, Recording
from gestalt.modalities.audio.encoders import LogMel

from ..audio_events.recipe import AudioEvents
from ..audio_events.recipe import Options as AudioOptions
from ..audio_events.rules import change_points_finder
from .archive import Archive
from .hearing import Heard, heard_on_the_page, sounds_of_objects
from .labels import labels_of_objects
from .remembered import Remembered
from .rows import Row, Source, Told
from .rule import EnergyAndFlux

Score = tuple[str, str, str]
"""Protocol, metric and variant."""


@final
@dataclass(frozen=True)
class Named:
    """What is known of an archive by the names that were given to types of some objects.

    Attributes:
        seen: the archive with these objects.
        heard: what was said on the page.
        members: the name of every object of a named type, but for those that were heard to be wrong.
    """

    seen: Remembered
    heard: Heard
    members: Mapping[int, str]


@final
@dataclass
class Story:
    """See the module.

    Attributes:
        archive: the recordings.
        run: that learned from them.
        seed: of everything random.
        types: how they are found.
        items: the windows of the archive.
        held: those of the recordings that are held out.
        seen: the archive by everything that was asked so far.
        names: what was named, by whose objects.
    """

    archive: Archive
    run: Model[Recording]
    seed: int
    types: Typing
    items: AbstractItems[Recording]
    held: AbstractItems[Recording]
    seen: dict[Source, Remembered] = field(default_factory=dict)
    names: dict[Source, Named] = field(default_factory=dict)

    @classmethod
    def of(cls, archive: Archive, folder: Path, steps: int, seed: int, types: Typing) -> "Story":
        """Write the archive and train on it, where that was not done before.

        Raises:
            KeyboardInterrupt: if training was interrupted; it is saved.
        """
        archive.write()
        if not (folder / "report.html").is_file() and run(AudioEvents(training_options(archive, folder, steps, seed))):
            raise KeyboardInterrupt
        return cls(archive, load(folder), seed, types, archive.items("archive"), archive.items("held-out"))

    def scores(self, row: Row, scores: Mapping[str, Score]) -> dict[str, float]:
        """What a detector finds in the held-out recordings, by the names of the scores, and of every class."""
        named = self._named("log-mel" if row.told == "own types" else "run")
        seen = self._seen(row.source)
        found = fit_items(
            seen.model if row.options.tune else seen,
            self.items,
            self._labels(row.told, named, row.options.rest == "none"),
            None,
            row.head,
            replace(row.options, seed=self.seed),
        )
        model = seen.model.answering(found)
        fitted = model.fitted
        assert fitted is not None
        truth = self.archive.truth("held-out", self.held)
        judged = evaluate_answers(model, fitted, self.held, None, truth, Evaluating(resamples=10), None)
        result = next(one for one in judged.results if (one.protocol, one.variant) == ("events", "overlapping by half"))
        classes = {name: one.value for name, one in result.scores.items() if name.startswith("f1 of ")}
        return {name: judged.score(*path) for name, path in scores.items()} | classes

    def _labels(self, told: Told, named: Named, rest: bool) -> Labels:
        if told == "shown":
            return labels_of_objects(named.seen, named.heard.shown, rest)
        if told == "truth":
            return self._true_labels(named)
        return labels_of_objects(named.seen, named.members, rest, whole=rest)

    def _true_labels(self, named: Named) -> Labels:
        """The truth of every element of the archive, by the same five names."""
        wanted = set(named.heard.names.values())
        known = KnownMasks(self.archive.truth("archive", self.items), len(self.items))
        rows: list[list[str]] = [[] for _ in range(len(self.items))]
        for batch in named.seen.batches:
            for row, number in enumerate(batch.index):
                features = batch.features.rows(torch.tensor([row]))
                said = known.of(number, batch.items[row], features)
                numbers = {place: name for name, place in known.classes.numbers.items()}
                own = [NONE] * int(features.valid.sum()) if said is None else [numbers[n] for n in said[0].tolist()]
                rows[number] = [name if name in wanted else NONE for name in own]
        return Labels.of_elements(rows)

    def _named(self, source: Source) -> Named:
        """Types of the objects that one source finds, with names from the page."""
        if source not in self.names:
            seen = self._seen(source)
            found = found_types(lambda: iter(seen.batches), MODALITY, seen.network, self.types)
            sounds = sounds_of_objects(seen, self.archive.truth("archive", self.items))
            heard = heard_on_the_page(found.members, found.types.count, sounds)
            kinds = enumerate(found.members.types.tolist())
            members = {one: heard.names[kind] for one, kind in kinds if kind in heard.names and one not in heard.wrong}
            self.names[source] = Named(seen, heard, members)
        return self.names[source]

    def _seen(self, source: Source) -> Remembered:
        if source not in self.seen:
            self.seen[source] = Remembered(self._model(source), self.items)
        return self.seen[source]

    def _model(self, source: Source) -> Model[Recording]:
        if source == "run":
            return self.run
        if source == "random":
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.seed)
                return Model(MODALITY, Network(MODALITY.encoders["dilated"]()), {})
        finder = change_points_finder(0.0) if source == "log-mel" else ObjectFinder(EnergyAndFlux(), "hidden")
        return Model(MODALITY, Network(LogMel()), {}, finder)


def training_options(archive: Archive, folder: Path, steps: int, seed: int) -> AudioOptions:
    """The recipe of sound events on the archive, in two rounds."""
    base = AudioOptions()
    assert isinstance(base.method, OdinRounds)
    method = replace(base.method, rounds=replace(base.method.rounds, every=max(1, steps // 2)))
    training = replace(base.training, seed=seed, steps=steps, workers=0, threads=1)
    running = Running(folder, data=(archive.folder / "archive",), resume=True)
    return replace(base, method=method, training=training, running=running)
