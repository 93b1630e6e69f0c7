"""An affine correspondence on time and frequency also serves elements on time alone."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gestalt.core.data.correspondence import Affine
from gestalt.core.data.feature_map import FeatureMap, Grid


def on(grid: Grid) -> FeatureMap:
    return FeatureMap(torch.zeros(1, grid.elements, 1), torch.ones(1, grid.elements, dtype=torch.bool), grid)


@settings(deadline=None, max_examples=25)
@given(st.floats(0.5, 2.0), st.floats(-1.0, 1.0), st.floats(0.0, 1.0))
def test_frames_see_the_time_axis_of_a_correspondence_on_time_and_frequency(
    rate: float, offset: float, mask: float
) -> None:
    time = Grid.uniform((8,), (0.25,))
    both = Affine.of([rate, 1.0], [offset, 0.5]).hiding([mask, -torch.inf], [mask + 0.3, torch.inf])
    alone = Affine.of([rate], [offset]).hiding([mask], [mask + 0.3])
    assert torch.equal(both.source_elements(on(time), time), alone.source_elements(on(time), time))


def test_a_frequency_mask_hides_cells_but_no_whole_frame() -> None:
    mask = Affine.identity(2).hiding([-torch.inf, 8.0], [torch.inf, 9.0])
    time, both = Grid.uniform((3,), (1.0,)), Grid.uniform((3, 2), (1.0, 1.0), (0.0, 8.0))
    assert mask.source_elements(on(time), time).tolist() == [[0, 1, 2]]
    assert mask.source_elements(on(both), both).tolist() == [[-1, 1, -1, 3, -1, 5]]


def test_a_mask_of_a_time_within_a_band_hides_no_whole_frame() -> None:
    mask = Affine.identity(2).hiding([1.0, 8.0], [2.0, 9.0])
    time = Grid.uniform((3,), (1.0,))
    assert mask.source_elements(on(time), time).tolist() == [[0, 1, 2]]


def test_cells_of_time_and_frequency_find_their_frame_in_a_source_of_frames() -> None:
    time, both = Grid.uniform((3,), (1.0,)), Grid.uniform((3, 2), (1.0, 1.0))
    assert Affine.identity(2).source_elements(on(both), time).tolist() == [[0, 0, 1, 1, 2, 2]]
    with pytest.raises(ValueError, match="axes"):
        Affine.identity(2).source_elements(on(time), both)
