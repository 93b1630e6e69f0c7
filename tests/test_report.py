"""The report: one page that needs nothing else, and in which every text from the data stays text."""

import re
from collections import Counter
from dataclasses import dataclass, fields
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import Markup

from gestalt.core.data.items import Skipped
from gestalt.core.evaluation import Column, Table
from gestalt.core.report import Chart, Command, Exhibit, Look, Page, Panel, draw, read_columns, to_page, write_report

EVIL = "<script>alert('1')</script> & \"x\".wav"
METRICS = {"step": [1.0, 2.0, 3.0], "loss": [3.0, 2.0, 1.0], "part": [1.0, float("nan"), 0.5]}
CHARTS = (
    Chart("The loss and a part", "loss (nats)", (("loss", "total"), ("part", "a part")), low=0.0),
    Chart("The same <again>", "loss <nats> & $x$", (("loss", "total"),)),
)
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Structure(HTMLParser):
    """Reads a page, and refuses tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Structure:
    structure = Structure()
    structure.feed(html)
    structure.close()
    assert structure.open == []
    return structure


@cache
def full(text: str = "plain") -> Page:
    """A page in which every text is `text`, with every part in place."""
    return Page(
        title=f"title {text}",
        kicker=f"kicker {text}",
        pictures_title=f"pictures {text}",
        summary=f"summary {text}",
        facts=((f"fact {text}", f"value {text}"),),
        looks=(Look(f"look {text}", "results"), Look("hidden", "nowhere")),
        warnings=(f"warning {text}",),
        skipped=(Skipped(f"file {text}", f"reason {text}"),),
        damaged=(Skipped(f"torn {text}", f"missing {text}"),),
        pictures=draw(METRICS, CHARTS),
        exhibits=(Exhibit(f"caption {text}", (Panel(f"label {text}", Markup("<em>drawn</em>")),)),),
        exhibits_note=f"see {text}",
        exhibits_title=f"shown {text}",
        tables=(Table.of(f"table {text}", [Column(f"metric {text}", f"group {text}")], {f"method {text}": [0.5]}),),
        commands=(Command(f"comment {text}", f"command {text}"),),
        snippet=f"snippet {text}",
        configuration={f"name {text}": {f"inner {text}": f"setting {text}"}},
    )


PARTS = (
    *(
        "title",
        "summary",
        "fact",
        "value",
        "warning",
        "file",
        "reason",
        "torn",
        "missing",
        "caption",
        "label",
        "look",
        "see",
        "table",
        "metric",
    ),
    *("group", "method", "comment", "command", "snippet", "name", "inner", "setting"),
)


def test_everything_that_the_page_was_given_is_shown() -> None:
    structure = read(to_page(full()))
    for part in PARTS:
        assert f"{part} plain" in structure.text, part
    assert "hidden" not in structure.text, "a section that the page lacks is nothing to look at"
    for chart in CHARTS:
        assert chart.caption in structure.text
        assert chart.axis in structure.text
    assert structure.tags["em"] == 1
    assert structure.tags["svg"] == 2


def test_html_in_the_data_stays_text_everywhere() -> None:
    structure = read(to_page(full(EVIL)))
    assert structure.tags["script"] == 0
    for part in PARTS:
        assert f"{part} {EVIL}" in structure.text, part


def test_the_page_asks_nothing_of_the_network() -> None:
    html = to_page(full())
    assert "http:" not in html
    assert "https:" not in html
    assert not re.search(r"@import|url\((?!#)", html)
    structure = read(html)
    outside = [(n, v) for n, v in structure.attributes if n in {"src", "href", "xlink:href"} and not v.startswith("#")]
    assert outside == []
    assert any("default-src 'none'" in value for _, value in structure.attributes)


def test_every_name_on_the_page_is_there_once_and_every_reference_has_its_name() -> None:
    structure = read(to_page(full()))
    names = Counter(value for name, value in structure.attributes if name == "id")
    assert max(names.values()) == 1
    references = {value[1:] for name, value in structure.attributes if name in {"href", "xlink:href"}}
    references |= set(re.findall(r"url\(#([^)]*)\)", to_page(full())))
    assert references <= set(names)


def test_an_empty_page_has_no_empty_sections() -> None:
    structure = read(to_page(Page("nothing", "done")))
    assert structure.tags["h1"] == 1
    assert structure.tags["h2"] + structure.tags["table"] + structure.tags["nav"] == 0


def test_the_same_run_gives_the_same_page(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_report(tmp_path / name, full())
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_every_part_of_a_page_is_tried_here() -> None:
    empty = Page("", "")
    assert all(getattr(full(), field.name) != getattr(empty, field.name) for field in fields(Page))


@dataclass(frozen=True)
class Inner:
    rate: float = 0.5


@dataclass(frozen=True)
class Outer:
    inner: Inner
    steps: tuple[Inner, ...] = (Inner(), Inner(0.25))
    sizes: tuple[int, ...] = (1, 2)
    flag: bool = True
    path: Path | None = None


def test_a_nested_configuration_is_shown_in_full() -> None:
    html = to_page(Page("", "", configuration=Outer(Inner())))
    rows = re.findall(r'--depth: (\d)"><th[^>]*>(\w+)</th>(?:<td dir="auto">(.*?)</td>)?', html)
    assert rows == [
        ("0", "inner", ""),
        ("1", "rate", "0.5"),
        ("0", "steps", ""),
        ("1", "1", ""),
        ("2", "rate", "0.5"),
        ("1", "2", ""),
        ("2", "rate", "0.25"),
        ("0", "sizes", "1, 2"),
        ("0", "flag", "yes"),
        ("0", "path", "none"),
    ]


def test_curves_leave_out_what_the_metrics_lack() -> None:
    charts = (*CHARTS, Chart("Not measured", "nothing", (("missing", "missing"),)))
    assert [picture.caption for picture in draw(METRICS, charts)] == [chart.caption for chart in CHARTS]
    assert draw({}, charts) == ()
    assert draw({"step": [1.0], "loss": [float("nan")]}, charts) == ()


def test_curves_are_coloured_by_the_page_and_name_their_lines() -> None:
    svg = draw(METRICS, CHARTS)[0].svg
    assert {"var(--ink)", "var(--line-1)", "var(--line-2)"} <= set(re.findall(r"var\(--[a-z0-9-]+\)", svg))
    # The transparent background is the one colour of matplotlib's own.
    assert not re.search(r"(stroke|fill): #0[1-3]0[1-3]0", svg)
    assert all(label in svg for label in ("total", "a part", "loss (nats)", "step"))


def test_one_logged_step_is_a_dot() -> None:
    assert "<use" in draw({"step": [1.0], "loss": [2.0]}, CHARTS[1:])[0].svg


@pytest.mark.parametrize("text", ["", "step,loss\n", "step,loss\n1,2.5\n2,\n3,nan\n4"])
def test_metrics_are_read_to_where_a_kill_left_them(tmp_path: Path, text: str) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text(text)
    columns = read_columns(path)
    assert columns.get("step", []) == ([1.0, 2.0, 3.0] if "1," in text else [])
    assert columns.get("loss", [2.5])[0] == 2.5
