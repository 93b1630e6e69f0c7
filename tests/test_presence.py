"""What counts as present in a view, against naive loops; draws; the part of the source that views show."""

from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from gestalt.core.data.correspondence import Affine, Index
from gestalt.core.data.coverage import shown
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.presence import Presence, Subsample
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.data.view import Batch, View
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans, Regions
from gestalt.core.discovery.segmenters import AbstractSegmenter, Discovery, GivenMasks, WholeItem
from gestalt.core.methods.compared import Compared
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.objectives import Regression
from gestalt.core.networks.encoder import Identity, Network
from gestalt.core.networks.follower import Shared
from tests.implementations import PROGRESS, feature_map, joined, seeded


def plane(rows: int, columns: int, step: float = 1.0) -> FeatureMap:
    """One item on a lattice of two axes."""
    valid = torch.ones(1, rows * columns, dtype=torch.bool)
    return FeatureMap(torch.zeros(1, rows * columns, 1), valid, Grid.uniform((rows, columns), (step, step)))


@pytest.mark.parametrize("size", [2, 4, 8])
def test_a_crop_shows_the_elements_within_it_at_any_resolution_of_the_view(size: int) -> None:
    """Rows 2 to 5 and columns 0 to 3 of a source of 8 × 8, looked at with 2 × 2, 4 × 4 or 8 × 8 elements."""
    source, view = plane(8, 8), plane(size, size, step=4 / size)
    crop = Affine.of([1.0, 1.0], [2.0, 0.0])
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[2:6, 0:4] = True
    assert shown(crop, view, source)[0].view(8, 8).tolist() == expected.tolist()


def test_what_a_view_hides_or_pads_or_does_not_know_is_not_shown() -> None:
    source, view = plane(1, 8), plane(1, 8)
    hidden = Affine.identity(2).hiding([-float("inf"), 2.0], [float("inf"), 4.0])
    assert shown(hidden, view, source)[0].int().tolist() == [1, 1, 0, 0, 1, 1, 1, 1]
    padded = FeatureMap(view.values, view.valid & (torch.arange(8) < 5), view.grid)
    assert shown(Affine.identity(2), padded, source)[0].int().tolist() == [1, 1, 1, 1, 1, 0, 0, 0]
    assert not bool(shown(Affine.none(2), view, source).any())
    short = FeatureMap(source.values, source.valid & (torch.arange(8) < 3), source.grid)
    assert shown(Affine.identity(2), view, short)[0].int().tolist() == [1, 1, 1, 0, 0, 0, 0, 0]


def test_a_set_shows_the_elements_that_it_names() -> None:
    source, view = feature_map([torch.ones(5, 1)], False), feature_map([torch.ones(4, 1)], False)
    assert shown(Index.of([3, -1, 0, 3]), view, source)[0].int().tolist() == [1, 0, 0, 1, 0]


LABELS = torch.tensor([[0, 0, 0, 0, 1, 1, 2, 2, 2, 2]])
SEEN = [0, 1, 2, 3, 4, 6, -1, -1]
"""All of object 0, half of 1, a quarter of 2, and two inserted elements."""


@pytest.mark.parametrize(
    ("presence", "expected"),
    [
        (Presence(), [True, True, True, False]),
        (Presence(elements=1.0), [True, False, False, False]),
        (Presence(of_view=0.2), [True, False, False, False]),
        (Presence(of_view=0.125), [True, True, True, False]),
        (Presence(of_object=0.5), [True, True, False, False]),
        (Presence(of_object=0.75), [True, False, False, False]),
        (Presence(of_object=1.0), [True, False, False, False]),
    ],
)
def test_thresholds_count_the_views_elements_or_the_objects_own(presence: Presence, expected: list[bool]) -> None:
    segments = Segmentation.from_labels(LABELS, 4)
    features = feature_map([torch.randn(8, 2, generator=seeded())], False)
    found = presence.pooled(segments, Index.of(SEEN), features, None)
    assert found.present[0].tolist() == expected
    assert bool((found.vectors[0].abs().sum(dim=1) > 0).eq(torch.tensor(expected)).all())


