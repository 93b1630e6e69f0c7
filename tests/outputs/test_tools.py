"""What `discover` writes, opened by the tools of the field that it is for."""

import csv
import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image as Pillow

from gestalt.core.runs.discover import discover
from gestalt.modalities.audio import MODALITY as AUDIO
from gestalt.modalities.image import Image
from gestalt.modalities.points import MODALITY as POINTS
from gestalt.modalities.sensors import Sensors
from gestalt.modalities.text import MODALITY as TEXT
from gestalt.modalities.video import Video
from tests.series_files import write_table
from tests.tiny_runs import tiny_run
from tests.video_files import coded

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of a package that they import
    import sed_eval


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Events of recordings, whose names hold all that separates columns, and a formula."""
    folder = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(0)
    for name in ("a.wav", "my, rec;ording b.wav", "=cmd+1.wav", "3.5.wav", "Vögel 鳥.wav"):
        tones = np.repeat(rng.uniform(200, 4000, 6), 8000)
        soundfile.write(folder / name, 0.3 * np.sin(np.cumsum(tones) / 16000 * 2 * np.pi), 16000)
    out = tmp_path_factory.mktemp("found") / "out"
    discover(tiny_run(tmp_path_factory.mktemp("runs") / "audio", AUDIO, width=16), [folder], out)
    return out


def test_event_lists_are_read_and_evaluated_by_sed_eval(events: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.open", _in_utf8(open))
    written = json.loads((events / "events.json").read_text(encoding="utf-8"))
    wanted = [(file, e["onset"], e["offset"], e["object"]) for file, found in written.items() for e in found]
    assert len({file for file, *_ in wanted}) == 5
    read = sed_eval.io.load_event_list(str(events / "events.csv"))
    assert [(e["filename"], e["onset"], e["offset"], e["event_label"]) for e in read] == wanted
    for file, found in written.items():
        track = events / "labels" / f"{Path(file).stem}.txt"
        own = sed_eval.io.load_event_list(str(track))
        assert [e["event_label"] for e in own] == [e["object"] for e in found]
        assert [e["onset"] for e in own] == pytest.approx([e["onset"] for e in found], abs=6e-4)
    metrics = sed_eval.sound_event.EventBasedMetrics(sorted({label for *_, label in wanted}), t_collar=0.2)
    for file in written:
        metrics.evaluate(read.filter(filename=file), read.filter(filename=file))
    assert metrics.results_overall_metrics()["f_measure"]["f_measure"] == 1.0


def _in_utf8(plain: Any) -> Any:
    """The tool opens text in the language of the system."""
    return lambda file, mode="r", *rest, **more: plain(
        file, mode, *rest, **({} if "b" in mode or rest else {"encoding": "utf-8"}) | more
    )


def test_tables_of_events_are_alike_and_in_dcases_columns(events: Path) -> None:
    tables = []
    for name, delimiter in (("events.tsv", "\t"), ("events.csv", ",")):
        with (events / name).open(encoding="utf-8", newline="") as file:
            tables.append(list(csv.reader(file, delimiter=delimiter)))
    assert tables[0] == tables[1]
    assert tables[0][0] == ["filename", "onset", "offset", "event_label"]
    assert all(Path(row[0]).is_file() for row in tables[0][1:])


def test_label_tracks_are_what_audacity_imports(events: Path) -> None:
    # Its manual: UTF-8, on every line begin, end and label with tabs between them; a point in numbers, seconds.
    tracks = sorted((events / "labels").iterdir())
    assert len(tracks) == 5
    for track in tracks:
        lines = track.read_bytes().decode("utf-8").split("\n")
        assert lines.pop() == ""
        for line in lines:
            found = re.fullmatch(r"(\d+\.\d+)\t(\d+\.\d+)\t([^\t\n\r]+)", line)
            assert found
            assert float(found[1]) <= float(found[2])


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Objects of a few pictures."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for name, size in (("a.png", (50, 40)), ("b.png", (30, 60))):
        Pillow.fromarray(rng.integers(0, 255, (*size, 3)).astype(np.uint8)).save(folder / name)
    out = tmp_path_factory.mktemp("found") / "out"
    discover(tiny_run(tmp_path_factory.mktemp("runs") / "image", Image(longest=64), width=16), [folder], out)
    return out


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of the tool
def test_objects_of_pictures_are_read_and_evaluated_by_pycocotools(pictures: Path) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth = COCO(str(pictures / "objects.json"))
    for image in truth.loadImgs(truth.getImgIds()):
        index = np.asarray(Pillow.open(pictures / "index" / image["file_name"].rpartition("/")[2]))
        masks = [truth.annToMask(one) for one in truth.loadAnns(truth.getAnnIds(image["id"]))]
        assert len(masks) == index.max() > 1
        for number, mask in enumerate(masks, start=1):
            assert ((index == number) == mask).all()
    found = truth.loadRes(json.loads((pictures / "objects.json").read_text())["annotations"])
    evaluation = COCOeval(truth, found, "segm")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0)


def test_masks_of_videos_lie_as_the_evaluation_of_davis_reads_them(tmp_path: Path) -> None:
    # RESULTS/SEQUENCE/FRAME.png for every frame of JPEGImages/SEQUENCE, as an index picture of its size, whose numbers
    # are the same object in all frames; 0 is the ground and 255 is not evaluated.
    frames = tmp_path / "JPEGImages" / "bear"
    frames.mkdir(parents=True)
    for number in range(0, 40, 5):  # every fifth, as YouTube-VOS has them
        Pillow.fromarray(coded(number)).save(frames / f"{number:05d}.jpg")
    run = tiny_run(tmp_path / "run", Video(seconds=1.0, rate=4.0, size=16), width=16, stride=4)
    discover(run, [frames], tmp_path / "out")
    sequence = tmp_path / "out" / "masks" / "bear"
    assert sorted(mask.stem for mask in sequence.iterdir()) == sorted(frame.stem for frame in frames.iterdir())
    read = []
    for frame in sorted(frames.iterdir()):
        with Pillow.open(sequence / f"{frame.stem}.png") as mask, Pillow.open(frame) as image:
            assert (mask.mode, mask.size) == ("P", image.size)
            assert (mask.getpalette() or [])[:9] == [0, 0, 0, 128, 0, 0, 0, 128, 0]
            read.append(np.array(mask))
    numbers = np.unique(np.stack(read))
    assert 1 <= numbers[numbers > 0].min() <= numbers.max() < 255


def test_spans_are_read_by_conllu(tmp_path: Path) -> None:
    import conllu

    lines = ["The old man saw the sea, and he was not afraid.", "“Ja!” rief er | und _ ging.", "سلام يا عالم"]
    (tmp_path / "a b.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    discover(tiny_run(tmp_path / "run", TEXT, width=16), [tmp_path / "a b.txt"], tmp_path / "out")
    records = [json.loads(line) for line in (tmp_path / "out" / "spans.jsonl").read_text(encoding="utf-8").splitlines()]
    sentences = conllu.parse((tmp_path / "out" / "spans.conllu").read_text(encoding="utf-8"))
    assert [sentence.metadata["text"] for sentence in sentences] == lines
    assert [sentence.metadata["source"] for sentence in sentences] == [f"{tmp_path / 'a b.txt'}:{n}" for n in (1, 2, 3)]
    whole = "\n".join(lines)
    for sentence, record in zip(sentences, records, strict=True):
        rebuilt = ""
        begins: list[int] = []
        for place, token in enumerate(sentence, start=1):
            assert token["id"] == place
            misc = token["misc"]
            begin, end = map(int, misc["TokenRange"].split(":"))
            assert whole[begin:end] == token["form"]
            begins += [begin] if misc.get("Span", "").startswith("B-") else []
            rebuilt += token["form"] + ("" if misc.get("SpaceAfter") == "No" else " ")
        assert rebuilt.strip() == sentence.metadata["text"]
        assert begins == [span["begin"] for span in record["spans"]]
    columns = conllu.parse((tmp_path / "out" / "spans.bio").read_text(encoding="utf-8"), fields=["form", "tag"])
    assert [[token["form"] for token in one] for one in columns] == [[t["form"] for t in one] for one in sentences]


def test_standoff_is_what_brat_reads(tmp_path: Path) -> None:
    # Its manual: an id, a tab, type, first character and the one after the last with spaces between, a tab, the text,
    # in which a space stands for the end of a line; characters are counted in the file as it is, and ids differ.
    texts = {"a b": "The old man\r\nsaw the sea, and he was 🦉 not afraid.\n", "سلام": "سلام يا عالم! می\u200cخواهم\n"}
    for name, text in texts.items():
        (tmp_path / "data" / f"{name}.txt").parent.mkdir(exist_ok=True)
        (tmp_path / "data" / f"{name}.txt").write_bytes(text.encode())
    discover(tiny_run(tmp_path / "run", TEXT, width=16), [tmp_path / "data"], tmp_path / "out")
    records = [json.loads(line) for line in (tmp_path / "out" / "spans.jsonl").read_text(encoding="utf-8").splitlines()]
    for name, text in texts.items():
        read = list[tuple[int, int]]()
        lines = (tmp_path / "out" / "brat" / f"{name}.ann").read_bytes().decode("utf-8").split("\n")
        assert lines.pop() == ""
        for number, line in enumerate(lines, start=1):
            fields = re.fullmatch(r"T(\d+)\t(\S+) (\d+) (\d+)\t([^\t\r\n]+)", line)
            assert fields
            begin, end = int(fields[3]), int(fields[4])
            assert int(fields[1]) == number
            assert re.sub(r"[\r\n]", " ", text[begin:end]) == fields[5]
            read.append((begin, end))
        own = [span for one in records if Path(one["file"]).stem == name for span in one["spans"]]
        assert read == [(span["begin"], span["end"]) for span in own] != []


def test_objects_of_points_are_read_by_trimesh(tmp_path: Path) -> None:
    import trimesh

    rng, clouds = np.random.default_rng(0), dict[str, np.ndarray]()
    (tmp_path / "data").mkdir()
    for name in ("a b", "Bäume 木"):
        clouds[name] = np.round(rng.normal((500_000.25, 4_000_000.5, 0), 1, (60, 3)), 3)
        rows = "\n".join(",".join(f"{number:.3f}" for number in place) for place in clouds[name].tolist())
        (tmp_path / "data" / f"{name}.csv").write_text(f"x,y,z\n{rows}\n")
    discover(tiny_run(tmp_path / "run", POINTS, "pointnet", width=16, columns=0), [tmp_path / "data"], tmp_path / "out")
    with (tmp_path / "out" / "objects.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    for name, cloud in clouds.items():
        read: Any = trimesh.load(tmp_path / "out" / "objects" / f"{name}.ply")
        assert (np.asarray(read.vertices) == cloud).all(), "to the last digit, however far from the origin"
        own = [int(row["object"]) for row in found if Path(row["cloud"]).stem == name]
        assert read.metadata["_ply_raw"]["vertex"]["data"]["object"].tolist() == own
        assert len(set(own)) > 1


def test_stretches_of_sensors_are_read_by_sed_eval(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for seed, name in enumerate(("a", "b, c")):
        write_table(tmp_path / "data" / f"{name}.csv", seed)
    discover(tiny_run(tmp_path / "run", Sensors(100.0, seconds=2.0), width=16), [tmp_path / "data"], tmp_path / "out")
    written = json.loads((tmp_path / "out" / "events.json").read_text(encoding="utf-8"))
    wanted = [(file, e["onset"], e["offset"], e["object"]) for file, found in written.items() for e in found]
    read = sed_eval.io.load_event_list(str(tmp_path / "out" / "events.csv"))
    assert [(e["filename"], e["onset"], e["offset"], e["event_label"]) for e in read] == wanted != []
