"""Truth laws of captioned scenes: what is said is to be seen, and what was changed is not."""

import itertools

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from gestalt.core.data.grid import Grid
from gestalt.modalities.text import Passage
from gestalt.recipes.captioned_scenes.synthetic import scenes as composed
from gestalt.recipes.captioned_scenes.synthetic.covers import SHADES
from gestalt.recipes.captioned_scenes.synthetic.items import CaptionedScenes
from gestalt.recipes.captioned_scenes.synthetic.scenes import Composer, Composing, Scene
from gestalt.recipes.captioned_scenes.synthetic.speech import VOICES
from gestalt.recipes.captioned_scenes.synthetic.told import Telling, written
from gestalt.recipes.captioned_scenes.synthetic.words import (
    COLOURS,
    RELATIONS,
    SORTS,
    TEXTURES,
    THINGS,
    WORDS,
    Described,
    caption_of,
    relations,
)
from gestalt.recipes.image_objects.synthetic.photographs import PHOTOGRAPHS
from gestalt.recipes.scene_sources import class_names, clothing

WRITTEN = Telling("text", written)


def scenes(count: int = 24, part: str = "train", seed: int = 3) -> list[Scene]:
    composer = Composer(part, seed, Composing())  # type: ignore[arg-type]
    return [composer.scene(index) for index in range(count)]


def says(words: list[str]) -> tuple[set[str], str]:
    """The adjectives of a phrase without its article, and its noun."""
    assert words[0] == "a"
    return set(words[1:-1]), words[-1]


def fits(words: list[str], item: Described) -> bool:
    adjectives, noun = says(words)
    return adjectives <= {COLOURS[item.colour], TEXTURES[item.texture]} and noun == THINGS[item.thing]


def is_true(words: list[str], scene: Scene) -> bool:
    """Word by word, from the pixels of the items: every phrase fits one, and the first two lie as is said."""
    phrases, lie, place = list[list[str]](), "", 0
    for relation, run in itertools.groupby(words, key=lambda word: word in {*RELATIONS, "is", "of", "and"}):
        found = list(run)
        if not relation:
            phrases.append(found)
        elif not place and "and" not in found:
            lie = next(word for word in found if word in RELATIONS)
        place += relation
    if not all(any(fits(phrase, item) for item in scene.items) for phrase in phrases):
        return False
    if not lie:
        return True
    centres = [(scene.owner == number).nonzero().double().mean(dim=0).tolist() for number in range(len(scene.items))]
    pairs = [
        (centres[one], centres[two])
        for one, two in itertools.permutations(range(len(scene.items)), 2)
        if fits(phrases[0], scene.items[one]) and fits(phrases[1], scene.items[two])
    ]
    axis, sign = {"left": (1, 1), "right": (1, -1), "above": (0, 1), "below": (0, -1)}[lie]
    return any(sign * (other[axis] - own[axis]) >= 8 for own, other in pairs)


def test_captions_are_true_and_those_with_one_word_changed_are_not() -> None:
    for scene in scenes():
        assert is_true(list(scene.caption.words), scene)
        assert scene.caption.true_of(scene.items)
        for sort, other in scene.changed.items():
            differing = [(a, b) for a, b in zip(scene.caption.words, other.words, strict=True) if a != b]
            assert len(differing) == 1
            assert set(differing[0]) <= set(SORTS[sort])
            assert not is_true(list(other.words), scene)
            assert not other.true_of(scene.items)
    assert {sort for scene in scenes() for sort in scene.changed} == set(SORTS)


def test_phrases_mark_their_words_and_regions_their_items() -> None:
    for scene in scenes():
        assert len(scene.items) >= 2
        for number, phrase in enumerate(scene.caption.phrases):
            words = list(scene.caption.words[phrase.first : phrase.last])
            items = [place for place, item in enumerate(scene.items) if fits(words, item)]
            expected = sum((scene.owner == place for place in items), torch.zeros_like(scene.owner)) > 0
            assert torch.equal(scene.region(number), expected)
            assert bool(expected.any())


