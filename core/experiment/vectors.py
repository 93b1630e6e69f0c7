"""Items in batches through a finished network, and their vectors on disk."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar, final

import numpy as np
import pyarrow
import pyarrow.parquet
from jaxtyping import Float
from tqdm import tqdm

from ..data.feature_map import FeatureMap
from ..data.items import BadItemError, Skipped
from ..modality.base import AbstractModality, Reading
from ..networks.encoder import Network
from ..storage.atomic import write_bytes, write_text
from .naming import counted
from .predictions import encode

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class Batch(Generic[ItemT]):
    """Some items in their order: their numbers, themselves, collated, and their hidden features."""

    places: list[int]
    items: list[ItemT]
    data: Any
    features: FeatureMap


@final
@dataclass(frozen=True)
class Batches(Generic[ItemT]):
    """All items of a reading, a few at a time.

    Items that cannot be read are added to `skipped`; where that is None they are errors.
    """

    modality: AbstractModality[ItemT]
    network: Network
    reading: Reading[ItemT]
    skipped: list[Skipped] | None
    size: int = 16

    def __iter__(self) -> Iterator[Batch[ItemT]]:
        items, rng = self.reading.items, np.random.default_rng(0)
        for first in tqdm(range(0, len(items), self.size), unit="batch"):
            places, some = list[int](), list[ItemT]()
            for place in range(first, min(first + self.size, len(items))):
                try:
                    some.append(items.read(place, rng))
                    places.append(place)
                except BadItemError as error:
                    if self.skipped is None:
                        raise
                    self.skipped.append(Skipped(error.name, error.reason))
            if some:
                data = self.modality.collate(some)
                yield Batch(places, some, data, encode(self.network, data))


def write_vectors(
    out: Path,
    batches: Batches[ItemT],
    source: Callable[[int], str],
    where: Callable[[Batch[ItemT], int], Mapping[str, Float[np.ndarray, " elements"]]],
    reduced: Callable[[FeatureMap], FeatureMap] = lambda features: features,
) -> None:
    """Write `vectors.npz`, `items.parquet` and `elements.parquet`: vectors of items and of their elements.

    Args:
        out: folder to write to, made if it is missing.
        batches: the items.
        source: the file of an item, by its number; items of one file in a row are written as one.
        where: for one row of a batch, columns that say where each element lies (padding included).
        reduced: what becomes of the features first (an average over some axes, say); `where` sees it too.

    Raises:
        ValueError: if no item can be read.
    """
    names: list[str] = []
    number, vectors = [], []
    columns: dict[str, list[Any]] = {}
    for batch in batches:
        batch = replace(batch, features=reduced(batch.features))
        for row, place in enumerate(batch.places):
            if not names or names[-1] != source(place):
                names.append(source(place))
            valid = batch.features.valid[row].numpy()
            number.append(np.full(int(valid.sum()), len(names) - 1))
            vectors.append(batch.features.values[row].numpy()[valid])
            for name, column in where(batch, row).items():
                columns.setdefault(name, []).append(np.asarray(column)[valid])
    if not names:
        first = (batches.skipped or [Skipped(str(out), "nothing was found")])[-1]
        raise ValueError(f"none of {len(batches.reading.items)} items can be read; {first.name}: {first.reason}")
    out.mkdir(parents=True, exist_ok=True)
    which, elements = np.concatenate(number), np.concatenate(vectors)
    places = {name: np.concatenate(column) for name, column in columns.items()}
    sums = np.zeros((len(names), elements.shape[1]), dtype=np.float64)
    np.add.at(sums, which, elements)
    items = (sums / np.bincount(which, minlength=len(names)).clip(min=1)[:, None]).astype(np.float32)
    arrays = io.BytesIO()
    columns_of_arrays: dict[str, Any] = {"files": np.array(names), "items": items, "element_file": which} | places
    np.savez(arrays, elements=elements, **columns_of_arrays)
    write_bytes(out / "vectors.npz", arrays.getvalue())
    _parquet(out / "items.parquet", {"file": names}, items)
    _parquet(out / "elements.parquet", {"file": [names[i] for i in which], **places}, elements)
    write_skipped(out, batches.skipped or ())
    of = f"{counted(len(names), 'item')} and {counted(len(elements), 'element')}"
    print(f"vectors of {of}, {elements.shape[1]} numbers each, written to {out}")


def _parquet(path: Path, columns: dict[str, Any], vectors: Float[np.ndarray, "rows dim"]) -> None:
    flat = pyarrow.array(vectors.astype(np.float32).ravel())
    # Names that are no UTF-8 come as lone surrogates, which Arrow refuses.
    columns = columns | {"file": [name.encode(errors="backslashreplace").decode() for name in columns["file"]]}
    table = pyarrow.table(columns | {"vector": pyarrow.FixedSizeListArray.from_arrays(flat, vectors.shape[1])})
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer)
    write_bytes(path, buffer.getvalue())


def write_skipped(out: Path, skipped: Sequence[Skipped]) -> None:
    """Write `skipped.txt` if anything was left out, and say so."""
    if skipped:
        write_text(out / "skipped.txt", "".join(f"{entry.name}: {entry.reason}\n" for entry in skipped))
        print(f"{len(skipped)} left out; {out / 'skipped.txt'} says what and why")
