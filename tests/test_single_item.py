"""What can be learned from one photograph: its crops, the stages that are asked, and the command."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gestalt.core.evaluation import Table
from gestalt.core.methods.method import AbstractMethod
from gestalt.core.methods.presets import preset_named
from gestalt.core.training.options import Training
from gestalt.modalities.image.backbones import ResNet
from gestalt.recipes.image_objects.synthetic.photographs import PHOTOGRAPHS, photographs
from gestalt.recipes.scene_sources import clothing
from gestalt.recipes.single_item import recipe
from gestalt.recipes.single_item.cells import STAGES, by_stage, learner, network_of, trained
from gestalt.recipes.single_item.sources import crops, many, sources

TRAINING = Training(steps=1, batch=4, warmup=1, workers=0, threads=1, accelerator="cpu")
BYOL_SMALL = preset_named("byol-small").method


def untrained(method: AbstractMethod, pictures: list[Tensor], training: Training) -> ResNet:
    """The network that training would begin with."""
    assert len(pictures) == 8
    return network_of(learner(method, len(pictures), training))


def test_all_crops_of_one_photograph_show_it_and_crops_of_some_show_others_too() -> None:
    black, white = torch.zeros(3, 200, 300), torch.ones(3, 200, 300)
    alone = torch.stack(crops([black], 20, seed=0))
    both = torch.stack(crops([black, white], 20, seed=0))
    assert alone.shape == (20, 1, 28, 28)
    assert float(alone.max()) == 0
    assert {bool(one.max() > 0.5) for one in both} == {True, False}


def test_sources_give_as_many_pictures_of_one_size_and_another_seed_gives_others() -> None:
    one, some, of_clothing = sources("coffee")
    assert len(PHOTOGRAPHS["train"]) > 1
    for source in (one, some, of_clothing):
        pictures = source.pictures(5, 0)
        assert len(pictures) == 5
        assert {tuple(picture.shape) for picture in pictures} == {(1, 28, 28)}
        assert min(float(picture.min()) for picture in pictures) >= 0
        assert max(float(picture.max()) for picture in pictures) <= 1
        assert all(map(torch.equal, pictures, source.pictures(5, 0)))
        assert not all(map(torch.equal, pictures, source.pictures(5, 1)))
    shown = crops([photographs("train")[PHOTOGRAPHS["train"].index("coffee")]], 5, seed=0)
    assert all(map(torch.equal, shown, one.pictures(5, 0)))
    assert all(map(torch.equal, crops(photographs("train"), 5, seed=0), some.pictures(5, 0)))
    assert len({picture.numpy().tobytes() for picture in of_clothing.pictures(50, 0)}) == 50


def test_every_stage_is_asked_on_its_own() -> None:
    network = ResNet("resnet18", channels=1).eval()
    before = by_stage(network, 60, 40, "validation")
    assert list(before) == list(STAGES)
    assert all(0 <= value <= 1 for value in before.values())
    with torch.no_grad():
        for weight in network.backbone.stages[3].parameters():
            weight.zero_()
    after = by_stage(network, 60, 40, "validation")
    assert {stage: after[stage] for stage in STAGES[:3]} == {stage: before[stage] for stage in STAGES[:3]}
    assert after["stage 4"] < before["stage 4"]


def test_items_that_are_asked_about_are_among_those_of_no_source() -> None:
    learned = {picture.numpy().tobytes() for picture in many(len(clothing("train")), 0)}
    for part in ("validation", "test"):
        asked = {(image[None].float() / 255).numpy().tobytes() for image in clothing(part).images}
        assert not asked & learned


def test_training_changes_the_network_and_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    pictures = many(8, 0)
    begun = network_of(learner(BYOL_SMALL, 8, TRAINING)).state_dict()
    one = trained(BYOL_SMALL, pictures, TRAINING, tmp_path / "one").state_dict()
    again = trained(BYOL_SMALL, pictures, TRAINING, tmp_path / "one").state_dict()
    assert any(not torch.equal(value, begun[name]) for name, value in one.items())
    assert all(torch.equal(value, again[name]) for name, value in one.items())


def test_the_command_fills_every_cell_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = recipe.Options(
        tmp_path, "byol-small", items=8, known=20, tested=10, validate=True, seeds=1, training=TRAINING
    )
    monkeypatch.setattr(recipe, "trained", lambda method, pictures, training, _: untrained(method, pictures, training))
    assert recipe.SingleItem(options).run() == 0
    text = (tmp_path / "table.json").read_text(encoding="utf-8")
    table = Table.from_json(text)
    rows = [recipe.RANDOM, "crops of one photograph, coffee", "crops of 7 photographs", "many pictures"]
    assert [row.method for row in table.rows] == rows
    assert [column.name for column in table.columns] == list(STAGES)
    assert {len(values) for row in table.rows for values in row.values} == {1}
    assert "10 validation items" in (tmp_path / "table.md").read_text(encoding="utf-8")
    assert not list(tmp_path.glob("*/run"))
    monkeypatch.setattr(recipe, "by_stage", lambda *_: pytest.fail("a cell that is there is not measured again"))
    assert recipe.SingleItem(options).run() == 0
    assert (tmp_path / "table.json").read_text(encoding="utf-8") == text
    with pytest.raises(pytest.fail.Exception):
        recipe.SingleItem(replace(options, photograph="moon")).run()
    assert "seed 0, many pictures" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"photograph": "chelsea"}, r"photograph \(--photograph\) must be one of coffee, .*, got 'chelsea'"),
        ({"method": "semppl"}, "semppl needs labels or computed targets"),
        ({"method": "computed"}, "computed needs labels or computed targets"),
        ({"method": "simmim"}, "hides elements between the two steps of an encoder"),
        ({"method": "simcrl"}, "did you mean 'simclr'"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_cannot_be_done_is_refused_before_anything_is_trained(
    changes: dict[str, str], text: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=text):
        recipe.SingleItem(recipe.Options(tmp_path / "out", **changes)).run()  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_more_pictures_than_there_are_is_an_error_that_says_how_many() -> None:
    with pytest.raises(ValueError, match=r"items \(--items\) must be at most \d+"):
        many(10**6, 0)
