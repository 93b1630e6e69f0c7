"""Objects in pictures by rules made by hand, with the numbers that did best on validation scenes of 64 × 64 pixels."""

from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import Regions
from gestalt.core.discovery.regions import GroupRegions
from gestalt.modalities.image import Felzenszwalb, OnCells, Slic
from gestalt.modalities.image.encoders import ColourTexture
from gestalt.modalities.image.superpixels import Superpixels


def felzenszwalb(stride: int = 1, objects: int = 256) -> OnCells:
    """Felzenszwalb's segments on cells of `stride` pixels, the `objects` largest ones."""
    return OnCells(Felzenszwalb(1000.0, sigma=0.3, min_size=60), stride, objects)


def slic() -> OnCells:
    """SLIC's superpixels, about 16 of them, pixel by pixel."""
    return OnCells(Slic(16, 20.0), stride=1, objects=256)


def colours_finder() -> ObjectFinder:
    """Superpixels merged by their colours, by Ward's cost."""
    colours = ConcatFeatures(ColourTexture(stride=2, textures=False), 0.0)
    return ObjectFinder(
        Regions(20.0, objects=64), "hidden", extra_features=colours, regions=GroupRegions(Superpixels(), unit=False)
    )
