"""Rows of tables: ad clicks, health records, observations; objects are groups of columns that belong together."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, final

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.components.ranges import Between, check_ranges
from gestalt.core.components.settings import accepted, settings_of
from gestalt.core.data.items import AbstractItems, Skipped, first_readable
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.data.places import Places
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.discovery.groupers import Regions
from gestalt.core.modality.base import AbstractModality, Reading, Specimen
from gestalt.core.modality.in_python import Things
from gestalt.core.modality.transform import AbstractTransform, Views
from gestalt.core.modality.transplant import Transplant
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.shards.records import Fields
from gestalt.core.tables.encoding import check_encoding

from . import showing
from .data import Row as Row
from .data import Rows as Rows
from .data import Schema as Schema
from .data import collate as collate
from .encoders import MLP, Raw, Transformer
from .reading import PythonRows as PythonRows
from .reading import TableFiles, read_tables, rows_of
from .views import CHOICES, Coarse, Corrupt, Gain, Hide, Missing, Noise, Part, default_views, transplant
from .views import chain as chain


@final
class TableModality(AbstractModality[Row]):
    """Rows of tables; objects are groups of columns.

    Args:
        columns: those that are inputs; none for all that are good for it.
        exclude: columns that are no inputs, such as what is to be predicted.
        vocabulary: most words of a column of categories; rarer ones are unknown.
        labels: further columns that are no inputs, where they are there.
        schema: what a data set told of its columns, as a run keeps it; None: whatever is read tells it.
        encoding: of files that are not in Unicode (cp1252, latin-1, gb18030, …); None refuses them.

    Raises:
        ValueError: if the schema is none, or there is no such encoding.

    Example:
        >>> sorted(MODALITY.encoders), MODALITY.element
        (['mlp', 'raw', 'transformer'], 'cell')
    """

    name: ClassVar[str] = "table"
    element: ClassVar[str] = "cell"

    def __init__(
        self,
        columns: Sequence[str] = (),
        exclude: Sequence[str] = (),
        vocabulary: Annotated[int, Between(1, 4096)] = 64,
        labels: Sequence[str] = (),
        schema: Mapping[str, Any] | None = None,
        encoding: str | None = None,
    ) -> None:
        self.columns = tuple(columns)
        self.exclude = tuple(exclude)
        self.vocabulary = vocabulary
        self.labels = tuple(labels)
        self.schema = schema
        self.encoding = encoding
        check_ranges(self)
        if encoding is not None:
            check_encoding(encoding)
        self._schema = None if schema is None else Schema.from_settings(schema)
        self.encoders: Mapping[str, Callable[..., AbstractEncoder]] = {
            "raw": Raw,
            "mlp": MLP,
            "transformer": Transformer,
        }
        self.transforms: Mapping[str, AbstractTransform[Row]] = {
            "corrupt": Corrupt(),
            "hide": Hide(),
            "small_crop": Part(),
            "missing": Missing(),
            "noise": Noise(),
            "gain": Gain(),
            "coarse": Coarse(),
        }
        self.views: Views[Row] = default_views()
        self.choices: Mapping[str, Mapping[str, AbstractTransform[Row]]] = CHOICES

    def read(self, paths: Sequence[Path], skip_bad: bool = False) -> Reading[Row]:
        """The rows of all files among `paths` and in the folders among them: CSV, TSV, JSON Lines, Parquet.

        Raises:
            BadItemError: for the first file or row that cannot be used, unless `skip_bad`.
            FileNotFoundError: for a path that does not exist.
            ValueError: if no usable row is found.
        """
        return read_tables(paths, self._schema, self._learned, skip_bad, self.encoding)

    def _learned(
        self, records: Sequence[Fields], writings: Sequence[Mapping[str, str]] | None, apart: Mapping[str, str]
    ) -> Schema:
        return Schema.of(records, writings, self.columns, self.exclude, self.vocabulary, self.labels, apart)

    def _changed(self, **settings: Any) -> "TableModality":
        return TableModality(**{**settings_of(self), **settings})

    def of_items(self, items: AbstractItems[Row]) -> "TableModality":
        """The same modality with the schema of some items, by which it reads all others.

        Raises:
            ValueError: if none of them can be read.
        """
        return self._changed(schema=_schema_of(items).settings())

    def without(self, columns: Sequence[str]) -> "TableModality":
        """The same modality, for which these columns are no inputs."""
        return self._changed(labels=tuple(dict.fromkeys((*self.labels, *columns))))

    def encoder_settings(self, encoder: str, items: AbstractItems[Row]) -> Mapping[str, Any]:
        """How many numbers say what a cell of every column is, the schema's digest, what columns tell of others.

        Raises:
            ValueError: if none of the items can be read.
        """
        schema = _schema_of(items)
        own = {"widths": schema.widths, "digest": schema.digest, "association": schema.association}
        return accepted(self.encoders[encoder], own)

    def finder(self, raw: AbstractEncoder, objects: int) -> ObjectFinder:
        """Cells that are alike, or of columns that tell much of one another, merge: as many objects as a row needs."""
        return ObjectFinder(Regions(1.0, objects), "projected", extra_features=ConcatFeatures(raw, 0.5))

    def amounts(self, item: Row) -> Mapping[str, float]:
        """How many cells it has."""
        return {"cells": float(len(item))}

    def computed(self, item: Row) -> Mapping[str, float]:
        """Its numbers, and how many of its cells are there."""
        return showing.statistics(item)

    def collate(self, items: Sequence[Row]) -> Rows:
        """Rows padded to the longest."""
        return collate(items)

    def render(
        self,
        item: Row,
        found: Int[Tensor, " elements"],
        grid: Places | None,  # noqa: ARG002
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """The cells with their columns in the colours of the found objects; the true ones below."""
        return showing.render(item, found, truth, by_number=False)

    def render_numbered(
        self,
        item: Row,
        found: Int[Tensor, " elements"],
        grid: Places | None,  # noqa: ARG002
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """As `render`, with objects called and coloured by their numbers."""
        return showing.render(item, found, truth, by_number=True)

    def render_object(self, item: Row, inside: Bool[Tensor, " elements"], grid: Places | None) -> str:  # noqa: ARG002
        """Its cells alone."""
        return showing.render_object(item, inside)

    def read_masks(self, path: Path, items: AbstractItems[Row], skipped: Sequence[Skipped] = ()) -> AbstractMasks[Row]:
        """A table of columns with their objects, of all rows or row by row as `gestalt discover` writes it.

        Raises:
            FileNotFoundError: if the path does not exist.
            ValueError: if it is no such table, or names a file or a column that there is not.
        """
        return showing.read_masks(path, items, skipped)

    def shown_masks(self, item: Row, masks: ItemMasks) -> Sequence[tuple[str, Any]]:
        """Each object with the names of its columns."""
        return showing.shown_masks(item, masks)

    def transplant(self, host: Row, donor: Row, part: ItemMasks, rng: np.random.Generator) -> Transplant[Row] | None:
        """Cells of one row in place of another's in the same columns."""
        return transplant(host, donor, part, rng)

    column_names: ClassVar[Sequence[str]] = ("row",)
    takes_rows: ClassVar[bool] = True

    def of_objects(self, things: Things) -> AbstractItems[Row]:
        """Mappings of names to cells, and the rows of tables of pandas, pyarrow and Hugging Face.

        Raises:
            BadItemError: for what is no row.
            ValueError: if there is no column for an input.
        """
        return rows_of(things, self._schema, self._learned)

    def specimens(self) -> Sequence[Specimen[Row]]:
        """Three rows of the schema, where it is known; else of a body and a machine."""
        return showing.specimens() if self._schema is None else showing.specimens_of(self._schema)

    def write_objects(self, found: Iterable[FoundBatch[Row]], items: AbstractItems[Row], out: Path) -> str:
        """A table of cells with their objects, and JSON Lines of rows with the columns of their objects."""
        return showing.write_objects(found, items, out)

    def element_columns(
        self,
        found: FoundBatch[Row],
        row: int,
        items: AbstractItems[Row],  # noqa: ARG002
    ) -> Mapping[str, Float[np.ndarray, " elements"]]:
        """The number of the column of every cell."""
        return showing.element_columns(found, row)


def _schema_of(items: AbstractItems[Row]) -> Schema:
    return items.schema if isinstance(items, TableFiles | PythonRows) else first_readable(items).schema


MODALITY = TableModality()
