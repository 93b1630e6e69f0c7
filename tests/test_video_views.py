"""What a view of a clip shows is where its correspondence says: in time, in the picture, and in both at once."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Float
from torch import Tensor

from gestalt.core.data.correspondence import AbstractCorrespondence, Affine
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.modality.transform import AbstractTransform
from gestalt.modalities.video import MODALITY, Clip, chain, default_views
from gestalt.modalities.video.effects import Blur, ColourJitter, Grey, Noise, Solarise
from gestalt.modalities.video.space import CutOut, Flip, ResizedCrop, Rotation
from gestalt.modalities.video.views import Reverse, Stride, TimeCrop, TimeJitter
from tests.video_files import clip_of, numbers_of

UNEVEN = [0.0, 0.1, 0.3, 0.35, 0.6, 0.7, 0.8, 1.0, 1.05, 1.4, 1.45, 1.5]
EVEN = [number / 8 for number in range(12)]


def apply(transform: AbstractTransform[Clip], item: Clip, seed: int = 0) -> tuple[Clip, Affine]:
    view, correspondence = transform(item, np.random.default_rng(seed))
    assert isinstance(correspondence, Affine)
    return view, correspondence


def on_frames(item: Clip) -> FeatureMap:
    """One element per frame, the whole picture."""
    edges = [item.edges[None], torch.tensor([[0.0, float(item.size[1])]]), torch.tensor([[0.0, float(item.size[2])]])]
    return FeatureMap(torch.zeros(1, item.size[0], 1), torch.ones(1, item.size[0], dtype=torch.bool), Grid((*edges,)))


def promised(correspondence: AbstractCorrespondence, view: Clip, item: Clip) -> list[int]:
    source: Grid | None = on_frames(item).grid
    return correspondence.source_elements(on_frames(view), source)[0].tolist()


MOVING = {
    "time_crop": TimeCrop(0.3, 0.9),
    "reverse": Reverse(),
    "stride": Stride(4),
    "time_jitter": TimeJitter(0.4, 2.5),
    "in a row": chain((1.0, Reverse()), (1.0, TimeCrop(0.5, 0.9)), (1.0, Stride(2))),
}


@pytest.mark.parametrize("name", MOVING)
@pytest.mark.parametrize("edges", [EVEN, UNEVEN], ids=["even", "uneven"])
def test_every_frame_of_a_view_is_the_frame_that_the_correspondence_names(name: str, edges: list[float]) -> None:
    item = clip_of(range(1, 12), edges)
    lengths = set()
    for seed in range(25):
        view, correspondence = apply(MOVING[name], item, seed)
        assert [number - 1 for number in numbers_of(view)] == promised(correspondence, view, item)
        lengths.add(len(view.frames))
    assert len(lengths) > 1 or name == "reverse"


def ramp(height: int = 40, width: int = 56) -> Clip:
    """Two frames whose red encodes the row and whose green encodes the column, four values for a pixel."""
    y, x = torch.meshgrid(torch.arange(height) * 4, torch.arange(width) * 4, indexing="ij")
    picture = torch.stack([y, x, torch.full_like(y, 255)]).to(torch.uint8)
    return Clip(picture.expand(2, -1, -1, -1).contiguous(), torch.tensor([0.0, 0.5, 1.0]))


def positions(correspondence: Affine, view: Clip) -> Float[Tensor, "points 3"]:
    """Where the centres of the view's pixels lie in the source."""
    _, height, width = view.size
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    points = torch.stack([torch.full_like(y, 0.25), y, x], dim=-1).view(-1, 3)
    return points @ correspondence.matrix[0].T + correspondence.offset[0]


SPACE = {
    "resized_crop": ResizedCrop(24, 0.1),
    "flip": Flip(),
    "upside down": Flip(upright=False),
    "rotation": Rotation(40.0),
    "in a row": chain((1.0, ResizedCrop(32)), (1.0, Rotation(30.0)), (1.0, Flip()), (1.0, ResizedCrop(20))),
}


@pytest.mark.parametrize("name", SPACE)
def test_every_pixel_of_a_view_shows_the_place_that_the_correspondence_names(name: str) -> None:
    item = ramp()
    for seed in range(4):
        view, correspondence = apply(SPACE[name], item, seed)
        _, height, width = view.size
        place = positions(correspondence, view)
        lit = (view.frames[0, 2] > 250).flatten()  # not the black corners of a turned picture
        # Away from the border, where resizing repeats the last pixels.
        _, h, w = item.size
        inside = lit & (place[:, 1] > 4) & (place[:, 1] < h - 4) & (place[:, 2] > 4) & (place[:, 2] < w - 4)
        inside &= torch.nn.functional.pad(torch.ones(height - 4, width - 4), (2, 2, 2, 2)).bool().flatten()
        seen = view.frames[0, :2].flatten(1).float() / 4
        assert int(inside.sum()) > 40
        assert float((seen[0][inside] - (place[inside, 1] - 0.5)).abs().max()) < 1.0
        assert float((seen[1][inside] - (place[inside, 2] - 0.5)).abs().max()) < 1.0


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_corners_that_a_rotation_leaves_black_show_nothing_even_after_a_crop(seed: int) -> None:
    item = ramp()
    view, correspondence = apply(chain((1.0, ResizedCrop(32, 0.3, 0.5)), (1.0, Rotation(45.0))), item, seed)
    pixels = Grid.uniform((1, 32, 32), (1.0, 1.0, 1.0))
    source = Grid.uniform((1, 40, 56), (1.0, 1.0, 1.0))
    features = FeatureMap(torch.zeros(1, 1024, 1), torch.ones(1, 1024, dtype=torch.bool), pixels)
    shown = correspondence.source_elements(features, source)[0] >= 0
    black = (view.frames[0, 2] == 0).flatten()
    assert not bool((shown & black).any())
    assert int(shown.sum()) > 400


