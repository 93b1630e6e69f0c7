"""Odin and BYOL on every kind of data, ours and the two of the docs: small steps on the modality's own specimens."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gestalt.core.data.segmentation import Objects
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.discovery.segmenters import Discovery
from gestalt.core.methods.byol import byol
from gestalt.core.methods.learner import Learner, Outcome
from gestalt.core.methods.odin import odin
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.plugins import load_modality, modality_entry_points
from gestalt.core.networks.encoder import AbstractEncoder, Network
from gestalt.core.networks.follower import CopyEvery, Follower, Shared
from gestalt.core.optimization.progress import Progress
from gestalt.recipes.objects import smallest
from tests.implementations import make_batch, seeded

PLUG_INS = Path(__file__).parents[1] / "docs" / "plug-ins"
MODALITIES = [*modality_entry_points(), "point_clouds:MODALITY", "sensors:MODALITY"]
STEPS, HAND_OVER = 14, 11


@pytest.fixture(params=MODALITIES)
def modality(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AbstractModality[Any]:
    monkeypatch.syspath_prepend(str(PLUG_INS))
    return load_modality(request.param)


def an_odin(encoder: AbstractEncoder, raw: AbstractEncoder) -> Learner:
    """Objects of raw features until the hand-over, so that one loss can be watched falling; then discovered ones."""
    first = Discovery(Follower(Network(raw), Shared()), KMeans(3), "hidden", None, ConcatFeatures(raw, 0.0))
    return odin(
        encoder,
        hidden=32,
        projection=16,
        grouper=KMeans(3),
        discovery=CopyEvery(4, "steps"),
        first=first,
        hand_over=HAND_OVER,
    )


def a_byol(encoder: AbstractEncoder, raw: AbstractEncoder) -> Learner:  # noqa: ARG001
    return byol(encoder, hidden=32, projection=16)


LEARNERS: dict[str, Callable[[AbstractEncoder, AbstractEncoder], Learner]] = {"odin": an_odin, "byol": a_byol}


def learner_of(method: str, modality: AbstractModality[Any]) -> Learner:
    torch.manual_seed(0)
    return LEARNERS[method](modality.encoders[smallest(modality)](), modality.encoders["raw"]())


@pytest.mark.parametrize("method", LEARNERS)
def test_a_few_steps_learn_about_shared_objects(method: str, modality: AbstractModality[Any]) -> None:
    learner = learner_of(method, modality)
    batch = make_batch("", [specimen.item for specimen in modality.specimens()], modality=modality)
    optimizer = torch.optim.AdamW([weight for weight in learner.parameters() if weight.requires_grad], lr=3e-3)
    losses = []
    for step in range(1, STEPS + 1):
        outcome: Outcome = learner(batch, seeded(0))
        optimizer.zero_grad()
        outcome.loss.backward()
        optimizer.step()
        learner.follow(outcome, Progress(step, STEPS, steps_per_epoch=2))
        losses.append(outcome.loss.item())
        assert outcome.loss.isfinite()
        first, second = outcome.online[:2]
        assert bool((first.present & second.present).any()), "no object is seen in both views"
    start, end = losses[0], sum(losses[HAND_OVER - 3 : HAND_OVER]) / 3
    assert end < start, losses


@torch.no_grad()
@pytest.mark.parametrize("method", LEARNERS)
def test_objects_and_loss_do_not_depend_on_the_padding(method: str, modality: AbstractModality[Any]) -> None:
    learner = learner_of(method, modality).eval()
    items = [specimen.item for specimen in modality.specimens()]
    together: Outcome = learner(make_batch("", items, modality=modality), seeded(0))
    alone: list[Outcome] = [
        learner(make_batch("", [item], seed=number, modality=modality), seeded(0)) for number, item in enumerate(items)
    ]
    online, teacher = [], []
    for view in range(len(together.online)):
        online.append(joined([outcome.online[view] for outcome in alone]))
        teacher.append(joined([outcome.teacher[view] for outcome in alone]))
        assert torch.equal(online[view].present, together.online[view].present)
        size = float(together.online[view].vectors.abs().max())
        torch.testing.assert_close(online[view].vectors, together.online[view].vectors, rtol=0, atol=1e-4 * size)
    loss = learner.objective(tuple(online), tuple(teacher), together.known)
    torch.testing.assert_close(loss.value, together.loss, rtol=1e-3, atol=1e-4)


def joined(objects: list[Objects]) -> Objects:
    """The objects of several items as one batch."""
    return Objects(torch.cat([each.vectors for each in objects]), torch.cat([each.present for each in objects]))
