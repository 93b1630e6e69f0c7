"""Where one network is on both sides, each view is encoded once, and learns as it would from two encodings."""

import pytest
import torch

from gestalt.core.discovery.segmenters import WholeItem
from gestalt.core.methods.learner import Learner
from gestalt.core.networks.encoder import Network
from tests.implementations import ENCODERS, ITEMS, LEARNERS, PROGRESS, SEGMENTERS, make_batch, seeded


def built(name: str) -> Learner:
    torch.manual_seed(0)
    learner = LEARNERS[name](ENCODERS["series"]())
    if not isinstance(learner.segmenter, WholeItem):
        learner.segmenter = SEGMENTERS["masks by a rule"](
            Network(ENCODERS["series"]())
        )  # which encodes the source itself
    return learner


SHARED = [name for name in LEARNERS for learner in [built(name)] if learner.teacher.network is learner.online]


@pytest.mark.parametrize("name", SHARED)
def test_each_view_is_encoded_once_and_gradients_are_those_of_two_encodings(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = make_batch("series", ITEMS["series"](8))
    gradients = []
    for once in (True, False):
        learner, encoded = built(name), list[object]()
        learner.online.encoder.register_forward_hook(lambda *call, to=encoded: to.append(call[1]))
        if not once:
            monkeypatch.setattr(Learner, "_same_both_sides", lambda *_: False)
        learner(batch, seeded(), PROGRESS).loss.backward()
        assert len(encoded) == len(batch.views) + (0 if once else len(batch.views[: learner.teacher_views]))
        gradients.append([p.grad for p in learner.parameters() if p.grad is not None])
    assert gradients[0]
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", SHARED)
def test_in_half_precision_each_side_encodes_for_itself(name: str) -> None:
    learner, batch, encoded = built(name), make_batch("series", ITEMS["series"](8)), list[object]()
    learner.online.encoder.register_forward_hook(lambda *call: encoded.append(call[1]))
    with torch.autocast("cpu", torch.bfloat16):
        learner(batch, seeded(), PROGRESS)
    assert len(encoded) == len(batch.views) + len(batch.views[: learner.teacher_views])
