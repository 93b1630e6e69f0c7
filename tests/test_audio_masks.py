"""Events that come with recordings lie in every window where they sound."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from gestalt.core.data.feature_map import Grid
from gestalt.core.data.items import Skipped
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.training.data import Order, batches
from gestalt.modalities.audio import Audio, AudioFiles, Recording

RATE = 8000
MODALITY = Audio(RATE, 2.0)
EVENTS = [(0.5, 1.25, "dog"), (1.9, 2.6, "cat"), (3.1, 5.0, "rain"), (3.5, 3.75, "dog")]
"""The last one lies within the one before."""


def made(folder: Path) -> Path:
    """A folder with nothing in it."""
    folder.mkdir()
    return folder


def record(path: Path, seconds: float = 6.0) -> Path:
    """Silence with a tone in every event: the level tells which one is on top."""
    samples = np.full(round(seconds * RATE), 0.01, dtype=np.float32)
    for number, (onset, offset, _) in enumerate(EVENTS, start=1):
        samples[round(onset * RATE) : round(offset * RATE)] = 0.1 * number
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    return path


def track(path: Path, events: list[tuple[float, float, str]]) -> Path:
    """Audacity's label track."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{on:.6f}\t{off:.6f}\t{name}\n" for on, off, name in events))
    return path


def table(path: Path, rows: list[str], head: str = "filename\tonset\toffset\tevent_label") -> Path:
    """A table of the DCASE challenge."""
    path.write_text("\n".join([head, *rows, ""]))
    return path


def level(item: Recording, seconds: torch.Tensor) -> torch.Tensor:
    """The event that sounds at some seconds of an item, from its level; −1 for none."""
    heard = item.samples[(seconds * item.sample_rate).long().clamp(max=len(item.samples) - 1)]
    return (heard * 10).round().long() - 1


def assert_agree(item: Recording, masks: ItemMasks) -> None:
    """In the middle of every cell the label is that of the sound, cells are short, and they span the item."""
    assert masks.grid is not None
    edges = masks.grid.edges[0][0]
    assert float(edges[0]) == 0
    assert float(edges[-1]) == pytest.approx(item.seconds)
    assert float(edges.diff().max()) < 0.0201
    expected = level(item, (edges[1:] + edges[:-1]) / 2)
    kinds = {number: set(expected[masks.labels == number].tolist()) for number in [-1, *masks.objects()]}
    assert kinds[-1] <= {-1}
    assert all(len(kind) == 1 for kind in kinds.values() if kind)
    for number in masks.objects():
        assert masks.name(number) == EVENTS[kinds[number].pop()][2]


FORMATS: dict[str, Callable[[Path], Path]] = {
    "label tracks": lambda at: track(at / "labels" / "a.txt", EVENTS).parent,
    "one label track": lambda at: track(at / "a.txt", EVENTS),
    "a table": lambda at: table(at / "x.tsv", [f"a.wav\t{on}\t{off}\t{name}" for on, off, name in EVENTS]),
    "a table with commas": lambda at: table(
        at / "x.csv", [f"data/a.wav,{on},{off},{name}" for on, off, name in EVENTS], "filename,onset,offset,event_label"
    ),
}


def masks_of(tmp_path: Path, masks: Path) -> tuple[AudioFiles, AbstractMasks[Recording]]:
    """The windows of one recording, and their masks."""
    record(tmp_path / "data" / "a.wav")
    items = MODALITY.read([tmp_path / "data"]).items
    assert isinstance(items, AudioFiles)
    return items, MODALITY.read_masks(masks, items)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("jitter", [False, True])
def test_events_lie_in_windows_wherever_these_begin(tmp_path: Path, name: str, jitter: bool) -> None:
    items, masks = masks_of(tmp_path, FORMATS[name](tmp_path))
    rng, starts = np.random.default_rng(0), set()
    for _ in range(6):
        for index in range(len(items)):
            assert masks.has(index)
            item = items.with_jitter(jitter).read(index, rng)
            starts.add(item.start)
            found = masks.of_item(index, item)
            assert found is not None
            assert_agree(item, found)
    assert (len(starts) > 10) is jitter


