"""A picture of a recording with its events, and a player, as one HTML fragment."""

import base64
import html
import io
import re
import warnings
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import soundfile
from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.feature_map import Grid
from gestalt.core.modality.colours import COLOURS
from gestalt.core.report.direction import isolated
from gestalt.core.report.fonts import USUAL, families_for

from .data import Recording, collate
from .front_end import LogMelFrames, hz_to_mel, longest, lowest_band

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SLOWED = "; played ten times slower"
INK, TRUE, FAINT = "#24292f", "#57606a", "#d0d7de"
WIDTH, LANE, SPECTRUM = 9.0, 0.24, 2.3  # inches; 100 of these dots each
TICKS = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0, 32000.0, 64000.0, 128000.0)
HEARD = 96_000
"""Hz; recordings of a higher rate are played at a tenth of their speed, as bats are listened to."""

Event = tuple[str, float, float, int]
"""Name, onset and offset in seconds, and the row of its colour."""


def found_events(found: Int[Tensor, " elements"], grid: Grid, by_number: bool = False) -> list[Event]:
    """Runs of neighbouring elements of one object, in order of onset; objects are numbered from 1 as they appear, or
    have the numbers that are given.

    On a grid of time and frequency an object sounds where any of its cells does.

    Example:
        >>> import torch
        >>> found_events(torch.tensor([3, 3, -1, 0, 3]), Grid.uniform((5,), (0.5,)))
        [('object 1', 0.0, 1.0, 0), ('object 2', 1.5, 2.0, 1), ('object 1', 2.0, 2.5, 0)]
    """
    edges = grid.edges[0][0].tolist()
    cells = found.view(grid.shape[0], -1)
    events: list[tuple[float, float, int]] = []
    for number in found[found >= 0].unique().tolist():
        sounding = [*(cells == number).any(dim=1).tolist(), False]
        begin: int | None = None
        for place, on in enumerate(sounding):
            if on and begin is None:
                begin = place
            elif not on and begin is not None:
                events.append((max(0.0, edges[begin]), edges[place], number))
                begin = None
    events.sort()
    numbers = dict.fromkeys(number for _, _, number in events)
    rows = {number: number if by_number else row for row, number in enumerate(numbers)}
    return [(f"object {rows[number] + 1}", onset, offset, rows[number]) for onset, offset, number in events]


def true_events(truth: Sequence[tuple[str, Any]]) -> list[Event]:
    """Events with a name and `(onset, offset)` in seconds, in order of onset; equal names share a row."""
    ordered = sorted(truth, key=lambda event: (float(event[1][0]), float(event[1][1]), event[0]))
    rows = {name: row for row, name in enumerate(dict.fromkeys(name for name, _ in ordered))}
    return [(name, float(extent[0]), float(extent[1]), rows[name]) for name, extent in ordered]


def render(
    item: Recording,
    found: Int[Tensor, " elements"],
    grid: Grid | None,
    truth: Sequence[tuple[str, Any]] = (),
    by_number: bool = False,
) -> str:
    """Log-mel over seconds and Hz, found events in lanes above, true ones below, and an audio player.

    With `by_number`, objects are called and coloured by the numbers that are given; otherwise by their order here.

    Raises:
        ValueError: if the elements lie on no grid: then their seconds are unknown.
    """
    if grid is None:
        raise ValueError(
            "events need the seconds of every element, got no grid; use the grid of the encoder's features"
        )
    if grid.elements != len(found):
        raise ValueError(f"the grid has {grid.elements} cells, found names {len(found)} elements")
    discovered, known = found_events(found, grid, by_number), true_events(truth)
    words = _in_words("found", discovered) + ("" if not known else f"; {_in_words('true', known)}")
    described = html.escape(f"Log-mel spectrogram, {item.seconds:.1f} s from {item.start:.1f} s; {words}")
    image = base64.b64encode(_picture(item, discovered, known)).decode()
    sound = base64.b64encode(flac(item)).decode()
    return (
        '<figure class="gestalt-audio" style="margin:0 0 1.5rem;max-width:900px">'
        f'<img src="data:image/png;base64,{image}" alt="{described}" style="width:100%;height:auto;display:block">'
        f'<audio controls preload="none" src="data:audio/flac;base64,{sound}" '
        'style="width:100%;height:36px;margin-top:4px"></audio>'
        '<figcaption style="font-size:0.85rem;opacity:0.75">'
        f"{_totals(discovered, known)}{slowed(item)}</figcaption></figure>"
    )


def _in_words(kind: str, events: Sequence[Event]) -> str:
    return f"{kind}: " + (", ".join(f"{name} {on:.2f}–{off:.2f} s" for name, on, off, _ in events) or "nothing")


def _totals(discovered: Sequence[Event], known: Sequence[Event]) -> str:
    rows = len({row for _, _, _, row in discovered})
    text = f"{rows} object{'' if rows == 1 else 's'} in {len(discovered)} stretch{'' if len(discovered) == 1 else 'es'}"
    if not known:
        return html.escape(text)
    names = {row: name for name, _, _, row in known}
    unwritten = [row for row, name in names.items() if families_for(_short(name)) is None]
    if unwritten:
        warnings.warn(
            f"no font of this system has the letters of {names[unwritten[0]]!r}: the picture has a number in its "
            "place, and the text below it the name; install a font of that script (such as Noto Sans)",
            stacklevel=2,
        )
    listed = ", ".join(
        f"{isolated(name)}{' ' + _number(row) if row in unwritten else ''}" for row, name in names.items()
    )
    return f"{html.escape(text)}; true: {listed}"


