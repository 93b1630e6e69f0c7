"""Edges that point, and edges of several types, in views and encoders; edges as elements; edges that are added."""

import csv
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gestalt.cli.commands import execute
from gestalt.core.data.correspondence import Index
from gestalt.core.data.masks import ItemMasks
from gestalt.modalities.graph import MODALITY, Graph, GraphModality, Schema, collate, graph_of, molecule_of
from gestalt.modalities.graph.data import AGAINST, ALONG
from gestalt.modalities.graph.directions import both_ways, turned
from gestalt.modalities.graph.line_graphs import BESIDE, line_graph
from gestalt.modalities.graph.transplants import transplant
from gestalt.modalities.graph.views import EdgeAdd

RNG = np.random.default_rng(0)
SCHEMA = Schema(nodes=(5,), numbers=1, edges=(4, 3), weights=1, directed=True)
SHORT = ("--steps", "3", "--batch", "4", "--warmup", "0", "--workers", "0", "--threads", "1", "--accelerator", "cpu")


def pointing(ends: list[tuple[int, int]], kinds: list[int], nodes: int = 6) -> Graph:
    """A graph of edges of those types, which point; nothing else tells its nodes apart but two colours."""
    own = torch.tensor(kinds)[:, None]
    points = torch.ones(len(kinds), dtype=torch.bool)
    edges, of_edges, weights = both_ways(torch.tensor(ends), own, torch.arange(len(kinds)).float()[:, None], points)
    colours = 1 + torch.arange(nodes)[:, None] % 2
    return Graph(colours, colours.float(), edges, of_edges, weights, torch.arange(nodes), SCHEMA)


ENDS = [(0, 1), (1, 2), (2, 3), (4, 3), (5, 4), (0, 5), (1, 4)]
GRAPH = pointing(ENDS, [1, 2, 3, 1, 2, 3, 1])


@pytest.mark.parametrize("name", ["gine", "gat", "gin", "gcn", "jumping", "raw"])
def test_every_encoder_sees_which_way_an_edge_points_and_of_which_type_it_is(name: str) -> None:
    torch.manual_seed(0)
    encoder = MODALITY.encoders[name](**SCHEMA.settings()).eval()
    own = encoder(collate([GRAPH])).values[0]
    other_way = pointing([(1, 0), *ENDS[1:]], [1, 2, 3, 1, 2, 3, 1])
    other_type = pointing(ENDS, [2, 2, 3, 1, 2, 3, 1])
    for changed in (other_way, other_type):
        assert changed.edges.unique(dim=1).tolist() == GRAPH.edges.unique(dim=1).tolist(), "the same nodes are joined"
        found = encoder(collate([changed])).values[0]
        assert bool(((found - own).abs().amax(dim=1)[:2] > 1e-4).all()), "both ends of the edge see it"


def test_message_passing_is_a_loop_over_edges_with_their_types_and_directions() -> None:
    torch.manual_seed(0)
    encoder: Any = MODALITY.encoders["gine"](width=8, layers=2, **SCHEMA.settings())
    for _ in range(3):
        encoder.train()(collate([GRAPH]))  # statistics of its own
    encoder.eval()
    with torch.no_grad():
        x = list(encoder.of_nodes(GRAPH.nodes, GRAPH.numbers))
        table = encoder.of_edges.table.weight
        numbers = encoder.of_edges.linear(encoder.of_edges.norm(GRAPH.weights))
        for layer, (convolution, norm) in enumerate(zip(encoder.convolutions, encoder.norms, strict=True)):
            new = []
            for node in range(len(GRAPH)):
                given = [vector.relu() if layer else vector for vector in x]
                total = (1 + convolution.eps) * given[node]
                for edge, (one, two) in enumerate(GRAPH.edges.T.tolist()):
                    if two == node:
                        kind, way = GRAPH.kinds[edge].tolist()
                        vector = table[kind] + table[4 + way] + numbers[edge]
                        total = total + (given[one] + convolution.lin(vector)).relu()
                new.append(x[node] + norm(convolution.nn(total)[None])[0])
            x = new
        assert torch.allclose(encoder(collate([GRAPH])).values[0], torch.stack(x), atol=1e-5)


