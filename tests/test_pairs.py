"""Pairs of items, the same or different: fitted, held out by files, predicted as they are labelled, scored."""

import csv
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import gestalt
from gestalt.cli.commands import execute
from gestalt.core.evaluation.bootstrap import bootstrap
from gestalt.core.evaluation.pair_scores import PairMeasure, bootstrap_pairs
from gestalt.core.fitting.fitters import Convolution, Linear, Nearest
from gestalt.core.fitting.subjects import OfPairs
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs.inputs import InMemory
from gestalt.core.runs.pair_fit import pair_splits
from gestalt.core.runs.pair_table import PairTable, read_pairs
from gestalt.core.runs.pairs import pairs_in
from tests.implementations import seeded
from tests.tiny_runs import tiny_run

ONE = Linear((1.0,))
PAIRS = gestalt.Fitting(label_kind="pair", folds=2)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten red and blue pictures, every pair of which is the same colour or not, and an untrained run."""
    there, rng = tmp_path_factory.mktemp("pairs"), np.random.default_rng(0)
    (there / "data").mkdir()
    for number in range(10):
        pixels = rng.integers(0, 60, (16, 16, 3)).astype(np.uint8)
        pixels[2:12, 2:12, 2 * (number % 2)] = 220
        Image.fromarray(pixels).save(there / "data" / f"{number}.png")
    pairs = list(itertools.combinations(range(10), 2))
    rows = [f"{a}.png,{b}.png,{int(a % 2 == b % 2)},{abs(a - b) % 2 + 0.5}" for a, b in pairs]
    (there / "pairs.csv").write_text("\n".join(["one,other,label,apart", *rows, "0.png,elsewhere.png,1,1"]))
    tiny_run(there / "run", load_modality("image"), width=8)
    return there


def test_pairs_become_a_model_that_says_the_same_the_other_way_round_and_is_scored(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    files = [str(data / "data"), "--labels", str(data / "pairs.csv")]
    assert execute(["fit", str(data / "run"), *files, "--label-kind", "pair", "--folds", "2"]) == 0
    said = capsys.readouterr()
    assert "labelled: 45 pairs; 2 classes: different 25, same 20" in said.err
    assert "not used: not in this run: 1 of 46 pairs, such as line 47" in said.err
    assert "held out: 2 folds of 10 files, each held out once; pairs across folds are on neither side" in said.err
    Path("new.csv").write_text("a,b\n8.png,6.png\n6.png,8.png\n1.png,2.png\n")
    assert execute(["predict", "model", str(data / "data"), "--pairs", "new.csv"]) == 0
    with Path("predicted/pairs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["a"], row["b"], row["label"]) for row in rows] == [
        ("8.png", "6.png", "1"),
        ("6.png", "8.png", "1"),
        ("1.png", "2.png", "0"),
    ]
    assert rows[0]["score"] == rows[1]["score"]
    assert read_pairs(Path("predicted/pairs.csv")).said == ("1", "1", "0"), "what is written can be labels again"
    assert execute(["evaluate", "model", *files, "--resamples", "20"]) == 0
    found = json.loads(Path("evaluated/scores.json").read_text())
    (scores,) = found["results"]
    assert scores["scores"]["auc"]["value"] == 1.0
    assert scores["scores"]["eer"]["value"] == 0.0
    assert (scores["rows"], scores["groups"]) == (45, 10)
    again, first = (
        gestalt.load("model"),
        gestalt.load(data / "run").fit(data / "data", data / "pairs.csv", options=PAIRS),
    )
    one, other = (model.pairs(data / "data", "new.csv") for model in (again, first))
    assert one == other, "law 13"


def test_a_threshold_of_a_chosen_error_rate_is_said_and_taken(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every tenth label is wrong, so that errors there are; they are counted here, pair by pair."""
    monkeypatch.chdir(tmp_path)
    header, *rows = (data / "pairs.csv").read_text().splitlines()[:-1]
    cells = [row.split(",") for row in rows]
    noisy = [[*row[:2], str(int(row[2]) ^ int(place % 10 == 0)), row[3]] for place, row in enumerate(cells)]
    Path("noisy.csv").write_text("\n".join([header, *map(",".join, noisy)]))
    run, files, column = str(data / "run"), str(data / "data"), ["--label-column", "label"]
    assert execute(["fit", run, files, "--labels", "noisy.csv", *column, "--label-kind", "pair", "--folds", "2"]) == 0
    scores = np.array([one.score for one in gestalt.load("model").pairs(files, "noisy.csv")])
    same = np.array([row[2] == "1" for row in noisy])
    for rate in (0.0, 0.05, 0.2):
        asked = ["evaluate", "model", files, "--labels", "noisy.csv", *column, "--resamples", "0"]
        capsys.readouterr()
        assert execute([*asked, "--error-rate", str(rate)]) == 0
        said = next(line for line in capsys.readouterr().err.splitlines() if line.startswith("threshold: "))
        candidates = [one for one in sorted({*scores.tolist()}) if np.mean(scores[~same] >= one) <= rate]
        if not candidates:
            assert said.startswith("threshold: none keeps the error rate")
            continue
        threshold = said.split()[1]
        assert float(threshold) == pytest.approx(candidates[0], abs=1e-6)
        (found,) = json.loads(Path("evaluated/scores.json").read_text())["results"]
        missed = np.mean(scores[same] < candidates[0] - 1e-6)
        assert found["scores"]["false_reject"]["value"] == pytest.approx(missed)
        assert f"rejects {missed:.1%} of the same" in said
        lower = str(float(threshold) - 1e-6)  # scores are those of another batch, to the last digit but one
        assert execute(["predict", "model", files, "--pairs", "noisy.csv", "--threshold", lower]) == 0
        with Path("predicted/pairs.csv").open(newline="") as file:
            labels = np.array([int(row["label"]) for row in csv.DictReader(file)])
        assert labels.tolist() == (scores >= candidates[0] - 1e-6).astype(int).tolist()
        assert labels[~same].mean() <= rate
    with pytest.raises(ValueError, match="threshold"):
        execute(["predict", "model", files, "--pairs", "noisy.csv", "--threshold", "1.5"])


