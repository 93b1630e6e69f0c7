"""Point clouds with their objects: drawings, files of objects, masks that come with the data, small known clouds."""

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.data.items import AbstractItems, BadItemError, Skipped
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.modality.base import Specimen
from gestalt.core.modality.colours import colour_of
from gestalt.core.modality.pairing import NamedFiles, must_exist, unreadable_masks, written_form
from gestalt.core.report.direction import isolated
from gestalt.core.storage.csv_file import TableWriter, meant
from gestalt.core.storage.naming import OutputNames, counted
from gestalt.core.storage.text_file import open_text
from gestalt.core.tables.rows import table_of

from .data import Cloud, numbered_points_of, points_of
from .formats import blocks_of
from .reading import CloudFiles

NONE = "#b8bfc6"
"""The colour of points of no object."""
VIEWS = (("from above", (0, 1)), ("from the side", (0, 2)))
ACCEPTED = "a table (.csv) with the columns cloud, point (from 0) and object (0 for none), and label if it has one"


def render(
    item: Cloud, found: Int[Tensor, " elements"], truth: Sequence[tuple[str, Any]] = (), by_number: bool = False
) -> str:
    """The cloud from above and from the side with every found object in a colour, and beside it the true ones.

    With `by_number`, objects are called and coloured by the numbers that are given; otherwise by their order here.
    """
    panels = [("found", _parts(found[: len(item)], by_number))]
    if truth:
        panels.append(("true", [(number, name, list(points)) for number, (name, points) in enumerate(truth)]))
    shown = "".join(_panel(item, kind, parts) for kind, parts in panels)
    title = f'<figcaption style="font-size:0.85rem;flex-basis:100%">{isolated(item.title)}</figcaption>'
    return (
        '<figure class="gestalt-points" style="margin:0 0 1.5rem;display:flex;flex-wrap:wrap;gap:1rem">'
        f"{title if item.title else ''}{shown}</figure>"
    )


def _parts(found: Int[Tensor, " elements"], by_number: bool) -> list[tuple[int, str, list[int]]]:
    """The colour, the name and the points of every object."""
    points: dict[int, list[int]] = {}
    for point, number in enumerate(found.tolist()):
        if number >= 0:
            points.setdefault(number, []).append(point)
    ordered = sorted(points) if by_number else list(points)
    numbers = ordered if by_number else range(len(points))
    return [(number, f"object {number + 1}", points[own]) for number, own in zip(numbers, ordered, strict=True)]


def _panel(item: Cloud, kind: str, parts: Sequence[tuple[int, str, list[int]]]) -> str:
    colours = {point: colour_of(number) for number, _, points in parts for point in points}
    legend = " ".join(
        f'<span style="white-space:nowrap"><span style="display:inline-block;width:0.8em;height:0.8em;'
        f'border-radius:50%;background:{colour_of(number)}"></span> {isolated(name)}</span>'
        for number, name, _ in parts
    )
    words = html.escape(f"{kind}: " + ("; ".join(f"{name}: {len(own)} points" for _, name, own in parts) or "nothing"))
    drawn = "".join(_drawn(item, colours, axes, name) for name, axes in VIEWS)
    return (
        f'<div style="flex:1 1 320px;max-width:460px;background:#fff;color:#24292f">'
        f'<div role="img" aria-label="{words}" style="display:flex;gap:0.5rem">{drawn}</div>'
        f'<div style="font-size:0.8rem;padding:0 0.5rem 0.4rem"><strong>{kind}</strong> '
        f"{legend or 'nothing'}</div></div>"
    )


