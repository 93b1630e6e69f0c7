"""What a modality may offer beyond `AbstractModality`: each is a method that it simply has."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Int, Shaped
from torch import Tensor

from ..data.correspondence import AbstractCorrespondence
from ..data.feature_map import Grid
from ..data.items import AbstractItems, Skipped
from ..data.masks import AbstractMasks, ItemMasks
from ..data.places import Places
from ..data.trees import AbstractTrees, ItemTree
from ..discovery.found import FoundBatch
from .base import AbstractModality, Reading
from .transform import AbstractTransform, Views
from .transplant import Transplant
from .windows import InContext, Sight

ItemT = TypeVar("ItemT")
ShownT = TypeVar("ShownT", contravariant=True)


@runtime_checkable
class InfersEncoderSettings(Protocol):
    """Settings of encoders that follow from the data: channels, a schema, a sample rate, a tokenizer."""

    def encoder_settings(self, encoder: str, items: AbstractItems[Any]) -> Mapping[str, Any]:
        """Settings for the encoder of that name; the user's own settings go before them."""
        ...


@runtime_checkable
class FollowsSampleRate(Protocol[ItemT]):
    """Items that are sampled in time, and brought to one rate: `--sample-rate`."""

    def at_rate(self, sample_rate: float | int | None, encoder: str, paths: Sequence[Path]) -> AbstractModality[ItemT]:
        """The same modality, whose items have `sample_rate`.

        Args:
            sample_rate: samples per second; None for that of most files among `paths`.
            encoder: the one that will see the items, by name: some take one rate only.
            paths: files and folders.

        Raises:
            FileNotFoundError: for a path that does not exist.
            ValueError: if there is no such file at all.
        """
        ...


@runtime_checkable
class OffersChoices(Protocol[ItemT]):
    """Transforms among which a network can tell the one that was applied: four rotations, forwards and backwards."""

    @property
    def choices(self) -> Mapping[str, Mapping[str, AbstractTransform[ItemT]]]:
        """Every choice by its name, with two or more alternatives by their names; the first is what one gets unasked.

        Alternatives differ in what they are named for alone: where one of them resamples, cuts or joins, so do the
        others, or the network learns to see that.
        """
        ...


@runtime_checkable
class ShowsParts(Protocol[ItemT]):
    """A modality whose items have parts, which views may show alone."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Their names."""
        ...

    def showing(self, views: Views[ItemT], kept: Sequence[Sequence[str]]) -> Views[ItemT]:
        """These views, each of which keeps the parts of its place alone; as many as there are views or places."""
        ...

    def alone(self, item: ItemT, names: Sequence[str]) -> ItemT | None:
        """An item without its other parts; None where it has none of these."""
        ...


@runtime_checkable
class IsSequence(Protocol):
    """Elements follow one another: along the first axis of their grid, or in the order of a set."""

    @property
    def sequence(self) -> bool:
        """Whether they do."""
        ...


@runtime_checkable
class ComputesTargets(Protocol[ShownT]):
    """Numbers that are computed from an item and that a network can learn to predict: computed targets."""

    def computed(self, item: ShownT) -> Mapping[str, float]:
        """Each number by its name, the same names for every item of a data set; NaN for what cannot be computed.

        It runs in the processes that read the data, for every item of every batch: what takes long is to be kept. It
        depends on nothing but the item. The unit of a number does not matter, since its rank is what is predicted.
        """
        ...


@runtime_checkable
class MeasuresItems(Protocol[ShownT]):
    """How much an item is, in what one counts such data in: said before training. Without it items are counted."""

    def amounts(self, item: ShownT) -> Mapping[str, float]:
        """Each amount by its unit, a noun in the plural: seconds, pixels, words, atoms."""
        ...


@runtime_checkable
class WritesObjects(Protocol[ItemT]):
    """Found objects in the formats of the field. Without it they are written as JSON Lines with pictures."""

    def write_objects(self, found: Iterable[FoundBatch[ItemT]], items: AbstractItems[ItemT], out: Path) -> str:
        """Write the objects of all items, which come a few at a time, to the folder `out`; what was written, in a line.

        `items` are those that `read` (or `read_full`) gave, and tell where each item comes from. The line is the begin
        of a sentence that the name of the folder ends ("3 objects in 1 picture"). `out` exists and is empty; names of
        files in it come from `OutputNames`, so that none leads out of it.
        """
        ...


