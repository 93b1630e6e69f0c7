"""Laws 1 to 3: the identity changes nothing, a row of transforms composes, ids go where the correspondence says."""

import itertools
import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gestalt.core.data.correspondence import AbstractCorrespondence, Affine, Index
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.segmentation import Segmentation
from tests.implementations import seeded

SHAPES = [(7,), (4, 5), (2, 3, 4)]
few = settings(derandomize=True, deadline=None, max_examples=25)


def on_grid(shape: tuple[int, ...], batch: int = 1, step: float = 0.5) -> FeatureMap:
    grid = Grid.uniform(shape, (step,) * len(shape))
    return FeatureMap(torch.zeros(batch, grid.elements, 1), torch.ones(batch, grid.elements, dtype=torch.bool), grid)


def in_set(elements: int, batch: int = 1) -> FeatureMap:
    return FeatureMap(torch.zeros(batch, elements, 1), torch.ones(batch, elements, dtype=torch.bool))


def random_affine(axes: int, seed: int) -> Affine:
    """Rotation, flip, scale and shift all at once, with two hidden boxes, one of them spanning the first axis."""
    generator = seeded(seed)
    matrix = torch.eye(axes)[None] + 0.6 * torch.randn(1, axes, axes, generator=generator)
    free = Affine(
        matrix,
        1 - matrix.sum(dim=2) + 0.3 * torch.randn(1, axes, generator=generator),  # the middle stays near the middle
        torch.zeros(1, 0, axes, axes),
        torch.zeros(1, 0, axes),
        torch.tensor([True]),
    )
    low = torch.rand(axes, generator=generator).tolist()
    return free.hiding(low, [a + 0.7 for a in low]).hiding(
        [-math.inf, *low[1:]] if axes > 1 else low,
        [math.inf, *(a + 0.4 for a in low[1:])] if axes > 1 else [low[0] + 1],
    )


def naive_source(rule: Affine, point: Sequence[float]) -> list[float] | None:
    """Where a point of the view lies in the source, straight from the definition; None if it is hidden."""
    axes = len(point)
    for matrix, offset in zip(rule.hidden_matrix[0].tolist(), rule.hidden_offset[0].tolist(), strict=True):
        inner = [sum(matrix[i][j] * point[j] for j in range(axes)) + offset[i] for i in range(axes)]
        if all(0 <= x < 1 for x in inner):
            return None
    matrix, offset = rule.matrix[0].tolist(), rule.offset[0].tolist()
    return [sum(matrix[i][j] * point[j] for j in range(axes)) + offset[i] for i in range(axes)]


def naive_element(position: Sequence[float] | None, shape: tuple[int, ...], step: float = 0.5) -> int:
    """The row-major number of the cell that holds a position, −1 outside."""
    if position is None:
        return -1
    number = 0
    for x, cells in zip(position, shape, strict=True):
        cell = math.floor(x / step)
        if not 0 <= cell < cells:
            return -1
        number = number * cells + cell
    return number


def centres(shape: tuple[int, ...], step: float = 0.5) -> list[list[float]]:
    return [[step * (i + 0.5) for i in index] for index in itertools.product(*(range(n) for n in shape))]


def ambiguous(rule: Affine, shape: tuple[int, ...], step: float = 0.5) -> Tensor:
    """View elements whose centre falls on a boundary to within rounding: there float32 may decide either way."""
    unsure = []
    for point in centres(shape, step):
        position = naive_source(rule, point) or [0.25]
        unsure.append(any(abs(x / step - round(x / step)) < 1e-4 for x in position))
    return torch.tensor(unsure)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_identity_on_a_grid_carries_every_segmentation_over_unchanged(shape: tuple[int, ...]) -> None:
    view = on_grid(shape, batch=3)
    labels = torch.randint(-1, 3, (3, view.values.shape[1]), generator=seeded())
    segments = Segmentation.from_labels(labels, 3, view.grid)
    identity = Affine.identity(len(shape))
    carried = segments.seen_from(identity.join([identity, identity]), view)
    assert torch.equal(carried.weights, segments.weights)


