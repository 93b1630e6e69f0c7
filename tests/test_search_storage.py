"""An index on disk: killed, grown by two, damaged, of another run; and the exact search in it."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch
from filelock import FileLock

from gestalt.core.data.items import BadItemError
from gestalt.core.runs.model import Model
from gestalt.core.search import growing
from gestalt.core.search.by_faiss import by_faiss
from gestalt.core.search.growing import grow
from gestalt.core.search.index import Index
from gestalt.core.search.nearest import by_torch, nearest, pairs_above
from gestalt.core.search.options import Searching
from gestalt.core.search.searching import search
from gestalt.core.storage.listing import listed
from tests.searchable import FILES, model_of
from tests.test_search import same


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Six texts of two lines."""
    (tmp_path / "data").mkdir()
    for number in range(6):
        FILES["text"](tmp_path / "data", number)
    return tmp_path / "data"


@pytest.fixture
def model(data: Path) -> Model[object]:
    """A model for them that encodes four items at a time."""
    return model_of("text", data).__class__(**{**vars(model_of("text", data)), "batch": 4})


KILLED = """
import os, signal, sys
from pathlib import Path
import gestalt.core.search.growing as growing
from tests.searchable import model_of

data, out = Path(sys.argv[1]), Path(sys.argv[2])
model = model_of("text", data)
object.__setattr__(model, "batch", 4)
growing.ROWS = 1

def done(items, of):
    if items >= 8:
        os.kill(os.getpid(), signal.SIGKILL)

growing.grow(out, model, model.modality.read([data]).items, None, done=done)
"""


def test_a_killed_call_goes_on_where_it_was(data: Path, model: Model[object], tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(data), str(tmp_path / "index")]
    killed = subprocess.run(command, check=False, cwd=Path(__file__).parents[1])  # from where tests can be imported
    assert killed.returncode == -9
    opened = Index(tmp_path / "index")
    there = opened.count("item")
    assert 0 < there < 12
    (tmp_path / "index" / "000099.npy").write_bytes(b"half a seg")  # of a segment that was never finished
    more = growing.grow(tmp_path / "index", model, model.modality.read([data]).items, None)
    assert more.items == 12 - there
    same(Index(tmp_path / "index"), model.index(data, tmp_path / "at once"))


def test_what_was_indexed_before_a_bad_item_stays(data: Path, model: Model[object], tmp_path: Path) -> None:
    items = model.modality.read([data]).items
    first = model.modality.read([data / "0.txt"]).items
    growing.grow(tmp_path / "index", model, first, None)
    (data / "5.txt").unlink()
    with pytest.raises(BadItemError, match=r"5\.txt"):
        growing.grow(tmp_path / "index", model, items, None)
    assert Index(tmp_path / "index").count("item") == 2
    skipped = list[object]()
    assert growing.grow(tmp_path / "index", model, items, skipped).items == 8  # type: ignore[arg-type]
    assert len(skipped) == 2


