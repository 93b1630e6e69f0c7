"""Node-link data, as `networkx.node_link_data` and d3 write it."""

from collections.abc import Mapping, Sequence
from typing import Any

from .json_values import list_in, object_in, text_in
from .typed import Edge, Network

ENDS = ("source", "target")


def is_node_link(document: Any) -> bool:
    """Whether a document looks like node-link data.

    Example:
        >>> is_node_link({"nodes": [], "links": []}), is_node_link({"nodes": 3})
        (True, False)
    """
    return isinstance(document, dict) and "nodes" in document and ("links" in document or "edges" in document)


def network_of(document: Any, title: str) -> Network:
    """The nodes with what is said of them, and the edges; values that are lists or objects are left out.

    Raises:
        ValueError: if a node has no id or one of another, or an edge has an end that is no node.

    Example:
        >>> pair = {"directed": True, "nodes": [{"id": 1}, {"id": 2}], "links": [{"source": 1, "target": 2}]}
        >>> network_of(pair, "pair").edges
        [Edge(one='1', two='2', cells=(), points=True)]
    """
    directed = document.get("directed", False) is True
    listed = [object_in(entry, f"node {number}") for number, entry in enumerate(list_in(document, "nodes"), start=1)]
    heads = _heads(listed, ("id",))
    nodes: dict[str, tuple[str, ...]] = {}
    for number, entry in enumerate(listed, start=1):
        if "id" not in entry:
            raise ValueError(f"node {number} has no id")
        name = text_in(entry["id"], f"the id of node {number}")
        if name in nodes:
            raise ValueError(f"node {number} has the id {name!r} of another")
        nodes[name] = tuple(_cell(entry.get(head)) for head in heads)
    if not nodes:
        raise ValueError("is a graph without nodes")
    given = list_in(document, "links") or list_in(document, "edges")
    links = [object_in(entry, f"edge {number}") for number, entry in enumerate(given, start=1)]
    own = _heads(links, (*ENDS, "key"))
    edges = []
    for number, entry in enumerate(links, start=1):
        one, two = (text_in(entry.get(end), f"the {end} of edge {number}") for end in ENDS)
        for end in (one, two):
            if end not in nodes:
                raise ValueError(f"edge {number} has the end {end!r}, which is none of the {len(nodes)} nodes")
        edges.append(Edge(one, two, tuple(_cell(entry.get(head)) for head in own), directed))
    name = document.get("name")
    return Network(name if isinstance(name, str) and name else title, nodes, edges, directed)


def _heads(entries: Sequence[Mapping[str, Any]], without: Sequence[str]) -> list[str]:
    """What is said of any of them in a single value, in alphabetical order."""
    plain = {key for entry in entries for key, value in entry.items() if isinstance(value, str | int | float | bool)}
    return sorted(plain.difference(without))


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).strip() if isinstance(value, str | int | float) else ""
