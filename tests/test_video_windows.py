"""Windows of videos: every frame in one of them, seen with what lies around it, and objects that last."""

from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import Int
from PIL import Image
from torch import Tensor

from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.modality.windows import Sight
from gestalt.core.networks.encoder import Network
from gestalt.core.networks.heads import MLP
from gestalt.core.runs.discover import discover
from gestalt.core.runs.model import Model
from gestalt.core.runs.saving import save
from gestalt.modalities.video import Video, VideoFiles
from gestalt.modalities.video.encoders import Conv
from tests.video_files import numbers_of, write

FRAMES, RATE = 19, 8.0


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red square that crosses a grey wall, two pixels a frame."""
    folder = tmp_path_factory.mktemp("videos") / "moving"
    folder.mkdir()
    for number in range(FRAMES):
        picture = np.full((24, 64, 3), 110, np.uint8)
        picture[8:16, 4 + 2 * number : 16 + 2 * number] = (230, 40, 30)
        Image.fromarray(picture).save(folder / f"{number:05d}.png")
    return folder


def video(seconds: float, margin: float = 0.5) -> Video:
    return Video(seconds, RATE, 64, RATE, margin)


def found_in(moving: Path, seconds: float, out: Path) -> Int[Tensor, "time height width"]:
    """The object of every pixel, as `discover` writes it, of groups of colours."""
    modality = video(seconds)
    encoder = modality.encoders["raw"](cell=4)
    model = Model(modality, Network(encoder, MLP(encoder.dim, 16, 8)), {}, ObjectFinder(KMeans(2), "hidden"))
    save(out / "run", model, "raw")
    assert discover(out / "run", [moving], out / "found") == 0
    masks = sorted((out / "found" / "masks" / "moving").glob("*.png"))
    return torch.stack([torch.from_numpy(np.asarray(Image.open(path)).astype(np.int64)) for path in masks])


@pytest.mark.parametrize("seconds", [0.375, 0.5, 0.6, 1.0])
def test_a_track_across_windows_is_one_object_wherever_windows_fall(
    moving: Path, seconds: float, tmp_path: Path
) -> None:
    whole, parts = found_in(moving, 60.0, tmp_path / "whole"), found_in(moving, seconds, tmp_path / "parts")
    assert len(whole) == len(parts) == FRAMES, "every frame has one mask"
    assert len(whole.unique()) == len(parts.unique()) == 2
    squares = [numbers == numbers[0, 12, 10] for numbers in (whole, parts)]
    assert torch.equal(*squares)
    assert 0 < int(squares[0].sum()) < squares[0].numel() / 4


@pytest.mark.parametrize("seconds", [0.25, 0.5, 0.875])
def test_vectors_of_tubes_in_windows_are_those_of_the_whole_clip(moving: Path, seconds: float) -> None:
    """Two blocks of convolutions over three frames see two frames to either side: a quarter of a second."""
    torch.manual_seed(0)
    encoder = Conv(width=16, stride=4).eval()
    for block in encoder.mixing:
        torch.nn.init.normal_(block.over_time.weight)  # type: ignore[union-attr, arg-type]
    network = Network(encoder, MLP(16, 16, 8)).eval()

    def vectors(modality: Video) -> Tensor:
        return torch.cat([one.elements for one in Model(modality, network, {}).embed(moving)])

    whole = vectors(video(60.0))
    assert len(whole) == FRAMES * 6 * 16
    assert torch.allclose(vectors(video(seconds, 0.25)), whole, atol=1e-4)
    assert not torch.allclose(vectors(video(seconds, 0.0)), whole, atol=1e-2)


@pytest.mark.parametrize("seconds", [0.5, 0.61, 1.3])
@pytest.mark.parametrize("margin", [0.0, 0.3, 5.0])
def test_every_frame_of_a_video_is_in_one_window(seconds: float, margin: float, tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.25, 0.3, 0.8, 0.95, 1.1, 1.2, 1.5, 1.9, 2.2, 2.3, 2.35, 2.7]
    write(tmp_path / "a.mkv", times)
    items = Video(seconds, None, None, margin=margin).read([tmp_path]).items
    assert isinstance(items, VideoFiles)
    met: list[int] = []
    for index in range(len(items)):
        seen = items.read_in_context(index, Sight())
        assert isinstance(seen.own, tuple)
        begin, end = seen.own
        inside = [
            number
            for number, time in zip(numbers_of(seen.around), seen.around.edges[:-1].tolist(), strict=True)
            if begin - 5e-4 <= time < end - 5e-4
        ]
        assert numbers_of(seen.item) == inside
        assert seen.item.start == pytest.approx(seen.around.start + begin, abs=1e-3)
        met += inside[int(seen.item.continued) :]
    assert met == list(range(len(times)))
