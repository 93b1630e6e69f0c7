"""What is true of molecules: their parts by the rules of chemists, and their measured solubility."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.modalities.graph import Graph

from .moieties import Part


@final
@dataclass(frozen=True)
class Measured:
    """Molecules whose solubility was measured: log mol/L, and the class (0 low, 1 medium, 2 high)."""

    items: tuple[Graph, ...]
    values: Float[Tensor, " items"]
    classes: Int[Tensor, " items"]
    smiles: tuple[str, ...]


@final
@dataclass(frozen=True)
class Split:
    """Measured molecules to learn from, and others to be asked about."""

    learn: Measured
    ask: Measured


@final
@dataclass(frozen=True)
class Truth:
    """What is true of the evaluated molecules, and how the measured ones are split.

    `moieties` and `pieces` number the parts of every atom, −1 on padding. `given` is the split that comes with the
    data, `scaffolds` one whose molecules to be asked about have scaffolds that none to learn from has.
    """

    molecules: tuple[Any, ...]
    moieties: Int[Tensor, "items atoms"]
    pieces: Int[Tensor, "items atoms"]
    given: Split
    scaffolds: Split


def numbered(parts: Sequence[Sequence[Part]]) -> Int[Tensor, "items atoms"]:
    """The number of every atom's part, −1 on padding.

    Example:
        >>> numbered([[("ring", (2,)), ("chain", (0, 1))], [("chain", (0,))]]).tolist()
        [[1, 1, 0], [0, -1, -1]]
    """
    rows = []
    for some in parts:
        row = torch.full((sum(len(atoms) for _, atoms in some),), -1)
        for number, (_, atoms) in enumerate(some):
            row[list(atoms)] = number
        rows.append(row)
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-1)
