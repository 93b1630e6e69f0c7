"""Sounds of one recording in another: who is heard when, at which level and pitch, without the donor's own noise."""

import math
import time

import numpy as np
import pytest
import torch
from torch import Tensor

from gestalt.core.data.correspondence import Affine
from gestalt.core.data.feature_map import Grid
from gestalt.core.data.masks import ItemMasks
from gestalt.core.modality.transplant import Transplant
from gestalt.modalities.audio import transplants
from gestalt.modalities.audio.data import Recording
from gestalt.modalities.audio.transplants import transplant

RATE, SECONDS = 16_000, 4.0
BEGIN, END = 1.0, 1.6


def noise(level: float, seed: int = 0, seconds: float = SECONDS, rate: int = RATE) -> Tensor:
    return level * torch.randn(round(seconds * rate), generator=torch.Generator().manual_seed(seed))


def tone(hertz: float, begin: float = BEGIN, end: float = END, seconds: float = SECONDS, rate: int = RATE) -> Tensor:
    clock = torch.arange(round(seconds * rate)) / rate
    return torch.sin(2 * math.pi * hertz * clock) * ((clock >= begin) & (clock < end))


def stretch(begin: float = BEGIN, end: float = END, seconds: float = SECONDS, cells: int = 200) -> ItemMasks:
    grid = Grid.uniform((cells,), (seconds / cells,))
    middles = grid.centres()[0, :, 0]
    return ItemMasks(torch.where((middles >= begin) & (middles < end), 0, -1), grid)


def made(seed: int, host: Tensor, donor: Tensor, part: ItemMasks) -> Transplant[Recording]:
    found = transplant(Recording(host, RATE, 7.0), Recording(donor, RATE), part, np.random.default_rng(seed))
    assert found is not None
    return found


def heard(found: Transplant[Recording]) -> tuple[float, float]:
    """From when to when the owner says that anything of the donor is heard."""
    assert found.owner.grid is not None
    edges = found.owner.grid.edges[0][0]
    cells = (found.owner.labels.view(len(edges) - 1, -1) != 0).any(dim=1).nonzero()[:, 0]
    return float(edges[cells[0]]), float(edges[cells[-1] + 1])


def pitch(samples: Tensor) -> float:
    spectrum = torch.fft.rfft(samples * torch.hann_window(len(samples))).abs()
    return float(spectrum.argmax()) * RATE / len(samples)


@pytest.mark.parametrize("seed", range(12))
def test_a_sound_is_heard_when_the_owner_says_and_from_where_the_correspondence_says(seed: int) -> None:
    """Law 3: nothing of the host changes elsewhere, and moments of the donor, by their pitch, are where it says."""
    host, glide = noise(0.01), torch.zeros(round(SECONDS * RATE))
    clock = torch.arange(round(BEGIN * RATE), round(END * RATE)) / RATE
    rising = 400.0 * clock + 600.0 * (clock - BEGIN).square()  # 400 Hz and 1200 Hz more a second
    glide[round(BEGIN * RATE) : round(END * RATE)] = torch.sin(2 * math.pi * rising)
    found = made(seed, host, glide + noise(0.003, seed=1), stretch())
    begin, end = heard(found)
    change = found.item.samples - host
    clock = torch.arange(len(host)) / RATE
    outside = (clock < begin) | (clock >= end)
    assert not bool(change[outside].any())
    assert found.item.start == 7.0
    assert isinstance(found.donor, Affine)
    speed, offset = float(found.donor.matrix[0, 0, 0]), float(found.donor.offset[0, 0])
    assert float(found.donor.offset[0, 1]) == pytest.approx(-math.log2(speed), abs=1e-5)
    assert begin == pytest.approx((BEGIN - offset) / speed, abs=0.02)
    assert end == pytest.approx((END - offset) / speed, abs=0.02)
    for moment in (begin + 0.25 * (end - begin), begin + 0.75 * (end - begin)):
        first = round(moment * RATE) - 400
        expected = speed * (400.0 + 1200.0 * (speed * moment + offset - BEGIN))
        assert pitch(change[first : first + 800]) == pytest.approx(expected, rel=0.06)


def test_a_sound_comes_without_the_noise_of_its_recording() -> None:
    quiet, loud = list[float](), list[float]()
    for seed in range(8):
        for level, kept in ((0.0, quiet), (0.1, loud)):
            donor = tone(1000.0) + noise(level, seed=3)
            change = made(seed, noise(0.01), donor, stretch()).item.samples - noise(0.01)
            spectrum = torch.fft.rfft(change).abs().square()
            hertz = torch.fft.rfftfreq(len(change), 1 / RATE)
            own = ((hertz > 700) & (hertz < 1400)).float()
            kept.append(float((spectrum * (1 - own)).sum() / spectrum.sum()))
    assert np.mean(loud) < 0.006  # of the recording's own noise there would be 2 %
    assert np.mean(quiet) < 0.005