def test_the_identity_of_a_set_carries_every_segmentation_over_unchanged() -> None:
    weights = torch.rand(2, 3, 5, generator=seeded()) / 3
    weights[1, :, 4:] = 0
    segments = Segmentation(weights, None, torch.zeros(2, dtype=torch.bool))
    carried = segments.seen_from(Index.identity(5).join([Index.identity(4)]), in_set(5, batch=2))
    assert torch.equal(carried.weights, weights)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_affine_correspondence_sends_every_centre_where_its_definition_says(shape: tuple[int, ...]) -> None:
    source = Grid.uniform(shape, (0.5,) * len(shape))
    seen: list[int] = []
    for seed in range(8):
        rule = random_affine(len(shape), seed)
        found = rule.source_elements(on_grid(shape), source)[0]
        expected = torch.tensor([naive_element(naive_source(rule, point), shape) for point in centres(shape)])
        sure = ~ambiguous(rule, shape)
        assert torch.equal(found[sure], expected[sure])
        seen += expected[sure].tolist()
    assert -1 in seen  # some elements are hidden or outside, and others are shown
    assert len(set(seen)) > 5


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_two_affine_transforms_in_a_row_are_the_composition_hidden_regions_included(axes: int, seed: int) -> None:
    first, second = random_affine(axes, seed), random_affine(axes, seed + 100)
    both = first.then(second)
    points = torch.rand(400, axes, generator=seeded(seed), dtype=torch.float64) * 4 - 1
    hidden = shown = 0
    for point in points.tolist():
        middle = naive_source(second, point)
        expected = None if middle is None else naive_source(first, middle)
        found = naive_source(both, point)
        hidden, shown = hidden + (expected is None), shown + (expected is not None)
        assert (found is None) == (expected is None)
        assert found == pytest.approx(expected, abs=1e-4)
    assert hidden > 2
    assert shown > 2


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_affine_composition_is_associative(axes: int) -> None:
    a, b, c = (random_affine(axes, seed) for seed in range(3))
    left, right = a.then(b).then(c), a.then(b.then(c))
    torch.testing.assert_close(left.matrix, right.matrix)
    torch.testing.assert_close(left.offset, right.offset)
    torch.testing.assert_close(left.hidden_matrix, right.hidden_matrix)
    torch.testing.assert_close(left.hidden_offset, right.hidden_offset)


def test_a_quarter_turn_moves_elements_as_rot90_does() -> None:
    ids = torch.arange(16).view(4, 4)
    turned = torch.rot90(ids, 1, (0, 1))  # turned[i, j] = ids[j, 3 − i]
    turn = Affine(
        torch.tensor([[[0.0, 1.0], [-1.0, 0.0]]]),
        torch.tensor([[0.0, 2.0]]),
        torch.zeros(1, 0, 2, 2),
        torch.zeros(1, 0, 2),
        torch.tensor([True]),
    )
    view = on_grid((4, 4))
    assert turn.source_elements(view, view.grid)[0].tolist() == turned.flatten().tolist()


def test_a_flip_and_a_crop_move_element_ids_as_the_signal_moves() -> None:
    ids = torch.arange(8)
    view = on_grid((4,))
    source = Grid.uniform((8,), (0.5,))
    crop, flip = Affine.of([1.0], [1.5]), Affine.of([-1.0], [2.0])
    assert crop.then(flip).source_elements(view, source)[0].tolist() == ids[3:7].flip(0).tolist()