def test_the_edges_of_events_are_exact(tmp_path: Path) -> None:
    items, masks = masks_of(tmp_path, track(tmp_path / "a.txt", [(0.123, 0.777, "dog")]))
    found = masks.of_item(0, items.read(0, np.random.default_rng(0)))
    assert found is not None
    assert MODALITY.shown_masks(items.read(0, np.random.default_rng(0)), found) == [
        ("dog", (pytest.approx(0.123), pytest.approx(0.777)))
    ]


def test_an_event_that_another_interrupts_is_shown_in_two_stretches(tmp_path: Path) -> None:
    items, masks = masks_of(tmp_path, FORMATS["a table"](tmp_path))
    item = items.read(1, np.random.default_rng(0))
    found = masks.of_item(1, item)
    assert found is not None
    shown = MODALITY.shown_masks(item, found)
    in_order = sorted(shown, key=lambda one: one[1])
    assert [(name, round(on + 2, 3), round(off + 2, 3)) for name, (on, off) in in_order] == [
        ("cat", 2.0, 2.6), ("rain", 3.1, 3.5), ("dog", 3.5, 3.75), ("rain", 3.75, 4.0)
    ]  # fmt: skip
    page = MODALITY.render(item, torch.zeros(1, dtype=torch.long), Grid.uniform((1,), (2.0,)), shown)
    assert "true: cat, rain, dog" in page


def test_of_two_events_of_one_length_the_later_is_on_top(tmp_path: Path) -> None:
    items, masks = masks_of(tmp_path, track(tmp_path / "a.txt", [(0.5, 1.0, "late"), (0.25, 0.75, "early")]))
    found = masks.of_item(0, items.read(0, np.random.default_rng(0)))
    assert found is not None
    assert found.name(int(found.under(Grid((torch.tensor([[0.6, 0.61]]),)), 1))) == "late"


def test_of_two_events_the_shorter_is_on_top_though_it_begins_before_and_cells_are_no_splinters(tmp_path: Path) -> None:
    events = [(0.50005, 1.0, "short"), (0.75, 1.90001, "long")]
    items, masks = masks_of(tmp_path, track(tmp_path / "a.txt", events))
    found = masks.of_item(0, items.read(0, np.random.default_rng(0)))
    assert found is not None
    assert found.grid is not None
    assert found.name(int(found.under(Grid((torch.tensor([[0.9, 0.91]]),)), 1))) == "short"
    assert float(found.grid.edges[0].diff().min()) > 0.9e-4


def test_the_masks_of_training_lie_where_the_sounds_are(tmp_path: Path) -> None:
    """Through the jitter of windows and the crops of views; the level of a frame says which event it is."""
    for number in range(4):
        record(tmp_path / "data" / f"{number}.wav")
        track(tmp_path / "labels" / f"{number}.txt", EVENTS)
    items = MODALITY.read([tmp_path / "data"]).items
    assert isinstance(items, AudioFiles)
    masks = MODALITY.read_masks(tmp_path / "labels", items)
    crop = MODALITY.transforms["time_crop"]
    views = type(MODALITY.views)(crop, (crop, crop))
    shown = 0
    order = Order(len(items), 4, 3, seed=0)
    for batch in batches(items.with_jitter(True), views, MODALITY.collate, order, 0, False, masks=masks):
        assert batch.masks is not None
        for view in batch.views:
            features = MODALITY.encoders["raw"](sample_rate=RATE)(view.data)
            assert features.grid is not None
            found = batch.masks.seen_from(view.correspondence, features).labels()
            centres = features.grid.centres()[0, :, 0]
            for row in range(4):
                inside = features.valid[row] & (centres < len(view.data.samples[row]) / RATE)
                heard = Recording(view.data.samples[row], RATE)
                near = [level(heard, (centres + shift).clamp(min=0)) for shift in (-0.03, 0.0, 0.03)]
                clear = inside & (near[0] == near[1]) & (near[1] == near[2])
                kinds = {int(number): set(near[1][clear & (found[row] == number)].tolist()) for number in found[row]}
                assert all(len(kind) <= 1 for kind in kinds.values())
                assert kinds.get(-1, set()) <= {-1}
                shown += int((clear & (found[row] >= 0)).sum())
    assert shown > 100


