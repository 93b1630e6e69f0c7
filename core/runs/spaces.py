"""In which space the vectors of a finished run are: hidden features, or what was compared in training."""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..networks.encoder import Network
from ..networks.modes import evaluating

Space = Literal["hidden", "projected", "compared"]
"""`hidden`: h, of the encoder. `projected`: z = g(h), of the projector. `compared`: q(z), behind the predictor, too."""


def in_space(
    space: Space, network: Network, heads: Mapping[str, nn.Module]
) -> Callable[[Float[Tensor, "rows dim"]], Float[Tensor, "rows outputs"]]:
    """What brings hidden vectors into a space; the result is on the CPU.

    - `compared` is where the online network's side of the comparison lies: CLIP and SimCLR, which have no predictor,
      compare z with z; BYOL and Odin q(z) with the teacher's z. There q(z) is the prediction of z, so that two vectors
      are compared as q(z) with z, or q(z) with q(z). Cosine similarity is what all of them look at.
    - Methods with prototypes compare what prototypes say of z: their space is `projected`, and they have no predictor.
    - Methods that compare nothing have neither head: all three spaces are one.

    Args:
        space: which.
        network: encoder and projector.
        heads: of the run, by name.

    Raises:
        ValueError: if there is no space of that name.

    Example:
        >>> from gestalt.core.networks.encoder import Identity
        >>> network, heads = Network(Identity(2), nn.Linear(2, 3)), {"predictor": nn.Linear(3, 4)}
        >>> rows = torch.ones(1, 2)
        >>> [in_space(space, network, heads)(rows).shape[1] for space in ("hidden", "projected", "compared")]
        [2, 3, 4]
    """
    if space not in ("hidden", "projected", "compared"):
        raise ValueError(f"space is hidden, projected or compared, got {space!r}")
    steps: list[nn.Module] = []
    if space != "hidden":
        steps.append(network.projector)
    if space == "compared" and "predictor" in heads:
        steps.append(heads["predictor"])
    chain = nn.Sequential(*steps)
    device = next(iter(chain.parameters()), torch.zeros(())).device

    def brought(rows: Tensor) -> Tensor:
        if not steps:
            return rows
        with evaluating(chain):
            found: Tensor = chain(rows.to(device))
        return found.float().cpu()

    return brought
