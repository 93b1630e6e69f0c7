"""Tables of events as the DCASE challenge has them: a row for every event, with the name of its recording."""

from pathlib import Path

from ..data.items import BadItemError
from ..storage.csv_file import meant
from ..tables.layout import Layout
from ..tables.rows import table_of
from .labelled_events import LabelledEvent, event_of


def events_in_table(path: Path) -> list[tuple[str, LabelledEvent | None]]:
    """The rows of a table, each with the name of its recording; one without times says that there is no event."""
    try:
        layout, table = table_of(path)
        places = _places(path, layout)
        missing = [name for name in ("filename", "onset", "offset") if places[name] is None]
        if missing:
            raise ValueError(
                f"{path} has no column {' and no column '.join(map(repr, missing))}, its columns are "
                f"{', '.join(map(repr, layout.names))}; write a table with the columns filename, onset, offset and "
                "event_label"
            )
        if places["event_label"] is None and places["label"] is None and len(layout.names) > 3:
            raise ValueError(
                f"{path} has no column 'event_label', its columns are {', '.join(map(repr, layout.names))}, so its "
                "events would have no names; call the column of names so, or leave filename, onset and offset alone"
            )
        rows: list[tuple[str, LabelledEvent | None]] = []
        for row in table:
            source = f"{path}:{row.line}"
            if row.problem and not 0 < len(row.cells) < len(layout.names):
                raise ValueError(f"{source} {row.problem}; correct the line")
            padded = (*row.cells, *[""] * len(layout.names))  # a name alone says that there is no event
            cells = {name: meant(padded[place]).strip() for name, place in places.items() if place is not None}
            onset, offset, name = cells["onset"], cells["offset"], cells.get("event_label", cells.get("label", ""))
            event = event_of(onset, offset, name, source) if onset or offset else None
            rows.append((cells["filename"], event))
    except (OSError, BadItemError) as error:
        raise ValueError(f"{path} is no table ({error}); save it as UTF-8, or remove it") from error
    return rows


def _places(path: Path, layout: Layout) -> dict[str, int | None]:
    """Where the columns of a table of events are."""
    try:
        return {name: layout.column(name) for name in ("filename", "onset", "offset", "event_label", "label")}
    except ValueError as error:
        raise ValueError(f"{path} {error}") from error
