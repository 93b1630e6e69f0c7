"""The recipe molecules from end to end: what a run leaves, and what discover and embed write."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from gestalt.cli.commands import execute
from gestalt.core.data.items import BadItemError
from gestalt.core.evaluation import Table
from gestalt.recipes.molecules.corpus import shipped as corpus
from gestalt.recipes.molecules.corpus.shipped import ASK, DRUGS, LEARN, SAMPLES
from gestalt.recipes.molecules.results import COLUMNS

TINY = [
    "--steps", "4", "--batch", "8", "--method.hidden", "16",
    "--encoder.width", "16", "--encoder.layers", "2",
    "--warmup", "2", "--log-every", "1", "--tuning", "3",
    "--accelerator", "cpu", "--workers", "0", "--threads", "1",
]  # fmt: skip
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run on every twentieth of the shipped molecules."""
    few, out = tmp_path_factory.mktemp("few"), tmp_path_factory.mktemp("runs") / "molecules"
    for name in (DRUGS, LEARN, ASK):
        head, *lines = (SAMPLES / name).read_text().splitlines()
        (few / name).write_text("\n".join([head, *lines[:: 20 if name != ASK else 10]]) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "SAMPLES", few)
        assert execute(["run", "molecules", "--out", str(out), *TINY, "--compare", "byol-small"]) == 0
    return out


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few molecules with awkward names: a salt, a single atom, and a broken line."""
    path = tmp_path_factory.mktemp("mine") / "Moleküle 鳥.smi"
    path.write_text(
        f"CC(=O)Oc1ccccc1C(=O)O {HOSTILE}\n[Na+].[Cl-] salt\nC methane\nC1CC broken\nCCOC(=O)C=C acrylate\n"
    )
    return path


def test_the_table_has_every_way_and_the_metrics_that_it_has(shipped: Path) -> None:
    table = Table.from_json((shipped / "table.json").read_text())
    assert table.columns == COLUMNS
    filled = {row.method: [bool(values) for values in row.values] for row in table.rows}
    parts = {"ARI", "mBO", "ARI to BRICS", "mBO to BRICS", "parts"}
    everything = {column.name for column in COLUMNS}
    named = {
        method: {column.name for column, there in zip(COLUMNS, row, strict=True) if there}
        for method, row in filled.items()
    }
    assert named["computed targets"] == named["BYOL, small heads"] == everything
    assert named["random encoder, as the run finds parts"] == everything
    assert named["rotatable bonds cut"] == named["communities of bonds (Louvain)"] == parts
    assert named["Morgan fingerprints, random forest"] == {"probe RMSE", "probe AUC"}
    lines = {name for name in everything - parts if "tuned" not in name}
    assert named["descriptors, linear"] == named["Morgan fingerprints, linear"] == lines
    assert all(np.isfinite(value) for row in table.rows for values in row.values for value in values)
    page = (shipped / "report.html").read_text()
    assert page.count("<svg") >= 12, "three molecules before and after, found and true"


def test_a_run_finds_parts_and_gives_vectors_of_new_molecules(shipped: Path, library: Path, tmp_path: Path) -> None:
    for what in ("discover", "embed"):
        assert execute([what, str(shipped), str(library), "--out", str(tmp_path / what), "--skip-bad"]) == 0
    rows = list(csv.DictReader((tmp_path / "discover" / "parts.csv").read_text(encoding="utf-8").splitlines()))
    assert sum(len(row["atoms"].split()) for row in rows) == 13 + 2 + 1 + 7, "every atom is in one part"
    assert np.load(tmp_path / "embed" / "vectors.npz")["items"].shape == (4, 16)


def test_a_run_on_ones_own_molecules_reports_without_a_table(library: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    assert execute(["run", "molecules", "--data", str(library), "--out", str(out), "--skip-bad", *TINY]) == 0
    page = (out / "report.html").read_text()
    assert not (out / "table.json").exists()
    assert "line 4" in page
    assert HOSTILE not in page
    assert json.loads((out / "config.json").read_text())["encoder"]["settings"]["width"] == 16


def test_networks_are_not_molecules(tmp_path: Path) -> None:
    path = tmp_path / "net.edgelist"
    path.write_text("a b\nb c\n")
    with pytest.raises(BadItemError, match="this recipe takes molecules"):
        execute(["run", "molecules", "--data", str(path), "--out", str(tmp_path / "run"), *TINY])
