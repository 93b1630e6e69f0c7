"""Motion: arrays of time × 3 channels, as an accelerometer gives them, from .npy files."""

import html

import numpy as np
import torch
from torch import nn

import gestalt
from gestalt.core.modality.colours import colour_of

STEP, CHANNELS = 8, 3  # samples per element, channels per sample


def load(path):  # a ValueError says what is wrong with a file
    series = np.load(path, allow_pickle=False)
    if series.ndim != 2 or series.shape[1] != CHANNELS or len(series) < 4 * STEP or not np.isfinite(series).all():
        raise ValueError(f"must hold at least {4 * STEP} samples × {CHANNELS} finite channels, got {series.shape}")
    return series.astype(np.float32)


class Conv(gestalt.AbstractEncoder):
    def __init__(self, dim=32):
        super().__init__()
        self.dim = dim
        self.layers = nn.ModuleList(nn.Conv1d(inputs, dim, 3, padding=1) for inputs in (STEP * CHANNELS, dim))

    def forward(self, data):
        values = data.values
        for layer in self.layers:  # padding is zero after every layer, so it reaches no element
            values = layer(values.mT).mT.relu() * data.valid[..., None]
        return data.with_values(values)


class Crop(gestalt.AbstractTransform):  # moves: position in the series = position in the view + start
    def __call__(self, series, rng):
        size = 3 * len(series) // 4
        start = int(rng.integers(len(series) - size + 1))
        return series[start : start + size], gestalt.Affine.of(scale=[1.0], offset=[float(start)])


class Gain(gestalt.AbstractTransform):  # moves nothing
    def __call__(self, series, rng):
        return series * rng.uniform(0.7, 1.4, (1, CHANNELS)).astype(np.float32), gestalt.Affine.identity(axes=1)


class Blank(gestalt.AbstractTransform):  # hides two elements' worth of samples, and says so
    def __call__(self, series, rng):
        start, blanked = int(rng.integers(len(series) - 2 * STEP)), series.copy()
        blanked[start : start + 2 * STEP] = 0
        return blanked, gestalt.Affine.identity(axes=1).hiding([float(start)], [float(start + 2 * STEP)])


def unchanged(_):
    return gestalt.Affine.identity(axes=1)


class Motion(gestalt.AbstractModality):
    name, element, tolerance = "motion", "step", 1  # a crop need not start where an element does
    encoders = {"raw": lambda dim=STEP * CHANNELS: gestalt.Identity(dim), "conv": Conv}
    transforms = {"crop": Crop(), "gain": Gain(), "blank": Blank()}
    steps = [(1.0, Crop()), (0.8, Gain()), (0.5, Blank())]
    views = gestalt.Views(gestalt.Chain(unchanged), (gestalt.Chain(unchanged, steps),) * 2)

    def read(self, paths, skip_bad=False):
        return gestalt.read_files(paths, {".npy"}, load, skip_bad, "motion series")

    def collate(self, items):
        whole = [torch.from_numpy(series[: len(series) // STEP * STEP]) for series in items]
        return gestalt.FeatureMap.padded([series.reshape(-1, STEP * CHANNELS) for series in whole], step=float(STEP))

    def computed(self, series):  # numbers that a network can learn to predict: --method computed
        return {f"number {n}": float(value) for n, value in enumerate([*series.mean(axis=0), *series.std(axis=0)])}

    def render(self, series, found, grid, truth=()):
        cells = "".join(
            f'<rect x="{place}" width="1" height="4" fill="{colour_of(number)}"/>'
            for place, number in enumerate(found.tolist())
        )
        names = ", ".join(f"{html.escape(name)} {first}–{last}" for name, (first, last) in truth)
        svg = f'<svg viewBox="0 0 {len(found)} 4" width="600">{cells}</svg>'
        return f"<figure>{svg}<figcaption>{names}</figcaption></figure>"

    def transplant(self, host, donor, part, rng):  # optional: a stretch of another series, stronger or weaker
        inside = np.flatnonzero(part.under(gestalt.Grid.uniform((len(donor),), (1.0,)), len(donor)) >= 0)
        size = int(np.argmax(np.diff(inside, append=-1) != 1)) + 1 if len(inside) else 0  # up to the first break
        if not 0 < size <= len(host) // 2:
            return None
        first, start = int(inside[0]), int(rng.integers(len(host) - size + 1))
        composed, owner = host.copy(), torch.zeros(len(host), dtype=torch.long)
        composed[start : start + size] = donor[first : first + size] * np.float32(rng.uniform(0.7, 1.4))
        owner[start : start + size] = 1  # of the donor; 0 is of the host
        origin = gestalt.Affine.of(scale=[1.0], offset=[float(first - start)])
        masks = gestalt.ItemMasks(owner, gestalt.Grid.uniform((len(host),), (1.0,)))
        return gestalt.Transplant(composed, gestalt.Affine.identity(axes=1), origin, masks)

    def specimens(self):
        return [specimen(elements, seed) for seed, elements in enumerate((24, 30, 18))]


def specimen(elements, seed):  # at rest, then shaken, then at rest again
    labels = np.arange(elements) * 3 // elements
    level = np.repeat(np.where(labels == 1, 2.0, 0.2), STEP)[:, None]
    series = (level * np.random.default_rng(seed).normal(size=(elements * STEP, CHANNELS))).astype(np.float32)

    def mark(element):  # the same series, changed at one element and nowhere else
        marked = series.copy()
        marked[element * STEP : (element + 1) * STEP] += 5
        return marked

    first, last = np.flatnonzero(np.repeat(labels == 1, STEP))[[0, -1]].tolist()
    return gestalt.Specimen(series, torch.from_numpy(labels), mark, (("shaken", (first, last + 1)),))


MODALITY = Motion()
