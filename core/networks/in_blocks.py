"""Networks of blocks that are called one after another, so that their weights are needed one block at a time."""

from typing import ClassVar, Protocol, runtime_checkable

from torch import nn


@runtime_checkable
class InBlocks(Protocol):
    """A network whose blocks are called as wholes, tensors in and tensors out: nothing else reaches into a block.

    Where weights lie in pieces (`--strategy fsdp`), those of a block are put together for its call alone; a network
    without blocks, for the call of its encoder.
    """

    calls_of_blocks: ClassVar[tuple[str, ...]]
    """The methods by which the network calls its blocks, beside `forward`."""
    blocks: nn.ModuleList
