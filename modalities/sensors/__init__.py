"""Series of many channels over time: sensors, machines, bodies; objects are stretches of one behaviour."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.components.ranges import Between, check_ranges
from gestalt.core.components.settings import accepted, settings_of
from gestalt.core.data.correspondence import Affine
from gestalt.core.data.items import AbstractItems, Skipped, first_readable
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.data.places import Places, one_grid
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.modality.base import AbstractModality, Reading, Specimen
from gestalt.core.modality.event_masks import shown_events
from gestalt.core.modality.in_python import FromPython, Things
from gestalt.core.modality.transform import AbstractTransform, Views
from gestalt.core.modality.transplant import Transplant
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.tables.encoding import check_encoding

from .channels import How
from .data import SensorFiles as SensorFiles
from .data import Series as Series
from .data import SeriesBatch as SeriesBatch
from .data import channels_of, collate, common_rate, read_series
from .encoders import Dilated, Rate, Raw, Transformer, settings_of_data
from .given_masks import read_masks
from .reading import FILLS
from .showing import element_columns, render, render_object, specimens, statistics, transplant, write_objects
from .views import (
    CHOICES,
    IN_PLACE,
    Blank,
    ChannelDrop,
    Gain,
    Jitter,
    Offset,
    TimeCrop,
    TimeScale,
    chain,
    default_views,
    stretch,
)

SAMPLES = 1024
"""Samples of a window, where no seconds are said."""


@final
class Sensors(AbstractModality[Series]):
    """Series read at `sample_rate` in windows of `seconds`; objects are stretches of one behaviour.

    Args:
        sample_rate: samples per second, to which files are resampled.
        seconds: length of an item; longer files become several. None: that of 1024 samples.
        time: the column, or data set of HDF5, that is the clock; None for the likeliest by its name.
        columns: channels to read, in their order; none for all that hold numbers.
        rate: samples per second of files that do not say so, and of those whose clock is to be left aside.
        fill: what becomes of missing values: refuse them, or fill them with the last known one, or between known ones.
        irregular: take clocks of uneven intervals: values are interpolated at even ones.
        dataset: of HDF5 files, the data set that is the series.
        encoding: of tables that are not in Unicode (cp1252, latin-1, gb18030, …); None refuses them.

    Example:
        >>> MODALITY.sample_rate, MODALITY.window, sorted(MODALITY.encoders)
        (100.0, 10.24, ['conv', 'raw', 'transformer'])
    """

    name: ClassVar[str] = "sensors"
    element: ClassVar[str] = "step"
    sequence: ClassVar[bool] = True
    # A crop need not begin where an element does, and a change of speed averages neighbouring samples.
    tolerance: ClassVar[int] = 1

    def __init__(
        self,
        sample_rate: Rate = 100.0,
        seconds: Annotated[float, Between(0.0, 1e8, open_below=True)] | None = None,
        time: str | None = None,
        columns: Sequence[str] = (),
        rate: Rate | None = None,
        fill: str = "refuse",
        irregular: bool = False,
        dataset: str | None = None,
        encoding: str | None = None,
    ) -> None:
        self.sample_rate = float(sample_rate)
        self.seconds = seconds
        self.time = time
        self.columns = tuple(columns)
        self.rate = rate
        self.fill = fill
        self.irregular = irregular
        self.dataset = dataset
        self.encoding = encoding
        check_ranges(self)
        if fill not in FILLS:
            raise ValueError(f"fill is one of {', '.join(FILLS)}, got {fill!r}")
        if encoding is not None:
            check_encoding(encoding)
        if self.window * sample_rate < 2:
            raise ValueError(f"seconds must hold at least two samples at {sample_rate:g} Hz, got seconds={seconds}")
        self.encoders: Mapping[str, Callable[..., AbstractEncoder]] = {
            "raw": Raw,
            "conv": Dilated,
            "transformer": Transformer,
        }
        self.transforms: Mapping[str, AbstractTransform[Series]] = {
            "time_crop": TimeCrop(),
            "small_crop": TimeCrop(0.2, 0.3),
            "time_scale": TimeScale(),
            "gain": Gain(),
            "offset": Offset(),
            "jitter": Jitter(),
            "blank": Blank(),
            "channel_drop": ChannelDrop(),
        }
        self.views: Views[Series] = default_views()
        self.choices: Mapping[str, Mapping[str, AbstractTransform[Series]]] = CHOICES

    @property
    def _how(self) -> How:
        return How(self.time, self.columns, self.rate, self.fill, self.irregular, self.dataset, self.encoding)

    def _changed(self, **settings: Any) -> "Sensors":
        return Sensors(**{**settings_of(self), **settings})

    def read(self, paths: Sequence[Path], skip_bad: bool = False) -> Reading[Series]:
        """The windows of all files among `paths` and in the folders among them, in sorted order.

        Tables (CSV, TSV) with a column of time, HDF5, EDF and EDF+, WAV and FLAC of any number of channels, arrays of
        NumPy. Every header is read, of a table every row; a sample of the files is read in three places.

        Raises:
            BadItemError: for the first file that is no series, has a clock that stands still, goes back or is
                irregular, has other channels than the first one, or misses values where it is looked at, unless
                `skip_bad`.
            FileNotFoundError: for a path that does not exist.
            ImportError: if a library for such files is missing.
            ValueError: if no usable series is found.
        """
        return read_series(paths, self._how, self.sample_rate, self.window, skip_bad)

    def at_rate(self, sample_rate: float | int | None, encoder: str, paths: Sequence[Path]) -> "Sensors":  # noqa: ARG002
        """Series of the same channels at `sample_rate`, or at the rate of most of them; windows of as many samples.

        Raises:
            FileNotFoundError: for a path that does not exist.
            ValueError: if there are no series at all.
        """
        names = self.columns or channels_of(paths, self._how)
        wanted = sample_rate or common_rate(paths, self._how) or self.sample_rate
        return self._changed(sample_rate=float(wanted), columns=names)

    def encoder_settings(self, encoder: str, items: AbstractItems[Series]) -> Mapping[str, Any]:
        """The rate of the series, and mean and deviation of every channel, for the encoders.

        Raises:
            ValueError: if none of the items can be read.
        """
        rate = items.sample_rate if isinstance(items, SensorFiles) else first_readable(items).sample_rate
        return accepted(self.encoders[encoder], settings_of_data(items, rate))

    def amounts(self, item: Series) -> Mapping[str, float]:
        """How long it is, and how many samples it has."""
        return {"seconds": item.seconds, "samples": float(len(item.values))}

    def computed(self, item: Series) -> Mapping[str, float]:
        """Statistics of every channel: level, deviation, range, change and frequency."""
        return statistics(item)

    def collate(self, items: Sequence[Series]) -> SeriesBatch:
        """Series padded to the longest."""
        return collate(items)

    def render(
        self,
        item: Series,
        found: Int[Tensor, " elements"],
        grid: Places | None,
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """Curves with the found stretches above and the true ones, `(name, (begin, end))` in seconds, below."""
        return render(item, found, one_grid(grid), truth, by_number=False)

    def render_numbered(
        self,
        item: Series,
        found: Int[Tensor, " elements"],
        grid: Places | None,
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """As `render`, with objects called and coloured by their numbers."""
        return render(item, found, one_grid(grid), truth, by_number=True)

    def render_object(self, item: Series, inside: Bool[Tensor, " elements"], grid: Places | None) -> str:
        """The longest stretch of it."""
        return render_object(item, inside, one_grid(grid))

    def read_masks(
        self, path: Path, items: AbstractItems[Series], skipped: Sequence[Skipped] = ()
    ) -> AbstractMasks[Series]:
        """Stretches in seconds from the first sample of a file: annotations of EDF+ that last, or a table with the
        columns filename, onset, offset and event_label.

        Where stretches overlap, the shorter is on top, and of two of one length the later.

        Raises:
            FileNotFoundError: if the path does not exist.
            ValueError: if it has no stretches, names a file that there is not, or a stretch lies outside its file.
        """
        return read_masks(path, items, skipped)

    def shown_masks(self, item: Series, masks: ItemMasks) -> Sequence[tuple[str, Any]]:
        """Each stretch with its begin and end in seconds of the item."""
        return shown_events(item, masks)

    def transplant(
        self, host: Series, donor: Series, part: ItemMasks, rng: np.random.Generator
    ) -> Transplant[Series] | None:
        """A stretch of one series in the place of as much of another, stronger or weaker."""
        return transplant(host, donor, part, rng)

    def transplant_at(
        self, host: Series, donor: Series, part: ItemMasks, later: float, rng: np.random.Generator
    ) -> Transplant[Series] | None:
        """The same where it was in the donor, less `later` seconds."""
        return transplant(host, donor, part, rng, later)

    column_names: ClassVar[Sequence[str]] = ("series", "values", "signal", "array")

    def of_objects(self, things: Things) -> AbstractItems[Series]:
        """Arrays of time × channels at the rate of the modality, one an item, however long; or tables of pandas."""
        return FromPython(things, partial(series_of, sample_rate=self.sample_rate))

    @property
    def window(self) -> float:
        """The length of an item, in seconds."""
        return SAMPLES / self.sample_rate if self.seconds is None else self.seconds

    def in_windows(self, seconds: float) -> "Sensors":
        """The same modality with items of another length."""
        return self._changed(seconds=seconds)

    def duration(self, item: Series) -> float:
        """How long a series lasts."""
        return item.seconds

    def cut(self, item: Series, begin: float, end: float) -> tuple[Series, Affine]:
        """The samples between two moments."""
        first = min(max(0, round(begin * item.sample_rate)), len(item.values) - 1)
        return stretch(item, first, max(first + 1, round(end * item.sample_rate)))

    def in_place(self) -> Sequence[AbstractTransform[Series]]:
        """Stronger or weaker, noisier, without some channels and blanked by chance."""
        return (chain(*IN_PLACE),) * 2

    def specimens(self) -> Sequence[Specimen[Series]]:
        """Three series that are at rest, shaken, and at rest again."""
        return specimens(self.sample_rate)

    def write_objects(self, found: Iterable[FoundBatch[Series]], items: AbstractItems[Series], out: Path) -> str:
        """Stretches as a table of events, and as JSON."""
        return write_objects(found, items, out)

    def element_columns(
        self,
        found: FoundBatch[Series],
        row: int,
        items: AbstractItems[Series],  # noqa: ARG002
    ) -> Mapping[str, Float[np.ndarray, " elements"]]:
        """The seconds at which each step begins and ends in its file."""
        return element_columns(found, row)


def series_of(thing: Any, sample_rate: float) -> Series:
    """A series at `sample_rate`.

    Args:
        thing: an array of time × channels, or of time; a table of numbers of pandas.
        sample_rate: samples per second.

    Raises:
        ValueError: for anything else, and for values that are missing.
    """
    if isinstance(thing, Series):
        return thing
    names = tuple(map(str, thing.columns)) if hasattr(thing, "columns") else ()
    values = np.asarray(thing.detach().cpu() if isinstance(thing, Tensor) else thing)
    if values.dtype.kind not in "iuf" or values.ndim not in (1, 2) or not values.size:
        raise ValueError(f"is no series: expected numbers, time × channels, got {values.dtype} of {values.shape}")
    series = torch.from_numpy(values.astype(np.float32)).reshape(len(values), -1)
    if not bool(series.isfinite().all()):
        raise ValueError("holds NaN or infinity; fill them first")
    return Series(series, sample_rate, 0.0, names)


MODALITY = Sensors()
