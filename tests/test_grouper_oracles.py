"""Law 11 for groupers: their equations in naive loops, and scikit-learn's answers where it has them."""

import itertools
import math
from typing import Any, Literal

import numpy as np
import pytest
import scipy.linalg
import torch
from sklearn.cluster import AgglomerativeClustering, SpectralClustering
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.groupers import Agglomerative, Estimated, KMeans, Mixture, Spectral
from gestalt.core.discovery.groupers.affinity import affinities, squared_distances
from gestalt.core.discovery.groupers.estimated import criterion, silhouette
from gestalt.core.discovery.groupers.lloyd import Draws, seeds
from gestalt.core.discovery.groupers.mixture import fit, log_joint
from gestalt.core.discovery.groupers.spectral import embedding
from tests.implementations import GROUPERS, GrouperCase, blobs, feature_map, seeded
from tests.test_groupers import same_partition

every_grouper = pytest.mark.parametrize("case", GROUPERS.values(), ids=GROUPERS)


def rings(inner: int, outer: int) -> Tensor:
    """Two rings, one within the other: no two balls tell them apart."""
    angles = [torch.arange(n) / n * 2 * math.pi for n in (inner, outer)]
    return torch.cat([r * torch.stack([a.cos(), a.sin()], dim=1) for r, a in zip((0.5, 3.0), angles, strict=True)])


# Seeds


def test_what_rounding_leaves_of_a_distance_of_zero_is_no_chance() -> None:
    """Among a thousand copies of one point far from the origin, the other point is the second seed."""
    for seed in range(8):
        copied, other = torch.randn(2, 64, generator=seeded(seed)) * 0.3 + 30
        item = torch.cat([copied.expand(1000, -1), other[None]])[None]
        draws = Draws.along_a_random_direction(item, 4, seeded(seed))
        found = seeds(item, torch.ones(1, 1001, dtype=torch.bool), draws)[0]
        assert len(found[:2].unique(dim=0)) == 2


def test_seeds_are_drawn_in_proportion_to_the_squared_distance_from_the_seeds_so_far() -> None:
    """Of 0, 1 and 3, all with equal chance first: after 0 the chances of 1 and 3 are 1 : 9."""
    line = torch.tensor([[[0.0], [1.0], [3.0]]])
    second = []
    for seed in range(900):
        first, then = seeds(
            line, torch.ones(1, 3, dtype=torch.bool), Draws.along_a_random_direction(line, 2, seeded(seed))
        )[0].flatten()
        if first == 0:
            second.append(float(then))
    share = sum(value == 3.0 for value in second) / len(second)
    assert 0.0 not in second
    assert share == pytest.approx(0.9, abs=0.06)


# Mixtures


def naive_mixture(points: np.ndarray, posteriors: np.ndarray, covariance: str, floor: float) -> Any:
    """One iteration of expectation maximisation, number by number, in double precision."""
    objects, n = posteriors.shape
    dim = points.shape[1]
    shares, means, variances = np.zeros(objects), np.zeros((objects, dim)), np.zeros((objects, dim))
    for k in range(objects):
        mass = sum(posteriors[k, i] for i in range(n))
        shares[k] = mass / n
        for d in range(dim):
            means[k, d] = sum(posteriors[k, i] * points[i, d] for i in range(n)) / mass
            variances[k, d] = sum(posteriors[k, i] * (points[i, d] - means[k, d]) ** 2 for i in range(n)) / mass
        if covariance == "spherical":
            variances[k] = variances[k].mean()
        variances[k] = np.maximum(variances[k], floor)
    joint = np.zeros((objects, n))
    for k in range(objects):
        for i in range(n):
            joint[k, i] = shares[k]
            for d in range(dim):
                deviation = (points[i, d] - means[k, d]) ** 2 / variances[k, d]
                joint[k, i] *= math.exp(-deviation / 2) / math.sqrt(2 * math.pi * variances[k, d])
    return shares, means, variances, joint


