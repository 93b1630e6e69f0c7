"""Small data of every modality on disk, with a run of a network as it is before training: for types of objects."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import soundfile
import torch
from PIL import Image as Pillow

from gestalt.core.components.settings import accepted
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.inferred import inferred_settings
from gestalt.core.modality.plugins import load_modality
from gestalt.core.networks.encoder import Network
from gestalt.core.networks.heads import MLP
from gestalt.core.runs.model import Model
from gestalt.core.runs.saving import save
from gestalt.modalities.audio import Audio
from gestalt.modalities.graph import MODALITY as GRAPH
from gestalt.modalities.image import Image
from gestalt.modalities.points import MODALITY as POINTS
from gestalt.modalities.sensors import Sensors
from gestalt.modalities.table import MODALITY as TABLE
from gestalt.modalities.table import TableModality
from gestalt.modalities.text import Text
from gestalt.modalities.video import Video

from .recordings import song
from .series_files import write_table
from .tiny_runs import tiny_model
from .video_files import write

HOSTILE = "=1+1 <img src=x onerror=alert(1)> 语"
"""A file name that a spreadsheet would compute, and a page run."""


@final
@dataclass(frozen=True)
class Case:
    """A modality with an encoder, and what writes its data; `masks` are those that were written, for training."""

    modality: Callable[[], AbstractModality[Any]]
    encoder: str
    write: Callable[[Path], None]
    masks: tuple[str, ...]
    shown: str

    def run(self, folder: Path) -> Path:
        """The folder of a run; data lie in `data` beside it."""
        (folder / "data").mkdir()
        self.write(folder / "data")
        modality = self.modality()
        save(folder / "run", self.model(modality, folder / "data"), self.encoder)
        return folder / "run"

    def model(self, modality: AbstractModality[Any], data: Path) -> Model[Any]:
        """A network as it is before training."""
        if "+" in modality.name:
            return _joint(modality)
        items = modality.read([data]).items
        if isinstance(modality, TableModality):  # what columns are follows from the data
            modality = modality.of_items(items)
        own = inferred_settings(modality, self.encoder, items) if modality.name in ("graph", "table") else {}
        wanted = {"width": 16, "stride": 4, **own} if modality.name == "video" else {"width": 16, **own}
        return tiny_model(modality, self.encoder, 3, **accepted(modality.encoders[self.encoder], wanted))


def _joint(modality: AbstractModality[Any]) -> Model[Any]:
    torch.manual_seed(0)
    encoder = modality.encoders["joint"]()
    raw = ConcatFeatures(modality.encoders["raw"](), 0.5)
    finder = ObjectFinder(KMeans(3, spherical=False), "hidden", None, raw)
    return Model(modality, Network(encoder, MLP(encoder.dim, 16, 8)).eval(), {}, finder)


def _sounds(folder: Path) -> None:
    for number, name in enumerate((HOSTILE, "a", "b")):
        soundfile.write(folder / f"{name}.wav", song(3.5, 400.0 + 300 * number), 16_000)


def _pictures(folder: Path) -> None:
    for number, name in enumerate((HOSTILE, "a", "b")):
        pixels = np.zeros((32, 40, 3), np.uint8)
        pixels[6:20, 4 + number : 22] = (220, 40, 10 * number)
        pixels[18:30, 24:36] = (20, 60, 230)
        Pillow.fromarray(pixels).save(folder / f"{name}.png")


def _clips(folder: Path) -> None:
    for name in (HOSTILE, "a"):
        write(folder / f"{name}.mp4", [number / 4 for number in range(9)])


def _texts(folder: Path) -> None:
    lines = ["The old man saw a big white boat.", "=A boat <b>knew</b> the sea & the man.", "Two men sail."]
    (folder / f"{HOSTILE}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _molecules(folder: Path) -> None:
    (folder / f"{HOSTILE}.smi").write_text("CCO ethanol\nc1ccccc1O phenol\nCC(=O)Oc1ccccc1 =ester\n", encoding="utf-8")


def _series(folder: Path) -> None:
    for number, name in enumerate((HOSTILE, "a")):
        write_table(folder / f"{name}.csv", seed=number)


def _points(folder: Path) -> None:
    for number, specimen in enumerate(POINTS.specimens()):
        places = specimen.item.places.numpy() * specimen.item.scale
        np.save(folder / f"{number or HOSTILE}.npy", np.column_stack([places, specimen.item.features.numpy()]))


def _rows(folder: Path) -> None:
    lines = [f"{number},{20 + 3 * (number % 5)},{number % 3},=saw {number % 2}" for number in range(12)]
    (folder / f"{HOSTILE}.csv").write_text("\n".join(["id,height,=load,tool <b>", *lines]) + "\n", encoding="utf-8")


def _captioned(folder: Path) -> None:
    _pictures(folder)
    for path in sorted(folder.glob("*.png")):
        path.with_suffix(".txt").write_text("a red box and a blue box\n", encoding="utf-8")


CASES = {
    "audio": Case(lambda: Audio(seconds=2.0), "conv", _sounds, ("events.csv", "events.tsv", "labels"), "<audio"),
    "image": Case(lambda: Image(longest=64), "conv", _pictures, ("objects.json",), "gestalt-crop"),
    "video": Case(lambda: Video(seconds=1.0, rate=4.0, size=16), "conv", _clips, ("masks",), "gestalt-track"),
    "text": Case(Text, "conv", _texts, ("spans.jsonl", "spans.bio"), "<mark>"),
    "graph": Case(lambda: GRAPH, "gine", _molecules, ("parts.csv",), "gestalt-part"),
    "sensors": Case(lambda: Sensors(100.0, seconds=2.0), "conv", _series, ("events.csv",), "gestalt-stretch"),
    "points": Case(lambda: POINTS, "pointnet", _points, ("objects.csv",), "gestalt-piece"),
    "table": Case(lambda: TABLE, "mlp", _rows, ("objects.csv",), "gestalt-cells"),
    "image+text": Case(lambda: load_modality("image+text"), "joint", _captioned, (), "gestalt-crop"),
}
"""Every modality that ships, and a joint one."""
