"""Vectors of named objects, and the names of found ones, against loops."""

import torch

from gestalt.core.evaluation import named_vectors, names_of_found, whitened
from tests.implementations import feature_map, seeded


def test_vectors_are_means_over_named_objects_of_unit_variance() -> None:
    items = [torch.randn(n, 3, generator=seeded(n)) for n in (5, 7, 6)]
    labels = torch.full((3, 7), -1)
    labels[0, :5] = torch.tensor([0, 0, 1, -1, 1])
    labels[1] = torch.tensor([2, 2, 0, 0, 0, 1, -1])
    labels[2, :6] = torch.tensor([1, 1, 1, -1, -1, -1])
    names = torch.tensor([[4, 5, -1], [6, -1, 4], [3, 3, -1]])
    vectors, found, owners = named_vectors(feature_map(items, on_grid=False), labels, names)
    rows, expected = [], []
    for item, values in enumerate(items):
        for number in range(3):
            inside = labels[item, : len(values)] == number
            if bool(inside.any()) and names[item, number] >= 0:
                rows.append(values[inside].mean(dim=0))
                expected.append((int(names[item, number]), item))
    stacked = torch.stack(rows)
    assert list(zip(found.tolist(), owners.tolist(), strict=True)) == expected
    assert torch.allclose(vectors, (stacked - stacked.mean(dim=0)) / stacked.std(dim=0), atol=1e-5)


def test_a_found_object_has_the_name_of_what_fills_half_of_it_or_none() -> None:
    generator = seeded(1)
    found, true = (torch.randint(-1, 4, (6, 12), generator=generator) for _ in range(2))
    names = torch.randint(0, 9, (6, 4), generator=generator)
    result = names_of_found(found, true, names)
    assert result.shape == (6, int(found.max()) + 1)
    for row in range(6):
        for number in range(result.shape[1]):
            inside = true[row][found[row] == number]
            shares = [int((inside == other).sum()) for other in range(4)]
            best = shares.index(max(shares))
            named = len(inside) > 0 and 2 * shares[best] >= len(inside)
            assert int(result[row, number]) == (int(names[row, best]) if named else -1)
    assert bool((result >= 0).any())
    assert bool((result < 0).any())


def test_where_nothing_is_found_nothing_is_named() -> None:
    nothing = torch.full((2, 5), -1)
    assert names_of_found(nothing, torch.zeros(2, 5, dtype=torch.long), torch.tensor([[7], [8]])).tolist() == [[-1]] * 2


def test_whitened_rows_are_uncorrelated_and_of_unit_variance() -> None:
    rows = torch.randn(40, 5, generator=seeded()) @ torch.randn(5, 7, generator=seeded(1)) + 3  # of rank 5
    for dims, kept in ((48, 5), (3, 3)):
        found = whitened(rows, dims)
        assert found.shape == (40, kept)
        assert torch.allclose(found.T.cov(), torch.eye(kept), atol=1e-4)
    # Those of three dimensions are the three that vary most.
    assert torch.equal(whitened(rows, 3), whitened(rows)[:, :3])
    assert torch.equal(whitened(rows[:1]), rows[:1])
