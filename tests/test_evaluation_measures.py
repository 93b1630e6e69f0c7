"""Scores of evaluation protocols against the field's own, intervals by bootstrap, and splits of whole groups."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    jaccard_score,
    precision_score,
    recall_score,
)
from torch import Tensor

from gestalt.core.evaluation.bootstrap import Interval, bootstrap
from gestalt.core.evaluation.calibration import reliability
from gestalt.core.evaluation.measures import (
    ClassMeasure,
    ClusterMeasure,
    MeanMeasure,
    OverlapMeasure,
    ValueMeasure,
    confusion,
)
from gestalt.core.evaluation.protocols.results import ByClass
from gestalt.core.evaluation.splitting import Split, folds, given_split
from gestalt.core.methods.targets import Values


def answers(rows: int = 60, classes: int = 4, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Outputs that are right more often than not."""
    chance = torch.Generator().manual_seed(seed)
    known = torch.randint(0, classes, (rows,), generator=chance)
    return torch.randn(rows, classes, generator=chance) + 1.5 * torch.eye(classes)[known], known


@pytest.mark.parametrize("seed", range(3))
def test_scores_of_classes_are_scikit_learns(seed: int) -> None:
    outputs, known = answers(seed=seed)
    named = outputs.argmax(dim=1)
    scores = ClassMeasure(False)(outputs, known)
    assert scores == pytest.approx(
        {
            "accuracy": accuracy_score(known, named),
            "balanced_accuracy": balanced_accuracy_score(known, named),
            "macro_f1": f1_score(known, named, average="macro"),
        }
    )
    assert confusion(outputs, known, 4).tolist() == confusion_matrix(known, named, labels=range(4)).tolist()
    each: Any = None
    table = ByClass(("a", "b", "c", "d"), confusion(outputs, known, 4), None).table()
    assert [row["precision"] for row in table] == pytest.approx(
        np.asarray(precision_score(known, named, average=each)).tolist()
    )
    assert [row["recall"] for row in table] == pytest.approx(
        np.asarray(recall_score(known, named, average=each)).tolist()
    )
    assert [row["f1"] for row in table] == pytest.approx(np.asarray(f1_score(known, named, average=each)).tolist())


def test_the_calibration_error_is_that_of_a_loop_over_bins() -> None:
    outputs, known = answers(200)
    sure, named = outputs.softmax(dim=1).max(dim=1)
    wanted, counts = 0.0, list[int]()
    for place in range(10):
        inside = [i for i in range(200) if place / 10 < float(sure[i]) <= (place + 1) / 10]
        counts.append(len(inside))
        if inside:
            right = sum(bool(named[i] == known[i]) for i in inside) / len(inside)
            wanted += len(inside) / 200 * abs(right - sum(float(sure[i]) for i in inside) / len(inside))
    found = reliability(outputs, known)
    assert found.error == pytest.approx(wanted, abs=1e-6)
    assert found.count.tolist() == counts
    assert ClassMeasure()(outputs, known)["calibration_error"] == pytest.approx(wanted, abs=1e-6)


def test_who_is_always_right_and_sure_is_calibrated() -> None:
    known = torch.arange(4)
    assert reliability(100 * torch.eye(4), known).error == pytest.approx(0.0)
    assert reliability(100 * torch.eye(4), (known + 1) % 4).error == pytest.approx(1.0)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=30))
def test_clusters_are_scored_by_the_best_naming_and_by_counting(pairs: list[tuple[int, int]]) -> None:
    clusters, known = (torch.tensor(column) for column in zip(*pairs, strict=True))
    scores = ClusterMeasure()(clusters[:, None].double(), known)
    naming = max(
        sum(names[int(k)] == int(c) for k, c in zip(clusters, known, strict=True))
        for names in itertools.permutations(range(4))
    )
    assert scores["accuracy"] == pytest.approx(naming / len(known))
    purity = sum(max(sum((clusters == k) & (known == c)) for c in range(4)) for k in range(4)) / len(known)
    assert scores["purity"] == pytest.approx(float(purity))
    joint = confusion(torch.eye(4)[clusters], known, 4).double() / len(known)

    def entropy(shares: Tensor) -> float:
        return -sum(float(share * share.log()) for share in shares.flatten() if share > 0)

    both = entropy(joint.sum(dim=0)) + entropy(joint.sum(dim=1))
    wanted = 2 * (both - entropy(joint)) / both if both > 0 else 1.0
    assert scores["nmi"] == pytest.approx(wanted, abs=1e-9)


def test_overlap_is_scikit_learns_jaccard_over_the_true_classes_and_none_is_wrong() -> None:
    outputs, known = answers()
    named = outputs.argmax(dim=1)
    scores = OverlapMeasure()(named[:, None].double(), known)
    assert scores["miou"] == pytest.approx(jaccard_score(known, named, average="macro"))
    assert OverlapMeasure()(torch.full((4, 1), -1.0).double(), torch.tensor([0, 0, 1, 1])) == {
        "miou": 0.0,
        "accuracy": 0.0,
    }


