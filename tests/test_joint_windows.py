"""Long joint items as one: in no part does a vector or an object depend on where windows begin."""

import tarfile
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.items import BadItemError
from gestalt.core.data.parts import joined
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.modality.joint import JointModality, joint
from gestalt.core.modality.joint.encoders import encoded
from gestalt.core.modality.joint.item import JointData
from gestalt.core.modality.joint.windows import JointWindows
from gestalt.core.modality.windows import Sight
from gestalt.core.networks.encoder import AbstractEncoder, Network
from gestalt.core.networks.heads import MLP
from gestalt.core.runs import spans
from gestalt.core.runs.blocks.block import blocks_of
from gestalt.core.runs.model import Model
from gestalt.core.runs.parts_of_objects import write_parts
from gestalt.modalities.audio import MODALITY as AUDIO
from gestalt.modalities.audio import Audio, AudioFiles
from gestalt.modalities.text import MODALITY as TEXT
from gestalt.modalities.video import MODALITY as VIDEO
from gestalt.modalities.video import Video

RATE, TICKS = 16_000, 1000
ON, OFF = 2.3, 5.2
"""From when to when a red square is seen and a tone is heard, in seconds of the clip."""
EVEN = [number / 8 for number in range(64)]
UNEVEN = [0.0, 0.05, 0.4, 0.5, 1.0, 1.2, 1.75, *(2 + number / 8 for number in range(48))]


