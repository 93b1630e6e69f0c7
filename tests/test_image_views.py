"""Every transform of pictures shows what it says, where it says, and hides what it says."""

import pickle

import numpy as np
import pytest
import torch

from gestalt.core.data.correspondence import Affine
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.modalities.image import MODALITY, Image, chain, collate, default_views
from gestalt.modalities.image.adversarial import Adversarial
from gestalt.modalities.image.effects import Blur, ColourJitter, Grey, Solarise
from gestalt.modalities.image.encoders import Conv
from gestalt.modalities.image.saliency import SaliencyMask, border_saliency
from gestalt.modalities.image.views import CutOut, Flip, Resize, ResizedCrop, Rotate

MOVING = {
    "crop": ResizedCrop(48, (0.3, 0.9)),
    "resize": Resize(100),
    "flip": Flip(),
    "upside down": Flip(upright=False),
    "rotation": Rotate(40.0),
    "rotation of a crop": chain((1.0, ResizedCrop(60, (0.4, 0.8))), (1.0, Rotate(30.0)), (1.0, Flip())),
    "crop of a rotation": chain((1.0, Rotate(30.0)), (1.0, ResizedCrop(60, (0.4, 0.8)))),
    "cut-out": chain((1.0, CutOut()), (1.0, Rotate(20.0))),
    "crop, thus a cut-out": chain((1.0, ResizedCrop(60, (0.4, 0.8))), (1.0, CutOut()), (1.0, Flip())),
}
TRANSFORMS = {**MODALITY.transforms, "view": MODALITY.views.views[1], "source": MODALITY.views.source}


def places(height: int, width: int) -> torch.Tensor:
    """A picture whose first two channels are the place of the pixel, in [0.25, 0.75]; the third is 0.1."""
    down, across = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return torch.stack([0.25 + 0.5 * down / height, 0.25 + 0.5 * across / width, torch.full((height, width), 0.1)])


@pytest.mark.parametrize("name", MOVING)
@pytest.mark.parametrize("size", [(64, 64), (50, 90)])
def test_coordinates_pushed_through_a_transform_are_those_of_its_correspondence(
    name: str, size: tuple[int, int]
) -> None:
    item, seen = places(*size), 0
    for seed in range(4):
        view, rule = MOVING[name](item, np.random.default_rng(seed))
        assert isinstance(rule, Affine)
        pixels = Grid.uniform(tuple(view.shape[1:]), (1.0, 1.0))
        features = FeatureMap(
            torch.zeros(1, pixels.elements, 1), torch.ones(1, pixels.elements, dtype=torch.bool), pixels
        )
        shown = rule.source_elements(features, Grid.uniform(size, (1.0, 1.0))).view(view.shape[1:])
        true = torch.stack([shown // size[1] + 0.5, shown % size[1] + 0.5])
        found = (view[:2] - 0.25) / 0.5 * torch.tensor(size)[:, None, None]
        inner = torch.nn.functional.max_pool2d((shown < 0)[None].float(), 5, 1, 2)[0] == 0  # interpolation blurs rims
        inner[:2], inner[-2:], inner[:, :2], inner[:, -2:] = False, False, False, False
        assert float((found - true).abs().amax(dim=0)[inner].max()) < 1.6
        # What is grey, not the picture, is said to be hidden, but for its rim.
        strange = (view[2] - 0.1).abs() > 0.02
        assert not bool((strange & inner).any())
        seen += int(inner.sum())
    assert seen > 2000


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("channels", [1, 3, 7])
@pytest.mark.parametrize("size", [(16, 16), (17, 61)])
def test_views_of_any_channels_and_sizes_are_finite_and_within_bounds(
    name: str, channels: int, size: tuple[int, int]
) -> None:
    if name == "adversarial" and channels != 3:
        return  # the network that comes with the modality was built for its three channels
    for item in (torch.zeros(channels, *size), torch.rand(channels, *size, generator=torch.Generator().manual_seed(0))):
        before = item.clone()
        view, rule = TRANSFORMS[name](item, np.random.default_rng(1))
        assert view.dtype == torch.float32
        assert view.shape[0] == channels
        assert bool(view.isfinite().all())
        assert -1e-5 <= float(view.min()) <= float(view.max()) <= 1 + 1e-5
        assert rule.known.tolist() == [True]
        assert torch.equal(item, before)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_transform_travels_to_worker_processes(name: str) -> None:
    item = MODALITY.specimens()[0].item
    there = pickle.loads(pickle.dumps(TRANSFORMS[name]))
    assert torch.equal(there(item, np.random.default_rng(5))[0], TRANSFORMS[name](item, np.random.default_rng(5))[0])


def test_effects_are_what_their_formulas_say() -> None:
    item = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))
    rng = np.random.default_rng(0)
    grey = 0.2989 * item[0] + 0.5870 * item[1] + 0.1140 * item[2]
    assert torch.allclose(Grey()(item, rng)[0], grey.expand(3, -1, -1), atol=1e-6)
    assert torch.equal(Solarise(0.4)(item, rng)[0], torch.where(item >= 0.4, 1 - item, item))
    assert torch.allclose(ColourJitter(0.0, 0.0, 0.0, 0.0)(item, rng)[0], item, atol=1e-5)
    assert float(Blur(1.0, 1.0)(item, rng)[0].std()) < 0.7 * float(item.std())
    brighter, _ = ColourJitter(0.5, 0.0, 0.0, 0.0)(item, np.random.default_rng(3))
    ratio = (brighter / item)[(brighter < 0.99) & (item > 0.1)]
    assert float(ratio.std()) < 1e-3
    assert 0.5 <= float(ratio.mean()) <= 1.5


