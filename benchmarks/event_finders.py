"""Ways of finding events, on validation soundscapes: `python -m benchmarks.event_finders [RUN …]`.

Without runs, ways that need no learning. With finished runs of `audio-events`, ways of finding events in what they
learned; numbers are means over the runs.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt import load
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.discovery.background import RemoveBackground
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import Along, ChangePoints, Contiguous, KMeans
from gestalt.core.experiment.predictions import encode
from gestalt.core.networks.encoder import Network
from gestalt.modalities.audio import MODALITY
from gestalt.modalities.audio.encoders import LogMel
from gestalt.recipes.audio_events.recipe import TEST_SEED, events_finder
from gestalt.recipes.audio_events.rules import LEAST, change_points_finder
from gestalt.recipes.audio_events.synthetic.mixing import Mix
from gestalt.recipes.audio_events.synthetic.soundscapes import Soundscapes, load_samples, recording
from gestalt.recipes.audio_events.truth import instance_metrics, truth_of

CHUNK = 50


@final
class Scenes:
    """Validation soundscapes in batches, with their truth."""

    def __init__(self, count: int) -> None:
        samples, mix = load_samples(), Mix()
        items = Soundscapes(count, TEST_SEED, samples.sounds.validation, samples.backgrounds.validation, mix)
        self.scapes = [items.soundscape(index) for index in range(count)]
        recordings = [recording(scape, mix) for scape in self.scapes]
        self.batches = [MODALITY.collate(recordings[at : at + CHUNK]) for at in range(0, count, CHUNK)]

    def features(self, network: Network) -> list[FeatureMap]:
        """Hidden features of every batch."""
        return [encode(network, data) for data in self.batches]

    def found(
        self, network: Network, features: Sequence[FeatureMap], finder: ObjectFinder
    ) -> Int[Tensor, "items elements"]:
        """What a finder finds."""
        batches: list[tuple[Any, FeatureMap]] = list(zip(self.batches, features, strict=True))
        labels = [finder(network, of, data, torch.Generator().manual_seed(0)).labels() for data, of in batches]
        return torch.cat(labels)

    def score(
        self,
        network: Network,
        features: Sequence[FeatureMap],
        finder: ObjectFinder,
        true_background: bool = False,
    ) -> dict[str, float]:
        """The instance metrics of what a finder finds; with the true background in place of what it says, if asked."""
        grid = features[0].grid
        assert grid is not None
        truth = truth_of(self.scapes, grid, Mix())
        found = self.found(network, features, replace(finder, background=None) if true_background else finder)
        return instance_metrics(torch.where(truth.labels < 0, -1, found) if true_background else found, grid, truth)


def plain_ways() -> Iterator[tuple[str, ObjectFinder]]:
    """Ways on log-mel alone."""
    raw = LogMel()
    only, quiet = ConcatFeatures(raw, 0.0), RemoveBackground(raw, 0.25, 1.5)
    for position in (0.0, 1.0, 2.0):
        grouper = Along(Contiguous(KMeans(6, spherical=False, position=position), objects=64))
        yield f"k-means, K = 6, time weight {position:g}", ObjectFinder(grouper, "hidden", quiet, only)
    for background in (None, quiet):
        for penalty in (0.02, 0.03, 0.05):
            grouper = Along(ChangePoints(penalty, objects=20, standardise=False))
            removed = "" if background is None else ", background removed"
            yield f"change points, penalty {penalty}{removed}", ObjectFinder(grouper, "hidden", background, only)
    divided = change_points_finder(0.0)
    for penalty in (0.02, 0.03, 0.05):
        grouper = Along(ChangePoints(penalty, objects=20, standardise=False))
        yield (
            f"change points, penalty {penalty}, background divided by each recording",
            replace(divided, grouper=grouper),
        )


def learned_ways() -> Iterator[tuple[str, ObjectFinder]]:
    """The recipe's way, and what differs from it in one thing."""
    yield "as the recipe", events_finder()
    for threshold in (0.48, 0.52, 0.56, 0.6, 0.64):
        yield f"merged below {threshold}", events_finder(threshold=threshold)
    for above in (0.15, 0.3, 0.6, 0.9):
        yield f"what is louder by less than {20 * above:g} dB is background in any case", events_finder(above=above)
    for quiet in (0.025, 0.1, 0.25):
        yield f"louder than the quietest {quiet:g}", events_finder(quiet=quiet)
    for penalty in (0.01, 0.02, 0.03):
        yield f"fine cuts at penalty {penalty}", events_finder(penalty=penalty)
    for learned in (0.1, 0.3, 1.0):
        yield f"fine cuts by learned features too, weight {learned:g}", events_finder(learned=learned)
    beside = ConcatFeatures(LogMel(), 1.0)
    for threshold in (0.5, 0.7, 0.9):
        name = f"merged by log-mel and what was learned, below {threshold}"
        yield name, replace(events_finder(threshold=threshold), extra_features=beside)
    divided = events_finder()
    yield "background divided after stretches merge", replace(divided, background_of="objects")
    yield from ways_of_one_threshold()


def ways_of_one_threshold() -> Iterator[tuple[str, ObjectFinder]]:
    """Background by what was learned, and by one loudness for all recordings."""

    def alike(
        threshold: float = 0.52, reach: float = 0.4, quiet: float = 0.05, above: float | None = LEAST
    ) -> ObjectFinder:
        return events_finder(threshold, reach, quiet, above=above, divided=False)

    for threshold in (0.48, 0.52, 0.56, 0.6):
        yield f"background alike the quiet, merged below {threshold}", alike(threshold)
    for reach in (0.3, 0.5, 0.6):
        yield f"background alike the quiet, within {reach}", alike(reach=reach)
    yield "background alike the quiet, however loud", alike(above=None)
    for above in (0.3, 0.9):
        yield f"background alike the quiet, or louder by less than {20 * above:g} dB", alike(above=above)
    yield "background alike the quietest quarter", alike(quiet=0.25)


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path, help="folders of finished runs")
    parser.add_argument("--soundscapes", type=int, default=500)
    chosen = parser.parse_args()
    scenes = Scenes(chosen.soundscapes)
    networks = [load(run).network for run in chosen.runs] or [Network(LogMel())]
    features = [scenes.features(network) for network in networks]
    print("| way | ARI | fg-ARI | boundary F1 | event F1 |\n|---|---|---|---|---|")
    for name, finder in learned_ways() if chosen.runs else plain_ways():
        scores = [scenes.score(*pair, finder) for pair in zip(networks, features, strict=True)]
        print_row(name, scores)
    if chosen.runs:
        pairs = zip(networks, features, strict=True)
        print_row(
            "as the recipe, with the true background", [scenes.score(*pair, events_finder(), True) for pair in pairs]
        )


def print_row(name: str, scores: Sequence[dict[str, float]]) -> None:
    """Means over runs."""
    means = [fmean(score[metric] for score in scores) for metric in scores[0]]
    print(f"| {name} | {' | '.join(f'{mean:.3f}' for mean in means)} |", flush=True)


if __name__ == "__main__":
    main()
