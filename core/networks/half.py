"""Hidden features by a network that computes in half precision: its products are, what comes out is not."""

import warnings
from typing import Any

import torch

from ..components.precision import Precision
from ..data.feature_map import FeatureMap
from .encoder import Network
from .modes import evaluating

DTYPES: dict[str, torch.dtype] = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


def hidden(network: Network, data: Any, precision: Precision) -> FeatureMap:
    """h = f(x) in evaluation mode and without gradients, in float32 whatever the network computed in.

    Everything behind the encoder (grouping, pooling, heads, distances) computes in float32, so that a precision says
    how exact vectors are and nothing else.

    Args:
        network: whose encoder it is.
        data: a collated batch, on the network's device.
        precision: of matrix products and convolutions, by autocast; weights stay as they are.

    Example:
        >>> from gestalt.core.networks.encoder import Identity
        >>> data = FeatureMap.padded([torch.ones(2, 3)])
        >>> hidden(Network(Identity(3)), data, "bf16-mixed").values.dtype
        torch.float32
    """
    with evaluating(network):
        return encoded(network, data, precision)


def encoded(network: Network, data: Any, precision: Precision) -> FeatureMap:
    """As `hidden`, in the mode that the network is in: for those who encode several batches in one."""
    if precision not in DTYPES:
        return network.encode(data)
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    with torch.autocast(device.type, DTYPES[precision]):
        features = network.encode(data)
    return features.with_values(features.values.float())


def check_precision(precision: str, device: torch.device | str, option: str) -> None:
    """Refuse a precision that a device computes in another one, or many times slower.

    Args:
        precision: that was asked for.
        device: of the network.
        option: by which it was chosen, for the message.

    Raises:
        ValueError: with the reason and what to take instead.
    """
    device = torch.device(device)
    dtype = DTYPES.get(precision)
    if dtype is None:
        if precision != "32-true":
            raise ValueError(f"{option} must be one of 32-true, {', '.join(DTYPES)}, got {precision!r}")
        return
    reason = _reason(dtype, device)
    if reason:
        raise ValueError(
            f"{option} {precision} is not to be had on {device}: {reason}; take {option} {_other(dtype, device)}"
        )


def _other(dtype: torch.dtype, device: torch.device) -> str:
    """The other half precision, if this device has it."""
    for name, instead in DTYPES.items():
        if instead != dtype and not _reason(instead, device):
            return f"{name} or 32-true"
    return "32-true"


def _reason(dtype: torch.dtype, device: torch.device) -> str:
    """Why a device has no such precision; nothing where it has."""
    if device.type == "cpu" and dtype == torch.float16:
        return "CPUs compute float16 many times slower than float32"
    if device.type == "cuda" and dtype == torch.bfloat16 and not torch.cuda.is_bf16_supported(False):
        return "this GPU computes bfloat16 by way of float32"
    try:
        # What a device does not have is an error of some torch versions, and a warning of others.
        with warnings.catch_warnings(action="error"), torch.autocast(device.type, dtype):
            one = torch.ones(1, 1, device=device)
            found = (one @ one).dtype
    except (RuntimeError, ValueError, UserWarning) as error:
        return str(error).splitlines()[0]
    return "" if found == dtype else f"torch {torch.__version__} computes in {str(found).removeprefix('torch.')} there"
