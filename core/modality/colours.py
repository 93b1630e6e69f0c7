"""Colours of objects, the same in every picture."""

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#B8A800", "#6A51A3", "#7F7F7F", "#8C564B")
"""Okabe and Ito's, and a few more: told apart by the colour-blind, and by everyone on white."""

NONE = "#d0d7de"
"""What belongs to no object."""


def colour_of(number: int) -> str:
    """The colour of object `number`, pale grey for −1.

    Example:
        >>> colour_of(0), colour_of(10) == colour_of(0), colour_of(-1)
        ('#0072B2', True, '#d0d7de')
    """
    return COLOURS[number % len(COLOURS)] if number >= 0 else NONE
