"""Levels that a recording is compared with: of its own elements alone, or of a neighbourhood that moves along."""

from typing import Any

import pytest
import torch

from gestalt.core.networks.levels import level_of
from gestalt.modalities.audio import MODALITY, Waveforms
from gestalt.modalities.audio.normal import Relative

LOCAL = {"norm": "layer", "around": 0.5}


def levels(seed: int, batch: int, time: int) -> torch.Tensor:
    return torch.rand(batch, 3, time, generator=torch.Generator().manual_seed(seed)) * 3


def test_a_whole_recording_is_compared_with_its_lowest_tenth_and_its_mean() -> None:
    x, counts = levels(1, 3, 40), (40, 23, 1)
    valid = torch.arange(40) < torch.tensor(counts)[:, None]
    found = Relative(0)(x.masked_fill(~valid[:, None], 99.0), valid)
    for item, count in enumerate(counts):
        own = x[item, :, :count]
        expected = torch.stack([own - own.quantile(0.1, dim=1, keepdim=True), own - own.mean(dim=1, keepdim=True)])
        assert torch.allclose(found[item, ..., :count], expected, atol=2e-4)
        assert not found[item, ..., count:].any()
    alone = Relative(0)(x[:1], None)
    assert torch.allclose(alone, found[:1], atol=1e-6)


def test_a_moving_neighbourhood_is_a_loop_over_elements() -> None:
    x, counts, around = levels(2, 2, 30), (30, 17), 6
    found = Relative(around)(x, torch.arange(30) < torch.tensor(counts)[:, None])
    for item, count in enumerate(counts):
        own = x[item, :, :count]

        def stretch(values: torch.Tensor, place: int, reach: int) -> torch.Tensor:
            return values[:, max(0, place - reach) : place + reach + 1]

        short = torch.stack([stretch(own, place, 4).mean(dim=1) for place in range(count)], dim=1)
        for place in range(count):
            least = stretch(short, place, around).amin(dim=1)
            mean = stretch(own, place, around).mean(dim=1)
            expected = torch.stack([own[:, place] - least, own[:, place] - mean])
            assert torch.allclose(found[item, ..., place], expected, atol=2e-4)


@pytest.mark.parametrize("around", [0, 5, 100_000])
def test_what_is_constant_gives_zeros(around: int) -> None:
    x = torch.full((2, 3, 20), 0.7361)
    for valid in (None, torch.arange(20) < torch.tensor([20, 7])[:, None]):
        assert not Relative(around)(x, valid).any()


def test_with_local_levels_features_do_not_depend_on_where_a_window_was_cut() -> None:
    """Windows of one recording, cut one second apart, agree wherever both see all that the network sees."""
    torch.manual_seed(0)
    recording = torch.randn(1, 96_000) * torch.linspace(0.01, 0.3, 96_000)
    first, second = recording[:, :64_000], recording[:, 16_384:80_384]
    ways: tuple[tuple[dict[str, Any], float], ...] = (
        (LOCAL, 1e-4),
        ({"around": 0.5, "norm": "row"}, 1e-4),
        ({"around": 0.5}, 0.05),
        ({"around": 0.0}, torch.inf),
        ({"around": 0.0, "norm": "layer"}, torch.inf),
    )
    for settings, most in ways:
        encoder = MODALITY.encoders["dilated"](**settings).eval()
        with torch.no_grad():
            both = (encoder(Waveforms(part, torch.tensor([64_000]), 16_000)) for part in (first, second))
            one, two = (level_of(encoder, "membership").of(features).values[0] for features in both)
        # One element is 512 samples; the view is 18 elements wide to either side, and levels reach 16 + 4 further.
        # So do statistics of groups, without the 4.
        shared, margin = 125 - 32, 18 + 20 + 1
        reach = 18 + 20 + 16 * (settings.get("norm", "group") == "group")
        assert encoder.reach == pytest.approx(0.0 if most == torch.inf else reach * 0.032)
        own = slice(margin, shared - margin)
        off = float((one[32:] - two[:shared])[own].norm(dim=1).max() / one[32:][own].norm(dim=1).max())
        assert off < most, settings
        assert most < 1 or off > 0.1, settings
