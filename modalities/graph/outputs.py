"""Found objects of graphs in files: drawings, and tables of parts of molecules or of the nodes of other graphs."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from gestalt.core.data.items import AbstractItems
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.discovery.typed import TypedBatch
from gestalt.core.storage.csv_file import TableWriter
from gestalt.core.storage.naming import counted
from gestalt.core.storage.text_file import open_text

from .data import Graph
from .joining import whole_graphs
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


def write_types(
    found: Iterable[TypedBatch[Graph]], items: AbstractItems[Graph], names: Sequence[str], out: Path
) -> str:
    """`parts.csv`: a line for every part with the name of its type, and its atoms or nodes, numbered from 0.

    Raises:
        TypeError: if the graphs are no records of files.
    """
    if not isinstance(items, GraphRecords):
        raise TypeError(f"objects are written for records of graphs (GraphRecords), got {type(items).__name__}")
    columns = ("molecule", "name", "type", "atoms") if items.schema == MOLECULE else ("graph", "name", "type", "nodes")
    graphs, parts = 0, 0
    with open_text(out / "parts.csv") as file:
        table = TableWriter(file, columns)
        for one in whole_graphs((batch.coded(len(names)) for batch in found), items):
            graphs += 1
            for code in one.labels[one.labels >= 0].unique().tolist():
                nodes = one.graph.ids[one.labels == code].tolist()
                table.row((one.name, one.graph.title, names[code % len(names)], " ".join(map(str, nodes))))
                parts += 1
    return f"{counted(parts, 'part')} in {counted(graphs, columns[0])}"


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
