"""The start pages are walked through: every command and block of Python runs on a folder of the files they speak of."""

import importlib
import shlex
from pathlib import Path
from typing import Any

import pytest

from gestalt.cli.commands import COMMANDS, execute
from tests.pages import PLUG_INS, START, blocks, named
from tests.start_files import FILES, SHORT, commands, missing_files, named_files


def test_every_start_page_is_walked_through() -> None:
    assert {page.stem for page in START} == set(FILES)


@pytest.mark.filterwarnings("ignore:collapse watch")
@pytest.mark.parametrize("page", START, ids=named)
def test_the_first_five_minutes(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps of training in place of hundreds; everything else as the page has it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(PLUG_INS))
    FILES[page.stem]()
    for words in commands(page):
        assert execute([*words, *(SHORT if words[0] == "run" else [])]) == 0, shlex.join(words)
    assert missing_files(page, tmp_path) == []
    assert len(named_files(page)) > 3
    names: dict[str, Any] = {"__name__": page.stem}
    for code in blocks(page):
        exec(compile(code, named(page), "exec"), names)
    assert {words[0] for words in commands(page)} <= set(COMMANDS)
    importlib.invalidate_caches()
