"""Which files and rows are parts of one item, and the commands on them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

import gestalt
from gestalt.__main__ import main
from gestalt.cli.commands import execute
from gestalt.core.data.items import BadItemError, Remarked
from gestalt.core.modality.joint import JointItem, JointModality
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs.parts_of_objects import side_by_side
from gestalt.core.runs.saving import load, modality_settings
from gestalt.core.training.options import Training
from tests.video_files import numbers_of

RATE = 16_000
FEW = Training(steps=2, batch=4, workers=0, log_every=1, accelerator="cpu")


def picture(path: Path, seed: int = 0) -> None:
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(path)


def joint_of(name: str) -> JointModality:
    modality = load_modality(name)
    assert isinstance(modality, JointModality)
    return modality


def read_all(modality: Any, *paths: Path, skip_bad: bool = False) -> tuple[list[JointItem], Any]:
    reading = modality.read(list(paths), skip_bad)
    return [reading.items.read(number, np.random.default_rng(0)) for number in range(len(reading.items))], reading


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Six pictures with captions beside them."""
    folder = tmp_path / "pictures"
    for number in range(6):
        (folder / str(number % 2)).mkdir(parents=True, exist_ok=True)
        picture(folder / str(number % 2) / f"p{number}.png", number)
        (folder / str(number % 2) / f"p{number}.txt").write_text(f"picture number {number}\n", encoding="utf-8")
    return folder


def test_files_that_differ_in_their_endings_alone_are_one_item(pictures: Path) -> None:
    items, reading = read_all(load_modality("image+text"), pictures)
    assert len(items) == 6
    for number, item in enumerate(items):
        assert item.parts["text"].text.startswith(f"picture number {Path(reading.items.name(number)).stem[1:]}")


def test_a_missing_part_is_named_left_out_or_taken_as_missing(pictures: Path) -> None:
    (pictures / "1" / "p3.txt").unlink()
    modality = joint_of("image+text")
    with pytest.raises(BadItemError, match=r"p3.png: has no text: files of one item differ in their endings"):
        read_all(modality, pictures)
    items, reading = read_all(modality, pictures, skip_bad=True)
    assert len(items) == 5
    assert [Path(one.name).name for one in reading.skipped] == ["p3.png"]
    items, reading = read_all(modality.composed_of(modality.modalities, True), pictures)
    assert sorted(len(item.parts) for item in items) == [1, 2, 2, 2, 2, 2]
    assert not reading.skipped


@pytest.mark.parametrize("ending", ["jsonl", "csv", "tsv"])
def test_a_row_of_a_table_names_files_or_holds_a_part_itself(pictures: Path, ending: str) -> None:
    rows = [
        {"Image": f"{number % 2}/p{number}.png", "Text": f'the "{number}"th, a picture', "note": ""}
        for number in (5, 2)
    ]
    table = pictures / f"pairs.{ending}"
    if ending == "jsonl":
        table.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    else:
        mark = "," if ending == "csv" else "\t"
        quoted = [['"' + cell.replace('"', '""') + '"' for cell in row.values()] for row in rows]
        table.write_text("\n".join([mark.join(rows[0]), *map(mark.join, quoted)]) + "\n", encoding="utf-8")
    items, reading = read_all(load_modality("image+text"), table)
    assert [item.parts["text"].text for item in items] == ['the "5"th, a picture', 'the "2"th, a picture']
    for item, number in zip(items, (5, 2), strict=True):
        own = gestalt.MODALITIES.load("image").read([pictures / str(number % 2) / f"p{number}.png"]).items
        assert torch.equal(item.parts["image"], own.read(0, np.random.default_rng(0)))
    assert [Path(reading.items.name(number)).name for number in range(2)] == (
        [f"pairs.{ending}:1", f"pairs.{ending}:2"] if ending == "jsonl" else [f"pairs.{ending}:2", f"pairs.{ending}:3"]
    )


