"""Probes: any target is read off frozen vectors by a linear head; classes and values as scikit-learn does."""

import dataclasses
import math
from typing import final

import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from gestalt.core.data.segmentation import Segmentation
from gestalt.core.evaluation import element_vectors, linear_probe, linear_value_probe, probe
from gestalt.core.methods.targets import AbstractTarget, Classes, Values
from tests.implementations import ENCODERS, seeded
from tests.toy import pad


@final
@dataclasses.dataclass(frozen=True)
class Sides(AbstractTarget):
    """On which side of a cloud every point lies, as a number from −1 to 1: absolute error. Nobody else knows it."""

    @property
    def outputs(self) -> int:  # type: ignore[override]
        """One number."""
        return 1

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]
        """Its name."""
        return ("side",)

    def of_objects(self, known: Tensor, segmentation: Segmentation) -> Tensor:
        """The mean over the object's elements, of all of them for a whole item."""
        if not segmentation.weights.shape[2]:
            return known.nanmean(dim=1, keepdim=True)
        weights = segmentation.weights * ~known[:, None, : segmentation.weights.shape[2]].isnan()
        total = (weights * known[:, None, : segmentation.weights.shape[2]].nan_to_num()).sum(dim=2)
        return torch.where(weights.sum(dim=2) > 0, total / weights.sum(dim=2), torch.nan)

    def loss(self, outputs: Tensor, known: Tensor) -> Tensor:
        """|y − ŷ|."""
        return (outputs[:, 0] - known).abs()

    def score(self, outputs: Tensor, known: Tensor) -> dict[str, float]:
        """The mean absolute error."""
        return {"mae": float(self.loss(outputs, known).mean())}

    def decode(self, outputs: Tensor) -> Tensor:
        """As they are."""
        return outputs


def sided() -> tuple[list[Tensor], Tensor]:
    """Clouds, and for every point the hyperbolic tangent of its first coordinate; padded with NaN."""
    items = [torch.randn(5 + number % 4, 2, generator=seeded(number)) for number in range(40)]
    known = torch.full((40, 8), torch.nan)
    for row, item in enumerate(items):
        known[row, : len(item)] = (2 * item[:, 0]).tanh()
    return items, known


def clouds(rows: int = 120) -> tuple[Tensor, Tensor]:
    """Vectors, and the class of each: three overlapping clouds."""
    labels = torch.arange(rows) % 3
    centres = torch.randn(3, 6, generator=seeded(1))
    return centres[labels] + torch.randn(rows, 6, generator=seeded(2)), labels


FIRST, REST = torch.arange(60), torch.arange(60, 120)


def test_a_probe_of_classes_or_of_one_value_is_scikit_learns() -> None:
    vectors, labels = clouds()
    accuracies = set()
    for penalty in (1.0, 300.0):
        found = probe(vectors, Classes(("a", "b", "c")), labels, FIRST, REST, penalty)
        named = linear_probe(vectors, labels, FIRST, REST, strength=1 / penalty)
        assert found == {"accuracy": named.accuracy, "balanced_accuracy": named.balanced}
        accuracies.add(named.accuracy)
    assert len(accuracies) == 2
    with pytest.raises(ValueError, match="penalty must be positive and finite, got 0"):
        probe(vectors, Classes(("a", "b", "c")), labels, FIRST, REST, penalty=0.0)
    values = vectors @ torch.tensor([1.0, -2.0, 0.0, 3.0, 0.0, 0.0]) + 5 + torch.randn(120, generator=seeded(3))
    values[3] = torch.nan
    read = linear_value_probe(vectors, values, FIRST, REST, penalty=3.0)
    assert probe(vectors, Values(("size",)), values[:, None], FIRST, REST, penalty=3.0) == {
        "rmse": read.rmse,
        "r2": read.r2,
    }


@final
@dataclasses.dataclass(frozen=True)
class Chances(AbstractTarget):
    """Classes under another name, scored by their cross-entropy too: a probe that knows nothing of classes."""

    inner: Classes

    @property
    def outputs(self) -> int:  # type: ignore[override]
        """One number per class."""
        return self.inner.outputs

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]
        """The names."""
        return self.inner.columns

    def of_objects(self, known: Tensor, segmentation: Segmentation) -> Tensor:
        """As classes."""
        return self.inner.of_objects(known, segmentation)

    def loss(self, outputs: Tensor, known: Tensor) -> Tensor:
        """As classes."""
        return self.inner.loss(outputs, known)

    def score(self, outputs: Tensor, known: Tensor) -> dict[str, float]:
        """Accuracy, and cross-entropy."""
        return self.inner.score(outputs, known) | {"nats": float(self.loss(outputs, known).mean())}

    def decode(self, outputs: Tensor) -> Tensor:
        """As classes."""
        return self.inner.decode(outputs)


