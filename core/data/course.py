"""How the parts of something long go on side by side: which cell of each is on show from moment to moment."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .feature_map import FeatureMap
from .grid import Grid
from .places import Parts

DIGITS = 6
"""Borders of cells that differ by less than a millionth of a second differ by rounding."""


@final
@dataclass(frozen=True)
class Strand:
    """The elements of one part.

    Attributes:
        first: the number of its first element.
        count: how many it has.
        across: elements of one cell along its first axis; of a part that lasts, all that it has.
        cells: for every moment the cell along the first axis that is on show, −1 for none; None where the part is one
            and the same all the while.
        usual: cells of the longest window.
    """

    first: int
    count: int
    across: int
    cells: Int[Tensor, " moments"] | None
    usual: int

    def between(self, begin: int, end: int) -> tuple[int, int]:
        """From which element of the part to which there are any at some moments."""
        if self.cells is None:
            return 0, self.count
        there = self.cells[begin:end]
        there = there[there >= 0]
        return (int(there[0]) * self.across, (int(there[-1]) + 1) * self.across) if len(there) else (0, 0)


@final
@dataclass(frozen=True)
class Course:
    """Which cells of all parts are on show from moment to moment; between two moments a cell of some part ends.

    Frames of sound and of a picture have lengths of their own. Moments are what they have in common: something long is
    cut at moments, and put together at moments, for all of its parts at once.

    Attributes:
        strands: by part; one of the name "" for items without parts.
        moments: how many there are.
        usual: moments of the longest window.

    Example: two frames of a picture beside three of sound, and a word.

        >>> grids = (Grid.uniform((2,), (0.6,)), Grid.uniform((3,), (0.4,)), None)
        >>> places = Parts(("video", "audio", "text"), (2, 3, 1), grids)
        >>> both = FeatureMap(torch.zeros(1, 6, 1), torch.ones(1, 6, dtype=torch.bool), places)
        >>> course = Course.of(both, {"text"})
        >>> course.shown(torch.tensor([0, 1, 2, 3, 4, 5])).tolist()
        [[0, 2, 5], [0, 3, 5], [1, 3, 5], [1, 4, 5]]
        >>> course.elements(course.shown(torch.tensor([0, 1, 2, 3, 4, 5]))).tolist()
        [0, 1, 2, 3, 4, 5]
    """

    strands: Mapping[str, Strand]
    moments: int
    usual: int

    @classmethod
    def of(cls, features: FeatureMap, lasting: AbstractSet[str] = frozenset()) -> "Course":
        """That of one window: a batch of one, without padding.

        Args:
            features: its elements. The first axis of the grid of every part is time; a set goes on in its order.
            lasting: parts that are the same all the while.
        """
        if not isinstance(features.places, Parts):
            grid = features.grid
            return cls.along(features, features.valid.shape[1] if grid is None else grid.shape[0])
        places = features.places
        edges = {
            name: _edges(grid)
            for name, cells, grid in zip(places.names, places.cells, places.grids, strict=True)
            if cells and name not in lasting
        }
        length = max((float(own[-1]) for own in edges.values() if own is not None), default=1.0)
        borders = {
            name: torch.linspace(0.0, length, places.cells[places.names.index(name)] + 1, dtype=torch.float64)
            if own is None
            else own
            for name, own in edges.items()
        }
        every = torch.cat([*borders.values(), torch.tensor([0.0, length], dtype=torch.float64)]).unique()
        centres = (every[1:] + every[:-1]) / 2
        strands = dict[str, Strand]()
        for name, here in places.slices.items():
            count = here.stop - here.start
            if name in lasting or not count:
                cells = None if name in lasting else torch.full((len(centres),), -1)
                strands[name] = Strand(here.start, count, count, cells, count)
                continue
            own = borders[name]
            # A part that ends a little before another one shows its last cell until then.
            shown = (torch.searchsorted(own, centres, right=True) - 1).clamp(0, len(own) - 2)
            strands[name] = Strand(here.start, count, count // (len(own) - 1), shown, len(own) - 1)
        return cls(strands, len(centres), len(centres))

    @classmethod
    def along(cls, features: FeatureMap, window: int) -> "Course":
        """That of one item without parts, whose windows have so many cells along its first axis: a moment is a cell."""
        elements = features.valid.shape[1]
        cells = elements if features.grid is None else features.grid.shape[0]
        strand = Strand(0, elements, elements // max(cells, 1), torch.arange(cells), window)
        return cls({"": strand}, cells, window)

    @property
    def widths(self) -> dict[str, int]:
        """Columns of every part in what is shown at a moment."""
        return {name: strand.across for name, strand in self.strands.items()}

    @property
    def windows(self) -> float:
        """How many windows it is long."""
        return self.moments / max(self.usual, 1)

    def shown(self, labels: Int[Tensor, " elements"]) -> Int[Tensor, "moments columns"]:
        """The label of every element that is on show, moment by moment; −1 where a part shows nothing."""
        columns = list[Tensor]()
        for strand in self.strands.values():
            own = labels[strand.first : strand.first + strand.count]
            if strand.cells is None:
                columns.append(own.expand(self.moments, -1))
            elif not strand.count:
                columns.append(labels.new_full((self.moments, strand.across), -1))
            else:
                cells = strand.cells.to(labels.device)
                rows = own.view(-1, strand.across)[cells.clamp(min=0)]
                columns.append(torch.where(cells[:, None] >= 0, rows, -1))
        return torch.cat(columns, dim=1)

    def elements(self, shown: Int[Tensor, "moments columns"]) -> Int[Tensor, " elements"]:
        """The label of every element, of what is shown at the moments: of the first moment at which it is there."""
        found, at = list[Tensor](), 0
        for strand in self.strands.values():
            own = shown[:, at : at + strand.across]
            at += strand.across
            if strand.cells is None:
                found.append(own[0])
            elif strand.count:
                there = (strand.cells >= 0).nonzero()[:, 0]
                number = torch.arange(strand.count // strand.across)
                place = torch.searchsorted(strand.cells[there], number).clamp(max=len(there) - 1)
                found.append(own[there[place].to(shown.device)].flatten())
        return torch.cat(found)

    def between(self, begin: int, end: int, lasting: bool = True) -> Int[Tensor, " own"]:
        """The numbers of all elements that are on show at some moments; with or without those that always are."""
        found = list[Tensor]()
        for strand in self.strands.values():
            if lasting or strand.cells is not None:
                first, last = strand.between(begin, end)
                found.append(torch.arange(strand.first + first, strand.first + last))
        return torch.cat(found)

    def piece(self, features: FeatureMap, begin: int, end: int) -> "tuple[FeatureMap, Course]":
        """What there is of an item with parts from one moment to another: its elements, and their course."""
        places, index = features.places, self.between(begin, end)
        assert isinstance(places, Parts)
        strands, cells, grids, first = dict[str, Strand](), list[int](), list[Grid | None](), 0
        for (name, strand), grid in zip(self.strands.items(), places.grids, strict=True):
            low, high = strand.between(begin, end)
            shown = None
            if strand.cells is not None:
                shown = strand.cells[begin:end]
                shown = torch.where(shown >= 0, shown - low // max(strand.across, 1), -1)
                grid = _cut(grid, low, high, strand.across)
            strands[name] = replace(strand, first=first, count=high - low, cells=shown)
            cells.append(high - low)
            grids.append(grid)
            first += high - low
        here = index.to(features.values.device)
        of_piece = Parts(places.names, tuple(cells), tuple(grids), places.in_time)
        return (
            FeatureMap(features.values[:, here], features.valid[:, here], of_piece),
            Course(strands, end - begin, self.usual),
        )


def chained_course(courses: Sequence[Course]) -> Course:
    """That of windows of one whole, one behind the other.

    Raises:
        ValueError: if there are none.
    """
    if not courses:
        raise ValueError("a course needs at least one window, got none")
    strands, first = dict[str, Strand](), 0
    for name in courses[0].strands:
        every = [one.strands[name] for one in courses]
        across = max(strand.across for strand in every)
        if every[0].cells is None:
            strands[name] = replace(every[0], first=first)
            first += every[0].count
            continue
        count, cells = 0, list[Tensor]()
        for strand in every:
            assert strand.cells is not None
            cells.append(torch.where(strand.cells >= 0, strand.cells + count // max(across, 1), -1))
            count += strand.count
        strands[name] = Strand(first, count, across, torch.cat(cells), max(strand.usual for strand in every))
        first += count
    return Course(strands, sum(one.moments for one in courses), max(one.usual for one in courses))


def relaid(
    shown: Int[Tensor, "moments columns"], before: Mapping[str, int], now: Mapping[str, int]
) -> Int[Tensor, "moments other"]:
    """What is shown at the moments, where parts have come or gone since: −1 for a part that was not there.

    Example:
        >>> relaid(torch.tensor([[4, 5]]), {"a": 1, "b": 0, "c": 1}, {"a": 1, "b": 2, "c": 0}).tolist()
        [[4, -1, -1]]
    """
    if dict(before) == dict(now):
        return shown
    columns, at = list[Tensor](), 0
    for name, width in now.items():
        was = before.get(name, 0)
        own = shown[:, at : at + was]
        columns.append(own if was == width else shown.new_full((len(shown), width), -1))
        at += was
    return torch.cat(columns, dim=1)


def _edges(grid: Grid | None) -> Float[Tensor, " edges"] | None:
    """Where the cells of a part begin and end along its first axis, from where it begins; None for a set."""
    if grid is None:
        return None
    own = grid.edges[0][0].double().cpu()
    found: Tensor = (own - own[0]).round(decimals=DIGITS)
    return found


def _cut(grid: Grid | None, low: int, high: int, across: int) -> Grid | None:
    """The lattice of some elements of a part."""
    if grid is None or low == high:
        return None
    first = grid.edges[0][:, low // across : high // across + 1]
    return Grid((first - first[:, :1], *grid.edges[1:]))
