"""The table: every way of telling what sounds, where and when, on the same scenes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

from jaxtyping import Float
from torch import Tensor

from gestalt.core.evaluation import Column
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.joint import JointItem
from gestalt.core.networks.encoder import Network

from .answers import Answers, beside, by_motion, by_network, by_synchrony, sound_curve
from .synthetic.scenes import Scene
from .truth import chance, detector_for, moments_f1, place_metrics, retrieval_metrics

COLUMNS = (
    Column("matching", "whose"),
    Column("pointing", "where"),
    Column("cIoU", "where"),
    Column("event F1", "when"),
    Column("picture R@1", "retrieval"),
    Column("picture R@5", "retrieval"),
    Column("sound R@1", "retrieval"),
    Column("sound R@5", "retrieval"),
)
SYNCHRONY = "both, by synchrony"
AGREEMENT = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Weights of what a network says beside sudden changes: the best on scenes of training sources is taken."""
NOTE = (
    "Whose: the share of sounds that are given to the thing that makes them, among all things of the scene. Where: the "
    "highest cell of a sound's map lies on that thing; intersection over union of it and as many pixels of most "
    "heat. When: F1 of the onsets of sounds, found within 0.1 s, one to one. Retrieval: the scene's picture by "
    "its sound, and the reverse, among all scenes. Networks are asked beside synchrony. The weight of their agreement, "
    "the weight of the picture beside the sound, and the level of an onset are the best on scenes of training sources."
)


@final
@dataclass(frozen=True)
class Truth:
    """The scenes that are judged, and those by which detectors of moments are set, of training sources."""

    scenes: tuple[Scene, ...]
    setting: tuple[Scene, ...]


def measure(network: Network, truth: Truth, modality: AbstractModality[JointItem]) -> dict[str, float]:
    """All metrics of what a network hears and sees, beside what changes suddenly."""
    moving = by_synchrony(truth.setting, modality), by_synchrony(truth.scenes, modality)
    agreeing = by_network(truth.setting, modality, network), by_network(truth.scenes, modality, network)

    def matching(weight: float) -> float:
        return place_metrics(beside(moving[0], agreeing[0], weight), truth.setting)["matching"]

    weight = max(AGREEMENT, key=matching)
    told = beside(moving[1], agreeing[1], weight)
    sounds = sound_curve(truth.setting, modality), sound_curve(truth.scenes, modality)
    when = _when((sounds[0], agreeing[0].moments), (sounds[1], told.moments), truth, modality)
    return place_metrics(told, truth.scenes) | {"event F1": when} | retrieval_metrics(told)


def baselines(random: Network, truth: Truth, modality: AbstractModality[JointItem]) -> dict[str, dict[str, float]]:
    """Chance, each part alone, both by a rule, and networks that learned nothing."""
    alone = sound_curve(truth.setting, modality), sound_curve(truth.scenes, modality)
    return {
        "chance": chance(truth.scenes),
        "the sound alone: onsets": {"event F1": _when((alone[0], None), (alone[1], None), truth, modality)},
        "the picture alone: sudden motion": _measured(
            lambda scenes: by_motion(scenes, modality), truth, modality, heard=False
        ),
        SYNCHRONY: _measured(lambda scenes: by_synchrony(scenes, modality), truth, modality, heard=True),
        "a random network": measure(random, truth, modality),
    }


def _measured(
    answer: Callable[[Sequence[Scene]], Answers], truth: Truth, modality: AbstractModality[JointItem], heard: bool
) -> dict[str, float]:
    told, before = answer(truth.scenes), answer(truth.setting)
    sounds = (sound_curve(truth.setting, modality), sound_curve(truth.scenes, modality)) if heard else (None, None)
    when = _when((sounds[0], before.moments), (sounds[1], told.moments), truth, modality)
    return place_metrics(told, truth.scenes) | {"event F1": when} | retrieval_metrics(told)


def _when(
    setting: tuple[Float[Tensor, "_ moments"] | None, Float[Tensor, "_ moments"] | None],
    judged: tuple[Float[Tensor, "_ moments"] | None, Float[Tensor, "_ moments"] | None],
    truth: Truth,
    modality: AbstractModality[JointItem],
) -> float:
    when = by_synchrony(truth.scenes[:1], modality).when
    detector = detector_for(*setting, when, truth.setting)
    return moments_f1(detector(*judged), detector.level, when, truth.scenes)
