"""What stands between features and objects: plain features beside learned ones, background, one axis of several."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.fewer_axes import on_axes_of
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.background import RemoveBackground, median_of
from gestalt.core.discovery.concat_features import ConcatFeatures, centred, standardised
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import Along, ChangePoints, KMeans, MergeAlike, along_first_axis
from gestalt.core.discovery.quiet_background import AlikeQuiet, dividing
from gestalt.core.discovery.regions import FineGroups, GroupRegions
from gestalt.core.networks.encoder import Identity, Network
from tests.implementations import feature_map, seeded


def line(values: Tensor) -> FeatureMap:
    """One item of shape (elements, dim) on a lattice of unit cells."""
    grid = Grid.uniform((len(values),), (1.0,))
    return FeatureMap(values[None], torch.ones(1, len(values), dtype=torch.bool), grid)


def test_plain_and_learned_features_agree_with_the_formula_item_by_item() -> None:
    items = [torch.randn(n, 4, generator=seeded(n)) for n in (5, 8)]
    plain = [torch.randn(n, 3, generator=seeded(10 + n)) for n in (5, 8)]
    learned, beside = feature_map(items, on_grid=True), feature_map(plain, on_grid=True)
    result = ConcatFeatures(lambda _: beside, weight=0.7)(learned, None)
    for row, (x, y) in enumerate(zip(plain, items, strict=True)):
        unit = y / y.norm(dim=1, keepdim=True)
        unit = unit - unit.mean(dim=0)
        unit = unit / unit.square().sum(dim=1).mean().sqrt()
        left = (x - x.mean(dim=0)) / x.std(dim=0, correction=0) / 3**0.5
        expected = torch.cat([left, 0.7 * unit], dim=1)
        assert torch.allclose(result.values[row, : len(x)], expected, atol=1e-5)
        assert bool((result.values[row, len(x) :] == 0).all())


def test_plain_features_of_weight_one_each_have_mean_square_one() -> None:
    features = line(torch.randn(50, 6, generator=seeded()))
    assert float(standardised(features).square().mean()) == pytest.approx(1.0, abs=1e-4)
    assert float(centred(features).mean(dim=1).abs().max()) < 1e-6


def test_features_are_looked_up_under_the_centres_of_other_elements() -> None:
    coarse = FeatureMap(torch.tensor([[[1.0], [2.0]]]), torch.ones(1, 2, dtype=torch.bool), Grid.uniform((2,), (1.0,)))
    fine = FeatureMap(torch.zeros(1, 5, 1), torch.ones(1, 5, dtype=torch.bool), Grid.uniform((5,), (0.5,)))
    assert coarse.on_elements_of(fine, missing=-1.0).flatten().tolist() == [1, 1, 2, 2, -1]
    assert torch.equal(coarse.on_elements_of(coarse), coarse.values)


def test_features_on_a_grid_and_of_a_set_cannot_be_concatenated() -> None:
    on_grid, as_set = line(torch.zeros(3, 1)), FeatureMap(torch.zeros(1, 3, 1), torch.ones(1, 3, dtype=torch.bool))
    with pytest.raises(ValueError, match="both must lie on a grid, or be sets of the same elements"):
        on_grid.on_elements_of(as_set)


def test_vectors_of_more_axes_are_refused_where_there_are_fewer_and_their_means_have_none_too_many() -> None:
    fine = FeatureMap(
        torch.arange(6.0)[None, :, None], torch.ones(1, 6, dtype=torch.bool), Grid.uniform((2, 3), (1.0, 1.0))
    )
    moments = line(torch.zeros(2, 1))
    with pytest.raises(
        ValueError, match=r"lattice of \(2, 3\) cannot be looked up on one of \(2,\), which has fewer axes"
    ):
        fine.on_elements_of(moments)
    assert on_axes_of(fine, moments).on_elements_of(moments).flatten().tolist() == [1.0, 4.0]
    for same in (moments, FeatureMap(torch.zeros(1, 3, 1), torch.ones(1, 3, dtype=torch.bool))):
        assert on_axes_of(same, fine) is same


def test_the_median_is_over_what_is_chosen_of_each_item() -> None:
    values, chosen = torch.randn(5, 9, 3, generator=seeded(2)), torch.rand(5, 9, generator=seeded(3)) < 0.5
    chosen[0], chosen[2], chosen[2, 4] = False, False, True
    assert int(chosen.sum(dim=1).max()) < 9
    values[3][~chosen[3]] = torch.nan  # what is not chosen may be anything
    found = median_of(values, chosen)
    for item in range(5):
        rows = values[item][chosen[item]]
        expected = rows.sort(dim=0).values[(len(rows) - 1) // 2] if len(rows) else torch.zeros(3)
        assert torch.equal(found[item, 0], expected)
    assert torch.equal(median_of(values[:1], chosen[:1]), torch.zeros(1, 1, 3))
    assert torch.equal(median_of(values[:1], ~chosen[:1]), values[:1].median(dim=1, keepdim=True).values)


def scene() -> tuple[FeatureMap, Segmentation]:
    """Background with a loud and a soft stretch in it, as three objects; the first feature is the loudness."""
    values = 0.1 * torch.randn(30, 4, generator=seeded(3))
    values[10:15] += torch.tensor([5.0, 3.0, 0.0, 0.0])
    values[20:24] += torch.tensor([2.0, 0.0, 4.0, 0.0])
    labels = torch.zeros(1, 30, dtype=torch.long)
    labels[0, 10:15], labels[0, 20:24] = 1, 2
    features = line(values)
    return features, Segmentation.from_labels(labels, 3, features.grid)


def test_the_foreground_is_what_differs_from_the_least_salient_elements() -> None:
    features, segments = scene()
    loudness = features.with_values(features.values[..., :1])
    found = RemoveBackground(lambda _: loudness)(segments, features, None).labels()[0]
    expected = torch.full((30,), -1)
    expected[10:15], expected[20:24] = 1, 2
    assert torch.equal(found, expected)


def test_the_foreground_does_not_depend_on_padding() -> None:
    features, segments = scene()
    pad = torch.nn.functional.pad
    padded = FeatureMap(
        pad(features.values, (0, 0, 0, 9), value=7.0), pad(features.valid, (0, 9)), Grid.uniform((39,), (1.0,))
    )
    wider = Segmentation(pad(segments.weights, (0, 9)), padded.grid, segments.whole)
    loud = RemoveBackground(lambda data: data.with_values(data.values[..., :1]))
    alone, joint = loud(segments, features, features), loud(wider, padded, padded)
    assert torch.equal(alone.labels(), joint.labels()[:, :30])


def test_grouping_along_an_axis_gives_all_elements_there_the_same_object() -> None:
    grid = Grid.uniform((8, 3), (1.0, 1.0))
    values = torch.randn(2, 24, 5, generator=seeded(1)) + 6 * (torch.arange(24) >= 12)[None, :, None]
    valid = torch.ones(2, 24, dtype=torch.bool)
    valid[1, 18:] = False
    features = FeatureMap(values, valid, grid)
    labels = Along(KMeans(2, spherical=False))(features, seeded()).labels().view(2, 8, 3)
    assert bool((labels == labels[:, :, :1]).all())
    assert labels[0, 0, 0] != labels[0, 7, 0]
    assert bool((labels[1, 6:] == -1).all())


def test_along_one_axis_the_grouper_is_itself() -> None:
    features = line(torch.randn(12, 3, generator=seeded()))
    ours, theirs = (grouper(features, seeded()) for grouper in (Along(KMeans(3)), KMeans(3)))
    assert torch.equal(ours.weights, theirs.weights)
    assert along_first_axis(features) is features


def test_averages_along_an_axis_leave_padding_out() -> None:
    valid = torch.tensor([[True, False, True, True]])
    features = FeatureMap(torch.tensor([[[1.0], [9.0], [3.0], [5.0]]]), valid, Grid.uniform((2, 2), (1.0, 1.0)))
    assert along_first_axis(features).values.flatten().tolist() == [1.0, 4.0]


def test_objects_that_were_learned_to_be_like_the_quiet_part_are_background() -> None:
    """The quiet quarter points along one axis, whatever its length; a loud stretch that points there goes with it."""
    directions = torch.tensor([[1.0, 0.0]] * 8 + [[0.0, 1.0]] * 4 + [[0.9, 0.2]] * 4)
    loud = torch.tensor([1.0] * 8 + [5.0] * 8)
    learned, loudness = line(directions * loud[:, None]), line(loud[:, None])
    labels = torch.tensor([[0] * 8 + [1] * 4 + [2] * 4])
    found = AlikeQuiet(lambda _: loudness, quiet=0.25, reach=0.4)(
        Segmentation.from_labels(labels, 3, learned.grid), learned, None
    )
    assert found.labels().tolist() == [[-1] * 8 + [1] * 4 + [-1] * 4]
    apart = 1 - 0.9 / (0.9**2 + 0.2**2) ** 0.5
    for reach, kept in ((apart * 0.99, 2), (apart * 1.01, -1)):
        one = AlikeQuiet(lambda _: loudness, reach=reach)(
            Segmentation.from_labels(labels, 3, learned.grid), learned, None
        )
        assert one.labels()[0, -1] == kept


def test_what_is_not_louder_than_the_quiet_part_in_any_number_is_background_whatever_was_learned_of_it() -> None:
    learned = line(torch.eye(4).repeat_interleave(4, dim=0))
    bands = torch.tensor([[0.0, 2.0], [0.2, 2.2], [0.5, 2.0], [0.1, 2.5]]).repeat_interleave(4, dim=0)
    loudness = line(bands)
    labels = torch.arange(4).repeat_interleave(4)[None]
    segmentation = Segmentation.from_labels(labels, 4, learned.grid)

    def kept(above: float | None) -> list[int]:
        found = AlikeQuiet(lambda _: loudness, quiet=0.25, reach=0.4, above=above)(segmentation, learned, None)
        return sorted(set(found.labels()[0].tolist()) - {-1})

    assert kept(None) == [1, 2, 3]
    assert kept(0.15) == [1, 2, 3]
    assert kept(0.3) == [2, 3]
    assert kept(0.6) == []


def naive_division(values: list[float]) -> float:
    """The cut at which the squared distances from the two means have the least sum; the first of several."""
    values = sorted(values)
    if len(values) == 1:
        return values[0]

    def within(part: list[float]) -> float:
        mean = sum(part) / len(part)
        return sum((value - mean) ** 2 for value in part)

    sums = [within(values[:cut]) + within(values[cut:]) for cut in range(1, len(values))]
    cut = min(range(len(sums)), key=lambda place: round(sums[place], 9)) + 1
    return (values[cut - 1] + values[cut]) / 2


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.integers(-50, 50), min_size=1, max_size=9, unique=True), min_size=1, max_size=4))
def test_items_are_divided_where_two_classes_vary_least(rows: list[list[int]]) -> None:
    features = FeatureMap.padded([torch.tensor(row, dtype=torch.float32)[:, None] for row in rows])
    values = torch.where(features.valid, features.values[..., 0], torch.inf)  # what is padding may hold anything
    found = dividing(values, features.valid)
    for row, threshold in zip(rows, found.tolist(), strict=True):
        exact = [float(value) for value in row]
        assert _within(exact, threshold) == pytest.approx(_within(exact, naive_division(exact)), abs=1e-3)
    assert dividing(torch.zeros(1, 3), torch.zeros(1, 3, dtype=torch.bool)).tolist() == [0.0]
    assert dividing(torch.zeros(2, 0), torch.zeros(2, 0, dtype=torch.bool)).tolist() == [0.0, 0.0]
    assert dividing(torch.full((1, 3), 7.0), torch.ones(1, 3, dtype=torch.bool)).tolist() == [7.0]


def _within(values: list[float], threshold: float) -> float:
    parts = [[value for value in values if (value <= threshold) == below] for below in (True, False)]
    return sum(sum((value - sum(part) / len(part)) ** 2 for value in part) for part in parts if part)


def test_an_item_says_itself_how_loud_its_objects_are_at_least_so_much() -> None:
    learned = line(torch.eye(4).repeat_interleave(4, dim=0))
    segmentation = Segmentation.from_labels(torch.arange(4).repeat_interleave(4)[None], 4, learned.grid)

    def kept(levels: list[float], above: float) -> list[int]:
        loudness = line(torch.tensor(levels).repeat_interleave(4)[:, None])
        remover = AlikeQuiet(lambda _: loudness, quiet=0.25, reach=0.0, above=above, divided=True)
        return sorted(set(remover(segmentation, learned, None).labels()[0].tolist()) - {-1})

    assert kept([0.0, 1.0, 9.0, 8.0], above=0.5) == [2, 3], "four and a half divides them"
    assert kept([0.0, 0.1, 0.9, 0.8], above=0.5) == [2, 3]
    assert kept([0.0, 0.1, 0.9, 0.8], above=0.85) == [2]
    assert kept([0.0, 0.1, 0.4, 0.3], above=0.5) == [], "all of it is quiet"
    with pytest.raises(ValueError, match=r"divided=True.*got above=None"):
        AlikeQuiet(lambda _: learned, divided=True)


def test_background_between_two_events_parts_them_where_fine_segments_are_judged() -> None:
    """Both events and the moment between them are alike to the network, and the moment is quiet."""
    learned = line(torch.tensor([[1.0, 0.0]]).repeat(12, 1))
    loudness = line(torch.tensor([0.0, 0.0, 5.0, 5.0, 5.0, 0.1, 0.1, 5.0, 5.0, 5.0, 0.0, 0.0])[:, None])
    cuts = FineGroups(ChangePoints(0.01, standardise=False), ConcatFeatures(lambda _: loudness, 0.0))
    finder = ObjectFinder(
        MergeAlike(0.5),
        "hidden",
        AlikeQuiet(lambda _: loudness, quiet=0.25, reach=0.0, above=1.0),
        regions=GroupRegions(cuts),
    )
    network = Network(Identity(dim=2))
    assert finder.find(network, learned).labels().tolist() == [[0] * 12]
    apart = replace(finder, background_of="regions")
    assert apart.find(network, learned).labels().tolist() == [[-1, -1, 0, 0, 0, -1, -1, 1, 1, 1, -1, -1]]
    assert replace(apart, background=None).find(network, learned).labels().tolist() == [[0] * 12]
    elements = replace(apart, regions=None, grouper=ChangePoints(0.01, standardise=False))
    found = elements.find(network, loudness).labels()
    assert torch.equal(found, replace(elements, background_of="objects").find(network, loudness).labels())
    assert found[0, 0] == found[0, 5] == -1 != found[0, 2], "without fine segments, objects are judged"


def test_the_background_of_finer_segments_is_judged_by_the_elements_below_them() -> None:
    learned = line(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]))
    loudness = line(torch.tensor([[0.0], [0.0], [1.0], [1.0]]))
    fine = Segmentation.from_labels(torch.tensor([[0, 0, 0, 1, 1, 1, 1, 1]]), 2, Grid.uniform((8,), (0.5,)))
    found = AlikeQuiet(lambda _: loudness, quiet=0.5)(fine, learned, None)
    assert found.labels().tolist() == [[-1, -1, -1, 1, 1, 1, 1, 1]]
