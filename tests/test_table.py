"""Rows of tables: what files say, the schema that follows, views, labels that do not leak, and what is written."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pyarrow
import pyarrow.parquet
import pytest
import torch

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.data.items import BadItemError
from gestalt.core.data.masks import ItemMasks
from gestalt.core.modality.in_python import items_of as items_in_python
from gestalt.core.modality.joint import joint
from gestalt.core.training.label_table import record_labels
from gestalt.modalities.table import MODALITY, Row, Schema, TableModality, collate
from gestalt.modalities.table.encoders import MLP, Raw
from gestalt.modalities.table.reading import TableFiles
from gestalt.modalities.table.views import Corrupt, Hide, Noise, transplant
from gestalt.modalities.text import MODALITY as TEXT
from tests.table_files import visits, write_csv

RNG = np.random.default_rng(0)
SHORT = ("--steps", "3", "--batch", "8", "--warmup", "0", "--workers", "0", "--threads", "1", "--accelerator", "cpu")
INPUTS = ("age", "dose", "ward", "smoker", "seen", "outcome")


def items_of(path: Path, modality: TableModality = MODALITY) -> TableFiles:
    items = modality.read([path]).items
    assert isinstance(items, TableFiles)
    return items


def written(folder: Path, form: str) -> Path:
    """The visits in a form."""
    rows, path = visits(), folder / f"visits.{form}"
    if form == "parquet":
        typed = [
            {**row, "age": float(row["age"]) if row["age"] else None, "smoker": row["smoker"] == "yes"} for row in rows
        ]
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(typed), path, row_group_size=9)
    elif form == "jsonl":
        path.write_text("\n".join(json.dumps({k: v for k, v in row.items() if v}) for row in rows), encoding="utf-8")
    else:
        write_csv(path, rows, {"csv": ",", "tsv": "\t"}[form])
    return path


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "parquet"])
def test_every_form_gives_the_same_rows_and_names_what_tells_rows_apart_no_input(form: str, tmp_path: Path) -> None:
    items = items_of(written(tmp_path, form))
    kinds = {column.name: column.kind for column in items.schema.columns}
    assert set(kinds) == set(INPUTS), "the id and the remark of every row differ"
    assert [kinds[name] for name in INPUTS] == ["number", "number", "category", "boolean", "date", "category"]
    for number, row in enumerate(visits()):
        item = items.read(number, RNG)
        said = dict(zip(item.names(), item.texts(), strict=True))
        assert said["ward"] == row["ward"]
        assert said["seen"].startswith(row["seen"])
        assert said["smoker"].lower() in ("yes", "true") if row["smoker"] == "yes" else ("no", "false")
        assert (
            said["age"] == "missing" if not row["age"] else float(said["age"]) == pytest.approx(float(row["age"]), 1e-3)
        )
        assert items.fields(number)["note"] == row["note"]
    ages = torch.stack(
        [items.read(number, RNG).values[items.schema.names.index("age")] for number in range(len(items))]
    )
    there = ages[ages != 0]
    assert float(there.mean()) == pytest.approx(0, abs=1e-5)
    assert float(there.std(correction=0)) == pytest.approx(1, abs=1e-5)


def test_decimal_commas_are_read_where_semicolons_stand_between_cells(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x;y\n1,5;2\n2,5;3\n3,5;5\n", encoding="utf-8")
    items = items_of(tmp_path / "a.csv")
    assert [column.centre for column in items.schema.columns] == [2.5, pytest.approx(10 / 3)]


def test_new_files_are_read_by_the_schema_of_the_run_whatever_the_order_of_their_columns(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", visits())
    modality = MODALITY.of_items(items_of(tmp_path / "a.csv"))
    again = TableModality(**json.loads(json.dumps({"schema": modality.schema})))
    other = [{"extra": "1", **dict(reversed(row.items())), "ward": "east"} for row in visits(5, seed=1)]
    write_csv(tmp_path / "b.csv", other)
    items = items_of(tmp_path / "b.csv", again)
    first = items_of(tmp_path / "a.csv").schema
    assert items.schema == first
    assert items.schema.digest == first.digest
    row = items.read(0, RNG)
    assert row.texts()[row.names().index("ward")] == "unknown"
    write_csv(tmp_path / "c.csv", [{"age": "30", "dose": "1"}])
    with pytest.raises(BadItemError, match=r"c\.csv: has no column 'ward', 'smoker', 'seen', 'outcome', which are"):
        again.read([tmp_path / "c.csv"])
    assert len(again.read([tmp_path], skip_bad=True).items) == 45


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "x,y\n1,2,3\n4,5\n", "a.csv:2: has 3 cells, the header has 2"),
        ("a.csv", "x,x\n1,2\n", "several columns 'x'"),
        ("a.csv", "x,y\n", "a.csv: has no rows"),
        ("a.jsonl", '{"x": 1, "y": 2}\n[2]\n', "a.jsonl:2: holds list, expected an object"),
        ("a.jsonl", '{"x": 1, "y": 2}\n{"x"\n', "a.jsonl:2: is no JSON"),
        ("a.parquet", "PAR1 nothing", "a.parquet: is no Parquet"),
        ("a.xlsx", "nothing", "a.xlsx: is none of .csv"),
        ("a.csv", "", "no bytes"),
    ],
)
def test_what_is_wrong_with_a_file_or_a_row_is_named_or_left_out(
    name: str, content: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(BadItemError) as error:
        MODALITY.read([tmp_path / name])
    assert said in str(error.value)
    (tmp_path / "good.csv").write_text("x,y\n1,2\n2,1\n")
    reading = MODALITY.read([tmp_path / name, tmp_path / "good.csv"], skip_bad=True)
    assert [said.split(": ")[-1][:12] in entry.reason for entry in reading.skipped] == [True]
    assert len(reading.items) >= 2


def test_a_word_in_a_column_of_numbers_of_the_run_is_named_with_its_line(tmp_path: Path) -> None:
    schema = Schema.of([{"x": str(number)} for number in range(20)])
    modality = TableModality(schema=schema.settings())
    (tmp_path / "a.csv").write_text("x\n1\nmany\n3\n")
    with pytest.raises(BadItemError, match=r"a\.csv:3: has 'many' in the column 'x', expected a number"):
        modality.read([tmp_path])
    assert len(modality.read([tmp_path], skip_bad=True).items) == 2


def test_the_vocabulary_is_bounded_and_what_is_rare_is_unknown() -> None:
    words = ["a"] * 5 + ["b"] * 4 + ["c"] * 3
    schema = Schema.of([{"w": word} for word in words], vocabulary=2)
    assert schema.columns[0].words == ("a", "b")
    assert [int(schema.row({"w": word}).codes[0]) for word in "abc"] == [2, 3, 1]


def test_columns_that_are_named_are_taken_and_others_are_not() -> None:
    rows = visits()
    assert Schema.of(rows, columns=("note", "age")).names == ("note", "age")
    assert "age" not in Schema.of(rows, exclude=("age",)).names
    with pytest.raises(ValueError, match="there is no column 'weight'; the columns are 'id', 'age'"):
        Schema.of(rows, columns=("weight",))
    with pytest.raises(ValueError, match="no column is good for an input among 'id'"):
        Schema.of([{"id": str(number)} for number in range(20)])


def test_association_is_the_size_of_the_correlation_and_one_of_equal_categories() -> None:
    x = RNG.normal(size=400)
    y, z = x + RNG.normal(size=400), np.where(x > 0, "up", "down")
    rows = [{"x": str(a), "y": str(b), "z": c, "same": c} for a, b, c in zip(x, y, z, strict=True)]
    xy, xz, _, _, _, zs = Schema.of(rows).association
    assert xy == pytest.approx(abs(np.corrcoef(x, y)[0, 1]), abs=2e-3)
    assert xz == pytest.approx(abs(np.corrcoef(x, z == "up")[0, 1]), abs=2e-3)
    assert zs == 1.0


def rows_of_visits(**changes: Any) -> list[Row]:
    schema = Schema.of(visits(200), **changes)
    return [schema.row(row) for row in visits(200)]


def test_replaced_cells_are_drawn_from_their_own_column_and_show_nothing_of_the_source() -> None:
    rows = rows_of_visits()
    for row in rows[:20]:
        made, correspondence = Corrupt(0.6)(row, RNG)
        replaced = correspondence.index[0] < 0
        assert torch.equal(correspondence.index[0][~replaced], torch.arange(len(row))[~replaced])
        assert torch.equal(made.columns, row.columns)
        for place in replaced.nonzero()[:, 0].tolist():
            alike = [one for one in rows if int(one.codes[place]) == int(made.codes[place])]
            assert min(abs(float(one.values[place] - made.values[place])) for one in alike) < 1e-4
        kept = ~replaced
        assert torch.equal(made.values[kept], row.values[kept])


def test_noise_moves_numbers_that_are_there_and_nothing_else() -> None:
    row = next(one for one in rows_of_visits() if (one.codes == 0).any())
    made, _ = Noise(0.5)(row, RNG)
    moved = made.values != row.values
    assert torch.equal(moved, row.schema.numeric[row.columns] & (row.codes > 0))
    assert torch.equal(made.codes, row.codes)
    few, correspondence = Hide(0.99)(row, RNG)
    assert len(few) >= 1
    assert torch.equal(row.columns[correspondence.index[0]], few.columns)


def test_cells_are_set_into_the_same_columns_of_another_row() -> None:
    host, donor = rows_of_visits()[:2]
    part = ItemMasks(torch.tensor([-1, 0, 0, -1, -1, -1]), None)
    made = transplant(host, donor, part, RNG)
    assert made is not None
    assert made.item.texts() == [*host.texts()[:1], *donor.texts()[1:3], *host.texts()[3:]]
    assert made.owner.labels.tolist() == [0, 1, 1, 0, 0, 0]
    assert transplant(host, donor, ItemMasks(torch.zeros(6, dtype=torch.long), None), RNG) is None


def test_the_mean_of_plain_features_is_the_row_of_numbers_and_of_words_as_one_of_many() -> None:
    rows = rows_of_visits()
    schema = rows[0].schema
    raw = Raw(schema.widths, schema.digest, schema.association)
    features = raw(collate(rows[:9]))
    first = np.cumsum([0, *schema.widths])
    for number, row in enumerate(rows[:9]):
        expected = np.zeros(sum(schema.widths) + len(schema.widths))
        for place, (value, code) in enumerate(zip(row.values.tolist(), row.codes.tolist(), strict=True)):
            if code == 0:
                expected[sum(schema.widths) + place] = 1
            elif schema.widths[place] == 1:
                expected[first[place]] = value
            else:
                expected[first[place] + code - 1] = 1
        np.testing.assert_allclose(features.values[number].sum(dim=0)[: len(expected)].numpy(), expected, atol=1e-6)


def test_rows_of_another_schema_are_refused_by_an_encoder_and_in_a_batch() -> None:
    one, two = rows_of_visits()[0], rows_of_visits(vocabulary=2)[0]
    encoder = MLP(8, 1, one.schema.widths, one.schema.digest)
    with pytest.raises(ValueError, match="read them with the modality of the run"):
        encoder(collate([two]))
    with pytest.raises(ValueError, match="read with one schema, got 2"):
        collate([one, two])


def test_columns_are_told_apart_by_the_second_step_alone() -> None:
    row = Schema.of([{"x": str(n), "y": str(n)} for n in range(20)]).row({"x": "3", "y": "3"})
    encoder = MLP(8, 1, row.schema.widths).eval()
    with torch.no_grad():
        tokens = encoder.embed(collate([row]))
        same = encoder.mix(tokens.with_values(torch.ones_like(tokens.values)))
    assert not torch.allclose(same.values[0, 0], same.values[0, 1])
    with pytest.raises(ValueError, match="take tokens from `embed`"):
        encoder.mix(type(tokens)(tokens.values, tokens.valid))


def test_a_label_that_is_an_input_is_refused_and_one_that_is_none_is_read(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", visits())
    with pytest.raises(ValueError, match="the column 'outcome' is an input of these items"):
        record_labels(items_of(tmp_path / "a.csv"), "outcome")
    items = items_of(tmp_path / "a.csv", MODALITY.without(("outcome",)))
    labels = record_labels(items, "outcome")
    assert labels.known.tolist() == [{"ill": 0, "well": 1}[row["outcome"]] for row in visits()]
    with pytest.raises(ValueError, match="is an input of these items"):
        record_labels(items_in_python(visits(), MODALITY), "Outcome")


@pytest.mark.filterwarnings("ignore:collapse watch")
def test_a_run_with_a_label_column_never_sees_it_and_predicts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(Path("visits.csv"), visits(60))
    run = [
        "run",
        "objects",
        "--modality",
        "table",
        "--data",
        "visits.csv",
        "--out",
        "mine",
        "--label-column",
        "outcome",
    ]
    assert execute([*run, "--method", "simclr", *SHORT]) == 0
    kept = json.loads(Path("mine/config.json").read_text())["modality"]["settings"]
    assert "outcome" not in [column["name"] for column in kept["schema"]["columns"]]
    swapped = [{**row, "outcome": "ill" if row["outcome"] == "well" else "well"} for row in visits(60)]
    Path("b").mkdir()
    write_csv(Path("b/visits.csv"), swapped)
    model = gestalt.load("mine")
    for one, two in zip(model.embed("visits.csv"), model.embed("b/visits.csv"), strict=True):
        assert torch.equal(one.item, two.item), "labels are no part of what is seen"
    assert execute(["fit", "mine", "visits.csv", "--label-column", "outcome", "--out", "model"]) == 0
    assert execute(["predict", "model", "visits.csv", "--out", "answers"]) == 0
    with pytest.raises(ValueError, match="the column 'dose' is an input of these items"):
        execute(["fit", "mine", "visits.csv", "--label-column", "dose", "--label-kind", "value", "--out", "no"])
    assert execute(["discover", "mine", "visits.csv", "--out", "found"]) == 0
    cells = list(csv.DictReader(Path("found/objects.csv").read_text().splitlines()))
    rows = [json.loads(line) for line in Path("found/objects.jsonl").read_text().splitlines()]
    assert len(rows) == 60
    assert [cells[0][key] for key in ("filename", "row", "id", "column")] == ["visits.csv", "2", "100", "age"]
    for row in rows:
        own = {cell["column"]: int(cell["object"]) for cell in cells if cell["row"] == str(row["row"])}
        assert own == {column: one["object"] for one in row["objects"] for column in one["columns"]}
    items = items_of(Path("visits.csv"), model.modality)  # type: ignore[arg-type]
    masks = model.modality.read_masks(Path("found/objects.csv"), items)  # type: ignore[attr-defined]
    found = masks.of_item(3, items.read(3, RNG))
    assert {masks.names[0, 5][int(name.split()[1])] for name in found.names} == set(found.names)
    assert len(found.objects()) == len(rows[3]["objects"])


def test_masks_may_be_those_of_all_rows(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", visits())
    items = items_of(tmp_path / "a.csv")
    (tmp_path / "groups.csv").write_text("column,object,label\nage,1,body\ndose,1,body\nward,2,place\n")
    masks = MODALITY.read_masks(tmp_path / "groups.csv", items)
    row = items.read(4, RNG)
    own = masks.of_item(4, row)
    assert masks.has(4)
    assert own is not None
    assert MODALITY.shown_masks(row, own) == [("body", ["age", "dose"]), ("place", ["ward"])]
    (tmp_path / "groups.csv").write_text("column,object\nweight,1\n")
    with pytest.raises(ValueError, match=r"groups\.csv:2: 'weight' with object '1' is no input"):
        MODALITY.read_masks(tmp_path / "groups.csv", items)


@pytest.mark.filterwarnings("ignore:collapse watch")
def test_a_table_of_pandas_trains_a_run_that_reads_files_and_lists_by_its_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    frame = pandas.DataFrame(visits()).drop(columns="outcome").astype({"dose": float})
    few = gestalt.Training(steps=2, batch=4, warmup=0, workers=0, accelerator="cpu")
    model = gestalt.train(frame, modality="table", out="run", training=few)
    write_csv(tmp_path / "a.csv", visits())
    again = gestalt.load("run")
    ways = (frame, "a.csv", [dict(row) for row in visits()])
    vectors = [torch.stack([one.item for one in again.embed(way)]) for way in ways]
    torch.testing.assert_close(vectors[0], vectors[1])
    torch.testing.assert_close(vectors[0], vectors[2])
    torch.testing.assert_close(vectors[0], torch.stack([one.item for one in model.embed(frame)]))


def test_a_part_of_joint_items_keeps_its_schema(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", visits(3))
    rows = items_of(tmp_path / "a.csv")
    both = joint(table=MODALITY, text=TEXT)
    kept = both.without(("outcome",)).modalities["table"]
    assert isinstance(kept, TableModality)
    assert kept.labels == ("outcome",)
    assert MODALITY.of_items(rows).schema == rows.schema.settings()
