"""Graphs as Python's libraries hold them: SMILES, data sets of PyTorch Geometric."""

from typing import Any

from gestalt.core.data.items import AbstractItems
from gestalt.core.modality.in_python import FromPython, Things

from .data import Graph
from .molecules import graph_of, molecule_of
from .networks import from_pyg

COLUMNS = ("smiles", "SMILES", "molecule", "canonical_smiles", "graph")


def graphs_of(things: Things, most: int) -> AbstractItems[Graph]:
    """Numbered graphs.

    Args:
        things: graphs, SMILES, or `Data` of PyTorch Geometric: all like the first.
        most: nodes of a window of PyTorch Geometric's graphs.

    Raises:
        TypeError: for nothing of these.
    """
    first = things.of(0)
    if isinstance(first, tuple) and first:
        first = first[0]
    if isinstance(first, Graph | str):
        return FromPython(things, graph_from)
    if not hasattr(first, "edge_index"):
        raise TypeError(
            f"{things.word} 1 is no graph: expected a Graph, a SMILES, or Data of PyTorch Geometric, "
            f"got {type(first).__name__}"
        )
    return from_pyg((things.of(number) for number in range(things.count)), things.word, most)


def graph_from(thing: Any) -> Graph:
    """A graph, or the molecule of a SMILES; of a tuple the first (a data set's SMILES and label).

    Raises:
        TypeError: for nothing of these.
        ValueError: if RDKit cannot read it.

    Example:
        >>> len(graph_from(("CCO", 0.5)))
        3
    """
    thing = thing[0] if isinstance(thing, tuple) and thing else thing
    if isinstance(thing, Graph):
        return thing
    if not isinstance(thing, str):
        raise TypeError(f"is no graph: expected a SMILES as the first is, got {type(thing).__name__}")
    return graph_of(molecule_of(thing), source=thing)
