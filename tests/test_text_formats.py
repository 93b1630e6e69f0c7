"""Texts in the formats of the field: read as what they are, or refused by name with what to do."""

import json
from pathlib import Path

import numpy as np
import pytest

from gestalt.core.data.items import BadItemError
from gestalt.modalities.text import MODALITY, Passage, Text, TextFiles, bio_lines
from gestalt.modalities.text.formats import REFUSED

RNG = np.random.default_rng(0)
TEXTS = ["The old farmer sold his horses.", "He didn't know\u2028that, 東京.", 'a [bracket] and a "quote" {'] * 2


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def items_of(path: Path, modality: Text = MODALITY) -> TextFiles:
    items = modality.read([path]).items
    assert isinstance(items, TextFiles)
    return items


def passages(path: Path, modality: Text = MODALITY) -> list[Passage]:
    items = items_of(path, modality)
    return [items.read(index, RNG) for index in range(len(items))]


JSONS = {
    "an array": json.dumps([{"id": n, "text": text} for n, text in enumerate(TEXTS)]),
    "an indented array": json.dumps([{"id": n, "text": text} for n, text in enumerate(TEXTS)], indent=2),
    "an array of texts": json.dumps(TEXTS, ensure_ascii=False),
    "nested objects": json.dumps([{"tags": [{"text": "no"}], "text": text} for text in TEXTS]),
    "lines that are called json": "\n".join(json.dumps({"text": text}) for text in TEXTS),
    "a byte order mark": "\ufeff" + json.dumps([{"text": text} for text in TEXTS]),
}


@pytest.mark.parametrize("name", JSONS)
def test_arrays_of_json_are_records(tmp_path: Path, name: str) -> None:
    items = items_of(write(tmp_path / "a.json", JSONS[name]), Text(window=4))
    found = [items.read(index, RNG) for index in range(len(items))]
    for number, text in enumerate(TEXTS, start=1):
        own = [one for index, one in enumerate(found) if items.line(index) == number]
        assert [word for one in own for word in one.words] == list(Passage.of(text).words)
        assert [text[begin:end] for one in own for begin, end in one.spans] == list(Passage.of(text).words)


def test_a_lone_object_is_one_record(tmp_path: Path) -> None:
    assert [one.text for one in passages(write(tmp_path / "a.json", '{\n"text": "just one"\n}'))] == ["just one"]


