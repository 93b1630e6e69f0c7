"""Spans of words with their characters, and vectors of passages and words."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from gestalt.core.data.items import BadItemError
from gestalt.core.runs.discover import discover
from gestalt.core.runs.embed import embed
from gestalt.modalities.text import MODALITY
from gestalt.modalities.text.words import split
from tests.tiny_runs import tiny_run

TEXT = """The old man saw the sea, and he was not afraid of it.
Birds sing.
Über den Wolken <b>muss</b> die Freiheit sein!
"""
FILES = ("ünï <i>.txt", "records.jsonl")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Text in two formats, one file bad."""
    data = tmp_path_factory.mktemp("texts")
    (data / FILES[0]).write_text(TEXT, encoding="utf-8")
    (data / FILES[1]).write_text('{"text": "So far, silence."}\n{"text": "Nobody knew his name."}\n')
    (data / "bad.txt").write_bytes("grün".encode("latin-1"))
    return data


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on lines and records."""
    return tiny_run(tmp_path_factory.mktemp("runs") / "text", MODALITY, width=16)


def test_spans_are_written_with_their_characters(
    run: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found"
    assert discover(run, [folder / name for name in FILES], out) == 0
    records = [json.loads(line) for line in (out / "spans.jsonl").read_text(encoding="utf-8").splitlines()]
    count = sum(len(record["spans"]) for record in records)
    assert f"{count} spans in 5 passages of 2 files, written to {out}\n" in capsys.readouterr().out
    assert [(Path(r["file"]).name, r["line"]) for r in records] == [
        *((FILES[0], line) for line in (1, 2, 3)), (FILES[1], 1), (FILES[1], 2),
    ]  # fmt: skip
    for record in records[:3]:
        assert record["spans"]
        assert all(TEXT[span["begin"] : span["end"]] == span["text"] for span in record["spans"])
    blocks = (out / "spans.bio").read_text(encoding="utf-8").split("\n\n")
    for block, line in zip(blocks, TEXT.splitlines(), strict=False):
        words, tags = zip(*(row.split("\t") for row in block.splitlines()), strict=True)
        assert words == split(line)[0]
        assert {tag[0] for tag in tags} <= set("BIO")
    page = (out / "spans.html").read_text(encoding="utf-8")
    assert "<i>" not in page
    assert "&lt;i&gt;" in page
    assert page.count('class="gestalt-text"') == 5


def test_bad_files_are_left_out_on_request_alone(run: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadItemError, match=r"bad\.txt:1: is not in UTF-8"):
        discover(run, [folder], tmp_path / "out")
    assert discover(run, [folder], tmp_path / "out", skip_bad=True) == 0
    assert "bad.txt:1" in (tmp_path / "out" / "skipped.txt").read_text()


def test_there_is_a_vector_for_every_passage_and_every_word(run: Path, folder: Path, tmp_path: Path) -> None:
    assert embed(run, [folder / name for name in FILES], tmp_path / "out") == 0
    items = pyarrow.parquet.read_table(tmp_path / "out" / "items.parquet").to_pydict()
    assert [Path(file).name for file in items["file"]] == [FILES[0]] * 3 + [FILES[1]] * 2, "one row a passage"
    assert len(set(items["name"])) == 5
    assert [record.split(" ")[0] for record in items["record"]] == ["1", "2", "3", "1", "2"]
    assert items["name"][1] == f"{folder / FILES[0]}:2"
    table = pyarrow.parquet.read_table(tmp_path / "out" / "elements.parquet").to_pydict()
    of_text = [row for row, item in enumerate(table["item"]) if item < 3]
    words = [TEXT[int(table["begin"][row]) : int(table["end"][row])] for row in of_text]
    assert words == list(split(TEXT)[0])
    assert [table["line"][row] for row in of_text] == [table["item"][row] + 1.0 for row in of_text]
    assert {len(vector) for vector in table["vector"]} == {16}
    for number, vector in enumerate(items["vector"]):
        own = [row for item, row in zip(table["item"], table["vector"], strict=True) if item == number]
        assert np.allclose(vector, np.mean(own, axis=0), atol=1e-5)


def test_vectors_of_records_have_the_ids_that_the_records_say(run: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "d7", "text": "The old sea."}\n{"text": "A bird."}\n', encoding="utf-8")
    (tmp_path / "b.txt").write_text("No record has this.\n", encoding="utf-8")
    assert embed(run, [tmp_path / "a.jsonl", tmp_path / "b.txt"], tmp_path / "out") == 0
    items = pyarrow.parquet.read_table(tmp_path / "out" / "items.parquet").to_pydict()
    assert items["id"] == ["d7", "", ""]
    assert np.load(tmp_path / "out" / "vectors.npz")["ids"].tolist() == ["d7", "", ""]
