"""A change of the source shows in the view where the correspondence says, and nowhere else."""

import random

import numpy as np
import pytest
import torch

from gestalt.core.data.correspondence import Affine
from gestalt.modalities.audio import MODALITY, Audio, Recording, default_views
from gestalt.modalities.audio.data import collate
from gestalt.modalities.audio.effects import BackgroundMix, Noise, loudness
from gestalt.modalities.audio.encoders import LogMel
from gestalt.modalities.audio.resnet import resnet18
from gestalt.modalities.audio.views import FrequencyCrop, FrequencyMask, PitchShift, Shift, TimeCrop

TRANSFORMS = {
    **MODALITY.transforms,
    "default views": MODALITY.views.views[0],
    "rich views": default_views(1.0, 1.8, rich=True).views[0],
}
SPECIMENS = MODALITY.specimens()
RAW = LogMel()


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_marked_element_shows_where_the_correspondence_says_and_nowhere_else(name: str) -> None:
    transform, tolerance = TRANSFORMS[name], MODALITY.tolerance
    # Stretched twice over, the phases of what follows a change are scrambled, and with them levels at edges.
    faint = 0.4 if name == "rich views" else 0.25
    shown = 0
    for seed in range(3):
        specimen = SPECIMENS[seed % 2]
        source = RAW(collate([specimen.item]))
        item, correspondence = transform(specimen.item, np.random.default_rng(seed))
        view = RAW(collate([item]))
        sources = correspondence.source_elements(view, source.grid)[0]
        for element in range(2, 60, 9):
            marked = specimen.mark(element)
            strength = float((RAW(collate([marked])).values - source.values).abs().max())
            other, _ = transform(marked, np.random.default_rng(seed))
            moved = (RAW(collate([other])).values - view.values).abs().amax(dim=2)[0]
            says = (sources == element).nonzero()[:, 0]
            near = ((sources - element).abs() <= tolerance) & (sources >= 0)
            reach = torch.nn.functional.max_pool1d(near[None].float(), 2 * tolerance + 1, 1, tolerance)[0] > 0
            assert float(moved[~reach].amax()) < faint * strength, f"{element} shows elsewhere"
            if len(says) and bool((sources[max(0, says[0] - 2) : says[-1] + 3] >= 0).all()):
                assert float(moved[says].amax()) > 0.05 * strength, f"{element} does not show"
                assert bool(near[int(moved.argmax())]), f"{element} shows most elsewhere"
                shown += 1
    assert shown > 5, "hardly any element was tested"


@pytest.mark.parametrize("name", TRANSFORMS)
def test_the_same_seed_gives_the_same_view_whatever_the_global_generators_hold(name: str) -> None:
    transform, item = TRANSFORMS[name], SPECIMENS[0].item
    before = item.samples.clone()
    first, a = transform(item, np.random.default_rng(7))
    for seed in range(3):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        other, b = transform(item, np.random.default_rng(7))
        after = np.random.random()  # noqa: NPY002
        np.random.seed(seed)  # noqa: NPY002
        assert np.random.random() == after, "the global generator was moved"  # noqa: NPY002
        assert torch.equal(other.samples, first.samples)
        assert isinstance(a, Affine)
        assert isinstance(b, Affine)
        assert torch.equal(a.matrix, b.matrix)
        assert torch.equal(a.offset, b.offset)
    assert torch.equal(item.samples, before), "the item itself was changed"
    assert not torch.equal(transform(item, np.random.default_rng(8))[0].samples, first.samples)


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("length", [1, 300, 4000, 16_001])
def test_views_of_items_of_any_length_and_of_silence_are_finite_float32(name: str, length: int) -> None:
    for samples in (torch.zeros(length), torch.from_numpy(np.random.default_rng(0).normal(size=length)).float()):
        if length < 4000 and name in ("time_stretch", "pitch_shift", "rich views"):
            continue  # shorter than the stretch's own window; recordings have at least 4000 samples
        view, correspondence = TRANSFORMS[name](Recording(samples, 16_000), np.random.default_rng(1))
        assert view.samples.dtype == torch.float32
        assert len(view.samples) >= 1
        assert bool(view.samples.isfinite().all())
        assert correspondence.known.tolist() == [True]


