"""The soundscapes of the recipe audio-events, and what is true of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from gestalt.core.experiment.options import Running
from gestalt.recipes.audio_events.recipe import AudioEvents, Options
from gestalt.recipes.audio_events.synthetic.levels import SILENCE_DB, amplitude, level
from gestalt.recipes.audio_events.synthetic.mixing import Mix, Soundscape, frame_labels, mix
from gestalt.recipes.audio_events.synthetic.sounds import Sound, Split
from gestalt.recipes.audio_events.synthetic.soundscapes import Samples, Soundscapes
from tests.audio_events.runs import few_varied_sounds
from tests.recordings import RATE


def by_source(sounds: Sequence[Sound]) -> set[str]:
    """The sources of sounds, the name where none is known."""
    return {sound.source or sound.name for sound in sounds}


@pytest.mark.parametrize("kind", ["sounds", "backgrounds"])
def test_no_sound_is_on_two_sides_of_the_split(samples: Samples, kind: str) -> None:
    split = getattr(samples, kind)
    parts = (split.train, split.validation, split.test)
    assert all(len(part) >= 3 for part in parts)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert not by_source(parts[first]) & by_source(parts[second])
    waveforms = [sound.samples.tobytes() for part in parts for sound in part]
    assert len(set(waveforms)) == len(waveforms)


@pytest.mark.parametrize("validate", [False, True])
def test_what_is_learned_from_and_what_is_evaluated_share_no_source(samples: Samples, validate: bool) -> None:
    made_of: list[Sound] = []
    with few_varied_sounds(made_of):
        options = Options(soundscapes=5, test_soundscapes=40, running=Running(Path("unused"), validate=validate))
        data = AudioEvents(options).data()
    assert data.truth is not None
    assert isinstance(data.items, Soundscapes)
    heard = by_source([*made_of, *data.items.backgrounds])
    every = {sound.name: sound for group in (samples.sounds, samples.backgrounds) for sound in whole(group)}
    names = {event.sound for scape in data.truth for event in scape.events}
    names |= {scape.background for scape in data.truth}
    assert len(names) > 12
    evaluated = by_source([every[name] for name in names])
    assert heard
    assert not heard & evaluated
    side = "validation" if validate else "test"
    allowed = by_source([*getattr(samples.sounds, side), *getattr(samples.backgrounds, side)])
    assert evaluated <= allowed


def whole(split: Split) -> tuple[Sound, ...]:
    """All sounds of a split."""
    return (*split.train, *split.validation, *split.test)


def numbered(samples: Samples, seed: int) -> Soundscapes:
    """Soundscapes of the sounds to learn from."""
    return Soundscapes(50, seed, samples.sounds.train, samples.backgrounds.train, Mix())


def test_soundscapes_follow_from_the_seed_and_their_number_alone(samples: Samples) -> None:
    first, again, other = numbered(samples, 3), numbered(samples, 3), numbered(samples, 4)
    again.soundscape(7)
    for index in (0, 11):
        one, two = first.soundscape(index), again.soundscape(index)
        assert one.samples.tobytes() == two.samples.tobytes()
        assert one.events == two.events
        assert one.background == two.background
        assert np.array_equal(one.levels, two.levels)
        assert one.samples.tobytes() != other.soundscape(index).samples.tobytes()
    assert first.soundscape(0).samples.tobytes() != first.soundscape(1).samples.tobytes()


def loudest(scape: Soundscape, moment: float, config: Mix) -> int:
    """The loudest event at a moment, by asking every event in turn."""
    best, loud = -1, SILENCE_DB
    for number, event in enumerate(scape.events):
        here = scape.levels[number, int(moment / config.window)]
        if event.onset <= moment < event.offset and here > loud:
            best, loud = number, float(here)
    return best


def test_the_truth_of_a_soundscape_lies_within_it_and_agrees_with_a_plain_loop(samples: Samples) -> None:
    config, scapes = Mix(), numbered(samples, 0)
    # Not on the borders of windows, where rounding decides.
    moments = (np.arange(125) + 0.5) * 0.032 + 0.0007
    overlapping = 0
    for index in range(20):
        scape = scapes.soundscape(index)
        assert len(scape.samples) == config.length
        assert np.abs(scape.samples).max() <= 1.0
        assert config.events[0] <= len(scape.events) <= config.events[1]
        assert [event.onset for event in scape.events] == sorted(event.onset for event in scape.events)
        for number, event in enumerate(scape.events):
            assert 0 <= event.onset < event.offset <= config.seconds
            assert config.snr[0] <= event.snr <= config.snr[1]
            windows = (np.arange(scape.levels.shape[1]) + 0.5) * config.window
            outside = (windows < event.onset) | (windows > event.offset)
            assert (scape.levels[number, outside] == SILENCE_DB).all()
        labels = frame_labels(scape, moments, config)
        assert labels.tolist() == [loudest(scape, moment, config) for moment in moments]
        overlapping += sum(
            sum(event.onset <= moment < event.offset for event in scape.events) > 1 for moment in moments
        )
    assert overlapping > 50, "the truth is easy where no two events overlap"


@pytest.mark.parametrize("snr", [-2.0, 10.0])
def test_an_event_has_the_signal_to_noise_ratio_that_its_truth_states(snr: float) -> None:
    noise = Sound(np.random.default_rng(0).standard_normal(5 * RATE).astype(np.float32), "noise", "background")
    tone = Sound(np.sin(np.arange(RATE, dtype=np.float32)), "tone", "event")

    def made(decibels: float) -> Soundscape:
        return mix(5, [tone], [noise], Mix(events=(1, 1), snr=(decibels, decibels), level=(-40.0, -40.0)))

    quiet, audible = made(-5.0), made(snr)
    (event,) = audible.events
    assert event.snr == snr
    part = slice(round(event.onset * RATE), round(event.offset * RATE))
    assert part.stop - part.start > RATE // 10
    # The two differ in nothing but the gain of the event.
    share = amplitude(snr) / (amplitude(snr) - amplitude(-5.0))
    signal = (audible.samples - quiet.samples) * share
    assert level(signal[part]) == pytest.approx(-40.0 + snr, abs=0.1)
    assert level(audible.samples - signal) == pytest.approx(-40.0, abs=0.1)


@pytest.mark.parametrize("snr", [(-40.0, -30.0), (-6.0, 3.0), (5.0, 2.0)])
def test_events_that_nobody_could_hear_are_refused(snr: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"snr must be a range above −6 dB, where the background masks an event, got"):
        Mix(snr=snr)


def test_the_faintest_events_are_heard(samples: Samples) -> None:
    config = Mix(snr=(-5.99, -5.99))
    for seed in range(20):
        scape = mix(seed, samples.sounds.train, samples.backgrounds.train, config)
        assert all(event.offset > event.onset for event in scape.events)
