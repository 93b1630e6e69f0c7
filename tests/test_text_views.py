"""Every word of a view shows the source word that the correspondence says, and no other."""

import os
import pickle
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gestalt.core.data.correspondence import Index
from gestalt.core.data.items import BadItemError
from gestalt.modalities.text import MODALITY, Passage, default_views, dropout_views
from gestalt.modalities.text.noise import (
    AbstractNoise,
    Characters,
    Keyboard,
    Reserved,
    Scanned,
    Spelling,
    Synonyms,
    _global_seed,
)
from gestalt.modalities.text.views import Crop, Delete, Insert, Noisy, Swap, chain

TRANSFORMS = {**MODALITY.transforms, "default views": default_views().views[0], "nothing": dropout_views().views[1]}
MOVING = {
    "crop": Crop(0.2, 0.9),
    "delete": Delete(0.4),
    "swap": Swap(0.5),
    "insert": Insert(("new",), 0.4),
    "repeat": Insert(None, 0.4),
}
NOISES: dict[str, AbstractNoise] = {
    "characters": Characters(),
    "keyboard": Keyboard(),
    "spelling": Spelling(),
    "scanned": Scanned(),
    "synonyms": Synonyms({"because": ["since"]}),
    "reserved": Reserved([("because", "since"), ("2", "two words")]),
}
TEXT = "because  the old, old man\nsaw (the) sea it was 5.30 and 東京 "


def ids(item: Passage) -> Passage:
    """The same passage with every word replaced by its number."""
    return replace(item, words=tuple(f"w{number}" for number in range(len(item.words))))


@pytest.mark.parametrize("name", MOVING)
@pytest.mark.parametrize("seed", range(20))
def test_numbered_words_arrive_where_the_correspondence_says(name: str, seed: int) -> None:
    view, correspondence = MOVING[name](ids(Passage.of(TEXT)), np.random.default_rng(seed))
    assert isinstance(correspondence, Index)
    said = ["new" if source < 0 else f"w{source}" for source in correspondence.index[0].tolist()]
    assert list(view.words) == said
    text, _ = MOVING[name](Passage.of(TEXT), np.random.default_rng(seed))
    assert Passage.of(text.text).words == text.words, "words ran together"


@pytest.mark.parametrize("name", TRANSFORMS)
def test_the_same_seed_gives_the_same_view_whatever_the_global_generators_hold(name: str) -> None:
    transform, item = TRANSFORMS[name], Passage.of(TEXT)
    first, one = transform(item, np.random.default_rng(7))
    for seed in range(3):
        random.seed(seed)
        other, two = pickle.loads(pickle.dumps(transform))(item, np.random.default_rng(7))
        assert other == first
        assert isinstance(one, Index)
        assert isinstance(two, Index)
        assert one.index.tolist() == two.index.tolist()
    assert item == Passage.of(TEXT), "the item itself was changed"
    others = {transform(item, np.random.default_rng(seed))[0].words for seed in range(40)}
    # Of the words of the example tables only `old` and `man` stand in this text.
    assert len(others) > (0 if name == "nothing" else 1)


def test_the_global_generator_goes_on_as_if_nothing_had_been_drawn() -> None:
    # The checks of types that run in the tests draw from it too, so that only the inside can be watched.
    drawn = []
    borrowed = _global_seed(np.random.default_rng(3))
    state = random.getstate()
    with borrowed:
        drawn.append(random.random())
    assert random.getstate() == state
    with _global_seed(np.random.default_rng(3)):
        drawn.append(random.random())
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("text", ["a", "東", "one two", "! ?"])
def test_short_passages_keep_at_least_a_word(name: str, text: str) -> None:
    for seed in range(10):
        view, correspondence = TRANSFORMS[name](Passage.of(text), np.random.default_rng(seed))
        assert len(view.words) >= 1
        assert isinstance(correspondence, Index)
        assert len(view.words) == correspondence.index.shape[1]


