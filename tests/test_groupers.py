"""Laws 4 to 6 of every grouper, and what each promises beyond them."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans as ScikitKMeans
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.discovery.groupers import ChangePoints, Contiguous, InOrder, KMeans, lloyd
from gestalt.core.discovery.groupers.contiguous import runs
from gestalt.core.discovery.groupers.lloyd import improved, means, nearest
from tests.implementations import GROUPERS, GrouperCase, blobs, feature_map, seeded

few = settings(derandomize=True, deadline=None, max_examples=20)
every_grouper = pytest.mark.parametrize("case", GROUPERS.values(), ids=GROUPERS)


def same_partition(one: Tensor, two: Tensor) -> bool:
    """Whether two labellings group the same elements, whatever the numbers; −1 is the same on both sides."""
    together_one, together_two = one[:, None] == one, two[:, None] == two
    return torch.equal(together_one, together_two) and torch.equal(one < 0, two < 0)


@pytest.mark.parametrize("name", GROUPERS)
@few
@given(sizes=st.lists(st.integers(1, 12), min_size=1, max_size=4), objects=st.integers(1, 5), seed=st.integers(0, 999))
def test_weights_partition_the_valid_elements_and_are_zero_on_padding(
    name: str, sizes: list[int], objects: int, seed: int
) -> None:
    case = GROUPERS[name]
    items = [torch.randn(size, 3, generator=seeded(seed + row)) for row, size in enumerate(sizes)]
    features = case.features(items)
    segments = case.build(objects)(features, seeded(seed))
    assert segments.weights.shape == (len(sizes), objects, max(sizes))
    assert bool((segments.weights >= 0).all())
    torch.testing.assert_close(segments.weights.sum(dim=1), features.valid.float())
    assert not bool(segments.weights.transpose(1, 2)[~features.valid].any())
    assert not bool(segments.whole.any())


@every_grouper
def test_an_items_objects_do_not_depend_on_which_items_share_its_batch(case: GrouperCase) -> None:
    items = [blobs(18, 3, seed=1), blobs(12, 2, seed=2), blobs(7, 3, seed=3), torch.randn(15, 4, generator=seeded(9))]
    found = case.build(4)(case.features(items), seeded(5))
    together = found.labels()
    for row, item in enumerate(items):
        alone = case.build(4)(case.features([item]), seeded(5))
        if not case.soft:  # two components of a mixture may be one and the same, and equally heavy
            assert together[row, : len(item)].tolist() == alone.labels()[0].tolist()
        torch.testing.assert_close(found.weights[row, :, : len(item)], alone.weights[0], rtol=1e-3, atol=1e-3)
        assert together[row, len(item) :].eq(-1).all()
    backwards = case.build(4)(case.features(items[::-1]), seeded(5)).weights
    torch.testing.assert_close(backwards.flip(0), found.weights, rtol=1e-3, atol=1e-3)
    assert len(together[0, :18].unique()) > 1


@pytest.mark.parametrize(
    "case",
    [case for case in GROUPERS.values() if not case.ordered],
    ids=[n for n, c in GROUPERS.items() if not c.ordered],
)
@pytest.mark.parametrize("seed", range(5))
def test_objects_do_not_depend_on_the_order_of_the_elements(case: GrouperCase, seed: int) -> None:
    item = torch.randn(24, 3, generator=seeded(seed)) if case.exact else blobs(24, 4, dim=3, seed=seed)
    order = torch.randperm(24, generator=seeded(seed + 50))
    found = case.build(5)(case.features([item]), seeded(seed))
    shuffled = case.build(5)(case.features([item[order]]), seeded(seed))
    torch.testing.assert_close(shuffled.weights, found.weights[..., order], rtol=1e-3, atol=1e-3)
    labels = found.labels()
    assert len(labels.unique()) == 5 or (not case.exact and len(labels.unique()) > 1)


@every_grouper
def test_the_same_seed_gives_the_same_objects(case: GrouperCase) -> None:
    features = case.features([torch.randn(30, 4, generator=seeded(1))])
    assert torch.equal(case.build(6)(features, seeded(3)).weights, case.build(6)(features, seeded(3)).weights)


@every_grouper
def test_well_separated_stretches_are_found(case: GrouperCase) -> None:
    item = blobs(24, 3, seed=4)
    truth = torch.arange(24) * 3 // 24
    assert same_partition(case.build(3)(case.features([item]), seeded(0)).labels()[0], truth)


@every_grouper
def test_an_item_of_one_element_is_one_object(case: GrouperCase) -> None:
    labels = case.build(4)(case.features([torch.ones(1, 3), blobs(9, 3, dim=3)]), seeded()).labels()
    assert int(labels[0, 0]) >= 0
    assert labels[0, 1:].eq(-1).all()


@every_grouper
@pytest.mark.parametrize("value", [0.0, 3.0])
def test_identical_elements_stay_together_unless_their_place_tells_them_apart(case: GrouperCase, value: float) -> None:
    grouper = case.build(4)
    labels = grouper(case.features([torch.full((8, 3), value)]), seeded()).labels()[0]
    expected = 4 if isinstance(grouper, KMeans) and grouper.position != 0 else 1
    assert len(labels.unique()) == expected


@every_grouper
def test_an_item_without_any_valid_element_has_no_object(case: GrouperCase) -> None:
    features = case.features([blobs(6, 2), blobs(6, 2)])
    features = FeatureMap(features.values, features.valid & torch.tensor([[True], [False]]), features.grid)
    weights = case.build(2)(features, seeded()).weights
    assert not bool(weights[1].any())
    assert torch.equal(weights[0].sum(dim=0), torch.ones(6))


@every_grouper
def test_no_gradient_is_needed_to_group(case: GrouperCase) -> None:
    features = case.features([blobs(9, 3)])
    segments = case.build(3)(features.with_values(features.values.clone().requires_grad_()), seeded())
    assert not segments.weights.requires_grad


@pytest.mark.parametrize("spherical", [True, False])
def test_fewer_distinct_points_than_clusters_leave_clusters_empty(spherical: bool) -> None:
    distinct = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.5]])
    item = distinct[torch.tensor([0, 1, 2, 0, 1, 2, 2])]
    labels = KMeans(6, spherical=spherical)(feature_map([item], on_grid=False), seeded()).labels()[0]
    assert same_partition(labels, torch.tensor([0, 1, 2, 0, 1, 2, 2]))


def inertia(points: Tensor, labels: Tensor) -> float:
    """Σ ‖x − μ‖² over clusters."""
    total = 0.0
    for number in labels.unique().tolist():
        members = points[labels == number]
        total += float((members - members.mean(dim=0)).square().sum())
    return total


@pytest.mark.parametrize("kind", ["clusters", "uniform"])
def test_kmeans_reaches_the_inertia_of_scikit_learn(kind: str) -> None:
    """Over several seeds: a single draw of k-means++ may be lucky or unlucky on either side."""
    ours, theirs = [], []
    for seed in range(8):
        item = blobs(120, 6, seed=seed) if kind == "clusters" else torch.rand(120, 3, generator=seeded(seed))
        labels = KMeans(6, iterations=50, spherical=False)(feature_map([item], on_grid=False), seeded(seed)).labels()
        ours.append(inertia(item, labels[0]))
        # scikit-learn's annotations know neither a number of starts nor that a fitted model has an inertia.
        reference: Any = ScikitKMeans(6, n_init=1, max_iter=50, random_state=seed)  # pyright: ignore[reportArgumentType]
        theirs.append(float(reference.fit(item.numpy()).inertia_))
    if kind == "uniform":
        assert sum(ours) <= 1.05 * sum(theirs)
    assert min(a / b for a, b in zip(ours, theirs, strict=True)) <= 1.05
    assert np.median(ours) <= 1.05 * np.median(theirs)


def test_an_empty_cluster_keeps_its_centre_and_padding_moves_none() -> None:
    points = torch.tensor([[[1.0, 1.0], [3.0, 1.0], [0.0, 5.0], [9.0, 9.0]]])
    valid, labels = torch.tensor([[True, True, True, False]]), torch.tensor([[0, 0, 2, 1]])
    former = torch.tensor([[[7.0, 7.0], [4.0, -4.0], [8.0, 8.0]]])
    assert means(points, valid, labels, former)[0].tolist() == [[2.0, 1.0], [4.0, -4.0], [0.0, 5.0]]


@pytest.mark.parametrize("spherical", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_a_lloyd_iteration_is_the_one_of_the_equations(spherical: bool, seed: int) -> None:
    """From the result, one more naive assignment to the means of the clusters changes nothing."""
    item = torch.randn(40, 3, generator=seeded(seed))
    labels = KMeans(4, iterations=100, spherical=spherical)(feature_map([item], on_grid=False), seeded()).labels()[0]
    points = item / item.norm(dim=1, keepdim=True) if spherical else item
    centres = [points[labels == number].mean(dim=0) for number in range(4)]
    if spherical:
        centres = [centre / centre.norm() for centre in centres]
    for point, label in zip(points, labels.tolist(), strict=True):
        distances = [float((point - centre).square().sum()) for centre in centres]
        assert distances[label] == pytest.approx(min(distances), abs=1e-5)


def test_spherical_clusters_compare_directions_and_euclidean_ones_lengths_too() -> None:
    item = torch.tensor([[1.0, 0.0], [100.0, 1.0], [0.0, 1.0], [1.0, 100.0]])
    features = feature_map([item], on_grid=False)
    by_direction = KMeans(2)(features, seeded()).labels()[0]
    assert same_partition(by_direction, torch.tensor([0, 0, 1, 1]))
    by_place = KMeans(3, spherical=False)(features, seeded()).labels()[0]
    assert same_partition(by_place, torch.tensor([0, 1, 0, 2]))


def test_position_weighs_where_elements_lie() -> None:
    """Two kinds in turn: alone they give two types; with position, an early and a late part."""
    item = torch.tensor([[1.0, 0.2], [1.0, -0.2]]).repeat(6, 1)
    features = feature_map([item], on_grid=True)
    assert same_partition(KMeans(2)(features, seeded()).labels()[0], torch.arange(12) % 2)
    by_place = KMeans(2, position=5.0)(features, seeded()).labels()[0]
    assert int((by_place[1:] != by_place[:-1]).sum()) == 1


def test_positions_are_scaled_to_the_item_whatever_its_unit_and_padding() -> None:
    item = torch.randn(12, 2, generator=seeded(3))
    grouper = KMeans(3, position=1.0)
    seconds = feature_map([item], on_grid=True)
    hours = FeatureMap(seconds.values, seconds.valid, Grid.uniform((12,), (1 / 3600,), (5.0,)))
    assert torch.equal(grouper(seconds, seeded()).weights, grouper(hours, seeded()).weights)


def test_position_of_a_set_is_refused() -> None:
    with pytest.raises(ValueError, match="these elements are a set"):
        KMeans(2, position=1.0)(feature_map([blobs(4, 2)], on_grid=False), seeded())


@pytest.mark.parametrize(
    "case", [GROUPERS["runs of k-means"], GROUPERS["change points"]], ids=["runs", "change points"]
)
def test_a_grouper_along_an_axis_refuses_sets_and_images(case: GrouperCase) -> None:
    for features in (
        feature_map([blobs(4, 2)], on_grid=False),
        FeatureMap(torch.zeros(1, 4, 2), torch.ones(1, 4, dtype=torch.bool), Grid.uniform((2, 2), (1.0, 1.0))),
    ):
        with pytest.raises(ValueError, match="one axis"):
            case.build(2)(features, seeded())


@few
@given(
    labels=st.lists(st.integers(0, 2), min_size=1, max_size=14),
    padding=st.integers(0, 3),
    objects=st.integers(1, 5),
    shortest=st.integers(1, 4),
)
def test_runs_are_contiguous_numbered_in_order_and_no_more_than_asked_for(
    labels: list[int], padding: int, objects: int, shortest: int
) -> None:
    row = torch.tensor([labels + [-1] * padding])
    found = runs(row, objects, shortest)[0].tolist()
    kept, rest = found[: len(labels)], found[len(labels) :]
    assert rest == [-1] * padding
    assert kept[0] == 0
    assert all(after - before in (0, 1) for before, after in itertools.pairwise(kept))
    assert max(kept) < objects
    starts = [i for i in range(1, len(kept)) if kept[i] != kept[i - 1]]
    assert all(labels[i] != labels[i - 1] for i in starts)  # a run begins only where the label changes
    for i in starts:
        length = next((j for j in range(i, len(labels)) if labels[j] != labels[i]), len(labels)) - i
        assert length >= shortest


@few
@given(labels=st.lists(st.integers(0, 2), min_size=1, max_size=14))
def test_without_bounds_every_run_is_an_object(labels: list[int]) -> None:
    expected, number = [], 0
    for i, label in enumerate(labels):
        number += int(i > 0 and label != labels[i - 1])
        expected.append(number)
    assert runs(torch.tensor([labels]), objects=len(labels), shortest=1)[0].tolist() == expected


def naive_change_points(points: Tensor, penalty: float, objects: int) -> list[int]:
    """The best of all ways to cut, tried one by one."""
    n = len(points)
    scaled = (points - points.mean(dim=0)) / points.std(dim=0, correction=0)
    whole = float(scaled.square().sum())
    best, labels = float("inf"), [0] * n
    for cuts in range(2 ** (n - 1)):
        numbers = [0]
        for i in range(n - 1):
            numbers.append(numbers[-1] + (cuts >> i & 1))
        if numbers[-1] >= objects:
            continue
        cost = inertia(scaled, torch.tensor(numbers)) / whole + penalty * numbers[-1]
        if cost < best - 1e-6:
            best, labels = cost, numbers
    return labels


@pytest.mark.parametrize("penalty", [0.06, 0.004, 1.1])
@pytest.mark.parametrize("objects", [4, 9])
@pytest.mark.parametrize("seed", range(6))
def test_change_points_are_the_best_of_all_ways_to_cut(seed: int, objects: int, penalty: float) -> None:
    """Also where the number of stretches is bounded for some items of the batch, or one, and lengths differ."""
    items = [torch.randn(cells, 2, generator=seeded(seed + cells)).cumsum(dim=0) for cells in (9, 7)]
    items.append(torch.arange(8.0)[:, None].expand(8, 2).floor_divide(4) + 0.01 * items[0][:8])  # two stretches
    found = ChangePoints(penalty, objects=objects)(feature_map(items, on_grid=True), seeded()).labels()
    for labels, item in zip(found, items, strict=True):
        expected = naive_change_points(item, penalty, objects)
        assert labels[: len(item)].tolist() == expected
        assert (max(expected) > 0) == (penalty < 1)


@pytest.mark.parametrize("asked", [1, 4])
@pytest.mark.parametrize("rounds", [1, 2, 3, 200])
def test_k_means_that_ends_early_is_k_means_of_all_its_rounds(
    rounds: int, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(lloyd.ASKED, "cpu", asked)
    points, valid = torch.randn(4, 30, 2, generator=seeded(3)), torch.ones(4, 30, dtype=torch.bool)
    centres = points[:, :5]
    questions = list[bool]()
    changing = lloyd.changing

    def answer(*given: torch.Tensor) -> torch.Tensor:
        going = changing(*given)
        questions.append(not len(going))
        return going

    with monkeypatch.context() as patched:
        patched.setattr(lloyd, "changing", answer)
        found, ends = improved(points, valid, centres, rounds)
    assert len(questions) <= rounds // asked, "a GPU is asked no more often"
    assert rounds < 200 or (questions[-1] and len(questions) < 30 / asked), "and it ends early"
    for _ in range(rounds):
        labels = (points[:, :, None] - centres[:, None]).square().sum(dim=-1).argmin(dim=2)
        centres = torch.stack(
            [torch.stack([x[own == k].mean(dim=0) for k in range(5)]) for x, own in zip(points, labels, strict=True)]
        )
    torch.testing.assert_close(ends, centres)
    assert torch.equal(found, (points[:, :, None] - centres[:, None]).square().sum(dim=-1).argmin(dim=2))


def test_of_centres_that_are_equally_near_the_first_wins() -> None:
    points, centres = torch.ones(1, 3, 2), torch.tensor([[[9.0, 9.0], [1.0, 1.0], [1.0, 1.0]]])
    assert nearest(points, centres).tolist() == [[1, 1, 1]]
    assert nearest(points, centres, torch.tensor([[False, True, False]])).tolist() == [[2, 2, 2]]


def test_a_set_in_order_is_grouped_like_the_same_elements_on_a_line() -> None:
    items = [blobs(11, 3), blobs(7, 2, seed=1)]
    grouper = Contiguous(KMeans(3, position=0.3), objects=6)
    on_line = grouper(feature_map(items, on_grid=True), seeded())
    in_set = InOrder(grouper)(feature_map(items, on_grid=False), seeded())
    assert in_set.grid is None
    assert torch.equal(in_set.weights, on_line.weights)
    assert len(in_set.labels()[0].unique()) > 2
    passed_on = InOrder(grouper)(feature_map(items, on_grid=True), seeded())
    assert passed_on.grid is not None
    assert torch.equal(passed_on.weights, on_line.weights)


def test_position_weighs_each_axis_by_its_weight() -> None:
    """Four corners of a lattice of equal features: the axis with the weight is the one that is cut."""
    grid = Grid.uniform((2, 2), (1.0, 1.0))
    features = FeatureMap(torch.ones(1, 4, 2), torch.ones(1, 4, dtype=torch.bool), grid)
    for weights, pairs in (((1.0, 0.0), [(0, 1), (2, 3)]), ((0.0, 1.0), [(0, 2), (1, 3)])):
        labels = KMeans(2, position=weights)(features, seeded()).labels()[0].tolist()
        assert labels[pairs[0][0]] == labels[pairs[0][1]] != labels[pairs[1][0]] == labels[pairs[1][1]]
    with pytest.raises(ValueError, match="3 weights, but the elements lie on 2 axes"):
        KMeans(2, position=(1.0, 1.0, 1.0))(features, seeded())
