"""Masks of pictures: index PNGs and COCO's annotations lie on the pixels that they were drawn on."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from torch import Tensor

from gestalt.core.data.feature_map import Grid
from gestalt.core.data.items import BadItemError, Skipped
from gestalt.core.data.masks import ItemMasks, LeavesUnused
from gestalt.core.training.data import Order, batches
from gestalt.modalities.image import Image, ImageDataset, Picture, chain, default_views
from gestalt.modalities.image.masks import coco, index_png
from gestalt.modalities.image.views import Flip, ResizedCrop, Rotate
from tests.test_image_data import save_deep_png

RNG = np.random.default_rng(0)
COLOURS = ((20, 20, 20), (250, 0, 0), (0, 250, 0), (0, 0, 250))


def made(folder: Path) -> Path:
    """A folder with nothing in it."""
    folder.mkdir()
    return folder


def painted(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Numbers of three boxes, 0 between them."""
    rng = np.random.default_rng(seed)
    numbers = np.zeros((height, width), dtype=np.uint8)
    for number in (1, 2, 3):
        top, left = int(rng.integers(height // 2)), int(rng.integers(width // 2))
        numbers[top : top + height // 2, left : left + width // 3] = number
    return numbers


def write(folder: Path, name: str, numbers: NDArray[np.uint8], orientation: int = 1) -> Path:
    """A picture whose colours are the objects'; with an orientation, the pixels are stored as they are given."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Pillow.fromarray(np.array(COLOURS, dtype=np.uint8)[numbers])
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    if path.suffix == ".jpg":
        image.save(path, exif=exif, quality=100, subsampling=0)
    else:
        image.save(path, exif=exif)
    return path


def save_mask(folder: Path, name: str, numbers: NDArray[np.uint8]) -> Path:
    """An index PNG."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(numbers).save(path)
    return path


def object_of(item: Picture) -> Tensor:
    """The object of every pixel from its colour, −1 for none, −2 where colours are mixed."""
    distance = (item[None] - torch.tensor(COLOURS)[:, :, None, None] / 255).abs().amax(dim=1)
    least, number = distance.min(dim=0)
    return torch.where(least < 0.15, number - 1, -2)


def of_first(data: Path, masks: Path, **settings: Any) -> tuple[Picture, ItemMasks]:
    """The first picture of a folder and its masks."""
    modality = Image(**settings)
    items = modality.read([data]).items
    item = items.read(0, np.random.default_rng(0))
    found = modality.read_masks(masks, items).of_item(0, item)
    assert found is not None
    return item, found


def assert_agree(item: Picture, masks: ItemMasks, least: float = 0.85) -> None:
    """Wherever a colour is clear, it is that of the pixel's object; names say which."""
    assert masks.grid is not None
    assert masks.grid.shape == tuple(item.shape[1:])
    seen = object_of(item)
    clear = seen > -2
    assert clear.float().mean() >= least
    assert torch.equal(masks.labels.view(seen.shape)[clear].long(), seen[clear])


def test_index_pngs_lie_on_their_pictures(tmp_path: Path) -> None:
    for number, (height, width) in enumerate([(40, 60), (50, 30)]):
        numbers = painted(height, width, number)
        write(tmp_path / "data", f"{number}.png", numbers)
        save_mask(tmp_path / "masks", f"{number}.png", numbers)
    item, masks = of_first(tmp_path / "data", tmp_path / "masks")
    assert_agree(item, masks, 1.0)
    assert masks.names == ("object 1", "object 2", "object 3")


TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
"""Pillow's transpositions that make a picture of each orientation upright."""


@pytest.mark.parametrize(
    ("orientation", "as_stored"), [*((number, False) for number in range(1, 9)), *((n, True) for n in range(5, 9))]
)
def test_pictures_are_shrunk_and_turned_and_their_masks_with_them(
    tmp_path: Path, orientation: int, as_stored: bool
) -> None:
    """A mask has the size of the upright picture, or of its pixels as they are stored."""
    stored = painted(120, 200)
    write(tmp_path / "data", "a.jpg", stored, orientation)
    upright = stored
    if orientation > 1:
        upright = np.asarray(Pillow.fromarray(stored).transpose(Pillow.Transpose(TURNS[orientation])))
    save_mask(tmp_path / "masks", "a.png", stored if as_stored else upright)
    item, masks = of_first(tmp_path / "data", tmp_path / "masks", longest=100)
    assert max(item.shape[1:]) == 100
    assert_agree(item, masks)


def test_a_mask_is_turned_by_its_own_orientation(tmp_path: Path) -> None:
    numbers = painted(40, 60)
    write(tmp_path / "data", "a.png", numbers)
    (tmp_path / "masks").mkdir()
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Pillow.fromarray(np.ascontiguousarray(np.rot90(numbers))).save(tmp_path / "masks" / "a.png", exif=exif)
    assert_agree(*of_first(tmp_path / "data", tmp_path / "masks"), 1.0)


def test_a_deep_png_is_turned_as_its_mask_is(tmp_path: Path) -> None:
    """Sixteen bits go another way through the libraries."""
    stored = painted(40, 70)
    exif = Pillow.Exif()
    exif[0x0112] = 6
    (tmp_path / "data").mkdir()
    deep = np.array(COLOURS)[stored] * 257
    save_deep_png(tmp_path / "data" / "a.png", deep, exif.tobytes().removeprefix(b"Exif\x00\x00"))
    save_mask(tmp_path / "masks", "a.png", np.ascontiguousarray(np.rot90(stored, -1)))
    item, masks = of_first(tmp_path / "data", tmp_path / "masks")
    assert item.shape == (3, 70, 40)
    assert_agree(item, masks, 1.0)


def test_the_masks_of_training_lie_where_the_colours_are(tmp_path: Path) -> None:
    """Crops, flips and turns of large pictures: in every cell of one colour the mask is that of the colour."""
    for number in range(6):
        numbers = painted(300 + 20 * number, 420, number)
        write(tmp_path / "data", f"{number}.png", numbers)
        save_mask(tmp_path / "masks", f"{number}.png", numbers)
    modality = Image(longest=256)
    items = modality.read([tmp_path / "data"]).items
    masks = modality.read_masks(tmp_path / "masks", items)
    shown = 0
    turned = Rotate(40.0)
    for views in (default_views(64, "span"), default_views(64, "whole")):
        plain = replace(views, views=(chain((1.0, ResizedCrop(64, (0.3, 1.0))), (0.5, Flip())), chain((1.0, turned))))
        for made in (plain, replace(plain, source=turned)):
            (batch,) = batches(items, made, modality.collate, Order(6, 6, 1, 0), 0, False, masks=masks)
            assert batch.masks is not None
            for view in batch.views:
                features = modality.encoders["raw"](stride=2)(view.data)
                found = batch.masks.seen_from(view.correspondence, features).labels()
                for row, picture in enumerate(view.data.pixels):
                    cells = object_of(picture)
                    cells = cells[: cells.shape[0] // 2 * 2, : cells.shape[1] // 2 * 2].unfold(0, 2, 2).unfold(1, 2, 2)
                    own = cells.flatten(2)
                    same = (own == own[..., :1]).all(dim=2) & (own[..., 0] >= 0)
                    given = found[row].view(features.grid.shape)[: own.shape[0], : own.shape[1]]
                    kinds = masks.of_item(int(batch.index[row]), items.read(int(batch.index[row]), RNG))
                    assert kinds is not None
                    wrong = (given != own[..., 0]) & same & (given >= 0)
                    # Masks in training have cells of some pixels: edges may be off by one of them, and nothing more.
                    assert float(wrong.float().mean()) < 0.02
                    shown += int((same & (given >= 0)).sum())
    assert shown > 5000


def test_what_discover_writes_is_read_again(tmp_path: Path) -> None:
    numbers = painted(20, 30)
    path = write(tmp_path / "data", "a.png", numbers)
    labels = torch.from_numpy(numbers.astype(np.int64)) - 1
    (tmp_path / "objects.json").write_text(json.dumps(coco([(str(path), labels, {})])))
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "a.png").write_bytes(index_png(labels))
    for written in ("objects.json", "index"):
        found = of_first(tmp_path / "data", tmp_path / written)[1].labels.view(20, 30)
        assert torch.equal(found >= 0, labels >= 0)
        for number in range(3):
            assert len(found[labels == number].unique()) == 1


def test_true_objects_are_shown_as_masks_of_the_pictures_size(tmp_path: Path) -> None:
    numbers = painted(40, 60)
    write(tmp_path / "data", "a.png", numbers)
    save_mask(tmp_path / "masks", "a.png", numbers)
    item, masks = of_first(tmp_path / "data", tmp_path / "masks")
    shown = Image().shown_masks(item, masks)
    assert [name for name, _ in shown] == ["object 1", "object 2", "object 3"]
    for number, (_, mask) in enumerate(shown, start=1):
        assert torch.equal(mask, torch.from_numpy(numbers == number))
    page = Image().render(item, torch.zeros(1, dtype=torch.long), Grid.uniform((1, 1), (40.0, 60.0)), shown)
    assert "true: object 1, object 2, object 3" in page


def test_names_of_masks_fit_pictures_in_folders_and_with_suffixes(tmp_path: Path) -> None:
    for name in ("may/a.png", "june/a.png", "june/b.jpg", "june/b.png"):
        write(tmp_path / "data", name, np.zeros((20, 30), dtype=np.uint8))
    for name in ("may/a.png", "june/a.png", "b.jpg.png"):
        save_mask(tmp_path / "masks", name, np.full((20, 30), len(name), dtype=np.uint8))
    modality = Image()
    items = modality.read([tmp_path / "data"]).items
    masks = modality.read_masks(tmp_path / "masks", items)
    has = {Path(items.name(index)).relative_to(tmp_path / "data").as_posix(): masks.has(index) for index in range(4)}
    assert has == {"june/a.png": True, "june/b.jpg": True, "june/b.png": False, "may/a.png": True}


WRONG: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing there": (lambda at: at / "no", "the masks .*no do not exist"),
    "another format": (lambda at: save_mask(at, "x.bmp", painted(20, 30)), r"x\.bmp holds no masks.*give a folder of"),
    "an empty folder": (lambda at: made(at / "empty"), "empty holds no masks that can be read"),
    "a stranger": (
        lambda at: save_mask(at / "masks", "z.png", painted(20, 30)).parent,
        r"the mask .*z\.png names 'z', which is none of the 1 files of the data; .* such as '.*a\.png'",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_masks_are_refused_by_name(tmp_path: Path, name: str) -> None:
    make, message = WRONG[name]
    write(tmp_path / "data", "a.png", np.zeros((20, 30), dtype=np.uint8))
    items = Image().read([tmp_path / "data"]).items
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        Image().read_masks(make(tmp_path), items)


def test_two_masks_of_one_picture_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "data", "a.jpg", np.zeros((20, 30), dtype=np.uint8))
    for name in ("a.png", "a.jpg.png"):
        save_mask(tmp_path / "masks", name, painted(20, 30))
    with pytest.raises(ValueError, match=r"a\.jpg\.png and the mask .*a\.png both belong to .*a\.jpg; keep one"):
        Image().read_masks(tmp_path / "masks", Image().read([tmp_path / "data"]).items)


def test_masks_of_pictures_that_were_left_out_may_be_there(tmp_path: Path) -> None:
    write(tmp_path / "data", "a.png", np.zeros((20, 30), dtype=np.uint8))
    for name in ("a.png", "torn.png"):
        save_mask(tmp_path / "masks", name, painted(20, 30))
    items = Image().read([tmp_path / "data"]).items
    skipped = [Skipped(str(tmp_path / "data" / "torn.jpg"), "is torn")]
    for known, unused in ((skipped, ()), ((), ("torn",))):
        masks = Image().read_masks(tmp_path / "masks", items, known)
        assert masks.has(0)
        assert isinstance(masks, LeavesUnused)
        assert masks.unused == unused


def test_a_mask_that_does_not_fit_its_picture_is_named_when_its_turn_comes(tmp_path: Path) -> None:
    write(tmp_path / "data", "a.png", np.zeros((20, 30), dtype=np.uint8))
    save_mask(tmp_path / "masks", "a.png", painted(21, 30))
    with pytest.raises(BadItemError, match=r"masks/a\.png: has 30 × 21 pixels, its picture .*a\.png has 30 × 20"):
        of_first(tmp_path / "data", tmp_path / "masks")
    save_mask(tmp_path / "masks", "a.png", np.zeros((20, 30, 3), dtype=np.uint8))
    with pytest.raises(BadItemError, match=r"has colours \(mode RGB\), an index PNG has one number a pixel"):
        of_first(tmp_path / "data", tmp_path / "masks")
    (tmp_path / "masks" / "a.png").write_bytes(b"no PNG")
    with pytest.raises(BadItemError, match="cannot be read as a PNG"):
        of_first(tmp_path / "data", tmp_path / "masks")


def test_pictures_that_are_no_files_have_no_masks() -> None:
    with pytest.raises(ValueError, match=r"by the names of files, and these are no files: list\[0\]"):
        Image().read_masks(Path("."), ImageDataset([torch.zeros(3, 20, 20)]))
