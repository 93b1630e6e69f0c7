"""Trees over elements: the best one is found, a head points, and a model of them is whole."""

import itertools
from functools import cache
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import gelu

import gestalt
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.items import BadItemError
from gestalt.core.data.trees import ItemTree
from gestalt.core.evaluation.arborescence import AttachmentMeasure, arborescence, best_tree, is_tree
from gestalt.core.fitting.descent import Descent
from gestalt.core.fitting.fitters import BiaffineFitter, Linear
from gestalt.core.fitting.heads import Biaffine
from gestalt.core.fitting.options import Fitting
from gestalt.core.methods.targets import Trees
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs.model import Model
from gestalt.modalities.text import Passage
from tests.implementations import seeded
from tests.test_matrix import ALL, PLUG_INS

SMALL = BiaffineFitter(16, 8, dropout=0.0, training=Descent(steps=120, every=20, lr=1e-2, batch=8))


def hangs_together(parents: list[int]) -> bool:
    """Written anew: one root, from which everything is reached."""
    graph = networkx.DiGraph((parent, child) for child, parent in enumerate(parents) if parent != child)
    graph.add_nodes_from(range(len(parents)))
    return bool(networkx.is_arborescence(graph))


@cache
def all_trees(count: int) -> list[tuple[int, ...]]:
    """Every tree over so many elements: count^(count − 1) of them (Cayley)."""
    trees = [one for one in itertools.product(range(count), repeat=count) if hangs_together(list(one))]
    assert len(trees) == count ** (count - 1)
    assert all(is_tree(torch.tensor(one)) for one in trees)
    return trees


@settings(deadline=None)  # the list of all trees is made once
@given(st.integers(1, 5), st.integers(0, 10_000))
def test_the_best_tree_is_the_best_of_all_trees_with_one_root(count: int, seed: int) -> None:
    scores = torch.randn(count, count, generator=seeded(seed), dtype=torch.float64)
    scores += 4 * torch.eye(count) * torch.rand(1, generator=seeded(seed))  # every element would be the root
    best = max(all_trees(count), key=lambda one: sum(float(scores[child, parent]) for child, parent in enumerate(one)))
    assert tuple(best_tree(scores).tolist()) == best


def test_a_long_item_has_one_root_and_no_circle_whatever_its_scores() -> None:
    scores = torch.randn(80, 80, generator=seeded(0))
    found = best_tree(scores)
    assert not is_tree(scores.argmax(dim=1)), "a case that is worth the test"
    assert hangs_together(found.tolist())


@pytest.mark.parametrize("count", [6, 15, 40])
def test_no_tree_that_hangs_on_the_first_node_weighs_more_than_the_arborescence(count: int) -> None:
    for seed in range(5):
        weights = torch.randn(count, count, generator=seeded(seed), dtype=torch.float64).numpy()
        weights[0] = -torch.inf
        np.fill_diagonal(weights, -torch.inf)
        graph = networkx.DiGraph()
        arcs = np.argwhere(np.isfinite(weights)).tolist()
        graph.add_weighted_edges_from((parent, child, weights[child, parent]) for child, parent in arcs)
        best = networkx.maximum_spanning_arborescence(graph).edges(data="weight")
        parents = arborescence(weights)
        assert parents[0] == 0
        assert networkx.is_arborescence(networkx.DiGraph([*zip(parents[1:].tolist(), range(1, count), strict=True)]))
        ours = weights[np.arange(1, count), parents[1:]].sum()
        assert ours == pytest.approx(sum(weight for _, _, weight in best))


