"""Near-duplicates in files: tables of pairs and groups, and a page."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..evaluation.table import Column, Table
from ..modality.base import AbstractModality
from ..report import Exhibit, Page, Panel, write_report
from ..search.entries import OBJECT
from ..search.index import Index, Indexed
from ..search.near_duplicates import NearDuplicates
from ..search.options import Duplicating
from ..search.pictures import Pictures
from ..search.places import place_text
from ..storage.csv_file import TableWriter
from ..storage.naming import counted
from ..storage.text_file import open_text
from .search_files import kind_of, words_of

PAIRS = ("similarity", "file", "record", "id", "object", "place")
GROUPS = ("group", "size", "file", "record", "id", "object", "place")
MEASURED = ("copies by", "copies", "recall", "precision", "false_matches")
DRAWN, MEMBERS = 20, 6
"""So many groups are drawn on the page, and so many members of each."""


def write_duplicates(
    folder: Path,
    index: Index,
    modality: AbstractModality[Any],
    answer: NearDuplicates,
    how: Duplicating,
) -> list[str]:
    """Write everything; what was found, in a few lines."""
    found, scores = answer.found, answer.measured
    rows = index.details([row for own in (found.one, found.other, *found.groups) for row in own.tolist()])
    header = (PAIRS[0], *(f"{name}_{side}" for side in ("one", "other") for name in PAIRS[1:]))
    with open_text(folder / "pairs.csv") as file:
        table = TableWriter(file, header)
        for one, other, similarity in zip(found.one, found.other, found.similarity, strict=True):
            table.row((f"{similarity:.6f}", *_cells(rows[one]), *_cells(rows[other])))
    with open_text(folder / "groups.csv") as file:
        table = TableWriter(file, GROUPS)
        for number, group in enumerate(found.groups, 1):
            for row in group:
                table.row((number, len(group), *_cells(rows[row])))
    if scores:
        with open_text(folder / "measured.csv") as file:
            table = TableWriter(file, MEASURED)
            for one in scores:
                cells = (one.recall, one.precision, one.false_matches)
                table.row((one.name, one.copies, *("" if math.isnan(cell) else f"{cell:.4f}" for cell in cells)))
    lines = _lines(index, answer, how)
    write_report(folder / "duplicates.html", _page(index, modality, answer, how, rows, lines))
    return lines


def _cells(row: Indexed) -> tuple[Any, ...]:
    return row.path, row.record, row.id, row.object if row.of == OBJECT else "", place_text(row.place)


def _lines(index: Index, answer: NearDuplicates, how: Duplicating) -> list[str]:
    found, threshold = answer.found, answer.threshold
    listed = "" if len(found.one) == found.pairs else f", of which the {len(found.one)} most alike are listed"
    members = sum(map(len, found.groups))
    lines = [
        f"{counted(found.pairs, 'pair')} of near-duplicates{listed}; {members} of {int(index.chosen(how.among).sum())} "
        f"{how.among} in {counted(len(found.groups), 'group')}",
        f"threshold {threshold.value:.4f}"
        + (f", chosen by an error rate of {how.error_rate:g}" if how.threshold is None else ", as asked for"),
    ]
    if threshold.items:
        lines[1] += f" on {threshold.items} items; equal error rate {threshold.equal_error_rate:.3f}"
        if threshold.likely:
            lines.append(
                f"{threshold.likely} of the {threshold.items} have another item nearer than half of their own copies"
            )
        if 2 * threshold.likely > threshold.items:
            lines.append("the vectors hardly tell copies from other items: the threshold means little")
    return lines + [
        f"copies by {one.name}: recall {one.recall:.3f}, precision {one.precision:.3f}, "
        f"with a false match {one.false_matches:.3f}"
        for one in answer.measured
    ]


def _facts(answer: NearDuplicates, how: Duplicating) -> tuple[tuple[str, str], ...]:
    threshold = answer.threshold
    facts = [("threshold", f"{threshold.value:.4f}")]
    if how.threshold is None:
        facts.append(("error rate", f"{how.error_rate:g}"))
    if threshold.items:
        facts += [("items looked at", f"{threshold.items}"), ("equal error rate", f"{threshold.equal_error_rate:.3f}")]
    return tuple(facts)


def _page(
    index: Index,
    modality: AbstractModality[Any],
    answer: NearDuplicates,
    how: Duplicating,
    rows: dict[int, Indexed],
    lines: Sequence[str],
) -> Page:
    found, scores = answer.found, answer.measured
    pictures, exhibits = Pictures(index, modality), list[Exhibit]()
    for number, group in enumerate(found.groups[:DRAWN], 1):
        own = [rows[row] for row in group[:MEMBERS].tolist()]
        panels = tuple(Panel(words_of(row), pictures.of_row(row)) for row in own)
        exhibits.append(Exhibit(f"Group {number}: {counted(len(group), kind_of(own[0]))}", panels))
    columns = (Column("recall"), Column("precision"), Column("with a false match", higher_is_better=False))
    results: dict[str, Sequence[float | None]] = {
        f"{one.name} ({counted(one.copies, 'copy', 'copies')})": [
            None if math.isnan(score) else score for score in (one.recall, one.precision, one.false_matches)
        ]
        for one in scores
    }
    return Page(
        title=f"Near-duplicates in {index.folder.name}",
        summary=f"{lines[0]}.",
        facts=_facts(answer, how),
        warnings=tuple(line for line in lines[2:] if not line.startswith("copies by")),
        tables=(Table.of("Copies that are known", columns, results, ceilings=results.keys()),) if scores else (),
        exhibits=tuple(exhibits),
        exhibits_note="The first groups and members are shown; all are in groups.csv.",
        exhibits_title="Groups",
        kicker="Gestalt duplicates",
    )
