"""What the pages show is true: Python runs, commands and options are understood, names exist."""

import ast
import contextlib
import functools
import importlib
import io
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
from gestalt.core.components.registry import CLUSTERINGS, METHODS, RECIPES
from gestalt.core.methods.presets import Preset
from gestalt.core.training.options import Training
from tests.pages import FENCE, PAGES, PLUG_INS, PRESENT, ROOT, START, STORY, blocks, inline, named


@pytest.fixture(autouse=True)
def plug_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that the page shows lie in the working directory of whoever follows it."""
    monkeypatch.syspath_prepend(str(PLUG_INS))


def run(code: str, page: Path, names: dict[str, Any]) -> None:
    exec(compile(code, named(page), "exec"), names)


def test_examples_commands_and_names_are_found_at_all() -> None:
    assert {page.name for page in PAGES if blocks(page)} >= {
        "index.md",
        "methods.md",
        "odin.md",
        "semppl.md",
        "plug-in.md",
        "concepts.md",
    }
    assert len(blocks(ROOT / "README.md")) == 1
    assert sum(len(list(commands(page))) for page in PRESENT) > 15
    assert sum(len(list(options(page))) for page in PRESENT) > 40
    assert sum(len(list(expressions(page))) for page in PRESENT) > 40


@pytest.mark.filterwarnings("ignore:The given buffer is not writable:UserWarning")  # torch of its own file, once
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page) and page not in (*START, STORY)], ids=named)
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


def test_the_method_that_the_concepts_write_out_is_the_method() -> None:
    names: dict[str, Any] = {"__name__": "concepts"}
    for code in blocks(ROOT / "docs" / "concepts.md"):
        run(code, ROOT / "docs" / "concepts.md", names)
    written_out, built = names["learner"], gestalt.Odin().build(names["encoder"], gestalt.DataInfo())
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
        return [["run", page.stem], *(["run", page.stem, "--method", name] for name in ("odin-warm-start", "computed"))]
    if page.parent.parent.name == "modalities" and page.parent.name not in ("sensors", "points", "table"):
        start = {"graph": "molecules"}.get(page.parent.name, page.parent.name)
        return [["run", name] for name in RECIPES.names() if name.startswith(start)]
    if page.stem in ("files", "coming-from"):  # of all modalities
        joint = ["run", "objects", "--modality", "image+text", "--data", "FOLDER"]
        return [*(["run", name] for name in RECIPES.names()), joint]
    if page.stem == "methods-table":
        return [["run", page.stem]]
    if page.stem == "types":
        ways = [["types", "runs/mine", "FOLDER", "--by", way] for way in CLUSTERINGS.names()]
        return [*ways, ["run", "audio-events"], ["fit", "runs/mine", "FOLDER"]]
    if page.stem == "clusters":
        return [["regroup", "runs/mine", "FOLDER"], ["run", "image-objects"]]
    if page.stem == "end-to-end":
        return [["run", "named-events"]]
    if page.stem == "targets":
        return [["fit", "runs/mine", "FOLDER"], ["evaluate", "runs/mine", "FOLDER"]]
    if page.stem == "evaluation":
        return [["evaluate", "runs/mine", "FOLDER"]]
    if page.stem == "answers":
        fit = ["fit", "runs/mine", "FOLDER"]
        return [fit, [*fit, "--head", "convolution"], ["evaluate", "model", "FOLDER"]]
    if page.stem == "labels":
        return [["run", "audio-events"], ["fit", "runs/mine", "FOLDER"]]
    if page.stem == "scale":
        return [["run", "audio-events"], ["embed", "runs/mine", "FOLDER", "--engine", "ray"]]
    if page.stem == "search":
        return [["index", "runs/mine", "FOLDER"], ["search", "archive", "bird.wav"], ["duplicates", "archive"]]
    if page.stem == "shards":
        return [["pack", "FOLDER", "--modality", "image", "--out", "shards"], ["run", "audio-events"]]
    if page.stem == "exports":
        return [["export", "runs/mine"]]
    if page.stem == "joint":
        joint = ["run", "objects", "--data", "FOLDER", "--modality", "image+text"]
        by = ["--encoder", "transformer", "--method", "mae"]
        return [
            [*joint, "--encoder", "joint"],
            [*joint, *by],
            [*joint, "--method", "clip"],
            [*joint, "--encoder", "transformer"],
        ]
    if page.stem in ("plug-in", "extending"):
        return [["run", "objects", "--data", "FOLDER", "--modality", "audio"]]
    if page.stem == "sensors" or page.parent.name == "sensors":
        run = ["run", "objects", "--data", "FOLDER", "--modality", "sensors", "--encoder", "conv"]
        return [
            run,
            [*run, "--finder", "default", "--finder.grouper", "change-points"],
            ["discover", "runs/mine", "FOLDER"],
        ]
    if page.stem == "tables" or page.parent.name == "table":
        run = ["run", "objects", "--data", "FILE", "--modality", "table"]
        fit = ["fit", "runs/mine", "FILE", "--label-column", "outcome"]
        return [run, fit, ["discover", "runs/mine", "FILE"]]
    if page.parent.name == "points":
        return [["run", "objects", "--data", "FOLDER", "--modality", "points"]]
    if page.parent.name == "start":
        return [["run", name] for name in RECIPES.names()]
    if page.parent.name == "methods":
        own = [["run", "audio-events", "--method", name] for name in METHODS.names() if name.startswith(page.stem)]
        return [*own, *([*run, "--method.beside", "byol"] for run in own if run[-1] == "computed")]
    return [["run", "audio-events"], ["run", "audio-events", "--encoder", "wav2vec2"]]


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands stop where their work would begin."""
    for module, name in (
        ("experiment.run", "run"),
        ("experiment.again", "report_again"),
        ("experiment.seeds", "run_seeds"),
        ("runs.discover", "discover"),
        ("runs.types.command", "types"),
        ("runs.regroup", "regroup"),
        ("runs.fit", "fit"),
        ("runs.embed", "embed"),
        ("runs.predict", "predict"),
        ("runs.evaluate", "evaluate"),
        ("runs.pack", "pack"),
        ("runs.index", "index"),
        ("runs.search", "search"),
        ("runs.duplicates", "duplicates"),
        ("exports.command", "export_run"),
        ("experiment.shipped", "shipped_labels"),
    ):
        monkeypatch.setattr(importlib.import_module(f"gestalt.core.{module}"), name, lambda *_: 0)
    paths = importlib.import_module("gestalt.core.modality.named_paths")
    monkeypatch.setattr(paths, "named_paths", lambda named, *_: tuple(named))
    monkeypatch.setattr(importlib.import_module("gestalt.core.runs.saving"), "modality_of", lambda *_: None)
    for module in ("gestalt.recipes.audio_events.recipe", "gestalt.modalities.audio"):
        monkeypatch.setattr(importlib.import_module(module), "rate_of", lambda *_: 16_000)
    sensors = importlib.import_module("gestalt.modalities.sensors")
    monkeypatch.setattr(sensors, "common_rate", lambda *_: 100.0)
    monkeypatch.setattr(sensors, "channels_of", lambda *_: ("x", "y"))
    for program in map(RECIPES.load, RECIPES.names()):
        if hasattr(program, "run"):  # like a recipe, but with a way of its own
            monkeypatch.setattr(program, "run", lambda _: 0)
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


@functools.cache  # pages name the same options
def understood(words: tuple[str, ...]) -> bool:
    """Whether every option of a command exists; it may be named without its value."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            execute(words)
    except SystemExit:
        return "Missing value" in said.getvalue() and "nrecognized" not in said.getvalue()
    except ValueError as error:
        return "needs a value" in str(error) or (words[-1].startswith("--") and words[-1] in str(error))
    return True


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("page", [page for page in PRESENT if list(options(page))], ids=named)
def test_the_options_that_a_page_names_exist(page: Path) -> None:
    for words in options(page):
        assert any(understood((*run, *words)) for run in runs_of(page)), f"{named(page)}: {shlex.join(words)}"


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
