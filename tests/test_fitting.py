"""Heads that are fitted: what they weigh, where they stop, how sure they may be, and what they call unknown."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score
from torch import Tensor, nn

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.evaluation.splitting import Split
from gestalt.core.fitting.descent import Descent, Draws
from gestalt.core.fitting.examples import Examples, as_items, as_rows
from gestalt.core.fitting.fitted import UNKNOWN
from gestalt.core.fitting.fitters import AbstractFitter, Linear, MLPFitter, Nearest
from gestalt.core.fitting.held_out import held_out, splits_of, temperature_of, threshold_of
from gestalt.core.fitting.learn import learned
from gestalt.core.fitting.subjects import OfElements, OfItems, OfObjects
from gestalt.core.fitting.task import Task, outputs_of
from gestalt.core.fitting.tuning import layers_of
from gestalt.core.methods.targets import Classes, Tags, Values
from tests.implementations import seeded

TWO = Classes(("a", "b"))


def rows(vectors: Tensor, known: Tensor, groups: Tensor | None = None) -> Examples:
    """One vector a row, each an item of its own."""
    index = torch.arange(len(vectors))
    asked = FeatureMap(vectors[:, None], torch.ones(len(vectors), 1, dtype=torch.bool))
    return Examples(asked, known[:, None], index, index if groups is None else groups)


def blobs(count: int, classes: int = 2, apart: float = 6.0, seed: int = 0) -> Examples:
    """So many rows of every class, around a centre each."""
    known = torch.arange(classes).repeat(count)
    centres = apart * torch.eye(classes, 4)
    return rows(centres[known] + torch.randn(len(known), 4, generator=seeded(seed)), known)


@given(st.integers(2, 30), st.integers(1, 4), st.integers(0, 99))
def test_the_scores_of_labels_are_those_of_scikit_learn(count: int, tags: int, seed: int) -> None:
    outputs = torch.randn(count, tags, generator=seeded(seed), dtype=torch.float64)
    known = (torch.rand(count, tags, generator=seeded(seed + 1)) < 0.4).double()
    score = Tags(tuple(map(str, range(tags)))).score(outputs, known)
    occurring = [n for n in range(tags) if bool(known[:, n].any())]
    found = (outputs >= 0).double()
    if occurring:
        each = [average_precision_score(known[:, n], outputs[:, n]) for n in occurring]
        assert score["map"] == pytest.approx(sum(each) / len(each))
        assert score["micro_f1"] == pytest.approx(
            f1_score(known, found, average="micro") if tags > 1 else score["micro_f1"]
        )
    else:
        assert math.isnan(score["map"])
    some = [n for n in range(tags) if bool((known[:, n] + found[:, n] > 0).any())]
    if some:
        each = [f1_score(known[:, n], found[:, n]) for n in some]
        assert score["macro_f1"] == pytest.approx(sum(each) / len(each))


@given(st.integers(1, 30), st.integers(1, 4), st.integers(0, 99))
def test_equal_outputs_have_one_place_whatever_order_the_rows_come_in(count: int, levels: int, seed: int) -> None:
    """As in scikit-learn: a head that says the same of all rows has the share of rows that have the label."""
    outputs = torch.randint(levels, (count, 1), generator=seeded(seed)).double()
    known = (torch.rand(count, 1, generator=seeded(seed + 1)) < 0.4).double()
    known[0] = 1.0
    order = known[:, 0].argsort(descending=True)
    target = Tags(("a",))
    score = target.score(outputs, known)
    assert score["map"] == pytest.approx(average_precision_score(known[:, 0], outputs[:, 0]))
    assert target.score(outputs[order], known[order])["map"] == pytest.approx(score["map"])
    if levels == 1:
        assert score["map"] == pytest.approx(float(known.mean()))


def test_far_neighbours_name_a_label_where_the_near_ones_do_not_know_of_it() -> None:
    weight = torch.tensor([[1 - 1e-6, 1e-6]], dtype=torch.float64)
    known = torch.tensor([[[torch.nan, 1.0], [1.0, 0.0]]], dtype=torch.float64)
    assert Tags(("a", "b")).from_neighbours(weight, known).sigmoid()[0].tolist() == pytest.approx([0.9999, 0.9999])


def test_labels_of_which_nothing_is_known_count_nowhere() -> None:
    target, outputs = Tags(("a", "b")), torch.tensor([[2.0, -1.0], [0.5, 3.0]])
    known = torch.tensor([[1.0, torch.nan], [0.0, torch.nan]])
    alone = Tags(("a",))
    torch.testing.assert_close(target.loss(outputs, known), alone.loss(outputs[:, :1], known[:, :1]))
    assert target.score(outputs, known) == alone.score(outputs[:, :1], known[:, :1])


def test_objects_have_the_labels_of_their_elements() -> None:
    known = torch.tensor([[[1.0, 0.0], [0.0, 0.0], [0.0, torch.nan]]])
    segmentation = Segmentation.from_labels(torch.tensor([[0, 1, 1]]), objects=3)
    found = Tags(("a", "b")).of_objects(known, segmentation)[0]
    torch.testing.assert_close(found, torch.tensor([[1.0, 0.0], [0.0, 0.0], [torch.nan, torch.nan]]), equal_nan=True)
    whole = Tags(("a", "b")).of_objects(known, Segmentation.whole_items(1))
    assert whole.tolist() == [[[1.0, 0.0]]]


def test_balanced_weights_make_rare_classes_weigh_as_much_as_others() -> None:
    known = torch.tensor([0] * 9 + [1])
    weights = TWO.balanced(known)
    assert float(weights[known == 0].sum()) == pytest.approx(float(weights[known == 1].sum()))
    assert float(weights.mean()) == pytest.approx(1.0)
    overlapping = torch.cat([torch.zeros(90, 1), torch.ones(10, 1)]) + 0.5 * torch.randn(100, 1, generator=seeded(0))
    examples = rows(overlapping, torch.tensor([0] * 90 + [1] * 10))
    shares = {}
    for balance in ("none", "weights"):
        task = Task(TWO, balance)
        head = Linear((1.0,)).fit(examples, task, torch.arange(100))
        shares[balance] = float((outputs_of(head, examples).argmax(dim=1) == 1).float().mean())
    assert shares["weights"] > shares["none"]
    drawn = Draws(examples, Task(TWO, "draws"), 100)
    assert 0.3 < float(torch.cat([examples.known[drawn.next(), 0] for _ in range(5)]).float().mean()) < 0.7


@pytest.mark.parametrize(("fitter", "words"), [(Linear(), "sees all rows at once"), (Nearest(), "by nearness alone")])
def test_a_head_that_draws_no_rows_refuses_balanced_draws(fitter: AbstractFitter, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fitter.fit(blobs(3), Task(TWO, "draws"), torch.arange(6))
    with pytest.raises(ValueError, match="for classes and labels, and these are values"):
        Task(Values(("y",)), "weights").rarity(torch.zeros(3, 1))


def test_the_penalty_is_the_one_that_serves_held_out_rows() -> None:
    """Of noise the greatest penalty is best, of what parts cleanly the smallest."""
    noise = rows(torch.randn(60, 20, generator=seeded(1)), torch.randint(2, (60,), generator=seeded(2)))
    chosen = list[float]()
    for examples in (noise, blobs(30)):
        splits, _ = splits_of(examples, 5, 0)
        chosen += Linear().chosen(examples, Task(TWO), splits).penalties
    assert chosen[0] >= 100 > 1 == chosen[1]
    assert Linear().chosen(noise, Task(TWO), ()) == Linear((1000.0,)), "nothing held out: the most careful"


def test_training_goes_back_to_where_held_out_rows_were_best() -> None:
    noise = rows(torch.randn(40, 30, generator=seeded(3)), torch.randint(2, (40,), generator=seeded(4)))
    splits, _ = splits_of(noise, 4, 0)
    how = Descent(steps=300, every=10, lr=1e-2)
    stopped = MLPFitter(32, training=how).chosen(noise, Task(TWO), splits)
    assert stopped.training.steps < 100, "of noise, the first steps are the best"
    weights = []
    for other in (7, 8):  # whatever else is drawn in the process
        torch.manual_seed(other)
        assert MLPFitter(32, training=how).chosen(noise, Task(TWO), splits) == stopped, "the same seed"
        head = MLPFitter(32, training=Descent(steps=5)).fit(noise, Task(TWO), torch.arange(40))
        weights.append(torch.cat([weight.detach().flatten() for weight in head.parameters()]))
    assert torch.equal(weights[0], weights[1])


def test_groups_are_held_out_together_and_unseen_classes_not_asked_about() -> None:
    examples = blobs(6, classes=3).grouped(torch.arange(18) // 3)
    splits, said = splits_of(examples, 5, 0)
    assert said == "5 folds of 6 groups, each held out once"
    for split in splits:
        assert not set((split.train // 3).tolist()) & set((split.test // 3).tolist())
    one, said = splits_of(examples.grouped(torch.zeros(18, dtype=torch.long)), 5, 0)
    assert len(one) == 5
    assert "of one group, so that held-out scores flatter" in said
    rare = rows(torch.randn(9, 2, generator=seeded(0)), torch.tensor([0, 1] * 4 + [2]))
    three = Classes(("a", "b", "c"))
    found = held_out(rare, Task(three), Linear((1.0,)), (Split(torch.arange(6), torch.arange(6, 9)),))
    assert found.known.tolist() == [0, 1]


@given(st.floats(0.2, 5.0), st.integers(0, 9))
def test_the_temperature_undoes_a_known_one(true: float, seed: int) -> None:
    """Classes drawn from softmax(o / T): the temperature of o is T, as far as 4000 rows tell."""
    outputs = 3 * torch.randn(4000, 3, generator=seeded(seed))
    known = torch.multinomial((outputs / true).softmax(dim=1), 1, generator=seeded(seed + 1))[:, 0]
    assert temperature_of(Classes(("a", "b", "c")), outputs, known) == pytest.approx(true, rel=0.25)
    assert temperature_of(Values(("y",)), outputs[:, :1], outputs[:, :1]) == 1.0


def test_what_is_far_from_everything_labelled_is_unknown() -> None:
    examples = blobs(40)
    splits, _ = splits_of(examples, 5, 0)
    for fitter in (Linear((1.0,)), Nearest()):
        found = learned(examples, OfItems(), Task(TWO), fitter, splits, unknown=0.05, sure=0.9)
        assert found.held is not None
        beyond = (found.held.distance > found.fitted.threshold).float().mean()
        assert float(beyond) == pytest.approx(0.05, abs=0.02), "the share that was asked for"
        strange = torch.tensor([[0.0, 0.0, 40.0, -40.0], [6.0, 0.0, 0.0, 0.0]])
        said = found.fitted(
            FeatureMap(strange[:, None], torch.ones(2, 1, dtype=torch.bool)), Segmentation.whole_items(2)
        )
        assert found.fitted.answers(said.outputs[:, 0], said.distance[:, 0]) == [UNKNOWN, "a"]
    nothing = learned(examples, OfItems(), Task(TWO), Linear((1.0,)), splits, unknown=0.0, sure=0.9)
    assert nothing.fitted.remembered == 0
    assert math.isinf(float(nothing.fitted.threshold))
    assert threshold_of(torch.empty(0), 0.05) == math.inf


@given(st.integers(1, 3), st.integers(1, 5), st.integers(0, 99))
def test_rows_and_items_hold_the_same_vectors(items: int, longest: int, seed: int) -> None:
    lengths = torch.randint(1, longest + 1, (items,), generator=seeded(seed)).tolist()
    parts = [FeatureMap.padded([torch.randn(n, 2, generator=seeded(seed + n))], step=1.0) for n in lengths]
    known = [torch.randint(-1, 3, (1, n), generator=seeded(seed + 7 + n)) for n in lengths]
    known[0][0, 0] = 1
    apart, together = as_rows(parts, known, torch.arange(items)), as_items(parts, known, torch.arange(items))
    assert torch.equal(apart.vectors(), together.vectors())
    assert torch.equal(apart.facts(), together.facts())


def test_subjects_say_what_is_known_of_each() -> None:
    features = FeatureMap.padded([torch.tensor([[1.0], [3.0], [8.0]])])
    found = Segmentation.from_labels(torch.tensor([[0, 0, 1]]), objects=2)
    known = torch.tensor([[0, 0, 1, 1]])
    assert OfItems().known(TWO, known, features, found).tolist() == [[0]], "a tie goes to the smaller number"
    assert OfElements().known(TWO, known, features, found).tolist() == [[0, 0, 1]]
    assert OfObjects().known(TWO, known, features, found).tolist() == [[0, 1]]
    assert OfElements().known(TWO, torch.tensor([1]), features, found).tolist() == [[1, 1, 1]], "of the whole item"
    values = OfElements().known(Values(("y",)), torch.tensor([[[2.0]]]), features, found)
    torch.testing.assert_close(values, torch.tensor([[[2.0], [torch.nan], [torch.nan]]]), equal_nan=True)


def test_the_layers_of_an_encoder_are_its_heaviest_stack() -> None:
    deep = nn.Sequential(nn.Linear(2, 4), nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 8)), nn.Linear(8, 1))
    assert len(layers_of(deep)) == 3
    assert layers_of(nn.Linear(2, 2))[0] is not None
    assert len(layers_of(nn.Linear(2, 2))) == 1
