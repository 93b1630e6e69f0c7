"""How good answers are: whose sound is it, where is it, when does it begin, which picture belongs to which sound."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from scipy.signal import find_peaks
from torch import Tensor

from gestalt.core.data.grid import Grid
from gestalt.core.evaluation import Intervals, event_f1, retrieval
from gestalt.core.evaluation.grounding import consensus_iou, pointing_game

from .answers import AFTER, BEFORE, Answers
from .synthetic.scenes import Scene

LASTS = 0.3
"""Seconds that an event counts for: an onset within a third of it, 0.1 s, makes an overlap of ½."""
WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Of what the picture says of a moment beside what the sound says: the best on further training scenes is taken."""
LEVELS = tuple(0.5 + 0.25 * step for step in range(19))
"""From which a moment counts, in deviations; chosen likewise."""


@final
@dataclass(frozen=True)
class Detector:
    """Moments are the peaks, at a level or above it, of flux · (1 − alone) + weight · what the picture says."""

    weight: float
    level: float

    def __call__(
        self, sound: Float[Tensor, "scenes moments"] | None, picture: Float[Tensor, "scenes moments"] | None
    ) -> Float[Tensor, "scenes moments"]:
        """The curve whose peaks count."""
        if sound is None or picture is None:
            only = picture if sound is None else sound
            assert only is not None
            return only
        return sound + self.weight * picture


def detector_for(
    sound: Float[Tensor, "scenes moments"] | None,
    picture: Float[Tensor, "scenes moments"] | None,
    when: Float[Tensor, " moments"],
    scenes: Sequence[Scene],
) -> Detector:
    """The weight and level of the greatest F1 on some scenes, which are none of those that are judged."""
    weights = WEIGHTS if sound is not None and picture is not None else (0.0,)
    able = [Detector(weight, level) for weight in weights for level in LEVELS]
    return max(able, key=lambda one: moments_f1(one(sound, picture), one.level, when, scenes))


def moments_f1(
    curve: Float[Tensor, "scenes moments"], level: float, when: Float[Tensor, " moments"], scenes: Sequence[Scene]
) -> float:
    """F1 of the onsets of sounds, each found within 0.1 s, one to one."""
    found = []
    for row in curve:
        peaks, _ = find_peaks(torch.nn.functional.pad(row, (1, 1)).numpy(), height=level, distance=3)
        found.append(_events(when[peaks - 1].tolist()))
    return event_f1(found, [_events([one.onset for one in scene.sounds]) for scene in scenes]).f1


def _events(onsets: Sequence[float]) -> Intervals:
    return Intervals.of([(onset, onset + LASTS) for onset in onsets])


def place_metrics(answers: Answers, scenes: Sequence[Scene]) -> dict[str, float]:
    """Whose sound it is, and where: means over all sounds.

    Matching: the thing with the most heat, on the average over its pixels in the frames around the onset, is the one
    that sounds. Where: heat and truth are means over these frames; the highest cell lies on the thing (pointing
    game), and cIoU of as many pixels of the greatest heat as the thing has, with the share of frames as consensus.
    """
    right, pointed, overlaps = list[float](), list[Tensor](), list[Tensor]()
    for heat, grid, scene in zip(answers.heats, answers.grids, scenes, strict=True):
        pixels = Grid.uniform(tuple(scene.numbers.shape[1:]), (1.0, 1.0))
        cells = Grid(grid.edges[1:])
        for own, one in zip(heat, scene.sounds, strict=True):
            frames = own.flatten(1).isfinite().all(dim=1)
            mean = own[frames].mean(dim=0)
            wide = torch.nn.functional.interpolate(mean[None, None], scene.numbers.shape[1:], mode="bilinear")[0, 0]
            here = scene.numbers[_frames(scene, one.onset)]
            shares = torch.stack([(here == number).float().mean(dim=0) for number in range(len(scene.things))])
            on_things = (shares * wide).sum(dim=(1, 2)) / shares.sum(dim=(1, 2)).clamp(min=1e-6)
            best = on_things == on_things.max()
            right.append(float(best[one.thing]) / int(best.sum()))
            truth = shares[one.thing].flatten()[None]
            pointed.append(pointing_game(mean.flatten()[None], cells, truth >= 0.5, pixels))
            area = max(1, round(float(truth.sum())))
            level = wide.flatten().topk(area + 1).values[-1]
            overlaps.append(consensus_iou(wide.flatten()[None], pixels, truth, pixels, level[None]))
    return {
        "matching": sum(right) / len(right),
        "pointing": float(torch.cat(pointed).mean()),
        "cIoU": float(torch.cat(overlaps).mean()),
    }


def retrieval_metrics(answers: Answers) -> dict[str, float]:
    """R@1 and R@5 over the scenes, both ways."""
    if answers.heard is None or answers.seen is None:
        return {}
    pictures = retrieval(answers.heard, answers.seen)
    sounds = retrieval(answers.seen, answers.heard)
    return {
        "picture R@1": pictures.recall[1],
        "picture R@5": pictures.recall[5],
        "sound R@1": sounds.recall[1],
        "sound R@5": sounds.recall[5],
    }


def chance(scenes: Sequence[Scene]) -> dict[str, float]:
    """What blind guesses have: a thing of each scene, a point of the picture, the scenes in any order."""
    sounds = [(scene, one) for scene in scenes for one in scene.sounds]
    areas = [float((scene.numbers[_frames(scene, one.onset)] == one.thing).float().mean()) for scene, one in sounds]
    recall = {k: min(1.0, k / len(scenes)) for k in (1, 5)}
    return {
        "matching": sum(1 / len(scene.things) for scene, _ in sounds) / len(sounds),
        "pointing": sum(areas) / len(areas),
        "cIoU": sum(area / (2 - area) for area in areas) / len(areas),  # as many pixels, drawn anywhere
        **{f"{way} R@{k}": share for way in ("picture", "sound") for k, share in recall.items()},
    }


def _frames(scene: Scene, onset: float) -> Tensor:
    edges = scene.clip.edges
    return (edges[1:] > onset - BEFORE) & (edges[:-1] < onset + AFTER)