def test_values_have_the_rank_correlation_of_their_ranks() -> None:
    chance = torch.Generator().manual_seed(0)
    outputs, known = torch.randn(30, 2, generator=chance), torch.randn(30, 2, generator=chance)
    known[3, 1] = torch.nan
    scores = ValueMeasure(Values(("a", "b")))(outputs, known)
    wanted = []
    for column in range(2):
        there = ~known[:, column].isnan()
        one, two = (rankdata(part[there, column].numpy()) for part in (outputs, known))
        wanted.append(np.corrcoef(one, two)[0, 1])
    assert scores["spearman"] == pytest.approx(np.mean(wanted))
    assert list(scores) == ["rmse", "r2", "spearman"]
    assert math.isnan(ValueMeasure(Values())(torch.ones(3, 1), torch.arange(3.0)[:, None])["spearman"])


def test_means_are_means() -> None:
    assert MeanMeasure(("a", "b"))(torch.tensor([[0.0, 1.0], [1.0, 1.0]]), torch.zeros(2)) == {"a": 0.5, "b": 1.0}


def naive_bootstrap(groups: Tensor, values: Tensor, resamples: int, seed: int) -> Interval:
    """Group after group, with the same draws."""
    rng = np.random.default_rng(seed)
    names = groups.unique().tolist()
    means = []
    for _ in range(resamples):
        drawn: list[float] = []
        for chosen in rng.integers(len(names), size=len(names)):
            drawn += values[groups == names[chosen]].tolist()
        means.append(sum(drawn) / len(drawn))
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(low), float(high))


def test_intervals_are_those_of_drawing_whole_groups_one_by_one() -> None:
    chance = torch.Generator().manual_seed(0)
    values, groups = torch.rand(40, generator=chance), torch.randint(0, 7, (40,), generator=chance) * 3
    found = bootstrap(groups, lambda rows: {"mean": float(values[rows].mean())}, 200, seed=3)["mean"]
    wanted = naive_bootstrap(groups, values, 200, 3)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=1e-6)


def test_rows_of_one_file_that_are_alike_say_no_more_than_one() -> None:
    values = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0, 1.0])
    alone = bootstrap(torch.arange(6), lambda rows: {"mean": float(values[rows].mean())})
    many = bootstrap(
        torch.arange(6).repeat_interleave(10), lambda rows: {"mean": float(values.repeat_interleave(10)[rows].mean())}
    )
    assert (many["mean"].low, many["mean"].high) == pytest.approx((alone["mean"].low, alone["mean"].high))


def test_one_group_has_no_interval_and_a_level_is_a_share() -> None:
    found = bootstrap(torch.zeros(5, dtype=torch.long), lambda rows: {"n": float(len(rows))})["n"]
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    with pytest.raises(ValueError, match="level"):
        bootstrap(torch.arange(2), lambda rows: {"n": float(len(rows))}, level=1.0)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 5), st.integers(0, 3))
def test_folds_test_every_row_once_and_keep_groups_together(count: int, seed: int) -> None:
    groups = torch.arange(40) // 4
    known = groups % 3
    found = folds(known, groups, count, seed)
    assert torch.cat([split.test for split in found]).sort().values.tolist() == list(range(40))
    for split in found:
        assert not set(groups[split.train].tolist()) & set(groups[split.test].tolist())
        assert len(split.train) + len(split.test) == 40


def test_classes_have_their_shares_in_every_fold() -> None:
    known = torch.tensor([0] * 30 + [1] * 10)
    for split in folds(known, torch.arange(40), 5):
        assert known[split.test].bincount().tolist() == [6, 2]


def test_classes_of_fewer_rows_than_folds_are_split_all_the_same() -> None:
    found = folds(torch.arange(6) // 2, torch.arange(6), 5)
    assert sorted(torch.cat([split.test for split in found]).tolist()) == list(range(6))


def test_splits_that_cannot_be_made_are_refused() -> None:
    with pytest.raises(ValueError, match=r"of 2 groups .* fewer than 3 folds"):
        folds(torch.tensor([0, 1, 0, 1]), torch.tensor([0, 0, 1, 1]), 3)
    with pytest.raises(ValueError, match="at least 2 folds"):
        folds(torch.tensor([0, 1]), torch.tensor([0, 1]), 1)
    with pytest.raises(ValueError, match="0 labelled items to learn from and 2"):
        given_split(torch.tensor([True, True]), torch.tensor([True, True]))
    with pytest.raises(ValueError, match="both train and test"):
        Split(torch.tensor([0]), torch.tensor([0]))
