"""The table of types."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, final

import torch

from gestalt.core.components.ranges import Count, check_ranges
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.evaluation import Column, Table, combined
from gestalt.core.experiment.build import LearnerFactory
from gestalt.core.experiment.cells import measured, text_of
from gestalt.core.methods.learner import Learner
from gestalt.core.networks.encoder import Network
from gestalt.core.storage.atomic import write_text
from gestalt.modalities.audio.encoders import LogMel

from ..audio_events.recipe import AudioEvents
from ..audio_events.recipe import Options as AudioOptions
from ..audio_events.rules import change_points_finder
from ..rounds_table.cells import Parts, trained
from .objects import GROUPS, NamedObjects, named_objects
from .ways import ESTIMATED, WAYS, chosen, has_number

KINDS = ("true", "found")
METRICS = ("accuracy", "nmi", "purity", "types")
NOTE = (
    "Accuracy of the best one-to-one naming of types by the names (Hungarian), normalised mutual information, purity, "
    "and how many types there are. k-means and balanced are told the number of names, but for the row that says so. "
    "Level, scaling and options are those of the most mutual information on validation soundscapes, for each row and "
    "group of columns."
)


@final
@dataclass(frozen=True)
class Options:
    """How well types that are found without labels agree with the true names of sounds, in soundscapes of unseen ones.

    A cell that is there already is not measured again, so the command can be stopped and repeated.
    """

    out: Path = Path("runs/types-table")
    """Folder of the runs and of the tables."""
    seeds: Count = 3
    """How many seeds, from 0 on."""
    steps: Count = 400
    """Steps for which the network is trained."""
    soundscapes: Count = 200
    """Soundscapes to choose options on, and as many others to measure on."""
    keep_runs: bool = False
    """Keep checkpoints and segments of every run; by default what was measured is kept alone."""

    def __post_init__(self) -> None:
        check_ranges(self)


@final
class TypesTable:
    """Types of true and of found events, by every way to cluster, with the run's vectors and with two baselines'."""

    name: ClassVar[str] = "types-table"
    summary: ClassVar[str] = "how well types that are found without labels agree with the true names of sounds"
    options_type = Options

    def __init__(self, options: Options) -> None:
        self.options = options

    def run(self) -> int:
        """Fill every cell, then write `table.md` and `table.json`, for true and for found events; the exit code."""
        seeds = [self._seed(seed) for seed in range(self.options.seeds)]
        texts = []
        for kind in KINDS:
            tables = [self._table(found, kind, seed) for seed, found in enumerate(seeds)]
            table = combined(tables, f"Types of {kind} events, {self.options.seeds} seeds", NOTE)
            write_text(self.options.out / f"{kind}.json", table.to_json())
            texts.append(text_of(replace(table, note="")))
        write_text(self.options.out / "table.md", "\n".join([*texts, NOTE, ""]))
        print("\n".join(texts))
        return 0

    def _table(self, found: Mapping[str, Mapping[str, float]], kind: str, seed: int) -> Table:
        columns = [
            Column(metric, group, None if metric == "types" else True, 0 if metric == "types" else 3)
            for group in GROUPS
            for metric in METRICS
        ]
        rows: dict[str, Sequence[float | None]] = {
            row: [scores.get(f"{kind} {column.group} {column.name}") for column in columns]
            for row, scores in found.items()
        }
        return Table.of(f"seed {seed}", columns, rows, NOTE)

    def _seed(self, seed: int) -> dict[str, Mapping[str, float]]:
        base = AudioOptions()
        training = replace(base.training, seed=seed, steps=self.options.steps, workers=0, threads=1)
        options = replace(base, training=training, test_soundscapes=self.options.soundscapes)
        own = f"{self.options.steps}-{self.options.soundscapes}-{seed}"
        folders = {
            row: self.options.out / f"{row.replace(' ', '-')}-{own}" for row in ("run", "random network", "log-mel")
        }
        parts = cache(lambda: Parts.of(AudioEvents, options))  # not made where every cell is kept
        found: dict[str, Mapping[str, float]] = {}
        for row, folder in folders.items():
            of = {"training": training, "method": options.method, "finder": options.finder} if row == "run" else {}
            scores = measured(folder, self._measure(row, parts, seed), of, self.options.keep_runs)
            found |= {f"{way}, {row}": _of_way(scores, way) for way in WAYS}
            print(f"seed {seed}, {row}: measured", flush=True)
        return {f"{way}, {row}": found[f"{way}, {row}"] for way in WAYS for row in folders}

    def _measure(self, row: str, parts: Callable[[], Parts], seed: int) -> Callable[[Path], Mapping[str, float]]:
        return lambda run: _measured(*self._network(row, parts(), run), parts(), seed)

    def _network(self, row: str, parts: Parts, run: Path) -> tuple[Network, ObjectFinder]:
        """What gives vectors, and how its events are found."""
        recipe, data = parts.test
        if row == "log-mel":
            return Network(LogMel()), change_points_finder(0.0)
        if row == "run":
            return trained(recipe, data, run).online, recipe.finder
        learner = LearnerFactory(recipe, data, data.views, None).fresh()
        assert isinstance(learner, Learner)
        return learner.online.cpu(), recipe.finder


def _measured(network: Network, finder: ObjectFinder, parts: Parts, seed: int) -> dict[str, float]:
    """All metrics of all ways, options chosen on validation soundscapes."""
    validation, test = (_objects(network, finder, part) for part in (parts.validation, parts.test))
    found = dict[str, float]()
    for kind in KINDS:
        for way in WAYS:
            if way == ESTIMATED:  # has the choice of k-means
                continue
            best = chosen(way, validation[kind], GROUPS, seed)
            for choice in dict.fromkeys(best.values()):
                groups = [names for names in GROUPS if best[names] == choice]
                for one in (way, ESTIMATED) if way == "k-means" else (way,):
                    for names, scores in choice.scores(test[kind], groups, seed, told=has_number(one)).items():
                        found |= {f"{one}: {kind} {names} {metric}": value for metric, value in scores.items()}
    return found


def _objects(network: Network, finder: ObjectFinder, part: Any) -> dict[str, NamedObjects]:
    _, data = part
    with torch.no_grad():
        return named_objects(network, finder, data.truth, data.evaluated)


def _of_way(scores: Mapping[str, float], way: str) -> dict[str, float]:
    return {name.removeprefix(f"{way}: "): value for name, value in scores.items() if name.startswith(f"{way}: ")}
