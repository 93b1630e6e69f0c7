"""Networks in the forms of the field: scene graphs, GraphML, node-link data, folders of tables; faults are named."""

import gzip
import json
import math
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pytest
import torch

from gestalt.core.data.items import BadItemError
from gestalt.modalities.graph import Graph, GraphModality
from gestalt.modalities.graph.data import AGAINST, ALONG
from gestalt.modalities.graph.typed import category

RNG = np.random.default_rng(0)
CUP = {"object_id": 7, "names": ["Cup"], "attributes": ["red", "small"], "x": 0, "y": 0, "w": 10, "h": 20}
TABLE = {"object_id": 9, "names": ["table"], "x": 0, "y": 20, "w": 100, "h": 20}
LAMP = {"object_id": 11, "name": "lamp"}
ON = {"relationship_id": 1, "predicate": "ON", "subject_id": 7, "object_id": 9}
SCENE = {"image_id": 61512, "objects": [CUP, TABLE, LAMP], "relationships": [ON]}


def read(path: Path, skip_bad: bool = False, **settings: Any) -> tuple[list[Graph], list[str]]:
    reading = GraphModality(**settings).read([path], skip_bad)
    items, skipped = reading.items, reading.skipped
    return [items.read(number, RNG) for number in range(len(items))], [f"{one.name}: {one.reason}" for one in skipped]


def dump(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_a_scene_graph_has_objects_as_nodes_and_relationships_as_edges_that_point(tmp_path: Path) -> None:
    path = dump(tmp_path / "scene_graphs.json", [SCENE, {"image_id": 2, "objects": [LAMP], "relationships": []}])
    (scene, lamp), _ = read(path)
    assert scene.names == ("cup", "table", "lamp")
    assert scene.nodes.tolist() == [
        [category("cup"), category("red"), category("small"), 0],
        [category("table"), 0, 0, 0],
        [category("lamp"), 0, 0, 0],
    ]
    boxes = torch.tensor([[0.05, 0.25, 0.1, 0.5], [0.5, 0.75, 1.0, 0.5], [0.0, 0.0, 0.0, 0.0]])
    assert torch.allclose(scene.numbers[:, 1:], boxes)
    assert scene.numbers[:, 0].tolist() == pytest.approx([math.log(2), math.log(2), 0.0])
    assert scene.edges.tolist() == [[0, 1], [1, 0]]
    assert scene.kinds.tolist() == [[category("on"), ALONG], [category("on"), AGAINST]]
    assert (scene.title, len(lamp), lamp.edges.shape[1]) == ("61512", 1, 0)


def test_objects_may_be_written_within_their_relationships_and_graphs_on_lines(tmp_path: Path) -> None:
    inside = {"predicate": "on", "subject": CUP, "object": TABLE}
    text = "\n".join(json.dumps({"image_id": number, "relationships": [inside]}) for number in range(3))
    (tmp_path / "a.jsonl").write_text(text, encoding="utf-8")
    graphs, _ = read(tmp_path / "a.jsonl")
    assert [graph.title for graph in graphs] == ["0", "1", "2"]
    assert {graph.names for graph in graphs} == {("cup", "table")}


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        ({"objects": [CUP, CUP]}, "object 2 has the object_id 7 of another"),
        ({"objects": [{"names": ["a"]}]}, "object 1 has no object_id"),
        (
            {"objects": [CUP], "relationships": [ON]},
            "relationship 1 is of the object '9', which is none of the scene's",
        ),
        ({"objects": [{**CUP, "w": "wide"}]}, "four numbers"),
        ({"objects": [{**CUP, "h": -1}]}, "size below 0"),
        ({"objects": {"7": CUP}}, "'objects' must be a list, got dict"),
        ({"objects": [CUP], "relationships": [{"predicate": "on", "subject_id": 7}]}, "the object of a relationship"),
        ({"objects": []}, "without objects"),
        ({"regions": []}, "is no graph, got an object of regions"),
        (["cup"], "neither an object nor a text"),
    ],
)
def test_what_is_wrong_with_a_scene_is_named_with_its_place_or_left_out(tmp_path: Path, scene: Any, said: str) -> None:
    path = dump(tmp_path / "a.json", [SCENE, scene])
    if isinstance(scene, list):
        path.write_text(f"[{json.dumps(SCENE)}, 5]", encoding="utf-8")
    with pytest.raises(BadItemError, match=r"a\.json \[graph 2\]") as error:
        read(path)
    assert said in str(error.value)
    graphs, skipped = read(path, skip_bad=True)
    assert len(graphs) == len(skipped) == 1
    assert said in skipped[0]


