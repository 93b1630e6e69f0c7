"""A grammar of chunks: its sums are those over all paths, it learns, and its spans are those of the passage alone."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
import torch

import gestalt.modalities.text.chunks.learning as learning
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import MergeAlike
from gestalt.core.discovery.regions import FineSegments, GroupRegions
from gestalt.core.networks.encoder import Identity, Network
from gestalt.modalities.text import MODALITY, Passage, collate
from gestalt.modalities.text.chunks import Chunks
from gestalt.modalities.text.chunks.chain import pairs
from gestalt.modalities.text.chunks.learning import better
from gestalt.modalities.text.chunks.states import States
from gestalt.modalities.text.chunks.symbols import Symbols
from gestalt.modalities.text.chunks.tables import Tables, even
from gestalt.modalities.text.punctuation import words_of
from tests.implementations import seeded

STATES = States(kinds=2, outside=1)
WORDS = 4


def random_tables(seed: int) -> Tables:
    even_ones = even(STATES, torch.ones(WORDS, dtype=torch.double))
    noise = [torch.rand(one.shape, generator=seeded(seed), dtype=torch.double) for one in (
        even_ones.start, even_ones.words, even_ones.after,
    )]  # fmt: skip
    start, words, after = even_ones.start * noise[0], even_ones.words * noise[1], even_ones.after * noise[2]
    return Tables(start / start.sum(), words / words.sum(dim=0), after / after.sum(dim=2, keepdim=True))


def test_chances_are_sums_over_all_paths() -> None:
    """Law 11: every path of states, one by one."""
    tables, words = random_tables(0), [2, 0, -1, -1, 3]
    end = STATES.count
    whole, found = 0.0, torch.zeros(len(words) + 1, end + 1, end + 1, dtype=torch.double)
    for path in itertools.product(range(end + 1), repeat=len(words)):
        chance, states = 1.0, [end, *path, end]
        for place, (before, state) in enumerate(itertools.pairwise(states)):
            word = words[place - 1] if place else -1
            if word < 0:
                chance *= 0.0 if before != end else 1.0 if state == end else float(tables.start[state])
            else:
                chance *= 0.0 if before == end else float(tables.after[word, before, state])
            if place < len(words) and state != end:
                chance *= 0.0 if words[place] < 0 else float(tables.words[words[place], state])
            elif place < len(words):
                chance *= float(words[place] < 0)
        whole += chance
        for place, (before, state) in enumerate(itertools.pairwise(states)):
            found[place, before, state] += chance
    steps, logarithm = pairs(tables, torch.tensor([words, [1, -1, -1, -1, -1]]))
    torch.testing.assert_close(steps[0], found / whole)
    assert float(logarithm[0]) == pytest.approx(np.log(whole))


def test_every_pass_makes_the_text_likelier_where_nothing_is_smoothed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RARE", "LIKE_OTHERS", "ANYTHING"):
        monkeypatch.setattr(learning, name, 0.0)
    text = torch.randint(-1, WORDS, (20, 9), generator=seeded(1))
    tables, likelihoods = random_tables(1), []
    for _ in range(8):
        tables, likelihood = better(tables, [text], STATES)
        likelihoods.append(likelihood)
    assert all(after >= before - 1e-9 for before, after in itertools.pairwise(likelihoods))
    assert likelihoods[-1] > likelihoods[0] + 1


def test_chunks_have_two_words_and_end_where_a_stretch_ends() -> None:
    allowed = STATES.allowed
    first, further, end = [0, 1], [2, 3], STATES.count
    assert not allowed[first].clone().index_fill(1, torch.tensor(further), False).any()
    assert allowed[first, further].all()
    assert not allowed[first, further[::-1]].any()
    assert not allowed[[4, end]][:, further].any()
    assert allowed[further, end].all()
    assert not allowed[first, end].any()


ARTICLES, NOUNS = ("the", "a", "my"), ("dog", "cat", "hill", "sea", "boat", "house")
VERBS, PARTICLES = ("saw", "left", "found", "took"), ("of", "in", "by")


def sentence(rng: np.random.Generator) -> tuple[str, list[int]]:
    """A small language: an article and its noun are a chunk, verbs and particles are in none."""
    words, spans = [], []
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.5:
            words += [str(rng.choice(PARTICLES))]
            spans += [-1]
        if rng.random() < 0.8:
            words += [str(rng.choice(ARTICLES)), str(rng.choice(NOUNS))]
            spans += [len(words)] * 2
        if rng.random() < 0.6:
            words += [str(rng.choice(VERBS))]
            spans += [-1]
        if rng.random() < 0.4 and words:
            words += [","]
            spans += [-1]
    return " ".join([*words, "so", "."]), [*spans, -1, -1]


@pytest.fixture(scope="module")
def language() -> list[tuple[str, list[int]]]:
    rng = np.random.default_rng(0)
    return [sentence(rng) for _ in range(400)]


@pytest.fixture(scope="module")
def chunks(language: list[tuple[str, list[int]]]) -> Chunks:
    found = Chunks(kinds=1, outside=1, frequent=0)
    found.fit([Passage.of(text) for text, _ in language])
    return found


def joined(labels: Sequence[int]) -> list[bool]:
    return [before == after >= 0 for before, after in itertools.pairwise(labels)]


def test_articles_and_nouns_are_found_to_be_chunks(language: list[tuple[str, list[int]]], chunks: Chunks) -> None:
    right = wrong = missed = 0
    for text, truth in language[:100]:
        labels = chunks.numbered(chunks.look(collate([Passage.of(text)])))[0].tolist()
        for mine, theirs in zip(joined(labels), joined(truth), strict=True):
            right, wrong, missed = right + (mine and theirs), wrong + (mine > theirs), missed + (theirs > mine)
    assert 2 * right / (2 * right + wrong + missed) > 0.9


def test_spans_do_not_depend_on_the_batch_and_end_at_punctuation(
    language: list[tuple[str, list[int]]], chunks: Chunks
) -> None:
    passages = [Passage.of(text) for text, _ in language[:8]]
    data = collate(passages)
    together = chunks.numbered(chunks.look(data))
    assert (together >= 0).equal(words_of(data))  # nothing is left out where no word is frequent
    for row, one in enumerate(passages):
        alone = chunks.numbered(chunks.look(collate([one])))[0]
        assert alone.equal(together[row, : len(alone)])
        assert (together[row, len(alone) :] == -1).all()


def test_stretches_between_marks_do_not_depend_on_one_another(chunks: Chunks) -> None:
    whole = chunks.look(collate([Passage.of("the hut of xx , yy zz hill")]))[0]
    parts = [chunks.look(collate([Passage.of(text)]))[0] for text in ("the hut of xx", "yy zz hill")]
    torch.testing.assert_close(torch.cat([whole[:4], whole[5:]]), torch.cat(parts))


def test_frequent_words_in_no_chunk_are_in_no_span(chunks: Chunks) -> None:
    out = Chunks(kinds=1, outside=1, frequent=100)
    out.load_state_dict(chunks.state_dict())
    labels = out.numbered(out.look(collate([Passage.of("of the dog, by a hill")])))[0].tolist()
    assert labels == [-1, 0, 0, -1, -1, 1, 1]


def test_words_go_by_themselves_and_rare_ones_by_their_endings() -> None:
    symbols = Symbols(words=2, endings=2)
    running = [f"x{letter}ing" for letter in "abcdefghij"]
    text = " ".join(["Walk WALK walk walk walk", *running, *(f"{number}th" for number in range(10))])
    data = collate([Passage.of(text)])
    symbols.fit([(data, words_of(data))])
    walk, going, number, other = symbols(collate([Passage.of("walk going 1999 xyz")]))[0].tolist()
    assert [walk, other] == [0, 4]
    assert sorted([going, number]) == [2, 3]
    assert symbols(collate([Passage.of("WALK")]))[0].tolist() == [0]


def test_a_grammar_that_learned_nothing_says_so() -> None:
    with pytest.raises(ValueError, match=r"learned from no text yet: call fit"):
        Chunks().look(collate([Passage.of("So far.")]))


def test_chunks_are_merged_where_vectors_are_alike_and_nothing_else(chunks: Chunks) -> None:
    data = collate([Passage.of("the dog a cat , my hill")])
    vectors = torch.tensor([[[1.0, 0], [1, 0], [1, 0.1], [1, 0], [0, 1], [1, 0], [1, 0]]])
    finder = ObjectFinder(MergeAlike(0.2), "hidden", regions=GroupRegions(chunks, in_order=True))
    features = FeatureMap(vectors, data.valid)
    found = finder(Network(Identity(2)), features, data, seeded(0)).labels()[0].tolist()
    assert found == [0, 0, 0, 0, -1, 1, 1]
    apart = features.with_values(vectors * torch.tensor([1.0, 1, -1, -1, 1, 1, 1])[:, None])
    assert finder(Network(Identity(2)), apart, data, seeded(0)).labels()[0].tolist() == [0, 0, 1, 1, -1, 2, 2]


def test_chunks_take_what_they_looked_at_and_nothing_else(chunks: Chunks) -> None:
    features = FeatureMap(torch.zeros(1, 2, 1), torch.ones(1, 2, dtype=torch.bool))
    with pytest.raises(TypeError, match="cut by what `look` found of every word, got FineSegments"):
        chunks.cut(features, FineSegments(torch.zeros(1, 2, dtype=torch.long), None), seeded(0))


def test_the_modality_reads_what_chunks_are_learned_from() -> None:
    passages = [specimen.item for specimen in MODALITY.specimens()]
    small = Chunks(kinds=1, outside=1)
    small.fit(passages)
    assert small.numbered(small.look(collate(passages))).max() >= 0
