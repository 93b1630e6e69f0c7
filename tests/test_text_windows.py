"""Windows of long texts: each word in one of them, seen with the words around it, whatever the form of the file."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from gestalt.core.modality.windows import Sight
from gestalt.modalities.text import Passage, Text, TextFiles
from gestalt.modalities.text.borders import window_ends
from gestalt.modalities.text.words import split

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
