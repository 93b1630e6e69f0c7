"""Fine-tuning, frozen vectors and shares of labels: what the claims about few labels are measured with."""

import dataclasses
import math
from dataclasses import replace
from typing import Any, Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.evaluation import (
    FineTuning,
    element_vectors,
    fine_tune,
    item_vectors,
    label_fraction,
)
from gestalt.core.evaluation.fine_tuning import WeightAverage
from gestalt.core.evaluation.fitted_head import PENALTIES, fitted_head
from gestalt.core.methods.targets import Classes, Values
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.norm import MaskedBatchNorm
from tests.implementations import ENCODERS, ITEMS
from tests.test_probe import Sides, sided
from tests.toy import POINT_TRANSFORMS, Ragged, pad, toy

QUICK = FineTuning(steps=60, batch=8, lr=0.03, warmup=5)


def sloped(count: int = 40) -> tuple[list[Tensor], Tensor]:
    """Sets of points spread along one axis or another, and how far they are spread along the first."""
    generator = torch.Generator().manual_seed(0)
    sizes = 0.5 + 2 * torch.rand(count, generator=generator)
    items = []
    for number, size in enumerate(sizes):
        points = torch.randn(5 + number % 4, 2, generator=generator)
        items.append(points / points[:, :1].abs().mean() * torch.tensor([float(size), 1.0]))
    return items, sizes


def state(encoder: AbstractEncoder) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in encoder.state_dict().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


class Normed(AbstractEncoder):
    """A small encoder with running statistics, which a wrong mode would change."""

    def __init__(self) -> None:
        super().__init__()
        self.dim = 12
        self.inner = nn.Sequential(nn.Linear(2, 12), MaskedBatchNorm(12), nn.ReLU(), nn.Linear(12, 12))

    def forward(self, data: Ragged) -> FeatureMap:
        """Rows one by one."""
        rows = self.inner(data.values[data.valid])
        values = rows.new_zeros(*data.valid.shape, 12).masked_scatter(data.valid[..., None], rows)
        return FeatureMap(values, data.valid)


EVEN, ODD = torch.arange(0, 40, 2), torch.arange(1, 40, 2)


SIZE = Values(("size",))


def tuned(encoder: AbstractEncoder, items: list[Tensor], sizes: Tensor, **more: Any) -> dict[str, float]:
    """Fine-tuned on the sizes of the even items, asked about the odd ones."""
    sides: dict[str, Any] = {"train": EVEN, "test": ODD, "options": QUICK} | more
    return fine_tune(encoder, items, SIZE, sizes[:, None], collate=pad, **sides)


def test_fine_tuning_learns_classes_that_a_frozen_random_encoder_tells_less_well() -> None:
    items, sizes = sloped()
    labels = (sizes > sizes.median()).long() * 2  # classes need not all occur
    target = Classes(("small", "none", "large"))
    torch.manual_seed(0)
    encoder = Normed()
    score = fine_tune(encoder, items, target, labels, EVEN, ODD, pad, QUICK)
    frozen = fine_tune(encoder, items, target, labels, EVEN, ODD, pad, dataclasses.replace(QUICK, encoder_scale=0.0))
    assert score["accuracy"] > 0.8 > max(frozen["accuracy"], float((labels[ODD] == 0).float().mean()))


def test_fine_tuning_learns_values_and_answers_in_their_unit() -> None:
    items, sizes = sloped()
    torch.manual_seed(0)
    score = tuned(Normed(), items, 100 * sizes + 1000)
    assert score["r2"] > 0.5
    spread = float(sizes[ODD].std(correction=0)) * 100
    assert score["rmse"] == pytest.approx(math.sqrt(1 - score["r2"]) * spread, rel=1e-3)


def test_several_values_of_which_some_are_unknown_are_learned_together() -> None:
    items, sizes = sloped()
    both = torch.stack([100 * sizes + 1000, -sizes], dim=1)
    both[::3, 0], both[1::3, 1] = torch.nan, torch.nan
    torch.manual_seed(0)
    score = fine_tune(Normed(), items, Values(("up", "down")), both, EVEN, ODD, pad, QUICK)
    assert score["r2"] > 0.5


