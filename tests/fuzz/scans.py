"""Formats of point clouds, and a table of their objects."""

from functools import partial

from gestalt.modalities.points import PointModality
from tests.scans import SCANS, with_faces_first

from .formats import Format, written
from .law import lay_masks, read_whole

MODALITY = PointModality(most=8)


def _files(name: str) -> dict[str, bytes]:
    file, write = SCANS[name]
    return {file: written(file, write)}


FORMATS = [
    Format(
        f"points: {name}", partial(_files, name), partial(read_whole, MODALITY), SCANS[name][0],
        is_text=SCANS[name][0].endswith((".xyz", ".csv", ".txt")) or "text" in name,
    )
    for name in SCANS
]  # fmt: skip
FORMATS.append(
    Format("points: PLY, faces first", lambda: {"a.ply": with_faces_first("<")}, partial(read_whole, MODALITY), "a.ply")
)


MASKS = partial(lay_masks, MODALITY)


OBJECTS = "cloud,point,object,label\na.ply,0,1,box\na.ply,1,1,box\na.ply,4,2,lamp\na.ply,2,0,\n"
FORMATS.append(
    Format(
        "objects of points",
        lambda: {"data/a.ply": _files("PLY, little-endian")["a.ply"], "o.csv": OBJECTS.encode()},
        MASKS,
        "o.csv",
        is_text=True,
    )
)
