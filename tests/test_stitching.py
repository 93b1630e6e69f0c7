"""Items longer than a grouper is made for: pieces are grouped, and nothing shows where they begin."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.discovery.concat_features import centred
from gestalt.core.discovery.groupers import Along, ChangePoints, InOrder, KMeans
from gestalt.core.discovery.groupers.long import begins_of, group_long
from gestalt.core.discovery.groupers.stitching import Stitched, junction
from tests.implementations import GROUPERS, seeded


def steps(lengths: list[int], seed: int = 0, noise: float = 0.1) -> Tensor:
    """Stretches of some lengths, each about a point of its own."""
    generator = seeded(seed)
    points = 3 * torch.randn(len(lengths), 4, generator=generator)
    return torch.cat([point + noise * torch.randn(n, 4, generator=generator) for point, n in zip(points, lengths)])  # noqa: B905


def one(values: Tensor, in_set: bool = False) -> FeatureMap:
    grid = None if in_set else Grid.uniform((len(values),), (0.5,))
    return FeatureMap(values[None], torch.ones(1, len(values), dtype=torch.bool), grid)


@pytest.mark.parametrize("name", [name for name, case in GROUPERS.items() if case.ordered])
def test_every_grouper_of_sequences_takes_items_of_any_length(name: str) -> None:
    case = GROUPERS[name]
    for cells in (12, 13, 40, 101):
        features = one(steps([3] * 40)[:cells], case.in_set)
        grouper = case.build(4)
        found = group_long(grouper, features, 12, seeded(1))
        assert found.weights.shape[2] == cells
        assert torch.allclose(found.weights.sum(dim=1), torch.ones(1, cells))
        if cells == 12 and name != "change points":
            assert torch.equal(found.labels(), grouper(features, seeded(1)).labels())
        labels = found.labels()[0]
        assert len(labels.unique()) <= 2 * 4 * (cells // 6)
        assert labels.unique().tolist() == list(range(len(labels.unique())))


def exact_cuts(features: FeatureMap, penalty: float, window: int) -> list[int]:
    """The optimal cuts of a whole item by a plain loop, each at the same price everywhere."""
    x = centred(features)[0].double()
    price = penalty * float(x.square().sum()) / len(x) * min(window, len(x))
    best, begin = [0.0], [0]
    for end in range(1, len(x) + 1):
        costs = []
        for start in range(end):
            part = x[start:end]
            costs.append(best[start] + float((part - part.mean(dim=0)).square().sum()) + price)
        begin.append(min(range(end), key=costs.__getitem__))
        best.append(costs[begin[-1]])
    cuts, end = list[int](), len(x)
    while end > 0:
        end = begin[end]
        cuts.append(end)
    return cuts[::-1]


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(2, 40), min_size=4, max_size=12), st.integers(0, 99))
def test_change_points_of_a_long_item_are_the_exact_ones(lengths: list[int], seed: int) -> None:
    features = one(steps(lengths, seed))
    found = ChangePoints(penalty=0.03, objects=20, standardise=False).group_long(features, 25, seeded()).labels()[0]
    cuts = [0, *((found[1:] != found[:-1]).nonzero()[:, 0] + 1).tolist()]
    assert cuts == exact_cuts(features, 0.03, 25)


def test_a_stretch_longer_than_many_pieces_stays_one() -> None:
    features = one(steps([9, 200, 7, 3, 120, 5]))
    found = ChangePoints(penalty=0.05, objects=8).group_long(features, 16, seeded()).labels()[0]
    assert found.unique_consecutive(return_counts=True)[1].tolist() == [9, 200, 7, 3, 120, 5]
    assert found.unique_consecutive().tolist() == [0, 1, 2, 3, 4, 5]


def test_objects_along_the_first_axis_and_in_the_order_of_a_set_are_found_in_long_items_too() -> None:
    values = steps([9, 50, 30])
    grouper = ChangePoints(penalty=0.05, objects=8)
    plain = group_long(grouper, one(values), 16, seeded()).labels()
    assert torch.equal(group_long(InOrder(grouper), one(values, in_set=True), 16, seeded()).labels(), plain)
    lattice = Grid.uniform((len(values), 3), (0.5, 1.0))
    wide = FeatureMap(values.repeat_interleave(3, dim=0)[None], torch.ones(1, 3 * len(values)).bool(), lattice)
    assert torch.equal(group_long(Along(grouper), wide, 16, seeded()).labels()[0, ::3], plain[0])


def test_an_object_that_comes_again_keeps_its_number_where_pieces_show_both() -> None:
    values = torch.tensor([0.0, 0, 0, 5, 5, 5]).repeat(20)[:, None] + torch.tensor([[0.0, 1.0]])
    found = group_long(KMeans(2, spherical=False), one(values), 24, seeded()).labels()[0]
    assert len(found.unique()) == 2
    assert torch.equal(found, found[:6].repeat(20))


def test_the_later_piece_takes_over_where_both_begin_an_object() -> None:
    first, second = torch.tensor([0, 0, 1, 1, 1, 2])[:, None], torch.tensor([7, 7, 8, 8, 9, 9])[:, None]
    edge, same = junction(first, second)
    assert (edge, same) == (2, {7: 0, 8: 1, 9: 2})
    whole = Stitched()
    whole.add(first, 0)
    whole.add(torch.cat([second, torch.tensor([[9], [8]])]), 0)
    assert whole.labels.flatten().tolist() == [0, 0, 1, 1, 2, 2, 2, 1]


def test_where_no_object_begins_in_both_the_one_that_goes_on_is_one() -> None:
    whole = Stitched()
    whole.add(torch.tensor([0, 0, 0, 0, 1, 1])[:, None], 0)
    whole.add(torch.tensor([5, 5, 5, 5, 5, 5])[:, None], 2)
    assert whole.labels.flatten().tolist() == [0, 0, 0, 0, 0, 0, 0, 0]
    first, second = torch.tensor([0] * 7 + [1, 2, 3, 4, 5]), torch.tensor([1, 2, 3, 4, 5] + [9] * 7)
    edge, same = junction(first[:, None], second[:, None])  # they share little but the place where one ends the other
    assert (edge, same[9]) == (6, 0)
    nothing = Stitched()
    nothing.add(torch.full((4, 1), -1), 0)
    nothing.add(torch.full((4, 1), -1), 2)
    assert nothing.labels.flatten().tolist() == [-1] * 6


@given(st.integers(1, 60), st.integers(1, 20), st.integers(1, 20))
def test_pieces_cover_an_item_and_overlap(cells: int, length: int, step: int) -> None:
    length, step = min(length, cells), min(step, length)
    begins = begins_of(cells, length, step)
    covered = {place for begin in begins for place in range(begin, begin + length)}
    assert covered == set(range(cells))
    assert begins[0] == 0 or cells == length
    assert begins == sorted(begins)


def test_a_piece_does_not_know_what_lies_elsewhere_but_the_price_of_a_cut() -> None:
    """A cut is worth the same in a quiet part as in a loud one: what is small there is none."""
    loud, quiet = steps([10, 10, 10, 10], noise=0.05), 0.05 * torch.randn(60, 4, generator=seeded(5))
    features = one(torch.cat([loud, quiet]))
    found = ChangePoints(penalty=0.03, standardise=False).group_long(features, 20, seeded()).labels()[0]
    assert len(found[40:].unique()) == 1
