"""Near-duplicates: pairs, groups, the threshold of an error rate, and what is measured on known copies."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gestalt.core.runs.duplicates import duplicates
from gestalt.core.runs.model import Model
from gestalt.core.search.copies import copies_of
from gestalt.core.search.duplicates import duplicates_in
from gestalt.core.search.groups import Groups
from gestalt.core.search.index import Index
from gestalt.core.search.options import Duplicating
from gestalt.core.search.threshold import EXACT, chosen_threshold, measured
from tests.searchable import FILES, PLUG_INS, model_of


@pytest.fixture(autouse=True)
def plug_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the modalities is that of another package."""
    monkeypatch.syspath_prepend(str(PLUG_INS))


@pytest.fixture(params=FILES)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path, Model[Any]]:
    """Four files of a modality, two of which are there twice, and a model for them."""
    name, data = request.param, tmp_path / "data"
    data.mkdir()
    for number in range(4):
        FILES[name](data, number)
    for number in (1, 3):
        for path in sorted(data.glob(f"{number}.*")):
            (data / f"copy-{path.name}").write_bytes(path.read_bytes())
    return name, data, model_of(name, data)


def test_exact_copies_are_pairs_at_any_error_rate(
    case: tuple[str, Path, Model[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, data, model = case
    monkeypatch.setattr("gestalt.core.runs.duplicates.load", lambda *_: model)
    how = Duplicating(error_rate=0.001, sample=6)
    assert duplicates(tmp_path / "run", [data], tmp_path / "out", how) == 0
    with (tmp_path / "out" / "pairs.csv").open(newline="") as file:
        pairs = list(csv.DictReader(file))
    exact = {
        tuple(sorted((Path(row["file_one"]).stem, Path(row["file_other"]).stem)))
        for row in pairs
        if float(row["similarity"]) > 0.99999 and row["record_one"] == row["record_other"]
    }
    assert exact >= {("1", "copy-1"), ("3", "copy-3")}
    with (tmp_path / "out" / "groups.csv").open(newline="") as file:
        groups = list(csv.DictReader(file))
    assert {Path(row["file"]).stem for row in groups} >= {"1", "3", "copy-1", "copy-3"}
    page = (tmp_path / "out" / "duplicates.html").read_text(encoding="utf-8")
    assert "cannot be shown" not in page
    assert page.count('<figure class="panel">') >= 4
    assert not (tmp_path / "out" / "index").exists()


def test_copies_by_views_are_measured(
    case: tuple[str, Path, Model[Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, data, model = case
    opened = model.index(data, tmp_path / "index")
    monkeypatch.setattr("gestalt.core.runs.duplicates.load", lambda *_: model)
    how = Duplicating(measure=True, sample=6, threshold=-1.0)
    assert duplicates(opened.folder, [], tmp_path / "out", how, run=tmp_path) == 0
    with (tmp_path / "out" / "measured.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {"views of training 1", *model.modality.transforms} <= {row["copies by"] for row in rows}
    assert {row["recall"] for row in rows} == {"1.0000"}, "everything is alike at a threshold of -1"
    assert {row["false_matches"] for row in rows} == {"1.0000"}
    chosen = opened.chosen("items")
    items = int(chosen.sum())
    others = [
        items - int((chosen & opened.of_file(path) & (opened.whole == whole)).sum())
        for path in opened.paths
        for whole in np.unique(opened.whole[opened.of_file(path) & chosen])
    ]
    wrong = 1 - float(rows[0]["precision"])
    assert min(others) / (1 + min(others)) - 1e-4 <= wrong <= max(others) / (1 + max(others)) + 1e-4


def test_pairs_and_groups_are_those_of_a_loop(case: tuple[str, Path, Model[Any]], tmp_path: Path) -> None:
    _, data, model = case
    opened = model.index(data, tmp_path / "index")
    rows = opened.chosen("objects").nonzero()[0].tolist()
    vectors = opened.vectors(np.array(rows)).numpy()
    scores = np.sort((vectors @ vectors.T)[np.triu_indices(len(rows), 1)])
    place = len(scores) // 2 + int(np.argmax(np.diff(scores[len(scores) // 2 :])))
    threshold = (
        float(scores[place] + scores[place + 1]) / 2
    )  # far from every score: none is on the wrong side by rounding
    found = duplicates_in(opened, opened.chosen("objects"), threshold)
    wanted = [
        (one, other)
        for place, one in enumerate(rows)
        for step, other in enumerate(rows[place + 1 :], place + 1)
        if float(np.dot(vectors[place], vectors[step])) >= threshold
        and (opened.file[one], opened.whole[one]) != (opened.file[other], opened.whole[other])
    ]
    pairs = list(zip(found.one.tolist(), found.other.tolist(), strict=True))
    assert sorted(pairs) == wanted
    assert len(set(pairs)) == len(pairs)
    assert list(found.similarity) == sorted(found.similarity, reverse=True)
    assert found.pairs == len(pairs)
    joined: list[set[int]] = []
    for pair in pairs:
        touched = [own for own in joined if own & set(pair)]
        joined = [own for own in joined if own not in touched] + [set(pair).union(*touched)]
    assert sorted(sorted(own.tolist()) for own in found.groups) == sorted(sorted(own) for own in joined)
    few = duplicates_in(opened, opened.chosen("objects"), threshold, most=2)
    assert list(zip(few.one.tolist(), few.other.tolist(), strict=True)) == pairs[:2]
    assert (few.pairs, len(few.groups)) == (found.pairs, len(found.groups))


def test_groups_do_not_depend_on_the_order_of_pairs() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 60, (2, 40))
    at_once, singly = Groups(60), Groups(60)
    at_once.join(one, other)
    for place in rng.permutation(40):
        singly.join(other[place : place + 1], one[place : place + 1])
    assert [own.tolist() for own in at_once.found()] == [own.tolist() for own in singly.found()]


def pictures(folder: Path, count: int = 40) -> tuple[Path, Model[Any]]:
    """Pictures of four patches of colour each, and a model that sees their colours."""
    from PIL import Image

    for number in range(count):
        cells = np.random.default_rng(number).integers(0, 255, (2, 2, 3), dtype=np.uint8)
        Image.fromarray(np.kron(cells, np.ones((20, 20, 1), np.uint8))).save(folder / f"{number:02d}.png")
    return folder, model_of("image", folder)


def test_the_threshold_keeps_both_error_rates(tmp_path: Path) -> None:
    data, model = pictures(tmp_path)
    opened = model.index(data, tmp_path / "index")
    rows = opened.chosen("items").nonzero()[0]
    vectors = opened.vectors(rows).double()
    scores = (vectors @ vectors.T).fill_diagonal_(-1)
    own = torch.cat(
        [
            torch.stack([(part_vectors * opened.vectors(part.rows)).sum(1) for part_vectors in part.vectors.values()])
            for part in copies_of(model, opened, rows.tolist(), "item", every=False)
        ],
        dim=1,
    )
    typical = own.quantile(0.5, dim=0).double()
    for rate in (0.0, 0.1, 0.3):
        found = chosen_threshold(model, opened, "item", rows, rate)
        pairs = scores[torch.ones_like(scores).triu(1).bool()]
        assert float((pairs >= found.value).double().mean()) <= rate
        nearest = [max([float(s) for s in row if s < t], default=-1.0) for row, t in zip(scores, typical, strict=True)]
        false = sum(score >= found.value for score in nearest) / len(nearest)
        assert false <= rate
        lower = found.value - 4e-6
        assert (
            found.value > 0.99999
            or rate == 0.0
            or (
                float((pairs >= lower).double().mean()) > rate
                or sum(score >= lower for score in nearest) / len(nearest) > rate
            )
        ), "it is the least"
        assert found.likely == sum(bool((row >= t).any()) for row, t in zip(scores, typical, strict=True))
        assert found.items == len(rows)


def test_recall_and_precision_are_those_of_a_loop(tmp_path: Path) -> None:
    data, model = pictures(tmp_path)
    opened = model.index(data, tmp_path / "index")
    rows = opened.chosen("items").nonzero()[0]
    vectors, asked, threshold = opened.vectors(rows), rows[::3], 0.995
    results = {one.name: one for one in measured(model, opened, "item", asked, threshold)}
    (part,) = copies_of(model, opened, asked.tolist(), "item", every=True, seed=1)
    for name, copies in part.vectors.items():
        right = wrong = with_false = 0
        for row, copy in zip(part.rows.tolist(), copies, strict=True):
            near = [
                other for other, vector in zip(rows.tolist(), vectors, strict=True) if float(copy @ vector) >= threshold
            ]
            right += row in near
            wrong += len([other for other in near if other != row])
            with_false += any(other != row for other in near)
        one = results[name]
        assert one.copies == len(asked)
        assert (one.recall, one.false_matches) == pytest.approx((right / len(asked), with_false / len(asked)))
        assert one.precision == pytest.approx(right / (right + wrong) if right + wrong else float("nan"), nan_ok=True)


def test_exact_copies_among_objects_are_found_at_any_error_rate(tmp_path: Path) -> None:
    data, model = pictures(tmp_path, 2)
    for path in sorted(data.glob("*.png")):
        (data / f"copy-{path.name}").write_bytes(path.read_bytes())
    opened = model.index(data, tmp_path / "index")
    rows = opened.chosen("objects").nonzero()[0]
    assert chosen_threshold(model, opened, "object", rows, 0.0).value <= EXACT


def test_objects_are_compared_by_pairs_of_different_ones_alone(tmp_path: Path) -> None:
    data, model = pictures(tmp_path, 6)
    opened = model.index(data, tmp_path / "index")
    rows = opened.chosen("objects").nonzero()[0]
    found = chosen_threshold(model, opened, "object", rows, 0.05)
    vectors = opened.vectors(rows)
    apart = torch.from_numpy(opened.file[rows][:, None] != opened.file[rows]).triu(1)
    assert 0 < float(((vectors @ vectors.T)[apart] >= found.value).double().mean()) <= 0.05
    with pytest.raises(ValueError, match="--measure makes copies of items or of their parts"):
        Duplicating(measure=True, among="objects")
    with pytest.raises(ValueError, match=r"holds no 'caption'; there may be items, objects"):
        opened.chosen("caption")


def test_a_molecule_in_another_notation_is_a_copy(tmp_path: Path) -> None:
    """Atoms in another order, and alternating bonds in place of aromatic ones."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "one.smi").write_text("CCO a\nc1ccccc1O b\nCC(=O)Nc1ccc(O)cc1 c\n")
    (data / "other.smi").write_text("CCCCCCC d\nOC1=CC=CC=C1 e\nOCC f\n")
    model = model_of("graph", data)
    found = model.duplicates(model.index(data, tmp_path / "index"), Duplicating(threshold=0.99999)).found
    details = Index(tmp_path / "index").details([*found.one.tolist(), *found.other.tolist()])
    pairs = {
        (details[one].record, details[other].record)
        for one, other in zip(found.one.tolist(), found.other.tolist(), strict=True)
    }
    assert pairs == {("line 1", "line 3"), ("line 2", "line 2")}
