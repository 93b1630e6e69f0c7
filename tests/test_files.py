"""Files as items: found, a sample of them loaded, each read at its turn; errors name the file."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from gestalt.core.data.items import BadItemError, Skipped
from gestalt.core.modality.files import Files, find_files, read_files
from gestalt.core.modality.probing import SAMPLE, sample


def load(path: Path) -> int:
    """A whole number."""
    if path.stem == "torn":
        raise KeyError("index")
    return int(path.read_text())


def mistaken(path: Path) -> int:
    return int(undefined) + len(path.name)  # type: ignore[name-defined]  # noqa: F821


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two good files, one of them deep down; a bad one; and what is none of these."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "b.num").write_text("2")
    (tmp_path / "deep" / "er" / "ä 语.NUM").write_text("3")
    (tmp_path / "word.num").write_text("three")
    (tmp_path / ".hidden.num").write_text("4")
    (tmp_path / "other.txt").write_text("5")
    (tmp_path / "folder.num").mkdir()
    return tmp_path


def test_folders_give_their_files_of_the_kind_and_a_named_file_is_taken_whatever_its_suffix(folder: Path) -> None:
    found = find_files([folder, folder / "other.txt", folder / "b.num"], {".num"})
    assert [path.name for path in found] == ["b.num", "ä 语.NUM", "word.num", "other.txt"]


def test_a_missing_path_and_a_folder_without_files_are_named(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        find_files([folder / "nowhere"], {".num"})
    with pytest.raises(ValueError, match=r"no numbers in .*er; name files, or folders with any of \.csv \.tsv"):
        find_files([folder / "deep" / "er"], {".tsv", ".csv"}, "numbers")
    with pytest.raises(ValueError, match=r"with any of \.csv$"):
        find_files([folder / "deep" / "er"], {".csv"}, "numbers", {".pdf"})
    (folder / "deep" / "er" / "a.pdf").write_bytes(b"")
    assert [path.name for path in find_files([folder / "deep" / "er"], {".csv"}, "numbers", {".pdf"})] == ["a.pdf"]
    with pytest.raises(ValueError, match="no files in an empty list of paths"):
        find_files([], {".num"})


def test_the_first_bad_file_is_named_with_what_is_wrong_and_what_to_do(folder: Path) -> None:
    with pytest.raises(BadItemError, match=r"word\.num: invalid literal .*'three'; fix it, .*--skip-bad"):
        read_files([folder], {".num"}, load)


def test_bad_files_are_left_out_and_listed_on_request(folder: Path) -> None:
    (folder / "empty.num").touch()
    (folder / "torn.num").write_text("1")
    reading = read_files([folder], {".num"}, load, skip_bad=True)
    rng = np.random.default_rng(0)
    assert [reading.items.read(index, rng) for index in range(len(reading.items))] == [2, 3]
    assert [reading.items.name(index) for index in range(2)] == [
        str(folder / "b.num"),
        str(folder / "deep" / "er" / "ä 语.NUM"),
    ]
    reasons = {Path(entry.name).name: entry.reason for entry in reading.skipped}
    assert list(reasons) == ["empty.num", "torn.num", "word.num"]
    assert reasons["empty.num"].startswith("the file has no bytes;")
    assert reasons["torn.num"].startswith("cannot be read (KeyError: 'index');")
    assert all(isinstance(entry, Skipped) for entry in reading.skipped)


def test_when_no_file_is_left_the_first_reason_is_given(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"none of 1 numbers can be used; the first, .*word\.num: invalid literal"):
        read_files([folder / "word.num"], {".num"}, load, skip_bad=True, kind="numbers")


def test_of_many_files_a_sample_is_loaded_and_what_is_bad_elsewhere_shows_when_its_turn_comes(tmp_path: Path) -> None:
    for number in range(3 * SAMPLE):
        (tmp_path / f"{number:03}.num").write_text("bad" if number in (0, 1) else str(number))
    loaded: list[str] = []

    def load_counted(path: Path) -> int:
        loaded.append(path.stem)
        return load(path)

    with pytest.raises(BadItemError, match=r"000\.num: invalid literal"):
        read_files([tmp_path], {".num"}, load_counted)
    loaded.clear()
    reading = read_files([tmp_path], {".num"}, load_counted, skip_bad=True)
    assert len(loaded) == SAMPLE
    assert [loaded[0], loaded[-1]] == ["000", "191"]
    assert [Path(entry.name).name for entry in reading.skipped] == ["000.num"]
    assert len(reading.items) == 3 * SAMPLE - 1
    with pytest.raises(BadItemError, match=r"001\.num: invalid literal"):
        reading.items.read(0, np.random.default_rng(0))


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 200, 1000])
def test_the_sample_is_every_file_of_a_few_and_spread_evenly_over_many(count: int) -> None:
    paths = [Path(str(number)) for number in range(count)]
    numbers = sorted(int(path.name) for path in sample(paths))
    assert len(numbers) == min(count, SAMPLE)
    steps = np.diff(numbers)
    assert count < 2 or steps.max() - steps.min() <= 1
    assert count == 0 or (numbers[0], numbers[-1]) == (0, count - 1)


def test_a_file_that_goes_bad_later_is_named_when_its_turn_comes(folder: Path) -> None:
    files = read_files([folder / "b.num"], {".num"}, load).items
    (folder / "b.num").unlink()
    with pytest.raises(BadItemError, match=r"b\.num: cannot be read \(FileNotFoundError"):
        files.read(0, np.random.default_rng(0))


def test_a_mistake_in_the_loader_is_no_bad_file(folder: Path) -> None:
    with pytest.raises(NameError, match="undefined"):
        read_files([folder], {".num"}, mistaken, skip_bad=True)


def test_files_travel_to_worker_processes(folder: Path) -> None:
    files: Files[int] = pickle.loads(pickle.dumps(Files((folder / "b.num",), load)))
    assert files.read(0, np.random.default_rng(0)) == 2
