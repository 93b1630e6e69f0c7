"""Distillation: the loss of a naive loop, a teacher that stays as it is, elements of another size, runs that teach."""

from dataclasses import replace
from pathlib import Path
from typing import final

import pytest
import torch

import gestalt
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.places import Parts
from gestalt.core.experiment.teacher import teacher_of
from gestalt.core.methods.element_tasks import Distillation
from gestalt.core.methods.method import DataInfo
from gestalt.core.networks.encoder import AbstractEncoder, Identity, Network
from gestalt.core.runs.model import Model
from gestalt.core.runs.saving import save
from tests.implementations import DATA, ENCODERS, ITEMS, PROGRESS, make_batch, seeded
from tests.test_element_tasks import NOISE, data_of
from tests.toy_encoders import Ragged, Summary


@final
class Fixed(AbstractEncoder):
    """A teacher that says the same of everything."""

    def __init__(self, dim: int, said: FeatureMap) -> None:
        super().__init__()
        self.dim, self.said = dim, said

    def forward(self, data: FeatureMap) -> FeatureMap:  # noqa: ARG002
        """What was given."""
        return self.said


@pytest.mark.parametrize("kind", ["points", "series"])
def test_the_loss_is_that_of_a_naive_loop_over_elements(kind: str) -> None:
    torch.manual_seed(0)
    encoder, data = ENCODERS[kind](), data_of(kind)
    task = Distillation(encoder.dim, Network(Summary()), beta=0.5)
    found = task(encoder, data, NOISE)
    seen, errors = encoder(data), []
    for row, column in seen.valid.nonzero().tolist():
        numbers = data.values[row, column]
        target = torch.stack([numbers.mean(), numbers.max(), numbers.min()])
        target = (target - target.mean()) / (target.var(unbiased=False) + 1e-5).sqrt()
        error = (task.predictor(seen.values[row, column][None])[0] - target).abs()
        errors.append(torch.where(error < 0.5, error**2, error - 0.25).mean())
    torch.testing.assert_close(found.value, torch.stack(errors).mean())


def test_an_element_learns_from_the_teachers_element_under_its_centre_and_from_none_outside() -> None:
    coarse = FeatureMap(
        torch.tensor([[[0.0, 2.0], [5.0, 1.0], [9.0, 9.0]]]),
        torch.tensor([[True, True, False]]),
        Grid.uniform((3,), (2.0,)),
    )
    fine = FeatureMap(torch.zeros(1, 8, 1), torch.ones(1, 8, dtype=torch.bool), Grid.uniform((8,), (1.0,)))

    class Teacher(AbstractEncoder):
        dim = 2

        def forward(self, data: FeatureMap) -> FeatureMap:  # noqa: ARG002
            return coarse

    task = Distillation(1, Network(Teacher()), beta=2.0)
    with torch.no_grad():
        for weight in task.predictor.parameters():
            weight.copy_(torch.tensor([-1.0, 1.0]) if weight.dim() == 1 else torch.zeros(2, 1))
    found = task(Identity(1), fine, NOISE)
    first, second = torch.tensor([-1.0, 1.0]), torch.tensor([1.0, -1.0])  # what layer normalisation makes of both
    predicted = torch.tensor([-1.0, 1.0])
    expected = torch.stack([(predicted - first).square().mean() / 4, (predicted - second).square().mean() / 4]).mean()
    torch.testing.assert_close(found.value.detach(), expected, atol=1e-4, rtol=1e-4)


