"""Kept segments of windows are those of what the network sees with what lies around them, as in `discover`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, final

import networkx
import numpy as np
import pytest
import soundfile
import torch

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers.base import AbstractGrouper
from gestalt.core.discovery.observed import Observed
from gestalt.core.discovery.segmenters import Rounds
from gestalt.core.methods.method import DataInfo
from gestalt.core.methods.odin_rounds import OdinRounds
from gestalt.core.modality.inferred import inferred_settings
from gestalt.core.modality.windows import Jittered
from gestalt.core.runs.encoding import Encoding
from gestalt.core.runs.inputs import Source
from gestalt.core.training.loop import launch
from gestalt.core.training.source import BatchSource
from gestalt.core.training.steady_items import SteadyItems
from gestalt.core.training.training_data import TrainingData
from gestalt.modalities.audio import Audio
from gestalt.modalities.graph import GraphModality
from gestalt.modalities.sensors import Sensors
from gestalt.modalities.text import Text
from gestalt.modalities.video import Video
from tests.recordings import RATE, song
from tests.series_files import write_table
from tests.test_training import OPTIONS
from tests.video_files import write as write_video


@final
class AboveTheMean(AbstractGrouper):
    """Two objects: elements whose first number is above the mean of their item, and the others."""

    def forward(self, features: FeatureMap, generator: torch.Generator) -> Segmentation:  # noqa: ARG002
        first = features.values[..., 0]
        mean = (first * features.valid).sum(dim=1, keepdim=True) / features.valid.sum(dim=1, keepdim=True)
        return Segmentation.from_labels(torch.where(features.valid, (first > mean).long(), -1), 2, features.places)


def sound(folder: Path) -> None:
    """A recording of several windows."""
    soundfile.write(folder / "a.wav", song(9.0, 500.0), RATE)


def clip(folder: Path) -> None:
    """A clip of several windows."""
    write_video(folder / "a.mp4", [number / 8 for number in range(28)])


def words(folder: Path) -> None:
    """A line of several windows."""
    (folder / "a.txt").write_text(" ".join(f"Some word {n * n} of many." for n in range(60)) + "\n")


def series(folder: Path) -> None:
    """A series of several windows."""
    write_table(folder / "a.csv", elements=90)


def network(folder: Path) -> None:
    """A graph of several windows."""
    edges = networkx.connected_watts_strogatz_graph(120, 4, 0.1, seed=0).edges
    (folder / "a.edgelist").write_text("".join(f"{a} {b}\n" for a, b in edges))


CASES: Mapping[str, tuple[Callable[[], Any], str, Callable[[Path], None]]] = {
    "audio": (lambda: Audio(seconds=2.0), "conv", sound),
    "video": (lambda: Video(seconds=1.0, rate=8.0, size=16), "conv", clip),
    "text": (lambda: Text(window=16), "conv", words),
    "sensors": (lambda: Sensors(100.0, seconds=2.0), "conv", series),
    "graph": (lambda: GraphModality(most=30), "gine", network),
}


def kept(case: str, folder: Path, context: bool) -> tuple[Any, Any, list[Any], BatchSource[Any]]:
    """A modality, its learner, the items as they are learned from with their segments of round 0."""
    build, encoder, write = CASES[case]
    modality = build()
    (folder / "data").mkdir(exist_ok=True)
    write(folder / "data")
    items = modality.read([folder / "data"]).items
    items = items.with_jitter(True) if isinstance(items, Jittered) else items
    torch.manual_seed(0)
    own = inferred_settings(modality, encoder, items) if case == "graph" else {}
    info = DataInfo(finder=ObjectFinder(AboveTheMean(), "hidden"), first_segments=None)
    learner = OdinRounds(rounds=Rounds(3, context=context)).build(modality.encoders[encoder](**own), info)
    data = TrainingData(items, modality.views, modality.collate)
    source = BatchSource(launch(OPTIONS), learner, data, OPTIONS, folder / f"run-{context}", 0)
    assert source.keeper is not None
    segments, skipped = source.keeper.segments(0)
    assert not skipped
    assert len(items) > 2
    steady = SteadyItems(items, OPTIONS.seed)
    read = [steady.read(index, np.random.default_rng(index)) for index in range(len(items))]
    return modality, learner, [(item, segments.of_item(index, item)) for index, item in enumerate(read)], source


def labels_of(features: FeatureMap) -> list[int]:
    """What the grouper finds in features of one item."""
    finder = ObjectFinder(AboveTheMean(), "hidden")
    labels = finder.group(Observed(features), torch.Generator()).labels()[0]
    return labels[features.valid[0]].tolist()


@pytest.mark.parametrize("case", CASES)
def test_segments_of_a_round_are_found_in_what_discover_sees_of_a_window(case: str, tmp_path: Path) -> None:
    modality, learner, with_segments, _ = kept(case, tmp_path, context=True)
    items = modality.read([tmp_path / "data"]).items
    seen = Encoding(modality, learner.online, None, 0, 4, torch.device("cpu"))
    expected = dict[int, list[int]]()
    for index, features in seen.features(Source(items, (), case, None)):
        expected |= {number: labels_of(features.rows(torch.tensor([row]))) for row, number in enumerate(index)}
    assert [segments.labels.tolist() for _, segments in with_segments] == list(expected.values())


@pytest.mark.parametrize("case", CASES)
def test_without_context_they_are_those_of_the_window_alone(case: str, tmp_path: Path) -> None:
    modality, learner, with_segments, _ = kept(case, tmp_path, context=False)
    for item, segments in with_segments:
        assert segments.labels.tolist() == labels_of(learner.online.eval().encode(modality.collate([item])))


def test_borders_of_windows_look_unlike_the_rest_without_context(tmp_path: Path) -> None:
    found = [[one.labels.tolist() for _, one in kept("audio", tmp_path, context)[2]] for context in (True, False)]
    assert found[0] != found[1]


def test_windows_that_training_would_move_lie_one_behind_the_other(tmp_path: Path) -> None:
    _, _, with_segments, _ = kept("audio", tmp_path, context=True)
    assert [item.start for item, _ in with_segments] == [0.0, 2.0, 4.0, 6.0, 8.0]
