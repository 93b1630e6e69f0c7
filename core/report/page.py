"""One self-contained HTML page per run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from importlib import resources
from pathlib import Path
from typing import Any, final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ..data.items import Skipped
from ..evaluation.table import Table
from ..evaluation.table_text import to_html
from ..storage.atomic import write_text
from .curves import Picture


@final
@dataclass(frozen=True)
class Panel:
    """One look at an item ("before training", "after training"), drawn by its modality.

    `content` is trusted HTML: `Markup(modality.render(…))`, which escapes every text from the data.
    """

    label: str
    content: Markup


@final
@dataclass(frozen=True)
class Exhibit:
    """An item with its objects, one panel above the other, so that positions compare by eye."""

    caption: str
    panels: tuple[Panel, ...]


@final
@dataclass(frozen=True)
class Command:
    """What one may do next, in words, and the shell command that does it."""

    comment: str
    shell: str


@final
@dataclass(frozen=True)
class Look:
    """What to look at first, in words, and the section of the page that shows it."""

    text: str
    section: str


@final
@dataclass(frozen=True)
class Page:
    """What a report says. Every text is shown as text; only `Markup` is taken as HTML.

    Attributes:
        title: the run's name.
        summary: one paragraph: what was done and what came out.
        facts: (name, value) of device, seed, wall time, versions, number of items, …
        looks: what to look at first, each a link to its section; those of sections that the page lacks are left out.
        warnings: what training said: its collapse watch, and that a run is too short.
        skipped: files that were left out.
        damaged: files that are cut off, and were read as far as they go.
        pictures: learning curves, from `draw`.
        exhibits: items with their objects.
        exhibits_note: what is to be seen there.
        tables: results.
        commands: how to go on in the shell.
        snippet: how to go on in Python.
        configuration: the whole configuration, nested mappings or dataclasses.
        kicker: what it is a report of, above the title.
        pictures_title: the heading of the pictures.
        exhibits_title: that of the exhibits.
    """

    title: str
    summary: str
    facts: tuple[tuple[str, str], ...] = ()
    looks: tuple[Look, ...] = ()
    warnings: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    damaged: tuple[Skipped, ...] = ()
    pictures: tuple[Picture, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    exhibits_note: str = ""
    tables: tuple[Table, ...] = ()
    commands: tuple[Command, ...] = ()
    snippet: str = ""
    configuration: Any = None
    kicker: str = "Gestalt run report"
    pictures_title: str = "Learning"
    exhibits_title: str = "Objects"


def write_report(path: Path, page: Page) -> None:
    """Write the page at one stroke. It needs no network, no script and no other file."""
    write_text(path, to_page(page))


def to_page(page: Page) -> str:
    """The page as HTML.

    Example:
        >>> "<h1>A &lt;b&gt; run</h1>" in to_page(Page("A <b> run", "Nothing was done."))
        True
    """
    settings = list(setting_rows(page.configuration)) if page.configuration is not None else []
    tables = [to_html(table) for table in page.tables]
    return filled(part_of_page("page.html"), page=page, tables=tables, settings=settings)


def part_of_page(name: str) -> str:
    """A file of this package: jinja's loaders look for folders, and a package may lie in an archive."""
    return resources.files(__name__.rpartition(".")[0]).joinpath(name).read_text(encoding="utf-8")


def filled(source: str, **values: Any) -> str:
    """A template with its values, in the style of all pages; every text is escaped but `Markup`."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source).render(style=Markup(part_of_page("style.html").rstrip()), **values)


@final
@dataclass(frozen=True)
class Setting:
    """A row of the configuration: a value, or (None) the heading of the deeper rows that follow."""

    depth: int
    name: str
    value: str | None


def setting_rows(configuration: Any, depth: int = 0) -> Iterator[Setting]:
    """A nested configuration, row by row, headings before what they hold.

    Example:
        >>> [(row.depth, row.name, row.value) for row in setting_rows({"seed": 1, "views": {"crop": 0.5}})]
        [(0, 'seed', '1'), (0, 'views', None), (1, 'crop', '0.5')]
    """
    for name, value in _items(configuration):
        if _is_nested(value):
            yield Setting(depth, name, None)
            yield from setting_rows(value, depth + 1)
        else:
            yield Setting(depth, name, _shown(value))


def _items(value: Any) -> list[tuple[str, Any]]:
    if is_dataclass(value):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, Mapping):
        return [(str(name), inner) for name, inner in value.items()]
    return [(str(number), inner) for number, inner in enumerate(value, 1)]


def _is_nested(value: Any) -> bool:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return any(_is_nested(inner) for inner in value)
    return (is_dataclass(value) or isinstance(value, Mapping)) and bool(_items(value))


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_shown(inner) for inner in value) or "none"
    return str(value)
