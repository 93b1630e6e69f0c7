"""Indexes of every modality: what is in them, how they grow, and what lies nearest."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gestalt.core.runs.index import index
from gestalt.core.runs.model import Model
from gestalt.core.runs.saving import save
from gestalt.core.runs.search import search
from gestalt.core.search import growing
from gestalt.core.search.entries import ITEM, OBJECT
from gestalt.core.search.index import Index
from gestalt.core.search.options import Searching
from tests.searchable import FILES, PLUG_INS, model_of

HOSTILE = '"><img src=x onerror=alert(1)>.png'


@pytest.fixture(autouse=True)
def plug_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the modalities is that of another package."""
    monkeypatch.syspath_prepend(str(PLUG_INS))


@pytest.fixture(params=FILES)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path, Model[Any]]:
    """Four files of a modality, and a model for them."""
    name, data = request.param, tmp_path / "data"
    data.mkdir()
    for number in range(4):
        FILES[name](data, number)
    return name, data, model_of(name, data)


def contents(opened: Index) -> dict[tuple[Any, ...], torch.Tensor]:
    """The vector of every row that is present, by what the row is of."""
    rows = opened.present.nonzero()[0]
    details = opened.details(rows.tolist())
    keys = [
        (one.path.name, one.record, one.of, one.object, one.size, one.place, int(opened.item[row]))
        for row, one in sorted(details.items())
    ]
    found = dict(zip(keys, opened.vectors(rows), strict=True))
    assert len(found) == len(rows), "no row is there twice"
    return found


def same(one: Index, other: Index) -> None:
    """Two indexes hold the same rows."""
    mine, yours = contents(one), contents(other)
    assert mine.keys() == yours.keys()
    for key, vector in mine.items():
        torch.testing.assert_close(vector, yours[key], atol=1e-5, rtol=0)


