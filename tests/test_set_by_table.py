"""Options of training that tables set themselves: given, they are refused, not passed over."""

from collections.abc import Callable
from typing import Any

import pytest

from gestalt.core.experiment.set_by_table import check_left_alone
from gestalt.core.training.options import Training
from gestalt.recipes.labels_table.recipe import Options as LabelsOptions
from gestalt.recipes.labels_table.recipe import usual_training
from gestalt.recipes.scene_tasks.recipe import Options as SceneOptions
from gestalt.recipes.sentence_trees.recipe import Options as TreesOptions
from gestalt.recipes.single_item.recipe import Options as SingleOptions

TABLES: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "labels-table": (LabelsOptions, ("seed", "lr", "labelled")),
    "scene-tasks": (SceneOptions, ("seed",)),
    "sentence-trees": (TreesOptions, ("seed",)),
    "single-item": (SingleOptions, ("seed",)),
}
CASES = [(name, option) for name, (_, options) in TABLES.items() for option in options]


@pytest.mark.parametrize(("name", "option"), CASES)
def test_what_a_table_sets_in_every_cell_is_refused_where_it_is_given(name: str, option: str) -> None:
    make, _ = TABLES[name]
    training: Any = Training
    given = training(**{option: 0.5 if option != "seed" else 3})
    with pytest.raises(ValueError, match=rf"--training\.{option}\) is set by"):
        make(training=given)
    assert make().training.seed == 0, "its own defaults are no objection"


def test_other_options_of_the_training_are_free() -> None:
    usual = usual_training()
    check_left_alone(Training(steps=7, batch=3, lr=usual.lr), usual, {"seed": "--seeds", "lr": "the data set"})
    assert LabelsOptions(training=Training(steps=7)).training.steps == 7
