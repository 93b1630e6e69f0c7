"""Every method on every modality, ours and the two of the docs: small steps on the modality's own specimens."""

import functools
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final, get_type_hints

import pytest
import torch

from gestalt.core.components.registry import METHODS, MODALITIES
from gestalt.core.data.segmentation import Objects
from gestalt.core.data.view import Batch
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.experiment.choices import alternatives_of, with_alternatives
from gestalt.core.experiment.first_segments import plain_segments
from gestalt.core.experiment.part_views import with_parts
from gestalt.core.methods.compared import Compared
from gestalt.core.methods.element_tasks import ElementLearner
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.method import AbstractMethod, DataInfo
from gestalt.core.methods.step import AbstractLearner, StepOutput
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.optional import IsSequence
from gestalt.core.modality.plugins import load_modality
from gestalt.core.modality.two_steps import encoders_in_two_steps
from gestalt.core.networks.encoder import Network
from gestalt.core.networks.follower import CopyEvery
from gestalt.core.optimization.progress import Progress
from gestalt.recipes.objects.recipe import smallest
from tests.implementations import DATA, make_batch, seeded, small
from tests.masked_methods import HIDING, IN_TWO_STEPS
from tests.two_step_encoders import SETTINGS

PLUG_INS = Path(__file__).parents[1] / "docs" / "plug-ins"
JOINT = ["audio+video", "image+text", "audio+motion"]
ALL = [*MODALITIES.names(), "point_clouds:MODALITY", "motion:MODALITY", *JOINT[:-1], "audio+motion:MODALITY"]
STEPS, SWITCH = 14, 11
FEW = 3

ODIN = small("odin-warm-start", switch=SWITCH, discovery=CopyEvery(4, "steps"))
"""Objects of plain features until the switch, so that one loss can be watched falling; then discovered ones."""
LACKING = {
    **{
        ("transform-prediction", name): f"the modality '{re.escape(name)}' offers no such choice"
        for name in ("clouds", "motion", *JOINT)
    },
    **{
        (method, name): "needs elements that follow one another"
        for method in ("next-element", "skip-gram")
        for name in ("image", "graph", "points", "table", "clouds", "motion", *JOINT)
    },
    **{
        (method, name): "compares the parts of an item"
        for method in ("clip", "clip-objects")
        for name in (*MODALITIES.names(), "clouds", "motion")
    },
    ("context-prediction", "clouds"): "neither a grid, nor neighbours, nor an order",
    **{("context-prediction", name): "of the parts" for name in JOINT},
}
"""What a method needs and a modality has not."""
WATCHED: dict[str, AbstractMethod] = {"odin": ODIN, "byol": small("byol")}


@final
@dataclass(frozen=True)
class Prepared:
    """A modality, its specimens as one batch, and what a method may know of them."""

    modality: AbstractModality[Any]
    items: list[Any]
    batch: Batch[Any]
    info: DataInfo

    def learner(self, method: AbstractMethod) -> AbstractLearner[Compared]:
        """A learner with the modality's smallest encoder, or its smallest in two steps where the method needs one."""
        torch.manual_seed(0)
        name, settings = smallest(self.modality), dict[str, Any]()
        if get_type_hints(type(method).build)["return"] in (*HIDING, ElementLearner) and self.info.two_steps:
            name, settings = next(iter(SETTINGS[self.modality.name].items()))
        info = replace(
            self.info,
            alternatives=tuple(alternatives_of(method, self.modality)),
            sequence=isinstance(self.modality, IsSequence) and self.modality.sequence,
        )
        return method.build(self.modality.encoders[name](**settings), info)

    def batch_for(self, method: AbstractMethod) -> Batch[Any]:
        """The batch, its views changed by the alternatives that the method tells apart."""
        shown = with_parts(method, self.modality.views, self.modality)
        views = with_alternatives(method, shown, self.modality)
        if views.views is self.modality.views.views and not views.alternatives:
            return self.batch
        batch: Batch[Any] = make_batch("", self.items, modality=self.modality, views=views)
        return batch


@functools.cache
def prepared(name: str) -> Prepared:
    """Each modality is prepared once."""
    modality = load_modality(name)
    items = [specimen.item for specimen in modality.specimens()]
    raw = modality.encoders["raw"]()
    plain = plain_segments(raw, ObjectFinder(KMeans(3), "hidden", extra_features=ConcatFeatures(raw, 0.0)))
    two_steps, teacher = encoders_in_two_steps(modality.encoders), Network(modality.encoders[smallest(modality)]())
    info = replace(DATA, first_segments=plain, two_steps=two_steps, teacher=teacher)
    return Prepared(modality, items, make_batch("", items, modality=modality), info)


