"""How fast the lower layers of a network learn: as fast as all others, slower the lower they lie, or not at all."""

from collections.abc import Iterator, Sequence
from typing import Annotated, final

from torch import nn

from ..components.ranges import Between, PositiveShare, check_ranges

Frozen = Annotated[int, Between(-1, 1000)]
"""How many of the lowest layers of a network do not learn; −1 for the whole network."""

Layer = Sequence[nn.Module | nn.Parameter]
"""What belongs to one layer of a network."""


@final
class Pace:
    """The settings that every encoder has which can start from weights of another training.

    Args:
        frozen: how many of the lowest layers do not learn, what comes before the first block being the lowest; −1 for
            the whole network.
        slower: the learning rate of the top layer as a share of that of the heads, of the layer below as a share of
            the top layer's, and so on down.

    Source: layer-wise decay of the learning rate as in Clark et al., "ELECTRA" (2020).
    """

    def __init__(self, frozen: Frozen = 0, slower: PositiveShare = 1.0) -> None:
        self.frozen = frozen
        self.slower = slower
        check_ranges(self)

    def over(self, network: nn.Module, layers: Sequence[Layer]) -> "Paced":
        """Freeze what is frozen, and remember the rates of the rest.

        Args:
            network: what started from other weights.
            layers: its layers from the lowest up; what none of them holds belongs to the top one.

        Raises:
            ValueError: if more layers are to be frozen than there are.
        """
        if self.frozen > len(layers):
            raise ValueError(
                f"frozen must be at most {len(layers)}, as many layers as the network has (−1 freezes all of it), "
                f"got {self.frozen}"
            )
        return Paced(network, layers, self)


@final
class Paced:
    """The layers of a network under a `Pace`; no module itself, so that it adds no name to any weight."""

    def __init__(self, network: nn.Module, layers: Sequence[Layer], pace: Pace) -> None:
        self.network = network
        self.layers = tuple(tuple(layer) for layer in layers)
        self.pace = pace
        for part in self.frozen():
            part.requires_grad_(False)

    def frozen(self) -> Iterator[nn.Module | nn.Parameter]:
        """The parts that do not learn."""
        if self.pace.frozen < 0:
            yield self.network
        else:
            for layer in self.layers[: self.pace.frozen]:
                yield from layer

    def keep_still(self) -> None:
        """Evaluation mode for all that is frozen: no running statistics move, and nothing is dropped."""
        for part in self.frozen():
            if isinstance(part, nn.Module):
                for inner in part.modules():  # `part.eval()` would come back here where the part is the encoder
                    inner.training = False

    def rates(self) -> dict[nn.Parameter, float]:
        """Every parameter of the network with its share of the learning rate."""
        top = len(self.layers) - 1
        found = dict.fromkeys(self.network.parameters(), self.pace.slower)
        for number, layer in enumerate(self.layers):
            for part in layer:
                for parameter in part.parameters() if isinstance(part, nn.Module) else (part,):
                    found[parameter] = self.pace.slower ** (top - number + 1)
        return found


def stacked(network: nn.Module, blocks: Sequence[nn.Module]) -> list[Layer]:
    """A layer per block, and below them one of all that the network registers before the first.

    Example:
        >>> network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 3), nn.Linear(3, 3), nn.LayerNorm(3))
        >>> [len(layer) for layer in stacked(network, [network[1], network[2]])]
        [1, 1, 1]
    """
    inside = {part for block in blocks for part in block.modules()}
    before: list[nn.Module | nn.Parameter] = []
    for part in network.modules():
        if part in inside:
            break
        # Modules without children of their own go as they are: their statistics are to be kept still, too.
        before += list(part.parameters(recurse=False)) if list(part.children()) else [part]
    learned = any(isinstance(part, nn.Parameter) or next(part.parameters(), None) is not None for part in before)
    return [*([before] if learned else []), *([block] for block in blocks)]
