"""Choices of transforms: what modalities offer, how one is applied to every view, and that it can be told."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gestalt
from gestalt.core.components.registry import MODALITIES
from gestalt.core.data.segmentation import Objects
from gestalt.core.experiment.choices import alternatives_of, with_alternatives
from gestalt.core.experiment.run import run
from gestalt.core.methods import objectives
from gestalt.core.methods.byol import BYOL
from gestalt.core.methods.computed.method import Computed
from gestalt.core.methods.info import BatchInfo
from gestalt.core.methods.transform_prediction import TransformPrediction
from gestalt.core.modality.optional import OffersChoices
from gestalt.core.modality.plugins import load_modality
from gestalt.core.modality.transform import Views
from gestalt.core.training.data import Order, batches
from tests.implementations import DATA, ENCODERS, ITEMS, PROGRESS, make_batch, random_objects, seeded
from tests.listed import Listed
from tests.small_learners import trained
from tests.test_experiment import ToyRecipe, options
from tests.toy import toy

ASKING = TransformPrediction()


@pytest.mark.parametrize("name", MODALITIES.names())
def test_every_modality_offers_choices_whose_alternatives_differ(name: str) -> None:
    modality: Any = load_modality(name)
    assert isinstance(load_modality(name), OffersChoices)
    for alternatives in modality.choices.values():
        assert len(alternatives) >= 2
        for specimen in modality.specimens():
            made = [
                modality.collate([one(specimen.item, np.random.default_rng(3))[0]]) for one in alternatives.values()
            ]
            encoder = modality.encoders["raw"]()
            features = [encoder(data) for data in made]
            rows = [one.values[0][one.valid[0]] for one in features]
            for place, row in enumerate(rows):
                for other in rows[:place]:
                    assert row.shape != other.shape or not torch.allclose(row, other, atol=1e-4)


def test_quarter_turns_move_pixels_and_four_of_them_are_none() -> None:
    picture = torch.rand(3, 5, 8, generator=seeded())
    turns = load_modality("image").choices["rotation"]  # type: ignore[attr-defined]
    item = picture
    for number, turn in enumerate(turns.values()):
        turned, _ = turn(picture, np.random.default_rng(0))
        assert torch.equal(turned, torch.rot90(picture, number, (1, 2)))
        item = turns["90°"](item, np.random.default_rng(0))[0]
    assert torch.equal(item, picture)


def test_both_orders_of_a_sound_fade_alike_where_the_halves_meet() -> None:
    sound: Any = load_modality("audio")
    item = replace(sound.specimens()[0].item, samples=torch.ones(16_000))
    kept, swapped = (one(item, np.random.default_rng(0))[0].samples for one in sound.choices["order"].values())
    torch.testing.assert_close(kept, swapped)
    assert float(kept[7_990:8_010].max()) < 0.1
    assert float(kept.max()) == 1


@pytest.mark.parametrize("kind", ENCODERS)
def test_alternatives_go_through_the_views_of_an_item_and_are_applied_behind_them(kind: str) -> None:
    modality = toy(kind)
    four = Views(modality.views.source, modality.views.views * 2)
    told = with_alternatives(ASKING, four, modality)
    for number, item in enumerate(ITEMS[kind](6)):
        plain = four.seen(item, np.random.default_rng(number))
        seen = told.seen(item, np.random.default_rng(number))
        assert plain.applied == ()
        assert sorted(seen.applied) == [0, 0, 1, 1]
        for (view, rule), (changed, whole), which in zip(plain.views, seen.views, seen.applied, strict=True):
            expected, second = told.alternatives[which](view, np.random.default_rng(0))
            assert torch.equal(changed, expected)
            grid = modality.encoders["raw"]()(modality.collate([changed]))
            source = modality.encoders["raw"]()(modality.collate([item])).grid
            composed = rule.then(second).source_elements(grid, source)
            assert torch.equal(whole.source_elements(grid, source), composed)


def rising(count: int) -> list[torch.Tensor]:
    """Series that rise, with noise."""
    noise = torch.randn(count, 48, 1, generator=seeded())
    return [torch.linspace(0, 4, 48)[:, None] + 0.1 * own for own in noise]


def as_they_are(views: int) -> tuple[Any, Views[Any]]:
    """The series of the toy, and so many views that show them as they are, but for their direction."""
    modality = toy("series")
    return modality, with_alternatives(ASKING, Views(modality.views.source, (modality.views.source,) * views), modality)


def test_a_batch_says_by_which_alternative_each_view_was_changed_for_any_number_of_workers() -> None:
    modality, views = as_they_are(4)

    def loaded(workers: int, of: Views[Any] = views) -> list[Any]:
        order = Order(12, 4, 6, seed=0)
        return list(batches(Listed(rising(12)), of, modality.collate, order, workers, False))

    found = loaded(0)
    for batch in found:
        for place, view in enumerate(batch.views):
            falls = view.data.values[:, 0].mean(dim=1) > view.data.values[:, -1].mean(dim=1)
            assert torch.equal(falls.long(), batch.applied[:, place])
    applied = torch.cat([batch.applied for batch in found])
    assert applied.shape == (24, 4)
    assert 0.2 < float((applied[:, 0] == 0).float().mean()) < 0.8
    assert torch.equal(applied[:, 0], applied[:, 2]), "two alternatives take turns"
    for one, two in zip(found, loaded(1), strict=True):
        assert torch.equal(one.applied, two.applied)
        assert all(torch.equal(a.data.values, b.data.values) for a, b in zip(one.views, two.views, strict=True))
    assert loaded(0, modality.views)[0].applied is None


def test_what_was_applied_is_learned() -> None:
    torch.manual_seed(0)
    modality, views = as_they_are(2)
    batch = make_batch("series", rising(16), modality=modality, views=views)
    learner = TransformPrediction(heads=gestalt.Heads(16, 16)).build(ENCODERS["series"](), DATA)
    trained(learner, 150, batch)
    learner.eval()
    output = learner(batch, seeded(), PROGRESS)
    told = [learner.heads()["classifier"](view.vectors[:, 0]).argmax(dim=1) for view in output.details.online]
    right = float((torch.stack(told, dim=1) == batch.applied).float().mean())
    assert right > 0.9
    assert float(output.metrics["accuracy"]) == right


def naive(classifier: Any, views: list[Objects], classes: torch.Tensor) -> float:
    """The mean of −log p over views and present objects."""
    losses = []
    for place, view in enumerate(views):
        for item in range(len(view.present)):
            for number in range(view.present.shape[1]):
                if bool(view.present[item, number]):
                    linear = classifier.linear
                    logits = [
                        float((row @ view.vectors[item, number] + shift).detach())
                        for row, shift in zip(linear.weight, linear.bias, strict=True)
                    ]
                    total = math.log(sum(math.exp(logit) for logit in logits))
                    losses.append(total - logits[int(classes[item, place])])
    return sum(losses) / len(losses)


def test_pretext_classes_are_learned_by_the_cross_entropy_of_a_naive_loop() -> None:
    views = [random_objects(5, 2, 4, seed=number) for number in range(3)]
    applied = torch.tensor([[0, 1, 2], [1, 0, 2], [2, 2, 0], [0, 0, 1], [1, 2, 1]])
    info = BatchInfo(torch.tensor([3, 1, 6, 0, 2]), torch.full((5, 2), -1), seeded(), applied=applied)
    torch.manual_seed(0)
    for objective, classes in (
        (objectives.TransformPrediction(4, 3), applied),
        (objectives.Exemplar(7, 4), info.index[:, None].expand(-1, 3)),
    ):
        found = objective(tuple(views), (), info)
        assert float(found.value.detach()) == pytest.approx(naive(objective.classifier, views, classes), rel=1e-5)
    with pytest.raises(ValueError, match="has 6 classes, got item number 6"):
        objectives.Exemplar(6, 4)(tuple(views), (), info)


def test_a_choice_is_asked_for_by_name_and_also_beside_computed_targets() -> None:
    image = load_modality("image")
    assert list(alternatives_of(ASKING, image)) == ["0°", "90°", "180°", "270°"]
    assert list(alternatives_of(TransformPrediction("upright"), image)) == ["upright", "upside down"]
    assert len(alternatives_of(Computed(ASKING), image)) == 4
    assert alternatives_of(BYOL(), image) == {}
    with pytest.raises(ValueError, match="there is no choice 'rotatoin'; did you mean 'rotation'"):
        alternatives_of(TransformPrediction("rotatoin"), image)


def test_a_modality_without_choices_and_views_without_alternatives_are_said_plainly(tmp_path: Path) -> None:
    without = toy("points", choices=None)
    with pytest.raises(ValueError, match="the modality 'points' offers no such choice"):
        alternatives_of(ASKING, without)
    with pytest.raises(ValueError, match="at least two alternatives to tell apart, got 0"):
        ASKING.build(ENCODERS["points"](), replace(DATA, alternatives=()))
    batch = replace(make_batch("points", ITEMS["points"](3)), applied=None)
    with pytest.raises(ValueError, match="it is known of 0 of 2 views by which alternative"):
        ASKING.build(ENCODERS["points"](), DATA)(batch, seeded(), PROGRESS)
    recipe = ToyRecipe(options(tmp_path / "run", method=ASKING))
    recipe.modality = without
    with pytest.raises(ValueError, match="offers no such choice"):
        run(recipe)
    assert not (tmp_path / "run").exists()