@pytest.mark.parametrize("name", MODALITY.transforms)
def test_views_keep_the_types_and_directions_of_the_edges_that_they_keep(name: str) -> None:
    known = {
        (one, two): (kinds, weights)
        for (one, two), kinds, weights in zip(
            GRAPH.edges.T.tolist(), GRAPH.kinds.tolist(), GRAPH.weights.tolist(), strict=True
        )
    }
    for seed in range(6):
        view, correspondence = MODALITY.transforms[name](GRAPH, np.random.default_rng(seed))
        assert isinstance(correspondence, Index)
        ids = view.ids.tolist()
        rows = {
            (ids[one], ids[two]): (kinds, weights)
            for (one, two), kinds, weights in zip(
                view.edges.T.tolist(), view.kinds.tolist(), view.weights.tolist(), strict=True
            )
        }
        assert len(rows) == view.edges.shape[1]
        for (one, two), (kinds, weights) in rows.items():
            assert (two, one) in rows, "one direction was lost"
            assert {kinds[1], rows[two, one][0][1]} in ({ALONG, AGAINST}, {0}), "both directions, or both are masked"
            if (one, two) in known:
                assert (kinds, weights) in (known[one, two], ([0, 0], [0.0]))
            else:
                assert name == "edge_add"


def test_edges_are_added_between_nodes_that_none_joins_and_are_like_others() -> None:
    chain = graph_of(molecule_of("C" * 100))
    added = []
    for seed in range(20):
        view, correspondence = EdgeAdd(0.3)(chain, np.random.default_rng(seed))
        assert isinstance(correspondence, Index)
        assert correspondence.index[0].tolist() == list(range(100)), "every node stays in its place"
        count = chain.edges.shape[1]
        assert torch.equal(view.edges[:, :count], chain.edges)
        new = {tuple(edge) for edge in view.edges[:, count:].T.tolist()}
        assert len(new) == view.edges.shape[1] - count
        assert not new & {tuple(edge) for edge in chain.edges.T.tolist()}
        assert all(one != two and (two, one) in new for one, two in new)
        assert {tuple(kinds) for kinds in view.kinds.tolist()} == {tuple(kinds) for kinds in chain.kinds.tolist()}
        added.append(len(new) / 2)
    assert np.mean(added) == pytest.approx(0.3 * 99, abs=4)
    assert EdgeAdd(0.0)(chain, RNG)[0].edges.shape == chain.edges.shape
    full = pointing(list(itertools.combinations(range(4), 2)), [1] * 6, nodes=4)
    assert EdgeAdd(1.0)(full, RNG)[0].edges.shape == full.edges.shape, "there is no pair left"


def test_a_transplanted_part_is_joined_by_an_edge_that_points_as_the_one_that_was_cut() -> None:
    donor = pointing([(0, 1), (1, 2), (2, 3)], [1, 3, 2], nodes=4)
    inside = ItemMasks(torch.tensor([0, 0, -1, -1]), None, ("part",))
    for seed in range(4):
        made = transplant(GRAPH, donor, inside, np.random.default_rng(seed))
        assert made is not None
        graph = made.item
        (one, two), kinds = graph.edges[:, -2:].T.tolist(), graph.kinds[-2:].tolist()
        assert one == two[::-1]
        assert (one[0], kinds) == (len(GRAPH) + 1, [[3, ALONG], [3, AGAINST]]), "out of node 1, as it pointed"


def test_turned_edges_keep_their_types_and_masks() -> None:
    kinds = torch.tensor([[1, ALONG], [2, AGAINST], [3, 0]])
    assert turned(kinds, SCHEMA).tolist() == [[1, AGAINST], [2, ALONG], [3, 0]]
    assert turned(kinds, Schema(edges=(4, 3))).tolist() == kinds.tolist()


