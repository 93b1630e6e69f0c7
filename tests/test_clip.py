"""CLIP: views of one part each, contrast between parts, a learned temperature."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from gestalt.core.components.registry import HEADS
from gestalt.core.components.settings import settings_of
from gestalt.core.discovery.segmenters.given import GivenMasks
from gestalt.core.experiment.part_views import with_parts
from gestalt.core.methods.byol import BYOL
from gestalt.core.methods.clip import CLIP
from gestalt.core.methods.clip_objects import CLIPObjects
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.method import AbstractMethod, DataInfo
from gestalt.core.methods.objectives.contrastive import Contrastive
from gestalt.core.methods.settings import Heads
from gestalt.core.methods.simclr import SimCLR
from gestalt.core.modality.joint import JointItem, joint
from gestalt.core.networks.scale import LearnedScale
from gestalt.core.optimization.progress import Progress
from gestalt.modalities.image import MODALITY as IMAGE
from gestalt.modalities.text import MODALITY as TEXT
from tests.implementations import make_batch, seeded

BOTH = joint(image=IMAGE, text=TEXT)
HEADS_OF_TESTS = Heads(8, 5)


def items(count: int = 3) -> list[Any]:
    return [specimen.item for specimen in BOTH.specimens()][:count]


def step(method: AbstractMethod) -> tuple[Learner, Any]:
    """A learner and what it makes of three items, in views of one part each."""
    torch.manual_seed(0)
    learner = method.build(BOTH.encoders["joint"](dim=16), DataInfo())
    assert isinstance(learner, Learner)
    views = with_parts(CLIP(parts=("text", "image")), BOTH.views, BOTH)
    batch = make_batch("", items(), modality=BOTH, views=views)
    return learner, learner.eval()(batch, seeded(), Progress(0, 4, 2))


def test_clip_at_a_fixed_temperature_with_rivals_of_both_views_is_simclr() -> None:
    """Law 12."""
    _, ours = step(CLIP(HEADS_OF_TESTS, 0.1, learned=False, same_view=True))
    _, theirs = step(SimCLR(HEADS_OF_TESTS, 0.1))
    assert torch.equal(ours.loss, theirs.loss)
    _, without = step(CLIP(HEADS_OF_TESTS, 0.1, learned=False))
    assert without.loss.item() < theirs.loss.item(), "fewer rivals"


def test_clip_is_the_cross_entropy_of_texts_among_pictures_and_of_pictures_among_texts() -> None:
    """Law 11, Oracle: pair by pair, with the scale that is trained."""
    learner, output = step(CLIP())
    text, image = (view.vectors[:, 0] for view in output.details.online)
    assert isinstance(learner.objective, Contrastive)
    assert learner.objective.scale is not None
    scale = learner.objective.scale.log_scale.exp()
    loss = torch.zeros(())
    for one, other in ((text, image), (image, text)):
        for i in range(3):
            scores = [scale * one[i] @ other[j] / (one[i].norm() * other[j].norm()) for j in range(3)]
            loss = loss - (scores[i] - torch.logsumexp(torch.stack(scores), 0)) / 3
    torch.testing.assert_close(output.loss, loss, rtol=1e-4, atol=1e-5)
    (ours,) = torch.autograd.grad(output.loss, learner.objective.scale.log_scale, retain_graph=True)
    (theirs,) = torch.autograd.grad(loss, learner.objective.scale.log_scale)
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)
    assert output.metrics["temperature"].item() == pytest.approx(0.07)


def without_image(lacking: set[int]) -> list[Any]:
    return [
        JointItem({"text": item.parts["text"]}) if number in lacking else item for number, item in enumerate(items())
    ]


def step_of(method: AbstractMethod, lacking: set[int]) -> tuple[Learner, Any]:
    """As `step`, of items of which some lack their picture."""
    torch.manual_seed(0)
    learner = method.build(BOTH.encoders["joint"](dim=16), DataInfo())
    assert isinstance(learner, Learner)
    views = with_parts(CLIP(parts=("text", "image")), BOTH.views, BOTH)
    batch = make_batch("", without_image(lacking), modality=BOTH, views=views)
    return learner, learner.eval()(batch, seeded(), Progress(0, 4, 2))


def test_a_text_without_a_picture_looks_for_none_and_is_a_rival_where_pictures_look_for_theirs() -> None:
    """Law 7, Oracle: nothing of the item is in the view of pictures, least of all its text."""
    _, output = step_of(CLIP(learned=False), {1})
    text, image = output.details.online
    assert image.present[:, 0].tolist() == [True, False, True]
    loss = torch.zeros(())
    for one, other, rivals in ((text, image, (0, 2)), (image, text, (0, 1, 2))):
        unit = [torch.nn.functional.normalize(view.vectors[:, 0], dim=1) / 0.07**0.5 for view in (one, other)]
        for i in (0, 2):
            scores = torch.stack([unit[0][i] @ unit[1][j] for j in rivals])
            loss = loss - (unit[0][i] @ unit[1][i] - torch.logsumexp(scores, 0)) / 2
    torch.testing.assert_close(output.loss, loss, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", [CLIP(), CLIPObjects(), SimCLR(HEADS_OF_TESTS), BYOL(HEADS_OF_TESTS)])
def test_without_any_picture_nothing_is_compared(method: AbstractMethod) -> None:
    """Law 7: the loss is zero, and so are its gradients."""
    learner, output = step_of(method, {0, 1, 2})
    assert output.loss.item() == 0
    output.loss.backward()
    assert all(not bool(one.grad.any()) for one in learner.online.parameters() if one.grad is not None)


def test_a_learned_temperature_is_kept_among_heads_and_held_at_its_bound() -> None:
    learner, output = step(CLIP())
    scale = learner.heads()["scale"]
    assert isinstance(scale, LearnedScale)
    with torch.no_grad():
        scale.log_scale.fill_(math.log(1000.0))
    learner.after_step([output], Progress(1, 4, 2))
    assert scale().item() == pytest.approx(0.01)
    again = HEADS.load("learned-scale")(**settings_of(scale))
    again.load_state_dict(scale.state_dict())
    assert again().item() == scale().item()
    assert "scale" not in step(SimCLR(HEADS_OF_TESTS))[0].heads()
    assert "scale" in step(SimCLR(HEADS_OF_TESTS, learned=True))[0].heads()


@pytest.mark.parametrize("same_item", [True, False])
def test_other_segments_of_an_item_are_rivals_where_that_is_asked_for(same_item: bool) -> None:
    learner = CLIP(compares="segments", same_item=same_item).build(
        BOTH.encoders["joint"](dim=8), DataInfo(first_segments=GivenMasks())
    )
    assert isinstance(learner.objective, Contrastive)
    assert learner.objective.same_item is same_item


def test_views_show_the_parts_that_a_method_names_each_behind_its_own_transforms() -> None:
    item, rng = items(1)[0], np.random.default_rng(0)

    def shown(method: AbstractMethod) -> list[list[str]]:
        views = with_parts(method, BOTH.views, BOTH).views
        seen = [view(item, rng)[0] for view in views]
        assert all(isinstance(one, JointItem) for one in seen)
        return [list(one.parts) for one in seen]

    assert shown(CLIP()) == [["image"], ["text"]]
    assert shown(CLIP(parts=("text", "image"))) == [["text"], ["image"]]
    assert with_parts(BYOL(), BOTH.views, BOTH) is BOTH.views
    with pytest.raises(ValueError, match="part 'txt'"):
        with_parts(CLIP(parts=("txt",)), BOTH.views, BOTH)
    with pytest.raises(ValueError, match="compares the parts of an item, and items of image have none"):
        with_parts(CLIP(), IMAGE.views, IMAGE)
