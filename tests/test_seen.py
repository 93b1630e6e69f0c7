"""What a run was trained on, or a model fitted to, is said where it is scored; and which column, and which files."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from gestalt.cli.commands import execute
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs import seen
from gestalt.core.runs.seen import TRAINED, Seen, seen_again, seen_by, write_seen
from gestalt.core.storage.names_of_runs import SEEN, WRITTEN
from gestalt.core.training.folder import RunFolder
from tests.tiny_runs import tiny_run

WORDS = ("sun", "rain")


def lines(path: Path, numbers: range) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(f"the {WORDS[number % 2]} of day {number}" for number in numbers) + "\n")
    return path


def labels(path: Path, numbers: range, column: str = "label") -> list[str]:
    rows = [f"a.txt,{number + 1},{WORDS[number % 2]}" for number in numbers]
    path.write_text("\n".join([f"file,line,{column}", *rows]))
    return ["--labels", str(path)]


def evaluated(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert execute(["evaluate", *arguments, "--resamples", "0"]) == 0
    return capsys.readouterr().err


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model that was fitted to the first eight of twelve lines."""
    monkeypatch.chdir(tmp_path)
    tiny_run(Path("run"), load_modality("text"))
    lines(Path("data/a.txt"), range(12))
    fitted = ["fit", "run", "data", *labels(Path("fit.csv"), range(8)), "--folds", "2", "--out", "model"]
    assert execute(fitted) == 0
    return Path("model")


def test_items_that_a_model_was_fitted_to_are_counted_where_they_are_scored(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    among = "items that are scored are among those that the model was fitted to: scores of these flatter"
    assert f"seen before: 8 of the 8 {among}" in evaluated(capsys, str(model), "data", *labels(Path("b.csv"), range(8)))
    assert f"seen before: 2 of the 6 {among}" in evaluated(
        capsys, str(model), "data", *labels(Path("b.csv"), range(6, 12))
    )
    assert "seen before" not in evaluated(capsys, str(model), "data", *labels(Path("b.csv"), range(8, 12)))
    shutil.move("data", "elsewhere")
    assert "8 of the 8" in evaluated(capsys, str(model), "elsewhere", *labels(Path("b.csv"), range(8)))
    lines(Path("other/a.txt"), range(20, 40))
    assert "seen before" not in evaluated(capsys, str(model), "other", *labels(Path("b.csv"), range(8)))
    (model / SEEN).write_text("{")
    with pytest.raises(ValueError, match=r"seen\.json"):
        evaluated(capsys, str(model), "elsewhere", *labels(Path("b.csv"), range(8)))


def test_a_run_keeps_what_it_was_trained_on_and_a_fit_to_it_does_so_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines(Path("data/a.txt"), range(12))
    command = ["run", "objects", "--modality", "text", "--data", "data", "--out", "run", "--steps", "1", "--batch", "4"]
    assert execute([*command, "--method", "byol"]) == 0
    among = "items that are scored are among those that the encoder was trained on: scores of these may flatter"
    protocols = ["--protocols", "knn", "--folds", "2"]
    known = labels(Path("b.csv"), range(12))
    assert f"seen before: 12 of the 12 {among}" in evaluated(capsys, "run", "data", *known, *protocols)
    assert execute(["fit", "run", "data", *labels(Path("c.csv"), range(6)), "--folds", "2", "--out", "model"]) == 0
    assert "6 of the 6 items that are scored are among those that the encoder was trained on" in evaluated(
        capsys, "model", "data", *labels(Path("b.csv"), range(6, 12))
    )


def test_of_many_items_a_sample_of_fingerprints_tells_the_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "KEPT", 64)
    items = load_modality("text").read([lines(tmp_path / "data" / "a.txt", range(2000))]).items
    kept = Seen.of(items, range(1000))
    assert (kept.count, len(kept.smallest)) == (1000, 64)
    write_seen(tmp_path, {TRAINED: kept})
    for asked, share in (
        (range(1000), 1.0),
        (range(300), 1.0),
        (range(500, 1500), 0.5),
        (range(1000, 2000), 0.0),
    ):
        found, exact = kept.share(items, asked)
        assert (abs(found - share) < 0.2, exact) == (True, False)
        said = seen_again(tmp_path, items, asked)
        assert said == () if share == 0 else "about" in said[0][1]


def sounds(folder: Path, rng: np.random.Generator, count: int = 3) -> Path:
    folder.mkdir()
    for number in range(count):
        soundfile.write(folder / f"{number:03}.wav", 0.1 * rng.standard_normal(8000), 16_000, subtype="PCM_16")
    return folder


def test_files_of_one_name_and_size_that_hold_something_else_were_not_seen(tmp_path: Path) -> None:
    rng, read = np.random.default_rng(0), load_modality("audio").read
    train, test = (read([sounds(tmp_path / name, rng)]).items for name in ("train", "test"))
    kept = Seen.of(train)
    assert (kept.share(train, range(3)), kept.share(test, range(3))) == ((1.0, True), (0.0, True))
    shutil.copytree(tmp_path / "train", tmp_path / "moved")
    assert kept.share(read([tmp_path / "moved"]).items, range(3)) == (1.0, True)
    write_seen(tmp_path, {TRAINED: kept})
    assert seen_by(tmp_path) == {TRAINED: kept}
    (tmp_path / SEEN).write_text((tmp_path / SEEN).read_text().replace('"ends": [', '"ends": [1, '))
    with pytest.raises(ValueError, match=r"3 fingerprints, which must be in order, and 4 digests"):
        seen_by(tmp_path)