def test_rows_are_the_same_whatever_a_segment_holds(
    data: Path, model: Model[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = model.index(data, tmp_path / "one")
    assert len(one.manifest.segments) == 1
    monkeypatch.setattr(growing, "ROWS", 1)
    several = model.index(data, tmp_path / "several")
    assert len(several.manifest.segments) > 2
    same(one, several)


def test_two_writers_do_not_meet(data: Path, model: Model[object], tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    with FileLock(tmp_path / "index" / growing.LOCK), pytest.raises(RuntimeError, match="another process is writing"):
        model.index(data, tmp_path / "index")
    model.index(data, tmp_path / "index")


def test_an_index_is_no_data_of_the_folder_that_it_lies_in(data: Path, model: Model[object]) -> None:
    before = listed(data).paths
    model.index(data, data / "index")
    assert listed(data).paths == before


def test_an_index_of_another_run_is_refused(data: Path, model: Model[object], tmp_path: Path) -> None:
    model.index(data, tmp_path / "index")
    with torch.no_grad():
        next(iter(model.encoder.parameters())).add_(0.01)
    for use in (
        lambda: model.index(data, tmp_path / "index"),
        lambda: model.search(tmp_path / "index", data / "0.txt"),
    ):
        with pytest.raises(ValueError, match="is the index of another run"):
            use()


def test_an_index_whose_run_was_trained_anew_says_so_and_files_that_are_gone_are_counted(
    data: Path, model: Model[object], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    kept = replace(model, run=run)
    grow(tmp_path / "index", kept, model.modality.read([data]).items, None, run=str(run))
    sorted(data.iterdir())[0].rename(data / "moved.txt")
    grown = grow(tmp_path / "index", kept, model.modality.read([data]).items, None, run=str(run))
    assert (grown.new, grown.unchanged, grown.gone) == (1, 5, 1)
    anew = replace(kept, seed=5, finder=None)
    with pytest.raises(ValueError, match=r"of another run .*; .*run was trained anew since: make a new index"):
        Index(tmp_path / "index").check(anew)
    with pytest.raises(ValueError, match=r"of another run .*; take .*run, or make a new index"):
        Index(tmp_path / "index").check(replace(anew, run=tmp_path / "other"))


def test_a_folder_with_other_files_is_no_index(data: Path, model: Model[object], tmp_path: Path) -> None:
    with pytest.raises(FileExistsError, match="holds other files and is no index"):
        model.index(data, data)
    with pytest.raises(FileNotFoundError, match=r"is no index: gestalt-index\.json is not there; make one"):
        model.search(data, data / "0.txt")
    with pytest.raises(ValueError, match="an index is of items that lie in files"):
        model.index(list(model.modality.specimens()[0:1]), tmp_path / "index")
    with pytest.raises(FileNotFoundError, match=r"0.txt#7x does not exist: a query is a file, or FILE#3"):
        model.search(model.index(data, tmp_path / "index"), f"{data / '0.txt'}#7x")
    with pytest.raises(ValueError, match=r"0.txt has no object 77; there are 0, 1"):
        model.search(tmp_path / "index", f"{data / '0.txt'}#77")


def test_an_item_whose_drawing_is_missing_is_named(data: Path, model: Model[object], tmp_path: Path) -> None:
    index = model.index(data, tmp_path / "index")
    assert index.drawn(0).labels.ndim == 1
    (path,) = (tmp_path / "index").glob("*.rows.parquet")
    rows = pyarrow.parquet.read_table(path)
    place = rows.column_names.index("drawn")
    pyarrow.parquet.write_table(rows.set_column(place, "drawn", pyarrow.nulls(len(rows), pyarrow.binary())), path)
    with pytest.raises(ValueError, match="item 0 of a file has no drawing; make the index again"):
        Index(tmp_path / "index").drawn(0)


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def missing(path: Path) -> None:
    path.unlink()


def strange(path: Path) -> None:
    rows = pyarrow.parquet.read_table(path)
    files = pyarrow.array([9] * len(rows), pyarrow.int32())
    pyarrow.parquet.write_table(rows.set_column(rows.column_names.index("file"), "file", files), path)


def empty(path: Path) -> None:
    rows = pyarrow.parquet.read_table(path)
    kinds = pyarrow.nulls(len(rows), pyarrow.string())
    pyarrow.parquet.write_table(rows.set_column(rows.column_names.index("of"), "of", kinds), path)


def other(path: Path) -> None:
    np.save(path, np.ones((3, 2), np.float32))


def infinite(path: Path) -> None:
    vectors = np.load(path)
    vectors[3] = np.nan
    np.save(path, vectors)


def later(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 9}))


@pytest.mark.parametrize(
    ("name", "how", "said"),
    [
        ("gestalt-index.json", torn, r"gestalt-index.json is damaged \(JSONDecodeError"),
        ("gestalt-index.json", later, r"gestalt-index.json is damaged .*its format is 9, and this version reads 1"),
        ("000001.npy", torn, r"000001.npy is damaged"),
        ("000001.npy", missing, r"000001.npy is missing, and the index needs it"),
        ("000001.npy", other, r"000001.npy is damaged: it should hold \d+ vectors of \d+ float32, and holds \(3, 2\)"),
        ("000001.npy", infinite, r"000001.npy is damaged: some numbers in it are not finite"),
        ("000001.rows.parquet", torn, r"000001.rows.parquet is damaged"),
        ("000001.rows.parquet", strange, r"000001.rows.parquet is damaged: its rows are of other files than its \d"),
        ("000001.rows.parquet", empty, r"000001.rows.parquet is damaged .*it has empty cells"),
        ("000001.files.parquet", missing, r"000001.files.parquet is missing"),
    ],
)
def test_a_damaged_index_says_what_is_wrong(
    name: str, how: object, said: str, data: Path, model: Model[object], tmp_path: Path
) -> None:
    model.index(data, tmp_path / "index")
    how(tmp_path / "index" / name)  # type: ignore[operator]
    with pytest.raises(ValueError, match=rf"{said}.*make the index again"):
        model.search(tmp_path / "index", data / "0.txt")


def rows_with_equals() -> torch.Tensor:
    rows = torch.randn(60, 5, generator=torch.Generator().manual_seed(0))
    rows[40:50] = rows[7]
    return torch.nn.functional.normalize(rows, dim=1)


@pytest.mark.parametrize("kernel", [by_torch, by_faiss])
@pytest.mark.parametrize("block", [1, 7, 60])
def test_the_nearest_are_those_of_a_loop(kernel: object, block: int) -> None:
    rows = rows_with_equals()
    queries = torch.cat([rows[5:9], -rows[:2]])
    blocks = [(torch.arange(n, min(n + block, 60)), rows[n : n + block]) for n in range(0, 60, block)]
    found = nearest(queries, blocks, 20, kernel)  # type: ignore[arg-type]
    for query, similarity, numbers in zip(queries, found.similarity, found.number.tolist(), strict=True):
        scores = [float((query * row).sum()) for row in rows]
        assert similarity.tolist() == pytest.approx(sorted(scores, reverse=True)[:20], abs=1e-6)
        assert [scores[number] for number in numbers] == pytest.approx(similarity.tolist(), abs=1e-6)
        assert len(set(numbers)) == 20
    assert found.number[2, :11].tolist() == [7, *range(40, 50)], "equals by number"
    few = nearest(queries, blocks[:1], 100, kernel)  # type: ignore[arg-type]
    assert few.number[0, block:].unique().tolist() in ([-1], [])


@pytest.mark.parametrize("side", [1, 7, 60])
def test_pairs_are_those_of_a_loop(side: int) -> None:
    rows = rows_with_equals()

    def blocks(first: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        return [(torch.arange(n, min(n + side, 60)), rows[n : min(n + side, 60)]) for n in range(first, 60, side)]

    found = [
        pair for part in pairs_above(blocks, 0.8) for pair in zip(part.one.tolist(), part.other.tolist(), strict=True)
    ]
    wanted = [(a, b) for a in range(60) for b in range(a + 1, 60) if float((rows[a] * rows[b]).sum()) >= 0.8]
    assert sorted(found) == wanted


def test_both_backends_give_the_same_answers(data: Path, model: Model[object], tmp_path: Path) -> None:
    opened = model.index(data, tmp_path / "index")
    queries = [answer.query for answer in model.search(opened, sorted(data.iterdir()), Searching(objects=True))]
    one, other = (
        [hit.similarity for a in search(opened, queries, 4, backend=b) for hit in a.hits] for b in ("torch", "faiss")
    )
    assert one == pytest.approx(other, abs=1e-6)
    with pytest.raises(ValueError, match="backend is torch or faiss, got 'annoy'"):
        list(search(opened, queries, backend="annoy"))


MEMORY = """
import re, sys
from pathlib import Path
import numpy as np, pyarrow, torch
from gestalt.core.search.index import Index
from gestalt.core.search.nearest import by_torch, nearest
from gestalt.core.search.storage import FILE_SCHEMA, ROW_SCHEMA, Manifest, write_segment

torch.set_num_threads(1)
folder, segments = Path(sys.argv[1]), []
indices, none = range(5000), [-1] * 5000
values = {"of": ["item"] * 5000, "file": [0] * 5000, "whole": indices, "item": indices, "object": none}
one_file = {"stamp": "", "begin": 0, "end": 5000, "items": 5000, "sources": []}
for number in range(40):
    vectors = np.full((5000, 128), 1 / 128**0.5, np.float32)
    rows = pyarrow.table(
        {one.name: pyarrow.array(values.get(one.name, [None] * 5000), one.type) for one in ROW_SCHEMA}
    )
    files = pyarrow.Table.from_pylist([one_file | {"path": str(number).encode()}], schema=FILE_SCHEMA)
    segments.append(write_segment(folder, f"{number:06d}", vectors, rows, files))
Manifest("", "m", "hidden", 128, segments=tuple(segments)).write(folder)

def anonymous():
    return int(re.search(r"RssAnon:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024

before, most = anonymous(), 0.0
def watching(*arguments):
    global most
    most = max(most, anonymous() - before)
    return by_torch(*arguments)

index = Index(folder)
found = nearest(torch.ones(8, 128), index.blocks(index.rows_of(["item"])), 5, watching)
print(most, len(index), found.number[0].tolist())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells the memory of a process otherwise")
def test_two_hundred_thousand_vectors_are_searched_in_little_memory(tmp_path: Path) -> None:
    said = subprocess.run([sys.executable, "-c", MEMORY, str(tmp_path)], capture_output=True, text=True, check=True)
    found = re.match(r"(\S+) (\d+) (.*)", said.stdout)
    assert found
    assert float(found[1]) < 45, "mebibytes, of 98 that the vectors take"
    assert (int(found[2]), found[3]) == (200_000, "[0, 1, 2, 3, 4]")
