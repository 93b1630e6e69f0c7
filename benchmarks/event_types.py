"""What names sounds: levels of runs, and log-mel, on validation sounds. `python -m benchmarks.event_types RUN`.

The 14 validation sounds are few, and easily told apart. So new ones are made of them, too, as training does of its own:
70 by resampling, filtering and new envelopes, a quarter of them synthesised. Numbers are means over the runs.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import torch
from jaxtyping import Float
from torch import Tensor

from gestalt import load
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.evaluation import linear_probe, named_vectors, nearest_neighbour_accuracy, whitened
from gestalt.core.experiment.predictions import PredictedBatch, Predictions, encode
from gestalt.core.networks.encoder import Network
from gestalt.core.networks.levels import HasLevels, level_of
from gestalt.modalities.audio import MODALITY
from gestalt.modalities.audio.encoders import LogMel
from gestalt.recipes.audio_events.recipe import TEST_SEED
from gestalt.recipes.audio_events.synthetic.mixing import Mix
from gestalt.recipes.audio_events.synthetic.soundscapes import Soundscapes, load_samples, recording
from gestalt.recipes.audio_events.synthetic.variety import Variety
from gestalt.recipes.audio_events.truth import Truth, truth_of

CHUNK, BANK = 50, 70


def joined(network: Network, items: Soundscapes) -> FeatureMap:
    """Hidden features of all soundscapes."""
    batches = []
    for at in range(0, len(items), CHUNK):
        numbers = range(at, min(at + CHUNK, len(items)))
        features = encode(network, MODALITY.collate([recording(items.soundscape(i), items.config) for i in numbers]))
        batches.append(PredictedBatch(features, torch.where(features.valid, 0, -1)))
    return Predictions(tuple(batches)).joined().features


def scores(features: FeatureMap, truth: Truth, white: bool = False) -> tuple[float, float]:
    """1-NN and probe over true events; every other soundscape trains the probe."""
    vectors, labels, items = named_vectors(features, truth.labels, truth.sounds)
    rows: Float[Tensor, "rows dim"] = whitened(vectors) if white else vectors
    train, test = ((items % 2 == part).nonzero()[:, 0] for part in (0, 1))
    return nearest_neighbour_accuracy(rows, labels, items), linear_probe(rows, labels, train, test).accuracy


def ways(networks: list[Network], items: Soundscapes) -> Iterator[tuple[str, tuple[float, float]]]:
    """Names, and the scores."""
    log_mel = joined(Network(LogMel()), items)
    assert log_mel.grid is not None
    truth = truth_of([items.soundscape(number) for number in range(len(items))], log_mel.grid, items.config)
    yield "log-mel", scores(log_mel, truth)
    yield "log-mel, vectors whitened", scores(log_mel, truth, white=True)
    features = [joined(network, items) for network in networks]
    first = networks[0].encoder
    for name in (*(first.levels if isinstance(first, HasLevels) else ()), None):
        pairs = zip(networks, features, strict=True)
        found = [scores(level_of(network.encoder, name).of(one), truth) for network, one in pairs]
        yield f"level {name}" if name else "all levels", (fmean(nn for nn, _ in found), fmean(p for _, p in found))


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished runs")
    parser.add_argument("--soundscapes", type=int, default=400)
    chosen = parser.parse_args()
    samples, networks = load_samples(), [load(run).network for run in chosen.runs]
    held = samples.sounds.validation, samples.backgrounds.validation, Mix()
    few = Soundscapes(chosen.soundscapes, TEST_SEED, *held)
    many = Soundscapes(chosen.soundscapes, TEST_SEED, *held, Variety(), BANK)
    print(f"| vectors | 1-NN, 14 sounds | probe | 1-NN, {BANK} sounds | probe |\n|---|---|---|---|---|")
    for (name, easy), (_, hard) in zip(ways(networks, few), ways(networks, many), strict=True):
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in (*easy, *hard))} |", flush=True)


if __name__ == "__main__":
    main()