def test_levels_pitches_and_places_vary_about_the_noise_of_the_host() -> None:
    levels, places, speeds = [], [], []
    host = noise(0.01)
    for seed in range(60):
        found = transplant(Recording(host, RATE), Recording(tone(800.0), RATE), stretch(), np.random.default_rng(seed))
        if found is None:
            continue
        begin, end = heard(found)
        change = (found.item.samples - host)[round((begin + 0.05) * RATE) : round((end - 0.05) * RATE)]
        levels.append(10 * math.log10(float(change.square().mean())) + 40)
        places.append(begin)
        assert isinstance(found.donor, Affine)
        speeds.append(float(found.donor.matrix[0, 0, 0]))
    assert len(levels) > 50
    assert min(levels) > -4.5  # below, it is not clearly heard, and refused
    assert max(levels) < 15
    assert np.ptp(levels) > 10
    assert np.ptp(places) > 2
    moved = [speed for speed in speeds if speed != 1.0]
    assert 8 < len(moved) < 35
    assert 0.79 < min(moved) < 1 < max(moved) < 1.26


def test_what_is_hardly_louder_than_the_host_is_owned_by_neither() -> None:
    host = noise(0.01)
    host[: 2 * RATE] *= 30
    owners = torch.zeros(3)
    for seed in range(30):
        found = transplant(Recording(host, RATE), Recording(tone(800.0), RATE), stretch(), np.random.default_rng(seed))
        if found is not None:
            begin, end = heard(found)
            assert found.owner.grid is not None
            middles = found.owner.grid.centres()[0, :, 0]
            change = (found.item.samples - host).square()
            power = torch.stack([one.mean() for one in change.tensor_split(len(middles))])
            beneath = torch.stack([one.mean() for one in host.square().tensor_split(len(middles))])
            inside = (middles > begin) & (middles < end)
            assert (power[found.owner.labels == 1] > 0.3 * beneath[found.owner.labels == 1]).all()
            assert (
                power[(found.owner.labels == -1) & inside] < 0.7 * beneath[(found.owner.labels == -1) & inside]
            ).all()
            owners += torch.bincount(found.owner.labels + 1, minlength=3)
    assert (owners > 20).all()


def test_a_part_of_time_and_frequency_brings_its_own_frequencies_and_owns_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transplants, "MOVED", 0.0)
    donor = tone(500.0) + tone(4000.0)
    grid = Grid((Grid.uniform((100,), (SECONDS / 100,)).edges[0], torch.linspace(6.0, 13.0, 15)[None]))
    centres = grid.centres()[0]
    low = (centres[:, 0] >= BEGIN) & (centres[:, 0] < END) & (centres[:, 1] < 10.5)
    host = noise(0.01)
    found = made(2, host, donor, ItemMasks(torch.where(low, 0, -1), grid))
    begin, end = heard(found)
    change = (found.item.samples - host)[round((begin + 0.05) * RATE) : round((end - 0.05) * RATE)]
    spectrum = torch.fft.rfft(change).abs().square()
    hertz = torch.fft.rfftfreq(len(change), 1 / RATE)
    assert pitch(change) == pytest.approx(500.0, rel=0.03)
    assert float(spectrum[hertz > 2000].sum() / spectrum.sum()) < 1e-3
    assert found.owner.grid is not None
    places = found.owner.grid.centres()[0]
    own = places[found.owner.labels == 1]
    assert len(own) > 20
    assert (own[:, 1] < 10.5).all()
    near = (places[:, 1] > 8.5) & (places[:, 1] < 9.5) & (places[:, 0] > begin + 0.05) & (places[:, 0] < end - 0.05)
    assert float((found.owner.labels[near] == 1).float().mean()) > 0.8


@pytest.mark.parametrize("rate", [8_000, 44_100, 100])
def test_any_sample_rate_and_short_windows_will_do(rate: int) -> None:
    seconds = 1.0
    host, donor = (
        noise(0.01, 0, seconds, rate),
        tone(rate / 8, 0.3, 0.6, seconds, rate) + noise(0.001, 1, seconds, rate),
    )
    found = transplant(
        Recording(host, rate), Recording(donor, rate), stretch(0.3, 0.6, seconds, 50), np.random.default_rng(1)
    )
    assert found is not None
    assert bool(found.item.samples.isfinite().all())
    assert len(found.item.samples) == len(host)


def test_a_silent_host_gets_the_sound_at_its_own_level() -> None:
    found = made(0, torch.zeros(round(SECONDS * RATE)), tone(500.0), stretch())
    assert 0.05 < float(found.item.samples.abs().max()) < 4.0


@pytest.mark.parametrize("case", ["silent", "rates", "click", "long", "empty", "drowned"])
def test_a_part_that_cannot_be_heard_or_does_not_fit_is_refused(case: str) -> None:
    host, donor, part, rate = noise(0.01), tone(500.0), stretch(), RATE
    if case == "silent":
        donor = torch.zeros_like(donor)
    elif case == "rates":
        rate = 8_000
    elif case == "click":
        part = stretch(1.0, 1.02)
    elif case == "long":
        host = noise(0.01, seconds=0.5)
    elif case == "empty":
        part = stretch(9.0, 9.5)
    else:
        donor = noise(0.1, seed=4)  # nothing but the noise that is subtracted
    rngs = [np.random.default_rng(seed) for seed in range(6)]
    assert [transplant(Recording(host, RATE), Recording(donor, rate), part, rng) for rng in rngs] == [None] * 6


def test_it_takes_a_few_milliseconds() -> None:
    host, donor = Recording(noise(0.01), RATE), Recording(tone(500.0) + noise(0.001, seed=1), RATE)
    part, rng = stretch(), np.random.default_rng(0)

    def seconds() -> float:
        began = time.process_time()
        for _ in range(10):
            transplant(host, donor, part, rng)
        return (time.process_time() - began) / 10

    assert min(seconds() for _ in range(4)) < 0.01
