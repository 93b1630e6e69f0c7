"""Objects of one picture in another: every pixel comes from where the correspondences say."""

import time

import numpy as np
import pytest
import torch
from torch import Tensor

from gestalt.core.data.correspondence import AbstractCorrespondence
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.masks import ItemMasks
from gestalt.core.modality.transplant import Transplant
from gestalt.modalities.image import transplants
from gestalt.modalities.image.transplants import transplant

SIZE = (40, 56)


def disc(size: tuple[int, int] = SIZE, y: float = 22.0, x: float = 20.0, radius: float = 9.0) -> ItemMasks:
    down, across = torch.arange(size[0])[:, None] + 0.5, torch.arange(size[1])[None] + 0.5
    inside = ((down - y) ** 2 + (across - x) ** 2 < radius**2) & (down + across > y + x - 9)  # unlike its mirror image
    return ItemMasks(torch.where(inside, 0, -1).flatten(), Grid.uniform(size, (1.0, 1.0)))


def places(size: tuple[int, int]) -> Tensor:
    """A picture whose two channels say where each pixel lies, from 0 to 1."""
    down, across = torch.meshgrid(*(torch.arange(length) + 0.5 for length in size), indexing="ij")
    return torch.stack([down, across]) / 100.0


def positions(correspondence: AbstractCorrespondence, size: tuple[int, int]) -> Tensor:
    """Which pixel of a picture of 100 × 100 every pixel is said to show."""
    grid = Grid.uniform(size, (1.0, 1.0))
    view = FeatureMap(torch.zeros(1, grid.elements, 1), torch.ones(1, grid.elements, dtype=torch.bool), grid)
    found: Tensor = correspondence.source_elements(view, Grid.uniform((100, 100), (1.0, 1.0)))[0]
    return found.view(size)


def made(seed: int, host: Tensor, donor: Tensor, part: ItemMasks) -> Transplant[Tensor]:
    found = transplant(host, donor, part, np.random.default_rng(seed))
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(24))
def test_every_pixel_comes_from_where_the_correspondences_say(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 3, exactly: pictures hold their own coordinates, mirrored, turned and resized parts included."""
    monkeypatch.setattr(transplants, "RECOLOURED", 0.0)
    host, donor = places((48, 44)), places(SIZE)
    part = disc()
    found = made(seed, host, donor, part)
    owner = found.owner.labels.view(48, 44)
    assert torch.equal(found.item[:, owner == 0], host[:, owner == 0])
    rule = positions(found.donor, (48, 44))
    pixels = torch.stack([rule // 100, rule % 100]).float() + 0.5
    here = owner == 1
    assert int(here.sum()) > 60
    share = float((part.labels[(rule // 100 * SIZE[1] + rule % 100)[here]] == 0).float().mean())
    assert share > 0.9  # a resized outline is not that of the pixels
    # Near the outline a resized or softly edged part shows a mixture.
    inner = -torch.nn.functional.max_pool2d(-here[None].float(), 5, stride=1, padding=2)[0] == 1
    assert int(inner.sum()) > 10
    assert float((100 * found.item[:, inner] - pixels[:, inner]).abs().max()) < 1.0


def test_parts_are_mirrored_turned_resized_recoloured_and_softly_edged() -> None:
    rules, seams, colours = set(), 0, 0
    host, donor = torch.zeros(3, 64, 64), torch.full((3, *SIZE), 0.5)
    for seed in range(60):
        found = made(seed, host, donor, disc())
        matrix = found.donor.matrix[0]  # type: ignore[attr-defined]
        rules.add(tuple(matrix.sign().flatten().int().tolist()))
        scale = 1 / float(matrix.abs().sum(dim=0).max())
        assert 0.65 < scale < 1.5
        seams += bool((found.owner.labels == -1).any())
        colours += not bool(torch.isclose(found.item.amax(dim=(1, 2)), torch.tensor(0.5)).all())
    assert len(rules) == 4
    assert 15 < seams < 45
    assert 30 < colours < 55


def test_no_pixel_around_a_part_comes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """What surrounds an object in its own picture would tell where it was set in."""
    monkeypatch.setattr(transplants, "SCALE", (1.0, 1.0))
    monkeypatch.setattr(transplants, "RECOLOURED", 0.0)
    donor = torch.zeros(1, *SIZE)
    donor[0, (disc().labels == 0).view(SIZE)] = 1.0
    for seed in range(20):
        assert float(made(seed, torch.ones(1, 64, 64), donor, disc()).item.min()) == 1.0


@pytest.mark.parametrize("case", ["cut off", "too large", "channels", "empty"])
def test_a_part_that_does_not_fit_is_refused(case: str) -> None:
    host, donor, part = torch.rand(3, 30, 30), torch.rand(3, *SIZE), disc()
    if case == "cut off":
        part = disc(x=2.0)
    elif case == "too large":
        host = torch.rand(3, 8, 90)
    elif case == "channels":
        host = host[:1]
    else:
        part = ItemMasks(torch.full_like(part.labels, -1), part.grid)
    assert all(transplant(host, donor, part, np.random.default_rng(seed)) is None for seed in range(10))


def test_a_part_on_coarse_cells_and_many_channels_is_set_in() -> None:
    part = ItemMasks(torch.tensor([-1] * 5 + [0, 0] + [-1] * 5), Grid.uniform((3, 4), (10.0, 10.0)))
    found = made(1, torch.rand(7, 50, 50), torch.rand(7, 30, 40), part)
    assert 100 < int((found.owner.labels == 1).sum()) < 400


def test_a_part_smaller_than_a_pixel_of_the_seam_still_shows_or_is_refused() -> None:
    labels = torch.full(SIZE, -1)
    labels[20, 20] = 0
    part = ItemMasks(labels.flatten(), Grid.uniform(SIZE, (1.0, 1.0)))
    results = [
        transplant(torch.rand(3, 30, 30), torch.rand(3, *SIZE), part, np.random.default_rng(seed)) for seed in range(30)
    ]
    assert all(found is None or bool((found.owner.labels == 1).any()) for found in results)
    assert any(found is not None for found in results)


def test_it_takes_well_below_a_millisecond() -> None:
    host, donor, rng = torch.rand(3, 64, 64), torch.rand(3, *SIZE), np.random.default_rng(0)
    part = disc()

    def seconds() -> float:
        began = time.process_time()
        for _ in range(50):
            transplant(host, donor, part, rng)
        return (time.process_time() - began) / 50

    assert (
        min(seconds() for _ in range(20)) < 1e-3
    )  # a moment in which nobody else uses the core's memory is among them