def _drawn(item: Cloud, colours: Mapping[int, str], axes: tuple[int, int], name: str, size: int = 220) -> str:
    """Points of one colour are one path of dots."""
    flat = item.places[:, list(axes)].numpy()
    low = flat.min(axis=0) if len(flat) else np.zeros(2)
    wide = max(float(np.ptp(flat, axis=0).max()) if len(flat) else 0.0, 1e-9)
    at = (flat - low) / wide * (size - 12) + 6
    dots: dict[str, list[str]] = {}
    for point, (x, y) in enumerate(at.tolist()):
        dots.setdefault(colours.get(point, NONE), []).append(f"M{x:.1f} {size - y:.1f}h0")
    paths = "".join(f'<path d="{"".join(own)}" stroke="{colour}"/>' for colour, own in dots.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" style="width:50%;height:auto">'
        f'<title>{name}</title><g stroke-width="4" stroke-linecap="round" fill="none">{paths}</g></svg>'
    )


def render_object(item: Cloud, inside: Bool[Tensor, " elements"]) -> str:
    """A drawing of the whole cloud in which the object alone is coloured."""
    points = inside[: len(item)].nonzero()[:, 0].tolist()
    words = html.escape(f"{item.title}: {counted(len(points), 'point')}".strip(": "))
    drawn = "".join(_drawn(item, dict.fromkeys(points, colour_of(0)), axes, name) for name, axes in VIEWS)
    return (
        f'<div class="gestalt-piece" role="img" aria-label="{words}" style="width:300px;max-width:100%;display:flex;'
        f'background:#fff">{drawn}</div>'
    )


@final
@dataclass
class _OfFile:
    """The object of every element of a file so far, and what objects are called."""

    number: int
    labels: Int[np.ndarray, " elements"]
    scores: Float[np.ndarray, " elements"]
    names: dict[int, str] = field(default_factory=dict)
    given: dict[tuple[int, int], int] = field(default_factory=dict)

    def called(self, tile: int, value: int, kept: bool) -> int:
        """The number of an object of a tile, −1 for one of the whole; `kept` where it has its own."""
        return self.given.setdefault((tile, value), value + 1 if kept else len(self.given) + 1)


