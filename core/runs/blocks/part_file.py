"""What was computed of a block, in one file: whole or not there, written and read a batch at a time."""

import io
import os
import struct
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch

from ...data.feature_map import FeatureMap
from ...data.grid import Grid
from ...data.items import Skipped
from ...data.places import Parts
from ...data.segmentation import Segmentation
from ...discovery.found import FoundBatch, Named
from ..results import ItemPrediction

LENGTH = struct.Struct("<Q")
UNFINISHED = ".part"


@final
@dataclass(frozen=True)
class LeftOut:
    """The last record of a part file: items of the block that could not be used."""

    skipped: tuple[Skipped, ...]


KNOWN: list[Any] = [FoundBatch, FeatureMap, Segmentation, Grid, Parts, Named, ItemPrediction, LeftOut, Skipped]
"""What a part file may hold, beside tensors and plain Python: nothing else in it is built."""


def write_part(path: Path, records: Iterable[Any], skipped: list[Skipped]) -> int:
    """Write records as they come, and then what was left out meanwhile; the size of the file in bytes.

    Whoever writes the same block at the same time, as a worker that was given up, has a file of its own until it is
    complete.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{uuid.uuid4().hex}{UNFINISHED}")
    try:
        with temporary.open("wb") as file:
            for record in records:
                _add(file, record)
            _add(file, LeftOut(tuple(skipped)))
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()
    return size


def read_part(path: Path) -> Iterator[Any]:
    """The records of a part file, one at a time; the last is a `LeftOut`.

    Raises:
        ValueError: if the file is cut or damaged.
    """
    with path.open("rb") as file:
        record: Any = None
        while not isinstance(record, LeftOut):
            head = file.read(LENGTH.size)
            content = file.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""
            try:
                with torch.serialization.safe_globals(KNOWN):
                    record = torch.load(io.BytesIO(content), weights_only=True)
            except Exception as error:  # whatever torch makes of bytes that are no record
                raise ValueError(
                    f"{path} is damaged or cut; remove it, and give the same command again: its block is computed anew"
                ) from error
            yield record


def _add(file: Any, record: Any) -> None:
    content = io.BytesIO()
    torch.save(record, content)
    file.write(LENGTH.pack(content.tell()))
    file.write(content.getbuffer())
