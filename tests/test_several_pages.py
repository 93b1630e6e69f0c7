"""Of a file of several pages or frames the first is read, and that is said."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from gestalt.core.data.items import Remarked
from gestalt.core.pictures import several
from gestalt.modalities.image import MODALITY

PAGES = [Picture.fromarray(np.full((20, 30, 3), 40 * number, np.uint8)) for number in (1, 3, 5)]


def remarks_of(path: Path) -> tuple[str, ...]:
    items = MODALITY.read([path]).items
    assert isinstance(items, Remarked)
    return tuple(items.remarks)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tif", "a.avif"])
def test_what_is_left_out_of_a_file_of_several_pages_is_said(name: str, tmp_path: Path) -> None:
    PAGES[0].save(tmp_path / name, save_all=True, append_images=PAGES[1:])
    PAGES[0].save(tmp_path / "b.png")
    said = "the first of several pages or frames alone is read of 1 of 2 files that were looked at, such as"
    assert remarks_of(tmp_path) == (f"{said} {tmp_path / name}",)


def test_one_picture_in_several_forms_is_one(tmp_path: Path) -> None:
    PAGES[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=PAGES[1:])
    PAGES[0].save(tmp_path / "b.gif")
    channels = np.stack([np.asarray(page)[..., 0] for page in PAGES])
    tifffile.imwrite(tmp_path / "c.ome.tif", channels, metadata={"axes": "CYX"})
    with tifffile.TiffWriter(tmp_path / "d.tif") as writer:
        writer.write(np.asarray(PAGES[0]), photometric="rgb")
        writer.write(np.asarray(PAGES[0].resize((15, 10))), photometric="rgb", subfiletype=1)
    assert remarks_of(tmp_path) == ()


def test_what_a_library_says_of_further_pages_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(*_: object) -> bool:
        warnings.warn("Corrupt EXIF data", stacklevel=1)
        return False

    monkeypatch.setattr(several, "by_pillow", torn)
    PAGES[0].save(tmp_path / "a.png")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert not several.has_several(tmp_path / "a.png")
    assert said == []