def test_values_of_pairs_are_numbers(data: Path) -> None:
    options = gestalt.Fitting(label_kind="pair", label_column="apart", folds=2)
    model = gestalt.load(data / "run").fit(data / "data", data / "pairs.csv", head=ONE, options=options)
    scores = model.evaluate(
        data / "data", data / "pairs.csv", options=gestalt.Evaluating(resamples=5, label_column="apart")
    )
    assert scores.score("answers", "rmse") < 0.2
    with pytest.raises(ValueError, match=r"answers values of pairs, and .* has classes"):
        model.evaluate(data / "data", data / "pairs.csv")


def test_files_of_pairs_that_a_model_was_fitted_to_are_counted_where_pairs_are_scored(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The files of pairs that are in the data and of which something is known; the other files were not seen."""
    monkeypatch.chdir(tmp_path)
    header, *rows = (data / "pairs.csv").read_text().splitlines()
    numbers = [(row, {int(row.split(".")[0]), int(row.split(",")[1].split(".")[0])}) for row in rows[:-1]]

    def table(name: str, some: set[int]) -> str:
        Path(name).write_text("\n".join([header, *(row for row, both in numbers if both <= some)]))
        return name

    files = [str(data / "data"), "--label-column", "label", "--labels"]
    fitted = ["fit", str(data / "run"), *files, table("fit.csv", set(range(6))), "--label-kind", "pair", "--folds", "2"]
    assert execute(fitted) == 0
    for some, said in ((range(6), "6 of the 6"), (range(4, 9), "2 of the 5"), (range(6, 10), None)):
        capsys.readouterr()
        asked = [*files, table("ask.csv", set(some)), "--resamples", "0"]
        assert execute(["evaluate", "model", *asked]) == 0
        error = capsys.readouterr().err
        among = "items that are scored are among those that the model was fitted to: scores of these flatter"
        assert (f"seen before: {said} {among}" in error) if said else ("seen before" not in error)


@given(st.integers(2, 30), st.integers(2, 12), st.integers(2, 5), st.integers(0, 99))
def test_no_file_is_learned_from_and_held_out(pairs: int, files: int, count: int, seed: int) -> None:
    ends = torch.randint(files, (pairs, 2), generator=seeded(seed))
    splits, _ = pair_splits(ends, count, seed)
    for split in splits:
        assert not set(ends[split.train].flatten().tolist()) & set(ends[split.test].flatten().tolist())
    tested = torch.cat([split.test for split in splits]).tolist() if splits else []
    assert len(tested) == len(set(tested))


def test_intervals_are_those_of_other_files_and_not_of_other_pairs() -> None:
    """A score that hangs on the files: 400 pairs of 40 files say as much as 40 of them."""
    ends, of_file = torch.randint(40, (400, 2), generator=seeded(0)), torch.randn(40, generator=seeded(1))
    values = of_file[ends].sum(dim=1)

    def mean(rows: torch.Tensor) -> dict[str, float]:
        return {"mean": float(values[rows].mean())}

    files = bootstrap_pairs(ends[:, 0], ends[:, 1], mean, 300)["mean"]
    pairs = bootstrap(torch.arange(400), mean, 300)["mean"]
    assert files.high - files.low > 3 * (pairs.high - pairs.low)
    spread = 2 * float(of_file.std()) / 40**0.5  # of the mean of a sum of two
    assert 0.7 < (files.high - files.low) / (2 * 1.96 * spread) < 1.5


def test_scores_of_pairs_of_one_sort_are_none() -> None:
    assert math.isnan(PairMeasure()(torch.randn(3, 2), torch.tensor([1, 1, 1]))["auc"])


def test_parts_of_joint_items_are_compared_each_as_if_alone() -> None:
    both = gestalt.joint(image=load_modality("image"), text=load_modality("text"))
    items = [specimen.item for specimen in both.specimens()[:3]]
    model = gestalt.Model(both, gestalt.Network(both.encoders["raw"]()).eval(), {})
    source = InMemory(items, "pair")
    names = PairTable(Path("pairs.csv"), ("a", "b"), (("pair 1", "pair 3"), ("pair 2", "pair 2")), ("", ""), (2, 3))
    pairs = pairs_in(model, OfPairs(("image", "text")), source, names, None)
    seen = [one.item for one in model.embed(items, parts=("image",))]
    told = [one.item for one in model.embed(items, parts=("text",))]
    torch.testing.assert_close(pairs.first, torch.stack([seen[0], seen[1]]).float())
    torch.testing.assert_close(pairs.second, torch.stack([told[2], told[1]]).float())
    with pytest.raises(ValueError, match="the parts of a pair are two"):
        OfPairs(("image",))


def test_mistakes_are_named(data: Path, tmp_path: Path) -> None:
    run, pictures, table = gestalt.load(data / "run"), data / "data", tmp_path / "pairs.csv"

    def refusal(text: str, **changes: object) -> str:
        table.write_text(text)
        with pytest.raises(ValueError, match=r"\S") as refused:
            run.fit(pictures, table, **{"head": ONE, "options": PAIRS, **changes})  # type: ignore[arg-type]
        return str(refused.value)

    assert "needs a header and rows whose first two columns name items" in refusal("a\n0.png\n")
    assert "says of no pair what it is" in refusal("a,b\n0.png,1.png\n")
    assert "all pairs are the same; give both sorts" in refusal("a,b,label\n0.png,2.png,1\n1.png,3.png,1\n")
    assert "names nothing of the data: line 2 has 'x' and 'y'" in refusal("a,b,label\nx,y,1\n")
    assert "names no two items; correct the row, or leave it out" in refusal("a,b,label\n0.png,,1\n1.png,2.png,0\n")
    good = (data / "pairs.csv").read_text()
    assert "a pair is one vector of an encoder as it is" in refusal(good, head=Convolution())
    assert "pairs are in a table" in str(_refused(run, pictures))
    fitted = run.fit(pictures, data / "pairs.csv", head=Nearest(3), options=PAIRS)
    with pytest.raises(ValueError, match="predict with --pairs FILE"):
        fitted.predict(pictures)
    with pytest.raises(ValueError, match="says nothing of pairs: fit one with"):
        run.pairs(pictures, data / "pairs.csv")


def _refused(run: "gestalt.Model[object]", pictures: Path) -> ValueError:
    with pytest.raises(ValueError, match=r"\S") as refused:
        run.fit(pictures, gestalt.Labels.of(["a", "b"] * 5), head=ONE, options=PAIRS)
    return refused.value
