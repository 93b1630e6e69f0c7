"""Merging by likeness: the greedy merges of a naive loop, and regions that are grouped in place of elements."""

from typing import Any, final

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gestalt.core.data.cut import cut, valid_on
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.resampling import averaged, refined
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import (
    AbstractGrouper,
    ChangePoints,
    MergeAlike,
    Regions,
    merge_alike,
    regions,
)
from gestalt.core.discovery.regions import AbstractOverSegmentation, FineGroups, FineSegments, GroupRegions
from gestalt.core.networks.encoder import Identity, Network
from tests.implementations import seeded
from tests.test_groupers import same_partition


def graph(elements: int, seed: int, dim: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    """Vectors, a random symmetric neighbourhood without loops, and sizes."""
    generator = seeded(seed)
    near = torch.rand(elements, elements, generator=generator) < 0.4
    near = (near | near.T) & ~torch.eye(elements, dtype=torch.bool)
    return torch.randn(elements, dim, generator=generator), near, torch.randint(1, 9, (elements,), generator=generator)


def naive(vectors: Tensor, near: Tensor, sizes: Tensor, threshold: float, objects: int) -> list[int]:
    """The two alike neighbours merge, one pair after the other; too many merge at any distance."""
    groups = [[i] for i in range(len(vectors))]

    def mean(group: list[int]) -> Tensor:
        total = torch.zeros(vectors.shape[1])
        for i in group:
            total += vectors[i] * sizes[i]
        return total / float(sizes[group].sum())

    while len(groups) > 1:
        pairs = []
        for a in range(len(groups)):
            for b in range(a + 1, len(groups)):
                apart = 1 - float(torch.cosine_similarity(mean(groups[a]), mean(groups[b]), dim=0))
                joined = any(bool(near[i, j]) for i in groups[a] for j in groups[b])
                pairs.append((apart if joined else apart + 4, a, b))
        least, a, b = min(pairs)
        if least >= threshold and len(groups) <= objects:
            break
        groups[a] += groups.pop(b)
    return [next(k for k, group in enumerate(groups) if i in group) for i in range(len(vectors))]


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 9), st.integers(0, 10_000), st.floats(0.05, 1.5), st.integers(1, 9))
def test_merges_are_those_of_a_naive_loop(elements: int, seed: int, threshold: float, objects: int) -> None:
    vectors, near, sizes = graph(elements, seed)
    valid = torch.ones(1, elements, dtype=torch.bool)
    features = FeatureMap(vectors[None], valid, neighbours=near[None], sizes=sizes[None].float())
    found = MergeAlike(threshold, objects)(features, seeded()).labels()[0]
    assert same_partition(found, torch.tensor(naive(vectors, near, sizes, threshold, objects)))


def test_items_of_a_batch_merge_as_they_do_alone() -> None:
    items = [graph(elements, seed) for seed, elements in enumerate((5, 9, 1, 7))]
    values, valid = torch.full((4, 9, 3), torch.nan), torch.zeros(4, 9, dtype=torch.bool)
    near, sizes = torch.zeros(4, 9, 9, dtype=torch.bool), torch.full((4, 9), torch.nan)
    for row, (vectors, joined, own) in enumerate(items):
        n = len(vectors)
        values[row, :n], valid[row, :n], near[row, :n, :n], sizes[row, :n] = vectors, True, joined, own.float()
    grouper = MergeAlike(0.4, 9)
    together = grouper(FeatureMap(values, valid, neighbours=near, sizes=sizes), seeded()).labels()
    for row, (vectors, joined, own) in enumerate(items):
        one = FeatureMap(vectors[None], valid[row : row + 1, : len(vectors)], None, joined[None], own[None].float())
        assert together[row, : len(vectors)].tolist() == grouper(one, seeded()).labels()[0].tolist()


class Given(AbstractOverSegmentation):
    """Fine segments that are at hand."""

    def __init__(self, labels: Tensor, grid: Grid | None) -> None:
        self.labels, self.grid = labels, grid

    def look(self, data: Any, features: FeatureMap) -> FineSegments:  # noqa: ARG002
        return FineSegments(self.labels, self.grid)

    def cut(self, features: FeatureMap, seen: Any, generator: torch.Generator, window: Any = None) -> FineSegments:  # noqa: ARG002
        return self.look(None, features)


def plane(seed: int = 0, rows: int = 4, columns: int = 5, step: float = 2.0) -> FeatureMap:
    grid = Grid.uniform((rows, columns), (step, step))
    values = torch.randn(2, rows * columns, 3, generator=seeded(seed))
    valid = torch.ones(2, rows, columns, dtype=torch.bool)
    valid[1, 3:], valid[1, :, 3:] = False, False
    return FeatureMap(values, valid.flatten(1), grid)


