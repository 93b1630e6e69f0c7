"""What is released: a source distribution, and a wheel built of it that has every file and works by itself."""

import email
import os
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.fresh import called, installed
from tests.pages import PLUG_INS, START, blocks, named
from tests.start_files import FILES, SHORT, commands, extras, missing_files

ROOT = Path(__file__).parents[1]
LINKED = ("core", "modalities", "recipes")
BESIDE = ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff")
BUILD = "import setuptools.build_meta as b, sys; getattr(b, 'build_' + sys.argv[1])(sys.argv[2])"
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*")
LINES = "The old man saw the wide sea.\nBirds sing in the sky.\nShe left.\nThe sea was wide and the sky was old.\n"


def built(what: str, source: Path, out: Path) -> Path:
    """A distribution of a source tree, by the build backend that `pip` calls."""
    out.mkdir()
    called(sys.executable, "-c", BUILD, what, out, cwd=source)
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution of this checkout, built of a copy."""
    source = tmp_path_factory.mktemp("source") / "gestalt"
    for name in LINKED:
        shutil.copytree(ROOT / name, source / name, ignore=NOT_SHIPPED)
    shutil.copytree(ROOT / "src", source / "src", symlinks=True, ignore=NOT_SHIPPED)
    for name in BESIDE:
        shutil.copy(ROOT / name, source / name)
    (source / "tests").mkdir()
    (source / "tests" / "test_alone.py").write_text("import tests.toy\n")  # what setuptools would take, and half of it
    return built("sdist", source, source.parent / "dist")


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built of what the source distribution holds."""
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return built("wheel", folder / sdist.name.removesuffix(".tar.gz"), folder / "dist")


def sources() -> set[str]:
    """Every file of the package as a wheel names it, symbolic links followed."""
    package = ROOT / "src" / "gestalt"
    files = {
        f"gestalt/{(Path(folder) / name).relative_to(package).as_posix()}"
        for folder, _, names in os.walk(package, followlinks=True)
        for name in names
        if "__pycache__" not in folder
    }
    return {name for name in files if not Path(name).name.startswith(".")}


def test_the_wheel_has_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
        beside = {name for name in names if ".dist-info/" in name}
        metadata = email.message_from_bytes(archive.read(next(name for name in beside if name.endswith("METADATA"))))
    assert names - beside == sources()
    assert {"gestalt/py.typed", "gestalt/__init__.pyi", "gestalt/core/report/page.html"} <= names
    for sample in ("audio/index.csv", "graph/README.md", "image/README.md", "speech/README.md", "text/README.md"):
        assert f"gestalt/recipes/samples/{sample}" in names
    assert any(name.endswith("/licenses/LICENSE") for name in beside)
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"


def test_the_source_distribution_has_no_symbolic_links_and_no_half_of_the_tests(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
    names = {member.name.partition("/")[2] for member in members}
    assert not [member.name for member in members if member.issym() or member.islnk()]
    assert not [name for name in names if name.startswith("tests")]
    assert {"LICENSE", "README.md", "CHANGELOG.md", "CITATION.cff", "src/gestalt/core/training/loop.py"} <= names


def test_the_installed_wheel_lists_methods_and_trains_far_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    scripts, work = installed(wheel, ["text"], tmp_path / "venv"), tmp_path / "work"
    python, gestalt = scripts / "python", scripts / "gestalt"
    work.mkdir()
    where = Path(called(python, "-c", "import gestalt; print(gestalt.__file__)", cwd=work).strip())
    assert where.is_relative_to(tmp_path / "venv")
    assert "usage: gestalt COMMAND" in called(gestalt, "--help", cwd=work)
    assert "odin: Odin" in called(gestalt, "methods", cwd=work)
    (work / "a.txt").write_text(LINES)
    training = ("--steps", "2", "--batch", "4", "--warmup", "0", "--workers", "0", "--threads", "1")
    text = ("--modality", "text", "--data", "a.txt", "--out", "run", "--accelerator", "cpu")
    assert "report: run" in called(gestalt, "run", "objects", *text, *training, cwd=work)
    assert "gestalt report run" in (work / "run" / "report.html").read_text(encoding="utf-8")


@pytest.mark.long
@pytest.mark.parametrize("page", START, ids=named)
def test_a_stranger_gets_through_the_first_five_minutes_with_the_page_and_the_wheel_alone(
    page: Path, wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command and block of Python of the page, with the libraries that its own line of `pip install` asks for."""
    scripts, work = installed(wheel, extras(page), tmp_path / "venv"), tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    FILES[page.stem]()
    if page.stem == "own-data":  # "copy motion.py to where you work"
        shutil.copy(PLUG_INS / "motion.py", work)
    for words in commands(page):
        called(scripts / "gestalt", *words, *(SHORT if words[0] == "run" else []), cwd=work)
    assert missing_files(page, work) == []
    for code in blocks(page):
        called(scripts / "python", "-c", code, cwd=work)


def test_what_the_extras_do_not_ask_for_is_not_in_the_new_environment(wheel: Path, tmp_path: Path) -> None:
    python = installed(wheel, [], tmp_path / "venv") / "python"
    called(python, "-c", "import gestalt, torch, numpy", cwd=tmp_path)
    with pytest.raises(AssertionError, match="No module named 'sklearn'"):
        called(python, "-c", "import sklearn", cwd=tmp_path)
