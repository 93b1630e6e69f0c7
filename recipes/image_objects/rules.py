"""Objects in pictures by rules made by hand, with the numbers that did best on validation scenes of 64 × 64 pixels."""

from gestalt.modalities.image import Felzenszwalb, OnCells, Slic


def felzenszwalb(stride: int = 1, objects: int = 256) -> OnCells:
    """Felzenszwalb's segments on cells of `stride` pixels, the `objects` largest ones."""
    return OnCells(Felzenszwalb(1000.0, sigma=0.3, min_size=60), stride, objects)


def slic() -> OnCells:
    """SLIC's superpixels, about 16 of them, pixel by pixel."""
    return OnCells(Slic(16, 20.0), stride=1, objects=256)
