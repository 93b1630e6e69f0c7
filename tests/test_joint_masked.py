"""Masked prediction across the parts of joint items: what is hidden in one part is predicted from the others too."""

from typing import Any

import pytest
import torch
from torch import Tensor

from gestalt.core.components.settings import settings_of
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.item_noise import ItemNoise
from gestalt.core.data.parts import joined
from gestalt.core.data.places import Parts
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.losses.masked import element_distance, normalised
from gestalt.core.methods.bert import BERT
from gestalt.core.methods.masked.hiding import (
    AbstractHiding,
    AtRandom,
    HiddenObjects,
    HiddenParts,
    Spans,
    TargetRegions,
    Together,
    hide,
)
from gestalt.core.methods.masked.learner import MaskedLearner
from gestalt.core.methods.masked.targets import OwnClass
from gestalt.core.methods.method import AbstractMethod, DataInfo
from gestalt.core.methods.simmim import SimMIM
from gestalt.core.modality.joint import JointItem, joint
from gestalt.core.modality.joint.transformer import JointTransformer
from gestalt.core.networks.modes import evaluating
from gestalt.core.networks.places import placed
from gestalt.core.optimization.progress import Progress
from gestalt.modalities.image import MODALITY as IMAGE
from gestalt.modalities.image.transformer import PatchTransformer
from gestalt.modalities.text import MODALITY as TEXT
from gestalt.modalities.text.data import Passage
from gestalt.modalities.text.encoders import Conv
from tests.implementations import make_batch, seeded

BOTH = joint(image=IMAGE, text=TEXT)
SMALL = {"dim": 16, "depth": 1, "settings": {"image": {"width": 16}, "text": {"width": 16, "buckets": 64}}}


def encoder(**changes: object) -> JointTransformer:
    torch.manual_seed(0)
    built = BOTH.encoders["transformer"](**(SMALL | changes))
    assert isinstance(built, JointTransformer)
    return built


def items(count: int = 3) -> list[JointItem]:
    return [specimen.item for specimen in BOTH.specimens()][:count]


def tokens_of(has: list[tuple[bool, bool]]) -> FeatureMap:
    """A grid of 4 × 5 cells and a row of 7 words, of items that lack one or the other."""
    there = torch.tensor(has)
    seen = FeatureMap(torch.zeros(len(has), 20, 2), there[:, :1].expand(-1, 20), Grid.uniform((4, 5), (1.0, 1.0)))
    return joined({"image": seen, "text": FeatureMap(torch.zeros(len(has), 7, 2), there[:, 1:].expand(-1, 7))})


def noise(count: int, seed: int = 0) -> ItemNoise:
    return ItemNoise.of(torch.arange(count), seeded(seed))


EVERY = [(True, True), (True, False), (False, True)]


HIDINGS = (Together(0.5), Spans(0.4), TargetRegions(2), AtRandom(0.5), HiddenObjects(0.5))


