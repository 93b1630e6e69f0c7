"""Copies of pictures and sounds in other formats, cut, shrunk and compressed, as they come about in the world."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, final

import numpy as np
import soundfile
import torch
import torchaudio
from PIL import Image as Picture

from gestalt.core.data.items import AbstractItems
from gestalt.core.search.again import Again
from gestalt.core.search.copies import Copies
from gestalt.core.search.encodes import Encodes, seen_alone
from gestalt.core.search.index import Index

Write = Callable[[Any, Path], Path]
"""Writes an item to a path without its ending; the file."""


def sound(ending: str, kept: float = 1.0, rate: int = 1, **how: Any) -> Write:
    """A recording in another format.

    Args:
        ending: of the file.
        kept: share of it, from the middle.
        rate: by which its sample rate is divided.
        how: options of soundfile.
    """

    def write(item: Any, path: Path) -> Path:
        samples = item.samples
        cut = round(len(samples) * (1 - kept) / 2)
        samples = samples[cut : len(samples) - cut]
        fewer = torchaudio.functional.resample(samples, item.sample_rate, item.sample_rate // rate)
        file = path.with_suffix(ending)
        soundfile.write(file, fewer.numpy(), item.sample_rate // rate, **how)
        return file

    return write


def picture(ending: str, kept: float = 1.0, size: float = 1.0, **how: Any) -> Write:
    """A picture in another format.

    Args:
        ending: of the file.
        kept: share of each side, from the middle.
        size: by which its sides are multiplied.
        how: options of Pillow.
    """

    def write(item: Any, path: Path) -> Path:
        whole = Picture.fromarray((item * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())
        left, top = (round(side * (1 - kept) / 2) for side in whole.size)
        whole = whole.crop((left, top, whole.width - left, whole.height - top))
        whole = whole.resize((max(round(whole.width * size), 1), max(round(whole.height * size), 1)))
        file = path.with_suffix(ending)
        memory = io.BytesIO()
        whole.save(memory, format={".jpg": "JPEG", ".webp": "WEBP", ".png": "PNG"}[ending], **how)
        file.write_bytes(memory.getvalue())
        return file

    return write


ENCODED: Mapping[str, Mapping[str, Write]] = {
    "audio": {
        "MP3, strongly compressed": sound(".mp3", format="MP3", bitrate_mode="VARIABLE", compression_level=0.9),
        "Ogg Vorbis, strongly compressed": sound(".ogg", format="OGG", subtype="VORBIS", compression_level=0.9),
        "at half the sample rate": sound(".wav", rate=2),
        "the middle nine tenths": sound(".wav", kept=0.9),
        "the middle three quarters": sound(".wav", kept=0.75),
    },
    "image": {
        "JPEG of quality 30": picture(".jpg", quality=30),
        "WebP of quality 30": picture(".webp", quality=30),
        "half as wide and high": picture(".png", size=0.5),
        "the middle nine tenths": picture(".png", kept=0.9),
        "the middle three quarters": picture(".png", kept=0.75),
    },
}


@final
class EncodedCopies:
    """Copies of the items of some rows of an index, each written to a file and read again.

    Args:
        model: the run of the index.
        index: holds the originals.
        rows: of the originals.
        folder: for the files.
    """

    def __init__(self, model: Encodes, index: Index, rows: np.ndarray, folder: Path) -> None:
        self.model, self.index, self.rows, self.folder = model, index, rows, folder

    def by(self, write: Write) -> Copies:
        """Those that one way of writing makes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        again, made = Again(self.index, self.model.modality), list[Any]()
        for row in self.rows.tolist():
            file = write(again.item(row), self.folder / f"{row}")
            found: AbstractItems[Any] = self.model.modality.read([file]).items
            made.append(found.read(0, np.random.default_rng(0)))
        return Copies(self.rows, {"": seen_alone(self.model, self.index.manifest.space, made)})
