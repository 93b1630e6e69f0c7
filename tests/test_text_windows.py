"""Windows of long texts: each word in one of them, seen with the words around it, whatever the form of the file."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from gestalt.core.modality.windows import Sight
from gestalt.core.runs.discover import discover
from gestalt.modalities.text import Passage, Text, TextFiles
from gestalt.modalities.text.borders import window_ends
from gestalt.modalities.text.words import split
from tests.tiny_runs import tiny_model, tiny_run

RNG = np.random.default_rng(0)
LONG = " ".join(f"w{number}{'.' if number % 7 == 3 else ''}" for number in range(61))
FORMS = {
    "one line": ("a.txt", LONG, True),
    "lines apart": ("a.txt", f"first line\n  {LONG}  \n\n{LONG}\nlast", True),
    "lines joined": ("a.txt", f"first line\n  {LONG}\n\n{LONG}\nlast", False),
    "short lines joined": ("a.md", "\n".join(f"Line {number} ends." for number in range(40)), False),
    "records": ("a.jsonl", "\n".join(json.dumps({"text": text}) for text in ("short", LONG, f" {LONG} 東京")), True),
    "table": ("a.csv", f'id,text\n1,short\n2,"{LONG}\n{LONG}"\n3,end', True),
}


def windows(path: Path, window: int, margin: int, lines: bool) -> TextFiles:
    items = Text(window=window, lines=lines, margin=margin).read([path]).items
    assert isinstance(items, TextFiles)
    return items


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("margin", [0, 1, 5, 200])
def test_a_margin_is_the_words_next_to_a_window_in_its_text(tmp_path: Path, form: str, margin: int) -> None:
    name, content, lines = FORMS[form]
    (tmp_path / name).write_text(content)
    items = windows(tmp_path / name, 8, margin, lines)
    read = [items.read(index, RNG) for index in range(len(items))]
    texts = sorted({items.whole(index) for index in range(len(items))}, key=lambda text: text.start)
    assert [index for text in texts for index in text] == list(range(len(items)))
    assert len(texts) == {"lines apart": 4, "records": 3, "table": 3}.get(form, 1)
    for numbers in texts:
        whole = [word for number in numbers for word in read[number].words]
        spans = [span for number in numbers for span in read[number].spans]
        first = 0
        for number in numbers:
            seen = items.read_in_context(number, Sight())
            count = len(read[number].words)
            begin, end = max(0, first - margin), min(len(whole), first + count + margin)
            assert list(seen.around.words) == whole[begin:end]
            assert list(seen.around.spans) == spans[begin:end]
            assert seen.item == read[number]
            assert isinstance(seen.own, Tensor)
            assert seen.own.tolist() == list(range(first - begin, first - begin + count))
            first += count


@given(st.lists(st.sampled_from(["a", "bc", ".", "!", ",", '"', "”", "--"]), min_size=1), st.integers(1, 12))
def test_windows_hold_every_word_once_and_are_no_longer_than_asked(words: list[str], window: int) -> None:
    ends = window_ends(words, window)
    sizes = np.diff([0, *ends])
    assert ends[-1] == len(words)
    assert all(1 <= size <= window for size in sizes)
    assert all(size >= max(window // 2, 1) for size in sizes[:-1])


def test_windows_end_with_a_sentence_or_else_with_a_clause(tmp_path: Path) -> None:
    text = 'He said "Go now." Then he left, and we went on and on until we all were so very tired; nobody spoke.'
    (tmp_path / "a.txt").write_text(text)
    items = windows(tmp_path / "a.txt", 10, 0, True)
    assert [items.read(index, RNG).text for index in range(len(items))] == [
        'He said "Go now."', "Then he left, and we went on and on", "until we all were so very tired;", "nobody spoke.",
    ]  # fmt: skip
    assert split(text)[0] == tuple(word for index in range(len(items)) for word in items.read(index, RNG).words)


def test_a_part_of_a_passage_lies_where_it_lay() -> None:
    passage = Passage.of(" So far,  silence. ", start=10)
    part = passage.part(1, 4)
    assert part.text == "far,  silence"
    assert part.spans == passage.spans[1:4]


RUNS = [("alpha", 7), ("12345", 9), ("alpha", 23), ("12345", 5), ("alpha", 2), ("12345", 30)]


@pytest.mark.parametrize("form", ["a.txt", "a.jsonl", "a.csv"])
@pytest.mark.parametrize("window", [5, 11, 100])
def test_a_span_across_borders_is_one_wherever_windows_fall(form: str, window: int, tmp_path: Path) -> None:
    text = " ".join(word for word, count in RUNS for _ in range(count))
    content = {"a.txt": f"{text}\n", "a.jsonl": json.dumps({"text": text}) + "\n", "a.csv": f'id,text\n1,"{text}"\n'}
    (tmp_path / form).write_text(content[form])
    run = tiny_run(tmp_path / "run", Text(window=window), objects=2, width=16)
    assert discover(run, [tmp_path / form], tmp_path / "found") == 0
    records = [json.loads(line) for line in (tmp_path / "found" / "spans.jsonl").read_text().splitlines()]
    spans = [span for record in records for span in record["spans"]]
    assert [(span["text"].split()[0], len(span["text"].split())) for span in spans] == RUNS
    assert all(text[span["begin"] : span["end"]] == span["text"] for span in spans)
    assert [span["object"] for span in spans[::2]] == [spans[0]["object"]] * 3, "an object keeps its number"
    assert [span["object"] for span in spans[1::2]] == [spans[1]["object"]] * 3
    rows = (tmp_path / "found" / "spans.bio").read_text().splitlines()
    assert sum("\tB-" in row for row in rows) == len(RUNS)
    assert len([row for row in rows if row]) == sum(count for _, count in RUNS)
    assert all(rows[at + 1].split("\t")[1][0] == "B" for at, row in enumerate(rows[:-1]) if not row)


@pytest.mark.parametrize(("window", "margin"), [(5, 2), (9, 2), (16, 4)])
def test_vectors_of_words_in_windows_are_those_of_the_whole_text(window: int, margin: int, tmp_path: Path) -> None:
    """Convolutions of 3 and 3 words see two words to either side."""
    (tmp_path / "a.txt").write_text(LONG)
    whole = tiny_model(Text(window=1000), width=16).embed(tmp_path / "a.txt")[0].elements
    model = tiny_model(Text(window=window, margin=margin), width=16)
    assert torch.allclose(torch.cat([one.elements for one in model.embed(tmp_path / "a.txt")]), whole, atol=1e-5)
    blind = tiny_model(Text(window=window, margin=0), width=16).embed(tmp_path / "a.txt")
    assert not torch.allclose(torch.cat([one.elements for one in blind]), whole, atol=1e-3)


def test_attention_comes_closer_to_the_whole_text_with_a_margin(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(LONG)
    away = []
    whole = tiny_model(Text(window=1000), "bert").embed(tmp_path / "a.txt")[0].elements
    for margin in (0, 24):
        found = tiny_model(Text(window=8, margin=margin), "bert").embed(tmp_path / "a.txt")
        cosine = torch.nn.functional.cosine_similarity(torch.cat([one.elements for one in found]), whole)
        away.append(1 - float(cosine.mean()))
    assert away[1] < away[0] / 1.2
