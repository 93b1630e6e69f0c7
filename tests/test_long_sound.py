"""Long recordings as one: no vector, no event and no number depends on where windows begin."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from jaxtyping import Float

from gestalt.core.data.items import BadItemError
from gestalt.core.discovery.background import RemoveBackground
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import Along, ChangePoints
from gestalt.core.modality.windows import Sight
from gestalt.core.networks.encoder import Network
from gestalt.core.networks.heads import MLP
from gestalt.core.runs import spans
from gestalt.core.runs.model import Model
from gestalt.modalities.audio import Audio, AudioFiles
from gestalt.modalities.audio.data import CONTEXT
from gestalt.modalities.audio.encoders import LogMel
from gestalt.modalities.audio.outputs import write_objects
from tests.recordings import RATE, song


def model_of(seconds: float, encoder: str = "conv", **settings: Any) -> Model[Any]:
    """A network before training, with the finder of the recipe audio-events."""
    torch.manual_seed(0)
    modality, raw = Audio(seconds=seconds), LogMel()
    built = modality.encoders[encoder](**settings)
    grouper = Along(ChangePoints(penalty=0.03, objects=20, standardise=False))
    finder = ObjectFinder(grouper, "projected", RemoveBackground(raw, 0.25, 1.5), ConcatFeatures(raw, 0.5))
    return Model(modality, Network(built, MLP(built.dim, 16, 8)).eval(), {}, finder)


def written(path: Path, samples: Float[np.ndarray, " time"], rate: int = RATE) -> Path:
    """A recording without rounding."""
    soundfile.write(path, samples.astype(np.float32), rate, subtype="FLOAT")
    return path


def tones(*parts: tuple[float, float, float], seconds: float = 12.0) -> Float[np.ndarray, " time"]:
    """Steady tones of some pitch from onset to offset, over noise."""
    t = np.arange(round(seconds * RATE)) / RATE
    sound = 0.005 * np.random.default_rng(0).standard_normal(len(t))
    for pitch, onset, offset in parts:
        sound += 0.3 * np.sin(2 * np.pi * pitch * t) * ((t >= onset) & (t < offset))
    return sound


def found_events(model: Model[Any], paths: Sequence[Path], out: Path) -> list[tuple[float, float]]:
    """Onset and offset of what `discover` writes."""
    items = model.modality.read(paths).items
    out.mkdir(exist_ok=True)
    write_objects(model.found(items), items, out)
    rows = [line.split("\t") for line in (out / "events.tsv").read_text().splitlines()[1:]]
    return [(float(row[1]), float(row[2])) for row in rows]


WIDE: dict[str, Any] = {"kernels": (7, 5, 3), "dilations": 2, "margin": 1, "norm": "layer"}
"""A network that sees .6 s to either side."""


FAR: dict[str, Any] = {"width": 16, "types": 8, "membership": 4, "around": 1.5, "norm": "row"}
"""A network that sees 2.2 s to either side, and says so."""


@pytest.mark.parametrize(("encoder", "settings"), [("raw", {}), ("conv", {}), ("conv", WIDE), ("dilated", FAR)])
@pytest.mark.parametrize("seconds", [4.0, 3.0, 2.0, 1.7])
def test_the_vectors_of_windows_are_those_of_the_whole_file(
    encoder: str, settings: dict[str, Any], seconds: float, tmp_path: Path
) -> None:
    path = written(tmp_path / "a.wav", song(10.6, 500.0))
    (whole,) = model_of(60.0, encoder, **settings).embed(path)
    parts = model_of(seconds, encoder, **settings).embed(path)
    assert len(parts) == -(-10.6 // seconds)
    assert torch.allclose(torch.cat([part.elements for part in parts]), whole.elements, atol=1e-4)
    assert whole.grid is not None
    places = []
    for number, part in enumerate(parts):
        assert part.grid is not None
        places.append(part.grid.edges[0][0].double() + number * seconds)
    for before, after in pairwise(places):
        assert float(before[-1]) == pytest.approx(float(after[0]), abs=1e-5), "neighbours leave a gap or overlap"
    begins = torch.cat([place[:-1] for place in places])
    assert torch.allclose(begins, whole.grid.edges[0][0, :-1].double(), atol=1e-5)


def test_predictions_see_what_lies_around_a_window(tmp_path: Path) -> None:
    from gestalt.core.methods.targets import Classes

    torch.manual_seed(0)
    path = written(tmp_path / "a.wav", song(8.0, 500.0))
    model = model_of(4.0, **WIDE)
    head = torch.nn.Linear(8, 2).eval()
    model = Model(model.modality, model.network, {"task": head}, model.finder, Classes(("a", "b")))
    expected = [model.network.projector(item.item[None]) for item in model.embed(path)]
    for one, vector in zip(model.predict(path), expected, strict=True):
        scores = torch.softmax(head(vector)[0], dim=0).tolist()
        assert list(one.scores.values()) == pytest.approx(scores, abs=1e-5)


@pytest.mark.parametrize(("onset", "offset"), [(2.5, 5.5), (5.7, 11.7), (3.9, 8.1), (0.0, 3.0), (9.0, 12.0)])
@pytest.mark.parametrize("encoder", ["conv", "raw"])
def test_a_steady_tone_is_one_event_wherever_windows_begin(
    onset: float, offset: float, encoder: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "tone.wav", tones((1500.0, onset, offset)))
    for seconds in (4.0, 3.0, 2.2):
        ((begin, end),) = found_events(model_of(seconds, encoder), [path], tmp_path / "out")
        assert begin == pytest.approx(onset, abs=0.04)
        assert end == pytest.approx(offset, abs=0.04)


def test_an_event_has_one_number_and_one_vector_in_all_windows(tmp_path: Path) -> None:
    path = written(tmp_path / "tones.wav", tones((1500.0, 2.5, 9.5), (600.0, 15.0, 17.0), seconds=20.0))
    found = model_of(4.0).discover(path)
    middle = {
        int(item.numbers[item.labels[40:80].unique()[-1]]) for item in found[:2] if bool((item.labels >= 0).any())
    }
    assert len(middle) == 1
    others = {int(number) for number in found[3].numbers} | {int(number) for number in found[4].numbers}
    assert not middle & others


@pytest.mark.parametrize("elements", [512, 1000])
def test_a_file_of_many_spans_has_the_events_of_one_span(
    elements: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [(300.0 * (1 + number % 5), 4.3 * number + 0.5, 4.3 * number + 3.1) for number in range(20)]
    path = written(tmp_path / "tones.wav", tones(*parts, seconds=90.0))
    model = model_of(4.0)
    at_once = found_events(model, [path], tmp_path / "out")
    assert len(at_once) == len(parts)
    monkeypatch.setattr(spans, "SPAN", elements)
    assert found_events(model, [path], tmp_path / "out") == at_once
    numbers = [item.numbers.tolist() for item in model.discover(path)]
    assert len({number for some in numbers for number in some}) >= len(parts)


def test_of_a_long_file_only_a_span_of_windows_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "SPAN", 1000)
    path = written(tmp_path / "a.wav", song(240.0, 500.0))
    model = model_of(4.0)
    read, most = list[int](), 0
    inner = AudioFiles.read_in_context

    def counted(files: AudioFiles, index: int, sight: Sight) -> Any:
        read.append(index)
        return inner(files, index, sight)

    monkeypatch.setattr(AudioFiles, "read_in_context", counted)
    for batch in model.found(path):
        most = max(most, len(read) - batch.index[0])
    assert read == list(range(60))
    assert most <= 8 + model.batch + 1


def test_a_gap_is_no_neighbour_and_does_its_neighbours_no_harm(tmp_path: Path) -> None:
    samples = tones((1500.0, 10.0, 18.0), seconds=40.0)
    samples[[round(12.9 * RATE), round(15.9 * RATE)]] = np.nan  # within the context of the windows beside
    model = model_of(4.0, **WIDE)
    items = model.modality.read([written(tmp_path / "torn.wav", samples)]).items
    with pytest.raises(BadItemError, match=r"12\.0–16\.0 s.*NaN"):
        list(model.found(items))
    found = list(model.found(items, []))
    assert [batch.index[0] for batch in found] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert all(bool(batch.features.values.isfinite().all()) for batch in found)
    before, after = found[2].labels()[0], found[3].labels()[0]
    assert int(before[-10]) >= 0
    assert int(after[10]) >= 0
    assert not set(before.tolist()) & set(after.tolist()) - {-1}


def test_context_is_real_where_there_is_any_and_begins_where_all_elements_do(tmp_path: Path) -> None:
    samples = song(10.0, 500.0)
    items = Audio(seconds=3.0).read([written(tmp_path / "a.wav", samples)]).items
    assert isinstance(items, AudioFiles)
    for index in range(4):
        one = items.read_in_context(index, Sight((0.032, 0.02)))
        assert isinstance(one.own, tuple)
        begin = round(one.around.start * RATE)
        assert begin % round(0.16 * RATE) == 0
        assert np.array_equal(one.around.samples.numpy(), samples[begin : begin + len(one.around.samples)])
        assert torch.equal(one.item.samples, items.read(index, np.random.default_rng(0)).samples)
        assert one.around.start + one.own[0] == pytest.approx(one.item.start) == 3.0 * index
        assert one.item.start - one.around.start >= min(CONTEXT, one.item.start)
        end = one.around.start + one.around.seconds
        assert end == pytest.approx(min(3.0 * index + 3.0 + CONTEXT, 10.0))


def test_a_network_that_takes_no_more_sees_less_context(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", song(9.0, 500.0))
    model = model_of(4.0, "ast", config={"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
                                         "intermediate_size": 16, "max_length": 416})  # fmt: skip
    assert len(model.embed(path)) == 3
    items = model.modality.read([path]).items
    assert isinstance(items, AudioFiles)
    for index in range(3):
        assert items.read_in_context(index, Sight((0.1,), 4.16)).around.seconds <= 4.16
