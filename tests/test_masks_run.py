"""A run on one's own data with masks: DetCon learns from them, the report shows them, a table measures against them."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from gestalt.cli.commands import execute
from gestalt.core.data.feature_map import Grid
from gestalt.core.data.items import AbstractItems, BadItemError
from gestalt.core.data.masks import AbstractMasks, ItemMasks, ListedMasks
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.evaluation import Table, object_metrics
from gestalt.core.experiment.masks import MaskedItems, measured, on_plain_features
from gestalt.core.experiment.options import Running
from gestalt.core.experiment.own_data import own_data
from gestalt.core.experiment.run import run
from gestalt.core.networks.encoder import Identity, Network
from gestalt.core.training.checkpoint import load_checkpoint
from gestalt.recipes.image_objects.recipe import ImageObjects, Options
from tests.listed import Listed
from tests.test_audio_masks import EVENTS, record, track
from tests.toy import point_items, toy

COMMON = [
    "--batch", "4", "--warmup", "1", "--log-every", "1", "--accelerator", "cpu", "--workers", "0", "--threads", "1"
]  # fmt: skip
DETCON = [
    "--method", "detcon", "--method.heads.hidden", "16", "--method.heads.projection", "8", "--finder.regions", "none",
    "--finder.grouper", "k-means", "--finder.grouper.objects", "4",
]  # fmt: skip


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pictures of two boxes on noise, `data`, and the masks of seven of them, `masks`."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for name in ("data", "masks"):
        (folder / name).mkdir()
    for number in range(8):
        image, mask = rng.normal(90, 10, (48, 64, 3)), np.zeros((48, 64), dtype=np.uint8)
        corners = rng.integers(0, 24, (2, 2)) + np.array([[0, 0], [0, 24]])
        for own, (top, left) in enumerate(corners.tolist(), start=1):
            image[top : top + 20, left : left + 16] = rng.uniform(0, 255, 3)
            mask[top : top + 20, left : left + 16] = own
        Pillow.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / "data" / f"{number}.png")
        if number:
            Pillow.fromarray(mask).save(folder / "masks" / f"{number}.png")
    return folder


def images(pictures: Path, out: Path, *more: str, masks: str = "masks") -> list[str]:
    """The arguments of a tiny run on the pictures."""
    given = ["--data", str(pictures / "data"), "--masks", str(pictures / masks)]
    return ["run", "image-objects", *given, "--out", str(out), "--steps", "6", "--size", "32", *COMMON, *more]


def table_of(out: Path) -> Table:
    return Table.from_json((out / "table.json").read_text())


def test_detcon_learns_from_masks_of_pictures_and_is_measured_against_them(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(images(pictures, tmp_path / "run", *DETCON)) == 0
    assert "masks of 7 of 8 items" in capsys.readouterr().err
    table = table_of(tmp_path / "run")
    assert [row.method for row in table.rows] == ["plain features", "DetCon-B, before training", "DetCon-B"]
    assert [column.name for column in table.columns] == ["ARI", "fg-ARI", "mBO"]
    assert table.title == "7 items with masks, seed 0"
    assert all(0 < value[0] <= 1 for row in table.rows for value in row.values[1:])
    assert len({row.values for row in table.rows}) == 3
    page = (tmp_path / "run" / "report.html").read_text()
    assert "true: object 1, object 2" in page
    assert "items with masks" in page
    assert "before training" in page


def test_what_detcon_learns_depends_on_the_masks(pictures: Path, tmp_path: Path) -> None:
    """The same run on masks that are all of one object."""
    (tmp_path / "other").mkdir()
    for path in (pictures / "masks").iterdir():
        mask = (np.asarray(Pillow.open(path)) > 0).astype(np.uint8)
        Pillow.fromarray(mask).save(tmp_path / "other" / path.name)
    weights = []
    for name, masks in (("a", pictures / "masks"), ("b", tmp_path / "other")):
        assert execute(images(pictures, tmp_path / name, *DETCON, masks=str(masks))) == 0
        saved = load_checkpoint(tmp_path / name)
        assert saved is not None
        weights.append({key: value for key, value in saved["learner"].items() if key.startswith("online")})
    assert any(not torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_odin_begins_with_masks_in_place_of_the_recipes_rule(pictures: Path, tmp_path: Path) -> None:
    """With `switch` behind the end of the run, its segments are the masks all the time."""
    metrics = []
    for name in ("masks", "rule"):
        arguments = images(pictures, tmp_path / name, "--method", "odin-warm-start", "--method.switch", "100")
        if name == "rule":
            place = arguments.index("--masks")
            del arguments[place : place + 2]
        assert execute(arguments) == 0
        metrics.append((tmp_path / name / "metrics.csv").read_text())
    assert metrics[0] != metrics[1]
    assert not (tmp_path / "rule" / "table.json").exists()


def test_recordings_with_label_tracks_train_and_are_measured(tmp_path: Path) -> None:
    for name in "abc":
        record(tmp_path / "data" / f"{name}.wav")
        track(tmp_path / "labels" / f"{name}.txt", EVENTS)
    arguments = ["--data", str(tmp_path / "data"), "--masks", str(tmp_path / "labels"), "--out", str(tmp_path / "run")]
    assert execute(["run", "audio-events", *arguments, "--steps", "4", "--seconds", "2", *COMMON, *DETCON]) == 0
    table = table_of(tmp_path / "run")
    assert table.title == "9 items with masks, seed 0"
    assert all(math.isfinite(value[0]) for row in table.rows for value in row.values)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "true: dog" in page
    assert "rain" in page


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"masks": "nowhere"}, "the masks .*nowhere do not exist"),
        ({"masks": "data/0.png"}, r"data/0\.png holds no masks that can be read here; give a folder of index PNGs"),
    ],
)
def test_wrong_masks_stop_a_run_before_it_begins(
    pictures: Path, tmp_path: Path, change: dict[str, str], message: str
) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        execute(images(pictures, tmp_path / "run", *DETCON, **change))
    assert not (tmp_path / "run" / "checkpoint.pt").exists()


def test_a_damaged_mask_is_named_or_left_out(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    for path in (pictures / "masks").iterdir():
        (tmp_path / "masks" / path.name).write_bytes(path.read_bytes() if path.stem != "4" else b"torn")
    arguments = images(pictures, tmp_path / "run", *DETCON, masks=str(tmp_path / "masks"))
    with pytest.raises(BadItemError, match=r"masks/4\.png: cannot be read as a PNG"):
        execute(arguments)
    assert execute([*arguments[:-2], "--skip-bad", *arguments[-2:], "--out", str(tmp_path / "other")]) == 0
    assert table_of(tmp_path / "other").title == "6 items with masks, seed 0"
    assert "4.png" in (tmp_path / "other" / "report.html").read_text()


def test_a_recipe_that_reads_no_masks_refuses_them(pictures: Path, tmp_path: Path) -> None:
    """Otherwise a user would take for the result of masks what was learned without them."""
    running = Running(tmp_path / "run", (pictures / "data",), pictures / "masks")
    recipe = ImageObjects(replace(Options(), running=running))
    found = recipe.data()
    assert found.masked is not None
    recipe.data = lambda: replace(found, masked=None)  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="the recipe image-objects reads no masks; leave out --masks"):
        run(recipe)


@pytest.fixture
def points(tmp_path: Path) -> Running:
    """Four files of points."""
    for number, item in enumerate(point_items(4)):
        np.savetxt(tmp_path / f"{number}.txt", item.numpy())
    return Running(tmp_path / "run", tuple(sorted(tmp_path.glob("*.txt"))), tmp_path)


def test_a_modality_that_reads_no_masks_says_so(points: Running) -> None:
    modality = toy("points")
    with pytest.raises(ValueError, match=r"the modality 'points' reads no masks, so --masks .*\(ReadsMasks\)"):
        own_data(modality, points, modality.views)


def halves(items: AbstractItems[Tensor], known: Sequence[int]) -> ListedMasks[Tensor]:
    """Two objects in every item that is known."""
    sizes = [len(items.read(index, np.random.default_rng(0))) for index in range(len(items))]
    return ListedMasks(
        [
            ItemMasks((torch.arange(size) >= size // 2).long(), None, ("near", "far")) if index in known else None
            for index, size in enumerate(sizes)
        ]
    )


def reading_masks(known: Sequence[int]) -> Any:
    """The points, and halves as masks of some of them."""

    class Reads(type(toy("points"))):  # type: ignore[misc]
        def read_masks(self, path: Path, items: AbstractItems[Tensor], skipped: Any = ()) -> AbstractMasks[Tensor]:  # noqa: ARG002
            return halves(items, known)

        def shown_masks(self, item: Tensor, masks: ItemMasks) -> Any:  # noqa: ARG002
            return [(masks.name(number), 0) for number in masks.objects()]

    return Reads(**toy_parts())


def toy_parts() -> dict[str, Any]:
    from tests.toy import POINTS

    return POINTS


def test_what_is_shown_has_masks_where_some_have(points: Running) -> None:
    modality = reading_masks([2])
    found = own_data(modality, points, modality.views)
    assert [Path(name).name for name in found.names] == ["2.txt"]
    assert [list(objects) for objects in found.true_objects] == [[("near", 0), ("far", 0)]]
    assert found.masked is not None
    assert found.masked.numbers == (2,)
    assert len(found.items) == 4


def test_masks_of_none_of_the_items_are_refused(points: Running) -> None:
    modality = reading_masks([])
    with pytest.raises(ValueError, match=r"holds masks of none of the 4 items; these have names such as '.*0\.txt'"):
        own_data(modality, points, modality.views)


def masked_points(count: int, known: Sequence[int], skip_bad: bool = False) -> MaskedItems[Tensor]:
    items: Listed[Tensor] = Listed(point_items(count))
    return MaskedItems(items, halves(items, known), tuple(known), skip_bad)


def test_items_are_measured_at_their_own_elements_however_they_are_padded() -> None:
    """Points in two clouds, of which k-means finds the halves exactly."""
    finder = ObjectFinder(KMeans(2, spherical=False), space="hidden")
    modality = toy("points")
    network = Network(modality.encoders["raw"]())
    apart = [
        item + torch.tensor([40.0, 0.0]) * (torch.arange(len(item)) >= len(item) // 2)[:, None]
        for item in point_items(20)
    ]
    masked = masked_points(20, range(0, 20, 2))
    masked = replace(masked, items=Listed(apart))
    found, count = measured(network, modality, masked, finder)
    assert count == 10
    assert found == {"ARI": 1.0, "fg-ARI": 1.0, "mBO": 1.0}


def test_items_are_measured_evenly_over_the_data_set_and_few_at_a_time() -> None:
    masked = masked_points(40, range(40))
    chunks = list(masked.chunks(most=10, size=4))
    assert [len(chunk) for chunk in chunks] == [4, 4, 2]
    assert isinstance(masked.items, Listed)
    asked = masked.items.asked[-10:]
    assert asked[0] == 0
    assert asked[-1] == 39
    assert set(np.diff(asked)) <= {4, 5}


def test_items_that_cannot_be_read_are_left_out_of_the_measure_on_request() -> None:
    items = Listed([*point_items(3), None])
    masks = halves(Listed(point_items(4)), range(4))
    with pytest.raises(BadItemError, match="item 3"):
        list(MaskedItems(items, masks, (0, 3), skip_bad=False).chunks())
    assert [len(chunk) for chunk in MaskedItems(items, masks, (0, 3), skip_bad=True).chunks()] == [1]


def test_plain_features_are_grouped_without_any_learned_part() -> None:
    finder = ObjectFinder(KMeans(3), extra_features=ConcatFeatures(Identity(dim=2), 0.5))
    plain = on_plain_features(finder)
    assert plain.space == "hidden"
    assert plain.extra_features is not None
    assert plain.extra_features.weight == 0
    assert on_plain_features(ObjectFinder(KMeans(3))).extra_features is None


def test_object_metrics_are_those_of_other_libraries() -> None:
    generator = torch.Generator().manual_seed(0)
    found = torch.randint(-1, 4, (6, 30), generator=generator)
    true = torch.where(
        torch.rand(6, 30, generator=generator) < 0.6, found, torch.randint(-1, 3, (6, 30), generator=generator)
    )
    true[5] = -1
    result = object_metrics(found, true)
    every = [adjusted_rand_score(own.tolist(), one.tolist()) for own, one in zip(true, found, strict=True)]
    assert result["ARI"] == pytest.approx(np.mean(every))
    inner = [
        adjusted_rand_score(own[own >= 0].tolist(), one[own >= 0].tolist())
        for own, one in zip(true[:5], found[:5], strict=True)
    ]
    assert result["fg-ARI"] == pytest.approx(np.mean(inner))
    overlaps = []
    for own, one in zip(true[:5], found[:5], strict=True):
        best = [
            max(
                int(((own == k) & (one == j)).sum()) / int(((own == k) | (one == j)).sum())
                for j in one[one >= 0].unique().tolist()
            )
            for k in own[own >= 0].unique().tolist()
        ]
        overlaps.append(np.mean(best))
    assert result["mBO"] == pytest.approx(np.mean(overlaps))


def test_object_metrics_take_items_of_different_sizes_and_padding() -> None:
    found, true = [torch.tensor([0, 0, 1]), torch.tensor([1, 0])], [torch.tensor([2, 2, 0]), torch.tensor([0, 0])]
    ragged = object_metrics(found, true)
    padded = object_metrics(
        torch.tensor([[0, 0, 1], [1, 0, 0]]),
        torch.tensor([[2, 2, 0], [0, 0, 1]]),
        torch.tensor([[True, True, True], [True, True, False]]),
    )
    assert ragged == padded == {"ARI": 0.5, "fg-ARI": 0.5, "mBO": 0.75}
    nothing = object_metrics([torch.tensor([-1, -1])], [torch.tensor([-1, -1])])
    assert nothing["ARI"] == 1
    assert math.isnan(nothing["fg-ARI"])
    assert math.isnan(nothing["mBO"])
    with pytest.raises(ValueError, match="of the same items, one at least; got 0, 0 and 0"):
        object_metrics([], [])
    with pytest.raises(ValueError, match="got 1, 2 and 1"):
        object_metrics(found[:1], true)


def test_the_table_is_json_where_nothing_could_be_measured(tmp_path: Path) -> None:
    """Windows without any event: there are no objects to overlap with."""
    record(tmp_path / "data" / "a.wav", 2.0)
    table = tmp_path / "x.tsv"
    table.write_text("filename\tonset\toffset\tevent_label\na.wav\t\t\t\n")
    arguments = ["--data", str(tmp_path / "data"), "--masks", str(table), "--out", str(tmp_path / "run")]
    method = ["--method", "byol-small", "--method.heads.hidden", "16", "--method.heads.projection", "8"]
    assert execute(["run", "audio-events", *arguments, "--steps", "2", "--seconds", "2", *COMMON, *method]) == 0
    rows = json.loads((tmp_path / "run" / "table.json").read_text())["rows"]
    assert all(row["values"][1:] == [[], []] for row in rows)


def test_grids_may_differ_between_found_and_true() -> None:
    masks = ItemMasks(torch.tensor([0, 1]), Grid.uniform((2,), (4.0,)))
    assert masks.under(Grid.uniform((8,), (1.0,)), 8).tolist() == [0] * 4 + [1] * 4
