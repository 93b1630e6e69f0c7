"""Are copies found? A short training, a random network and plain features: `python -m benchmarks.copies --help`.

Trained on shipped sounds or pictures, asked about others. Of these, a random half chooses the threshold at the error
rate, and copies of the other half, made by the views of the training and by every transform alone, are looked for among
all of them; so are copies in other formats, cut, shrunk and compressed.
"""

import math
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
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
from gestalt.core.search.threshold import chosen_threshold, measured, measured_on
from gestalt.modalities.audio import Audio
from gestalt.modalities.image import Image

from .encoded_copies import ENCODED, EncodedCopies

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


def scores(
    name: str, model: Model[Any], files: list[Path], folder: Path, seed: int, options: Options
) -> tuple[list[float], list[float]]:
    """One row of the table, and one of that of copies in other formats: recall and precision of each."""
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
    every = EncodedCopies(model, index, asked, folder.with_name(f"{folder.name}-copies"))
    encoded = [measured_on([every.by(write)], index, "item", threshold.value)[0] for write in ENCODED[name].values()]
    others = [number for one in encoded for number in (one.recall, one.precision)]
    return [*row, threshold.equal_error_rate], others


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
    """Print two tables for every modality."""
    for name in options.modalities:
        rows: dict[str, list[list[float]]] = {}
        others: dict[str, list[list[float]]] = {}
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            train, test = DATA[name](folder, options)
            for seed in range(options.seeds):
                for key, model in models(name, train, folder, seed, options).items():
                    row, encoded = scores(name, model, test, folder / f"{key}-{seed}", seed, options)
                    rows.setdefault(key, []).append(row)
                    others.setdefault(key, []).append(encoded)
                    print(name, seed, key, *(f"{score:.3f}" for score in row + encoded), flush=True)
        print(f"\n{name}, {len(test)} files, mean ± standard deviation over {options.seeds} seeds")
        table(COLUMNS, rows)
        print("\nCopies in other formats")
        print(f"| copies | {' | '.join(f'recall, {key} | precision' for key in others)} |")
        for place, kind in enumerate(ENCODED[name]):
            own = [number for several in others.values() for number in spread(several)[2 * place : 2 * place + 2]]
            print(f"| {kind} | {' | '.join(own)} |")


def table(columns: Sequence[str], rows: Mapping[str, Sequence[Sequence[float]]]) -> None:
    """Print it. Precision is not there where nothing was found."""
    print(f"| vectors | {' | '.join(columns)} |")
    for key, several in rows.items():
        print(f"| {key} | {' | '.join(spread(several))} |")


def spread(several: Sequence[Sequence[float]]) -> list[str]:
    """Mean and standard deviation of every column over the seeds."""
    cells = list[str]()
    for own in zip(*several, strict=True):
        there = [number for number in own if not math.isnan(number)]
        cells.append(f"{statistics.fmean(there):.3f} ± {statistics.pstdev(there):.3f}" if there else "–")
    return cells


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
