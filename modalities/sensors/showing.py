"""What is shown and written of series: pictures, tables of found stretches, statistics; and series to check laws on."""

import html
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.data.correspondence import Affine
from gestalt.core.data.feature_map import Grid
from gestalt.core.data.items import AbstractItems
from gestalt.core.data.masks import ItemMasks
from gestalt.core.data.transplants import DONOR
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.modality.base import Specimen
from gestalt.core.modality.colours import NONE, colour_of
from gestalt.core.modality.transplant import Transplant
from gestalt.core.runs.stretches import Sounding, kinds_of
from gestalt.core.storage.csv_file import TableWriter
from gestalt.core.storage.naming import counted
from gestalt.core.storage.text_file import open_text

from .data import SensorFiles, Series
from .views import middle, stretch, unchanged

COLUMNS = ("filename", "onset", "offset", "event_label")
WIDTH, ROW, LANE = 800, 44, 12
"""Dots of a picture, of one channel, and of the lane of objects."""
MOST_ROWS, MOST_POINTS = 8, 400
INK, TRUE = "#57606a", "#24292f"
PLACES = 6
"""Decimals of seconds: the fastest series have half a million samples a second, and a series may last for years."""
STEP = 16
"""Samples of an element of a specimen."""


def write_objects(found: Iterable[FoundBatch[Series]], items: AbstractItems[Series], out: Path) -> str:
    """`events.csv`: file, onset and offset in seconds from its first sample, kind of every stretch; and `events.json`.

    A stretch that goes on in the next window is one, and stretches that are alike are of one kind. Where a model says
    what objects are called, that is the kind, and a column `score` says how sure it is.

    Raises:
        TypeError: if the items are no windows of files.
    """
    if not isinstance(items, SensorFiles):
        raise TypeError(f"stretches are written for windows of files (SensorFiles), got {type(items).__name__}")
    sounding, seen = Sounding(), dict[Path, None]()
    for batch in found:
        labels = batch.labels()
        for row, index in enumerate(batch.index):
            seen[items.path(index)] = None
            times = element_times(batch, row)
            sounding.hear(labels[row], batch.features, row, times, items.path(index), batch.named)
    events = sounding.events()
    scored = bool(events) and all(event.name for event in events)
    kinds = [event.name for event in events] if scored else kinds_of(events)
    records: dict[str, list[dict[str, Any]]] = {str(file): [] for file in seen}
    with open_text(out / "events.csv") as file:
        table = TableWriter(file, (*COLUMNS, "score") if scored else COLUMNS)
        for event, kind in zip(events, kinds, strict=True):
            onset, offset = round(event.onset, PLACES), round(event.offset, PLACES)
            cells = event.file, _short(onset), _short(offset), kind
            table.row((*cells, round(event.score, 4)) if scored else cells)
            record = {"onset": onset, "offset": offset, "object": kind}
            records[str(event.file)].append(record | ({"score": round(event.score, 4)} if scored else {}))
    with open_text(out / "events.json") as file:
        file.write(json.dumps(records, indent=1, ensure_ascii=False) + "\n")
    said = f"{counted(len(events), 'stretch', 'stretches')} of {counted(len(set(kinds)), 'kind')}"
    return f"{said} in {counted(len(seen), 'file')}"


def element_times(found: FoundBatch[Series], row: int) -> Float[Tensor, " bounds"]:
    """Where the elements of one item begin and end in its file, in seconds."""
    grid = found.features.grid
    assert grid is not None
    return grid.edges[0][row % len(grid.edges[0])].to(torch.float64) + found.items[row].start


def element_columns(found: FoundBatch[Series], row: int) -> Mapping[str, Float[np.ndarray, " elements"]]:
    """The seconds at which each element begins and ends in its file."""
    times = element_times(found, row)
    return {"onset": times[:-1].numpy(), "offset": times[1:].numpy()}