def test_regions_have_the_means_of_their_elements_their_sizes_and_who_touches_whom() -> None:
    features = plane()
    labels = torch.randint(-1, 4, (2, 20), generator=seeded(1)).masked_fill(~features.valid, -1)
    regions = GroupRegions(Given(labels, features.grid), unit=False)
    found = regions.pooled(features, regions.fine(features, None, seeded()))
    assert found.neighbours is not None
    assert found.sizes is not None
    for item in range(2):
        lattice = labels[item].view(4, 5)
        for k in range(4):
            own = labels[item] == k
            assert found.sizes[item, k] == own.sum()
            assert bool(found.valid[item, k]) == bool(own.any())
            if bool(own.any()):
                torch.testing.assert_close(found.values[item, k], features.values[item][own].mean(dim=0))
            for m in range(4):
                down = (lattice[1:] == k) & (lattice[:-1] == m) | (lattice[1:] == m) & (lattice[:-1] == k)
                across = (lattice[:, 1:] == k) & (lattice[:, :-1] == m) | (lattice[:, 1:] == m) & (lattice[:, :-1] == k)
                assert bool(found.neighbours[item, k, m]) == (k != m and bool(down.any() | across.any()))


def test_no_element_of_a_region_counts_for_more_because_its_vector_is_longer() -> None:
    features = plane()
    labels = torch.where(features.valid, torch.arange(20) % 3, -1)
    longer = features.with_values(features.values * torch.linspace(0.5, 9.0, 20)[:, None])
    for unit in (True, False):
        regions = GroupRegions(Given(labels, features.grid), unit)
        one, other = (regions.pooled(some, regions.fine(some, None, seeded())).values for some in (features, longer))
        assert torch.allclose(one, other, atol=1e-5) == unit


def test_regions_of_a_set_touch_where_their_elements_are_joined() -> None:
    near = torch.zeros(1, 5, 5, dtype=torch.bool)
    near[0, 1, 2] = near[0, 2, 1] = near[0, 3, 4] = near[0, 4, 3] = True
    features = FeatureMap(torch.ones(1, 5, 2), torch.ones(1, 5, dtype=torch.bool), neighbours=near)
    regions = GroupRegions(Given(torch.tensor([[0, 0, 1, 2, -1]]), None))
    found = regions.pooled(features, regions.fine(features, None, seeded()))
    assert found.neighbours is not None
    assert found.neighbours[0].nonzero().tolist() == [[0, 1], [1, 0]]


def test_a_finder_with_regions_keeps_the_outlines_of_the_data() -> None:
    """Features in cells of 2 × 2, fine segments in pixels: the border runs between two pixels of one cell."""
    values = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]])
    features = FeatureMap(values, torch.ones(1, 4, dtype=torch.bool), Grid.uniform((1, 4), (2.0, 2.0)))
    pixels = torch.tensor([[0, 0, 0, 1, 1, 1, 1, 2], [0, 0, 0, 1, 1, 1, 1, 2]]).view(1, 16)
    finder = ObjectFinder(
        MergeAlike(0.3), "hidden", regions=GroupRegions(Given(pixels, Grid.uniform((2, 8), (1.0, 1.0))))
    )
    found = finder.find(Network(Identity(2)), features)
    assert found.labels().view(2, 8)[0].tolist() == [0, 0, 0, 0, 0, 0, 0, 1]
    assert averaged(found, features).weights[0, 1].tolist() == [0.0, 0.0, 0.0, 0.5]


def test_the_networks_of_fine_segments_move_with_the_finder() -> None:
    grouper = ChangePoints()
    finder = ObjectFinder(MergeAlike(), regions=GroupRegions(FineGroups(grouper)))
    assert finder.plain_networks() == [grouper]
    assert isinstance(grouper, nn.Module)


def test_refined_features_are_interpolated_among_an_items_own_elements_alone() -> None:
    features = plane()
    fine = refined(features, Grid.uniform((8, 10), (1.0, 1.0)))
    own = features.values[1].view(4, 5, 3)[:3, :3]
    alone = FeatureMap(own.reshape(1, 9, 3), torch.ones(1, 9, dtype=torch.bool), Grid.uniform((3, 3), (2.0, 2.0)))
    expected = refined(alone, Grid.uniform((6, 6), (1.0, 1.0))).values.view(6, 6, 3)
    torch.testing.assert_close(fine.values[1].view(8, 10, 3)[:6, :6], expected)
    assert fine.valid[1].view(8, 10).nonzero().amax(dim=0).tolist() == [5, 5]
    maps = features.values[0].T.view(1, 3, 4, 5)
    upsampled = nn.functional.interpolate(maps, scale_factor=2, mode="bilinear")[0].flatten(1).T
    torch.testing.assert_close(fine.values[0], upsampled, rtol=1e-4, atol=1e-5)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(0, 1000))
