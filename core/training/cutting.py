"""Cutting the encoders of a learner into pieces, one in every process, by torch's `fully_shard`."""

import copy
import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method

from ..data.feature_map import FeatureMap
from ..distributed.pieces import whole
from ..methods.step import AbstractLearner
from ..networks.compiled import outermost
from ..networks.in_blocks import InBlocks
from ..networks.two_steps import GivesAdditions, GivesAttention, GivesLayers, InTwoSteps

CALLS = [
    name
    for protocol in (InTwoSteps, GivesLayers, GivesAdditions, GivesAttention)
    for name, _ in inspect.getmembers(protocol, inspect.isfunction)
    if not name.startswith("_")
]
"""By what an encoder is called beside `forward`."""


def cut(learner: nn.Module, mesh: DeviceMesh) -> nn.Module:
    """The same module, the weights of every encoder in it in pieces; those of heads and objectives stay whole.

    Every process begins with the weights of the first. A weight's piece is a range of its first axis; single numbers
    stay whole. The weights of an encoder are put together when it is called and for its gradient, block by block where
    it has blocks (`InBlocks`).

    Args:
        learner: with all its networks: the online one, teachers, those that find objects. They are cut alike, so that
            a follower's piece follows the same piece of the online network.
        mesh: the processes.
    """
    device = torch.device("cpu" if mesh.device_type == "cpu" else f"cuda:{torch.cuda.current_device()}")
    _known_to_torch()
    for tensor in (*learner.parameters(), *learner.buffers()):
        there = tensor.data.to(device).contiguous()  # `fully_shard` takes no other order in memory
        dist.broadcast(there, 0)
        tensor.data = there if tensor.device == device else there.to(tensor.device)
    for encoder in dict.fromkeys(outermost(learner)):
        before = list(encoder.parameters())
        if not before:
            continue
        for part in encoder.modules():
            if isinstance(part, InBlocks):
                for block in part.blocks:
                    _cut_one(block, part.calls_of_blocks, mesh)
        _cut_one(encoder, CALLS, mesh)
        kept = set(encoder.parameters())
        for parameter in before:
            if parameter not in kept:
                parameter.data = parameter.data.new_empty(0)
    return learner.to(device)


def _cut_one(module: nn.Module, calls: Sequence[str], mesh: DeviceMesh) -> None:
    single = {parameter for parameter in module.parameters() if not parameter.ndim}
    fully_shard(module, mesh=mesh, reshard_after_forward=True, ignored_params=single)
    entry = _Entry()
    module.forward = functools.partial(entry.through, module.forward, module.forward)
    for name in calls:
        own = getattr(module, name, None)
        if inspect.ismethod(own):
            register_fsdp_forward_method(module, name)
            setattr(module, name, functools.partial(entry.through, own, getattr(module, name)))


@final
class _Entry:
    """Weights are put together when a module is called from outside, and stay until that call ends.

    What the module calls of itself meanwhile would take them apart at its end, too early.
    """

    def __init__(self) -> None:
        self.inside = False

    def through(self, own: Callable[..., Any], from_outside: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """A method as it is, or with its weights put together where nobody is inside yet."""
        if self.inside:
            return own(*given, **named)
        self.inside = True
        try:
            return from_outside(*given, **named)
        finally:
            self.inside = False


@functools.cache
def _known_to_torch() -> None:
    """Let torch see the tensors of feature maps: it puts weights together when a gradient comes to one of these."""
    torch.export.register_dataclass(FeatureMap)


@contextmanager
def put_together(*modules: nn.Module) -> Iterator[None]:
    """Within it every process has all weights of some modules, and may call them as often as it likes.

    They must not change meanwhile. All processes enter and leave it together.
    """
    parts = dict.fromkeys(part for module in modules for part in module.modules())
    cut_modules = [part for part in parts if isinstance(part, FSDPModule)]
    for part in cut_modules:
        part.set_reshard_after_forward(False, recurse=False)
        part.unshard()
    try:
        yield
    finally:
        for part in cut_modules:
            part.set_reshard_after_forward(True, recurse=False)
            part.reshard()


@contextmanager
def to_be_cut(learner: AbstractLearner[Any]) -> Iterator[AbstractLearner[Any]]:
    """A learner to cut and train in place of this one, which is whole again at the end, with what was learned.

    Both have the same tensors at first; those that are cut lie nowhere whole in between. At the end all lie where they
    were: what a device could not hold whole is whole in the memory of its machine.
    """
    tensors = [*learner.parameters(), *learner.buffers()]
    before = [(tensor, tensor.size(), tensor.stride(), tensor.device) for tensor in tensors]
    own = copy.deepcopy(learner, {id(tensor): tensor for tensor in tensors})
    yield own
    for tensor, size, stride, device in before:
        if tensor.size() != size:
            tensor.data = torch.empty_strided(size, stride, dtype=tensor.dtype, device=device)
        else:
            tensor.data = tensor.data.to(device)
    learner.load_state_dict(whole(own.state_dict()))
