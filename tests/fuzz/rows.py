"""Formats of rows of tables, and a table of the objects of their columns."""

import json
from functools import partial
from pathlib import Path

import pyarrow
import pyarrow.parquet

from gestalt.modalities.table import TableModality
from tests.table_files import HEAD, visits

from .formats import Format, written
from .law import lay_masks, read_whole

ROWS = visits(5)
MODALITY = TableModality()


def _csv(delimiter: str = ",") -> str:
    return (
        "\n".join([delimiter.join(HEAD), *(delimiter.join(f'"{row[name]}"' for name in HEAD) for row in ROWS)]) + "\n"
    )


def _lines() -> str:
    return "".join(json.dumps({**row, "age": float(row["age"] or "nan"), "beside": None}) + "\n" for row in ROWS)


def _parquet(path: Path) -> None:
    ages = pyarrow.array([float(row["age"]) if row["age"] else None for row in ROWS])
    table = pyarrow.Table.from_pylist(ROWS).set_column(1, "age", ages)
    pyarrow.parquet.write_table(table, path, row_group_size=3, compression="snappy")


READ = partial(read_whole, MODALITY)
FORMATS = [
    Format("rows: csv", lambda: {"a.csv": _csv().encode()}, READ, "a.csv", is_text=True),
    Format("rows: tsv", lambda: {"a.tsv": _csv("\t").encode("utf-16")}, READ, "a.tsv", is_text=True),
    Format("rows: jsonl", lambda: {"a.jsonl": _lines().encode()}, READ, "a.jsonl", is_text=True),
    Format("rows: parquet", lambda: {"a.parquet": written("a.parquet", _parquet)}, READ, "a.parquet"),
]


MASKS = partial(lay_masks, MODALITY)


OBJECTS = "column,object,label\nage,1,body\ndose,1,body\nward,2,place\nsmoker,0,\n"
OF_ROWS = "filename,row,id,column,object\na.csv,2,100,age,1\na.csv,2,100,dose,1\na.csv,3,101,ward,2\n"
FORMATS += [
    Format(
        name, partial(lambda text: {"data/a.csv": _csv().encode(), "o.csv": text.encode()}, text), MASKS, "o.csv",
        is_text=True,
    )
    for name, text in (("objects of columns", OBJECTS), ("objects of rows", OF_ROWS))
]  # fmt: skip
