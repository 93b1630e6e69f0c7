"""An audio ResNet that is read after one of its stages lies where a network of that stride lies."""

import pytest
import torch

from gestalt.modalities.audio.data import Waveforms
from gestalt.modalities.audio.resnet import ResNet


@pytest.mark.parametrize(("stage", "stride"), [(2, 8), (3, 16), (4, 32)])
def test_cells_of_a_stage_are_those_of_a_network_of_its_stride(stage: int, stride: int) -> None:
    """One recording is shorter, so that some of its cells are padding."""
    data = Waveforms(torch.randn(2, 16_000), torch.tensor([16_000, 9_000]), 16_000)
    torch.manual_seed(0)
    coarse = ResNet("resnet18", stride=32, mels=32).eval()
    fine = ResNet("resnet18", stride=stride, mels=32).eval()
    fine.load_state_dict(coarse.state_dict())
    with torch.no_grad():
        read, whole = coarse.at_stage(stage, data), fine(data)
    assert read.grid is not None
    assert whole.grid is not None
    assert all(map(torch.equal, read.grid.edges, whole.grid.edges))
    assert torch.equal(read.valid, whole.valid)
    assert not bool(read.valid.all())
    assert read.values.shape[2] == coarse.widths[stage - 1]
    # Up to the stage whose stride is asked for, both networks do the same.
    torch.testing.assert_close(read.values, fine.at_stage(stage, data).values)
