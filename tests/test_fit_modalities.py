"""A fit on every modality: items, elements and objects, every head; what is saved answers the same."""

from pathlib import Path
from typing import Any

import pytest
import torch

import gestalt
from gestalt.core.components.registry import FITTERS
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.fitting.descent import Descent
from gestalt.core.fitting.fitters import AbstractFitter, Convolution, MLPFitter
from gestalt.core.fitting.options import Fitting
from gestalt.core.methods.targets import tags_from
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.optional import IsSequence
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs.model import Model
from tests.test_matrix import ALL, PLUG_INS

SHORT = Descent(steps=120, every=20)
FITTED: dict[str, AbstractFitter] = {name: FITTERS.load(name)() for name in FITTERS.names()} | {
    "mlp": MLPFitter(8, training=SHORT),
    "convolution": Convolution(8, 3, SHORT),
}
HASTY = Descent(steps=20, every=10)
IN_HASTE = FITTED | {"mlp": MLPFitter(8, training=HASTY), "convolution": Convolution(8, 3, HASTY)}
"""Where it does not matter how well they learn."""
FEW = Fitting(folds=2)
TOGETHER = {name: fitter.together for name, fitter in FITTED.items()}
"""Those that point answer trees alone: `test_trees`."""


@pytest.fixture(params=ALL)
def modality(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AbstractModality[Any]:
    monkeypatch.syspath_prepend(str(PLUG_INS))
    found: AbstractModality[Any] = load_modality(request.param)
    return found


def plain(modality: AbstractModality[Any]) -> Model[Any]:
    """A model of the modality's plain features."""
    finder = gestalt.ObjectFinder(KMeans(3))
    return Model(modality, gestalt.Network(modality.encoders["raw"]()).eval(), {}, finder)


def along_a_lattice(modality: AbstractModality[Any], features: gestalt.FeatureMap) -> bool:
    """Whether a convolution can see the elements side by side."""
    ordered = isinstance(modality, IsSequence) and modality.sequence
    return (features.places is not None and not isinstance(features.places, gestalt.Parts)) or ordered


def specimens(modality: AbstractModality[Any]) -> tuple[list[Any], list[list[str]]]:
    """Two items six times over, and the classes of their elements: the number of the object, odd or even."""
    two = modality.specimens()[:2]
    assert len(two) == 2
    items = [one.item for one in two] * 6
    named = [["odd" if number % 2 else "even" for number in one.labels.tolist()] for one in two] * 6
    return items, named


def whole(model: Model[Any], folder: Path) -> Model[Any]:
    """The model, saved and loaded."""
    gestalt.save(folder, model, "raw")
    return gestalt.load(folder, modality=model.modality)


@pytest.mark.parametrize("head", [name for name, together in TOGETHER.items() if not together])
def test_items_are_told_apart_and_a_saved_model_says_the_same(
    modality: AbstractModality[Any], head: str, tmp_path: Path
) -> None:
    items, _ = specimens(modality)
    model = plain(modality).fit(items, gestalt.Labels.of(["one", "two"] * 6), head=FITTED[head], options=FEW)
    found = model.predict(items)
    assert [one.answer for one in found] == ["one", "two"] * 6
    assert all(abs(sum(one.scores.values()) - 1) < 1e-5 for one in found)
    assert whole(model, tmp_path).predict(items) == found, "law 13"


def test_items_have_several_labels_or_values(modality: AbstractModality[Any], tmp_path: Path) -> None:
    items, _ = specimens(modality)
    target, known = tags_from(["a;b", "b"] * 6)
    model = plain(modality).fit(items, gestalt.Labels(target, known), options=FEW)
    assert [one.answer for one in model.predict(items)] == ["a;b", "b"] * 6
    sizes = gestalt.Labels.of_values([3.0, 5.0] * 6, "size")
    valued = plain(modality).fit(items, sizes, options=FEW)
    assert [round(one.scores["size"]) for one in valued.predict(items)] == [3, 5] * 6
    assert whole(valued, tmp_path).predict(items) == valued.predict(items)


def test_elements_are_named_as_their_labels_name_them(modality: AbstractModality[Any], tmp_path: Path) -> None:
    items, named = specimens(modality)
    model = plain(modality).fit(
        items,
        gestalt.Labels.of_elements(named),
        head=FITTED["knn"],
        options=Fitting(of="elements", unknown=0.0, folds=2),
    )
    right, there = 0, 0
    for batch in whole(model, tmp_path).answered(items):
        assert batch.named is not None
        for row, number in enumerate(batch.index):
            valid = batch.features.valid[row].nonzero()[:, 0].tolist()
            for place in valid:
                if place < len(named[number]):
                    called = batch.named.name(int(batch.labels()[row, place]))
                    right, there = right + (called == named[number][place]), there + 1
    assert right / there > 0.75, "neighbours among copies of the same items"


def test_discovered_objects_are_named_and_stay_apart(modality: AbstractModality[Any], tmp_path: Path) -> None:
    items, _ = specimens(modality)
    model = plain(modality).fit(
        items, gestalt.Labels.of(["one", "two"] * 6), options=Fitting(of="objects", unknown=0.0, folds=2)
    )
    again = whole(model, tmp_path)
    for batch, other in zip(model.answered(items), again.answered(items), strict=True):
        assert batch.named is not None
        assert torch.equal(batch.labels(), other.labels())
    found = list(plain(modality).found(items))
    for batch, before in zip(again.answered(items), found, strict=True):
        for row in range(len(batch.index)):
            assert len(batch.labels()[row].unique()) == len(before.labels()[row].unique()), "no two became one"


def test_a_convolution_sees_the_elements_of_grids_and_sequences(modality: AbstractModality[Any]) -> None:
    items, named = specimens(modality)
    options = Fitting(of="elements", unknown=0.0, folds=2)
    labels = gestalt.Labels.of_elements(named)
    features = next(plain(modality).seeing(False).encoded(items)).features
    if not along_a_lattice(modality, features):
        with pytest.raises(ValueError, match=r"elements of several parts|have no order"):
            plain(modality).fit(items, labels, head=FITTED["convolution"], options=options)
        return
    model = plain(modality).fit(items, labels, head=FITTED["convolution"], options=options)
    for batch in model.answered(items):
        assert batch.named is not None
        assert bool((batch.labels()[batch.features.valid] >= 0).all())


def test_padding_influences_no_answer(modality: AbstractModality[Any]) -> None:
    """Law 6, for every head on elements."""
    items, named = specimens(modality)
    labels = gestalt.Labels.of_elements(named)
    for name, fitter in IN_HASTE.items():
        if fitter.points:  # see `test_trees`
            continue
        features = next(plain(modality).seeing(False).encoded(items)).features
        if fitter.together and not along_a_lattice(modality, features):
            continue
        model = plain(modality).fit(items, labels, head=fitter, options=Fitting(of="elements", folds=2))
        assert model.fitted is not None
        together = next(model.seeing(False).encoded(items[:2]))
        nothing = Segmentation.whole_items(2)
        both = model.fitted(together.features, nothing)
        for row, item in enumerate(items[:2]):
            alone = next(model.seeing(False).encoded([item]))
            one = model.fitted(alone.features, Segmentation.whole_items(1))
            mine, theirs = one.outputs[0][one.asked[0]], both.outputs[row][both.asked[row]]
            torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4, msg=name)
