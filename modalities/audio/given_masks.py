"""Events that come with recordings: label tracks of Audacity, Raven, Praat and ELAN, or tables as DCASE has them."""

from collections.abc import Sequence
from pathlib import Path

from gestalt.core.data.items import AbstractItems, Skipped
from gestalt.core.data.masks import AbstractMasks
from gestalt.core.modality.event_masks import EventMasks as EventMasks
from gestalt.core.modality.event_masks import events_of_table, refuse_outside
from gestalt.core.modality.event_masks import shown_events as shown_masks
from gestalt.core.modality.pairing import NamedFiles, files_below, must_exist, unreadable_masks, written_form

from .data import AudioFiles, Recording
from .label_tracks import SUFFIXES, events_of_track, recording_of

__all__ = ["ACCEPTED", "EventMasks", "read_masks", "shown_masks"]

ACCEPTED = (
    "a folder of Audacity's label tracks, Raven's, Praat's or ELAN's (.txt, .TextGrid, .eaf), named like the "
    "recordings, one such track, "
    "or a table of events (.tsv, .csv) with the columns filename, onset, offset and event_label"
)


def read_masks(
    path: Path, items: AbstractItems[Recording], skipped: Sequence[Skipped] = ()
) -> AbstractMasks[Recording]:
    """The events of audio files.

    Raises:
        FileNotFoundError: if the path does not exist.
        ValueError: if it is of neither format, an event is none or lies outside its recording, or the path names a
            recording that there is not; or if the recordings are no files.
    """
    must_exist(path)
    path = written_form(path, "events.csv")
    if not isinstance(items, AudioFiles):
        raise ValueError(f"events belong to recordings by the names of files, and these are no files: {items.name(0)}")
    files = NamedFiles(items.paths, skipped)
    if path.is_dir() or path.suffix.lower() in SUFFIXES:
        tracks = files_below(path, SUFFIXES) if path.is_dir() else [(path.stem, path)]
        named = [(recording_of(name), track) for name, track in tracks]
        pairs = files.paired(named, lambda track: f"the label track {track}")
        events = {number: events_of_track(track) for number, track in pairs.items()}
    elif path.suffix.lower() in (".tsv", ".csv"):
        events = events_of_table(path, files)
    else:
        raise unreadable_masks(path, ACCEPTED)
    if not events:
        raise unreadable_masks(path, ACCEPTED)
    for number, own in events.items():
        refuse_outside(own, items.headers[number].seconds, items.paths[number])
    return EventMasks(items, {number: tuple(own) for number, own in events.items()}, files.unused)
