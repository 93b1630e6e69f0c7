"""Fine-tuning, frozen vectors and shares of labels: what the claims about few labels are measured with."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.evaluation import (
    FineTuning,
    element_vectors,
    fine_tune_classes,
    fine_tune_values,
    item_vectors,
    label_fraction,
)
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.networks.norm import MaskedBatchNorm
from tests.implementations import ENCODERS, ITEMS
from tests.toy import POINT_TRANSFORMS, Ragged, pad

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


def test_fine_tuning_learns_classes_that_a_frozen_random_encoder_tells_less_well() -> None:
    items, sizes = sloped()
    labels = (sizes > sizes.median()).long() * 3  # classes need not be numbered without gaps
    torch.manual_seed(0)
    encoder = Normed()
    tuned = fine_tune_classes(encoder, items, labels, EVEN, ODD, pad, QUICK)
    assert tuned.accuracy > 0.8 > tuned.majority
    assert [name for name, _, _ in tuned.support] == [0, 3]


def test_fine_tuning_learns_values_and_answers_in_their_unit() -> None:
    items, sizes = sloped()
    torch.manual_seed(0)
    score = fine_tune_values(Normed(), items, 100 * sizes + 1000, EVEN, ODD, pad, QUICK)
    assert score.r2 > 0.5
    assert score.rmse == pytest.approx(math.sqrt(1 - score.r2) * float(sizes[ODD].std(correction=0)) * 100, rel=1e-3)


def test_the_encoder_and_its_mode_and_the_random_numbers_outside_are_left_alone() -> None:
    items, sizes = sloped()
    encoder = Normed().train()
    encoder.inner[1].eval()
    before, modes = state(encoder), [part.training for part in encoder.modules()]
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fine_tune_values(encoder, items, sizes, EVEN, ODD, pad, FineTuning(steps=3))
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
        return fine_tune_values(encoder, items, sizes, EVEN, ODD, pad, options).rmse

    assert score(0, 1.0) == score(0, 1.0)
    assert score(0, 1.0) != score(1, 1.0)
    assert score(0, 0.0) != score(0, 1.0)


def test_items_without_label_take_no_part() -> None:
    items, sizes = sloped()
    torch.manual_seed(0)
    encoder = Normed()
    some = sizes.clone()
    some[4:] = torch.nan
    few = fine_tune_values(encoder, items, some, EVEN, ODD, pad, QUICK)
    assert few == fine_tune_values(encoder, items[:4], sizes[:4], EVEN[:2], ODD[:2], pad, QUICK)
    with pytest.raises(ValueError, match="target on both sides, got 2 and 0"):
        fine_tune_values(encoder, items, some, EVEN, ODD[10:], pad)
    with pytest.raises(ValueError, match="labelled items on both sides, got 0 and 0"):
        fine_tune_classes(encoder, items, torch.full((40,), -1), EVEN, ODD, pad)
    with pytest.raises(ValueError, match="in both train and test"):
        fine_tune_values(encoder, items, sizes, EVEN, EVEN, pad)


def test_training_items_may_be_transformed_anew_every_time() -> None:
    items, sizes = sloped()
    torch.manual_seed(0)
    encoder = Normed()
    plain = fine_tune_values(encoder, items, sizes, EVEN, ODD, pad, QUICK)
    jittered = fine_tune_values(encoder, items, sizes, EVEN, ODD, pad, QUICK, POINT_TRANSFORMS["jitter"])
    assert jittered.rmse != plain.rmse


def test_impossible_settings_of_fine_tuning_are_refused() -> None:
    with pytest.raises(ValueError, match="must be positive"):
        FineTuning(steps=0)


@pytest.mark.parametrize("kind", ENCODERS)
def test_frozen_vectors_do_not_depend_on_which_items_share_a_chunk(kind: str) -> None:
    from tests.toy import toy

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
