"""Files of any length, one sort for every modality: what they cost must follow the window, not the item."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

RATE = 16_000  # samples of sound per second
FRAMES = 10  # of video per second


@final
@dataclass(frozen=True)
class LongFile:
    """How to write a file of so many units; a short and a long one; what a unit is."""

    write: Callable[[Path, int], Path]
    short: int
    long: int
    unit: str


def write_audio(folder: Path, seconds: int) -> Path:
    """Noise that swells and fades, as 16-bit wav, written in blocks."""
    import soundfile

    path, rng = folder / "long.wav", np.random.default_rng(0)
    block = (0.2 * rng.standard_normal(RATE) * np.sin(np.linspace(0, np.pi, RATE))).astype(np.float32)
    with soundfile.SoundFile(str(path), "w", RATE, 1) as file:
        for _ in range(seconds):
            file.write(block)
    return path


def write_image(folder: Path, side: int) -> Path:
    """A picture of coloured noise and squares, as PNG."""
    from PIL import Image

    path, rng = folder / "long.png", np.random.default_rng(0)
    coarse = rng.integers(0, 256, (max(side // 64, 1), max(side // 64, 1), 3), dtype=np.uint8)
    Image.fromarray(np.kron(coarse, np.ones((64, 64, 1), np.uint8))).save(path, compress_level=1)
    return path


def write_video(folder: Path, seconds: int) -> Path:
    """A square that wanders over a grey wall, as MPEG-4."""
    import av

    path = folder / "long.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=FRAMES)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 160, 120, "yuv420p", FRAMES
        for number in range(seconds * FRAMES):
            picture = np.full((120, 160, 3), 120, np.uint8)
            left = 2 * number % 120
            picture[40:80, left : left + 40] = (220, 60, number % 256)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def write_text(folder: Path, words: int) -> Path:
    """One line of words."""
    path, rng = folder / "long.txt", np.random.default_rng(0)
    known = ["the", "old", "river", "runs", "slowly", "under", "a", "wooden", "bridge", "and", "sings"]
    path.write_text(" ".join(known[place] for place in rng.integers(len(known), size=words)), encoding="utf-8")
    return path


def write_graph(folder: Path, nodes: int) -> Path:
    """One chain molecule, as SMILES."""
    path = folder / "long.smi"
    path.write_text("".join("CCO"[place % 3] for place in range(nodes)) + "\n")
    return path


def write_series(folder: Path, seconds: int) -> Path:
    """Three channels a hundred times a second, as a table with a column of time."""
    path, rng = folder / "long.csv", np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as file:
        file.write("time,x,y,z\n")
        for second in range(seconds):
            for place, (x, y, z) in enumerate(rng.standard_normal((100, 3)).tolist()):
                file.write(f"{second + place / 100:.2f},{x:.4f},{y:.4f},{z:.4f}\n")
    return path


def write_points(folder: Path, points: int) -> Path:
    """A wall and a floor with intensities, as an array."""
    path, rng = folder / "long.npy", np.random.default_rng(0)
    cloud = rng.uniform(0, 10, (points, 4)) * [1, 1, 0.3, 0.1]
    cloud[::2, 2] = 0
    cloud[1::2, 1] = 10
    np.save(path, cloud.astype(np.float32))
    return path


def write_rows(folder: Path, rows: int) -> Path:
    """Numbers, categories and dates, as CSV."""
    path, rng = folder / "long.csv", np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as file:
        file.write("height,weight,ward,seen\n")
        for number in range(rows):
            height = rng.normal(170, 10)
            file.write(
                f"{height:.1f},{height / 2 + rng.normal():.2f},{'abc'[number % 3]},2024-01-{1 + number % 28:02}\n"
            )
    return path


FILES: dict[str, LongFile] = {
    "audio": LongFile(write_audio, 60, 3 * 3600, "seconds"),
    "image": LongFile(write_image, 1024, 8192, "pixels a side"),
    "video": LongFile(write_video, 10, 600, "seconds"),
    "text": LongFile(write_text, 500, 50_000, "words"),
    "graph": LongFile(write_graph, 512, 5000, "nodes"),
    "sensors": LongFile(write_series, 60, 3600, "seconds"),
    "points": LongFile(write_points, 512, 100_000, "points"),
    "table": LongFile(write_rows, 100, 20_000, "rows"),
}
