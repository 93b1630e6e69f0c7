"""The documentation is whole: links lead somewhere, nothing is missing, plug-ins of the page are as they are shown."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gestalt.cli.commands import COMMANDS
from gestalt.core.components.registry import MODALITIES, RECIPES
from gestalt.core.conformance import check
from gestalt.core.data.correspondence import Affine
from gestalt.core.data.items import BadItemError
from gestalt.core.modality.plugins import load_modality
from tests.pages import FENCE, LINKED, PAGES, PLUG_INS, ROOT, anchors, named, targets


@pytest.fixture(autouse=True)
def plug_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that the page shows lie in the working directory of whoever follows it."""
    monkeypatch.syspath_prepend(str(PLUG_INS))


@pytest.mark.parametrize("page", LINKED, ids=named)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    for target in targets(page):
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{named(page)} links to {target}, which is not there"
        assert not anchor or anchor in anchors(found), f"{named(page)} links to {target}, a heading that is not there"


def test_every_page_is_on_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / target).resolve() for target in targets(index)}
    assert {page.resolve() for page in PAGES} - {index.resolve()} <= linked


@pytest.mark.parametrize("name", RECIPES.names())
def test_every_recipe_has_a_page(name: str) -> None:
    pages = [ROOT / "docs" / "recipes" / f"{name}.md", ROOT / "docs" / f"{name}.md"]
    assert any(page.is_file() for page in pages)


def test_every_command_is_on_the_page_of_commands() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert [
        name for name in COMMANDS if not re.search(rf"gestalt {name}(?![-\w])", page) and f"`{name}`" not in page
    ] == []


MODALITY_PAGES = sorted((ROOT / "modalities").glob("*/README.md"))
SAID = {
    "what is read": r"^\*\*Reading\.\*\*",
    "what is refused": r"[Rr]efused",
    "what happens to what is long": r"^\*\*(Long|Large) \w+",
    "what is written": r"^\*\*Out\.\*\*",
    "models of labels": r"\]\(\.\./\.\./docs/answers\.md\)",
    "types": r"\]\(\.\./\.\./docs/types\.md\)",
    "exports": r"\]\(\.\./\.\./docs/exports\.md\)",
}
"""What the page of every modality says, and how that begins."""


