"""Ways to hide elements: a share within one unit, never all and never none, the same whatever shares a batch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import pytest
import torch

from gestalt.core.components.registry import HIDINGS
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.item_noise import ItemNoise
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.methods.masked.hiding import (
    AbstractHiding,
    AtRandom,
    Blocks,
    HiddenObjects,
    HiddenParts,
    Spans,
    Subgraphs,
    TargetRegions,
    Together,
    Tubes,
)
from tests.implementations import seeded

ROWS, COLUMNS = (5, 1, 7), (6, 2, 4)


def on_grid(items: tuple[int, ...] = (0, 1, 2)) -> FeatureMap:
    """Grids of unequal size, padded at their far ends."""
    rows, columns = max(ROWS[item] for item in items), max(COLUMNS[item] for item in items)
    valid = torch.zeros(len(items), rows, columns, dtype=torch.bool)
    for place, item in enumerate(items):
        valid[place, : ROWS[item], : COLUMNS[item]] = True
    grid = Grid.uniform((rows, columns), (0.5, 2.0))
    return FeatureMap(torch.zeros(len(items), rows * columns, 2), valid.flatten(1), grid)


def in_a_row(items: tuple[int, ...] = (0, 1, 2)) -> FeatureMap:
    """A sequence without a grid."""
    sizes = torch.tensor([(20, 2, 9)[item] for item in items])
    valid = torch.arange(int(sizes.max())) < sizes[:, None]
    return FeatureMap(torch.zeros(*valid.shape, 2), valid)


def in_a_ring(items: tuple[int, ...] = (0, 1, 2)) -> FeatureMap:
    """Nodes, each joined to two others; of the third item, two rings."""
    tokens = in_a_row(items)
    near = torch.zeros(*tokens.valid.shape, tokens.valid.shape[1], dtype=torch.bool)
    for place, item in enumerate(items):
        for ring in ([range(20)], [range(2)], [range(5), range(5, 9)])[item]:
            for one in ring:
                other = ring.start + (one - ring.start + 1) % len(ring)
                near[place, one, other] = near[place, other, one] = True
    return FeatureMap(tokens.values, tokens.valid, neighbours=near)


def objects_of(tokens: FeatureMap) -> Segmentation:
    """Five elements in a row are an object; of the first, every seventh belongs to none."""
    rank = tokens.valid.cumsum(dim=1) - 1
    labels = torch.where(tokens.valid & (rank % 7 > 0), rank // 5, -1)
    return Segmentation.from_labels(labels, max(1, int(labels.max()) + 1), tokens.grid)


@final
@dataclass(frozen=True)
class Case:
    """A way to hide, what it takes, the share that it is to hide, and how large its units are there."""

    hiding: AbstractHiding
    tokens: Callable[..., FeatureMap]
    share: float
    unit: int = 1


CASES = {
    "at random": Case(AtRandom(0.75), on_grid, 0.75),
    "at random, a few": Case(AtRandom(0.15), in_a_row, 0.15),
    "blocks": Case(Blocks(0.6), on_grid, 0.6),
    "one square block": Case(Blocks(0.3, 1, (1.0, 1.0)), on_grid, 0.3),
    "spans of a grid": Case(Spans(0.5), on_grid, 0.5, unit=6),
    "spans": Case(Spans(0.5, 2), in_a_row, 0.5),
    "tubes": Case(Tubes(0.6), on_grid, 0.6, unit=7),
    "subgraphs": Case(Subgraphs(0.4), in_a_ring, 0.4),
    "together on a grid": Case(Together(0.6), on_grid, 0.6),
    "together in a row": Case(Together(0.25, 1), in_a_row, 0.25),
    "together in a ring": Case(Together(0.5, 1), in_a_ring, 0.5),
    "objects": Case(HiddenObjects(0.5), on_grid, 0.5, unit=5),
    "objects in a row": Case(HiddenObjects(0.3), in_a_row, 0.3, unit=5),
    "targets": Case(TargetRegions(), on_grid, 0.175),
    "targets in a row": Case(TargetRegions(), in_a_row, 0.175),
    "targets in a ring": Case(TargetRegions(2, (0.3, 0.4)), in_a_ring, 0.35),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
every_draw = range(12)


def noise(items: tuple[int, ...] = (0, 1, 2), seed: int = 0) -> ItemNoise:
    return ItemNoise.of(torch.tensor(items), seeded(seed))


def test_every_installed_way_to_hide_has_cases() -> None:
    installed = {HIDINGS.load(name) for name in HIDINGS.names()}
    assert installed - {HiddenParts} == {type(case.hiding) for case in CASES.values()}  # see test_joint_masked.py


@every_case
def test_a_share_is_hidden_within_one_unit_and_never_all_or_none(case: Case) -> None:
    tokens = case.tokens()
    for seed in every_draw:
        hidden = case.hiding.hidden(tokens, noise(seed=seed), objects_of(tokens))
        every = hidden.groups.any(dim=1)
        assert not bool((hidden.visible & every).any())
        assert not bool(((hidden.visible | every) & ~tokens.valid).any())
        assert bool(hidden.visible.any(dim=1).all())
        assert bool(every.any(dim=1).all())
        for row, count in enumerate(tokens.valid.sum(dim=1).tolist()):
            for group in hidden.groups[row]:
                if isinstance(case.hiding, TargetRegions):
                    assert int(group.sum()) <= max(1, count * case.hiding.share[1] + 1), "a target"
                    continue
                assert abs(int(group.sum()) - min(count - 1, max(1, case.share * count))) <= case.unit


@every_case
def test_what_is_hidden_differs_from_draw_to_draw_and_item_to_item(case: Case) -> None:
    tokens = case.tokens()
    draws = [case.hiding.hidden(tokens, noise(seed=seed), objects_of(tokens)).groups for seed in every_draw]
    assert len({tuple(draw[0].flatten().tolist()) for draw in draws}) > 1
    same = case.tokens((0, 0))
    both = case.hiding.hidden(same, noise((5, 9)), objects_of(same)).groups
    again = case.hiding.hidden(same, noise((5, 5)), objects_of(same)).groups
    assert torch.equal(again[0], again[1])
    if len({tuple(draw[0].flatten().tolist()) for draw in draws}) > 6:
        assert not torch.equal(both[0], both[1])


@every_case
def test_what_is_hidden_of_an_item_does_not_depend_on_its_batch(case: Case) -> None:
    """Laws 5, 6 and 9: neither on its order, nor on padding, nor on the rank that holds it."""
    together = case.tokens()
    hidden = case.hiding.hidden(together, noise(), objects_of(together))
    for item in range(3):
        alone = case.tokens((item,))
        own = case.hiding.hidden(alone, noise((item,)), objects_of(alone))
        here, there = alone.valid[0], together.valid[item]
        assert torch.equal(own.visible[0, here], hidden.visible[item, there])
        assert torch.equal(own.groups[0][:, here], hidden.groups[item][:, there])


@every_case
def test_an_item_of_a_single_element_is_left_as_it_is(case: Case) -> None:
    grid = Grid.uniform((1, 1), (1.0, 1.0)) if case.tokens is on_grid else None
    near = torch.zeros(1, 1, 1, dtype=torch.bool) if case.tokens is in_a_ring else None
    tokens = FeatureMap(torch.zeros(1, 1, 2), torch.ones(1, 1, dtype=torch.bool), grid, near)
    hidden = case.hiding.hidden(tokens, noise((0,)), objects_of(tokens))
    assert bool(hidden.visible.all())
    assert not bool(hidden.groups.any())


def test_at_random_every_element_is_hidden_as_often_as_the_others() -> None:
    tokens = in_a_row((0,))
    counts = sum(AtRandom(0.75).hidden(tokens, noise((item,)), None).groups[0, 0].float() for item in range(2000))
    assert isinstance(counts, torch.Tensor)
    assert float((counts / 2000 - 0.75).abs().max()) < 0.04


def test_one_block_is_a_box_and_one_subgraph_hangs_together() -> None:
    tokens = FeatureMap(torch.zeros(1, 64, 2), torch.ones(1, 64, dtype=torch.bool), Grid.uniform((8, 8), (1.0, 1.0)))
    for seed in every_draw:
        cells = Blocks(0.25, 1, (1.0, 1.0)).hidden(tokens, noise((0,), seed), None).groups[0, 0].view(8, 8).nonzero()
        box = (cells.amax(dim=0) - cells.amin(dim=0) + 1).prod()
        assert int(box) <= 2.2 * len(cells)
    ring = in_a_ring((0,))
    assert ring.neighbours is not None
    for seed in every_draw:
        group = Subgraphs(0.4, 1).hidden(ring, noise((0,), seed), None).groups[0, 0]
        assert int((ring.neighbours[0][group][:, group]).sum()) == 2 * (int(group.sum()) - 1), "a path along the ring"


def test_tubes_and_spans_are_whole() -> None:
    tokens = FeatureMap(torch.zeros(1, 60, 2), torch.ones(1, 60, dtype=torch.bool), Grid.uniform((5, 12), (1.0, 1.0)))
    tubes = Tubes(0.5).hidden(tokens, noise((0,)), None).groups[0, 0].view(5, 12)
    assert torch.equal(tubes.all(dim=0), tubes.any(dim=0))
    assert int(tubes.sum()) == 30
    spans = Spans(0.4, 1).hidden(tokens, noise((0,)), None).groups[0, 0].view(5, 12)
    assert torch.equal(spans.all(dim=1), spans.any(dim=1))
    assert int(spans.sum()) == 24


def test_objects_are_hidden_whole_and_an_item_that_is_one_object_is_hidden_at_random() -> None:
    tokens = on_grid()
    objects = objects_of(tokens)
    group = HiddenObjects(0.5).hidden(tokens, noise(), objects).groups[:, 0]
    labels = objects.labels()
    for row in range(3):
        for label in labels[row][labels[row] >= 0].unique():
            own = group[row][labels[row] == label]
            if len(labels[row][tokens.valid[row]].unique()) > 1:
                assert bool(own.all()) or not bool(own.any())
    whole = HiddenObjects(0.5).hidden(tokens, noise(), objects.falling_back(torch.tensor([True, False, False])))
    assert int(whole.groups[0].sum()) == 15


def test_targets_are_regions_and_the_context_has_none_of_them() -> None:
    grid = Grid.uniform((14, 14), (1.0, 1.0))
    tokens = FeatureMap(torch.zeros(1, 196, 2), torch.ones(1, 196, dtype=torch.bool), grid)
    for seed in every_draw:
        hidden = TargetRegions().hidden(tokens, noise((0,), seed), None)
        assert hidden.groups.shape == (1, 4, 196)
        for size in hidden.groups[0].sum(dim=1).tolist():
            assert 0.15 * 196 - 1 <= size <= 0.2 * 196 + 1
        assert int(hidden.visible.sum()) <= 196 - int(hidden.groups[0].any(dim=0).sum())


def test_what_cannot_be_hidden_is_refused_by_name() -> None:
    row, none = in_a_row(), noise()
    with pytest.raises(ValueError, match="blocks need elements on a grid"):
        Blocks().hidden(row, none, None)
    with pytest.raises(ValueError, match="subgraphs need elements whose neighbours are known"):
        Subgraphs().hidden(row, none, None)
    with pytest.raises(ValueError, match="tubes need elements along two or more axes"):
        Tubes().hidden(row, none, None)
    with pytest.raises(ValueError, match="whole objects can only be hidden where there are objects"):
        HiddenObjects().hidden(row, none, None)
    with pytest.raises(ValueError, match=r"share .* must lie in \(0, 1\)"):
        AtRandom(1.0)
    with pytest.raises(ValueError, match="aspect must run from lower to higher"):
        Blocks(aspect=(2.0, 1.0))
