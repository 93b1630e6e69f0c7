"""Time of the groupers against faiss and scikit-learn: `python -m benchmarks.groupers --help`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
import tyro
from jaxtyping import Float, Int
from torch import Tensor

from benchmarks.measuring import Spread, in_turn, machine, ratios, report
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.discovery.groupers import (
    AbstractGrouper,
    Agglomerative,
    KMeans,
    Mixture,
    Spectral,
)
from gestalt.core.discovery.groupers.lloyd import improved

OURS = "Gestalt KMeans, all items at once"
FROM_RANDOM = "Gestalt KMeans from random elements, all items at once"
BY_CENTRES = {OURS, FROM_RANDOM, "faiss, item by item", "scikit-learn, item by item"}
"""Those that minimise the squared distances from centres."""


@final
@dataclass(frozen=True)
class Clusters:
    """Items that are grouped."""

    items: int = 64
    """Items in the batch."""
    elements: int = 256
    """Elements of an item."""
    dim: int = 128
    """Length of the vectors."""
    objects: int = 16
    """Clusters, and the greatest number of objects."""

    def __str__(self) -> str:
        return f"{self.items} items × {self.elements} elements × {self.dim} numbers"


@final
@dataclass(frozen=True)
class Options:
    """Group every item of a batch. The others see one item after the other, since they know no batches."""

    repeats: int = 20
    """Rounds; in each of them everything takes its turn."""
    clusters: Clusters = Clusters()
    iterations: int = 10
    """Lloyd iterations, for all alike."""
    threads: int = 1
    """CPU threads, for all alike."""
    device: str = "cpu"
    """Where Gestalt's groupers run; the others stay on the CPU."""
    out: Path | None = None
    """JSON file for the numbers."""


def main(options: Options) -> None:
    """Measure and print."""
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    points = clusters(options.clusters)
    objects = options.clusters.objects
    features = FeatureMap(
        torch.from_numpy(points).to(device),
        torch.ones(points.shape[:2], dtype=torch.bool, device=device),
        Grid.uniform((options.clusters.elements,), (1.0,)),
    )
    tasks: dict[str, Callable[[], Int[np.ndarray, "items elements"]]] = {
        OURS: ours(KMeans(objects, options.iterations, spherical=False), features),
        FROM_RANDOM: from_random_elements(features, options),
        "faiss, item by item": lambda: by_faiss(points, options),
        "scikit-learn, item by item": lambda: by_sklearn(points, options),
        "Gestalt Mixture, all items at once": ours(Mixture(objects, spherical=False), features),
        "Gestalt Agglomerative, all items at once": ours(Agglomerative(objects, spherical=False), features),
        "Gestalt Spectral, all items at once": ours(Spectral(objects, spherical=False), features),
    }
    seconds = in_turn(tasks, options.repeats, device, warm_up=1)
    reference = cost(points, tasks[OURS]())
    rows = [
        [
            name,
            Spread.of([1000 * value for value in seconds[name]]).show(1),
            ratios(seconds[name], seconds[OURS]).show(),
            f"{cost(points, task()) / reference:.3f}" if name in BY_CENTRES else "",
        ]
        for name, task in tasks.items()
    ]
    title = f"Grouping {options.clusters} into {objects} objects, {options.iterations} iterations"
    heading = ["grouper", "ms: median (quartiles)", "time / KMeans", "squared distances / KMeans"]
    kept = {f"{name} over k-means": ratios(seconds[name], seconds[OURS]).median for name in tasks if "Gestalt" in name}
    for name in (OURS, FROM_RANDOM):
        kept[f"{name} over faiss"] = ratios(seconds[name], seconds["faiss, item by item"]).median
    report(title, heading, rows, machine(device) | {"repeats": options.repeats}, options.out, kept)


def clusters(options: Clusters) -> Float[np.ndarray, "items elements dim"]:
    """Overlapping clusters of uneven sizes, in random order."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((options.items, options.objects, options.dim))
    sizes = rng.dirichlet(np.ones(options.objects), options.items)
    numbers = np.stack([rng.choice(options.objects, options.elements, p=share) for share in sizes])
    noise = rng.standard_normal((options.items, options.elements, options.dim))
    return (centres[np.arange(options.items)[:, None], numbers] + noise).astype(np.float32)


def ours(grouper: AbstractGrouper, features: FeatureMap) -> Callable[[], Int[np.ndarray, "items elements"]]:
    """One of Gestalt's groupers."""

    def group() -> Int[np.ndarray, "items elements"]:
        with torch.no_grad():
            labels: Tensor = grouper(features, torch.Generator().manual_seed(0)).labels()
        return labels.cpu().numpy()

    return group


def from_random_elements(features: FeatureMap, options: Options) -> Callable[[], Int[np.ndarray, "items elements"]]:
    """The iterations of our k-means from random elements, without k-means++: what faiss does."""

    def group() -> Int[np.ndarray, "items elements"]:
        points, valid = features.values, features.valid
        drawn = torch.rand(points.shape[:2], generator=torch.Generator().manual_seed(0)).to(points.device)
        first = drawn.topk(options.clusters.objects, dim=1).indices
        centres = points.gather(1, first[..., None].expand(-1, -1, points.shape[2]))
        return improved(points, valid, centres, options.iterations)[0].cpu().numpy()

    return group


def by_faiss(points: Float[np.ndarray, "items elements dim"], options: Options) -> Int[np.ndarray, "items elements"]:
    """faiss, from random elements as seeds, as is its way."""
    import faiss

    faiss.omp_set_num_threads(options.threads)
    labels = []
    for item in points:
        # Without `min_points_per_centroid` it would warn of every item.
        kmeans = faiss.Kmeans(
            options.clusters.dim, options.clusters.objects, niter=options.iterations, min_points_per_centroid=1
        )
        kmeans.train(item)
        labels.append(kmeans.index.search(item, 1)[1][:, 0])
    return np.stack(labels)


def by_sklearn(points: Float[np.ndarray, "items elements dim"], options: Options) -> Int[np.ndarray, "items elements"]:
    """scikit-learn, from k-means++ seeds, which means one start, and never stopping early."""
    from sklearn.cluster import KMeans as TheirKMeans
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    kmeans = TheirKMeans(options.clusters.objects, n_init="auto", max_iter=options.iterations, tol=0.0, random_state=0)
    with threadpool_limits(options.threads):
        return np.stack([kmeans.fit_predict(item) for item in points])


def cost(points: Float[np.ndarray, "items elements dim"], labels: Int[np.ndarray, "items elements"]) -> float:
    """Σ ‖x − μ‖² over the clusters of every item: what k-means minimises."""
    total = 0.0
    for item, numbers in zip(points.astype(np.float64), labels, strict=True):
        for number in np.unique(numbers):
            members = item[numbers == number]
            total += float(np.square(members - members.mean(axis=0)).sum())
    return total


if __name__ == "__main__":
    main(tyro.cli(Options))
