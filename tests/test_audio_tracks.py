"""Label tracks of all forms say the same of the same events, are read again, and refused with the strange line."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from gestalt.modalities.audio import MODALITY
from gestalt.modalities.audio.label_tracks import events_of_track
from gestalt.modalities.audio.outputs_tracks import TRACKS

EVENTS = [(0.5, 1.25, "dog"), (1.5, 2.5, 'a "cat" & <fox>'), (3.0, 5.0, "Öre")]


def written(folder: Path, name: str = "dawn") -> dict[str, Path]:
    """The same events in every form."""
    found = {}
    for form, (ending, write) in TRACKS.items():
        found[form] = folder / form / f"{name}{ending}"
        found[form].parent.mkdir(parents=True, exist_ok=True)
        found[form].write_text(write(EVENTS, 6.0, 16_000), encoding="utf-8")
    return found


@pytest.mark.parametrize("form", TRACKS)
def test_what_is_written_is_read_again_and_belongs_to_its_recording(form: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "dawn.wav", np.random.default_rng(0).normal(0, 0.1, 6 * 16_000), 16_000)
    track = written(tmp_path)[form]
    assert [(one.onset, one.offset, one.name) for one in events_of_track(track)] == EVENTS
    items = MODALITY.read([tmp_path / "dawn.wav"]).items
    for path in (track, track.parent):
        masks = MODALITY.read_masks(path, items).of_item(0, items.read(0, np.random.default_rng(0)))
        assert masks is not None
        assert [masks.name(number) for number in sorted(masks.objects())] == ["Öre", 'a "cat" & <fox>', "dog"]


@pytest.mark.parametrize("form", TRACKS)
def test_a_track_without_events_is_read_as_one(form: str, tmp_path: Path) -> None:
    ending, write = TRACKS[form]
    (tmp_path / f"a{ending}").write_text(write([], 6.0, 16_000), encoding="utf-8")
    assert events_of_track(tmp_path / f"a{ending}") == []


SHORT = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n2\n<exists>\n2\n' + (
    '"IntervalTier"\n"words"\n0\n2\n2\n0\n1\n"two\nlines"\n1\n2\n""\n"TextTier"\n"points"\n0\n2\n1\n0.5\n"here"\n'
)
RAVEN = "Selection\tView\tBegin Time (s)\tEnd Time (s)\tSpecies\n1\tWaveform 1\t0,5\t1,5\towl\n"
RAVEN += "1\tSpectrogram 1\t0,5\t1,5\towl\n"
ELAN = """<?xml version="1.0"?><ANNOTATION_DOCUMENT><TIME_ORDER>
<TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="500"/><TIME_SLOT TIME_SLOT_ID="t2"/>
<TIME_SLOT TIME_SLOT_ID="t3" TIME_VALUE="1500"/></TIME_ORDER><TIER><ANNOTATION>
<ALIGNABLE_ANNOTATION TIME_SLOT_REF1="t1" TIME_SLOT_REF2="t2">
<ANNOTATION_VALUE>owl</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
<ANNOTATION><REF_ANNOTATION ANNOTATION_REF="a1"><ANNOTATION_VALUE>bird</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
</TIER></ANNOTATION_DOCUMENT>"""


def media(*linked: tuple[str, int]) -> bytes:
    """The same, with media that are linked with an offset in milliseconds."""
    said = [f'<MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/x/{name}" TIME_ORIGIN="{later}"/>' for name, later in linked]
    head = f'<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">{"".join(said)}</HEADER>'
    return ELAN.replace("<TIME_ORDER>", f"{head}<TIME_ORDER>").encode()


READ = {
    "the short form, in UTF-16": ("a.TextGrid", SHORT.encode("utf-16"), [(0.0, 1.0, "two lines")]),
    "windows of Raven's views, decimal commas": ("a.txt", RAVEN.encode(), [(0.5, 1.5, "owl")]),
    "the time within a file of several": (
        "a.txt",
        b"Begin Time (s)\tEnd Time (s)\tFile Offset (s)\tBegin File\n61\t62.5\t1\ta.wav\n",
        [(1.0, 2.5, "")],
    ),
    "a slot without a time": ("a.eaf", ELAN.encode(), [(0.5, 1.0, "owl")]),
    "a medium that begins later": ("a.eaf", media(("a.wav", 2000)), [(2.5, 3.0, "owl")]),
    "of two media the one of its name": (
        "å b.eaf",
        media(("c.mp4", 0), ("%C3%A5%20b.wav", -250)),
        [(0.25, 0.75, "owl")],
    ),
    "two media that begin together": ("a.eaf", media(("b.mp4", 100), ("b.wav", 100)), [(0.6, 1.1, "owl")]),
}


@pytest.mark.parametrize("case", READ)
def test_what_the_programs_write_is_understood(case: str, tmp_path: Path) -> None:
    name, content, events = READ[case]
    (tmp_path / name).write_bytes(content)
    assert [(one.onset, one.offset, one.name) for one in events_of_track(tmp_path / name)] == events


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbb">]><ANNOTATION_DOCUMENT>&b;</ANNOTATION_DOCUMENT>'
REFUSED = {
    "a time that is none": ("a.TextGrid", SHORT.replace("\n1\n2\n", "\nx\n2\n", 1).encode(), r"a\.TextGrid:\d+"),
    "an end before the begin": (
        "a.TextGrid",
        SHORT.replace("2\n0\n1\n", "2\n1.5\n1\n", 1).encode(),
        r"TextGrid:13.*extent",
    ),
    "a TextGrid that is cut": ("a.TextGrid", SHORT[:90].encode(), r"a\.TextGrid:\d+ ends where"),
    "a text without an end": ("a.TextGrid", SHORT[:-2].encode(), r"a\.TextGrid:\d+ begins a text"),
    "another object of Praat": ("a.TextGrid", SHORT.replace("TextGrid", "Pitch").encode(), "no TextGrid"),
    "points alone": (
        "a.TextGrid",
        b'"ooTextFile"\n"TextGrid"\n0\n1\n<exists>\n1\n"TextTier"\n"p"\n0\n1\n1\n0.5\n"x"\n',
        "no tier of intervals",
    ),
    "no Unicode": ("a.TextGrid", SHORT.replace("lines", "Öre").encode("latin-1"), "no text in Unicode"),
    "a selection without a time": ("a.txt", RAVEN.replace("0,5", "", 1).encode(), r"a\.txt:2.*no seconds"),
    "selections of two recordings": (
        "a.txt",
        b"Begin Time (s)\tEnd Time (s)\tBegin File\n0\t1\ta.wav\n1\t2\tb.wav\n",
        r"a\.txt:3.*b\.wav.*one table for each",
    ),
    "a short row": ("a.txt", (RAVEN + "2\tWaveform 1\n").encode(), r"a\.txt:4"),
    "entities": ("a.eaf", BOMB.encode(), "declares a document type"),
    "no XML": ("a.eaf", ELAN[:-10].encode(), r"a\.eaf:\d+ is no XML"),
    "XML of another program": ("a.eaf", b"<svg/>", "no annotation document of ELAN"),
    "a slot that is not there": ("a.eaf", ELAN.replace('REF2="t2"', 'REF2="t9"').encode(), r"a\.eaf:4.*t9"),
    "media of different offsets": ("a.eaf", media(("b.mp4", 0), ("b.wav", 250)), "offsets of 0 and 250 ms"),
    "frames in place of milliseconds": (
        "a.eaf",
        media(("a.wav", 0)).replace(b"milliseconds", b"PAL-frames"),
        r"a\.eaf:1 counts in 'PAL-frames'",
    ),
    "a TextGrid that begins later": (
        "a.TextGrid",
        SHORT.replace("\n\n0\n2\n", "\n\n0.25\n2\n").encode(),
        r"a\.TextGrid:4 begins at 0\.25 s, and a recording begins at 0",
    ),
    "a time of a slot that is none": (
        "a.eaf",
        ELAN.replace('"500"', '"half"').encode(),
        r"a\.eaf:2 has the time 'half'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_strange_is_refused_with_its_file_and_line(case: str, tmp_path: Path) -> None:
    name, content, said = REFUSED[case]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=said):
        events_of_track(tmp_path / name)
