"""COCO's captions: texts of pictures in one file of JSON, several of each."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...data.items import BadItemError, Skipped
from ..base import AbstractModality, Reading
from ..optional import ReadsColumn
from .item import JointItem
from .named_files import NamedFiles, among
from .rows import Rows
from .tables import by_file, by_line, read_part

FIELD = "caption"
ADVICE = "export the captions again, or leave the item out with --skip-bad"


def captions_among(paths: Sequence[Path]) -> dict[Path, Mapping[str, Any]]:
    """The files of captions that are named, or that lie in the folders that are named, and what they say."""
    found = dict[Path, Mapping[str, Any]]()

    def is_one(path: Path) -> bool:
        said = captions_in(path)
        if said is not None:
            found[path] = said
        return said is not None

    among(paths, frozenset((".json",)), is_one)
    return found


def captions_in(path: Path) -> Mapping[str, Any] | None:
    """What a file of captions says: `images` and `annotations`, of which the first has a caption; None for others."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return None
    try:
        said = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not all(isinstance(said.get(key), list) for key in ("images", "annotations")):
        return None
    first = next(iter(said["annotations"]), None)
    return said if isinstance(first, dict) and FIELD in first else None


def read_captions(
    modalities: Mapping[str, AbstractModality[Any]],
    captions: Mapping[Path, Mapping[str, Any]],
    paths: Sequence[Path],
    rows: Rows,
    full: bool = False,
) -> Reading[JointItem]:
    """An item for every picture that a file of captions names; training draws one of its captions.

    Pictures lie where `file_name` says, relative to the file of captions or to the folders that are named beside it, or
    anywhere below these under that name.

    Args:
        modalities: one that reads columns, and one of files.
        captions: the files, and what they say.
        paths: these files and folders of pictures.
        rows: where items go.
        full: read pictures at the resolution of the files.

    Raises:
        BadItemError: for the first picture that is not there or has no caption, unless it may be left out.
        BadItemError: for the first id that is no number or text, unless it may be left out.
        ValueError: if the modalities are others, no picture is named, or there is no item.
    """
    texts = [name for name, one in modalities.items() if isinstance(one, ReadsColumn)]
    others = [name for name in modalities if name not in texts]
    if len(texts) != 1 or len(others) != 1:
        raise ValueError(
            f"{next(iter(captions))}: COCO's captions are a text and a picture for every item, and the parts are "
            f"{', '.join(modalities)}; join two modalities, of which one reads text"
        )
    lenient = rows.skip_bad or rows.allow_missing
    text = modalities[texts[0]]
    assert isinstance(text, ReadsColumn)
    words = rows.note(text.of_column(FIELD).read(list(captions), lenient))
    folders = [path for path in paths if path not in captions]
    named, of_image = list[tuple[str, Path | None]](), list[list[int]]()
    for path, said in captions.items():
        annotations = said["annotations"]
        files_of = NamedFiles(path, folders)
        if not all(isinstance(one, dict) for one in annotations):
            raise BadItemError(str(path), "holds annotations that are no objects; export the captions again")
        numbers, longer = by_line(words, range(1, len(annotations) + 1), path)
        rows.read_at_begin(texts[0], words, longer)
        own = dict[Any, list[int]]()
        for line, (number, annotation) in enumerate(zip(numbers, annotations, strict=True), start=1):
            if reason := _no_id(annotation, "image_id"):
                rows.leave_out(f"{path}: annotation {line}", reason)
            elif number >= 0:
                own.setdefault(annotation.get("image_id"), []).append(number)
        names = _names_of(said["images"])
        for place, image in enumerate(said["images"], start=1):
            name = image.get("file_name") if isinstance(image, dict) else None
            if not isinstance(name, str):
                rows.leave_out(f"{path}: image {place}", f"has no file_name; {ADVICE}")
                continue
            if reason := _no_id(image, "id"):
                rows.leave_out(f"{path}: image {place}", reason)
                continue
            captions_of = own.pop(image.get("id"), [])
            if len(names[image.get("id")]) > 1:
                reason = f"has the id {image.get('id')!r} of another image: whose its captions are is not known"
                rows.leave_out(f"{path}: {name}", f"{reason}; {ADVICE}")
                continue
            try:
                named.append((f"{path}: {name}", files_of.find_below(name)))
            except ValueError as error:
                rows.leave_out(f"{path}: {name}", f"{error}; {ADVICE}")
                continue
            of_image.append(captions_of)
        if own:
            reason = f"{len(own)} pictures have captions and are not among its images, the first {next(iter(own))!r}"
            rows.damaged.append(Skipped(str(path), reason))
    files = [file for _, file in named]
    if not named:
        first = f"; the first, {rows.skipped[0].said}" if rows.skipped else ""
        raise ValueError(f"{next(iter(captions))}: names no pictures that can be used{first}")
    if not any(files):
        raise ValueError(f"{next(iter(captions))}: none of its pictures is there, the first is {named[0][0]}")
    there = [file for file in dict.fromkeys(files) if file is not None]
    pictures = rows.note(read_part(modalities[others[0]], there, lenient, full))
    for (name, file), number, own_captions in zip(named, by_file(pictures, files), of_image, strict=True):
        numbers_of = {others[0]: number, texts[0]: own_captions[0] if own_captions else -1}
        row = [numbers_of[part] for part in modalities]
        there_is = "that can be used" if file is not None else "that can be used (the picture is not there)"
        rows.add(name, row, f" {there_is}; export the captions again", {texts[0]: own_captions})
    return rows.reading(
        {name: pictures if name == others[0] else words for name in modalities}, str(next(iter(captions)))
    )


def _names_of(images: Sequence[Any]) -> Mapping[Any, set[str]]:
    """The names of the pictures of every id: of two, where files were joined, an id tells nothing."""
    found = dict[Any, set[str]]()
    for image in images:
        if isinstance(image, dict) and isinstance(image.get("file_name"), str) and not _no_id(image, "id"):
            found.setdefault(image.get("id"), set()).add(image["file_name"])
    return found


def _no_id(entry: Mapping[str, Any], field: str) -> str | None:
    """What is wrong with an id, if it is no number and no text."""
    found = entry.get(field)
    if found is None or isinstance(found, int | float | str):
        return None
    return f"has the {field} {found!r}, which is no number and no text; {ADVICE}"
