"""Convolutions over maps have weights whose order in memory suits them, and the same gradients as in the usual one."""

import copy

import pytest
import torch
from torch import nn

import gestalt
from gestalt.core.networks.encoder import AbstractEncoder

NAMES = {
    "image": ["conv", "unet", "resnet18"],
    "video": ["conv", "unet", "frame_resnet18"],
    "audio": ["resnet18"],
}
CASES = [(kind, name) for kind, names in NAMES.items() for name in names]


def built(modality: str, name: str) -> AbstractEncoder:
    """With its default settings."""
    torch.manual_seed(0)
    encoder: AbstractEncoder = gestalt.load_modality(modality).encoders[name]()
    return encoder


@pytest.mark.parametrize(("modality", "name"), CASES)
def test_weights_of_convolutions_have_their_channels_last_and_keep_it(modality: str, name: str) -> None:
    encoder = built(modality, name)
    weights = [layer.weight for layer in encoder.modules() if isinstance(layer, nn.Conv2d)]
    assert weights
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)
    encoder.load_state_dict({name: tensor.contiguous() for name, tensor in encoder.state_dict().items()})
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)


@pytest.mark.parametrize(("modality", "name"), CASES)
def test_gradients_are_those_of_weights_in_the_usual_order(modality: str, name: str) -> None:
    """torch's batch normalisation has wrong ones for maps of some orders; nothing else says so."""
    kind = gestalt.load_modality(modality)
    data = kind.collate([specimen.item for specimen in kind.specimens()][:2])
    encoder = built(modality, name).eval()
    usual = copy.deepcopy(encoder)
    nn.Module.to(usual, memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    for one in (encoder, usual):
        features = one(data)
        features.values[features.valid].square().sum().backward()
    for (path, weight), other in zip(encoder.named_parameters(), usual.parameters(), strict=True):
        assert (weight.grad is None) == (other.grad is None), path
        if weight.grad is not None and other.grad is not None:
            scale = float(other.grad.abs().max()) + 1e-6
            torch.testing.assert_close(weight.grad, other.grad, rtol=1e-3, atol=1e-3 * scale, msg=path)
