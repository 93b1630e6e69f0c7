"""Time of the groupers that look at neighbours alone, over k-means: `python -m benchmarks.neighbours --help`."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import final

import numpy as np
import torch
import tyro
from jaxtyping import Int

from benchmarks.groupers import Clusters, clusters, ours
from benchmarks.measuring import Spread, in_turn, machine, ratios, report
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.discovery.groupers import ChangePoints, KMeans, MergeAlike, Regions

K_MEANS = "KMeans"


@final
@dataclass(frozen=True)
class Options:
    """Group every item of a batch, as a sequence or as the cells of a picture."""

    repeats: int = 10
    """Rounds; in each of them everything takes its turn."""
    clusters: Clusters = field(default_factory=lambda: Clusters(elements=1024))
    iterations: int = 10
    """Lloyd iterations of k-means."""
    threads: int = 1
    """CPU threads."""
    device: str = "cpu"
    """Where all of it runs; merging looks at all pairs at once on a GPU."""
    out: Path | None = None
    """JSON file for the numbers."""


def main(options: Options) -> None:
    """Measure and print."""
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    points = torch.from_numpy(clusters(options.clusters)).to(device)
    elements, objects = points.shape[1], options.clusters.objects
    valid = torch.ones(points.shape[:2], dtype=torch.bool, device=device)
    sequence = FeatureMap(points, valid, Grid.uniform((elements,), (1.0,)))
    cells = replace(sequence, places=Grid.uniform(sides(elements), (1.0, 1.0)))
    tasks: dict[str, Callable[[], Int[np.ndarray, "items elements"]]] = {
        K_MEANS: ours(KMeans(objects, options.iterations, spherical=False), sequence),
        "ChangePoints": ours(ChangePoints(objects=objects), sequence),
        "Regions": ours(Regions(objects=objects), cells),
        "MergeAlike": ours(MergeAlike(objects=objects), cells),
    }
    # Two rounds before: machine code is made, or read, in the first.
    seconds = in_turn(tasks, options.repeats, device, warm_up=2)
    rows = [
        [name, Spread.of([1000 * value for value in taken]).show(1), ratios(taken, seconds[K_MEANS]).show()]
        for name, taken in seconds.items()
    ]
    title = f"Grouping {options.clusters} by neighbours, into {objects} objects at most"
    kept = {f"{name} over k-means": ratios(seconds[name], seconds[K_MEANS]).median for name in tasks if name != K_MEANS}
    facts = machine(device) | {"repeats": options.repeats}
    report(title, ["grouper", "ms: median (quartiles)", "time / KMeans"], rows, facts, options.out, kept)


def sides(elements: int) -> tuple[int, int]:
    """Rows and columns of a picture of so many cells, as nearly square as can be."""
    rows = next(number for number in range(math.isqrt(elements), 0, -1) if elements % number == 0)
    return rows, elements // rows


if __name__ == "__main__":
    main(tyro.cli(Options))
