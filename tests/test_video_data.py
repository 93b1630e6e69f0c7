"""Videos of any kind and length are read in windows at their own times, and bad files are named with what to do."""

import pickle
import struct
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gestalt.core.data.items import BadItemError
from gestalt.core.modality.probing import SAMPLE
from gestalt.modalities.video import Clip, Video, VideoFiles, collate, data, each_window
from gestalt.modalities.video.reading import Header
from tests.counting import Counted
from tests.video_files import coded, numbers_of, write, write_sound

RNG = np.random.default_rng(0)
WHOLE = Video(seconds=2.0, rate=None, size=None)
TENTHS = [number / 10 for number in range(50)]


def files_of(modality: Video, *paths: Path) -> VideoFiles:
    files = modality.read(paths).items
    assert isinstance(files, VideoFiles)
    return files


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm", "a.avi"])
def test_every_window_of_every_format_holds_the_frames_of_its_seconds(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, TENTHS)
    files = files_of(WHOLE, tmp_path / name)
    assert len(files) == 3
    for index, numbers in enumerate((range(20), range(20, 40), range(40, 50))):
        clip = files.read(index, RNG)
        assert numbers_of(clip) == list(numbers)
        assert clip.times == pytest.approx([number / 10 for number in numbers], abs=2e-3)
        assert clip.seconds == pytest.approx(len(numbers) / 10, abs=2e-3)


def test_frames_of_a_variable_rate_keep_their_times_in_every_window(tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.4, 0.45, 1.2, 1.9, 2.6, 2.65, 3.3]
    write(tmp_path / "a.mkv", times)
    write(tmp_path / "even.mp4", TENTHS[:30])
    first, second = each_window(files_of(WHOLE, tmp_path / "a.mkv"), tmp_path / "a.mkv")
    assert numbers_of(first) == [0, 1, 2, 3, 4, 5]
    assert first.times == pytest.approx(times[:6], abs=1e-3)
    assert first.seconds == pytest.approx(2.0)
    # At 2.0 s the frame of 1.9 s is still on show: it is the second window's first, from the window's begin on.
    assert numbers_of(second) == [5, 6, 7, 8]
    assert second.times == pytest.approx([2.0, 2.6, 2.65, 3.3], abs=1e-3)
    assert (first.continued, second.continued) == (False, True)
    assert [clip.continued for clip in each_window(files_of(WHOLE, tmp_path / "even.mp4"), tmp_path / "even.mp4")] == [
        False,
        False,
    ]


