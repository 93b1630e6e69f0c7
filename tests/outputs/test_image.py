"""Objects of pictures at the size of each file, as the tools of the field read them."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import torch
from PIL import Image as Pillow

import gestalt
from gestalt.core.data.feature_map import Grid
from gestalt.core.runs.discover import discover
from gestalt.core.runs.embed import embed
from gestalt.modalities.image import Image
from gestalt.modalities.image.masks import read_index
from gestalt.modalities.image.outputs import full_size
from tests.tiny_runs import tiny_run


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs of several forms and shapes, and a file that is none."""
    folder = tmp_path_factory.mktemp("own pictures")
    rng = np.random.default_rng(0)
    for name, size in (("grün.png", (70, 50)), ("b.jpg", (48, 90)), ("c.png", (40, 40)), ("d.png", (120, 300))):
        Pillow.fromarray(rng.integers(0, 255, (*size, 3)).astype(np.uint8)).save(folder / name)
    Pillow.fromarray(rng.integers(0, 255, (50, 50)).astype(np.uint8)).save(folder / "grey.png")
    (folder / "bad.png").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that reads pictures of at most 256 pixels a side."""
    return tiny_run(tmp_path_factory.mktemp("runs") / "image", Image(longest=256), width=16, finer=2)


def test_objects_are_written_at_the_size_of_each_picture(
    run: Path, own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found"
    with pytest.raises(ValueError, match=r"bad\.png.*cannot be read as a picture"):
        discover(run, [own], out)
    assert discover(run, [own], out, skip_bad=True) == 0
    record = json.loads((out / "objects.json").read_text())
    assert (
        f"{len(record['annotations'])} objects in 5 pictures, written to {out}; 1 left out" in capsys.readouterr().out
    )
    assert len(record["images"]) == 5
    for image in record["images"]:
        path = Path(image["file_name"])
        with Pillow.open(path) as file:
            width, height = file.size
        assert (image["height"], image["width"]) == (height, width)
        index = read_index(out / "index" / f"{path.stem}.png")
        assert index.shape == (height, width)
        mine = [one for one in record["annotations"] if one["image_id"] == image["id"]]
        assert sum(one["area"] for one in mine) == int((index >= 0).sum()) == height * width
        assert len(mine) == int(index.max()) + 1 > 1
        for number, one in enumerate(mine):
            mask = np.zeros(height * width, bool)  # COCO's run lengths, column by column
            edges = np.cumsum(one["segmentation"]["counts"])
            for begin, end in zip(edges[::2], edges[1::2], strict=False):
                mask[begin:end] = True
            assert ((index == number).numpy() == mask.reshape(width, height).T).all()
        with Pillow.open(out / "overlay" / f"{path.stem}.png") as file:
            assert file.mode == "RGB"
    assert len(list((out / "overlay").iterdir())) == 5
    assert "bad.png" in (out / "skipped.txt").read_text()


def test_vectors_are_written_with_the_place_of_every_cell(run: Path, own: Path, tmp_path: Path) -> None:
    assert embed(run, [own / "d.png", own / "c.png"], tmp_path / "out") == 0
    arrays = np.load(tmp_path / "out" / "vectors.npz")
    assert arrays["files"].tolist() == arrays["names"].tolist() == [str(own / "d.png"), str(own / "c.png")]
    # 120 × 300 pixels are read at 102 × 256, in cells of 2 × 2. Places are given in the file's own pixels.
    own_cells = arrays["element_item"] == 0
    assert own_cells.sum() == 51 * 128
    assert arrays["x"][own_cells].min() == pytest.approx(1 * 300 / 256, abs=0.01)
    assert arrays["y"].max() <= 120
    assert (~own_cells).sum() == 20 * 20
    objects = pyarrow.parquet.read_table(tmp_path / "out" / "objects.parquet").to_pydict()
    assert sum(objects["size"]) == len(arrays["elements"])


def test_objects_reach_the_rim_of_a_picture_at_its_own_size() -> None:
    grid = Grid.uniform((3, 3), (4.0, 4.0))
    labels = torch.tensor([0, 1, -1, 2, 3, -1, -1, -1, -1])  # the last row and column were padding of a batch
    large = full_size(labels, grid, torch.zeros(3, 9, 9), (18, 27))
    assert large.shape == (18, 27)
    assert bool((large >= 0).all())
    assert large[0, 0] == 0
    assert large[-1, -1] == 3


def test_a_model_gives_the_object_of_every_pixel(run: Path) -> None:
    picture = torch.rand(3, 41, 57)  # cells of 2 × 2 pixels: half a cell is left at the rim
    picture[:, :, 30:] *= 0.1
    model = gestalt.load(run)
    coarse, fine = model.discover([picture])[0], model.discover([picture, torch.rand(3, 64, 64)], fine=True)[0]
    assert coarse.labels.shape == (20 * 28,)
    assert fine.grid is not None
    assert fine.grid.shape == (41, 57)
    assert [edges[0, [0, -1]].tolist() for edges in fine.grid.edges] == [[0.0, 41.0], [0.0, 57.0]]
    assert fine.labels.shape == (41 * 57,)
    assert bool((fine.labels >= 0).all())
    assert set(fine.labels.tolist()) <= set(coarse.labels.tolist())
    # Well inside the cells of one object, pixels belong to it.
    at_cells = fine.labels.view(41, 57)[:40, :56].unfold(0, 2, 2).unfold(1, 2, 2).flatten(2)
    assert float((at_cells == coarse.labels.view(20, 28, 1)).float().mean()) > 0.6
