"""Weights of which every process has a piece."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from ..distributed.pieces import cut_like, whole
from ..methods.step import AbstractLearner
from .optimizer import groups_of, optimizer_over, unwrapped
from .options import Training
from .weights import AbstractWeights, Step


@final
class PiecesOfWeights(AbstractWeights):
    """Every process has a piece of each weight of the encoders, of its gradient and of what the optimiser keeps of it.

    Heads and objectives are whole everywhere. Torch takes no list of both kinds, so that each of the optimiser's groups
    is two here; checkpoints hold whole tensors, in the groups that one process has.

    Args:
        fabric: its strategy cuts what it sets up.
        learner: to be cut.
        options: of the training.
    """

    def __init__(self, fabric: Fabric, learner: AbstractLearner[Any], options: Training) -> None:
        self.fabric, self.learner = fabric, learner
        groups = groups_of(learner, options)
        names = {parameter: name for name, parameter in learner.named_parameters()}
        named = [[names[parameter] for parameter in group["params"]] for group in groups]
        self.model = fabric.setup_module(Step(learner))
        now = dict(learner.named_parameters())
        self._groups = [[now[name] for name in group] for group in named]
        self._trained = [parameter for group in self._groups for parameter in group]
        halves = [
            group | {"params": half} for group, own in zip(groups, self._groups, strict=True) for half in _by_kind(own)
        ]
        self.optimizer = fabric.setup_optimizers(optimizer_over(halves, options, fused=True))

    @contextmanager
    def part(self, last: bool) -> Iterator[None]:
        """Gradients of pieces are averaged in every part, so that none is kept whole; all others in the last one.

        Buffers, such as running statistics, begin as those of the first process, as under DDP.
        """
        for buffer in self.learner.buffers():
            dist.broadcast(buffer, 0)
        yield
        gradients = [own.grad for own in _by_kind(self._trained)[1] if own.grad is not None]
        if last and gradients:
            together = torch.cat([gradient.flatten() for gradient in gradients])
            dist.all_reduce(together)
            together /= dist.get_world_size()
            for gradient, mean in zip(gradients, together.split([own.numel() for own in gradients]), strict=True):
                gradient.copy_(mean.view_as(gradient))

    def clip(self, most: float) -> None:
        """By the norm of both kinds together."""
        kinds, norms = _by_kind([own for own in self._trained if own.grad is not None]), list[Tensor]()
        for kind in kinds:
            norm = get_total_norm([own.grad for own in kind if own.grad is not None])
            norms.append(norm.full_tensor() if isinstance(norm, DTensor) else norm.to(self.fabric.device))
        norm = get_total_norm(norms, error_if_nonfinite=True)
        for kind in kinds:
            clip_grads_with_norm_(kind, most, norm)

    def state(self) -> dict[str, Any]:
        """Put together one tensor after the other."""
        optimizer, wanted = unwrapped(self.optimizer), self.fabric.is_global_zero
        groups, count = list[dict[str, Any]](), 0
        for own, half in zip(self._groups, optimizer.param_groups[::2], strict=True):
            settings = {name: value for name, value in half.items() if name != "params"}
            groups.append(settings | {"params": [*range(count, count + len(own))]})
            count += len(own)
        kept = {
            number: whole(optimizer.state[own], wanted)
            for number, own in enumerate(self._trained)
            if own in optimizer.state
        }
        learned = whole(self.learner.state_dict(), wanted)
        return {"learner": learned, "optimizer": {"state": kept, "param_groups": groups}}

    def restore(self, saved: dict[str, Any]) -> None:
        """Each process takes its piece of every tensor."""
        before = self.learner.state_dict()
        self.learner.load_state_dict(
            {name: cut_like(tensor, before.get(name, tensor)) for name, tensor in saved["learner"].items()}
        )
        groups, optimizer = saved["optimizer"]["param_groups"], unwrapped(self.optimizer)
        if [len(group["params"]) for group in groups] != [len(group) for group in self._groups]:
            raise ValueError("its optimiser has other groups of weights")
        own = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        place = {parameter: number for number, parameter in enumerate(own)}
        halves = [
            group | {"params": [place[parameter] for parameter in half]}
            for group, parameters in zip(groups, self._groups, strict=True)
            for half in _by_kind(parameters)
        ]
        state = {}
        for number, values in saved["optimizer"]["state"].items():
            parameter = self._trained[number]
            state[place[parameter]] = {name: cut_like(value, parameter) for name, value in values.items()}
        optimizer.load_state_dict({"state": state, "param_groups": halves})


def _by_kind(parameters: Sequence[nn.Parameter]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Those in pieces, and those that are whole."""
    kinds: tuple[list[nn.Parameter], list[nn.Parameter]] = ([], [])
    for parameter in parameters:
        kinds[0 if isinstance(parameter, DTensor) else 1].append(parameter)
    return kinds
