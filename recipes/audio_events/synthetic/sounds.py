"""Single sounds: reading them, and keeping those to learn from apart from those to test on."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import soundfile

from .levels import Waveform


@final
@dataclass(frozen=True)
class Sound:
    """One recorded, changed or synthesised sound.

    Attributes:
        samples: waveform `(samples,)`, float32.
        name: identity of the sound; two events of the same name are the same sound.
        family: coarse kind, for instance `"snare"`.
        source: where it was recorded; sounds of one source never fall on both sides of a split.
    """

    samples: Waveform
    name: str
    family: str
    source: str = ""


@final
@dataclass(frozen=True)
class Split:
    """Disjoint groups of sounds: to learn from, to tune on, and to test on once."""

    train: tuple[Sound, ...]
    validation: tuple[Sound, ...]
    test: tuple[Sound, ...]


def load_sounds(folder: Path, kind: str, sample_rate: int = 16_000) -> tuple[Sound, ...]:
    """Read the sounds of one kind that `folder/index.csv` lists.

    Args:
        folder: holds `index.csv` (columns file, kind, family, source) and the files.
        kind: `"event"` or `"background"`.
        sample_rate: the rate every file must have, Hz.
    """
    with (folder / "index.csv").open(newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["kind"] == kind]
    return tuple(_read(folder / row["file"], row["family"], row["source"], sample_rate) for row in rows)


def _read(path: Path, family: str, source: str, sample_rate: int) -> Sound:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    if rate != sample_rate:
        raise ValueError(f"{path} has {rate} samples per second, expected {sample_rate}")
    return Sound(samples.mean(axis=1), path.stem, family, source)


def split_sounds(sounds: Sequence[Sound], seed: int, test: int, validation: int) -> Split:
    """Split by sound: about `test` and `validation` sounds, the others to learn from.

    Sounds of the same source stay together.
    """
    groups: dict[str, list[Sound]] = {}
    for sound in sounds:
        groups.setdefault(sound.source or sound.name, []).append(sound)
    names = sorted(groups)
    np.random.default_rng(seed).shuffle(names)
    ordered = [sound for name in names for sound in groups[name]]
    ends = [_group_end(ordered, test), _group_end(ordered, test + validation)]
    return Split(
        train=tuple(ordered[ends[1] :]),
        validation=tuple(ordered[ends[0] : ends[1]]),
        test=tuple(ordered[: ends[0]]),
    )


def _group_end(ordered: Sequence[Sound], position: int) -> int:
    """First position from `position` on that does not cut through a source."""
    while (
        0 < position < len(ordered)
        and ordered[position].source
        and ordered[position].source == ordered[position - 1].source
    ):
        position += 1
    return position