def naive(head: Biaffine, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Arcs and relations by loops over the formula."""
    count, hidden, small = len(vectors), head.hidden, head.relation_hidden
    seen = (vectors - head.standard.mean) / head.standard.scale
    arcs, relations = torch.zeros(count, count), torch.zeros(count, head.relations)
    both, other = gelu(head.arc_vectors(seen)), gelu(head.relation_vectors(seen))
    for i in range(count):
        for j in range(count):
            parent = head.root if i == j else both[j, hidden:]
            arcs[i, j] = parent @ (head.arc.weight @ both[i, :hidden] + head.arc.bias)
            if head.distances and i != j:
                arcs[i, j] += head.near[max(-head.distances, min(head.distances, j - i)) + head.distances]
        share = arcs[i].softmax(dim=0)
        parts = [share[j] * (head.relation_root if i == j else other[j, small:]) for j in range(count)]
        mean = torch.stack(parts).sum(dim=0)
        child = torch.cat([other[i, :small], torch.ones(1)])
        for r in range(head.relations):
            relations[i, r] = child @ head.relation[r] @ torch.cat([mean, torch.ones(1)])
    return arcs, relations


@pytest.mark.parametrize("distances", [0, 2])
@torch.no_grad()
def test_a_biaffine_head_is_its_formula_and_padding_changes_nothing(distances: int) -> None:
    head = Biaffine(3, 4, 9, hidden=5, relation_hidden=2, distances=distances).eval()
    head.near.copy_(torch.randn(head.near.shape, generator=seeded(1)))
    items = [torch.randn(count, 3, generator=seeded(count)) for count in (6, 4, 1)]
    outputs = head(FeatureMap.padded(items))
    for row, vectors in enumerate(items):
        arcs, relations = naive(head, vectors)
        count = len(vectors)
        torch.testing.assert_close(outputs[row, :count, :count], arcs, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(outputs[row, :count, 9:], relations, rtol=1e-4, atol=1e-5)
        assert bool((outputs[row, :count, count:9] < -1000).all())
        assert not bool(outputs[row, count:].any())
    with pytest.raises(ValueError, match="at most 9 elements, and one has 12"):
        head(FeatureMap.padded([torch.zeros(12, 3)]))


@torch.no_grad()
def test_in_a_set_the_order_of_elements_says_nothing() -> None:
    head, vectors = Biaffine(3, 4, 9, hidden=5, relation_hidden=2).eval(), torch.randn(5, 3, generator=seeded(0))
    order = torch.tensor([3, 1, 4, 0, 2])
    one, other = (head(FeatureMap.padded([rows]))[0] for rows in (vectors, vectors[order]))
    torch.testing.assert_close(other[:, :5], one[order][:, order])
    torch.testing.assert_close(other[:, 9:], one[order, 9:])


def test_attachments_are_counted_and_relations_matched_by_name() -> None:
    target = Trees(("det", "obj"))
    known, lacking = target.renumbered(torch.tensor([[1, 0], [1, 1], [-1, 2]]), ("obj", "new", "det"))
    assert (known.tolist(), lacking) == ([[1, 1], [1, 2], [-1, 0]], 1)
    scores = AttachmentMeasure()(torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0], [2.0, 1.0]]),
                                 torch.tensor([[1, 1], [1, 2], [2, 0], [2, 1]]))  # fmt: skip
    assert scores == {"las": 0.5, "uas": 0.75}


def test_a_word_counts_where_its_parent_or_both_are_known() -> None:
    """A treebank may have HEAD and no DEPREL, or leave single words out."""
    found = torch.tensor([[1, 0], [1, 1], [0, 1], [0, 1]])
    known = torch.tensor([[1, 0], [1, -1], [-1, 1], [1, 1]])
    expected = {"las": 1 / 2, "uas": 2 / 3}
    assert AttachmentMeasure()(found.double(), known) == pytest.approx(expected)
    outputs = torch.cat([torch.eye(2)[found[:, 0]], torch.eye(2)[found[:, 1]]], dim=1)
    assert Trees(("a", "b"), longest=2).score(outputs, known) == pytest.approx(expected)
    unnamed = AttachmentMeasure()(found[:2].double(), torch.tensor([[1, -1], [0, -1]]))
    assert unnamed == pytest.approx({"las": float("nan"), "uas": 0.5}, nan_ok=True)


def test_what_is_known_of_part_of_a_tree_alone_counts() -> None:
    target, outputs = Trees(("a", "b"), longest=2), torch.randn(3, 4, generator=seeded(0))
    both = target.loss(outputs, torch.tensor([[1, 0]] * 3))
    apart = target.loss(outputs, torch.tensor([[1, -1]] * 3)) + target.loss(outputs, torch.tensor([[-1, 0]] * 3))
    torch.testing.assert_close(both, apart)


@pytest.fixture(params=ALL)
def modality(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AbstractModality[Any]:
    monkeypatch.syspath_prepend(str(PLUG_INS))
    found: AbstractModality[Any] = load_modality(request.param)
    return found


def test_trees_of_any_data_are_learned_and_a_saved_model_says_the_same(
    modality: AbstractModality[Any], tmp_path: Path
) -> None:
    """The elements of an item in a row, whatever they are: the first is the root, the next one hangs on it, …"""
    model = Model(modality, gestalt.Network(modality.encoders["raw"]()).eval(), {})
    items = [one.item for one in modality.specimens()[:2]] * 3
    counts = [int(features.valid.sum()) for features in _each(model, items)]
    most, longest = max(counts), 40
    known = torch.full((len(items), most, 2), -1)
    for row, count in enumerate(counts):
        known[row, :count, 0] = (torch.arange(count) - 1).clamp(min=0)
        known[row, :count, 1] = (torch.arange(count) > 0).long()
    labels = gestalt.Labels(Trees(("root", "next"), longest=longest), known)
    short = BiaffineFitter(8, 4, dropout=0.0, training=Descent(steps=2, every=1, batch=2))
    if most > longest:
        with pytest.raises(BadItemError, match="elements, and a tree 40 at most"):
            model.fit(items, labels, head=short, options=Fitting(of="elements", folds=2))
        return
    fitted = model.fit(items, labels, head=short, options=Fitting(of="elements", folds=2))
    trees = fitted.trees(items)
    assert [len(tree.parents) for tree in trees] == counts
    assert all(is_tree(tree.parents) and len(tree.roots()) == 1 for tree in trees)
    gestalt.save(tmp_path, fitted, "raw")
    again = gestalt.load(tmp_path, modality=modality).trees(items)
    for one, other in zip(trees, again, strict=True):
        assert torch.equal(one.parents, other.parents), "law 13"
        assert one.relations == other.relations
        assert torch.equal(one.scores, other.scores)


def _each(model: Model[Any], items: list[Any]) -> list[FeatureMap]:
    return [next(model.seeing(False).encoded([item])).features for item in items]


def test_encoder_and_arcs_are_trained_together() -> None:
    text = load_modality("text")
    torch.manual_seed(0)
    model = Model(text, gestalt.Network(text.encoders["conv"](width=16)).eval(), {})
    items = [Passage.of(one) for one in ("a dog barks", "the cat sleeps now", "dogs bark")] * 4
    trees = [[1, 2, 2], [1, 2, 2, 2], [1, 1]] * 4
    known = torch.full((12, 4, 2), -1)
    for row, parents in enumerate(trees):
        known[row, : len(parents), 0] = torch.tensor(parents)
        known[row, : len(parents), 1] = (torch.tensor(parents) == torch.arange(len(parents))).long()
    labels = gestalt.Labels(Trees(("on", "root"), longest=8), known)
    options = Fitting(of="elements", folds=2, tune=4, tune_batch=4)
    fitted = model.fit(items, labels, head=SMALL, options=options)
    assert [tree.parents.tolist() for tree in fitted.trees(items)] == trees
    assert [tree.relations[tree.roots()[0]] for tree in fitted.trees(items)] == ["root"] * 12
    scores = fitted.evaluate(items, labels)
    assert scores.score("answers", "las") == 1.0


def test_heads_and_trees_that_do_not_go_together_are_refused() -> None:
    text = load_modality("text")
    model = Model(text, gestalt.Network(text.encoders["raw"]()).eval(), {})
    items, known = (
        [Passage.of("dogs bark"), Passage.of("cats sleep")],
        torch.tensor([[[1, 0], [1, 1]], [[1, 0], [1, 1]]]),
    )
    labels = gestalt.Labels(Trees(("on", "root")), known)
    with pytest.raises(ValueError, match=r"a linear head.* cannot answer trees, .*--head biaffine"):
        model.fit(items, labels, head=Linear((1.0,)))
    with pytest.raises(ValueError, match="answers trees alone, and these are classes"):
        model.fit(items, gestalt.Labels.of(["a", "b"]), head=SMALL)
    with pytest.raises(ValueError, match="says nothing of items or objects: --of elements"):
        model.fit(items, labels, head=SMALL, options=Fitting(of="items"))
    fitted = model.fit(items, gestalt.Labels.of(["a", "b"]), head=Linear((1.0,)), options=Fitting(folds=2))
    with pytest.raises(ValueError, match="says classes of items, and no trees"):
        fitted.trees(items)
    with pytest.raises(ValueError, match="parents are elements 0 … 1 or −1"):
        ItemTree.of([0, 2], ["", ""])
