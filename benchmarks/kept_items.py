"""What it costs to read an item from what a run keeps of it (`--kept-items`), against decoding it anew."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
import tyro

from gestalt.core.data.items import AbstractItems
from gestalt.core.modality.plugins import load_modality
from gestalt.core.training.kept_items import KeptItems

from .measuring import in_turn, machine, ratios, report

COUNT = 16
"""Items that are read of each kind."""
RATE = 44_100


@final
@dataclass(frozen=True)
class Options:
    """Files of two data types, read again and again in turn; medians of ratios."""

    repeats: int = 5
    """Rounds."""
    out: Path | None = None
    """Also write the result here, as JSON."""


def photographs(folder: Path) -> None:
    """JPEGs of twelve megapixels: skimage's photographs, enlarged."""
    from PIL import Image
    from skimage import data

    seen = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]  # type: ignore[no-untyped-call]
    for number in range(COUNT):
        Image.fromarray(seen[number % len(seen)]).resize((4000, 3000)).save(folder / f"{number}.jpg", quality=90)


def recordings(folder: Path) -> None:
    """Ogg Vorbis at 44.1 kHz, a minute each: noise that swells and fades."""
    import soundfile

    rng = np.random.default_rng(0)
    for number in range(2):
        with soundfile.SoundFile(str(folder / f"{number}.ogg"), "w", RATE, 1) as file:
            for _ in range(60):
                samples = 0.1 * rng.standard_normal(RATE) * np.sin(np.linspace(0, np.pi, RATE))
                file.write(samples.astype(np.float32))


KINDS = {
    "pictures: JPEG of 4000 × 3000": ("image", photographs),
    "sound: windows of Ogg Vorbis, from 44.1 to 16 kHz": ("audio", recordings),
}


def main(options: Options) -> None:
    """Measure and report."""
    torch.set_num_threads(1)
    device, rows, kept_ratios = torch.device("cpu"), list[list[str]](), dict[str, float]()
    for title, (name, write) in KINDS.items():
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "data"
            folder.mkdir()
            write(folder)
            items = load_modality(name).read([folder]).items
            kept = KeptItems(items, Path(place) / "items.sqlite", 10**10)
            tasks = {"anew": lambda items=items: _all(items), "kept": lambda kept=kept: _all(kept)}
            seconds = in_turn(tasks, options.repeats, device)
            kept.close()
            size = (Path(place) / "items.sqlite").stat().st_size
            count = min(len(items), COUNT)
        over = ratios(seconds["kept"], seconds["anew"])
        anew, again = (1000 * float(np.median(seconds[which])) / count for which in ("anew", "kept"))
        rows.append([title, f"{anew:.2f}", f"{again:.2f}", over.show(3), f"{size / count / 1000:.0f}"])
        kept_ratios[title] = over.median
    heading = ["one item", "decoded, ms", "kept, ms", "kept over decoded", "kept, kB an item"]
    report("Items that are kept", heading, rows, machine(device), options.out, kept_ratios)


def _all(items: AbstractItems[Any]) -> None:
    for index in range(min(len(items), COUNT)):
        items.read(index, np.random.default_rng(0))


if __name__ == "__main__":
    main(tyro.cli(Options))
