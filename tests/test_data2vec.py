"""What data2vec takes of its teacher's layers."""

import pytest
import torch

from gestalt.core.methods.data2vec import Data2Vec
from tests.implementations import DATA, ITEMS, PROGRESS, make_batch, seeded
from tests.test_masked import built, latent, naive
from tests.two_step_encoders import CASES


def test_data2vec_takes_the_end_of_layers_or_what_is_added_there() -> None:
    found = []
    for of_layers in ("end", "feed-forward"):
        learner, batch = (
            built("data2vec", "series", top=2, of_layers=of_layers),
            make_batch("series", ITEMS["series"](5)),
        )
        found.append(learner(batch, seeded(), PROGRESS).loss)
        torch.testing.assert_close(found[-1], naive(learner, batch, latent), rtol=1e-4, atol=1e-5)
    assert abs(float(found[0].detach() - found[1].detach())) > 1e-3
    with pytest.raises(ValueError, match="have no feed-forward network that adds"):
        Data2Vec(of_layers="feed-forward").build(CASES["graph: gin"]().encoder(), DATA)