def test_plain_items_have_the_colour_that_their_name_says() -> None:
    shades = normalize(torch.tensor(SHADES[:6]), dim=1)
    seen = 0
    for scene in scenes(40):
        for number, item in enumerate(scene.items):
            if item.texture == 0 and item.colour < 6:
                mean = normalize(scene.pixels[:, scene.owner == number].mean(dim=1), dim=0)
                assert int((shades @ mean).argmax()) == item.colour
                seen += 1
    assert seen > 10


def test_scenes_are_the_same_whenever_they_are_asked_for_and_kept_ones_too() -> None:
    composer = Composer("train", 5, Composing())
    one, again = composer.scene(2), Composer("train", 5, Composing()).scene(2)
    assert torch.equal(one.pixels, again.pixels)
    assert one.caption == again.caption
    assert not torch.equal(one.pixels, composer.scene(3).pixels)
    items = CaptionedScenes(4, composer, WRITTEN)
    for _ in range(2):  # composed, then kept
        item = items.read(2, np.random.default_rng(0))
        assert torch.equal(item.parts["image"], one.pixels)
        assert item.parts["text"].text == one.caption.text
    assert len(items) == 4
    assert items.name(2) == "train scene 2 of seed 5"


def test_parts_of_the_data_share_no_source() -> None:
    for one, two in itertools.combinations(("train", "validation", "test"), 2):
        assert not set(PHOTOGRAPHS[one]) & set(PHOTOGRAPHS[two])  # type: ignore[index]
        assert not set(VOICES[one]) & set(VOICES[two])  # type: ignore[index]
        ours, theirs = (clothing(part).images.flatten(1) for part in (one, two))  # type: ignore[arg-type]
        assert not {row.numpy().tobytes() for row in ours} & {row.numpy().tobytes() for row in theirs}
    assert len(class_names()) == len(THINGS)


def test_relations_are_said_where_they_are_clear() -> None:
    one, two = Described(0, 0, 0, (30.0, 10.0)), Described(1, 0, 1, (35.0, 50.0))
    assert relations(one, two) == ("left",)
    assert relations(two, one) == ("right",)
    near = Described(1, 0, 1, (32.0, 12.0))
    assert relations(one, near) == ()
    assert caption_of([one, near], np.random.default_rng(0)).relation is None
    with pytest.raises(ValueError, match="two items or more, got 1"):
        caption_of([one], np.random.default_rng(0))


def test_a_told_scene_knows_the_elements_of_its_words() -> None:
    scene = scenes(1)[0]
    told = WRITTEN.told(scene)
    phrase = scene.caption.phrases[1]
    inside = told.elements(phrase.first, phrase.last, len(scene.caption.words), None)
    assert inside.nonzero()[:, 0].tolist() == list(range(phrase.first, phrase.last))
    passage = told.item.parts["text"]
    assert isinstance(passage, Passage)
    begin, end = {name: extent for part, (name, extent) in told.truth() if part == "text"}[THINGS[phrase.thing]]
    assert passage.text[begin:end].split() == list(scene.caption.words[phrase.first : phrase.last])
    assert [name for part, (name, _) in told.truth() if part == "image"] == [THINGS[item.thing] for item in scene.items]
    assert {sort: item.parts["text"].text for sort, item in told.changed.items()} == {
        sort: one.text for sort, one in scene.changed.items()
    }
    coarse = told.elements(0, 1, 2, Grid.uniform((2,), (5.0,)))  # no centre lies in the first word
    assert coarse.tolist() == [True, False]


def test_all_words_of_captions_are_those_of_the_grammar() -> None:
    assert {word for scene in scenes() for word in scene.caption.words} <= set(WORDS)


def test_items_that_find_no_place_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composed, "placed", lambda *_: None)
    with pytest.raises(ValueError, match=r"no two items .* make them smaller"):
        Composer("train", 0, Composing()).scene(0)
