"""Regions merge neighbours by Ward's cost, in every order of the elements, and never jump over what does not touch."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import AgglomerativeClustering
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.discovery.groupers import Regions, touching
from tests.implementations import seeded


def random_graph(elements: int, seed: int) -> tuple[Tensor, Tensor]:
    """Features, and a connected graph: a random tree with a few more edges."""
    generator = seeded(seed)
    near = torch.zeros(elements, elements, dtype=torch.bool)
    for node in range(1, elements):
        near[node, int(torch.randint(node, (1,), generator=generator))] = True
    near |= torch.rand(elements, elements, generator=generator) < 0.1
    near.fill_diagonal_(False)
    return torch.randn(elements, 3, generator=generator), near | near.T


def features_of(points: Tensor, near: Tensor, padding: int = 0) -> FeatureMap:
    """One item, padded with junk that touches everything."""
    elements = len(points)
    values = torch.full((1, elements + padding, points.shape[1]), 7.0)
    values[0, :elements] = points
    joined = torch.ones(1, elements + padding, elements + padding, dtype=torch.bool)
    joined[0, :elements, :elements] = near
    return FeatureMap(values, torch.arange(elements + padding)[None] < elements, neighbours=joined)


def labels_of(grouper: Regions, features: FeatureMap) -> list[int]:
    found: list[int] = grouper(features, torch.Generator()).labels()[0].tolist()
    return found


def by_hand(points: Tensor, near: Tensor, penalty: float, objects: int) -> list[int]:
    """The definition: merge the cheapest pair of touching regions, costs from means, until it costs too much."""
    centred = (points - points.mean(dim=0)).double()
    bound = penalty * float(centred.square().sum() / len(points))
    regions = [[element] for element in range(len(points))]

    def cost(pair: tuple[int, int]) -> float:
        one, two = (regions[place] for place in pair)
        apart = (centred[one].mean(dim=0) - centred[two].mean(dim=0)).square().sum()
        return float(len(one) * len(two) / (len(one) + len(two)) * apart)

    while True:
        pairs = [
            (one, two)
            for one, two in combinations(range(len(regions)), 2)
            if bool(near[regions[one]][:, regions[two]].any())
        ]
        if not pairs:
            break
        best = min(pairs, key=cost)
        if cost(best) > bound and len(regions) <= objects:
            break
        regions[best[0]] += regions.pop(best[1])
    ordered = sorted(map(sorted, regions))
    return [
        next(number for number, region in enumerate(ordered) if element in region) for element in range(len(points))
    ]


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 14), st.integers(0, 1000), st.floats(0.1, 4.0), st.integers(1, 14))
def test_regions_are_those_of_the_definition(elements: int, seed: int, penalty: float, objects: int) -> None:
    points, near = random_graph(elements, seed)
    assert labels_of(Regions(penalty, objects), features_of(points, near, padding=2))[:elements] == by_hand(
        points, near, penalty, objects
    )


@pytest.mark.parametrize("seed", range(5))
def test_a_given_number_of_regions_agrees_with_scikit_learn(seed: int) -> None:
    points, near = random_graph(20, seed)
    theirs = AgglomerativeClustering(5, connectivity=near.numpy(), linkage="ward").fit_predict(points.numpy())
    ours = labels_of(Regions(penalty=0.0, objects=5), features_of(points, near))
    assert len({(a, int(b)) for a, b in zip(ours, theirs, strict=True)}) == 5 == len(set(ours))


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_elements_does_not_matter(seed: int) -> None:
    points, near = random_graph(15, seed)
    order = torch.randperm(15, generator=seeded(seed))
    before = torch.tensor(labels_of(Regions(1.0), features_of(points, near)))[order]
    after = labels_of(Regions(1.0), features_of(points[order], near[order][:, order], padding=3))[:15]
    assert len(set(zip(before.tolist(), after, strict=True))) == len(set(after)) == len(set(before.tolist()))


def test_regions_stay_in_one_piece_and_apart_from_what_they_do_not_touch() -> None:
    alike = torch.zeros(6, 2)
    near = torch.zeros(6, 6, dtype=torch.bool)
    near[0, 1] = near[1, 0] = near[3, 4] = near[4, 3] = True
    assert labels_of(Regions(1.0), features_of(alike, near)) == [0, 0, 1, 2, 2, 3]
    assert len(set(labels_of(Regions(1.0, objects=2), features_of(alike, near)))) == 2, "the bound holds all the same"


def test_cells_of_a_grid_touch_along_its_axes() -> None:
    grid = Grid.uniform((2, 3), (1.0, 1.0))
    image = torch.tensor([[0.0, 0.0, 9.0], [0.0, 9.0, 9.0]]).view(1, 6, 1)
    features = FeatureMap(image, torch.ones(1, 6, dtype=torch.bool), grid)
    assert touching(features)[0].sum(dim=1).tolist() == [2, 3, 2, 2, 3, 2]
    assert labels_of(Regions(0.5), features) == [0, 0, 1, 0, 1, 1]


def test_a_set_without_neighbours_is_refused() -> None:
    with pytest.raises(ValueError, match=r"FeatureMap\.neighbours"):
        Regions()(FeatureMap(torch.zeros(1, 3, 2), torch.ones(1, 3, dtype=torch.bool)), torch.Generator())


def test_neighbours_travel_with_the_features() -> None:
    points, near = random_graph(6, 0)
    features = features_of(points, near)
    moved = features.with_values(torch.zeros(1, 6, 1)).to("cpu")
    assert moved.neighbours is not None
    assert np.array_equal(moved.neighbours[0], near)


def test_regions_that_stand_for_several_elements_merge_as_these_do_at_wards_cost() -> None:
    """Pairs of equal elements merge first at no cost; merging the pairs as regions of size two goes on from there."""
    items = torch.randn(1, 5, 3, generator=seeded(4))
    path = torch.diag(torch.ones(4), 1)[None] > 0
    sizes = torch.tensor([[2.0, 1.0, 3.0, 1.0, 2.0]])
    regions = FeatureMap(items, torch.ones(1, 5, dtype=torch.bool), None, path | path.mT, sizes)
    owner = torch.arange(5).repeat_interleave(sizes[0].long())
    long = torch.diag(torch.ones(len(owner) - 1), 1)[None] > 0
    elements = FeatureMap(items[:, owner], torch.ones(1, len(owner), dtype=torch.bool), None, long | long.mT)
    for penalty in (0.2, 1.0, 3.0):
        grouper = Regions(penalty)
        found, expected = (grouper(one, seeded()).labels()[0] for one in (regions, elements))
        assert found[owner].tolist() == expected.tolist()
