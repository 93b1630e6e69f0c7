"""Vectors of a finished run in the space in which its method compared them; parts of joint items alone."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from gestalt.core.data.items import BadItemError
from gestalt.core.evaluation import retrieval
from gestalt.core.experiment.part_views import with_parts
from gestalt.core.methods.byol import BYOL
from gestalt.core.methods.clip import CLIP
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.method import AbstractMethod, DataInfo
from gestalt.core.methods.odin import Odin
from gestalt.core.methods.settings import Heads
from gestalt.core.methods.simclr import SimCLR
from gestalt.core.modality.joint import JointItem, joint
from gestalt.core.optimization.progress import Progress
from gestalt.core.runs.model import Model
from gestalt.modalities.image import MODALITY as IMAGE
from gestalt.modalities.text import MODALITY as TEXT
from tests.implementations import make_batch, seeded

BOTH = joint(image=IMAGE, text=TEXT)
HEADS = Heads(8, 5)
METHODS: dict[str, AbstractMethod] = {
    "clip": CLIP(), "simclr": SimCLR(HEADS), "byol": BYOL(HEADS), "odin": Odin(heads=HEADS),
}  # fmt: skip


def items() -> list[Any]:
    return [specimen.item for specimen in BOTH.specimens()][:3]


def trained(method: AbstractMethod) -> tuple[Learner, Model[JointItem]]:
    """A learner, and the model that a run of it would be."""
    torch.manual_seed(0)
    learner = method.build(BOTH.encoders["joint"](dim=16), DataInfo())
    assert isinstance(learner, Learner)
    heads = {name: head for name, head in learner.heads().items() if name != "projector"}
    return learner.eval(), Model(BOTH, learner.online, heads, learner.finder)


def alone(name: str) -> list[Any]:
    """Items that have nothing else."""
    return [JointItem({name: item.parts[name]}) for item in items()]


def stacked(vectors: Sequence[Any]) -> torch.Tensor:
    return torch.stack([one.item for one in vectors])


@pytest.mark.parametrize("name", METHODS)
def test_vectors_are_those_that_the_learner_compares(name: str) -> None:
    """The whole items of a batch of views that change nothing, from the learner itself."""
    learner, model = trained(METHODS[name])
    views = BOTH.default_views()
    unchanged = type(views)(BOTH.chain(), (BOTH.chain(), BOTH.chain()))
    batch = make_batch("", items(), modality=BOTH, views=unchanged)
    found = model.embed(items(), space="compared")
    with torch.no_grad():
        compared = learner(batch, seeded(), Progress(0, 4, 2)).details.online[0]
        if name == "odin":
            for one, hidden in zip(found, model.embed(items()), strict=True):
                means = [hidden.elements[one.labels == number].mean(dim=0) for number in one.labels.unique()]
                expected = learner.predictor(learner.online.projector(torch.stack(means)))
                torch.testing.assert_close(one.objects, expected, atol=1e-4, rtol=1e-3)
        else:
            torch.testing.assert_close(stacked(found), compared.vectors[:, 0], atol=1e-5, rtol=1e-4)
    dims = {space: stacked(model.embed(items(), space=space)).shape[1] for space in ("hidden", "projected", "compared")}
    assert dims == {"hidden": 16, **dict.fromkeys(("projected", "compared"), 16 if name == "clip" else 5)}
    assert all(one.elements.shape[1] == dims["compared"] for one in found)


def test_parts_are_seen_alone_as_clip_sees_them() -> None:
    learner, model = trained(CLIP())
    views = with_parts(CLIP(parts=("text", "image")), type(BOTH.views)(BOTH.chain(), (BOTH.chain(),)), BOTH)
    batch = make_batch("", items(), modality=BOTH, views=views)
    text, image = (view.vectors[:, 0] for view in learner(batch, seeded(), Progress(0, 4, 2)).details.online)
    for name, expected in (("text", text), ("image", image)):
        found = stacked(model.embed(items(), space="compared", parts=[name]))
        expected = expected.detach()
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(stacked(model.embed(alone(name), space="compared")), found)
        assert torch.equal(stacked(model.embed(iter([items()]), space="compared", parts=[name])), found)
    assert retrieval(text, image).queries == 3


def test_with_a_mixer_a_part_alone_knows_nothing_of_the_others() -> None:
    torch.manual_seed(0)
    learner = SimCLR(HEADS).build(BOTH.encoders["joint"](dim=16, layers=1), DataInfo())
    model = Model(BOTH, learner.online.eval(), learner.heads())
    texts = stacked(model.embed(items(), parts=["text"]))
    other = [JointItem({"image": items()[0].parts["image"], "text": item.parts["text"]}) for item in items()]
    assert torch.equal(texts, stacked(model.embed(other, parts=["text"])))
    assert not torch.allclose(stacked(model.embed(items())), stacked(model.embed(other)))


def test_an_item_without_the_part_is_named_and_left_out_on_request() -> None:
    _, model = trained(CLIP())
    some = [items()[0], *alone("image")[1:2], items()[2]]
    with pytest.raises(BadItemError, match=r"image\+text 2: has no part text"):
        model.embed(some, parts=["text"])
    with pytest.raises(BadItemError, match="item 2: has no part text"):
        model.embed(iter(some), parts=["text"])
    whole = model.embed([items()[0], items()[2]], parts=["text"])
    for data in (some, iter(some)):
        torch.testing.assert_close(stacked(model.embed(data, skip_bad=True, parts=["text"])), stacked(whole))


def test_what_is_not_there_is_refused() -> None:
    _, model = trained(CLIP())
    with pytest.raises(ValueError, match="no part 'txt'; did you mean 'text'"):
        model.embed(items(), parts=["txt"])
    raw = Model(TEXT, trained(CLIP())[1].network, {})
    with pytest.raises(ValueError, match="items of text have no parts"):
        raw.embed([TEXT.specimens()[0].item], parts=["text"])