def test_a_file_without_events_has_a_mask_of_none_and_one_without_a_track_has_no_mask(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        record(tmp_path / "data" / f"{name}.wav", 2.0)
    items = MODALITY.read([tmp_path / "data"]).items
    masks = MODALITY.read_masks(table(tmp_path / "x.tsv", ["a.wav\t0.5\t1.0\tdog", "b.wav\t\t\t"]), items)
    assert [masks.has(index) for index in range(3)] == [True, True, False]
    item = items.read(1, np.random.default_rng(0))
    found = masks.of_item(1, item)
    assert found is not None
    assert found.objects() == []
    assert masks.of_item(2, item) is None


def test_frequencies_in_label_tracks_and_empty_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("0.5\t1.0\tdog\n\\\t400.0\t900.0\n\n")
    items, masks = masks_of(tmp_path, path)
    found = masks.of_item(0, items.read(0, np.random.default_rng(0)))
    assert found is not None
    assert found.objects() == [0]


WRONG: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing there": (lambda at: at / "no.txt", r"the masks .*no\.txt do not exist"),
    "another format": (lambda at: track(at / "x.xlsx", EVENTS), r"x\.xlsx holds no masks.*Audacity's label tracks"),
    "an empty folder": (lambda at: made(at / "empty"), "empty holds no masks"),
    "a stranger": (lambda at: track(at / "labels" / "z.txt", EVENTS).parent, r"z\.txt names 'z', which is none"),
    "a stranger in a table": (
        lambda at: table(at / "x.tsv", ["z.wav\t0\t1\tdog"]),
        r"x\.tsv names 'z\.wav', which is none",
    ),
    "no label": (lambda at: written(at / "a.txt", "hello\n"), r"a\.txt:1 is no label of Audacity.*'hello'"),
    "no seconds": (
        lambda at: written(at / "a.txt", "0:01\t0:02\tdog\n"),
        r"a\.txt:1: '0:01' and '0:02' are no seconds",
    ),
    "a point": (
        lambda at: track(at / "a.txt", [(1.0, 1.0, "dog")]),
        r"a\.txt:1: an event from 1 s to 1 s has no extent",
    ),
    "backwards": (lambda at: track(at / "a.txt", [(2.0, 1.0, "dog")]), "from 2 s to 1 s has no extent"),
    "too late": (
        lambda at: track(at / "a.txt", [*EVENTS, (7.0, 8.0, "dog")]),
        r"a\.txt:5: an event ends at 8 s, and .*a\.wav lasts 6\.0 s",
    ),
    "no columns": (
        lambda at: table(at / "x.tsv", [], "file\tbegin"),
        r"x\.tsv has no column 'filename' and no column 'onset'",
    ),
    "no text": (lambda at: binary(at / "a.txt"), r"a\.txt is no text in Unicode"),
}


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def binary(path: Path) -> Path:
    path.write_bytes(b"\xff\xfe\x00")
    return path


@pytest.mark.parametrize("name", WRONG)
def test_wrong_events_are_refused_by_name(tmp_path: Path, name: str) -> None:
    make, message = WRONG[name]
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        masks_of(tmp_path, make(tmp_path))


def test_tracks_of_recordings_that_were_left_out_may_be_there(tmp_path: Path) -> None:
    items, _ = masks_of(tmp_path, FORMATS["label tracks"](tmp_path))
    track(tmp_path / "labels" / "torn.txt", EVENTS)
    skipped = [Skipped(str(tmp_path / "data" / "torn.wav"), "is torn")]
    assert MODALITY.read_masks(tmp_path / "labels", items, skipped).has(0)
