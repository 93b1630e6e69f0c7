"""Graphs in JSON: scene graphs and node-link data, one document, an array of them, or one on every line."""

import json
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from gestalt.core.data.items import BadItemError, Skipped
from gestalt.core.modality.files import ADVICE
from gestalt.core.shards.files import open_file
from gestalt.core.tables.encoding import encoding_of
from gestalt.core.tables.json_array import elements
from gestalt.core.tables.lines import lines_of, text_encoding

from .data import Graph
from .node_link import is_node_link, network_of
from .records import AbstractStored, Record
from .scene_graphs import SCENE, is_scene, scene_graph, scene_of
from .typed import Network, built

LINES = frozenset((".jsonl", ".ndjson"))
LONGEST = 1 << 27
"""Bytes of the longest graph: a file without an end is not taken into memory for one."""
FORMS = (
    "expected scene graphs as Visual Genome writes them (objects, relationships), or node-link data as networkx writes "
    "it (nodes, links or edges)"
)


@final
@dataclass(frozen=True)
class Piece:
    """A graph's place in a file: its bytes, and how one calls it; what is the matter with it, if it is known."""

    path: Path
    begin: int
    end: int
    name: str
    problem: str = ""

    def document(self) -> Any:
        """What is written there.

        Raises:
            BadItemError: if it is no JSON in UTF-8.
        """
        problem = self.problem
        if not problem and self.end - self.begin > LONGEST:
            problem = f"takes more than {LONGEST >> 20} MiB; write it as an edge list"
        if problem:
            raise BadItemError(self.name, f"{problem}; {ADVICE}")
        with open_file(self.path) as file:
            file.seek(self.begin)
            content = file.read(self.end - self.begin)
        try:
            return json.loads(content.decode())
        except (ValueError, RecursionError) as error:
            raise BadItemError(self.name, f"is no JSON in UTF-8 ({error}); {ADVICE}") from error


@final
@dataclass(frozen=True)
class StoredScene(AbstractStored):
    """A scene graph that is read from its file when it is asked for: a large collection is not in memory."""

    piece: Piece
    title: str
    schema = SCENE

    def graph(self) -> Graph:
        """The graph.

        Raises:
            BadItemError: if the file has changed.
        """
        try:
            return scene_graph(scene_of(self.piece.document()), self.title)
        except ValueError as error:
            raise BadItemError(self.piece.name, f"{error}; {ADVICE}") from error


def json_records(path: Path) -> Iterator[Record | Skipped]:
    """The graphs of a file; scene graphs stay there until they are asked for.

    Raises:
        BadItemError: if the file is compressed or not in UTF-8.
    """
    networks: list[tuple[Piece, Network]] = []
    for number, piece in enumerate(_pieces(path), start=1):
        try:
            document = piece.document()
            if is_scene(document):
                scene = scene_of(document)
                title = str(document.get("image_id", number))
                yield Record(piece.name, StoredScene(piece, title), len(scene.names), {"title": title}, title=title)
            elif is_node_link(document):
                networks.append((piece, network_of(document, f"{path.name} {number}")))
            else:
                raise ValueError(f"is no graph, got {_shown(document)}; {FORMS}")
        except BadItemError as error:
            yield Skipped(error.name, error.reason)
        except ValueError as error:
            yield Skipped(piece.name, f"{error}; {ADVICE}")
    graphs = built([network for _, network in networks])
    for (piece, network), graph in zip(networks, graphs, strict=True):
        yield Record(piece.name, graph, len(graph), {"title": network.title})


def _shown(document: Any) -> str:
    if not isinstance(document, dict):
        return type(document).__name__
    return f"an object of {', '.join(str(key)[:40] for key in list(document)[:8]) or 'nothing'}"


def _pieces(path: Path) -> Iterator[Piece]:
    if path.suffix.lower() == ".gz":
        raise BadItemError(str(path), f"is compressed, and JSON is read at its places; unpack it, {ADVICE}")
    if path.suffix.lower() in LINES:
        if text_encoding(path).name != "utf-8":
            raise BadItemError(str(path), f"is not in UTF-8, as JSON is written; convert it, {ADVICE}")
        for line in lines_of(path):
            if line.text.strip():
                yield Piece(path, line.begin, line.end, f"{path} [line {line.number}]")
        return
    with open_file(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        encoding = encoding_of(content[:4096])
        if encoding.name != "utf-8":
            raise BadItemError(str(path), f"is not in UTF-8, as JSON is written; convert it, {ADVICE}")
        for number, (begin, end, problem) in enumerate(elements(content, encoding.mark), start=1):
            yield Piece(path, begin, end, f"{path} [graph {number}]", problem)
