"""What the users of the start pages bring, made small, and how their pages are read."""

import re
import shlex
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from PIL import Image

from tests.pages import FENCE
from tests.series_files import write_table
from tests.table_files import visits, write_csv

SHORT = shlex.split("--steps 2 --batch 4 --workers 0 --threads 1 --accelerator cpu")
"""Two steps of training in place of hundreds."""
SENTENCES = [
    "The old man saw the sea.", "Birds sing in the wide sky.", "She left the house at once.",
    "A dog barks all night.", "Nobody knew his name, or hers.", "It rains.",
]  # fmt: skip
MOLECULES = ["CCO", "Oc1ccccc1", "CC(=O)Oc1ccccc1C(=O)O", "c1ccccc1", "CC(=O)C", "c1ccncc1"]


def recordings() -> None:
    Path("recordings").mkdir()
    for number in range(2):
        tone = np.sin(np.arange(5 * 16_000) * (0.1 + 0.2 * number)) * (np.arange(5 * 16_000) % 16_000 < 4_000)
        soundfile.write(f"recordings/{number}.wav", 0.3 * tone, 16_000)


def picture(number: int, shift: int = 0) -> Image.Image:
    values = np.random.default_rng(number).integers(60, 70, (48, 64, 3)).astype(np.uint8)
    values[10:30, 4 + shift : 24 + shift] = (220, 60 * number, 20)
    return Image.fromarray(values)


def pictures() -> None:
    Path("pictures").mkdir()
    for number in range(4):
        picture(number, 5 * number).save(f"pictures/{number}.png")


def clips() -> None:
    for number in range(2):
        Path(f"clips/{number}").mkdir(parents=True)
        for frame in range(8):
            picture(number, 3 * frame).save(f"clips/{number}/{frame:05d}.png")


def texts() -> None:
    Path("texts.txt").write_text("\n".join(SENTENCES) + "\n", encoding="utf-8")


def molecules() -> None:
    Path("molecules.csv").write_text("\n".join(["smiles", *MOLECULES]) + "\n", encoding="utf-8")


def series() -> None:
    Path("series").mkdir()
    for number in range(4):
        level = np.where(np.arange(240) // 60 % 2, 2.0, 0.2)[:, None]
        np.save(f"series/{number}.npy", level * np.random.default_rng(number).normal(size=(240, 3)))


def tables() -> None:
    Path("series").mkdir()
    for number in range(2):
        write_table(Path(f"series/{number}.csv"), seed=number)


def scans() -> None:
    Path("scans").mkdir()
    for number in range(2):
        rng = np.random.default_rng(number)
        floor = np.column_stack([rng.uniform(0, 8, (160, 2)), np.zeros(160)])
        np.save(f"scans/{number}.npy", np.concatenate([floor, rng.normal((2, 2, 1), 0.2, (80, 3))]))


def visits_table() -> None:
    write_csv(Path("visits.csv"), visits())


def clips_and_captions() -> None:
    """A video as telephones write them, frames at uneven times and sound that begins late, and captioned JPEGs."""
    Path("clips").mkdir()
    times = [0.0, 0.03, 0.1, 0.2, *(0.3 + number / 10 for number in range(28))]
    with av.open("clips/telephone.mp4", "w") as container:
        video: Any = container.add_stream("libx264", rate=Fraction(1000), options={"preset": "ultrafast", "bf": "0"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio: Any = container.add_stream("aac", rate=16_000, layout="mono")
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(np.asarray(picture(number % 2, number)), format="rgb24")
            frame.pts, frame.time_base = round(1000 * time), Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        tone = (0.3 * np.sin(np.arange(3 * 16_000) * 0.2) * (np.arange(3 * 16_000) % 16_000 < 6_000)).astype(np.float32)
        for first in range(0, len(tone), 1024):
            block = av.AudioFrame.from_ndarray(tone[None, first : first + 1024], format="fltp", layout="mono")
            block.sample_rate, block.pts, block.time_base = 16_000, 1600 + first, Fraction(1, 16_000)
            container.mux(audio.encode(block))
        container.mux(audio.encode(None))
    Path("pictures").mkdir()
    for number in range(4):
        picture(number, 5 * number).save(f"pictures/{number}.jpg")
        Path(f"pictures/{number}.txt").write_text(f"square number {number}\n{SENTENCES[number]}\n", encoding="utf-8")


FILES: dict[str, Callable[[], None]] = {
    "recordings": recordings,
    "pictures": pictures,
    "clips": clips,
    "texts": texts,
    "molecules": molecules,
    "sensors": tables,
    "points": scans,
    "tables": visits_table,
    "joint": clips_and_captions,
    "own-data": series,
}


def commands(page: Path) -> list[list[str]]:
    """What the page has the user type, without the name of the program."""
    shell = "\n".join(code for language, code in FENCE.findall(page.read_text(encoding="utf-8")) if language == "bash")
    return [shlex.split(line)[1:] for line in shell.splitlines() if line.startswith("gestalt ")]


def named_files(page: Path) -> list[str]:
    """The first column of the table of what is written."""
    return re.findall(r"^\| `(\S+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE)


def missing_files(page: Path, folder: Path) -> list[str]:
    """Those that the page promises, and that are not in the folder."""
    promised = ["runs/mine/report.html", *named_files(page)]
    return [name for name in promised if not list(folder.glob(name.replace("NAME", "*").rstrip("/")))]


def extras(page: Path) -> list[str]:
    """What the page has the user install."""
    (said,) = re.findall(r'^pip install "gestalt-ssl\[([\w,]+)\]"$', page.read_text(encoding="utf-8"), re.MULTILINE)
    return str(said).split(",")