@pytest.mark.parametrize("hiding", HIDINGS, ids=lambda one: type(one).__name__)
def test_of_joint_items_a_share_is_hidden_whatever_parts_they_have(hiding: AbstractHiding) -> None:
    tokens = tokens_of(EVERY)
    labels = torch.where(tokens.valid, torch.arange(27) // 3, -1)
    objects = Segmentation.from_labels(labels, 9, tokens.places)
    for seed in range(5):
        hidden = hide(hiding, tokens, noise(3, seed), objects)
        every = hidden.groups.any(dim=1)
        assert not bool((hidden.visible & every).any())
        assert not bool(((hidden.visible | every) & ~tokens.valid).any())
        assert bool(hidden.visible.any(dim=1).all())
        assert bool(every.any(dim=1).all())
        if not hiding.across_parts:
            for here in (slice(0, 20), slice(20, 27)):
                assert bool(every[0, here].any()), "something of each part"
                assert bool(hidden.visible[0, here].any())


def test_each_part_is_hidden_as_if_it_were_the_whole_item() -> None:
    tokens, drawn = tokens_of(EVERY), noise(3)
    both = hide(Together(0.5), tokens, drawn, None)
    for number, (name, here) in enumerate((("image", slice(0, 20)), ("text", slice(20, 27)))):
        alone = Together(0.5).hidden(tokens.part(name), drawn.other(number), None)
        assert torch.equal(both.groups[..., here], alone.groups)
        assert torch.equal(both.visible[:, here], alone.visible)


def test_a_part_is_hidden_as_a_whole_and_an_item_keeps_its_only_part() -> None:
    tokens = tokens_of([*EVERY, *[(True, True)] * 20])
    image, text = slice(0, 20), slice(20, 27)
    named = HiddenParts(("text",)).hidden(tokens, noise(23), None)
    assert bool(named.groups[0, 0, text].all())
    assert bool(named.visible[0, image].all())
    assert not bool(named.groups[1:3].any()), "one lacks the part, the other has nothing else"
    assert torch.equal(named.visible[1:3], tokens.valid[1:3])
    drawn = HiddenParts().hidden(tokens, noise(23), None)
    whole = [bool(drawn.groups[row, 0, image].all()) for row in range(3, 23)]
    assert 3 < sum(whole) < 17, "now the one, now the other"
    for row in (0, *range(3, 23)):
        assert bool(drawn.groups[row, 0, image].all()) != bool(drawn.groups[row, 0, text].all())
        assert torch.equal(drawn.groups[row, 0], ~drawn.visible[row])
    assert not bool(drawn.groups[1:3].any())
    with pytest.raises(ValueError, match="part 'txt'"):
        HiddenParts(("txt",)).hidden(tokens, noise(23), None)
    with pytest.raises(ValueError, match="elements of several parts are needed"):
        HiddenParts().hidden(tokens.part("text"), noise(23), None)


def test_equal_places_of_two_parts_are_told_apart() -> None:
    same = FeatureMap(torch.zeros(1, 3, 16), torch.ones(1, 3, dtype=torch.bool))
    where = placed(joined({"a": same, "b": same}), 16)
    assert not torch.allclose(where[0, 0], where[0, 3])
    assert not torch.allclose(where[0, 0], where[0, 1])


@torch.no_grad()
def test_an_element_is_described_in_the_columns_of_its_part_and_classified_where_it_has_a_class() -> None:
    own = encoder().eval()
    whole = items(2)
    data = BOTH.collate([whole[0], whole[1].only(["text"])])
    numbers = own.element_targets(data)
    seen, heard = own.parts["image"], own.parts["text"]
    assert isinstance(seen, PatchTransformer)
    assert isinstance(heard, Conv)
    assert own.element_values == seen.element_values + heard.element_values
    assert isinstance(numbers.places, Parts)
    first = seen.element_targets(IMAGE.collate([whole[0].parts["image"]]))
    image = numbers.part("image")
    torch.testing.assert_close(image.values[0, image.valid[0], : seen.element_values], first.values[0, first.valid[0]])
    assert bool(image.values[0, :, seen.element_values :].isnan().all())
    words = heard.element_targets(TEXT.collate([item.parts["text"] for item in whole]))
    text = numbers.part("text")
    torch.testing.assert_close(text.values[text.valid][:, seen.element_values :], words.values[words.valid])
    assert bool(text.values[..., : seen.element_values].isnan().all())
    classes, target = own.classes_of_elements(data), OwnClass(own, codes=32)
    assert (own.element_classes, own.all_classified, target.outputs) == (64, False, 96)
    assert bool((classes[:, : image.valid.shape[1]] == -1).all())
    wanted = target.wanted(own, data, own.embed(data))
    assert torch.equal(wanted[:, image.valid.shape[1] :], classes[:, image.valid.shape[1] :])
    assert bool((wanted[:, : image.valid.shape[1]] >= 64).all())
    assert len(wanted[0, : image.valid.shape[1]].unique()) > 1


def test_numbers_that_an_element_has_not_enter_no_loss_and_no_gradient() -> None:
    """The distance is that of the numbers which are there; law 7."""
    nan = torch.nan
    wide = torch.tensor([[1.0, 4.0, nan, nan, nan], [nan, nan, 2.0, 5.0, 3.0]])
    prediction = torch.randn(2, 5, generator=seeded(), requires_grad=True)
    for distance in ("squared", "absolute", "cosine"):
        found = element_distance(prediction, wide, distance)
        for row, here in enumerate((slice(0, 2), slice(2, 5))):
            alone = element_distance(prediction[row : row + 1, here], wide[row : row + 1, here], distance)
            torch.testing.assert_close(found[row], alone[0])
        (slope,) = torch.autograd.grad(found.sum(), prediction)
        assert bool(slope.isfinite().all())
        assert not bool(slope[wide.isnan()].any())
    scaled = normalised(wide)
    torch.testing.assert_close(scaled[1:, 2:], normalised(wide[1:, 2:]))
    assert torch.equal(scaled.isnan(), wide.isnan())


@torch.no_grad()
def test_a_vector_of_one_part_depends_on_the_other_part_until_it_is_hidden() -> None:
    own = encoder().eval()
    one, other = items(2)
    changed = JointItem({"image": one.parts["image"], "text": other.parts["text"]})
    found = []
    for item in (one, changed):
        tokens = own.embed(BOTH.collate([item]))
        visible = tokens.valid.clone()
        assert isinstance(tokens.places, Parts)
        visible[:, tokens.places.here("text")] = False
        found.append((own.mix(tokens).part("image").values, own.mix(tokens, visible).part("image").values))
    assert not torch.allclose(found[0][0], found[1][0], atol=1e-5)
    torch.testing.assert_close(found[0][1], found[1][1])


def test_a_joint_transformer_is_named_built_again_and_refused_where_a_part_has_one_step() -> None:
    built = encoder(encoders="text=conv")
    again = BOTH.encoders["transformer"](**settings_of(built, BOTH.encoders["transformer"]))
    assert {name: weight.shape for name, weight in again.named_parameters()} == {
        name: weight.shape for name, weight in built.named_parameters()
    }
    with pytest.raises(ValueError, match="part 'image' needs an encoder in two steps, got 'unet'"):
        encoder(encoders="image=unet", settings={})
    whole = items(2)
    without = BOTH.collate([whole[0].only(["text"]), whole[1].only(["text"])])
    with evaluating(built):
        assert built(without).part("image").values.shape[1] == 0


COLOURS = {"red": (0.9, 0.1, 0.1), "green": (0.1, 0.8, 0.2), "blue": (0.1, 0.2, 0.9), "white": (0.95, 0.95, 0.95)}


def pairs(count: int, seed: int) -> list[JointItem]:
    """A plain picture, a little noisy, and the word for its colour."""
    made = []
    for number, (word, colour) in zip(range(count), list(COLOURS.items()) * count, strict=False):
        grain = 0.05 * torch.randn(3, 16, 16, generator=seeded(1000 * seed + number))
        picture = (torch.tensor(colour)[:, None, None] + grain).clamp(0, 1)
        made.append(JointItem({"image": picture, "text": Passage.of(word)}))
    return made


def trained(method: AbstractMethod, steps: int = 60) -> MaskedLearner:
    torch.manual_seed(0)
    learner = method.build(encoder(), DataInfo(items=8))
    assert isinstance(learner, MaskedLearner)
    optimizer = torch.optim.AdamW([one for one in learner.parameters() if one.requires_grad], lr=5e-3)
    known: list[Any] = pairs(8, 0)
    batch = make_batch("", known, modality=BOTH)
    for step in range(steps):
        loss = learner(batch, seeded(step), Progress(step, steps, 1)).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return learner.eval()


@torch.no_grad()
def said(learner: MaskedLearner, hidden: str, shown: list[JointItem]) -> tuple[Tensor, Tensor]:
    """What is predicted of a hidden part, row by row, and what is true of it."""
    encoder = learner.online.encoder
    assert isinstance(encoder, JointTransformer)
    data = BOTH.collate(shown)
    tokens = encoder.embed(data)
    places = HiddenParts((hidden,)).hidden(tokens, noise(len(shown)), None)
    assert learner.token is not None
    here = places.groups[:, 0]
    predicted = learner.decoder(encoder.mix(learner.token(tokens, here, noise(len(shown)))), places.visible, here)
    return predicted, learner.target.wanted(encoder, data, tokens)[here]


def test_a_hidden_word_is_told_from_the_picture_and_a_hidden_picture_from_the_word() -> None:
    """Four colours and their names, on pictures that were never seen: chance is a quarter."""
    new = pairs(8, 1)
    scores, words = said(trained(BERT(HiddenParts(("text",)), random=0.0, kept=0.0)), "text", new)
    assert len(words.unique()) == 4
    assert float((scores.argmax(dim=1) == words).float().mean()) > 0.7
    learner = trained(SimMIM(hiding=HiddenParts()))
    predicted, truth = said(learner, "image", new)
    misled = [
        JointItem({"image": one.parts["image"], "text": other.parts["text"]})
        for one, other in zip(new, new[1:] + new[:1], strict=True)
    ]
    own = learner.target.error(predicted, truth).mean()
    other = learner.target.error(*said(learner, "image", misled)).mean()
    assert float(own) < 0.6 * float(other)
