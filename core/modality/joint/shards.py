"""Joint items in tar archives, as WebDataset has them: files of one name without its endings are the parts of one."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from ...data.items import AbstractItems, BadItemError
from ...shards.files import content
from ...storage.tar_members import Member
from ..base import AbstractModality, Reading
from ..windows import Jittered, WindowIndex
from .item import JointItem
from .reading import ADVICE, NoPartError, read_joint

STEM = "item"


@final
@dataclass(frozen=True)
class Sample:
    """The files of one item in an archive, by their endings."""

    shard: Path
    key: str
    files: Mapping[str, Member]

    @property
    def name(self) -> str:
        """The archive, and what its files are called."""
        return f"{self.shard}: {self.key}"


@final
@dataclass(frozen=True)
class PartOfShards(AbstractItems[Any]):
    """One part of all items."""

    items: "JointShards"
    part: str

    def __len__(self) -> int:
        return len(self.items)

    def name(self, index: int) -> str:
        """That of the item."""
        return self.items.name(index)

    def read(self, index: int, rng: np.random.Generator) -> Any:
        """The part of an item.

        Raises:
            BadItemError: if it cannot be read, or lacks the part.
        """
        parts = self.items.read(index, rng).parts
        if self.part not in parts:
            raise BadItemError(self.name(index), f"has no {self.part}")
        return parts[self.part]


@final
class JointShards(AbstractItems[JointItem]):
    """Items of archives. The files of one item are unpacked when its turn comes, read by their modalities, and removed.

    Args:
        modalities: of the parts.
        samples: the files of every item.
        counts: how many windows each has.
        allow_missing: take items that lack parts.
        full: read parts at the resolution of their files.
        jitter: for training: windows begin earlier or later, and captions are drawn.
        remarks: what was decided while reading, for people: how many items lack a part.
        having: the parts of every item that was looked at, by its place among `samples`.
    """

    def __init__(
        self,
        modalities: Mapping[str, AbstractModality[Any]],
        samples: Sequence[Sample],
        counts: Sequence[int],
        allow_missing: bool = False,
        full: bool = False,
        jitter: bool = False,
        remarks: Sequence[str] = (),
        having: Mapping[int, frozenset[str]] | None = None,
    ) -> None:
        self.modalities, self.samples, self.counts, self.remarks = modalities, samples, counts, tuple(remarks)
        self.having = having or {}
        self.allow_missing, self.full, self.jitter = allow_missing, full, jitter
        self._index = WindowIndex(counts)

    def __len__(self) -> int:
        """Windows of all items together."""
        return len(self._index)

    @property
    def parts(self) -> Mapping[str, AbstractItems[Any]]:
        """The items of every part."""
        return {name: PartOfShards(self, name) for name in self.modalities}

    def path(self, index: int) -> Path:
        """The archive of an item."""
        return self.samples[self._index.place(index)[0]].shard

    def name(self, index: int) -> str:
        """The archive and the name of the item in it; of several windows, which."""
        number, window = self._index.place(index)
        name = self.samples[number].name
        return f"{name} [window {window + 1}]" if self.counts[number] > 1 else name

    def with_jitter(self, jitter: bool) -> "JointShards":
        """The same items, read for training or exactly."""
        return JointShards(
            self.modalities, self.samples, self.counts, self.allow_missing, self.full, jitter, self.remarks, self.having
        )

    def may_have(self, index: int) -> frozenset[str]:
        """The parts that an item may have: those that it was seen to have, where it was looked at."""
        return self.having.get(self._index.place(index)[0], frozenset(self.modalities))

    def read(self, index: int, rng: np.random.Generator) -> JointItem:
        """One item.

        Raises:
            BadItemError: if one of its parts cannot be read or is missing, or the archive was changed.
        """
        with self.unpacked(index) as (items, window):
            assert isinstance(items, Jittered)
            found: JointItem = items.with_jitter(self.jitter).read(window, rng)
            return found

    def windows(self, index: int) -> range:
        """All windows of the item that window `index` is of."""
        return self._index.of_file(self._index.place(index)[0])

    @contextmanager
    def unpacked(self, index: int) -> Iterator[tuple[AbstractItems[JointItem], int]]:
        """The windows of one item as long as its files are unpacked, and which of them is asked for.

        Raises:
            BadItemError: if it cannot be read, or the archive was changed.
        """
        number, window = self._index.place(index)
        with read_sample(self.samples[number], self.modalities, self.allow_missing, self.full) as reading:
            if len(reading.items) != self.counts[number]:
                raise BadItemError(
                    self.samples[number].name,
                    f"holds {len(reading.items)} items, and {self.counts[number]} were expected; an item is the files "
                    "of one name: write the archive again, or leave it out with --skip-bad",
                )
            yield reading.items, window


@contextmanager
def read_sample(
    one: Sample, modalities: Mapping[str, AbstractModality[Any]], allow_missing: bool, full: bool
) -> Iterator[Reading[JointItem]]:
    """What the files of one item hold, as long as they are unpacked; errors are those of the item.

    Files are called by us, so that no name in an archive leads anywhere.

    Raises:
        BadItemError: if it cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="gestalt-") as made:
        folder = Path(made)
        try:
            for ending, member in one.files.items():
                with (folder / f"{STEM}.{ending}").open("wb") as file:
                    for block in content(one.shard / member.name):
                        file.write(block)
            yield read_joint(modalities, [folder], False, allow_missing, full)
        except BadItemError as error:
            name, reason = (_named(text, folder, one) for text in (error.name, error.reason))
            raise BadItemError(name, reason, error.absent) from error
        except NoPartError as error:
            reason = (
                f"has no {error.part}{ADVICE}, leave the item out with --skip-bad, or take it as it is with "
                "--allow-missing"
            )
            raise BadItemError(one.name, reason) from error
        except (ValueError, OSError) as error:
            raise BadItemError(one.name, _named(str(error), folder, one)) from error


def _named(text: str, folder: Path, one: Sample) -> str:
    """A message about unpacked files as one about the archive."""
    return text.replace(str(folder / STEM), one.name).replace(str(folder), one.name)