def filmed(path: Path, frames: Sequence[float] = EVEN, sound: tuple[float, float] = (0.0, 8.0)) -> Path:
    """A grey wall in noise, and for a while a red square with a tone."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=Fraction(TICKS), options={"preset": "ultrafast", "bf": "0"})
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for second in frames:
            picture = np.full((32, 32, 3), 110, np.uint8)
            if ON <= second < OFF:
                picture[8:24, 8:24] = (230, 30, 30)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(second * TICKS), Fraction(1, TICKS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        time = np.arange(*(round(moment * RATE) for moment in sound)) / RATE
        tone = 0.4 * np.sin(2 * np.pi * 700 * time) * ((time >= ON) & (time < OFF))
        samples = ((tone + 0.01 * np.random.default_rng(0).standard_normal(len(time))) * 32767).astype(np.int16)
        for first in range(0, len(samples), 1024):
            block = av.AudioFrame.from_ndarray(samples[None, first : first + 1024], format="s16", layout="mono")
            block.sample_rate, block.pts, block.time_base = RATE, round(sound[0] * RATE) + first, Fraction(1, RATE)
            container.mux(audio.encode(block))
        container.mux(audio.encode(None))
    return path


class Striking(AbstractEncoder):
    """Which way an element points: to what is loud or red, or not. A caption points to the former."""

    def __init__(self) -> None:
        super().__init__()
        self.dim = 2
        self.parts = torch.nn.ModuleDict(
            {"audio": AUDIO.encoders["raw"](), "video": VIDEO.encoders["raw"](cell=8), "text": TEXT.encoders["raw"]()}
        )

    @property
    def of_parts(self) -> dict[str, Any]:
        return dict(self.parts.items())

    def forward(self, data: JointData) -> FeatureMap:
        maps = dict[str, FeatureMap]()
        for name, plain in encoded(self.parts, data).items():
            values, strikes = plain.values, torch.ones_like(plain.valid)
            if name == "audio":
                strikes = values.amax(dim=2) - values.mean(dim=2) > 1.5
            elif name == "video":
                strikes = values[..., 0] > 1.0
            both = torch.stack([strikes, ~strikes], dim=2).float() * plain.valid[..., None]
            maps[name] = plain.with_values(both)
        return joined(maps)


def model_of(seconds: float, allow_missing: bool = False, encoder: AbstractEncoder | None = None) -> Model[Any]:
    torch.manual_seed(0)
    parts: dict[str, Any] = {
        "audio": Audio(seconds=seconds),
        "video": Video(seconds, None, 32, margin=1.5),
        "text": TEXT,
    }
    modality = JointModality(parts, allow_missing)
    built = Striking() if encoder is None else encoder
    network = Network(built, MLP(built.dim, 16, 8)).eval()
    return Model(modality, network, {}, ObjectFinder(KMeans(2), "hidden"))


def learned(modality: JointModality) -> AbstractEncoder:
    """An encoder whose convolutions see around an element in all directions."""
    torch.manual_seed(0)
    built = modality.encoders["joint"](encoders="audio=conv,video=conv,text=raw", dim=16)
    for name, parameter in built.named_parameters():
        if "over_time" in name and parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.1)
    return built


def in_parts(model: Model[Any], items: Any) -> dict[str, tuple[Tensor, Tensor]]:
    """Vectors and objects of all elements of the parts in time, window after window."""
    found = list(model.found(items))
    return {
        name: (
            torch.cat([one.features.part(name).values[0] for one in found]),
            torch.cat([one.labels()[0][one.features.places.here(name)] for one in found]),  # type: ignore[union-attr]
        )
        for name in ("audio", "video")
    }


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    filmed(folder / "a.mkv")
    (folder / "a.txt").write_text("a square\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(("frames", "begin"), [(EVEN, 0.0), (UNEVEN, 0.5)], ids=["even", "uneven, sound late"])
def test_vectors_and_objects_of_windows_are_those_of_the_whole_clip_in_every_part(
    frames: Sequence[float], begin: float, tmp_path: Path
) -> None:
    filmed(tmp_path / "a.mkv", frames, (begin, 8.0))
    (tmp_path / "a.txt").write_text("a square\n", encoding="utf-8")
    for encoder in (None, learned):
        whole: Any = None
        for seconds in (60.0, 2.0, 1.7, 1.0):
            model = model_of(seconds)
            if encoder is not None:
                model = model_of(seconds, encoder=encoder(model.modality))  # type: ignore[arg-type]
            items = model.modality.read([tmp_path]).items
            assert isinstance(items, JointWindows)
            assert [items.whole(number) for number in range(len(items))] == [range(len(items))] * len(items)
            found = in_parts(model, items)
            whole = found if whole is None else whole
            for name, (vectors, labels) in found.items():
                assert torch.allclose(vectors, whole[name][0], atol=1e-4), (seconds, name)
                if encoder is None:
                    pairs = torch.stack([labels, whole[name][1]]).unique(dim=1)
                    assert len(pairs.T) == 2, "one object, one number"


def struck(found: dict[str, tuple[Tensor, Tensor]]) -> dict[str, set[int]]:
    """The objects of what is loud or red, by the part."""
    return {name: set(labels[vectors[:, 0] > 0.5].tolist()) for name, (vectors, labels) in found.items()}


@pytest.mark.parametrize("seconds", [1.0, 1.5, 2.0])
def test_what_is_seen_and_heard_across_windows_is_one_object_in_both_parts(clip: Path, seconds: float) -> None:
    model = model_of(seconds)
    found = in_parts(model, model.modality.read([clip]).items)
    ours = struck(found)
    assert ours["audio"] == ours["video"]
    assert len(ours["audio"]) == 1
    (number,) = ours["audio"]
    times = (found["audio"][1] == number).nonzero()[:, 0] * 0.032
    assert float(times.min()) == pytest.approx(ON, abs=0.05)
    assert float(times.max()) + 0.032 == pytest.approx(OFF, abs=0.05)
    assert int((found["video"][1] == number).sum()) == 4 * sum(ON <= second < OFF for second in EVEN)


@pytest.mark.parametrize("elements", [100, 300])
def test_many_spans_give_the_objects_of_one_and_few_windows_are_held(
    clip: Path, elements: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of(0.5)
    items = model.modality.read([clip]).items
    assert len(items) == 16
    at_once = in_parts(model, items)
    monkeypatch.setattr(spans, "SPAN", elements)
    monkeypatch.setattr(spans, "FEWEST", 4)
    model = replace(model, batch=2)
    read, most = list[int](), 0
    inner = AudioFiles.read_in_context

    def counted(files: AudioFiles, index: int, sight: Sight) -> Any:
        read.append(index)
        return inner(files, index, sight)

    monkeypatch.setattr(AudioFiles, "read_in_context", counted)
    for batch in model.found(items):
        most = max(most, len(read) - batch.index[0])
    assert most <= 8
    in_spans = in_parts(model, items)
    for name, (_, labels) in at_once.items():
        assert len(torch.stack([labels, in_spans[name][1]]).unique(dim=1).T) == 2


@pytest.mark.parametrize("elements", [100, 8192])
def test_a_part_that_is_missing_in_one_window_ends_nothing_in_the_others(
    clip: Path, elements: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = AudioFiles.read_in_context

    def torn(files: AudioFiles, index: int, sight: Sight) -> Any:
        if index == 3:
            raise BadItemError(files.name(index), "is torn")
        return inner(files, index, sight)

    monkeypatch.setattr(AudioFiles, "read_in_context", torn)
    monkeypatch.setattr(spans, "SPAN", elements)
    monkeypatch.setattr(spans, "FEWEST", 2)
    model = model_of(1.0)
    with pytest.raises(BadItemError, match="is torn"):
        list(model.found(model.modality.read([clip]).items))
    model = model_of(1.0, allow_missing=True)
    found = list(model.found(model.modality.read([clip]).items))
    assert [one.index for one in found] == [(number,) for number in range(8)]
    assert [int(one.features.part("audio").valid.sum()) == 0 for one in found] == [n == 3 for n in range(8)]
    assert all(bool(one.features.values.isfinite().all()) for one in found)
    model = model_of(1.0, allow_missing=True)
    ours = struck(in_parts(model, model.modality.read([clip]).items))
    assert ours["audio"] == ours["video"]
    assert len(ours["audio"]) == 1


def test_a_caption_is_whole_in_every_window_and_written_once(clip: Path, tmp_path: Path) -> None:
    model = model_of(1.0)
    items = model.modality.read([clip]).items
    assert [items.read(n, np.random.default_rng(0)).parts["text"].text for n in range(len(items))] == ["a square"] * 8
    (tmp_path / "out").mkdir()
    write_parts(model.encoded(items, None, False), model.modality.modalities, items, tmp_path / "out")  # type: ignore[attr-defined]
    assert len((tmp_path / "out" / "text" / "spans.jsonl").read_text().splitlines()) == 1
    rows = [line.split("\t") for line in (tmp_path / "out" / "audio" / "events.tsv").read_text().splitlines()[1:]]
    whole = [row for row in rows if abs(float(row[1]) - ON) < 0.05 and abs(float(row[2]) - OFF) < 0.05]
    assert len(whole) == 1, rows


def test_windows_of_one_clip_are_encoded_by_one_worker(clip: Path) -> None:
    filmed(clip / "b.mkv", EVEN[:24], (0.0, 3.0))
    (clip / "b.txt").write_text("a wall\n", encoding="utf-8")
    items = model_of(1.0).modality.read([clip]).items
    assert [block.own for block in blocks_of(items, 2, 2)] == [range(8), range(8, 11)]


def test_one_part_alone_is_seen_in_its_context(clip: Path) -> None:
    plain = model_of(60.0)
    whole, cut = (
        model_of(seconds, encoder=learned(plain.modality)).embed(clip, parts=["audio"])  # type: ignore[arg-type]
        for seconds in (60.0, 1.5)
    )
    assert torch.allclose(torch.cat([one.elements for one in cut]), whole[0].elements, atol=1e-4)


def test_clips_in_archives_are_seen_in_their_context_too(clip: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "clips.tar", "w") as archive:
        for path in sorted(clip.iterdir()):
            archive.add(path, path.name)
    model = model_of(1.5)
    files, packed = (in_parts(model, model.modality.read([path]).items) for path in (clip, tmp_path / "clips.tar"))
    for name in files:
        assert torch.equal(files[name][0], packed[name][0])
        assert torch.equal(files[name][1], packed[name][1])


def test_a_row_of_a_table_has_all_windows_of_its_files(clip: Path) -> None:
    (clip / "pairs.csv").write_text("audio,text\na.mkv,a square\na.mkv,a tone\n", encoding="utf-8")
    items: Any = joint(audio=Audio(seconds=2.0), text=TEXT).read([clip / "pairs.csv"]).items
    assert len(items) == 8
    assert [items.whole(number) for number in (0, 3, 4, 7)] == [range(4), range(4), range(4, 8), range(4, 8)]
    assert items.name(5).endswith("pairs.csv:3 [window 2]")
    assert items.read(5, np.random.default_rng(0)).parts["text"].text == "a tone"