def write_objects(found: Iterable[FoundBatch[Cloud]], items: AbstractItems[Cloud], out: Path) -> str:
    """`objects/NAME.ply`, the points of every file with the number of their object, and `objects.csv` of all.

    Points are numbered from 0 in the order of the file; objects from 1 within each file, 0 is none. Where elements are
    voxels, every point has the object of its voxel. An object keeps its number over the tiles of a file.

    Raises:
        TypeError: if the clouds are no files.
    """
    if not isinstance(items, CloudFiles):
        raise TypeError(f"objects are written for clouds of files (CloudFiles), got {type(items).__name__}")
    names, objects, files = OutputNames(items.paths, ".ply"), 0, 0
    with open_text(out / "objects.csv") as file:
        table: TableWriter | None = None
        for one in _by_file(found, items):
            said = ("label", "score") if one.names else ()
            table = table or TableWriter(file, ("cloud", "point", "object", *said))
            path = items.paths[one.number]
            target = out / "objects" / names.of(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_file(one, items, path, target, table)
            objects, files = objects + len(one.given), files + 1
        if table is None:
            TableWriter(file, ("cloud", "point", "object"))
    return f"{counted(objects, 'object')} in {counted(files, 'point cloud')}"


def _by_file(found: Iterable[FoundBatch[Cloud]], items: CloudFiles) -> Iterator[_OfFile]:
    """The files in their order; the tiles of one come one behind the other."""
    current: _OfFile | None = None
    for batch in found:
        labels = batch.labels()
        kept = batch.numbers is not None and batch.named is None
        for row, (index, cloud) in enumerate(zip(batch.index, batch.items, strict=True)):
            number = items.index.place(index)[0]
            if current is None or current.number != number:
                if current is not None:
                    yield current
                count = items.elements_of(number)[0].numbered
                current = _OfFile(number, np.zeros(count, np.int64), np.zeros(count))
            own, ids = labels[row, : len(cloud)].numpy(), cloud.ids.numpy()
            for value in dict.fromkeys(own[own >= 0].tolist()):
                given = current.called(index if batch.numbers is None else -1, value, kept)
                current.labels[ids[own == value]] = given
                if batch.named is not None:
                    current.names[given] = batch.named.name(value)
            if batch.named is not None:
                current.scores[ids] = batch.named.scores[row, : len(cloud)].numpy()
    if current is not None:
        yield current


def _write_file(one: _OfFile, items: CloudFiles, path: Path, target: Path, table: TableWriter) -> None:
    """The points of a file as PLY, and as rows of the table, a block at a time."""
    whole, _ = items.elements_of(one.number)
    total = sum(len(block) for _, block in points_of(path))
    dtype = np.dtype([("x", "<f8"), ("y", "<f8"), ("z", "<f8"), ("object", "<i4")])
    properties = "property double x\nproperty double y\nproperty double z\nproperty int object\n"
    with target.open("wb") as file:
        header = f"ply\nformat binary_little_endian 1.0\nelement vertex {total}\n{properties}end_header\n"
        file.write(header.encode("ascii"))
        for _, block, own in numbered_points_of(path):
            elements = whole.of_points(block[:, :3], own)
            rows = np.zeros(len(block), dtype)
            rows["x"], rows["y"], rows["z"] = block[:, 0], block[:, 1], block[:, 2]
            rows["object"] = one.labels[elements]
            file.write(rows.tobytes())
            scores = one.scores[elements]
            for place, (point, number) in enumerate(zip(own.tolist(), rows["object"].tolist(), strict=True)):
                said = (one.names.get(number, ""), round(float(scores[place]), 4)) if one.names else ()
                table.row((str(path), point, number, *(said if number or not said else ("", 0.0))))


def element_columns(found: FoundBatch[Cloud], row: int) -> Mapping[str, Float[np.ndarray, " elements"]]:
    """The number of every point, or voxel, in its file, and where it lies there."""
    cloud, count = found.items[row], found.features.values.shape[1]
    places = np.zeros((count, 3))
    places[: len(cloud)] = cloud.places.double().numpy() * cloud.scale + np.array(cloud.centre)
    numbers = np.full(count, -1.0)
    numbers[: len(cloud)] = cloud.ids.numpy()
    return {"point": numbers, "x": places[:, 0], "y": places[:, 1], "z": places[:, 2]}


def read_masks(path: Path, items: AbstractItems[Cloud], skipped: Sequence[Skipped] = ()) -> AbstractMasks[Cloud]:
    """The objects of points in a table as `write_objects` makes it.

    Raises:
        FileNotFoundError: if the path does not exist.
        ValueError: if it is no such table, names a file or a point that there is not, or the clouds are no files.
    """
    must_exist(path)
    path = written_form(path, "objects.csv")
    if not isinstance(items, CloudFiles):
        raise ValueError(f"objects belong to points of files, and these have none: {items.name(0)}")
    if path.is_dir() or path.suffix.lower() not in (".csv", ".tsv"):
        raise unreadable_masks(path, ACCEPTED)
    files = NamedFiles(items.paths, skipped)
    try:
        layout, rows = table_of(path)
        table = list(rows)
    except BadItemError as error:
        raise ValueError(str(error)) from error
    head = [name.strip().lower() for name in layout.names]
    if not {"cloud", "point", "object"} <= set(head):
        raise ValueError(f"{path} has the columns {layout.listed or 'none'}; give {ACCEPTED}")
    objects: dict[int, dict[int, int]] = {}
    names: dict[int, dict[int, str]] = {}
    for row in table:
        if row.problem:
            raise ValueError(f"{path}:{row.line} {row.problem}; correct the line")
        cells = dict(zip(head, row.cells, strict=True))
        number = files.known(meant(cells["cloud"].strip()), f"{path}:{row.line}")
        point, own = (_whole_number(cells[key], key, f"{path}:{row.line}") for key in ("point", "object"))
        if number is not None:
            objects.setdefault(number, {})[point] = own
            names.setdefault(number, {}).setdefault(own, meant(cells.get("label", "").strip()) or f"object {own}")
    return CloudMasks(path, items, objects, names, files.unused)


def _whole_number(text: str, what: str, source: str) -> int:
    if not (text.strip().isascii() and text.strip().isdigit() and len(text.strip()) < 10):
        raise ValueError(f"{source}: {text[:40]!r} is no {what}; write a number from 0 on")
    return int(text)


@final
@dataclass
class CloudMasks(AbstractMasks[Cloud]):
    """The object of every point; an element that stands for several has that of the most of them."""

    path: Path
    items: CloudFiles
    objects: Mapping[int, Mapping[int, int]]
    names: Mapping[int, Mapping[int, str]]
    unused: tuple[str, ...] = ()
    last: tuple[int, Int[np.ndarray, " elements"]] | None = None

    def has(self, index: int) -> bool:
        """Whether the table names the file."""
        return self.items.index.place(index)[0] in self.objects

    def of_item(self, index: int, item: Cloud) -> ItemMasks | None:
        """The object of every point of a tile.

        Raises:
            ValueError: if the table names a point that the file has not.
        """
        number = self.items.index.place(index)[0]
        if number not in self.objects:
            return None
        if self.last is None or self.last[0] != number:
            self.last = number, self._of_elements(number)
        own = self.last[1][item.ids.numpy()]
        numbers = {value: place for place, value in enumerate(dict.fromkeys(own[own > 0].tolist()))}
        labels = torch.tensor([numbers.get(value, -1) for value in own.tolist()], dtype=torch.long)
        return ItemMasks(labels, None, tuple(self.names[number][value] for value in numbers))

    def _of_elements(self, number: int) -> Int[np.ndarray, " elements"]:
        whole, _ = self.items.elements_of(number)
        given = self.objects[number]
        pairs, path = list[np.ndarray](), self.items.paths[number]
        for _, block, points in numbered_points_of(path):
            own = np.array([given.get(point, 0) for point in points.tolist()], np.int64)
            pairs.append(np.stack([whole.of_points(block[:, :3], points), own], axis=1))
        count = sum(len(table) for _, table in blocks_of(path))
        if max(given) >= count:
            raise ValueError(f"{self.path}: there is no point {max(given)} in {path}, which has {count}")
        rows, counts = np.unique(np.concatenate(pairs), axis=0, return_counts=True)
        order = np.lexsort((-rows[:, 1], counts))  # the commonest last; of equals the smaller number
        found = np.zeros(whole.numbered, np.int64)
        found[rows[order, 0]] = rows[order, 1]
        return found


def shown_masks(item: Cloud, masks: ItemMasks) -> list[tuple[str, list[int]]]:
    """Each object with its points."""
    labels = masks.labels[: len(item)]
    return [(masks.name(number), (labels == number).nonzero()[:, 0].tolist()) for number in masks.objects()]


@final
class Mark:
    """A cloud of which one point is brighter."""

    def __init__(self, item: Cloud) -> None:
        self.item = item

    def __call__(self, element: int) -> Cloud:
        """The cloud, marked at that point."""
        features = self.item.features.clone()
        features[element] += 5
        return replace(self.item, features=features)


def specimens() -> Sequence[Specimen[Cloud]]:
    """Three clouds of a dull ball and a bright rod."""
    made = []
    for seed, count in enumerate((40, 48, 32)):
        rng, labels = np.random.default_rng(seed), np.arange(count) * 2 // count
        ball = rng.normal(0, 0.5, (count, 3))
        rod = rng.normal(0, 0.1, (count, 3)) + np.linspace(-2, 2, count)[:, None] * [0, 0, 1] + [4, 1, 0]
        places = np.where(labels[:, None] == 0, ball, rod)
        item = Cloud.of(places, 0.2 + 0.6 * labels[:, None], ("intensity",), title=f"ball and rod {seed + 1}")
        truth = tuple(
            (name, np.flatnonzero(labels == number).tolist()) for number, name in enumerate(("dull ball", "bright rod"))
        )
        made.append(Specimen(item, torch.from_numpy(labels), Mark(item), truth))
    return made
