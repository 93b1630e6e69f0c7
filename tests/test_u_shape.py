"""The U-shaped network and its normalisation: padded rows change nothing, and no statistics are of a batch."""

import pytest
import torch
from torch import nn

from gestalt.core.networks.group_norm import MaskedGroupNorm, groups_of
from gestalt.core.networks.u_shape import UShape

LENGTHS = (37, 36, 21, 3, 1)


def noise(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def network(stride: int = 1, scales: int = 3) -> UShape:
    torch.manual_seed(0)
    return UShape(2, (16, 24, 32)[:scales], 5, stride)


@pytest.mark.parametrize(("stride", "scales"), [(1, 3), (2, 3), (4, 2), (2, 1)])
def test_an_item_gets_the_same_map_alone_and_among_longer_ones(stride: int, scales: int) -> None:
    """Whatever the padding holds beside zeros at the input, in front of which a masked front end stands."""
    u = network(stride, scales)
    counts = torch.tensor(LENGTHS)
    maps = noise(1, len(LENGTHS), 2, 40 * stride, 8 * stride)
    maps = maps * (torch.arange(40 * stride) < stride * counts[:, None])[:, None, :, None]
    together = u(maps, counts)
    for item, count in enumerate(LENGTHS):
        rows = max(count, 1 << (scales - 1))
        alone = u(maps[item : item + 1, :, : rows * stride], None if rows == count else counts[item : item + 1])
        assert torch.allclose(alone[0, :, :count], together[item, :, :count], atol=1e-5)


def test_no_item_sees_another_one_and_training_computes_what_evaluation_does() -> None:
    u = network()
    maps = noise(2, 3, 2, 16, 16)
    assert torch.equal(u.train()(maps), u.eval()(maps))
    assert torch.allclose(u(maps)[1:2], u(maps[1:2]), atol=1e-5)
    assert not list(u.buffers())


def test_gradients_are_those_of_each_item_alone() -> None:
    u, counts = network(), torch.tensor([12, 7])
    maps = noise(3, 2, 2, 12, 8) * (torch.arange(12) < counts[:, None])[:, None, :, None]
    found = []
    for parts in ([(maps, counts)], [(maps[:1], None), (maps[1:, :, :7], None)]):
        u.zero_grad()
        for part, own in parts:
            out = u(part, own)
            keep = torch.ones(len(part), part.shape[2], dtype=torch.bool)
            keep = keep if own is None else torch.arange(part.shape[2]) < own[:, None]
            (out.square().sum(dim=(1, 3)) * keep).sum().backward()
        found.append([parameter.grad.clone() for parameter in u.parameters() if parameter.grad is not None])
    assert len(found[0]) == len(list(u.parameters()))
    for joint, alone in zip(*found, strict=True):
        assert torch.allclose(joint, alone, atol=1e-4 * float(alone.abs().max().clamp(min=1)))


def test_coarse_scales_widen_the_view_and_weights_lie_channels_last() -> None:
    reaches = []
    for scales in (1, 2, 3):
        maps = noise(4, 1, 2, 64, 64).requires_grad_()
        network(1, scales)(maps)[0, :, 32, 32].sum().backward()
        assert maps.grad is not None
        # Normalisation sees the whole map, a little; convolutions see their surroundings.
        seen = maps.grad[0].abs().sum(dim=0)
        reaches.append(int((seen.amax(dim=0) > 0.02 * seen.max()).sum()))
    assert reaches[0] < reaches[1] < reaches[2]
    for layer in network().modules():
        if isinstance(layer, nn.Conv2d):
            assert layer.weight.is_contiguous(memory_format=torch.channels_last)


def test_too_small_a_map_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="takes 4 × 4 or more, got \\(3, 9\\)"):
        network()(torch.zeros(1, 2, 3, 9))
    with pytest.raises(ValueError, match="at least one scale, got none"):
        UShape(1, (), 4, 1)


@pytest.mark.parametrize("shape", [(2, 48, 9), (2, 48, 9, 5)])
def test_group_normalisation_with_a_mask_is_that_of_the_library_on_what_is_valid(shape: tuple[int, ...]) -> None:
    norm = MaskedGroupNorm(48)
    nn.init.normal_(norm.scale)
    nn.init.normal_(norm.shift)
    maps, counts = 3 + 2 * noise(5, *shape), torch.tensor([9, 4])
    found = norm(maps, torch.arange(9) < counts[:, None])
    for item, count in enumerate(counts.tolist()):
        expected = nn.functional.group_norm(maps[item : item + 1, :, :count], 3, norm.scale, norm.shift)
        assert torch.allclose(found[item, :, :count], expected[0], atol=1e-5)
        assert not found[item, :, count:].any()


def test_groups_divide_the_channels_evenly() -> None:
    for channels in range(1, 200):
        groups = groups_of(channels)
        assert channels % groups == 0
        assert channels / groups >= min(16, channels)


@pytest.mark.parametrize("around", [1, 4, 20])
def test_statistics_may_be_those_of_a_neighbourhood_that_moves_along(around: int) -> None:
    torch.manual_seed(0)
    norm, maps = MaskedGroupNorm(32, around=around), torch.randn(3, 32, 15) * torch.linspace(1, 5, 15)
    lengths = (15, 11, 3)
    valid = torch.arange(15) < torch.tensor(lengths)[:, None]
    found = norm(maps.masked_fill(~valid[:, None], torch.nan), valid)
    for item, length in enumerate(lengths):
        alone = norm(maps[item : item + 1, :, :length])
        assert torch.allclose(found[item, :, :length], alone[0], atol=1e-4)
        assert not found[item, :, length:].any()
        for place in range(length):
            near = maps[item, :, max(0, place - around) : min(length, place + around + 1)].view(2, 16, -1).flatten(1)
            own = maps[item, :, place].view(2, 16)
            expected = (own - near.mean(dim=1)[:, None]) / (near.var(dim=1, correction=0) + 1e-5).sqrt()[:, None]
            assert torch.allclose(alone[0, :, place], expected.flatten(), atol=1e-4)
