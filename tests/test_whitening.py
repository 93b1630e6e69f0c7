"""Whitening by the statistics of all that was seen in training."""

import torch

from gestalt.core.networks.whitening import RunningWhitening
from tests.implementations import seeded


def rows_of(seed: int, count: int) -> torch.Tensor:
    """Rows whose numbers go together, far from zero."""
    mixing = torch.randn(6, 6, generator=seeded(9))
    return torch.randn(count, 6, generator=seeded(seed)) @ mixing + 5


def test_statistics_are_those_of_all_rows_however_they_came() -> None:
    rows, layer = rows_of(0, 500), RunningWhitening(6)
    for part in (rows[:7], rows[:0], rows[7:8], rows[8:300], rows[300:]):
        layer(part)
    assert torch.allclose(layer.mean, rows.mean(dim=0), atol=1e-4)
    assert torch.allclose(layer.covariance, rows.T.cov(correction=0), rtol=1e-3, atol=1e-3)
    assert int(layer.count) == 500


def test_what_was_seen_is_white_and_what_is_looked_at_later_changes_nothing() -> None:
    rows, layer = rows_of(0, 5000), RunningWhitening(6)
    assert torch.equal(layer.eval()(rows), rows)  # nothing is known yet
    layer.train()(rows)
    white = layer.eval()(rows)
    # What varies least is not blown up all the way.
    scales = torch.linalg.eigvalsh(white.T.cov())
    spread = torch.linalg.eigvalsh(rows.T.cov())
    assert torch.allclose(scales, (spread / (spread + 1e-3 * spread[-1])).sort().values, atol=1e-2)
    assert torch.allclose(white.mean(dim=0), torch.zeros(6), atol=1e-3)
    layer(rows_of(3, 50) * 9)
    assert torch.equal(layer(rows), white)