@runtime_checkable
class ReadsFullResolution(Protocol[ItemT]):
    """Items too large for the network, whose objects are written at the resolution of the file nevertheless."""

    def read_full(self, paths: Sequence[Path], skip_bad: bool = False) -> Reading[ItemT]:
        """As `read`, with every frame and pixel of the files; one item is in memory at a time.

        Raises:
            BadItemError: for the first file that cannot be used, unless `skip_bad`.
        """
        ...

    def for_network(self, item: ItemT) -> ItemT:
        """An item of `read_full` in the size in which the network takes it; its grid is in these units."""
        ...


@runtime_checkable
class ReadsContext(Protocol[ItemT]):
    """Numbered items that are windows of something longer: they can be read with what lies around them.

    Then `discover`, `embed` and `predict` encode every window in its context, and keep what is its own.
    """

    def read_in_context(self, index: int, sight: Sight) -> InContext[ItemT]:
        """Item `index` as `read` gives it without chance, and a stretch around it that the network sees.

        Raises:
            BadItemError: if the item itself cannot be read; context that cannot is left out or silent.
        """
        ...


@runtime_checkable
class ComposesModalities(Protocol):
    """A modality composed of others, whose settings are theirs."""

    @property
    def modalities(self) -> Mapping[str, AbstractModality[Any]]:
        """Those of the parts by name."""
        ...

    @property
    def allow_missing(self) -> bool:
        """Whether items may lack parts."""
        ...

    def composed_of(
        self, modalities: Mapping[str, AbstractModality[Any]], allow_missing: bool
    ) -> AbstractModality[Any]:
        """The same with other parts."""
        ...


@runtime_checkable
class ReadsColumn(Protocol):
    """Items that the cells of a table hold: captions, the SMILES of molecules."""

    def of_column(self, column: str) -> AbstractModality[Any]:
        """The same modality, which reads its items from that column of tables, or from that field of records."""
        ...


@runtime_checkable
class CutsInTime(Protocol[ItemT]):
    """Items that lie in time: parts of a joint item that show the same seconds."""

    def duration(self, item: ItemT) -> float:
        """How long an item lasts, in seconds."""
        ...

    def cut(self, item: ItemT, begin: float, end: float) -> tuple[ItemT, AbstractCorrespondence]:
        """What lies between two moments, in seconds from the begin of the item, and its correspondence.

        It has at least one element; where none begins and ends in between, the nearest one is taken.
        """
        ...

    def in_place(self) -> Sequence[AbstractTransform[ItemT]]:
        """The default views without what cuts, shifts or stretches time: for items that are cut already."""
        ...


@runtime_checkable
class ReadsWindows(Protocol):
    """Items that lie in time and are read in windows: those of the parts of a joint item are of one length."""

    @property
    def window(self) -> float:
        """The length of a window, in seconds."""
        ...

    def in_windows(self, seconds: float) -> AbstractModality[Any]:
        """The same modality with windows of another length."""
        ...


@runtime_checkable
class InSequence(Protocol):
    """Numbered items that are windows of something longer, one behind the other along the first axis of their grid, or
    in the order of the elements of a set.

    Then objects are found in many windows together, with the mean, the variance and the background of all of them, and
    an object keeps its number over the whole (`FoundBatch.numbers`).
    """

    def whole(self, index: int) -> range:
        """The numbers of all windows of the whole that item `index` is part of, in their order."""
        ...


@runtime_checkable
class InOverlap(Protocol):
    """Numbered items that are windows of something larger without an order, such as a network.

    Their elements have numbers in the whole (`InContext.numbers`). Then objects are found in every window together with
    its context, and by the elements that windows share an object keeps its number over the whole
    (`FoundBatch.numbers`).
    """

    def overlapping(self, index: int) -> range:
        """The numbers of all windows of the whole that item `index` is part of, in their order."""
        ...


@runtime_checkable
class LimitsLength(Protocol):
    """An encoder that takes no more than a certain length, in the unit of its first axis (of a set, elements)."""

    @property
    def longest(self) -> float:
        """The longest item that it takes."""
        ...


@runtime_checkable
class SeesAround(Protocol):
    """An encoder that knows how far it sees: nothing further away changes an element's vector."""

    @property
    def reach(self) -> float:
        """How far beyond an element, in the unit of the first axis (of a set, elements); 0 if it cannot be said."""
        ...


