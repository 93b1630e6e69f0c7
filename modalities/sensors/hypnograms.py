"""Which recording a hypnogram is of: Sleep-EDF's `SC4001EC-Hypnogram.edf` is of `SC4001E0-PSG.edf`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from gestalt.core.shards.addresses import is_archive
from gestalt.core.shards.files import files_in, place_of

HYPNOGRAM, RECORDING = re.compile(r"(.+)-hypnogram", re.IGNORECASE), re.compile(r"(.+)-psg", re.IGNORECASE)


def recordings_of(hypnograms: Iterable[Path], recordings: Sequence[Path]) -> dict[Path, Path]:
    """The recording of every hypnogram that has one: `NAME-PSG` of `NAME-Hypnogram`, or else the one whose name differs
    in its last letter alone, which says who scored it. One in the same folder comes before those of others.

    Args:
        hypnograms: files; those of other names are left out.
        recordings: files of the data.

    Raises:
        ValueError: if several recordings fit one.

    Example:
        >>> of = recordings_of([Path("SC4001EC-Hypnogram.edf")], [Path("SC4001E0-PSG.edf"), Path("SC4002E0-PSG.edf")])
        >>> of[Path("SC4001EC-Hypnogram.edf")].name
        'SC4001E0-PSG.edf'
    """
    found = dict[Path, Path]()
    for path, fitting in _fitting(hypnograms, recordings).items():
        if len(fitting) > 1:
            said = f"{path} is of {fitting[0]} or of {fitting[1]}, by its name"
            raise ValueError(f"{said}; rename it as one of them is called")
        found[path] = fitting[0]
    return found


def _fitting(hypnograms: Iterable[Path], recordings: Sequence[Path]) -> dict[Path, list[Path]]:
    """The recordings that a hypnogram may be of, of every one that may be of any."""
    exact, alike = dict[str, list[Path]](), dict[str, list[Path]]()
    for path in recordings:
        night = RECORDING.fullmatch(path.stem)
        if night is not None:
            exact.setdefault(night[1].lower(), []).append(path)
            alike.setdefault(night[1].lower()[:-1], []).append(path)
    resolved = cache(Path.resolve)
    found = dict[Path, list[Path]]()
    for path in hypnograms:
        night = HYPNOGRAM.fullmatch(path.stem)
        if night is None:
            continue
        fitting = exact.get(night[1].lower()) or (alike.get(night[1].lower()[:-1], []) if len(night[1]) > 1 else [])
        if fitting:
            here = resolved(path.parent)
            found[path] = [one for one in fitting if resolved(one.parent) == here] or fitting
    return found


def without_hypnograms(files: Sequence[Path]) -> list[Path]:
    """The files that are no hypnogram in a folder of recordings of which it may be one."""
    folders = _folders(files)
    found = _fitting([path for path in files if _is_edf(path) and path.parent in folders], files)
    return [path for path in files if path not in found]


def with_hypnograms(files: Sequence[Path]) -> set[Path]:
    """The recordings of which some of the files may be hypnograms."""
    return {recording for fitting in _fitting(files, files).values() for recording in fitting}


def hypnograms_beside(recordings: Sequence[Path]) -> tuple[Path, ...]:
    """What may be a hypnogram of a recording, in the folders of recordings, those in archives too."""
    there = [path for folder in sorted(_folders(recordings)) for path in _files_in(folder) if _is_edf(path)]
    return tuple(_fitting(there, recordings))


def _files_in(folder: Path) -> list[Path]:
    place = (folder, "") if is_archive(folder) else place_of(folder)
    if place is None:
        return sorted(folder.iterdir())
    return sorted(path for path in files_in(place[0]) if path.parent == folder)


def hypnogram_of_each(hypnograms: Sequence[Path], recordings: Sequence[Path]) -> Mapping[Path, Path]:
    """The hypnogram of every recording that has one.

    Raises:
        ValueError: if a recording has several, or a hypnogram is of several.
    """
    found = dict[Path, Path]()
    for hypnogram, recording in recordings_of(hypnograms, recordings).items():
        if found.setdefault(recording, hypnogram) != hypnogram:
            raise ValueError(f"{found[recording]} and {hypnogram} are both of {recording}, by their names; keep one")
    return found


def _folders(files: Iterable[Path]) -> set[Path]:
    """Those of recordings."""
    return {path.parent for path in files if RECORDING.fullmatch(path.stem)}


def _is_edf(path: Path) -> bool:
    return path.suffix.lower() == ".edf"
