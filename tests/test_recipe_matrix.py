"""Every recipe with every method: a step on the recipe's own material, half of it labelled."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import torch

from gestalt.__main__ import RECIPES
from gestalt.core.data.view import Batch
from gestalt.core.experiment import AbstractRecipe, ExperimentData, Learning, Running, fresh
from gestalt.core.experiment.labelling import labels_of
from gestalt.core.experiment.options import Method
from gestalt.core.experiment.running import about_of
from gestalt.core.modality.labels import Labels
from gestalt.core.optimization.progress import Progress
from gestalt.core.training import Training
from gestalt.core.training.data import Order, batches
from gestalt.recipes import audio_events, image_objects, molecules, objects, text_spans, video_objects
from tests.audio_events.runs import few_varied_sounds
from tests.implementations import seeded

TRAINING = Training(steps=1, batch=6, labelled=0.5, workers=0, threads=1, accelerator="cpu")
RUNNING = Running(Path("nowhere"))
TEXT = "The old man saw the sea.\nBirds sing in the wide sky.\nShe left.\nA dog barks.\nNobody knew.\nIt rains.\n"


def small(encoder: str = "conv") -> Learning:
    """Narrow heads, discovered objects from the first step on, and half of the labels."""
    return Learning(encoder=encoder, hidden=8, projection=4, hand_over=0, label_share=0.5)


def own_text(folder: Path) -> AbstractRecipe[Any, Any]:
    """The recipe for any data, on text of two folders."""
    for name in ("letters", "novels"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "some.txt").write_text(TEXT, encoding="utf-8")
    from gestalt.modalities.text import MODALITY

    learning = Learning(hidden=8, projection=4, hand_over=0, label_share=0.5, labels=Path("folders"))
    options = objects.Options("text", running=Running(folder / "out", (folder,)), learning=learning, training=TRAINING)
    return objects.Objects(options, MODALITY)


STUDIES: dict[str, Callable[[Path], AbstractRecipe[Any, Any]]] = {
    "audio-events": lambda _: audio_events.AudioEvents(
        audio_events.Options(
            soundscapes=12, test_soundscapes=1, running=RUNNING, learning=small(), training=TRAINING, seconds=2.0
        )
    ),
    "image-objects": lambda _: image_objects.ImageObjects(
        image_objects.Options(scenes=12, test_scenes=1, size=32, running=RUNNING, learning=small(), training=TRAINING)
    ),
    "video-objects": lambda _: video_objects.VideoObjects(
        video_objects.Options(
            scenes=12, test_scenes=1, size=32, view=24, running=RUNNING, learning=small(), training=TRAINING
        )
    ),
    "molecules": lambda _: molecules.Molecules(
        molecules.Options(running=RUNNING, learning=small("gine"), training=TRAINING, width=16, layers=2)
    ),
    "text-spans": lambda _: text_spans.TextSpans(
        text_spans.Options(
            sentences=12, test_sentences=2, running=RUNNING, learning=small(), training=TRAINING,
            looking=text_spans.options.Looking(width=16),
        )
    ),
    "objects": own_text,
}  # fmt: skip


@functools.cache
def prepared(
    recipe: str, folder: Path
) -> tuple[AbstractRecipe[Any, Any], ExperimentData[Any, Any], Labels, Batch[Any]]:
    """A recipe's study, what it trains on, what it may know of it, and the first batch."""
    with few_varied_sounds():
        study = STUDIES[recipe](folder)
        material = study.material()
        labels = labels_of(material, study.options.learning, seed=0)
    assert labels is not None
    order = Order(len(material.items), 6, 1, seed=0, labelled=labels.known().tolist(), share=0.5)
    made = batches(material.items, material.views, study.modality.collate, order, 0, skip_bad=False, labels=labels)
    return study, material, labels, next(made)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For what recipes read."""
    return tmp_path_factory.mktemp("matrix")


def test_no_recipe_is_left_out() -> None:
    assert set(STUDIES) == set(RECIPES) - {"labels-table"}


@pytest.mark.parametrize("recipe", STUDIES)
def test_every_recipe_knows_labels_of_some_items_and_mixes_them_into_a_batch_at_the_chosen_share(
    recipe: str, folder: Path
) -> None:
    study, material, labels, batch = prepared(recipe, folder)
    assert 0 < len(labels.known()) <= (len(material.items) + 1) // 2
    assert len(labels.names) > 1
    assert batch.labels is not None
    told = batch.labels.flatten(1).amax(dim=1) if batch.labels.ndim > 1 else batch.labels
    assert int((told >= 0).sum()) == 3
    assert about_of(study, material, labels).classes == len(labels.names)


@pytest.mark.parametrize("recipe", STUDIES)
def test_a_table_labels_the_items_of_every_recipe_by_their_names(recipe: str, folder: Path, tmp_path: Path) -> None:
    _, material, _, _ = prepared(recipe, folder)
    count = min(6, len(material.items))
    table = tmp_path / "labels.csv"
    lines = [f'"{material.items.name(index)}",{"ab"[index % 2]}' for index in range(count)]
    table.write_text("\n".join(["name,label", *lines]) + "\n", encoding="utf-8")
    labels = labels_of(material, Learning(labels=table, label_share=1.0), seed=0)
    assert labels is not None
    assert labels.classes[:count].tolist() == [index % 2 for index in range(count)]


@pytest.mark.parametrize("method", get_args(Method))
@pytest.mark.parametrize("recipe", STUDIES)
def test_every_method_takes_a_step_in_every_recipe(recipe: str, method: Method, folder: Path) -> None:
    study, material, labels, batch = prepared(recipe, folder)
    learner = fresh(study, material.settings, method, about_of(study, material, labels))
    before = {name: weight.detach().clone() for name, weight in learner.online.encoder.named_parameters()}
    optimizer = torch.optim.SGD([weight for weight in learner.parameters() if weight.requires_grad], lr=0.1)
    outcome = learner(batch, seeded())
    outcome.loss.backward()
    optimizer.step()
    learner.follow(outcome, Progress(1, 10, 2))
    assert bool(outcome.loss.isfinite())
    assert any(not torch.equal(before[name], weight) for name, weight in learner.online.encoder.named_parameters())
    if method in ("semppl", "semppl-invariant", "semppl-task", "odin-semantic"):
        assert float(outcome.parts["semantic"]) > 0
        assert float(outcome.parts["labelled_positives"]) < 1
