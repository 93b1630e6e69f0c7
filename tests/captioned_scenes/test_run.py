"""The recipe captioned-scenes from end to end, with written and with spoken captions."""

import json
from pathlib import Path

import pytest
from PIL import Image

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.data.places import Parts
from gestalt.core.evaluation import Table
from gestalt.recipes.captioned_scenes.recipe import CaptionedScenesRecipe, Options
from gestalt.recipes.captioned_scenes.results import COLUMNS

TINY = ("--steps", "2", "--batch", "3", "--warmup", "0", "--log-every", "1", "--workers", "0", "--threads", "1")
FEW = ("--scenes", "6", "--test-scenes", "4", "--size", "32")
BASELINES = ("chance", "captions alone", "pictures alone", "plain features", "a random network")


def written_run(out: Path, *more: str) -> Path:
    assert execute(["run", "captioned-scenes", "--out", str(out), "--accelerator", "cpu", *TINY, *FEW, *more]) == 0
    return out


@pytest.mark.parametrize("captions", ["written", "spoken"])
def test_a_run_leaves_a_table_with_all_baselines_a_report_and_a_model(captions: str, tmp_path: Path) -> None:
    out = written_run(tmp_path / "run", "--captions", captions, "--compare", "clip")
    table = Table.from_json((out / "table.json").read_text())
    assert tuple(row.method for row in table.rows) == (*BASELINES, "CLIP", "CLIP, by object")
    chance = dict(zip((column.name for column in COLUMNS), table.rows[0].values, strict=True))
    assert {chance[name][0] for name in ("match", "one word", "match by objects", "one word by objects")} == {0.5}
    assert chance["R@1 → picture"][0] == pytest.approx(1 / 4)
    assert all(len(values) == 1 for row in table.rows[3:] for values in row.values), "nothing was left out"
    page = (out / "report.html").read_text()
    part = "text" if captions == "written" else "audio"
    assert page.count('class="part"') == 12  # both parts of three scenes, before and after
    assert "<h4>image</h4>" in page
    assert f"<h4>{part}</h4>" in page
    model = gestalt.load(out)
    assert model.modality.name == f"image+{part}"
    recipe = CaptionedScenesRecipe(Options(32, test_scenes=2, captions=captions))  # type: ignore[arg-type]
    found = model.discover(list(recipe.data().evaluated))
    assert isinstance(found[0].places, Parts)
    assert found[0].places.names == ("image", part)


def test_a_run_on_ones_own_captioned_pictures(tmp_path: Path) -> None:
    rows = []
    for number, colour in enumerate(("red", "green", "blue")):
        Image.new("RGB", (40, 32), colour).save(tmp_path / f"{number}.png")
        rows.append(json.dumps({"image": f"{number}.png", "text": f"a picture in {colour}"}))
    (tmp_path / "pairs.jsonl").write_text("\n".join(rows) + "\n")
    out = written_run(tmp_path / "run", "--data", str(tmp_path / "pairs.jsonl"))
    assert not (out / "table.json").exists()
    assert "your captioned pictures" in (out / "report.html").read_text()


def test_the_table_of_seeds_holds_what_each_run_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from gestalt.core.experiment.seeds import Seeds, run_seeds

    base = Options(32, 6, test_scenes=3)
    training = replace(base.training, steps=1, batch=3, workers=0, threads=1, accelerator="cpu", warmup=0)
    monkeypatch.setattr(CaptionedScenesRecipe, "options_type", lambda: replace(base, training=training))
    assert run_seeds(CaptionedScenesRecipe, Seeds(tmp_path, 2, (), validate=True)) == 0
    table = Table.from_json((tmp_path / "table.json").read_text())
    assert table.title == "3 validation items, 2 seeds"
    assert all(len(values) in (0, 2) for row in table.rows for values in row.values)
