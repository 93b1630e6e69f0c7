"""Every encoder gives one vector per node, sees edges, never padding, and does not care for the order of nodes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gestalt.core.conformance import LawResult, check
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.methods.byol import BYOL
from gestalt.core.methods.method import DataInfo
from gestalt.core.methods.odin import Odin
from gestalt.core.methods.settings import Heads
from gestalt.core.modality.optional import InfersEncoderSettings
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.optimization.progress import Progress
from gestalt.modalities.graph import MODALITY, MOLECULE, Graphs, Schema, collate, from_pyg, graph_of, molecule_of
from gestalt.modalities.graph.geometric import Data
from tests.implementations import make_batch
from tests.kept import saved
from tests.listed import Listed

TEXTS = ("CC(=O)Oc1ccccc1C(=O)O", "[Na+].[O-]C(=O)c1ccccc1", "C", "C1CCCCC1")
GRAPHS = tuple(graph_of(molecule_of(text)) for text in TEXTS)
DISTINCT: list[Any] = [
    graph_of(molecule_of(text))
    for text in (
        *TEXTS,
        "CCCCCCO",
        "O=C(O)c1ccncc1",
        "CC(C)CCBr",
        "N#Cc1ccco1",
        "CSCCC(N)C(=O)O",
        "FC(F)(F)C1CC1",
        "Clc1ccc(I)s1",
        "CN(C)C=O",
    )
]
SMALL = {
    "raw": {"hops": 2},
    "diffusion": {"dim": 16},
    **{name: {"width": 8, "layers": 2} for name in ("gin", "gine", "gcn", "gat", "jumping")},
}


def build(name: str) -> AbstractEncoder:
    torch.manual_seed(0)
    return MODALITY.encoders[name](**SMALL[name])


@pytest.fixture(scope="module")
def findings() -> list[LawResult]:
    return check(MODALITY)


def test_every_law_of_modalities_holds(findings: list[LawResult]) -> None:
    assert [finding for finding in findings if not finding.passed] == []


@pytest.mark.parametrize("name", SMALL)
def test_a_node_gets_the_same_vector_in_any_batch_and_in_any_order(name: str) -> None:
    encoder = build(name).eval()
    batch = encoder(collate(GRAPHS))
    assert not bool(batch.values[~batch.valid].any())
    for number, graph in enumerate(GRAPHS):
        order = torch.from_numpy(np.random.default_rng(number).permutation(len(graph)))
        alone = encoder(collate([graph.take(order)])).values[0]
        own = batch.values[number, : len(graph)]
        if name == "diffusion":  # only distances mean something
            own, alone = torch.cdist(own, own)[order][:, order], torch.cdist(alone, alone)
            assert torch.allclose(own, alone, atol=1e-3)
        else:
            assert torch.allclose(own[order], alone, atol=1e-5)


@pytest.mark.parametrize("name", ["gin", "gine", "gcn", "gat", "jumping"])
def test_padding_enters_no_statistics_and_gradients_reach_every_weight(name: str) -> None:
    encoders = [build(name).train(), build(name).train()]
    encoders[0](collate(GRAPHS))
    padded = collate([*GRAPHS, graph_of(molecule_of("C" * 40))])
    kept = slice(0, sum(map(len, GRAPHS)))
    inside = (padded.edges < kept.stop).all(dim=0)
    wide = Graphs(
        padded.nodes[:4], padded.numbers[:4], padded.valid[:4], padded.edges[:, inside], padded.kinds[inside],
        padded.weights[inside], MOLECULE,
    )  # fmt: skip
    features = encoders[1](wide)
    assert features.values.shape[1] == 40
    for one, two in zip(encoders[0].buffers(), encoders[1].buffers(), strict=True):
        assert torch.allclose(one.float(), two.float(), atol=1e-6)
    features.values.square().sum().backward()
    assert [key for key, weight in encoders[1].named_parameters() if weight.grad is None] == []


@pytest.mark.parametrize("name", ["gin", "gine", "gcn", "gat", "jumping", "raw"])
def test_kinds_of_bonds_are_seen(name: str) -> None:
    encoder = build(name).eval()
    graph = graph_of(molecule_of("CCCC"))
    other = graph.kinds.clone()
    other[:2, 0] = 2
    changed = type(graph)(graph.nodes, graph.numbers, graph.edges, other, graph.weights, graph.ids, graph.schema)
    one, two = encoder(collate([graph])).values, encoder(collate([changed])).values
    assert not torch.allclose(one[0, 0], two[0, 0], atol=1e-4)


def test_raw_features_are_counted_by_hand() -> None:
    values = MODALITY.encoders["raw"](hops=1)(collate([graph_of(molecule_of("CCO"))])).values[0]
    width = values.shape[1] // 2
    middle = values[1, :width]
    assert float(middle[7]) == 1.0, "carbon is category 7 of the first column"
    assert float(middle[-1]) == 2.0, "its degree"
    first_bond = width - 1 - sum(MOLECULE.edges)
    assert float(middle[first_bond + 1]) == 2.0, "two single bonds"
    neighbours = values[1, width:]
    assert float(neighbours[7]) == 0.5
    assert float(neighbours[9]) == 0.5, "half of its neighbours is oxygen"


def test_diffusion_distances_are_those_of_the_heat_kernel() -> None:
    graph = GRAPHS[0]
    places = MODALITY.encoders["diffusion"](time=2.0, dim=13)(collate([graph, graph_of(molecule_of("C" * 20))])).values[
        0, :13
    ]
    near = torch.zeros(13, 13).index_put((graph.edges[0], graph.edges[1]), torch.ones(graph.edges.shape[1]))
    scale = near.sum(dim=1).rsqrt()
    heat = torch.linalg.matrix_exp(-2.0 * (torch.eye(13) - scale[:, None] * near * scale))
    assert torch.allclose(places @ places.T, heat @ heat, atol=1e-5)


def test_graphs_without_nodes_edges_or_features_are_encoded_beside_others() -> None:
    graph = GRAPHS[0]
    none = graph.take(torch.zeros(0, dtype=torch.long))
    for name in SMALL:
        features = build(name).eval()(collate([none, graph, GRAPHS[2]]))
        assert features.valid.sum(dim=1).tolist() == [0, 13, 1]
        assert bool(features.values.isfinite().all())
    items = from_pyg([Data(edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=3)])
    assert items.schema == Schema(numbers=1)
    for name in ("gine", "gat", "jumping"):
        encoder = MODALITY.encoders[name](**items.schema.settings(), width=8)
        assert bool(encoder(collate([items.read(0, np.random.default_rng(0))])).values.isfinite().all())


def test_other_features_than_the_encoder_was_built_for_are_refused() -> None:
    for name in ("raw", "gine", "jumping"):
        encoder = MODALITY.encoders[name](nodes=[3], edges=[])
        with pytest.raises(ValueError, match=r"schema\.settings"):
            encoder(collate(GRAPHS))
    with pytest.raises(ValueError, match="heads must divide width"):
        MODALITY.encoders["gat"](width=10, heads=4)


@pytest.mark.parametrize("method", ["odin", "byol"])
def test_the_loss_of_a_method_falls_on_graphs(method: str) -> None:
    torch.manual_seed(0)
    encoder = MODALITY.encoders["gine"](width=16, layers=2)
    methods = {
        "byol": BYOL(heads=Heads(32, 8)),
        "odin": Odin(heads=Heads(32, 8), finder=ObjectFinder(KMeans(4), space="hidden")),
    }
    learner = methods[method].build(encoder, DataInfo())
    optimiser = torch.optim.Adam([weight for weight in learner.parameters() if weight.requires_grad], lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    losses = []
    for step in range(30):
        batch = make_batch("graph", DISTINCT, seed=step, modality=MODALITY)
        progress = Progress(step=step, steps=30, steps_per_epoch=10)
        outcome = learner(batch, generator, progress)
        optimiser.zero_grad()
        outcome.loss.backward()
        optimiser.step()
        learner.after_step([outcome], progress)
        losses.append(float(outcome.loss.detach()))
        assert np.isfinite(losses[-1])
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])


@pytest.mark.parametrize("name", SMALL)
def test_settings_build_the_same_architecture_again(name: str) -> None:
    encoder = build(name).eval()
    kept = saved(MODALITY, name, encoder)
    again = MODALITY.encoders[name](**kept).eval()
    again.load_state_dict(encoder.state_dict())
    assert torch.equal(encoder(collate(GRAPHS)).values, again(collate(GRAPHS)).values)
    assert SMALL[name].items() <= kept.items()


def test_encoders_take_the_features_of_the_graphs(tmp_path: Path) -> None:
    (tmp_path / "net.csv").write_text("source,target,weight,kind\na,b,0.5,road\nb,c,1.5,rail\nc,a,2,road\nc,d,1,road\n")
    (tmp_path / "net.nodes.csv").write_text("node,size,colour\na,1,red\nb,2,blue\nc,3,red\nd,4,blue\n")
    assert isinstance(MODALITY, InfersEncoderSettings)
    items = MODALITY.read([tmp_path]).items
    graph = items.read(0, np.random.default_rng(0))
    for name in MODALITY.encoders:
        settings = MODALITY.encoder_settings(name, items)
        assert settings == MODALITY.encoder_settings(name, Listed([None, graph]))
        assert settings == ({} if name == "diffusion" else graph.schema.settings())
        features = MODALITY.encoders[name](**settings)(collate([graph, graph]))
        assert bool(features.values.isfinite().all())
    assert graph.schema == Schema((256,), 2, (256,), 1)


def test_joined_depths_keep_the_node_itself_and_reach_as_far_as_the_layers() -> None:
    encoder = MODALITY.encoders["jumping"](width=8, layers=3, dim=6).eval()
    one, two = (encoder(collate([graph_of(molecule_of(text))])).values[0] for text in ("CCCCCCN", "CCCCCCO"))
    moved = (one - two).norm(dim=1) > 1e-6
    assert moved.tolist() == [False, False, False, True, True, True, True]
    assert encoder.out.in_features == 4 * 8  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="kind is gin, gine, gcn or gat, got 'sage'"):
        MODALITY.encoders["jumping"](kind="sage")
