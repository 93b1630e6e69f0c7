"""The drawings of the concepts: `python docs/site/drawings.py` writes them to docs/drawings."""

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "drawings"
INK, PALE = "#30343b", "#c9ced6"
COLOURS = ("#eef0f3", "#8cc2e6", "#f2c46d", "#86d1b5")  # the ground, and three objects
CELL = 44
OBJECTS = (0, 1, 1, 1, 0, 2, 2, 2, 2, 0, 3, 3)
"""The object of each of the twelve elements of the item that is drawn, 0 for the ground."""
FIRST = tuple(range(8))
"""Which element of the source every element of the first view shows: a crop."""
SECOND = (11, 10, 9, None, 7, 6, 5, 4)
"""The same of the second view: another crop, mirrored, with a hidden element."""


def text(x: float, y: float, words: str, size: int = 14, anchor: str = "middle", weight: str = "normal") -> str:
    """One line of words."""
    style = f'font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" fill="{INK}"'
    return f'<text x="{x:g}" y="{y:g}" {style}>{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, fill: str = "#ffffff", stroke: str = INK) -> str:
    """A rectangle."""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4" fill="{fill}" stroke="{stroke}"/>'


def line(x0: float, y0: float, x1: float, y1: float, dashed: bool = False, arrow: bool = True) -> str:
    """A line, or an arrow."""
    look = (' stroke-dasharray="5 4"' if dashed else "") + (' marker-end="url(#arrow)"' if arrow else "")
    return f'<line x1="{x0:g}" y1="{y0:g}" x2="{x1:g}" y2="{y1:g}" stroke="{INK}"{look}/>'


def labelled(x: float, y: float, width: float, words: Sequence[str], fill: str = "#ffffff") -> str:
    """A box of 52 in height with one or two lines of words."""
    first = y + 31 - 9 * (len(words) - 1)
    lines = [text(x + width / 2, first + 18 * place, each) for place, each in enumerate(words)]
    return "".join([box(x, y, width, 52, fill), *lines])


def strip(x: float, y: float, shown: Sequence[int | None], numbers: bool = True) -> str:
    """A row of elements in the colours of their objects; what is hidden is crossed out."""
    cells = []
    for place, element in enumerate(shown):
        left = x + place * CELL
        fill = "#ffffff" if element is None else COLOURS[OBJECTS[element]]
        cells.append(f'<rect x="{left:g}" y="{y:g}" width="{CELL}" height="30" fill="{fill}" stroke="{INK}"/>')
        if element is None:
            cells.append(
                line(left, y, left + CELL, y + 30, arrow=False) + line(left, y + 30, left + CELL, y, arrow=False)
            )
        elif numbers:
            cells.append(text(left + CELL / 2, y + 20, str(element), 13))
    return "".join(cells)


def drawing(width: int, height: int, title: str, *parts: str) -> str:
    """A whole picture, legible on a light and on a dark page."""
    arrow = f'<path d="M0,0 L8,4 L0,8 z" fill="{INK}"/>'
    marker = f'<marker id="arrow" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">{arrow}</marker>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'font-family="system-ui, Helvetica, Arial, sans-serif">\n<title>{escape(title)}</title>\n'
        f'<defs>{marker}</defs>\n<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def correspondence() -> str:
    """Two views of one item, and which element of the source each of their elements shows."""
    left, places = 150, {"first": (150, 40), "source": (150, 170), "second": (238, 300)}
    threads = []
    for shown, name, edge, source in ((FIRST, "first", 70, 170), (SECOND, "second", 300, 200)):
        x = places[name][0]
        for place, element in enumerate(shown):
            if element is not None:
                ends = (x + (place + 0.5) * CELL, edge, left + (element + 0.5) * CELL, source)
                threads.append(line(*ends, arrow=False).replace(f'stroke="{INK}"', f'stroke="{PALE}"'))
    return drawing(
        720,
        380,
        "The correspondence: for every element of a view, which element of the source it shows, or none",
        *threads,
        strip(*places["first"], FIRST),
        strip(*places["source"], range(12)),
        strip(*places["second"], SECOND),
        text(140, 60, "view 1: a crop", anchor="end"),
        text(140, 190, "source", anchor="end", weight="bold"),
        text(228, 311, "view 2: a crop, mirrored,", anchor="end"),
        text(228, 329, "one element hidden", anchor="end"),
        text(150 + 4 * CELL, 28, "position in the source = position in the view + 0"),
        text(238 + 4 * CELL, 355, "position in the source = 12 − position in the view; the hidden element shows none"),
    )


