"""Found objects of graphs that are no molecules: a table of nodes, and drawings."""

from collections.abc import Iterable
from pathlib import Path

from gestalt.core.data.items import AbstractItems
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.storage.csv_file import TableWriter
from gestalt.core.storage.naming import counted
from gestalt.core.storage.text_file import open_text

from .data import Graph
from .joining import FoundGraph, in_windows, shown_windows, whole_graphs
from .records import GraphRecords
from .render import draw, found_parts

DRAWN = 50
"""So many graphs are drawn, the first ones: it takes a while to lay one out."""


def write_networks(found: Iterable[FoundBatch[Graph]], items: AbstractItems[Graph], out: Path) -> str:
    """`nodes.csv`, a line for every node with its object, and `drawings/00001.svg` of the first graph, ….

    Nodes are numbered as in the file, from 0; objects from 1 within each graph, 0 is none. A graph that was too large
    for the network, and came in windows, is one graph here: an object keeps its number in all windows, and each window
    has a drawing, `00001_window1.svg`, ….
    """
    assert isinstance(items, GraphRecords)
    objects, seen, windows, drawn = 0, 0, 0, 0
    (out / "drawings").mkdir()
    with open_text(out / "nodes.csv") as file:
        table: TableWriter | None = None
        for one in whole_graphs(found, items):
            said = () if one.named is None else ("label", "score")
            table = table or TableWriter(file, ("graph", "node", "name", "object", *said))
            parts = found_parts(one.labels)
            number = {node: place for place, (_, nodes) in enumerate(parts, start=1) for node in nodes}
            for node, own in enumerate(one.graph.ids.tolist()):
                name = one.graph.names[own] if one.graph.names else ""
                table.row((one.name, own, name, number.get(node, 0), *_called(one, node)))
            for drawing, part, labels in shown_windows(one):
                if drawn < DRAWN:
                    picture = draw(part, found_parts(labels))
                    (out / "drawings" / drawing).write_text(picture, encoding="utf-8")
                    drawn += 1
            seen, windows, objects = seen + 1, windows + len(one.windows), objects + len(parts)
    more = "" if windows <= DRAWN else f" (drawn: the first {DRAWN})"
    return f"{counted(objects, 'object')} in {counted(seen, 'graph')}{in_windows(seen, windows)}{more}"


def _called(one: FoundGraph, node: int) -> tuple[str, float] | tuple[()]:
    """What a model calls the object of a node, and how sure it is; nothing where no model says it."""
    if one.named is None:
        return ()
    number = int(one.labels[node])
    return ("", 0.0) if number < 0 else (one.named.name(number), round(float(one.named.scores[0, node]), 4))
