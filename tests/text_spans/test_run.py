"""The recipe text-spans from end to end: what a run leaves, finds and writes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.data.items import BadItemError
from gestalt.core.evaluation import Table
from gestalt.core.experiment.options import Running
from gestalt.core.training.metrics_log import METRICS, read_metrics
from gestalt.modalities.text import MODALITY, Passage
from gestalt.modalities.text.words import split
from gestalt.recipes.text_spans.recipe import Options, TextSpans
from tests.text_spans.conftest import TEXT, TRAINED

ROWS = (
    "k-means on letters", "change points on letters", "seams in letters", "k-means on a random encoder",
    "change points on a random encoder", "seams in a random encoder", "right-branching trees", "every word by itself",
    "random spans of two words", "between punctuation", "frequent words", "closed-class words", "Odin, warm start",
)  # fmt: skip
FILES = ("ünï <i>.txt", "records.jsonl")


def test_a_run_leaves_a_table_a_report_and_an_encoder(shipped: Path) -> None:
    table = Table.from_json((shipped / "table.json").read_text())
    assert tuple(row.method for row in table.rows) == ROWS
    assert all(np.isfinite(values).all() for row in table.rows for values in row.values if values)
    assert [row["step"] for row in read_metrics(shipped / METRICS)] == ["1", "2", "3", "4", "5", "6"]
    page = (shipped / "report.html").read_text()
    assert "Groups of words" in page
    assert page.count('class="gestalt-text"') == 6
    assert ">verb</span>" in page
    encoder = gestalt.load(shipped).encoder
    assert encoder(MODALITY.collate([Passage.of("So far, silence.")])).values.shape == (1, 5, 16)


def test_a_run_on_ones_own_text_says_what_it_left_out(own: Path) -> None:
    assert not (own / "table.json").exists()
    page = (own / "report.html").read_text()
    assert "bad.txt:1" in page
    assert "is not in UTF-8" in page
    assert "<b>muss" not in page


def test_discover_writes_spans_with_their_characters(own: Path, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "found"
    assert execute(["discover", str(own), *(str(folder / name) for name in FILES), "--out", str(out)]) == 0
    records = [json.loads(line) for line in (out / "spans.jsonl").read_text().splitlines()]
    assert [(Path(r["file"]).name, r["line"]) for r in records] == [
        *((FILES[0], line) for line in (1, 2, 3)), (FILES[1], 1), (FILES[1], 2),
    ]  # fmt: skip
    for record in records[:3]:
        assert record["spans"]
        assert all(TEXT[span["begin"] : span["end"]] == span["text"] for span in record["spans"])
        assert not any(mark in span["text"].split() for span in record["spans"] for mark in ",.!<>")
    blocks = (out / "spans.bio").read_text().split("\n\n")
    assert [row.split("\t")[0] for row in blocks[0].splitlines()] == list(split(TEXT.splitlines()[0])[0])
    page = (out / "spans.html").read_text()
    assert "<i>" not in page
    assert "&lt;i&gt;" in page
    assert page.count('class="gestalt-text"') == 5


def test_discover_leaves_out_bad_files_on_request_alone(own: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadItemError, match=r"bad\.txt:1: is not in UTF-8"):
        execute(["discover", str(own), str(folder), "--out", str(tmp_path / "a")])
    assert execute(["discover", str(own), str(folder), "--skip-bad", "--out", str(tmp_path / "b")]) == 0
    assert "bad.txt:1" in (tmp_path / "b" / "skipped.txt").read_text()


def test_embed_writes_a_vector_for_every_word(own: Path, folder: Path, tmp_path: Path) -> None:
    assert execute(["embed", str(own), str(folder / FILES[0]), "--out", str(tmp_path)]) == 0
    table = pyarrow.parquet.read_table(tmp_path / "elements.parquet").to_pydict()
    words = [TEXT[int(a) : int(b)] for a, b in zip(table["begin"], table["end"], strict=True)]
    assert words == list(split(TEXT)[0])
    assert set(table["line"]) == {1.0, 2.0, 3.0}
    assert {len(vector) for vector in table["vector"]} == {16}


def test_a_transformer_learns_its_sub_words_from_the_text_and_is_loaded_again(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "bert"
    more = ["--encoder", "bert", "--vocabulary", "270", "--no-noise", "--method", "byol-small"]
    small = ["2" if value == "6" else value for value in TRAINED]
    assert execute(["run", "text-spans", "--data", str(folder / FILES[0]), "--out", str(out), *small, *more]) == 0
    encoder = gestalt.load(out).encoder
    settings = json.loads((out / "config.json").read_text())["encoder"]["settings"]
    assert 261 < settings["config"]["vocab_size"] <= 270
    assert encoder(MODALITY.collate([Passage.of("So far, silence.")])).values.shape == (1, 5, 128)


def test_a_view_differs_from_its_passage_unless_noise_is_left_out(folder: Path) -> None:
    def changed(noise: bool) -> list[bool]:
        options = Options(noise=noise, running=Running(Path("unused"), (folder / FILES[0],)))
        data = TextSpans(options).data()
        item, rng = data.items.read(0, np.random.default_rng(0)), np.random.default_rng(0)
        return [view(item, rng)[0] != item for view in data.views.views for _ in range(10)]

    assert not any(changed(noise=False))
    assert sum(changed(noise=True)) > 10


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"window": 1}, r"window \(--window\) must lie in \[4, 1e\+06\], got 1"),
        ({"test_sentences": 1}, r"test_sentences \(--test-sentences\) must lie in \[2, 1e\+06\], got 1"),
        ({"sentences": 0}, r"sentences \(--sentences\) must lie in \[1, 1e\+09\], got 0"),
        ({"delete": 1.5}, r"delete \(--delete\) must lie in \[0, 1\], got 1\.5"),
        ({"frequent": 0}, r"frequent \(--frequent\) must lie in \[1, 1e\+09\], got 0"),
    ],
)
def test_wrong_options_are_refused_in_words(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Options(**wrong)
