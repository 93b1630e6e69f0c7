"""Lloyd's iterations of many items at once: every item ends where it would end by itself, whoever is done before."""

import pytest
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gestalt.core.discovery.groupers import lloyd
from gestalt.core.discovery.groupers.lloyd import improved, means


def plain(
    points: Float[Tensor, "elements dim"],
    valid: Bool[Tensor, " elements"],
    centres: Float[Tensor, "objects dim"],
    iterations: int,
    on_sphere: bool,
    may: int,
) -> tuple[Int[Tensor, " elements"], Float[Tensor, "objects dim"]]:
    """One item, element by element, and never ending early."""
    centres, labels = centres.clone(), torch.full((len(points),), -1)
    final = centres.clone()
    for _ in range(iterations + 1):
        for number in range(len(points)):
            if valid[number]:
                labels[number] = int((points[number] - centres[:may]).square().sum(dim=1).argmin())
        final = centres.clone()
        for cluster in range(len(centres)):
            if bool((labels == cluster).any()):
                centres[cluster] = points[labels == cluster].mean(dim=0)
            if on_sphere:
                centres[cluster] /= centres[cluster].norm()
    return labels, final


@pytest.mark.parametrize("on_sphere", [False, True])
@pytest.mark.parametrize("asked", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_items_that_are_done_change_nothing_for_those_that_are_not(
    on_sphere: bool, asked: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(lloyd.ASKED, "cpu", asked)
    draws = torch.Generator().manual_seed(seed)
    points = torch.randn(7, 90, 3, generator=draws)
    valid = torch.arange(90) < torch.tensor([90, 1, 80, 2, 70, 3, 1])[:, None]  # items of few elements are done first
    points *= valid[..., None]
    may = torch.tensor([4, 4, 3, 4, 4, 1, 4])
    centres = torch.nn.functional.normalize(torch.randn(7, 4, 3, generator=draws), dim=2)
    closed = torch.arange(4) >= may[:, None]
    sizes = list[int]()

    def counted(points: Tensor, *given: Tensor) -> Tensor:
        sizes.append(len(points))
        return means(points, *given)

    monkeypatch.setattr(lloyd, "means", counted)
    labels, found = improved(points, valid, centres, 12, on_sphere, closed)
    assert sizes[0] == 7
    assert min(sizes) <= 3, "few items take longer, and are computed alone"
    for item in range(7):
        own, theirs = plain(points[item], valid[item], centres[item], 12, on_sphere, int(may[item]))
        assert labels[item].tolist() == own.tolist()
        there = [cluster for cluster in range(4) if cluster in own]
        assert torch.allclose(found[item][there], theirs[there], atol=1e-5)


def test_of_equally_near_centres_it_is_the_first_and_a_closed_one_is_never_the_nearest() -> None:
    centres = torch.tensor([[[1.0], [3.0], [3.0], [2.0]]])
    closed = torch.tensor([[False, False, False, True]])
    assert lloyd.nearest(torch.tensor([[[2.0], [5.0], [0.0]]]), centres).tolist() == [[3, 1, 0]]
    assert lloyd.nearest(torch.tensor([[[2.0], [5.0], [0.0]]]), centres, closed).tolist() == [[0, 1, 0]]


def test_padding_counts_in_no_mean_and_an_empty_cluster_keeps_its_centre() -> None:
    points = torch.tensor([[[1.0], [3.0], [9.0]], [[5.0], [9.0], [9.0]]])
    valid = torch.tensor([[True, True, False], [True, False, False]])
    labels = torch.tensor([[0, 0, 0], [2, 1, 0]])
    former = torch.tensor([[[7.0], [8.0], [6.0]], [[7.0], [8.0], [6.0]]])
    assert means(points, valid, labels, former)[..., 0].tolist() == [[2.0, 8.0, 6.0], [7.0, 8.0, 5.0]]
