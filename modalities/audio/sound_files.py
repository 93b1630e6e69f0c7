"""Sound files, decoded by libsndfile: what they say of themselves, as far as their bytes bear it out."""

import math
import mmap
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import soundfile
from jaxtyping import Float

from gestalt.core.storage.damage import silent

GUESSED = frozenset(("MP3",))
"""Formats whose length libsndfile guesses from their first frames."""
PACKED = frozenset(("FLAC", "OGG"))
"""Formats that may be longer or shorter than their header or their first stream says."""


@final
@dataclass(frozen=True)
class SoundFile:
    """What libsndfile says of a file."""

    kind: str
    frames: int
    sample_rate: int


@silent()
def said(path: Path) -> SoundFile | str:
    """What a file says of itself, or why it says nothing."""
    try:
        with _opened(path) as file:
            return SoundFile(file.format, file.frames, file.samplerate)
    except soundfile.LibsndfileError as error:
        return str(error.error_string).strip().rstrip(".")
    except (OSError, RuntimeError, TypeError, ValueError) as error:  # headerless formats by their ending
        return str(error).strip().rstrip(".")


@silent()
def reaches_end(path: Path, found: SoundFile) -> bool:
    """Whether the last frame of which the header speaks is there."""
    try:
        with _opened(path) as file:
            file.seek(found.frames - 1)
            return len(file.read(1, always_2d=True)) == 1
    except (OSError, RuntimeError, ValueError):
        return False


@silent()  # mpg123, which decodes MP3 there, talks to the screen
def stretch(path: Path, start: float, seconds: float) -> tuple[Float[np.ndarray, "channels time"], float]:
    """The sound from `start` on with its channels, and when its first sample sounds."""
    with _opened(path) as file:
        first = min(round(start * file.samplerate), file.frames)
        file.seek(first)
        block = file.read(math.ceil(seconds * file.samplerate), dtype="float32", always_2d=True)
        return block.T, first / file.samplerate


def _opened(path: Path) -> soundfile.SoundFile:
    """The file, whatever bytes its name has: soundfile itself takes only names in the system's encoding."""
    name: Any = os.fsencode(path) if os.name == "posix" else path  # soundfile takes bytes, its types do not
    return soundfile.SoundFile(name)


@final
@dataclass(frozen=True)
class _Chunks:
    """How the chunks of a format follow one another: where the first begins, how long an id is, the form of a size.

    `whole` says that sizes count the chunk's own header; chunks begin at multiples of `align`.
    """

    first: int
    id: int
    size: str
    whole: bool = False
    align: int = 2


W64 = b"riff\x2e\x91\xcf\x11"
CHUNKS = {
    b"RIFF": _Chunks(12, 4, "<I"),
    b"FORM": _Chunks(12, 4, ">I"),
    b"caff": _Chunks(8, 4, ">q", align=1),
    W64: _Chunks(40, 16, "<Q", whole=True, align=8),
}
SLACK = 4096
"""Bytes after the last chunk that are nobody's."""
MOST_CHUNKS = 10_000


def unclaimed(path: Path) -> int:
    """How many bytes follow the last chunk of a chunked file that belong to none, 0 for up to some 4 KB.

    A header that was never brought up to date, or whose 32 bits are too few, speaks of less than the file holds.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.wav"
        >>> soundfile.write(path, np.zeros(8000), 8000)
        >>> unclaimed(path)
        0
    """
    length = path.stat().st_size
    with path.open("rb") as file:
        begin = file.read(len(W64))
        form = CHUNKS.get(begin[:4]) or CHUNKS.get(begin)
        if form is None:
            return 0
        place, header = form.first, form.id + struct.calcsize(form.size)
        for _ in range(MOST_CHUNKS):
            file.seek(place)
            read = file.read(header)
            if len(read) < header or (form.id == 4 and not all(32 <= byte < 127 for byte in read[:4])):
                break
            size = struct.unpack(form.size, read[form.id :])[0]
            if size < 0 or (size == 0 and read[:4] in (b"data", b"SSND")):
                return 0  # left open: the sound goes on to the end of the file
            if read[:4] in CHUNKS:  # another file begins here
                break
            end = place + max(size, header) if form.whole else place + header + size
            place = -(-end // form.align) * form.align
    left = length - place
    return left if left > SLACK else 0


def joined(path: Path, kind: str) -> bool:
    """Whether several files of FLAC or Ogg stand one after another in one, of which players take the first alone."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if kind == "FLAC":
            return content.find(b"fLaC\x00\x00\x00\x22", 1) > 0
        # The first pages of all streams of an Ogg file stand at its begin; one further on begins a second file.
        later = content.find(b"OggS\x00\x00")
        return later > 0 and content.find(b"OggS\x00\x02", later) > 0
