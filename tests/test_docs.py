"""The documentation is true: links lead somewhere, examples run, commands are understood, names exist."""

import ast
import importlib
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import gestalt
from gestalt.cli.commands import COMMANDS, execute
from gestalt.core.components.registry import METHODS, MODALITIES, RECIPES
from gestalt.core.conformance import check
from gestalt.core.data.correspondence import Affine
from gestalt.core.data.items import BadItemError
from gestalt.core.methods.presets import Preset
from gestalt.core.modality.plugins import load_modality
from gestalt.core.training.options import Training

ROOT = Path(__file__).parents[1]
PLUG_INS = ROOT / "docs" / "plug-ins"
PAGES = [path for path in sorted((ROOT / "docs").rglob("*.md")) if "plug-ins" not in path.parts]
LINKED = [*PAGES, *sorted(ROOT.glob("*.md")), *sorted((ROOT / "modalities").glob("*/README.md"))]
PRESENT = [page for page in LINKED if page.name != "CHANGELOG.md"]
"""Pages that describe the package as it is, not as it was."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
INLINE = re.compile(r"`([^`\n]+)`")


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
    wanted = ["Reading", "Views", "Encoders", "Out", "Limits"]
    assert [heading for heading in answered if heading in wanted] == wanted


def test_links_examples_and_commands_are_found_at_all() -> None:
    assert sum(len(list(targets(page))) for page in LINKED) > 20
    assert {page.name for page in PAGES if blocks(page)} >= {
        "index.md",
        "methods.md",
        "odin.md",
        "semppl.md",
        "plug-in.md",
    }
    assert len(blocks(ROOT / "README.md")) == 3
    assert sum(len(list(commands(page))) for page in PRESENT) > 15
    assert sum(len(list(options(page))) for page in PRESENT) > 40
    assert sum(len(list(expressions(page))) for page in PRESENT) > 40


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=named)
def test_the_examples_of_a_page_run_in_their_order(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": page.stem}
    for code in blocks(page):
        run(code, page, names)


def test_the_lines_of_the_readme_run_as_they_stand_on_a_folder_of_recordings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """But for the number of steps, which is two."""

    def short(training: Training, preset: Preset) -> Training:  # noqa: ARG001
        return replace(training, steps=2, batch=4, workers=0, warmup=0, log_every=1, accelerator="cpu")

    monkeypatch.setattr(importlib.import_module("gestalt.recipes.objects.train"), "with_preset", short)
    monkeypatch.chdir(tmp_path)
    Path("recordings").mkdir()
    for number in range(2):
        tone = np.sin(np.arange(5 * 16_000) * (0.1 + 0.2 * number)) * (np.arange(5 * 16_000) % 16_000 < 4_000)
        soundfile.write(f"recordings/{number}.wav", 0.3 * tone, 16_000)
    names: dict[str, Any] = {"__name__": "readme"}
    for code in blocks(ROOT / "README.md"):
        run(code, ROOT / "README.md", names)
    assert "tensor(" in capsys.readouterr().out
    assert Path("runs/mine/report.html").is_file()
    written_out, built = names["learner"], gestalt.Odin().build(names["model"].encoder, gestalt.DataInfo())
    assert {name: weight.shape for name, weight in written_out.state_dict().items()} == {
        name: weight.shape for name, weight in built.state_dict().items()
    }


def code_of(page: Path) -> Iterator[str]:
    """What a page shows of shells and of code: blocks, indented lines, and inline code."""
    text = page.read_text(encoding="utf-8")
    yield from (code for language, code in FENCE.findall(text) if language != "python")
    prose = FENCE.sub("", text)
    yield "\n".join(line.strip() for line in prose.splitlines() if line.startswith("    "))
    yield from inline(page)


def inline(page: Path) -> Iterator[str]:
    """The inline code of a page."""
    yield from INLINE.findall(FENCE.sub("", page.read_text(encoding="utf-8")))


def commands(page: Path) -> Iterator[list[str]]:
    """The arguments of every `gestalt …` of a page, those with gaps left out."""
    for code in code_of(page):
        for line in code.replace("\\\n", " ").splitlines():
            for found in re.findall(r"(?:^|[/\s])gestalt (.+)", line):
                words = shlex.split(found, comments=True)
                if len(words) > 1 and words[0] in COMMANDS and not {"…", "RECIPE"} & set(words):
                    yield [word.replace("package.module:OBJECT", "audio") for word in words]


def options(page: Path) -> Iterator[list[str]]:
    """Inline options of a page, those with gaps left out."""
    for code in inline(page):
        words = shlex.split(code) if code.startswith("--") else []
        if words and not any(word.isupper() or "…" in word for word in words):
            yield words


def runs_of(page: Path) -> list[list[str]]:
    """The runs that a page is about: one of its options must be an option of one of them."""
    if page.parent.name == "recipes":
        return [["run", page.stem]]
    if page.parent.parent.name == "modalities":
        start = {"graph": "molecules"}.get(page.parent.name, page.parent.name)
        return [["run", name] for name in RECIPES.names() if name.startswith(start)]
    if page.stem in ("plug-in", "extending"):
        return [["run", "objects", "--data", "FOLDER", "--modality", "audio"]]
    if page.parent.name == "methods":
        return [["run", "audio-events", "--method", name] for name in METHODS.names() if name.startswith(page.stem)]
    return [["run", "audio-events"]]


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands stop where their work would begin."""
    for module, name in (
        ("experiment.run", "run"),
        ("experiment.seeds", "run_seeds"),
        ("runs.discover", "discover"),
        ("runs.embed", "embed"),
        ("runs.predict", "predict"),
    ):
        monkeypatch.setattr(importlib.import_module(f"gestalt.core.{module}"), name, lambda *_: 0)
    labels_table = importlib.import_module("gestalt.recipes.labels_table.recipe")
    monkeypatch.setattr(labels_table.LabelsTable, "run", lambda _: 0)
    monkeypatch.setattr(importlib.import_module("gestalt.core.conformance"), "findings", lambda _: ())


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("page", [page for page in PRESENT if list(commands(page))], ids=named)
def test_the_commands_of_a_page_are_understood(page: Path) -> None:
    for words in commands(page):
        try:
            code: Any = execute(words)
        except SystemExit as stopped:  # --help
            code = stopped.code
        assert code == 0, f"{named(page)}: gestalt {shlex.join(words)}"