def test_the_share_of_an_object_is_that_of_its_weight_and_whole_items_are_wholly_seen() -> None:
    weights = torch.tensor([[[0.9, 0.1, 0.0], [0.1, 0.9, 0.0]], [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]])
    segments = Segmentation(weights, None, torch.tensor([False, True]))
    features = feature_map([torch.ones(1, 2), torch.ones(1, 2)], False)
    first = Index.of([0]).join([Index.none(1)])
    for share, expected in ((0.05, [True, True]), (0.5, [True, False]), (0.95, [False, False])):
        found = Presence(of_object=share).pooled(segments, first, features, None)
        assert found.present.tolist() == [expected, [True, False]]
    whole = Presence(of_object=0.9).pooled(Segmentation.whole_items(2), first, features, None)
    assert whole.present.tolist() == [[True], [True]]


AREAS = torch.tensor([4.0, 0.0, 1.0, 3.0, 2.0])


def frequencies(draw: Subsample, draws: int = 3000) -> Tensor:
    """How often each object is drawn."""
    generator = seeded(7)
    total = torch.zeros(len(AREAS))
    for _ in range(draws):
        total += draw.chosen(AREAS[None], draw.random(len(AREAS), generator))[0]
    return total / draws


def expected_frequencies(by: Literal["uniform", "area"], replacement: bool, draws: int) -> Tensor:
    """The same by drawing one after the other with numpy."""
    chance = (AREAS if by == "area" else (AREAS > 0).float()).double().numpy()
    rng = np.random.default_rng(0)
    total = torch.zeros(len(AREAS))
    for _ in range(3000):
        chosen = rng.choice(len(AREAS), size=draws, replace=replacement, p=chance / chance.sum())
        total[np.unique(chosen)] += 1
    return total / 3000


@pytest.mark.parametrize("by", ["uniform", "area"])
@pytest.mark.parametrize("replacement", [False, True])
@pytest.mark.parametrize("objects", [1, 3])
def test_objects_are_drawn_as_often_as_one_by_one(
    by: Literal["uniform", "area"], replacement: bool, objects: int
) -> None:
    found = frequencies(Subsample(objects, by, replacement))
    torch.testing.assert_close(found, expected_frequencies(by, replacement, objects), atol=0.04, rtol=0)
    assert found[1] == 0


@pytest.mark.parametrize("replacement", [False, True])
def test_no_more_are_drawn_than_asked_for_and_none_that_is_absent(replacement: bool) -> None:
    draw = Subsample(3, replacement=replacement)
    area = torch.rand(50, 7, generator=seeded(1)) * (torch.rand(50, 7, generator=seeded(2)) < 0.6)
    for seed in range(5):
        chosen = draw.chosen(area, draw.random(7, seeded(seed)))
        assert not bool((chosen & (area == 0)).any())
        assert int(chosen.sum(dim=1).max()) <= 3
        if not replacement:
            assert torch.equal(chosen.sum(dim=1), (area > 0).sum(dim=1).clamp(max=3))


def batch_of(labels: Tensor, copies: int = 2) -> Batch[Any]:
    """Items as sets of numbers, with masks, each view the item itself."""
    items, elements = labels.shape
    data = FeatureMap(torch.randn(items, elements, 3, generator=seeded()), torch.ones_like(labels, dtype=torch.bool))
    view = View(data, joined([Index.identity(elements)] * items))
    masks = Segmentation.from_labels(labels, int(labels.max()) + 1)
    return Batch(view, (view,) * copies, ("item",) * items, torch.arange(items), masks=masks)


def compared(
    presence: Presence, batch: Batch[Any], seed: int = 0, segmenter: AbstractSegmenter | None = None
) -> Compared:
    """What a learner compares."""
    learner = Learner(Network(Identity(dim=3)), segmenter or GivenMasks(), Regression(), presence=presence)
    found: Compared = learner(batch, seeded(seed), PROGRESS).details
    return found


