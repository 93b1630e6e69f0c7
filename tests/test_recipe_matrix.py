"""Every recipe with every method: a step on the recipe's own data, half of it labelled."""

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import pytest
import torch

from gestalt.core.components.registry import METHODS, RECIPES
from gestalt.core.data.view import Batch
from gestalt.core.experiment.build import LearnerFactory
from gestalt.core.experiment.choices import with_alternatives
from gestalt.core.experiment.labelling import labels_of
from gestalt.core.experiment.options import EncoderChoice, Labelling, Running
from gestalt.core.experiment.recipe import AbstractRecipe
from gestalt.core.methods.computed.method import Computed
from gestalt.core.methods.method import HasChoice, LearnsFromRun
from gestalt.core.methods.odin_warm_start import OdinWarmStart
from gestalt.core.methods.settings import Heads
from gestalt.core.methods.transform_prediction import TransformPrediction
from gestalt.core.modality.optional import OffersChoices
from gestalt.core.networks.encoder import Network
from gestalt.core.optimization.progress import Progress
from gestalt.core.runs.model import Model
from gestalt.core.runs.saving import save
from gestalt.core.training import computing
from gestalt.core.training.data import Order, batches
from gestalt.core.training.labels import Labels
from gestalt.core.training.options import Training
from tests.implementations import seeded, small
from tests.kinds_of_learners import ASKING
from tests.masked_methods import IN_TWO_STEPS
from tests.two_step_encoders import SETTINGS

METHOD = OdinWarmStart(heads=Heads(8, 4), switch=0)
"""Narrow heads, and discovered objects from the first step on."""
TRAINING = Training(steps=1, batch=6, labelled=0.5, workers=0, threads=1, accelerator="cpu")
RUNNING = Running(Path("nowhere"))
HALF = Labelling(label_share=0.5)
TEXT = "The old man saw the sea.\nBirds sing in the wide sky.\nShe left.\nA dog barks.\nNobody knew.\nIt rains.\n"


def audio_events(_: Path) -> AbstractRecipe[Any, Any]:
    """Soundscapes of two seconds."""
    from gestalt.recipes.audio_events.recipe import AudioEvents, Options

    return AudioEvents(
        Options(
            2.0, soundscapes=12, test_soundscapes=1, method=METHOD, running=RUNNING, labelling=HALF, training=TRAINING
        ),
    )  # fmt: skip


def image_objects(_: Path) -> AbstractRecipe[Any, Any]:
    """Scenes of 32 × 32 pixels."""
    from gestalt.recipes.image_objects.recipe import ImageObjects, Options

    return ImageObjects(Options(32, 12, 1, method=METHOD, running=RUNNING, labelling=HALF, training=TRAINING))


def video_objects(_: Path) -> AbstractRecipe[Any, Any]:
    """Moving scenes of 32 × 32 pixels."""
    from gestalt.recipes.video_objects.recipe import Options, VideoObjects

    return VideoObjects(
        Options(size=32, view=24, scenes=12, test_scenes=1, method=METHOD, running=RUNNING, labelling=HALF,
                training=TRAINING)
    )  # fmt: skip


def molecules(_: Path) -> AbstractRecipe[Any, Any]:
    """A narrow network on the shipped molecules."""
    from gestalt.recipes.molecules.recipe import Molecules, Options

    narrow = EncoderChoice("gine", {"width": 16, "layers": 2})
    return Molecules(Options(method=METHOD, encoder=narrow, running=RUNNING, labelling=HALF, training=TRAINING))


def text_spans(_: Path) -> AbstractRecipe[Any, Any]:
    """Twelve sentences."""
    from gestalt.recipes.text_spans.recipe import Options, TextSpans

    narrow = EncoderChoice("conv", {"width": 16})
    return TextSpans(
        Options(sentences=12, test_sentences=2, method=METHOD, encoder=narrow, running=RUNNING, labelling=HALF,
                training=TRAINING)
    )  # fmt: skip


def captioned_scenes(_: Path) -> AbstractRecipe[Any, Any]:
    """Scenes of 32 × 32 pixels with captions."""
    from gestalt.recipes.captioned_scenes.recipe import CaptionedScenesRecipe, Options

    narrow = EncoderChoice("joint", {"encoders": "image=conv,text=conv", "dim": 8, "settings": {}})
    return CaptionedScenesRecipe(
        Options(32, 12, test_scenes=2, method=METHOD, encoder=narrow, running=RUNNING, labelling=HALF,
                training=TRAINING)
    )  # fmt: skip