def test_the_nodes_of_a_line_graph_are_edges_and_are_joined_where_these_meet() -> None:
    graph = line_graph(GRAPH)
    assert len(graph) == len(ENDS)
    found = {tuple(sorted(pair)) for pair in graph.edges.T.tolist()}
    naive = {(a, b) for a, b in itertools.combinations(range(len(ENDS)), 2) if set(ENDS[a]) & set(ENDS[b])}
    assert found == naive
    for (one, two), kinds in zip(graph.edges.T.tolist(), graph.kinds.tolist(), strict=True):
        (shared,) = set(ENDS[one]) & set(ENDS[two])
        assert kinds == GRAPH.nodes[shared].tolist()
    for number, (one, two) in enumerate(ENDS):
        kind = int(GRAPH.kinds[2 * number, 0])
        assert graph.nodes[number].tolist() == [kind, int(GRAPH.nodes[one, 0]), int(GRAPH.nodes[two, 0])]
    assert graph.names[0] == "0 → 1"


def test_a_line_graph_does_not_depend_on_the_order_of_the_ends_of_edges_that_do_not_point() -> None:
    text, other = "CC(=O)Nc1ccccc1", "c1ccccc1NC(C)=O"
    one, two = (line_graph(graph_of(molecule_of(smiles))) for smiles in (text, other))

    def rows(graph: Graph) -> list[list[float]]:
        return sorted(torch.cat([graph.nodes, graph.numbers], dim=1).tolist())

    assert rows(one) == rows(two)


def test_a_hub_does_not_make_a_line_graph_grow_with_its_square() -> None:
    star = pointing([(0, node) for node in range(1, 2000)], [1] * 1999, nodes=2000)
    graph = line_graph(star)
    assert graph.edges.shape[1] == 2 * BESIDE * 1999
    assert bool((torch.bincount(graph.edges[1], minlength=1999) == 2 * BESIDE).all())


def test_molecules_without_a_bond_are_left_out_where_edges_are_the_elements(tmp_path: Path) -> None:
    (tmp_path / "a.smi").write_text("CCO ethanol\nC methane\nCCCCCC hexane\n")
    reading = GraphModality(elements="edges").read([tmp_path / "a.smi"])
    assert [len(reading.items.read(number, RNG)) for number in range(2)] == [2, 5]
    assert [one.name[-8:] for one in reading.skipped] == ["[line 2]"]


def test_edge_lists_point_where_one_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("source,target,kind\na,b,x\nb,a,y\nb,c,x\n")
    graph = GraphModality(directed=True).read([tmp_path / "a.csv"]).items.read(0, RNG)
    assert graph.kinds[:, -1].tolist() == [ALONG, AGAINST] * 3
    plain = MODALITY.read([tmp_path / "a.csv"]).items.read(0, RNG)
    assert plain.kinds.shape[1] == 1


def scenes(path: Path) -> Path:
    """Twelve scenes of cups, books and lamps on tables beside chairs."""
    listed = []
    for image in range(12):
        words = ["table", "chair", *("cup", "book", "lamp")[: 1 + image % 3]]
        objects = [
            {"object_id": 10 * image + number, "names": [word], "x": 9 * number, "y": number, "w": 5, "h": 4}
            for number, word in enumerate(words)
        ]
        said = [("beside", 1, 0), *(("on", number, 0) for number in range(2, len(words)))]
        relationships = [
            {"predicate": word, "subject_id": 10 * image + one, "object_id": 10 * image + two}
            for word, one, two in said
        ]
        listed.append({"image_id": image, "objects": objects, "relationships": relationships})
    path.write_text(json.dumps(listed), encoding="utf-8")
    return path


@pytest.mark.parametrize("elements", ["nodes", "edges"])
def test_objects_in_scene_graphs_from_the_command_line(
    elements: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scenes(tmp_path / "scene_graphs.json")
    own = ["--modality", "graph", "--data", "scene_graphs.json", "--out", "mine", "--settings", f"elements={elements}"]
    assert execute(["run", "objects", *own, *SHORT]) == 0
    assert (tmp_path / "mine" / "report.html").exists()
    assert execute(["discover", "mine", "scene_graphs.json", "--out", "found"]) == 0
    with (tmp_path / "found" / "nodes.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    named = {row["name"] for row in rows if row["graph"].endswith("scene_graphs.json [graph 3]")}
    if elements == "nodes":
        assert named == {"table", "chair", "cup", "book", "lamp"}
    else:
        assert named == {"chair → table", "cup → table", "book → table", "lamp → table"}
    assert {row["object"] for row in rows} - {"0"}
