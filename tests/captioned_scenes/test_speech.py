"""Spoken captions: every word is heard where its times say, by voices that differ between the parts of the data."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate, normalize

from gestalt.core.data.grid import Grid
from gestalt.recipes.captioned_scenes.synthetic import synthesis, synthesizer
from gestalt.recipes.captioned_scenes.synthetic.scenes import Composer, Composing
from gestalt.recipes.captioned_scenes.synthetic.speech import RATE, VOICES, speech, spoken, voice
from gestalt.recipes.captioned_scenes.synthetic.words import WORDS, Caption

CAPTION = Caption(("a", "turquoise", "bag", "is", "above", "a", "coat"), (), None)


def test_every_voice_says_every_word() -> None:
    names = [name for part in VOICES.values() for name in part]
    assert sorted(names) == sorted(synthesis.VOICES)
    for name in names:
        own = voice(name)
        assert tuple(own.words) == WORDS
        ends = [0, *(place for word in WORDS for place in own.words[word]), len(own.samples)]
        assert ends == sorted(ends)
        for word in WORDS:
            sound = own.word(word)
            assert 0.08 < len(sound) / RATE < 0.8
            assert 0.69 < float(sound.abs().max()) <= 0.701
    with pytest.raises(KeyError, match="no voice 'nobody'"):
        voice("nobody")


def test_every_word_is_heard_at_its_times_and_nothing_between() -> None:
    for seed in range(5):
        said = spoken(CAPTION, np.random.default_rng(seed), "train")
        samples = said.item.samples
        assert said.item.sample_rate == RATE
        ends = [0.0, *(place for span in said.spans for place in span), said.item.seconds]
        assert ends == sorted(ends)
        assert len(said.spans) == len(CAPTION.words)
        best = []
        for word, (begin, end) in zip(CAPTION.words, said.spans, strict=True):
            heard = samples[round(begin * RATE) : round(end * RATE)]
            likeness = {}
            for name in VOICES["train"]:
                own = interpolate(voice(name).word(word)[None, None], size=len(heard), mode="linear")[0, 0]
                likeness[name] = float(normalize(own, dim=0) @ normalize(heard, dim=0))
            best.append(max(likeness, key=lambda name: likeness[name]))
            assert likeness[best[-1]] > 0.97
        assert len(set(best)) == 1, "one voice says the whole caption"
        for (_, end), (begin, _) in zip(said.spans, said.spans[1:], strict=False):
            assert float(samples[round(end * RATE) : round(begin * RATE)].abs().max()) < 0.02


def test_a_caption_is_said_in_the_same_way_again_and_false_ones_by_the_same_voice() -> None:
    one, again = (spoken(CAPTION, np.random.default_rng(7), "test") for _ in range(2))
    assert torch.equal(one.item.samples, again.item.samples)
    other = spoken(CAPTION, np.random.default_rng(8), "test")
    assert one.spans != other.spans
    told = speech("train").told(Composer("train", 0, Composing()).scene(0))
    first = told.scene.caption.words[0]
    begin, end = (round(place * RATE) for place in told.spans[0])
    for sort, item in told.changed.items():
        if told.scene.changed[sort].words[0] == first:
            likeness = normalize(item.parts["audio"].samples[begin:end], dim=0) @ normalize(
                told.item.parts["audio"].samples[begin:end], dim=0
            )
            assert float(likeness) > 0.97


def test_elements_of_a_word_are_the_frames_within_its_times() -> None:
    told = speech("train").told(Composer("train", 0, Composing()).scene(1))
    count = int(told.item.parts["audio"].seconds / 0.064)
    grid = Grid.uniform((count,), (0.064,))
    for number, (begin, end) in enumerate(told.spans):
        inside = told.elements(number, number + 1, count, grid)
        centres = grid.centres()[0, :, 0][inside]
        assert bool(inside.any())
        assert len(centres) == 1 or (float(centres.min()) >= begin and float(centres.max()) < end)
    phrase = told.scene.caption.phrases[0]
    extent = next(extent for part, (_, extent) in told.truth() if part == "audio")
    assert extent == (told.spans[phrase.first][0], told.spans[phrase.last - 1][1])


def test_the_script_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesizer, "LIBRARY", "no-such-synthesiser")
    missing = "no-such-synthesiser, which is not installed; install it .*or use what ships"
    with pytest.raises(FileNotFoundError, match=missing):
        synthesizer.spoken("en-us", 50, 200, "bag")
    source = Path(synthesizer.__file__).read_text(encoding="utf-8")
    changed = tmp_path / "synthesizer.py"
    changed.write_text(source.replace('"espeak-ng"', '"no-such-synthesiser"'), encoding="utf-8")
    monkeypatch.setattr(synthesizer, "__file__", str(changed))
    with pytest.raises(RuntimeError, match=f"'a' was not spoken: .*{missing}"):
        synthesis.make(tmp_path / "speech")
