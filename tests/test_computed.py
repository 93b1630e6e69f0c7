"""Computed targets: normal scores, heads, the learner alone and beside others."""

import math
from collections.abc import Callable
from dataclasses import replace
from statistics import NormalDist
from typing import Any, Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.view import Batch
from gestalt.core.methods.computed.head import ComputedHead
from gestalt.core.methods.computed.info import ComputedInfo
from gestalt.core.methods.computed.learner import ComputedLearner
from gestalt.core.methods.computed.method import Computed
from gestalt.core.methods.computed.scores import NormalScores
from gestalt.core.methods.method import wants_computed, wants_labels
from gestalt.core.methods.presets import title_of
from gestalt.core.networks.encoder import Network
from gestalt.core.networks.modes import evaluating
from gestalt.core.optimization.progress import Progress
from tests.computed_numbers import computed_numbers
from tests.implementations import (
    COMPUTED,
    DATA,
    ENCODERS,
    ITEMS,
    PROGRESS,
    make_batch,
    seeded,
    small,
)
from tests.toy import toy

every_kind = pytest.mark.parametrize("kind", ENCODERS)
WAYS = [(of, sees) for of in ("items", "elements", "both") for sees in ("source", "views")]
every_way = pytest.mark.parametrize(("of", "sees"), WAYS)


def fitted(rows: Tensor, knots: int = 256) -> NormalScores:
    scores = NormalScores(rows.shape[1], knots)
    scores.fit(rows)
    return scores


def data_of(kind: str) -> Any:
    """What a method knows of a toy, plain features included."""
    plain = toy(kind).encoders["raw"]()
    features = plain(toy(kind).collate(ITEMS[kind](12)))
    assert DATA.computed is not None
    known = replace(DATA.computed, plain=plain, plain_scores=fitted(features.values[features.valid]))
    return replace(DATA, computed=known)


def built(kind: str, method: Computed, seed: int = 0) -> ComputedLearner:
    torch.manual_seed(seed)
    return method.build(ENCODERS[kind](), data_of(kind))


def gradients(learner: ComputedLearner) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in learner.named_parameters() if p.grad is not None}


def without_numbers(batch: Batch[Any]) -> Batch[Any]:
    assert batch.computed is not None
    return replace(batch, computed=torch.full_like(batch.computed, torch.nan))


@given(st.lists(st.sampled_from([-3.0, 0.0, 0.5, 1e6, math.nan, 7.25]), min_size=1, max_size=30))
def test_a_score_is_the_normal_quantile_of_the_share_of_fitted_numbers_below_ties_by_half(column: list[float]) -> None:
    scores = fitted(torch.tensor(column)[:, None])
    known = [value for value in column if not math.isnan(value)]
    for value, found in zip(column, scores(torch.tensor(column)[:, None])[:, 0].tolist(), strict=True):
        if math.isnan(value):
            assert math.isnan(found)
            continue
        rank = (sum(other < value for other in known) + sum(other == value for other in known) / 2) / len(known)
        assert found == pytest.approx(NormalDist().inv_cdf(rank), abs=1e-5)


def test_scores_between_fitted_numbers_are_interpolated_and_beyond_them_stay() -> None:
    scores = fitted(torch.tensor([[0.0], [1.0], [2.0]]))
    low, middle, high = scores(torch.tensor([[0.0], [1.0], [2.0]]))[:, 0].tolist()
    assert (middle, low) == (0.0, -high)
    found = scores(torch.tensor([[0.5], [1.75], [-9.0], [9.0]]))[:, 0].tolist()
    assert found == pytest.approx([low / 2, 0.75 * high, low, high])
    assert scores.inverse(scores(torch.tensor([[0.25], [1.5]])))[:, 0].tolist() == pytest.approx([0.25, 1.5])


def test_few_knots_keep_the_shape_of_many_numbers_and_the_unit_does_not_matter() -> None:
    rows = torch.randn(5000, 1, generator=seeded()).exp()
    exact, few = fitted(rows, 8192)(rows), fitted(rows, 256)(rows)
    inner = exact.abs() < 2
    assert float((exact - few)[inner].abs().max()) < 0.05
    assert float(few.mean().abs()) < 0.01
    assert float(few.std()) == pytest.approx(1, abs=0.02)
    torch.testing.assert_close(fitted(1000 * rows)(1000 * rows), few, atol=1e-3, rtol=0)


def test_a_constant_and_what_is_never_known_say_nothing() -> None:
    scores = fitted(torch.tensor([[4.0, torch.nan], [4.0, torch.nan]]))
    assert scores(torch.tensor([[4.0, 1.0], [5.0, torch.nan]])).tolist()[0] == [0.0, 0.0]


