"""Types of vectors of two numbers, made without a run."""

import torch

from gestalt.core.runs.types.object_types import ObjectTypes
from gestalt.core.runs.types.prototypes import Prototypes
from gestalt.core.runs.types.scaling import Scaling


def small_types(count: int) -> ObjectTypes:
    """Types around the numbers 0, 10, 20, …"""
    centres = torch.stack([torch.full((2,), 10.0 * number) for number in range(count)])
    scaling = Scaling(torch.zeros(2), torch.eye(2))
    objects = tuple(range(count, 0, -1))
    return ObjectTypes(scaling, Prototypes.of(centres), centres, objects, None, "network", {"by": {}})