def test_a_saliency_mask_removes_the_border_colour_and_keeps_what_stands_out() -> None:
    item = torch.full((3, 60, 60), 0.3)
    item[0, 20:40, 20:40] = 0.9
    assert float(border_saliency(item)[30, 30]) > 10 * float(border_saliency(item)[5, 5])
    view, rule = SaliencyMask(kept=0.0)(item, np.random.default_rng(0))
    assert torch.equal(view[:, 20:40, 20:40], item[:, 20:40, 20:40])
    assert len(view[:, :9].unique()) == 1
    grid = Grid.uniform((6, 6), (10.0, 10.0))
    cells = FeatureMap(torch.zeros(1, 36, 1), torch.ones(1, 36, dtype=torch.bool), grid)
    shown = rule.source_elements(cells, grid).view(6, 6)
    assert (shown >= 0).nonzero().tolist() == [[2, 2], [2, 3], [3, 2], [3, 3]]
    passed, _ = SaliencyMask(saliency=lambda x: 1 - border_saliency(x), kept=0.0)(item, np.random.default_rng(0))
    assert torch.equal(passed[:, :10], item[:, :10])


def test_an_adversarial_view_is_near_in_pixels_and_far_in_features() -> None:
    torch.manual_seed(0)
    encoder, item = Conv(width=16, kernels=(3,)), MODALITY.specimens()[0].item
    view, _ = Adversarial(encoder, most=0.02, steps=3)(item, np.random.default_rng(0))
    noise = torch.from_numpy(np.random.default_rng(1).choice([-0.02, 0.02], tuple(item.shape))).float()
    assert float((view - item).abs().max()) <= 0.02 + 1e-6
    with torch.no_grad():
        plain, moved, random = (encoder(collate([x])).values for x in (item, view, (item + noise).clamp(0, 1)))
    assert float((moved - plain).norm()) > 2 * float((random - plain).norm())
    assert all(parameter.grad is None for parameter in encoder.parameters())


def test_the_source_spans_all_views_at_twice_their_size_and_small_views_come_last() -> None:
    item = torch.rand(3, 90, 120)
    for kind in ("span", "whole"):
        views = default_views(32, "whole" if kind == "whole" else "span", large=2, small=3, small_size=16)
        source, _ = views.source(item, np.random.default_rng(0))
        assert source.shape == (3, 64, 64)
        shapes = [tuple(view(source, np.random.default_rng(0))[0].shape[1:]) for view in views.views]
        assert shapes == [(32, 32)] * 2 + [(16, 16)] * 3
        for view in views.views:
            shown, rule = view(source, np.random.default_rng(2))
            corners = torch.tensor([[0.0, 0.0], [float(shown.shape[1])] * 2])
            assert isinstance(rule, Affine)
            positions = corners @ rule.matrix[0].T + rule.offset[0]
            assert -1e-3 <= float(positions.min()) <= float(positions.max()) <= 64 + 1e-3


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ResizedCrop(0), r"size must lie in \[1, 65536\], got 0"),
        (lambda: ResizedCrop(8, (0.5, 0.2)), r"area must run from lower to higher, got 0\.5 and 0\.2"),
        (lambda: Rotate(200.0), "got 200.0"),
        (lambda: CutOut((0.0, 0.5)), r"area must lie in \(0, 1\), got 0\.0"),
        (lambda: Blur(2.0, 1.0), r"least and most must run from lower to higher, got 2\.0 and 1\.0"),
        (lambda: ColourJitter(hue=0.7), r"hue must lie in \[0, 0\.5\], got 0\.7"),
        (lambda: SaliencyMask(share=1.0), r"share must lie in \(0, 1\), got 1\.0"),
        (lambda: Adversarial(Conv(16), most=0.0), r"most must lie in \(0, 1\], got 0\.0"),
        (lambda: default_views(large=1), "two in all"),
    ],
)
def test_senseless_settings_are_refused_in_words(build: object, message: str) -> None:
    assert callable(build)
    with pytest.raises(ValueError, match=message):
        build()


def test_the_small_crop_shows_little_of_the_picture_at_half_the_size_of_a_view() -> None:
    for size in (64, 96):
        crop = Image(size=size).transforms["small_crop"]
        areas = []
        for seed in range(50):
            view, correspondence = crop(torch.rand(3, 100, 120), np.random.default_rng(seed))
            assert view.shape == (3, size // 2, size // 2)
            assert isinstance(correspondence, Affine)
            areas.append(float(correspondence.matrix[0].det()) * (size // 2) ** 2 / (100 * 120))
        assert 0.07 < min(areas) < 0.12
        assert 0.26 < max(areas) < 0.31
