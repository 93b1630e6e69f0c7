"""Small data sets of every modality that reads files, and their archives, for the tests."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from tests.recordings import RATE, song
from tests.series_files import write_table
from tests.video_files import write as write_video


def picture(path: Path, seed: int) -> None:
    """A picture of noise."""
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (24, 20, 3), dtype=np.uint8)).save(path)


def pictures(folder: Path) -> None:
    """Six pictures in two folders, of names with dots, two of which differ in their endings alone."""
    for number, name in enumerate(
        ("owl/a.1.png", "owl/a.2.png", "owl/b.png", "frog/b.bmp", "frog/b.png", "frog/ö c.png")
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        picture(folder / name, number)


def recordings(folder: Path) -> None:
    """Two recordings, one of several windows."""
    soundfile.write(folder / "long.wav", song(9.0, 440), RATE)
    soundfile.write(folder / "short.flac", song(1.5, 660), RATE)


def clips(folder: Path) -> None:
    """A video of two windows."""
    write_video(folder / "clip.mp4", [number / 8 for number in range(28)])


def texts(folder: Path) -> None:
    """Lines, and records of JSON and of a table."""
    (folder / "lines.txt").write_text("So far, silence.\nThe old man knew the sea.\n", encoding="utf-8")
    (folder / "all.json").write_text('[{"text": "A sea."}, {"text": "Two seas."}]', encoding="utf-8")
    (folder / "table.csv").write_text("text,label\nBirds sing.,a\nFrogs wait.,b\n", encoding="utf-8")


def graphs(folder: Path) -> None:
    """Molecules."""
    (folder / "some.smi").write_text("CCO ethanol\nc1ccccc1 benzene\n", encoding="utf-8")
    (folder / "more.csv").write_text("smiles,y\nCC(=O)O,1\n", encoding="utf-8")


def series(folder: Path) -> None:
    """Series of several windows, as tables."""
    for number in range(2):
        write_table(folder / f"{number}.csv", seed=number, elements=90)


def rows(folder: Path) -> None:
    """Rows of a table, and of objects on lines."""
    (folder / "one.csv").write_text("height,tool\n1.5,saw\n,drill\n2.5,saw\n", encoding="utf-8")
    (folder / "two.jsonl").write_text('{"height": 1.0, "tool": "drill"}\n{"tool": "saw"}\n', encoding="utf-8")


def captioned(folder: Path) -> None:
    """Pictures with captions."""
    for number in range(3):
        picture(folder / f"{number}.png", number)
        (folder / f"{number}.txt").write_text(f"picture {number}\nnumber {number}\n", encoding="utf-8")


WRITTEN: Mapping[str, Callable[[Path], None]] = {
    "image": pictures,
    "audio": recordings,
    "video": clips,
    "text": texts,
    "graph": graphs,
    "sensors": series,
    "table": rows,
    "image+text": captioned,
}
"""What writes a few files of every modality."""
