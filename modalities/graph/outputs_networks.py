"""Found objects of graphs that are no molecules: a table of nodes, and drawings."""

from collections.abc import Iterable
from pathlib import Path

from gestalt.core.data.items import AbstractItems
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.storage.csv_file import TableWriter
from gestalt.core.storage.naming import counted
from gestalt.core.storage.text_file import open_text

from .data import Graph
from .render import draw, found_parts

DRAWN = 50
"""So many graphs are drawn, the first ones: it takes a while to lay one out."""


def write_networks(found: Iterable[FoundBatch[Graph]], items: AbstractItems[Graph], out: Path) -> str:
    """`nodes.csv`, a line for every node with its object, and `drawings/00001.svg` of the first graph, ….

    Nodes are numbered as in the file, from 0; objects from 1 within each graph (or window of it), 0 is none.
    """
    objects, seen = 0, 0
    (out / "drawings").mkdir()
    with open_text(out / "nodes.csv") as file:
        table = TableWriter(file, ("graph", "node", "name", "object"))
        for batch in found:
            labels = batch.segmentation.labels()
            for row, (index, graph) in enumerate(zip(batch.index, batch.items, strict=True)):
                parts = found_parts(labels[row][: len(graph)])
                number = {node: place for place, (_, nodes) in enumerate(parts, start=1) for node in nodes}
                for node, own in enumerate(graph.ids.tolist()):
                    name = graph.names[own] if graph.names else ""
                    table.row((items.name(index), own, name, number.get(node, 0)))
                if seen < DRAWN:
                    (out / "drawings" / f"{index + 1:05d}.svg").write_text(draw(graph, parts), encoding="utf-8")
                seen, objects = seen + 1, objects + len(parts)
    drawn = "" if seen <= DRAWN else f" (drawn: the first {DRAWN})"
    return f"{counted(objects, 'object')} in {counted(seen, 'graph')}{drawn}"
