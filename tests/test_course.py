"""Parts of something long side by side: no element is lost, doubled or moved when it is cut and put together."""

from itertools import pairwise

import pytest
import torch

from gestalt.core.data.course import Course, chained_course, relaid
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.pieces import one_behind_the_other, padded_features
from gestalt.core.data.places import Parts
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.groupers import Along, ChangePoints, InOrder, KMeans, PartByPart
from gestalt.core.discovery.groupers.base import AbstractGrouper
from gestalt.core.discovery.groupers.long import group_long
from tests.implementations import seeded

NAMES = ("sound", "picture", "words", "caption")


def window(seed: int, without: str = "") -> FeatureMap:
    """A second of sound in uneven frames, of pictures of 2 × 3 cells, some words one after the other, and a caption."""
    chance = torch.Generator().manual_seed(seed)
    grids, cells = list[Grid | None](), list[int]()
    for name in NAMES:
        count = int(torch.randint(3, 9, (), generator=chance)) if name != "caption" else 2
        edges = torch.cat([torch.zeros(1), (torch.rand(count, generator=chance) + 0.1).cumsum(0)])
        edges = (edges / edges[-1])[None]
        grid = Grid((edges,)) if name == "sound" else None
        if name == "picture":
            grid = Grid((edges, torch.arange(3.0)[None], torch.arange(4.0)[None]))
        if name == without:
            grid, count = None, 0
        cells.append(grid.elements if grid is not None else count)
        grids.append(grid)
    values = torch.randn(1, sum(cells), 4, generator=chance)
    return FeatureMap(values, torch.ones(1, sum(cells), dtype=torch.bool), Parts(NAMES, tuple(cells), tuple(grids)))


def of(features: FeatureMap) -> Course:
    return Course.of(features, {"caption"})


@pytest.mark.parametrize("seed", range(5))
def test_labels_come_back_from_the_moments_of_windows_and_of_all_together(seed: int) -> None:
    maps = [window(10 * seed + n, "picture" if n == 1 else "") for n in range(4)]
    for one in maps:
        labels = torch.arange(one.valid.shape[1])
        assert torch.equal(of(one).elements(of(one).shown(labels)), labels)
    course = chained_course([of(one) for one in maps])
    whole = one_behind_the_other(maps, [of(one) for one in maps])
    labels = torch.arange(whole.valid.shape[1])
    assert torch.equal(course.elements(course.shown(labels)), labels)
    assert course.moments == sum(of(one).moments for one in maps)
    for name in NAMES[:3]:
        every = torch.cat([one.part(name).values for one in maps], dim=1)
        assert torch.equal(whole.part(name).values, every)
    mean = torch.stack([one.part("caption").values for one in maps]).mean(dim=0)
    assert torch.allclose(whole.part("caption").values, mean)
    assert isinstance(whole.places, Parts)
    lengths = [float(grid.edges[0][0, -1]) for grid in whole.places.grids[:2] if grid is not None]
    assert lengths == pytest.approx([4.0, 3.0])


@pytest.mark.parametrize("seed", range(5))
def test_a_piece_has_the_elements_that_are_on_show_at_its_moments(seed: int) -> None:
    maps = [window(10 * seed + n) for n in range(3)]
    course = chained_course([of(one) for one in maps])
    whole = one_behind_the_other(maps, [of(one) for one in maps])
    labels = torch.arange(whole.valid.shape[1])
    for begin, end in pairwise(range(0, course.moments, 5)):
        piece, own = course.piece(whole, begin, end)
        index = course.between(begin, end)
        assert torch.equal(piece.values, whole.values[:, index])
        assert torch.equal(own.shown(labels[index]), course.shown(labels)[begin:end])
    every = torch.cat([course.between(begin, begin + 5) for begin in range(0, course.moments, 5)]).unique()
    assert torch.equal(every, labels)


def test_moments_of_two_parts_are_at_the_same_seconds() -> None:
    features = window(3)
    course, places = of(features), features.places
    assert isinstance(places, Parts)
    sound, picture = (course.strands[name].cells for name in ("sound", "picture"))
    assert sound is not None
    assert picture is not None
    edges = [grid.edges[0][0] for grid in places.grids[:2] if grid is not None]
    for cell, frame in set(zip(sound.tolist(), picture.tolist(), strict=True)):
        assert float(edges[0][cell]) < float(edges[1][frame + 1])
        assert float(edges[1][frame]) < float(edges[0][cell + 1])


def test_what_is_stitched_keeps_its_columns_when_a_part_comes_and_goes() -> None:
    shown = torch.tensor([[1, 2, 3], [4, 5, 6]])
    with_part = relaid(shown, {"a": 1, "b": 0, "c": 2}, {"a": 1, "b": 2, "c": 2})
    assert with_part.tolist() == [[1, -1, -1, 2, 3], [4, -1, -1, 5, 6]]
    assert torch.equal(relaid(with_part, {"a": 1, "b": 2, "c": 2}, {"a": 1, "b": 0, "c": 2}), shown)


def long_item(count: int) -> tuple[FeatureMap, Course, list[FeatureMap]]:
    """Two kinds of things, in stretches of their own in every part."""
    maps = [window(n) for n in range(count)]
    maps = [one.with_values(torch.where(one.values[..., :1] > 0, 5.0, -5.0) + 0.01 * one.values) for one in maps]
    return (
        one_behind_the_other(maps, [of(one) for one in maps]),
        chained_course([of(one) for one in maps]),
        maps,
    )


def test_groupers_find_in_pieces_of_parts_what_they_find_at_once() -> None:
    whole, course, _ = long_item(6)
    at_once = KMeans(2, spherical=False)(whole, seeded()).labels()[0]
    for grouper in (KMeans(2, spherical=False), Plain(KMeans(2, spherical=False))):
        found = group_long(grouper, whole, course, seeded())
        assert found.places is whole.places
        pairs = torch.stack([found.labels()[0], at_once]).unique(dim=1)
        assert len(pairs.T) == 2


class Plain(AbstractGrouper):
    """Takes no long items itself."""

    def __init__(self, grouper: AbstractGrouper) -> None:
        super().__init__()
        self.grouper = grouper

    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:
        found: Segmentation = self.grouper(features, generator)
        return found


def test_part_by_part_a_long_part_is_grouped_as_it_is_alone() -> None:
    whole, course, _ = long_item(6)
    grouper = Along(ChangePoints(penalty=0.02))
    sound = whole.part("sound")
    alone = group_long(grouper, sound, course.strands["sound"].usual, seeded()).labels()[0]
    found = group_long(PartByPart(InOrder(grouper)), whole, course, seeded()).labels()[0][: len(alone)]
    assert torch.equal(found, alone)


def test_batches_of_items_that_lack_parts_are_padded_part_by_part() -> None:
    some = [window(1), window(2, "picture"), window(3, "words")]
    both = padded_features(some)
    for row, one in enumerate(some):
        for name in NAMES:
            own = one.part(name)
            assert int(both.part(name).valid[row].sum()) == own.valid.shape[1]
            assert torch.equal(both.part(name).values[row][: own.valid.shape[1]], own.values[0])
