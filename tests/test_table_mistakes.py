"""Tables as people have them: mistakes, infinities, small units, other marks, nullable columns of pandas."""

from pathlib import Path

import numpy as np
import pandas
import pyarrow
import pyarrow.parquet
import pytest
import torch

from gestalt.core.data.items import BadItemError
from gestalt.core.modality.in_python import items_of as items_in_python
from gestalt.core.shards import records
from gestalt.modalities.table import MODALITY, Schema
from gestalt.modalities.table.reading import TableFiles

RNG = np.random.default_rng(0)


def test_a_column_of_numbers_with_a_mistake_is_one_of_numbers_and_the_mistake_is_named(tmp_path: Path) -> None:
    lines = [f"{number}.5,{number % 3}" for number in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(["x,y", *lines, "12.5o,1"]) + "\n")
    with pytest.raises(BadItemError, match=r"a\.csv:62: has '12\.5o' in the column 'x', expected a number"):
        MODALITY.read([tmp_path])
    left = MODALITY.read([tmp_path], skip_bad=True).items
    assert isinstance(left, TableFiles)
    assert (left.schema.names, len(left)) == (("x", "y"), 60)
    days = [{"on": f"2024-01-{1 + number % 28:02}T{number % 24:02}:00"} for number in range(60)]
    assert Schema.of([*days, {"on": "soon"}]).columns[0].kind == "date"


def test_what_is_to_be_left_out_is_found_in_any_case_and_a_name_that_is_none_is_refused() -> None:
    rows = [{"x": str(number), "Outcome": str(number % 5)} for number in range(30)]
    assert Schema.of(rows, exclude=("outcome",)).names == ("x",)
    assert Schema.of(rows, labels=("outcome", "elsewhere")).names == ("x",)
    with pytest.raises(ValueError, match="there is no column 'ouctome'"):
        Schema.of(rows, exclude=("ouctome",))
    both = [{"y": str(number), "Y": str(number % 5)} for number in range(30)]
    assert Schema.of(both, exclude=("y",)).names == ("Y",)


@pytest.mark.parametrize("cell", ["inf", "-inf", "1e300"])
def test_a_number_beyond_any_measure_is_named_with_its_line_and_may_be_left_out(tmp_path: Path, cell: str) -> None:
    (tmp_path / "a.csv").write_text(
        "x,y\n" + "".join(f"{number},{number % 3}\n" for number in range(40)) + f"{cell},1\n"
    )
    with pytest.raises(BadItemError, match=r"a\.csv:42"):
        MODALITY.read([tmp_path])
    assert len(MODALITY.read([tmp_path], skip_bad=True).items) == 40


def test_the_unit_of_a_column_does_not_matter() -> None:
    rows = [{"x": str(number), "tiny": f"{number}e-12"} for number in range(1, 30)]
    schema = Schema.of(rows)
    values = torch.stack([schema.row(row).values for row in rows])
    assert torch.allclose(values[:, 0], values[:, 1], atol=1e-4)


def test_dates_that_stand_for_never_are_shown_as_the_last_moment() -> None:
    rows = [{"on": f"2024-01-{day:02}"} for day in range(1, 20)] + [{"on": "9999-12-31T23:59:59"}] * 3
    schema = Schema.of(rows)
    assert schema.row(rows[-1]).texts()[0].startswith("9999")


def test_files_with_other_marks_between_cells_make_one_schema(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n" + "".join(f"0.{number},{number % 3}\n" for number in range(10, 40)))
    (tmp_path / "b.csv").write_text("x;y\n" + "".join(f"0,{number};{number % 3}\n" for number in range(10, 40)))
    items = MODALITY.read([tmp_path]).items
    assert isinstance(items, TableFiles)
    assert [column.kind for column in items.schema.columns] == ["number", "number"]
    assert torch.equal(items.read(0, RNG).values, items.read(30, RNG).values)


def test_columns_go_together_by_all_rows_not_the_last_ones() -> None:
    rows = [{"x": str(n % 97), "y": str(2 * (n % 97)) if n < 2000 else "", "z": str(n % 7)} for n in range(4000)]
    assert Schema.of(rows).association[0] > 0.5


def test_tables_of_pandas_with_missing_cells_of_its_own_and_columns_without_names_are_taken() -> None:
    frame = pandas.DataFrame({"x": [1, 2, None] * 8, "w": ["a", "b", None] * 8}).convert_dtypes()
    items = items_in_python(frame, MODALITY)
    assert items.read(2, RNG).codes.tolist() == [0, 0]
    numbered = items_in_python(pandas.DataFrame(np.random.default_rng(0).random((20, 2))), MODALITY)
    assert numbered.read(3, RNG).values.abs().sum() > 0


def test_parquet_with_two_columns_of_one_name_is_refused(tmp_path: Path) -> None:
    table = pyarrow.table([list(range(9)), list(range(9))], names=["x", "x"])
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(BadItemError, match="has several columns 'x'"):
        MODALITY.read([tmp_path])


def test_a_text_that_a_parquet_file_repeats_is_in_memory_once(tmp_path: Path) -> None:
    """A hundred thousand bytes, twenty thousand times: two gigabytes, if each row had its own."""
    text = pyarrow.DictionaryArray.from_arrays(pyarrow.array(np.zeros(20_000, np.int32)), ["word " * 20_000])
    table = pyarrow.table({"x": np.arange(20_000.0), "note": text})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet", store_schema=False)
    assert (tmp_path / "a.parquet").stat().st_size < 10**6
    before = pyarrow.total_allocated_bytes()
    items = MODALITY.read([tmp_path / "a.parquet"]).items
    assert isinstance(items, TableFiles)
    assert items.fields(19_999) == {"x": "19999.0", "note": "word " * 20_000}
    items.read(19_999, np.random.default_rng(0))
    assert pyarrow.total_allocated_bytes() - before < 10**7


def test_a_row_group_that_takes_too_much_memory_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"x": np.arange(400_000.0)}), tmp_path / "a.parquet")
    monkeypatch.setattr(records, "UNFOLDED", 1 << 20)
    with pytest.raises(BadItemError, match=r"a\.parquet: has a row group of \d MiB, which is in memory as a whole"):
        MODALITY.read([tmp_path / "a.parquet"])


def test_rows_of_a_damaged_row_group_are_named_or_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pyarrow.table({"x": [0.5, 1.5, 2.5, 3.5], "y": ["a", "b", "owl", "owl"]})
    pyarrow.parquet.write_table(table, path, row_group_size=2, compression="none", use_dictionary=False)
    path.write_bytes(path.read_bytes().replace(b"owl", b"\xff\xfe\xfd"))
    with pytest.raises(BadItemError, match=r"a\.parquet:3: cannot be read"):
        MODALITY.read([path])
    reading = MODALITY.read([path], skip_bad=True)
    assert len(reading.items) == 2
    assert [one.name for one in reading.skipped] == [f"{path}:{number}" for number in (3, 4)]
