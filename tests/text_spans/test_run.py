"""The recipe text-spans from end to end: what a run leaves, finds and writes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.evaluation import Table
from gestalt.core.experiment.options import Running
from gestalt.core.storage.names_of_runs import METRICS
from gestalt.core.training.metrics_log import read_metrics
from gestalt.modalities.text import MODALITY, Passage
from gestalt.modalities.text.chunks import Chunks
from gestalt.recipes.text_spans.recipe import Options, TextSpans
from tests.text_spans.conftest import TRAINED

ROWS = (
    "k-means on letters", "change points on letters", "seams in letters", "k-means on a random encoder",
    "change points on a random encoder", "seams in a random encoder", "random encoder, as the run finds spans",
    "right-branching trees", "every word by itself", "random spans of two words", "between punctuation",
    "frequent words", "chunks learned from punctuation", "closed-class words", "Odin, rounds",
)  # fmt: skip
FILES = ("ünï <i>.txt", "records.jsonl")


def test_a_run_leaves_a_table_a_report_and_an_encoder(shipped: Path) -> None:
    table = Table.from_json((shipped / "table.json").read_text())
    assert tuple(row.method for row in table.rows) == ROWS
    assert all(np.isfinite(values).all() for row in table.rows for values in row.values if values)
    assert [row["step"] for row in read_metrics(shipped / METRICS)] == ["1", "2", "3", "4", "5", "6"]
    page = (shipped / "report.html").read_text()
    assert "Groups of words" in page
    assert page.count('class="gestalt-text"') == 8  # three sentences with their truth, and after both rounds
    assert ">verb</span>" in page
    encoder = gestalt.load(shipped).encoder
    assert encoder(MODALITY.collate([Passage.of("So far, silence.")])).values.shape == (1, 5, 16)


def test_a_run_keeps_the_grammar_that_it_learned(shipped: Path) -> None:
    """Law 13: what is loaded cuts as the run did, and nothing is learned again."""
    options = Options(sentences=60, running=Running(shipped))
    recipe = TextSpans(options)
    data = recipe.data()
    item = data.evaluated[0]
    model = gestalt.load(shipped)
    assert model.finder is not None
    assert recipe.finder.regions is not None
    assert model.finder.regions is not None
    theirs, own = model.finder.regions.source, recipe.finder.regions.source
    assert isinstance(theirs, Chunks)
    assert isinstance(own, Chunks)
    words = MODALITY.collate([item])
    assert theirs.look(words).equal(own.look(words))
    assert len(model.discover([item])) == 1


def test_a_run_on_ones_own_text_says_what_it_left_out(own: Path) -> None:
    assert not (own / "table.json").exists()
    page = (own / "report.html").read_text()
    assert "bad.txt:1" in page
    assert "is not in UTF-8" in page
    assert "<b>muss" not in page


def test_a_run_finds_spans_and_gives_vectors_of_new_text(own: Path, folder: Path, tmp_path: Path) -> None:
    texts = [str(folder / name) for name in FILES]
    assert execute(["discover", str(own), *texts, "--out", str(tmp_path / "found")]) == 0
    spans = [json.loads(line)["spans"] for line in (tmp_path / "found" / "spans.jsonl").read_text().splitlines()]
    assert len(spans) == 5
    assert not any(mark in span["text"].split() for found in spans for span in found for mark in ",.!<>")
    assert execute(["embed", str(own), *texts, "--out", str(tmp_path / "vectors")]) == 0
    assert pyarrow.parquet.read_table(tmp_path / "vectors" / "items.parquet").num_rows == 5


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
