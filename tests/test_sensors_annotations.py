"""Annotations of EDF+ files: masks of stretches, and labels of windows."""

import re
import tarfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import edfio
import numpy as np
import pytest

from gestalt.cli.commands import execute
from gestalt.core.training.label_source import labels_at
from gestalt.modalities.sensors import SensorFiles, Sensors
from gestalt.modalities.sensors.annotations import annotations_of
from gestalt.modalities.sensors.hypnograms import recordings_of
from tests.series_files import NAMES, RATE, stretches

RNG = np.random.default_rng(0)
KINDS = ("rest", "slow", "fast")


def write(path: Path, seed: int = 0, *more: edfio.EdfAnnotation) -> None:
    """A file of three channels, 8 s long, whose annotations are its true stretches."""
    values, kind = stretches(seed, elements=50)
    signals = [edfio.EdfSignal(one, RATE, label=name) for one, name in zip(values.T, NAMES, strict=True)]
    bounds = [0, *(np.flatnonzero(np.diff(kind)) + 1).tolist(), len(kind)]
    said = [
        edfio.EdfAnnotation(first / RATE, (last - first) / RATE, KINDS[kind[first]]) for first, last in pairwise(bounds)
    ]
    edfio.Edf(signals, annotations=[*said, *more]).write(path)


def items_of(path: Path) -> SensorFiles:
    items = Sensors(sample_rate=float(RATE), seconds=1.0).read([path]).items
    assert isinstance(items, SensorFiles)
    return items


def test_annotations_that_last_are_the_masks_of_their_file(tmp_path: Path) -> None:
    write(tmp_path / "a.edf")
    items = items_of(tmp_path)
    _, kind = stretches(0, elements=50)
    for path in (tmp_path, tmp_path / "a.edf"):
        masks = Sensors(sample_rate=float(RATE), seconds=1.0).read_masks(path, items)
        for index in (0, 2, 5):
            own = masks.of_item(index, items.read(index, RNG))
            assert own is not None
            assert own.grid is not None
            middles = (own.grid.edges[0][0, 1:] + own.grid.edges[0][0, :-1]) / 2 + index
            true = [KINDS[kind[int(middle * RATE)]] for middle in middles.tolist()]
            assert [own.names[label] for label in own.labels.tolist()] == true


def test_a_window_has_the_label_that_covers_more_than_half_of_it(tmp_path: Path) -> None:
    write(tmp_path / "a.edf")
    items = items_of(tmp_path)
    _, kind = stretches(0, elements=50)
    labels = labels_at(Path("annotations"), items)
    assert labels.target.names == ("fast", "rest", "slow")  # type: ignore[attr-defined]
    for index, known in enumerate(labels.known.tolist()):
        share = np.bincount(kind[index * RATE : (index + 1) * RATE], minlength=3) / RATE
        if known >= 0:
            assert share[KINDS.index(("fast", "rest", "slow")[known])] > 0.5
        else:
            assert share.max() <= 0.5
    assert (labels.known >= 0).sum() >= 6


def test_what_is_of_a_moment_or_lies_beyond_the_file_is_no_stretch(tmp_path: Path) -> None:
    late = edfio.EdfAnnotation(7.5, 100.0, "rest")
    write(tmp_path / "a.edf", 0, edfio.EdfAnnotation(1.0, None, "Recording starts"), late)
    items = items_of(tmp_path)
    with pytest.warns(UserWarning, match="1 of 6 annotations are of a moment, such as 'Recording starts'"):
        labels = labels_at(Path("annotations"), items)
    assert labels.target.names == ("fast", "rest", "slow")  # type: ignore[attr-defined]
    with pytest.warns(UserWarning, match="of a moment"):
        assert max(one.offset for one in annotations_of(tmp_path / "a.edf", 8.0)) == 8
    values, _ = stretches()
    np.save(tmp_path / "b.npy", values)
    (tmp_path / "a.edf").unlink()
    with pytest.raises(ValueError, match="no annotation covers more than half of any"):
        labels_at(Path("annotations"), Sensors(rate=float(RATE)).read([tmp_path]).items)
    with pytest.raises(ValueError, match=r"EDF\+ with annotations: a file, or"):
        Sensors().read_masks(tmp_path, Sensors(rate=float(RATE)).read([tmp_path]).items)


