"""Which parameters are decayed and adapted, and which are not; and which of them learn slower."""

from typing import Any

from torch import nn

from ..networks.encoder import AbstractEncoder

SHARE = "share"
"""The key of a group that learns slower: its share of the learning rate. Other groups have none."""


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups: weights, and the biases and normalisation parameters that are neither decayed nor adapted.

    A parameter of one axis is a bias or belongs to a normalisation layer, whatever its name. Frozen parameters are in
    no group. Layers of an encoder that learn slower (`Pace`) come after, two groups for every share of the rate.

    Source: BYOL, SimCLR and DetCon exclude both from weight decay and from LARS.

    Example:
        >>> [len(group["params"]) for group in parameter_groups(nn.Linear(3, 2), weight_decay=1e-6)]
        [1, 1]
    """
    shares: dict[nn.Parameter, float] = {}
    for part in module.modules():
        if isinstance(part, AbstractEncoder) and part.paced is not None:
            shares |= part.paced.rates()
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    groups = []
    for share in (1.0, *sorted({shares.get(p, 1.0) for p in trained} - {1.0}, reverse=True)):
        own = [parameter for parameter in trained if shares.get(parameter, 1.0) == share]
        slower = {} if share == 1.0 else {SHARE: share}
        groups += [
            {"params": [p for p in own if p.ndim > 1], "weight_decay": weight_decay, "adapt": True} | slower,
            {"params": [p for p in own if p.ndim <= 1], "weight_decay": 0.0, "adapt": False} | slower,
        ]
    return groups