def test_moments_learn_from_the_mean_of_what_a_teacher_of_moments_and_bands_sees_in_them() -> None:
    values, valid = torch.randn(2, 12, 3, generator=seeded()), torch.rand(2, 12, generator=seeded(1)) < 0.6
    valid[0, :3], valid[1, 3:6] = False, False
    of_bands = FeatureMap(torch.where(valid[..., None], values, 99.0), valid, Grid.uniform((4, 3), (1.0, 1.0)))
    moments = FeatureMap(torch.zeros(2, 8, 1), torch.ones(2, 8, dtype=torch.bool), Grid.uniform((8,), (0.5,)))
    task = Distillation(1, Network(Fixed(3, of_bands)), beta=0.5)
    errors = []
    for row in range(2):
        for moment in range(8):
            bands = [moment // 2 * 3 + band for band in range(3) if valid[row, moment // 2 * 3 + band]]
            if bands:
                target = torch.nn.functional.layer_norm(values[row, bands].mean(dim=0), (3,))
                error = (task.predictor(torch.zeros(1, 1))[0] - target).abs()
                errors.append(torch.where(error < 0.5, error**2, error - 0.25).mean())
    assert len(errors) < 16
    torch.testing.assert_close(task(Identity(1), moments, NOISE).value, torch.stack(errors).mean())


def test_of_joint_items_each_part_learns_on_its_own_axes() -> None:
    values, all_valid = torch.randn(1, 8, 3, generator=seeded()), torch.ones(1, 8, dtype=torch.bool)
    bands, moments = Grid.uniform((2, 3), (1.0, 1.0)), Grid.uniform((2,), (1.0,))
    taught = FeatureMap(values, all_valid, Parts(("audio", "text"), (6, 2), (bands, None)))
    seen = FeatureMap(torch.zeros(1, 4, 1), all_valid[:, :4], Parts(("audio", "text"), (2, 2), (moments, None)))
    means = torch.cat([values[:, :6].view(1, 2, 3, 3).mean(dim=2), values[:, 6:]], dim=1)
    task = Distillation(1, Network(Fixed(3, taught)))
    as_set = Distillation(1, Network(Fixed(3, FeatureMap(means, seen.valid))))
    as_set.load_state_dict(task.state_dict())
    expected = as_set(Identity(1), replace(seen, places=None), NOISE).value
    torch.testing.assert_close(task(Identity(1), seen, NOISE).value, expected)


@final
class Normalised(AbstractEncoder):
    """Batch normalisation, whose statistics and weights would follow the batches in training mode."""

    dim = 2

    def __init__(self) -> None:
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(2)

    def forward(self, data: Ragged) -> FeatureMap:
        """Normalised points."""
        values = self.norm(data.values.flatten(0, 1)).view_as(data.values)
        return FeatureMap(values, data.valid)


def test_a_teacher_is_never_trained_nor_put_into_training_mode() -> None:
    teacher = Network(Normalised())
    learner = gestalt.Distil().build(ENCODERS["points"](), replace(DATA, teacher=teacher)).train()
    before = {name: value.clone() for name, value in learner.state_dict().items() if "teacher" in name}
    assert len(before) == 5
    assert not [name for name, weight in learner.named_parameters() if "teacher" in name and weight.requires_grad]
    learner(make_batch("points", ITEMS["points"](3)), seeded(), PROGRESS).loss.backward()
    after = learner.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert all(weight.requires_grad for weight in teacher.parameters()), "the teacher that was given is another's"


def test_a_run_of_the_same_modality_teaches_and_others_are_refused(tmp_path: Path) -> None:
    image = gestalt.load_modality("image")
    encoder = image.encoders["raw"]()
    save(tmp_path / "run", Model(image, Network(encoder), {}), "raw")
    taught = teacher_of(gestalt.Distil(tmp_path / "run"), image)
    assert taught is not None
    assert type(taught.encoder) is type(encoder)
    assert teacher_of(gestalt.BYOL(), image) is None
    assert teacher_of(gestalt.Distil(), image) is None
    beside = gestalt.Computed(gestalt.Distil(tmp_path / "run"))
    assert teacher_of(beside, image) is not None
    with pytest.raises(ValueError, match="is a run of the modality 'image', and these items are of 'text'"):
        teacher_of(gestalt.Distil(tmp_path / "run"), gestalt.load_modality("text"))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        teacher_of(gestalt.Distil(tmp_path / "nowhere"), image)
    with pytest.raises(ValueError, match=r"none is named: --method\.run FOLDER"):
        gestalt.Distil().build(encoder, DataInfo())
