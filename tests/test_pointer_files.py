"""Pointers of Git LFS and git-annex stand for files that were not fetched: they are no data of any modality."""

from pathlib import Path

import pytest

from gestalt.core.data.items import BadItemError
from gestalt.core.modality.plugins import load_modality

ENDINGS = {
    "image": ("png", "tif"), "audio": ("wav", "mp3"), "video": ("mp4",), "text": ("txt", "csv", "jsonl"),
    "graph": ("smi", "sdf", "csv", "graphml"), "sensors": ("csv", "edf", "h5"), "points": ("ply", "las", "csv"),
    "table": ("csv", "parquet"),
}  # fmt: skip
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935\nsize 12345\n"


@pytest.mark.parametrize(("name", "ending"), [(name, one) for name, several in ENDINGS.items() for one in several])
def test_a_pointer_is_named_with_how_the_file_is_fetched(name: str, ending: str, tmp_path: Path) -> None:
    modality = load_modality(name)
    for content, said in ((LFS, r"Git LFS.*git lfs pull"), ("/annex/objects/SHA256E-s5--a\n", r"git annex get")):
        (tmp_path / f"a.{ending}").write_text(content)
        with pytest.raises(BadItemError, match=rf"a\.{ending}: is a pointer of .*{said}"):
            modality.read([tmp_path])
