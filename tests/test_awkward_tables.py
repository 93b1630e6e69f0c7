"""Cells and rows as other programs write them: numbers, dates and lengths of time, what is missing, how many follow."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from gestalt.core.data.items import BadItemError
from gestalt.core.modality.labelled_events import event_of
from gestalt.core.tables.moments import moment_of
from gestalt.core.tables.numbers import number_in
from gestalt.modalities.graph.typed import is_number
from gestalt.modalities.points import MODALITY as POINTS
from gestalt.modalities.table import MODALITY as TABLE

PLACES = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
ROWS = "".join(f"{x:.4f} {y:.4f} {z:.4f}\n" for x, y, z in PLACES)


def columns_of(path: Path) -> dict[str, str]:
    schema = TABLE.read([path]).items.read(0, np.random.default_rng(0)).schema
    return {column.name: column.kind for column in schema.columns}


def table(path: Path, cells: list[str]) -> Path:
    path.write_text("a;b\n" + "".join(f"{cell};x{place % 3}\n" for place, cell in enumerate(cells)))
    return path


@pytest.mark.parametrize("missing", ["#N/A", "#DIV/0!", "#VALUE!", "#NUM!", ".", "–", "<NA>", "n.a.", ""])
def test_what_programs_write_for_nothing_is_missing_and_makes_no_words(missing: str, tmp_path: Path) -> None:
    cells = [missing if place % 5 == 0 else f"{place / 4}" for place in range(60)]
    assert columns_of(table(tmp_path / "a.csv", cells)) == {"a": "number", "b": "category"}


def test_a_minus_of_print_is_one() -> None:
    assert number_in("\u22121.5") == -1.5


@pytest.mark.parametrize("form", ["{:02d}.03.2024", "2024/3/{:d}", "{:d}.3.2024 12:30"])
def test_dates_in_every_unambiguous_writing_are_dates(form: str, tmp_path: Path) -> None:
    cells = [form.format(place % 28 + 1) for place in range(60)]
    assert columns_of(table(tmp_path / "a.csv", cells))["a"] == "date"


def test_a_word_among_numbers_is_said(tmp_path: Path) -> None:
    cells = ["low" if place % 10 == 0 else str(place % 7) for place in range(60)]
    items = TABLE.read([table(tmp_path / "a.csv", cells)]).items
    assert "words, for not all cells are numbers: 'a' ('low'); correct or empty such cells" in items.remarks  # type: ignore[attr-defined]


def test_lengths_of_time_are_numbers_of_seconds(tmp_path: Path) -> None:
    lengths = [timedelta(hours=place) for place in range(40)]
    pyarrow.parquet.write_table(pyarrow.table({"a": lengths, "b": ["x", "y"] * 20}), tmp_path / "a.parquet")
    assert columns_of(tmp_path / "a.parquet") == {"a": "number", "b": "category"}


def count_of(path: Path) -> int:
    return len(POINTS.read([path]).items.read(0, np.random.default_rng(0)).places)


@pytest.mark.parametrize("rows", [ROWS, ROWS.replace(" ", ";").replace(".", ",")])
def test_points_may_be_counted_in_the_first_line(rows: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xyz"
    path.write_text(f"50\n{rows}")
    assert count_of(path) == 50
    path.write_text(f"60\n{rows}")
    with pytest.raises(BadItemError, match=r"a\.xyz: says in its first line that 60 points follow, and has 50"):
        POINTS.read([path])
    for molecule in ("3\nwater\nO 0 0 0\n", "3\n\nO 0 0 0\n", "3\n-76.3\nO 0 0 0\n"):
        path.write_text(molecule)
        with pytest.raises(BadItemError, match=r"molecules \(\.xyz\) belong to graphs"):
            POINTS.read([path])


def ply(form: str, content: bytes, count: int) -> bytes:
    head = f"ply\nformat {form} 1.0\nelement vertex {count}\nproperty float x\nproperty float y\nproperty float z\n"
    return f"{head}end_header\n".encode() + content


@pytest.mark.parametrize("form", ["ascii", "binary_little_endian", "pcd"])
def test_points_beyond_those_of_the_header_are_named_not_lost(form: str, tmp_path: Path) -> None:
    content = ROWS.encode() if form == "ascii" else PLACES.tobytes()
    path = tmp_path / ("a.pcd" if form == "pcd" else "a.ply")
    for count in (50, 40):
        head = f"FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nPOINTS {count}\nDATA binary\n".encode()
        path.write_bytes(head + content if form == "pcd" else ply(form, content, count))
        if count == 50:
            assert count_of(path) == 50
        else:
            with pytest.raises(BadItemError, match=r"goes on after row 40, the last of which its header speaks"):
                POINTS.read([path])


@pytest.mark.parametrize("cell", ["12_3", "1_000", "1_5.5", "1e1_0"])
def test_numbers_with_a_line_below_are_names_of_samples_not_numbers(cell: str, tmp_path: Path) -> None:
    assert number_in(cell) is None
    with pytest.raises(ValueError, match="is no time"):
        moment_of(cell)
    with pytest.raises(ValueError, match="are no seconds"):
        event_of(cell, "2000", "owl", "a.csv:2")
    assert not is_number(cell)
    (tmp_path / "a.xyz").write_text(f"0 0 0\n1 {cell} 2\n")
    with pytest.raises(BadItemError, match=f"has '{cell}' in row 2, expected a number"):
        POINTS.read([tmp_path / "a.xyz"])
    samples = [f"{plate}_{well}" for plate in range(1, 3) for well in range(1, 4)]
    (tmp_path / "a.csv").write_text(
        "\n".join(["sample,x", *(f"{own},{place}" for place, own in enumerate(samples * 4))])
    )
    assert columns_of(tmp_path / "a.csv") == {"sample": "category", "x": "number"}


TRIPLES = {
    "floor": ("0 0 1", ("nx", "ny", "nz")),
    "no normal": ("0 0 0\n1 1 1 0 1 0", ("nx", "ny", "nz")),
    "slanted": ("0 -0.6 0.8", ("nx", "ny", "nz")),
    "long": ("0 -3 4", ("nx", "ny", "nz")),
    "bytes": ("0 200 255", ("red", "green", "blue")),
    "means of bytes": ("0.5 200.25 255", ("red", "green", "blue")),
    "shares": ("0.5 0.25 0.125", ("red", "green", "blue")),
    "black": ("0 0 0", ("red", "green", "blue")),
}


@pytest.mark.parametrize("case", TRIPLES)
def test_colours_and_normals_without_names_are_told_by_their_lengths(case: str, tmp_path: Path) -> None:
    triple, names = TRIPLES[case]
    (tmp_path / "a.xyz").write_text("".join(f"{place} 1 2 {triple}\n" for place in range(9)))
    assert POINTS.read([tmp_path / "a.xyz"]).items.read(0, np.random.default_rng(0)).columns == names
