"""What captioned scenes measure, against tables and a scene made by hand and loops without tensors."""

from statistics import mean

import pytest
import torch

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.grid import Grid
from gestalt.core.data.places import Parts
from gestalt.core.experiment.predictions import PredictedBatch, Predictions
from gestalt.core.modality.joint import JointItem
from gestalt.recipes.captioned_scenes.alone import Encoded
from gestalt.recipes.captioned_scenes.located import heat_of_phrases, pointed, shares_of_cells, spanned
from gestalt.recipes.captioned_scenes.match import Scores, by_sort, match_metrics, scores
from gestalt.recipes.captioned_scenes.synthetic.scenes import Scene
from gestalt.recipes.captioned_scenes.synthetic.told import Told
from gestalt.recipes.captioned_scenes.synthetic.words import Caption, Described, Phrase, Sort

PAIRS = [[0.9, 0.5, 0.1], [0.95, 0.4, 0.2], [0.3, 0.6, 0.7]]
"""Caption by picture: the second caption fits the first picture best, the third picture only its own caption."""
CHANGED, OF = [0.8, 0.9, 0.45, 0.1], [0, 0, 1, 2]
SORTED: list[Sort] = ["colour", "thing", "colour", "relation"]


def beats(right: float, wrong: float) -> float:
    return float(right > wrong) + float(right == wrong) / 2


def first(scores_of_query: list[float], own: int) -> bool:
    return all(scores_of_query[own] > other for place, other in enumerate(scores_of_query) if place != own)


def test_match_and_retrieval_are_those_of_naive_loops_in_both_directions() -> None:
    table = Scores(torch.tensor(PAIRS), torch.tensor(CHANGED), torch.tensor(OF))
    found, every = match_metrics(table), range(3)
    match = mean(mean(beats(PAIRS[own][own], PAIRS[other][own]) for other in every if other != own) for own in every)
    word = mean(mean(beats(PAIRS[i][i], CHANGED[c]) for c in range(4) if OF[c] == i) for i in every)
    assert found["match"] == pytest.approx(match)
    assert found["one word"] == pytest.approx(word)
    pictures = mean(first(PAIRS[caption], caption) for caption in every)
    captions = mean(first([row[picture] for row in PAIRS], picture) for picture in every)
    assert pictures == pytest.approx(2 / 3)
    assert captions == pytest.approx(1 / 3), "the directions differ"
    assert found["R@1 → picture"] == pytest.approx(pictures)
    assert found["R@1 → caption"] == pytest.approx(captions)
    assert found["R@5 → picture"] == found["R@5 → caption"] == pytest.approx(1.0)
    assert by_sort(table, SORTED) == pytest.approx({"colour": 0.5, "thing": 0.5, "relation": 1.0})


def test_scores_are_those_of_naive_loops() -> None:
    generator = torch.Generator().manual_seed(0)

    def drawn(items: int, counts: list[int]) -> Encoded:
        whole, elements = (torch.randn(items, *more, 2, generator=generator) for more in ((), (max(counts),)))
        valid = torch.arange(max(counts)) < torch.tensor(counts)[:, None]
        return Encoded(whole, elements * valid[..., None], valid, None)

    captions, pictures, changed, of = drawn(3, [2, 1, 3]), drawn(3, [3, 4, 2]), drawn(2, [1, 3]), torch.tensor([2, 0])

    def by_objects(words: Encoded, one: int, picture: int) -> float:
        cells = [pictures.elements[picture, cell] for cell in range(4) if pictures.valid[picture, cell]]
        said = [words.elements[one, word] for word in range(3) if words.valid[one, word:].any()]
        return mean(max(float(word @ cell) for cell in cells) for word in said)

    whole, objects = (scores(captions, pictures, changed, of, way) for way in ("whole", "objects"))
    for caption in range(3):
        for picture in range(3):
            cosine = float(captions.whole[caption] @ pictures.whole[picture])
            assert float(whole.pairs[caption, picture]) == pytest.approx(cosine, abs=1e-5)
            expected = by_objects(captions, caption, picture)
            assert float(objects.pairs[caption, picture]) == pytest.approx(expected, abs=1e-5)
    for number, picture in enumerate(of.tolist()):
        own = float(changed.whole[number] @ pictures.whole[picture])
        assert float(whole.changed[number]) == pytest.approx(own, abs=1e-5)
        assert float(objects.changed[number]) == pytest.approx(by_objects(changed, number, picture), abs=1e-5)