def understood(words: list[str], capsys: pytest.CaptureFixture[str]) -> bool:
    """Whether every option of a command exists; it may be named without its value."""
    try:
        execute(words)
    except SystemExit:
        said = capsys.readouterr().err
        return "Missing value" in said and "nrecognized" not in said
    except ValueError as error:
        return "needs a value" in str(error)
    return True


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("page", [page for page in PRESENT if list(options(page))], ids=named)
def test_the_options_that_a_page_names_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in options(page):
        assert any(understood([*run, *words], capsys) for run in runs_of(page)), f"{named(page)}: {shlex.join(words)}"


def expressions(page: Path) -> Iterator[tuple[str, set[str]]]:
    """Inline code of a page that builds something public, or is an argument that does, and the names that it needs.

    Code with names of its own is left out: it cannot be evaluated.
    """
    for code in inline(page):
        call = re.match(r"(?:\w+=)?([A-Z]\w*)\(.*\)$", code)
        if call and call[1] in gestalt.__all__ and "…" not in code:
            nodes = [node for node in ast.walk(ast.parse(f"dict({code})")) if isinstance(node, ast.Name)]
            used = {node.id for node in nodes if isinstance(node.ctx, ast.Load)}
            names = used - {node.id for node in nodes if isinstance(node.ctx, ast.Store)} - {"dict", "range", "K"}
            if names <= set(gestalt.__all__):
                yield code, names


@pytest.mark.parametrize("page", [page for page in PRESENT if list(expressions(page))], ids=named)
def test_the_expressions_of_a_page_build_what_they_name(page: Path) -> None:
    for code, names in expressions(page):
        argument = re.match(r"\w+=(?!=)", code)
        eval(f"dict({code})" if argument else code, {name: getattr(gestalt, name) for name in names} | {"K": 4})


def dotted(page: Path) -> set[str]:
    """Names below `gestalt` in the code of a page."""
    code = [*blocks(page), *inline(page)]
    return {name for text in code for name in re.findall(r"\bgestalt(?:\.[A-Za-z_]\w*)+", text)}


@pytest.mark.parametrize("page", [page for page in PRESENT if dotted(page)], ids=named)
def test_the_names_of_the_package_on_a_page_exist(page: Path) -> None:
    project: Mapping[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for name in dotted(page) - set(project["entry-points"]):
        value: Any = gestalt
        for place, part in enumerate(parts := name.split(".")[1:], start=1):
            if not hasattr(value, part):
                value = importlib.import_module(".".join(["gestalt", *parts[:place]]))
            else:
                value = getattr(value, part)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_python_that_is_shown_without_being_run_is_inline(page: Path) -> None:
    """A block of another language or none holds no Python that nobody runs."""
    for language, code in FENCE.findall(page.read_text(encoding="utf-8")):
        if language in ("", "text"):
            with pytest.raises(SyntaxError):
                ast.parse(code)


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