@pytest.mark.parametrize("page", MODALITY_PAGES, ids=named)
def test_the_page_of_a_modality_says_what_is_read_refused_and_written_and_where_one_goes_on(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [what for what, begin in SAID.items() if not re.search(begin, text, re.MULTILINE)] == []


def packages(top: str) -> set[str]:
    """The folders of a top folder that are packages, as the tree writes them."""
    return {f"{path.parent.name}/" for path in (ROOT / top).rglob("*/__init__.py")}


def tree_lines() -> Iterator[tuple[Path, str]]:
    """The folders that the tree of the design names, and what it says of each."""
    found = FENCE.findall((ROOT / "docs" / "design.md").read_text(encoding="utf-8"))
    (tree,) = (text for language, text in found if language == "text" and text.startswith("core/"))
    inside: list[Path] = [ROOT]
    for line in tree.splitlines():
        depth = 1 + (len(line) - len(line.lstrip())) // 2
        names, _, said = line.strip().partition("   ") if "   " in line.strip() else line.strip().partition(" ")
        for name in names.split():
            inside = [*inside[:depth], inside[depth - 1] / name.rstrip("/")]
            yield inside[depth], said.strip()


def test_the_tree_of_the_design_names_every_package_and_nothing_that_is_not_there() -> None:
    lines = list(tree_lines())
    assert [str(folder) for folder, _ in lines if not folder.is_dir()] == []
    own = {"synthetic/", "corpus/", "data_sets/"}  # what makes a recipe's data
    words = {f"{folder.name}/" for folder, _ in lines}
    assert packages("core") | packages("modalities") | packages("recipes") - own <= words
    listed = 0
    for folder, said in lines:
        files = [part.strip() for part in re.split(r"[,;]", said)]
        if all(re.fullmatch(r"[a-z_]+|…", part) for part in files):
            missing = [name for name in files if name != "…" and not (folder / f"{name}.py").is_file()]
            assert missing == [], f"{folder.relative_to(ROOT)} has no {missing}"
            listed += 1
    assert listed > 5


@pytest.mark.parametrize("name", MODALITIES.names())
def test_the_page_of_every_modality_has_the_same_shape(name: str) -> None:
    """What is an item, an element, a view and an object, then the same questions in the same order."""
    title, _, *rest = (ROOT / "modalities" / name / "README.md").read_text(encoding="utf-8").splitlines()
    assert title == f"# {name.capitalize()}"
    rows = [line.split("|")[1].strip() for line in rest if line.startswith("|")]
    assert rows == ["word", "---", "item", "element", "view", "object"]
    answered = [found[1] for line in rest if (found := re.match(r"\*\*([^*]+)\.\*\* ", line))]
    wanted = ["Reading", "Views", "Encoders", "Masks", "Out", "Limits"]
    assert [heading for heading in answered if heading in wanted] == wanted


def test_links_are_found_at_all() -> None:
    assert sum(len(list(targets(page))) for page in LINKED) > 20


def test_tests_that_the_pages_name_exist() -> None:
    for page in PAGES:
        for name in re.findall(r"`(?:tests/)?(test_\w+\.py)`", page.read_text(encoding="utf-8")):
            assert (ROOT / "tests" / name).is_file(), f"{named(page)} names {name}"


SHOWN = re.compile(r"<!-- (plug-ins/\S+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_page_shows_the_files_of_the_plug_ins_as_they_are() -> None:
    shown = SHOWN.findall((ROOT / "docs" / "plug-in.md").read_text(encoding="utf-8"))
    assert {name for name, _ in shown} == {f"plug-ins/{path.name}" for path in PLUG_INS.iterdir() if path.is_file()}
    for name, text in shown:
        assert text == (ROOT / "docs" / name).read_text(encoding="utf-8"), f"{name} and the page differ"


@pytest.mark.parametrize("path", sorted(PLUG_INS.glob("*.py")), ids=named)
def test_a_modality_of_the_page_is_one_short_file(path: Path) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines) <= 84
    assert len([line for line in lines if not line.startswith(("import", "from"))]) <= 78


@pytest.mark.parametrize("name", ["point_clouds", "motion"])
def test_the_modalities_of_the_page_pass_every_law(name: str) -> None:
    assert [finding for finding in check(load_modality(f"{name}:MODALITY")) if not finding.passed] == []


def test_the_law_that_the_page_says_fails_without_the_crop_s_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    motion: Any = importlib.import_module("motion")

    def lie(_: Any, item: Any, rng: np.random.Generator) -> Any:
        size = 3 * len(item) // 4
        start = int(rng.integers(len(item) - size + 1))
        return item[start : start + size], Affine.of(scale=[1.0], offset=[0.0])

    monkeypatch.setattr(motion.Crop, "__call__", lie)
    failed = [finding for finding in check(motion.MODALITY) if not finding.passed]
    assert [finding.law.split(":")[0] for finding in failed] == ["locality"]
    assert "appears in view elements" in failed[0].counterexample


@pytest.mark.parametrize(
    ("name", "bad", "reason"),
    [
        ("motion", np.ones(64), r"flat\.npy: must hold at least 32 samples × 3 finite channels, got \(64,\)"),
        ("point_clouds", np.full((9, 4), np.nan), r"flat\.npy: must hold at least 8 points × 4 finite numbers"),
    ],
)
def test_the_modalities_of_the_page_read_folders_and_refuse_what_is_not_theirs(
    name: str, bad: Any, reason: str, tmp_path: Path
) -> None:
    modality = load_modality(f"{name}:MODALITY")
    good = modality.specimens()[0].item
    np.save(tmp_path / "good.npy", good)
    np.save(tmp_path / "flat.npy", bad)
    np.save(tmp_path / "pickled.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "text.npy").write_text("no array")
    with pytest.raises(BadItemError, match=reason):
        modality.read([tmp_path])
    reading = modality.read([tmp_path], skip_bad=True)
    assert [reading.items.name(index) for index in range(len(reading.items))] == [str(tmp_path / "good.npy")]
    assert np.array_equal(reading.items.read(0, np.random.default_rng(0)), good)
    assert [Path(entry.name).name for entry in reading.skipped] == ["flat.npy", "pickled.npy", "text.npy"]
