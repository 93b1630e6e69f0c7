"""Files are found by their names as other files mention them."""

from pathlib import Path

import pytest

from gestalt.core.data.items import Skipped
from gestalt.core.modality.pairing import NamedFiles
from gestalt.core.storage.naming import OutputNames

FILES = NamedFiles(
    [Path(name) for name in ("data/may/a.jpg", "data/june/a.jpg", "data/june/a.png", "data/b.v2.png", "c.wav")],
    [Skipped("data/torn.png", "is torn")],
)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("may/a", 0),
        ("may/a.jpg", 0),
        ("data/june/a.jpg", 1),
        ("june/a.png", 2),
        ("b.v2", 3),
        ("b.v2.png", 3),
        ("./c.wav", 4),
        ("/home/me/c.wav", 4),
        ("/home/me/data/may/a.jpg", 0),
        ("data\\may\\a.jpg", 0),
        ("torn", None),
        ("torn.png", None),
    ],
)
def test_a_name_is_a_path_or_the_end_of_one_with_or_without_its_suffix(name: str, number: int | None) -> None:
    assert FILES.number(name, "x") == number


@pytest.mark.parametrize("name", ["a", "a.jpg", "june/a"])
def test_a_name_that_fits_several_files_is_refused(name: str) -> None:
    with pytest.raises(
        ValueError, match=rf"x names '{name}', which fits both data/.* and data/.*; write more of the path"
    ):
        FILES.number(name, "x")


@pytest.mark.parametrize("name", ["z", "july/a", "ay/a.jpg", "b", "a.gif", "other/data/june/a.gif", "", "data"])
def test_a_name_of_no_file_is_refused(name: str) -> None:
    with pytest.raises(
        ValueError, match=r"which is none of the 5 files of the data; these have names such as 'data/may/a\.jpg'"
    ):
        FILES.number(name, "x")


def test_the_names_of_what_the_package_writes_are_understood() -> None:
    """A digest tells two files apart that some file systems take for one."""
    paths = [Path("data/A.png"), Path("data/a.png"), Path("data/b.png")]
    names = OutputNames(paths)
    assert len(names.of(paths[0]).name) > 5
    files = NamedFiles(paths)
    assert [files.number(names.of(path).as_posix(), "x") for path in paths] == [0, 1, 2]


def test_two_that_belong_to_one_file_are_refused() -> None:
    assert FILES.paired([("may/a", 1), ("c", 2), ("torn", 3)], str) == {0: 1, 4: 2}
    with pytest.raises(ValueError, match=r"1 and 2 both belong to data/may/a\.jpg; keep one"):
        FILES.paired([("may/a", 1), ("may/a.jpg", 2)], str)


def test_names_in_other_letters_are_found_where_no_name_fits_as_it_is() -> None:
    assert FILES.all_known([("MAY/A.JPG", "x"), ("B.V2", "x"), ("d", "x")]) == {"MAY/A.JPG": 0, "B.V2": 3, "d": None}
    assert FILES.all_known([("may/a.jpg", "x"), ("B.V2", "x")]) == {"may/a.jpg": 0, "B.V2": None}
    two = NamedFiles([Path("x/A.png"), Path("y/a.png")])
    with pytest.raises(ValueError, match=r"m names 'A\.PNG', which fits both x/A\.png and y/a\.png"):
        two.all_known([("A.PNG", "m")])
    written = OutputNames([Path("Ä/One.png"), Path("Ö/One.png")])
    same = NamedFiles([Path("Ä/One.png"), Path("Ö/One.png")])
    own = written.of(Path("Ö/One.png")).as_posix()
    assert same.all_known([(own.upper(), "m")]) == {own.upper(): 1}
    alike = NamedFiles([Path("a.png"), Path("A.png")])
    assert alike.all_known([("A.PNG", "x")]) == {"A.PNG": None}