def test_a_collection_of_scenes_is_read_a_scene_at_a_time(tmp_path: Path) -> None:
    path = dump(tmp_path / "a.json", [{**SCENE, "image_id": number} for number in range(50)])
    items = GraphModality().read([path]).items
    dump(path, [SCENE])  # the graphs are not in memory: what was there is gone
    with pytest.raises(BadItemError, match=r"a\.json \[graph 50\]"):
        items.read(49, RNG)


def drawn(graph_type: type) -> Any:
    graph = graph_type()
    graph.add_node("a", size=1.5, colour="red")
    graph.add_node("b", size=2, colour="blue")
    graph.add_node("c")
    graph.add_edge("a", "b", kind="road", length=2.5)
    graph.add_edge("c", "a", kind="rail", length=1.0)
    return graph


@pytest.mark.parametrize("graph_type", [networkx.Graph, networkx.DiGraph, networkx.MultiDiGraph])
@pytest.mark.parametrize("form", ["graphml", "json"])
def test_what_networkx_writes_comes_back_with_its_features_and_directions(
    tmp_path: Path, graph_type: type, form: str
) -> None:
    graph, path = drawn(graph_type), tmp_path / f"a.{form}"
    if form == "graphml":
        networkx.write_graphml(graph, path)
    else:
        dump(path, networkx.node_link_data(graph))
    (found,), _ = read(path)
    assert found.names == ("a", "b", "c")
    assert found.schema.directed == graph.is_directed()
    ends = [(found.names[one], found.names[two]) for one, two in found.edges.T.tolist()]
    said = dict(zip(ends, zip(found.kinds[:, 0].tolist(), found.weights[:, 0].tolist(), strict=True), strict=True))
    assert said["a", "b"] == said["b", "a"] == (category("road"), 2.5)
    assert said["c", "a"] == said["a", "c"] == (category("rail"), 1.0)
    assert found.nodes[:, 0].tolist() == [category("red"), category("blue"), 0]
    assert found.numbers[:, 1].tolist() == [1.5, 2.0, 0.0]
    if graph.is_directed():
        way = dict(zip(ends, found.kinds[:, 1].tolist(), strict=True))
        assert way == {("a", "b"): ALONG, ("b", "a"): AGAINST, ("c", "a"): ALONG, ("a", "c"): AGAINST}


