"""Whether a picture file holds more than what is read of it."""

from pathlib import Path

from ..shards.files import at_hand
from .png_chunks import by_pillow
from .reading import quiet

ONE_PICTURE = ("MPO", "ICO", "ICNS")
"""Forms of Pillow whose further pictures are the same one in other sizes, or from another eye."""


def has_several(path: Path) -> bool:
    """Whether a file that can be read has further pages or frames beside the first one.

    Pages that are channels, and smaller copies, are none.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> path, page = Path(tempfile.mkdtemp()) / "a.gif", Image.new("L", (20, 20))
        >>> page.save(path, save_all=True, append_images=[Image.new("L", (20, 20), 255)])
        >>> has_several(path)
        True
    """
    if path.suffix.lower() == ".npy":
        return False
    with at_hand(path) as file, quiet():
        try:
            if _first(file) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
                return _pages(file)
            return by_pillow(
                file, lambda one: bool(getattr(one, "is_animated", False)) and one.format not in ONE_PICTURE
            )
        except Exception:  # libraries raise whatever they like behind the first picture, which was read
            return False


def _first(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def _pages(path: Path) -> bool:
    import tifffile

    with tifffile.TiffFile(path) as file:
        if (file.is_imagej or file.is_ome) and file.series[0].axes == "CYX":
            return False
        further = (file.pages[number] for number in range(1, min(len(file.pages), 64)))
        return any(not getattr(page, "is_reduced", False) and page.shape == file.pages[0].shape for page in further)