CONLLU = """# sent_id = s1
# text = Vámonos al mar, ya.
1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tVamos\tir\tVERB\t_\t_\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_
3-4\tal\t_\t_\t_\t_\t_\t_\t_\t_
3\ta\ta\tADP\t_\t_\t5\tcase\t_\t_
4\tel\tel\tDET\t_\t_\t5\tdet\t_\t_
5\tmar\tmar\tNOUN\t_\t_\t1\tobl\t_\tSpaceAfter=No
6\t,\t,\tPUNCT\t_\t_\t1\tpunct\t_\t_
6.1\tvamos\tir\tVERB\t_\t_\t_\t_\t_\t_
7\tya\tya\tADV\t_\t_\t1\tadvmod\t_\tSpaceAfter=No
8\t.\t.\tPUNCT\t_\t_\t1\tpunct\t_\t_

1\tSí\tsí\tINTJ\t_\t_\t0\troot\t_\t_
"""
NER = "-DOCSTART- -X- O O\n\nMr.-Brown NNP B-NP B-PER\nisn't VBZ O O\n# NN O O\n\nLeeds NNP B-NP B-LOC\n. . O O\n"
COLUMNS = {
    "CoNLL-U": ("a.conllu", CONLLU, [["Vámonos", "al", "mar", ",", "ya", "."], ["Sí"]]),
    "CoNLL-U with carriage returns": (
        "a.conllu",
        CONLLU.replace("\n", "\r\n"),
        [["Vámonos", "al", "mar", ",", "ya", "."], ["Sí"]],
    ),
    "CoNLL-2003": ("a.conll", NER, [["Mr.-Brown", "isn't", "#"], ["Leeds", "."]]),
    "with tabs": ("a.bio", NER.replace(" ", "\t"), [["Mr.-Brown", "isn't", "#"], ["Leeds", "."]]),
    "that a name does not tell": ("train.txt", NER, [["Mr.-Brown", "isn't", "#"], ["Leeds", "."]]),
    "CoNLL-2012": (
        "a.conll",
        "#begin document (bc/x); part 000\nbc/x 0 0 Leeds NNP\nbc/x 0 1 . .\n\n#end document\n",
        [["Leeds", "."]],
    ),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_give_their_words_as_they_are_cut_there_and_no_tags(tmp_path: Path, name: str) -> None:
    file, content, words = COLUMNS[name]
    found = passages(write(tmp_path / file, content))
    assert [list(one.words) for one in found] == words
    assert [line.split("\t")[0] for line in bio_lines(found[0], []).split("\n") if line] == words[0]
    short = passages(tmp_path / file, Text(window=2))
    assert [word for one in short for word in one.words] == [word for row in words for word in row]
    assert max(len(one.words) for one in short) == min(2, max(map(len, words)))


def test_a_sentence_has_its_text_and_its_remarks(tmp_path: Path) -> None:
    items = items_of(write(tmp_path / "a.conllu", CONLLU))
    assert items.read(0, RNG).text == "Vámonos al mar, ya."
    assert items.fields(0) == {"sent_id": "s1", "text": "Vámonos al mar, ya."}
    assert [items.line(index) for index in range(2)] == [1, 15]


def test_tags_of_the_same_file_are_masks_of_its_words(tmp_path: Path) -> None:
    path = write(tmp_path / "a.conll", NER)
    items = items_of(path)
    masks = MODALITY.read_masks(path, items)
    found = masks.of_item(0, items.read(0, RNG))
    assert found is not None
    assert (found.labels.tolist(), found.names) == ([0, -1, -1], ("PER",))


def test_records_say_their_other_fields(tmp_path: Path) -> None:
    row = {"id": 7, "lang": "de", "text": "ja", "more": {"x": 1}}
    for name, content in (
        ("a.jsonl", json.dumps(row)),
        ("a.json", json.dumps([row])),
        ("a.csv", "id;lang;text\n7;de;ja\n"),
    ):
        assert items_of(write(tmp_path / name, content)).fields(0) == {"id": "7", "lang": "de", "text": "ja"}
    assert items_of(write(tmp_path / "a.txt", "ja")).fields(0) == {}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig", "latin-1", "cp1252"])
@pytest.mark.parametrize("lines", [True, False])
def test_texts_in_other_encodings_are_read_with_the_characters_of_the_file(
    tmp_path: Path, encoding: str, lines: bool
) -> None:
    text = "Größe zählt, und noch mehr Text für die Erkennung.\r\nzwei Wörter\ra b c d e f g h\n"
    path = write(tmp_path / "a.txt", text.encode(encoding))
    found = passages(path, Text(window=5, lines=lines, encoding="cp1252"))
    assert [text[begin:end] for one in found for begin, end in one.spans] == list(Passage.of(text).words)
    table = write(tmp_path / "a.csv", f'id,text\r\n1,"{text}"\r\n'.encode(encoding))
    assert passages(table, Text(encoding="cp1252"))[0].text == text.strip().removesuffix("\n")


def test_gb18030_is_read_where_it_is_named_and_refused_by_name_otherwise(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "老农夫卖马。\n另一行\n".encode("gb18030"))
    assert [one.text for one in passages(path, Text(encoding="gb18030"))] == ["老农夫卖马。", "另一行"]
    with pytest.raises(BadItemError, match=r"a\.txt:1: is not in UTF-8 .*--encoding"):
        MODALITY.read([path])
    for name in ("klingon", "utf-16", "rot13"):
        with pytest.raises(ValueError, match=f"there is no encoding '{name}'; give one such as latin-1"):
            Text(encoding=name)


OTHERS: dict[str, tuple[str, str | bytes, str]] = {
    "a page": ("a.xml", "<a>old men</a>", "is text with mark-up; take the text out of it"),
    "captions": ("a.srt", "1\n00:00:01,000 --> 00:00:02,000\nold men\n", "holds captions, whose numbers and times"),
    "a packed text": ("a.txt.gz", b"\x1f\x8b\x08", "is compressed, and texts are read from any place in them"),
    "a document": ("a.docx", b"PK\x03\x04", "is a document of another program"),
    "a page that is called text": ("a.txt", "<!DOCTYPE html><p>old men", "is text with mark-up"),
    "a drawing": ("a.svg", "<svg width='9'><text>old men</text></svg>", "is text with mark-up"),
    "a graph of marks": ("a.txt", '<graphml xmlns="http://graphml.org"><node/>', "is text with mark-up"),
    "captions that are called text": ("b.txt", "WEBVTT\n\n00:01.000 --> 00:02.000\nold men", "holds captions"),
    "JSON that is called text": ("c.txt", '{"text": "old men"}\n', r"holds JSON; call it \.jsonl"),
    "an open array": ("a.json", '[{"text": "old men"}, {"text": ', r"a\.json:2: is no JSON: brackets do not match"),
    "numbers": ("b.json", "[1, 2]", r"b\.json:1: is neither an object nor a text"),
    "no JSON": ("c.json", "old men", r"c\.json"),
    "a torn array": ("d.json", '[{"text": "old"}', r"d\.json:2: is no JSON: the array does not end"),
    "a column without words": (
        "a.conllu",
        "1\ta\t_\n2\n\n",
        r"a\.conllu:1: has a line without a word in column 2: '2'",
    ),
    "nothing": ("a.bio", "\n\n", r"a\.bio: holds no words"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_read_is_refused_by_name_and_left_out_on_request(tmp_path: Path, name: str) -> None:
    file, content, message = OTHERS[name]
    path = write(tmp_path / file, content)
    good = write(tmp_path / "good.txt", "all is well")
    with pytest.raises(BadItemError, match=message):
        MODALITY.read([path, good])
    reading = MODALITY.read([path, good], skip_bad=True)
    assert [str(path) in entry.name for entry in reading.skipped] == [True]
    assert reading.items.read(len(reading.items) - 1, RNG).text == "all is well"


def test_texts_in_other_forms_in_a_folder_are_listed_as_left_out(tmp_path: Path) -> None:
    for suffix in REFUSED:
        write(tmp_path / f"a{suffix}", "x")
    write(tmp_path / "good.txt", "all is well")
    write(tmp_path / "photo.png", "x")
    reading = MODALITY.read([tmp_path])
    assert {Path(entry.name).suffix for entry in reading.skipped} == set(REFUSED)
    assert all("; " in entry.reason for entry in reading.skipped), "what to do"


def test_marks_within_a_text_make_it_no_page(tmp_path: Path) -> None:
    texts = ["<s> the old men </s>", "<unk> sea", "<doc id=7> she left"]
    found = passages(write(tmp_path / "a.txt", "\n".join(texts)))
    assert [one.text for one in found] == texts


@pytest.mark.parametrize(
    "content", ['[{"text": "grüße [an] alle"}, "ja, schön"]', '{"text": "grüße"}\n{"text": "schön"}\n']
)
def test_json_in_another_encoding_is_read_where_it_is_named(content: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", content.encode("cp1252"))
    assert next(one.words[0] for one in passages(path, Text(encoding="cp1252"))) == "grüße"
    assert len(passages(path, Text(encoding="cp1252"))) == 2
    with pytest.raises(BadItemError, match=r"is not in UTF-8.*encoding=cp1252"):
        MODALITY.read([path])


def test_an_array_of_json_whose_letters_may_hold_brackets_is_refused_by_name(tmp_path: Path) -> None:
    for encoding in ("utf-16", "gb18030", "shift_jis"):
        path = write(tmp_path / "a.json", '[{"text": "日本語"}]'.encode(encoding))
        with pytest.raises(BadItemError, match=rf"is in {encoding[:6]}.*, and arrays of JSON are read in UTF-8"):
            Text(encoding=encoding if encoding != "utf-16" else None).read([path])
