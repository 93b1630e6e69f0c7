"""Files that users' programs write: telephone codecs, containers of many tracks, tables of spreadsheets."""

import json
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from av.stream import Disposition
from jaxtyping import Float

from gestalt.core.data.items import BadItemError
from gestalt.core.methods.targets.classes import Classes
from gestalt.core.modality.event_tables import events_in_table
from gestalt.core.runs.discover import discover
from gestalt.core.training.label_table import read_labels
from gestalt.modalities.audio import MODALITY, AudioFiles
from gestalt.modalities.audio.given_masks import EventMasks
from gestalt.modalities.graph import MODALITY as GRAPH
from gestalt.modalities.graph.records import GraphRecords
from gestalt.modalities.text import MODALITY as TEXT
from gestalt.modalities.video import MODALITY as VIDEO
from tests import video_files
from tests.sounds import sweep, write_sound
from tests.tiny_runs import tiny_run

RATE = 16_000
RNG = np.random.default_rng(0)


def write_tracks(path: Path, tracks: Sequence[Float[np.ndarray, " time"]], codec: str = "aac") -> None:
    """A container of several streams of sound."""
    with av.open(str(path), "w") as container:
        streams = [container.add_stream(codec, rate=RATE, layout="mono") for _ in tracks]
        for stream, samples in zip(streams, tracks, strict=True):
            assert isinstance(stream, av.AudioStream)
            size = stream.codec_context.frame_size or 1024
            for first in range(0, len(samples), size):
                frame = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(samples[None, first : first + size]), "fltp", "mono"
                )
                frame.sample_rate, frame.pts, frame.time_base = RATE, first, Fraction(1, RATE)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))


def test_a_recording_of_a_telephone_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", sweep(8000, 3.0), 8000, subtype="GSM610")
    items = MODALITY.read([tmp_path]).items
    assert len(items.read(0, RNG).samples) == pytest.approx(48_000, abs=700)


