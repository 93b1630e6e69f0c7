"""Moving objects of one clip in another: every pixel of every frame comes from where the correspondences say."""

import numpy as np
import pytest
import torch
from torch import Tensor

from gestalt.core.data.correspondence import Affine
from gestalt.core.data.feature_map import Grid
from gestalt.core.data.masks import ItemMasks
from gestalt.core.modality.transplant import Transplant
from gestalt.modalities.video import transplants
from gestalt.modalities.video.data import Clip
from gestalt.modalities.video.transplants import transplant

UNEVEN = torch.tensor([0.0, 0.1, 0.3, 0.35, 0.6, 0.7, 0.8, 1.0, 1.05])


def places(edges: Tensor, height: int, width: int) -> Clip:
    """A clip whose colours say the frame, the row and the column of every pixel."""
    axes = [torch.arange(length, dtype=torch.uint8) for length in (len(edges) - 1, height, width)]
    return Clip(torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=1), edges, start=3.0)


def mover(edges: Tensor, height: int, width: int, speed: int = 1) -> ItemMasks:
    """A box of 9 × 7 pixels that moves to the right, from frame to frame."""
    labels = torch.full((len(edges) - 1, height, width), -1)
    for frame in range(len(labels)):
        labels[frame, 10:19, 5 + speed * frame : 12 + speed * frame] = 0
    lengths = [torch.arange(length + 1, dtype=torch.float32)[None] for length in (height, width)]
    return ItemMasks(labels.flatten(), Grid((edges[None], *lengths)))


HOST, DONOR = places(torch.arange(9) / 8, 40, 48), places(UNEVEN, 32, 36)
PART = mover(UNEVEN, 32, 36)


def made(seed: int, host: Clip = HOST, donor: Clip = DONOR, part: ItemMasks = PART) -> Transplant[Clip]:
    found = transplant(host, donor, part, np.random.default_rng(seed))
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(16))
def test_every_pixel_comes_from_where_the_correspondences_say(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 3, exactly: clips hold their own coordinates, drifting, mirrored and resized parts included."""
    monkeypatch.setattr(transplants, "RECOLOURED", 0.0)
    found = made(seed)
    owner = found.owner.labels.view(8, 40, 48)
    here = owner == 1
    assert set(owner.unique().tolist()) == {0, 1}
    kept = ~here[:, None].expand_as(HOST.frames)
    assert torch.equal(found.item.frames[kept], HOST.frames[kept])
    assert found.item.start == 3.0
    assert found.owner.grid is not None
    assert isinstance(found.donor, Affine)
    points = found.owner.grid.centres()[0][here.flatten()]
    origin = points @ found.donor.matrix[0].T + found.donor.offset[0]
    frame = torch.searchsorted(UNEVEN, origin[:, 0].contiguous(), right=True) - 1
    expected = torch.stack([frame, origin[:, 1].floor().long(), origin[:, 2].floor().long()])
    shown = found.item.frames.permute(1, 0, 2, 3)[:, here].long()
    assert torch.equal(shown[0], expected[0])
    assert int((shown - expected).abs().max()) <= 1  # the last digit of a number on an edge
    assert float((shown != expected).float().mean()) < 0.02
    assert (PART.labels.view(8, 32, 36)[tuple(shown)] == 0).all()


def test_parts_move_on_courses_of_their_own() -> None:
    drifts, mirrored, colours, sizes = [], 0, 0, []
    for seed in range(50):
        found = made(seed)
        assert isinstance(found.donor, Affine)
        matrix = found.donor.matrix[0]
        drifts.append((matrix[1:, 0] / matrix.diagonal()[1:]).tolist())
        mirrored += float(matrix[2, 2]) < 0
        sizes.append(1 / float(matrix[1, 1]))
        here = found.owner.labels.view(8, 40, 48)[0] == 1
        rows = found.item.frames[0, 1][here]
        colours += bool(rows.numel()) and not 9 <= int(rows.min()) <= int(rows.max()) <= 19
    assert np.abs(drifts).max() <= 0.25 * 40 / 1.0
    assert np.ptp(np.array(drifts), axis=0).min() > 8
    assert 12 < mirrored < 38
    assert 20 < colours < 49
    assert 0.69 < min(sizes) < 0.9 < 1.1 < max(sizes) < 1.41


def test_where_the_donor_ends_the_part_vanishes_and_long_donors_begin_at_any_moment() -> None:
    short = Clip(DONOR.frames[:4], UNEVEN[:5])
    owner = made(0, donor=short, part=mover(UNEVEN[:5], 32, 36)).owner.labels.view(8, -1)
    assert (owner == 1).any(dim=1).tolist() == [True] * 5 + [False] * 3  # the donor has 0.6 s
    edges = torch.arange(33) / 8
    long = places(edges, 32, 60)
    starts = set()
    for seed in range(20):
        rule = made(seed, donor=long, part=mover(edges, 32, 60)).donor
        assert isinstance(rule, Affine)
        starts.add(round(float(rule.offset[0, 0]), 1))
    assert len(starts) > 8
    assert max(starts) <= 3.0


def test_a_part_on_coarse_cells_is_set_in() -> None:
    labels = torch.full((4, 4, 4), -1)
    labels[:, 1:3, 1:3] = 0
    grid = Grid.uniform((4, 4, 4), (1.05 / 4, 8.0, 9.0))
    assert int((made(1, part=ItemMasks(labels.flatten(), grid)).owner.labels == 1).sum()) > 400


@pytest.mark.parametrize("case", ["cut off", "too large", "empty"])
def test_a_part_that_does_not_fit_is_refused(case: str) -> None:
    host, part = HOST, PART
    if case == "cut off":
        labels = PART.labels.view(8, 32, 36).roll(-10, dims=1)
        part = ItemMasks(labels.flatten(), PART.grid)
    elif case == "too large":
        host = places(torch.arange(9) / 8, 6, 48)
    else:
        part = ItemMasks(torch.full_like(PART.labels, -1), PART.grid)
    assert all(transplant(host, DONOR, part, np.random.default_rng(seed)) is None for seed in range(8))
