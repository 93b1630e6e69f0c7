"""Cells of tables are measured once, and kept."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from gestalt.core.evaluation import Column, Table, combined
from gestalt.core.experiment.cells import measured, table_of_seed, write_table


def test_a_cell_is_measured_once_and_its_run_removed(tmp_path: Path) -> None:
    runs = []

    def measure(run: Path) -> Mapping[str, float]:
        run.mkdir(parents=True)
        runs.append(run)
        return {"ARI": 0.1 + 0.2}

    for _ in range(2):
        assert measured(tmp_path / "cell", measure, {}) == {"ARI": 0.1 + 0.2}
    assert runs == [tmp_path / "cell" / "run"]
    assert not runs[0].exists()
    measured(tmp_path / "other", measure, {}, keep_run=True)
    assert runs[1].is_dir()


def test_a_cell_that_is_stopped_is_not_kept_and_its_run_stays(tmp_path: Path) -> None:
    def stopped(run: Path) -> Mapping[str, float]:
        run.mkdir(parents=True)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measured(tmp_path / "cell", stopped, {})
    assert (tmp_path / "cell" / "run").is_dir()
    assert measured(tmp_path / "cell", lambda run: {"was there": float(run.is_dir())}, {}) == {"was there": 1.0}


def test_a_table_is_written_as_it_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = [Column("ARI"), Column("mBO")]
    seeds = [table_of_seed(f"seed {seed}", columns, {"k-means": {"ARI": 0.5 + seed / 4}}) for seed in range(2)]
    table = combined(seeds, "Two seeds", "What it means.")
    write_table(tmp_path, table)
    shown = capsys.readouterr().out
    assert (tmp_path / "table.md").read_text(encoding="utf-8") == shown.removesuffix("\n")
    assert shown.startswith("Two seeds\n\n| method |")
    assert shown.endswith("\n\nWhat it means.\n\n")
    assert "| k-means | 0.62 ± 0.18 | – |" in shown
    assert Table.from_json((tmp_path / "table.json").read_text(encoding="utf-8")) == table
