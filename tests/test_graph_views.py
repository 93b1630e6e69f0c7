"""Views of graphs keep every node's identity, whatever is dropped, masked or reordered."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gestalt.core.data.correspondence import Index
from gestalt.modalities.graph import MODALITY, Graph, default_views, graph_of, molecule_of
from gestalt.modalities.graph.views import (
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

EXTREME = {
    "mask every feature": FeatureMask(1.0),
    "mask every node": NodeMask(1.0),
    "mask every edge": EdgeMask(1.0),
    "drop every edge": EdgeDrop(1.0),
    "drop every node": NodeDrop(1.0),
    "walk nowhere": RandomWalk(0.0, 0.0),
    "walk everywhere": RandomWalk(1.0, 1.0),
    "no hop": Neighbourhood(0),
    "nothing near": Subgraph(0.0, 0.0),
    "all that is near": Subgraph(1.0, 1.0),
}
TRANSFORMS = {**MODALITY.transforms, **EXTREME, "default view": default_views().views[0]}
TEXTS = ("CC(=O)Oc1ccccc1C(=O)O", "[Na+].[Cl-]", "C", "[Na+].[O-]C(=O)c1ccccc1.O")
GRAPHS = tuple(graph_of(molecule_of(text)) for text in TEXTS)


def index_of(correspondence: object) -> list[int]:
    assert isinstance(correspondence, Index)
    return correspondence.index[0].tolist()


def edges_with_features(graph: Graph, names: list[int]) -> set[tuple[int, ...]]:
    rows = zip(graph.edges.T.tolist(), graph.kinds.tolist(), strict=True)
    return {(names[one], names[two], *kinds) for (one, two), kinds in rows}


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("graph", GRAPHS, ids=TEXTS)
def test_node_ids_pushed_through_a_transform_are_what_its_correspondence_says(name: str, graph: Graph) -> None:
    for seed in range(8):
        view, correspondence = TRANSFORMS[name](graph, np.random.default_rng(seed))
        index = index_of(correspondence)
        assert 1 <= len(view) == len(index)
        ids = view.ids.tolist()
        assert len(set(ids)) == len(ids), "a node was doubled"
        assert all(source in (-1, own) for source, own in zip(index, ids, strict=True))
        assert any(source >= 0 for source in index)
        # What stays unmasked is the source's; what is masked is 0; and no edge is invented or turned.
        assert bool(((view.nodes == graph.nodes[ids]) | (view.nodes == 0)).all())
        hidden = torch.tensor([source < 0 for source in index])
        assert bool((view.nodes[hidden] == 0).all())
        pairs = {edge[:2] for edge in edges_with_features(view, ids)}
        if name != "edge_add":
            assert pairs <= {edge[:2] for edge in edges_with_features(graph, list(range(len(graph))))}
        assert {(two, one) for one, two in pairs} == pairs, "one direction of an edge was lost"


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_graph_without_nodes_survives_every_transform(name: str) -> None:
    empty = GRAPHS[0].take(torch.zeros(0, dtype=torch.long))
    for seed in range(4):
        view, correspondence = TRANSFORMS[name](empty, np.random.default_rng(seed))
        assert len(view) == 0
        assert index_of(correspondence) == []


def test_dropped_nodes_are_really_gone_and_the_edges_between_the_others_stay() -> None:
    graph = GRAPHS[0]
    view, correspondence = NodeDrop(0.4)(graph, np.random.default_rng(1))
    index = index_of(correspondence)
    assert 0 < len(index) < len(graph)
    before = edges_with_features(graph, list(range(len(graph))))
    assert edges_with_features(view, index) == {edge for edge in before if edge[0] in index and edge[1] in index}


def test_masking_hides_with_a_category_of_its_own() -> None:
    graph = GRAPHS[0]
    assert int(graph.nodes.min()) >= 1
    assert int(graph.kinds.min()) >= 1
    view, _ = FeatureMask(0.5)(graph, np.random.default_rng(0))
    masked = (view.nodes == 0).all(dim=0)
    assert 0 < int(masked.sum()) < len(masked), "the same features are masked for all nodes, and one stays"
    assert torch.equal(view.nodes[:, ~masked], graph.nodes[:, ~masked])
    view, correspondence = NodeMask(0.5)(graph, np.random.default_rng(0))
    assert [source < 0 for source in index_of(correspondence)] == (view.nodes == 0).all(dim=1).tolist()
    view, _ = EdgeMask(0.5)(graph, np.random.default_rng(0))
    masked = (view.kinds == 0).all(dim=1)
    assert torch.equal(masked[::2], masked[1::2]), "both directions of a bond stand side by side"
    assert 0 < int(masked.sum()) < len(masked)


def test_a_share_is_how_much_is_dropped_in_the_mean() -> None:
    graph = graph_of(molecule_of("C" * 200))
    kept = [len(NodeDrop(0.3)(graph, np.random.default_rng(seed))[0]) for seed in range(30)]
    assert np.mean(kept) == pytest.approx(140, abs=4)
    edges = [EdgeDrop(0.3)(graph, np.random.default_rng(seed))[0].edges.shape[1] for seed in range(30)]
    assert np.mean(edges) == pytest.approx(0.7 * 398, abs=8)


def test_a_walk_visits_the_share_asked_for_and_stays_together() -> None:
    graph = graph_of(molecule_of("C" * 60))
    for seed in range(5):
        view, correspondence = RandomWalk(0.5, 0.5)(graph, np.random.default_rng(seed))
        index = index_of(correspondence)
        assert len(view) == 30
        pieces = 1 + int((np.diff(index) > 1).sum())
        assert pieces <= 4
    salt, _ = RandomWalk(1.0, 1.0)(GRAPHS[1], np.random.default_rng(0))
    assert len(salt) == 2


def test_a_neighbourhood_holds_what_is_within_reach() -> None:
    graph = graph_of(molecule_of("C" * 21))
    for seed in range(5):
        centre = int(np.random.default_rng(seed).integers(21))
        index = index_of(Neighbourhood(3)(graph, np.random.default_rng(seed))[1])
        assert index == [node for node in range(21) if abs(node - centre) <= 3]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from(range(len(GRAPHS))))
def test_a_new_order_is_depth_first_and_loses_nothing(seed: int, number: int) -> None:
    graph = GRAPHS[number]
    view, correspondence = Reorder()(graph, np.random.default_rng(seed))
    order = index_of(correspondence)
    assert sorted(order) == list(range(len(graph)))
    assert edges_with_features(view, order) == edges_with_features(graph, list(range(len(graph))))
    joined = {tuple(edge) for edge in view.edges.T.tolist()}
    starts = [node for node in range(len(view)) if not any((node, other) in joined for other in range(node))]
    assert len(starts) == TEXTS[number].count(".") + 1, "each part is written in one go"


@pytest.mark.parametrize(
    "build", [lambda: NodeDrop(1.5), lambda: EdgeMask(-0.1), lambda: RandomWalk(0.9, 0.5), lambda: Neighbourhood(-1)]
)
def test_wrong_shares_are_refused(build: object) -> None:
    assert callable(build)
    with pytest.raises(ValueError, match=r"share|hops|least and most must run from lower to higher"):
        build()


def connected(graph: Graph) -> bool:
    reached = torch.zeros(len(graph), dtype=torch.bool)
    reached[0] = True
    for _ in range(len(graph)):
        ends = graph.edges[:, reached[graph.edges].any(dim=0)]
        reached[ends.flatten()] = True
    return bool(reached.all())


def test_the_small_crop_is_a_connected_fifth_to_half_of_the_nodes_around_a_random_one() -> None:
    long = graph_of(molecule_of("C" * 20 + "c1ccc(CC(=O)O)cc1"))
    sizes, centres = set(), set()
    for seed in range(200):
        view = MODALITY.transforms["small_crop"](long, np.random.default_rng(seed))[0]
        assert connected(view)
        sizes.add(len(view))
        centres.add(int(view.ids[0]))
    assert (min(sizes), max(sizes)) == (round(0.2 * len(long)), round(0.5 * len(long)))
    assert len(centres) > 10
    # It never leaves the component of its first node, however small.
    salt = graph_of(molecule_of("[Na+].[O-]C(=O)c1ccccc1"))
    parts = [MODALITY.transforms["small_crop"](salt, np.random.default_rng(seed))[0] for seed in range(50)]
    assert all(connected(part) for part in parts)
    assert {0 in part.ids.tolist() for part in parts} == {True, False}
    assert all(len(part) == 1 for part in parts if 0 in part.ids.tolist())


def test_a_part_of_a_graph_holds_the_nearest_nodes() -> None:
    chain = graph_of(molecule_of("C" * 21))
    for seed in range(20):
        view = Subgraph(1 / 3, 1 / 3)(chain, np.random.default_rng(seed))[0]
        ids = view.ids.tolist()
        assert ids == list(range(ids[0], ids[0] + 7))
