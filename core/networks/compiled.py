"""Encoders whose forward passes are compiled, `torch.compile`."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from .encoder import AbstractEncoder

Backend = str | Callable[..., Any]
"""The name of a backend of `torch.compile`, or what makes a function of a graph and its inputs."""


def compile_encoders(module: nn.Module, device: torch.device | str, backend: Backend = "inductor") -> None:
    """Have the encoders within a module compiled at their first pass; weights and their names stay.

    Heads, losses and groupers stay as they are: their time is small, or depends on the data. Where batches differ in
    their sizes (words, nodes, seconds), torch compiles anew for the first few of them, with the axes that were seen to
    differ left open, and then for none any more; an encoder that looks at its data in Python is compiled in pieces. The
    two steps of an encoder in two steps are not compiled where they are called by themselves.

    Args:
        module: a learner, or a network.
        device: where it runs.
        backend: of `torch.compile`.

    Raises:
        ValueError: if nothing can be compiled here, with what is missing.

    Example:
        >>> from gestalt.core.networks.encoder import Identity
        >>> from gestalt.core.data.feature_map import FeatureMap
        >>> network = nn.Sequential(Identity(3))
        >>> compile_encoders(network, "cpu", "eager")
        >>> network(FeatureMap.padded([torch.ones(2, 3)])).values.shape
        torch.Size([1, 2, 3])
    """
    import torch._dynamo.config  # it takes a second and more, and few ask for it

    check_compiler(torch.device(device), backend)
    torch._dynamo.config.trace_numpy = False  # strings are looked up with NumPy, and they are nothing that is compiled
    for encoder in outermost(module):
        encoder.compile(backend=backend)


def outermost(module: nn.Module) -> Iterator[AbstractEncoder]:
    """The encoders within a module, not those within them (a joint item's encoder holds one for each part)."""
    if isinstance(module, AbstractEncoder):
        yield module
        return
    for child in module.children():
        yield from outermost(child)


def check_compiler(device: torch.device, backend: Backend) -> None:
    """Compile next to nothing: what is missing is said before anything is trained.

    Raises:
        ValueError: if it fails.
    """
    try:
        torch.compile(lambda x: x + 1, backend=backend)(torch.zeros(2, device=device))
    except Exception as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        needed = "a C++ compiler (g++, clang or MSVC)" if device.type == "cpu" else "triton and a C compiler"
        raise ValueError(
            f"torch.compile does not work here for {device.type} ({reason}); it needs {needed}: install it, "
            "or leave out --compile, which changes how fast a run is and nothing else"
        ) from error