def test_a_row_whose_file_is_not_there_is_named(pictures: Path) -> None:
    table = pictures / "pairs.csv"
    table.write_text("image,text\n0/p0.png,one\n0/nowhere.png,two\n", encoding="utf-8")
    with pytest.raises(BadItemError, match=r"pairs.csv:3: has no image that can be used"):
        read_all(load_modality("image+text"), table)
    items, _ = read_all(load_modality("image+text"), table, skip_bad=True)
    assert len(items) == 1
    table.write_text("image,text\nnowhere.png,one\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"column 'image' must name files of image, relative to the table"):
        read_all(load_modality("image+text"), table)


def test_molecules_and_their_texts_are_columns_of_one_table(tmp_path: Path) -> None:
    table = tmp_path / "molecules.csv"
    table.write_text("name,graph,text\na,CCO,an alcohol\nb,c1ccccc1,a ring of carbon\n", encoding="utf-8")
    items, _ = read_all(load_modality("graph+text"), table)
    assert [item.parts["text"].text for item in items] == ["an alcohol", "a ring of carbon"]
    assert [len(item.parts["graph"]) for item in items] == [3, 6]


def clip_with_sound(path: Path, seconds: float, rate: int = 10, silent: bool = False) -> None:
    """Frames that tell their number, and a tone that is loud in every second second."""
    from tests.video_files import coded

    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 64, 32, "yuv420p"
        audio = None if silent else container.add_stream("aac", rate=RATE, layout="mono")
        for number in range(round(seconds * rate)):
            container.mux(video.encode(av.VideoFrame.from_ndarray(coded(number), format="rgb24")))
        container.mux(video.encode(None))
        if audio is not None:
            time = np.arange(round(seconds * RATE)) / RATE
            tone = (0.5 * np.sin(2 * np.pi * 440 * time) * (time % 2 < 1)).astype(np.float32)
            for first in range(0, len(tone), 1024):
                frame = av.AudioFrame.from_ndarray(tone[None, first : first + 1024], format="fltp", layout="mono")
                frame.sample_rate, frame.pts = RATE, first
                container.mux(audio.encode(frame))
            container.mux(audio.encode(None))


def test_the_sound_and_the_frames_of_a_video_are_one_item_at_the_same_seconds(tmp_path: Path) -> None:
    clip_with_sound(tmp_path / "a.mp4", 6.0)
    items, reading = read_all(joint_of("audio+video"), tmp_path)
    assert len(items) == 3
    for number, item in enumerate(items):
        sound, clip = item.parts["audio"], item.parts["video"]
        assert abs(sound.start - clip.start) < 0.05
        assert numbers_of(clip)[0] == 20 * number
        loud = sound.samples[:RATE].square().mean(), sound.samples[RATE : 2 * RATE].square().mean()
        assert float(loud[0]) > 20 * float(loud[1])
    assert not reading.skipped


def test_the_two_windows_of_a_joint_modality_that_a_command_names_are_of_the_same_length() -> None:
    modality = joint_of("audio+video")
    assert modality.modalities["audio"].seconds == modality.modalities["video"].seconds  # type: ignore[attr-defined]


def test_a_video_without_sound_is_named_or_taken_without_it(tmp_path: Path) -> None:
    clip_with_sound(tmp_path / "a.mp4", 4.0)
    clip_with_sound(tmp_path / "b.mp4", 4.0, silent=True)
    modality = joint_of("audio+video")
    with pytest.raises(BadItemError, match=r"b.mp4"):
        read_all(modality, tmp_path)
    items, _ = read_all(modality.composed_of(modality.modalities, True), tmp_path)
    assert sorted(tuple(item.parts) for item in items) == [
        ("audio", "video"),
        ("audio", "video"),
        ("video",),
        ("video",),
    ]


def test_sound_with_transcripts(tmp_path: Path) -> None:
    for number in range(2):
        tone = 0.3 * np.sin(2 * np.pi * (300 + 200 * number) * np.arange(2 * RATE) / RATE)
        soundfile.write(tmp_path / f"s{number}.flac", tone, RATE)
        (tmp_path / f"s{number}.txt").write_text(f"tone {number}\n", encoding="utf-8")
    items, _ = read_all(load_modality("audio+text"), tmp_path)
    assert [item.parts["text"].words for item in items] == [("tone", "0"), ("tone", "1")]


def test_the_commands_train_on_joint_items_and_write_every_part_with_the_same_objects(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, found, vectors = tmp_path / "run", tmp_path / "found", tmp_path / "vectors"
    (pictures / "1" / "p3.txt").unlink()
    words = [
        "run",
        "objects",
        "--modality",
        "image+text",
        "--data",
        str(pictures),
        "--out",
        str(run),
        "--allow-missing",
    ]
    few = ["--steps", "2", "--batch", "4", "--workers", "0", "--accelerator", "cpu", "--log-every", "1"]
    assert execute([*words, *few]) == 0
    report = (run / "report.html").read_text(encoding="utf-8")
    assert report.count('class="part"') >= 6
    assert "Equal colours within an item are one object" in report
    assert execute(["discover", str(run), str(pictures), "--out", str(found)]) == 0
    assert "objects in 6 items" in capsys.readouterr().out
    masks = {
        path.stem: np.unique(np.asarray(Image.open(path)))
        for path in (found / "image").rglob("*.png")
        if "index" in str(path)
    }
    assert len(masks) == 6
    spans = [json.loads(line) for line in (found / "text" / "spans.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(spans) == 5
    assert execute(["embed", str(run), str(pictures), "--out", str(vectors)]) == 0
    import pyarrow.parquet as parquet

    elements = parquet.read_table(vectors / "elements.parquet")
    assert set(elements["part"].to_pylist()) == {"image", "text"}
    check_parts(vectors, lacking="p3")
    model = load(run)
    assert modality_settings(model.modality)["allow_missing"] is True
    first = model.discover([JointItem({"text": gestalt.MODALITIES.load("text").specimens()[0].item})])[0]
    assert len(first.labels) == first.places.elements  # type: ignore[union-attr]


def check_parts(vectors: Path, lacking: str) -> None:
    """`parts.parquet` by hand: means over the elements of the part, and of each object in it."""
    import pyarrow.parquet as parquet

    items, elements, parts = (
        parquet.read_table(vectors / f"{name}.parquet") for name in ("items", "elements", "parts")
    )
    names, rows = items["name"].to_pylist(), parts.to_pylist()
    found = elements.to_pylist()
    for row in rows:
        own = [
            one["vector"]
            for one in found
            if (one["item"], one["part"]) == (row["item"], row["part"]) and row["object"] in (-1, one["object"])
        ]
        assert row["size"] == len(own)
        np.testing.assert_allclose(row["vector"], np.mean(own, axis=0), atol=1e-5)
    of_items = [(lacking in names[row["item"]], row["part"]) for row in rows if row["object"] < 0]
    assert sorted(of_items) == [(False, "image")] * 5 + [(False, "text")] * 5 + [(True, "image")]
    archive = np.load(vectors / "vectors.npz")
    assert archive["part_name"].tolist() == [row["part"] for row in rows]
    assert archive["part_object"].tolist() == [row["object"] for row in rows]
    assert archive["parts"].shape == (len(rows), archive["items"].shape[1])


def test_only_items_with_parts_may_miss_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    picture(tmp_path / "a.png")
    words = ["gestalt", "run", "objects", "--modality", "image", "--data", str(tmp_path), "--allow-missing"]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code
    assert "--allow-missing is for items with parts" in capsys.readouterr().err


def test_joint_items_in_memory_are_trained_on_from_python(tmp_path: Path) -> None:
    image, text = (gestalt.MODALITIES.load(name) for name in ("image", "text"))
    modality = gestalt.joint(picture=image, caption=text)
    items = [specimen.item for specimen in modality.specimens()]
    model = gestalt.train(items, modality=modality, out=tmp_path / "run", training=FEW)
    assert model.modality.name == "picture+caption"
    again = gestalt.load(tmp_path / "run", modality=modality)
    for one, two in zip(model.embed(items), again.embed(items), strict=True):
        assert bool((one.elements == two.elements).all())
        cut = one.places.slices["caption"]  # type: ignore[union-attr]
        torch.testing.assert_close(one.parts["caption"], one.elements[cut].mean(dim=0))
        assert set(one.parts) == {"picture", "caption"}


@pytest.mark.parametrize("after", [0, 3])
def test_a_writer_that_fails_ends_the_writing_and_its_error_is_raised(after: int) -> None:
    made, taken = list[int](), list[Any]()

    def found() -> Iterator[Any]:
        for number in range(1000):
            made.append(number)
            yield number

    def keeps(batches: Iterator[Any]) -> str:
        taken.extend(batches)
        return "all"

    def fails(batches: Iterator[Any]) -> str:
        for _ in range(after):
            next(batches)
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        side_by_side(found(), [keeps, fails])
    assert taken == made[: len(taken)]
    assert len(made) < 1000
    assert side_by_side(iter(range(5)), [keeps, keeps]) == ["all", "all"]


def test_a_clip_without_sound_is_named_once_and_called_so(tmp_path: Path) -> None:
    clip_with_sound(tmp_path / "a.mp4", 4.0)
    clip_with_sound(tmp_path / "b.mp4", 6.0, silent=True)
    reading = load_modality("audio+video").read([tmp_path], True)
    (left_out,) = reading.skipped
    assert Path(left_out.name).name == "b.mp4"
    assert "(it holds no audio); name a recording" in left_out.reason
    assert len(reading.items) == 2
    both = joint_of("audio+video")
    taken = both.composed_of(both.modalities, True).read([tmp_path], False)
    assert len(taken.items) == 5
    assert taken.skipped == ()
    assert isinstance(taken.items, Remarked)
    assert taken.items.remarks == ("3 of 5 items without audio, taken as they are",)


def test_clips_of_which_none_has_sound_are_counted_in_words_and_damaged_sound_is_a_fault(tmp_path: Path) -> None:
    clip_with_sound(tmp_path / "b.mp4", 4.0, silent=True)
    both = joint_of("audio+video")
    lenient = both.composed_of(both.modalities, True)
    taken = lenient.read([tmp_path], False)
    assert isinstance(taken.items, Remarked)
    assert (taken.skipped, taken.items.remarks) == ((), ("2 of 2 items without audio, taken as they are",))
    (tmp_path / "b.wav").write_bytes(b"RIFF of a damaged file")
    faults = lenient.read([tmp_path], False).skipped
    assert [Path(one.name).name for one in faults] == ["b.wav"]