def naive(learner: ComputedLearner, batch: Batch[Any], kind: str, sees: str) -> dict[str, Tensor]:
    """The mean squared error over everything that is known, item by item, element by element, number by number."""
    views = [batch.source] if sees == "source" else list(batch.views)
    plain: FeatureMap = toy(kind).encoders["raw"]()(batch.source.data)
    sums = {"computed": [torch.zeros(())], "computed_elements": [torch.zeros(())]}
    for view in views:
        features = learner.online.encode(view.data)
        items = [row[valid] for row, valid in zip(features.values, features.valid, strict=True)]
        if learner.of_items is not None:
            assert batch.computed is not None
            scores = learner.of_items.scores(batch.computed)
            known = [place for place, row in enumerate(scores) if not bool(row.isnan().all())]
            pooled = torch.stack([torch.cat([items[place].mean(0), items[place].sum(0)]) for place in known])
            found = learner.of_items(pooled)
            for row, place in enumerate(known):
                for number in range(scores.shape[1]):
                    if not bool(scores[place, number].isnan()):
                        sums["computed"].append((scores[place, number] - found[row, number]).square())
        if learner.of_elements is not None:
            rows, wanted = [], []
            index = view.correspondence.source_elements(features, plain.grid)
            for item in range(len(items)):
                for element in features.valid[item].nonzero()[:, 0].tolist():
                    shown = int(index[item, element])
                    if shown >= 0 and bool(plain.valid[item, shown]):
                        rows.append(features.values[item, element])
                        wanted.append(plain.values[item, shown])
            found = learner.of_elements(torch.stack(rows))
            errors = (learner.of_elements.scores(torch.stack(wanted)) - found).square()
            sums["computed_elements"] += [*errors.flatten()]
    return {name: torch.stack(parts[1:]).mean() for name, parts in sums.items() if len(parts) > 1}


@every_kind
@every_way
def test_the_loss_is_the_mean_squared_error_of_all_known_scores(kind: str, of: Any, sees: Any) -> None:
    """Law 11, Oracle."""
    learner = built(kind, Computed(weight=0.3, of=of, sees=sees, hidden=8))
    batch = make_batch(kind, ITEMS[kind](5))
    outcome = learner(batch, seeded(), PROGRESS)
    expected = naive(learner, batch, kind, sees)
    assert outcome.metrics.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(outcome.metrics[name], value.detach())
    torch.testing.assert_close(outcome.loss, 0.3 * torch.stack([*expected.values()]).sum())
    assert outcome.loss.item() > 0


@every_kind
@every_way
def test_where_nothing_is_known_loss_and_gradient_are_zero_and_statistics_stay(kind: str, of: Any, sees: Any) -> None:
    """Law 7, Absence."""
    learner = built(kind, Computed(of=of, sees=sees, hidden=8))
    before = {name: buffer.clone() for name, buffer in learner.named_buffers() if name.startswith("of_items")}
    for batch in (
        without_numbers(make_batch(kind, ITEMS[kind](4))),
        replace(make_batch(kind, ITEMS[kind](4)), computed=None),
    ):
        learner.zero_grad()
        outcome = learner(batch, seeded(), PROGRESS)
        outcome.loss.backward()
        assert all(bool(gradient.isfinite().all()) for gradient in gradients(learner).values())
        if of == "items":
            assert outcome.loss.item() == 0
            assert not any(bool(gradient.any()) for gradient in gradients(learner).values())
    for name, buffer in learner.named_buffers():
        if name in before:
            assert torch.equal(buffer, before[name]), name


@every_kind
def test_an_item_of_which_nothing_is_known_changes_nothing(kind: str) -> None:
    items = ITEMS[kind](4)
    learner = built(kind, Computed(of="items", hidden=8))
    batch = make_batch(kind, items)
    assert batch.computed is not None
    assert bool(batch.computed[3].isnan().all())
    fewer = make_batch(kind, items[:3])
    torch.testing.assert_close(learner(batch, seeded(), PROGRESS).loss, learner(fewer, seeded(), PROGRESS).loss)


@every_kind
@every_way
def test_padding_and_the_order_of_items_do_not_matter(kind: str, of: Any, sees: Any) -> None:
    """Laws 5 and 6."""
    learner, items = built(kind, Computed(of=of, sees=sees, hidden=8)), ITEMS[kind](3)
    with evaluating(learner):
        together = learner(make_batch(kind, items), seeded(), PROGRESS)
        alone = [learner(make_batch(kind, [item], seed=row), seeded(), PROGRESS) for row, item in enumerate(items)]
        for row, one in enumerate(alone):
            torch.testing.assert_close(
                one.details.online[0].vectors[0], together.details.online[0].vectors[row], rtol=1e-4, atol=1e-5
            )
        if of != "items":  # as many numbers of every element, and known everywhere but where nothing is shown
            assert all(bool(one.metrics["computed_elements"].isfinite()) for one in alone)


