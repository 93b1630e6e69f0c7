"""How good the found events are, on soundscapes whose truth is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.evaluation import (
    Intervals,
    adjusted_rand_index,
    boundary_f1,
    event_f1,
    foreground_adjusted_rand_index,
    linear_probe,
    named_vectors,
    names_of_found,
    nearest_neighbour_accuracy,
    whitened,
)

from .synthetic.mixing import Mix, Soundscape, frame_labels

COLLAR = 0.2  # seconds, as in the DCASE challenge


@final
@dataclass(frozen=True)
class Truth:
    """What is true of a set of soundscapes, on the lattice of an encoder's elements.

    `labels` numbers the loudest event of every element within its soundscape (−1 for background), `sounds` the sound
    of every event over all soundscapes.
    """

    labels: Int[Tensor, "items elements"]
    sounds: Int[Tensor, "items events"]
    events: tuple[Intervals, ...]


def truth_of(soundscapes: Sequence[Soundscape], grid: Grid, config: Mix) -> Truth:
    """The truth at the centres of the grid's first axis, in seconds."""
    seconds = ((grid.edges[0][0, 1:] + grid.edges[0][0, :-1]) / 2).numpy()
    labels = torch.stack([torch.from_numpy(frame_labels(scape, seconds, config)) for scape in soundscapes])
    names = sorted({event.sound for scape in soundscapes for event in scape.events})
    most = max(len(scape.events) for scape in soundscapes)
    sounds = torch.full((len(soundscapes), most), -1)
    for row, scape in enumerate(soundscapes):
        for place, event in enumerate(scape.events):
            sounds[row, place] = names.index(event.sound)
    events = tuple(Intervals.of([(e.onset, e.offset) for e in scape.events]) for scape in soundscapes)
    return Truth(labels, sounds, events)


def instance_metrics(found: Int[Tensor, "items elements"], grid: Grid, truth: Truth) -> dict[str, float]:
    """How well events are told from one another and from the background; `found` has −1 on background.

    Background counts as one more object in ARI and is left out of foreground ARI. Boundaries are the ends of found and
    of true events, matched within 200 ms; events are matched one to one at an intersection over union of ½.
    """
    edges = grid.edges[0][0]
    intervals = [Intervals.from_labels(row, edges) for row in found]
    return {
        "ARI": float(adjusted_rand_index(found + 1, truth.labels + 1).mean()),
        "fg-ARI": float(foreground_adjusted_rand_index(found + 1, truth.labels + 1, background=0).mean()),
        "boundary F1": boundary_f1(intervals, truth.events, COLLAR).f1,
        "event F1": event_f1(intervals, truth.events).f1,
    }


def type_metrics(
    features: FeatureMap, found: Int[Tensor, "items elements"], truth: Truth, seed: int, whiten: bool = False
) -> dict[str, float]:
    """How well object vectors name the sound: by their nearest neighbour, and by a linear probe.

    Vectors are means over an object's elements; every dimension is scaled to unit variance over all of them, without
    labels. Neighbours are sought in other soundscapes. The probe is trained on one half of the soundscapes and tested
    on the other. Both name sounds over the true extents of the events; "1-NN found" does so over the discovered ones,
    each named after the event with which it shares most, if that is at least half of it. `whiten` takes principal
    components of unit variance in place of the dimensions.
    """
    vectors, labels, items = named_vectors(features, truth.labels, truth.sounds)
    order = torch.randperm(len(features.values), generator=torch.Generator().manual_seed(seed))
    train = torch.isin(items, order[: len(order) // 2])
    named = names_of_found(found, truth.labels, truth.sounds)
    found_vectors, found_labels, found_items = named_vectors(features, found, named)
    if whiten:
        vectors, found_vectors = whitened(vectors), whitened(found_vectors)
    return {
        "1-NN": nearest_neighbour_accuracy(vectors, labels, items),
        "probe": linear_probe(vectors, labels, train.nonzero()[:, 0], (~train).nonzero()[:, 0]).accuracy,
        "1-NN found": nearest_neighbour_accuracy(found_vectors, found_labels, found_items),
    }
