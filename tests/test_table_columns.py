"""Columns of tables as people have them: left out with reasons, in several files, in other encodings and writings."""

import json
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch

from gestalt.cli.commands import execute
from gestalt.core.data.items import BadItemError, Remarked
from gestalt.core.modality.in_python import items_of as items_in_python
from gestalt.core.tables.numbers import COMMA, EITHER, POINT
from gestalt.core.tables.series import SeriesTable
from gestalt.core.tables.writing import writings_of
from gestalt.core.training.label_table import read_labels, record_labels
from gestalt.modalities.table import MODALITY, Schema, TableModality
from gestalt.modalities.table.reading import TableFiles
from tests.table_files import visits, write_csv

RNG = np.random.default_rng(0)
SHORT = ("--steps", "2", "--batch", "8", "--warmup", "0", "--workers", "0", "--threads", "1", "--accelerator", "cpu")


def items_of(path: Path, modality: TableModality = MODALITY, skip_bad: bool = False) -> TableFiles:
    items = modality.read([path], skip_bad).items
    assert isinstance(items, TableFiles)
    return items


def number(items: TableFiles, row: int, column: str) -> float:
    """A cell as it was read, in the unit of the file."""
    place = items.schema.names.index(column)
    own = items.schema.columns[place]
    return float(items.read(row, RNG).values[place]) * own.scale + own.centre


def test_every_column_that_is_no_input_is_named_with_the_reason() -> None:
    rows = [
        {**row, "nothing": "", "far": "1e40", "town": f"town {place % 30}", "x": str(place % 7)}
        for place, row in enumerate(visits(200))
    ]
    assert Schema.of(rows, exclude=("outcome",), vocabulary=20).remarks == (
        "no input: 'id' (whole numbers under the name of an id, none of which comes twice)",
        "no input: 'note' (nearly all words differ, as names and free text do)",
        "no input: 'outcome' (excluded, or to be predicted)",
        "no input: 'nothing' (empty)",
        "no input: 'far' (no number is within any measure)",
        "only the 20 commonest words are told apart of 'town' (vocabulary=…)",
    )
    with pytest.raises(ValueError, match=r"no column is good for an input .* no input: 'nothing' \(empty\)"):
        Schema.of([{"nothing": ""}] * 9)


@pytest.mark.filterwarnings("ignore:collapse watch")
def test_a_run_says_before_its_first_step_which_columns_are_no_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(Path("visits.csv"), visits(24))
    assert execute(["run", "objects", "--modality", "table", "--data", "visits.csv", "--out", "mine", *SHORT]) == 0
    said = capsys.readouterr().err
    assert "no input: 'id' (whole numbers under the name of an id" in said
    assert said.index("no input: 'note' (nearly all words differ") < said.index("training ")
    frame = items_in_python(pandas.DataFrame(visits(24)), MODALITY)
    assert isinstance(frame, Remarked)
    assert any("'note'" in line for line in frame.remarks)


def test_a_file_that_lacks_a_column_of_most_is_refused_by_name_or_left_out_and_named(tmp_path: Path) -> None:
    rows = [{"x": str(place), "y": str(place % 5), "z": str(place % 7)} for place in range(30)]
    for name in ("a", "b", "c"):
        write_csv(tmp_path / f"{name}.csv", rows)
    write_csv(tmp_path / "b.csv", [{"x": row["x"], "w": row["y"]} for row in rows])
    write_csv(tmp_path / "c.csv", [{**row, "further": row["y"]} for row in rows])
    write_csv(tmp_path / "d.csv", rows)
    with pytest.raises(BadItemError, match=r"b\.csv: has no column 'y', which 3 of 4 files have; .*exclude=y,z"):
        MODALITY.read([tmp_path])
    reading = MODALITY.read([tmp_path], skip_bad=True)
    assert isinstance(reading.items, TableFiles)
    assert reading.items.schema.names == ("x", "y", "z"), "what one file alone has is no input"
    assert "no input: 'further' (in 1 of 3 files)" in reading.items.remarks
    assert [(Path(one.name).name, len(reading.items)) for one in reading.skipped] == [("b.csv", 90)]
    assert items_of(tmp_path, TableModality(columns=("x",))).schema.names == ("x",)
    chosen = MODALITY.read([tmp_path / "c.csv", tmp_path / "d.csv"], skip_bad=True).items
    assert len(chosen) == 30, "of two files, the columns are those of the first"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_tables_in_unicode_are_read_and_others_by_their_name_alone(tmp_path: Path, encoding: str) -> None:
    text = "größe,ort\n" + "".join(f"{place}.5,{('Köln', 'Łódź'[1])[place % 2]}\n" for place in range(20))
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    assert items_of(tmp_path).schema.names == ("größe", "ort")
    (tmp_path / "a.csv").write_bytes(text.replace("ó", "o").encode("cp1252"))
    with pytest.raises(BadItemError, match=r"a\.csv:1: is not in UTF-8 .* --settings encoding=cp1252"):
        MODALITY.read([tmp_path])
    items = items_of(tmp_path, TableModality(encoding="cp1252"))
    assert items.schema.columns[1].words == ("Köln", "o")
    with pytest.raises(ValueError, match="there is no encoding 'klingon'"):
        TableModality(encoding="klingon")


