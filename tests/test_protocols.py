"""Laws of all evaluation protocols, and an oracle for each, written from its definition."""

import dataclasses
import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.svm import LinearSVC
from torch import Tensor

from gestalt.core.components.description import build, describe
from gestalt.core.components.registry import PROTOCOLS as INSTALLED
from gestalt.core.data.feature_map import item_means
from gestalt.core.evaluation import FineTuning, contour_accuracy, fine_tune, probe, region_similarity
from gestalt.core.evaluation.protocols import (
    AbstractProtocol,
    Answer,
    Clustering,
    DenseProbe,
    EvaluationData,
    FineTuned,
    Knn,
    LinearProbe,
    LowShotSvm,
    NotApplicableError,
    Propagation,
    Shifted,
    evaluated,
    protocols_of,
)
from gestalt.core.evaluation.protocols.propagation import propagate
from gestalt.core.evaluation.protocols.segmentation import names_of_clusters
from gestalt.core.evaluation.splitting import Split
from gestalt.core.methods.targets import Values
from tests.implementations import ITEMS
from tests.small_protocols import PROTOCOLS, blobs, clip, labelled, small_data, source_of
from tests.toy import toy

every_protocol = pytest.mark.parametrize("name", PROTOCOLS)


def chief(answer: Answer, draw: int = 0) -> float:
    return next(iter(answer.measure(answer.outputs[draw], answer.known).values()))


def test_every_installed_protocol_is_here() -> None:
    assert set(PROTOCOLS) == set(INSTALLED.names())
    assert all(type(one) is INSTALLED.load(name) for name, one in PROTOCOLS.items())


@every_protocol
def test_a_protocol_is_written_down_and_built_again(name: str) -> None:
    assert build(describe(PROTOCOLS[name])) == PROTOCOLS[name]


@every_protocol
def test_answers_are_finite_and_their_scores_too_with_intervals_around_them(name: str) -> None:
    found = evaluated(small_data(), {name: PROTOCOLS[name]}, resamples=20)
    assert found.left_out == ()
    for one in found.results:
        for score in one.scores.values():
            assert math.isfinite(score.value)
            assert score.interval.low <= score.interval.high


@every_protocol
def test_the_same_data_give_the_same_scores(name: str) -> None:
    one, two = (evaluated(small_data(), {name: PROTOCOLS[name]}, resamples=5).results for _ in range(2))
    for result, again in zip(one, two, strict=True):
        for metric, score in result.scores.items():
            assert (score.value, score.interval) == (again.scores[metric].value, again.scores[metric].interval)


@every_protocol
def test_what_the_data_lack_is_said_by_its_option(name: str) -> None:
    with pytest.raises(NotApplicableError, match=r"^needs (labels|masks).*--(labels|masks)"):
        PROTOCOLS[name].answers(EvaluationData())
    with pytest.raises(ValueError, match=f"{name} needs"):
        evaluated(EvaluationData(), {name: PROTOCOLS[name]})


@pytest.mark.parametrize("name", ["knn", "probe", "svm", "clustering"])
def test_scores_do_not_depend_on_the_order_of_the_rows(name: str) -> None:
    rows = labelled(*blobs())
    order = torch.randperm(24, generator=torch.Generator().manual_seed(1))
    back = order.argsort()
    splits = [Split(back[split.train], back[split.test]) for split in rows.splits]
    mixed = labelled(rows.vectors[order], rows.known[order], rows.groups[order], splits)
    for one, two in zip(
        PROTOCOLS[name].answers(EvaluationData(rows)), PROTOCOLS[name].answers(EvaluationData(mixed)), strict=True
    ):
        assert chief(one) == pytest.approx(chief(two))


@pytest.mark.parametrize("name", ["knn", "probe", "svm", "clustering", "fine-tuning", "robustness"])
def test_labels_of_the_test_side_are_never_learned_from(name: str) -> None:
    data = small_data()
    assert data.items is not None
    split = Split(torch.arange(12), torch.arange(12, 24))
    known = data.items.known.clone()
    known[12:] = known[12:].flip(0)
    outputs = []
    for truth in (data.items.known, known):
        rows = dataclasses.replace(data.items, known=truth, splits=(split,))
        outputs.append([one.outputs for one in PROTOCOLS[name].answers(dataclasses.replace(data, items=rows))])
    for one, two in zip(*outputs, strict=True):
        assert torch.allclose(one, two)


