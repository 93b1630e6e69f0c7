"""Whether two views of an item agree on its objects, against a loop over their elements."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from gestalt.core.data.correspondence import Affine
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.items import BadItemError
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.segmenters.in_rounds import InRounds, in_rounds
from gestalt.core.modality.transform import Views
from gestalt.core.training import view_signs
from gestalt.core.training.data import ItemRequest, ViewsDataset
from gestalt.core.training.steady_items import SteadyItems
from gestalt.core.training.training_data import TrainingData
from gestalt.core.training.view_signs import agreement_of_views
from tests.test_rounds import halves, learner
from tests.test_training import SERIES, Few, unreadable
from tests.toy import PATCH, Do, keep_series


def finding(rule: Any) -> InRounds:
    """What finds the objects of a rule, in round 0."""
    segmenter = in_rounds(learner())
    assert segmenter is not None
    segmenter.first.heuristic = rule  # type: ignore[union-attr]
    return segmenter


def by_sign(data: Any) -> Segmentation:
    """Elements above zero, elements below, and those near zero in no object: what an element is in any view."""
    features: FeatureMap = SERIES.encoders["raw"]()(data)
    mean = features.values.mean(dim=2)
    labels = torch.where(mean > 0, 0, 1).where(mean.abs() > 0.1, torch.tensor(-1))
    return Segmentation.from_labels(torch.where(features.valid, labels, -1), 2, features.grid)


def by_hand(data: TrainingData[torch.Tensor], seed: int) -> float:
    """The mean over items and views, element by element, for the rule `halves`."""
    seen = ViewsDataset(SteadyItems(data.items, seed), data.views, skip_bad=False)
    values = []
    for index in range(len(data.items)):
        one = seen[ItemRequest(index, 0, seed)]
        assert not isinstance(one, BadItemError)
        source = one.views[0][0]
        for item, correspondence in one.views[1:]:
            assert isinstance(correspondence, Affine)
            elements, sources = (SERIES.collate([some]).valid.shape[1] for some in (item, source))
            own, shown = [], []
            for element in range(elements):
                centre = (element + 0.5) * PATCH
                place = float(correspondence.matrix[0, 0, 0]) * centre + float(correspondence.offset[0, 0])
                hidden = [
                    0 <= float(matrix[0, 0]) * centre + float(offset[0]) < 1
                    for matrix, offset in zip(
                        correspondence.hidden_matrix[0], correspondence.hidden_offset[0], strict=True
                    )
                ]
                under = math.floor(place / PATCH)
                if correspondence.known[0] and not any(hidden) and 0 <= under < sources:
                    own.append(int(element >= elements // 2))
                    shown.append(int(under >= sources // 2))
            if shown:
                values.append(adjusted_rand_score(shown, own))
    return float(np.mean(values))


def test_it_is_the_mean_over_the_elements_that_both_show() -> None:
    data = TrainingData(Few(), SERIES.views, SERIES.collate)
    expected = by_hand(data, 3)
    assert 0.05 < expected < 0.95, "halves of a crop are others than halves of the whole"
    assert agreement_of_views(finding(halves), 0, data, 3, range(10)) == pytest.approx(expected, abs=1e-6)


def test_what_an_element_is_in_any_view_is_found_alike_background_included() -> None:
    data = TrainingData(Few(), Views(SERIES.views.source, (Do(shifted), Do(keep_series))), SERIES.collate)
    assert agreement_of_views(finding(by_sign), 0, data, 0, range(10)) == 1


def shifted(item: torch.Tensor, _: np.random.Generator) -> tuple[torch.Tensor, Affine]:
    """Without its first two elements."""
    return item[2 * PATCH :], Affine.of([1.0], [2.0 * PATCH])


def test_it_follows_from_the_seed_and_looks_at_the_first_items_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    data = TrainingData(Few(), SERIES.views, SERIES.collate)
    one = agreement_of_views(finding(halves), 0, data, 3, range(10))
    assert one == agreement_of_views(finding(halves), 0, data, 3, range(10))
    assert one != agreement_of_views(finding(halves), 0, data, 4, range(10))
    monkeypatch.setattr(view_signs, "CHUNK", 3)
    assert agreement_of_views(finding(halves), 0, data, 3, range(10)) == pytest.approx(one, abs=1e-6)
    monkeypatch.setattr(view_signs, "ITEMS", 4)
    read = set[int]()
    few = TrainingData(Few(read.add), SERIES.views, SERIES.collate)
    agreement_of_views(finding(halves), 0, few, 3, [1, 2, 5, 7, 9])
    assert read == {1, 2, 5, 7}


def test_items_that_cannot_be_read_stop_it_unless_they_may_be_left_out() -> None:
    bad = Few(unreadable)
    with pytest.raises(BadItemError):
        agreement_of_views(finding(halves), 0, TrainingData(bad, SERIES.views, SERIES.collate), 3, range(10))
    kept = TrainingData(bad, SERIES.views, SERIES.collate, skip_bad=True)
    assert -1 <= agreement_of_views(finding(halves), 0, kept, 3, range(10)) <= 1


def test_views_of_unknown_place_say_nothing() -> None:
    unknown = Do(lambda item, _: (item, Affine.none(1)))
    data = TrainingData(Few(), Views(SERIES.views.source, (unknown,)), SERIES.collate)
    assert math.isnan(agreement_of_views(finding(halves), 0, data, 0, range(10)))