def test_files_of_one_name_and_size_in_several_folders_are_all_known(tmp_path: Path) -> None:
    """As classes lie in folders: owl/000.wav, wren/000.wav."""
    rng, read = np.random.default_rng(0), load_modality("audio").read
    owl, wren, other = (read([sounds(tmp_path / name, rng)]).items for name in ("owl", "wren", "other"))
    for kept in (Seen.of(read([tmp_path / "owl", tmp_path / "wren"]).items), Seen.of(owl).joined(Seen.of(wren))):
        assert kept.count == 6
        shares = [kept.share(items, range(3))[0] for items in (owl, wren, other)]
        assert shares == [1.0, 1.0, 0.0]


def test_what_was_seen_twice_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = load_modality("text").read([lines(tmp_path / "data" / "a.txt", range(40))]).items
    one, other = Seen.of(items, range(25)), Seen.of(items, range(15, 40))
    assert one.joined(other) == other.joined(one) == Seen.of(items)
    monkeypatch.setattr(seen, "KEPT", 10)
    one, other = Seen.of(items, range(25)), Seen.of(items, range(15, 40))
    assert one.joined(other).smallest == Seen.of(items).smallest


def test_what_an_encoder_learned_from_in_a_fit_is_known_of_every_later_fit(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`model` was fitted to the first eight of twelve lines, its encoder as it was."""
    lines(Path("more/c.txt"), range(50, 62))
    again = ["data", "--folds", "2", *labels(Path("c.csv"), range(6, 12)), "--out"]
    assert execute(["fit", str(model), *again, "as it was"]) == 0
    asked = ["data", *labels(Path("b.csv"), range(6))]
    assert "seen before" not in evaluated(capsys, "as it was", *asked), "another head was fitted to them"
    tuned = ["fit", "run", "data", *labels(Path("d.csv"), range(6)), "--folds", "2", "--tune", "2", "--out", "tuned"]
    assert execute(tuned) == 0
    assert execute(["fit", "tuned", *again, "tuned again"]) == 0
    assert "6 of the 6 items that are scored are among those that the encoder was trained on" in evaluated(
        capsys, "tuned again", *asked
    )
    both = ["--unlabelled", "more", "--pseudo.steps", "1", "--pseudo.batch", "4", "--folds", "2", "--out", "both"]
    assert execute(["fit", "run", "data", *labels(Path("d.csv"), range(8)), *both]) == 0
    known = Path("e.csv")
    known.write_text("file,line,label\n" + "\n".join(f"c.txt,{n + 1},{WORDS[n % 2]}" for n in range(12)))
    assert "12 of the 12 items that are scored are among those that the encoder was trained on" in evaluated(
        capsys, "both", "more", "--labels", str(known)
    )


def test_the_labels_column_is_said_or_asked_for(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = evaluated(capsys, str(model), "data", *labels(Path("b.csv"), range(8, 12), column="weather"))
    assert "labels: the labels in b.csv are its column 'weather'" in said
    assert "labels: " not in evaluated(capsys, str(model), "data", *labels(Path("b.csv"), range(8, 12)))
    fitted = ["fit", "run", "data", *labels(Path("b.csv"), range(8), column="weather"), "--folds", "2"]
    assert execute([*fitted, "--out", "again"]) == 0
    assert "labels: the labels in b.csv are its column 'weather'" in capsys.readouterr().err
    Path("b.csv").write_text("file,line,season,weather\na.txt,1,spring,sun\na.txt,2,spring,rain\n")
    with pytest.raises(ValueError, match=r"no column 'label', and the labels could be in 'season', 'weather'; say in"):
        evaluated(capsys, str(model), "data", "--labels", "b.csv")
    named = ["--labels", "b.csv", "--label-column", "weather"]
    assert "labels: " not in evaluated(capsys, str(model), "data", *named)


def test_labels_of_files_with_many_items_are_hinted_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_run(Path("run"), load_modality("text"))
    for number in range(4):
        lines(Path(f"data/{number}.txt"), range(number, number + 6))
    Path("b.csv").write_text("file,label\n" + "\n".join(f"{number}.txt,{WORDS[number % 2]}" for number in range(4)))
    hint = "hint: 24 items come from 4 files, each with one label: --group file keeps a file on one side"
    fitted = ["fit", "run", "data", "--labels", "b.csv", "--folds", "2"]
    for further, hinted in ((), True), (("--group", "file"), False):
        assert execute([*fitted, *further]) == 0
        assert (hint in capsys.readouterr().err) == hinted
        scored = evaluated(capsys, "run", "data", "--labels", "b.csv", "--protocols", "knn", "--folds", "2", *further)
        assert (hint in scored) == hinted
    lines(Path("data/0.txt"), range(6))
    own = ["fit", "run", "data/0.txt", *labels(Path("c.csv"), range(6)), "--folds", "2"]
    Path("c.csv").write_text(Path("c.csv").read_text().replace("a.txt", "0.txt"))
    assert execute(own) == 0
    assert "hint" not in capsys.readouterr().err


def test_all_that_a_run_writes_is_refused_where_no_run_wrote_it(tmp_path: Path) -> None:
    for name in WRITTEN:
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text(json.dumps({}))
        with pytest.raises(FileExistsError, match=f"holds {name}, which no run wrote"):
            RunFolder(folder, (), False).check()