@pytest.mark.parametrize(("of", "enough"), [("elements", 0.25), ("items", 0.2)])
def test_a_target_of_elements_that_only_this_file_knows_is_fine_tuned(
    of: Literal["items", "elements"], enough: float
) -> None:
    items, known = sided()
    torch.manual_seed(0)
    longer = dataclasses.replace(QUICK, steps=150)
    score = fine_tune(Normed(), items, Sides(), known, EVEN, ODD, pad, longer, of=of)
    truth = known[ODD] if of == "elements" else known[ODD].nanmean(dim=1)
    constant = float((truth - truth.nanmedian()).abs().nanmean())
    assert score["mae"] < enough < constant
    nothing = fine_tune(Normed(), items, Sides(), known, EVEN, ODD, pad, FineTuning(steps=1, lr=1e-9), of=of)
    assert nothing["mae"] == pytest.approx(float(truth.abs().nanmean()), rel=1e-4)  # a head of zeros
    assert list(score) == ["mae"]
    with pytest.raises(ValueError, match="leave out the transform"):
        fine_tune(Normed(), items, Sides(), known, EVEN, ODD, pad, QUICK, POINT_TRANSFORMS["drop"], of="elements")


def test_the_encoder_and_its_mode_and_the_random_numbers_outside_are_left_alone() -> None:
    items, sizes = sloped()
    encoder = Normed().train()
    encoder.inner[1].eval()
    before, modes = state(encoder), [part.training for part in encoder.modules()]
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    tuned(encoder, items, sizes, options=FineTuning(steps=3))
    item_vectors(encoder, items, pad)
    element_vectors(encoder, items, pad)
    assert torch.equal(torch.rand(3), expected)
    assert same(state(encoder), before)
    assert [part.training for part in encoder.modules()] == modes


def test_a_frozen_encoder_is_a_probe_and_the_seed_decides_everything() -> None:
    items, sizes = sloped()
    torch.manual_seed(0)
    encoder = Normed()

    def score(seed: int, scale: float) -> float:
        options = FineTuning(steps=20, batch=8, lr=0.03, warmup=5, seed=seed, encoder_scale=scale)
        return tuned(encoder, items, sizes, options=options)["rmse"]

    assert score(0, 1.0) == score(0, 1.0)
    assert score(0, 1.0) != score(1, 1.0)
    assert score(0, 0.0) != score(0, 1.0)


def test_items_without_label_take_no_part() -> None:
    items, sizes = sloped()
    torch.manual_seed(0)
    encoder = Normed()
    some = sizes.clone()
    some[4:] = torch.nan
    few = tuned(encoder, items, some)
    assert few == tuned(encoder, items[:4], sizes[:4], train=EVEN[:2], test=ODD[:2])
    with pytest.raises(ValueError, match="fine-tuning needs labelled rows on both sides, got 2 and 0"):
        tuned(encoder, items, some, test=ODD[10:])
    with pytest.raises(ValueError, match="in both train and test"):
        tuned(encoder, items, sizes, test=EVEN)


def test_training_items_may_be_transformed_anew_every_time() -> None:
    items, sizes = sloped()
    torch.manual_seed(0)
    encoder = Normed()
    assert tuned(encoder, items, sizes, transform=POINT_TRANSFORMS["jitter"]) != tuned(encoder, items, sizes)


@pytest.mark.parametrize("kind", ENCODERS)
def test_frozen_vectors_do_not_depend_on_which_items_share_a_chunk(kind: str) -> None:
    encoder, items, collate = ENCODERS[kind](), ITEMS[kind](7), toy(kind).collate
    vectors = item_vectors(encoder, items, collate, chunk=3)
    assert vectors.shape == (7, encoder.dim)
    torch.testing.assert_close(vectors, item_vectors(encoder, items, collate, chunk=1))
    rows, owners = element_vectors(encoder, items, collate, chunk=2)
    means = torch.stack([rows[owners == number].mean(dim=0) for number in range(7)])
    torch.testing.assert_close(means, vectors)


@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=5),
    share=st.floats(0.01, 1.0),
    seed=st.integers(0, 3),
)
def test_a_share_of_labels_keeps_every_class_and_grows_with_the_share(
    sizes: list[int], share: float, seed: int
) -> None:
    labels = torch.cat([torch.full((size,), name) for name, size in enumerate(sizes)] + [torch.full((3,), -1)])
    labels = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))]
    kept = label_fraction(labels, share, seed)
    assert kept.unique().tolist() == kept.tolist()
    for name, size in enumerate(sizes):
        assert int((labels[kept] == name).sum()) == math.ceil(share * size - 1e-9)
    assert -1 not in labels[kept]
    assert set(kept.tolist()) <= set(label_fraction(labels, min(1.0, share * 2), seed).tolist())
    assert len(label_fraction(labels, 1.0, seed)) == sum(sizes)


