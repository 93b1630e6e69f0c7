"""A run within scikit-learn: it is copied, set, pickled and put into pipelines like its own transformers."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

import gestalt
from gestalt.core.data.items import AbstractItems
from gestalt.core.modality.plugins import installed_modality
from gestalt.core.runs.saving import load
from gestalt.core.runs.spaces import Space
from tests.tiny_runs import tiny_run

# The others of check_estimator pass rows of random numbers, which are no items of any modality, and need a fit to them.
APPLICABLE = [
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_run(tmp_path_factory.mktemp("run"), installed_modality("text"), width=8, buckets=64)


@pytest.mark.parametrize("check", APPLICABLE)
def test_the_checks_of_scikit_learn_that_need_no_numbers_pass(check: str, run: Path) -> None:
    getattr(estimator_checks, check)("GestaltFeatures", gestalt.GestaltFeatures(run))


def test_items_and_files_become_rows_and_a_pipeline_learns_from_them(run: Path, tmp_path: Path) -> None:
    texts = ["So far, silence.", "The old man knew the sea.", "A frog!", "So near, so far."]
    items: AbstractItems[Any] = gestalt.items_of(texts, "text")
    cloned: Any = clone(gestalt.GestaltFeatures(run))
    features = cloned.fit(items)
    rows = features.transform(items)
    wanted = torch.stack([one.item for one in load(run).embed(items)]).numpy()
    np.testing.assert_array_equal(rows, wanted)
    assert len(features.get_feature_names_out()) == rows.shape[1] == 8
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(features)).transform(items), rows)
    files = [tmp_path / f"{number}.txt" for number in range(4)]
    for path, text in zip(files, texts, strict=True):
        path.write_text(text)
    model = make_pipeline(gestalt.GestaltFeatures(run), LogisticRegression()).fit(files, ["a", "b", "a", "b"])
    assert set(model.predict(files)) <= {"a", "b"}
    files[0].write_text("So far.\nSilence.\n")
    with pytest.raises(ValueError, match="4 paths hold 5 items"):
        features.transform(files)


def test_what_is_missing_is_said() -> None:
    with pytest.raises(ValueError, match="needs the folder of a finished run"):
        gestalt.GestaltFeatures().fit([])
    with pytest.raises(NotFittedError):
        gestalt.GestaltFeatures("runs/mine").transform([])


@pytest.mark.parametrize("space", ["hidden", "compared"])
def test_every_number_of_a_row_has_a_name(tmp_path: Path, space: Space) -> None:
    run = tiny_run(tmp_path, installed_modality("text"), width=12, buckets=64)
    features: Any = gestalt.GestaltFeatures(run, space=space).fit(None)
    texts: AbstractItems[Any] = gestalt.items_of(["So far."], "text")
    names = features.get_feature_names_out()
    assert (len(names), names[-1]) == (features.transform(texts).shape[1], f"gestalt{len(names) - 1}")
