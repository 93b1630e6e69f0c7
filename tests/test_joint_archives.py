"""Archives of clips say what folders of them say: which have no sound, which are damaged."""

import tarfile
from pathlib import Path

import pytest

from gestalt.core.data.items import Remarked
from tests.test_joint_reading import clip_with_sound, joint_of


@pytest.mark.parametrize("silent", ["some", "all"])
def test_clips_without_sound_are_counted_in_archives_as_in_folders(silent: str, tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    clip_with_sound(tmp_path / "clips" / "a.mp4", 4.0, silent=silent == "all")
    clip_with_sound(tmp_path / "clips" / "b.mp4", 6.0, silent=True)
    with tarfile.open(tmp_path / "clips.tar", "w") as archive:
        archive.add(tmp_path / "clips", "clips")
    both = joint_of("audio+video")
    lenient = both.composed_of(both.modalities, True)
    folder, packed = (lenient.read([tmp_path / name], False) for name in ("clips", "clips.tar"))
    assert isinstance(folder.items, Remarked)
    assert isinstance(packed.items, Remarked)
    assert len(packed.items) == len(folder.items) == 5
    assert (
        packed.items.remarks
        == folder.items.remarks
        == (f"{3 if silent == 'some' else 5} of 5 items without audio, taken as they are",)
    )
    assert packed.skipped == folder.skipped == ()


def test_damaged_sound_beside_a_clip_is_listed_in_archives_as_in_folders(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    clip_with_sound(tmp_path / "clips" / "b.mp4", 4.0, silent=True)
    (tmp_path / "clips" / "b.wav").write_bytes(b"RIFF of a damaged file")
    with tarfile.open(tmp_path / "clips.tar", "w") as archive:
        archive.add(tmp_path / "clips", "clips")
    both = joint_of("audio+video")
    lenient = both.composed_of(both.modalities, True)
    folder, packed = (lenient.read([tmp_path / name], False).skipped for name in ("clips", "clips.tar"))
    assert [one.name for one in packed] == [f"{tmp_path / 'clips.tar'}: clips/b.wav"]
    assert [one.reason for one in packed] == [one.reason for one in folder]
