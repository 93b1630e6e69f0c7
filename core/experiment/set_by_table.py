"""Options of a training that a table sets itself, in every cell: giving them would change nothing."""

from collections.abc import Mapping

from ..training.options import Training


def check_left_alone(training: Training, usual: Training, set_here: Mapping[str, str]) -> None:
    """Refuse a training in which an option was given that a table replaces.

    Args:
        training: as the user gave it.
        usual: as it is when nothing is given.
        set_here: the names of the options that the table sets, and by what.

    Raises:
        ValueError: naming the option, and what sets it.

    Example:
        >>> check_left_alone(Training(), Training(), {"seed": "--seeds"})
        >>> check_left_alone(Training(seed=3), Training(), {"seed": "--seeds"})
        Traceback (most recent call last):
        ValueError: training.seed (--training.seed) is set by --seeds in every cell of this table: leave it out
    """
    for name, by in set_here.items():
        if getattr(training, name) != getattr(usual, name):
            raise ValueError(
                f"training.{name} (--training.{name}) is set by {by} in every cell of this table: leave it out"
            )
