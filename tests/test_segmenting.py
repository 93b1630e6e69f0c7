"""The discovery network used for itself: objects of an item at the input's resolution, from a learner or from a run."""

from pathlib import Path

import pytest
import torch

import gestalt
from gestalt.core.components.settings import settings_of
from gestalt.core.data.feature_map import FeatureMap, Grid, side_by_side
from gestalt.core.data.resampling import resampled
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.background import RemoveBackground
from gestalt.core.discovery.concat_features import ConcatFeatures
from gestalt.core.discovery.groupers import KMeans, describe, grouper_from
from gestalt.core.discovery.segmenters import WholeItem, discover
from gestalt.core.methods.byol import byol
from gestalt.core.methods.odin import odin
from gestalt.core.networks.encoder import Network
from gestalt.core.networks.heads import mlp
from gestalt.core.runs.item_segmenter import Grouping, ItemSegmenter, described_grouping, segmenter_of
from gestalt.core.runs.saved import Architecture, save_network
from tests.implementations import GROUPERS, ITEMS, seeded
from tests.toy import toy


def naive(weights: torch.Tensor, old: list[float], new: list[float]) -> list[float]:
    """Linear interpolation between centres, point by point; constant beyond the outermost."""
    found = []
    for place in new:
        inside = [i for i, centre in enumerate(old) if centre <= place]
        low = inside[-1] if inside else 0
        high = min(low + 1, len(old) - 1) if inside else 0
        share = 0.0 if high == low else (place - old[low]) / (old[high] - old[low])
        found.append(float(weights[low]) * (1 - share) + float(weights[high]) * share)
    return found


def test_weights_are_interpolated_between_the_centres_of_uneven_cells() -> None:
    edges, finer = torch.tensor([[0.0, 1.0, 4.0, 6.0]]), torch.tensor([[0.0, 0.4, 2.0, 2.2, 5.0, 6.0]])
    weights = torch.rand(1, 2, 3, generator=seeded()) / 2
    found = resampled(Segmentation(weights, Grid((edges,)), torch.tensor([False])), Grid((finer,)))
    places = [0.2, 1.2, 2.1, 3.6, 5.5]
    for row in range(2):
        assert found.weights[0, row].tolist() == pytest.approx(naive(weights[0, row], [0.5, 2.5, 5.0], places))


def test_two_axes_are_interpolated_one_after_the_other_and_outside_there_is_nothing() -> None:
    weights = torch.rand(1, 1, 6, generator=seeded())
    found = resampled(
        Segmentation(weights, Grid.uniform((2, 3), (2.0, 2.0)), torch.tensor([False])),
        Grid.uniform((5, 6), (1.0, 1.0)),
    )
    expected = torch.nn.functional.interpolate(weights.view(1, 1, 2, 3), scale_factor=2, mode="bilinear")
    torch.testing.assert_close(found.weights.view(5, 6)[:4], expected[0, 0])
    assert not bool(found.weights.view(5, 6)[4].any())


def test_every_grouper_of_the_house_is_built_again_from_its_description() -> None:
    for case in GROUPERS.values():
        description = describe(case.build(3))
        again = grouper_from(description)
        assert describe(again) == description
        features = case.features([torch.randn(12, 4, generator=seeded())])
        assert torch.equal(again(features, seeded()).weights, case.build(3)(features, seeded()).weights)
    with pytest.raises(ValueError, match="no grouper 'Path'; there are Agglomerative"):
        grouper_from({"kind": "Path"})