@runtime_checkable
class ReducesElements(Protocol[ItemT]):
    """Elements that are finer than what is written: bands of frequency, where objects are stretches of time."""

    def reduced(self, found: FoundBatch[ItemT]) -> FoundBatch[ItemT]:
        """The same items on fewer elements: features and weights of objects are averaged."""
        ...


@runtime_checkable
class LocatesElements(Protocol[ItemT]):
    """Where the elements of an item lie in its file: columns beside their vectors.

    Without it they are the numbers of the elements, and their centres along every axis of the grid.
    """

    def element_columns(
        self, found: FoundBatch[ItemT], row: int, items: AbstractItems[ItemT]
    ) -> Mapping[str, Shaped[np.ndarray, " elements"]]:
        """For one row of a batch (reduced, where the modality does so), a number for every element, padding included.

        `items` are those that `read` gave.
        """
        ...


@runtime_checkable
class HasInputGrid(Protocol[ShownT]):
    """Where the smallest parts of an item itself lie: pixels of a picture, which are finer than any features."""

    def input_grid(self, item: ShownT) -> Grid:
        """A grid in the units of the modality's axes, with as many axes as its features have."""
        ...


@runtime_checkable
class ReadsMasks(Protocol[ItemT]):
    """Masks that come with the data, in the formats of the field: `--masks`."""

    def read_masks(
        self, path: Path, items: AbstractItems[ItemT], skipped: Sequence[Skipped] = ()
    ) -> AbstractMasks[ItemT]:
        """The masks in a file or folder, matched to the items by the names of their files.

        Args:
            path: the file or folder.
            items: those that `read` gave.
            skipped: files that were left out; their masks may be there.

        Raises:
            FileNotFoundError: if the path does not exist.
            ValueError: if it is of no format that the modality reads, cannot be read, or names a file that no item
                has.
        """
        ...


@runtime_checkable
class ReadsTrees(Protocol[ItemT]):
    """Trees over the elements of items that come with the data: `--label-kind tree`."""

    def read_trees(
        self, path: Path, items: AbstractItems[ItemT], skipped: Sequence[Skipped] = ()
    ) -> AbstractTrees[ItemT]:
        """The trees in a file or folder, matched to the items; arguments and errors are those of `read_masks`."""
        ...


@runtime_checkable
class WritesTrees(Protocol[ItemT]):
    """Trees in the formats of the field. Without it they are written as JSON Lines."""

    def write_trees(self, found: Iterable[tuple[int, ItemT, ItemTree]], items: AbstractItems[ItemT], out: Path) -> str:
        """Write the trees of all items, which come one at a time, to the folder `out`; what was written, in a line."""
        ...


@runtime_checkable
class ShowsMasks(Protocol[ShownT]):
    """Masks in the form in which `render` takes true objects."""

    def shown_masks(self, item: ShownT, masks: ItemMasks) -> Sequence[tuple[str, Any]]:
        """Each object of an item with its name and its extent in the modality's own terms."""
        ...


@runtime_checkable
class ShowsNumbers(Protocol[ShownT]):
    """Pictures in which an object has the number and the colour that are given: one in all parts of a joint item."""

    def render_numbered(
        self, item: ShownT, found: Int[Tensor, " elements"], grid: Places | None, truth: Sequence[tuple[str, Any]] = ()
    ) -> str:
        """As `render`, but object k is called k + 1 and has colour k (`colour_of`), whichever others there are."""
        ...


@runtime_checkable
class TransplantsObjects(Protocol[ItemT]):
    """Objects of one item set into another: the same object in other surroundings, known exactly."""

    def transplant(
        self, host: ItemT, donor: ItemT, part: ItemMasks, rng: np.random.Generator
    ) -> Transplant[ItemT] | None:
        """Set a part of the donor into the host, changed as a view of it may be (its size, its colours, its pitch).

        Args:
            host: what the part is set into; never changed.
            donor: where it comes from; never changed.
            part: which elements of the donor it is: 0 or more, −1 is not; on a grid of any fineness.
            rng: the only source of randomness.

        Returns:
            The composed item, or None where this part cannot be set into this host: it is too large, or cut off by
            the border of the donor.
        """
        ...