@pytest.mark.parametrize("name", ["odin", "byol", "semppl", "npid"])
def test_beside_another_method_both_learn_as_they_do_alone(name: str) -> None:
    method, batch = small(name), make_batch("points", ITEMS["points"](6))
    both = built("points", Computed(method, weight=0.5, of="items", hidden=8))
    torch.manual_seed(0)
    alone = method.build(ENCODERS["points"](), DATA)
    one, two = (learner(batch, seeded(), PROGRESS) for learner in (alone, both))
    expected = one.loss + 0.5 * naive(both, batch, "points", "source")["computed"]
    torch.testing.assert_close(two.loss, expected)
    assert two.metrics.keys() == {*one.metrics, "computed"}
    two.loss.backward()
    for learner, outcome in ((alone, one), (both, two)):
        learner.after_step([outcome], Progress(1, 10, 2))
        assert learner.health(outcome).keys() == alone.health(one).keys()
    for key, tensor in alone.state_dict().items():
        torch.testing.assert_close(both.state_dict()[f"beside.{key}"], tensor, msg=key)
    assert both.finder == alone.finder
    assert both.heads().keys() == {*alone.heads(), "computed"}


@pytest.mark.parametrize("build", COMPUTED.values(), ids=COMPUTED)
@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_half_precision_changes_little_and_losses_are_in_full(
    build: Callable[[Any], ComputedLearner], half: torch.dtype
) -> None:
    batch, losses = make_batch("series", ITEMS["series"](16)), []
    for enabled in (False, True):
        torch.manual_seed(0)
        learner = build(ENCODERS["series"]())
        with torch.autocast("cpu", half, enabled=enabled):
            outcome = learner(batch, seeded(), PROGRESS)
        assert outcome.loss.dtype == outcome.metrics["computed"].dtype == torch.float32
        outcome.loss.backward()
        assert all(bool(gradient.isfinite().all()) for gradient in gradients(learner).values())
        losses.append(outcome.metrics["computed"])
    torch.testing.assert_close(losses[1], losses[0], rtol=0.05, atol=0.02)


def test_what_is_computed_is_learned_and_predicted_in_its_own_unit() -> None:
    items = ITEMS["points"](32)
    numbers = torch.stack([torch.tensor([1000.0 * len(item), float(item.mean())]) for item in items])
    known = ComputedInfo(("size", "mean"), fitted(numbers))
    torch.manual_seed(0)
    learner = Computed(of="items", hidden=16).build(ENCODERS["points"](), replace(DATA, computed=known))
    batch = replace(make_batch("points", items), computed=numbers)
    optimizer = torch.optim.Adam(learner.parameters(), 0.03)
    losses = []
    for _ in range(80):
        outcome = learner(batch, seeded(), PROGRESS)
        optimizer.zero_grad()
        outcome.loss.backward()
        optimizer.step()
        losses.append(outcome.loss.item())
    assert losses[-1] < 0.1 * losses[0]
    head = learner.heads()["computed"]
    assert isinstance(head, ComputedHead)
    assert head.names == ("size", "mean")
    features = learner.online.encode(batch.source.data)
    sums = torch.stack([row[valid].sum(0) for row, valid in zip(features.values, features.valid, strict=True)])
    sizes = features.valid.sum(dim=1, keepdim=True)
    with evaluating(learner):
        found = head.decode(torch.cat([sums / sizes, sums], dim=1))
    assert float((found[:, 0] - numbers[:, 0]).abs().mean()) < 700  # sizes are 5000 to 10000


ITEMS_OR_BOTH: tuple[Literal["items", "both"], ...] = ("items", "both")


def test_what_cannot_be_is_refused_by_name() -> None:
    encoder = ENCODERS["points"]()
    with pytest.raises(ValueError, match="nothing is computed from these items"):
        Computed().build(encoder, replace(DATA, computed=None))
    plain = toy("points").encoders["raw"]()
    known = ComputedInfo((), None, plain, fitted(computed_numbers(9)[:, :2].nan_to_num()))
    for of in ITEMS_OR_BOTH:
        with pytest.raises(ValueError, match=r"--method\.of elements predicts plain features"):
            Computed(of=of).build(encoder, replace(DATA, computed=known))
    elements = Computed().build(encoder, replace(DATA, computed=known))
    assert elements.of_items is None
    assert elements.of_elements is not None
    assert Computed().build(encoder, data_of("points")).of_elements is None
    with pytest.raises(ValueError, match="got computed targets again"):
        Computed(Computed()).build(encoder, DATA)
    with pytest.raises(ValueError, match="there are scores of"):
        ComputedInfo(("a",), None)
    online, head = Network(encoder), ComputedHead(12, 4, 3)
    with pytest.raises(ValueError, match="need a head"):
        ComputedLearner(online)
    with pytest.raises(ValueError, match="give both the head and the encoder"):
        ComputedLearner(online, None, head)
    with pytest.raises(ValueError, match="must train the same network"):
        ComputedLearner(online, head, beside=small("byol").build(ENCODERS["points"](), DATA))


def test_a_method_beside_brings_its_wishes_and_its_title() -> None:
    assert wants_computed(Computed())
    assert not wants_labels(Computed())
    assert wants_labels(Computed(small("semppl")))
    assert not wants_computed(small("byol"))
    assert title_of(Computed()) == "computed targets"
    assert title_of(Computed(small("odin"))) == "Odin, with computed targets"
