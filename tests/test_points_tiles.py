"""Point clouds in tiles: an object that lies in several keeps its number over the file."""

import csv
from pathlib import Path

import numpy as np
import pytest

from gestalt.core.data.voxels import tiles
from gestalt.core.modality.windows import Sight
from gestalt.core.runs.discover import discover
from gestalt.core.runs.embed import embed
from gestalt.modalities.points import CloudFiles, PointModality
from tests.tiny_runs import tiny_run

RNG = np.random.default_rng(0)


def two_walls(path: Path, each: int = 150) -> np.ndarray:
    """Two walls far apart, each longer than a tile: their points are cut across the length of both."""
    rng = np.random.default_rng(0)
    walls = [
        np.column_stack([rng.uniform(0, 40, each), np.full(each, 8.0 * wall), rng.uniform(0, 2, each)])
        for wall in range(2)
    ]
    places = np.concatenate(walls)
    intensity = np.repeat([0.1, 1.0], each)
    np.save(path, np.column_stack([places, intensity]))
    return places


def objects_of(found: Path) -> list[set[int]]:
    """The objects of the points of each wall."""
    with (found / "objects.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["point"]) for row in rows] == list(range(300))
    return [{int(row["object"]) for row in rows[first : first + 150]} for first in (0, 150)]


def items_of(path: Path, modality: PointModality) -> CloudFiles:
    items = modality.read([path]).items
    assert isinstance(items, CloudFiles)
    return items


@pytest.mark.parametrize("margin", [0, 20, 500])
def test_the_context_of_a_tile_is_what_lies_nearest_to_its_box(tmp_path: Path, margin: int) -> None:
    places = two_walls(tmp_path / "walls.npy")
    items = items_of(tmp_path / "walls.npy", PointModality(most=80, margin=margin))
    assert list(items.overlapping(2)) == [0, 1, 2, 3]
    for number, own in enumerate(tiles(places, 80)):
        one = items.read_in_context(number, Sight())
        assert len(one.around) == min(len(places), len(own) + margin)
        inside = one.around.take(one.own)  # type: ignore[arg-type]
        assert inside.ids.tolist() == one.item.ids.tolist() == own.tolist()
        np.testing.assert_allclose(inside.places.numpy(), one.item.places.numpy(), atol=1e-5)
        found = one.around.places.numpy() * one.around.scale + np.array(one.around.centre)
        np.testing.assert_allclose(found, places[one.around.ids.numpy()], atol=1e-4)
        low, high = places[own].min(axis=0), places[own].max(axis=0)
        far = np.linalg.norm(places - np.clip(places, low, high), axis=1)
        further = np.setdiff1d(np.arange(len(places)), one.around.ids.numpy())
        context = np.setdiff1d(one.around.ids.numpy(), own)
        assert not len(context) or not len(further) or far[context].max() <= far[further].min()


@pytest.mark.parametrize("most", [40, 80, 160])
def test_an_object_in_several_tiles_is_one_and_keeps_its_number_over_the_file(tmp_path: Path, most: int) -> None:
    two_walls(tmp_path / "walls.npy")
    run = tiny_run(tmp_path / "run", PointModality(most=most, margin=60), "pointnet", 2, width=16)
    assert discover(run, [tmp_path / "walls.npy"], tmp_path / "found") == 0
    assert sorted(map(tuple, objects_of(tmp_path / "found"))) == [(1,), (2,)]
    assert embed(run, [tmp_path / "walls.npy"], tmp_path / "vectors") == 0
    arrays = np.load(tmp_path / "vectors" / "vectors.npz")
    assert sorted(arrays["point"].tolist()) == list(range(300))
    for first in (0, 150):
        own = (arrays["point"] >= first) & (arrays["point"] < first + 150)
        assert len(set(arrays["element_object"][own].tolist())) == 1


def test_without_a_margin_objects_are_those_of_every_tile(tmp_path: Path) -> None:
    two_walls(tmp_path / "walls.npy")
    run = tiny_run(tmp_path / "run", PointModality(most=80, margin=0), "pointnet", 2, width=16)
    assert discover(run, [tmp_path / "walls.npy"], tmp_path / "found") == 0
    first, second = objects_of(tmp_path / "found")
    assert (len(first), len(second), first & second) == (4, 4, set())
