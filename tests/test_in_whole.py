"""Reports and tables of the user's own data judge windows as `discover` finds objects: with what lies around them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from gestalt.core.data.items import AbstractItems
from gestalt.core.experiment.in_whole import found_in_whole, predictions_in_whole
from gestalt.core.experiment.masks import MaskedItems, measured
from gestalt.core.modality.base import AbstractModality
from gestalt.core.networks.encoder import Network
from gestalt.modalities.audio import MODALITY as AUDIO
from gestalt.modalities.audio.encoders import LogMel
from gestalt.modalities.graph import MODALITY as GRAPH
from gestalt.modalities.text import Text
from gestalt.recipes.audio_events.rules import change_points_finder
from tests.tiny_runs import tiny_model

RATE = 16_000


def tone_over_windows(folder: Path) -> Path:
    """A tone of ten seconds that fills a window and parts of two others, in twenty of quiet noise."""
    samples = 0.005 * np.random.default_rng(0).standard_normal(20 * RATE)
    samples[5 * RATE : 15 * RATE] += 0.3 * np.sin(np.arange(10 * RATE) * 0.5)
    soundfile.write(folder / "a.wav", samples, RATE, subtype="FLOAT")
    return folder


def sound(folder: Path) -> tuple[AbstractModality[Any], AbstractItems[Any], Mapping[str, Any]]:
    return AUDIO, AUDIO.read([tone_over_windows(folder) / "a.wav"]).items, {}


def words(folder: Path) -> tuple[AbstractModality[Any], AbstractItems[Any], Mapping[str, Any]]:
    (folder / "a.txt").write_text("the old man saw the blue sea. " * 40)
    return Text(window=16), Text(window=16).read([folder / "a.txt"]).items, {}


def network(folder: Path) -> tuple[AbstractModality[Any], AbstractItems[Any], Mapping[str, Any]]:
    (folder / "e.edgelist").write_text("".join(f"{node} {node + 1}\n{node} {node + 7}\n" for node in range(700)))
    items = GRAPH.read([folder / "e.edgelist"]).items
    return GRAPH, items, GRAPH.encoder_settings("raw", items)


@pytest.mark.parametrize("made", [sound, words, network])
def test_a_window_has_the_objects_that_discover_finds_in_the_whole(
    tmp_path: Path, made: Callable[[Path], tuple[AbstractModality[Any], AbstractItems[Any], Mapping[str, Any]]]
) -> None:
    modality, items, settings = made(tmp_path)
    model = tiny_model(modality, "raw", **settings)
    assert model.finder is not None
    chosen = range(1, len(items), 3)
    own = {one.number: one for one in found_in_whole(model.network, modality, items, chosen, model.finder)}
    assert list(own) == list(chosen)
    whole = {batch.index[row]: batch.labels()[row] for batch in model.found(items) for row in range(len(batch.index))}
    for number, one in own.items():
        labels = whole[number][: one.found.shape[1]]
        same = (labels[:, None] == labels) == (one.found[0][:, None] == one.found[0])
        assert bool(same.all()), number


def test_a_tone_longer_than_a_window_is_no_background_in_the_table_of_masks(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("5.0\t15.0\ttone\n")
    reading = AUDIO.read([tone_over_windows(tmp_path) / "a.wav"])
    masked = MaskedItems.read(AUDIO, tmp_path / "a.txt", reading)
    finder, plain = change_points_finder(0.0), Network(LogMel()).eval()
    scores, items = measured(plain, AUDIO, masked, finder)
    assert items == 5
    assert scores["mBO"] > 0.9, scores
    middle = next(iter(found_in_whole(plain, AUDIO, reading.items, [2], finder)))
    assert len(middle.found.unique()) == 1
    assert int(middle.found[0, 0]) >= 0, "the tone is taken for the background of its window"
    report = predictions_in_whole(plain, AUDIO, reading.items, [3, 2], finder)
    assert torch.equal(report.item(1)[0], middle.found[0])
