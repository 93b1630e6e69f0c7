"""Ways of finding objects without learning, on validation scenes: `python -m benchmarks.image_objects`."""

from collections.abc import Iterator
from typing import Any

import torch

from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.groupers import AbstractGrouper, Agglomerative, KMeans
from gestalt.modalities.image import MODALITY, Felzenszwalb, OnCells, Slic
from gestalt.recipes.image_objects.recipe import TEST_SEED
from gestalt.recipes.image_objects.synthetic.scenes import Composing, Scenes
from gestalt.recipes.image_objects.truth import cells_of_pixels, instance_metrics, owned, truth_of

SCENES = 100


def ways(data: Any) -> Iterator[tuple[str, Segmentation]]:
    """Names, and the objects of all scenes."""
    for stride, around in ((4, 0), (4, 1), (2, 0)):
        features = MODALITY.encoders["raw"](stride=stride, around=around)(data)
        groupers: dict[str, AbstractGrouper] = {
            f"k-means, K = {objects}, place {place}": KMeans(objects, spherical=False, position=place)
            for objects in (5, 8, 12, 16)
            for place in (0.0, 0.5, 1.0)
        }
        if stride == 4:
            groupers["Ward, K = 8, place 1.0"] = Agglomerative(8, spherical=False, position=1.0)
        for name, grouper in groupers.items():
            wide = f", averaged over {2 * around + 1} × {2 * around + 1} cells" if around else ""
            cells = f", cells of {stride} × {stride}"
            yield name + cells + wide, grouper(features, torch.Generator().manual_seed(0))
    for scale in (250.0, 500.0, 1000.0, 2000.0):
        for sigma in (0.3, 0.5, 0.8):
            heuristic = OnCells(Felzenszwalb(scale, sigma, 60), stride=1, objects=256)
            yield f"Felzenszwalb, scale {scale:g}, σ {sigma}", heuristic(data)
    for wanted in (8, 16, 32):
        heuristic = OnCells(Slic(wanted, 20.0), stride=1, objects=256)
        yield f"SLIC, {wanted} segments", heuristic(data)


def main() -> None:
    """Print the table in Markdown."""
    scenes = Scenes(SCENES, TEST_SEED, "validation", Composing())
    composed = [scenes.scene(index) for index in range(SCENES)]
    truth, data = truth_of(composed), MODALITY.collate([scene.pixels for scene in composed])
    for stride in (4, 2):
        grid = MODALITY.encoders["raw"](stride=stride)(data).grid
        assert grid is not None
        pixels = cells_of_pixels(grid, truth.size)
        most = instance_metrics(owned(truth.owner, pixels, grid.elements)[:, pixels], truth)
        if stride == 4:
            print(f"| way | {' | '.join(most)} |\n|---|{'---|' * len(most)}")
        scores = " | ".join(f"{value:.3f}" for value in most.values())
        print(f"| the most that cells of {stride} × {stride} pixels allow | {scores} |")
    for name, found in ways(data):
        assert found.grid is not None
        metrics = instance_metrics(found.labels()[:, cells_of_pixels(found.grid, truth.size)], truth)
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in metrics.values())} |", flush=True)


if __name__ == "__main__":
    main()
