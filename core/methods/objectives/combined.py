"""A weighted sum of objectives."""

from typing import final

from torch import Tensor, nn

from ...data.segmentation import Objects
from .base import AbstractObjective, Loss
from .info import BatchInfo


@final
class Combined(AbstractObjective):
    """Σ w · L over (weight, objective): regression groups, contrast tells apart, and one encoder may want both."""

    def __init__(self, *weighted: tuple[float, AbstractObjective]) -> None:
        super().__init__()
        if not weighted:
            raise ValueError("Combined needs at least one (weight, objective), got none")
        self.weights = tuple(weight for weight, _ in weighted)
        self.objectives = nn.ModuleList(objective for _, objective in weighted)

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], known: BatchInfo) -> Loss:
        """The weighted sum, with the unweighted parts of every objective; a second part of one name is numbered."""
        losses: list[Loss] = [objective(online, teacher, known) for objective in self.objectives]
        value = losses[0].value * self.weights[0]
        for weight, loss in zip(self.weights[1:], losses[1:], strict=True):
            value = value + weight * loss.value
        parts: dict[str, Tensor] = {}
        for number, loss in enumerate(losses, 1):
            for name, part in loss.parts.items():
                parts[f"{name} {number}" if name in parts else name] = part
        return Loss(value, parts)

    def observe(self, teacher: tuple[Objects, ...], known: BatchInfo) -> None:
        """Every objective observes."""
        for objective in self.objectives:
            assert isinstance(objective, AbstractObjective)
            objective.observe(teacher, known)
