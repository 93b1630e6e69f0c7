"""Rows of tables: classes from vectors of rows, and groups of columns, beside plain features.

Classes: the tables of breast cancer, wine and digits in scikit-learn. Networks see no label; a linear probe is fitted
to a tenth of the labels, and to all, of the rows that they were trained on, its penalty chosen by cross-validation, and
is measured on the other rows. Groups: tables are made of hidden factors, each of which moves some columns of numbers
and of categories with noise; what is found in other rows is compared with the factors. Methods are those for runs of
minutes: heads of 4096, made for pictures, would take nearly all the time where a row has 30 columns.

    python -m benchmarks.table_rows --seeds 3
"""

import argparse
import statistics
import sys
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import gestalt
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.evaluation.partition import adjusted_rand_index
from gestalt.core.methods.method import AbstractMethod
from gestalt.core.networks.encoder import Network

TABLES = {"breast cancer": load_breast_cancer, "wine": load_wine, "digits": load_digits}
FACTORS, COLUMNS = 4, 16
METHODS: dict[str, str | AbstractMethod] = {
    "BYOL, small heads": "byol-small",
    "SimCLR, small heads": gestalt.SimCLR(heads=gestalt.Heads(256, 128)),
    "Odin, warm start": "odin-warm-start",
}


def write(path: Path, names: list[str], rows: np.ndarray) -> None:
    """A table with a header."""
    lines = [",".join(map(str, row)) for row in rows.tolist()]
    path.write_text("\n".join([",".join(names), *lines]) + "\n", encoding="utf-8")


def probed(train: np.ndarray, test: np.ndarray, known: np.ndarray, true: np.ndarray, seed: int) -> dict[str, float]:
    """The accuracy of a linear probe with a tenth of the labels, three of every class at least, and with all."""
    scaler = StandardScaler().fit(train)
    own, other = np.asarray(scaler.transform(train)), np.asarray(scaler.transform(test))
    rng = np.random.default_rng(seed)
    few = [rng.permutation(np.flatnonzero(known == kind)) for kind in np.unique(known)]
    tenth = np.concatenate([one[: max(3, len(one) // 10)] for one in few])
    found = {}
    for name, rows in (("a tenth of the labels", tenth), ("all labels", np.arange(len(known)))):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.simplefilter("ignore", FutureWarning)
            head: Any = LogisticRegressionCV(Cs=5, cv=3, max_iter=500)
            head.fit(own[rows], known[rows])
        found[name] = float((head.predict(other) == true).mean())
    return found


def classes(name: str, seed: int, steps: int, work: Path) -> Mapping[str, dict[str, float]]:
    """One table and seed of every way."""
    data: Any = TABLES[name]()
    parts: Any = train_test_split(data.data, data.target, test_size=0.4, random_state=seed, stratify=data.target)
    train, test, known, true = parts
    names = [f"column {number}" for number in range(train.shape[1])]
    write(work / "train.csv", names, train)
    write(work / "test.csv", names, test)
    training = gestalt.Training(steps=steps, batch=64, lr=2e-3, warmup=20, workers=0, threads=1, seed=seed)
    found: dict[str, dict[str, float]] = {}
    models = {
        way: gestalt.train(work / "train.csv", modality="table", method=method, out=work / way, training=training)
        for way, method in METHODS.items()
    }
    for way, model in models.items():
        own, other = _vectors(model, work / "train.csv"), _vectors(model, work / "test.csv")
        found[f"{name}: Gestalt, {way}"] = probed(own, other, known, true, seed)
    modality = next(iter(models.values())).modality
    raw = gestalt.Model(modality, Network(_plain(modality, work / "train.csv")), {}, None)
    own, other = _vectors(raw, work / "train.csv"), _vectors(raw, work / "test.csv")
    found[f"{name}: plain features"] = probed(own, other, known, true, seed)
    trees = HistGradientBoostingClassifier(random_state=seed).fit(train, known)
    found[f"{name}: gradient boosting, supervised"] = {"all labels": float((trees.predict(test) == true).mean())}
    return found


def _vectors(model: Any, path: Path) -> np.ndarray:
    return np.stack([one.item.numpy() for one in model.embed(path)])


def _plain(modality: Any, path: Path) -> Any:
    """The plain features of a schema; a run keeps them where its own finder takes them alone."""
    return modality.encoders["raw"](**modality.encoder_settings("raw", modality.read([path]).items))


def made(seed: int, rows: int, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """A table of factors, and the factor of every column; a third of the columns holds categories."""
    how, rng = np.random.default_rng(seed), np.random.default_rng(draws)
    factor = how.permutation(np.arange(COLUMNS) % FACTORS)
    sign, gain = how.choice([-1, 1], COLUMNS), how.uniform(0.5, 20, COLUMNS)
    hidden = rng.standard_normal((rows, FACTORS))
    values = sign * hidden[:, factor] + 0.6 * rng.standard_normal((rows, COLUMNS))
    table = np.empty((rows, COLUMNS), dtype=object)
    for column in range(COLUMNS):
        own = values[:, column]
        words = np.array(["low", "middle", "high"])[np.digitize(own, [-0.6, 0.6])]
        table[:, column] = words if column % 3 == 0 else np.round(gain[column] * own, 4)
    return table, factor


def groups(seed: int, steps: int, work: Path) -> Mapping[str, dict[str, float]]:
    """One seed of every way to group columns."""
    table, factor = made(seed, 2000, seed)
    other, _ = made(seed, 200, 10_000 + seed)
    names = [f"column {number}" for number in range(COLUMNS)]
    write(work / "made.csv", names, table)
    write(work / "other.csv", names, other)
    training = gestalt.Training(steps=steps, batch=64, lr=2e-3, warmup=20, workers=0, threads=1, seed=seed)
    model = gestalt.train(work / "made.csv", modality="table", out=work / "made", training=training)
    assert model.finder is not None
    plain = _plain(model.modality, work / "made.csv")
    alone = replace(model.finder, space="hidden", extra_features=ConcatFeatures(plain, 0.0))
    means = gestalt.ObjectFinder(gestalt.KMeans(FACTORS, spherical=False), "hidden")
    ways = {
        "groups: Gestalt, learned and plain features": model,
        "groups: plain features": gestalt.Model(model.modality, Network(plain), {}, alone),
        f"groups: plain features, k-means with the true number ({FACTORS})": gestalt.Model(
            model.modality, Network(plain), {}, means
        ),
    }
    wanted = torch.from_numpy(factor)
    found = {}
    for way, one in ways.items():
        labels = [row.labels for row in one.discover(work / "other.csv")]
        agreements = [float(adjusted_rand_index(own[None], wanted[None])[0]) for own in labels]
        found[way] = {"ARI": statistics.mean(agreements)}
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--tables", nargs="+", choices=(*TABLES, "made"), default=(*TABLES, "made"))
    options = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {}
    for seed in range(options.seeds):
        for name in options.tables:
            with tempfile.TemporaryDirectory() as work:
                measure = partial(classes, name) if name in TABLES else groups
                rows = measure(seed, options.steps, Path(work))
            print(*(f"seed {seed}: {way}: {one}" for way, one in rows.items()), sep="\n", file=sys.stderr)
            for way, one in rows.items():
                found.setdefault(way, []).append(one)
    for way, several in found.items():
        cells = []
        for name in several[0]:
            values = [one[name] for one in several]
            cells.append(f"{name} {statistics.mean(values):.3f} ± {statistics.pstdev(values):.3f}")
        print(f"| {way} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