@pytest.fixture(params=ALL)
def ready(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """A modality."""
    monkeypatch.syspath_prepend(str(PLUG_INS))
    return prepared(request.param)


def trained(learner: AbstractLearner[Compared], batch: Batch[Any], steps: int) -> list[StepOutput[Compared]]:
    """What every step on the same batch gives; the encoder moves with it."""
    optimizer = torch.optim.AdamW(
        [weight for weight in learner.parameters() if weight.requires_grad], lr=3e-3, weight_decay=0
    )
    outputs = []
    for step in range(steps):
        output = learner(batch, seeded(0), Progress(step, steps, steps_per_epoch=2))
        optimizer.zero_grad()
        output.loss.backward()
        optimizer.step()
        learner.after_step([output], Progress(step + 1, steps, steps_per_epoch=2))
        outputs.append(output)
    return outputs


@pytest.mark.parametrize("method", METHODS.names())
def test_every_method_trains_on_every_modality(method: str, ready: Prepared) -> None:
    if (method, ready.modality.name) in LACKING:
        with pytest.raises(ValueError, match=LACKING[method, ready.modality.name]):
            trained(ready.learner(small(method)), ready.batch_for(small(method)), 1)
        return
    if method in IN_TWO_STEPS and not ready.info.two_steps:
        with pytest.raises(ValueError, match="no encoder of this modality can"):
            ready.learner(small(method))
        return
    learner = ready.learner(small(method))
    before = {name: weight.detach().clone() for name, weight in learner.online.encoder.named_parameters()}
    outputs = trained(learner, ready.batch_for(small(method)), FEW)
    assert all(bool(output.loss.isfinite()) for output in outputs)
    assert len({tuple(sorted(output.metrics)) for output in outputs}) == 1, "the same numbers at every step"
    after = dict(learner.online.encoder.named_parameters())
    assert any(not torch.equal(after[name], weight) for name, weight in before.items())
    for output in outputs:
        first, second = (output.details.online * 2)[:2]  # what looks at the source alone has one view
        assert bool((first.present & second.present).any()), "no object is seen in both views"
    health = learner.health(outputs[-1])
    assert 0 < health["spread"] <= 1.01
    assert health["objects_per_item"] >= 1


@pytest.mark.parametrize("method", WATCHED)
def test_a_few_steps_learn_about_shared_objects(method: str, ready: Prepared) -> None:
    outputs = trained(ready.learner(WATCHED[method]), ready.batch, STEPS)
    losses = [output.loss.item() for output in outputs]
    start, end = losses[0], sum(losses[SWITCH - 3 : SWITCH]) / 3
    assert end < start, losses


@torch.no_grad()
@pytest.mark.parametrize("method", WATCHED)
def test_objects_and_loss_do_not_depend_on_the_padding(method: str, ready: Prepared) -> None:
    learner, progress = ready.learner(WATCHED[method]).eval(), Progress(0, STEPS, 2)
    together: StepOutput[Compared] = learner(ready.batch, seeded(0), progress)
    alone: list[StepOutput[Compared]] = [
        learner(make_batch("", [item], seed=number, modality=ready.modality), seeded(0), progress)
        for number, item in enumerate(ready.items)
    ]
    online, teacher = [], []
    for view in range(len(together.details.online)):
        online.append(joined([output.details.online[view] for output in alone]))
        teacher.append(joined([output.details.teacher[view] for output in alone]))
        assert torch.equal(online[view].present, together.details.online[view].present)
        size = float(together.details.online[view].vectors.abs().max())
        torch.testing.assert_close(
            online[view].vectors, together.details.online[view].vectors, rtol=0, atol=1e-4 * size
        )
    assert isinstance(learner, Learner)
    loss = learner.objective(tuple(online), tuple(teacher), together.details.info)
    torch.testing.assert_close(loss.value, together.loss, rtol=1e-3, atol=1e-4)


def joined(objects: list[Objects]) -> Objects:
    """The objects of several items as one batch."""
    return Objects(torch.cat([each.vectors for each in objects]), torch.cat([each.present for each in objects]))
