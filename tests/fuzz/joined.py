"""Formats of items with parts, and tar archives: pictures and words."""

import io
import json
import tarfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from gestalt.core.modality.joint import joint
from gestalt.core.shards.archive import scanned
from gestalt.core.shards.index import INDEX, INDICES, table_of
from gestalt.core.training.archive_labels import archive_labels
from gestalt.modalities.text import Text

from .formats import Format
from .law import read_whole
from .pictures import IMAGE, saved

MODALITY = joint(image=IMAGE, text=Text())
CAPTIONS = {
    "images": [{"id": 1, "file_name": "a.png"}, {"id": "b", "file_name": "b.png"}],
    "annotations": [
        {"id": 1, "image_id": 1, "caption": "a red boat"}, {"id": 2, "image_id": "b", "caption": "two birds"},
        {"id": 3, "image_id": 1, "caption": "a boat, red"},
    ],
}  # fmt: skip
TABLE = 'image,text,note\na.png,"a red boat, small",x\nb.png,two birds,\n'


def _pictures() -> dict[str, bytes]:
    return {"a.png": saved("PNG"), "b.png": saved("PNG")}


def archive(kind: int = tarfile.PAX_FORMAT) -> bytes:
    """Two pictures with their words and classes, one under a long name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as file:
        for stem in ("0001", f"{'deep/' * 24}ö 2"):
            for ending, content in (("png", saved("PNG")), ("txt", b"a red boat\n"), ("json", b'{"label": "boat"}')):
                info = tarfile.TarInfo(f"{stem}.{ending}")
                info.size = len(content)
                file.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _archive(path: Path, skip_bad: bool) -> None:
    INDICES.forget()
    read_whole(MODALITY, path, skip_bad)


def _pictures_of_archive(path: Path, skip_bad: bool) -> None:
    INDICES.forget()
    read_whole(IMAGE, path, skip_bad)


def _labels(path: Path, skip_bad: bool) -> None:
    del skip_bad
    INDICES.forget()
    items = IMAGE.read([path], True).items
    try:
        archive_labels(items)
    except ValueError as error:  # that nobody says anything is no fault of a file
        if not str(error).startswith("none of"):
            raise


def _with_index() -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.tar")
        path.write_bytes(archive())
        return {"a.tar": archive(), INDEX: table_of({"a.tar": replace(scanned(path), packed=True)})}


FORMATS = [
    Format(
        "joint: table", lambda: {"t.csv": TABLE.encode(), **_pictures()}, partial(read_whole, MODALITY), "t.csv",
        is_text=True,
    ),
    Format(
        "joint: lines", lambda: {
            "t.jsonl": "".join(
                json.dumps({"image": name, "text": f"a {name}", "note": None}) + "\n" for name in ("a.png", "b.png")
            ).encode(), **_pictures(),
        }, partial(read_whole, MODALITY), "t.jsonl", is_text=True,
    ),
    Format(
        "joint: COCO's captions", lambda: {"c.json": json.dumps(CAPTIONS, indent=1).encode(), **_pictures()},
        partial(read_whole, MODALITY), "c.json", is_text=True,
    ),
    Format(
        "joint: a caption beside a picture", lambda: {"d/a.png": saved("PNG"), "d/a.txt": b"a red boat\n"},
        lambda path, skip: read_whole(MODALITY, path.parent, skip), "d/a.txt", is_text=True,
    ),
    Format("joint: tar", lambda: {"a.tar": archive()}, _archive, "a.tar"),
    Format("tar, as GNU has it", lambda: {"a.tar": archive(tarfile.GNU_FORMAT)}, _pictures_of_archive, "a.tar"),
    Format("labels of a tar", lambda: {"a.tar": archive()}, _labels, "a.tar"),
    Format(
        "index of archives", _with_index, lambda path, skip: _pictures_of_archive(path.parent / "a.tar", skip), INDEX,
        ours=True,
    ),
]  # fmt: skip