def test_two_views_meet_only_where_they_overlap_in_time_and_in_the_picture() -> None:
    source = Grid.uniform((8, 4, 4), (1.0, 8.0, 8.0))
    early = Affine.of([1.0, 1.0, 1.0], [0.0, 0.0, 0.0])
    late_right = Affine.of([1.0, 1.0, 1.0], [4.0, 0.0, 16.0])
    view = Grid.uniform((5, 4, 3), (1.0, 8.0, 8.0))
    features = FeatureMap(torch.zeros(1, 60, 1), torch.ones(1, 60, dtype=torch.bool), view)
    one = set(early.source_elements(features, source)[0].tolist()) - {-1}
    two = set(late_right.source_elements(features, source)[0].tolist()) - {-1}
    centres = source.centres()[0]
    assert {tuple(centres[place].tolist()) for place in one & two} == {(4.5, y, 20.0) for y in (4.0, 12.0, 20.0, 28.0)}


EFFECTS = {
    "colour_jitter": ColourJitter(),
    "grey": Grey(),
    "blur": Blur(0.02, 0.03),
    "solarise": Solarise(),
    "noise": Noise(0.02, 0.05),
    "cut": CutOut(),
}


@pytest.mark.parametrize("name", EFFECTS)
def test_equal_frames_stay_equal_so_that_nothing_flickers(name: str) -> None:
    frames = MODALITY.specimens()[0].item.frames[:1]
    other = MODALITY.specimens()[1].item.frames[:1] // 2  # a darker frame, whose mean is another
    item = Clip(torch.cat([frames, other, frames]), torch.arange(4.0))
    view, correspondence = apply(EFFECTS[name], item, seed=3)
    assert torch.equal(view.frames[0], view.frames[2])
    assert not torch.equal(view.frames, item.frames)
    assert torch.equal(correspondence.matrix[0], torch.eye(3))


def test_a_cut_box_is_grey_in_every_frame_and_hidden_there_alone() -> None:
    item = ramp()
    view, correspondence = apply(CutOut(0.1, 0.2), item)
    pixels = Grid.uniform((2, 40, 56), (0.5, 1.0, 1.0))
    features = FeatureMap(torch.zeros(1, 4480, 1), torch.ones(1, 4480, dtype=torch.bool), pixels)
    hidden = (correspondence.source_elements(features, pixels)[0] < 0).view(2, 40, 56)
    assert torch.equal(hidden, (view.frames == 127).all(dim=1))
    assert 0.05 < float(hidden.float().mean()) < 0.25


def test_small_views_come_behind_the_large_ones() -> None:
    views = default_views(size=32, count=2, small=2, small_size=16)
    item = MODALITY.specimens()[0].item
    assert [apply(view, item)[0].size[1:] for view in views.views] == [(32, 32)] * 2 + [(16, 16)] * 2
    share = [
        float(apply(view, item)[1].matrix[0].diagonal()[1:].prod()) * side**2
        for view, side in zip(views.views, (32, 32, 16, 16), strict=True)
    ]
    assert min(share[:2]) >= 0.35 * 32 * 40 > max(share[2:])


def test_default_views_have_one_size_and_differ_in_time_place_and_colour() -> None:
    views = default_views(size=24, shortest=0.5, stride=2, reverse=0.5, count=3)
    assert len(views.views) == 3
    item = MODALITY.specimens()[0].item
    seen = [apply(views.views[0], item, seed) for seed in range(12)]
    assert {view.size[1:] for view, _ in seen} == {(24, 24)}
    assert len({view.size[0] for view, _ in seen}) > 1
    assert {float(rule.matrix[0, 0, 0]) for _, rule in seen} == {1.0, -1.0}
    assert len({tuple(rule.offset[0, 1:].tolist()) for _, rule in seen}) > 6


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: TimeCrop(0.9, 0.5), lambda: Stride(0), lambda: TimeJitter(2.0, 1.0), lambda: ResizedCrop(0),
        lambda: Rotation(181.0), lambda: CutOut(0.5, 0.4), lambda: Blur(0.0), lambda: Solarise(0.9, 0.1),
        lambda: ColourJitter(hue=0.7), lambda: Noise(0.2, 0.1),
    ],
)  # fmt: skip
def test_ranges_the_wrong_way_round_are_refused_with_what_was_got(wrong: object) -> None:
    assert callable(wrong)
    with pytest.raises(ValueError, match=r"got \d|got -?\d"):
        wrong()


def test_the_small_crop_shows_little_of_the_picture_at_half_the_size_of_a_view_for_all_its_time() -> None:
    clip = Clip(torch.randint(0, 256, (3, 3, 100, 120), dtype=torch.uint8), torch.arange(4.0))
    large = default_views().views[0](clip, np.random.default_rng(0))[0].size[1]
    areas = []
    for seed in range(50):
        view, correspondence = MODALITY.transforms["small_crop"](clip, np.random.default_rng(seed))
        assert view.size == (3, large // 2, large // 2)
        assert isinstance(correspondence, Affine)
        areas.append(float(correspondence.matrix[0].det()) * (large // 2) ** 2 / (100 * 120))
    assert 0.07 < min(areas) < 0.12
    assert 0.26 < max(areas) < 0.31
