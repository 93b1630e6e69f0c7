"""The page of types: what members of each sound or look like, where it occurs, and fields to name it."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import final

from markupsafe import Markup

from ...data.items import Skipped
from ...report import Picture, filled

BINS = 40
"""Parts of the data over which a type is counted."""


@final
@dataclass(frozen=True)
class Member:
    """One member of a type as it is shown: trusted HTML of its modality, and where it lies."""

    content: Markup
    name: str
    file: str
    record: str
    object: int
    distance: str
    wrong: bool


@final
@dataclass(frozen=True)
class TypeSection:
    """What the page says of one type.

    Attributes:
        number: of the type, from 1.
        name: given before; nothing where none was.
        said: how often it occurs.
        neighbours: the numbers of the types nearest to it.
        groups: members under headings: the nearest to its centre, the farthest.
        over_time: a drawing of its counts.
        most: the greatest of them.
        files: those in which it occurs most, with how often.
        more_files: how many others there are.
    """

    number: int
    name: str
    said: str
    neighbours: Sequence[int]
    groups: Sequence[tuple[str, Sequence[Member]]]
    over_time: Markup
    most: int
    files: Sequence[tuple[str, int]]
    more_files: int


@final
@dataclass(frozen=True)
class TypesPage:
    """What the page says; every text is shown as text, only `Markup` is taken as HTML.

    Attributes:
        title: of the page.
        digest: of the types, which names are given to.
        summary: how many types of how many objects, and how they were found.
        command: turns names into labels.
        facts: names and values.
        pictures: the silhouette over the number of types, where it was estimated.
        types: the commonest first.
        more: what is not shown.
        skipped: what was left out.
        damaged: what is cut off.
        bins: parts of the data over which types are counted.
    """

    title: str
    digest: str
    summary: str
    command: str
    facts: tuple[tuple[str, str], ...] = ()
    pictures: tuple[Picture, ...] = ()
    types: tuple[TypeSection, ...] = ()
    more: str = ""
    skipped: tuple[Skipped, ...] = ()
    damaged: tuple[Skipped, ...] = ()
    bins: int = BINS


def to_types_page(page: TypesPage) -> str:
    """The page as HTML; its script is named in its security policy by its digest, so that no other one runs.

    Example:
        >>> text = to_types_page(TypesPage("Types <b>", "ab12", "None.", "gestalt types"))
        >>> "<h1>Types &lt;b&gt;</h1>" in text, text.count("<script")
        (True, 1)
    """
    here = resources.files(__name__.rpartition(".")[0])
    source, script = (here.joinpath(name).read_text(encoding="utf-8") for name in ("page.html", "page.js"))
    digest = "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return filled(source, page=page, script=Markup(script), script_digest=Markup(digest))


def bars(counts: Sequence[int]) -> Markup:
    """Counts as bars beside one another.

    Example:
        >>> bars([0, 2]).count("<rect")
        1
    """
    top = max([1, *counts])
    drawn = Markup("").join(
        Markup('<rect x="{}" y="{:.2f}" width="0.9" height="{:.2f}"/>').format(
            place, 10 - 10 * one / top, 10 * one / top
        )
        for place, one in enumerate(counts)
        if one
    )
    words = f"counts over the data: {', '.join(map(str, counts))}"
    return Markup('<svg viewBox="0 0 {} 10" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>').format(
        max(len(counts), 1), words, drawn
    )
