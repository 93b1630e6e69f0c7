"""Answers where something is missing or apart: joint masks, few remembered vectors, the unlabelled rest, no objects."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import gestalt
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.masks import ItemMasks, ListedMasks
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.found import FoundBatch
from gestalt.core.evaluation.intervals import Intervals
from gestalt.core.evaluation.named_counts import NamedIntervals
from gestalt.core.fitting import fitted as remembering
from gestalt.core.fitting.examples import as_rows
from gestalt.core.fitting.fitted import Fitted, Said
from gestalt.core.fitting.fitters import Linear, Nearest
from gestalt.core.fitting.heads.linear import FittedLinear
from gestalt.core.fitting.held_out import splits_of
from gestalt.core.fitting.learn import learned
from gestalt.core.fitting.options import Fitting
from gestalt.core.fitting.subjects import OfElements, OfItems, OfObjects
from gestalt.core.fitting.task import Task
from gestalt.core.methods.targets import Classes, Values, tags_from
from gestalt.core.modality.joint import joint
from gestalt.core.runs.answering import item_predictions, named
from gestalt.core.runs.evaluation_options import Evaluating
from gestalt.core.runs.fitting import group_column
from gestalt.core.runs.found_things import FoundThings
from gestalt.core.runs.model import Model
from gestalt.core.runs.predict import Predictions
from gestalt.modalities.image import MODALITY as IMAGE
from gestalt.modalities.text import MODALITY as TEXT
from tests.listed import Listed

BOTH = joint(image=IMAGE, text=TEXT)
TWO = Classes(("a", "b"))


def raw(modality: Any) -> Model[Any]:
    return Model(modality, gestalt.Network(modality.encoders["raw"]()).eval(), {})


def test_masks_of_joint_items_are_learned_and_answered() -> None:
    items = [specimen.item for specimen in BOTH.specimens()][:2] * 3
    masks = []
    for item in items:
        own = {}
        for name, modality in BOTH.modalities.items():
            features = modality.encoders["raw"]()(modality.collate([item.parts[name]]))
            labels = torch.arange(features.valid.shape[1]) % 2
            own[name] = ItemMasks(labels, features.grid, ("even", "odd"))
        masks.append(ItemMasks.of_parts(own))
    known: Any = ListedMasks(masks)
    model = raw(BOTH).fit(items, masks=known, head=Nearest(1), options=Fitting(folds=2))
    assert model.fitted is not None
    assert set(model.fitted.target.columns) <= {"even", "odd", "none"}
    assert len(list(model.answered(items))) > 0


def test_fresh_rows_are_unknown_as_often_as_was_asked_however_few_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Distances to a few remembered vectors are larger than to all of them."""
    monkeypatch.setattr(remembering, "REMEMBERED", 40)

    def drawn(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(seed)
        known = torch.arange(count) % 2
        return torch.randn(count, 6, generator=generator) + 3 * known[:, None], known

    vectors, known = drawn(1200, 0)
    parts = [FeatureMap.padded([row[None]]) for row in vectors]
    examples = as_rows(parts, [one[None, None] for one in known], torch.arange(1200))
    splits, _ = splits_of(examples, 5, 0)
    found = learned(examples, OfItems(), Task(TWO), Linear((1.0,)), splits, unknown=0.1, sure=0.9)
    assert found.fitted.remembered == 40
    fresh, _ = drawn(1500, 1)
    said = found.fitted(
        FeatureMap(fresh[:, None], torch.ones(1500, 1, dtype=torch.bool)), Segmentation.whole_items(1500)
    )
    beyond = float((said.distance > found.fitted.threshold).float().mean())
    assert beyond == pytest.approx(0.1, abs=0.04)


def elements(outputs: list[list[float]]) -> tuple[FoundBatch[Any], Said]:
    rows = torch.tensor([outputs])
    valid = torch.ones(1, len(outputs), dtype=torch.bool)
    features = FeatureMap(torch.zeros(1, len(outputs), 2), valid, Grid.uniform((len(outputs),), (1.0,)))
    batch = FoundBatch((0,), (None,), features, Segmentation.every_element(features))
    return batch, Said(rows, valid, torch.zeros(1, len(outputs)))


def test_of_several_labels_none_names_what_none_applies_to() -> None:
    target, _ = tags_from(["a;b", "b"])
    fit = Fitted(OfElements(), target, FittedLinear(2, 2), 2)
    batch, said = elements([[-4.0, -5.0], [3.0, -2.0], [-1.0, 2.0]])
    found = named(fit, batch, said)
    assert found.named is not None
    assert [found.named.name(n) if n >= 0 else None for n in found.labels()[0].tolist()] == [None, "a", "b"]


def test_an_item_without_objects_has_empty_cells_and_nulls(tmp_path: Path) -> None:
    fit = Fitted(OfObjects(), TWO, FittedLinear(2, 2), 2)
    said = Said(torch.zeros(1, 1, 2), torch.zeros(1, 1, dtype=torch.bool), torch.zeros(1, 1))
    (one,) = item_predictions(fit, (0,), said, lambda _: "item")
    assert one.answer is None
    with Predictions(tmp_path, best=True) as rows:
        rows.add([one])
    record = json.loads((tmp_path / "predictions.jsonl").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert record["scores"] == {"a": None, "b": None}
    assert (tmp_path / "predictions.csv").read_text().splitlines()[1] == "item,,,"


def test_an_item_without_elements_has_every_column_of_a_model_that_measures_distances(tmp_path: Path) -> None:
    fit = Fitted(OfItems(), Values(("size",)), FittedLinear(2, 1), 2, remembered=1)
    fit.margins.fill_(0.5)
    said = Said(torch.zeros(2, 1, 1), torch.tensor([[False], [True]]), torch.zeros(2, 1))
    with Predictions(tmp_path, best=True) as rows:
        rows.add(item_predictions(fit, (0, 1), said, str))
    assert (tmp_path / "predictions.csv").read_text().splitlines() == [
        "item,best,size,size_margin,distance",
        "0,,,,",
        "1,,0,0.5,0",
    ]
    first, second = map(json.loads, (tmp_path / "predictions.jsonl").read_text().splitlines())
    assert (first["distance"], first["margins"]) == (None, {"size": None})
    assert (second["distance"], second["margins"]) == (0, {"size": 0.5})


def test_events_of_windows_that_are_no_neighbours_stay_apart() -> None:
    things = FoundThings(Fitted(OfElements(), TWO, FittedLinear(2, 2), 2), TEXT, Listed([None] * 4), ListedMasks([]))
    lasting = NamedIntervals(
        Intervals.from_labels(torch.tensor([0, 0]), torch.tensor([0.0, 1.0, 2.0])), torch.tensor([0])
    )
    things.wholes = torch.zeros(4, dtype=torch.long)
    things.stretches[0] = [(number, lasting, lasting, 2.0) for number in (0, 1, 3)]
    counts = {variant: rows[0] for variant, rows, _ in things.counted()}
    assert all(float(row.sum()) > 0 for row in counts.values())
    things.stretches[0] = [(number, lasting, lasting, 2.0) for number in (0, 1, 2)]
    joined = {variant: rows[0] for variant, rows, _ in things.counted()}
    variant = next(iter(counts))
    assert counts[variant][0] == 2, "two windows in a row, and one by itself"
    assert joined[variant][0] == 1


def test_what_was_left_unlabelled_in_the_fit_is_so_in_its_evaluation() -> None:
    items = [specimen.item for specimen in TEXT.specimens()][:2] * 4
    masks = []
    for item in items:
        features = TEXT.encoders["raw"]()(TEXT.collate([item]))
        count = features.valid.shape[1]
        masks.append(ItemMasks(torch.where(torch.arange(count) < 4, torch.arange(count) % 2, -1), None, ("x", "y")))
    known: Any = ListedMasks(masks)
    model = raw(TEXT).fit(items, masks=known, options=Fitting(folds=2, rest="unlabelled", unknown=0.05))
    scores = model.evaluate(items, masks=known, options=Evaluating(resamples=20))
    rows = int(dict(scores.facts)["labelled elements"])
    assert rows == 4 * len(items), "the rest is neither right nor wrong"


def test_groups_come_from_the_records_where_labels_are_the_names_of_folders(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "some.csv").write_text("text,speaker\nSo far.,ann\nSo near.,bob\n")
    items = TEXT.read([tmp_path]).items
    found = group_column(items, Path("folders"), Fitting(group_column="speaker"), None)
    assert found is not None
    assert found.tolist() == [0, 1, 0, 1]
    assert group_column(items, Path("folders"), Fitting(), None) is None