def sounding_objects(_: Path) -> AbstractRecipe[Any, Any]:
    """Scenes of 32 × 32 pixels with their sound."""
    from gestalt.recipes.sounding_objects.recipe import Options, SoundingObjects

    narrow = EncoderChoice(
        "joint", {"dim": 8, "settings": {"video": {"width": 16, "blocks": 1}, "audio": {"width": 16}}}
    )
    return SoundingObjects(
        Options(size=32, scenes=12, test_scenes=2, setting_scenes=2, method=METHOD, encoder=narrow, running=RUNNING,
                labelling=HALF, training=TRAINING)
    )  # fmt: skip


def own_text(folder: Path) -> AbstractRecipe[Any, Any]:
    """The recipe for any data, on text of two folders."""
    from gestalt.recipes.objects.recipe import Objects, Options

    for name in ("letters", "novels"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "some.txt").write_text(TEXT, encoding="utf-8")
    running, labelling = Running(folder / "out", (folder,)), Labelling(Path("folders"), label_share=0.5)
    return Objects(Options("text", method=METHOD, running=running, labelling=labelling, training=TRAINING))


BUILDERS: dict[str, Callable[[Path], AbstractRecipe[Any, Any]]] = {
    "audio-events": audio_events,
    "image-objects": image_objects,
    "video-objects": video_objects,
    "molecules": molecules,
    "text-spans": text_spans,
    "captioned-scenes": captioned_scenes,
    "sounding-objects": sounding_objects,
    "objects": own_text,
}

JOINT = ("captioned-scenes", "sounding-objects")
LACKING = {
    **{
        (recipe, method): "needs elements that follow one another"
        for recipe in ("image-objects", "molecules", *JOINT)
        for method in ("next-element", "skip-gram")
    },
    **{(recipe, "transform-prediction"): "offers no such choice" for recipe in JOINT},
    **{(recipe, "context-prediction"): "of the parts" for recipe in JOINT},
}
"""What a method needs and the items of a recipe have not."""


@final
@dataclass(frozen=True)
class Prepared:
    """A recipe with what it trains on and what it knows of it, and the first batch.

    `changed` is the same batch with views changed by the alternatives that a method tells apart.
    """

    factory: LearnerFactory
    labels: Labels
    batch: Batch[Any]
    changed: Batch[Any]


