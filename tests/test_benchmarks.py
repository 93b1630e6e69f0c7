"""The comparison of two versions sees what became slower; a measurement that fails takes no other with it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from benchmarks import __main__ as runner
from benchmarks import compare, device, modalities
from benchmarks.long_items import FILES
from benchmarks.measuring import in_turn, report


def written(folder: Path, **ratios: float) -> str:
    folder.mkdir()
    report("steps", ["step", "ms"], [["a", "1.0"]], {"torch": "2"}, folder / "steps.json", ratios)
    return str(folder)


def test_a_ratio_that_grew_by_more_than_a_tenth_is_seen_and_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = written(tmp_path / "old", slow=1.0, same=1.0, fast=2.0)
    new = written(tmp_path / "new", slow=1.12, same=1.08, fast=1.0, added=3.0)
    capsys.readouterr()
    assert compare.main(compare.Options(old, new)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "worse" in line and "|" in line] == ["| steps: slow | 1.00 | 1.12 | worse |"]
    assert "| steps: added |  | 3.00 |  |" in lines
    assert compare.main(compare.Options(old, new, beyond=0.2)) == 0


def test_a_ratio_that_is_gone_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = written(tmp_path / "old", one=1.0, two=1.0), written(tmp_path / "new", one=1.0)
    assert compare.main(compare.Options(old, new)) == 1
    assert "not measured any more: steps: two" in capsys.readouterr().err


def test_what_is_no_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match="holds no ratios"):
        compare.main(compare.Options(str(tmp_path / "empty"), str(tmp_path / "empty")))
    with pytest.raises(SystemExit, match="nothing is neither a folder nor a commit"):
        compare.main(compare.Options("nothing", "nothing"))


def test_one_failure_ends_no_other_measurement_and_leaves_no_old_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(command: list[str], **given: Any) -> subprocess.CompletedProcess[str]:  # noqa: ARG001
        name, file = command[2].removeprefix("benchmarks."), Path(command[4])
        if name == "rivals":
            return subprocess.CompletedProcess(command, 1)
        file.write_text(json.dumps({"ratios": {name: 1.5}}))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    (tmp_path / "rivals.json").write_text(json.dumps({"ratios": {"old": 1.0}}))
    assert runner.main(runner.Options(tmp_path)) == 1
    assert "failed, with no numbers: rivals" in capsys.readouterr().err
    names = [name for name in runner.NAMES if name != "rivals"]
    assert compare.read(tmp_path) == {f"{name}: {name}": 1.5 for name in names}


def test_operations_of_a_step_are_those_of_its_equations(tmp_path: Path) -> None:
    """ViT-S/16 of 32 × 32 pixels has 5 tokens; BYOL has two views, 2 + 1 passes each, and the teacher's."""
    tokens, width, depth, batch = 5, 384, 12, 2
    block = 2 * tokens * (4 * width**2 + 2 * 4 * width**2) + 2 * 2 * tokens**2 * width
    network = depth * block + 2 * (tokens - 1) * 3 * 16**2 * width
    heads = 2 * (width * 4096 + 4096 * 256) + 2 * (256 * 4096 + 4096 * 256)
    expected = batch * (2 * (3 + 1) * network + 2 * 3 * heads)
    device.main(
        device.Options("cpu", ("vit-s16",), ("byol",), ("32-true",), False, batch, 32, 2, square=64, out=tmp_path / "n")
    )
    found = json.loads((tmp_path / "n").read_text())
    (row,) = found["rows"]
    milliseconds, rate = float(row["ms: median (quartiles)"].split()[0]), float(row["TFLOP/s"])
    assert rate * 1e12 * milliseconds / 1000 == pytest.approx(expected, rel=0.15, abs=0.06e12 * milliseconds / 1000)
    (kept,) = found["ratios"].values()
    assert 1 / kept == pytest.approx(float(row["share of the peak"].rstrip("%")) / 100, abs=0.006)


def test_one_round_is_refused_since_it_has_no_spread() -> None:
    rounds: list[int] = []
    with pytest.raises(ValueError, match=r"repeats \(--repeats\) must be at least 2, .* got 1"):
        in_turn({"one": lambda: rounds.append(1)}, 1, torch.device("cpu"))
    assert rounds == []
    assert len(in_turn({"one": lambda: rounds.append(1)}, 2, torch.device("cpu"))["one"]) == 2


@pytest.mark.parametrize("name", ["text", "table"])
def test_every_modality_takes_steps_on_the_rows_or_windows_of_its_file(name: str, tmp_path: Path) -> None:
    """Of tables the network follows from the columns that are read."""
    path = FILES[name].write(tmp_path, 20)
    found = modalities.measure(name, path, 2, 2)
    assert len(found.views) == len(found.step) == 2
    assert found.windows == {"text": 1, "table": 20}[name]
