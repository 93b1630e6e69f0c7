"""Every installed method has a page, and `gestalt methods` says which."""

from pathlib import Path

import pytest

from gestalt.cli.commands import methods_command
from gestalt.core.components.registry import METHODS
from gestalt.core.methods.presets import preset_named

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("name", METHODS.names())
def test_the_page_of_every_method_is_there_and_names_it(name: str) -> None:
    method = preset_named(name).method
    page, _, anchor = method.card.page.partition("#")
    text = (DOCS / page).read_text(encoding="utf-8")
    assert page.startswith("methods/")
    assert type(method).__name__ in text or f"`{name}`" in text or f"--method {name}" in text
    headings = {
        line.lstrip("# ").lower().replace(",", "").replace(" ", "-") for line in text.splitlines() if "#" in line
    }
    assert not anchor or anchor in headings


def test_the_list_of_methods_says_source_and_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert methods_command(()) == 0
    said = capsys.readouterr().out
    assert "\nodin-rounds: Odin, rounds (" in said
    assert said.count("docs/methods/") == len(METHODS.names())
    assert "  page       docs/methods/odin.md#odin-rounds\n" in said
