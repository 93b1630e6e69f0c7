"""Tables of results: seeds are combined, the best is bold, JSON comes back, texts stay texts."""

import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gestalt.core.evaluation import Column, Row, Table, combined, to_html, to_markdown

UP, DOWN = Column("score", "one", True), Column("error", "two", False)
numbers = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=4)


def seed(**results: list[float | None]) -> Table:
    return Table.of("seed", (UP, DOWN), dict(results))


@settings(max_examples=40, deadline=None)
@given(numbers)
def test_a_cell_is_the_mean_and_deviation_of_its_seeds(values: list[float]) -> None:
    cell = combined([seed(a=[value, 0.0]) for value in values], "all").cell(0, 0)
    assert cell.seeds == len(values)
    assert cell.mean == pytest.approx(statistics.fmean(values))
    assert cell.spread == (pytest.approx(statistics.stdev(values), abs=1e-9) if len(values) > 1 else None)


def test_the_best_follows_the_direction_and_ties_share_it() -> None:
    table = seed(a=[0.501, 1.0], b=[0.499, 3.0], c=[0.1, None])
    assert (table.best(0), table.best(1)) == (frozenset({0, 1}), frozenset({0}))
    neither = Table.of("", [Column("objects", higher_is_better=None)], {"a": [1.0], "b": [2.0]})
    assert neither.best(0) == frozenset()


def test_a_ceiling_is_set_apart_and_never_the_best() -> None:
    results: dict[str, list[float | None]] = {"truth": [1.0, 0.0], "a": [0.5, 2.0], "b": [0.4, 1.0]}
    table = Table.of("", (UP, DOWN), dict(results), ceilings={"truth"})
    assert (table.best(0), table.best(1)) == (frozenset({1}), frozenset({2}))
    assert "| *truth* | 1.00 | 0.00 |" in to_markdown(table)
    assert '<th scope="row"><em>truth</em></th>' in to_html(table)
    assert "| a | **0.50** | 2.00 |" in to_markdown(table)
    again = combined([Table.from_json(table.to_json()), table], "all")
    assert [row.ceiling for row in again.rows] == [True, False, False]
    alone = Table.of("", (UP, DOWN), {name: results[name] for name in ("truth", "a")}, ceilings={"truth"})
    assert alone.best(0) == frozenset()  # one method is nothing to choose from
    with pytest.raises(ValueError, match=r"ceilings are rows of the table, got \['c'\]; the rows are \['truth'"):
        Table.of("", (UP, DOWN), dict(results), ceilings={"c"})


def test_a_failed_seed_is_shown_and_never_best() -> None:
    table = combined([seed(a=[0.9, 1.0], b=[0.1, 1.0], c=[0.0, 2.0]), seed(a=[math.nan, 1.0])], "all")
    assert table.best(0) == frozenset({1})
    assert "| a | failed |" in to_markdown(table)


def test_methods_and_seeds_missing_somewhere_stay_in_order() -> None:
    table = combined([seed(a=[1.0, None]), seed(b=[2.0, 3.0], a=[3.0, 4.0])], "all")
    assert table.rows == (Row("a", ((1.0, 3.0), (4.0,))), Row("b", ((2.0,), (3.0,))))
    with pytest.raises(ValueError, match="same columns"):
        combined([table, Table.of("", (UP,), {})], "all")


def test_a_table_comes_back_from_json() -> None:
    table = combined([seed(a=[0.1, None], b=[1 / 3, -2.0]), seed(a=[0.2, 7.0])], "ü <b>", note="n")
    assert Table.from_json(table.to_json()) == table
    failed = Table.from_json(seed(a=[math.nan, 1.0]).to_json())
    assert math.isnan(failed.rows[0].values[0][0])
    with pytest.raises(ValueError, match="no table"):
        Table.from_json("{}")


def test_markdown_and_html_show_the_same_numbers_with_the_best_in_bold() -> None:
    table = combined([seed(a=[0.25, 1.0], b=[0.5, 2.0]), seed(a=[0.75, 1.0], b=[0.75, 2.0])], "T")
    lines = to_markdown(table).splitlines()
    assert lines[0] == "| method | one<br>score ↑ | two<br>error ↓ |"
    assert lines[2:] == ["| a | 0.50 ± 0.35 | **1.00 ± 0.00** |", "| b | **0.62 ± 0.18** | 2.00 ± 0.00 |"]
    html = to_html(table)
    assert '<strong>0.62<span class="spread"> ± 0.18</span></strong>' in html
    assert "over 2 seeds" in html
    assert html.count("<strong>") == 2


def test_html_in_a_name_stays_text() -> None:
    table = Table.of("<i>", [Column("<u>", "<s>")], {"<script>|": [1.0]}, note="<b>")
    html = to_html(table)
    assert not any(tag in html for tag in ("<i>", "<u>", "<s>", "<script>", "<b>"))
    assert "&lt;script>\\|" in to_markdown(table)


def test_rows_fit_the_columns_and_are_named_once() -> None:
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        seed(a=[1.0])
    with pytest.raises(ValueError, match="one row"):
        Table("", (), (Row("a", ()), Row("a", ())))
