"""Masks of videos lie on the frames that they were drawn on, whatever the rate and the window."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow

from gestalt.core.data.feature_map import Grid
from gestalt.core.data.items import BadItemError, Skipped
from gestalt.core.data.masks import AbstractMasks, ItemMasks
from gestalt.core.training.data import Order, batches
from gestalt.modalities.video import Clip, Video, VideoFiles, chain, write_index_masks
from gestalt.modalities.video.space import Flip, ResizedCrop
from gestalt.modalities.video.views import TimeCrop

FRAMES, HEIGHT, WIDTH = 48, 48, 64
COLOURS = torch.tensor([[20, 20, 20], [250, 0, 0], [0, 250, 0]])
RATE = 12.0


def made(folder: Path) -> Path:
    """A folder with nothing in it."""
    folder.mkdir()
    return folder


def painted(count: int = FRAMES) -> NDArray[np.uint8]:
    """Numbers of two boxes over time: one drifts, one is there in some seconds alone."""
    numbers = np.zeros((count, HEIGHT, WIDTH), dtype=np.uint8)
    for frame in range(count):
        numbers[frame, 8:24, frame // 2 : frame // 2 + 20] = 1
        if frame % 24 < 12:
            numbers[frame, 28:44, 10:50] = 2
    return numbers


def pictures(numbers: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Frames in the colours of their objects."""
    found: NDArray[np.uint8] = COLOURS.numpy().astype(np.uint8)[numbers]
    return found


def folder_clip(folder: Path, first: int = 0) -> Path:
    """A folder of numbered images."""
    folder.mkdir(parents=True)
    for frame, picture in enumerate(pictures(painted()), start=first):
        Pillow.fromarray(picture).save(folder / f"{frame:05d}.png")
    return folder