@pytest.mark.filterwarnings("ignore:collapse watch")
def test_a_model_is_fitted_to_annotations_and_measured_by_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("night").mkdir()
    for seed in range(2):
        write(Path(f"night/{seed}.edf"), seed)
    short = ["--steps", "2", "--batch", "4", "--warmup", "0", "--workers", "0", "--accelerator", "cpu"]
    own = ["--modality", "sensors", "--settings", "seconds=1", "--masks", "night"]
    assert execute(["run", "objects", *own, "--method", "byol", "--data", "night", "--out", "mine", *short]) == 0
    assert execute(["fit", "mine", "night", "--labels", "annotations", "--out", "model"]) == 0
    assert execute(["predict", "model", "night", "--out", "answers"]) == 0
    kinds = {line.split(",")[1] for line in Path("answers/predictions.csv").read_text().splitlines()[1:]}
    assert kinds <= set(KINDS)
    assert (
        execute(
            [
                "evaluate",
                "mine",
                "night",
                "--masks",
                "night",
                "--protocols",
                "segmentation",
                "--folds",
                "2",
                "--out",
                "measured",
            ]
        )
        == 0
    )
    assert (tmp_path / "measured").is_dir()


def hypnogram(path: Path, seed: int = 0) -> None:
    """What `write` says of a recording, in a file of its own."""
    _, kind = stretches(seed, elements=50)
    bounds = [0, *(np.flatnonzero(np.diff(kind)) + 1).tolist(), len(kind)]
    said = [(first / RATE, (last - first) / RATE, KINDS[kind[first]]) for first, last in pairwise(bounds)]
    edfio.Edf([], annotations=[edfio.EdfAnnotation(*one) for one in said]).write(path)


def recording(path: Path, seed: int = 0) -> None:
    """The same series without a word on it."""
    values, _ = stretches(seed, elements=50)
    edfio.Edf([edfio.EdfSignal(one, RATE, label=name) for one, name in zip(values.T, NAMES, strict=True)]).write(path)


def test_hypnograms_of_sleep_edf_belong_to_their_recordings(tmp_path: Path) -> None:
    night, apart = tmp_path / "night", tmp_path / "apart"
    night.mkdir()
    apart.mkdir()
    for number, scorer in ((1, "C"), (2, "H")):
        recording(night / f"SC400{number}E0-PSG.edf", number)
        hypnogram(night / f"SC400{number}E{scorer}-Hypnogram.edf", number)
        write(apart / f"{number}.edf", number)
    items, alone = items_of(night), items_of(apart)
    assert [path.name for path in items.paths] == ["SC4001E0-PSG.edf", "SC4002E0-PSG.edf"]
    assert items.remarks[1] == "2 hypnograms beside the recordings: --labels annotations, or --masks, takes them"
    assert items.annotations() == alone.annotations()
    sensors = Sensors(sample_rate=float(RATE), seconds=1.0)
    expected = sensors.read_masks(apart, alone)
    for hypnograms in (night, apart):
        if hypnograms == apart:
            for path in night.glob("*-Hypnogram.edf"):
                path.rename(apart / path.name)
            for number in (1, 2):
                (apart / f"{number}.edf").unlink()
        masks = sensors.read_masks(hypnograms, items)
        for index in range(len(items)):
            own, same = (one.of_item(index, items.read(index, RNG)) for one in (masks, expected))
            assert own is not None
            assert same is not None
            assert own.labels.tolist() == same.labels.tolist()
    assert items_of(night).remarks[1:] == ()


def test_a_hypnogram_is_of_the_recording_whose_name_is_nearest() -> None:
    night = [Path("b/night1-PSG.edf"), Path("b/night2-PSG.edf"), Path("a/night1-PSG.edf")]
    assert recordings_of([Path("a/night1-Hypnogram.EDF")], night) == {Path("a/night1-Hypnogram.EDF"): night[2]}
    assert recordings_of([Path("b/night2-hypnogram.edf"), Path("b/else.edf"), Path("x-Hypnogram.edf")], night) == {
        Path("b/night2-hypnogram.edf"): night[1]
    }
    with pytest.raises(ValueError, match=r"nightC-Hypnogram\.edf is of b/night1-PSG\.edf or of b/night2-PSG\.edf"):
        recordings_of([Path("b/nightC-Hypnogram.edf")], night)


