"""The grammar names the groups, the parts of the corpus stay apart, and metrics know right from wrong."""

import pytest
import torch

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.items import AbstractItems
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.evaluation import Intervals
from gestalt.modalities.text import Passage, collate
from gestalt.modalities.text.punctuation import WithoutPunctuation
from gestalt.recipes.text_spans.corpus.grammar import groups
from gestalt.recipes.text_spans.corpus.sentences import BLOCK, Sentence, Sentences, load_corpus, sentence
from gestalt.recipes.text_spans.frequent import FromFrequent, most_frequent, read_some
from gestalt.recipes.text_spans.rules import between_punctuation, by_chance, closed_classes, right_branching
from gestalt.recipes.text_spans.truth import span_metrics, truth_of, type_metrics

SENTENCES = {
    "The/DT old/JJ man/NN has/VBZ been/VBN waiting/VBG for/IN a/DT boat/NN ./.": [
        "n The old man", "v has been waiting", "n a boat",
    ],
    "We/PRP want/VBP to/TO have/VB had/VBN it/PRP": ["n We", "v want to have had", "n it"],
    "X/NNP 's/POS leading/VBG role/NN would/MD not/RB go/VB": ["n X 's", "v leading", "n role", "v would not go"],
    "a/DT story/NN alleging/VBG recent/JJ infidelity/NN": ["n a story", "v alleging", "n recent infidelity"],
    "the/DT rich/JJ ,/, 1999/CD and/CC these/DT could/MD ,/, who/WP": [
        "n the rich", "n 1999", "n these", "v could", "n who",
    ],
    "slowly/RB up/RP of/IN ./.": [],
}  # fmt: skip


@pytest.mark.parametrize("line", SENTENCES)
def test_groups_are_those_that_the_grammar_describes(line: str) -> None:
    one = sentence(line)
    named = [f"{group.kind[0]} {' '.join(one.item.words[group.first : group.last])}" for group in one.groups]
    assert named == SENTENCES[line]


def test_heads_are_the_last_noun_or_verb() -> None:
    heads = [group.head for group in groups(["DT", "NN", "POS", "NNS", "MD", "RB", "VB", "DT", "JJ"])]
    assert heads == ["NNS", "VB", "JJ"]


def test_no_sentence_is_on_two_sides() -> None:
    corpus = load_corpus()
    train, validation, test = (
        {one.item.text for one in part} for part in (corpus.train, corpus.validation, corpus.test)
    )
    assert not train & test
    assert not train & validation
    assert not validation & test
    assert len(corpus.test) == 14 * BLOCK
    assert len(corpus.train) > 11_000


@pytest.fixture(scope="module")
def some() -> tuple[Sentence, ...]:
    return load_corpus().validation[:20]


def test_the_truth_itself_scores_one_and_punctuation_changes_nothing(some: tuple[Sentence, ...]) -> None:
    truth = truth_of(some)
    assert set(span_metrics(truth.labels, truth).values()) == {1.0}
    assert set(span_metrics(torch.where(truth.words, truth.labels, 99), truth).values()) == {1.0}
    shifted = span_metrics(truth.labels.roll(1, dims=1), truth)
    assert all(value < 0.7 for value in shifted.values())


def test_span_f1_is_that_of_a_naive_count(some: tuple[Sentence, ...]) -> None:
    truth = truth_of(some)
    found = by_chance([one.item for one in some], seed=0)
    hits = number = true = 0
    for row, one in enumerate(some):
        spans, labels = set(), [*found[row].tolist(), -1]
        for first in range(len(labels) - 1):
            if labels[first] >= 0 and (first == 0 or labels[first - 1] != labels[first]):
                last = next(place for place in range(first, len(labels)) if labels[place] != labels[first])
                spans.add((first, last))
        groups_of = {(g.first, g.last) for g in one.groups if bool(truth.words[row, g.first : g.last].all())}
        hits, number, true = hits + len(spans & groups_of), number + len(spans), true + len(groups_of)
    assert 0 < hits < number
    assert span_metrics(found, truth)["span F1"] == pytest.approx(2 * hits / (number + true), abs=0.01)


def test_vectors_that_hold_the_head_are_found_to_hold_it(some: tuple[Sentence, ...]) -> None:
    truth = truth_of(some)
    heads = torch.where(truth.labels >= 0, truth.heads.gather(1, truth.labels.clamp(min=0)), -1)
    valid = collate([one.item for one in some]).valid
    known = FeatureMap(torch.nn.functional.one_hot(heads + 1).float(), valid)
    blind = known.with_values(torch.randn(*heads.shape, 5, generator=torch.Generator().manual_seed(0)))
    good, bad = (type_metrics(features, truth.labels, truth, 0) for features in (known, blind))
    assert good["head 1-NN"] > 0.95 > bad["head 1-NN"] + 0.4
    assert good["1-NN found"] > 0.95
    assert good["head probe"] > bad["head probe"] + 0.3


ITEM = Passage.of("The old man saw it, and she ran up to (the) sea.")


def test_rules_say_what_they_say() -> None:
    def spans(labels: torch.Tensor) -> list[str]:
        numbers = labels[0].tolist()
        return [
            " ".join(word for word, own in zip(ITEM.words, numbers, strict=True) if own == number)
            for number in dict.fromkeys(numbers)
            if number >= 0
        ]

    assert spans(between_punctuation([ITEM])) == ["The old man saw it", "and she ran up to", "the", "sea"]
    assert spans(closed_classes([ITEM])) == ["The old man saw", "it", "she ran", "to", "the", "sea"]
    frequent = FromFrequent(("the", "it", "to", "and"))
    assert spans(frequent.spans(collate([ITEM]))) == ["The old man saw", "it", "and she ran up", "to", "the", "sea"]
    assert spans(by_chance([ITEM], 0, mean=1.0)) == [word for word in ITEM.words if word.isalpha()]
    assert right_branching([Passage.of("a b, c.")])[0].onset.tolist() == [0, 1, 3]
    assert right_branching([Passage.of("a b, c.")])[0].offset.tolist() == [4, 4, 4]
    assert isinstance(right_branching([ITEM])[0], Intervals)


def test_frequent_words_are_counted_without_capitals_and_marks() -> None:
    items: AbstractItems[Passage] = Sentences(
        tuple(Sentence(Passage.of(t), ()) for t in ("The a. . .", "the b, c a the"))
    )
    assert most_frequent(read_some(items), 2) == ("the", "a")


def test_first_segments_follow_the_rule_and_punctuation_is_in_none() -> None:
    data = collate([ITEM])
    whole = Segmentation.from_labels(torch.zeros(1, len(ITEM.words), dtype=torch.long), 1)
    features = FeatureMap(torch.zeros(*data.valid.shape, 1), data.valid)
    inside = WithoutPunctuation()(whole, features, data).labels()[0] >= 0
    assert [word for word, own in zip(ITEM.words, inside.tolist(), strict=True) if not own] == [",", "(", ")", "."]
    assert FromFrequent(()).frequent.shape == (0,)
