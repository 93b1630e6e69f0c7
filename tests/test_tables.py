"""Lines and rows end where their format says, in every encoding; what is no row is named, and no row is lost."""

import csv
import gzip
import io
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gestalt.core.data.items import BadItemError
from gestalt.core.tables import blocks
from gestalt.core.tables import encoding as encodings
from gestalt.core.tables.encoding import Encoding, encoding_of
from gestalt.core.tables.lines import lines_of, split_lines
from gestalt.core.tables.rows import Row, table_of

BREAKING = "Größe\u2028one line\x0b\x0c\x85\x1c\u2029end\r\nਊ ab\rc\n\n东\u0d0a\u0a0d\n\rlast"
"""Characters that break a line on a page, and in UTF-16 letters one of whose bytes is a line break's."""
UNICODE = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")


def rows_of(content: str | bytes, name: str = "a.csv") -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(table_of(path)[1])


def cells(content: str | bytes, name: str = "a.csv") -> list[tuple[str, ...]]:
    return [row.cells for row in rows_of(content, name)]


@pytest.mark.parametrize("encoding", UNICODE)
@pytest.mark.parametrize("block", [3, 1 << 20])
def test_lines_end_at_line_breaks_alone_and_know_their_bytes(
    tmp_path: Path, encoding: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", block)
    text = "plain ascii so that the encoding shows, and more of it\n" * 3 + BREAKING
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    lines = list(lines_of(path))
    assert [line.text for line in lines] == [line for line in re.split(r"(?<=\n)|(?<=\r)(?!\n)", text) if line]
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    bare = {"utf-16": "utf-16-le", "utf-8-sig": "utf-8"}.get(encoding, encoding)
    content = path.read_bytes()
    assert [content[line.begin : line.end].decode(bare) for line in lines] == [line.text for line in lines]
    assert [text[line.start :][: len(line.text)] for line in lines] == [line.text for line in lines]
    assert [line.text.rstrip("\r\n") for line in lines] == split_lines(text)


SCRIPTS = (
    "人工智能是计算机科学的一个分支，它企图了解智能的实质。\n并生产出一种新的机器。\n",
    "吾輩は猫である。名前はまだ無い。\r\nどこで生れたかとんと見当がつかぬ。",
    "모든 인간은 태어날 때부터 자유로우며\n그 존엄과 권리에 있어 동등하다.",
    "Все люди рождаются свободными\nи равными",
    "يولد جميع الناس أحرارا متساوين\n",
    "文字,ラベル\n犬が走る,犬\n猫が寝る,猫\n",
    "सभी मनुष्यों को गौरव और अधिकारों के मामले में\nजन्मजात स्वतन्त्रता प्राप्त है।\n",
    "नमस्ते\n",
    "你好\n",
    "我爱你\r\n",
    "很高兴😀\n",
    "সব মানুষ স্বাধীনভাবে\n",
    "மனிதப் பிறவியினர்\n",
    "გამარჯობა\n",
    "ሰላም\n",
    "Բարեւ\n",
)


@pytest.mark.parametrize("text", SCRIPTS, ids=range(len(SCRIPTS)))
@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_read_in_any_script(tmp_path: Path, text: str, order: str) -> None:
    (tmp_path / "a.txt").write_bytes(text.encode(order))
    assert "".join(line.text for line in lines_of(tmp_path / "a.txt")) == text


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "big5", "shift_jis", "euc-kr", "cp1251", "cp1252"])
def test_other_encodings_with_a_control_character_are_not_taken_for_utf_16(encoding: str) -> None:
    for text in (*SCRIPTS, "Größe ist, was übrig bleibt"):
        content = text.encode(encoding, "ignore") + b"\x1a"  # the end of a file, as DOS wrote it
        assert encoding_of(content + b" " * (len(content) % 2)) == Encoding("utf-8")
    rng = np.random.default_rng(0)
    for numbers in (rng.normal(size=500).astype("f4"), rng.integers(0, 25000, 500).astype("u2")):
        assert encoding_of(numbers.tobytes()) == Encoding("utf-8")
    assert all(encoding_of(b"a\0b\n" * count) == Encoding("utf-8") for count in (1, 2, 100))
    assert encoding_of(rng.bytes(2048)) == encoding_of(b"abc\0def some text more") == Encoding("utf-8")


def events_of(head: bytes) -> int:
    """How many functions are called, and generators resumed, to tell the encoding; checks of types are not counted."""
    events = list[bool]()
    sys.setprofile(lambda frame, _, __: events.append(frame.f_code.co_filename == encodings.__file__))
    try:
        encoding_of(head)
    finally:
        sys.setprofile(None)
    return sum(events)


