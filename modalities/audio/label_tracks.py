"""Label tracks: one file of events for one recording, as Audacity, Raven, Praat and ELAN write them."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from gestalt.core.modality.labelled_events import LabelledEvent, event_of, text_lines

from .elan import events_of_elan
from .praat import events_of_praat
from .raven import events_of_raven, is_raven

READERS: Mapping[str, Callable[[Path], list[LabelledEvent]]] = {".textgrid": events_of_praat, ".eaf": events_of_elan}
SUFFIXES = frozenset((".txt", *READERS))
OF_RAVEN = re.compile(r"(\.Table\.\d+)?\.selections$", re.IGNORECASE)


def recording_of(name: str) -> str:
    """The name of the recording of a track: Raven adds to it.

    Example:
        >>> recording_of("may/dawn.Table.1.selections"), recording_of("dawn")
        ('may/dawn', 'dawn')
    """
    return OF_RAVEN.sub("", name)


def events_of_track(path: Path) -> list[LabelledEvent]:
    """The events of one recording.

    Raises:
        ValueError: if the file is of none of these forms, with the line.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is not None:
        return reader(path)
    return events_of_raven(path) if is_raven(path) else events_of_audacity(path)


def events_of_audacity(path: Path) -> list[LabelledEvent]:
    """The labels of a track: onset, offset and name, with tabs between. Lines of frequencies begin with a backslash."""
    events = []
    for line in text_lines(path):
        if not line.text.strip() or line.text.startswith("\\"):
            continue
        cells = line.text.rstrip("\r\n").split("\t")
        source = f"{path}:{line.number}"
        if len(cells) < 2:
            raise ValueError(
                f"{source} is no label of Audacity, onset, offset and name with tabs between: "
                f"{line.text.rstrip()[:60]!r}"
            )
        events.append(event_of(cells[0], cells[1], " ".join(cells[2:]).strip(), source))
    return events
