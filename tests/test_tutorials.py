"""Tutorials are files of Python that the site's build runs; here what does not need to be run."""

import ast
from pathlib import Path
from typing import Any

import pytest
from tutorial_pages import shown, title_of, tutorials

SEEN = ("found 12 files\n", "training Odin\n 10% |#         | 1 of 10 steps\r100% |##########| 10 of 10 steps\n", "\n")


def test_there_is_a_tutorial_for_each_sort_of_data_of_the_plan() -> None:
    names = {path.stem for path in tutorials().values()}
    assert {"sound-events", "names-and-answers", "molecules", "texts", "joint-items", "plug-in"} <= names


@pytest.mark.parametrize("path", tutorials().values(), ids=lambda path: path.stem)
def test_a_tutorial_has_a_heading_code_that_parses_text_between_and_an_end(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    cells = text.split("# %%")[1:]
    assert len(title_of(path).split()) > 2
    assert cells[0].startswith(" [markdown]")
    assert cells[-1].startswith(" [markdown]"), "it ends with how to go on"
    assert sum(not cell.startswith(" [markdown]") for cell in cells) >= 3
    ast.parse(text)
    assert 30 < len(text.splitlines()) < 120


def test_a_file_without_a_heading_is_no_tutorial(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import gestalt\n")
    with pytest.raises(ValueError, match=r"a\.py must begin with a cell of text"):
        title_of(tmp_path / "a.py")


def test_a_page_shows_what_was_said_and_no_progress_bars() -> None:
    def stream(text: str) -> Any:
        return shown({"output_type": "stream", "name": "stderr", "text": text})

    assert stream("".join(SEEN))["text"] == "found 12 files\ntraining Odin\n"
    assert stream(" 10% |#  | 1 of 10 steps\r 20% |## | 2 of 10 steps") is None
    picture = {"output_type": "display_data", "data": {"text/html": "<svg/>"}}
    assert shown(picture) is picture
