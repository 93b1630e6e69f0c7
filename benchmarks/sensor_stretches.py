"""Stretches of one behaviour in series of sensors: what is found of them, beside simple ways to cut.

Scenes are made: a machine is at rest, swings slowly, swings fast, shakes at random or drifts, one after the other, and
three sensors of different units, gains and offsets record it with noise. Networks learn from other scenes than they are
measured on, by the recipe `objects` with its defaults; nothing is chosen by the scenes of the test.

    python -m benchmarks.sensor_stretches --seeds 3
"""

import argparse
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, final

import numpy as np
import torch

import gestalt
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.evaluation.boundaries import boundary_f1
from gestalt.core.evaluation.intervals import Intervals
from gestalt.core.evaluation.partition import adjusted_rand_index
from gestalt.core.networks.encoder import Network

RATE, STEP = 100, 16
"""Samples per second, and samples of an element."""
COLLAR = 0.25
"""Seconds by which a boundary may be off."""
KINDS = 5


@final
@dataclass(frozen=True)
class Scene:
    """Samples × channels, and the seconds at which one behaviour ends and the next begins, both ends included."""

    values: np.ndarray
    bounds: tuple[float, ...]


def scene(seed: int, stretches: int = 8) -> Scene:
    """One scene; neighbouring stretches differ in their behaviour."""
    rng = np.random.default_rng(seed)
    parts, bounds, kind = list[np.ndarray](), [0.0], -1
    for _ in range(stretches):
        kind = int(rng.choice([other for other in range(KINDS) if other != kind]))
        time = np.arange(int(rng.uniform(1.0, 5.0) * RATE)) / RATE
        phase, pitch = rng.uniform(0, 2 * np.pi), rng.uniform(0.8, 1.25)
        behaviour = (
            np.zeros(len(time)),
            np.sin(2 * np.pi * 2.5 * pitch * time + phase),
            0.6 * np.sin(2 * np.pi * 14 * pitch * time + phase),
            0.7 * rng.standard_normal(len(time)),
            1.5 * (time / time[-1] - 0.5) * rng.choice([-1, 1]),
        )[kind]
        parts.append(behaviour)
        bounds.append(bounds[-1] + len(time) / RATE)
    signal = np.concatenate(parts)
    gains, noise = rng.uniform(0.6, 1.4, 3), rng.standard_normal((len(signal), 3))
    late = np.stack([signal, np.roll(signal, 2), np.cumsum(signal) / RATE], axis=1)
    units = np.array([1.0, 9.81, 40.0])
    return Scene((late * gains + 0.25 * noise) * units + np.array([0.0, 9.81, 1013.0]), tuple(bounds))


def write(folder: Path, seeds: range) -> list[Scene]:
    """Scenes as tables with a column of time."""
    folder.mkdir()
    scenes = [scene(seed) for seed in seeds]
    for number, one in enumerate(scenes):
        time = np.arange(len(one.values))[:, None] / RATE
        table = np.concatenate([time, one.values], axis=1)
        header = "time,swing,force,level"
        np.savetxt(folder / f"{number:03}.csv", table, delimiter=",", header=header, comments="", fmt="%.5f")
    return scenes


def scores(found: list[torch.Tensor], scenes: list[Scene]) -> dict[str, float]:
    """F1 of boundaries, and agreement of stretches (ARI): both of labels of elements, of every scene."""
    agreements, intervals, true = list[float](), list[Intervals](), list[Intervals]()
    for labels, one in zip(found, scenes, strict=True):
        middles = (torch.arange(len(labels)) + 0.5) * STEP / RATE
        wanted = torch.bucketize(middles, torch.tensor(one.bounds[1:-1]))
        changes = labels.diff() != 0
        runs = torch.cat([torch.zeros(1, dtype=torch.long), changes.long().cumsum(0)])
        agreements.append(float(adjusted_rand_index(runs[None], wanted[None])[0]))
        cuts = [0.0, *(((changes.nonzero()[:, 0] + 1) * STEP / RATE).tolist()), one.bounds[-1]]
        intervals.append(Intervals.of(list(pairwise(cuts))))
        true.append(Intervals.of(list(pairwise(one.bounds))))
    return {"boundary F1": boundary_f1(intervals, true, COLLAR).f1, "ARI": statistics.mean(agreements)}


def labels_of(model: Any, folder: Path) -> list[torch.Tensor]:
    """The object of every element of every file, numbered over the whole file."""
    files: dict[str, list[torch.Tensor]] = {}
    for window in model.discover(folder):
        files.setdefault(window.name.rpartition(" [")[0], []).append(window.labels)
    return [torch.cat(parts) for _, parts in sorted(files.items())]


def rows(seed: int, steps: int, work: Path) -> Mapping[str, dict[str, float]]:
    """One seed of every way."""
    write(work / "train", range(1000 * seed, 1000 * seed + 40))
    scenes = write(work / "test", range(500_000 + 1000 * seed, 500_000 + 1000 * seed + 20))
    training = gestalt.Training(steps=steps, batch=16, lr=2e-3, warmup=20, workers=0, seed=seed)
    model = gestalt.train(work / "train", modality="sensors", out=work / "run", training=training)
    assert model.finder is not None
    assert model.finder.extra_features is not None
    plain: Any = model.finder.extra_features.plain
    by_changes = replace(model.finder, space="hidden", extra_features=ConcatFeatures(plain, 0.0))
    alone = gestalt.Model(model.modality, Network(plain), {}, by_changes)
    clustered = gestalt.ObjectFinder(gestalt.KMeans(KINDS, spherical=False), "hidden")
    means = gestalt.Model(model.modality, Network(plain), {}, clustered)
    found = labels_of(model, work / "test")
    pairs = zip(found, scenes, strict=True)
    equal = [torch.arange(len(one)) * (len(truth.bounds) - 1) // len(one) for one, truth in pairs]
    return {
        "Gestalt: learned and plain features, change points": scores(found, scenes),
        "plain features, change points": scores(labels_of(alone, work / "test"), scenes),
        f"plain features, k-means with the true number of kinds ({KINDS})": scores(
            labels_of(means, work / "test"), scenes
        ),
        "equal lengths, with the true number of stretches": scores(equal, scenes),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {}
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory() as work:
            for way, one in rows(seed, options.steps, Path(work)).items():
                found.setdefault(way, []).append(one)
    for way, several in found.items():
        cells = []
        for name in ("boundary F1", "ARI"):
            values = [one[name] for one in several]
            cells.append(f"{statistics.mean(values):.2f} ± {statistics.pstdev(values):.2f}")
        print(f"| {way} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
