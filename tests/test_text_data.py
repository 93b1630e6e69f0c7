"""Files of text become passages whose every word knows its characters in the file; what is no text is named."""

import csv
import io
import json
import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gestalt.core.data.items import BadItemError
from gestalt.core.modality.base import Reading
from gestalt.modalities.text import MODALITY, Passage, Text, TextFiles, collate, each_passage
from gestalt.modalities.text.words import split

RNG = np.random.default_rng(0)


def files(reading: Reading[Passage]) -> TextFiles:
    assert isinstance(reading.items, TextFiles)
    return reading.items


def passages(modality: Text, *paths: Path) -> list[Passage]:
    items = files(modality.read(list(paths)))
    return [items.read(index, RNG) for index in range(len(items))]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_splitting_loses_no_character_and_words_hold_no_white_space(text: str) -> None:
    words, gaps = split(text)
    assert "".join(gap + word for gap, word in zip(gaps, [*words, ""], strict=True)) == text
    assert all(gap.strip() == "" for gap in gaps)
    assert all(word and word.split() == [word] for word in words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop: it's 5.30, e.g.", ["Don't", "stop", ":", "it's", "5.30", ",", "e.g", "."]),
        ("full-time jobs--mostly…", ["full-time", "jobs", "--", "mostly", "…"]),
        ("see https://a.org/b or a@b.org", ["see", "https://a.org/b", "or", "a@b.org"]),
        ("東京へ行く。OK", ["東", "京", "へ", "行", "く", "。", "OK"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("한국어 텍스트", ["한국어", "텍스트"]),
        ("no\u0308el café", ["no\u0308el", "café"]),
        ("👩\u200d🔬 ok", ["👩\u200d🔬", "ok"]),
        ("# @you_2 $1,000", ["#", "@", "you_2", "$", "1,000"]),
    ],
)
def test_words_are_what_readers_take_for_words(text: str, words: list[str]) -> None:
    assert list(split(text)[0]) == words


@pytest.mark.parametrize("lines", [True, False])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_offsets_are_the_characters_of_the_file(tmp_path: Path, lines: bool, newline: str, bom: bytes) -> None:
    text = newline.join(["Größe zählt, 東京!", "", "  zwei  Wörter", "a b c d e f g h i", "", "x", "", "y z"])
    path = tmp_path / "ünï.txt"
    path.write_bytes(bom + text.encode())
    found = passages(Text(window=5, lines=lines), path)
    words = [text[begin:end] for item in found for begin, end in item.spans]
    assert words == list(split(text)[0])
    assert all(len(item.words) <= 5 for item in found)
    assert all(text[item.start : item.start + len(item.text)] == item.text for item in found)
    assert len(found) == (7 if lines else 6)


def test_every_line_is_an_item_and_long_ones_are_several(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("one two\n\nthree four five six seven\n")
    items = files(Text(window=3).read([tmp_path]))
    assert [items.read(i, RNG).text for i in range(len(items))] == ["one two", "three four five", "six seven"]
    assert [items.line(i) for i in range(len(items))] == [1, 3, 3]
    assert items.name(0) == f"{path}:1", "the only window of its line needs no place in it"
    assert items.name(1) == f"{path}:3 [from character 9]"
    assert items.name(2) == f"{path}:3 [from character 25]"
    assert list(items.items(path)) == [0, 1, 2]


def test_a_long_text_is_read_by_the_window(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("\n".join(" ".join(f"w{line}x{n}" for n in range(10)) for line in range(5000)))
    found = files(Text(window=64, lines=False).read([path]))
    first, last = found.read(0, RNG), found.read(len(found) - 1, RNG)
    assert 50_000 / 64 <= len(found) <= 50_000 / 50
    assert len(first.words) == 60
    assert last.words[-1] == "w4999x9"
    assert sum(len(item.words) for item in each_passage(found, path)) == 50_000


def test_records_give_their_field(tmp_path: Path) -> None:
    texts = ["So far, silence.", 'He said "no"', "zwei\nZeilen", "", "東京 a b c d e"]
    lines = tmp_path / "a.jsonl"
    lines.write_text("\n".join(json.dumps({"id": n, "body": t}) for n, t in enumerate(texts)) + "\n\n")
    for delimiter, name in ((",", "a.csv"), (";", "b.csv"), ("\t", "c.tsv")):
        table = io.StringIO()
        writer = csv.writer(table, delimiter=delimiter)
        writer.writerows([["id", "body"], *enumerate(texts)])
        (tmp_path / name).write_text(table.getvalue(), encoding="utf-8-sig", newline="")
        found = passages(Text(window=4, field="body"), tmp_path / name)
        assert [item.text for item in found] == [item.text for item in passages(Text(window=4, field="body"), lines)]
    assert [item.text for item in found] == [
        "So far,", "silence.", 'He said "no', '"', "zwei\nZeilen", "東京 a b", "c d e",
    ]  # fmt: skip
    assert [texts[4][a:b] for a, b in found[-1].spans] == ["c", "d", "e"]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_a_quote_within_a_cell_is_a_character_like_any_other(tmp_path: Path, name: str) -> None:
    texts = ['a 6" pipe', "hello", 'a 5" one', '"quoted", it says, 3"', 'two\nlines, 2"', '""', "end"]
    marks = {"a.csv": ",", "a.tsv": "\t"}
    plain = [
        text if number in (0, 1, 2, 6) else f'"{text.replace(chr(34), 2 * chr(34))}"'
        for number, text in enumerate(texts)
    ]
    rows = [marks[name].join(row) for row in [("text", "id"), *((text, str(n)) for n, text in enumerate(plain))]]
    (tmp_path / name).write_text("\n".join(rows) + "\n")
    items = files(MODALITY.read([tmp_path]))
    assert [items.read(index, RNG).text for index in range(len(items))] == texts
    assert [items.line(index) for index in range(len(items))] == [2, 3, 4, 5, 6, 8, 9]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(alphabet='a", \n;', min_size=1).filter(str.strip), min_size=1, max_size=6), st.booleans())
def test_records_of_a_table_are_those_of_the_csv_library(texts: list[str], quoted: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = io.StringIO()
        writer = csv.writer(table, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL, lineterminator="\n")
        writer.writerows([["id", "text"], *enumerate(texts)])
        path = Path(folder) / "a.csv"
        path.write_bytes(table.getvalue().encode())
        assert [item.text for item in passages(Text(), path)] == [text.strip() for text in texts]


BAD: dict[str, tuple[str, bytes, str]] = {
    "no bytes": ("a.txt", b"", "a.txt: the file has no bytes"),
    "no words": ("a.txt", b" \n\n\t", "a.txt: holds no words"),
    "binary": ("a.txt", b"ok\n\x7fELF\x00\x01", r"a.txt:2: holds zero bytes: the file is binary"),
    "Latin-1": ("a.txt", "gut\ngrün".encode("latin-1"), r"a.txt:2: is not in UTF-8 \(byte 3 of the line is 0xfc\)"),
    "UTF-32": ("a.txt", "grün".encode("utf-32"), "a.txt:1: is in UTF-32; convert it to UTF-8"),
    "no JSON": ("a.jsonl", b'{"text": "a"}\n{"text": ', "a.jsonl:2: is no JSON"),
    "no field": ("a.jsonl", b'{"body": "a", "id": 1}', "a.jsonl:1: has no field 'text', it has body, id"),
    "a list": ("a.jsonl", b"[1]", "a.jsonl:1: has no field 'text', it has list"),
    "a number": ("a.jsonl", b'{"text": 3}', "a.jsonl:1: the field 'text' must hold text, got int"),
    "no column": ("a.csv", b"id,body\n1,a", "a.csv:1: has no column 'text', it has 'id', 'body'"),
    "a short row": ("a.csv", b"id,text\n1,a\n2", "a.csv:3: has 1 cells, the header has 2"),
    "a torn line": ("a.csv", b"id,text\n1,a\rb", "a.csv:3: has 1 cells, the header has 2"),
    "an open quote": ("a.csv", b'id,text\n1,"a', "a.csv:2: a quoted cell begins here and never ends"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_text_is_named_and_left_out_on_request(tmp_path: Path, case: str) -> None:
    name, content, message = BAD[case]
    (tmp_path / name).write_bytes(content)
    (tmp_path / "good.txt").write_text("all is well")
    with pytest.raises(BadItemError, match=message):
        MODALITY.read([tmp_path])
    reading = MODALITY.read([tmp_path], skip_bad=True)
    texts = [reading.items.read(i, RNG).text for i in range(len(reading.items))]
    assert texts[-1] == "all is well"
    assert texts[:-1] == (["a"] if case in ("no JSON", "a short row", "a torn line") else [])
    assert [entry.name.startswith(str(tmp_path / name)) for entry in reading.skipped] == [True], "said once"


def test_places_without_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.txt does not exist"):
        MODALITY.read([tmp_path / "missing.txt"])
    with pytest.raises(ValueError, match=r"no text in .*\.jsonl"):
        MODALITY.read([tmp_path])
    (tmp_path / "a.txt").write_bytes(b"")
    with pytest.raises(ValueError, match="none of the text files can be used"):
        MODALITY.read([tmp_path], skip_bad=True)


def test_a_file_that_changes_is_said_to_have_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("first line\nsecond line")
    items = MODALITY.read([path]).items
    path.write_text("short")
    with pytest.raises(BadItemError, match=r"a\.txt:2: .*changed while it was read"):
        items.read(1, RNG)


def test_readers_travel_to_workers(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one two\nthree")
    items = pickle.loads(pickle.dumps(MODALITY.read([tmp_path]).items))
    assert items.read(1, RNG).text == "three"


def test_a_batch_gives_its_words_back() -> None:
    items = [Passage.of("Ça va? 東 👩\u200d🔬"), Passage.of("x" * 100), Passage.of("a b c d e f g")]
    batch = collate(items)
    assert batch.strings() == [list(items[0].words), ["x" * 64], list(items[2].words)]
    assert batch.valid.sum(dim=1).tolist() == [5, 1, 7]
    assert batch.to("cpu").strings() == batch.strings()
    with pytest.raises(ValueError, match="at least one passage"):
        collate([])


def test_a_passage_without_words_or_with_wrong_gaps_is_refused() -> None:
    with pytest.raises(ValueError, match="needs words"):
        Passage.of("  ")
    with pytest.raises(ValueError, match="one gap more"):
        Passage(("a", "b"), ("", ""))
    with pytest.raises(ValueError, match=r"window must lie in \[1, 1e\+06\], got 0"):
        Text(window=0)
