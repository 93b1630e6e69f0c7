"""The options that every recipe has; each recipe adds its own beside them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, final

from ..components.ranges import CountOrNone, PositiveShare, check_ranges
from ..methods.method import AbstractMethod
from ..training.options import Training


@final
@dataclass(frozen=True)
class Running:
    """Where a run reads and writes, and what it is compared with."""

    out: Path
    """Folder of the run."""
    data: tuple[Path, ...] = ()
    """Your own data: files and folders. Nothing: what ships with the package."""
    masks: Path | None = None
    """Masks that come with your data: a file or folder, in a format of the modality; of parts, part=path with commas
    between. They are the first segments of methods that take any, and the truth of the table."""
    resume: bool = False
    """Go on with the run in the folder from its last checkpoint."""
    data_changed: bool = False
    """With --resume: go on although files were added, removed or changed since the run was begun."""
    skip_bad: bool = False
    """Leave out files that cannot be used, and list them, instead of stopping."""
    validate: bool = False
    """Evaluate on validation data instead of test data: for choosing options (without --data)."""
    compare: tuple[str, ...] = ()
    """Further methods to train for as long, for the table (without --data); `gestalt methods` lists them."""

    def __post_init__(self) -> None:
        if self.data and (self.compare or self.validate):
            raise ValueError("--compare and --validate need data whose truth is known: leave out --data, or these")
        if self.masks is not None and not self.data:
            raise ValueError("--masks are those of your own data: name the data with --data")


@final
@dataclass(frozen=True)
class Labelling:
    """What is known of some items."""

    labels: Path | None = None
    """For methods that learn from labels: a table (name of a file or record, label), or the word folders, archives
    (what lies beside the files in tar archives) or annotations (those of EDF+). Nothing: what --label-column says, or
    what the recipe knows of the shipped data."""
    label_column: str | None = None
    """Column of that table; the one called label, or the only one that names no items. Without --labels: a
    column of the data itself."""
    label_kind: Literal["class", "value"] = "class"
    """Whether its labels are classes or values."""
    label_share: PositiveShare | None = None
    """Share of the labels that the method may see; none: all of your own, a tenth of those of the shipped data."""

    def __post_init__(self) -> None:
        check_ranges(self)

    @property
    def share(self) -> float:
        """The share that is used."""
        if self.label_share is not None:
            return self.label_share
        return 0.1 if self.labels is None and self.label_column is None else 1.0


@final
@dataclass(frozen=True)
class EncoderChoice:
    """An encoder by its name in the modality, with the settings that differ from its defaults.

    Settings that follow from the data (channels, a schema, a sample rate) need not be given.
    """

    name: str = "conv"
    settings: Mapping[str, Any] = field(default_factory=dict)


@final
@dataclass(frozen=True)
class ViewOptions:
    """Which views of an item are made."""

    large: CountOrNone | None = None
    """Views that both networks see; none: the recipe's, mostly two."""
    small: CountOrNone = 0
    """Small views for the online network alone (multi-crop), each a `small_crop` of a large one."""
    transforms: tuple[str, ...] = ()
    """Transforms of the modality in their order, each with its chance: name=0.5. Nothing: the recipe's own."""

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.large == 0:
            raise ValueError("large (--views.large) must be at least 1, got 0")


class Options(Protocol):
    """The configuration of a recipe: a frozen dataclass with these parts, and its own beside them."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def method(self) -> AbstractMethod:
        """What learns."""
        ...

    @property
    def encoder(self) -> EncoderChoice:
        """With what network."""
        ...

    @property
    def views(self) -> ViewOptions:
        """From which views."""
        ...

    @property
    def running(self) -> Running:
        """Where to read and write."""
        ...

    @property
    def labelling(self) -> Labelling:
        """What is known."""
        ...

    @property
    def training(self) -> Training:
        """How it is trained."""
        ...


FREE = frozenset(
    {
        "running.out",
        "running.data",
        "running.masks",
        "running.resume",
        "running.data_changed",
        "running.skip_bad",
        "running.compare",
        "running.validate",
        "training.workers",
        "training.kept_items",
        "training.batch_transforms",
        "training.devices",
        "training.num_nodes",
        "training.strategy",
        "training.threads",
        "training.logger",
        "labelling.labels",
    }
)
"""Options that may differ when a run goes on: its numbers do not depend on them (on how many processes share a batch,
but for rounding). Paths may be written in another way,
or the data have moved; what lies there is compared, see `DataRecord`."""


def with_method(options: Any, method: AbstractMethod) -> Any:
    """The same options with another method."""
    return replace(options, method=method)
