"""Supervoxels: whatever tubes look at the pixels, the clips that they come with, and the windows that they come in."""

import pytest
import torch
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import MergeAlike
from gestalt.core.discovery.observed import Observed, chained
from gestalt.core.discovery.regions import FineSegments, GroupRegions
from gestalt.core.networks.encoder import Network
from gestalt.modalities.video import MODALITY, Clip, collate
from gestalt.modalities.video.supervoxels import LargestSupervoxels, Supervoxels
from tests.implementations import seeded

FINE = Supervoxels(scale=400.0, min_size=20)
CLIPS = [specimen.item for specimen in MODALITY.specimens()]
ENCODERS = {"raw": {}, "conv": {}, "unet": {}, "r3d_18": {"stages": 1}}


def features_of(name: str, clips: list[Clip]) -> FeatureMap:
    torch.manual_seed(0)
    return Network(MODALITY.encoders[name](**ENCODERS[name])).eval().encode(collate(clips))


def partition(labels: Tensor) -> list[int]:
    """Numbers in the order in which they appear."""
    names: dict[int, int] = {}
    return [names.setdefault(number, len(names)) for number in labels.tolist()]


@pytest.mark.parametrize("name", ENCODERS)
def test_tubes_of_every_encoder_see_the_segments_of_the_pixels(name: str) -> None:
    data, features = collate(CLIPS), features_of(name, CLIPS)
    found, alone = FINE.cut(features, FINE.look(data, features), seeded()), FINE.of(data)
    assert found.labels.tolist() == alone.labels.tolist()
    assert found.grid is not None
    assert alone.grid is not None
    for mine, theirs in zip(found.grid.edges, alone.grid.edges, strict=True):
        torch.testing.assert_close(mine.expand_as(theirs), theirs, rtol=0, atol=0.5)  # odd convolutions


def test_a_clip_has_the_same_segments_beside_larger_ones_and_padding_has_none() -> None:
    together = FINE.of(collate(CLIPS))
    assert together.grid is not None
    for row, clip in enumerate(CLIPS):
        time, height, width = clip.size
        own = together.labels[row].view(together.grid.shape)
        assert own[:time, :height, :width].flatten().tolist() == FINE.of(collate([clip])).labels[0].tolist()
        inside = torch.zeros_like(own, dtype=torch.bool)
        inside[:time, :height, :width] = True
        assert bool((own[~inside] == -1).all())
        assert bool((own[inside] >= 0).all())


def test_windows_that_are_looked_at_one_by_one_are_cut_together() -> None:
    clip = CLIPS[0]
    halves = [Clip(clip.frames[:4], clip.edges[:5]), Clip(clip.frames[4:], clip.edges[4:] - clip.edges[4])]
    looked = [Observed(features, cuts=FINE.look(collate([half]), features))
              for half in halves for features in [features_of("raw", [half])]]  # fmt: skip
    whole = chained(looked)
    assert (
        FINE.cut(whole.features, whole.cuts, seeded(), window=4).labels.tolist()
        == FINE.of(collate([clip])).labels.tolist()
    )


def test_squares_that_drift_are_one_segment_each_in_all_frames() -> None:
    specimen = MODALITY.specimens()[0]
    found = Supervoxels(2000.0, 100).of(collate([specimen.item])).labels[0].view(specimen.item.size)
    numbers = []
    for _, mask in specimen.truth:
        inside, counts = found[mask].unique(return_counts=True)
        number = int(inside[counts.argmax()])
        assert int(counts.max()) > 0.9 * int(mask.sum())
        assert int((found == number).sum()) < 1.3 * int(mask.sum())
        numbers.append(number)
    assert len(set(numbers)) == 2


def test_a_finder_gives_objects_at_the_pixels() -> None:
    data = collate(CLIPS)
    finder = ObjectFinder(MergeAlike(0.0, objects=4096), "hidden", regions=GroupRegions(FINE))
    found = finder(Network(MODALITY.encoders["raw"]()).eval(), features_of("raw", CLIPS), data, seeded())
    for row, labels in enumerate(FINE.of(data).labels):
        assert partition(found.labels()[row]) == partition(labels)


def test_the_largest_are_objects_numbered_by_size() -> None:
    data = collate(CLIPS)
    found = LargestSupervoxels(FINE, objects=3)(data).labels()
    for row, labels in enumerate(FINE.of(data).labels):
        sizes = labels[labels >= 0].bincount().sort(descending=True).values[:3]
        assert found[row][found[row] >= 0].bincount().tolist() == sizes.tolist()


def test_what_cannot_be_cut_is_said() -> None:
    features = features_of("raw", CLIPS)
    assert features.grid is not None
    with pytest.raises(TypeError, match="got FineSegments"):
        FINE.cut(features, FineSegments(torch.zeros(3, 2, dtype=torch.long), None), seeded())
    with pytest.raises(ValueError, match="no such lattice"):
        FINE.look(collate(CLIPS), FeatureMap(features.values, features.valid))
    with pytest.raises(ValueError, match="min_size"):
        Supervoxels(min_size=0)
