"""Vectors of items, elements and objects of new data, whatever the modality of the run."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

import gestalt
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs import vector_table
from gestalt.core.runs.embed import embed
from gestalt.core.runs.saving import save
from gestalt.core.runs.vector_archive import VectorArchive
from gestalt.core.runs.vector_table import VectorTable
from tests.tiny_runs import tiny_model

PLUG_INS = Path(__file__).parents[1] / "docs" / "plug-ins"
PATH = "motion:MODALITY"


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with more series of unequal length than a batch holds, and runs with and without a finder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(PLUG_INS))
    modality = load_modality(PATH)
    (tmp_path / "data").mkdir()
    for number, specimen in enumerate([*modality.specimens()] * 6):
        np.save(tmp_path / "data" / f"{number:02d}.npy", specimen.item)
    model = tiny_model(modality)
    save("run", model, "conv", PATH)
    save("without", replace(model, finder=None), "conv", PATH)
    return tmp_path


def tables(out: Path) -> tuple[dict[str, Any], ...]:
    return tuple(
        pyarrow.parquet.read_table(out / f"{name}.parquet").to_pydict() for name in ("items", "elements", "objects")
    )


def test_the_tables_say_what_the_model_says(there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert embed(Path("run"), [Path("data")], Path("out"), modality=PATH) == 0
    items, elements, objects = tables(there / "out")
    expected = gestalt.load("run", modality=PATH).embed(Path("data"))
    counts = f"18 items, {sum(len(one.elements) for one in expected)} elements"
    assert f"vectors of {counts}, {len(objects['item'])} objects, 32 numbers each, written to out\n" in (
        capsys.readouterr().out
    )
    assert items["file"] == items["name"] == [one.name for one in expected] == sorted(map(str, Path("data").iterdir()))
    assert set(items["record"]) == {""}, "a file is an item"
    for number, one in enumerate(expected):
        assert np.allclose(items["vector"][number], one.item, atol=1e-6)
        mine = [row for row, item in enumerate(elements["item"]) if item == number]
        assert [elements["object"][row] for row in mine] == one.labels.tolist()
        assert [elements["element"][row] for row in mine] == list(range(len(mine)))
        assert np.allclose([elements["centre_0"][row] for row in mine], one.grid.centres()[0, :, 0])  # type: ignore[union-attr]
        assert np.allclose([elements["vector"][row] for row in mine], one.elements, atol=1e-6)
        own = [row for row, item in enumerate(objects["item"]) if item == number]
        assert [objects["number"][row] for row in own] == sorted(set(one.labels.tolist()))
        assert [objects["size"][row] for row in own] == [
            one.labels.tolist().count(objects["number"][row]) for row in own
        ]
        assert np.allclose([objects["vector"][row] for row in own], one.objects, atol=1e-6)


def test_the_archive_holds_what_the_tables_hold(there: Path) -> None:
    assert embed(Path("run"), [Path("data")], Path("out"), modality=PATH) == 0
    items, elements, objects = tables(there / "out")
    with np.load(there / "out" / "vectors.npz", allow_pickle=False) as arrays:
        assert {name: arrays[name].shape[0] for name in arrays.files} == {
            **dict.fromkeys(("items", "files", "records", "ids", "names"), len(items["file"])),
            **dict.fromkeys(
                ("elements", "element_item", "element_object", "element", "centre_0"), len(elements["item"])
            ),
            **dict.fromkeys(("objects", "object_item", "object_number", "object_size"), len(objects["item"])),
        }
        assert arrays["files"].tolist() == items["file"]
        for name, of in (("item", elements), ("object", elements)):
            assert arrays[f"element_{name}"].tolist() == of[name]
        for name in ("item", "number", "size"):
            assert arrays[f"object_{name}"].tolist() == objects[name]
        for name, table in (("items", items), ("elements", elements), ("objects", objects)):
            assert arrays[name].dtype == np.float32
            assert np.array_equal(arrays[name], np.array(table["vector"], np.float32))


def test_a_run_that_finds_no_objects_has_vectors_nevertheless(there: Path) -> None:
    assert embed(Path("without"), [Path("data")], Path("out"), modality=PATH) == 0
    items, elements, objects = tables(there / "out")
    assert len(items["file"]) == 18
    assert set(elements["object"]) == {-1}
    assert objects == {"item": [], "number": [], "size": [], "vector": []}
    assert gestalt.load("without", modality=PATH).embed(Path("data"))[0].objects.shape == (0, 32)


def test_tables_do_not_depend_on_when_their_rows_are_written(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embed(Path("run"), [Path("data")], Path("one"), modality=PATH)
    monkeypatch.setattr(vector_table, "ROWS", 7)
    embed(Path("run"), [Path("data")], Path("two"), modality=PATH)
    assert tables(there / "one") == tables(there / "two")


def test_names_that_are_no_utf8_are_escaped_in_tables(tmp_path: Path) -> None:
    table = VectorTable(tmp_path / "a.parquet")
    table.add({"file": [os.fsdecode(b"caf\xe9.wav")]}, np.ones((1, 2), np.float32))
    table.close()
    assert pyarrow.parquet.read_table(tmp_path / "a.parquet").to_pydict()["file"] == ["caf\\udce9.wav"]


def test_rows_of_another_type_are_refused(tmp_path: Path) -> None:
    archive = VectorArchive(tmp_path / "a.npz")
    archive.add("a", np.ones((2, 3), np.float32))
    with pytest.raises(ValueError, match=r"rows of float32 \(3,\) were expected, got float64 \(3,\)"):
        archive.add("a", np.ones((2, 3)))
    archive.discard()


MEMORY = """
import re, sys
from pathlib import Path
import numpy as np
from gestalt.core.runs.vector_archive import VectorArchive
from gestalt.core.runs.vector_table import VectorTable

def most():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024

folder = Path(sys.argv[1])
before = most()
table, archive = VectorTable(folder / "a.parquet"), VectorArchive(folder / "a.npz")
for number in range(128):
    rows = np.full((4096, 256), number, np.float32)
    table.add({"item": np.arange(4096)}, rows)
    archive.add("a", rows)
table.close()
archive.close()
print(most() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells the most memory of a process otherwise")
def test_half_a_gibibyte_of_vectors_takes_little_memory(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", MEMORY, str(tmp_path)]
    said = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert float(said.stdout) < 250, "mebibytes, of 512 that are written twice"
    assert np.load(tmp_path / "a.npz", mmap_mode="r")["a"].shape == (128 * 4096, 256)
    assert pyarrow.parquet.read_metadata(tmp_path / "a.parquet").num_rows == 128 * 4096
