"""Which parameters are decayed and adapted, and which are not."""

from typing import Any

from torch import nn


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups: weights, and the biases and normalisation parameters that are neither decayed nor adapted.

    A parameter of one axis is a bias or belongs to a normalisation layer, whatever its name.

    Source: BYOL, SimCLR and DetCon exclude both from weight decay and from LARS.

    Example:
        >>> [len(group["params"]) for group in parameter_groups(nn.Linear(3, 2), weight_decay=1e-6)]
        [1, 1]
    """
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay, "adapt": True},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0, "adapt": False},
    ]
