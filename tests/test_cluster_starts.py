"""Clusters over a data set: how they start, runs that are too short for them, degenerate data, and what SeLa keeps."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gestalt.core.data.segmentation import Objects
from gestalt.core.losses import unit
from gestalt.core.methods.info import BatchInfo
from gestalt.core.methods.objectives import DeepCluster, PrototypeContrast, SelfLabelling, self_labelling
from gestalt.core.methods.objectives.npid import Npid
from gestalt.core.methods.objectives.prototype_contrast import concentrations
from gestalt.core.methods.objectives.queue import Queue
from gestalt.core.methods.objectives.spherical_kmeans import spherical_kmeans
from gestalt.core.optimization.progress import Progress
from gestalt.core.optimization.short_runs import NeedsEpochs
from tests.cluster_objectives import BANKS
from tests.implementations import output, seeded
from tests.test_distillation import fresh
from tests.test_training import OPTIONS, Few
from tests.test_training import run as train

MEAN = 0.2


def whole(vectors: Tensor) -> Objects:
    return Objects(vectors[:, None], torch.ones(len(vectors), 1, dtype=torch.bool))


def known(items: int, seed: int = 0) -> BatchInfo:
    return BatchInfo(torch.arange(items), torch.full((items, 1), -1), seeded(seed))


@pytest.mark.parametrize(("kinds", "counts"), [(1000, (100, 400)), (500, (200, 400)), (250, (100, 400)), (100, (100,))])
def test_however_many_items_are_the_same_similarities_are_divided_by_no_less_than_a_share_of_the_mean(
    kinds: int, counts: tuple[int, ...]
) -> None:
    rows = unit(torch.randn(kinds, 32, generator=seeded())).repeat(1000 // kinds, 1)
    for count in counts:
        labels, centroids = spherical_kmeans(rows, count, 5, seeded())
        phi = concentrations(rows, labels, centroids, MEAN)
        assert float(phi.mean()) == pytest.approx(MEAN)
        assert float(phi.min()) > MEAN / 12
        made = PrototypeContrast(1000, 32, [count], MEAN)
        made.get_buffer("centroids_0").copy_(centroids)
        made.get_buffer("concentrations_0").copy_(phi)
        made.labels[0] = labels
        online = rows.clone().requires_grad_()
        loss = made((whole(online),), (whole(rows),), known(1000)).value
        loss.backward()
        assert float(loss.detach()) < 2 / (MEAN / 12) + math.log(count), "similarities differ by 2 at most"
        assert online.grad is not None
        assert bool(online.grad.isfinite().all())


def test_half_of_the_data_in_one_place_takes_no_cluster_below_the_least_concentration() -> None:
    rows = unit(torch.randn(1000, 32, generator=seeded()))
    rows[:500] = unit(rows[:1] + 1e-4 * torch.randn(500, 32, generator=seeded(1)))
    labels, centroids = spherical_kmeans(rows, 100, 5, seeded())
    assert float(concentrations(rows, labels, centroids, MEAN).min()) > MEAN / 12


class Counted(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.rows = inner, 0

    def forward(self, rows: Tensor) -> Tensor:
        self.rows += len(rows)
        found: Tensor = self.inner(rows)
        return found


def test_sela_predicts_every_item_once_where_the_scores_fit_and_labels_are_those_of_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    made, rows = SelfLabelling(60, 5, 4, labellings=1), 3 * torch.randn(60, 5)
    counted = Counted(made.classifiers[0])
    kept = made._balanced(rows, counted)
    assert counted.rows == 60
    monkeypatch.setattr(self_labelling, "SCORES", 100)
    counted.rows = 0
    assert torch.equal(made._balanced(rows, counted), kept)
    assert counted.rows > 120


def last_use(made: Any, run: Progress) -> bool:
    """Whether labels or clusters changed before the last step."""
    before = made.labels.clone()
    vectors = torch.randn(6, 5, generator=seeded(7))
    for step in range(1, run.steps):
        compared = output((whole(vectors), whole(vectors)), known(6, step))
        made.after_step([compared], Progress(step, run.steps, run.steps_per_epoch))
    return not torch.equal(made.labels, before)


BUILT: dict[str, Callable[[], Any]] = {
    **{name: partial(build, 6, 5) for name, build in BANKS.items()},
    "few labellings": lambda: SelfLabelling(6, 5, 3, labellings=2, updates=2),
    "late clusters": lambda: PrototypeContrast(6, 5, (2, 4), begins=0.6),
    "no clusters": lambda: PrototypeContrast(6, 5, (2, 4), begins=1.0),
}


@pytest.mark.parametrize("name", BUILT)
def test_a_run_is_called_too_short_where_its_labels_would_not_change_before_its_last_step(name: str) -> None:
    said = []
    for steps, epoch in [
        (1, 1),
        (2, 1),
        (4, 4),
        (3, 4),
        (5, 4),
        (9, 4),
        (20, 4),
        (20, 12),
        (20, 9),
        (20, 19),
        (20, 31),
    ]:
        run = Progress(0, steps, epoch)
        made = BUILT[name]()
        assert isinstance(made, NeedsEpochs)
        words = made.too_short(run)
        assert (words is None) == last_use(made, run), run
        said.append(words)
    assert "this run has 20 steps, an epoch 31" in str(said[-1])


@pytest.mark.parametrize("name", ["sela", "deepcluster", "pcl", "dino", "swav"])
def test_training_says_once_that_a_run_is_too_short_for_its_clusters(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = Few()
    epoch = len(few) // OPTIONS.batch
    short = replace(OPTIONS, steps=epoch, warmup=0)
    ended = train(tmp_path / "short", few, short, learner=fresh(name))
    told = [text for text in ended.warnings if "this run has" in text]
    assert len(told) == 1
    assert capsys.readouterr().out.count(told[0]) == 1
    ended = train(tmp_path / "long", few, replace(short, steps=4 * epoch), learner=fresh(name))
    assert not [text for text in ended.warnings if "this run has" in text]


def started(name: str, seed: int) -> Any:
    torch.manual_seed(seed)
    made: dict[str, Callable[[], Any]] = {
        "sela": lambda: SelfLabelling(40, 5, 4),
        "deepcluster": lambda: DeepCluster(40, 5, 4),
        "queue": lambda: Queue(40, 5),
        "npid": lambda: Npid(40, 5),
    }
    return made[name]()


STARTS = [("sela", "labels"), ("deepcluster", "centroids"), ("queue", "vectors"), ("npid", "bank")]


@pytest.mark.parametrize(("name", "part"), STARTS)
def test_random_starts_follow_the_seed_of_the_run_and_take_nothing_from_its_networks(name: str, part: str) -> None:
    one, again, other = (getattr(started(name, seed), part) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    started(name, 1)
    drawn = torch.rand(3)
    torch.manual_seed(1)
    for _ in range(10 if name == "sela" else 0):
        nn.Linear(5, 4)
    assert torch.equal(torch.rand(3), drawn)


@pytest.mark.parametrize("name", ["deepcluster", "prototype contrast"])
def test_clusters_start_where_the_seed_of_the_step_says(name: str) -> None:
    vectors = torch.randn(12, 5, generator=seeded(3))

    def clustered(seed: int) -> Tensor:
        made: Any = BANKS[name](12, 5)
        made.after_step([output((whole(vectors), whole(vectors)), known(12, seed))], Progress(4, 40, 4))
        labels: Tensor = made.labels.clone()
        return labels

    assert torch.equal(clustered(1), clustered(1))
    assert len({tuple(clustered(seed).flatten().tolist()) for seed in range(4)}) > 1
