"""Spans of one passage in another: every word is the host's or the donor's, and the text reads as text."""

import numpy as np
import pytest
import torch

from gestalt.core.data.correspondence import Index
from gestalt.core.data.masks import ItemMasks
from gestalt.core.modality.transplant import Transplant
from gestalt.modalities.text.data import Passage
from gestalt.modalities.text.transplants import transplant

HOST = Passage.of("We saw the old  boat, and nobody knew its name.", start=40)
DONOR = Passage.of("The tired woman in a red hat has been waiting (since 5.30) for us.")


def part(donor: Passage, words: str) -> ItemMasks:
    wanted = words.split()
    return ItemMasks(torch.tensor([0 if word in wanted else -1 for word in donor.words]), None)


def made(seed: int, words: str = "a red hat", host: Passage = HOST, donor: Passage = DONOR) -> Transplant[Passage]:
    found = transplant(host, donor, part(donor, words), np.random.default_rng(seed))
    assert found is not None
    return found


def origins(found: Transplant[Passage]) -> tuple[list[int], list[int]]:
    assert isinstance(found.host, Index)
    assert isinstance(found.donor, Index)
    return found.host.index[0].tolist(), found.donor.index[0].tolist()


@pytest.mark.parametrize("words", ["a red hat", "The tired woman", "us .", "( since 5.30 )", "hat"])
def test_every_word_is_the_one_that_its_correspondence_names(words: str) -> None:
    for seed in range(30):
        found = made(seed, words)
        host, donor = origins(found)
        for word, ours, theirs in zip(found.item.words, host, donor, strict=True):
            named = HOST.words[ours] if ours >= 0 else DONOR.words[theirs]
            assert word == named or (word, named, theirs) == ("the", "The", 0)
        shown = [place for place in donor if place >= 0]
        assert [DONOR.words[place] for place in shown] == words.split()
        assert shown == list(range(shown[0], shown[-1] + 1))
        kept = [place for place in host if place >= 0]
        assert kept == sorted(set(kept))
        assert (kept[0], kept[-1]) == (0, len(HOST.words) - 1)
        assert len(kept) >= len(HOST.words) / 2
        assert found.item.start == 40


def test_a_span_replaces_words_or_is_put_between_two() -> None:
    gone = [len(HOST.words) - int((made(seed).owner.labels == 0).sum()) for seed in range(80)]
    places = {origins(made(seed))[1].index(4) for seed in range(80)}
    assert 20 < sum(number == 0 for number in gone) < 60
    assert set(gone) == set(range(7))
    assert len(places) > 6


def test_the_text_reads_as_text() -> None:
    texts = {made(seed).item.text for seed in range(200)}
    assert "We saw the old  boat a red hat, and nobody knew its name." in texts
    assert any("saw a red hat nobody" in text or "saw a red hat and" in text for text in texts)
    assert not any("  a red" in text or " ," in text for text in texts)
    assert all(Passage.of(text).text == text for text in texts)
    assert all(text.startswith("We ") and text.endswith(".") for text in texts)
    with_brackets = {made(seed, "( since 5.30 )").item.text for seed in range(50)}
    assert all(" (since 5.30)" in text for text in with_brackets)
    assert all(Passage.of(text).words == made(3).item.words for text in [made(3).item.text])


def test_scripts_without_spaces_are_set_in_without_losing_a_word() -> None:
    donor, host = Passage.of("私は東京物語を見た"), Passage.of("雨の夜に本を読む")
    for seed in range(20):
        found = transplant(host, donor, part(donor, "東 京 物 語"), np.random.default_rng(seed))
        assert found is not None
        assert "東京物語" in found.item.text
        assert Passage.of(found.item.text).words == found.item.words


def test_the_longest_run_of_an_interrupted_part_is_taken() -> None:
    shown = [place for place in origins(made(0, "tired hat has been"))[1] if place >= 0]
    assert [DONOR.words[place] for place in shown] == ["hat", "has", "been"]


@pytest.mark.parametrize("words", [1, 2, 3])
def test_short_hosts_keep_a_word_of_their_own(words: int) -> None:
    host = Passage.from_words(["yes", "but", "no"][:words])
    for seed in range(20):
        owners = made(seed, "hat", host).owner.labels
        assert int((owners == 0).sum()) >= max(1, words - 1)
        assert int((owners == 1).sum()) == 1


def test_parts_without_words_or_longer_than_the_host_are_refused() -> None:
    rng = np.random.default_rng(0)
    assert transplant(HOST, DONOR, part(DONOR, "zebra"), rng) is None
    assert transplant(Passage.of("Two words"), DONOR, part(DONOR, "a red hat"), rng) is None