def render(
    item: Series, found: Int[Tensor, " elements"], grid: Grid | None, truth: Sequence[tuple[str, Any]], by_number: bool
) -> str:
    """One curve a channel over seconds, found stretches in a lane above, true ones, `(name, (begin, end))`, below.

    Raises:
        ValueError: if the elements lie on no grid: then their seconds are unknown.
    """
    if grid is None:
        raise ValueError("stretches need the seconds of every element, got no grid")
    if grid.elements != len(found):
        raise ValueError(f"the grid has {grid.elements} cells, found names {len(found)} elements")
    numbers = dict.fromkeys(number for number in found.tolist() if number >= 0)
    colours = {number: number if by_number else place for place, number in enumerate(numbers)}
    runs = list(_runs(found, grid, item.seconds))
    lane = [_bar(begin, end, item, 0, colour_of(colours[n]), f"object {colours[n] + 1}") for n, begin, end in runs]
    rows = min(item.values.shape[1], MOST_ROWS)
    curves = [_curve(item, row, LANE + 4 + row * ROW) for row in range(rows)]
    below = LANE + 8 + rows * ROW
    true = [_bar(float(begin), float(end), item, below, TRUE, name) for name, (begin, end) in truth]
    height = below + (LANE if truth else 0)
    said = [f"{counted(len(numbers), 'object')} in {counted(len(runs), 'stretch', 'stretches')}"]
    said += [f"{rows} of {item.values.shape[1]} channels"] if rows < item.values.shape[1] else []
    said += [f"true: {', '.join(f'{name} {begin:.2f}–{end:.2f} s' for name, (begin, end) in truth)}"] if truth else []
    words = html.escape(f"{item.seconds:.2f} s from {item.start:.2f} s; {'; '.join(said)}")
    return (
        '<figure class="gestalt-series" style="margin:0 0 1.5rem;max-width:900px">'
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" style="width:100%;height:auto;background:#fff">'
        f"{''.join(lane)}{''.join(curves)}{''.join(true)}</svg>"
        f'<figcaption style="font-size:0.85rem;opacity:0.75">{words}</figcaption></figure>'
    )


def render_object(item: Series, inside: Bool[Tensor, " elements"], grid: Grid | None) -> str:
    """The longest unbroken stretch of an object, with as much again around it that is marked as none."""
    if grid is None:
        raise ValueError("stretches need the seconds of every element, got no grid")
    runs = list(_runs(torch.where(inside, 0, -1), grid, item.seconds))
    _, begin, end = max(runs, key=lambda run: run[2] - run[1])
    margin = (end - begin) / 2
    first = max(0, round((begin - margin) * item.sample_rate))
    last = min(len(item.values), round((end + margin) * item.sample_rate))
    part, _ = stretch(item, first, max(last, first + 1))
    shift = first / item.sample_rate
    bar = _bar(begin - shift, end - shift, part, 0, colour_of(0), "")
    rows = min(part.values.shape[1], 4)
    curves = "".join(_curve(part, row, LANE + 4 + row * ROW) for row in range(rows))
    words = html.escape(f"{end - begin:.2f} s from {item.start + begin:.2f} s")
    return (
        f'<div class="gestalt-stretch" style="max-width:260px"><svg viewBox="0 0 {WIDTH} {LANE + 8 + rows * ROW}" '
        f'role="img" style="width:100%;height:auto;background:#fff">{bar}{curves}</svg>'
        f'<div style="font-size:0.8rem;opacity:0.75">{words}</div></div>'
    )


def _runs(found: Int[Tensor, " elements"], grid: Grid, most: float) -> Iterator[tuple[int, float, float]]:
    """Unbroken runs of one object: its number, begin and end in seconds."""
    edges = grid.edges[0][0].tolist()
    numbers, lengths = found.unique_consecutive(return_counts=True)
    ends = lengths.cumsum(0).tolist()
    for number, length, end in zip(numbers.tolist(), lengths.tolist(), ends, strict=True):
        if number >= 0:
            yield number, max(0.0, edges[end - length]), min(edges[end], most)


def _bar(begin: float, end: float, item: Series, top: int, colour: str, name: str) -> str:
    scale = WIDTH / item.seconds
    width = max(1.0, (end - begin) * scale - 1)
    return (
        f'<rect x="{begin * scale:.1f}" y="{top}" width="{width:.1f}" height="{LANE - 2}" '
        f'fill="{colour}"><title>{html.escape(name)}</title></rect>'
    )


def _curve(item: Series, channel: int, top: int) -> str:
    """One channel between its least and its greatest value; of many samples the least and greatest of each dot."""
    values = item.values[:, channel]
    low, high = float(values.min()), float(values.max())
    pieces = values.tensor_split(min(MOST_POINTS, len(values)))
    points = [float(one) for piece in pieces for one in ((piece.min(), piece.max()) if len(piece) > 1 else piece)]
    scale = (ROW - 6) / (high - low) if high > low else 0.0
    places = " ".join(
        f"{WIDTH * (number + 0.5) / len(points):.1f},{top + ROW - 4 - (value - low) * scale:.1f}"
        for number, value in enumerate(points)
    )
    name = html.escape(item.names[channel] if item.names else f"channel {channel + 1}")
    return (
        f'<line x1="0" x2="{WIDTH}" y1="{top + ROW - 1}" y2="{top + ROW - 1}" stroke="{NONE}" stroke-width="0.5"/>'
        f'<polyline points="{places}" fill="none" stroke="{INK}" stroke-width="1"/>'
        f'<text x="3" y="{top + 11}" font-size="11" fill="{TRUE}">{name}</text>'
    )


