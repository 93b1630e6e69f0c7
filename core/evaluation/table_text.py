"""A table of results as GitHub Markdown and as HTML; the best of every column in bold."""

import itertools
import math

from markupsafe import Markup, escape

from .table import Cell, Column, Table

MISSING = "–"


def to_markdown(table: Table) -> str:
    """GitHub Markdown; groups stand above the names of their columns, ceilings in italics.

    Example:
        >>> from gestalt.core.evaluation import Column, Table
        >>> results = {"k-means": [0.34, 0.5], "Odin": [0.41, None]}
        >>> print(to_markdown(Table.of("One", [Column("ARI", "instances"), Column("1-NN", "types")], results)))
        | method | instances<br>ARI ↑ | types<br>1-NN ↑ |
        |:---|---:|---:|
        | k-means | 0.34 | 0.50 |
        | Odin | **0.41** | – |
    """
    heads = [f"{_cell(c.group)}<br>{_cell(c.heading)}" if c.group else _cell(c.heading) for c in table.columns]
    lines = [["method", *heads]]
    for number, row in enumerate(table.rows):
        cells = []
        for position, column in enumerate(table.columns):
            text = _show(column, table.cell(number, position))
            cells.append(f"**{text}**" if number in table.best(position) else text)
        lines.append([f"*{_cell(row.method)}*" if row.ceiling else _cell(row.method), *cells])
    drawn = [f"| {' | '.join(line)} |" for line in lines]
    drawn.insert(1, f"|:---|{'---:|' * len(table.columns)}")
    return "\n".join(drawn)


def to_html(table: Table) -> Markup:
    """An HTML table with two rows of headings, the second the metrics; everything is escaped."""
    groups = [(name, len(list(run))) for name, run in itertools.groupby(column.group for column in table.columns)]
    first = {sum(length for _, length in groups[:i]) for i in range(1, len(groups))}

    def kind(position: int) -> Markup:
        return Markup(' class="first"') if position in first else Markup("")

    parts = [
        Markup('<table class="results">\n<caption><span>{}{}</span></caption>\n<thead>').format(
            table.title, _over(table)
        )
    ]
    if any(name for name, _ in groups):
        start = itertools.accumulate((length for _, length in groups), initial=0)
        heads = (
            Markup('<th scope="colgroup" colspan="{}"{}>{}</th>').format(length, kind(at), name)
            for at, (name, length) in zip(start, groups, strict=False)
        )
        parts.append(Markup('<tr class="groups"><td></td>{}</tr>').format(Markup("").join(heads)))
    names = (
        Markup('<th scope="col"{}>{}</th>').format(kind(i), _glued(column.heading))
        for i, column in enumerate(table.columns)
    )
    parts.append(Markup('<tr><th scope="col">method</th>{}</tr></thead>\n<tbody>').format(Markup("").join(names)))
    for number, row in enumerate(table.rows):
        cells = []
        for position, column in enumerate(table.columns):
            text = _html(column, table.cell(number, position))
            inner = Markup("<strong>{}</strong>").format(text) if number in table.best(position) else text
            cells.append(Markup("<td{}>{}</td>").format(kind(position), inner))
        name = Markup("<em>{}</em>").format(row.method) if row.ceiling else row.method
        parts.append(Markup('<tr><th scope="row">{}</th>{}</tr>').format(name, Markup("").join(cells)))
    parts.append(Markup("</tbody>\n</table>"))
    if table.note:
        parts.append(Markup('<p class="note">{}</p>').format(table.note))
    return Markup("\n").join(parts)


def _show(column: Column, cell: Cell) -> str:
    if not cell.seeds:
        return MISSING
    if not math.isfinite(cell.mean):
        return "failed"
    return column.show(cell.mean) + ("" if cell.spread is None else f" ± {column.show(cell.spread)}")


def _html(column: Column, cell: Cell) -> Markup:
    mean, sign, spread = _show(column, cell).partition(" ± ")
    return escape(mean) + (Markup('<span class="spread"> ± {}</span>').format(spread) if sign else Markup(""))


def _glued(heading: str) -> str:
    """The heading with its arrow on the line of its last word."""
    return "\N{NO-BREAK SPACE}".join(heading.rsplit(" ", 1)) if heading.endswith(("↑", "↓")) else heading


def _over(table: Table) -> Markup:
    if table.seeds < 2:
        return Markup("")
    text = Markup(' <span class="over">mean ± standard deviation over {} seeds</span>')
    return text.format(table.seeds)


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
