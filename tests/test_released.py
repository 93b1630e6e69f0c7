"""What a public repository promises: versions, workflows, pages of the project; and a computer without a GPU."""

import re
import runpy
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

import gestalt
from gestalt.core.modality.plugins import load_modality
from gestalt.core.networks.devices import check_device
from gestalt.core.training.loop import launch
from gestalt.core.training.options import Training
from tests.tiny_runs import tiny_run

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements() -> list[str]:
    """What is required, in all extras."""
    extras = [one for extra in PROJECT["optional-dependencies"].values() for one in extra]
    return [one for one in (*PROJECT["dependencies"], *extras) if not one.startswith("gestalt-ssl")]


def test_every_requirement_has_one_lower_bound_and_it_is_the_version_that_is_tested_as_the_lowest() -> None:
    lines = (ROOT / ".ci" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    lowest = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    bounds: dict[str, set[str]] = {}
    for one in requirements():
        found = re.match(r"([\w.-]+)(?:\[[\w,]+\])?>=([\d.]+)", one)
        assert found, f"{one} has no lower bound"
        bounds.setdefault(found[1], set()).add(found[2])
    assert {name: {version} for name, version in lowest.items()} == bounds


def workflow(name: str) -> Any:
    """A workflow of GitHub Actions."""
    return yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8"))


def test_the_workflow_runs_the_gate_on_every_version_and_a_part_of_it_on_every_system() -> None:
    jobs = workflow("gate.yml")["jobs"]
    classifiers = PROJECT["requires-python"]
    assert classifiers == f">={jobs['gate']['strategy']['matrix']['python'][0]}"
    systems = {one["system"].partition("-")[0] for one in jobs["some"]["strategy"]["matrix"]["include"]}
    assert systems == {"ubuntu", "windows", "macos"}
    for one in jobs["some"]["strategy"]["matrix"]["include"]:
        assert (ROOT / ".ci" / f"{one['versions']}.txt").is_file()
    runs = [step.get("run", "") for job in jobs.values() for step in job["steps"]]
    called = {line.removeprefix("bash ").partition(" ")[0] for line in runs}
    assert {".ci/run", ".ci/some"} <= called


def test_the_part_of_the_tests_names_tests_that_exist() -> None:
    named = re.findall(r"tests/test_\w+\.py", (ROOT / ".ci" / "some").read_text(encoding="utf-8"))
    assert len(named) > 5
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_release_notes_are_the_section_of_the_version() -> None:
    written = "# Changelog\n\n## [Unreleased]\n\n- c\n\n## [0.2.0] - 2026-01-02\n\n- b\n- a\n\n## [0.1.0]\n\n- z\n"
    notes = runpy.run_path(str(ROOT / ".ci" / "notes.py"))["notes"]
    assert notes(written, "0.2.0") == "- b\n- a"
    assert notes(written, "0.1.0") == "- z"
    with pytest.raises(ValueError, match=r"has no section \[0\.3\.0\]"):
        notes(written, "0.3.0")


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name)
def test_forms_and_workflows_are_sound_yaml(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


def test_the_pages_of_the_project_are_short() -> None:
    for name in ("CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "SECURITY.md"):
        assert 0 < len((ROOT / name).read_text(encoding="utf-8").splitlines()) < 60, name


def test_the_scripts_of_the_gate_are_sound() -> None:
    for name in ("run", "some"):
        subprocess.run(["bash", "-n", ROOT / ".ci" / name], check=True)


@pytest.fixture
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch that was built for CPUs alone."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


SAID = r"needs a GPU that is not to be had \(torch .* was built for CPUs alone\): take {} cpu, or install a torch that"


@pytest.mark.usefixtures("without_gpu")
def test_a_torch_for_cpus_alone_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--accelerator cuda " + SAID.format("--accelerator")):
        launch(Training(accelerator="cuda"))
    run = tiny_run(tmp_path / "run", load_modality("text"))
    with pytest.raises(ValueError, match="--device cuda:1 " + SAID.format("--device")):
        gestalt.load(run, device="cuda:1")
    with pytest.raises(ValueError, match=r"--device mps needs a GPU .* finds no such GPU"):
        check_device("mps", "--device")
    assert gestalt.load(run, device="cpu").device == torch.device("cpu")
    check_device("auto", "--accelerator")
