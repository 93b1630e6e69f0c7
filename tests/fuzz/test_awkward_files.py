"""Awkward files that the tests make: each is read or named, and where it is known which, that."""

from collections.abc import Iterator

import pytest

from .awkward import AWKWARD
from .bounded import Bounded


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bounded]:
    """A process that opens files."""
    with Bounded(tmp_path_factory.mktemp("awkward")) as process:
        yield process


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_files_are_read_or_named(name: str, bounded: Bounded) -> None:
    cases = AWKWARD[name]
    outcome = bounded.try_all(name, 0, 0, len(cases))
    said = [f"{cases[failure['index']].name}: {failure['said']}" for failure in outcome["failures"]]
    assert not said, "\n\n".join(said)
