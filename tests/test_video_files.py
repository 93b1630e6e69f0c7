"""Of odd videos and folders of frames all is read, at its time and the right way up, or they are named."""

import gc
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from gestalt.core.data.items import BadItemError, Remarked
from gestalt.modalities.video import Video, VideoFiles, reading
from gestalt.modalities.video.reading import decode, read_header
from tests.pictures import HEIGHT, TURNED, WIDTH, png, ramp, save_turned
from tests.video_files import SPEED, coded, numbers_of, turn, write

RNG = np.random.default_rng(0)
WHOLE = Video(seconds=2.0, rate=None, size=None)
TENTHS = [number / 10 for number in range(50)]
LATE = [5.0 + time for time in TENTHS]
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}


def without_index(path: Path) -> None:
    write(path, TENTHS)
    content = path.read_bytes()
    path.write_bytes(content[: content.find(b"idx1")])


def animated(path: Path) -> None:
    frames = [Image.fromarray(coded(number)) for number in range(50)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, loop=0)


def joined(path: Path, *parts: Callable[[Path], None]) -> None:
    written = []
    for part in parts:
        part(path)
        written.append(path.read_bytes())
    path.write_bytes(b"".join(written))


READ: dict[str, Callable[[Path], None]] = {
    "late.mkv": lambda path: write(path, LATE),
    "late.webm": lambda path: write(path, LATE),
    "late.mp4": lambda path: write(path, LATE),
    "late.mov": lambda path: write(path, LATE),
    "late.mts": lambda path: write(path, LATE, codec="libx264", form="mpegts"),
    "late.flv": lambda path: write(path, LATE, codec="libx264"),
    "in fragments.mp4": lambda path: write(path, TENTHS, form="mp4", options=FRAGMENTS),
    "live.webm": lambda path: write(path, TENTHS, options={"live": "1"}),
    "without an index.avi": without_index,
    "windows.wmv": lambda path: write(path, TENTHS, codec="mpeg4", form="asf"),
    "animated.gif": animated,
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_every_frame_is_read_once_and_at_its_time_counted_from_the_first(tmp_path: Path, name: str) -> None:
    READ[name](tmp_path / name)
    header = read_header(tmp_path / name)
    assert header.seconds == pytest.approx(5.0, abs=0.11)
    assert header.rate == pytest.approx(10.0, rel=0.05)
    items = WHOLE.read([tmp_path / name]).items
    clips = [items.read(index, RNG) for index in range(len(items))]
    assert [number for clip in clips for number in numbers_of(clip)] == list(range(50))
    assert [time for clip in clips for time in clip.times] == pytest.approx(TENTHS, abs=2e-3)


def test_a_bare_stream_without_a_clock_is_counted(tmp_path: Path) -> None:
    write(tmp_path / "a.h264", TENTHS, codec="libx264", form="h264")
    items = Video(seconds=1.0, rate=None, size=None).read([tmp_path / "a.h264"]).items
    assert [numbers_of(items.read(index, RNG)) for index in range(2)] == [list(range(25)), list(range(25, 50))]


MATRICES: dict[
    tuple[float, float, float, float], Callable[[torch.Tensor], torch.Tensor]
] = {  # a b c d: (x, y) goes to (a x + c y, b x + d y)
    (1, 0, 0, 1): lambda x: x,
    (-1, 0, 0, 1): lambda x: x.flip(3),
    (1, 0, 0, -1): lambda x: x.flip(2),
    (-1, 0, 0, -1): lambda x: x.flip((2, 3)),
    (0, 1, -1, 0): lambda x: x.rot90(-1, (2, 3)),
    (0, -1, 1, 0): lambda x: x.rot90(1, (2, 3)),
    (0, 1, 1, 0): lambda x: x.transpose(2, 3),
    (0, -1, -1, 0): lambda x: x.transpose(2, 3).flip((2, 3)),
}


def test_pictures_are_turned_and_mirrored_as_players_show_them(tmp_path: Path) -> None:
    plain = None
    for numbers, shown in MATRICES.items():
        write(tmp_path / "a.mp4", TENTHS)
        turn(tmp_path / "a.mp4", numbers)
        frames = WHOLE.read([tmp_path]).items.read(0, RNG).frames
        plain = frames if plain is None else plain
        assert torch.equal(frames, shown(plain)), numbers


def askew(path: Path) -> None:
    write(path, TENTHS)
    turn(path, (0.8, 0.6, -0.6, 0.8))


def many_frames(path: Path) -> None:
    """Frames of 8192 × 4096 pixels that hold nothing, in a few kilobytes."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=60, options=SPEED["libx264"])
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 4096, 2048, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((2048 * 3 // 2, 4096), np.uint8), format="yuv420p")
        for number in range(6):
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def wide_gif(path: Path) -> None:
    animated(path)
    content = bytearray(path.read_bytes())
    content[6:10] = struct.pack("<HH", 16_000, 16_000)
    path.write_bytes(content)


NAMED: dict[str, tuple[Callable[[Path], None], str]] = {
    "two.mts": (lambda path: joined(path, *[lambda p: write(p, TENTHS, codec="libx264", form="mpegts")] * 2),
                "several videos are joined in it: the clock begins anew after 4"),
    "two sizes.h264": (lambda path: joined(path, *[
        lambda p, tall=tall: write(p, TENTHS[:20], codec="libx264", form="h264", tall=tall) for tall in (False, True)
    ]), "its pictures change from 64 × 32 to 32 × 64 pixels at 0.8 s"),
    "askew.mp4": (askew, "turned by an angle that is no quarter"),
    "wide.gif": (wide_gif, "claims pictures of 16000 × 16000 pixels"),
    "years.mkv": (lambda path: write(path, [0.0, 0.1, 0.25, 3e7]), "says that it lasts 347 days"),
    "half.mkv": (lambda path: cut(path, LATE), "is cut off, and what is left is too short: 1 frame"),
}  # fmt: skip


def cut(path: Path, times: list[float]) -> None:
    write(path, times)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("name", NAMED)
def test_a_video_that_cannot_be_read_rightly_is_named_and_left_out(tmp_path: Path, name: str) -> None:
    make, reason = NAMED[name]
    make(tmp_path / name)
    write(tmp_path / "good.mp4", TENTHS[:10])
    everywhere = Video(seconds=10.0, rate=None, size=None)
    with pytest.raises(BadItemError, match=reason) as caught:
        everywhere.read([tmp_path / name]).items.read(0, RNG)
    assert name in str(caught.value)
    assert "--skip-bad" in str(caught.value)
    read = everywhere.read([tmp_path / name, tmp_path / "good.mp4"], skip_bad=True)
    assert len(read.items) + len(read.skipped) == 2


def test_frames_that_would_not_fit_into_memory_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many_frames(tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").stat().st_size < 100_000
    monkeypatch.setattr(reading, "MOST_BYTES", 10**8)
    with pytest.raises(BadItemError, match=r"frames of 4096 × 2048 pixels take more than 0\.1 GB from 0\.0 to 0\.1 s"):
        WHOLE.read([tmp_path]).items.read(0, RNG)
    assert Video(seconds=2.0, rate=None, size=32).read([tmp_path]).items.read(0, RNG).size == (6, 32, 64)


def test_torn_bytes_anywhere_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("late.mkv", "late.mp4", "late.flv", "live.webm", "animated.gif", "without an index.avi"):
        READ[name](tmp_path / name)
        content = (tmp_path / name).read_bytes()
        for trial in range(10):
            torn = bytearray(content)
            for place in rng.integers(0, len(torn) if trial % 2 else 300, size=12):
                torn[place] = int(rng.integers(256))
            (tmp_path / name).write_bytes(torn)
            try:
                items = WHOLE.read([tmp_path / name]).items
                for index in range(min(len(items), 4)):
                    items.read(index, RNG)
            except BadItemError as error:
                assert name in str(error)  # noqa: PT017


def frames(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for number, name in enumerate(names):
        Image.fromarray(coded(number)).save(folder / name)
    return folder


SEVERAL = {
    "cameras": (["left_001.png", "left_002.png", "right_001.png", "right_002.png"], r"2 clips.*2 like left_001\.png"),
    "numbered cameras": (["cam1_001.png", "cam1_002.png", "cam2_001.png", "cam2_002.png"], "2 clips"),
    "cameras last": (["001_cam1.png", "001_cam2.png", "002_cam1.png", "002_cam2.png"], "2 clips"),
    "depths": (["001.png", "001.jpg", "002.png", "002.jpg"], r"two images of one number, 001\.jpg"),
    "zeros": (["1.png", "01.png", "2.png"], "two images of one number"),
    "photographs": (["IMG_1.jpg", "DSC_2.jpg", "DSC_3.jpg"], r"2 like DSC_2\.jpg, 1 like IMG_1\.jpg"),
    "clock": (["12-00-58.png", "12-00-59.png", "12-01-00.png"], "2 clips"),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_frames_of_several_cameras_in_one_folder_are_refused_by_name(tmp_path: Path, name: str) -> None:
    names, reason = SEVERAL[name]
    folder = frames(tmp_path / "clip", *names)
    with pytest.raises(BadItemError, match=rf"clip: .*{reason}.*folder") as caught:
        WHOLE.read([tmp_path])
    assert "--skip-bad" in str(caught.value)
    frames(tmp_path / "good", "1.png", "2.png")
    reading_ = WHOLE.read([tmp_path], skip_bad=True)
    assert [skipped.name for skipped in reading_.skipped] == [str(folder)]
    assert len(reading_.items) == 1


@pytest.mark.parametrize(
    "names",
    [
        ["t0.033_f0001.png", "t0.066_f0002.png", "t0.100_f0003.png"],
        ["take 2 frame 8.png", "take 2 frame 9.png", "take 2 frame 10.png"],
    ],
)
def test_a_folder_of_one_clip_may_have_other_numbers_in_its_names(tmp_path: Path, names: list[str]) -> None:
    folder = frames(tmp_path / "clip", *names)
    items = Video(rate=None, size=None, folder_rate=4.0).read([folder]).items
    assert isinstance(items, VideoFiles)
    assert numbers_of(items.read(0, RNG)) == [0, 1, 2]


def test_an_animated_webp_is_named_as_what_it_is(tmp_path: Path) -> None:
    animated(tmp_path / "a.webp")
    with pytest.raises(BadItemError, match=r"a\.webp: .*it is an animated WebP.*convert it to mp4"):
        WHOLE.read([tmp_path / "a.webp"])


def test_gaps_in_the_numbers_of_frames_are_said(tmp_path: Path) -> None:
    frames(tmp_path / "gap", *(f"{number:05d}.png" for number in (0, 1, 2, 5, 6, 9)))
    frames(tmp_path / "tenth", *(f"f{number}.png" for number in range(3, 60, 10)))
    for lost in range(9):
        frames(tmp_path / f"z{lost}", "1.png", "2.png", "3.png", "5.png")
    items = WHOLE.read([tmp_path / "gap", tmp_path / "tenth"]).items
    assert isinstance(items, Remarked)
    assert list(items.remarks) == [
        f"{tmp_path / 'gap'}: 4 numbers of frames not there, first behind 00002.png; the others follow one another"
    ]
    many = WHOLE.read([tmp_path]).items
    assert isinstance(many, Remarked)
    assert len(many.remarks) == 9
    assert many.remarks[-1] == "10 folders of frames with gaps in all"


@pytest.mark.parametrize("how", TURNED)
def test_a_frame_is_upright_as_a_picture_is(tmp_path: Path, how: str) -> None:
    for orientation in (3, 6, 7):
        folder = tmp_path / f"clip {orientation}"
        folder.mkdir()
        for number in (1, 2):
            save_turned(folder / f"{number}.{how.split('.')[-1]}", ramp(), orientation, how)
        clip = WHOLE.read([folder]).items.read(0, RNG)
        assert clip.size == (2, HEIGHT, WIDTH)
        expected = ramp()[..., :1].repeat(3, axis=2) if "grey" in how else ramp()
        assert np.abs(clip.frames[0].permute(1, 2, 0).numpy().astype(int) - expected).max() < (
            50 if "LAB" in how else 26
        )


def test_a_cameras_12_bits_are_as_bright_in_every_frame(tmp_path: Path) -> None:
    for number, most in enumerate((4000, 2000, 500)):
        Image.fromarray(np.full((24, 24), most, np.uint16)).save(tmp_path / f"{number}.png")
    clip = WHOLE.read([tmp_path]).items.read(0, RNG)
    assert clip.frames[:, 0, 0, 0].tolist() == [250, 125, 31]


def test_a_frame_that_unfolds_beyond_bounds_is_named(tmp_path: Path) -> None:
    frames(tmp_path / "clip", "1.png", "2.png", "3.png")
    (tmp_path / "clip" / "3.png").write_bytes(png(60_000, 60_000, 8, 2, bytes(99)))
    with pytest.raises(BadItemError, match=r"3\.png: cannot be read as a picture \(.*(claims|exceeds limit)"):
        WHOLE.read([tmp_path])


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads by /proc")
@pytest.mark.parametrize("name", ["late.mkv", "late.mts", "animated.gif"])
def test_reading_leaves_no_threads(name: str, tmp_path: Path) -> None:
    READ[name](tmp_path / name)
    decode(tmp_path / name, 0.0, 2.0, None, 32)
    before = len(os.listdir("/proc/self/task"))
    kept: list[object] = []
    gc.disable()  # what stays until cycles are looked for stays for thousands of files
    try:
        for _ in range(4):
            try:
                kept.append(decode(tmp_path / name, 0.0, 2.0, None, 32))
            except BadItemError as error:
                kept.append(error)
        assert len(os.listdir("/proc/self/task")) <= before
    finally:
        gc.enable()


def test_images_beside_frames_that_have_no_number_are_said(tmp_path: Path) -> None:
    frames(tmp_path / "clip", "f1.png", "f2.png", "f2 (1).png", "f3.png")
    items = WHOLE.read([tmp_path]).items
    assert isinstance(items, VideoFiles)
    beside = tmp_path / "clip" / "f2 (1).png"
    assert items.remarks == (
        f"1 image beside frames, such as {beside}, has no number at the end of its name and is not read",
    )
