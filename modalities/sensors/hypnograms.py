"""Which recording a hypnogram is of: Sleep-EDF's `SC4001EC-Hypnogram.edf` is of `SC4001E0-PSG.edf`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from gestalt.core.shards.files import place_of

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
    exact, alike = dict[str, list[Path]](), dict[str, list[Path]]()
    for path in recordings:
        night = RECORDING.fullmatch(path.stem)
        if night is not None:
            exact.setdefault(night[1].lower(), []).append(path)
            alike.setdefault(night[1].lower()[:-1], []).append(path)
    found = dict[Path, Path]()
    for path in hypnograms:
        night = HYPNOGRAM.fullmatch(path.stem)
        if night is None:
            continue
        fitting = exact.get(night[1].lower()) or (alike.get(night[1].lower()[:-1], []) if len(night[1]) > 1 else [])
        near = [one for one in fitting if one.parent == path.parent] or fitting
        if len(near) > 1:
            said = f"{path} is of {near[0]} or of {near[1]}, by its name"
            raise ValueError(f"{said}; rename it as one of them is called")
        if near:
            found[path] = near[0]
    return found


def beside(recordings: Sequence[Path]) -> Mapping[Path, Path]:
    """The hypnogram of every recording that has one in its folder.

    Raises:
        ValueError: if a recording has several, or a hypnogram is of several.
    """
    folders = {path.parent for path in recordings if RECORDING.fullmatch(path.stem) and place_of(path) is None}
    there = [path for folder in sorted(folders) for path in sorted(folder.iterdir()) if path.suffix.lower() == ".edf"]
    found = dict[Path, Path]()
    for hypnogram, recording in recordings_of(there, recordings).items():
        if found.setdefault(recording, hypnogram) != hypnogram:
            raise ValueError(f"{found[recording]} and {hypnogram} are both of {recording}, by their names; keep one")
    return found