def test_what_is_no_sound_is_told_in_words_that_are_true(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.wav")
    content = (tmp_path / "a.wav").read_bytes()
    for name, wrong, said in (
        ("page.mp3", b"<html>404 not found</html>" * 50, "it holds no frame of MP3"),
        ("rate.wav", content[:24] + bytes(4) + content[28:], "its header says that it has no sample rate"),
        ("zeros.wav", bytes(5000), "Format not recognised"),
    ):
        (tmp_path / name).write_bytes(wrong)
        with pytest.raises(BadItemError, match=rf"{name}: cannot be read as audio \({said}"):
            MODALITY.read([tmp_path / name])


def test_of_many_tracks_the_first_is_read_in_bounded_time(tmp_path: Path) -> None:
    write_tracks(tmp_path / "a.mkv", [sweep(RATE, 2.0), *[np.zeros(1024, np.float32)] * 250])
    before = time.monotonic()
    reading = MODALITY.read([tmp_path])
    assert time.monotonic() - before < 30
    assert isinstance(reading.items, AudioFiles)
    assert reading.items.headers[0].tracks == 251
    assert len(reading.items.read(0, RNG).samples) == pytest.approx(2 * RATE, abs=1100)
    with pytest.raises(BadItemError, match=r"a\.mkv: holds only sound"):
        VIDEO.read([tmp_path / "a.mkv"])


def test_silence_in_the_first_of_two_tracks_is_no_fault_of_the_microphone(tmp_path: Path) -> None:
    write_tracks(tmp_path / "a.m4a", [np.zeros(3 * RATE, np.float32), sweep(RATE, 3.0)])
    with pytest.raises(
        BadItemError, match="is silent throughout in its first track, which is read of 2; save the right"
    ):
        MODALITY.read([tmp_path])


def test_a_container_without_sound_and_one_with_a_cover_are_told_apart(tmp_path: Path) -> None:
    video_files.write(tmp_path / "film.mp4", [number / 10 for number in range(20)])
    with pytest.raises(BadItemError, match=r"film\.mp4: cannot be read as audio \(it holds no audio"):
        MODALITY.read([tmp_path / "film.mp4"])
    with av.open(str(tmp_path / "song.mp3"), "w") as container:
        sound = container.add_stream("libmp3lame", rate=RATE, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        assert isinstance(cover, av.VideoStream)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        container.mux(cover.encode(picture))
        container.mux(cover.encode(None))
        frame = av.AudioFrame.from_ndarray(sweep(RATE, 3.0)[None], "fltp", "mono")
        frame.sample_rate = RATE
        container.mux([*sound.encode(frame), *sound.encode(None)])
    assert len(MODALITY.read([tmp_path / "song.mp3"]).items) == 1
    with pytest.raises(BadItemError, match=r"song\.mp3: holds only sound"):
        VIDEO.read([tmp_path / "song.mp3"])


def test_events_are_read_from_what_a_spreadsheet_exports(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.wav", rate=RATE)
    rows = 'filename;onset;offset;event_label\r\na.wav;0,5;1,25;"a bird;\u2028of prey"\r\na.wav;2,0;3,0;\'=x\r\n'
    items = MODALITY.read([tmp_path / "a.wav"]).items
    for encoding in ("utf-8-sig", "utf-16"):
        (tmp_path / "events.csv").write_bytes(rows.encode(encoding))
        masks = MODALITY.read_masks(tmp_path / "events.csv", items)
        assert isinstance(masks, EventMasks)
        found = [(event.onset, event.offset, event.name) for event in masks.events[0]]
        assert found == [(0.5, 1.25, "a bird;\u2028of prey"), (2.0, 3.0, "=x")]
    (tmp_path / "a.txt").write_text("0.5\t1.25\ta\u2028bird\x0cof prey\n", encoding="utf-8")
    masks = MODALITY.read_masks(tmp_path / "a.txt", items)
    assert isinstance(masks, EventMasks)
    assert [event.name for event in masks.events[0]] == ["a\u2028bird\x0cof prey"]


def test_ids_of_records_stand_beside_their_spans(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Tweet ID;text\n17;The old man\n;saw the sea\n")
    (tmp_path / "b.jsonl").write_text('{"id": "x-1", "text": "It was blue"}\n{"paid": 3, "text": "and wide"}\n')
    (tmp_path / "c.conllu").write_text("# sent_id = doc/s2\n1\tBirds" + "\t_" * 8 + "\n2\tsing" + "\t_" * 8 + "\n\n")
    run = tiny_run(tmp_path / "run", TEXT)
    assert discover(run, [tmp_path / name for name in ("a.csv", "b.jsonl", "c.conllu")], tmp_path / "found") == 0
    lines = (tmp_path / "found" / "spans.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line).get("id") for line in lines] == ["17", None, "x-1", None, "doc/s2"]
    assert "# source_id = doc/s2\n" in (tmp_path / "found" / "spans.conllu").read_text(encoding="utf-8")


def test_numbers_with_a_decimal_comma_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "edges.csv").write_text("from;to;weight\na;b;1,5\nb;c;-2\n")
    graphs = GRAPH.read([tmp_path / "edges.csv"]).items
    assert isinstance(graphs, GraphRecords)
    assert graphs.read(0, RNG).weights[:, 0].tolist() == [1.5, 1.5, -2.0, -2.0]
    (tmp_path / "props.csv").write_text("SMILES;logS\nCCO;-0,77\n")
    assert discover(tiny_run(tmp_path / "run", GRAPH, "gine"), [tmp_path / "props.csv"], tmp_path / "found") == 0
    assert ',"-0,77"' in (tmp_path / "found" / "molecules.csv").read_text()


def test_extensions_of_smiles_are_no_names(tmp_path: Path) -> None:
    (tmp_path / "a.smi").write_text("CCO |$foo$| spirit\nCCN |r|\nCC a | b | c\n")
    items = GRAPH.read([tmp_path]).items
    assert isinstance(items, GraphRecords)
    assert [items.record(index).title for index in range(3)] == ["spirit", "", "a | b | c"]


FOREIGN = ("C:\\Users\\me\\küste.wav", "/home/me/küste.wav", "sound\\küste.wav", "küste", ".\\küste.wav")
"""What other machines call a file of which another program has taken the letter ü apart."""


@pytest.mark.parametrize("name", FOREIGN)
def test_labels_and_masks_of_another_machine_belong_to_the_files_of_the_same_names(tmp_path: Path, name: str) -> None:
    write_sound(tmp_path / "ku\u0308ste.wav", rate=RATE)
    items = MODALITY.read([tmp_path]).items
    (tmp_path / "l.csv").write_text(f"file,label\n{name},sea\n", encoding="utf-8")
    labels = read_labels(tmp_path / "l.csv", items)
    assert labels.known.tolist() == [0, 0]
    (tmp_path / "e.csv").write_text(f"filename,onset,offset,event_label\n{name},1,2,wave\n", encoding="utf-8")
    masks = MODALITY.read_masks(tmp_path / "e.csv", items)
    assert isinstance(masks, EventMasks)
    assert [event.name for event in masks.events[0]] == ["wave"]


def test_of_two_folders_of_another_machine_each_names_its_own(tmp_path: Path) -> None:
    for name in ("owl/1.wav", "frog/1.wav"):
        (tmp_path / name).parent.mkdir()
        write_sound(tmp_path / name, rate=RATE)
    items = MODALITY.read([tmp_path]).items
    (tmp_path / "l.csv").write_text("file,label\nD:/set/owl/1.wav,owl\nD:/set/frog/1.wav,frog\n")
    labels = read_labels(tmp_path / "l.csv", items)
    assert isinstance(labels.target, Classes)
    assert labels.target.names == ("frog", "owl")
    assert labels.known.tolist() == [0, 0, 1, 1]
    (tmp_path / "l.csv").write_text("file,label\nD:/set/newt/1.wav,newt\nD:/set/toad/1.wav,toad\n")
    with pytest.raises(ValueError, match="names nothing of the data"):
        read_labels(tmp_path / "l.csv", items)


def test_events_whose_names_are_in_a_column_of_another_name_are_not_read_without_them(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("filename,onset,offset,species\na.wav,0.5,1,owl\n")
    with pytest.raises(
        ValueError, match=r"e\.csv has no column 'event_label', its columns are .*'species', so its events"
    ):
        events_in_table(tmp_path / "e.csv")
    (tmp_path / "e.csv").write_text("filename,onset,offset\na.wav,0.5,1\n")
    assert [event.name for _, event in events_in_table(tmp_path / "e.csv") if event] == [""]