@pytest.mark.parametrize("name", ["knn", "probe", "fine-tuning", "robustness"])
def test_values_are_predicted_in_their_own_unit(name: str) -> None:
    for one in evaluated(small_data(values=True), {name: PROTOCOLS[name]}, resamples=0).results:
        assert list(one.scores) == ["rmse", "r2", "spearman"]
        assert one.scores["rmse"].value < 3


@pytest.mark.parametrize("name", ["svm", "clustering"])
def test_protocols_of_classes_refuse_values(name: str) -> None:
    with pytest.raises(NotApplicableError, match="needs classes, not values"):
        PROTOCOLS[name].answers(small_data(values=True))


@pytest.mark.parametrize("count", [1, 3, 20])
def test_votes_of_neighbours_are_those_of_a_loop(count: int) -> None:
    rows = labelled(*blobs(noise=0.8))
    (found,) = Knn((count,)).answers(EvaluationData(rows))
    wanted = []
    for split in rows.splits:
        for test in split.test.tolist():
            near = [
                (float(torch.cosine_similarity(rows.vectors[test], rows.vectors[i], dim=0)), i) for i in split.train
            ]
            votes = [0.0, 0.0, 0.0]
            for similarity, i in sorted(near, reverse=True)[:count]:
                votes[int(rows.known[i])] += math.exp(similarity / 0.07)
            wanted.append([vote / sum(votes) for vote in votes])
    assert torch.allclose(found.outputs[0].softmax(dim=1), torch.tensor(wanted).double(), atol=1e-5)


def test_a_value_is_the_weighted_mean_of_its_neighbours_whose_value_is_known() -> None:
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.9, 0.3], [1.0, 0.02]])
    known = torch.tensor([[1.0, torch.nan], [2.0, 4.0], [9.0, 8.0], [0.0, 0.0]])
    rows = labelled(vectors, known, splits=[Split(torch.arange(3), torch.tensor([3]))], target=Values(("a", "b")))
    (found,) = Knn((2,)).answers(EvaluationData(rows))
    one, two = (math.exp(float(torch.cosine_similarity(vectors[3], vectors[i], dim=0)) / 0.07) for i in (0, 1))
    assert found.outputs[0, 0].tolist() == pytest.approx([(one + 2 * two) / (one + two), 4.0], rel=1e-4)


@pytest.mark.parametrize("values", [False, True])
def test_the_linear_probe_has_the_scores_of_the_probe(values: bool) -> None:
    vectors, known = blobs(noise=1.0)
    truth = (vectors.sum(dim=1, keepdim=True) + known[:, None]) if values else known
    rows = labelled(vectors, truth, splits=[Split(torch.arange(16), torch.arange(16, 24))])
    (found,) = LinearProbe((1.0,)).answers(EvaluationData(rows))
    wanted = probe(vectors, rows.target, truth, torch.arange(16), torch.arange(16, 24))
    scores = found.measure(found.outputs[0], found.known)
    assert {name: scores[name] for name in wanted} == pytest.approx(wanted, rel=1e-3)
    if not values:
        (dense,) = DenseProbe().answers(EvaluationData(elements=rows))
        assert torch.equal(dense.outputs, found.outputs)


def test_a_share_of_the_labels_learns_from_no_others() -> None:
    vectors, known = blobs(noise=0.5)
    rows = labelled(vectors, known, splits=[Split(torch.arange(18), torch.arange(18, 24))])
    one, _ = LinearProbe((0.01, 1.0)).answers(EvaluationData(rows))
    (alone,) = LinearProbe((1.0,)).answers(
        EvaluationData(dataclasses.replace(rows, splits=(Split(kept(known), torch.arange(18, 24)),)))
    )
    assert torch.allclose(one.outputs, alone.outputs, atol=1e-4)
    assert (one.variant, one.share) == ("1 % of the labels", 0.01)


def kept(known: Tensor) -> Tensor:
    """One row of every class, as `label_fraction` draws them."""
    from gestalt.core.evaluation import label_fraction

    return label_fraction(known[:18], 0.01, 0)


def test_with_all_labels_the_low_shot_machines_are_scikit_learns_on_standardised_vectors() -> None:
    vectors, known = blobs(noise=1.0)
    rows = labelled(vectors, known, splits=[Split(torch.arange(18), torch.arange(18, 24))])
    (found,) = LowShotSvm((6,), draws=1, cost=0.5).answers(EvaluationData(rows))
    standard = ((vectors - vectors[:18].mean(dim=0)) / vectors[:18].std(dim=0, correction=0)).double().numpy()
    machine = LinearSVC(C=0.5, max_iter=50_000).fit(standard[:18], known[:18].numpy())
    assert np.allclose(found.outputs[0].numpy(), machine.decision_function(standard[18:]), atol=0.05)