def test_averaging_what_was_spread_evenly_gives_it_back(rows: int, columns: int, finer: int, seed: int) -> None:
    labels = torch.randint(-1, 3, (1, rows, columns), generator=seeded(seed))
    fine = labels.repeat_interleave(finer, 1).repeat_interleave(finer, 2).flatten(1)
    grid = Grid.uniform((rows * finer, columns * finer), (1.0, 1.0))
    cells = FeatureMap(
        torch.zeros(1, rows * columns, 1),
        torch.ones(1, rows * columns, dtype=torch.bool),
        Grid.uniform((rows, columns), (float(finer), float(finer))),
    )
    found = averaged(Segmentation.from_labels(fine, 3, grid), cells)
    assert torch.equal(found.labels(), labels.flatten(1))
    torch.testing.assert_close(found.weights.sum(dim=1), (labels >= 0).float().flatten(1))


def test_cells_finer_than_the_segments_take_what_lies_under_their_centre() -> None:
    coarse = Segmentation.from_labels(torch.tensor([[0, 1]]), 2, Grid.uniform((2,), (2.0,)))
    fine = FeatureMap(torch.zeros(1, 4, 1), torch.ones(1, 4, dtype=torch.bool), Grid.uniform((4,), (1.0,)))
    assert averaged(coarse, fine).labels().tolist() == [[0, 0, 1, 1]]


def test_segments_are_cut_to_every_item_on_their_own_lattice() -> None:
    features, grid = plane(), Grid.uniform((8, 10), (1.0, 1.0))
    assert int(valid_on(features, grid)[1].sum()) == 36
    labels = torch.randint(0, 3, (2, 80), generator=seeded(3))
    whole, part = cut(Segmentation.from_labels(labels, 3, grid), features)
    assert whole is not None
    assert part is not None
    assert part.grid is not None
    assert torch.equal(whole.labels, labels[0])
    assert part.grid.shape == (6, 6)
    assert torch.equal(part.labels.view(6, 6), labels[1].view(8, 10)[:6, :6])
    assert cut(Segmentation.whole_items(2), features) == [None, None]


@pytest.mark.parametrize("threshold", [-0.1, 2.1])
def test_thresholds_are_cosine_distances(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        MergeAlike(threshold)


@final
class Largest(TorchDispatchMode):
    """Keeps how many numbers the largest tensor has that is made within it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        self.numbers = max([self.numbers, *(one.numel() for one in tree_leaves(found) if isinstance(one, Tensor))])
        return found


@pytest.mark.parametrize("grouper", [MergeAlike(0.3, 8), Regions(0.5, 8)], ids=["alike", "regions"])
def test_memory_grows_with_the_elements_where_few_of_them_touch(grouper: AbstractGrouper) -> None:
    side = 24
    blocks = torch.randn(3, 3, 4, generator=seeded()).repeat_interleave(8, 0).repeat_interleave(8, 1)
    values = blocks.flatten(0, 1)[None] + 0.01 * torch.randn(1, side * side, 4, generator=seeded(1))
    grid = Grid.uniform((side, side), (1.0, 1.0))
    features = FeatureMap(values, torch.ones(1, side * side, dtype=torch.bool), grid)
    with Largest() as seen:
        labels = grouper(features, seeded()).labels()[0]
    assert seen.numbers <= 8 * side * side  # the weights of the objects; N² are 72 times as many
    assert len(labels.unique()) == 8  # of nine blocks the two that are most alike are one


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 14), st.integers(0, 10_000), st.floats(0.0, 1.0), st.integers(1, 14))
def test_few_elements_merge_on_a_gpu_as_they_do_pair_by_pair(
    elements: int, seed: int, joined: float, objects: int
) -> None:
    """All pairs at once give what a queue of the pairs that touch gives, also where there are too many regions."""
    values = torch.randn(2, elements, 3, generator=seeded(seed))
    chance = torch.rand(2, elements, elements, generator=seeded(seed + 1)).triu(1)
    near = (chance > 1 - joined) | (chance > 1 - joined).mT
    features = FeatureMap(values, torch.arange(elements) < torch.tensor([[elements], [elements - 1]]), neighbours=near)
    for grouper in (MergeAlike(0.4, objects), Regions(0.5, objects)):
        apart = grouper(features, seeded()).labels()
        with pytest.MonkeyPatch.context() as patch:
            for module in (merge_alike, regions):
                patch.setattr(module, "at_once", lambda _: True)
            assert torch.equal(grouper(features, seeded()).labels(), apart)
