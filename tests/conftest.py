"""For all tests."""

import os
import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from tests import checks_of_types
from tests.protocols import as_later_versions

checks_of_types.install()

# The tensors of the tests are tiny: several threads would only wait for one another.
torch.set_num_threads(1)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # and for the processes that tests start

collect_ignore = ["extension_package"]
"""A distribution of its own, imported by its own name."""


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is kept for the next process is kept with the files of the tests, also by the commands that they start."""
    # Here, not above: older versions of jaxtyping add its checks after this file was imported.
    from gestalt.core.shards.cache import VARIABLE

    os.environ[VARIABLE] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True, scope="session")
def later_versions() -> Iterator[None]:
    """Protocols are told as by every Python that is supported."""
    with as_later_versions():
        yield


@pytest.fixture(autouse=True)
def same_random_numbers() -> None:
    """What a test draws does not depend on the tests that ran before it in its process."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - libraries draw from it
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def same_folder() -> Iterator[None]:
    """A test leaves the working directory as it was: commands of the tests after it find this repository there."""
    before = os.getcwd()
    yield
    after = os.getcwd()
    os.chdir(before)
    assert after == before, f"the test left the working directory at {after}; it was {before}"