def test_a_stretched_view_shows_every_element_twice() -> None:
    source = Grid.uniform((4,), (0.5,))
    assert Affine.of([0.5], [0.0]).source_elements(on_grid((8,)), source)[0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_cell_begins_at_its_lower_edge_and_ends_before_its_upper_one() -> None:
    uneven = Grid((torch.tensor([[0.0, 1.0, 4.0]]),))
    places = torch.tensor([[[-0.1], [0.0], [1.0], [3.9], [4.0]]])
    assert uneven.locate(places).tolist() == [[-1, 0, 1, 1, -1]]


def test_a_hidden_box_ends_before_its_upper_bound() -> None:
    view = on_grid((4,))
    hiding = Affine.identity(1).hiding([0.25], [0.75])  # the centres are 0.25, 0.75, 1.25, 1.75
    assert hiding.source_elements(view, view.grid)[0].tolist() == [-1, 1, 2, 3]


def test_a_box_without_extent_hides_nothing() -> None:
    view = on_grid((4,))
    assert Affine.identity(1).hiding([0.25], [0.25]).source_elements(view, view.grid)[0].tolist() == [0, 1, 2, 3]


def test_an_infinite_bound_hides_the_whole_axis() -> None:
    view = on_grid((2, 3))
    band = Affine.identity(2).hiding([-math.inf, 0.5], [math.inf, 1.0])
    assert band.source_elements(view, view.grid)[0].tolist() == [0, -1, 2, 3, -1, 5]


def test_elements_that_span_an_axis_ignore_what_happens_along_it() -> None:
    frames = on_grid((3,))
    shift = Affine.of([1.0, 2.0], [0.5, 7.0])
    time_and_frequency = Grid.uniform((3,), (0.5,))
    assert shift.source_elements(frames, time_and_frequency)[0].tolist() == [1, 2, -1]
    box = shift.hiding([0.0, 0.0], [0.5, 1.0])
    assert box.source_elements(frames, time_and_frequency)[0].tolist() == [1, 2, -1]
    mask_of_all_frequencies = shift.hiding([0.0, -math.inf], [0.5, math.inf])
    assert mask_of_all_frequencies.source_elements(frames, time_and_frequency)[0].tolist() == [-1, 2, -1]


def test_joined_items_keep_their_own_hidden_regions() -> None:
    view = on_grid((4,), batch=3)
    parts = [Affine.identity(1), Affine.identity(1).hiding([0.0], [1.0]), Affine.of([1.0], [0.5]).hiding([1.0], [9.0])]
    found = parts[0].join(parts[1:]).source_elements(view, view.grid)
    assert found.tolist() == [[0, 1, 2, 3], [-1, -1, 2, 3], [1, 2, -1, -1]]
    alone = [part.source_elements(on_grid((4,)), view.grid)[0].tolist() for part in parts]
    assert found.tolist() == alone


index_lists = st.lists(st.integers(-1, 4), min_size=0, max_size=6)


@few
@given(index_lists.map(lambda index: index or [0]), st.data())
def test_two_index_transforms_in_a_row_are_one_look_up_after_the_other(first: list[int], data: st.DataObject) -> None:
    second = data.draw(st.lists(st.integers(-1, len(first) - 1), max_size=6))
    expected = [first[i] if i >= 0 else -1 for i in second]
    assert Index.of(first).then(Index.of(second)).index[0].tolist() == expected


@few
@given(st.data())
def test_index_composition_is_associative(data: st.DataObject) -> None:
    rows, size = [], 5
    for _ in range(3):
        rows.append(data.draw(st.lists(st.integers(-1, size - 1), min_size=1, max_size=6)))
        size = len(rows[-1])
    a, b, c = (Index.of(row) for row in rows)
    assert torch.equal(a.then(b).then(c).index, a.then(b.then(c)).index)


def test_whatever_follows_an_emptied_set_shows_nothing() -> None:
    assert Index.of([]).then(Index.of([-1, -1])).index.tolist() == [[-1, -1]]


def test_joined_index_lists_are_padded_with_minus_one() -> None:
    batch = Index.of([2, 0]).join([Index.of([1, 0, 2]), Index.none(1)])
    assert batch.index.tolist() == [[2, 0, -1], [1, 0, 2], [-1, -1, -1]]
    assert batch.known.tolist() == [True, True, False]


def test_elements_beyond_the_index_list_must_be_padding() -> None:
    padded = FeatureMap(torch.zeros(1, 3, 1), torch.tensor([[True, True, False]]))
    assert Index.of([1, 0]).source_elements(padded, None).tolist() == [[1, 0, -1]]
    with pytest.raises(ValueError, match="2 elements, but the encoder gave 3"):
        Index.of([1, 0]).source_elements(in_set(3), None)
    with pytest.raises(ValueError, match="3 elements, but the encoder gave 2"):
        Index.of([1, 0, 2]).source_elements(in_set(2), None)


@pytest.mark.parametrize(
    ("known", "none", "view", "grid"),
    [
        (Affine.identity(1), Affine.none(1), on_grid((3,)), on_grid((3,)).grid),
        (Index.identity(3), Index.none(3), in_set(3), None),
    ],
    ids=["affine", "index"],
)
def test_unknown_stays_unknown_through_composition_and_shows_nothing(
    known: AbstractCorrespondence, none: AbstractCorrespondence, view: FeatureMap, grid: Grid | None
) -> None:
    for lost in (known.then(none), none.then(known), none.then(none)):
        assert lost.known.tolist() == [False]
        assert lost.source_elements(view, grid).tolist() == [[-1, -1, -1]]
    assert known.then(known).known.tolist() == [True]


def test_padding_of_a_view_shows_nothing() -> None:
    full = on_grid((4,))
    padded = FeatureMap(full.values, torch.tensor([[True, True, True, False]]), full.grid)
    assert Affine.identity(1).source_elements(padded, full.grid).tolist() == [[0, 1, 2, -1]]


def test_two_kinds_of_correspondence_do_not_mix() -> None:
    with pytest.raises(TypeError, match="got Affine and Index"):
        Affine.identity(1).then(Index.identity(3))
    with pytest.raises(TypeError, match="got Index and Affine"):
        Index.identity(3).join([Affine.identity(1)])


def test_a_grid_correspondence_on_a_set_is_refused_and_the_reverse() -> None:
    with pytest.raises(ValueError, match="got a set"):
        Affine.identity(1).source_elements(in_set(3), None)
    with pytest.raises(ValueError, match="got a grid"):
        Index.identity(3).source_elements(on_grid((3,)), None)


def test_a_source_with_axes_that_the_view_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="the view lies on 1 axes, its source on 2"):
        Affine.identity(2).source_elements(on_grid((3,)), Grid.uniform((3, 3), (1.0, 1.0)))


def test_composing_with_what_moves_nothing_computes_nothing() -> None:
    rule = Affine.of([2.0, 1.0], [0.5, 0.0]).hiding([0.0, -1.0], [1.0, 1.0])
    still = Affine.identity(2)
    assert still is Affine.identity(2)
    assert rule.then(still) is rule
    assert still.then(rule) is rule