def night_of_two(folder: Path, *scorers: str) -> Path:
    """Two recordings, and what so many people say of the first one."""
    folder.mkdir()
    for number in (1, 2):
        recording(folder / f"SC400{number}E0-PSG.edf", number)
    for scorer in scorers:
        hypnogram(folder / f"SC4001E{scorer}-Hypnogram.edf", 1)
    return folder


@pytest.mark.parametrize("given", ["night", "../here/night", "link", "link/../night", "{0}/night", "{0}/link"])
@pytest.mark.parametrize("read", ["night", "{0}/night"])
def test_a_folder_of_recordings_and_hypnograms_is_masks_however_it_is_spelled(
    given: str, read: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    night_of_two(here / "night", "C")
    (here / "link").symlink_to("night")
    items = items_of(Path(read.format(here)))
    masks = Sensors(sample_rate=float(RATE), seconds=1.0).read_masks(Path(given.format(here)), items)
    assert [masks.has(index) for index in range(len(items))] == [True] * 8 + [False] * 8


def test_recordings_that_two_people_scored_are_read_and_refused_where_the_scores_are_asked_for(tmp_path: Path) -> None:
    night = night_of_two(tmp_path / "night", "C", "H")
    items = items_of(night)
    assert [path.name for path in items.paths] == ["SC4001E0-PSG.edf", "SC4002E0-PSG.edf"]
    both = r"SC4001EC-Hypnogram\.edf and .*SC4001EH-Hypnogram\.edf (are both of|both belong to) .*SC4001E0-PSG\.edf"
    assert re.match(rf"2 hypnograms beside the recordings, which cannot be taken: .*{both}", items.remarks[1])
    with pytest.raises(ValueError, match=both):
        items.annotations()
    with pytest.raises(ValueError, match=both):
        Sensors(sample_rate=float(RATE), seconds=1.0).read_masks(night, items)


def test_a_hypnogram_that_fits_two_recordings_is_no_series(tmp_path: Path) -> None:
    night = night_of_two(tmp_path / "night")
    recording(night / "SC4001F0-PSG.edf")
    hypnogram(night / "SC4001E0-Hypnogram.edf")
    recording(night / "SC4001E1-PSG.edf")
    hypnogram(night / "SC4001EC-Hypnogram.edf")
    items = items_of(night)
    assert {path.stem[-3:] for path in items.paths} == {"PSG"}
    with pytest.raises(ValueError, match=r"SC4001EC-Hypnogram\.edf is of .*SC4001E0-PSG\.edf or of .*SC4001E1-PSG"):
        items.annotations()


def test_the_folder_of_recordings_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = items_of(night_of_two(tmp_path / "night", "C"))
    listed, iterdir = list[Path](), Path.iterdir

    def watched(self: Path) -> Iterator[Path]:
        listed.append(self)
        return iterdir(self)

    monkeypatch.setattr(Path, "iterdir", watched)
    assert items.remarks == items.remarks
    assert len(set(items.annotations())) > 1
    assert listed == [tmp_path / "night"]


@pytest.mark.parametrize("inside", ["", "night"])
def test_hypnograms_in_archives_belong_to_their_recordings_as_in_folders(inside: str, tmp_path: Path) -> None:
    night = night_of_two(tmp_path / "night", "C")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(night, inside or ".")
    folder, packed = items_of(night), items_of(tmp_path / "a.tar")
    assert [path.name for path in packed.paths] == ["SC4001E0-PSG.edf", "SC4002E0-PSG.edf"]
    assert packed.remarks == folder.remarks
    assert packed.annotations() == folder.annotations() != [None] * len(folder)
    sensors = Sensors(sample_rate=float(RATE), seconds=1.0)
    expected = sensors.read_masks(night, folder)
    for given in (night, tmp_path / "a.tar"):
        masks = sensors.read_masks(given, packed)
        for index in range(len(packed)):
            own, same = (one.of_item(index, packed.read(index, RNG)) for one in (masks, expected))
            assert (own is None) == (same is None)
            assert own is None or same is None or own.labels.tolist() == same.labels.tolist()
