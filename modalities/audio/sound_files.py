"""Sound files, decoded by libsndfile: what they say of themselves, as far as their bytes bear it out."""

import math
import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import soundfile
from jaxtyping import Float

from gestalt.core.storage.damage import silent

GUESSED = frozenset(("MP3",))
"""Formats whose length libsndfile guesses from their first frames."""
FLAC = b"fLaC\x00\x00\x00\x22"
"""How a file of FLAC begins."""
PACKED = frozenset(("FLAC", "OGG"))
"""Formats that may be longer or shorter than their header or their first stream says."""


PLAIN = {
    "File does not exist or is not a regular file": "it holds no frame of MP3",
    "Internal error : SF_INFO struct incomplete": "its header says that it has no sample rate or no channels",
}
"""What libsndfile says by the way of its code, and what is the matter."""


@final
@dataclass(frozen=True)
class SoundFile:
    """What libsndfile says of a file; `coded`, of MP3 in a WAV, whose last frames it counts and does not give."""

    kind: str
    frames: int
    sample_rate: int
    coded: bool = False


@silent()
def said(path: Path) -> SoundFile | str:
    """What a file says of itself, or why it says nothing."""
    try:
        with _opened(path) as file:
            return SoundFile(file.format, file.frames, file.samplerate, file.subtype == "MPEG_LAYER_III")
    except soundfile.LibsndfileError as error:
        words = str(error.error_string).strip().rstrip(".")
        return next((plain for begin, plain in PLAIN.items() if words.startswith(begin)), words)
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


def joined(path: Path, kind: str) -> bool:
    """Whether several files of FLAC or Ogg stand one after another in one, of which players take the first alone."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if kind == "FLAC":
            first = content.find(FLAC)  # behind a tag of ID3, where there is one
            return first >= 0 and content.find(FLAC, first + 1) > 0
        # The first pages of all streams of an Ogg file stand at its begin; one further on begins a second file.
        later = content.find(b"OggS\x00\x00")
        return later > 0 and content.find(b"OggS\x00\x02", later) > 0
