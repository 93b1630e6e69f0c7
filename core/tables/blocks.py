"""The bytes of a file, a block at a time; those of a compressed one unfolded, up to a bound."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from ..data.items import BadItemError
from ..shards.files import open_file

BLOCK = 1 << 20
UNFOLDED = 1 << 31
"""A compressed file may unfold to so many bytes: what small files unfold to has no bound of its own."""


def blocks_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file; `.gz` is unfolded.

    Raises:
        BadItemError: for a compressed file that is damaged, or unfolds to more than `UNFOLDED` bytes.
    """
    if path.suffix.lower() != ".gz":
        with open_file(path) as file:
            while block := file.read(BLOCK):
                yield block
        return
    count = 0
    try:
        with open_file(path) as packed, gzip.open(packed) as file:
            while block := file.read(BLOCK):
                count += len(block)
                if count > UNFOLDED:
                    raise BadItemError(
                        str(path), f"unfolds to more than {UNFOLDED >> 20} MiB; unpack it, or leave it out"
                    )
                yield block
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadItemError(
            str(path), f"cannot be unpacked ({error}); write it again, or leave it out with --skip-bad"
        ) from error


def suffix_of(path: Path) -> str:
    """The suffix of a file in small letters, that of what is packed where it is compressed.

    Example:
        >>> suffix_of(Path("a.SDF.gz")), suffix_of(Path("b.csv"))
        ('.sdf', '.csv')
    """
    return Path(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