def statistics(item: Series) -> dict[str, float]:
    """What every channel does: its level, how much and how fast it changes, and where in the spectrum its power lies.

    Example:
        >>> wave = torch.sin(2 * torch.pi * 5 * torch.arange(400.0) / 100)[:, None]
        >>> round(statistics(Series(wave, 100.0))["frequency of channel 1"], 1)
        5.0
    """
    values = item.values.double()
    found: dict[str, float] = {}
    steps = values.diff(dim=0) if len(values) > 1 else torch.zeros_like(values)
    power = torch.fft.rfft(values - values.mean(dim=0), dim=0)[1:].abs().square()
    hertz = torch.fft.rfftfreq(len(values), 1 / item.sample_rate, dtype=torch.float64)[1:]
    for channel in range(values.shape[1]):
        name = item.names[channel] if item.names else f"channel {channel + 1}"
        own, total = values[:, channel], float(power[:, channel].sum()) if len(power) else 0.0
        found[f"mean of {name}"] = float(own.mean())
        found[f"deviation of {name}"] = float(own.std(correction=0))
        found[f"range of {name}"] = float(own.max() - own.min())
        found[f"change of {name}"] = float(steps[:, channel].square().mean().sqrt()) if len(steps) else 0.0
        found[f"frequency of {name}"] = float((power[:, channel] * hertz).sum()) / total if total > 0 else math.nan
    return found


def transplant(
    host: Series, donor: Series, part: ItemMasks, rng: np.random.Generator, later: float | None = None
) -> Transplant[Series] | None:
    """The first stretch of a part in the place of as much of the host, stronger or weaker about the host's medians.

    The place is drawn, or where the donor has it less `later` seconds. None for a part of another rate or other
    channels, of more than half of the host, or that does not lie in it then.
    """
    if host.sample_rate != donor.sample_rate or host.values.shape[1] != donor.values.shape[1]:
        return None
    step = 1 / donor.sample_rate
    labels = part.under(Grid.uniform((len(donor.values),), (step,)), len(donor.values))
    inside = (labels >= 0).nonzero()[:, 0]
    breaks = (inside.diff() != 1).nonzero()
    size = (int(breaks[0, 0]) + 1 if len(breaks) else len(inside)) if len(inside) else 0
    if not 0 < size <= len(host.values) // 2:
        return None
    first, place = int(inside[0]), int(rng.integers(len(host.values) - size + 1))
    if later is not None:
        place = first - round(later * host.sample_rate)
        if not 0 <= place <= len(host.values) - size:
            return None
    values, centre = host.values.clone(), middle(donor.values)
    values[place : place + size] = centre + float(rng.uniform(0.7, 1.4)) * (donor.values[first : first + size] - centre)
    owner = torch.zeros(len(values), dtype=torch.long)
    owner[place : place + size] = DONOR
    masks = ItemMasks(owner, Grid.uniform((len(values),), (step,)))
    origin = Affine.of([1.0], [(first - place) * step])
    return Transplant(replace(host, values=values), unchanged(host), origin, masks)


@final
class Mark:
    """A series changed within one element."""

    def __init__(self, item: Series) -> None:
        self.item = item

    def __call__(self, element: int) -> Series:
        """The series with a spike in the middle half of that element, where it is far from the median already: so
        neither the median nor the median distance from it moves, by which transforms measure a channel."""
        values, centre = self.item.values.clone(), middle(self.item.values)
        inner = slice(element * STEP + STEP // 4, element * STEP + 3 * STEP // 4)
        away = values[inner] - centre
        farthest = away.abs().topk(2, dim=0).indices
        values[inner] += torch.zeros_like(away).scatter(0, farthest, 12.0) * away.sign()
        return replace(self.item, values=values)


def specimens(sample_rate: float) -> list[Specimen[Series]]:
    """Three series of three channels: at rest, shaken, at rest again."""
    found = []
    for seed, elements in enumerate((24, 30, 18)):
        labels = torch.arange(elements) * 3 // elements
        rng = np.random.default_rng(seed)
        level = (labels == 1).float().mul(1.8).add(0.2).repeat_interleave(STEP)[:, None]
        noise = torch.from_numpy(rng.standard_normal((elements * STEP, 3), dtype=np.float32))
        item = Series(level * noise, sample_rate, 0.0, ("x", "y", "z"))
        first, last = (labels == 1).nonzero()[[0, -1], 0].tolist()
        extent = first * STEP / sample_rate, (last + 1) * STEP / sample_rate
        found.append(Specimen(item, labels, Mark(item), (("shaken", extent),)))
    return found


def _short(seconds: float) -> str:
    """With as many decimals as it needs."""
    return f"{seconds:.{PLACES}f}".rstrip("0").rstrip(".")
