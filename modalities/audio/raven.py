"""Selection tables as Raven writes them: a header, and a row for every selection in every view."""

from pathlib import Path

from gestalt.core.data.items import BadItemError
from gestalt.core.modality.labelled_events import LabelledEvent, event_of, text_lines
from gestalt.core.tables.rows import table_of

BEGIN, END, OFFSET, FILE = "Begin Time (s)", "End Time (s)", "File Offset (s)", "Begin File"
NAMES = ("Annotation", "Species", "Species Code", "Common Name", "Label", "Sound type", "Type")
"""Columns for what is heard; Raven leaves their names to the user, these are usual."""


def is_raven(path: Path) -> bool:
    """Whether a file of text is a selection table: its header says so."""
    first = next((line.text for line in text_lines(path)), "")
    return BEGIN in first and END in first


def events_of_raven(path: Path) -> list[LabelledEvent]:
    """The selections of one recording; one that several views show is one event.

    Where a column names the recordings (`Begin File`) of which several follow one another, times are those in the first
    of them (`File Offset (s)`).

    Raises:
        ValueError: if a row has no times, or the table names several recordings.
    """
    try:
        layout, table = table_of(path)
        places = {name: layout.column(name) for name in (BEGIN, END, OFFSET, FILE, "Selection")}
        named = next((place for name in NAMES if (place := layout.column(name)) is not None), None)
        rows = list(table)
    except (OSError, BadItemError, ValueError) as error:
        raise ValueError(f"{path} is no selection table ({error}); export it from Raven again") from error
    events, met, files = list[LabelledEvent](), set[tuple[str, ...]](), set[str]()
    for row in rows:
        source = f"{path}:{row.line}"
        if row.problem:
            raise ValueError(f"{source} {row.problem}; correct the line")
        cells = {name: "" if place is None else row.cells[place].strip() for name, place in places.items()}
        files.add(cells[FILE])
        if len(files) > 1:
            raise ValueError(
                f"{source} is of {cells[FILE]!r}, and rows before it of another recording; save one table for each, "
                "or write a table with the columns filename, onset, offset and event_label"
            )
        name = "" if named is None else row.cells[named].strip()
        event = event_of(cells[BEGIN], cells[END], name, source)
        if cells[OFFSET]:
            length = event.offset - event.onset
            event = event_of(cells[OFFSET], _later(cells[OFFSET], length), name, source)
        key = (cells["Selection"] or source, cells[BEGIN], cells[END])
        if key not in met:
            events.append(event)
        met.add(key)
    return events


def _later(time: str, seconds: float) -> str:
    """A time some seconds later; what is none stays, and is refused where the event is made."""
    try:
        return str(float(time.replace(",", ".", 1)) + seconds)
    except ValueError:
        return time
