"""Found spans and true ones are shown and written with the characters that they have in the file."""

import json
import re

import pytest
import torch

from gestalt.modalities.text import MODALITY, Passage, bio_lines, json_line, spans_of
from gestalt.modalities.text.render import true_words

ITEM = Passage.of("The <old> man saw it,\nagain &\u202fagain.", start=7)
FOUND = torch.tensor([2, 2, 2, 2, 2, -1, 0, -1, 2, -1, 2, -1, -1, -1])  # 12 words, then padding
TEXT = " " * 7 + ITEM.text


def test_spans_are_runs_of_words_with_the_characters_of_the_file() -> None:
    spans = spans_of(ITEM, FOUND)
    assert [(span.object, span.text) for span in spans] == [(2, "The <old> man"), (0, "it"), (2, "again"), (2, "again")]
    assert all(TEXT[span.begin : span.end] == span.text for span in spans)
    assert [(span.first, span.last) for span in spans] == [(0, 5), (6, 7), (8, 9), (10, 11)]
    with pytest.raises(ValueError, match="3 elements, the passage has 12 words"):
        spans_of(ITEM, FOUND[:3])


def test_a_line_of_json_says_where_each_span_lies() -> None:
    line = json_line(ITEM, spans_of(ITEM, FOUND), "ünï.txt", 3)
    assert line.count("\n") == 1
    record = json.loads(line)
    assert (record["file"], record["line"], record["begin"], record["text"]) == ("ünï.txt", 3, 7, ITEM.text)
    assert [TEXT[span["begin"] : span["end"]] for span in record["spans"]] == [s["text"] for s in record["spans"]]


def test_bio_columns_give_the_spans_back() -> None:
    rows = [row.split("\t") for row in bio_lines(ITEM, spans_of(ITEM, FOUND)).split("\n")]
    assert rows[-2:] == [[""], [""]], "an empty line ends a passage"
    words, tags = zip(*rows[:-2], strict=True)
    assert words == ITEM.words
    starts = [place for place, tag in enumerate(tags) if tag.startswith("B-")]
    assert [(place, tags[place]) for place in starts] == [(0, "B-2"), (6, "B-0"), (8, "B-2"), (10, "B-2")]
    assert [tag for tag in tags if tag.startswith("I-")] == ["I-2"] * 4
    neighbours = bio_lines(Passage.of("a b c"), spans_of(Passage.of("a b c"), torch.tensor([0, 1, 1])))
    assert [row.split("\t")[1] for row in neighbours.split("\n")[:3]] == ["B-0", "B-1", "I-1"]


def test_the_picture_names_spans_and_truth_and_escapes_both() -> None:
    begin, end = ITEM.spans[2][0], ITEM.spans[4][1]
    truth = [("<b>noun</b>", (begin, end)), ("nothing", (0, 3))]
    page = MODALITY.render(ITEM, FOUND, None, truth)
    assert "&lt;b&gt;noun&lt;/b&gt;" in page
    assert "<b>" not in page
    assert page.count('title="object 1"') == 7
    assert page.count('title="object 2"') == 1
    assert "2 objects in 4 spans; 1 true span, named below" in page
    assert true_words(ITEM, truth) == [("<b>noun</b>", 2, 5)]
    assert "<br>" in page


def test_without_truth_and_without_objects_the_words_are_still_shown() -> None:
    page = MODALITY.render(ITEM, torch.full((12,), -1), None)
    assert "0 objects in 0 spans" in page
    assert "again" in page


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("السلام عليكم يا world", "rtl"),
        ("12. שלום עולם", "rtl"),
        ("«یک متن فارسی»", "rtl"),
        ("Hello سلام", "ltr"),
        ("नमस्ते दुनिया", "ltr"),
        ("鳥が鳴く", "ltr"),
        ("123 !", "ltr"),
    ],
)
def test_sentences_stand_in_the_direction_of_their_script(text: str, way: str) -> None:
    item = Passage.of(text)
    page = MODALITY.render(item, torch.zeros(len(item.words), dtype=torch.long), None, [("اسم", item.spans[0])])
    assert f'<p dir="{way}"' in page
    assert page.count('<span dir="auto"') == len(item.words), "each word has its own"
    assert "<bdi>اسم</bdi>" in page
    # Where a span begins, and what is between words, is where the direction says.
    assert not re.search(r"(margin|border)[-a-z]*-(left|right)", page)
    first = page.index("border-start-start-radius:4px")
    assert first < page.index(item.words[0], first)
