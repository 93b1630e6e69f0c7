"""Elements of the source that lie between the elements of a view: linear signals are read off exactly (RoI-align)."""

import itertools

import pytest
import torch
from torch import Tensor

from gestalt.core.data.correspondence import Affine, Index, shares_of
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.in_parts import InParts
from gestalt.core.data.parts import joined
from gestalt.core.data.segmentation import Segmentation
from tests.implementations import seeded
from tests.test_correspondence import SHAPES, centres, naive_source, on_grid, random_affine

STEP = 0.5


def at_centres(features: FeatureMap) -> Segmentation:
    return Segmentation.every_element(features, at_centres=True)


def place_in_view(rule: Affine, place: list[float]) -> list[float]:
    """Where a place of the source lies in the view, by solving the definition."""
    wanted = torch.tensor(place, dtype=torch.float64) - rule.offset[0].double()
    found: list[float] = torch.linalg.solve(rule.matrix[0].double(), wanted).tolist()
    return found


@pytest.mark.parametrize("shape", SHAPES)
def test_the_identity_leaves_every_element_at_its_centre(shape: tuple[int, ...]) -> None:
    """Law 1."""
    view = on_grid(shape, batch=2)
    segments = at_centres(view)
    identity = Affine.identity(len(shape))
    assert torch.equal(segments.seen_from(identity.join([identity]), view).weights, segments.weights)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_view_tells_where_the_centre_of_each_source_element_lies_and_nothing_of_what_it_does_not_show(
    shape: tuple[int, ...],
) -> None:
    """Law 3: the place in the source is a linear signal, which interpolation reads off; the nearest element rounds."""
    view, middles = on_grid(shape), centres(shape)
    read = lacking = 0
    for seed in range(8):
        rule = random_affine(len(shape), seed)
        signal = torch.tensor(middles) @ rule.matrix[0].T + rule.offset[0]
        seen = at_centres(view).seen_from(rule, view)
        found = seen.pool(view.with_values(signal[None]))
        assert float(seen.weights.min()) >= 0
        assert float(seen.weights.sum(dim=1).max()) <= 1 + 1e-6
        for element, place in enumerate(middles):
            there = place_in_view(rule, place)
            if any(abs(x / STEP - round(x / STEP)) < 1e-3 for x in there):
                continue  # on a border float32 may decide either way
            inside = all(0 <= x < STEP * n for x, n in zip(there, shape, strict=True))
            corners = corners_of(there, shape)
            told = [corner for corner in corners if naive_source(rule, corner) is not None]
            shown = inside and naive_source(rule, there) is not None and bool(told)
            assert bool(found.present[0, element]) == shown
            between = all(STEP / 2 <= x <= STEP * (n - 0.5) for x, n in zip(there, shape, strict=True))
            if shown and between and len(told) == len(corners):
                torch.testing.assert_close(found.vectors[0, element], torch.tensor(place), atol=1e-4, rtol=1e-4)
                read += 1
            lacking += not shown
    assert read > 5
    assert lacking > 5


def corners_of(place: list[float], shape: tuple[int, ...]) -> list[list[float]]:
    """The centres of the cells around a place."""
    axes = []
    for x, cells in zip(place, shape, strict=True):
        low = int(x / STEP - 0.5) if x >= STEP / 2 else 0
        axes.append([STEP * (cell + 0.5) for cell in {min(low, cells - 1), min(low + (x >= STEP / 2), cells - 1)}])
    return [list(corner) for corner in itertools.product(*axes)]


def test_a_coarse_view_tells_of_all_elements_whose_centre_it_shows_and_the_nearest_leave_half_of_them_out() -> None:
    source, rule = on_grid((8,)), Affine.of([2.0], [0.0])
    view = FeatureMap(torch.arange(4.0)[None, :, None], torch.ones(1, 4, dtype=torch.bool), Grid.uniform((4,), (STEP,)))
    objects = at_centres(source).seen_from(rule, view).pool(view)
    assert objects.vectors.flatten().tolist() == [0.0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.0]
    nearest = Segmentation.every_element(source).seen_from(rule, view).pool(view)
    assert int(objects.present.sum()) == 8
    assert int(nearest.present.sum()) == 4


def test_padding_tells_nothing_and_an_unknown_item_shows_nothing() -> None:
    source, view = on_grid((4,), batch=2), on_grid((4,), batch=2)
    values = torch.tensor([0.0, 1.0, 2.0, torch.nan]).expand(2, 4)[..., None]
    padded = FeatureMap(values, torch.tensor([[True, True, True, False]]).expand(2, 4), view.places)
    rule = Affine.of([1.0], [0.2]).join([Affine.none(1)])
    objects = at_centres(source).seen_from(rule, padded).pool(padded)
    assert objects.present.tolist() == [[True, True, True, False], [False] * 4]
    torch.testing.assert_close(objects.vectors[0, :3, 0], torch.tensor([0.0, 0.6, 1.6]))


def test_of_a_set_all_that_show_an_element_tell_of_it_alike() -> None:
    features = FeatureMap(torch.tensor([[[1.0], [3.0], [8.0]]]), torch.ones(1, 3, dtype=torch.bool))
    source = FeatureMap(torch.zeros(1, 2, 1), torch.ones(1, 2, dtype=torch.bool))
    objects = at_centres(source).seen_from(Index.of([1, 1, -1]), features).pool(features)
    assert objects.present.tolist() == [[False, True]]
    assert objects.vectors.flatten().tolist() == [0.0, 2.0]


def test_of_joint_items_every_part_is_told_by_its_own_elements() -> None:
    def both(sound: Tensor, words: Tensor) -> FeatureMap:
        valid = torch.ones(len(sound), 2, dtype=torch.bool)
        grid = Grid.uniform((2,), (1.0,))
        return joined({"audio": FeatureMap(sound, valid, grid), "text": FeatureMap(words, valid)})

    view = both(torch.tensor([[[0.0], [4.0]]]), torch.tensor([[[7.0], [9.0]]]))
    rule = InParts.of({"audio": Affine.of([1.0], [0.25]), "text": Index.of([1, -1])}, ("audio", "text"))
    objects = at_centres(view).seen_from(rule, view).pool(view)
    assert objects.present.tolist() == [[True, True, False, True]]
    assert objects.vectors.flatten().tolist() == [0.0, 3.0, 0.0, 7.0]
    assert len(shares_of(InParts.of({}, ("audio", "text")), view, view.places).weight) == 0
    lacking = rule.join([InParts.of({"text": Index.of([0, 1])}, ("audio", "text"))])
    two = both(torch.zeros(2, 2, 1), torch.zeros(2, 2, 1))
    seen = at_centres(two).seen_from(lacking, two).pool(two)
    assert seen.present.tolist() == [[True, True, False, True], [False, False, True, True]]


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(ValueError, match="one object at the centre of every element, got 2 objects, 3 elements"):
        Segmentation(torch.rand(1, 2, 3, generator=seeded()), None, torch.zeros(1, dtype=torch.bool), True)
    with pytest.raises(ValueError, match="brings an axis to a point"):
        Affine.of([0.0], [1.0]).shares(on_grid((3,)), on_grid((3,)).places)