def test_low_shot_learns_from_so_many_of_every_class_and_leaves_out_what_changes_nothing() -> None:
    rows = labelled(*blobs(), splits=[Split(torch.arange(12), torch.arange(12, 24))])
    found = LowShotSvm((1, 4, 16, 64), draws=3).answers(EvaluationData(rows))
    assert [one.variant for one in found] == ["1 per class", "4 per class"]
    assert found[0].outputs.shape == (3, 12, 3)
    assert not torch.allclose(found[0].outputs[0], found[0].outputs[1]), "draws differ"
    assert torch.allclose(found[1].outputs[0], found[1].outputs[1], atol=1e-2), "there are four of every class"


def test_clusters_of_well_parted_classes_are_these() -> None:
    (found,) = Clustering().answers(EvaluationData(labelled(*blobs(noise=0.01))))
    assert found.measure(found.outputs[0], found.known) == pytest.approx({"accuracy": 1.0, "nmi": 1.0, "purity": 1.0})


def test_vectors_that_are_all_alike_are_one_cluster_and_it_is_said() -> None:
    (found,) = Clustering().answers(EvaluationData(labelled(torch.ones(24, 3), blobs()[1])))
    assert "only 1 vectors differ" in found.note
    assert chief(found) == pytest.approx(1 / 3)


@pytest.mark.parametrize("seed", range(5))
def test_clusters_are_named_by_the_best_of_all_permutations(seed: int) -> None:
    chance = torch.Generator().manual_seed(seed)
    known, clusters = (torch.randint(0, 4, (40,), generator=chance) for _ in range(2))

    def overlap(names: tuple[int, ...]) -> float:
        named = torch.tensor(names)[clusters]
        parts = [((named == c) & (known == c)).sum() / ((named == c) | (known == c)).sum() for c in range(4)]
        return float(torch.stack(parts).sum())

    found = tuple(names_of_clusters(clusters, known, 4).tolist())
    assert overlap(found) == pytest.approx(max(overlap(names) for names in itertools.permutations(range(4))))


def test_more_clusters_than_classes_have_the_class_of_most_of_their_elements() -> None:
    clusters = torch.tensor([0, 0, 0, 1, 1, 2])
    assert names_of_clusters(clusters, torch.tensor([1, 1, 0, 0, 0, 1]), 2).tolist() == [1, 0, 1]


def naive_propagation(values: Tensor, first: Tensor, frames: int, reach: int, nearest: int, heat: float) -> Tensor:
    """Element after element, from the definition."""
    time, height, width, _ = values.shape
    labels = first[None].expand(time, -1, -1, -1).clone()
    for now, y, x in itertools.product(range(1, time), range(height), range(width)):
        near = []
        for then, v, u in itertools.product(
            sorted({0, *range(max(0, now - frames), now)}), range(height), range(width)
        ):
            if abs(v - y) <= reach and abs(u - x) <= reach:
                alike = float(torch.cosine_similarity(values[now, y, x], values[then, v, u], dim=0))
                near.append((math.exp(alike / heat), labels[then, v, u]))
        best = sorted(near, key=lambda pair: -pair[0])[:nearest]
        labels[now, y, x] = sum(weight * label for weight, label in best) / sum(weight for weight, _ in best)
    return labels


@pytest.mark.parametrize(("frames", "reach", "nearest"), [(7, 12, 5), (1, 1, 2), (2, 1, 50)])
def test_labels_are_carried_as_a_loop_over_elements_carries_them(frames: int, reach: int, nearest: int) -> None:
    chance = torch.Generator().manual_seed(0)
    values, first = torch.randn(4, 3, 4, 5, generator=chance), torch.rand(3, 4, 2, generator=chance)
    first = first / first.sum(dim=2, keepdim=True)
    wanted = naive_propagation(values, first, frames, reach, nearest, 0.1)
    assert torch.allclose(propagate(values, first, frames, reach, nearest, 0.1), wanted, atol=1e-4)


