"""Point clouds: what files say, thinning and tiles, transforms, the encoder, and what is written of objects."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gestalt.cli.commands import execute
from gestalt.core.data.correspondence import Index
from gestalt.core.data.items import BadItemError
from gestalt.core.data.voxels import tiles
from gestalt.core.discovery.groupers import Regions
from gestalt.core.networks.elements import DescribesElements
from gestalt.core.networks.encoder import Network
from gestalt.core.runs.discover import discover
from gestalt.core.storage.lzf import unfolded
from gestalt.modalities.points import MODALITY, Cloud, CloudFiles, PointModality, cloud_from, collate
from gestalt.modalities.points.data import points_of
from gestalt.modalities.points.encoders import PointNet, nearest, of_nearest
from gestalt.modalities.points.formats import blocks_of
from gestalt.recipes.objects.recipe import default_finder
from tests.scans import COLOURS, PLACES, SCANS, ply, with_faces_first
from tests.tiny_runs import tiny_run

RNG = np.random.default_rng(0)
SHORT = ("--steps", "3", "--batch", "4", "--warmup", "0", "--workers", "0", "--threads", "1", "--accelerator", "cpu")


def items_of(path: Path, modality: PointModality = MODALITY) -> CloudFiles:
    items = modality.read([path]).items
    assert isinstance(items, CloudFiles)
    return items


@pytest.mark.parametrize("name", SCANS)
def test_every_form_gives_the_same_points_in_the_unit_of_the_file(name: str, tmp_path: Path) -> None:
    file, write = SCANS[name]
    write(tmp_path / file)
    items = items_of(tmp_path / file)
    cloud = items.read(0, RNG)
    assert items.columns[:3] == ("red", "green", "blue")
    np.testing.assert_allclose(cloud.places.numpy() * cloud.scale + np.array(cloud.centre), PLACES, atol=1e-5)
    np.testing.assert_allclose(cloud.features[:, :3].numpy(), COLOURS / 255, atol=1e-6)
    np.testing.assert_allclose(cloud.places.numpy().mean(axis=0), 0, atol=1e-6)
    assert float(cloud.places.square().sum(dim=1).mean()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("order", ["", "<", ">"])
def test_lists_before_the_points_of_ply_are_passed_over(order: str, tmp_path: Path) -> None:
    (tmp_path / "a.ply").write_bytes(with_faces_first(order))
    names, rows = next(blocks_of(tmp_path / "a.ply"))
    np.testing.assert_array_equal(rows[:, [names.index(name) for name in "xyz"]], PLACES)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (with_faces_first("<").split(b"header\n")[0] + b"header\n\x01\0\0\0\0\x09\x02", "behind row 1 of 2"),
        (with_faces_first("").split(b"4 0 1")[0], "ends before its points, within 2 rows"),
        (
            with_faces_first("<").replace(b"face 2", b"face 999999999999"),
            "ends before its points, behind row|has a list of",
        ),
        (with_faces_first("<", -1), "has a list of -1 numbers in row 1 of an element before its points"),
        (with_faces_first("").replace(b"list char", b"list float"), "whose length is of the type float"),
        (with_faces_first("").replace(b"list char", b"list text"), "a property of the type 'text', which is none of"),
    ],
)
def test_lists_before_the_points_that_are_damaged_are_named(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.ply").write_bytes(content)
    with pytest.raises(BadItemError, match=rf"a\.ply: .*({reason})"):
        MODALITY.read([tmp_path])


@pytest.mark.parametrize(
    "content",
    [
        "1,5;2,25;3\n2;3,5;4,125\n",
        'X;Y;Z\r\n"1,5";"2,25";"3"\r\n2;3,5;4,125\r\n',
        "1,5 2,25 3\n2,0 3,5 4,125\n",
        "# of Monday, 9:00\n1,5\t2,25\t3\n2,0\t3,5\t4,125\n",
        "1.5, 2.25, 3\n2, 3.5, 4.125\n",
        "1.5,2.25,3\n2,3.5,4.125\n",
        "1.5 ,2.25 ,3\n2 ,3.5 ,4.125\n",
        "x,y,z\n1,5 2,25 3\n2,0 3,5 4,125\n",
        "x,y,z\n1,5;2,25;3\n2;3,5;4,125\n",
    ],
    ids=["semicolons", "quoted", "spaces", "tabs", "commas and spaces", "commas", "spaces and commas", *("names",) * 2],
)
def test_a_comma_is_decimal_where_something_else_stands_between_the_numbers(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(content.encode())
    blocks = list(blocks_of(tmp_path / "a.csv"))
    assert [names for names, _ in blocks] == [("x", "y", "z")]
    assert np.concatenate([rows for _, rows in blocks]).tolist() == [[1.5, 2.25, 3.0], [2.0, 3.5, 4.125]]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("1 ,2 ,3\n4 ,5 ,6\n", [[1, 2, 3], [4, 5, 6]]),
        ("x,y,z\n10 ,20 ,30\n", [[10, 20, 30]]),
        ("-,5;,25;3\nnan;1,5;2\n", [[-0.5, 0.25, 3], [np.nan, 1.5, 2]]),
        ("nan;1,5;2\n1;,5;2\n", [[np.nan, 1.5, 2], [1, 0.5, 2]]),
    ],
)
def test_a_comma_behind_a_space_is_no_decimal_one(content: str, rows: list[list[float]], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(content)
    np.testing.assert_array_equal(np.concatenate([own for _, own in blocks_of(tmp_path / "a.csv")]), rows)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("a.ply", ply("<")[:-40], "ends behind row 4 of 5"),
        ("a.ply", ply("").replace(b"1.5 0.0", b"1.5 x"), "has 'x' in row 2, expected a number"),
        ("a.ply", ply("<").replace(b"property double x\n", b"property double q\n"), "has no column x"),
        ("a.ply", ply("").replace(b"vertex 5", b"vertex -5"), "for the elements vertex"),
        ("a.ply", b"ply\nformat ascii 1.0\nelement face 3\nend_header\n", "no element vertex"),
        ("a.ply", b"plz\n", "does not begin with 'ply'"),
        ("a.ply", b"ply\nformat ascii 1.0\n", "has a header that does not end"),
        ("a.xyz", b"3\nwater\nO 0 0 0\n", "belong to graphs"),
        ("a.csv", b"a,b,c\n1,2,3\n", "names among which x, y and z are"),
        ("a.csv", b"x;y;z\n1.234,5;2;3\n", "has '1.234,5' between semicolons, expected a number such as 1234.5 or"),
        ("a.txt", b"0 0 0\n1 1\n", "has 2 numbers in row 2, expected 3"),
        ("a.txt", b"0 0 0 1 2 3 4\n", "has 7 columns without names"),
        ("a.txt", b"nan 0 0\n", "holds no point"),
        ("a.txt", b"0 0 0 1\n0 0 1 inf\n", "beyond any measure in row 2"),
        ("a.txt", b"0 0 0\n-inf 0 1\n", "beyond any measure in row 2"),
        ("a.pcd", b"FIELDS x y z\nSIZE 4 4\nTYPE F F F\nPOINTS 1\nDATA ascii\n0 0 0\n", "do not fit one another"),
        ("a.las", b"LASF nothing", "a.las"),
        ("a.npy", b"", "no bytes"),
    ],
)
def test_what_is_wrong_with_a_file_is_named_or_the_file_is_left_out(
    file: str, content: bytes, said: str, tmp_path: Path
) -> None:
    (tmp_path / file).write_bytes(content)
    with pytest.raises(BadItemError) as error:
        MODALITY.read([tmp_path])
    assert said in str(error.value)
    assert file in str(error.value)
    (tmp_path / "good.xyz").write_text("0 0 0\n1 0 0\n")
    reading = MODALITY.read([tmp_path], skip_bad=True)
    assert len(reading.items) == len(reading.skipped) == 1


def test_files_that_know_other_things_of_their_points_are_not_mixed(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_text("0 0 0\n1 0 0\n")
    (tmp_path / "b.xyz").write_text("0 0 0 1\n1 0 0 2\n")
    with pytest.raises(BadItemError, match=r"b\.xyz: says intensity of its points, the first file nothing"):
        MODALITY.read([tmp_path])
    assert len(MODALITY.read([tmp_path], skip_bad=True).items) == 1


def scan(path: Path, count: int = 3000) -> np.ndarray:
    """A floor and a box on it, as an array of x, y, z, intensity."""
    rng = np.random.default_rng(1)
    floor = np.column_stack([rng.uniform(0, 10, (count, 2)), np.zeros(count), np.full(count, 10)])
    box = np.column_stack([rng.uniform(4, 6, (count // 3, 2)), rng.uniform(1, 3, count // 3), np.full(count // 3, 90)])
    cloud = np.concatenate([floor, box])
    np.save(path, cloud)
    return cloud


def test_tiles_hold_every_point_once_and_lie_together(tmp_path: Path) -> None:
    cloud = scan(tmp_path / "a.npy", 900)
    items = items_of(tmp_path / "a.npy", PointModality(most=200))
    parts = [items.read(number, RNG) for number in range(len(items))]
    assert sorted(point for part in parts for point in part.ids.tolist()) == list(range(len(cloud)))
    assert max(map(len, parts)) <= 200
    assert items.name(1).endswith("a.npy, tile 2 of 8")
    spans = [float(np.ptp(cloud[part.ids.numpy(), :2], axis=0).max()) for part in parts]
    assert np.mean(spans) < 6, "a tile is a part of the scene"
    assert [len(tile) for tile in tiles(np.zeros((5, 3)), 2)] == [2, 1, 2]


def test_voxels_are_the_means_of_their_points_and_as_small_as_the_limit_allows(tmp_path: Path) -> None:
    cloud = scan(tmp_path / "a.npy")
    items = items_of(tmp_path / "a.npy", PointModality(most=64, voxel=1.0))
    whole, _ = items.elements_of(0)
    assert whole.codes is not None
    cells = np.floor(cloud[:, :3] - cloud[:, :3].min(axis=0)).astype(int)
    for place, features, code in zip(whole.places, whole.features, whole.codes, strict=True):
        own = (cells == [code >> 42, (code >> 21) & (2**21 - 1), code & (2**21 - 1)]).all(axis=1)
        np.testing.assert_allclose(place, cloud[own, :3].mean(axis=0))
        np.testing.assert_allclose(features, cloud[own, 3:].mean(axis=0) / 90)
    automatic, _ = items_of(tmp_path / "a.npy", PointModality(most=16)).elements_of(0)
    assert 512 / 5 < len(automatic.places) <= 512, "more than 32 · most points: voxels"
    with pytest.raises(BadItemError, match=r"has more than 512 voxels of 0\.01; enlarge voxel"):
        MODALITY.__class__(most=16, voxel=0.01).read([tmp_path])


@pytest.mark.parametrize("name", MODALITY.transforms)
def test_points_show_themselves_wherever_they_are_moved(name: str) -> None:
    for specimen in MODALITY.specimens():
        for seed in range(4):
            view, correspondence = MODALITY.transforms[name](specimen.item, np.random.default_rng(seed))
            assert isinstance(correspondence, Index)
            index = correspondence.index[0].tolist()
            assert index == view.ids.tolist()
            assert torch.equal(view.features, specimen.item.features[index])
            assert len(view) >= 1
            if name not in ("scaling", "jitter"):
                before = torch.cdist(specimen.item.places[index], specimen.item.places[index])
                assert torch.allclose(torch.cdist(view.places, view.places), before, atol=2e-3), "nothing is bent"


def test_normals_turn_with_the_cloud() -> None:
    normal = np.array([[0, 0, 1.0], [0, 1, 0], [1, 0, 0]])
    cloud = Cloud.of(np.eye(3), normal, ("nx", "ny", "nz"))
    for name in ("rotation", "upside_down"):
        view, _ = MODALITY.transforms[name](cloud, np.random.default_rng(3))
        assert torch.allclose(view.features @ view.places.T, cloud.features @ cloud.places.T, atol=1e-5)
        assert not torch.allclose(view.features, cloud.features)


@torch.no_grad()
def test_the_encoder_is_a_loop_over_the_nearest_points() -> None:
    torch.manual_seed(0)
    encoder: Any = PointNet(width=8, layers=2, near=4)
    cloud = MODALITY.specimens()[2].item
    p, tokens = cloud.places, encoder.point(cloud.features) + encoder.alone
    x = list(tokens)
    for own, other, apart, mixed, norm in zip(
        encoder.own, encoder.other, encoder.apart, encoder.mixed, encoder.norms, strict=True
    ):
        given = [norm(one) for one in x]
        new = []
        for i in range(len(cloud)):
            near = sorted(range(len(cloud)), key=lambda j: float((p[j] - p[i]).square().sum()))[:4]
            edges = [other(given[j] - given[i]) + apart(torch.cat([p[j] - p[i], p[i]])) for j in near]
            new.append(x[i] + mixed((own(given[i]) + torch.stack(edges).amax(dim=0)).relu()))
        x = new
    rows = torch.stack(x)
    expected = encoder.both(torch.cat([rows, rows.amax(dim=0).expand_as(rows)], dim=1))
    found = encoder(collate([cloud, MODALITY.specimens()[1].item]))
    assert torch.allclose(found.values[0, : len(cloud)], expected, atol=1e-5)


def test_nearest_points_do_not_depend_on_blocks_or_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    clouds = collate([specimen.item for specimen in MODALITY.specimens()])
    index, there = nearest(clouds.places, clouds.valid, 5)
    monkeypatch.setattr("gestalt.modalities.points.encoders.DISTANCES", 200)
    assert torch.equal(nearest(clouds.places, clouds.valid, 5)[0], index)
    assert bool(there[clouds.valid].all())
    assert torch.equal(of_nearest(clouds.places, index)[:, :, 0][clouds.valid], clouds.places[clouds.valid])


def test_plain_features_tell_a_plane_from_a_line() -> None:
    rng = np.random.default_rng(0)
    plane = cloud_from(np.column_stack([rng.uniform(0, 1, (200, 2)), np.zeros((200, 2))]))
    line = cloud_from(np.column_stack([rng.uniform(0, 1, 200), np.zeros((200, 3))]))
    raw = MODALITY.encoders["raw"]()
    (linear, planar, scattered, upright), (straight, *_) = (
        raw(collate([cloud])).values[0, :, -4:].mean(dim=0).tolist() for cloud in (plane, line)
    )
    assert planar > 0.4 > scattered + 0.3
    assert linear < 0.6
    assert upright == pytest.approx(0, abs=1e-4), "a floor is level"
    assert straight == pytest.approx(1, abs=1e-4)


def test_objects_are_found_in_one_piece_and_the_floor_is_another() -> None:
    rng = np.random.default_rng(0)
    floor = np.column_stack([rng.uniform(0, 10, (300, 2)), np.zeros(300), np.full(300, 0.1)])
    boxes = [np.column_stack([rng.uniform(0, 1, (80, 3)) + np.array([x, 4, 3]), np.full(80, 0.9)]) for x in (1, 8)]
    cloud = cloud_from(np.concatenate([floor, *boxes]))
    torch.manual_seed(0)
    raw = MODALITY.encoders["raw"]()
    finder = default_finder(MODALITY, raw)
    assert isinstance(finder.grouper, Regions)
    found = finder.find(Network(MODALITY.encoders["pointnet"](width=16)).eval(), collate([cloud]))
    labels = found.labels()[0, : len(cloud)]
    commonest = [labels[place].mode().values.item() for place in (slice(0, 300), slice(300, 380), slice(380, 460))]
    assert len(set(commonest)) == 3, "two equal boxes apart are two objects"


def test_lzf_unfolds_what_repeats_itself_and_names_what_does_not_fit() -> None:
    assert unfolded(bytes([0]) + b"a" + bytes([7 << 5, 10, 0]), 20) == b"a" * 20
    with pytest.raises(ValueError, match="before its begin"):
        unfolded(bytes([1 << 5, 9]), 3)
    with pytest.raises(ValueError, match="unfolds to 1 bytes, expected 3"):
        unfolded(bytes([0]) + b"a", 3)


def test_from_the_command_line_to_objects_of_every_point_and_back_as_masks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans").mkdir()
    clouds = [scan(tmp_path / "scans" / f"{number}.npy", 300 + 100 * number) for number in range(2)]
    own = ["--modality", "points", "--data", "scans", "--out", "mine"]
    assert execute(["run", "objects", *own, *SHORT]) == 0
    assert "gestalt-points" in (tmp_path / "mine" / "report.html").read_text(encoding="utf-8")
    assert execute(["discover", "mine", "scans", "--out", "found"]) == 0
    with (tmp_path / "found" / "objects.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(map(len, clouds))
    for number, cloud in enumerate(clouds):
        path = tmp_path / "found" / "objects" / f"{number}.ply"
        table = np.concatenate([block for _, block in points_of(path)])
        np.testing.assert_allclose(table[:, :3], cloud[:, :3])
        numbers = {int(row["object"]) for row in rows if row["cloud"].endswith(f"{number}.npy")}
        assert numbers - {0} == set(range(1, max(numbers) + 1)), "objects are numbered from 1 in every file"
    items = MODALITY.read([tmp_path / "scans"]).items
    masks = MODALITY.read_masks(tmp_path / "found" / "objects.csv", items)
    item = items.read(0, RNG)
    found = masks.of_item(0, item)
    assert found is not None
    said = [row["object"] for row in rows if row["cloud"].endswith("0.npy")]
    names = [found.name(label) if label >= 0 else "object 0" for label in found.labels.tolist()]
    assert names == [f"object {said[point]}" for point in item.ids.tolist()]


def test_masks_that_do_not_fit_are_named(tmp_path: Path) -> None:
    scan(tmp_path / "a.npy", 30)
    items = items_of(tmp_path / "a.npy")
    table = tmp_path / "m.csv"
    table.write_text("cloud,point,object,label\na.npy,0,1,box\na.npy,1,1,box\na.npy,39,2,lamp\n")
    found = MODALITY.read_masks(table, items).of_item(0, items.read(0, RNG))
    assert found is not None
    assert (found.labels[[0, 1, 39, 2]].tolist(), found.names) == ([0, 0, 1, -1], ("box", "lamp"))
    table.write_text("cloud,point,object\na.npy,40,1\n")
    with pytest.raises(ValueError, match=r"there is no point 40 in .*a\.npy, which has 40"):
        MODALITY.read_masks(table, items).of_item(0, items.read(0, RNG))
    table.write_text("cloud,point,object\na.npy,one,1\n")
    with pytest.raises(ValueError, match=r"m\.csv:2: 'one' is no point"):
        MODALITY.read_masks(table, items)
    assert isinstance(PointNet(), DescribesElements)


def test_points_have_the_numbers_of_their_rows_where_an_organised_cloud_lacks_some(tmp_path: Path) -> None:
    cloud = np.random.default_rng(0).normal(size=(90, 3))
    cloud[[0, 5, 6, 40, 89]] = np.nan
    there = np.flatnonzero(~np.isnan(cloud[:, 0]))
    (tmp_path / "data").mkdir()
    np.save(tmp_path / "data" / "a.npy", cloud)
    items = items_of(tmp_path / "data", PointModality(most=32))
    tiles_of = [items.read(number, RNG) for number in range(len(items))]
    assert sorted(torch.cat([tile.ids for tile in tiles_of]).tolist()) == there.tolist()
    for tile in tiles_of:
        np.testing.assert_allclose(tile.places.numpy() * tile.scale + np.array(tile.centre), cloud[tile.ids], atol=1e-5)
    rows = "".join(f"a.npy,{row},{1 + (row >= 41)}\n" for row in range(90))
    (tmp_path / "m.csv").write_text(f"cloud,point,object\n{rows}")
    masks = MODALITY.read_masks(tmp_path / "m.csv", items)
    for number, tile in enumerate(tiles_of):
        found = masks.of_item(number, tile)
        assert found is not None
        assert [found.name(label) for label in found.labels.tolist()] == [
            f"object {1 + (row >= 41)}" for row in tile.ids
        ]
    (tmp_path / "m.csv").write_text("cloud,point,object\na.npy,90,1\n")
    with pytest.raises(ValueError, match=r"m\.csv: there is no point 90 in .*a\.npy, which has 90"):
        MODALITY.read_masks(tmp_path / "m.csv", items).of_item(0, tiles_of[0])
    discover(
        tiny_run(tmp_path / "run", MODALITY, "pointnet", width=16, columns=0), [tmp_path / "data"], tmp_path / "out"
    )
    with (tmp_path / "out" / "objects.csv").open(newline="", encoding="utf-8") as file:
        assert [int(row["point"]) for row in csv.DictReader(file)] == there.tolist()
