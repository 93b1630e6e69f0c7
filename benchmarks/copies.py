"""Are copies found? A short training, a random network and plain features: `python -m benchmarks.copies --help`.

Trained on shipped sounds or pictures, asked about others. Of these, a random half chooses the threshold at the error
rate, and copies of the other half, made by the views of the training and by every transform alone, are looked for among
all of them.
"""

import math
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, final

import numpy as np
import soundfile
import torch
import tyro
from PIL import Image as Picture

import gestalt
from gestalt.core.components.settings import settings_of
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.inferred import plain_encoder
from gestalt.core.networks.encoder import Network
from gestalt.core.runs.model import Model
from gestalt.core.search.copies import VIEWS
from gestalt.core.search.threshold import chosen_threshold, measured
from gestalt.modalities.audio import Audio
from gestalt.modalities.image import Image

COLUMNS = ("recall, views", "precision, views", "recall, single transforms", "precision, single transforms", "EER")


@final
@dataclass(frozen=True)
class Options:
    """Recall and precision of near-duplicates on copies that are known, by what the vectors come from."""

    modalities: tuple[str, ...] = ("audio", "image")
    """Which of them: audio, image."""
    seeds: int = 3
    """Trainings, random networks, and draws of the sample and the copies."""
    steps: int = 80
    """Of each training, on 16 items each."""
    method: str = "simclr"
    """By which it is trained."""
    error_rate: float = 0.01
    """Of the threshold."""
    pictures: int = 300
    """Pictures that are trained on, and as many that are asked about."""


def sounds(_: Path, __: Options) -> tuple[list[Path], list[Path]]:
    """The shipped sounds of half a second or more, every other one for training."""
    folder = Path(str(resources.files("gestalt.recipes.samples") / "audio"))
    files = [path for path in sorted(folder.glob("*.flac")) if soundfile.info(path).duration >= 0.5]
    return files[::2], files[1::2]


def clothes(folder: Path, options: Options) -> tuple[list[Path], list[Path]]:
    """Shipped pictures of clothing, from the training and from the test part."""
    source = Path(str(resources.files("gestalt.recipes.samples") / "image" / "fashion_items.npz"))
    found = []
    with np.load(source) as arrays:
        for part in ("train", "test"):
            files = [folder / f"{part}-{number:04d}.png" for number in range(options.pictures)]
            for file, cells in zip(files, arrays[f"{part}_images"], strict=False):
                Picture.fromarray(cells).resize((56, 56)).save(file)
            found.append(files)
    return found[0], found[1]


DATA = {"audio": sounds, "image": clothes}
MADE: dict[str, Callable[[], AbstractModality[Any]]] = {"audio": partial(Audio, sample_rate=16_000), "image": Image}


def scores(model: Model[Any], files: list[Path], folder: Path, seed: int, options: Options) -> list[float]:
    """One row of the table."""
    index = replace(model, finder=None).index(files, folder)
    sample = np.random.default_rng(seed).permutation(index.chosen("items").nonzero()[0])
    learned, asked = np.sort(sample[::2]), np.sort(sample[1::2])
    threshold = chosen_threshold(model, index, "item", learned, options.error_rate, seed)
    found = measured(model, index, "item", asked, threshold.value, seed)
    row = []
    for views in (True, False):
        own = [one for one in found if one.name.startswith(VIEWS) == views]
        row.append(statistics.fmean(one.recall for one in own))
        row.append(statistics.fmean([one.precision for one in own if not math.isnan(one.precision)] or [math.nan]))
    return [*row, threshold.equal_error_rate]


def models(name: str, train: list[Path], folder: Path, seed: int, options: Options) -> dict[str, Model[Any]]:
    """The three that are compared."""
    training = gestalt.Training(steps=options.steps, batch=16, seed=seed, workers=0, accelerator="cpu")
    trained = gestalt.train(
        train, modality=MADE[name](), method=options.method, out=folder / f"{name}-{seed}", training=training
    )
    modality = trained.modality
    encoder = next(key for key in modality.encoders if key != "raw")
    torch.manual_seed(seed)
    random = modality.encoders[encoder](**settings_of(trained.encoder, modality.encoders[encoder]))
    plain = plain_encoder(modality, modality.read(train).items)
    others = {"random network": random, "plain features": plain}
    return {f"trained by {options.method}": trained} | {
        key: Model(modality, Network(one).eval(), {}) for key, one in others.items()
    }


def main(options: Options) -> None:
    """Print a table for every modality."""
    for name in options.modalities:
        rows: dict[str, list[list[float]]] = {}
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            train, test = DATA[name](folder, options)
            for seed in range(options.seeds):
                for key, model in models(name, train, folder, seed, options).items():
                    row = scores(model, test, folder / f"{key}-{seed}", seed, options)
                    rows.setdefault(key, []).append(row)
                    print(name, seed, key, *(f"{score:.3f}" for score in row), flush=True)
        print(f"\n{name}, {len(test)} files, mean ± standard deviation over {options.seeds} seeds")
        print(f"| vectors | {' | '.join(COLUMNS)} |")
        for key, several in rows.items():
            cells = [
                f"{statistics.fmean(own):.3f} ± {statistics.pstdev(own):.3f}" for own in zip(*several, strict=True)
            ]
            print(f"| {key} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
