"""Things in videos by hand-made rules: what differs from the still background, and segments of like colour.

The baselines that every learned segmentation has to beat; they see one clip at a time, without training or labels.
"""

import warnings
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from scipy.ndimage import binary_closing, binary_fill_holes, binary_opening, gaussian_filter, label, shift
from torch import Tensor

from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import Regions
from gestalt.core.discovery.regions import GroupRegions
from gestalt.modalities.video.encoders import Colours
from gestalt.modalities.video.spanning_tree import tree_segments
from gestalt.modalities.video.supervoxels import LargestSupervoxels, Supervoxels


@final
@dataclass(frozen=True)
class Rules:
    """The rules and their numbers, chosen on validation scenes.

    Attributes:
        smooth: pixels, deviation of the blur before frames are compared.
        margin: what moves differs from the background by more than this, of 1.
        smallest: share of the clip's pixels below which a region is no object.
        tubes: number of supervoxels.
        compactness: of supervoxels: large values make them square.
        scale: of supervoxels by a graph of colours.
        least: pixels of these in all frames together.
        penalty: at which these merge by their colours.
    """

    smooth: float = 1.0
    margin: float = 0.15
    smallest: float = 0.002
    tubes: int = 20
    compactness: float = 10.0
    scale: float = 500.0
    least: int = 60
    penalty: float = 160.0


def moving_regions(frames: UInt8[Tensor, "time 3 height width"], rules: Rules) -> Int[Tensor, "time height width"]:
    """Connected regions, over space and time, that differ from the background; −1 elsewhere.

    Background subtraction with the camera's movement undone: frames are moved onto the first one by the shifts at
    which neighbours agree best (phase correlation), and their median is the background.
    """
    from skimage.registration import phase_cross_correlation

    smooth = np.stack([gaussian_filter(frame, (0, rules.smooth, rules.smooth)) for frame in frames.float().numpy()])
    smooth /= 255
    grey = smooth.mean(axis=1)
    camera = [np.zeros(2)]
    for before, after in pairwise(grey):
        found: Any = phase_cross_correlation(before, after, upsample_factor=10)  # type: ignore[no-untyped-call]
        camera.append(camera[-1] + found[0])
    laid = np.stack([_moved(frame, by, np.nan) for frame, by in zip(smooth, camera, strict=True)])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN", RuntimeWarning)  # seen in no frame once laid on the first
        background = np.nanmedian(laid, axis=0)
    differs = np.nan_to_num(np.abs(laid - background))
    back = np.stack([_moved(frame, -by, 0.0) for frame, by in zip(differs, camera, strict=True)]).max(axis=1)
    moves = binary_opening(binary_closing(back > rules.margin, np.ones((1, 5, 5), bool)), np.ones((1, 3, 3), bool))
    filled = np.stack([binary_fill_holes(frame) for frame in moves])
    numbers = np.asarray(label(filled, np.ones((3, 3, 3)))[0])
    sizes = np.bincount(numbers.ravel())
    numbers[np.isin(numbers, np.flatnonzero(sizes < rules.smallest * numbers.size))] = 0
    return torch.from_numpy(numbers.astype(np.int64)) - 1


def slic_supervoxels(frames: UInt8[Tensor, "time 3 height width"], rules: Rules) -> Int[Tensor, "time height width"]:
    """SLIC over space and time: compact boxes of like colour, a frame counting as much as half a pixel."""
    from skimage.segmentation import slic

    volume = frames.permute(0, 2, 3, 1).numpy()
    found = slic(
        volume, rules.tubes, rules.compactness, sigma=rules.smooth, spacing=(0.5, 1, 1), start_label=0, channel_axis=-1
    )
    return torch.from_numpy(found.astype(np.int64))


def graph_supervoxels(frames: UInt8[Tensor, "time 3 height width"], rules: Rules) -> Int[Tensor, "time height width"]:
    """Felzenszwalb and Huttenlocher's segments over space and time: the rule that round 0 learns from."""
    colours = frames.permute(0, 2, 3, 1).double().numpy()
    return torch.from_numpy(tree_segments(colours, rules.scale, rules.least))


def fine() -> Supervoxels:
    """The same segments, for what merges them."""
    return Supervoxels(Rules().scale, Rules().least)


def first_segments() -> LargestSupervoxels:
    """The same segments, as a rule for training."""
    return LargestSupervoxels(fine())


def colours_finder() -> ObjectFinder:
    """The same segments merged by their colours and textures, by Ward's cost."""
    colours, regions = ConcatFeatures(Colours(cell=2), 0.0), GroupRegions(fine(), unit=False)
    return ObjectFinder(Regions(Rules().penalty, objects=64), "hidden", extra_features=colours, regions=regions)


def _moved(
    frame: Float[np.ndarray, "3 height width"], by: Float[np.ndarray, "2"], beyond: float
) -> Float[np.ndarray, "3 height width"]:
    moved: Float[np.ndarray, "3 height width"] = shift(frame, (0.0, *by), order=1, mode="constant", cval=beyond)
    return moved