GRID = Grid.uniform((2, 2), (4.0, 4.0))
WORDS = ("a", "red", "bag", "and", "a", "blue", "boot")


def told() -> Told:
    """Eight pixels a side: a red bag in the cell at the top right, a blue boot in that at the bottom left."""
    owner = torch.full((8, 8), -1)
    owner[:4, 4:], owner[4:, :4] = 0, 1
    phrases = Phrase(0, 3, 0, -1, 8), Phrase(4, 7, 2, -1, 9)
    items = Described(0, 0, 8), Described(2, 0, 9)
    scene = Scene(torch.zeros(3, 8, 8), owner, items, Caption(WORDS, phrases, None), {}, (0, 0))
    return Told(scene, "text", JointItem({"text": "a"}), {}, tuple((float(n), n + 1.0) for n in range(7)))


def test_heat_of_a_phrase_is_the_mean_of_its_words_and_points_at_the_highest_cell() -> None:
    words = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [9.0, 9.0], [0.0, 0.0], [0.0, 2.0], [0.0, 1.0]])
    cells = torch.tensor([[0.1, 0.2], [0.6, 0.0], [0.0, 0.3], [0.0, 0.5]])
    captions = Encoded(torch.zeros(1, 2), words[None], torch.ones(1, 7, dtype=torch.bool), None)
    pictures = Encoded(torch.zeros(1, 2), cells[None], torch.ones(1, 4, dtype=torch.bool), GRID)
    heat = heat_of_phrases(captions, pictures, [told()])
    expected = [[mean(float(words[word] @ cell) for word in said) for cell in cells] for said in ((0, 1, 2), (4, 5, 6))]
    torch.testing.assert_close(heat, torch.tensor(expected))
    assert heat.argmax(dim=1).tolist() == [1, 3]
    assert pointed(heat, GRID, [told()]) == 0.5, "the bag's cell, and one of the photograph"
    assert pointed(heat[:, [0, 1, 3, 2]], GRID, [told()]) == 1.0
    assert pointed(heat[:, [1, 0, 2, 3]], GRID, [told()]) == 0.0


def test_a_word_is_spanned_where_most_of_its_object_is_its_item() -> None:
    assert shares_of_cells(told(), GRID).tolist() == [[0, 1, 0, 0], [0, 0, 1, 0]]

    def share(cells: list[int], words: list[int]) -> float:
        places = Parts(("image", "text"), (4, 7), (GRID, None))
        features = FeatureMap(torch.zeros(1, 11, 2), torch.ones(1, 11, dtype=torch.bool), places)
        return spanned(Predictions((PredictedBatch(features, torch.tensor([cells + words])),)), [told()])

    # Asked are the words red and bag, of the first item, and blue and boot, of the second.
    assert share([0, 1, 2, 0], [0, 1, 1, 0, 0, 2, 2]) == 1.0
    assert share([0, 1, 2, 0], [1, 2, 2, 1, 1, 1, 1]) == 0.0, "each in the object of the other's"
    assert share([0, 1, 2, 0], [0, 1, 0, 0, 0, 2, -1]) == 0.5
    assert share([0, 1, 1, 0], [0, 1, 1, 0, 0, 1, 1]) == 0.0, "half is not most"
    assert share([0, 1, 2, -1], [0, 5, 5, 0, 0, -1, -1]) == 0.0, "an object that no cell shows, and none"
