"""Names of types: what `names.csv` may say, and what is refused."""

import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
import torch

from gestalt.core.data.items import AbstractItems
from gestalt.core.modality.mask_names import mask_names, write_mask_names
from gestalt.core.runs.types.members import Members
from gestalt.core.runs.types.names import Names, read_names, without_wrong
from gestalt.core.runs.types.table import labels_by_item
from tests.small_types import small_types

HEAD = "types,type,name,file,record,object\n"


@final
@dataclass(frozen=True)
class Windows(AbstractItems[int]):
    """Windows of two files."""

    def __len__(self) -> int:
        return 4

    def read(self, index: int, rng: np.random.Generator) -> int:  # noqa: ARG002
        return index

    def path(self, index: int) -> Path:
        return Path("-a.wav" if index < 2 else "b/c.wav")

    def name(self, index: int) -> str:
        return f"{self.path(index)} [{index} s]"


def members(items: list[int], numbers: list[int], types: list[int], sizes: list[float]) -> Members:
    return Members(
        torch.tensor(items), torch.tensor(numbers), torch.tensor(sizes), torch.tensor(types), torch.zeros(len(items))
    )


def written(folder: Path, rows: str, head: str = HEAD) -> Path:
    path = folder / "names.csv"
    path.write_text(head + rows, encoding="utf-8")
    return path


def test_names_and_wrong_members_are_read_as_the_page_writes_them(tmp_path: Path) -> None:
    types = small_types(3)
    rows = f"{types.digest},1,'=owl,,,\n{types.digest},3,owl  hoot ,,,\n{types.digest},1,,'-a.wav,1 s,5\n"
    found = read_names(written(tmp_path, rows), types)
    assert found == Names({0: "=owl", 2: "owl hoot"}, frozenset({("-a.wav", "1 s", 5)}))
    assert found.label_of_types(3).tolist() == [0, -1, 1]
    semicolons = written(tmp_path, rows.replace(",", ";"), "\ufeff" + HEAD.replace(",", ";"))
    assert read_names(semicolons, types) == found, "as a spreadsheet saves it again"


def test_names_are_read_as_spreadsheets_save_them(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    head = "types;type;name;file;record;object\r\n"
    rows = (
        head + ";1,0;Hündin;;;\r\n;2.0;x;;;\r\n;1;;a.wav;0;3.0\r\n;1;;a.wav;0;4,00\r\n;1;;a.wav;0;5.000000\r\n;;;;;\r\n"
    )
    path.write_text(rows, encoding="utf-8-sig")
    names = read_names(path, small_types(3))
    assert names.names == {0: "Hündin", 1: "x"}
    assert names.wrong == {("a.wav", "0", 3), ("a.wav", "0", 4), ("a.wav", "0", 5)}
    path.write_bytes(rows.encode("cp1252"))
    with pytest.raises(ValueError, match=r"names\.csv:2: is not in UTF-8 .*or from a spreadsheet as CSV in UTF-8"):
        read_names(path, small_types(3))
    with pytest.raises(FileNotFoundError, match=r"none\.csv does not exist; save names\.csv from types\.html"):
        read_names(tmp_path / "none.csv", small_types(3))


def test_names_may_lie_in_an_archive(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "d.tar", "w") as archive:
        archive.add(written(tmp_path, ",1,owl,,,\n"), "d/names.csv")
    assert read_names(tmp_path / "d.tar/d/names.csv", small_types(3)).names == {0: "owl"}
    with pytest.raises(FileNotFoundError, match=r"none\.csv does not exist"):
        read_names(tmp_path / "d.tar/d/none.csv", small_types(3))


def test_types_of_one_name_are_one_label() -> None:
    names = Names({0: "owl", 1: "frog", 3: "owl"})
    assert names.labels == ("owl", "frog")
    assert names.label_of_types(4).tolist() == [0, 1, -1, 0]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("abcd,1,owl,,,\n", r"names\.csv:2: these names were given to other types \(abcd, .*--like"),
        (",4,owl,,,\n", r"names\.csv:2: there is no type 4, there are 3, numbered from 1"),
        (",0,owl,,,\n", r"there is no type 0"),
        (",owl,1,,,\n", r"names\.csv:2: 'owl' is not the number of a type"),
        (",1,owl,,,\n,1,frog,,,\n", r"names\.csv:3: type 1 has two names, 'owl' and 'frog'"),
        (",1,owl,,,\n,1,,a.wav,1 s,x\n", r"names\.csv:3: 'x' is not the number of an object"),
        (
            ',1,owl,,,\n,1,,a.wav,1 s,"1,000"\n',
            r"names\.csv:3: '1,000' may be one of thousands; write it without marks",
        ),
        (",1,owl,,,\n,1,,a.wav,1 s,2.000\n", r"names\.csv:3: '2\.000' may be one of thousands"),
        (",1,owl,,,\n,1,,a.wav,1 s,1.000.000\n", r"names\.csv:3: '1\.000\.000' is not the number of an object"),
        (",1.000,owl,,,\n", r"names\.csv:2: '1\.000' may be one of thousands"),
        (",1,,,,\n", r"names\.csv names no type"),
        (",1,owl\n,1\n", r"names\.csv:2 .*; correct the line"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(rows: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        read_names(written(tmp_path, rows), small_types(3))


def test_a_table_that_is_none_of_names_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has the columns a, b, and none called type or name; save names\.csv from"):
        read_names(written(tmp_path, "1,2\n", "a,b\n"), small_types(2))
    (tmp_path / "none.csv").write_bytes(b"\x00\xff" * 50)
    with pytest.raises(ValueError, match=r"none\.csv"):
        read_names(tmp_path / "none.csv", small_types(2))


def test_a_wrong_member_has_no_type_and_marks_of_no_object_are_counted() -> None:
    every = members([0, 1, 1, 3], [5, 5, 6, 5], [0, 0, 1, 0], [1.0, 2.0, 3.0, 4.0])
    wrong = frozenset({("-a.wav", "1 s", 5), ("-a.wav", "0 s", 9), ("elsewhere.wav", "0 s", 5)})
    found, strange = without_wrong(every, Windows(), Names({0: "owl"}, wrong))
    assert found.types.tolist() == [0, -1, 1, 0]
    assert strange == 2
    assert without_wrong(every, Windows(), Names({0: "owl"})) == (every, 0)


def test_an_item_has_the_label_of_its_largest_labelled_object() -> None:
    every = members([0, 0, 0, 1, 2], [0, 1, 2, 0, 0], [0, 1, 2, 2, -1], [1.0, 3.0, 9.0, 1.0, 1.0])
    labels: Any = torch.tensor([0, 1, -1])
    assert labels_by_item(every, labels) == {0: 1}


def test_names_of_masks_come_back_and_a_damaged_file_is_named(tmp_path: Path) -> None:
    assert mask_names(tmp_path) == {}
    write_mask_names(tmp_path, {"clip": {}})
    assert mask_names(tmp_path) == {}, "nothing is written where nothing is called anything"
    write_mask_names(tmp_path, {"a/clip": {2: "owl", 1: "语 <b>"}, "b": {}})
    assert mask_names(tmp_path) == {"a/clip": {1: "语 <b>", 2: "owl"}}
    for text in ("{", "[1]", '{"clip": {"one": "owl"}}'):
        (tmp_path / "names.json").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"names\.json is damaged .*; it maps folders to numbers to names"):
            mask_names(tmp_path)
