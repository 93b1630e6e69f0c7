"""Which videos there are under some paths, and whether they can be used."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gestalt.core.data.items import BadItemError, Skipped
from gestalt.core.modality.base import Reading
from gestalt.core.modality.files import all_below, may_hide_data
from gestalt.core.modality.probing import none_usable, probe, sample
from gestalt.core.storage.listing import obstacle
from gestalt.core.storage.naming import counted

from . import data, folders, reading
from .data import Clip, VideoFiles
from .reading import ADVICE, SUFFIXES, Header

TAIL = 2.0  # seconds at the torn end of a video that may fail to be decoded
FEWEST = 2  # frames; a single picture moves nothing


def find_videos(paths: Sequence[Path]) -> list[Path]:
    """The video files and folders of numbered images among `paths` and below them, in sorted order, each once.

    Raises:
        FileNotFoundError: for a path that does not exist.
        ValueError: if there is no video at all.
    """
    found: list[Path] = []
    for path, files in all_below(paths):
        # A file that the user names is taken whatever its suffix.
        found += [
            file
            for file in files
            if (file.is_dir() and not obstacle(file) and len(folders.frames_of(file)) >= FEWEST)
            or (not file.is_dir() and (file == path or file.suffix.lower() in SUFFIXES))
            or may_hide_data(file)
        ]
    if not found:
        places = ", ".join(map(str, paths)) or "an empty list of paths"
        raise ValueError(
            f"no video in {places}; name files, folders of numbered images, or folders with any of "
            f"{' '.join(sorted(SUFFIXES))}"
        )
    return list(dict.fromkeys(found))


def read_videos(
    paths: Sequence[Path],
    seconds: float,
    rate: float | None,
    size: int | None,
    skip_bad: bool = False,
    folder_rate: float = 24.0,
    margin: float = 0.0,
) -> Reading[Clip]:
    """The windows of all videos: every header is read, and a sample of the videos is decoded (`probing.sample`).

    Images of a folder come `folder_rate` per second. What cannot be decoded elsewhere shows when its turn comes.

    Raises:
        BadItemError: for the first video that cannot be used, unless `skip_bad`.
        ValueError: if none is left.
    """
    found = find_videos(paths)
    decoded = sample(found)

    def examine(path: Path) -> Header:
        header = folders.read_header(path, folder_rate) if path.is_dir() else reading.read_header(path)
        return _decodable(path, header, size) if path in decoded else header

    skipped: list[Skipped] = []
    good = probe(found, examine, skipped if skip_bad else None)
    if not good:
        raise none_usable(skipped, f"{len(skipped)} videos")
    files = VideoFiles([path for path, _ in good], [header for _, header in good], seconds, rate, size, False, margin)
    damaged = tuple(Skipped(str(path), header.damage) for path, header in good if header.damage)
    return Reading(files, tuple(skipped), damaged)


def _decodable(path: Path, header: Header, size: int | None) -> Header:
    """Decode the first and the last frames of a video; of one that was cut off, as far as they can be decoded."""
    step = 1 / header.rate
    first = data.decode(path, header, 0.0, 2.5 * step, None, size)
    if len(first.frames) < FEWEST:
        # A slow or uneven rate: a few frames of the whole are enough.
        first = data.decode(path, header, 0.0, header.seconds, 4 / max(header.seconds, step), size)
    if len(first.frames) < FEWEST:
        cut = "is cut off, and what is left " if header.damage else ""
        raise BadItemError(
            str(path),
            f"{cut}is too short: {counted(len(first.frames), 'frame')}, and at least {FEWEST} "
            "are needed; remove it, or leave it out with --skip-bad",
        )
    if len(data.decode(path, header, max(0.0, header.seconds - step), step, None, size).frames):
        return header
    tail = data.decode(path, header, max(0.0, header.seconds - TAIL), TAIL, None, size)
    if not header.damage or not len(tail.frames):
        raise BadItemError(str(path), f"ends before its header says, at {header.seconds:.1f} s; {ADVICE}")
    return replace(header, seconds=tail.times[-1])