def test_a_share_of_values_covers_their_range_and_another_seed_keeps_others() -> None:
    values = torch.randn(200, generator=torch.Generator().manual_seed(0))
    values[::10] = torch.nan
    kept = label_fraction(values, 0.1, seed=1)
    assert len(kept) == 20
    assert not bool(values[kept].isnan().any())
    tenths = values[~values.isnan()].quantile(torch.linspace(0, 1, 11))
    assert torch.histogram(values[kept], tenths).hist.tolist() == [2.0] * 10
    assert kept.tolist() != label_fraction(values, 0.1, seed=2).tolist()
    with pytest.raises(ValueError, match="no row is labelled"):
        label_fraction(torch.tensor([-1, -1]), 0.5)
    with pytest.raises(ValueError, match=r"lies in \(0, 1\], got 0"):
        label_fraction(torch.tensor([1]), 0.0)


@pytest.mark.parametrize("sums", [False, True])
def test_sums_beside_means_tell_how_large_a_set_is(sums: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    sizes = 3 + torch.arange(40) % 9
    items = [torch.ones(int(size), 2) + 0.01 * torch.randn(int(size), 2, generator=generator) for size in sizes]
    options = replace(QUICK, encoder_scale=0.0, sums=sums, steps=200)
    found = fine_tune(Normed(), items, SIZE, sizes.float()[:, None], EVEN, ODD, pad, options)
    assert (found["r2"] > 0.95) == sums
    vectors = item_vectors(Normed(), items, pad, sums=sums)
    assert vectors.shape == (40, 24 if sums else 12)
    if sums:
        torch.testing.assert_close(vectors[:, 12:], vectors[:, :12] * sizes[:, None], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("sums", [False, True])
def test_a_fitted_head_begins_as_the_linear_probe_and_running_statistics_stay(sums: bool) -> None:
    items, sizes = sloped()
    torch.manual_seed(0)
    encoder = Normed()
    with torch.no_grad():
        norm = encoder.inner[1]
        assert isinstance(norm, MaskedBatchNorm)
        norm.mean.fill_(0.3)  # not those of the data: a pass in training mode would tell
    vectors = item_vectors(encoder, items, pad, sums=sums).double()
    target = SIZE.standardised(sizes[EVEN][:, None])
    head = fitted_head(vectors[EVEN], target, sizes[EVEN][:, None])
    outputs = ((vectors[ODD] - head.mean) / head.scale) @ head.weight.T + head.bias
    expected = target.score(outputs, sizes[ODD][:, None])["rmse"]
    still = replace(QUICK, lr=1e-12, head="fitted", sums=sums, average=0.5)
    found = fine_tune(encoder, items, SIZE, sizes[:, None], EVEN, ODD, pad, still)["rmse"]
    assert found == pytest.approx(expected, rel=1e-3)
    better = fine_tune(
        encoder, items, SIZE, sizes[:, None], EVEN, ODD, pad, replace(still, lr=0.01, steps=150, encoder_scale=1.0)
    )
    assert better["rmse"] < expected


def test_the_penalty_of_a_fitted_head_is_the_one_that_serves_rows_left_out() -> None:
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(60, 40, generator=generator).double()
    noise = torch.randn(60, 1, generator=generator).double()
    clean = fitted_head(vectors[:, :3], Values(("y",)), vectors[:, :1] * 2)
    assert float((clean.weight / clean.scale)[0, 0]) == pytest.approx(2, abs=0.1)
    assert float(fitted_head(vectors, Values(("y",)), noise).weight.abs().max()) < 0.1
    few = fitted_head(vectors[:5], Values(("y",)), noise[:5])
    assert float(few.weight.abs().max()) < float(noise.abs().max()) / PENALTIES[-1] * 20
    classes = fitted_head(vectors, Classes(("a", "b")), (vectors[:, 0] > 0).long())
    assert classes.weight.shape == (2, 40)
    assert float((classes.weight[1] - classes.weight[0])[0]) > 0.2


def test_weights_that_were_never_averaged_stay() -> None:
    layer = nn.Linear(2, 2)
    before = layer.weight.detach().clone()
    WeightAverage(layer).take()
    assert torch.equal(layer.weight, before)


def test_averaged_weights_are_the_mean_over_the_last_steps() -> None:
    items, sizes = sloped()
    known = sizes[:, None]
    encoder = Normed()
    found = [
        fine_tune(encoder, items, SIZE, known, EVEN, ODD, pad, replace(QUICK, average=share))["rmse"]
        for share in (0.0, 0.02, 1.0)
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-6), "the last step alone is the last step"
    assert found[2] != found[0]
