"""Groupers weigh the seconds that parts of an item have in common, over all of these parts."""

import pytest
import torch

from gestalt.core.data.course import Course
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.parts import joined
from gestalt.core.data.pieces import one_behind_the_other, padded_features
from gestalt.core.data.places import Parts, parts_in
from gestalt.core.discovery.groupers import KMeans, Mixture
from gestalt.core.discovery.groupers.points import points
from gestalt.core.modality.joint.modality import joint
from gestalt.modalities.audio import MODALITY as AUDIO
from gestalt.modalities.image import MODALITY as IMAGE
from gestalt.modalities.text import MODALITY as TEXT
from gestalt.modalities.video import MODALITY as VIDEO
from tests.implementations import seeded

TIMED = ("sound", "frames")


def clip(sounds: int = 4, frames: int = 2, words: int = 3, kinds: bool = False) -> FeatureMap:
    """Four half seconds of sound, two seconds of frames with two pixels each, and three words; all vectors alike, or
    of two kinds in turn.
    """
    maps = {
        "sound": FeatureMap(
            torch.ones(1, sounds, 2), torch.ones(1, sounds, dtype=torch.bool), Grid.uniform((sounds,), (0.5,))
        ),
        "frames": FeatureMap(
            torch.ones(1, 2 * frames, 2),
            torch.ones(1, 2 * frames, dtype=torch.bool),
            Grid.uniform((frames, 2), (1.0, 7.0)),
        ),
        "words": FeatureMap(torch.ones(1, words, 2), torch.ones(1, words, dtype=torch.bool)),
    }
    if kinds:
        for own in maps.values():
            own.values[:, ::2, 0] = -1.0
    return joined(maps, TIMED)


def test_seconds_are_scaled_over_all_parts_in_time_and_the_others_lie_in_the_middle() -> None:
    both = clip()
    moments = [0.25, 0.75, 1.25, 1.75, 0.5, 0.5, 1.5, 1.5]  # of sound, then of two pixels in each frame
    expected = [3.0 * (2 * moment - 0.25 - 1.75) / (1.75 - 0.25) for moment in moments]
    found = points(both, spherical=True, position=3.0)[0]
    assert found.shape == (11, 3)
    assert found[:8, 2].tolist() == pytest.approx(expected)
    assert found[8:, 2].tolist() == [0.0] * 3


def test_an_item_without_its_parts_in_time_has_no_moments_and_changes_no_other_item() -> None:
    both = padded_features([clip(), clip(8, 4)])
    assert parts_in(both.places).in_time == TIMED
    valid = both.valid.clone()
    valid[0, parts_in(both.places).here("sound")] = False
    valid[0, parts_in(both.places).here("frames")] = False
    found = points(FeatureMap(both.values, valid, both.places), spherical=False, position=1.0)
    assert found.isfinite().all()
    assert found[0, :, -1].eq(0).all()
    alone = points(clip(8, 4), spherical=False, position=1.0)
    assert torch.allclose(found[1][both.valid[1]], alone[0])


@pytest.mark.parametrize("grouper", [KMeans(2, position=5.0), Mixture(2, position=5.0)], ids=["k-means", "mixture"])
def test_what_is_seen_and_heard_at_one_time_is_one_object_where_seconds_weigh_more_than_kinds(
    grouper: KMeans | Mixture,
) -> None:
    labels = grouper(clip(words=0, kinds=True), seeded()).labels()[0].tolist()
    early, late = labels[0], labels[3]
    assert early != late
    assert labels == [early, early, late, late, early, early, late, late]
    by_kind = KMeans(2)(clip(words=0, kinds=True), seeded()).labels()[0].tolist()
    assert by_kind == [by_kind[0], by_kind[1]] * 4
    assert by_kind[0] != by_kind[1]


def test_something_long_is_grouped_in_pieces_where_seconds_count() -> None:
    """Over a whole recording a place in time would make one object of what is far apart in kind."""
    windows = [clip(words=0, kinds=True) for _ in range(4)]
    from_windows = [Course.of(window) for window in windows]
    whole = one_behind_the_other(windows, from_windows)
    assert parts_in(whole.places).in_time == TIMED
    course = Course.of(whole)
    piece, _ = course.piece(whole, 0, course.moments // 2)
    assert parts_in(piece.places).in_time == TIMED
    short = Course(course.strands, course.moments, course.moments // 4)
    found = KMeans(2, position=5.0).group_long(whole, short, seeded())
    labels = found.labels()[0].tolist()
    assert found.objects > 2, "no object lasts for ever"
    sound, frames = labels[:16], labels[16:]
    for moment in range(16):
        assert sound[moment] == frames[2 * (moment // 2)] == frames[2 * (moment // 2) + 1]


def test_a_joint_modality_says_which_parts_lie_in_time() -> None:
    for modality, expected in (
        (joint(audio=AUDIO, video=VIDEO), ("audio", "video")),
        (joint(image=IMAGE, audio=AUDIO), ("audio",)),
        (joint(image=IMAGE, text=TEXT), ()),
    ):
        data = modality.collate([specimen.item for specimen in modality.specimens()][:2])
        for name in ("raw", "joint"):
            places = modality.encoders[name]()(data.to("cpu")).places
            assert parts_in(places).in_time == expected


def test_places_without_a_common_axis_are_refused_with_what_to_do() -> None:
    pictures = joined({"image": clip().part("frames"), "text": clip().part("words")})
    with pytest.raises(ValueError, match=r"none of image, text lies in time: set it to 0, or group part by part"):
        KMeans(2, position=1.0)(pictures, seeded())
    with pytest.raises(ValueError, match=r"\(sound, frames, words\) is one weight, that of their seconds, got 2"):
        KMeans(2, position=(1.0, 0.5))(clip(), seeded())
    with pytest.raises(ValueError, match="in_time names parts, which are a, b, got"):
        Parts(("a", "b"), (1, 1), (None, None), ("c",))
