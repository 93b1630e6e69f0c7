"""Weights that every process has whole."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, final

from lightning_fabric import Fabric

from ..methods.step import AbstractLearner
from .optimizer import build_optimizer, gradient_scaler, unwrapped
from .options import Training
from .weights import AbstractWeights, Step


@final
class WholeWeights(AbstractWeights):
    """Every process has all weights; gradients are averaged over the processes (DDP)."""

    def __init__(self, fabric: Fabric, learner: AbstractLearner[Any], options: Training) -> None:
        self.fabric, self.learner = fabric, learner
        optimizer = build_optimizer(learner, options, fused=gradient_scaler(fabric) is None)
        self.model, self.optimizer = fabric.setup(Step(learner), optimizer)

    def part(self, last: bool) -> AbstractContextManager[None]:
        """Gradients are averaged in the last part alone."""
        return nullcontext() if last else self.fabric.no_backward_sync(self.model)

    def clip(self, most: float) -> None:
        """As Fabric does."""
        scaled = gradient_scaler(self.fabric) is not None
        self.fabric.clip_gradients(self.model, self.optimizer, max_norm=most, error_if_nonfinite=not scaled)

    def state(self) -> dict[str, Any]:
        """The states of learner, optimiser and, in float16, gradient scaler."""
        state = {"learner": self.learner.state_dict(), "optimizer": unwrapped(self.optimizer).state_dict()}
        scaler = gradient_scaler(self.fabric)
        return state if scaler is None else state | {"scaler": scaler.state_dict()}

    def restore(self, saved: dict[str, Any]) -> None:
        """The same back."""
        self.learner.load_state_dict(saved["learner"])
        unwrapped(self.optimizer).load_state_dict(saved["optimizer"])
        scaler = gradient_scaler(self.fabric)
        if scaler is not None:
            scaler.load_state_dict(saved["scaler"])
