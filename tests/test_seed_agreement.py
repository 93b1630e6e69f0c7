"""Whether seeds agree, against a loop over pairs of runs."""

import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import Agglomerative
from gestalt.core.experiment import seed_agreement
from gestalt.core.experiment.seed_agreement import agreement_of_seeds, said
from gestalt.core.networks.encoder import Network
from gestalt.core.networks.heads import MLP
from gestalt.core.runs.model import Model
from gestalt.core.runs.saving import load, save
from tests.toy import series_items, toy

SERIES = toy("series")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three networks that were begun by three seeds."""
    folders = []
    for seed in range(3):
        torch.manual_seed(seed)
        encoder = SERIES.encoders["small"]()
        network = Network(encoder, MLP(encoder.dim, 8, 4)).eval()
        folders.append(tmp_path_factory.mktemp("runs") / str(seed))
        save(folders[-1], Model(SERIES, network, {}, ObjectFinder(Agglomerative(3), "hidden")), "small")
    return folders


def test_it_is_the_mean_over_items_and_pairs(runs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    items = series_items(7)
    found = []
    for run in runs:
        batches = list(load(run, modality=SERIES).found(items))
        rows = [pair for batch in batches for pair in zip(batch.labels(), batch.features.valid, strict=True)]
        found.append([labels[valid] for labels, valid in rows])
    every = [
        [adjusted_rand_score(one, other) for one, other in zip(first, second, strict=True)]
        for first, second in combinations(found, 2)
    ]
    assert 0 < np.mean(every) < 1
    assert agreement_of_seeds(runs, SERIES, items) == pytest.approx(float(np.mean(every)), abs=1e-6)
    monkeypatch.setattr(seed_agreement, "ITEMS", 4)
    first_four = float(np.mean([values[:4] for values in every]))
    assert agreement_of_seeds(runs, SERIES, items) == pytest.approx(first_four, abs=1e-6)


def test_one_run_agrees_with_itself_and_alone_with_nobody(runs: list[Path]) -> None:
    assert agreement_of_seeds([runs[0], runs[0]], SERIES, series_items(3)) == 1.0
    alone = agreement_of_seeds(runs[:1], SERIES, series_items(3))
    assert math.isnan(alone)
    assert said(alone) == ""
    assert "agree by 0.25" in said(0.25)
