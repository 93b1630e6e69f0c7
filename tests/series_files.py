"""Small series of many channels with known stretches, and the forms in which people have them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

STEP, RATE = 16, 100
"""Samples of an element, and samples per second."""
NAMES = ("x", "y", "pressure")


def stretches(seed: int = 0, elements: int = 48, kinds: Sequence[int] = (0, 1, 2, 0)) -> tuple[np.ndarray, np.ndarray]:
    """Samples × three channels, and the kind of behaviour of every sample: rest, slow swings, fast ones.

    The third channel has other units than the others, as sensors do.
    """
    rng = np.random.default_rng(seed)
    kind = np.repeat(np.array(kinds)[np.arange(elements) * len(kinds) // elements], STEP)
    time = np.arange(len(kind)) / RATE
    slow, fast = np.sin(2 * np.pi * 3 * time), np.sin(2 * np.pi * 17 * time)
    swing = np.where(kind == 1, slow, np.where(kind == 2, 0.6 * fast, 0.0))
    values = np.stack([swing, 0.5 * swing, 1e5 + 20 * swing], axis=1)
    return values + rng.standard_normal(values.shape) * (0.05, 0.05, 2.0), kind


def write_table(path: Path, seed: int = 0, elements: int = 48) -> np.ndarray:
    """A CSV with a column of time, three channels, and a column of words; its values."""
    values, _ = stretches(seed, elements)
    rows = [f"{number / RATE:.2f},{x:.5f},{y:.5f},{z:.3f},walk" for number, (x, y, z) in enumerate(values.tolist())]
    path.write_text("\n".join([f"time,{','.join(NAMES)},activity", *rows]) + "\n", encoding="utf-8")
    return values