def test_a_crop_keeps_its_place_in_the_file() -> None:
    item = Recording(torch.arange(64_000.0), 16_000, start=8.0)
    view, correspondence = TimeCrop(1.0, 2.0)(item, np.random.default_rng(0))
    assert isinstance(correspondence, Affine)
    offset = float(correspondence.offset[0, 0])
    assert view.start == pytest.approx(8.0 + offset)
    assert float(view.samples[0]) == pytest.approx(offset * 16_000, abs=0.1)


@pytest.mark.parametrize("seed", [0, 2, 3])  # each leaves a gap of several elements
def test_the_gap_that_a_shift_leaves_shows_nothing_even_of_what_a_crop_left_out(seed: int) -> None:
    item = Recording(torch.ones(64_000), 16_000)
    crop, first = TimeCrop(2.0, 2.0)(item, np.random.default_rng(seed))
    view, second = Shift(0.5)(crop, np.random.default_rng(seed))
    features = RAW(collate([view]))
    shown = first.then(second).source_elements(features, RAW(collate([item])).grid)[0] >= 0
    centres = ((torch.arange(len(shown)) + 0.5) * 512).long()
    assert torch.equal(shown, view.samples[centres] == 1)


@pytest.mark.parametrize("transform", [FrequencyMask(1.0, 1.0), FrequencyCrop(3.0, 3.0)])
def test_hidden_frequencies_are_gone_and_the_others_stay(transform: FrequencyMask | FrequencyCrop) -> None:
    noise = torch.from_numpy(np.random.default_rng(0).normal(size=64_000)).float()
    view, correspondence = transform(Recording(noise, 16_000), np.random.default_rng(3))
    assert isinstance(correspondence, Affine)
    spectrum, before = torch.fft.rfft(view.samples).abs(), torch.fft.rfft(noise).abs()
    octaves = (torch.arange(len(spectrum)) * 16_000 / 64_000).clamp(min=1e-3).log2()
    place = octaves * correspondence.hidden_matrix[0, :, 1, 1, None] + correspondence.hidden_offset[0, :, 1, None]
    hidden = ((place >= 0) & (place < 1)).any(dim=0)
    edge = torch.nn.functional.max_pool1d(
        torch.diff(hidden.float(), prepend=hidden[:1].float()).abs()[None], 501, 1, 250
    )
    far = edge[0] == 0
    assert float(spectrum[hidden & far].square().mean()) < 1e-3 * float(before.square().mean())
    assert torch.allclose(spectrum[~hidden & far], before[~hidden & far], rtol=0.2, atol=8.0)


def test_pitch_moves_a_tone_to_the_frequency_cell_that_the_correspondence_says() -> None:
    encoder = resnet18(stride=8).eval()
    time = torch.arange(32_000) / 16_000
    item = Recording(0.5 * torch.sin(2 * torch.pi * 1000 * time), 16_000)
    view, correspondence = PitchShift(4.0, 4.0)(item, np.random.default_rng(0))
    assert isinstance(correspondence, Affine)
    peak = float(torch.fft.rfft(view.samples).abs().argmax()) / 2
    assert np.log2(peak) + float(correspondence.offset[0, 1]) == pytest.approx(np.log2(1000), abs=0.02)
    with torch.no_grad():
        features = encoder(collate([view]))
    cells = correspondence.source_elements(features, features.grid)
    assert bool((cells >= -1).all())
    assert not torch.equal(cells[0], torch.arange(cells.shape[1]))


def test_noise_and_backgrounds_keep_the_signal_to_noise_ratio() -> None:
    item = SPECIMENS[1].item
    background = Recording(torch.from_numpy(np.random.default_rng(1).normal(size=5_000)).float() * 3, 16_000)
    for transform in (Noise(10.0, 10.0), BackgroundMix([background], 10.0, 10.0)):
        view, _ = transform(item, np.random.default_rng(0))
        ratio = 20 * np.log10(loudness(item.samples) / loudness(view.samples - item.samples))
        assert ratio == pytest.approx(10.0, abs=1.0)
    with pytest.raises(ValueError, match="at least one background"):
        BackgroundMix([])


def test_the_small_crop_is_about_a_quarter_of_a_window() -> None:
    for seconds in (4.0, 10.0):
        crop = Audio(seconds=seconds).transforms["small_crop"]
        item = Recording(torch.randn(round(seconds * 16_000)), 16_000)
        lengths = [crop(item, np.random.default_rng(seed))[0].seconds / seconds for seed in range(50)]
        assert 0.2 <= min(lengths) < 0.22
        assert 0.28 < max(lengths) <= 0.3
