"""GraphML, the XML of networks: graphs with keys that say what is known of nodes and edges."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final
from xml.parsers import expat

from gestalt.core.data.items import BadItemError, Skipped
from gestalt.core.modality.files import ADVICE
from gestalt.core.tables.blocks import blocks_of

from .records import Record
from .typed import Edge, Network, built, is_number

REFUSED = {
    "hyperedge": "holds an edge of more than two ends; write it as edges between pairs",
    "locator": "refers to another file; write the graph into this one",
}


def graphml_records(path: Path) -> Iterator[Record | Skipped]:
    """Every graph of a file; loops are left out, and so are ports and graphs within nodes.

    Nothing outside the file is read, and nothing is expanded: documents with a DTD are refused.

    Raises:
        BadItemError: with the line, if it is no GraphML, or an edge has an end that is no node.
    """
    document = _Document(path)
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = document.refuse
    parser.StartElementHandler = lambda name, given: document.begin(name, given, parser.CurrentLineNumber)
    parser.EndElementHandler = document.end
    parser.CharacterDataHandler = document.text
    try:
        for block in blocks_of(path):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        said = expat.ErrorString(error.code)
        raise BadItemError(f"{path} [line {error.lineno}]", f"is no XML ({said}); {ADVICE}") from error
    except LookupError as error:  # Python knows no such encoding
        raise BadItemError(str(path), f"is XML in an encoding that is not known ({error}); {ADVICE}") from error
    networks = document.networks()
    graphs = built(networks, document.types("node"), document.types("edge"))
    for number, (one, graph) in enumerate(zip(networks, graphs, strict=True), start=1):
        name = f"{path} [graph {number}]"
        if len(graph):
            yield Record(name, graph, len(graph), {"title": one.title})
        else:
            yield Skipped(name, f"has no nodes; {ADVICE}")


@final
@dataclass(frozen=True)
class _Key:
    """What is known of nodes or edges by one name."""

    name: str
    of: str
    type: str

    @property
    def is_number(self) -> bool:
        return self.type in ("int", "long", "float", "double")


@final
@dataclass
class _Drawn:
    """A graph so far: what is said of nodes, and of edges with their ends, whether they point, and their line."""

    title: str
    directed: bool
    nodes: dict[str, dict[str, str]] = field(default_factory=dict)
    edges: list[tuple[str, str, bool, dict[str, str], int]] = field(default_factory=list)


@final
@dataclass
class _Document:
    """What the parser has met so far."""

    path: Path
    is_graphml: bool = False
    keys: dict[str, "_Key"] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    graphs: list[_Drawn] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    of: list[dict[str, str]] = field(default_factory=list)
    value: tuple[str, list[str], int] | None = None

    def refuse(self, *_: Any) -> None:
        """No document type: entities may unfold without end, or read other files."""
        raise BadItemError(
            str(self.path), f"declares a document type (DTD), which is not read; remove the <!DOCTYPE …>, {ADVICE}"
        )

    def begin(self, name: str, given: dict[str, str], line: int) -> None:
        """The beginning of an element."""
        name = name.rpartition(":")[2]
        self.open.append(name)
        if name == "graphml":
            self.is_graphml = True
        if not self.is_graphml:
            raise self._bad(line, f"is XML of another form, which begins with <{name}>")
        if name in REFUSED:
            raise self._bad(line, REFUSED[name])
        nested = self.open.count("graph") > 1
        if name == "key":
            own = given.get("id", "")
            known = _Key(given.get("attr.name", own), given.get("for", "all"), given.get("attr.type", "string"))
            self.keys[own] = known
            self.of.append(self.defaults)
        elif name == "graph" and nested:
            raise self._bad(line, "holds a graph within a node; write it as a graph of its own")
        elif name == "graph":
            title = given.get("id", "") or f"{self.path.name} {len(self.graphs) + 1}"
            self.graphs.append(_Drawn(title, given.get("edgedefault", "undirected") == "directed"))
            self.of.append({})
        elif name in ("node", "edge"):
            self._element(name, given, line)
        elif name in ("data", "default") and self.of:
            self.value = given.get("key", next(reversed(self.keys), "")), [], line

    def _element(self, name: str, given: dict[str, str], line: int) -> None:
        if not self.graphs or "graph" not in self.open:
            raise self._bad(line, f"has a <{name}> in no graph")
        graph, said = self.graphs[-1], dict[str, str]()
        if name == "node":
            own = given.get("id")
            if own is None or own in graph.nodes:
                raise self._bad(line, "has a node without an id" if own is None else f"has the node {own!r} again")
            graph.nodes[own] = said
        else:
            if "source" not in given or "target" not in given:
                raise self._bad(line, "has an edge without source or target")
            points = given.get("directed", str(graph.directed)).lower() == "true"
            graph.edges.append((given["source"], given["target"], points, said, line))
        self.of.append(said)

    def end(self, name: str) -> None:
        """The end of an element."""
        name = name.rpartition(":")[2]
        self.open.pop()
        if name in ("data", "default") and self.value is not None:
            key, parts, line = self.value
            said = " ".join("".join(parts).split())
            if said and key in self.keys and self.keys[key].is_number and not is_number(said):
                raise self._bad(line, f"says {said[:40]!r} of a key that is a number (attr.type)")
            self.of[-1][key] = said
            self.value = None
        elif name in ("node", "edge", "graph", "key") and self.of:
            self.of.pop()

    def text(self, text: str) -> None:
        """Text within an element."""
        if self.value is not None and self.open[-1] in ("data", "default"):
            self.value[1].append(text)

    def networks(self) -> list[Network]:
        """The graphs as they were named.

        Raises:
            BadItemError: if there is none, or an edge has an end that is no node.
        """
        if not self.graphs:
            raise BadItemError(str(self.path), f"holds no graph; {ADVICE}")
        return [self._network(graph, self.of_what("node"), self.of_what("edge")) for graph in self.graphs]

    def of_what(self, wanted: str) -> dict[str, list[str]]:
        """What is said of nodes, or of edges, by its name, with its keys: networkx has one for each type of number."""
        found: dict[str, list[str]] = {}
        for key, known in self.keys.items():
            if known.of in (wanted, "all"):
                found.setdefault(known.name, []).append(key)
        return found

    def types(self, wanted: str) -> list[bool]:
        """Which of these are numbers."""
        return [all(self.keys[key].is_number for key in keys) for keys in self.of_what(wanted).values()]

    def _network(self, graph: _Drawn, of_nodes: dict[str, list[str]], of_edges: dict[str, list[str]]) -> Network:
        edges = []
        for one, two, points, said, line in graph.edges:
            for end in (one, two):
                if end not in graph.nodes:
                    raise self._bad(line, f"has an edge with the end {end!r}, which is no node")
            edges.append(Edge(one, two, self._cells(said, of_edges), points))
        nodes = {name: self._cells(said, of_nodes) for name, said in graph.nodes.items()}
        directed = graph.directed or any(edge.points for edge in edges)
        return Network(graph.title, nodes, edges, directed)

    def _cells(self, said: dict[str, str], columns: dict[str, list[str]]) -> tuple[str, ...]:
        return tuple(
            next((said[key] for key in keys if key in said), self.defaults.get(keys[0], ""))
            for keys in columns.values()
        )

    def _bad(self, line: int, reason: str) -> BadItemError:
        return BadItemError(f"{self.path} [line {line}]", f"{reason}; {ADVICE}")
