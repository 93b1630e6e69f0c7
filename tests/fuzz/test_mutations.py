"""Mutations of valid files of every format: each is read or named, within bounds, and silently.

`pytest -m long tests/fuzz` tries ten times as many, with `GESTALT_FUZZ=100` a hundred times; `GESTALT_FUZZ_SEED=7`
tries others.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from .bounded import Bounded
from .law import complaint
from .listed import FORMATS, others
from .mutations import OF_BYTES, OF_TEXT, key_of, mutation
from .regressions import REGRESSIONS, Found

FEW = 1000
"""Mutations of every format that are tried in the gate."""
LONG = float(os.environ.get("GESTALT_FUZZ", "10"))
SEED = int(os.environ.get("GESTALT_FUZZ_SEED", "0"))


MEMORY = Path("/dev/shm")
"""A folder in memory, on systems that have one: on disk, deleting a small file takes longer than reading it."""


@pytest.fixture(scope="module")
def bounded() -> Iterator[Bounded]:
    """A process that opens files."""
    where = MEMORY if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else None
    with TemporaryDirectory(prefix="mutations-", dir=where) as folder, Bounded(Path(folder)) as process:
        yield process


def try_mutations(name: str, first: int, last: int, bounded: Bounded) -> None:
    """Fail with the first mutations that break the law, and the commands that show them again."""
    failures = bounded.try_all(name, SEED, first, last)["failures"]
    said = [
        f"python -m tests.fuzz.child {name!r} {SEED} {failure['index']}\n{', '.join(failure['changes'])}: "
        f"{failure['said']}"
        for failure in failures[:5]
    ]
    assert not failures, f"{len(failures)} of {last - first} mutations break the law\n\n" + "\n\n".join(said)


@pytest.mark.parametrize("name", FORMATS)
def test_mutated_files_are_read_or_named(name: str, bounded: Bounded) -> None:
    try_mutations(name, 0, FEW, bounded)


@pytest.mark.long
@pytest.mark.parametrize("name", FORMATS)
def test_many_more_mutated_files_are_read_or_named(name: str, bounded: Bounded) -> None:
    try_mutations(name, FEW, round(FEW * LONG), bounded)


@pytest.mark.parametrize("case", REGRESSIONS, ids=lambda case: case.name)
def test_what_was_found_once_stays_right(case: Found, bounded: Bounded) -> None:
    outcome = bounded.try_all(f"found: {case.name}", 0, 0, 1)
    assert not outcome["failures"], outcome["failures"][0]["said"]


def test_a_mutation_is_the_same_for_the_same_seed_and_number() -> None:
    content = b"one line\nanother, 3.5\n" * 9
    for is_text in (False, True):
        keys = [key_of("csv", 3, index) for index in range(200)]
        first, again = ([mutation(content, [b"x"], is_text, key) for key in keys] for _ in range(2))
        assert first == again
        assert first[0].content == content
        assert len({one.content for one in first}) > 150
    named = {change.__name__.rstrip("_") for change in (*OF_BYTES, *OF_TEXT)} | {"another format"}
    assert {name for one in first for name in one.changes} <= named


def test_the_law_is_broken_by_an_error_that_names_no_file_or_is_none_of_ours() -> None:
    path = Path("/data/a.wav")
    assert complaint(ValueError(f"{path}: is cut off"), path) is None
    assert complaint(ValueError("is cut off"), path) is not None
    assert complaint(KeyError(str(path)), path) is not None
    assert complaint(ValueError(f"{path}: two\nlines"), path) is not None


def test_a_process_that_ends_is_a_failure_with_its_number_and_the_next_ones_are_tried(tmp_path: Path) -> None:
    with Bounded(tmp_path) as process:
        outcome = process.try_all("a crash", 0, 0, 3)
    assert [failure["index"] for failure in outcome["failures"]] == [1]
    assert "ended the process" in outcome["failures"][0]["said"]
    assert outcome["counts"] == {"read": 2, "named": 0, "broken": 1}


def test_every_format_has_a_valid_file_and_others_around_it() -> None:
    for name, form in FORMATS.items():
        assert all(form.content[target] for target in form.targets), name
        assert others(name)