def file_clip(path: Path) -> Path:
    """A video file at 24 frames per second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "2", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in pictures(painted()):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def save_masks(folder: Path, numbers: NDArray[np.uint8], every: int = 1, first: int = 0) -> Path:
    """Index PNGs of every so many frames."""
    folder.mkdir(parents=True, exist_ok=True)
    for frame in range(0, len(numbers), every):
        Pillow.fromarray(numbers[frame]).save(folder / f"{frame + first:05d}.png")
    return folder


def masks_of(data: Path, masks: Path, modality: Video) -> tuple[VideoFiles, AbstractMasks[Clip]]:
    items = modality.read([data]).items
    assert isinstance(items, VideoFiles)
    return items, modality.read_masks(masks, items)


def assert_agree(item: Clip, masks: ItemMasks, loose: float = 0.0) -> None:
    """The object of every pixel of a clear colour is that of the colour."""
    assert masks.grid is not None
    assert masks.grid.shape == item.size
    assert torch.equal(masks.grid.edges[0][0], item.edges)
    distance = (item.frames.permute(0, 2, 3, 1)[:, :, :, None].float() - COLOURS).abs().amax(dim=-1)
    least, number = distance.min(dim=-1)
    clear = least < 60
    assert clear.float().mean() > 0.8
    seen = torch.where(clear, number - 1, -2)
    names = torch.tensor([int(name.removeprefix("object ")) - 1 for name in masks.names] + [-1])
    given = names[masks.labels.long()].view(item.size)
    wrong = clear & (given != seen)
    assert float(wrong.float().mean()) <= loose


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(("rate", "jitter"), [(None, False), (8.0, True), (5.0, False)])
def test_masks_lie_on_the_frames_of_a_folder(tmp_path: Path, first: int, rate: float | None, jitter: bool) -> None:
    folder_clip(tmp_path / "data" / "box", first)
    save_masks(tmp_path / "masks" / "box", painted(), first=first)
    modality = Video(1.5, rate, None, folder_rate=RATE)
    items, masks = masks_of(tmp_path / "data", tmp_path / "masks", modality)
    rng = np.random.default_rng(0)
    for _ in range(4):
        for index in range(len(items)):
            assert masks.has(index)
            item = items.with_jitter(jitter).read(index, rng)
            found = masks.of_item(index, item)
            assert found is not None
            assert_agree(item, found)


def test_masks_that_are_counted_from_0_lie_on_images_that_are_not(tmp_path: Path) -> None:
    folder_clip(tmp_path / "data" / "box", first=1)
    save_masks(tmp_path / "masks" / "box", painted())
    items, masks = masks_of(tmp_path / "data", tmp_path / "masks", Video(1.5, None, None, folder_rate=RATE))
    for index in range(len(items)):
        item = items.read(index, np.random.default_rng(0))
        found = masks.of_item(index, item)
        assert found is not None
        assert_agree(item, found)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_masks_lie_on_the_frames_of_a_file(tmp_path: Path, suffix: str) -> None:
    """Matroska counts in milliseconds, so that times are rounded."""
    file_clip(tmp_path / "data" / f"box.{suffix}")
    save_masks(tmp_path / "masks" / "box", painted())
    items, masks = masks_of(tmp_path / "data", tmp_path / "masks", Video(0.7, None, None))
    for index in range(len(items)):
        item = items.with_jitter(index % 2 == 1).read(index, np.random.default_rng(index))
        found = masks.of_item(index, item)
        assert found is not None
        assert_agree(item, found, loose=0.002)


def test_masks_are_shrunk_with_their_video(tmp_path: Path) -> None:
    folder_clip(tmp_path / "data" / "box")
    save_masks(tmp_path / "masks" / "box", painted())
    items, masks = masks_of(tmp_path / "data", tmp_path / "masks", Video(2.0, 8.0, 24, folder_rate=RATE))
    item = items.read(0, np.random.default_rng(0))
    assert item.size[1:] == (24, 32)
    found = masks.of_item(0, item)
    assert found is not None
    assert_agree(item, found)


def test_frames_between_masks_have_the_nearest_ones_and_other_windows_none(tmp_path: Path) -> None:
    folder_clip(tmp_path / "data" / "box")
    save_masks(tmp_path / "masks" / "box", painted(20), every=4)
    items, masks = masks_of(tmp_path / "data", tmp_path / "masks", Video(1.0, None, None, folder_rate=RATE))
    found = [masks.of_item(index, items.read(index, np.random.default_rng(0))) for index in range(len(items))]
    assert [one is not None for one in found] == [True, False, False, False]
    assert found[0] is not None
    labels = found[0].labels.view(12, HEIGHT, WIDTH)
    assert torch.equal(labels[2], labels[0])
    assert torch.equal(labels[3], labels[4])
    assert not torch.equal(labels[2], labels[3])


def test_what_is_written_as_index_masks_is_read_again(tmp_path: Path) -> None:
    folder_clip(tmp_path / "data" / "box")
    labels = torch.from_numpy(painted().astype(np.int64)) - 1
    write_index_masks(tmp_path / "found" / "box", labels)
    items, masks = masks_of(tmp_path / "data", tmp_path / "found", Video(4.0, None, None, folder_rate=RATE))
    item = items.read(0, np.random.default_rng(0))
    found = masks.of_item(0, item)
    assert found is not None
    assert torch.equal(found.labels.long(), labels.flatten())
    shown = Video().shown_masks(item, found)
    assert [name for name, _ in shown] == ["object 1", "object 2"]
    assert torch.equal(shown[1][1], labels == 1)
    grid = Grid((item.edges[[0, -1]][None], torch.tensor([[0.0, HEIGHT]]), torch.tensor([[0.0, WIDTH]])))
    assert "true: object 1, object 2" in Video().render(item, torch.zeros(1, dtype=torch.long), grid, shown)


def test_the_masks_of_training_lie_where_the_colours_are(tmp_path: Path) -> None:
    """Through the jitter of windows, crops in space and time, and flips."""
    for name in "abc":
        folder_clip(tmp_path / "data" / name)
        save_masks(tmp_path / "masks" / name, painted())
    modality = Video(2.0, 6.0, None, folder_rate=RATE)
    items, masks = masks_of(tmp_path / "data", tmp_path / "masks", modality)
    view = chain((1.0, TimeCrop()), (1.0, ResizedCrop(32)), (0.5, Flip()))
    views = type(modality.views)(chain((1.0, ResizedCrop(40, 0.5, 1.0))), (view, view))
    order = Order(len(items), len(items), 2, seed=0)
    shown = 0
    for batch in batches(items.with_jitter(True), views, modality.collate, order, 0, False, masks=masks):
        assert batch.masks is not None
        for made in batch.views:
            features = modality.encoders["raw"]()(made.data)
            assert features.grid is not None
            found = batch.masks.seen_from(made.correspondence, features).labels()
            for row in range(len(items)):
                # The colour of an object's elements, on average over those that are pure, is the object's own.
                item = items.read(int(batch.index[row]), np.random.default_rng(0))
                kinds = masks.of_item(int(batch.index[row]), item)
                assert kinds is not None
                colours = features.values[row][:, :3]
                for number in found[row].unique().tolist():
                    own = colours[(found[row] == number) & features.valid[row]]
                    if len(own) >= 12:
                        strongest = own.median(dim=0).values
                        expected = -1 if float(strongest.max() - strongest.min()) < 0.3 else int(strongest.argmax())
                        assert expected == (-1 if number < 0 else number)
                        shown += 1
    assert shown > 12


WRONG: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing there": (lambda at: at / "no", "the masks .*no do not exist"),
    "a file": (lambda at: save_masks(at, painted(1)) / "00000.png", r"00000\.png holds no masks.*a folder that holds"),
    "an empty folder": (lambda at: made(at / "empty"), "empty holds no masks"),
    "a stranger": (
        lambda at: save_masks(at / "m" / "z", painted(2)).parent,
        "folder of masks .*z names 'z', which is none",
    ),
    "a frame too many": (
        lambda at: save_masks(at / "m" / "box", painted(2), first=47).parent,
        r"00048\.png is of frame 48, which .*box does not have",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_masks_are_refused_by_name(tmp_path: Path, name: str) -> None:
    make, message = WRONG[name]
    folder_clip(tmp_path / "data" / "box")
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        masks_of(tmp_path / "data", make(tmp_path), Video())


def test_a_frame_that_a_file_cannot_have_is_refused(tmp_path: Path) -> None:
    file_clip(tmp_path / "data" / "box.mp4")
    save_masks(tmp_path / "masks" / "box", painted(1), first=60)
    with pytest.raises(
        ValueError, match=r"00060\.png is of frame 60, and .*box\.mp4 has about 48 \(2\.0 s of 24 frames"
    ):
        masks_of(tmp_path / "data", tmp_path / "masks", Video())


def test_masks_of_another_shape_are_named_when_their_turn_comes(tmp_path: Path) -> None:
    folder_clip(tmp_path / "data" / "box")
    save_masks(tmp_path / "masks" / "box", painted()[:, :, :40])
    items, masks = masks_of(tmp_path / "data", tmp_path / "masks", Video(1.0, None, None, folder_rate=RATE))
    item = items.read(0, np.random.default_rng(0))
    with pytest.raises(BadItemError, match=r"00000\.png: has 40 × 48 pixels, which would be read as 40 × 48.*64 × 48"):
        masks.of_item(0, item)
    Pillow.fromarray(pictures(painted(1))[0]).save(tmp_path / "masks" / "box" / "00000.png")
    with pytest.raises(BadItemError, match=r"has colours \(mode RGB\)"):
        masks.of_item(0, item)
    (tmp_path / "masks" / "box" / "00000.png").write_bytes(b"no PNG")
    with pytest.raises(BadItemError, match="cannot be read as a PNG"):
        masks.of_item(0, item)


def test_masks_of_videos_that_were_left_out_may_be_there(tmp_path: Path) -> None:
    folder_clip(tmp_path / "data" / "box")
    for name in ("box", "torn"):
        save_masks(tmp_path / "masks" / name, painted(2))
    items = Video().read([tmp_path / "data"]).items
    skipped = [Skipped(str(tmp_path / "data" / "torn.mp4"), "is torn")]
    assert Video().read_masks(tmp_path / "masks", items, skipped).has(0)
