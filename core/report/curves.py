"""Learning curves as inline SVG, drawn without a display and coloured by the page."""

import csv
import io
import itertools
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import final

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..storage.damage import read_or_name

# Colours that are told apart by every eye (Okabe and Ito, 2008) stand in the page's style sheet, for light and for
# dark; matplotlib draws with these stand-ins, which are then replaced by the page's variables.
INK, FAINT = "#010101", "#020202"
LINES = ("#030301", "#030302", "#030303", "#030304", "#030305", "#030306")
STYLES = ("-", "--", "-.", ":", "-", "--")  # so that lines differ in print and without colour, too
VARIABLES = {INK: "var(--ink)", FAINT: "var(--rule)"} | {c: f"var(--line-{i})" for i, c in enumerate(LINES, 1)}


@final
@dataclass(frozen=True)
class Chart:
    """What one picture shows: columns of the metrics over the step, on one axis.

    `axis` names the quantity with its unit; `lines` are (column, label). A column that the metrics lack is left out.
    `along` is the column on the other axis, which it names.
    """

    caption: str
    axis: str
    lines: tuple[tuple[str, str], ...]
    low: float | None = None
    along: str = "step"


@final
@dataclass(frozen=True)
class Picture:
    """An inline SVG with its caption."""

    caption: str
    svg: Markup


def read_columns(path: Path) -> dict[str, list[float]]:
    """The columns of a CSV file of numbers; NaN where a cell is empty or no number, an unfinished last row left out.

    Raises:
        ValueError: naming the file, if it is damaged.
    """
    return read_or_name(path, _columns, "remove it, and its curves are left out")


def _columns(path: Path) -> dict[str, list[float]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if None not in row and None not in row.values()]
    names = rows[0].keys() if rows else ()
    return {name: [_number(row[name]) for row in rows] for name in names}


def draw(columns: dict[str, list[float]], charts: tuple[Chart, ...]) -> tuple[Picture, ...]:
    """A picture for every chart that has a column with a number in it.

    Example:
        >>> columns = {"step": [10.0, 20.0], "loss": [1.0, 0.5]}
        >>> chart = Chart("What is minimised", "loss", (("loss", "total"), ("missing", "not there")))
        >>> [picture.caption for picture in draw(columns, (chart,))]
        ['What is minimised']
    """
    pictures: list[Picture] = []
    for chart in charts:
        lines = [
            (label, [(x, y) for x, y in zip(columns[chart.along], columns[name], strict=True) if math.isfinite(y)])
            for name, label in chart.lines
            if name in columns
        ]
        lines = [(label, points) for label, points in lines if points]
        if lines:
            pictures.append(Picture(chart.caption, _svg(chart, lines, prefix=f"c{len(pictures)}-")))
    return tuple(pictures)


def _svg(chart: Chart, lines: list[tuple[str, list[tuple[float, float]]]], prefix: str) -> Markup:
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "gestalt", "font.size": 10, "text.parse_math": False}):
        figure = Figure(figsize=(5.2, 2.9), layout="constrained")
        figure.patch.set_visible(False)
        axes = figure.add_subplot()
        for (label, points), colour, style in zip(lines, itertools.cycle(LINES), itertools.cycle(STYLES), strict=False):
            x, y = zip(*points, strict=True)
            marker = "o" if len(points) == 1 else ""
            axes.plot(x, y, color=colour, linestyle=style, linewidth=1.8, label=label, marker=marker)
        _dress(axes, chart, legend=len(lines) > 1)
        text = io.StringIO()
        FigureCanvasSVG(figure)
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return Markup(_inlined(text.getvalue(), chart, prefix))  # matplotlib escapes its texts


def _dress(axes: Axes, chart: Chart, legend: bool) -> None:
    axes.set_xlabel(chart.along, color=INK)
    axes.set_ylabel(chart.axis, color=INK)
    axes.tick_params(colors=INK, width=0.6, length=3)
    axes.patch.set_visible(False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set(color=FAINT, linewidth=1)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=chart.along == "step"))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    if chart.low is not None:
        axes.set_ylim(bottom=chart.low)
    if legend:
        axes.legend(
            frameon=False, labelcolor=INK, ncols=2, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, fontsize=9
        )


def _inlined(svg: str, chart: Chart, prefix: str) -> str:
    """The drawing as an element of a page: no prologue, no metadata, its own names, the page's colours and size."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)  # it would style the whole page
    svg = re.sub(r"font-family: [^;]*; ", "", svg)  # the page's font
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg)
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}", svg)
    svg = re.sub(r'^<svg([^>]*?) width="[^"]*"', r"<svg\1", svg)
    svg = re.sub(r'^<svg([^>]*?) height="[^"]*"', r"<svg\1", svg)
    svg = svg.replace(
        "<svg",
        f'<svg class="chart" role="img" aria-label="{Markup.escape(chart.axis)} over the {Markup.escape(chart.along)}"',
        1,
    )
    for stand_in, variable in VARIABLES.items():
        svg = svg.replace(stand_in, variable)
    return svg


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