def test_more_frames_than_asked_for_are_thinned_at_their_own_times(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", [number / 25 for number in range(60)])
    clip = files_of(Video(seconds=2.0, rate=8.0), tmp_path).read(0, RNG)
    assert numbers_of(clip) == list(range(0, 50, 4))
    assert clip.times == pytest.approx([number / 25 for number in range(0, 50, 4)], abs=1e-3)
    assert clip.seconds == pytest.approx(2.0, abs=1e-3)


def test_large_pictures_are_brought_to_size_and_small_ones_never_enlarged(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", TENTHS)
    small = files_of(Video(rate=None, size=16), tmp_path).read(0, RNG)
    assert small.size[1:] == (16, 32)
    assert numbers_of(small) == list(range(20))
    assert files_of(Video(rate=None, size=400), tmp_path).read(0, RNG).size[1:] == (32, 64)


def test_a_picture_that_a_telephone_stored_turned_is_turned_back(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", TENTHS)
    content = bytearray((tmp_path / "a.mp4").read_bytes())
    plain = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    place = content.find(plain, content.find(b"tkhd"))
    content[place : place + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 32 << 16, 0, 1 << 30)
    (tmp_path / "turned.mp4").write_bytes(content)
    upright, turned = (files_of(WHOLE, tmp_path / name).read(0, RNG) for name in ("a.mp4", "turned.mp4"))
    assert torch.equal(turned.frames, upright.frames.rot90(-1, (2, 3)))  # a quarter turn clockwise


def test_a_folder_of_numbered_images_is_one_clip_in_the_order_of_the_numbers(tmp_path: Path) -> None:
    folder = tmp_path / "JPEGImages" / "Bär 熊"
    folder.mkdir(parents=True)
    for number in (0, 1, 2, 9, 10, 11):
        Image.fromarray(coded(number)).save(folder / f"frame-{number}.png")
    (folder / "thumbs.png").write_bytes(b"no number, no frame")
    files = files_of(Video(seconds=1.0, rate=None, size=None, folder_rate=4.0), tmp_path)
    assert files.paths == (folder,)
    clips = list(each_window(files, folder))
    assert [numbers_of(clip) for clip in clips] == [[0, 1, 2, 9], [10, 11]]
    assert clips[1].times == [1.0, 1.25]
    halves = list(each_window(files_of(Video(seconds=0.625, rate=None, folder_rate=4.0), tmp_path), folder))
    shown = [number for clip in halves for number in numbers_of(clip)[int(clip.continued) :]]
    assert shown == [0, 1, 2, 9, 10, 11], "every frame once, although windows begin within frames"
    assert numbers_of(files_of(Video(rate=2.0, folder_rate=4.0), tmp_path).read(0, RNG)) == [0, 2, 10]


def test_frames_of_16_bits_keep_their_brightness_and_what_is_transparent_is_white(tmp_path: Path) -> None:
    deep, clear = tmp_path / "deep", tmp_path / "clear"
    for folder in (deep, clear):
        folder.mkdir()
    for number in range(3):
        grey = np.full((24, 24), (number + 1) << 14, np.uint16)
        Image.fromarray(grey).save(deep / f"{number}.png" if number else deep / "0.tif")
        see_through = np.full((24, 24, 4), (200, 0, 0, 0), np.uint8)
        see_through[:12, :, 3] = 255
        Image.fromarray(see_through).save(clear / f"{number}.png")
    found = {path.name: files_of(WHOLE, path).read(0, RNG).frames for path in (deep, clear)}
    assert found["deep"].flatten(1).unique(dim=1).flatten().tolist() == [64, 128, 192]
    assert found["clear"][0, :, [0, 23], 0].T.tolist() == [[200, 0, 0], [255, 255, 255]]
    Image.fromarray(np.zeros((24, 24), np.float32)).save(deep / "0.tif")
    with pytest.raises(BadItemError, match=r"0\.tif: cannot be read as a picture \(its pixels are of type float32"):
        WHOLE.read([deep])


@settings(deadline=None, max_examples=20)
@given(st.floats(0.3, 30.0), st.floats(0.5, 7.0))
def test_windows_cover_a_video_once_and_in_order(seconds: float, window: float) -> None:
    files = VideoFiles([Path("a"), Path("b")], [Header(seconds, 25.0)] * 2, seconds=window)
    own = files.windows(Path("b"))
    assert [files.start(index) for index in own] == [window * number for number in range(len(own))]
    assert all(files.path(index) == Path("b") for index in own)
    assert len(files) == 2 * len(own)
    assert seconds - window * len(own) < 0.25 + 1e-5
    assert len(own) == 1 or files.start(own[-1]) <= seconds - 0.25 + 1e-5


def test_jitter_moves_windows_and_the_same_numbers_move_them_alike(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", TENTHS)
    files = files_of(WHOLE, tmp_path)
    moved = files.with_jitter(True)
    starts = [moved.read(1, np.random.default_rng(seed)).start for seed in range(4)]
    assert len(set(starts)) == 4
    assert all(1.0 <= start <= 3.0 for start in starts)
    assert moved.read(1, np.random.default_rng(3)).start == starts[3]
    assert files.name(1).endswith("a.mp4 [2.0–4.0 s]")


def test_a_late_window_of_a_long_video_is_read_at_once_and_in_little_memory(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", [float(number) for number in range(601)], keys=30)
    tracemalloc.start()
    begun = time.process_time()
    files = files_of(Video(seconds=4.0), tmp_path)
    clip = files.read(140, RNG)
    assert time.process_time() - begun < 2.0
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()
    assert numbers_of(clip) == [number % 256 for number in range(560, 564)]
    assert len(files) == 151
    assert len(pickle.dumps(files)) < 2000


def bad(path: Path) -> None:
    match path.stem:
        case "zero":
            path.write_bytes(b"")
        case "text":
            path.write_text("dear diary " * 100)
        case "sound":
            write_sound(path)
        case "short":
            Image.fromarray(coded(1)).save(path, format="GIF")
        case "cut":
            write(path.with_suffix(".mkv"), TENTHS)
            content = path.with_suffix(".mkv").read_bytes()
            path.with_suffix(".mkv").unlink()
            path.write_bytes(content[: len(content) // 3])
        case "torn":
            write(path, TENTHS)
            path.write_bytes(path.read_bytes()[:2000])


BAD = {
    "zero": "no bytes", "text": "cannot be read as video", "sound": "only sound", "short": "too short: 1 frame",
    "cut": "is cut off, and what is left is too short: 0 frames", "torn": "cannot be read as video",
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_with_the_reason_and_what_to_do(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.mp4"
    bad(path)
    with pytest.raises(BadItemError, match=BAD[name]) as caught:
        WHOLE.read([path])
    assert str(path) in str(caught.value)
    assert "--skip-bad" in str(caught.value)


def test_bad_files_are_skipped_and_listed_and_names_may_have_any_letters(tmp_path: Path) -> None:
    for name in BAD:
        bad(tmp_path / f"{name}.mp4")
    (tmp_path / "Vögel 鳥").mkdir()
    write(tmp_path / "Vögel 鳥" / "amsel – früh ☀.MP4", TENTHS)
    (tmp_path / "._amsel.mp4").write_bytes(b"\0" * 100)
    reading = WHOLE.read([tmp_path, tmp_path / "Vögel 鳥"], skip_bad=True)
    assert sorted(Path(skipped.name).stem for skipped in reading.skipped) == sorted(BAD)
    assert [reading.items.name(index) for index in range(2)] == [
        f"{tmp_path}/Vögel 鳥/amsel – früh ☀.MP4 [0.0–2.0 s]",
        f"{tmp_path}/Vögel 鳥/amsel – früh ☀.MP4 [2.0–4.0 s]",
    ]


def test_frames_of_a_folder_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    for number in range(4):
        Image.fromarray(coded(number)).save(tmp_path / f"{number}.png")
    (tmp_path / "3.png").write_bytes(b"")
    with pytest.raises(BadItemError, match=r"3\.png: the file has no bytes"):
        WHOLE.read([tmp_path])
    (tmp_path / "3.png").write_text("diary")
    with pytest.raises(BadItemError, match=r"3\.png: cannot be read as a picture"):
        WHOLE.read([tmp_path])
    Image.fromarray(coded(3)[:8]).save(tmp_path / "3.png")
    with pytest.raises(BadItemError, match=r"3\.png: is 64×8 pixels, other frames of its folder are 64×32"):
        WHOLE.read([tmp_path]).items.read(0, RNG)


def test_a_video_that_shrank_since_its_header_was_read_is_bad(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", TENTHS)
    files = files_of(WHOLE, tmp_path)
    write(tmp_path / "a.mp4", TENTHS[:10])
    with pytest.raises(BadItemError, match="ends before its header says"):
        files.read(2, RNG)


def test_paths_without_video_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.mp4 does not exist"):
        WHOLE.read([tmp_path / "gone.mp4"])
    with pytest.raises(ValueError, match="no video in"):
        WHOLE.read([tmp_path])
    bad(tmp_path / "zero.mp4")
    with pytest.raises(ValueError, match="none of 1 videos"):
        WHOLE.read([tmp_path], skip_bad=True)


def test_clips_and_batches_of_the_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="needs 3 increasing edges"):
        Clip(torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.tensor([0.0, 0.0, 1.0]))
    with pytest.raises(ValueError, match="at least one clip"):
        collate([])


def test_of_many_videos_a_sample_is_decoded_and_every_header_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "000.mp4", TENTHS[:5])
    for number in range(1, 2 * SAMPLE):
        (tmp_path / f"{number:03}.mp4").symlink_to(tmp_path / "000.mp4")
    for number in (1, 2):  # one frame is too short, which the decoder alone says
        (tmp_path / f"{number:03}.mp4").unlink()
        write(tmp_path / f"{number:03}.mp4", TENTHS[:1])
    decoded = Counted(data.decode)
    monkeypatch.setattr(data, "decode", decoded)
    reading = WHOLE.read([tmp_path], skip_bad=True)
    assert len(set(decoded.paths)) == SAMPLE
    assert [Path(entry.name).name for entry in reading.skipped] == ["002.mp4"]
    assert len(reading.items) == 2 * SAMPLE - 1
    (tmp_path / "001.mp4").write_bytes(b"no video")
    with pytest.raises(BadItemError, match=r"001\.mp4: cannot be read"):
        WHOLE.read([tmp_path])
