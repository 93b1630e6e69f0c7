"""`gestalt evaluate`: any modality, labels in any form, files that say everything, and mistakes that are named."""

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.data.feature_map import item_means
from gestalt.core.data.items import BadItemError
from gestalt.core.evaluation.protocols import Knn, LinearProbe
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs.evaluate import evaluate
from gestalt.core.runs.evaluation_options import Evaluating
from gestalt.core.runs.saving import save
from gestalt.modalities.audio import Audio
from gestalt.modalities.text import Text
from tests.recordings import RATE, song
from tests.tiny_runs import tiny_model, tiny_run

FAST = Evaluating(folds=3, resamples=50)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighteen pictures of a square in one of three colours, with labels, masks and a split; and an untrained run."""
    there, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for name in ("data", "masks"):
        (there / name).mkdir()
    rows = ["file,label,size,split"]
    for number in range(18):
        colour, size = number % 3, 10 + number
        pixels = rng.integers(0, 60, (40, 40, 3)).astype(np.uint8)
        pixels[4 : 4 + size, 4 : 4 + size, colour] = 220
        Image.fromarray(pixels).save(there / "data" / f"{number:02d}.png")
        mask = np.zeros((40, 40), np.uint8)
        mask[4 : 4 + size, 4 : 4 + size] = colour + 1
        Image.fromarray(mask).save(there / "masks" / f"{number:02d}.png")
        part = "test" if number < 6 else "validation" if number == 17 else "train"
        rows.append(f"{number:02d}.png,{('red', 'green', 'blue')[colour]},{size},{part}")
    (there / "labels.csv").write_text("\n".join(rows))
    tiny_run(there / "run", load_modality("image"), width=16)
    return there


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight recordings of four windows each, high or low, in folders of these names; and an untrained run."""
    there = tmp_path_factory.mktemp("recordings")
    for number in range(8):
        folder = there / "data" / ("low", "high")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / f"{number}.wav", song(4.0, (200.0, 900.0)[number % 2] + 10 * number), RATE)
    tiny_run(there / "run", Audio(seconds=1.0), width=16)
    return there


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_command_writes_scores_as_json_as_a_table_and_as_a_page(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["evaluate", str(pictures / "run"), str(pictures / "data"), "--labels", str(pictures / "labels.csv")]
    assert execute([*command, "--folds", "3", "--resamples", "50", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert {path.name for path in out.iterdir() if not path.name.startswith(".")} == {
        "scores.json",
        "scores.csv",
        "evaluation.html",
    }
    found = json.loads((out / "scores.json").read_text())
    assert [one["protocol"] for one in found["results"]] == ["knn", "probe", "probe", "probe", "clustering"]
    rows = {(row["protocol"], row["variant"], row["metric"]): row for row in table(out / "scores.csv")}
    for one in found["results"]:
        assert (one["rows"], one["groups"]) == (18, 18)
        for metric, score in one["scores"].items():
            row = rows.pop((one["protocol"], one["variant"], metric))
            assert float(row["value"]) == pytest.approx(score["value"], rel=1e-5)
            assert float(row["low"]) == pytest.approx(score["low"], rel=1e-5)
    assert rows == {}
    knn = found["results"][0]["classes"]
    assert knn["names"] == ["blue", "green", "red"]
    assert np.array(knn["confusion"]).sum(axis=1).tolist() == [6, 6, 6]
    assert np.trace(knn["confusion"]) / 18 == pytest.approx(found["results"][0]["scores"]["accuracy"]["value"])
    assert sum(knn["reliability"]["count"]) == 18
    assert f"k-NN, 20 neighbours: accuracy {found['results'][0]['scores']['accuracy']['value']:.3f} [" in said
    page = (out / "evaluation.html").read_text()
    for text in (
        "Evaluation of run",
        "linear probe",
        "true classes down",
        "reliability",
        "what labels are worth",
        "green",
    ):
        assert text in page, text
    assert page.count("<svg") == 3, "a curve over the labels, and the reliability of two protocols"
    assert "http" not in re.sub(r'http-equiv|"http://www.w3.org[^"]*"', "", page), (
        "the page needs nothing from elsewhere"
    )


def test_scores_in_python_are_those_of_the_vectors_themselves(pictures: Path) -> None:
    model = gestalt.load(pictures / "run")
    chance = np.random.default_rng(1)
    labels = gestalt.Labels.of([("red", "green", "blue")[chance.integers(3)] for _ in range(18)])
    test = tuple(pictures / "data" / f"{number:02d}.png" for number in range(6))
    found = model.evaluate(pictures / "data", labels, protocols=[Knn((1,))], options=replace(FAST, test=test))
    vectors = torch.stack([one.item for one in model.embed(pictures / "data")])
    unit = torch.nn.functional.normalize(vectors, dim=1)
    nearest = (unit[:6] @ unit[6:].T).argmax(dim=1) + 6
    wanted = (labels.known[nearest] == labels.known[:6]).double().mean()
    assert found.score("knn", "accuracy", "1 neighbours") == pytest.approx(float(wanted))
    assert ("split of items", "12 to learn from, 6 tested") in found.facts
    with pytest.raises(KeyError, match="there is no 'rmse' of 'knn'"):
        found.score("knn", "rmse")


def test_a_table_says_which_items_are_tested_and_others_take_no_part(pictures: Path) -> None:
    model, labels = gestalt.load(pictures / "run"), pictures / "labels.csv"
    options = replace(FAST, split=labels)
    found = model.evaluate(pictures / "data", labels, protocols="knn", options=options)
    assert dict(found.facts)["split of items"] == "11 to learn from, 6 tested"
    named = tuple(pictures / "data" / f"{number:02d}.png" for number in range(6))
    without = [path for path in sorted((pictures / "data").iterdir()) if path.name != "17.png"]
    same = model.evaluate(without, labels, protocols="knn", options=replace(FAST, test=named))
    assert same.score("knn", "accuracy") == found.score("knn", "accuracy")


def test_a_test_set_may_lie_elsewhere(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "held out").mkdir()
    for number in range(3):
        name = f"{number:02d}.png"
        (tmp_path / "held out" / f"test {name}").write_bytes((pictures / "data" / name).read_bytes())
    rows = (pictures / "labels.csv").read_text() + "\ntest 00.png,red,1,\ntest 01.png,green,1,\ntest 02.png,blue,1,"
    (tmp_path / "labels.csv").write_text(rows)
    command = ["evaluate", str(pictures / "run"), str(pictures / "data"), "--labels", str(tmp_path / "labels.csv")]
    out = tmp_path / "out"
    command += ["--test", str(tmp_path / "held out"), "--out", str(out), "--label-column", "label", "--resamples", "9"]
    settings = '[{"type": "protocol:knn", "neighbours": [1]}]'
    assert execute([*command, "--protocols", settings]) == 0
    (one,) = json.loads((out / "scores.json").read_text())["results"]
    assert (one["rows"], one["scores"]["accuracy"]["value"]) == (3, 1.0), "each has its copy among the others"


def test_values_are_scored_as_values(pictures: Path, tmp_path: Path) -> None:
    options = replace(FAST, label_column="size", label_kind="value")
    labels = pictures / "labels.csv"
    assert evaluate(pictures / "run", [pictures / "data"], tmp_path / "out", labels, options=options) == 0
    rows = table(tmp_path / "out" / "scores.csv")
    assert {row["metric"] for row in rows} == {"rmse", "r2", "spearman"}
    assert {row["protocol"] for row in rows} == {"knn", "probe"}
    (left_out,) = json.loads((tmp_path / "out" / "scores.json").read_text())["left_out"]
    assert left_out == {"protocol": "clustering", "reason": "needs classes, not values (--label-kind class)"}
    best = [float(row["value"]) for row in rows if row["metric"] == "r2" and row["variant"] == "all labels"]
    assert best[0] > 0.5, "the size of a square can be read off the mean of its pixels"


def test_masks_give_classes_to_elements(pictures: Path) -> None:
    model = gestalt.load(pictures / "run")
    options = replace(FAST, elements=900)
    found = model.evaluate(
        pictures / "data", masks=pictures / "masks", protocols="dense-probe,segmentation,knn", options=options
    )
    assert found.left_out == (("knn", "needs labels of items (--labels, --label-column)"),)
    assert found.score("dense-probe", "accuracy") > 0.9
    dense = next(one for one in found.results if one.protocol == "dense-probe")
    assert (dense.rows, dense.groups) == (900, 18)
    assert dense.by_class is not None
    assert dense.by_class.names == ("none", "object 1", "object 2", "object 3")
    assert dense.by_class.confusion.sum(dim=1).argmax() == 0, "most of a picture lies in no square"
    assert 0 < found.score("segmentation", "miou") <= 1


def test_the_windows_of_a_recording_stay_together(recordings: Path) -> None:
    model = gestalt.load(recordings / "run")
    assert len(model.embed(recordings / "data")) == 32
    options = replace(FAST, folds=4)
    found = model.evaluate(recordings / "data", "folders", protocols="knn,probe", options=options)
    facts = dict(found.facts)
    assert (facts["labelled items"], facts["groups of items"]) == ("32", "8")
    with pytest.raises(ValueError, match=r"of 8 groups .* fewer than 9 folds"):
        model.evaluate(recordings / "data", "folders", options=replace(FAST, folds=9))
    alone = model.evaluate(
        recordings / "data", "folders", protocols="knn", options=replace(FAST, folds=9, group="item")
    )
    assert alone.results[0].groups == 32
    assert found.score("probe", "accuracy") > 0.9


def test_windows_are_seen_in_their_context(recordings: Path) -> None:
    model = gestalt.load(recordings / "run")
    data = recordings / "data"
    labels = gestalt.Labels.of(["a", "b"] * 16)
    found = model.evaluate(data, labels, protocols=[Knn((1,))], options=replace(FAST, folds=2, group="item"))
    evaluator = model.evaluator(model.modality.read([data]).items, None, FAST)
    rows = torch.cat([item_means(features) for _, features in evaluator.encode(range(32))])
    assert torch.allclose(rows, torch.stack([one.item for one in model.embed(data)]), atol=1e-5)
    assert found.results[0].rows == 32


def test_objects_of_clips_are_carried_from_their_first_frame(tmp_path: Path) -> None:
    """A square that stays, and one that moves 16 pixels to the right in 16 frames."""
    rng = np.random.default_rng(0)
    for clip, speed in (("still", 0), ("moving", 1)):
        for name in ("data", "masks"):
            (tmp_path / name / clip).mkdir(parents=True)
        for frame in range(16):
            pixels, mask = rng.integers(0, 20, (32, 64, 3)).astype(np.uint8), np.zeros((32, 64), np.uint8)
            place = slice(8, 24), slice(16 + speed * frame, 32 + speed * frame)
            pixels[place], mask[place] = (230, 20, 20), 1
            Image.fromarray(pixels).save(tmp_path / "data" / clip / f"{frame:05d}.png")
            Image.fromarray(mask).save(tmp_path / "masks" / clip / f"{frame:05d}.png")
    modality = load_modality("video")
    model = gestalt.Model(modality, gestalt.Network(modality.encoders["raw"]()), {})
    found = {
        clip: model.evaluate(
            tmp_path / "data" / clip, masks=tmp_path / "masks" / clip, protocols="propagation", options=FAST
        )
        for clip in ("still", "moving")
    }
    assert all(one.results[0].rows == 1 for one in found.values()), "one object in one clip"
    assert found["still"].score("propagation", "j") > 0.9
    assert 0.5 < found["moving"].score("propagation", "j") <= found["still"].score("propagation", "j")


def test_classes_of_words_are_scored_word_by_word() -> None:
    model = tiny_model(Text(), objects=2, width=16)
    texts = [f"the {noun} sees a {noun}" for noun in ("cat", "dog", "bird", "cow", "ant", "fox")]
    items = [model.modality.specimens()[0].item for _ in texts]
    longest = max(one.elements.shape[0] for one in model.embed(items))
    labels = gestalt.Labels.of_elements([["odd", "even"] * (longest // 2) for _ in texts])
    found = model.evaluate(items, labels, protocols="dense-probe,probe", options=FAST)
    assert found.left_out[0][0] == "probe"
    assert found.results[0].by_class is not None
    assert found.results[0].by_class.names == ("even", "odd")


def test_a_run_is_scored_on_what_its_recipe_ships(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    modality = load_modality("graph")
    model = tiny_model(modality, "gine", width=8)
    save(tmp_path / "run", model, "gine", recipe="molecules")
    command = ["evaluate", str(tmp_path / "run"), "--most", "60", "--resamples", "10", "--protocols", "knn", "--sums"]
    assert execute([*command, "--out", str(tmp_path / "out")]) == 0
    (one,) = json.loads((tmp_path / "out" / "scores.json").read_text())["results"]
    assert (one["rows"], one["groups"]) == (60, 60), "molecules of one table are apart"
    assert one["classes"]["names"] == ["high", "low", "medium"], "the solubility that the recipe knows of"
    assert "k-NN" in capsys.readouterr().out


def test_a_run_of_no_recipe_is_told_to_name_data(pictures: Path) -> None:
    with pytest.raises(ValueError, match="ships labelled items; name your own data"):
        execute(["evaluate", str(pictures / "run")])
    with pytest.raises(ValueError, match="name its files and folders too"):
        execute(["evaluate", str(pictures / "run"), "--labels", str(pictures / "labels.csv")])


def refusal(pictures: Path, labels: Any = None, **options: Any) -> str:
    with pytest.raises(ValueError, match=r"\S") as refused:
        gestalt.load(pictures / "run").evaluate(pictures / "data", labels, options=replace(FAST, **options))
    return str(refused.value)


def test_mistakes_are_named(pictures: Path, tmp_path: Path) -> None:
    assert "nothing is known of the items" in refusal(pictures)
    nothing = gestalt.Labels(gestalt.Classes(("a",)), torch.full((18,), -1))
    assert "none of the 18 items is labelled" in refusal(pictures, nothing)
    assert "all 18 labelled items are of one class, 'a'" in refusal(pictures, gestalt.Labels.of(["a"] * 18))
    assert "labels of 3 items were given, and there are 18" in refusal(pictures, gestalt.Labels.of(["a", "b", "a"]))
    few = gestalt.Labels.of(["a", "b", *[None] * 16])
    assert "of 2 groups" in refusal(pictures, few)
    everything = gestalt.Labels.of(["a", "b"] * 9)
    assert "0 to be asked about" in refusal(pictures, everything, test=(tmp_path,))
    (tmp_path / "split.csv").write_text("file,split\n00.png,one\n01.png,two\n")
    assert "says train or test of no item" in refusal(pictures, everything, split=tmp_path / "split.csv")
    with pytest.raises(ValueError, match="by --test or by --split"):
        Evaluating(test=(tmp_path,), split=tmp_path)
    model = gestalt.load(pictures / "run")
    with pytest.raises(ValueError, match="a loader gives its items once"):
        model.evaluate(iter([]), everything)


def test_bad_items_are_errors_or_left_out_and_listed(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for path in (pictures / "data").iterdir():
        (tmp_path / "data" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "data" / "03.png").write_bytes(b"no picture")
    call = (pictures / "run", [tmp_path / "data"], tmp_path / "out", pictures / "labels.csv")
    with pytest.raises(BadItemError, match=r"03\.png"):
        evaluate(*call, protocols="knn", options=FAST)
    assert not (tmp_path / "out").exists()
    assert evaluate(*call, protocols="knn", options=FAST, skip_bad=True) == 0
    assert (tmp_path / "out" / "skipped.txt").read_text().count("03.png") == 1
    assert "03.png" in (tmp_path / "out" / "evaluation.html").read_text()
    assert {row["rows"] for row in table(tmp_path / "out" / "scores.csv")} == {"17"}


def test_an_item_that_turns_out_bad_in_several_protocols_is_listed_once(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = load_modality("image").read([pictures / "data"]).items
    plain = type(items).read

    def reading(self: Any, index: int, rng: np.random.Generator) -> Any:
        if self.name(index).endswith("03.png"):
            raise BadItemError(self.name(index), "was removed")
        return plain(self, index, rng)

    monkeypatch.setattr(type(items), "read", reading)
    call = (pictures / "run", [pictures / "data"], tmp_path / "out", pictures / "labels.csv", pictures / "masks")
    assert evaluate(*call, protocols="knn,dense-probe", options=replace(FAST, elements=400), skip_bad=True) == 0
    assert (tmp_path / "out" / "skipped.txt").read_text().count("was removed") == 1


def test_the_scores_of_an_earlier_call_are_replaced_and_stay_if_the_next_fails(pictures: Path, tmp_path: Path) -> None:
    call = (pictures / "run", [pictures / "data"], tmp_path / "out", pictures / "labels.csv")
    evaluate(*call, protocols="knn", options=FAST)
    first = (tmp_path / "out" / "scores.json").read_text()
    with pytest.raises(ValueError, match="folds"):
        evaluate(*call, protocols="knn", options=replace(FAST, folds=19))
    assert (tmp_path / "out" / "scores.json").read_text() == first
    evaluate(*call, protocols="probe", options=FAST)
    assert "knn" not in (tmp_path / "out" / "scores.json").read_text()


def test_classes_that_are_tested_and_never_learned_from_are_named(
    recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = recordings / "data"
    command = ["evaluate", str(recordings / "run"), str(data), "--labels", "folders", "--protocols", "knn"]
    assert execute([*command, "--test", str(data / "high"), "--resamples", "0", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().err
    assert "tested items of classes that none to learn from has, all wrong: high (16)" in said
    assert execute([*command, "--folds", "2", "--resamples", "0", "--out", str(tmp_path / "out")]) == 0
    assert "none to learn from has" not in capsys.readouterr().err


def test_items_with_parts_are_scored_as_others_are(pictures: Path, tmp_path: Path) -> None:
    both = load_modality("image+text")
    for picture in sorted((pictures / "data").iterdir())[:6]:
        colour = ("red", "green", "blue")[int(picture.stem) % 3]
        (tmp_path / colour).mkdir(exist_ok=True)
        shutil.copy(picture, tmp_path / colour)
        (tmp_path / colour / f"{picture.stem}.txt").write_text(f"something {colour}")
    model = gestalt.Model(both, gestalt.Network(both.encoders["joint"](dim=8)).eval(), {})
    found = model.evaluate(tmp_path, "folders", protocols=[Knn((1,))], options=replace(FAST, folds=2))
    assert 0 <= found.score("knn", "accuracy") <= 1


def test_only_items_that_are_labelled_are_encoded(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = gestalt.load(pictures / "run")
    seen: list[int] = []
    plain = type(model.modality).collate

    def collating(self: Any, items: Any) -> Any:
        seen.append(len(items))
        return plain(self, items)

    monkeypatch.setattr(type(model.modality), "collate", collating)
    labels = gestalt.Labels.of([*["a", "b"] * 4, *[None] * 10])
    model.evaluate(pictures / "data", labels, protocols=[LinearProbe((1.0,))], options=FAST)
    assert sum(seen) == 8
