"""Spans that come with texts lie on the words of the passages, however these are cut."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gestalt.core.data.items import BadItemError, Skipped
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.training.data import Order, batches
from gestalt.modalities.text import Passage, Text, TextFiles, bio_lines, chain, json_line, spans_of
from gestalt.modalities.text.views import Crop, Delete, Insert, Swap

RNG = np.random.default_rng(0)
LINES = ["The old man can't row.", "", "He  sees U.N. ships — nine of them", "in the harbour."]
WANTED = [["The old man", "row"], ["U.N. ships"], ["the harbour"]]
"""The spans of every passage, in words."""
COLUMNS = """-DOCSTART- -X- O

The DT B-NP
old JJ I-NP
man NN I-NP
ca MD O
n't RB O
row VB B-VP
. . O

He PRP O
sees VBZ O
U.N. NNP B-NP
ships NNS I-NP
— : O
nine CD O
of IN O
them PRP O

in IN O
the DT B-NP
harbour NN I-NP
. . O
"""


def made(folder: Path) -> Path:
    """A folder with nothing in it."""
    folder.mkdir()
    return folder


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def masks_of(data: Path, masks: Path, **settings: Any) -> tuple[TextFiles, AbstractMasks[Passage]]:
    modality = Text(**settings)
    items = modality.read([data]).items
    assert isinstance(items, TextFiles)
    return items, modality.read_masks(masks, items)


def found_in(items: TextFiles, masks: AbstractMasks[Passage], index: int) -> list[tuple[str, str]]:
    """Names and texts of the objects of a passage, in the order in which they begin."""
    item = items.read(index, RNG)
    found = masks.of_item(index, item)
    assert found is not None
    assert len(found.labels) == len(item.words)
    return [(found.name(span.object), span.text) for span in spans_of(item, found.labels)]


def offsets(text: str, *parts: str) -> list[dict[str, Any]]:
    """Spans by their characters."""
    return [{"begin": text.index(part), "end": text.index(part) + len(part), "text": part} for part in parts]


def plain(at: Path) -> Path:
    return write(at / "data" / "a.txt", "\n".join(LINES))


def records(at: Path) -> Path:
    rows = [json.dumps({"id": 1, "text": line}) for line in LINES if line]
    return write(at / "data" / "a.jsonl", "\n".join(rows))


MADE: dict[str, tuple[Callable[[Path], Path], Callable[[Path], Path], dict[str, Any]]] = {
    "columns by name": (plain, lambda at: write(at / "m" / "a.conll", COLUMNS).parent, {}),
    "columns of all": (plain, lambda at: write(at / "gold.bio", COLUMNS), {}),
    "columns with tabs": (plain, lambda at: write(at / "a.tsv", COLUMNS.replace(" ", "\t")), {}),
    "columns of records": (records, lambda at: write(at / "a.conll", COLUMNS), {}),
    "columns, windows of words": (plain, lambda at: write(at / "a.conll", COLUMNS), {"lines": False, "window": 9}),
    "columns, windows that cut a span": (
        plain,
        lambda at: write(at / "a.conll", COLUMNS),
        {"lines": False, "window": 7},
    ),
    "characters of the file": (
        plain,
        lambda at: write(
            at / "s.jsonl",
            json.dumps({"file": "a.txt", "spans": offsets("\n".join(LINES), *(one for row in WANTED for one in row))}),
        ),
        {},
    ),
    "characters of records": (
        records,
        lambda at: write(
            at / "s.jsonl",
            "\n".join(
                json.dumps({"file": "data/a.jsonl", "line": number, "spans": offsets(line, *row)})
                for number, (line, row) in enumerate(
                    zip([line for line in LINES if line], WANTED, strict=True), start=1
                )
            ),
        ),
        {},
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_spans_lie_on_the_words_that_they_were_drawn_on(tmp_path: Path, name: str) -> None:
    data, make, settings = MADE[name]
    data(tmp_path)
    items, masks = masks_of(tmp_path / "data", make(tmp_path), **settings)
    found = [[text for _, text in found_in(items, masks, index)] for index in range(len(items))]
    if settings.get("window") == 7:  # a span on both sides of a border is one in each window
        assert " ".join(text for row in found for text in row) == " ".join(text for row in WANTED for text in row)
    elif settings:  # windows of words are cut elsewhere
        assert [text for row in found for text in row] == [text for row in WANTED for text in row]
    else:
        assert found == WANTED


def test_types_are_the_names_of_spans(tmp_path: Path) -> None:
    plain(tmp_path)
    items, masks = masks_of(tmp_path / "data", write(tmp_path / "a.conll", COLUMNS))
    assert found_in(items, masks, 0) == [("NP", "The old man"), ("VP", "row")]
    item = items.read(0, RNG)
    found = masks.of_item(0, item)
    assert found is not None
    shown = Text().shown_masks(item, found)
    assert shown == [("NP", (0, 11)), ("VP", (18, 21))]
    page = Text().render(item, torch.full((len(item.words),), -1), None, shown)
    assert ">NP</span>" in page


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("B-A I-A B-A O", ["a b", "c"]),
        ("I-A I-A B-A O", ["a b", "c"]),
        ("I-A I-B O B-A", ["a", "b", "d"]),
        ("B-A E-A S-A S-B", ["a b", "c", "d"]),
        ("B-A L-A U-A I-A", ["a b", "c", "d"]),
        ("B-3 I-3 O B-3", ["a b", "d"]),
    ],
)
def test_every_way_of_tagging_is_understood(tmp_path: Path, tags: str, spans: list[str]) -> None:
    write(tmp_path / "data" / "a.txt", "a b c d")
    rows = "\n".join(f"{word} {tag}" for word, tag in zip("abcd", tags.split(), strict=True))
    items, masks = masks_of(tmp_path / "data", write(tmp_path / "a.bio", rows))
    found = masks.of_item(0, items.read(0, RNG))
    assert found is not None
    assert len(found.objects()) == len(spans)
    words = items.read(0, RNG).words
    named = [
        " ".join(word for word, label in zip(words, found.labels.tolist(), strict=True) if label == number)
        for number in found.objects()
    ]
    assert named == spans


def test_what_discover_writes_is_read_again(tmp_path: Path) -> None:
    """Both files, of two texts in a row; objects with spans apart stay one object in JSON Lines."""
    plain(tmp_path)
    write(tmp_path / "data" / "b.txt", "one two three four\nfive six")
    items = Text().read([tmp_path / "data"]).items
    assert isinstance(items, TextFiles)
    lines, columns, labels = "", "", []
    for index in range(len(items)):
        item = items.read(index, RNG)
        own = torch.arange(len(item.words)) // 2 % 3 - 1
        spans = spans_of(item, own)
        labels.append(own)
        lines += json_line(item, spans, str(items.path(index)), items.line(index))
        columns += bio_lines(item, spans)
    for path in (write(tmp_path / "spans.jsonl", lines), write(tmp_path / "spans.bio", columns)):
        masks = Text().read_masks(path, items)
        for index, own in enumerate(labels):
            found = masks.of_item(index, items.read(index, RNG))
            assert found is not None
            assert torch.equal(found.labels >= 0, own >= 0)
            for number in found.objects():
                assert len(own[found.labels == number].unique()) == 1
            if path.suffix == ".jsonl":
                assert len(found.objects()) == len(own[own >= 0].unique())


def test_passages_of_which_nothing_is_said_have_no_mask(tmp_path: Path) -> None:
    write(tmp_path / "data" / "a.txt", "one two\nthree four\nfive")
    write(tmp_path / "data" / "b.txt", "six")
    items, masks = masks_of(tmp_path / "data", write(tmp_path / "m" / "a.bio", "one O\ntwo B-x\n").parent)
    assert [masks.has(index) for index in range(4)] == [True, False, False, False]
    line = json.dumps({"file": "a.txt", "line": 2, "spans": []})
    items, masks = masks_of(tmp_path / "data", write(tmp_path / "s.jsonl", line))
    assert [masks.has(index) for index in range(4)] == [False, True, False, False]
    assert found_in(items, masks, 1) == []
    assert masks.of_item(0, items.read(0, RNG)) is None


def test_of_spans_that_overlap_the_shorter_is_on_top_and_words_go_with_most_of_their_characters(tmp_path: Path) -> None:
    text = "alpha beta gamma delta"
    write(tmp_path / "data" / "a.txt", text)
    spans = [
        {"begin": 6, "end": 10, "label": "inner"},
        {"begin": 0, "end": 16, "label": "outer"},
        {"begin": 18, "end": 22, "label": "most of a word"},
    ]
    path = write(tmp_path / "s.jsonl", json.dumps({"file": "a.txt", "spans": spans}))
    items, masks = masks_of(tmp_path / "data", path)
    assert found_in(items, masks, 0) == [
        ("outer", "alpha"),
        ("inner", "beta"),
        ("outer", "gamma"),
        ("most of a word", "delta"),
    ]


def test_the_shorter_of_two_spans_is_on_top_where_both_begin_together_and_half_a_word_is_not_in(tmp_path: Path) -> None:
    write(tmp_path / "data" / "a.txt", "alpha beta gamma")
    found = [{"begin": 0, "end": 16, "label": "all"}, {"begin": 0, "end": 8, "label": "first"}]
    items, masks = masks_of(tmp_path / "data", spans(tmp_path, *found))
    assert found_in(items, masks, 0) == [("first", "alpha"), ("all", "beta gamma")]


def test_a_span_may_run_over_the_end_of_a_passage(tmp_path: Path) -> None:
    write(tmp_path / "data" / "a.txt", "one two\nthree four\nfive")
    items, masks = masks_of(tmp_path / "data", spans(tmp_path, {"begin": 4, "end": 13}, {"begin": 19, "end": 23}))
    assert [found_in(items, masks, index) for index in range(3)] == [
        [("object 1", "two")], [("object 1", "three")], [("object 1", "five")]
    ]  # fmt: skip


def test_a_word_that_is_cut_there_goes_with_most_of_its_characters(tmp_path: Path) -> None:
    write(tmp_path / "data" / "a.txt", "he can't")
    path = write(tmp_path / "a.conll", "he O\nca B-x\nn't B-y\n")
    items, masks = masks_of(tmp_path / "data", path)
    assert found_in(items, masks, 0) == [("y", "can't")]


def test_the_masks_of_training_are_on_their_words(tmp_path: Path) -> None:
    """Words that a view crops, drops, swaps or puts in: each belongs to the span in which it was."""
    rows = [[f"w{line}x{place}" for place in range(12)] for line in range(6)]
    write(tmp_path / "data" / "a.txt", "\n".join(" ".join(row) for row in rows))
    tags = ["O", "B-a", "I-a", "I-a", "B-b", "I-b", "O", "O", "B-a", "I-a", "B-b", "O"]
    columns = "\n\n".join("\n".join(f"{word} {tag}" for word, tag in zip(row, tags, strict=True)) for row in rows)
    items, masks = masks_of(tmp_path / "data", write(tmp_path / "a.conll", columns))
    object_of = [-1, 0, 0, 0, 1, 1, -1, -1, 2, 2, 3, -1]
    view = chain((1.0, Delete()), (1.0, Swap()), (1.0, Insert(("the", "of"))))
    views = type(Text().views)(chain((1.0, Crop(0.6, 0.9))), (view, view))
    seen = 0
    for batch in batches(items, views, Text().collate, Order(6, 6, 4, 0), 0, False, masks=masks):
        assert batch.masks is not None
        for made in batch.views:
            features = Text().encoders["raw"]()(made.data)
            found = batch.masks.seen_from(made.correspondence, features).labels()
            for row, words in enumerate(made.data.strings()):
                source = {word: object_of[int(word.split("x")[1])] for word in words if "x" in word}
                kinds = sorted({kind for kind in source.values() if kind >= 0})
                groups: dict[int, set[int]] = {}
                for word, label in zip(words, found[row].tolist(), strict=False):
                    groups.setdefault(label, set()).add(source.get(word, -1))
                    seen += label >= 0
                assert groups.pop(-1, {-1}) == {-1}
                assert all(len(group) == 1 for group in groups.values())
                assert sorted(kind for group in groups.values() for kind in group) == kinds
    assert seen > 100


WRONG: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing there": (lambda at: at / "no", "the masks .*no do not exist"),
    "another format": (lambda at: write(at / "x.docx", "a"), r"x\.docx holds no masks.*columns as CoNLL has them"),
    "an empty folder": (lambda at: made(at / "empty"), "empty holds no masks"),
    "a stranger": (lambda at: write(at / "m" / "z.bio", COLUMNS).parent, r"z\.bio names 'z', which is none"),
    "no tags": (lambda at: write(at / "a.bio", "The\nold\n"), r"a\.bio:1 is no word with a tag behind it: 'The'"),
    "parts of speech": (
        lambda at: write(at / "a.bio", "The DT\n"),
        r"a\.bio:1 is no word.*a tag is O, or B-, I-, E-, S-",
    ),
    "another text": (
        lambda at: write(at / "a.bio", COLUMNS.replace("row", "sing")),
        r"a\.bio:8 goes on with 'sing.*', and .*a\.txt:1 with 'row\.'",
    ),
    "too much": (
        lambda at: write(at / "a.bio", COLUMNS + "\nmore O\n"),
        r"a\.bio:25 goes on with 'more', and the text ends",
    ),
    "no text": (lambda at: binary(at / "a.bio"), r"a\.bio is no text in Unicode"),
    "no JSON": (lambda at: write(at / "s.jsonl", "{"), r"s\.jsonl:1 has no spans \(JSONDecodeError"),
    "no spans": (
        lambda at: write(at / "s.jsonl", '{"file": "a.txt"}'),
        r"s\.jsonl:1 has no spans \(KeyError: 'spans'\)",
    ),
    "a stranger in JSON": (
        lambda at: write(at / "s.jsonl", '{"file": "z.txt", "spans": []}'),
        r"s\.jsonl:1 names 'z\.txt', which is none",
    ),
    "backwards": (lambda at: spans(at, {"begin": 5, "end": 5}), "a span begins before it ends, got 5 … 5"),
    "beyond the end": (
        lambda at: spans(at, {"begin": 900, "end": 905}),
        r"s\.jsonl:1: no word of .*a\.txt lies in the characters 900 … 905",
    ),
    "another text in JSON": (
        lambda at: spans(at, {"begin": 4, "end": 11, "text": "young man"}),
        "the characters 4 … 11 of .*a.txt are 'old man', not 'young man'",
    ),
}


def spans(at: Path, *found: dict[str, Any]) -> Path:
    return write(at / "s.jsonl", json.dumps({"file": "a.txt", "spans": found}))


def binary(path: Path) -> Path:
    path.write_bytes(b"\x80\xfe\x00")
    return path


@pytest.mark.parametrize("name", WRONG)
def test_wrong_spans_are_refused_by_name(tmp_path: Path, name: str) -> None:
    make, message = WRONG[name]
    plain(tmp_path)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        masks_of(tmp_path / "data", make(tmp_path))


def test_spans_of_records_need_their_line(tmp_path: Path) -> None:
    records(tmp_path)
    path = write(tmp_path / "s.jsonl", json.dumps({"file": "a.jsonl", "spans": [{"begin": 0, "end": 3}]}))
    with pytest.raises(ValueError, match=r"s\.jsonl:1: spans in records need their line"):
        masks_of(tmp_path / "data", path)


def test_spans_of_texts_that_were_left_out_may_be_there(tmp_path: Path) -> None:
    plain(tmp_path)
    for name in ("a.conll", "torn.conll"):
        write(tmp_path / "m" / name, COLUMNS)
    items = Text().read([tmp_path / "data"]).items
    skipped = [Skipped(str(tmp_path / "data" / "torn.txt"), "is torn")]
    assert Text().read_masks(tmp_path / "m", items, skipped).has(0)


def test_a_text_that_changes_while_it_is_read_is_named(tmp_path: Path) -> None:
    plain(tmp_path)
    _, masks = masks_of(tmp_path / "data", write(tmp_path / "a.conll", COLUMNS))
    with pytest.raises(BadItemError, match="has 2 words and had 6: its file was changed"):
        masks.of_item(0, Passage.of("other words"))


def test_an_object_of_no_name_is_numbered() -> None:
    assert ItemMasks(torch.tensor([0, 1]), None, ("NP",)).name(1) == "object 2"
