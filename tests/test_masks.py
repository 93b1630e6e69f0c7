"""Masks that come with the data land, in every view, where the correspondence says, and nothing else changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import pytest
import torch
from torch import Tensor

from gestalt.core.data.correspondence import AbstractCorrespondence, Affine, Index
from gestalt.core.data.feature_map import Grid
from gestalt.core.data.items import AbstractItems, BadItemError
from gestalt.core.data.mask_batches import JoinedMasks, carried, coarsened
from gestalt.core.data.masks import AbstractMasks, ItemMasks, ListedMasks
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.modality.transform import Chain, Views
from gestalt.core.training.data import Order, batches
from tests.listed import Listed
from tests.toy import PATCH, POINT_TRANSFORMS, SERIES_TRANSFORMS, Do, toy


def painted_series(count: int) -> tuple[list[Tensor], list[ItemMasks]]:
    """Series whose samples are the number of their object, from 1 on; 0 is in none."""
    items, masks = [], []
    for number in range(count):
        lengths = [23, 40, 17 + number, 52, 29]
        kinds = torch.tensor([2, 0, 1, 3, 2])
        item = kinds.repeat_interleave(torch.tensor(lengths)).float()[:, None]
        edges = torch.tensor([0, *lengths]).cumsum(0).float()[None]
        items.append(item)
        masks.append(ItemMasks(kinds - 1, Grid((edges,)), ("a", "b", "c")))
    return items, masks


def painted_points(count: int) -> tuple[list[Tensor], list[ItemMasks]]:
    """Points whose coordinates are ten times the number of their object, from 1 on."""
    kinds = [torch.arange(6 + number) % (2 + number % 2) for number in range(count)]
    return [10.0 * (kind + 1)[:, None].expand(-1, 2) for kind in kinds], [ItemMasks(kind, None) for kind in kinds]


def _same_series(item: Tensor) -> AbstractCorrespondence:  # noqa: ARG001
    return Affine.identity(1)


def _same_points(item: Tensor) -> AbstractCorrespondence:
    return Index.identity(len(item))


def chain_of(kind: str, names: Sequence[str]) -> Chain[Tensor]:
    transforms: dict[str, Do] = SERIES_TRANSFORMS if kind == "series" else POINT_TRANSFORMS
    return Chain(_same_series if kind == "series" else _same_points, [(1.0, transforms[name]) for name in names])


SOURCES: dict[str, tuple[list[str], ...]] = {
    "series": (["crop", "flip"], ["fast"], []),
    "points": (["drop", "shuffle"], ["insert"], []),
}
VIEWS: dict[str, tuple[list[str], ...]] = {
    "series": (["flip", "crop", "mask"], ["fast", "crop"]),
    "points": (["shuffle", "insert"], ["drop", "jitter"]),
}
PAINTED: dict[str, Callable[[int], tuple[list[Tensor], list[ItemMasks]]]] = {
    "series": painted_series,
    "points": painted_points,
}


def batch_of(
    kind: str,
    items: Sequence[Tensor],
    masks: AbstractMasks[Tensor] | None,
    source: Sequence[str] = (),
    workers: int = 0,
    views: Sequence[Sequence[str]] | None = None,
) -> Any:
    """One batch of all items, each once."""
    made = Views(chain_of(kind, source), tuple(chain_of(kind, names) for names in views or VIEWS[kind]))
    order = Order(len(items), len(items), 1, seed=3)
    (batch,) = batches(Listed(items), made, toy(kind).collate, order, workers, skip_bad=False, masks=masks)
    return batch


@pytest.mark.parametrize("source", range(3))
@pytest.mark.parametrize("kind", SOURCES)
def test_masks_are_seen_in_every_view_where_the_correspondence_says(kind: str, source: int) -> None:
    """Law 3: items are painted with their masks, so that the data of a view say which object is where."""
    items, masks = PAINTED[kind](5)
    batch = batch_of(kind, items, ListedMasks(masks), SOURCES[kind][source])
    seen = 0
    for view in (batch.source, *batch.views):
        features = toy(kind).encoders["raw"]()(view.data)
        found = batch.masks.seen_from(view.correspondence, features).labels()
        for row, labels in enumerate(found):
            own = features.values[row][features.valid[row]]
            expected = own.round() - 1 if kind == "series" else (own / 10).round() - 1
            numbers = masks[int(batch.index[row])].objects()
            for element, label in zip(expected, labels[features.valid[row]], strict=True):
                # An element on an edge of two objects shows both, and one that was put in shows none.
                if (element == element[0]).all() and int(element[0]) in [-1, *numbers]:
                    assert int(label) == int(element[0])
                    seen += int(label) >= 0
                elif kind == "points":
                    assert int(label) == -1
    assert seen > 40


@pytest.mark.parametrize("kind", SOURCES)
def test_views_and_their_random_numbers_are_the_same_with_and_without_masks(kind: str) -> None:
    items, masks = PAINTED[kind](4)
    without, given = (
        batch_of(kind, items, None, SOURCES[kind][0]),
        batch_of(kind, items, ListedMasks(masks), SOURCES[kind][0]),
    )
    assert without.masks is None
    for one, other in zip((without.source, *without.views), (given.source, *given.views), strict=True):
        assert torch.equal(one.data.values, other.data.values)
        assert torch.equal(one.data.valid, other.data.valid)


@pytest.mark.parametrize("kind", SOURCES)
def test_worker_processes_give_the_same_masks(kind: str) -> None:
    items, masks = PAINTED[kind](4)
    one, other = (batch_of(kind, items, ListedMasks(masks), SOURCES[kind][0], workers) for workers in (0, 2))
    assert one.index.tolist() == other.index.tolist()
    assert torch.equal(one.masks.weights, other.masks.weights)


def test_the_source_shows_itself_whatever_made_it() -> None:
    """Segments of the source, seen from the source, are themselves: a teacher may look at it."""
    items, _ = painted_series(3)
    batch = batch_of("series", items, None, ["crop", "flip", "fast"])
    features = toy("series").encoders["raw"]()(batch.source.data)
    segments = Segmentation.from_labels(torch.arange(features.values.shape[1]).expand(3, -1), 99, features.grid)
    assert torch.equal(
        segments.seen_from(batch.source.correspondence, features).labels()[features.valid],
        segments.labels()[features.valid],
    )


def test_an_item_without_a_mask_is_one_object_in_all_its_views() -> None:
    items, masks = painted_series(3)
    batch = batch_of("series", items, ListedMasks([masks[0], None, masks[2]]))
    assert batch.masks.whole.tolist() == [int(index) == 1 for index in batch.index]
    row = batch.index.tolist().index(1)
    features = toy("series").encoders["raw"]()(batch.views[0].data)
    seen = batch.masks.seen_from(batch.views[0].correspondence, features).labels()[row]
    assert torch.equal(seen >= 0, features.valid[row])
    assert set(seen.tolist()) <= {0, -1}


def test_a_batch_without_any_mask_is_whole_items() -> None:
    items, _ = painted_points(3)
    batch = batch_of("points", items, ListedMasks([None] * 3))
    assert batch.masks.whole.all()
    assert batch.masks.objects == 1


@final
@dataclass(frozen=True)
class Windows(AbstractItems[Tensor]):
    """One long series, read from a random place on: the item begins with its own place."""

    def __len__(self) -> int:
        return 8

    def read(self, index: int, rng: np.random.Generator) -> Tensor:  # noqa: ARG002
        """Forty samples."""
        return torch.arange(40.0)[:, None] + float(rng.integers(100))

    def name(self, index: int) -> str:
        """Its number."""
        return f"window {index}"


@final
@dataclass(frozen=True)
class EveryTenth(AbstractMasks[Tensor]):
    """Ten samples of the long series are an object; from the window itself one knows where it begins."""

    def has(self, index: int) -> bool:  # noqa: ARG002
        """All have."""
        return True

    def of_item(self, index: int, item: Tensor) -> ItemMasks | None:  # noqa: ARG002
        """The tens of its samples."""
        return ItemMasks((item[:, 0] // 10).long(), Grid.uniform((len(item),), (1.0,)))


def test_masks_follow_windows_that_begin_at_random_places() -> None:
    made = Views(chain_of("series", []), (chain_of("series", ["crop"]),))
    order = Order(8, 8, 3, seed=1)
    places = set()
    for batch in batches(Windows(), made, toy("series").collate, order, 0, False, masks=EveryTenth()):
        assert batch.masks is not None
        features = toy("series").encoders["raw"]()(batch.views[0].data)
        seen = batch.masks.seen_from(batch.views[0].correspondence, features).labels()
        tens = features.values[..., PATCH // 2] // 10
        least = batch.source.data.values[:, 0, :1] // 10  # objects are numbered from 0 within an item
        assert torch.equal(seen[features.valid], (tens - least)[features.valid].long())
        places |= set(batch.source.data.values[:, 0, 0].tolist())
    assert len(places) > 8


@final
@dataclass(frozen=True)
class Torn(AbstractMasks[Tensor]):
    """The mask of item 2 is damaged."""

    def has(self, index: int) -> bool:  # noqa: ARG002
        """All have."""
        return True

    def of_item(self, index: int, item: Tensor) -> ItemMasks | None:
        """None, or an error."""
        if index == 2:
            raise BadItemError("mask 2.png", "is damaged; correct it")
        return ItemMasks(torch.zeros(len(item), dtype=torch.long), None)


def test_a_damaged_mask_stops_training_by_its_own_name_or_is_left_out() -> None:
    items, _ = painted_points(4)
    with pytest.raises(BadItemError, match=r"mask 2\.png: is damaged"):
        batch_of("points", items, Torn())
    order = Order(4, 4, 1, seed=0)
    made = Views(chain_of("points", []), (chain_of("points", []),) * 2)
    (batch,) = batches(Listed(items), made, toy("points").collate, order, 0, skip_bad=True, masks=Torn())
    assert sorted(batch.index.tolist()) == [0, 1, 3, 3]
    assert [entry.name for entry in batch.skipped] == ["mask 2.png"]


def test_masks_are_joined_with_one_number_of_objects_and_grids_of_their_own() -> None:
    one = ItemMasks(torch.tensor([4, 4, -1, 9]), Grid((torch.tensor([[0.0, 1.0, 1.5, 4.0, 5.0]]),)))
    two = ItemMasks(torch.tensor([0, -1]), Grid.uniform((2,), (0.5,)))
    joined = JoinedMasks.of([one, None, two])
    segments = joined.segmentation()
    assert segments.labels().tolist() == [[0, 0, -1, 1], [-1] * 4, [0, -1, -1, -1]]
    assert segments.objects == 2
    assert segments.grid is not None
    assert segments.grid.edges[0][0].tolist() == [0.0, 1.0, 1.5, 4.0, 5.0]
    assert segments.grid.edges[0][2].tolist() == [0.0, 0.5, 1.0, 2.0, 3.0]
    flat = ItemMasks(torch.zeros(6, dtype=torch.long), Grid.uniform((2, 3), (1.0, 1.0)))
    with pytest.raises(ValueError, match=r"grids of one number of axes.*got \[1, 2\]"):
        JoinedMasks.of([one, flat])


def test_pictures_of_different_sizes_keep_their_rows_and_columns() -> None:
    wide = ItemMasks(torch.arange(6), Grid.uniform((2, 3), (1.0, 1.0)))
    high = ItemMasks(torch.arange(4), Grid.uniform((4, 1), (2.0, 2.0)))
    segments = JoinedMasks.of([wide, high]).segmentation()
    assert segments.labels()[0].view(4, 3).tolist() == [[0, 1, 2], [3, 4, 5], [-1] * 3, [-1] * 3]
    assert segments.labels()[1].view(4, 3)[:, 0].tolist() == [0, 1, 2, 3]
    assert segments.grid is not None
    assert [edges.shape for edges in segments.grid.edges] == [(2, 5), (2, 4)]


def test_a_turned_view_takes_the_masks_that_lie_under_it() -> None:
    """A quarter turn about the middle of a square, of which the look-up grid is exact."""
    masks = ItemMasks(torch.arange(16), Grid.uniform((4, 4), (1.0, 1.0)))
    matrix = torch.tensor([[[0.0, 1.0], [-1.0, 0.0]]])
    turn = replace(Affine.identity(2), matrix=matrix, offset=torch.tensor([[0.0, 4.0]]))
    found = carried(masks, turn)
    assert found is not None
    under = found.under(Grid.uniform((4, 4), (1.0, 1.0)), 16).view(4, 4)
    assert torch.equal(under, torch.arange(16).view(4, 4).rot90())
    for place in ((0.5, 0.5), (0.5, 3.5), (2.5, 1.5)):
        source = matrix[0] @ torch.tensor(place) + torch.tensor([0.0, 4.0])
        assert under[int(place[0]), int(place[1])] == 4 * int(source[0]) + int(source[1])


def test_what_a_source_hides_has_no_object_and_what_is_unknown_no_mask() -> None:
    masks = ItemMasks(torch.tensor([0, 1, 2, 3]), Grid.uniform((4,), (1.0,)))
    hidden = carried(masks, Affine.identity(1).hiding([1.0], [3.0]))
    assert hidden is not None
    assert hidden.labels.tolist() == [0, -1, -1, 3]
    assert carried(masks, Affine.none(1)) is None
    assert carried(ItemMasks(torch.tensor([0]), None), Index.none(1)) is None


def test_masks_that_do_not_go_with_their_item_say_so() -> None:
    flat, line = Grid.uniform((2, 2), (1.0, 1.0)), Grid.uniform((4,), (1.0,))
    on_set, on_line, on_flat = (ItemMasks(torch.arange(4), grid) for grid in (None, line, flat))
    with pytest.raises(ValueError, match="a set of 4 elements do not go with a correspondence of the sort Affine"):
        carried(on_set, Affine.identity(1))
    with pytest.raises(ValueError, match="a grid of 4 cells do not go with a correspondence of the sort Index"):
        carried(on_line, Index.identity(4))
    with pytest.raises(ValueError, match="have 4 elements, and a view shows element 4"):
        carried(on_set, Index.identity(5))
    with pytest.raises(ValueError, match="lie on 2 axes, and views are known on 1"):
        carried(on_flat, Affine.identity(1))
    with pytest.raises(ValueError, match="a grid of 2 × 2 cells cannot be laid on a grid of 4 cells"):
        on_flat.under(line, 4)
    with pytest.raises(ValueError, match="a set of 4 elements cannot be laid on a set of 3 elements"):
        on_set.under(None, 3)
    with pytest.raises(ValueError, match="got 4 cells for 3 labels"):
        ItemMasks(torch.arange(3), line)
    with pytest.raises(ValueError, match="numbered from 0, −1 is none; got -2"):
        ItemMasks(torch.tensor([-2]), None)


def test_elements_may_have_axes_that_the_masks_lack() -> None:
    """Events lie on time alone, cells on time and frequency."""
    events = ItemMasks(torch.tensor([-1, 0]), Grid((torch.tensor([[0.0, 0.5, 2.0]]),)))
    assert events.under(Grid.uniform((2, 3), (1.0, 1.0)), 6).tolist() == [0] * 6
    assert events.under(Grid.uniform((4, 2), (0.5, 1.0)), 8).tolist() == [-1, -1] + [0] * 6
    found = carried(events, Affine.of([0.5, 1.0], [0.0, 0.0]))
    assert found is not None
    assert found.under(Grid.uniform((4, 2), (0.5, 1.0)), 8).tolist() == [-1] * 4 + [0] * 4


def test_large_masks_are_coarsened_along_their_longest_axis() -> None:
    labels = torch.tensor([0, 0, 1, 1, 1, 2, 2, 2])[:, None].expand(8, 4).reshape(-1)
    coarse = coarsened(ItemMasks(labels, Grid.uniform((8, 4), (1.0, 2.0)), ("up", "down")), most=8)
    assert coarse.grid is not None
    assert coarse.grid.shape == (2, 4)
    assert coarse.grid.edges[1][0].tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert coarse.labels.tolist() == [1] * 4 + [2] * 4
    assert coarse.names == ("up", "down")
