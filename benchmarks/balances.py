"""What keeps DINO's prototypes in use: centring, Sinkhorn–Knopp or a batch soft-max, with and without a slow teacher.

The table of Caron et al. (2021) in small, on shipped pictures of clothing: their classes by neighbours and by a linear
probe on frozen vectors of test pictures, and how many prototypes the last batches use. All rows of a seed begin with
the same weights.
"""

import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import final, get_args

import torch
import tyro

from gestalt.core.evaluation import item_vectors, linear_probe, neighbours_vote
from gestalt.core.methods.dino import DINO
from gestalt.core.methods.method import DataInfo
from gestalt.core.methods.objectives.assignments import Balance
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.follower import AbstractRule, MovingAverage
from gestalt.core.runs.inputs import InMemory
from gestalt.core.storage.names_of_runs import METRICS
from gestalt.core.training.loop import launch, train_learner
from gestalt.core.training.metrics_log import read_metrics
from gestalt.core.training.options import Training
from gestalt.core.training.training_data import TrainingData
from gestalt.recipes.labels_table.data_sets.image import pictures
from gestalt.recipes.labels_table.labelled_data import LabelledData

LAST = 10
"""Rows of the curves, ten steps each, over which prototypes are counted."""
Row = tuple[str, tuple[float, ...]]


@final
@dataclass(frozen=True)
class Options:
    """Equal steps for all rows; nothing but the balance and the teacher differs."""

    seeds: int = 3
    """Trainings of every row."""
    steps: int = 1000
    """Of each."""
    batch: int = 32
    """Pictures in each."""
    lr: float = 1e-3
    """Peak learning rate of all rows."""
    pace: float = 0.99
    """How much of itself a slow teacher keeps: the paper's 0.996 is for longer training."""
    prototypes: int = 1024
    """K: half as many as there are pictures."""


def scores(encoder: AbstractEncoder, data: LabelledData) -> tuple[float, float]:
    """The share of test pictures whose class is told by 20 weighted neighbours, and by a linear probe."""
    train, test = (item_vectors(encoder, items, data.modality.collate) for items in (data.items, data.test_items))
    voted = neighbours_vote(test, train, data.labels, 20, 0.07)
    rows = torch.arange(len(train) + len(test))
    vectors, labels = torch.cat([train, test]), torch.cat([data.labels, data.test_labels])
    probed = linear_probe(vectors, labels, rows[: len(train)], rows[len(train) :]).accuracy
    return float((voted == data.test_labels).float().mean()), probed


def rows_of(seed: int, options: Options, data: LabelledData) -> Iterator[Row]:
    """One seed: the network before training, then every balance with a slow teacher and with none."""
    torch.manual_seed(seed)
    yield "before training", (*scores(data.fresh_encoder(False), data), float("nan"))
    training = Training(
        steps=options.steps, batch=options.batch, lr=options.lr, seed=seed, accelerator="cpu", logger="csv"
    )
    info = DataInfo(items=len(data.items), batch=options.batch)
    paces: dict[str, AbstractRule | None] = {"slow teacher": MovingAverage(options.pace), "the student itself": None}
    for (said, rule), balance in product(paces.items(), get_args(Balance)):
        method = DINO(256, 64, options.prototypes, balance, teacher=rule, warmup_epochs=3)
        torch.manual_seed(seed)
        learner = method.build(data.fresh_encoder(False), info)
        items = TrainingData(InMemory(data.items, data.name), data.views, data.modality.collate)
        with tempfile.TemporaryDirectory() as folder:
            train_learner(launch(training), learner, items, training, Path(folder), resume=False)
            used = [float(row["prototypes_in_use"]) for row in read_metrics(Path(folder) / METRICS)][-LAST:]
        yield f"{said}, {balance}", (*scores(learner.online.encoder, data), statistics.fmean(used))


def main(options: Options) -> None:
    """Print the table."""
    data = pictures()
    rows: dict[str, list[tuple[float, ...]]] = {}
    for seed in range(options.seeds):
        for name, row in rows_of(seed, options, data):
            rows.setdefault(name, []).append(row)
            print(seed, name, *(f"{number:.3f}" for number in row), flush=True)
    print("| teacher and balance | k-NN | linear probe | prototypes in use |")
    for name, several in rows.items():
        means = [statistics.fmean(own) for own in zip(*several, strict=True)]
        spreads = [max(own) - min(own) for own in zip(*several, strict=True)]
        cells = [f"{mean:.3f} ({spread:.3f})" for mean, spread in zip(means, spreads, strict=True)]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
