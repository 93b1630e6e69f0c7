"""Clusters over a data set: which are foreground, which belong together, and a run that keeps them."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import gestalt
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.places import Parts
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.cluster_foreground import ClusterForeground
from gestalt.core.discovery.codebook import Codebook
from gestalt.core.discovery.groupers import ByCodebook, KMeans
from gestalt.core.modality.plugins import load_modality
from gestalt.core.runs.clustered import cluster_foreground, community_objects
from gestalt.core.runs.codebooks import cooccurrence, fitted_codebook, with_communities, with_foreground
from gestalt.core.runs.saving import save
from tests.elsewhere import ELSEWHERE, AnotherDevice
from tests.tiny_runs import tiny_model

SIDE = 6


def scene(seed: int, kinds: tuple[int, int]) -> tuple[FeatureMap, Tensor]:
    """Two things of two parts each on a ground: their features, and the part of every cell (0: ground)."""
    chance = torch.Generator().manual_seed(seed)
    parts = torch.zeros(SIDE, SIDE, dtype=torch.long)
    for corner, kind in zip((0, 3), kinds, strict=True):
        row = int(torch.randint(0, 2, (), generator=chance))
        parts[row + corner : row + corner + 2, corner] = 2 * kind + 1
        parts[row + corner : row + corner + 2, corner + 1] = 2 * kind + 2
    values = torch.eye(7)[parts.flatten()] + 0.05 * torch.randn(SIDE * SIDE, 7, generator=chance)
    grid = Grid.uniform((SIDE, SIDE), (1.0, 1.0))
    return FeatureMap(values[None], torch.ones(1, SIDE * SIDE, dtype=torch.bool), grid), parts.flatten()


SCENES = [scene(seed, ((0, 1), (1, 2), (2, 0))[seed % 3]) for seed in range(24)]
FEATURES = [features for features, _ in SCENES]


def noisy(parts: Tensor, seed: int) -> Tensor:
    """The foreground with a quarter of all cells turned over."""
    wrong = torch.rand(len(parts), generator=torch.Generator().manual_seed(seed)) < 0.25
    return ((parts > 0) ^ wrong)[None]


def overlap(found: Tensor, true: Tensor) -> float:
    return float((found & true).sum() / (found | true).sum())


@pytest.fixture(scope="module")
def book() -> Codebook:
    return fitted_codebook(FEATURES, clusters=12, seed=0)


def test_every_cluster_is_of_one_part(book: Codebook) -> None:
    assert torch.allclose(book.centres.norm(dim=1), torch.ones(book.clusters))
    clusters = torch.cat([book.nearest(features.values[0]) for features in FEATURES])
    parts = torch.cat([parts for _, parts in SCENES])
    assert all(len(parts[clusters == number].unique()) == 1 for number in clusters.unique())


def test_elements_that_take_part_are_drawn_from_all_batches_and_padding_is_none() -> None:
    values = torch.eye(3).repeat_interleave(50, 0)
    batches = [
        FeatureMap(torch.stack([part, torch.full_like(part, torch.nan)]), valid_first(len(part)))
        for part in values.split(10)
    ]
    found = fitted_codebook(batches, clusters=3, elements=60)
    assert found.clusters == 3
    assert found.centres.argmax(dim=1).sort().values.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="no elements to cluster"):
        fitted_codebook([])


def valid_first(count: int) -> Tensor:
    """Of two items the first alone is there."""
    return torch.stack([torch.ones(count, dtype=torch.bool), torch.zeros(count, dtype=torch.bool)])


def test_clusters_over_the_data_find_a_foreground_that_is_better_than_the_noisy_one(book: Codebook) -> None:
    seen = [(features, noisy(parts, seed)) for seed, (features, parts) in enumerate(SCENES)]
    clusters = torch.cat([book.nearest(features.values[0]) for features in FEATURES])
    parts = torch.cat([parts for _, parts in SCENES])
    ground = len(clusters[parts == 0].unique()) / book.clusters
    found = with_foreground(book, seen, background=ground)
    before = overlap(torch.cat([mask[0] for _, mask in seen]), parts > 0)
    after = overlap(found.objects[clusters] >= 0, parts > 0)
    assert before < 0.75
    assert after == 1.0
    assert torch.equal(book.objects, torch.arange(book.clusters)), "the codebook itself is as it was"


def test_the_precision_of_a_cluster_is_its_mean_over_items() -> None:
    """Cluster 0 lies wholly in the foreground of two small items, and outside of it in one large: ⅔; cluster 1: ½."""
    book = Codebook.of(torch.eye(3))

    def item(clusters: list[int], inside: list[int]) -> tuple[FeatureMap, Tensor]:
        values = torch.eye(3)[torch.tensor(clusters)][None]
        return FeatureMap(values, torch.ones(1, len(clusters), dtype=torch.bool)), torch.tensor([inside]) > 0

    seen = [item([0, 1], [1, 1]), item([0, 1], [1, 0]), item([0] * 9 + [1], [0] * 9 + [0]), item([1] * 9, [1] * 9)]
    assert with_foreground(book, seen, background=2 / 3).objects.tolist() == [0, -1, -1], "cluster 2 occurs nowhere"
    with pytest.raises(ValueError, match=r"share in \[0, 1\]"):
        with_foreground(book, seen, background=1.5)


def test_cooccurrence_is_that_of_a_loop_over_pairs_of_elements() -> None:
    book = Codebook.of(torch.eye(7), torch.tensor([-1, 1, 2, 3, 4, 5, 6]))
    total, items = torch.zeros(7, 7), torch.zeros(7)
    chance = torch.Generator().manual_seed(0)
    cells = torch.randint(0, 7, (4, SIDE * SIDE), generator=chance)
    mixed = [replace(FEATURES[0], values=torch.eye(7)[row][None]) for row in cells]
    for features in mixed:
        clusters = book.nearest(features.values[0]).view(SIDE, SIDE).tolist()
        counts = torch.zeros(7, 7)
        places = [(y, x) for y in range(SIDE) for x in range(SIDE)]
        for y, x in places:
            for v, u in places:
                one, two = clusters[y][x], clusters[v][u]
                if 0 < abs(y - v) + abs(x - u) <= 2 and one != two and one > 0 and two > 0:
                    counts[one, two] += 1
        total += counts / counts.sum(dim=1, keepdim=True).clamp(min=1)
        items += torch.tensor([float(any(k in row for row in clusters) and k > 0) for k in range(7)])
    assert torch.allclose(cooccurrence(book, mixed), total / items.clamp(min=1)[:, None], atol=1e-6)


def test_many_clusters_become_the_things_whose_parts_lie_beside_one_another(book: Codebook) -> None:
    clusters = torch.cat([book.nearest(features.values[0]) for features in FEATURES])
    parts = torch.cat([parts for _, parts in SCENES])
    ground = len(clusters[parts == 0].unique()) / book.clusters
    seen = [(features, (parts > 0)[None]) for features, parts in SCENES]
    found = with_communities(with_foreground(book, seen, ground), FEATURES)
    objects = found.objects[clusters]
    assert torch.equal(objects < 0, parts == 0)
    things = (parts - 1) // 2
    assert len(objects[objects >= 0].unique()) == 3
    for thing in range(3):
        assert len(objects[(things == thing) & (parts > 0)].unique()) == 1
    alone = with_communities(book, FEATURES, threshold=1.0)
    assert len(alone.objects.unique()) == book.clusters, "without an edge every cluster is an object"
    with pytest.raises(ValueError, match="threshold"):
        with_communities(book, FEATURES, threshold=-1.0)


def test_elements_of_background_clusters_are_taken_out_whatever_grouped_them() -> None:
    features = FeatureMap(
        torch.eye(2)[torch.tensor([[0, 1, 0]])], torch.ones(1, 3, dtype=torch.bool), Grid.uniform((3,), (2.0,))
    )
    remover = ClusterForeground(Codebook.of(torch.eye(2), torch.tensor([0, -1])))
    found = KMeans(2)(features, torch.Generator().manual_seed(0))
    left = remover(found, features, None)
    assert left.labels()[0].tolist() == [int(found.labels()[0, 0]), -1, int(found.labels()[0, 2])]
    fine = Segmentation.from_labels(torch.zeros(1, 6, dtype=torch.long), 1, Grid.uniform((6,), (1.0,)))
    assert remover(fine, features, None).labels().tolist() == [[0, 0, -1, -1, 0, 0]]


def black(seed: int) -> tuple[FeatureMap, Tensor]:
    """A scene whose ground is exactly zero, and which cells are no ground."""
    features, parts = scene(seed, (0, 1))
    return features.with_values(features.values * (parts > 0)[None, :, None]), parts > 0


def test_vectors_of_zeros_are_of_no_cluster_and_background_everywhere() -> None:
    """Most elements are zero; the noisy foreground is the true one."""
    scenes = [black(seed) for seed in range(6)]
    book = fitted_codebook((features for features, _ in scenes), clusters=8)
    assert torch.allclose(book.centres.norm(dim=1), torch.ones(book.clusters))
    for features, things in scenes:
        assert torch.equal(book.nearest(features.values[0]) >= 0, things)
    for background in (0.0, 0.5):
        found = with_foreground(book, [(features, things[None]) for features, things in scenes], background)
        assert int((found.objects < 0).sum()) == round(background * book.clusters), "none is lost to the ground"
        for features, things in scenes:
            there = found.objects_of(features.values[0]) >= 0
            assert not bool((there & ~things).any())
            assert torch.equal(ByCodebook(found)(features, torch.Generator()).labels()[0] >= 0, there)
    assert bool((with_foreground(book, [(f, t[None]) for f, t in scenes], 0.0).objects >= 0).all())


def test_a_ground_of_zeros_is_no_neighbour_of_anything() -> None:
    """With it, half of the neighbours of the two lone elements of cluster 0 were of the cluster that zeros joined."""
    book = Codebook.of(torch.eye(3))
    values = torch.zeros(1, 5, 3)
    values[0, 0, 1] = values[0, 1, 2] = values[0, 4, 1] = 1.0
    features = FeatureMap(values, torch.ones(1, 5, dtype=torch.bool), Grid.uniform((5,), (1.0,)))
    near = cooccurrence(book, [features])
    assert near.tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 0]]


def test_zeros_alone_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="all vectors are zero"):
        fitted_codebook([FeatureMap(torch.zeros(1, 4, 2), torch.ones(1, 4, dtype=torch.bool))])


def test_a_draw_of_elements_is_one_of_those_that_have_a_direction() -> None:
    values = torch.zeros(1, 3000, 2)
    values[0, ::1000, 0] = 1.0
    found = fitted_codebook([FeatureMap(values, torch.ones(1, 3000, dtype=torch.bool))], clusters=2, elements=3)
    assert found.centres.tolist() == [[1.0, 0.0]]


def test_background_is_taken_out_of_items_with_parts() -> None:
    parts = Parts(("audio", "text"), (3, 2), (Grid.uniform((3,), (1.0,)), None))
    values = torch.eye(2)[torch.tensor([[0, 1, 0, 1, 0]])]
    features = FeatureMap(values, torch.ones(1, 5, dtype=torch.bool), parts)
    remover = ClusterForeground(Codebook.of(torch.eye(2), torch.tensor([0, -1])))
    left = remover(Segmentation.from_labels(torch.zeros(1, 5, dtype=torch.long), 1, parts), features, None)
    assert left.labels().tolist() == [[0, -1, 0, -1, 0]]
    assert left.places is parts


@pytest.mark.parametrize("of_book", ["cpu", ELSEWHERE])
@pytest.mark.parametrize("of_features", ["cpu", ELSEWHERE])
def test_codebooks_answer_on_the_device_of_the_features(
    of_book: torch.device | str, of_features: torch.device | str, book: Codebook
) -> None:
    features = FEATURES[0]
    want = ByCodebook(book)(features, torch.Generator()).labels()
    near = cooccurrence(book, FEATURES)
    inside = [(one, one.valid) for one in FEATURES]
    clean = with_foreground(book, inside, 0.5).objects
    with AnotherDevice():  # type: ignore[no-untyped-call]
        there, moved = features.to(of_features), copy.deepcopy(book).to(of_book)
        found = ByCodebook(moved)(there, torch.Generator()).labels()
        one = Segmentation.from_labels(torch.zeros_like(found), 1, there.places)
        left = ClusterForeground(moved)(one, there, None)
        assert found.device == left.weights.device == torch.device(of_features)
        assert torch.equal(found.cpu(), want)
        items = [one.to(of_features) for one in FEATURES]
        assert torch.equal(cooccurrence(moved, items), near)
        assert torch.equal(with_foreground(moved, [(one, one.valid) for one in items], 0.5).objects.cpu(), clean)
        assert with_communities(moved, items).clusters == book.clusters


def test_a_codebook_refuses_vectors_that_are_not_its_own() -> None:
    with pytest.raises(ValueError, match="fitted to no data yet"):
        Codebook(3, 2).nearest(torch.ones(1, 2))
    with pytest.raises(ValueError, match="vectors of 2 numbers, got 5"):
        ByCodebook(Codebook.of(torch.eye(2))).codebook.nearest(torch.ones(1, 5))


@pytest.mark.parametrize("name", ["image", "graph"])
def test_a_run_with_such_a_finder_is_saved_and_comes_back(name: str, tmp_path: Path) -> None:
    modality = load_modality(name)
    encoder = {"graph": "gine"}.get(name, "conv")
    model = tiny_model(modality, encoder, width=8)
    items = [specimen.item for specimen in modality.specimens()]
    raw = modality.encoders["raw"]()
    clean = cluster_foreground(model, items, raw, clusters=6, background=0.5)
    merged = community_objects(clean, items, threshold=0.05)
    direct = community_objects(model, items, clusters=5)
    for number, one in enumerate((clean, merged, direct)):
        assert one.finder is not None
        save(tmp_path / str(number), one, encoder)
        again = gestalt.load(tmp_path / str(number)).discover(items)
        for mine, theirs in zip(one.discover(items), again, strict=True):
            assert torch.equal(mine.labels, theirs.labels)
    assert any(bool((found.labels < 0).any()) for found in clean.discover(items))
    assert replace(model).finder is model.finder
