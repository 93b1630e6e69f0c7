"""Methods that learn from labels take those of joint items, by the name of any of their files."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gestalt.cli.commands import execute
from gestalt.core.modality.plugins import load_modality
from gestalt.core.training.label_source import labels_at


def pictures(folder: Path) -> Path:
    folder.mkdir()
    for number in range(8):
        pixels = np.random.default_rng(number).integers(0, 90, (40, 40, 3), dtype=np.uint8)
        pixels[5:25, 10:25, number % 2] = 230
        Image.fromarray(pixels).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"the {('red', 'green')[number % 2]} square number {number}\n")
    return folder


def test_semppl_learns_from_labels_of_captioned_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = pictures(Path("pictures"))
    rows = [f"{number}.png,{('red', 'green')[number % 2]}" for number in range(6)]
    Path("labels.csv").write_text("\n".join(["file,label", *rows]))
    items = load_modality("image+text").read([data]).items
    known = labels_at(Path("labels.csv"), items).known
    assert {Path(items.name(number)).stem[0]: int(known[number]) for number in range(8)} == {
        str(number): (1 - number % 2 if number < 6 else -1) for number in range(8)
    }
    command = ["run", "objects", "--modality", "image+text", "--data", "pictures", "--labels", "labels.csv"]
    few = ["--method", "semppl", "--steps", "2", "--batch", "4", "--seed", "0"]
    Path("swapped.csv").write_text("\n".join(["file,label", *(row for row in rows if row[0] in "0145"), "2.png,x"]))
    weights = list[bytes]()
    for name, table in (("one", "labels.csv"), ("again", "labels.csv"), ("other", "swapped.csv")):
        assert execute([*command[:-1], table, *few, "--out", name]) == 0
        weights.append(next(Path(name).glob("*.safetensors")).read_bytes())
    assert weights[0] == weights[1]
    assert weights[0] != weights[2], "with other labels, other items are positives of one another"