@pytest.mark.parametrize("covariance", ["diagonal", "spherical"])
@pytest.mark.parametrize("floor", [1e-6, 0.4])
def test_an_iteration_of_the_mixture_is_that_of_its_equations(
    covariance: Literal["diagonal", "spherical"], floor: float
) -> None:
    points = torch.randn(9, 3, generator=seeded(1))
    posteriors = torch.rand(2, 9, generator=seeded(2)).softmax(dim=0)
    padded = torch.cat([points, torch.zeros(2, 3)])[None], torch.nn.functional.pad(posteriors, (0, 2))[None]
    fitted = fit(*padded, torch.tensor([floor]), covariance)
    joint = log_joint(padded[0], fitted)[0, :, :9]
    shares, means, variances, expected = naive_mixture(
        points.double().numpy(), posteriors.double().numpy(), covariance, floor
    )
    np.testing.assert_allclose(fitted.log_shares[0].exp(), shares, rtol=1e-5)
    np.testing.assert_allclose(fitted.means[0], means, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(fitted.variances[0], variances, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(joint, np.log(expected), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("covariance", ["diagonal", "spherical"])
def test_no_iteration_of_the_mixture_lowers_the_likelihood(covariance: Literal["diagonal", "spherical"]) -> None:
    points = torch.randn(1, 60, 3, generator=seeded(3)).double()
    fitted = fit(
        points, torch.rand(1, 4, 60, generator=seeded(4)).double().softmax(dim=1), torch.tensor([0.3]), covariance
    )
    likelihoods = []
    for _ in range(25):
        joint = log_joint(points, fitted)
        likelihoods.append(float(joint.logsumexp(dim=1).sum()))
        fitted = fit(points, joint.softmax(dim=1), torch.tensor([0.3]), covariance)
    assert all(after >= before - 1e-6 for before, after in itertools.pairwise(likelihoods))
    assert likelihoods[-1] > likelihoods[0] + 0.1


@pytest.mark.parametrize(("covariance", "theirs"), [("diagonal", "diag"), ("spherical", "spherical")])
def test_the_mixture_finds_the_posteriors_of_scikit_learn(
    covariance: Literal["diagonal", "spherical"], theirs: str
) -> None:
    item = torch.cat([blobs(120, 3, dim=2, seed=5), torch.tensor([[0.0, 0.0]])])
    grouper = Mixture(3, iterations=100, covariance=covariance, floor=1e-6, spherical=False)
    found = grouper(feature_map([item], on_grid=False), seeded(0)).weights[0]
    reference: Any = GaussianMixture(3, covariance_type=theirs, tol=1e-8, max_iter=500, random_state=0)
    expected = torch.from_numpy(reference.fit(item.numpy()).predict_proba(item.numpy())).float().T
    order = [int((expected @ row).argmax()) for row in found]
    assert sorted(order) == [0, 1, 2]
    torch.testing.assert_close(found, expected[order], atol=5e-3, rtol=0)


def test_a_mixture_is_soft_between_its_components_and_a_higher_floor_makes_it_softer() -> None:
    item = torch.tensor([[-1.0, 0.0], [-0.9, 0.0], [0.9, 0.0], [1.0, 0.0], [0.02, 0.0]])
    features = feature_map([item], on_grid=False)
    entropies = []
    for floor in (0.3, 0.5):
        weights = Mixture(2, spherical=False, floor=floor)(features, seeded()).weights[0]
        entropies.append(float(-(weights * weights.clamp(min=1e-9).log()).sum()))
        assert bool((weights[:, 4] > 0.01).all())
    assert entropies[1] > 1.5 * entropies[0]


def test_a_component_keeps_no_trace_of_elements_it_does_not_explain() -> None:
    weights = Mixture(3, spherical=False)(feature_map([blobs(30, 3, seed=1)], on_grid=False), seeded()).weights[0]
    assert int((weights > 0).sum()) == 30


# Spectral


def naive_affinities(points: Tensor, neighbours: int, sparse: bool) -> Tensor:
    """The self-tuned weights of every pair."""
    n = len(points)
    distance = [[float((a - b).norm()) for b in points] for a in points]
    radius = [sorted(row)[min(neighbours, n - 1)] for row in distance]
    weights = torch.zeros(n, n)
    for i in range(n):
        for j in range(n):
            near = distance[i][j] <= radius[i] * 1.000001 or distance[i][j] <= radius[j] * 1.000001
            if near or not sparse:
                weights[i, j] = math.exp(-(distance[i][j] ** 2) / (radius[i] * radius[j]))
    return weights


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("elements", [3, 12])
def test_affinities_are_the_self_tuned_ones_of_the_equation(sparse: bool, elements: int) -> None:
    points = torch.randn(elements, 2, generator=seeded(1))
    padded = torch.cat([points, torch.zeros(2, 2)])[None]
    valid = torch.tensor([[True] * elements + [False] * 2])
    found = affinities(squared_distances(padded, valid), neighbours=4, sparse=sparse)[0]
    torch.testing.assert_close(found[:elements, :elements], naive_affinities(points, 4, sparse), rtol=1e-3, atol=1e-4)
    assert not bool(found[elements:].any())
    assert not bool(found[:, elements:].any())


@pytest.mark.filterwarnings("ignore:Graph is not fully connected")  # scikit-learn cuts it well all the same
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("shape", ["rings", "blobs"])
def test_the_normalised_cut_is_that_of_scikit_learn(sparse: bool, shape: str) -> None:
    item = rings(20, 40) if shape == "rings" else blobs(60, 4, seed=3)
    parts = 2 if shape == "rings" else 4
    scaled = (item - item.mean(dim=0)) / (item - item.mean(dim=0)).square().sum(dim=1).mean().sqrt()
    weights = naive_affinities(scaled, 5, sparse).numpy()
    reference: Any = SpectralClustering(parts, affinity="precomputed", random_state=0)
    expected = torch.from_numpy(reference.fit_predict(weights))
    grouper = Spectral(parts, neighbours=5, sparse=sparse, spherical=False)
    found = grouper(feature_map([item], on_grid=False), seeded(2)).labels()[0]
    assert same_partition(found, expected)
    truth = (torch.arange(60) >= 20).long() if shape == "rings" else torch.arange(60) * 4 // 60
    assert same_partition(found, truth)


def test_the_rows_that_are_grouped_solve_the_generalised_eigenproblem() -> None:
    """W u = μ D u with uᵀ D u = 1, for the greatest μ: what scipy says, up to the choice of a basis."""
    weights = naive_affinities(torch.randn(9, 2, generator=seeded(6)), 4, sparse=False)
    degree = torch.diag(weights.sum(dim=1))
    _, vectors = scipy.linalg.eigh(weights.double().numpy(), degree.double().numpy())
    padded = torch.nn.functional.pad(weights, (0, 2, 0, 2))[None]
    rows, numbers = embedding(padded, torch.tensor([[True] * 9 + [False] * 2]), 3, estimate=False)
    expected = torch.from_numpy(vectors[:, -3:] @ vectors[:, -3:].T).float()
    torch.testing.assert_close((rows[0] @ rows[0].T)[:9, :9], expected, rtol=1e-3, atol=1e-4)
    assert not bool(rows[0, 9:].any())
    assert numbers.tolist() == [3]


def test_the_eigengap_finds_the_number_of_separate_parts_up_to_the_bound() -> None:
    items = [blobs(30, parts, seed=parts) for parts in (1, 2, 3, 5)]
    grouper = Spectral(6, estimate=True, neighbours=5, spherical=False)
    labels = grouper(feature_map(items, on_grid=False), seeded()).labels()
    assert [len(row.unique()) for row in labels] == [1, 2, 3, 5]
    bounded = Spectral(3, estimate=True, neighbours=5, spherical=False)
    assert len(bounded(feature_map(items[-1:], on_grid=False), seeded()).labels()[0].unique()) <= 3


# Agglomerative


@pytest.mark.parametrize("linkage", ["average", "ward"])
@pytest.mark.parametrize("seed", range(3))
def test_merges_are_those_of_scikit_learn(linkage: Literal["average", "ward"], seed: int) -> None:
    item = torch.randn(40, 3, generator=seeded(seed))
    for objects in (2, 5, 11):
        found = Agglomerative(objects, linkage, spherical=False)(feature_map([item], on_grid=False), seeded()).labels()[
            0
        ]
        expected = AgglomerativeClustering(objects, linkage=linkage).fit_predict(item.numpy())
        assert same_partition(found, torch.from_numpy(expected))


# The number of objects


def test_silhouettes_are_those_of_scikit_learn_and_padding_has_none() -> None:
    items = [torch.randn(14, 3, generator=seeded(1)), torch.randn(9, 3, generator=seeded(2))]
    features = feature_map(items, on_grid=False)
    values = torch.where(features.valid[..., None], features.values, 0.0)
    labels = torch.randint(0, 3, (2, 14), generator=seeded(3)).masked_fill(~features.valid, -1)
    labels[0, 0] = 3  # alone in its object
    found = silhouette(features.with_values(values), Segmentation.from_labels(labels, 5))
    for row, item in enumerate(items):
        expected = silhouette_score(item.numpy(), labels[row, : len(item)].numpy())
        assert float(found[row]) == pytest.approx(float(expected), abs=1e-4)


def naive_criterion(points: Tensor, labels: list[int]) -> float:
    """log L − (p / 2) log n of the spherical mixture, element by element."""
    n, dim = points.shape
    numbers = sorted(set(labels))
    means = {k: points[[i for i in range(n) if labels[i] == k]].mean(dim=0) for k in numbers}
    scatter = sum(float((points[i] - means[labels[i]]).square().sum()) for i in range(n))
    variance = scatter / (dim * (n - len(numbers)))
    total = 0.0
    for i in range(n):
        share = labels.count(labels[i]) / n
        squared = float((points[i] - means[labels[i]]).square().sum())
        total += math.log(share) - dim / 2 * math.log(2 * math.pi * variance) - squared / (2 * variance)
    return total - len(numbers) * (dim + 1) / 2 * math.log(n)


def test_the_criterion_is_that_of_its_equation() -> None:
    item = torch.randn(12, 3, generator=seeded(4))
    labels = [0, 1, 2, 0, 1, 2, 0, 0, 1, 1, 1, 0]
    found = criterion(feature_map([item], on_grid=False), Segmentation.from_labels(torch.tensor([labels]), 4))
    assert float(found) == pytest.approx(naive_criterion(item, labels), rel=1e-4)


@pytest.mark.parametrize("by", ["silhouette", "bic"])
def test_every_item_gets_the_number_of_objects_that_it_shows(by: Literal["silhouette", "bic"]) -> None:
    items = [blobs(60, parts, seed=10 + parts) for parts in (1, 2, 3, 4)]
    grouper = Estimated([Agglomerative(k, spherical=False) for k in range(1, 6)], by, spherical=False)
    labels = grouper(feature_map(items, on_grid=False), seeded()).labels()
    assert [len(row[row >= 0].unique()) for row in labels] == [1, 2, 3, 4]


def test_an_estimate_is_the_best_candidates_own_segmentation() -> None:
    features = feature_map([blobs(24, 3, seed=2)], on_grid=False)
    found = Estimated([KMeans(2), KMeans(3), KMeans(4)])(features, seeded(7))
    seed = int(torch.randint(2**62, (), generator=seeded(7)))
    expected = KMeans(3)(features, seeded(seed))
    assert torch.equal(found.weights[:, :3], expected.weights)
    assert not bool(found.weights[:, 3].any())


# Precision


@every_grouper
def test_features_in_half_precision_are_grouped_in_full(case: GrouperCase) -> None:
    """Of items without clear groups, where every rounding moves some element."""
    items = [torch.randn(60, 16, generator=seeded(number)).bfloat16().float() for number in range(4)]
    expected = case.build(3)(case.features(items), seeded())
    half = case.features(items)
    half = FeatureMap(half.values.bfloat16(), half.valid, half.grid)
    with torch.autocast("cpu", torch.bfloat16):
        found = case.build(3)(half, seeded())
    assert found.weights.dtype == torch.float32
    assert torch.equal(found.weights, expected.weights)


def test_an_estimate_needs_candidates() -> None:
    with pytest.raises(ValueError, match="at least one grouper, got none"):
        Estimated([])
