"""The documentation site shows every page and every public name; `mkdocs build --strict` checks the rest."""

from collections import Counter

import pytest
from drawings import DRAWINGS, FOLDER
from plain_text import as_markdown
from site_pages import files, navigation, pages, reference

import gestalt
from tests.pages import FENCE, PRESENT, ROOT, named

TITLES = {"README.md": "Home", "docs/b.md": "Apes", "docs/a.md": "Bees", "docs/methods/c.md": "Cats"}


def test_the_site_shows_every_page() -> None:
    assert {named(page) for page in PRESENT} <= set(pages())


def test_the_site_shows_the_pictures_and_the_source_to_which_pages_link() -> None:
    assert {"docs/audio-events.png", "docs/plug-ins/motion.py", "recipes/molecules/moieties.py"} <= set(files())
    assert not {name for name in files() if name.startswith("docs/site/")}


def test_a_pattern_stands_for_the_pages_that_no_other_entry_names_by_title() -> None:
    nav = [{"Home": "README.md"}, {"Own": ["docs/*.md"]}, {"Methods": ["docs/methods/*.md"]}, {"Empty": ["api/*.md"]}]
    assert navigation(nav, list(TITLES), TITLES.__getitem__) == [
        {"Home": "README.md"},
        {"Own": ["docs/b.md", "docs/a.md"]},
        {"Methods": ["docs/methods/c.md"]},
    ]


def test_a_page_that_no_entry_takes_is_named() -> None:
    with pytest.raises(ValueError, match=r"takes: docs/methods/c\.md: add them to `nav`"):
        navigation([{"Home": "README.md"}, {"Own": ["docs/*.md"]}], list(TITLES), TITLES.__getitem__)


def test_the_reference_names_every_public_name_once() -> None:
    listed = Counter(line[4:] for page in reference().values() for line in page.splitlines() if line.startswith("::: "))
    public = {name for name in gestalt.__all__ if name != "losses" and not name.startswith("__")}
    assert {f"gestalt.{name}" for name in public} <= set(listed)
    assert {name.rpartition(".")[2] for name in listed if ".losses." in name} == set(names_of_losses())
    assert set(listed.values()) == {1}


def names_of_losses() -> list[str]:
    return [name for name, value in vars(gestalt.losses).items() if callable(value)]


def test_every_page_of_the_reference_says_what_it_holds() -> None:
    for name, page in reference().items():
        title, _, said, *_ = page.splitlines()
        assert title.startswith("# "), name
        assert said.endswith((".", ":")) or len(said) > 40, f"{name}: {said}"


def test_formulas_of_docstrings_are_shown_as_they_stand() -> None:
    text = "Σ_i w_i * x_i of `a_b`.\n\nArgs:\n    size_power: of n_k.\n"
    session = "\nExample:\n    >>> a_b = 2 * c_d\n    >>> a_b\n    2\n"
    assert as_markdown(text + session).splitlines() == [
        r"Σ\_i w\_i \* x\_i of `a_b`.",
        "",
        "Args:",
        r"    size_power: of n\_k.",
        "",
        "Examples:",
        "    >>> a_b = 2 * c_d",
        "    >>> a_b",
        "    2",
    ]


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_what_its_script_draws(name: str) -> None:
    assert (FOLDER / f"{name}.svg").read_text(encoding="utf-8") == DRAWINGS[name](), "run python docs/site/drawings.py"


def test_the_readme_is_short_and_shows_a_picture_three_lines_two_commands_and_a_table() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = dict(reversed(FENCE.findall(text)))
    assert len(text.splitlines()) < 150
    assert len([line for line in code["python"].splitlines() if line]) == 3
    assert "![" in text
    assert "Where a good rule exists, it is hard to beat" in text
    assert text.index("<!-- run command -->") < text.index("<!-- test command -->") < text.index("## Numbers")


def test_the_gate_builds_the_site_with_warnings_as_errors() -> None:
    """`--quiet` would keep warnings from being counted, and the build would pass."""
    gate = (ROOT / ".ci" / "run").read_text()
    (built,) = (line for line in gate.splitlines() if "mkdocs build" in line)
    assert built.endswith("mkdocs build --strict || site=$?")
    (judged,) = (line for line in gate.splitlines() if line.startswith('[ "$site" -eq 0 ] ||'))
    assert judged.endswith("exit 1; }")
