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


def linear_rise(first: float, last: float, step: int, over: int) -> float:
    """From `first` to `last` in a straight line over so many steps; `last` from then on, and at once over none.

    Source: the temperature of DINO's teacher, which rises by the epoch there.

    Example:
        >>> [round(linear_rise(0.04, 0.07, step, over=30), 3) for step in (0, 10, 30, 99)]
        [0.04, 0.05, 0.07, 0.07]
    """
    return first + (last - first) * (min(step / over, 1.0) if over else 1.0)
