"""Same or not the same: errors by a loop over thresholds, ties, and the threshold of an error rate."""

import pytest
import torch

from gestalt.core.evaluation.verification import error_curve, verification


def cases() -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Scores that overlap, that tie, that are apart, and that are all one."""
    rng = torch.Generator().manual_seed(0)
    same = torch.rand(200, generator=rng) < 0.3
    noisy = torch.randn(200, generator=rng) + 1.5 * same
    return [
        (noisy, same),
        ((noisy * 2).round() / 2, same),
        (same.float(), same),
        (-same.float(), same),
        (torch.ones(200), same),
        (torch.tensor([0.3, 0.3]), torch.tensor([True, False])),
    ]


def by_loop(scores: list[float], same: list[bool], threshold: float) -> tuple[float, float]:
    accepted = [score >= threshold for score in scores]
    different = [yes for yes, one in zip(accepted, same, strict=True) if not one]
    matching = [yes for yes, one in zip(accepted, same, strict=True) if one]
    return sum(different) / len(different), 1 - sum(matching) / len(matching)


@pytest.mark.parametrize("number", range(len(cases())))
def test_errors_are_those_of_a_loop(number: int) -> None:
    scores, same = cases()[number]
    curve = error_curve(scores, same)
    tried = sorted({*scores.double().tolist(), *(scores.double() + 0.01).tolist(), -9.0, 9.0})
    for threshold in tried:
        assert curve.at(threshold) == pytest.approx(by_loop(scores.double().tolist(), same.tolist(), threshold))
    for place, threshold in enumerate(curve.thresholds.tolist()):
        wanted = by_loop(scores.double().tolist(), same.tolist(), threshold)
        assert (float(curve.false_accept[place]), float(curve.false_reject[place])) == pytest.approx(wanted)


@pytest.mark.parametrize("number", range(len(cases())))
@pytest.mark.parametrize("rate", [0.0, 0.01, 0.25, 1.0])
def test_the_threshold_is_the_least_that_keeps_the_error_rate(number: int, rate: float) -> None:
    scores, same = cases()[number]
    threshold = error_curve(scores, same).threshold(rate)
    values, truth = scores.double().tolist(), same.tolist()
    assert by_loop(values, truth, threshold)[0] <= rate
    lower = [value for value in values if value < threshold]
    if lower:
        assert by_loop(values, truth, max(lower))[0] > rate
    assert verification(scores, same, rate).threshold == threshold


@pytest.mark.parametrize("number", range(len(cases())))
def test_the_equal_error_rate_is_where_the_two_lines_cross(number: int) -> None:
    scores, same = cases()[number]
    values, truth = scores.double().tolist(), same.tolist()
    points = [by_loop(values, truth, threshold) for threshold in [*sorted(set(values)), float("inf")]]
    crossing = next(place for place, (accept, reject) in enumerate(points) if reject >= accept)
    (a0, r0), (a1, r1) = points[max(crossing - 1, 0)], points[crossing]
    steps = [(a0 + k / 1e5 * (a1 - a0), r0 + k / 1e5 * (r1 - r0)) for k in range(100_001)]
    wanted = min(steps, key=lambda point: abs(point[0] - point[1]))[1]
    assert error_curve(scores, same).equal_error_rate == pytest.approx(wanted, abs=1e-4)


def test_known_rates() -> None:
    scores, same = cases()[2]
    assert verification(scores, same).equal_error_rate == 0.0
    assert verification(-scores, same).equal_error_rate == 1.0
    assert verification(torch.ones(200), same).equal_error_rate == 0.5


def test_pairs_of_one_sort_alone_are_refused() -> None:
    for same in (torch.zeros(3, dtype=torch.bool), torch.ones(3, dtype=torch.bool)):
        with pytest.raises(ValueError, match=r"needs pairs of the same thing and pairs of different ones"):
            error_curve(torch.rand(3), same)
    with pytest.raises(ValueError, match="finite scores"):
        error_curve(torch.tensor([float("nan"), 1.0]), torch.tensor([True, False]))
    with pytest.raises(ValueError, match=r"an error rate lies in \[0, 1\], got 1\.5"):
        error_curve(torch.rand(2), torch.tensor([True, False])).threshold(1.5)
