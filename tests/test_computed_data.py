"""Computed targets of a data set: the same in every worker, of the item that is trained on, and fitted once."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import networkx as nx
import numpy as np
import pytest
import torch
from torch import Tensor

import gestalt
from gestalt.core.components.description import build
from gestalt.core.components.registry import MODALITIES
from gestalt.core.data.items import AbstractItems, BadItemError
from gestalt.core.methods.computed.head import ComputedHead
from gestalt.core.methods.computed.method import Computed
from gestalt.core.modality.optional import ComputesTargets
from gestalt.core.modality.plugins import load_modality
from gestalt.core.storage.names_of_runs import METRICS
from gestalt.core.training.computing import Computing, computed_targets
from gestalt.core.training.data import Order, batches
from gestalt.core.training.metrics_log import read_metrics
from gestalt.modalities.graph import Graph, Schema, graph_of, molecule_of
from tests.implementations import COMPUTED, DATA
from tests.test_stopping import assert_same_numbers, interrupting
from tests.test_training import SERIES, Few, run
from tests.toy import series_items

PLUG_INS = Path(__file__).parents[1] / "docs" / "plug-ins"
ALL = [*MODALITIES.names(), "point_clouds:MODALITY", "motion:MODALITY"]


@final
@dataclass(frozen=True)
class Levels:
    """Computes from a series; what is asked of it may go wrong."""

    bad: float = math.inf
    beyond: bool = True

    def computed(self, item: Tensor) -> Mapping[str, float]:
        """Mean, length, and a number that is never there."""
        if float(item.mean()) > self.bad:
            raise ValueError("it is too loud")
        found = {"mean": float(item.mean()), "length": float(len(item)), "nothing": math.nan}
        return found | ({"beyond": 1e300} if self.beyond else {})


NAMES = ("mean", "length", "nothing", "beyond")
LEVELS = Computing(Levels(), NAMES)


def first_batches(computing: Any, workers: int = 0, skip_bad: bool = False) -> list[Any]:
    order = Order(items=10, batch=4, steps=3, seed=5)
    return list(batches(Few(), SERIES.views, SERIES.collate, order, workers, skip_bad, computing=computing))


def test_targets_are_computed_from_the_source_that_is_trained_on_in_any_number_of_workers() -> None:
    for alone, helped in zip(first_batches(LEVELS), first_batches(LEVELS, workers=2), strict=True):
        torch.testing.assert_close(alone.computed, helped.computed, equal_nan=True)
        for row, name in zip(alone.computed, alone.names, strict=True):
            length = len(series_items(10)[int(name.split()[-1])])
            assert row[1] == length
        source = alone.source.data
        means = [float(item[valid].mean()) for item, valid in zip(source.values, source.valid, strict=True)]
        assert alone.computed[:, 0].tolist() == pytest.approx(means, abs=0.1)
        assert bool(alone.computed[:, 2:].isnan().all()), "what is not there, and what is not finite in float32"
    assert all(batch.computed is None for batch in first_batches(None))
    moved = first_batches(LEVELS)[0].to("cpu")
    assert moved.computed is not None


def test_an_item_whose_targets_cannot_be_computed_is_named_and_can_be_left_out() -> None:
    loud = Computing(Levels(bad=0.95), NAMES)
    with pytest.raises(BadItemError, match=r"series \d: its targets cannot be computed \(it is too loud\)"):
        first_batches(loud)
    found = first_batches(loud, skip_bad=True)
    assert any(batch.skipped for batch in found)
    other = Computing(Levels(), ("mean", "size"))
    with pytest.raises(BadItemError, match="series 0: its computed targets are not those of the first item") as said:
        other(series_items(1)[0], "series 0")
    assert "length" in str(said.value)
    assert "size" in str(said.value)


@final
class Listed(AbstractItems[Any]):
    """Items in memory; some cannot be read."""

    def __init__(self, items: Sequence[Any], bad: Sequence[int] = ()) -> None:
        self.items, self.bad, self.seen = items, bad, list[int]()

    def __len__(self) -> int:
        return len(self.items)

    def read(self, index: int, rng: np.random.Generator) -> Any:  # noqa: ARG002
        """An item, or the error."""
        self.seen.append(index)
        if index in self.bad:
            raise BadItemError(self.name(index), "is broken")
        return self.items[index]

    def name(self, index: int) -> str:
        """Its number."""
        return f"item {index}"


@pytest.fixture(params=ALL)
def modality(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Every modality, ours and those of the docs."""
    monkeypatch.syspath_prepend(str(PLUG_INS))
    return load_modality(request.param)


def test_every_modality_computes_the_same_numbers_of_an_item_every_time_with_the_same_names(modality: Any) -> None:
    items = [specimen.item for specimen in modality.specimens()]
    assert isinstance(modality, ComputesTargets)
    found = [modality.computed(item) for item in items]
    assert len(found[0]) >= 4
    for one, item in zip(found, items, strict=True):
        assert one.keys() == found[0].keys()
        again = modality.computed(item)
        assert [*map(repr, one.values())] == [*map(repr, again.values())]
        assert any(math.isfinite(value) for value in one.values())
    differing = [name for name in found[0] if len({repr(one[name]) for one in found}) > 1]
    assert len(differing) > len(found[0]) / 3, "numbers that tell items apart"


