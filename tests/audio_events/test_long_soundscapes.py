"""Long soundscapes with truth: what is found in them does not depend on where windows fall, nor on their length."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from benchmarks.moved_windows import events_of_moved_windows
from jaxtyping import Float

from gestalt.core.evaluation import Intervals, event_f1
from gestalt.core.networks.encoder import Network
from gestalt.core.runs.model import Model
from gestalt.modalities.audio import MODALITY, Audio
from gestalt.recipes.audio_events.recipe import TEST_SEED, events_finder
from gestalt.recipes.audio_events.synthetic.long import LongSoundscape, long_mix
from gestalt.recipes.audio_events.synthetic.mixing import Event, Mix
from gestalt.recipes.audio_events.synthetic.soundscapes import Samples, Soundscapes
from tests.recordings import RATE
from tests.test_long_sound import found_events, model_of


def found_in(samples: Float[np.ndarray, " time"], folder: Path) -> Intervals:
    """The events that `discover` writes of a recording."""
    path = folder / "soundscape.wav"
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    return Intervals.of(found_events(model_of(4.0), [path], folder / "out"))


def true_of(events: Sequence[Event], begin: float = 0.0) -> Intervals:
    """True events from a moment on."""
    return Intervals.of([(max(0.0, e.onset - begin), e.offset - begin) for e in events if e.offset > begin])


def scores_of(scape: LongSoundscape, begins: Sequence[float], folder: Path) -> list[float]:
    """Event F1 of a recording that begins later by so many seconds, so that all windows lie elsewhere in it."""
    found = [found_in(scape.samples[round(begin * RATE) :], folder) for begin in begins]
    return [event_f1([f], [true_of(scape.events, b)]).f1 for f, b in zip(found, begins, strict=True)]


def score_of_moved_windows(scape: LongSoundscape, first: float, folder: Path) -> float:
    """Event F1 of a recording whose windows, and nothing else, begin elsewhere."""
    path = folder / "soundscape.wav"
    soundfile.write(path, scape.samples, RATE, subtype="FLOAT")
    found = Intervals.of(events_of_moved_windows(model_of(4.0), path, first))
    return event_f1([found], [true_of(scape.events)]).f1


def long_one(samples: Samples, minutes: int, seed: int = 0) -> LongSoundscape:
    """Sounds that nothing was learned from."""
    return long_mix(seed, samples.sounds.test, samples.backgrounds.test, Mix(), 60.0 * minutes)


def of_short_ones(samples: Samples, folder: Path) -> tuple[float, float]:
    """Event F1 of 80 short soundscapes, and how far that of ten of them lies from another ten's."""
    short = Soundscapes(80, TEST_SEED, samples.sounds.test, samples.backgrounds.test, Mix())
    scapes = [short.soundscape(index) for index in range(len(short))]
    found, true = [found_in(scape.samples, folder) for scape in scapes], [true_of(scape.events) for scape in scapes]
    parts = [event_f1(found[part::8], true[part::8]).f1 for part in range(8)]
    return event_f1(found, true).f1, float(np.std(parts))


def test_events_of_ten_minutes_do_not_depend_on_where_windows_fall_and_are_found_as_well_as_in_short_ones(
    samples: Samples, tmp_path: Path
) -> None:
    scape = long_one(samples, 10)
    whole, later = scores_of(scape, (0.0, 1.3), tmp_path)
    assert abs(later - whole) < 0.01, (whole, later)
    for first in (0.7321, 2.5):
        assert abs(score_of_moved_windows(scape, first, tmp_path) - whole) < 0.005
    short, spread = of_short_ones(samples, tmp_path)
    assert abs(whole - short) < 2 * spread, (whole, short, spread)


def test_with_the_encoder_and_the_finder_of_the_recipe_the_same_events_are_found_wherever_windows_fall(
    samples: Samples, tmp_path: Path
) -> None:
    """Vectors of an untrained network are much alike, so that events of it lie within small distances."""
    torch.manual_seed(0)
    network = Network(MODALITY.encoders["dilated"]().eval())
    model = Model(Audio(seconds=4.0), network, {}, events_finder(threshold=0.003))
    scape, path, frame = long_one(samples, 5), tmp_path / "soundscape.wav", 0.032
    soundfile.write(path, scape.samples, RATE, subtype="FLOAT")
    heard = {0.0: found_events(model, [path], tmp_path / "out")}
    heard |= {first: events_of_moved_windows(model, path, first) for first in (0.7321, 2.5)}
    soundfile.write(path, scape.samples[round(64 * frame * RATE) :], RATE, subtype="FLOAT")
    heard[64.0] = [(on + 64 * frame, off + 64 * frame) for on, off in found_events(model, [path], tmp_path / "out")]
    whole, *moved = ({(round(on / frame), round(off / frame)) for on, off in events} for events in heard.values())
    assert len(whole) > 200
    for events in moved:
        assert len(whole & events) > 0.97 * len(whole), heard.keys()


def test_no_event_of_a_long_soundscape_is_cut_by_a_border_of_its_generator(samples: Samples) -> None:
    scape = long_one(samples, 2)
    assert len(scape.samples) == 120 * RATE
    assert 3 * 30 <= len(scape.events) <= 6 * 30
    assert [event.onset for event in scape.events] == sorted(event.onset for event in scape.events)
    assert all(0 <= event.onset < event.offset <= 120 for event in scape.events)
    assert sum(event.onset // 4 < (event.offset - 1e-6) // 4 for event in scape.events) > 20, "none crosses a border"
    again = long_one(samples, 2)
    assert again.samples.tobytes() == scape.samples.tobytes()
    with pytest.raises(ValueError, match=r"whole number of stretches of 4\.0 s, got 6"):
        long_mix(0, samples.sounds.test, samples.backgrounds.test, Mix(), 6.0)


@pytest.mark.long
def test_events_of_half_an_hour_do_not_depend_on_where_windows_fall_and_are_found_as_well_as_in_short_ones(
    samples: Samples, tmp_path: Path
) -> None:
    scape = long_one(samples, 30)
    whole, *later = scores_of(scape, (0.0, 0.7, 1.3, 121.9), tmp_path)
    moved = [score_of_moved_windows(scape, first, tmp_path) for first in (0.7321, 2.5)]
    parts = []
    for begin in (0.0, 600.0, 1200.0):  # as recordings of their own
        events = [event for event in scape.events if event.onset < begin + 600]
        found = found_in(scape.samples[round(begin * RATE) :][: 600 * RATE], tmp_path)
        parts.append(event_f1([found], [true_of(events, begin)]).f1)
    short, spread = of_short_ones(samples, tmp_path)
    print(f"event F1 {whole:.4f}; begun later {later}; windows moved {moved}; ten minutes each {parts}")
    print(f"short soundscapes {short:.4f}, spread {spread:.4f}")
    assert all(abs(score - whole) < 0.005 for score in moved), (whole, moved)
    assert all(abs(score - whole) < 0.01 for score in later), (whole, later)
    assert abs(whole - float(np.mean(parts))) < 0.01, (whole, parts)
    assert abs(whole - short) < 2 * spread, (whole, short, spread)
