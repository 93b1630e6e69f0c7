"""BRAT's standoff lies on the words of its text, is refused with its line, and what is found is written in it."""

import json
from pathlib import Path

import numpy as np
import pytest

from gestalt.core.runs.discover import discover
from gestalt.modalities.text import MODALITY, TextFiles
from gestalt.modalities.text.brat import read_brat
from tests.tiny_runs import tiny_run

TEXT = "Öre: The old man can't row.\r\nHe sees U.N. ships in the harbour.\r\n"


def line(number: int, kind: str, *texts: str) -> str:
    pieces = ";".join(f"{TEXT.index(text)} {TEXT.index(text) + len(text)}" for text in texts)
    return f"T{number}\t{kind} {pieces}\t{' '.join(texts)}\n"


WHOLE = line(1, "Person", "The old man") + line(2, "Thing", "U.N. ships", "harbour")
WHOLE += "R1\tSees Arg1:T1 Arg2:T2\n#1\tAnnotatorNotes T1\tsure\n*\tEquiv T1 T2\nA1\tNegated T1\nE1\tSee:T1\n\n"


def text_with(folder: Path, standoff: bytes) -> TextFiles:
    (folder / "data").mkdir()
    (folder / "data" / "a.txt").write_bytes(TEXT.encode())
    (folder / "a.ann").write_bytes(standoff)
    items = MODALITY.read([folder / "data"]).items
    assert isinstance(items, TextFiles)
    return items


def named_words(items: TextFiles, path: Path) -> list[dict[str, list[str]]]:
    masks = MODALITY.read_masks(path, items)
    found = list[dict[str, list[str]]]()
    for index in range(len(items)):
        item = items.read(index, np.random.default_rng(0))
        own = masks.of_item(index, item)
        assert own is not None
        words: dict[str, list[str]] = {own.name(number): [] for number in own.objects()}
        for word, number in zip(item.words, own.labels.tolist(), strict=True):
            if number >= 0:
                words[own.name(number)].append(word)
        found.append(words)
    return found


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_spans_lie_on_their_words_and_pieces_are_one_object(end: str, tmp_path: Path) -> None:
    items = text_with(tmp_path, WHOLE.replace("\n", end).encode())
    expected = [{"Person": ["The", "old", "man"]}, {"Thing": ["U.N", ".", "ships", "harbour"]}]
    assert named_words(items, tmp_path / "a.ann") == expected
    (tmp_path / "masks").mkdir()
    (tmp_path / "a.ann").rename(tmp_path / "masks" / "a.ann")
    assert named_words(items, tmp_path / "masks") == expected


STRANGE = {
    "no number": (b"T1\tPerson x 5\tThe\n", r"a\.ann:1 is no line of BRAT"),
    "no type": (b"\nT1\t0 5\tThe\n", r"a\.ann:2 is no line of BRAT"),
    "an end before the begin": (b"T1\tPerson 5 5\t\n", r"a\.ann:1: a span begins before it ends"),
    "another encoding": (line(1, "Person", "Öre").encode("latin-1"), "no text in Unicode"),
    "another text": (
        line(1, "Person", "row").replace("row", "cat").encode(),
        r"a\.ann:1: the characters.*'row'.*'cat'",
    ),
    "beyond the end": (b"T1\tPerson 900 905\tThe\n", r"a\.ann:1: no word"),
    "another format": (b'{"spans": []}\n', r"a\.ann:1 is no line of BRAT"),
}


@pytest.mark.parametrize("case", STRANGE)
def test_what_is_strange_is_refused_with_its_file_and_line(case: str, tmp_path: Path) -> None:
    standoff, said = STRANGE[case]
    items = text_with(tmp_path, standoff)
    with pytest.raises(ValueError, match=said):
        MODALITY.read_masks(tmp_path / "a.ann", items)


def test_a_text_without_spans_is_known_to_have_none(tmp_path: Path) -> None:
    items = text_with(tmp_path, b"")
    assert named_words(items, tmp_path / "a.ann") == [{}, {}]


def test_what_is_found_is_written_in_it_and_read_again(tmp_path: Path) -> None:
    text_with(tmp_path, b"")
    (tmp_path / "data" / "records.jsonl").write_text('{"text": "So far, silence."}\n')
    run = tiny_run(tmp_path / "run", MODALITY, width=16)
    assert discover(run, [tmp_path / "data"], tmp_path / "out") == 0
    assert [path.name for path in (tmp_path / "out" / "brat").iterdir()] == ["a.ann"]
    records = [json.loads(one) for one in (tmp_path / "out" / "spans.jsonl").read_text().splitlines()]
    wanted = [(s["begin"], s["end"]) for one in records if one["file"].endswith("a.txt") for s in one["spans"]]
    read = read_brat(tmp_path / "out" / "brat" / "a.ann", 0)
    assert [(span.begin, span.end) for span in read.spans] == wanted
    assert wanted
