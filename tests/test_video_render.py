"""Objects of a clip are shown where they are, and written in formats that others read back."""

import base64
import io
import re
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from gestalt.core.data.feature_map import Grid
from gestalt.modalities.video import MODALITY, Clip, on_pixels, overlay, write_index_masks, write_overlay
from gestalt.modalities.video.masks import palette
from gestalt.modalities.video.outputs_formats import davis_palette
from gestalt.modalities.video.render import in_order

SPECIMEN = MODALITY.specimens()[0]
GRID = MODALITY.encoders["raw"]()(MODALITY.collate([SPECIMEN.item])).grid
assert GRID is not None


def pictures(page: str) -> list[Image.Image]:
    found = re.findall(r'"data:image/webp;base64,([^"]+)"', page)
    return [Image.open(io.BytesIO(base64.b64decode(part))) for part in found]


def test_every_pixel_has_the_object_of_the_box_that_holds_it() -> None:
    grid = Grid((torch.tensor([[0.0, 0.5, 2.0]]), torch.tensor([[1.0, 3.0, 4.0]]), torch.tensor([[-0.5, 1.0, 4.0]])))
    found = torch.arange(8)
    numbers = on_pixels(found, grid, (3, 5, 4), torch.tensor([0.0, 0.4, 1.0, 3.0]))
    for frame, middle in enumerate((0.2, 0.7, 2.0)):
        for y in range(5):
            for x in range(4):
                place = torch.tensor([[[middle, y + 0.5, x + 0.5]]])
                cell = int(grid.locate(place))
                assert int(numbers[frame, y, x]) == (int(found[cell]) if cell >= 0 else -1)


def test_an_overlay_tints_objects_draws_their_borders_and_dims_the_rest() -> None:
    frames = torch.full((1, 3, 8, 8), 200, dtype=torch.uint8)
    numbers = torch.full((1, 8, 8), -1)
    numbers[0, :4] = 1
    numbers[0, :4, 4:] = 0
    shown = overlay(frames, numbers)
    assert torch.equal(shown[0, :, 2, 4], palette(2)[0])  # the border, in full colour
    inside = (0.45 * 200 + 0.55 * palette(2)[1].float()).round().to(torch.uint8)
    assert torch.equal(shown[0, :, 2, 1], inside)
    assert len(set(shown[0, :, 7, 7].tolist())) == 1
    assert overlay(frames, torch.full((1, 8, 8), -1)).shape == frames.shape


def test_colours_follow_size_and_not_numbers() -> None:
    assert in_order(torch.tensor([7, -1, 2, 7, 5, 5, 7])).tolist() == [0, -1, 2, 0, 1, 1, 0]


def test_the_strip_shows_eight_frames_with_found_and_true_objects_and_their_seconds() -> None:
    page = MODALITY.render(SPECIMEN.item, SPECIMEN.labels, GRID, SPECIMEN.truth)
    strips = pictures(page)
    assert len(strips) == 3
    assert {strip.size for strip in strips} == {(8 * (40 * 3 + 2), 32 * 3)}
    assert "2 objects found; true: red square, blue square" in page
    assert [float(part) for part in re.findall(r">([\d.]+) s<", page)] == pytest.approx(SPECIMEN.item.times, abs=0.006)
    plain, found, _ = (np.asarray(strip.convert("RGB")).astype(int) for strip in strips)
    assert np.abs(plain - found).mean() > 5
    assert len(pictures(MODALITY.render(SPECIMEN.item, SPECIMEN.labels, GRID))) == 2


def test_names_stay_text_and_nothing_found_is_said() -> None:
    mask = SPECIMEN.truth[0][1]
    page = MODALITY.render(SPECIMEN.item, torch.full_like(SPECIMEN.labels, -1), GRID, [("<script>x</script>", mask)])
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "0 objects found" in page


def test_elements_without_a_place_and_masks_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="got no grid"):
        MODALITY.render(SPECIMEN.item, SPECIMEN.labels, None)
    with pytest.raises(ValueError, match="160 cells, found names 3"):
        MODALITY.render(SPECIMEN.item, torch.zeros(3, dtype=torch.long), GRID)
    with pytest.raises(ValueError, match=r"mask of 'a' must have the clip's size \(8, 32, 40\)"):
        MODALITY.render(SPECIMEN.item, SPECIMEN.labels, GRID, [("a", torch.zeros(2, 2, 2, dtype=torch.bool))])


def test_an_overlay_video_has_every_frame_at_its_own_time_and_its_colours(tmp_path: Path) -> None:
    item = SPECIMEN.item
    assert GRID is not None
    numbers = on_pixels(SPECIMEN.labels, GRID, item.size, item.edges)
    times = [0.0, 0.1, 0.3, 0.35, 0.6, 1.0, 1.05, 2.0]
    halves = [slice(0, 5), slice(5, 8)]
    parts = [(item.frames[half], numbers[half], times[half]) for half in halves]
    assert write_overlay(tmp_path / "ä.mp4", parts) == 8
    with av.open(str(tmp_path / "ä.mp4")) as container:
        frames = list(container.decode(video=0))
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-4)
    expected = overlay(item.frames, numbers).permute(0, 2, 3, 1).float().numpy()
    shown = np.stack([frame.to_ndarray(format="rgb24") for frame in frames]).astype(float)
    assert np.abs(shown - expected).mean() < 12  # the format halves the resolution of colours
    with pytest.raises(ValueError, match="no frames to write"):
        write_overlay(tmp_path / "b.mp4", [])
    with pytest.raises(ValueError, match="times of frames must increase"):
        write_overlay(tmp_path / "c.mp4", [(item.frames[:2], numbers[:2], [0.1, 0.1])])


def test_odd_sides_are_cut_to_even_ones(tmp_path: Path) -> None:
    frames = torch.zeros(2, 3, 33, 47, dtype=torch.uint8)
    write_overlay(tmp_path / "a.mp4", [(frames, torch.zeros(2, 33, 47, dtype=torch.long), [0.0, 0.5])])
    clip = MODALITY.read([tmp_path / "a.mp4"]).items.read(0, np.random.default_rng(0))
    assert isinstance(clip, Clip)
    assert clip.size[1:] == (32, 46)


def test_index_masks_read_back_as_numbers_with_the_benchmarks_palette(tmp_path: Path) -> None:
    numbers = torch.tensor([[[-1, 0], [1, 254 - 1]], [[2, 2], [2, -1]]])
    written = write_index_masks(tmp_path / "bear", numbers, first=7)
    assert [path.name for path in written] == ["00007.png", "00008.png"]
    for path, frame in zip(written, numbers, strict=True):
        with Image.open(path) as image:
            assert image.mode == "P"
            assert np.array_equal(np.asarray(image), frame.numpy() + 1)
            assert image.getpalette() == davis_palette().flatten().tolist()
    with pytest.raises(ValueError, match="at most 254 objects, got number 255"):
        write_index_masks(tmp_path, torch.full((1, 1, 1), 255))
