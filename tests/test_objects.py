"""A modality of somebody else on the command line: as a file of one's own, and as a distribution of one's own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.discovery.groupers import Along, ChangePoints, KMeans
from gestalt.core.modality.plugins import load_modality
from gestalt.recipes.objects.recipe import default_finder

PLUG_INS = Path(__file__).parents[1] / "docs" / "plug-ins"
GESTALT = [sys.executable, "-m", "gestalt"]
TRAINED = [
    "--steps", "3", "--batch", "4", "--warmup", "1", "--log-every", "1",
    "--accelerator", "cpu", "--workers", "0", "--threads", "1",
]  # fmt: skip
HEADS = ["--method.heads.hidden", "16", "--method.heads.projection", "8"]
TINY = [*TRAINED, *HEADS, "--method.switch", "2"]
METHODS = {"byol": ["--method", "byol", *HEADS, *TRAINED], "odin-warm-start": TINY}
NAMES = {"point_clouds": "clouds", "motion": "motion"}
HOSTILE = "ä <img src=x onerror=alert(1)> 语.npy"


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the plug-ins of the docs, data of both kinds, one of hostile name, and one bad file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(PLUG_INS))
    for name in NAMES:
        modality = load_modality(f"{name}:MODALITY")
        (tmp_path / name).mkdir()
        for number, specimen in enumerate([*modality.specimens()] * 2):
            np.save(tmp_path / name / (HOSTILE if number == 0 else f"{number}.npy"), specimen.item)
        (tmp_path / name / "bad.npy").write_text("no array")
    return tmp_path


def found(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "objects.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(("name", "method"), [("point_clouds", "byol"), ("motion", "odin-warm-start")])
def test_a_modality_in_a_file_trains_reports_discovers_and_embeds(
    name: str, method: str, there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = f"{name}:MODALITY"
    run = ["run", "objects", "--modality", path, "--data", name, "--out", "run", *METHODS[method]]
    assert execute([*run, "--skip-bad"]) == 0
    assert "bad.npy" in capsys.readouterr().err
    page = (there / "run" / "report.html").read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert "bad.npy" in page
    assert f"gestalt discover run {name} --out found --modality {path}" in page
    assert f"gestalt report run --modality {path}" in page
    with pytest.raises(ValueError, match=f"not imported unasked; if you trust that code, name it: --modality {path}"):
        execute(["discover", "run", name])
    again = ["--modality", path, "--skip-bad"]
    assert execute(["discover", "run", name, "--out", "found", *again]) == 0
    assert execute(["embed", "run", name, "--out", "vectors", *again]) == 0
    modality = load_modality(path)
    records = found(there / "found")
    assert len(records) == 6
    assert {Path(record["item"]).name for record in records} >= {HOSTILE, "1.npy"}
    for record in records:
        item = np.load(record["item"])
        own = modality.encoders["raw"]()(modality.collate([item]))
        assert len(record["objects"]) == own.values.shape[1]
        assert (record["edges"] is None) == (own.grid is None)
    pictures = (there / "found" / "objects.html").read_text(encoding="utf-8")
    assert pictures.count("<svg") == 6
    assert "<img src=x" not in pictures
    elements = pyarrow.parquet.read_table(there / "vectors" / "elements.parquet")
    assert elements.num_rows == sum(len(record["objects"]) for record in records)
    encoder = gestalt.load("run", modality=path).encoder
    assert encoder.dim == elements["vector"].type.list_size


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "name the data type by --modality: "),
        (["--modality", "motion:MODALITY"], "name your files and folders by --data"),
        (["--modality", "motion:MODALITY", "--data", "nowhere"], "nowhere does not exist"),
        (["--modality", "motion:MODALITY", "--data", "motion"], r"bad\.npy: .*--skip-bad"),
        (["--modality", "motion:MODALITY", "--data", "motion", "--encoder", "con"], "did you mean 'conv'"),
    ],
)
def test_what_is_missing_is_asked_for(there: Path, more: list[str], said: str) -> None:  # noqa: ARG001
    with pytest.raises((ValueError, OSError), match=said):
        execute(["run", "objects", *more, *TINY])


def test_the_grouper_follows_from_the_axes_of_the_elements(there: Path) -> None:  # noqa: ARG001
    modalities = {name: load_modality(f"{name}:MODALITY") for name in NAMES}
    groupers = {name: default_finder(one, one.encoders["raw"]()).grouper for name, one in modalities.items()}
    assert isinstance(groupers["motion"], Along)
    assert isinstance(groupers["motion"].grouper, ChangePoints)
    assert isinstance(groupers["point_clouds"], KMeans)


def test_another_way_of_finding_objects_is_named_with_its_settings(there: Path) -> None:
    named = ["--modality", "motion:MODALITY", "--data", "motion", "--skip-bad", "--out", "run"]
    finder = ["--finder", "default", "--finder.grouper", "k-means", "--finder.grouper.objects", "3"]
    assert execute(["run", "objects", *named, *finder, *TINY]) == 0
    model = gestalt.load(there / "run", modality="motion:MODALITY")
    assert model.finder is not None
    assert isinstance(model.finder.grouper, KMeans)
    assert model.finder.grouper.objects == 3
    assert model.finder.extra_features is None


def test_a_separate_distribution_adds_its_modalities(there: Path) -> None:
    """Built, installed and used as a stranger would, without a network."""
    source, target = there / "source", there / "target"
    shutil.copytree(PLUG_INS, source, ignore=shutil.ignore_patterns("__pycache__"))
    install = ["-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    here = ["--disable-pip-version-check", "--target", str(target), str(source)]
    subprocess.run([sys.executable, *install, *here], check=True, capture_output=True, text=True)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(target), os.environ.get("PYTHONPATH", "")])}

    def said(*arguments: str) -> str:
        command = [*GESTALT, *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=there)
        assert done.returncode == 0, done.stderr
        return done.stdout

    listed = dict(line.split() for line in said("modalities").splitlines())
    assert listed.items() >= {"clouds": "point_clouds:MODALITY", "motion": "motion:MODALITY"}.items()
    assert said("check-modality", "clouds").endswith("clouds: every law holds\n")
    said("run", "objects", "--modality", "motion", "--data", "motion", "--skip-bad", "--out", "run", *TINY)
    said("discover", "run", "motion", "--skip-bad", "--out", "found")  # installed: not named again
    assert len(found(there / "found")) == 6