@pytest.mark.parametrize("text", ["the quick brown fox\n", "the\x0c quick \x1b[0m fox\n", "Größe\n", SCRIPTS[3]])
@pytest.mark.parametrize("name", ["utf-8", "utf-16-le", "utf-16-be"])
def test_the_encoding_of_a_long_text_is_told_without_looking_at_characters_one_by_one(text: str, name: str) -> None:
    assert events_of((text * 400).encode(name)[:4096]) < 100


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"ok\nno\xfc", r"a\.txt:2: is not in UTF-8 \(byte 3 of the line is 0xfc\)"),
        (b"ok\n\x7fELF\0\1", r"a\.txt:2: holds zero bytes"),
        ("ok".encode("utf-32"), r"a\.txt:1: is in UTF-32"),
        (b"\xff\xfeo\0k\0\n\0\0\xd8", r"a\.txt:2: is not in utf-16-le"),
    ],
)
def test_what_is_no_text_in_unicode_is_named_with_its_place(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(BadItemError, match=said):
        list(lines_of(tmp_path / "a.txt"))


def test_another_encoding_is_that_of_files_that_are_not_in_unicode(tmp_path: Path) -> None:
    for number, encoding in enumerate(("gb18030", "utf-8", "utf-16")):
        path = tmp_path / f"{number}.txt"
        path.write_bytes("老农夫\n".encode(encoding))
        assert [line.text for line in lines_of(path, "gb18030")] == ["老农夫\n"]


def test_compressed_files_are_unfolded_up_to_a_bound_and_damaged_ones_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"x;y\n1;2\n"))
    assert [row.cells for row in table_of(path)[1]] == [("1", "2")]
    path.write_bytes(gzip.compress(b"x;y\n1;2\n")[:-9])
    with pytest.raises(BadItemError, match=r"a\.csv\.gz: cannot be unpacked"):
        list(lines_of(path))
    monkeypatch.setattr(blocks, "UNFOLDED", 1000)
    path.write_bytes(gzip.compress(b"x;y\n" * 300))
    with pytest.raises(BadItemError, match=r"a\.csv\.gz: unfolds to more than"):
        list(lines_of(path))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.lists(st.text(alphabet='a", \n\r;\u2028\t', max_size=6), min_size=2, max_size=2), min_size=1, max_size=6
    ),
    st.sampled_from(",;|"),
)
def test_rows_of_a_quoted_table_are_those_of_the_csv_library(table: list[list[str]], delimiter: str) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([["id", "text"], *table])
    expected = [tuple(row) for row in table if any(cell.strip() for cell in row)]
    assert cells(written.getvalue()) == [row for row in expected if tuple(map(str.strip, row)) != ("id", "text")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("sep=;\r\na;b\r\n1;2,5\r\n", [("1", "2,5")]),
        ("a;b\n1;2,5\n3;4,5\n", [("1", "2,5"), ("3", "4,5")]),
        ("a;b, in mg\n1;2,5\n", [("1", "2,5")]),
        ("a, b\n1, 2\n", [("1", " 2")]),
        ("a\tb, in mg\n1\t2\n", [("1", "2")]),
        ("a|b\n1|2\n", [("1", "2")]),
        ("a,b\n1,2\na,b\n3,4\n", [("1", "2"), ("3", "4")]),
        ("\n\na,b\n\n,\n1,2,,\n", [("1", "2")]),
        ("a,b\r1,2\r3,4", [("1", "2"), ("3", "4")]),
        ('a,b\n"1\n2",3\n', [("1\n2", "3")]),
        ("a\nHello\n", [("Hello",)]),
        ("a,b\n" + "x" * 200_000 + ",2\n", [("x" * 200_000, "2")]),
    ],
)
def test_tables_are_read_as_people_have_them(content: str, expected: list[tuple[str, ...]]) -> None:
    assert cells(content) == expected
    assert cells(content.encode("utf-16")) == expected
    assert not any(row.problem for row in rows_of(content))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (['1\t"Yes, he said.', "2\tplain", '3\t" again', "4\tlast"], ['"Yes, he said.', "plain", '" again', "last"]),
        (['1\t"Yes, he said.', "2\tplain"], ['"Yes, he said.', "plain"]),
        (['1\t"Yes, he said.', '2\tand left."'], ['"Yes, he said.', 'and left."']),
        (['1\t"two', 'lines"', "2\tplain"], ["two\nlines", "plain"]),
        (['1\t"a ""big"" one"', '2\t"Yes," he said'], ['a "big" one', '"Yes," he said']),
    ],
)
def test_a_quotation_mark_between_tabs_swallows_no_row(rows: list[str], expected: list[str]) -> None:
    assert [row[1] for row in cells("\n".join(["id\ttext", *rows]), "a.tsv")] == expected


def test_rows_that_are_none_are_named_and_the_next_line_is_a_row_again() -> None:
    rows = rows_of('id,note\n1,"open\n2,fine\n3,"closed" too,late\n4\n5,x\n')
    assert [(row.line, row.problem) for row in rows] == [
        (2, "a quoted cell begins here and never ends as it should"),
        (3, ""),
        (4, "has 3 cells, the header has 2"),
        (5, "has 1 cells, the header has 2"),
        (6, ""),
    ]
    assert [row.cells for row in rows if not row.problem] == [("2", "fine"), ("5", "x")]


@pytest.mark.parametrize(
    ("text", "names", "first"),
    [
        ("# of the clinic\n# 2024\nid;age\na;7\n", ("id", "age"), ("a", "7")),
        ("# one, two, three\nname,place\nanna,home\n", ("name", "place"), ("anna", "home")),
        ("#,name\n1,anna\n", ("#", "name"), ("1", "anna")),
        ("#id,name\na,anna\nb,bert\n", ("#id", "name"), ("a", "anna")),
        ("# remark\n#id,name\n1,anna\n", ("#id", "name"), ("1", "anna")),
        ("# remark alone\n", ("# remark alone",), None),
    ],
)
def test_remarks_above_a_header_are_none_of_the_table(
    text: str, names: tuple[str, ...], first: tuple[str, ...] | None, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(text)
    layout, rows = table_of(tmp_path / "a.csv")
    assert layout.names == names
    assert next((row.cells for row in rows), None) == first


def test_a_binary_file_is_called_so_whatever_its_first_line_holds(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0")
    with pytest.raises(BadItemError, match=r"a\.txt:1: holds zero bytes: the file is binary"):
        list(lines_of(tmp_path / "a.txt"))