def segmentation() -> str:
    """One segmentation of the source, as both views see it, and the objects that are compared."""
    parts = [
        text(163, 60, "features of the source", anchor="end"),
        *(bars(170 + place * CELL, 70, kind) for place, kind in enumerate(OBJECTS)),
        labelled(715, 28, 90, ["grouper"]),
        line(170 + 12 * CELL + 4, 54, 713, 54),
        text(163, 140, "segmentation", anchor="end", weight="bold"),
        strip(170, 120, range(12), numbers=False),
        line(760, 80, 760, 135, arrow=False) + line(760, 135, 170 + 12 * CELL + 4, 135),
        text(163, 220, "seen from view 1", anchor="end"),
        strip(170, 200, FIRST, numbers=False),
        text(163, 280, "seen from view 2", anchor="end"),
        strip(170, 260, SECOND, numbers=False),
    ]
    for place, (name, first, second) in enumerate((("object 1", 1, 0), ("object 2", 1, 1), ("object 3", 0, 1))):
        x, colour = 590 + place * 85, COLOURS[place + 1]
        for y, present in ((215, first), (275, second)):
            look = f'fill="{colour}"' if present else f'fill="none" stroke="{PALE}" stroke-dasharray="3 3"'
            parts.append(f'<circle cx="{x}" cy="{y}" r="13" {look}/>')
        parts.append(text(x, 313, name, 13))
        parts.append(text(x, 331, "compared" if first and second else "not compared", 12))
    parts += [line(675, 229, 675, 260), line(675, 261, 675, 230), text(675, 190, "mean vectors of the elements", 13)]
    return drawing(
        830, 345, "One segmentation of the source, seen from two views; an object in both is compared", *parts
    )


def bars(x: float, base: float, kind: int) -> str:
    """A feature vector as four bars; elements of one object have like ones."""
    heights = ((6, 8, 5, 7), (28, 10, 16, 6), (8, 26, 8, 20), (16, 6, 28, 12))[kind]
    return "".join(
        f'<rect x="{x + 7 + 8 * place:g}" y="{base - height}" width="6" height="{height}" fill="{INK}"/>'
        for place, height in enumerate(heights)
    )


def step() -> str:
    """What happens in one step of training."""
    rows = {"source": 40, "online": 150, "teacher": 260}
    blue, green, orange = "#dbe9f5", "#dff1ea", "#fbeed5"
    parts = [
        labelled(20, rows["source"], 110, ["source"]),
        labelled(180, rows["source"], 140, ["discovery", "network"], orange),
        labelled(370, rows["source"], 110, ["grouper"], orange),
        labelled(530, rows["source"], 150, ["segmentation"], orange),
        *(line(x, rows["source"] + 26, x + 48, rows["source"] + 26) for x in (130, 320, 480)),
    ]
    for name, network in (("online", "online encoder"), ("teacher", "teacher's encoder")):
        y = rows[name]
        shade = blue if name == "online" else green
        parts += [
            labelled(20, y, 110, ["view 1" if name == "online" else "view 2"]),
            labelled(180, y, 140, network.split(), shade),
            labelled(530, y, 150, ["pool over objects"], shade),
            labelled(730, y, 110, ["projector"], shade),
            *(line(x, y + 26, end, y + 26) for x, end in ((130, 178), (320, 528), (680, 728))),
        ]
    parts += [
        text(425, rows["online"] + 18, "a vector per element", 13),
        text(425, rows["teacher"] + 18, "a vector per element", 13),
        labelled(890, rows["online"], 110, ["predictor"], blue),
        line(840, rows["online"] + 26, 888, rows["online"] + 26),
        labelled(1050, 205, 110, ["objective", "→ loss"]),
        line(1000, rows["online"] + 26, 1048, 220),
        line(840, rows["teacher"] + 26, 1048, 242),
        line(590, rows["source"] + 52, 590, rows["online"] - 2),
        f'<path d="M640,{rows["source"] + 52} V{rows["online"] - 20} H705 V{rows["teacher"] + 70} H605 '
        f'V{rows["teacher"] + 54}" fill="none" stroke="{INK}" marker-end="url(#arrow)"/>',
        text(712, 130, "the same segmentation, seen from each view", 13, "start"),
        line(250, rows["online"] + 52, 250, rows["teacher"] - 2, dashed=True),
        text(258, rows["online"] + 86, "follows: moving average", 13, "start"),
        line(225, rows["online"] - 2, 225, rows["source"] + 54, dashed=True),
        text(217, rows["online"] - 22, "follows: a copy now and then", 13, "end"),
        text(
            20,
            345,
            "Blue learns by gradient; green and orange follow and get none. Both views go through both rows, "
            "and the losses of all ordered pairs add up.",
            13,
            "start",
        ),
    ]
    return drawing(1180, 365, "One step: what is compared, who teaches, what pulls together and pushes apart", *parts)


DRAWINGS: dict[str, Callable[[], str]] = {
    "correspondence": correspondence,
    "segmentation": segmentation,
    "step": step,
}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, draw in DRAWINGS.items():
        (FOLDER / f"{name}.svg").write_text(draw(), encoding="utf-8")
