"""Schedules of the published methods."""

import math


def warmup_cosine(step: int, steps: int, warmup: int) -> float:
    """Share of the peak learning rate at a step: linear from 0 over `warmup` steps, then a half cosine to 0.

    Source: BYOL, DetCon.

    Example:
        >>> [round(warmup_cosine(step, steps=110, warmup=10), 3) for step in (0, 5, 10, 60, 110)]
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    if step < warmup:
        return step / warmup
    done = (step - warmup) / max(steps - warmup, 1)
    return 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
