"""How long a training will take, said once, as soon as its first steps tell."""

import time
from collections.abc import Callable
from typing import final

from ..storage.amounts import duration

ENOUGH = 3.0
"""Seconds of steps that are enough to tell, where they are `FEW` steps at least; before, a tenth of all steps is."""
FEW = 5
PATIENCE = 30.0
"""Seconds after which one step tells."""


@final
class TimeLeft:
    """Estimates the time that training takes by the pace of its first steps, the very first one left out: it warms up.

    Args:
        steps: that are to be done by this process.
        now: the clock, in seconds.

    Example:
        >>> ticks = iter([0.0, 20.0, 40.0])
        >>> time_left = TimeLeft(603, lambda: next(ticks))
        >>> [time_left.after_step() for _ in range(3)]
        ['', '', 'about 3.3 h for the 600 steps that are left, by the pace of the first ones']
    """

    def __init__(self, steps: int, now: Callable[[], float] = time.monotonic) -> None:
        self.steps, self.now = steps, now
        self._done, self._began, self._said = 0, 0.0, False

    def after_step(self) -> str:
        """After each step: how long the others take, in words; nothing before it is known and once it was said."""
        self._done += 1
        if self._said:
            return ""
        if self._done == 1:
            self._began = self.now()
            return ""
        took, steps, left = self.now() - self._began, self._done - 1, self.steps - self._done
        known = took >= PATIENCE or (took >= ENOUGH and steps >= FEW) or steps >= max(2, self.steps / 10)
        if not known or not left:
            return ""
        self._said = True
        expected = took / steps * left
        about = "about " if expected >= 1 else ""
        steps_left = "1 step that is" if left == 1 else f"{left} steps that are"
        return f"{about}{duration(expected)} for the {steps_left} left, by the pace of the first ones"
