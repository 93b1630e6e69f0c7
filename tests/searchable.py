"""Small data of every modality in files, for tests of whatever is made of many files."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image

from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.inferred import inferred_settings
from gestalt.core.modality.joint import joint
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs.model import Model
from tests.recordings import RATE, song
from tests.tiny_runs import tiny_model
from tests.video_files import write

PLUG_INS = Path(__file__).parents[1] / "docs" / "plug-ins"
WORDS = ("red", "blue", "old", "small", "wild", "calm", "deep", "grey")
SMILES = ("CCO", "c1ccccc1O", "CC(=O)Nc1ccc(O)cc1", "CCN(CC)CC", "OC(=O)CCCC", "c1ccncc1")


def sound(folder: Path, number: int) -> None:
    """A recording that is two windows long or less."""
    soundfile.write(folder / f"{number}.wav", song(3.0 + number % 3, 300.0 + 170 * number), RATE)


def picture(folder: Path, number: int) -> None:
    """A picture of noise and one bright square."""
    cells = np.random.default_rng(number).integers(0, 90, (40, 40, 3), dtype=np.uint8)
    cells[5 * (number % 4) : 5 * (number % 4) + 18, 10:25, number % 3] = 230
    Image.fromarray(cells).save(folder / f"{number}.png")


def video(folder: Path, number: int) -> None:
    """A few frames, each of which tells a number."""
    write(folder / f"{number}.mp4", [(11 * number + frame) / 8 for frame in range(8 + number)])


def text(folder: Path, number: int) -> None:
    """Two lines, each an item."""
    words = [WORDS[(number + place) % 8] for place in range(6)]
    (folder / f"{number}.txt").write_text(f"the {' '.join(words)} sea .\nno {words[0]} man saw {number} .\n")


def molecules(folder: Path, number: int) -> None:
    """A file of two molecules."""
    own = SMILES[number % 6], SMILES[(number + 1) % 6] + "C" * (number // 6 + 1)
    (folder / f"{number}.smi").write_text("".join(f"{smiles} m{number}-{place}\n" for place, smiles in enumerate(own)))


def captioned(folder: Path, number: int) -> None:
    """A picture with its caption."""
    picture(folder, number)
    (folder / f"{number}.txt").write_text(f"the {WORDS[number % 8]} square\n")


def sensors(folder: Path, number: int) -> None:
    """A table of three channels."""
    time = np.arange(640 + 16 * number) / 100
    waves = [np.sin(2 * np.pi * (1 + number) * rate * time) for rate in (0.5, 1.3, 2.1)]
    table = np.stack([time, *waves], axis=1)
    np.savetxt(folder / f"{number}.csv", table, delimiter=",", header="time,x,y,z", comments="", fmt="%.4f")


def series(folder: Path, number: int) -> None:
    """A series of three channels."""
    rng = np.random.default_rng(number)
    steps = np.arange(40 + number)[:, None]
    np.save(
        folder / f"{number}.npy", (np.sin(steps * (number + 1) / 9) + 0.1 * rng.standard_normal((1, 3))).astype("f4")
    )


FILES: dict[str, Callable[[Path, int], None]] = {
    "audio": sound,
    "image": picture,
    "video": video,
    "text": text,
    "graph": molecules,
    "sensors": sensors,
    "image+text": captioned,
    "motion:MODALITY": series,
}
"""What writes file number `n` of every modality; that of another package is found where the plug-ins lie."""


def modality_of(name: str) -> AbstractModality[Any]:
    """The modality of that name."""
    if name == "image+text":
        return joint(image=load_modality("image"), text=load_modality("text"))
    return load_modality(name)


def model_of(name: str, folder: Path) -> Model[Any]:
    """A model as it is before training, for the files in a folder."""
    modality = modality_of(name)
    settings = inferred_settings(modality, "gine", modality.read([folder]).items) if name == "graph" else {}
    encoder = {"graph": "gine", "image+text": "joint"}.get(name, "conv")
    return tiny_model(modality, encoder if encoder in modality.encoders else next(iter(modality.encoders)), **settings)


def digest(folder: Path) -> int:
    """Of all files in a folder and their names."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return zlib.crc32(b"".join(path.name.encode() + path.read_bytes() for path in files))
