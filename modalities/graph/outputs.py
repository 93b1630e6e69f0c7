"""Found objects of graphs in files: drawings, and tables of parts of molecules or of the nodes of other graphs."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float

from gestalt.core.data.items import AbstractItems
from gestalt.core.discovery.found import FoundBatch

from .data import Graph
from .molecules import MOLECULE
from .outputs_molecules import write_molecules
from .outputs_networks import write_networks
from .records import GraphRecords


def write_objects(found: Iterable[FoundBatch[Graph]], items: AbstractItems[Graph], out: Path) -> str:
    """`write_molecules` or `write_networks`, after what the graphs are; all of a data set are one or the other.

    Raises:
        TypeError: if the graphs are no records of files.
    """
    if not isinstance(items, GraphRecords):
        raise TypeError(f"objects are written for records of graphs (GraphRecords), got {type(items).__name__}")
    return write_molecules(found, items, out) if items.schema == MOLECULE else write_networks(found, items, out)


def element_columns(
    found: FoundBatch[Graph],
    row: int,
    items: AbstractItems[Graph],  # noqa: ARG001
) -> Mapping[str, Float[np.ndarray, " elements"]]:
    """The number of every atom, or node, in its file."""
    graph = found.items[row]
    numbers = np.full(found.features.values.shape[1], -1.0)
    numbers[: len(graph)] = graph.ids.numpy()
    return {"atom" if graph.schema == MOLECULE else "node": numbers}