def cosine(rows: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(rows, dim=-1)


def test_an_index_holds_the_vectors_that_embed_gives(case: tuple[str, Path, Model[Any]], tmp_path: Path) -> None:
    name, data, model = case
    opened = model.index(data, tmp_path / "index")
    expected = model.embed(data, space="compared" if name == "image+text" else "hidden")
    assert opened.count(ITEM) == len(expected)
    assert opened.count(OBJECT) == sum(len(one.objects) for one in expected)
    assert opened.parts == (("image", "text") if name == "image+text" else ())
    items, objects = (opened.vectors(opened.rows_of([of]).nonzero()[0]) for of in (ITEM, OBJECT))
    wanted = [cosine(torch.stack([one.item for one in expected])), cosine(torch.cat([one.objects for one in expected]))]
    for found, vectors in zip((items, objects), wanted, strict=True):
        assert found.shape == vectors.shape
        torch.testing.assert_close((found @ vectors.T).amax(dim=1), torch.ones(len(found)), atol=1e-4, rtol=0)
    torch.testing.assert_close(items, wanted[0], atol=1e-4, rtol=0)


def test_what_is_nearest_is_what_a_loop_over_all_finds(case: tuple[str, Path, Model[Any]], tmp_path: Path) -> None:
    _, data, model = case
    opened = model.index(data, tmp_path / "index")
    rows = opened.rows_of([OBJECT]).nonzero()[0]
    vectors, details = opened.vectors(rows).double().numpy(), opened.details(rows.tolist())
    files = sorted({one.path for one in details.values()})
    answers = model.search(opened, files[:2], Searching(hits=3, objects=True))
    assert answers
    for answer in answers:
        vector, scores = answer.query.vector.double().numpy(), list[float]()
        for row, other in zip(rows.tolist(), vectors, strict=True):
            mine = opened.paths[opened.file[row]] == answer.query.path and opened.whole[row] == answer.query.whole
            if not (mine and opened.object[row] == answer.query.entry.number):
                scores.append(float(np.dot(vector, other)))
        found = [hit.similarity for hit in answer.hits]
        assert found == pytest.approx(sorted(scores, reverse=True)[:3], abs=1e-5)


def test_a_copy_under_another_name_is_the_first_hit(case: tuple[str, Path, Model[Any]], tmp_path: Path) -> None:
    name, data, model = case
    (tmp_path / "copies").mkdir()
    for path in data.glob("2.*"):
        shutil.copy(path, tmp_path / "copies" / f"copy{path.suffix}")
    opened = model.index([data, tmp_path / "copies"], tmp_path / "index")
    query = next(data.glob("2.*[!t]"), data / "2.txt")
    parts = name == "image+text"  # the objects of a picture with its caption are others than those of the picture
    for how in [Searching(hits=1, among="image")] if parts else [Searching(hits=1), Searching(hits=1, objects=True)]:
        for answer in model.search(opened, query, how):
            assert answer.hits[0].similarity == pytest.approx(1.0, abs=1e-5)
            assert answer.hits[0].row.path.name.startswith(("copy", "2")), "its own text may be its other part"


def test_what_is_new_or_changed_is_added_and_nothing_else_is_read(
    case: tuple[str, Path, Model[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, data, model = case
    model.index(data, tmp_path / "index")
    again = growing.grow(tmp_path / "index", model, model.modality.read([data]).items, None)
    assert (again.new, again.changed, again.unchanged, again.items, again.objects) == (0, 0, 4, 0, 0)
    FILES[name](data, 4)
    for path in data.glob("1.*"):
        path.unlink()
    FILES[name](tmp_path, 5)
    for path in tmp_path.glob("5.*"):
        path.rename(data / f"1{path.suffix}")
    read = list[str]()
    of = type(model).encoded
    monkeypatch.setattr(
        type(model),
        "encoded",
        lambda self, items, skipped=None, full=False: (
            read.extend(items.name(n) for n in range(len(items))) or of(self, items, skipped, full)  # type: ignore[func-returns-value]
        ),
    )
    more = growing.grow(tmp_path / "index", model, model.modality.read([data]).items, None)
    monkeypatch.undo()
    monkeypatch.syspath_prepend(str(PLUG_INS))
    assert (more.new, more.changed, more.unchanged) == (1, 1, 3)
    assert {Path(one.split(" ")[0].split(":")[0]).stem for one in read} == {"1", "4"}
    same(Index(tmp_path / "index"), model.index(data, tmp_path / "at once"))


def test_the_commands_write_a_table_and_a_page_that_shows_every_hit(
    case: tuple[str, Path, Model[Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, _, model = case
    monkeypatch.chdir(tmp_path)
    encoders = model.modality.encoders
    encoder = next(key for key in ("gine", "joint", "conv") if key in encoders)
    save("run", model, encoder, name if ":" in name else None)
    monkeypatch.setattr("gestalt.core.runs.search.load", lambda *_: model)
    monkeypatch.setattr("gestalt.core.runs.index.load", lambda *_: model)
    assert index(Path("run"), [Path("data")], Path("index")) == 0
    assert "4 new files, 0 changed, 0 as before: " in capsys.readouterr().out
    query = next(path for path in sorted(Path("data").iterdir()) if path.suffix != ".txt" or name == "text")
    assert search(Path("index"), [query], Path("out"), Searching(hits=2, object=None)) == 0
    said = capsys.readouterr().out
    lines = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(line["hits"]) for line in lines) == 2 * len(lines)
    assert f"{len(rows)} hits of {len(lines)} quer" in said
    assert [row["file"] for row in rows] == [hit["file"] for line in lines for hit in line["hits"]]
    page = (tmp_path / "out" / "search.html").read_text(encoding="utf-8")
    assert page.count('<figure class="panel">') == len(rows) + len(lines)
    assert "cannot be shown" not in page
    assert "<script" not in page


def test_names_that_are_html_stay_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for number in range(3):
        FILES["image"](data, number)
    (data / "0.png").rename(data / HOSTILE)
    (data / "1.png").rename(data / "=cmd.png")
    model = model_of("image", data)
    monkeypatch.setattr("gestalt.core.runs.search.load", lambda *_: model)
    opened = model.index(data, tmp_path / "index")
    assert search(opened.folder, [data / HOSTILE, data / "2.png"], tmp_path / "out", run=tmp_path) == 0
    page = (tmp_path / "out" / "search.html").read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    monkeypatch.chdir(data)
    assert search(opened.folder, [Path("=cmd.png")], tmp_path / "out", run=tmp_path) == 0
    assert (tmp_path / "out" / "results.csv").read_text().splitlines()[1].startswith("'=cmd.png,1,")


def test_a_text_finds_pictures_and_a_picture_finds_texts(tmp_path: Path) -> None:
    """By the vectors of the parts in the space behind the projector, each seen alone."""
    data = tmp_path / "data"
    data.mkdir()
    for number in range(4):
        FILES["image+text"](data, number)
    model = model_of("image+text", data)
    opened = model.index(data, tmp_path / "index")
    (answer,) = model.search(opened, (), Searching(text=("the red square",)))
    assert [hit.row.of for hit in answer.hits] == ["part:image"] * 4
    texts, pictures = (model.embed(data, space="compared", parts=[part]) for part in ("text", "image"))
    wanted = {Path(one.name).stem: float(cosine(one.item) @ cosine(texts[0].item)) for one in pictures}
    found = {hit.row.path.stem: hit.similarity for hit in answer.hits}
    assert found == pytest.approx(wanted, abs=1e-4)
    (answer,) = model.search(opened, data / "1.png")
    assert [hit.row.of for hit in answer.hits] == ["part:text"] * 4
    (answer,) = model.search(opened, data / "1.png", Searching(among="image"))
    assert len(answer.hits) == 3, "the picture itself is left out"


def written(name: str, data: Path, count: int) -> Model[Any]:
    """A model, as it is before training, for files that are written into a folder."""
    data.mkdir()
    for number in range(count):
        FILES[name](data, number)
    return model_of(name, data)


def test_answers_come_in_the_order_of_the_queries(tmp_path: Path) -> None:
    model = written("text", tmp_path / "data", 3)
    opened = model.index(tmp_path / "data", tmp_path / "index")
    files = [str(tmp_path / "data" / f"{number}.txt") for number in range(3)]
    answers = model.search(opened, [files[2], f"{files[0]}#1", files[1]])
    asked = [(answer.query.path, answer.query.entry.of) for answer in answers]
    kinds = [(files[2], ITEM)] * 2 + [(files[0], OBJECT)] * (len(asked) - 4) + [(files[1], ITEM)] * 2
    assert asked == [(path.encode(), of) for path, of in kinds]
    assert len(asked) > 4


def test_what_is_left_out_of_an_index_is_said(tmp_path: Path) -> None:
    model = written("image", tmp_path / "data", 2)
    (tmp_path / "data" / "broken.png").write_bytes(b"none")
    with pytest.warns(UserWarning, match=r"1 left out of the index, the first .*broken\.png"):
        opened = model.index(tmp_path / "data", tmp_path / "index", skip_bad=True)
    assert opened.count(ITEM) == 2


def test_a_table_stays_one_where_a_pattern_names_it(tmp_path: Path) -> None:
    model = written("image+text", tmp_path / "data", 2)
    table = tmp_path / "data" / "pairs.csv"
    table.write_text("image,text\n0.png,a red square\n1.png,a blue one\n")
    opened = model.index(str(tmp_path / "data" / "*.csv"), tmp_path / "index")
    assert {state.sources for state in opened.states.values()} == {(str(table).encode(),)}


def test_a_text_that_finds_nothing_is_named(tmp_path: Path) -> None:
    model = written("text", tmp_path / "data", 2)
    opened = model.index(tmp_path / "data", tmp_path / "index")
    with pytest.raises(ValueError, match=r"^the text 'a red square' has no object 99"):
        model.search(opened, (), Searching(text=("a red square",), object=99))


def test_an_item_of_a_file_is_a_query_by_its_record(case: tuple[str, Path, Model[Any]], tmp_path: Path) -> None:
    name, data, model = case
    archive = model.index(data, tmp_path / "index")
    file = min(path for path in data.iterdir() if path.stem == "3")
    answers = model.search(archive, file)
    hits = [[(hit.row.path, hit.row.record, round(hit.similarity, 4)) for hit in one.hits] for one in answers]
    for answer, expected in zip(answers, hits, strict=True):
        record = answer.query.entry.record
        for asked in [f"{file} [{record}]", f"{file}:{record}"] if record else []:
            (own,) = model.search(archive, asked)
            assert own.query.entry.record == record
            assert [(hit.row.path, hit.row.record, round(hit.similarity, 4)) for hit in own.hits] == expected
    assert name not in ("text", "graph", "table") or len(answers) > 1
    with pytest.raises(ValueError, match=rf"{file.name} \[99\] holds no item that can be read"):
        model.search(archive, f"{file}:99")


def test_a_record_is_named_by_its_number_and_its_objects_by_theirs(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for number in range(3):
        FILES["graph"](data, number)
    model = model_of("graph", data)
    archive = model.index(data, tmp_path / "index")
    file = data / "1.smi"
    (by_number,), (by_name,) = (model.search(archive, f"{file}{behind}") for behind in (":2", " [line 2]"))
    assert by_number.query.name() == by_name.query.name() == f"{file} [line 2]"
    (part,) = model.search(archive, f"{file}:2#0")
    assert part.query.name() == f"{file} [line 2], object 0"
