"""The documentation is true: its links lead somewhere, and its examples run."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gestalt.core.components.registry import MODALITIES
from gestalt.core.conformance import check
from gestalt.core.data.correspondence import Affine
from gestalt.core.data.items import BadItemError
from gestalt.core.modality.plugins import load_modality

ROOT = Path(__file__).parents[1]
PLUG_INS = ROOT / "docs" / "plug-ins"
PAGES = [path for path in sorted((ROOT / "docs").rglob("*.md")) if "plug-ins" not in path.parts]
LINKED = [*PAGES, *sorted(ROOT.glob("*.md")), *sorted((ROOT / "modalities").glob("*/README.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: Path) -> list[str]:
    """The Python blocks of a page, in order."""
    return [code for language, code in FENCE.findall(page.read_text(encoding="utf-8")) if language == "python"]


def targets(page: Path) -> Iterator[str]:
    """Where the relative links of a page lead; code is no text."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    yield from (link for link in LINK.findall(re.sub(r"`[^`\n]*`", "", text)) if "://" not in link)


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def run(code: str, page: Path, names: dict[str, Any]) -> None:
    exec(compile(code, named(page), "exec"), names)


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


def test_the_tree_of_the_design_names_every_room_and_what_is_in_the_rooms_of_methods() -> None:
    blocks = FENCE.findall((ROOT / "docs" / "design.md").read_text(encoding="utf-8"))
    (tree,) = (text for language, text in blocks if language == "text" and text.startswith("core/"))
    words = set(re.findall(r"\w+(?:/|\.py)?", tree))
    for room in ("core", "modalities", "recipes"):
        folders = {path.parent.name for path in (ROOT / room).glob("*/__init__.py")}
        assert {f"{name}/" for name in folders} <= words, room
    assert {path.name for path in (ROOT / "core").glob("*.py")} - {"__init__.py"} <= words
    for room in ("methods", "objective", "segmenter", "grouper"):
        stems = {path.stem for path in (ROOT / "core" / room).glob("*.py")} - {"__init__", "base"}
        assert stems <= words, room


@pytest.mark.parametrize("name", MODALITIES.names())
def test_the_page_of_every_modality_has_the_same_shape(name: str) -> None:
    """What is an item, an element, a view and an object, then the same questions in the same order."""
    title, _, *rest = (ROOT / "modalities" / name / "README.md").read_text(encoding="utf-8").splitlines()
    assert title == f"# {name.capitalize()}"
    rows = [line.split("|")[1].strip() for line in rest if line.startswith("|")]
    assert rows == ["word", "---", "item", "element", "view", "object"]
    answered = [found[1] for line in rest if (found := re.match(r"\*\*([^*]+)\.\*\* ", line))]
    wanted = ["Reading", "Views", "Encoders", "Out", "Limits"]
    assert [heading for heading in answered if heading in wanted] == wanted


def test_links_and_examples_are_found_at_all() -> None:
    assert sum(len(list(targets(page))) for page in LINKED) > 20
    assert {page.name for page in PAGES if blocks(page)} >= {"methods.md", "plug-in.md"}


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=named)
def test_the_examples_of_a_page_run_in_their_order(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": page.stem}
    for code in blocks(page):
        run(code, page, names)


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
    assert len(lines) <= 78
    assert len([line for line in lines if not line.startswith(("import", "from"))]) <= 66


@pytest.mark.parametrize("name", ["point_clouds", "sensors"])
def test_the_modalities_of_the_page_pass_every_law(name: str) -> None:
    assert [finding for finding in check(load_modality(f"{name}:MODALITY")) if not finding.passed] == []


def test_the_law_that_the_page_says_fails_without_the_crop_s_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    sensors: Any = importlib.import_module("sensors")

    def lie(_: Any, item: Any, rng: np.random.Generator) -> Any:
        size = 3 * len(item) // 4
        start = int(rng.integers(len(item) - size + 1))
        return item[start : start + size], Affine.of(scale=[1.0], offset=[0.0])

    monkeypatch.setattr(sensors.Crop, "__call__", lie)
    failed = [finding for finding in check(sensors.MODALITY) if not finding.passed]
    assert [finding.law.split(":")[0] for finding in failed] == ["locality"]
    assert "appears in view elements" in failed[0].counterexample


@pytest.mark.parametrize(
    ("name", "bad", "reason"),
    [
        ("sensors", np.ones(64), r"flat\.npy: must hold at least 32 samples × 3 finite channels, got \(64,\)"),
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
