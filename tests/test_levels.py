"""Levels of an encoder: parts of its vectors that are grouped and compared apart."""

from collections.abc import Mapping
from typing import final

import pytest
import torch
from torch import nn

from gestalt.core.data.correspondence import Affine
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.data.view import Batch, View
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import KMeans
from gestalt.core.discovery.segmenters import GivenMasks
from gestalt.core.methods.method import DataInfo
from gestalt.core.methods.odin_rounds import OdinRounds
from gestalt.core.methods.settings import Heads
from gestalt.core.networks.encoder import AbstractEncoder, Identity, Network
from gestalt.core.networks.heads import MLP
from gestalt.core.networks.levels import HasLevels, Level, level_of
from gestalt.core.optimization.progress import Progress
from gestalt.modalities.audio import MODALITY
from tests.implementations import seeded

GRID = Grid.uniform((6,), (1.0,))


@final
class Two(AbstractEncoder):
    """Two levels, a linear map each."""

    def __init__(self) -> None:
        super().__init__()
        self.dim = 5
        self.near, self.what = nn.Linear(3, 2), nn.Linear(3, 3)

    @property
    def levels(self) -> Mapping[str, int]:
        """Two numbers, then three."""
        return {"near": 2, "what": 3}

    def forward(self, data: FeatureMap) -> FeatureMap:
        """Both side by side."""
        return data.with_values(torch.cat([self.near(data.values), self.what(data.values)], dim=2))


def series(seed: int = 0) -> FeatureMap:
    values = torch.randn(4, 6, 3, generator=seeded(seed))
    return FeatureMap(values, torch.ones(4, 6, dtype=torch.bool), GRID)


def test_a_level_is_found_by_its_name_and_is_everything_where_there_are_none() -> None:
    encoder = Two()
    assert isinstance(encoder, HasLevels)
    assert (level_of(encoder, "near"), level_of(encoder, "what")) == (Level(0, 2), Level(2, 3))
    assert level_of(encoder, None) == Level(0, 5)
    assert level_of(Identity(3), "near") == Level(0, 3)
    with pytest.raises(ValueError, match="Two has the levels near, what, and none named 'far'"):
        level_of(encoder, "far")


def test_a_finder_groups_the_level_that_it_names() -> None:
    torch.manual_seed(0)
    network, data = Network(Two()), series()
    features = network.encode(data)
    for name, part in (("near", slice(0, 2)), ("what", slice(2, 5)), (None, slice(0, 5))):
        finder = ObjectFinder(KMeans(3), "hidden", level=name)
        alone = KMeans(3)(features.with_values(features.values[..., part]), seeded())
        assert torch.equal(finder(network, features, data, seeded()).labels(), alone.labels())
    with pytest.raises(ValueError, match="one of hidden features, and this finder groups projected ones"):
        ObjectFinder(KMeans(3), "projected", level="near")


@pytest.mark.parametrize(("elements", "contrast"), [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_each_level_learns_from_its_own_comparison_alone(elements: float, contrast: float) -> None:
    torch.manual_seed(0)
    encoder = Two()
    halves = Segmentation.from_labels(torch.tensor([[0, 0, 0, 1, 1, 1]]).expand(4, -1), 2, GRID)
    info = DataInfo(finder=ObjectFinder(KMeans(2), "hidden", level="near"), first_segments=GivenMasks(lambda _: halves))
    method = OdinRounds(elements=elements, contrast=contrast, contrast_level="what", heads=Heads(8, 4))
    learner = method.build(encoder, info)
    views = tuple(View(series(seed), Affine.identity(4)) for seed in (1, 2))
    batch = Batch(views[0], views, tuple("abcd"), torch.arange(4), masks=halves)
    learner(batch, seeded(), Progress(0, 9, 2)).loss.backward()
    learned = [
        linear.weight.grad is not None and bool(linear.weight.grad.any()) for linear in (encoder.near, encoder.what)
    ]
    assert learned == [elements > 0, contrast > 0]


def test_a_head_of_a_level_sees_nothing_else() -> None:
    head, rows = MLP(3, 8, 4, first=2).eval(), torch.randn(6, 5, generator=seeded())
    changed = rows.clone()
    changed[:, :2] += 1
    assert torch.equal(head(rows), head(changed))
    changed[:, 2:] += 1
    assert not torch.equal(head(rows), head(changed))
    with pytest.raises(RuntimeError):
        MLP(3, 8, 4)(rows)  # without a level, vectors must be as long as it says


def test_the_levels_of_dilated_are_its_whole_vector() -> None:
    for settings, names in (({}, "membership types spectrum"), ({"types": 0, "spectrum": False}, "membership")):
        encoder = MODALITY.encoders["dilated"](**settings)
        assert isinstance(encoder, HasLevels)
        assert list(encoder.levels) == names.split()
        assert sum(encoder.levels.values()) == encoder.dim
