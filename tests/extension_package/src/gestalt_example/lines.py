"""Lines of a line camera: one row of pixels × (red, green, blue) from .npy files."""

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor, nn

from gestalt import (
    AbstractEncoder,
    AbstractModality,
    AbstractTransform,
    Affine,
    Chain,
    FeatureMap,
    Identity,
    Reading,
    Specimen,
    Views,
    read_files,
)
from gestalt.core.components.ranges import Width, check_ranges
from gestalt.core.data.places import Places
from gestalt.core.modality.colours import colour_of

Line = Shaped[np.ndarray, "pixels 3"]
COLOURS, LEAST = 3, 16


def load(path: Path) -> Line:
    """One file.

    Raises:
        ValueError: if it holds no line.
    """
    line: Line = np.load(path, allow_pickle=False)
    if line.ndim != 2 or line.shape[1] != COLOURS or len(line) < LEAST or not np.isfinite(line).all():
        raise ValueError(f"must hold at least {LEAST} pixels × {COLOURS} finite colours, got {line.shape}")
    return np.asarray(line, np.float32)


@final
class Conv(AbstractEncoder):
    """Two convolutions along the line, each with a ReLU.

    Args:
        dim: length of the vectors.
    """

    def __init__(self, dim: Width = 32) -> None:
        super().__init__()
        self.dim = dim
        check_ranges(self)
        self.layers = nn.ModuleList(nn.Conv1d(inputs, dim, 5, padding=2) for inputs in (COLOURS, dim))

    def forward(self, data: FeatureMap) -> FeatureMap:
        """One vector per pixel; padding is set to zero after every layer, so it reaches no pixel."""
        values = data.values
        for layer in self.layers:
            values = layer(values.mT).mT.relu() * data.valid[..., None]
        return data.with_values(values)


def raw(dim: Width = COLOURS) -> Identity:
    """The colours themselves."""
    return Identity(dim)


@final
class Crop(AbstractTransform[Line]):
    """Three quarters of the line: position in the line = position in the view + start."""

    def __call__(self, line: Line, rng: np.random.Generator) -> tuple[Line, Affine]:
        """The part, and where it begins."""
        size = 3 * len(line) // 4
        start = int(rng.integers(len(line) - size + 1))
        return line[start : start + size], Affine.of(scale=[1.0], offset=[float(start)])


@final
class Exposure(AbstractTransform[Line]):
    """Another brightness of each colour; nothing moves."""

    def __call__(self, line: Line, rng: np.random.Generator) -> tuple[Line, Affine]:
        """The line in another light."""
        return line * rng.uniform(0.7, 1.4, (1, COLOURS)).astype(np.float32), unchanged(line)


def unchanged(line: Line) -> Affine:  # noqa: ARG001
    """The correspondence of a line to itself."""
    return Affine.identity(axes=1)


def chain(*steps: tuple[float, AbstractTransform[Line]]) -> Chain[Line]:
    """Transforms in a row, each with its chance."""
    return Chain(unchanged, steps)


@final
class Lines(AbstractModality[Line]):
    """Rows of pixels; an element is a pixel."""

    name: ClassVar[str] = "lines"
    element: ClassVar[str] = "pixel"

    def __init__(self) -> None:
        self.encoders = {"raw": raw, "conv": Conv}
        self.transforms = {"crop": Crop(), "exposure": Exposure()}
        self.views = Views(chain(), (chain((1.0, Crop()), (0.8, Exposure())),) * 2)

    def read(self, paths: Sequence[Path], skip_bad: bool = False) -> Reading[Line]:
        """Every .npy file is a line."""
        return read_files(paths, {".npy"}, load, skip_bad, "lines")

    def collate(self, items: Sequence[Line]) -> FeatureMap:
        """The colours as features, on a grid of one axis, in pixels."""
        return FeatureMap.padded([torch.from_numpy(line) for line in items], step=1.0)

    def render(
        self,
        item: Line,
        found: Int[Tensor, " elements"],
        grid: Places | None,  # noqa: ARG002
        truth: Sequence[tuple[str, Any]] = (),
    ) -> str:
        """The line above the objects of its pixels, and the names of the true ones with their places."""
        shades = (f"rgb({r} {g} {b})" for r, g, b in (255 * item.clip(0, 1)).astype(int).tolist())
        rows = zip(shades, map(colour_of, found.tolist()), strict=True)
        cells = "".join(
            f'<rect x="{x}" width="1" height="4" fill="{shade}"/>'
            f'<rect x="{x}" y="4" width="1" height="2" fill="{colour}"/>'
            for x, (shade, colour) in enumerate(rows)
        )
        names = ", ".join(f"{html.escape(name)} {first}–{last}" for name, (first, last) in truth)
        svg = f'<svg viewBox="0 0 {len(item)} 6" width="600">{cells}</svg>'
        return f"<figure>{svg}<figcaption>{names}</figcaption></figure>"

    def specimens(self) -> Sequence[Specimen[Line]]:
        """A red thing before a grey wall, three times."""
        return [specimen(pixels, seed) for seed, pixels in enumerate((24, 32, 18))]


def specimen(pixels: int, seed: int) -> Specimen[Line]:
    """A line whose middle third is a thing."""
    labels = (np.arange(pixels) * 3 // pixels == 1).astype(int)
    plain = np.where(labels[:, None] == 1, (0.8, 0.2, 0.1), (0.4, 0.4, 0.4))
    line = (plain + 0.02 * np.random.default_rng(seed).normal(size=plain.shape)).astype(np.float32)

    def mark(element: int) -> Line:
        marked = line.copy()
        marked[element] += 5
        return marked

    first, last = np.flatnonzero(labels)[[0, -1]].tolist()
    return Specimen(line, torch.from_numpy(labels), mark, (("thing", (first, last)),))


MODALITY = Lines()