GRAPHML = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="w" for="node" attr.name="size" attr.type="double"><default>4</default></key>
<graph id="g" edgedefault="undirected">
<node id="a"><data key="w">1.5</data></node>
<node id="b"/>
<edge source="a" target="b"/>
</graph>
</graphml>
"""


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ('target="b"', 'target="z"', "line 7", "'z', which is no node"),
        ("1.5", "wide", "line 5", "'wide' of a key that is a number"),
        ('<node id="b"/>', '<node id="a"/>', "line 6", "the node 'a' again"),
        ("</graphml>", "", "line 10", "no XML"),
        ("<graphml xmlns", "<svg xmlns", "line 2", "begins with <svg>"),
        ('<node id="b"/>', '<node id="b"><graph id="n"/></node>', "line 6", "a graph within a node"),
        ('<edge source="a" target="b"/>', "<hyperedge/>", "line 7", "more than two ends"),
    ],
)
def test_what_is_wrong_with_graphml_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, place: str, said: str
) -> None:
    path = tmp_path / "a.graphml"
    path.write_text(GRAPHML, encoding="utf-8")
    assert read(path)[0][0].numbers[:, 1].tolist() == [1.5, 4.0]
    path.write_text(GRAPHML.replace(old, new), encoding="utf-8")
    with pytest.raises(BadItemError) as error:
        read(path)
    assert said in str(error.value)
    assert f"a.graphml [{place}]" in str(error.value)


def test_entities_are_not_unfolded_and_pickles_are_not_opened(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    path = tmp_path / "bomb.graphml"
    path.write_text(GRAPHML.replace("<graphml", f"{bomb}<graphml", 1), encoding="utf-8")
    with pytest.raises(BadItemError, match=r"bomb\.graphml.*document type"):
        read(path)
    for name in ("a.gpickle", "a.pickle", "a.pkl"):
        (tmp_path / name).write_bytes(b"cos\nsystem\n(S'false'\ntR.")
        with pytest.raises(BadItemError, match=rf"{name}.*is a pickle.*write_graphml"):
            read(tmp_path / name)


def tables(folder: Path, **changed: str) -> Path:
    """Two graphs: a triangle with one edge that is listed both ways, and a pair."""
    content = {
        "edge": "0,1\n1,0\n1,2\n2,0\n0,1\n",
        "num-node-list": "3\n2\n",
        "num-edge-list": "4\n1\n",
        "node-feat": "0,1\n1,1\n2,0\n0,0\n0,1\n",
        "edge-feat": "0.5\n0.5\n1\n2\n3\n",
        "graph-label": "1,\n0,1\n",
        **{name.replace("_", "-"): text for name, text in changed.items()},
    }
    (folder / "raw").mkdir(parents=True)
    (folder / "mapping").mkdir()
    (folder / "mapping" / "mol.csv.gz").write_bytes(gzip.compress(b"smiles\nCCO\n"))
    for name, text in content.items():
        (folder / "raw" / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    return folder


def test_a_folder_of_tables_holds_every_graph_with_its_features_and_labels(tmp_path: Path) -> None:
    folder = tables(tmp_path / "set")
    (three, two), _ = read(folder)
    assert three.edges.T.tolist() == [[0, 1], [1, 0], [1, 2], [2, 1], [2, 0], [0, 2]], "an edge that is listed twice"
    assert three.nodes.tolist() == [[1, 2], [2, 2], [3, 1]], "0 is the mask"
    assert three.weights.flatten().tolist() == [0.5, 0.5, 1.0, 1.0, 2.0, 2.0]
    assert (two.edges.tolist(), two.nodes.tolist()) == ([[0, 1], [1, 0]], [[1, 1], [1, 2]])
    items = GraphModality().read([folder / "raw" / "edge.csv.gz"]).items
    assert getattr(items, "fields")(0) == {"title": "graph 0", "label 1": "1", "label 2": ""}  # noqa: B009
    (pointing, _), _ = read(folder, directed=True)
    assert pointing.kinds[:, -1].tolist() == [ALONG, AGAINST] * 4


@pytest.mark.parametrize(
    ("changed", "place", "said"),
    [
        ({"edge": "0,1\n1,0\n1,3\n2,0\n0,1\n"}, r"edge\.csv\.gz \[line 3\]", "joins nodes 1 and 3 of a graph of 3"),
        ({"edge": "0,1\n1,0\n1,2\n2,0\n"}, r"edge\.csv\.gz", "has 4 edges, num-edge-list has 5"),
        ({"node_feat": "0,1\n1,1\n2,x\n0,0\n0,1\n"}, r"node-feat\.csv\.gz \[line 3\]", "expected finite numbers"),
        ({"node_feat": "0,1\n1\n2,0\n0,0\n0,1\n"}, r"node-feat\.csv\.gz \[line 2\]", "has 1 cells, expected 2"),
        ({"num_node_list": "3\n-2\n"}, r"num-node-list\.csv\.gz \[line 2\]", "is no number of nodes"),
        ({"graph_label": "1\n"}, r"graph-label\.csv\.gz", "has 1 labels"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(tmp_path: Path, changed: dict[str, str], place: str, said: str) -> None:
    with pytest.raises(BadItemError, match=place) as error:
        read(tables(tmp_path / "set", **changed))
    assert said in str(error.value)
