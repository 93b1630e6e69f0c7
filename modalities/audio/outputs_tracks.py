"""Events of one recording as Audacity, Raven, Praat and ELAN read them."""

import re
from collections.abc import Callable, Mapping, Sequence
from xml.sax.saxutils import escape

Labelled = tuple[float, float, str]
"""Onset and offset in seconds, and what the event is called."""
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML may hold; joiners of letters and marks of direction are none of them."""


def audacity(events: Sequence[Labelled], seconds: float, rate: int) -> str:  # noqa: ARG001
    """A label track: onset, offset and name with tabs between."""
    return "".join(f"{onset:.6f}\t{offset:.6f}\t{_in_line(name)}\n" for onset, offset, name in events)


def raven(events: Sequence[Labelled], seconds: float, rate: int) -> str:  # noqa: ARG001
    """A selection table; the name is in its column `Annotation`. A selection is a box, here over all frequencies."""
    head = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tAnnotation\n"
    rows = [
        f"{number}\tSpectrogram 1\t1\t{onset:.6f}\t{offset:.6f}\t0.0\t{rate / 2:.1f}\t{_in_line(name)}\n"
        for number, (onset, offset, name) in enumerate(events, start=1)
    ]
    return head + "".join(rows)


def praat(events: Sequence[Labelled], seconds: float, rate: int) -> str:  # noqa: ARG001
    """A TextGrid with one tier: an interval for every event, and empty ones between."""
    end = max([seconds, *(offset for _, offset, _ in events)])
    intervals, last = list[Labelled](), 0.0
    for onset, offset, name in events:
        if onset > last:
            intervals.append((last, onset, ""))
        intervals.append((max(onset, last), offset, name))
        last = offset
    if last < end:
        intervals.append((last, end, ""))
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end:.6f}"]
    lines += ["tiers? <exists>", "size = 1", "item []:", "    item [1]:", '        class = "IntervalTier"']
    lines += ['        name = "events"', "        xmin = 0", f"        xmax = {end:.6f}"]
    lines.append(f"        intervals: size = {len(intervals)}")
    for number, (onset, offset, name) in enumerate(intervals, start=1):
        text = _in_line(name).replace('"', '""')
        lines += [
            f"        intervals [{number}]:",
            f"            xmin = {onset:.6f}",
            f"            xmax = {offset:.6f}",
        ]
        lines.append(f'            text = "{text}"')
    return "\n".join(lines) + "\n"


def elan(events: Sequence[Labelled], seconds: float, rate: int) -> str:  # noqa: ARG001
    """An annotation document with one tier, in whole milliseconds."""
    slots, notes = list[str](), list[str]()
    for number, (onset, offset, name) in enumerate(events):
        text = escape(_in_line(NO_XML.sub(" ", name)))
        first, second = f"ts{2 * number + 1}", f"ts{2 * number + 2}"
        for slot, time in ((first, onset), (second, offset)):
            slots.append(f'        <TIME_SLOT TIME_SLOT_ID="{slot}" TIME_VALUE="{round(1000 * time)}"/>\n')
        notes.append(
            f'        <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{number + 1}" TIME_SLOT_REF1="{first}" '
            f'TIME_SLOT_REF2="{second}"><ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION>'
            "</ANNOTATION>\n"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ANNOTATION_DOCUMENT AUTHOR="" DATE="1970-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">\n'
        '    <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/>\n'
        f"    <TIME_ORDER>\n{''.join(slots)}    </TIME_ORDER>\n"
        f'    <TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID="events">\n{"".join(notes)}    </TIER>\n'
        '    <LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="default-lt" TIME_ALIGNABLE="true"/>\n'
        "</ANNOTATION_DOCUMENT>\n"
    )


def _in_line(name: str) -> str:
    """In one line and one cell: white space is one space, as those who read these files take it."""
    return " ".join(name.split())


TRACKS: Mapping[str, tuple[str, Callable[[Sequence[Labelled], float, int], str]]] = {
    "labels": (".txt", audacity),
    "selections": (".selections.txt", raven),
    "textgrids": (".TextGrid", praat),
    "elan": (".eaf", elan),
}
"""Folders with a track for every recording: the ending of their files, and what writes one, from its events, its length
in seconds and its own sample rate in Hz."""
