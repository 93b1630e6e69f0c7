"""Scenes are what their truth says, and a run on them ends with a report, objects and vectors."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from gestalt.cli.commands import execute
from gestalt.cli.parse import parsed
from gestalt.core.components.settings import settings_of
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.discovery.segmenters import Discovery, GivenMasks
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.runs.saving import load
from gestalt.modalities.image import collate
from gestalt.modalities.image.masks import read_index
from gestalt.recipes.image_objects.recipe import TEST_SEED, ImageObjects, Options, largest
from gestalt.recipes.image_objects.rules import colours_finder
from gestalt.recipes.image_objects.synthetic.materials import Material, photographic
from gestalt.recipes.image_objects.synthetic.photographs import PHOTOGRAPHS, photographs
from gestalt.recipes.image_objects.synthetic.scenes import SEEN, Composing, Scene, Scenes
from gestalt.recipes.image_objects.truth import cells_of_pixels, instance_metrics, owned, truth_of, type_metrics
from gestalt.recipes.scene_sources import Part, class_names, clothing

PARTS: tuple[Part, ...] = ("train", "validation", "test")
TINY = [
    "--steps",
    "2",
    "--batch",
    "4",
    "--workers",
    "0",
    "--threads",
    "1",
    "--accelerator",
    "cpu",
    "--method.rounds.every",
    "1",
]


def test_no_item_and_no_photograph_is_in_two_parts() -> None:
    seen = [{bytes(image.numpy().tobytes()) for image in clothing(part).images} for part in PARTS]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not seen[one] & seen[other]
        assert not set(PHOTOGRAPHS[PARTS[one]]) & set(PHOTOGRAPHS[PARTS[other]])
    assert len(class_names()) == 10
    for part in PARTS:
        assert clothing(part).labels.unique().tolist() == list(range(10))
        assert all(len(one) == 3 and max(one.shape[1:]) == 320 for one in photographs(part))


@pytest.mark.parametrize("material", ["textures", "photographs"])
@pytest.mark.parametrize("part", PARTS)
def test_scenes_are_composed_deterministically_and_every_item_is_to_be_seen(part: Part, material: Material) -> None:
    config = Composing(material=material)
    one, two = Scenes(20, 3, part, config), Scenes(20, 3, part, config)
    for index in range(12):
        scene, again = one.scene(index), two.scene(index)
        assert torch.equal(scene.pixels, again.pixels)
        assert torch.equal(scene.owner, again.owner)
        assert torch.equal(one.read(index, np.random.default_rng(9)), scene.pixels)
        assert scene.pixels.shape == (3, 64, 64)
        assert 0 <= float(scene.pixels.min()) <= float(scene.pixels.max()) <= 1
        assert 1 <= len(scene.classes) <= config.most
        assert scene.owner[scene.owner >= 0].unique().tolist() == list(range(len(scene.classes)))
    assert not torch.equal(one.scene(0).pixels, one.scene(1).pixels)
    assert not torch.equal(one.scene(0).pixels, Scenes(20, 4, part, config).scene(0).pixels)
    assert SEEN == 0.5


def test_small_scenes_have_smaller_items_and_large_ones_more_space() -> None:
    assert Composing.of_size(64) == Composing()
    assert Composing.of_size(32) == Composing(size=32, smallest=12, largest=22)
    assert Composing.of_size(128) == Composing(size=128)
    assert Composing.of_size(128, "photographs") == Composing(128, smallest=48, largest=88, material="photographs")


def test_an_item_of_photographs_shows_one_inside_and_fades_at_its_edge() -> None:
    photograph = torch.full((3, 200, 200), 0.5)
    mask = torch.zeros(40, 40, dtype=torch.bool)
    mask[8:32, 8:32] = True
    cover = photographic([photograph], torch.ones(40, 40), mask, np.random.default_rng(0))
    tints = cover.colours.flatten(1)
    assert torch.allclose(tints, tints[:, :1].expand_as(tints), atol=1e-5), "one grey photograph: one tint everywhere"
    assert bool((cover.opacity[12:28, 12:28] > 0.999).all())
    assert bool((cover.opacity[~mask] == 0).all()), "nothing is painted beyond the truth"
    edge = cover.opacity[8, 12:28]
    assert bool(((edge > 0.5) & (edge < 0.9)).all())
    ground = torch.zeros(3, 40, 40)
    assert torch.allclose(cover.over(ground), cover.opacity * cover.colours)


def test_the_material_of_the_options_reaches_training_and_test_scenes() -> None:
    for material in ("textures", "photographs"):
        options = Options(scenes=2, test_scenes=1, cell=4, material=material)
        data, config = ImageObjects(options).data(), Composing.of_size(64, material)
        assert torch.equal(data.evaluated[0], Scenes(1, TEST_SEED, "test", config).scene(0).pixels)
        train = Scenes(2, options.training.seed, "train", config).scene(1).pixels
        assert torch.equal(data.items.read(1, np.random.default_rng(0)), train)


def test_the_class_of_a_scene_is_that_of_the_item_of_which_most_is_seen() -> None:
    owner = torch.tensor([[-1, -1, -1, -1], [0, 1, 1, -1]])
    scene = Scene(torch.zeros(3, 2, 4), owner, torch.tensor([3, 7]))
    assert largest(scene) == class_names()[7]
    assert largest(Scene(torch.zeros(3, 2, 4), torch.full((2, 4), -1), torch.tensor([3]))) is None


def test_first_segments_follow_the_rule_of_the_options() -> None:
    options = Options(scenes=2, test_scenes=1, cell=4)
    batch = collate([Scenes(1, 0, "train", Composing()).scene(0).pixels])
    by_rule = ImageObjects(options).data().first_segments
    assert isinstance(by_rule, GivenMasks)
    assert by_rule.heuristic is not None
    found = by_rule.heuristic(batch).grid
    assert found is not None
    assert found.shape == (64, 64)  # pixels
    by_colours = ImageObjects(replace(options, first="colours")).data().first_segments
    assert isinstance(by_colours, Discovery)
    assert settings_of(by_colours.finder.grouper) == settings_of(colours_finder().grouper)
    assert by_colours.finder.regions == colours_finder().regions
    grid = by_colours.source.network.encode(batch).grid
    assert grid is not None
    assert grid.shape == (16, 16)


def test_items_differ_from_their_photograph_and_are_textured() -> None:
    scenes = [Scenes(30, 0, "train", Composing()).scene(index) for index in range(30)]
    deviations = [
        float(scene.pixels[:, scene.owner == number].std(dim=1).mean())
        for scene in scenes
        for number in range(len(scene.classes))
    ]
    assert float(torch.tensor(deviations).median()) > 0.08, "most items have a texture and a shade"


def test_what_is_found_perfectly_scores_one_and_what_is_one_object_scores_nothing() -> None:
    scenes = Scenes(6, 0, "train", Composing())
    truth = truth_of([scenes.scene(index) for index in range(6)])
    perfect = instance_metrics(truth.owner, truth)
    assert perfect == pytest.approx({"fg-ARI": 1.0, "ARI": 1.0, "mBO": 1.0, "recovery": 1.0})
    lump = instance_metrics(torch.zeros_like(truth.owner), truth)
    assert lump["ARI"] == pytest.approx(0.0, abs=1e-6)
    assert lump["recovery"] == 0.0


def test_vectors_that_hold_the_class_name_it_and_random_ones_do_not() -> None:
    scenes = Scenes(40, 0, "train", Composing())
    truth = truth_of([scenes.scene(index) for index in range(40)])
    grid = Grid.uniform((16, 16), (4.0, 4.0))
    pixels = cells_of_pixels(grid, truth.size)
    owner = owned(truth.owner, pixels, 256)
    kinds = torch.where(owner >= 0, truth.classes.gather(1, owner.clamp(min=0)), 10)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(40, 256, 11, generator=generator)
    valid = torch.ones(40, 256, dtype=torch.bool)
    good = type_metrics(
        FeatureMap(torch.nn.functional.one_hot(kinds, 11) + 0.1 * noise, valid, grid), owner, truth, seed=0
    )
    bad = type_metrics(FeatureMap(noise, valid, grid), owner, truth, seed=0)
    assert good["1-NN"] == good["1-NN found"] == 1.0
    assert good["probe"] > 0.95
    # Cells of 4 × 4 pixels cannot follow every outline: this is the most that a probe of cells can reach.
    assert good["probe mIoU"] > 0.6
    assert max(bad["1-NN"], bad["probe"], bad["probe mIoU"]) < 0.35


def test_a_cell_belongs_to_the_item_with_most_of_its_pixels() -> None:
    owner = torch.tensor([[-1, -1, 0, 0], [-1, 1, 0, -1]]).flatten()[None]
    pixels = cells_of_pixels(Grid.uniform((1, 2), (2.0, 2.0)), (2, 4))
    assert owned(owner, pixels, 2).tolist() == [[-1, 0]]
    shifted = cells_of_pixels(Grid.uniform((1, 2), (2.0, 2.0), (0.5, 0.5)), (2, 4))
    assert shifted.tolist() == [0, 0, 1, 1, 0, 0, 1, 1]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs of several kinds and shapes, and a file that is none."""
    folder = tmp_path_factory.mktemp("own pictures")
    rng = np.random.default_rng(0)
    for name, size in (("grün.png", (70, 50)), ("b.jpg", (48, 90)), ("c.png", (40, 40)), ("d.png", (120, 300))):
        Pillow.fromarray(rng.integers(0, 255, (*size, 3)).astype(np.uint8)).save(folder / name)
    Pillow.fromarray(rng.integers(0, 255, (50, 50)).astype(np.uint8)).save(folder / "grey.png")
    (folder / "bad.png").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on composed scenes."""
    out = tmp_path_factory.mktemp("runs") / "shipped"
    assert execute(["run", "image-objects", "--out", str(out), "--scenes", "12", "--test-scenes", "12", *TINY]) == 0
    return out


def test_a_run_ends_with_a_table_and_a_report(finished: Path) -> None:
    table = json.loads((finished / "table.json").read_text())
    text = json.dumps(table)
    for row in ("k-means on colours and textures and place", "k-means on a random encoder", "Felzenszwalb", "SLIC"):
        assert row in text
    page = (finished / "report.html").read_text()
    assert page.count("data:image/png") >= 3 * 2 * 3
    encoder = load(finished).encoder
    features = encoder(collate([torch.rand(3, 40, 60)]))
    assert (int(features.valid.sum()), features.values.shape[2]) == (600, encoder.dim)  # cells of 2 × 2 pixels


def test_a_run_finds_objects_and_gives_vectors_of_new_pictures(finished: Path, own: Path, tmp_path: Path) -> None:
    for what in ("discover", "embed"):
        assert execute([what, str(finished), str(own), "--out", str(tmp_path / what), "--skip-bad"]) == 0
    for image in json.loads((tmp_path / "discover" / "objects.json").read_text())["images"]:
        index = read_index(tmp_path / "discover" / "index" / f"{Path(image['file_name']).stem}.png")
        assert index.shape == (image["height"], image["width"])
    assert len(np.load(tmp_path / "embed" / "vectors.npz")["items"]) == 5


def test_a_run_on_ones_own_pictures_leaves_out_what_is_bad_and_says_so(own: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(own, data)
    command = ["run", "image-objects", "--data", str(data), "--out", str(tmp_path / "run"), *TINY]
    with pytest.raises(ValueError, match=r"bad\.png"):
        execute(command)
    shutil.rmtree(tmp_path / "run", ignore_errors=True)
    assert execute([*command, "--skip-bad"]) == 0
    page = (tmp_path / "run" / "report.html").read_text()
    assert "bad.png" in page
    assert "of your pictures" in page
    assert not (tmp_path / "run" / "table.json").exists()


def test_senseless_options_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"size \(--size\) must lie in \[32, 65536\], got 16"):
        Options(size=16)
    with pytest.raises(ValueError, match=r"\(--longest\) must be at least size \(--size\), got 40 and 64"):
        Options(longest=40)


def test_the_recipes_settings_of_its_encoder_hold_until_others_are_given() -> None:
    encoders = ImageObjects(Options()).modality.encoders

    def chosen(*arguments: str) -> EncoderChoice:
        found: EncoderChoice = parsed(Options, arguments, "run image-objects", encoders=encoders).encoder
        return found

    assert chosen() == chosen("--encoder", "unet") == EncoderChoice("unet")
    assert chosen("--encoder.dim", "16") == EncoderChoice("unet", {"dim": 16})
    assert chosen("--encoder", "conv", "--encoder.finer", "2").settings == {"finer": 2}
    assert chosen("--encoder", "raw") == EncoderChoice("raw")
