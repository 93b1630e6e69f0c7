"""Grounding and caption match, against loops written from the definitions and against scikit-learn."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from torch import Tensor

from gestalt.core.data.grid import Grid
from gestalt.core.evaluation import consensus_iou, on_lattice, pointing_game, ranked_above, success_auc

COARSE = Grid((torch.tensor([[0.0, 3.0, 4.0, 8.0]]), torch.tensor([[0.0, 2.0, 6.0]])))
FINE = Grid.uniform((8, 6), (1.0, 1.0))


def questions(seed: int, count: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    heat = torch.randint(0, 4, (count, COARSE.elements), generator=generator) / 4
    return heat, torch.rand(count, FINE.elements, generator=generator) > 0.6


def cell_of(row: float, column: float) -> int:
    return (0 if row < 3 else 1 if row < 4 else 2) * 2 + (0 if column < 2 else 1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_the_pointing_game_is_the_share_of_the_highest_cells_whose_centre_is_inside(seed: int) -> None:
    heat, inside = questions(seed)
    centres = [(1.5, 1), (1.5, 4), (3.5, 1), (3.5, 4), (6, 1), (6, 4)]
    for row, region, found in zip(heat, inside, pointing_game(heat, COARSE, inside, FINE), strict=True):
        highest = [cell for cell in range(6) if row[cell] == max(row)]
        hits = [bool(region.view(8, 6)[int(centres[cell][0]), int(centres[cell][1])]) for cell in highest]
        assert found.item() == pytest.approx(sum(hits) / len(highest))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.25, 0.6]))
def test_the_consensus_overlap_is_the_sum_written_out(seed: int, threshold: float) -> None:
    heat, inside = questions(seed)
    consensus = inside * torch.rand(inside.shape, generator=torch.Generator().manual_seed(seed + 1))
    found = consensus_iou(heat, COARSE, consensus, FINE, threshold)
    for number in range(len(heat)):
        shared, whole = 0.0, 0.0
        for pixel in range(48):
            g = float(consensus[number, pixel])
            above = float(heat[number, cell_of(pixel // 6 + 0.5, pixel % 6 + 0.5)]) > threshold
            shared += g if above else 0.0
            whole += g + (1.0 if above and g == 0 else 0.0)
        assert found[number].item() == pytest.approx(shared / whole if whole else 1.0, abs=1e-6)


def test_of_one_truth_the_consensus_overlap_is_intersection_over_union() -> None:
    heat, inside = torch.tensor([[0.9, 0.9, 0.1, 0.1]]), torch.tensor([[0.0, 1.0, 1.0, 0.0]])
    grid = Grid.uniform((4,), (1.0,))
    assert consensus_iou(heat, grid, inside, grid).item() == pytest.approx(1 / 3)
    each = consensus_iou(heat.repeat(2, 1), grid, inside.repeat(2, 1), grid, torch.tensor([0.5, 0.95]))
    assert each.tolist() == pytest.approx([1 / 3, 0.0])


def test_what_marks_nothing_agrees_with_nothing() -> None:
    grid = Grid.uniform((4,), (1.0,))
    assert consensus_iou(torch.zeros(1, 4), grid, torch.zeros(1, 4), grid).item() == 1.0
    assert pointing_game(torch.zeros(1, 4), grid, torch.zeros(1, 4, dtype=torch.bool), grid).item() == 0.0


def test_padding_is_pointed_at_by_nobody() -> None:
    grid = Grid.uniform((3,), (1.0,))
    heat, inside = torch.tensor([[0.0, 0.0, -torch.inf]]), torch.tensor([[True, False, True]])
    assert pointing_game(heat, grid, inside, grid).item() == 0.5
    assert pointing_game(torch.full((1, 3), -torch.inf), grid, inside, grid).item() == 0.0


def test_elements_outside_the_map_are_above_no_threshold() -> None:
    wide, narrow = Grid.uniform((6,), (1.0,)), Grid.uniform((2,), (2.0,))
    assert on_lattice(torch.ones(1, 2), narrow, wide).tolist() == [[1, 1, 1, 1, -torch.inf, -torch.inf]]
    assert consensus_iou(torch.ones(1, 2), narrow, torch.ones(1, 6), wide).item() == pytest.approx(4 / 6)


def test_lattices_of_their_own() -> None:
    each = Grid((torch.tensor([[0.0, 1.0, 4.0], [0.0, 3.0, 4.0]]),))
    truth = Grid.uniform((4,), (1.0,))
    inside = torch.tensor([[False, False, True, True]] * 2)
    heat = torch.tensor([[0.0, 1.0]] * 2)
    assert pointing_game(heat, each, inside, truth).tolist() == [1.0, 1.0]
    assert consensus_iou(heat, each, inside.float(), truth).tolist() == pytest.approx([2 / 3, 1 / 2])


def test_successes_over_all_thresholds() -> None:
    scores = torch.tensor([0.0, 0.35, 0.52, 1.0])
    levels = [number / 20 for number in range(21)]
    reached = [sum(score >= level - 1e-6 for score in scores.tolist()) / 4 for level in levels]
    area = sum((one + two) / 2 / 20 for one, two in itertools.pairwise(reached))
    assert success_auc(scores) == pytest.approx(area)
    assert torch.tensor(success_auc(torch.zeros(0))).isnan()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 6))
def test_preference_is_the_area_under_the_curve_of_scikit_learn(seed: int, rights: int, wrongs: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    right = torch.randint(0, 4, (2, rights), generator=generator).float()
    wrong = torch.randint(0, 4, (2, wrongs), generator=generator).float()
    labels = [1] * rights + [0] * wrongs
    expected = [
        roc_auc_score(labels, [*one, *other]) for one, other in zip(right.tolist(), wrong.tolist(), strict=True)
    ]
    assert ranked_above(right, wrong).tolist() == pytest.approx(expected)


def test_wrong_ones_that_do_not_count_change_nothing() -> None:
    right, wrong = torch.tensor([[1.0], [1.0]]), torch.tensor([[0.0, -9.0], [9.0, 9.0]])
    valid = torch.tensor([[True, False], [False, False]])
    found = ranked_above(right, wrong, valid)
    assert found[0].item() == 1.0
    assert found[1].isnan()


def test_maps_of_another_lattice_are_refused() -> None:
    grid = Grid.uniform((4,), (1.0,))
    with pytest.raises(ValueError, match="one number per element of its lattice, 4, got 3"):
        pointing_game(torch.zeros(1, 3), grid, torch.zeros(1, 4, dtype=torch.bool), grid)
