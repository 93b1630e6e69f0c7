"""Found objects as pictures, index masks and COCO annotations; texts stay text."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from gestalt.core.data.feature_map import Grid
from gestalt.modalities.image import MODALITY
from gestalt.modalities.image.encoders import ColourTexture
from gestalt.modalities.image.masks import coco, index_png, numbered, on_pixels, overlay, read_index, run_lengths

SPECIMEN = MODALITY.specimens()[1]
GRID = ColourTexture()(MODALITY.collate([SPECIMEN.item])).grid


def pictures(page: str) -> list[Pillow.Image]:
    found = re.findall(r'"data:image/png;base64,([^"]+)"', page)
    return [Pillow.open(io.BytesIO(base64.b64decode(one))) for one in found]


def test_a_picture_is_shown_plain_with_found_and_with_true_objects() -> None:
    page = MODALITY.render(SPECIMEN.item, SPECIMEN.labels, GRID, SPECIMEN.truth)
    plain, found, true = pictures(page)
    assert plain.size == found.size == true.size
    assert plain.size[0] >= 320
    assert plain.size[0] / plain.size[1] == pytest.approx(72 / 48, abs=0.01)
    shown = np.asarray(plain.resize((72, 48), Pillow.Resampling.BOX)).astype(float) / 255
    assert np.abs(shown - SPECIMEN.item.permute(1, 2, 0).numpy()).max() < 0.01
    assert "2 objects found; true: disc, box" in page
    assert len(pictures(MODALITY.render(SPECIMEN.item, SPECIMEN.labels, GRID))) == 2


def test_names_with_html_or_rare_letters_stay_text() -> None:
    mask = torch.ones(48, 72, dtype=torch.bool)
    page = MODALITY.render(SPECIMEN.item, SPECIMEN.labels, GRID, [('<script>alert("鳥")</script>', mask)])
    assert "<script" not in page
    assert "&lt;script&gt;alert(&quot;鳥&quot;)&lt;/script&gt;" in page


def test_grey_many_channels_nothing_found_and_large_pictures_are_shown() -> None:
    nothing = torch.full((216,), -1)
    for channels in (1, 2, 7):
        page = MODALITY.render(torch.rand(channels, 48, 72), nothing, GRID)
        assert "0 objects found" in page
        assert len(pictures(page)) == 2
    large = MODALITY.render(torch.rand(3, 900, 1200), torch.arange(4) % 2, Grid.uniform((2, 2), (450.0, 600.0)))
    assert all(max(picture.size) == 480 for picture in pictures(large))


def test_elements_without_a_grid_and_masks_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="no grid"):
        MODALITY.render(SPECIMEN.item, SPECIMEN.labels, None)
    with pytest.raises(ValueError, match="216 cells, found names 3"):
        MODALITY.render(SPECIMEN.item, torch.zeros(3, dtype=torch.long), GRID)
    with pytest.raises(ValueError, match=r"the mask of 'a' is \(4, 4\)"):
        MODALITY.render(SPECIMEN.item, SPECIMEN.labels, GRID, [("a", torch.ones(4, 4))])


def test_every_pixel_takes_the_object_of_the_cell_under_it_at_any_scale() -> None:
    labels = on_pixels(torch.tensor([0, 1, -1, 2]), Grid.uniform((2, 2), (3.0, 4.0)), (6, 8))
    assert labels[::3, ::4].tolist() == [[0, 1], [-1, 2]]
    assert all(len(labels[y : y + 3, x : x + 4].unique()) == 1 for y in (0, 3) for x in (0, 4))
    # A file of 12 × 24 pixels that was read at 6 × 8: half a pixel of the item per pixel down, a third across.
    large = on_pixels(torch.tensor([0, 1, -1, 2]), Grid.uniform((2, 2), (3.0, 4.0)), (12, 24), (1 / 2, 1 / 3))
    assert torch.equal(large[::2, ::3], labels)
    assert numbered(torch.tensor([[7, -1], [3, 7]])).tolist() == [[2, 0], [1, 2]]


@pytest.mark.parametrize("objects", [0, 1, 5, 255, 300])
def test_index_pictures_hold_object_numbers(tmp_path: Path, objects: int) -> None:
    labels = torch.arange(20 * 20).view(20, 20) % (objects + 1) - 1
    (tmp_path / "index.png").write_bytes(index_png(labels))
    assert torch.equal(read_index(tmp_path / "index.png"), labels)
    with Pillow.open(tmp_path / "index.png") as file:
        assert file.mode == ("P" if objects <= 255 else "I;16")
        if objects == 5:
            assert len(np.unique(np.asarray(file.convert("RGB")).reshape(-1, 3), axis=0)) == 6


def test_coco_annotations_hold_each_mask_its_box_and_its_area() -> None:
    labels = torch.full((6, 9), -1)
    labels[1:4, 2:7], labels[4:, 0], labels[0, 0] = 4, 1, 1
    record = coco(
        [("a.png", labels, {}), ("b.png", torch.full((2, 2), -1), {}), ("c.png", torch.zeros(2, 3).long(), {})]
    )
    assert [image["file_name"] for image in record["images"]] == ["a.png", "b.png", "c.png"]
    assert [one["image_id"] for one in record["annotations"]] == [1, 1, 3]
    assert len({one["id"] for one in record["annotations"]}) == 3
    first, second, third = record["annotations"]
    assert second["bbox"] == [2, 1, 5, 3]
    assert second["area"] == 15
    assert first["bbox"] == [0, 0, 1, 6]
    assert third["segmentation"] == {"size": [2, 3], "counts": [0, 6]}
    for one, mask in ((first, labels == 1), (second, labels == 4)):
        height, width = one["segmentation"]["size"]
        runs = one["segmentation"]["counts"]
        decoded = np.repeat(np.arange(len(runs)) % 2, runs).reshape(width, height).T  # as pycocotools reads it
        assert np.array_equal(decoded, mask.numpy())


def test_run_lengths_of_random_masks_decode_to_them() -> None:
    generator = torch.Generator().manual_seed(0)
    for share in (0.0, 0.1, 0.5, 1.0):
        mask = torch.rand(7, 5, generator=generator) < share
        runs = run_lengths(mask)
        assert np.array_equal(np.repeat(np.arange(len(runs)) % 2, runs).reshape(5, 7).T, mask.numpy())


def test_an_overlay_tints_objects_and_draws_their_outline() -> None:
    labels = torch.full((100, 100), -1)
    labels[20:60, 30:80] = 0
    drawn = overlay(torch.full((3, 100, 100), 0.4), labels, least=100)
    assert drawn.shape == (100, 100, 3)
    assert drawn[20, 50].tolist() == [255, 255, 255]
    assert len(set(drawn[40, 50].tolist())) > 1
    assert drawn[5, 5].tolist() == pytest.approx([0.3 * 255] * 3, abs=1)
