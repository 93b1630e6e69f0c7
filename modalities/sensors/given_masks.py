"""Stretches that come with series: tables of events, or annotations of EDF+."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from gestalt.core.data.items import AbstractItems, Skipped
from gestalt.core.data.masks import AbstractMasks
from gestalt.core.modality.event_masks import EventMasks, events_of_table, refuse_outside
from gestalt.core.modality.pairing import NamedFiles, files_below, must_exist, unreadable_masks, written_form
from gestalt.core.shards.addresses import is_archive
from gestalt.core.shards.files import files_in

from .annotations import annotations_of
from .data import SensorFiles, Series
from .hypnograms import recordings_of, with_hypnograms
from .reading import EDF

ACCEPTED = (
    "a table (.csv, .tsv) with the columns filename, onset, offset, event_label, or EDF+ with annotations: a file, or "
    "a folder or a tar archive of files named like the series"
)


def read_masks(path: Path, items: AbstractItems[Series], skipped: Sequence[Skipped] = ()) -> AbstractMasks[Series]:
    """The stretches of series, in seconds from their first sample, in a table or in annotations of EDF+.

    Raises:
        FileNotFoundError: if the path does not exist.
        ValueError: if it holds no stretches, names a file that there is not, or one lies outside its file; or if the
            series are no files.
    """
    must_exist(path)
    path = written_form(path, "events.csv")
    if not isinstance(items, SensorFiles):
        raise ValueError(f"stretches belong to files by their names, and these are none: {items.name(0)}")
    files = NamedFiles(items.paths, skipped)
    if path.suffix.lower() in (".csv", ".tsv") and path.is_file():
        events = {number: tuple(own) for number, own in events_of_table(path, files).items()}
        for number, own in events.items():
            refuse_outside(own, items.headers[number].seconds, items.paths[number])
    elif path.is_dir() or is_archive(path) or path.suffix.lower() in EDF:
        named = list(_named_below(path))
        nights = recordings_of([one for _, one in named], items.paths)
        # A recording beside its hypnogram says nothing of its own, in a copy of the data neither.
        beside = with_hypnograms([one for _, one in named])
        scored = {recording.resolve() for recording in (*nights.values(), *beside)}
        named = [(str(nights.get(one, name)), one) for name, one in named if one.resolve() not in scored]
        pairs = files.paired(named, lambda one: f"the annotations {one}")
        events = {number: annotations_of(one, items.headers[number].seconds) for number, one in pairs.items()}
        events = {number: own for number, own in events.items() if own}
    else:
        raise unreadable_masks(path, ACCEPTED)
    if not events:
        raise unreadable_masks(path, ACCEPTED)
    return EventMasks(items, events, files.unused)


def _named_below(path: Path) -> Iterator[tuple[str, Path]]:
    """The EDF files in a folder or an archive with their names in it, or a file alone."""
    if path.is_dir():
        yield from files_below(path, EDF)
    elif is_archive(path):
        for one in files_in(path):
            if one.suffix.lower() in EDF:
                yield one.relative_to(path).with_suffix("").as_posix(), one
    else:
        yield path.stem, path