def test_a_draw_is_the_same_for_all_views_or_one_for_each_and_the_teacher_sees_the_same() -> None:
    batch = batch_of((torch.arange(24) // 2).repeat(3, 1), copies=3)
    together = compared(Presence(draw=Subsample(4)), batch)
    apart = compared(Presence(draw=Subsample(4, per_view=True)), batch)
    for outcome in (together, apart):
        for online, teacher in zip(outcome.online, outcome.teacher, strict=True):
            assert torch.equal(online.present, teacher.present)
            assert online.present.sum(dim=1).tolist() == [4, 4, 4]
    assert torch.equal(together.online[0].present, together.online[1].present)
    assert not torch.equal(apart.online[0].present, apart.online[1].present)
    another = compared(Presence(draw=Subsample(4)), batch, seed=1)
    assert not torch.equal(together.online[0].present, another.online[0].present)


@pytest.mark.parametrize("per_view", [False, True])
def test_whole_items_are_always_drawn(per_view: bool) -> None:
    batch = batch_of(torch.zeros(2, 5, dtype=torch.long))
    draw = Subsample(1, by="area", per_view=per_view)
    outcome = compared(Presence(draw=draw), batch, segmenter=WholeItem())
    assert all(bool(objects.present.all()) for objects in outcome.online)


@pytest.mark.parametrize("draw", [Subsample(2), Subsample(2, replacement=True), Subsample(2, per_view=True)], ids=str)
def test_what_is_drawn_of_an_item_does_not_depend_on_which_items_share_its_batch(draw: Subsample) -> None:
    few, many = torch.tensor([[0, 0, 1, 1, 2, 2]]), torch.arange(6)[None]
    alone = compared(Presence(draw=draw), batch_of(few), seed=3)
    both = compared(Presence(draw=draw), batch_of(torch.cat([few, many])), seed=3)
    assert both.online[0].present[0, :3].tolist() == alone.online[0].present[0].tolist()


def test_within_the_span_of_the_views_only_what_they_show_is_grouped() -> None:
    """Of two items, the first is shown in part; of the second nothing is known, so all of it is grouped."""
    values = torch.randn(2, 8, 3, generator=seeded())
    source = FeatureMap(values, torch.ones(2, 8, dtype=torch.bool))
    rows = [[0, 1, 2], [2, 3, 4]]
    views = []
    for row in rows:
        shown_values = FeatureMap(values[:, row], torch.ones(2, 3, dtype=torch.bool))
        views.append(View(shown_values, Index.of(row).join([Index.none(3)])))
    whole = View(source, Index.identity(8).join([Index.identity(8)]))
    batch = Batch(whole, tuple(views), ("a", "b"), torch.arange(2))
    online = Network(Identity(dim=3))
    spanning = Discovery(Shared(online), ObjectFinder(KMeans(3), span=True))(batch, seeded())
    everything = Discovery(Shared(online), ObjectFinder(KMeans(3)))(batch, seeded())
    assert (spanning.labels()[0] >= 0).tolist() == [True] * 5 + [False] * 3
    assert torch.equal(spanning.labels()[1], everything.labels()[1])
    cut = FeatureMap(values[:1, :5], torch.ones(1, 5, dtype=torch.bool))
    assert torch.equal(spanning.labels()[0, :5], KMeans(3)(cut, seeded()).labels()[0])


def test_within_the_span_of_the_views_joined_elements_stay_joined() -> None:
    """A ring of eight nodes, of which the views show five: what groups along edges still knows them."""
    ring = torch.arange(8)
    near = torch.zeros(1, 8, 8, dtype=torch.bool)
    near[0, ring, (ring + 1) % 8] = True
    values = torch.tensor([[0.0, 0, 5, 5, 5, 9, 9, 9]])[..., None]
    source = FeatureMap(values, torch.ones(1, 8, dtype=torch.bool), neighbours=near | near.mT)
    seen = [0, 1, 2, 3, 4]
    view = View(FeatureMap(values[:, seen], torch.ones(1, 5, dtype=torch.bool)), Index.of(seen))
    batch = Batch(View(source, Index.identity(8)), (view,), ("a",), torch.arange(1))
    spanning = Discovery(Shared(Network(Identity(dim=1))), ObjectFinder(Regions(penalty=0.1), span=True))
    assert spanning(batch, seeded()).labels()[0].tolist() == [0, 0, 1, 1, 1, -1, -1, -1]