def test_an_encoding_is_advised_where_it_can_be_named_alone(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", visits())
    (tmp_path / "labels.csv").write_bytes("id,label\n100,größer\n".encode("cp1252"))
    with pytest.raises(ValueError, match=r"is not in UTF-8 .*convert the file to UTF-8, or leave"):
        read_labels(tmp_path / "labels.csv", items_of(tmp_path / "a.csv"))


@pytest.mark.parametrize(
    ("name", "mark", "cells", "expected"),
    [
        ("a.csv", ",", ['"1,234"', '"12,345.5"', "7"], [1234.0, 12345.5, 7.0]),
        ("a.tsv", "\t", ["1,234", "12,345.5", "7"], [1234.0, 12345.5, 7.0]),
        ("a.tsv", "\t", ["1.234,5", "0,123", "1.000"], [1234.5, 0.123, 1000.0]),
        ("a.csv", ";", ["1,234", "2,5", "1.234,567"], [1.234, 2.5, 1234.567]),
        ("a.csv", ";", ["1,5", "2.345", "2.5"], [1.5, 2.345, 2.5]),
    ],
)
def test_a_comma_is_what_the_other_cells_of_its_column_tell(
    tmp_path: Path, name: str, mark: str, cells: list[str], expected: list[float]
) -> None:
    lines = [f"{cell}{mark}{'abc'[place % 3]}" for place, cell in enumerate(cells * 5)]
    (tmp_path / name).write_text("\n".join([f"x{mark}y", *lines]) + "\n")
    items = items_of(tmp_path)
    assert [number(items, row, "x") for row in range(3)] == pytest.approx(expected, abs=1e-3)
    assert not items.remarks


def test_a_comma_of_which_nothing_tells_is_named_with_what_it_is_read_as(tmp_path: Path) -> None:
    lines = [f"{place + 1},{place + 100}\t{place % 4}" for place in range(20)]
    (tmp_path / "a.tsv").write_text("\n".join(["income\tz", *lines]) + "\n")
    items = items_of(tmp_path)
    assert number(items, 0, "income") == pytest.approx(1.1)
    assert items.remarks[0].startswith("'1,100' in the column 'income' of ")
    assert "is read as 1.1: its mark may stand before decimals or between thousands" in items.remarks[0]
    (tmp_path / "a.tsv").write_text("\n".join(["income\tz", *(f"{line}.5" for line in lines)]) + "\n")
    items = items_of(tmp_path)
    assert number(items, 0, "income") == pytest.approx(1100), "the points of the other column tell"
    assert "is read as 1100" in items.remarks[0]


def test_how_numbers_are_written_is_told_by_their_own_column_first() -> None:
    found = writings_of({"a": ["1,5"], "b": ["1.5"], "c": ["1,5", "1.5"], "d": ["1,234"], "e": ["word"]}, ";")
    assert found.of == {"a": COMMA, "b": POINT, "c": EITHER, "d": EITHER, "e": EITHER}
    assert found.doubtful == {"d": "1,234"}
    assert writings_of({"a": ["1,5"]}, ",").of == {"a": POINT}


def test_series_have_commas_between_thousands_where_their_columns_say_so(tmp_path: Path) -> None:
    lines = [f"{place / 10}\t{place + 1},200\t{place + 1},200.5" for place in range(20)]
    (tmp_path / "a.tsv").write_text("\n".join(["time\tx\ty", *lines]) + "\n")
    series = SeriesTable.of(tmp_path / "a.tsv")
    assert series.read(0, 2).tolist() == [[1200.0, 1200.5], [2200.0, 2200.5]]


def test_a_label_that_is_not_there_is_no_class_however_it_is_written(tmp_path: Path) -> None:
    rows = [{**row, "outcome": "NA" if place % 4 == 0 else row["outcome"]} for place, row in enumerate(visits())]
    write_csv(tmp_path / "a.csv", rows)
    items = items_of(tmp_path / "a.csv", MODALITY.without(("outcome",)))
    labels = record_labels(items, "outcome")
    assert labels.target.names == ("ill", "well")  # type: ignore[attr-defined]
    assert labels.known[::4].tolist() == [-1] * 10
    assert labels.note == "column 'outcome': 10 labels are 'NA', so nothing is known there"
    write_csv(tmp_path / "labels.csv", [{"id": row["id"], "label": row["outcome"]} for row in rows])
    assert torch.equal(read_labels(tmp_path / "labels.csv", items).known, labels.known)
    several = read_labels(tmp_path / "labels.csv", items, kind="several")
    assert several.target.names == ("ill", "well")  # type: ignore[attr-defined]
    names = [{"id": row["id"], "label": ("Na", "none", "-")[place // 7 % 3]} for place, row in enumerate(rows)]
    write_csv(tmp_path / "labels.csv", names)
    assert read_labels(tmp_path / "labels.csv", items).target.names == ("-", "Na", "none")  # type: ignore[attr-defined]
    write_csv(tmp_path / "labels.csv", [{"id": row["id"], "label": "NA"} for row in rows])
    with pytest.raises(ValueError, match="labels nothing: all that is written there is 'NA'"):
        read_labels(tmp_path / "labels.csv", items)


def test_an_input_that_repeats_the_labels_of_another_table_is_refused(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", visits())
    write_csv(tmp_path / "labels.csv", [{"id": row["id"], "label": row["outcome"]} for row in visits()])
    with pytest.raises(ValueError, match=r"are the column 'outcome', which is an input .*exclude=outcome"):
        read_labels(tmp_path / "labels.csv", items_of(tmp_path / "a.csv"))
    without = items_of(tmp_path / "a.csv", MODALITY.without(("outcome",)))
    assert len(read_labels(tmp_path / "labels.csv", without).known_items()) == 40
    write_csv(tmp_path / "a.csv", [{**row, "copy": str(int(row["outcome"] == "well"))} for row in visits()])
    with pytest.warns(UserWarning, match="the column 'copy' tells every label"):
        read_labels(tmp_path / "labels.csv", items_of(tmp_path / "a.csv", MODALITY.without(("outcome",))))


def test_lists_and_objects_are_no_words(tmp_path: Path) -> None:
    rows = [{"a": place, "tags": [1, 2], "more": {"x": place % 3}, "note": "[draft]"} for place in range(20)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    items = items_of(tmp_path / "a.jsonl")
    assert items.schema.names == ("a", "note")
    assert "no input: 'tags', 'more' (lists and objects, which are not read)" in items.remarks
    pandas.DataFrame(rows).to_parquet(tmp_path / "a.parquet")
    assert items_of(tmp_path / "a.parquet").schema.names == ("a", "note")


def test_a_first_line_of_numbers_is_said_to_be_read_as_names(tmp_path: Path) -> None:
    (tmp_path / "iris.csv").write_text("".join(f"{place / 10},{3.5 - place / 50},setosa\n" for place in range(20)))
    items = items_of(tmp_path / "iris.csv")
    assert len(items) == 19
    assert any(said.startswith("columns are called '0.0', '3.5': if the first line is a row") for said in items.remarks)