@pytest.mark.parametrize("kind", ["points", "series"])
def test_a_segmenter_finds_what_the_discovery_network_finds_at_the_inputs_resolution(kind: str) -> None:
    torch.manual_seed(0)
    modality = toy(kind)
    learner = odin(modality.encoders["small"](), hidden=8, projection=5, grouper=KMeans(2), first=WholeItem())
    segment = segmenter_of(learner, modality)
    for item in ITEMS[kind](2):
        data = modality.collate([item])
        expected = discover(segment.network, data, KMeans(2), seeded(0))
        found = segment(item)
        assert torch.equal(found.labels(), expected.labels())  # the toys' encoders have one element per raw element
        assert torch.equal(segment(item).weights, found.weights)
    if kind == "series":
        fine = segment(ITEMS[kind](1)[0], Grid.uniform((48,), (1.0,)))
        assert fine.weights.shape[2] == 48
        assert bool((fine.weights.sum(dim=1) > 0.99).all())


def test_where_most_of_the_weight_is_of_no_object_none_is_left() -> None:
    torch.manual_seed(0)
    modality = toy("series")
    raw = modality.encoders["raw"]()
    background = RemoveBackground(raw, quiet=0.5, reach=3.0)
    segment = ItemSegmenter(modality, Network(raw), Grouping(KMeans(2, spherical=False), "hidden", background))
    item = torch.cat([0.01 * torch.randn(24, 1, generator=seeded()), 5 + torch.randn(24, 1, generator=seeded())])
    labels = segment(item, Grid.uniform((48,), (1.0,))).labels()[0]
    assert labels[:24].eq(-1).all()
    assert labels[24:].ge(0).all()


def test_a_finished_run_segments_as_it_was_trained_to(tmp_path: Path) -> None:
    torch.manual_seed(0)
    modality = toy("series")
    raw = modality.encoders["raw"]()
    network = Network(modality.encoders["small"](), mlp(6, 8, 5)).eval()
    grouping = Grouping(
        KMeans(3, spherical=False, position=0.5), "hidden", RemoveBackground(raw, 0.3, 1.0), ConcatFeatures(raw, 0.7)
    )
    described = grouping.described(modality)
    assert described is not None
    settings = settings_of(network.encoder)
    save_network(tmp_path, network, Architecture("series", "small", settings, (8, 5), {}, described))
    loaded = gestalt.load_segmenter(tmp_path, modality=modality)
    item = ITEMS["series"](1)[0]
    assert torch.equal(loaded(item).weights, ItemSegmenter(modality, network, grouping)(item).weights)
    other = gestalt.load_segmenter(tmp_path, modality=modality, grouping=Grouping(KMeans(2)))
    assert other(item).objects == 2
    assert described_grouping(described, modality).described(modality) == described


def test_a_run_that_does_not_say_how_and_a_learner_that_discovers_nothing_are_refused(tmp_path: Path) -> None:
    modality = toy("series")
    network = Network(modality.encoders["small"]())
    save_network(tmp_path, network, Architecture("series", "small", settings_of(network.encoder), None, {}))
    with pytest.raises(ValueError, match="does not say how objects are found"):
        gestalt.load_segmenter(tmp_path, modality=modality)
    with pytest.raises(ValueError, match="compares what WholeItem gives it"):
        segmenter_of(byol(modality.encoders["small"](), hidden=8, projection=5), modality)
    foreign = Grouping(KMeans(2), extra_features=ConcatFeatures(lambda data: data))
    assert foreign.described(modality) is None


def test_levels_side_by_side_pool_to_the_pooled_levels() -> None:
    fine = FeatureMap(torch.randn(1, 4, 2), torch.ones(1, 4, dtype=torch.bool), Grid.uniform((4,), (1.0,)))
    coarse = FeatureMap(torch.randn(1, 2, 3), torch.ones(1, 2, dtype=torch.bool), Grid.uniform((2,), (2.0,)))
    segments = Segmentation.from_labels(torch.tensor([[0, 0, 0, 1]]), 2, fine.grid)
    pooled = segments.pool(side_by_side([fine, coarse])).vectors[0]
    torch.testing.assert_close(pooled[0, :2], fine.values[0, :3].mean(dim=0))
    torch.testing.assert_close(pooled[0, 2:], (2 * coarse.values[0, 0] + coarse.values[0, 1]) / 3)
    torch.testing.assert_close(pooled[1, 2:], coarse.values[0, 1])
