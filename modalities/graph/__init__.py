"""Graphs: molecules and other networks, their nodes, and the parts they are made of."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, final

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.components.ranges import Between, check_ranges
from gestalt.core.components.settings import accepted
from gestalt.core.data.items import AbstractItems, Skipped, first_readable
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.data.places import Places, one_grid
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.exports.tensors import TensorInputs
from gestalt.core.modality.base import AbstractModality, Reading, Specimen
from gestalt.core.modality.in_python import Things
from gestalt.core.modality.transform import AbstractTransform, Views
from gestalt.core.modality.transplant import Transplant
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.tables.encoding import check_encoding

from .choices import CHOICES
from .data import Graph as Graph
from .data import Graphs as Graphs
from .data import Schema as Schema
from .data import collate as collate
from .descriptors import descriptors
from .encoders import Diffusion, Raw
from .given_masks import read_masks, shown_masks
from .jumping import Jumping
from .message_passing import gat, gcn, gin, gine
from .molecules import MOLECULE as MOLECULE
from .molecules import graph_of as graph_of
from .molecules import molecule_from as molecule_from
from .molecules import molecule_of as molecule_of
from .networks import from_pyg as from_pyg
from .objects import COLUMNS, graphs_of
from .outputs import element_columns, write_objects
from .pyg_export import to_pyg as to_pyg
from .reading import Written, read_graphs
from .records import GraphRecords as GraphRecords
from .records import Record as Record
from .render import draw as draw
from .render import render
from .render_object import render_object
from .specimens import specimens
from .statistics import statistics
from .tensors import schema_of, tensor_inputs
from .transplants import transplant
from .views import (
    EdgeAdd,
    EdgeDrop,
    EdgeMask,
    FeatureMask,
    Neighbourhood,
    NodeDrop,
    NodeMask,
    RandomWalk,
    Reorder,
    Subgraph,
)
from .views import chain as chain
from .views import default_views as default_views


@final
class GraphModality(AbstractModality[Graph]):
    """Molecules and networks, in windows of at most `most` nodes; objects are groups of nodes, such as moieties.

    Args:
        most: nodes of an item; larger graphs are cut into connected windows.
        elements: `nodes`, or `edges`: the nodes of every item are then the edges of its graph (its line graph), so that
            objects are groups of edges.
        directed: whether edges of edge lists and of tables of numbers point from the first node to the second; other
            files say it themselves.
        margin: edges around such a window up to which the network sees other nodes, once it has learned: one more than
            the encoder has layers gives the vectors of the whole graph. At most `most` nodes are seen so.
        column: the name of the SMILES column in tables; the usual names are found without it.
        encoding: of files that are not in Unicode (latin-1, cp1252, gb18030, …); None refuses them.

    Example:
        >>> sorted(MODALITY.encoders)
        ['diffusion', 'gat', 'gcn', 'gin', 'gine', 'jumping', 'raw']
    """

    name: ClassVar[str] = "graph"
    element: ClassVar[str] = "node"

    def __init__(
        self,
        most: Annotated[int, Between(1, 1_000_000)] = 512,
        column: str | None = None,
        encoding: str | None = None,
        margin: Annotated[int, Between(0, 1000)] = 4,
        elements: str = "nodes",
        directed: bool = False,
    ) -> None:
        self.most = most
        self.column = column
        self.encoding = encoding
        self.margin = margin
        self.elements = elements
        self.directed = directed
        check_ranges(self)
        if elements not in ("nodes", "edges"):
            raise ValueError(f"elements are nodes or edges, got {elements!r}")
        if encoding is not None:
            check_encoding(encoding)
        self.encoders: Mapping[str, Callable[..., AbstractEncoder]] = {
            "raw": Raw,
            "diffusion": Diffusion,
            "gin": gin,
            "gine": gine,
            "gcn": gcn,
            "gat": gat,
            "jumping": Jumping,
        }
        self.transforms: Mapping[str, AbstractTransform[Graph]] = {
            "feature_mask": FeatureMask(),
            "node_mask": NodeMask(),
            "edge_mask": EdgeMask(),
            "edge_drop": EdgeDrop(),
            "edge_add": EdgeAdd(),
            "node_drop": NodeDrop(),
            "random_walk": RandomWalk(),
            "neighbourhood": Neighbourhood(),
            "small_crop": Subgraph(0.2, 0.5),
            "reorder": Reorder(),
        }
        self.views: Views[Graph] = default_views()
        self.choices: Mapping[str, Mapping[str, AbstractTransform[Graph]]] = CHOICES

    def read(self, paths: Sequence[Path], skip_bad: bool = False) -> Reading[Graph]:
        """The graphs of all files among `paths` and in the folders among them, in sorted order.

        SMILES files, tables with a column of SMILES, SDF and molfiles, each also as `.gz`; edge lists with features,
        GraphML, node-link data, scene graphs, folders of tables in the form of the Open Graph Benchmark; `.pt` files of
        PyTorch Geometric's `Data`, whose in-memory data sets become items by `from_pyg`. Every file is read through
        once, to count the nodes of its graphs. Other forms are refused where they are named, and listed as left out
        where they lie in a folder.

        Raises:
            BadItemError: for the first line, record or file that cannot be used, unless `skip_bad`.
            FileNotFoundError: for a path that does not exist.
            ValueError: if no usable graph is found.
        """
        written = Written(self.column, self.encoding, self.directed)
        return read_graphs(paths, self.most, skip_bad, written, self.margin, self.elements == "edges")

    def encoder_settings(self, encoder: str, items: AbstractItems[Graph]) -> Mapping[str, Any]:
        """The features of nodes and edges, which all graphs of a data set share, for the encoders that take them.

        Raises:
            ValueError: if the items do not say it and none of them can be read.
        """
        schema = items.schema if isinstance(items, GraphRecords) else first_readable(items).schema
        return accepted(self.encoders[encoder], schema.settings())

    def amounts(self, item: Graph) -> Mapping[str, float]:
        """How many atoms a molecule has; nodes and edges of another graph."""
        if item.schema == MOLECULE:
            return {"atoms": float(len(item.ids))}
        if item.schema.kind == "edges":
            return {"edges": float(len(item.ids))}
        return {"nodes": float(len(item.ids)), "edges": item.edges.shape[1] / 2}

    def computed(self, item: Graph) -> Mapping[str, float]:
        """RDKit's descriptors of a molecule, without log P; statistics of the structure of another graph."""
        return descriptors(item) if item.schema == MOLECULE else statistics(item)

    def collate(self, items: Sequence[Graph]) -> Graphs:
        """Nodes padded to the largest graph, edges of all as one list."""
        return collate(items)

    def tensor_inputs(self, batch: Graphs) -> TensorInputs:
        """The tensors of the features that such graphs have."""
        return tensor_inputs(batch.schema)

    def tensor_inputs_of(self, settings: Mapping[str, Any]) -> TensorInputs:
        """The tensors of graphs with the features that an encoder was built for; `diffusion` takes those of molecules.

        Args:
            settings: of the encoder.
        """
        return tensor_inputs(schema_of(settings) if "nodes" in settings else MOLECULE)

    def render(
        self,
        item: Graph,
        found: Int[Tensor, " elements"],
        grid: Places | None,
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """The graph with its found objects in colours, and beside it with the true ones, `(name, nodes)`."""
        return render(item, found, one_grid(grid), truth)

    def render_numbered(
        self,
        item: Graph,
        found: Int[Tensor, " elements"],
        grid: Places | None,
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """As `render`, with objects called and coloured by their numbers."""
        return render(item, found, one_grid(grid), truth, by_number=True)

    def read_masks(
        self, path: Path, items: AbstractItems[Graph], skipped: Sequence[Skipped] = ()
    ) -> AbstractMasks[Graph]:
        """A table of parts with their atoms, or of nodes with their objects, as `gestalt discover` writes them.

        Raises:
            FileNotFoundError: if the path does not exist.
            ValueError: if it is no such table, or names a graph or a node that there is not.
        """
        return read_masks(path, items, skipped)

    def shown_masks(self, item: Graph, masks: ItemMasks) -> Sequence[tuple[str, Any]]:
        """Each part with its nodes."""
        return shown_masks(item, masks)

    def transplant(
        self, host: Graph, donor: Graph, part: ItemMasks, rng: np.random.Generator
    ) -> Transplant[Graph] | None:
        """A part of one graph joined to another: molecules by a single bond, others by an edge."""
        return transplant(host, donor, part, rng)

    def of_column(self, column: str) -> "GraphModality":
        """Molecules whose SMILES stand in that column of tables."""
        return GraphModality(self.most, column, self.encoding, self.margin, self.elements, self.directed)

    lines_suffix: ClassVar[str] = ".smi"
    column_names: ClassVar[Sequence[str]] = COLUMNS

    def of_objects(self, things: Things) -> AbstractItems[Graph]:
        """SMILES, graphs, and data sets of PyTorch Geometric."""
        return graphs_of(things, self.most)

    def specimens(self) -> Sequence[Specimen[Graph]]:
        """Three molecules with their rings and functional groups."""
        return specimens()

    def render_object(self, item: Graph, inside: Bool[Tensor, " elements"], grid: Places | None) -> str:
        """A drawing in which it alone is coloured."""
        return render_object(item, inside, one_grid(grid))

    def write_objects(self, found: Iterable[FoundBatch[Graph]], items: AbstractItems[Graph], out: Path) -> str:
        """Drawings; tables of the parts of molecules, or of the nodes of other graphs."""
        return write_objects(found, items, out)

    def element_columns(
        self, found: FoundBatch[Graph], row: int, items: AbstractItems[Graph]
    ) -> Mapping[str, Float[np.ndarray, " elements"]]:
        """The number of every atom, or node, in its file."""
        return element_columns(found, row, items)


MODALITY = GraphModality()
