"""Whether a network is being made into a program, `torch.export`."""

import torch


def is_exporting() -> bool:
    """Whether sizes are no numbers, since a program is made for all of them.

    While `torch.compile` traces, torch says that it exports too: sizes are numbers then, and data can be looked at.

    Example:
        >>> is_exporting()
        False
    """
    return torch.compiler.is_exporting() and not torch.compiler.is_dynamo_compiling()