@pytest.mark.parametrize("name", NOISES)
def test_noise_changes_a_word_by_its_own_random_numbers_alone(name: str) -> None:
    item = Passage.of("because would 2 receive because")
    noisy = Noisy(NOISES[name], 1.0)
    changed = 0
    for seed in range(10):
        view, _ = noisy(item, np.random.default_rng(seed))
        other, _ = noisy(replace(item, words=("zzzz", *item.words[1:])), np.random.default_rng(seed))
        assert view.words[1:] == other.words[1:]
        assert view.gaps == item.gaps
        assert all(view.words)
        changed += view.words != item.words
    assert changed > 5


def test_a_share_of_nothing_changes_nothing_and_a_share_of_all_leaves_a_word() -> None:
    item = Passage.of(TEXT)
    for transform in (Delete(0.0), Swap(0.0), Insert(("x",), 0.0), Noisy(Characters(), 0.0), Crop(1.0, 1.0), chain()):
        view, correspondence = transform(item, np.random.default_rng(0))
        assert view.words == item.words
        assert isinstance(correspondence, Index)
        assert correspondence.index[0].tolist() == list(range(len(item.words)))
    assert len(Delete(1.0)(item, np.random.default_rng(0))[0].words) == 1


def test_shares_are_kept_on_average() -> None:
    item = Passage.of("word " * 2000)
    rng = np.random.default_rng(0)
    assert len(Delete(0.2)(item, rng)[0].words) == pytest.approx(1600, abs=60)
    assert len(Insert(("x",), 0.2)(item, rng)[0].words) == pytest.approx(2400, abs=60)
    assert Noisy(Reserved([("word", "other")]), 0.2)(item, rng)[0].words.count("other") == pytest.approx(400, abs=60)


def test_a_crop_keeps_its_place_in_the_file() -> None:
    item = Passage.of("zero one two three four five", start=50)
    for seed in range(5):
        view, correspondence = Crop(0.3, 0.5, shortest=1)(item, np.random.default_rng(seed))
        assert isinstance(correspondence, Index)
        assert view.spans == item.spans[int(correspondence.index[0, 0]) :][: len(view.words)]


def test_synonyms_come_from_a_table_and_keep_a_capital(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("big, large\n\nUS,America\nbig,great big\n", encoding="utf-8-sig")
    synonyms = Synonyms.read(path)
    assert {synonyms("Big", np.random.default_rng(seed)) for seed in range(9)} == {"Large", "Great big"}
    assert synonyms("US", np.random.default_rng(0)) == "America"
    assert synonyms("small", np.random.default_rng(0)) == "small"
    path.write_bytes("größe\n".encode("latin-1"))
    with pytest.raises(BadItemError, match=r"table\.csv:1: is not in UTF-8"):
        Synonyms.read(path)
    path.write_text("a,b\nalone")
    with pytest.raises(BadItemError, match=r"table\.csv:2: must be a word and its synonyms"):
        Synonyms.read(path)


def test_wrong_settings_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"share must lie in \[0, 1\], got 1\.5"):
        Delete(1.5)
    with pytest.raises(ValueError, match=r"least and most must run from lower to higher, got 0\.9 and 0\.5"):
        Crop(0.9, 0.5)
    with pytest.raises(ValueError, match="vocabulary of words"):
        Insert(())


def test_the_small_crop_keeps_a_fifth_to_a_half_of_the_words_and_four_at_least() -> None:
    for words, least, most in ((100, 20, 50), (10, 4, 5), (3, 3, 3)):
        item = Passage.from_words([f"w{number}" for number in range(words)])
        crops = [MODALITY.transforms["small_crop"](item, np.random.default_rng(seed))[0] for seed in range(100)]
        assert {min(len(crop.words) for crop in crops), max(len(crop.words) for crop in crops)} == {least, most}


def test_the_same_seed_gives_the_same_misspelling_in_every_process() -> None:
    """Workers and a resumed run are other processes, whose sets of strings have other orders."""
    code = (
        "import numpy as np; from gestalt.modalities.text.noise import Spelling; "
        "print([Spelling()(word, np.random.default_rng(0)) for word in ('because', 'their', 'beautiful', 'receive')])"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(printed) == 1