@functools.cache
def prepared(name: str, folder: Path) -> Prepared:
    """Each recipe is prepared once."""
    from tests.audio_events.runs import few_varied_sounds

    with few_varied_sounds():
        recipe = BUILDERS[name](folder)
        data = recipe.data()
        labels = labels_of(data, recipe.options.labelling, seed=0)
        assert labels is not None
        order = Order(len(data.items), 6, 1, seed=0, labelled=labels.known_items().tolist(), share=0.5)
        factory = LearnerFactory(recipe, data, data.views, labels)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(computing, "FITTED", 6)
            targets = factory.computing(Computed())
        collate, changed = recipe.modality.collate, data.views
        if isinstance(recipe.modality, OffersChoices):
            changed = with_alternatives(TransformPrediction(), data.views, recipe.modality)
        plain, told = (
            next(batches(data.items, views, collate, order, 0, False, labels, computing=targets))
            for views in (data.views, changed)
        )
        return Prepared(factory, labels, plain, told)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For what recipes read."""
    return tmp_path_factory.mktemp("matrix")


def test_no_recipe_is_left_out() -> None:
    programs = {
        "labels-table",
        "rounds-table",
        "methods-table",
        "types-table",
        "named-events",
        "soundscapes",
        "single-item",
        "sentence-trees",
        "item-tasks",
        "scene-tasks",
    }
    assert set(BUILDERS) == set(RECIPES.names()) - programs


@pytest.mark.parametrize("recipe", BUILDERS)
def test_every_recipe_knows_labels_of_some_items_and_mixes_them_into_a_batch_at_the_chosen_share(
    recipe: str, folder: Path
) -> None:
    ready = prepared(recipe, folder)
    labels, batch, items = ready.labels, ready.batch, ready.factory.data.items
    assert 0 < len(labels.known_items()) <= (len(items) + 1) // 2
    assert labels.target.outputs > 1
    assert batch.labels is not None
    known = batch.labels.flatten(1).amax(dim=1) if batch.labels.ndim > 1 else batch.labels
    assert int((known >= 0).sum()) == 3
    info = ready.factory.info(ready.factory.recipe.options.method)
    assert info.computed is None, "which takes a while, and the method does not ask for it"
    assert info.target is labels.target
    assert (info.items, info.batch, info.large_views) == (len(items), 6, len(batch.views))


@pytest.mark.parametrize("recipe", [recipe for recipe in BUILDERS if recipe != "objects"])
def test_every_recipe_that_ships_labels_knows_those_of_its_test_items_in_the_same_words(
    recipe: str, folder: Path
) -> None:
    ready = prepared(recipe, folder)
    data, said = ready.factory.data, set[str]()
    assert data.evaluated_label is not None
    for place in range(len(data.evaluated)):
        label = data.evaluated_label(place)
        said |= {one for one in (label if isinstance(label, tuple) else (label,)) if one is not None}
    assert data.label is not None
    assert said
    known = [data.label(index) for index in range(0, len(data.items), max(1, len(data.items) // 200))]
    words = {word for label in known for word in (label if isinstance(label, tuple) else (label,))}
    assert recipe not in ("molecules", "text-spans") or said & words  # others show few of many classes
    assert isinstance(data.evaluated_label(0), tuple) == isinstance(data.label(0), tuple)


@pytest.mark.parametrize("recipe", BUILDERS)
def test_a_table_labels_the_items_of_every_recipe_by_their_names(recipe: str, folder: Path, tmp_path: Path) -> None:
    data = prepared(recipe, folder).factory.data
    count = min(6, len(data.items))
    table = tmp_path / "labels.csv"
    lines = [f'"{data.items.name(index)}",{"ab"[index % 2]}' for index in range(count)]
    table.write_text("\n".join(["name,label", *lines]) + "\n", encoding="utf-8")
    labels = labels_of(data, Labelling(table, label_share=1.0), seed=0)
    assert labels is not None
    assert labels.known[:count].tolist() == [index % 2 for index in range(count)]


def factory_for(factory: LearnerFactory, method: str) -> LearnerFactory:
    """The recipe's own, or with an encoder in two steps where the method needs one."""
    if method not in (*IN_TWO_STEPS, *ASKING):
        return factory
    name, settings = next(iter(SETTINGS[factory.recipe.modality.name].items()))
    options = dataclasses.replace(factory.recipe.options, encoder=EncoderChoice(name, settings))
    kind: Any = type(factory.recipe)
    return dataclasses.replace(factory, recipe=kind(options))


def taught(factory: LearnerFactory, method: Any, folder: Path) -> Any:
    """A method that learns from a finished run has one: the untrained encoder of the recipe."""
    if not isinstance(method, LearnsFromRun):
        return method
    encoder = factory.fresh(small("byol")).online.encoder
    run, modality = folder / f"teacher-{type(factory.recipe).__name__}", factory.recipe.modality
    save(run, Model(modality, Network(encoder), {}), factory.encoder_name)
    learning: Any = method
    return dataclasses.replace(learning, run=run)


@pytest.mark.parametrize("method", METHODS.names())
@pytest.mark.parametrize("recipe", BUILDERS)
def test_every_method_takes_a_step_in_every_recipe(recipe: str, method: str, folder: Path) -> None:
    ready = prepared(recipe, folder)
    if (recipe, method) in LACKING:
        with pytest.raises(ValueError, match=LACKING[recipe, method]):
            factory_for(ready.factory, method).fresh(small(method))(ready.batch, seeded(), Progress(0, 10, 2))
        return
    chosen = taught(ready.factory, small(method), folder)
    learner = factory_for(ready.factory, method).fresh(chosen)
    before = {name: weight.detach().clone() for name, weight in learner.online.encoder.named_parameters()}
    optimizer = torch.optim.SGD([weight for weight in learner.parameters() if weight.requires_grad], lr=0.1)
    batch = ready.changed if isinstance(small(method), HasChoice) else ready.batch
    output = learner(batch, seeded(), Progress(0, 10, 2))
    output.loss.backward()
    optimizer.step()
    learner.after_step([output], Progress(1, 10, 2))
    assert bool(output.loss.isfinite())
    assert any(not torch.equal(before[name], weight) for name, weight in learner.online.encoder.named_parameters())
    if method in ("semppl", "semppl-invariant", "semppl-task", "odin-semantic"):
        assert float(output.metrics["semantic"]) > 0
        assert float(output.metrics["labelled_positives"]) < 1
