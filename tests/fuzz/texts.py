"""Formats of text, their spans, and tables of labels: a few lines each."""

import json
from functools import partial
from pathlib import Path

import numpy as np

from gestalt.core.runs.pair_table import named_by, read_pairs
from gestalt.core.training.label_table import read_labels, record_labels
from gestalt.modalities.text import Text

from .formats import Format
from .law import lay_masks, read_whole

LINES = "One line of 3 words, and more.\nGrün ist die Heide; 1.5 km²!\n\nA third — „quoted“ — line\n"
WORDS = [("Old", "B-NP"), ("men", "I-NP"), ("saw", "O"), ("it", "B-NP"), (".", "O")]
CONLL = "-DOCSTART- O\n\n" + "".join(f"{word} {tag}\n" for word, tag in WORDS) + "\nYes B-X\nNo O\n"
CONLLU = "# sent_id = 1\n# text = Old men.\n" + "".join(
    f"{number}\t{word}\t_\tNOUN\t_\t_\t0\troot\t_\t{last}\n"
    for number, word, last in ((1, "Old", "_"), (2, "men", "SpaceAfter=No"), (3, ".", "_"))
)
TABLE = 'id,text,score\n1,"One, two ""three""",0.5\n2,Four five,1\n3,"two\nlines",2\n'
PLAIN, JOINED, SMALL = Text(), Text(lines=False, window=8, margin=4), Text(window=3, margin=2)
RECORDS = [{"text": "One two three", "id": 1, "tags": ["a"]}, {"text": "Vögel\u2028 am See", "id": 2}]


def _file(name: str, text: str, encoding: str = "utf-8") -> dict[str, bytes]:
    return {name: text.encode(encoding)}


def _format(name: str, file: str, text: str, modality: Text = SMALL, encoding: str = "utf-8") -> Format:
    return Format(name, partial(_file, file, text, encoding), partial(read_whole, modality), file, is_text=True)


FORMATS = [
    _format("txt", "a.txt", LINES, PLAIN),
    _format("txt in windows", "a.txt", LINES * 2, JOINED),
    _format("txt utf-16", "a.txt", "\ufeff" + LINES, SMALL, "utf-16-le"),
    _format("txt latin-1", "a.txt", LINES.replace("„", "").replace("“", "").replace("—", "-"),
            Text(encoding="latin-1"), "latin-1"),
    _format("jsonl", "a.jsonl", "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in RECORDS)),
    _format("json", "a.json", json.dumps(RECORDS, indent=1)),
    _format("csv", "a.csv", TABLE),
    _format("tsv", "a.tsv", 'text\tid\nOne "two"\t1\n"Three four"\t2\n'),
    _format("conll", "a.conll", CONLL),
    _format("conllu", "a.conllu", CONLLU),
    _format("tagged txt", "a.txt", CONLL.removeprefix("-DOCSTART- O\n\n")),
]  # fmt: skip


MASKS = partial(lay_masks, PLAIN)


SPANS = [
    {"file": "a.txt", "spans": [{"begin": 4, "end": 8, "object": 0, "text": "line"}, {"begin": 9, "end": 13}]},
    {"file": "a.txt", "line": 2, "spans": []},
]
STANDOFF = "T1\tThing 4 8\tline\nT2\tThing 0 3;9 11\tOne of\nR1\tSees Arg1:T1 Arg2:T2\n#1\tAnnotatorNotes T1\tsure\n"
TREES = "".join(
    f"{number}\t{word}\t_\tNOUN\t_\t_\t{head}\t{relation}\t_\t_\n"
    for number, word, head, relation in ((1, "Old", 2, "amod"), (2, "men", 0, "root"), (3, ".", 2, "punct"))
)
PAIRS = "one,other,same\na.txt:1,a.txt:2,1\na.txt:2,b.txt,0\nb.txt,a.txt:4,\n"
COLUMNS = "One B-X\nline I-X\nof O\n3 B-N\nwords O\n, O\nand O\nmore O\n. O\n"


def _labels(path: Path, skip_bad: bool) -> None:
    items = PLAIN.read([path.parent / "data"]).items
    read_labels(path, items, None, "class", (), skip_bad)


def _values(path: Path, skip_bad: bool) -> None:
    items = PLAIN.read([path.parent / "data"]).items
    read_labels(path, items, "score", "value", (), skip_bad)


def _trees(path: Path, skip_bad: bool) -> None:
    items = PLAIN.read([path], skip_bad).items
    trees = PLAIN.read_trees(path, items)
    for index in range(len(items)):
        trees.of_item(index, items.read(index, np.random.default_rng(0)))


def _pairs(path: Path, skip_bad: bool) -> None:
    table = read_pairs(path, skip_bad=skip_bad)
    named_by(table, PLAIN.read([path.parent / "data"]).items)
    table.known()


def _own_labels(path: Path, skip_bad: bool) -> None:
    items = SMALL.read([path], skip_bad).items
    try:
        record_labels(items, "score", "value")
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _with_data(name: str, text: str) -> dict[str, bytes]:
    return {"data/a.txt": LINES.encode(), "data/b.txt": b"More words here\n", name: text.encode()}


FORMATS += [
    Format(name, partial(_with_data, file, text), read, file, is_text=True)
    for name, file, text, read in (
        ("spans jsonl", "s.jsonl", "".join(json.dumps(one) + "\n" for one in SPANS), MASKS),
        ("spans conll", "a.conll", COLUMNS, MASKS),
        ("labels csv", "l.csv", 'file,label,note\na.txt,x,\nb.txt,y,"a, b"\n', _labels),
        ("labels tsv", "l.tsv", "file\tlabel\na.txt:1\tx\na.txt:2\tz\ndata/b.txt\ty\n", _labels),
        ("spans of BRAT", "a.ann", STANDOFF, MASKS),
        ("pairs csv", "p.csv", PAIRS, _pairs),
        ("values csv", "v.csv", "name;score\na;0,5\nb;1e3\n", _values),
    )
]
FORMATS.append(Format("trees", partial(_file, "a.conllu", TREES + "\n" + TREES), _trees, "a.conllu", is_text=True))
FORMATS.append(Format("own column", partial(_file, "a.csv", TABLE), _own_labels, "a.csv", is_text=True))
