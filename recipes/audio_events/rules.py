"""Sound events by hand-made rules: energy above a floor, cut where the spectrum changes.

The baseline that every learned segmentation has to beat. It sees one log-mel spectrogram at a
time, without training and without labels.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import binary_closing, binary_opening, percentile_filter
from scipy.signal import find_peaks

from gestalt.core.discovery.background import RemoveBackground
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import Along, ChangePoints
from gestalt.core.discovery.quiet_background import AlikeQuiet
from gestalt.modalities.audio.encoders import LogMel

LEAST = 0.45
"""What an event is louder by than the quietest part of its recording, at least, in 20 dB: 9 dB."""


@final
@dataclass(frozen=True)
class Rules:
    """The rules and their numbers.

    Attributes:
        hop: seconds from one frame to the next.
        floor_percentile: the floor is this percentile of the level around a frame, 0 to 100.
        floor_seconds: length of the stretch around a frame that the floor is taken from.
        margin: a frame is active when its level is this far above the floor, dB.
        prominence: a flux peak cuts when it stands out by this many standard deviations.
        shortest: shorter events and shorter gaps are removed, seconds.
    """

    hop: float
    floor_percentile: float = 15.0
    floor_seconds: float = 4.0
    margin: float = 3.0
    prominence: float = 1.5
    shortest: float = 0.064

    def frames(self, seconds: float) -> int:
        """`seconds` in frames, at least one."""
        return max(1, round(seconds / self.hop))


def change_points_finder(learned: float, divided: bool = True) -> ObjectFinder:
    """Exact change points in log-mel beside learned features of a weight, without the background.

    With a weight of 0 it is a rule: nothing that was learned counts.

    Args:
        learned: weight of learned features beside log-mel.
        divided: the background is what is not louder than what divides the moments of a recording (`AlikeQuiet`), or
            else what is near the quiet quarter.
    """
    raw = LogMel()
    grouper = Along(ChangePoints(penalty=0.03, objects=20, standardise=False))
    background = AlikeQuiet(raw, 0.05, 0.0, LEAST, divided=True) if divided else RemoveBackground(raw, 0.25, 1.5)
    return ObjectFinder(grouper, "hidden", background, ConcatFeatures(raw, learned))


def segment(log_mel: Float[np.ndarray, "frames bands"], rules: Rules) -> Int[np.ndarray, " frames"]:
    """Cut a spectrogram into events.

    Args:
        log_mel: natural logarithm of mel power `(frames, bands)`.
        rules: the numbers to use.

    Returns:
        `(frames,)`, int64: 0 for background, 1, 2, ... for the events in their order.
    """
    active = active_frames(log_mel, rules)
    starts = active & ~np.concatenate([[False], active[:-1]])
    starts |= active & flux_peaks(log_mel, rules)
    return np.where(active, np.cumsum(starts), 0).astype(np.int64)


def active_frames(log_mel: Float[np.ndarray, "frames bands"], rules: Rules) -> Bool[np.ndarray, " frames"]:
    """Frames whose level is above the floor `(frames,)`, bool."""
    levels = 10 * np.log10(np.exp(log_mel).sum(axis=1))
    floor = percentile_filter(levels, rules.floor_percentile, size=rules.frames(rules.floor_seconds), mode="reflect")
    shortest = np.ones(rules.frames(rules.shortest), dtype=bool)
    active = levels > floor + rules.margin
    return binary_opening(binary_closing(active, shortest) | active, shortest)


def flux_peaks(log_mel: Float[np.ndarray, "frames bands"], rules: Rules) -> Bool[np.ndarray, " frames"]:
    """Frames at which the spectrum suddenly gains energy `(frames,)`, bool."""
    flux = np.maximum(np.diff(log_mel, axis=0, prepend=log_mel[:1]), 0.0).mean(axis=1)
    peaks, _ = find_peaks(
        flux, prominence=rules.prominence * (flux.std() + 1e-9), distance=rules.frames(rules.shortest)
    )
    found = np.zeros(len(flux), dtype=bool)
    found[peaks] = True
    return found
