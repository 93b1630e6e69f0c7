"""Where what is drawn at random begins: in the run's seed."""

from collections.abc import Sequence
from typing import Any

import torch

from ..compared import Compared
from ..step import StepOutput


def of_the_run() -> torch.Generator:
    """A generator of the seed that torch was given last: that of the run, from which its networks start as well.

    Nothing is drawn from torch's own generator, so weights do not depend on what else starts at random.

    Example:
        >>> _ = torch.manual_seed(3)
        >>> of_the_run().initial_seed()
        3
    """
    return torch.Generator().manual_seed(torch.initial_seed())


def of_the_step(outputs: Sequence[StepOutput[Compared]]) -> torch.Generator:
    """The generator of a step that was computed, which is the same on all ranks and follows from seed and step."""
    generator: Any = outputs[0].details.info.generator
    assert isinstance(generator, torch.Generator)
    return generator