def slowed(item: Recording) -> str:
    """What is said where a recording is played slower than it was made."""
    return SLOWED if item.sample_rate > HEARD else ""


def flac(item: Recording) -> bytes:
    """The sound as a FLAC file."""
    buffer = io.BytesIO()
    # Sound above full scale would be cut off with a crackle: such items are turned down to fit.
    peak = max(1.0, float(item.samples.abs().max()) if len(item.samples) else 1.0)
    soundfile.write(buffer, (item.samples / peak).numpy(), _played(item.sample_rate), format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def _played(sample_rate: int) -> int:
    return sample_rate if sample_rate <= HEARD else round(sample_rate / 10)


def _picture(item: Recording, discovered: Sequence[Event], known: Sequence[Event]) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    above, below = _rows(discovered), _rows(known)
    heights = [LANE * above + 0.14, SPECTRUM, *([LANE * below + 0.14] if known else [])]
    margin_top, margin_bottom = 0.10, 0.48
    total = sum(heights) + margin_top + margin_bottom
    figure = Figure(figsize=(WIDTH, total), dpi=200, facecolor="white")
    FigureCanvasAgg(figure)
    left, right, top = 0.15, 0.975, 1 - margin_top / total
    panels: list[Axes] = []
    for height in heights:
        share = height / total
        panels.append(figure.add_axes((left, top - share, right - left, share)))
        top -= share
    for panel in panels:
        panel.set_xlim(item.start, item.start + max(item.seconds, 1e-3))
        panel.tick_params(colors=INK, labelsize=8, length=2.5, width=0.6)
        for spine in panel.spines.values():
            spine.set_color(FAINT)
            spine.set_linewidth(0.6)
    _lanes(panels[0], discovered, above, COLOURS, item)
    _spectrum(panels[1], item)
    if known:
        # Not the colours of the found ones: an equal colour would claim that the two belong together.
        _lanes(panels[2], known, below, (TRUE,), item)
    for panel, label in zip(panels, ("found", "frequency in Hz", "true"), strict=False):
        panel.set_ylabel(label, fontsize=8, color=INK)
        panel.yaxis.set_label_coords(-0.155, 0.5)
    for panel in panels[:-1]:
        panel.tick_params(labelbottom=False, bottom=False)
    panels[-1].set_xlabel("time in s", fontsize=8, color=INK, labelpad=2)
    buffer = io.BytesIO()
    # Only runs of equal bytes are looked for, which is faster: a spectrogram has hardly anything else.
    figure.savefig(buffer, format="png", pil_kwargs={"compress_type": zlib.Z_RLE})
    return buffer.getvalue()


def _rows(events: Sequence[Event]) -> int:
    return max(1, len({row for _, _, _, row in events}))


def _spectrum(panel: "Axes", item: Recording) -> None:
    rate = item.sample_rate
    window, hop = round(0.032 * rate), max(round(0.008 * rate), len(item.samples) // 2000, 1)
    low, high, bands = lowest_band(rate), 0.4875 * rate, 80
    frames = LogMelFrames(rate, bands, max(window, hop), hop, low, high, floor=-100.0)
    levels = frames(collate([item]), longest(len(item.samples), hop))[0].numpy() * 20 - 100
    most = float(levels.max()) if levels.size else 0.0
    extent = (item.start, item.start + item.seconds, hz_to_mel(low), hz_to_mel(high))
    panel.imshow(
        levels, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=most - 65, vmax=most, rasterized=True
    )
    ticks = [tick for tick in TICKS if low <= tick <= high]
    panel.set_yticks(
        [hz_to_mel(tick) for tick in ticks], [f"{tick / 1000:g}k" if tick >= 1000 else f"{tick:g}" for tick in ticks]
    )


def _lanes(panel: "Axes", events: Sequence[Event], rows: int, colours: Sequence[str], item: Recording) -> None:
    from matplotlib.patches import Rectangle

    panel.set_ylim(rows - 0.36, -0.64)
    names: dict[int, str] = {}
    lanes = {row: lane for lane, row in enumerate(sorted({row for _, _, _, row in events} or {0}))}
    hair = item.seconds * 0.001  # keeps neighbouring stretches of one object apart
    for name, onset, offset, row in events:
        names[row] = name
        place = (item.start + onset, lanes[row] - 0.34)
        colour = colours[row % len(colours)]
        panel.add_patch(Rectangle(place, max(offset - onset - hair, hair), 0.68, facecolor=colour, linewidth=0))
        panel.axhline(lanes[row], color=FAINT, linewidth=0.5, zorder=0)
    if not names:
        names[0] = "nothing"
    fonts = {row: families_for(_short(name)) for row, name in names.items()}
    shown = [_short(names[row]) if fonts[row] else _number(row) for row in sorted(names)]
    panel.set_yticks([lanes[row] for row in sorted(names)], shown)
    panel.tick_params(axis="y", length=0)
    for row, text in zip(sorted(names), panel.get_yticklabels(), strict=True):
        text.set_parse_math(False)  # a name with dollar signs is no formula
        text.set_fontfamily(list(fonts[row] or (USUAL,)))


def _number(row: int) -> str:
    """What stands in the picture for a name that no font can write."""
    return f"({row + 1})"


def _short(name: str, most: int = 14) -> str:
    clean = re.sub(r"[\s\x00-\x1f\x7f]+", " ", name)
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"