def test_every_modalitys_targets_are_fitted_and_learned(modality: Any) -> None:
    items = [specimen.item for specimen in modality.specimens()]
    found = computed_targets(modality, Listed(items), modality.views.source, skip_bad=False)
    assert found.computing is not None
    assert found.info.scores is not None
    assert found.info.names == tuple(modality.computed(items[0]))
    rows = torch.stack([found.computing(item, "x") for item in items])
    scores = found.info.scores(rows)
    assert bool((scores.nan_to_num().abs() < 2).all())
    assert torch.equal(scores.isnan(), rows.isnan())


def test_what_is_fitted_reads_every_item_once_and_leaves_out_what_cannot_be_read() -> None:
    items = Listed(series_items(5), bad=[0, 3])
    with pytest.raises(BadItemError, match="item 0: is broken"):
        computed_targets(SERIES, items, SERIES.views.source, skip_bad=False)
    items.seen.clear()
    found = computed_targets(SERIES, items, SERIES.views.source, skip_bad=True)
    assert items.seen == [0, 1, 2, 3, 4]
    assert found.computing is None, "the toy computes nothing from its items"
    assert found.info.names == ()
    assert found.info.plain_scores is not None
    with pytest.raises(ValueError, match="no item can be read, so there is nothing to compute targets from"):
        computed_targets(SERIES, Listed(series_items(2), [0, 1]), SERIES.views.source, skip_bad=True)


def test_a_run_learns_from_computed_targets_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Law 10, Resume."""
    computing = Computing(Levels(beyond=False), NAMES[:3])

    def part(folder: Path, items: Few, resume: bool = False) -> bool:
        torch.manual_seed(0)
        learner = COMPUTED["computed beside odin"](SERIES.encoders["small"]())
        return run(folder, items, resume=resume, learner=learner, computing=computing).finished

    assert part(tmp_path / "whole", Few())
    assert not part(tmp_path / "stopped", interrupting(15))
    assert part(tmp_path / "stopped", Few(), resume=True)
    assert_same_numbers(tmp_path / "whole", tmp_path / "stopped")
    assert all(float(row["computed"]) > 0 for row in read_metrics(tmp_path / "whole" / METRICS))


def test_a_finished_run_keeps_the_heads_with_their_scores(tmp_path: Path) -> None:
    """Law 13, Round trip."""
    modality = load_modality("graph")
    items = [specimen.item for specimen in modality.specimens()]
    known = computed_targets(modality, Listed(items), modality.views.source, skip_bad=False).info
    method = Computed(gestalt.BYOL(heads=gestalt.Heads(8, 4)), of="both", hidden=8)
    learner = method.build(modality.encoders["gine"](width=8), replace(DATA, computed=known)).eval()
    heads = {name: head for name, head in learner.heads().items() if name != "projector"}
    model = gestalt.Model(modality, learner.online, heads, gestalt.ObjectFinder(gestalt.KMeans(2)))
    gestalt.save(tmp_path, model, "gine", method=method)
    back = gestalt.load(tmp_path)
    rows = torch.randn(5, 16)
    one, two = (found.heads["computed"] for found in (model, back))
    assert isinstance(one, ComputedHead)
    assert isinstance(two, ComputedHead)
    assert two.names == known.names
    assert torch.equal(one.decode(rows), two.decode(rows))
    assert back.heads.keys() == {"predictor", "computed", "computed_elements"}
    assert repr(build(json.loads((tmp_path / "config.json").read_text())["method"])) == repr(method)


def test_descriptors_know_a_molecule_again_and_leave_out_log_p() -> None:
    graphs: Any = load_modality("graph")
    plain, heavy = (graph_of(molecule_of(smiles), source=smiles) for smiles in ("CCO", "[13CH3]CO"))
    found = graphs.computed(plain)
    assert found == graphs.computed(plain)
    assert graphs.computed(heavy)["MolWt"] > found["MolWt"] + 0.9
    assert graphs.computed(plain.take(torch.tensor([0, 1])))["HeavyAtomCount"] == 2
    assert not [name for name in found if "logp" in name.lower()]
    assert "qed" not in found
    masked = replace(plain, nodes=torch.zeros_like(plain.nodes))
    assert graphs.computed(masked).keys() == found.keys(), "whatever RDKit makes of it"


def test_statistics_of_a_network_are_those_of_networkx() -> None:
    network = nx.gnm_random_graph(30, 50, seed=1)
    pairs = torch.tensor([*network.edges]).T
    graph = Graph.of(torch.zeros(30, 0, dtype=torch.long), torch.cat([pairs, pairs.flip(0)], dim=1), Schema())
    networks: Any = load_modality("graph")
    found = networks.computed(graph)
    degrees = [degree for _, degree in network.degree]
    assert found["mean degree"] == pytest.approx(np.mean(degrees))
    assert found["deviation of degrees"] == pytest.approx(np.std(degrees))
    assert found["share of leaves"] == degrees.count(1) / 30
    assert found["transitivity"] == pytest.approx(nx.transitivity(network))
    parts = [*nx.connected_components(network)]
    assert found["components"] == len(parts) / 30
    assert found["largest component"] == max(map(len, parts)) / 30
