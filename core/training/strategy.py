"""How processes share the weights of a training, as `--strategy` says."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lightning_fabric import Fabric
from lightning_fabric.strategies.model_parallel import ModelParallelStrategy
from lightning_fabric.strategies.strategy import Strategy
from torch import nn
from torch.distributed.device_mesh import DeviceMesh

from ..methods.step import AbstractLearner
from .cutting import cut, to_be_cut
from .options import Training
from .pieces_of_weights import PiecesOfWeights
from .weights import AbstractWeights
from .whole_weights import WholeWeights


def strategy_of(options: Training, processes: int) -> str | Strategy:
    """Fabric's strategy for so many processes; one process has everything whole, whatever the options say.

    Raises:
        ValueError: for options that pieces of weights do not go with.
    """
    if options.strategy != "fsdp":
        return options.strategy
    if options.precision == "16-mixed":
        raise ValueError(
            "--strategy fsdp does not go with --precision 16-mixed, whose scaler looks at whole gradients; take "
            "--precision bf16-mixed, or --strategy ddp"
        )
    if options.compile:
        raise ValueError(
            "--strategy fsdp does not go with --compile: weights are put together in between what would be compiled; "
            "leave out one of them"
        )
    return (
        "auto" if processes == 1 else ModelParallelStrategy(_cut, data_parallel_size=processes, tensor_parallel_size=1)
    )


def _cut(module: nn.Module, mesh: DeviceMesh) -> nn.Module:
    return cut(module, mesh["data_parallel"])


@contextmanager
def in_training(fabric: Fabric, learner: AbstractLearner[Any], options: Training) -> Iterator[AbstractWeights]:
    """A learner's weights, as the strategy wants them; afterwards the learner is whole in every process.

    Raises:
        ValueError: if nothing is trained.
    """
    if isinstance(fabric.strategy, ModelParallelStrategy):
        with to_be_cut(learner) as own:
            yield PiecesOfWeights(fabric, own, options)
    else:
        yield WholeWeights(fabric, learner, options)
