"""Tracks of events in every form are opened by a tool of the field, with the times and names of what was found."""

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from gestalt.core.runs.discover import discover
from gestalt.modalities.audio import MODALITY
from gestalt.modalities.audio.outputs_tracks import TRACKS, Labelled
from tests.tiny_runs import tiny_run

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of packages that they import
    import crowsetta
    import pympi
    from praatio import textgrid

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")  # of crowsetta, for pandas

SECONDS, RATE = 9.0, 22_050
EVENTS: Sequence[Labelled] = [
    (0.5, 1.25, "dog"),
    (1.25, 2.5, 'a "cat" & <fox>'),
    (3.0, 4.0, "Öre; =1+1, '"),
    (4.0, 5.0, "طائر أزرق"),  # from right to left
    (5.5, 6.0, "می\u200cخواهم"),  # a mark that keeps two letters apart
    (6.0, 7.0, "क्\u200dष 鳥 👩\u200d🌾"),  # one that joins them, and characters above 2¹⁶
    (7.5, 9.0, "שלום"),
]


def by_crowsetta(path: Path) -> list[Labelled]:
    """A label track of Audacity."""
    read = crowsetta.formats.seq.AudSeq.from_file(path)
    return list(zip(read.start_times.tolist(), read.end_times.tolist(), list(read.labels), strict=True))


def boxes_by_crowsetta(path: Path) -> list[Labelled]:
    """Selections of Raven, which are boxes: here over all frequencies that the recording has."""
    boxes = crowsetta.formats.bbox.Raven.from_file(path).to_bbox()
    for box in boxes:
        assert (box.low_freq, box.high_freq) == (0.0, RATE / 2)
    return [(box.onset, box.offset, box.label) for box in boxes]


def by_praatio(path: Path) -> list[Labelled]:
    """A TextGrid, which covers its recording without gaps: intervals between events have no text."""
    read = textgrid.openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="error")
    entries: Any = read.getTier("events").entries
    assert (entries[0].start, entries[-1].end, read.maxTimestamp) == (0.0, SECONDS, SECONDS)
    assert [one.end for one in entries[:-1]] == [one.start for one in entries[1:]]
    return [(one.start, one.end, one.label) for one in entries if one.label]


def by_pympi(path: Path) -> list[Labelled]:
    """A document of ELAN, in milliseconds."""
    found = pympi.Eaf(str(path)).get_annotation_data_for_tier("events")
    return [(begin / 1000, end / 1000, name) for begin, end, name, *_ in sorted(found)]


OPENED: Mapping[str, Callable[[Path], list[Labelled]]] = {
    "labels": by_crowsetta,
    "selections": boxes_by_crowsetta,
    "textgrids": by_praatio,
    "elan": by_pympi,
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is discovered in recordings with names of many scripts."""
    folder = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(0)
    for name in ("a, b.wav", "Vögel 鳥.wav", "طائر.wav"):
        pitch = np.repeat(rng.uniform(200, 4000, 6), round(SECONDS * RATE) // 6)
        soundfile.write(folder / name, 0.3 * np.sin(np.cumsum(pitch) / RATE * 2 * np.pi), RATE)
    out = tmp_path_factory.mktemp("found") / "out"
    discover(tiny_run(tmp_path_factory.mktemp("runs") / "audio", MODALITY, width=16), [folder], out)
    return out


def close(read: Sequence[Labelled], wanted: Sequence[Labelled]) -> bool:
    """The same names in order, at the same millisecond."""
    assert [name for *_, name in read] == [name for *_, name in wanted]
    times = [[time for *own, _ in one for time in own] for one in (read, wanted)]
    return bool(np.allclose(times[0], times[1], rtol=0, atol=0.0011))


@pytest.mark.parametrize("form", TRACKS)
def test_what_is_discovered_is_what_the_tool_of_the_field_reads(form: str, found: Path) -> None:
    records = json.loads((found / "events.json").read_text(encoding="utf-8"))
    assert len(records) == 3
    for file, events in records.items():
        wanted = [(one["onset"], one["offset"], one["object"]) for one in events]
        assert wanted
        assert close(OPENED[form](found / form / f"{Path(file).stem}{TRACKS[form][0]}"), wanted)


@pytest.mark.parametrize("form", TRACKS)
def test_names_of_every_script_reach_the_tool_as_they_are(form: str, tmp_path: Path) -> None:
    ending, write = TRACKS[form]
    (tmp_path / f"a{ending}").write_text(write(EVENTS, SECONDS, RATE), encoding="utf-8")
    assert close(OPENED[form](tmp_path / f"a{ending}"), EVENTS)


@pytest.mark.parametrize("form", TRACKS)
def test_a_name_stays_in_its_cell_and_without_what_the_form_cannot_hold(form: str, tmp_path: Path) -> None:
    ending, write = TRACKS[form]
    event = [(1.0, 2.0, "two\nlines\tand\r\na \x85 cell")]
    (tmp_path / f"a{ending}").write_text(write(event, SECONDS, RATE), encoding="utf-8", newline="")
    assert close(OPENED[form](tmp_path / f"a{ending}"), [(1.0, 2.0, "two lines and a cell")])


def test_what_no_xml_may_hold_is_no_part_of_a_document_of_elan(tmp_path: Path) -> None:
    written = TRACKS["elan"][1]([(1.0, 2.0, "owl\x00\x1b\ufffe")], SECONDS, RATE)
    (tmp_path / "a.eaf").write_text(written, encoding="utf-8")
    assert close(by_pympi(tmp_path / "a.eaf"), [(1.0, 2.0, "owl")])