CHANCES = Chances(Classes(("a", "b", "c")))


def test_the_probe_of_any_other_target_is_the_same_minimum_found_in_another_way() -> None:
    vectors, labels = clouds()
    found = probe(vectors, CHANCES, labels, FIRST, REST, penalty=0.5)
    logistic = make_pipeline(StandardScaler(), LogisticRegression(C=2.0, max_iter=2000, tol=1e-8))
    chances = logistic.fit(vectors[FIRST].double().numpy(), labels[FIRST]).predict_log_proba(
        vectors[REST].double().numpy()
    )
    assert found["nats"] == pytest.approx(-chances[range(60), labels[REST]].mean(), rel=1e-3)
    assert found["accuracy"] == pytest.approx((chances.argmax(axis=1) == labels[REST].numpy()).mean())
    assert found == probe(vectors, CHANCES, labels, FIRST, REST, penalty=0.5)


def test_a_probe_of_several_values_is_ridge_regression_of_each_in_units_of_its_own() -> None:
    vectors, _ = clouds()
    both = torch.stack([vectors[:, 0] * 3 + 50, vectors[:, 1] - vectors[:, 2]], dim=1)
    both += torch.randn(120, 2, generator=seeded(4)) * torch.tensor([3.0, 1.0])
    found = probe(vectors, Values(("a", "b")), both, FIRST, REST, penalty=4.0)
    errors = []
    for column in both.double().numpy().T:
        # Σ ‖e‖²/2 over two values with λ/2 ‖W‖² is half of Σ e² + λ ‖w‖² for each; a value's unit changes nothing.
        ridge = make_pipeline(StandardScaler(), Ridge(alpha=4.0)).fit(vectors[FIRST].double().numpy(), column[FIRST])
        errors.append(column[REST] - ridge.predict(vectors[REST].double().numpy()))
    assert found["rmse"] == pytest.approx(math.sqrt(sum((error**2).mean() for error in errors) / 2), rel=1e-3)


@final
@dataclasses.dataclass(frozen=True)
class Robust(AbstractTarget):
    """A value with the loss of Huber, to which units matter."""

    scale: float = 1.0

    @property
    def outputs(self) -> int:  # type: ignore[override]
        """One number."""
        return 1

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]
        """Its name."""
        return ("value",)

    def standardised(self, known: Tensor) -> "Robust":
        """In units of the standard deviation."""
        return Robust(float(known[~known.isnan()].std()))

    def of_objects(self, known: Tensor, segmentation: Segmentation) -> Tensor:
        """Of items alone."""
        return known[:, None].expand(-1, segmentation.objects)

    def loss(self, outputs: Tensor, known: Tensor) -> Tensor:
        """Squares of small errors, large ones themselves."""
        return smooth_l1_loss(outputs[:, 0], known.to(outputs) / self.scale, reduction="none")

    def score(self, outputs: Tensor, known: Tensor) -> dict[str, float]:
        """The mean absolute error, in the value's unit."""
        return {"mae": float((self.decode(outputs)[:, 0] - known).abs().mean())}

    def decode(self, outputs: Tensor) -> Tensor:
        """In the value's unit."""
        return outputs * self.scale


def test_a_target_with_units_is_standardised_by_the_training_rows() -> None:
    vectors, _ = clouds()
    value = vectors[:, 0] + torch.randn(120, generator=seeded(4))
    one, hundred = (probe(vectors, Robust(), unit * value, FIRST, REST)["mae"] for unit in (1.0, 100.0))
    assert hundred == pytest.approx(100 * one, rel=1e-3)


def test_a_target_of_elements_that_only_this_file_knows_is_read_off_frozen_elements() -> None:
    items, known = sided()
    torch.manual_seed(0)
    rows, owners = element_vectors(ENCODERS["points"](), items, pad)
    sides = known[~known.isnan()]
    even = (owners % 2 == 0).nonzero()[:, 0], (owners % 2 == 1).nonzero()[:, 0]
    found = probe(rows, Sides(), sides, *even)
    assert found["mae"] < 0.3 < float((sides - sides.median()).abs().mean())
    sides[even[0][10:]] = torch.nan
    fewer = probe(rows, Sides(), sides, *even)
    learn, ask = even[0][:10], even[1]
    both = torch.cat([learn, ask])
    assert fewer == probe(rows[both], Sides(), sides[both], torch.arange(10), torch.arange(10, len(both)))
    with pytest.raises(ValueError, match="a probe needs labelled rows on both sides, got 10 and 0"):
        probe(rows, Sides(), sides, even[0], even[1][:0])