def test_an_object_that_stays_is_found_in_full_and_scored_as_davis_scores() -> None:
    still = clip()
    features = still.features
    frozen = features.values.view(1, 3, -1, 4)[:, :1].expand(-1, 3, -1, -1).reshape(1, -1, 4)
    (found,) = Propagation().answers(
        EvaluationData(masked=lambda: [dataclasses.replace(still, features=features.with_values(frozen))])
    )
    assert found.measure(found.outputs[0], found.known) == {"j_and_f": 1.0, "j": 1.0, "f": 1.0}
    (found,) = PROTOCOLS["propagation"].answers(EvaluationData(masked=lambda: [still]))
    numbers = (still.masks.labels == 0).view(3, 8, 8)[:, ::2, ::2][0].long()
    carried = propagate(features.values.view(3, 4, 4, 4), torch.eye(2)[numbers], reach=2).argmax(dim=-1)
    fine = carried.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)[1:] == 1
    true = (still.masks.labels == 0).view(3, 8, 8)[1:]
    region, contour = region_similarity(fine, true).mean(), contour_accuracy(fine, true).mean()
    assert found.outputs[0, 0].tolist() == pytest.approx([float(region + contour) / 2, float(region), float(contour)])


def test_shifts_that_change_nothing_score_as_clean_items_do() -> None:
    data = small_data()
    same = toy("points").views.source
    source = dataclasses.replace(data.source, view=same, transforms={"same": same})  # type: ignore[type-var]
    found = Shifted((1, 2)).answers(dataclasses.replace(data, source=source))
    assert [one.variant for one in found] == ["clean", "view × 1", "view × 2", "same", "all transforms, mean"]
    assert all(torch.allclose(one.outputs, found[0].outputs, atol=1e-6) for one in found)


def test_clean_items_are_scored_as_by_the_linear_probe() -> None:
    data = small_data()
    clean = Shifted((), transforms=False).answers(data)[0]
    (wanted,) = LinearProbe((1.0,)).answers(data)
    assert torch.allclose(clean.outputs, wanted.outputs, atol=1e-3)


def test_fine_tuning_has_the_scores_of_fine_tune() -> None:
    data = small_data()
    assert data.items is not None
    assert data.source is not None
    split, options = Split(torch.arange(12), torch.arange(12, 24)), FineTuning(steps=3, batch=6)
    rows = dataclasses.replace(data.items, splits=(split,))
    (found,) = FineTuned((1.0,), options).answers(dataclasses.replace(data, items=rows))
    wanted = fine_tune(
        data.source.encoder, ITEMS["points"](24), rows.target, rows.known, split.train, split.test,
        toy("points").collate, options,
    )  # fmt: skip
    scores = found.measure(found.outputs[0], found.known)
    assert {name: scores[name] for name in wanted} == pytest.approx(wanted)


def test_items_are_read_when_they_are_needed_and_the_encoder_stays_as_it_was() -> None:
    data, items, read = small_data(), ITEMS["points"](24), list[int]()
    assert data.source is not None

    def reading(number: int) -> Tensor:
        read.append(number)
        return items[number]

    source = dataclasses.replace(source_of(items, data.source.encoder), read=reading)
    before = {name: value.clone() for name, value in data.source.encoder.state_dict().items()}
    for name in ("fine-tuning", "robustness"):
        PROTOCOLS[name].answers(dataclasses.replace(data, source=source))
    assert set(read) == set(range(24))
    assert all(torch.equal(before[name], value) for name, value in data.source.encoder.state_dict().items())
    assert item_means is source.pool


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Knn(()), "neighbours"),
        (lambda: Knn((0,)), "neighbours"),
        (lambda: LinearProbe((0.0, 1.0)), "shares"),
        (lambda: FineTuned((1.5,)), "shares"),
        (lambda: LowShotSvm((0,)), "per_class"),
        (lambda: Shifted((0,)), "strengths"),
        (lambda: protocols_of("knn,knn"), "named twice"),
        (lambda: protocols_of("kn"), "knn"),
        (lambda: protocols_of(" , "), "no protocol is named"),
        (lambda: protocols_of("[{]"), "JSON"),
        (lambda: protocols_of("[3]"), "AbstractProtocol"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(make: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


def test_protocols_are_named_in_words_in_json_or_themselves() -> None:
    assert protocols_of("knn, svm") == {"knn": Knn(), "svm": LowShotSvm()}
    assert protocols_of('[{"type": "protocol:knn", "neighbours": [1]}, "probe"]') == {
        "knn": Knn((1,)),
        "probe": LinearProbe(),
    }
    assert protocols_of(["probe", Knn((2,))]) == {"probe": LinearProbe(), "knn": Knn((2,))}


def test_a_protocol_of_another_package_needs_two_things() -> None:
    assert AbstractProtocol.__abstractmethods__ == frozenset({"answers"})
