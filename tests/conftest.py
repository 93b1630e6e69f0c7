"""For all tests."""

import random

import numpy as np
import pytest
import torch

# The tensors of the tests are tiny: several threads would only wait for one another.
torch.set_num_threads(1)

collect_ignore = ["extension_package"]
"""A distribution of its own, imported by its own name."""


@pytest.fixture(autouse=True)
def same_random_numbers() -> None:
    """What a test draws does not depend on the tests that ran before it in its process."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - libraries draw from it
    torch.manual_seed(0)
