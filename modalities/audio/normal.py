"""What a stretch of sound differs from: its quiet level and its mean level in every band, without padding."""

from typing import Annotated, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gestalt.core.components.exporting import is_exporting
from gestalt.core.components.ranges import Between

Around = Annotated[float, Between(0.0, 3600.0)]
"""Seconds to either side, 0 for the whole recording."""
QUIET = 0.1
"""The share of a recording that is quieter than its quiet level."""
SMOOTH = 4
"""Elements to either side of which a mean is taken before the least is."""

ROUNDING = 1e-4
"""What differs by less differs by nothing; some 0.002 dB of a log-mel spectrum."""


@final
class Relative(nn.Module):
    """x less its quiet level, and x less its mean: what is constant, such as a hum or a filter, leaves both.

    Over the whole recording, the quiet level of a band is the value that a tenth of its elements lie below. With
    `around` elements, both are of a neighbourhood that moves along: the mean of so many elements to either side, and
    the least of short means among them. Features then do not depend on where a window was cut, away from its ends.

    Args:
        around: elements to either side, 0 for the whole recording.

    Source: for the least of short means, Martin, "Noise power spectral density estimation based on optimal smoothing
    and minimum statistics" (2001).
    """

    def __init__(self, around: int) -> None:
        super().__init__()
        self.around = around

    @property
    def reach(self) -> int:
        """How many elements to either side count: the least of short means sees a little further than the mean."""
        return self.around + min(SMOOTH, self.around)

    def forward(
        self, x: Float[Tensor, "batch bands time"], valid: Bool[Tensor, "batch time"] | None
    ) -> Float[Tensor, "batch two bands time"]:
        """Both, zero where not valid; None if all are."""
        quiet, mean = self._moving(x, valid) if self.around else _whole(x, valid)
        # Rounding is no sound: what is constant gives zeros, which no normalisation can blow up.
        both = nn.functional.softshrink(torch.stack([x - quiet, x - mean], dim=1), ROUNDING)
        return both if valid is None else both * valid[:, None, None]

    def _moving(self, x: Tensor, valid: Bool[Tensor, "batch time"] | None) -> tuple[Tensor, Tensor]:
        # Beyond both ends there is nothing to be seen; how many elements there are is no question for a program.
        around = self.around if is_exporting() else min(self.around, x.shape[2] - 1)
        here = x.new_ones(x.shape[0], 1, x.shape[2]) if valid is None else valid[:, None].to(x.dtype)
        short = _mean(x * here, here, min(SMOOTH, around))
        least = -_greatest((-short).masked_fill(here == 0, -torch.inf), around)
        # Padding has no neighbours of its own recording: any number will do there.
        return least.masked_fill(here == 0, 0.0), _mean(x * here, here, around)


def _whole(x: Tensor, valid: Bool[Tensor, "batch time"] | None) -> tuple[Tensor, Tensor]:
    """Quiet level and mean of each band over each recording's own elements."""
    if valid is None:
        counts, ordered, sums = x.new_full((x.shape[0], 1, 1), x.shape[2]), x, x.sum(dim=2, keepdim=True)
    else:
        counts = valid.sum(dim=1).clamp(min=1).to(x.dtype)[:, None, None]
        ordered, sums = x.masked_fill(~valid[:, None], torch.inf), (x * valid[:, None]).sum(dim=2, keepdim=True)
    place = QUIET * (counts - 1)
    below = place.long()
    ordered = ordered.sort(dim=2).values
    lower, upper = (
        ordered.gather(2, at.expand(-1, x.shape[1], 1)) for at in (below, (below + 1).minimum(counts.long() - 1))
    )
    return lower.lerp(upper, (place - below).expand_as(lower)), sums / counts


def _mean(x: Tensor, here: Tensor, around: int) -> Tensor:
    """The mean of the elements, `around` to either side, that are there."""
    width = 2 * around + 1
    sums, counts = (nn.functional.avg_pool1d(one, width, stride=1, padding=around) for one in (x, here))
    return sums / counts.clamp(min=0.5 / width)


def _greatest(x: Tensor, around: int) -> Tensor:
    """The greatest of the elements, `around` to either side."""
    padded = nn.functional.pad(x, (around, around), value=-torch.inf)
    if is_exporting():  # along one axis alone, torch takes the length of the examples for a number
        return nn.functional.max_pool2d(padded[:, :, None], (1, 2 * around + 1), stride=1)[:, :, 0]
    return nn.functional.max_pool1d(padded, 2 * around + 1, stride=1)


def elements_around(seconds: float, step: int, sample_rate: int) -> int:
    """The seconds of a neighbourhood in elements of `step` samples: at least one, unless it is the whole recording."""
    return max(1, round(seconds * sample_rate / step)) if seconds else 0
