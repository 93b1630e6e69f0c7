"""A weighted sum of objectives."""

from collections.abc import Mapping, Sequence
from typing import Any, final

from torch import Tensor, nn

from ...components.ranges import Weight, check_ranges
from ...data.segmentation import Objects
from ...optimization.after_step import AfterStep
from ...optimization.progress import Progress
from ..info import BatchInfo
from ..step import HasHeads, HasHealth, StepOutput
from .base import AbstractObjective, Loss, compares_elements


@final
class Combined(AbstractObjective):
    """Σ w · L: regression groups, contrast tells apart, and one encoder may want both.

    Args:
        objectives: the terms L.
        weights: of each, w.
    """

    def __init__(self, objectives: Sequence[AbstractObjective], weights: Sequence[Weight]) -> None:
        super().__init__()
        if not objectives or len(objectives) != len(weights):
            raise ValueError(
                "Combined needs at least one objective, and one weight for each, "
                f"got {len(objectives)} objectives and {len(weights)} weights"
            )
        self.weights = tuple(weights)
        self.objectives = nn.ModuleList(objectives)
        check_ranges(self)

    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:
        """The weighted sum, with the unweighted parts of every objective; a second part of one name is numbered."""
        losses: list[Loss] = [objective(online, teacher, info) for objective in self.objectives]
        value = losses[0].value * self.weights[0]
        for weight, loss in zip(self.weights[1:], losses[1:], strict=True):
            value = value + weight * loss.value
        parts: dict[str, Tensor] = {}
        for number, loss in enumerate(losses, 1):
            for name, part in loss.parts.items():
                parts[f"{name} {number}" if name in parts else name] = part
        return Loss(value, parts)

    @property
    def elements(self) -> bool:
        """Whether any objective compares elements."""
        return any(compares_elements(objective) for objective in self.objectives)

    def after_step(self, outputs: Sequence[StepOutput[Any]], progress: Progress) -> None:
        """Every objective with state updates it."""
        for objective in self.objectives:
            if isinstance(objective, AfterStep):
                objective.after_step(outputs, progress)

    def health(self, details: Any) -> dict[str, float]:
        """What the objectives say of themselves."""
        said = (objective.health(details) for objective in self.objectives if isinstance(objective, HasHealth))
        return {name: value for one in said for name, value in one.items()}

    def heads(self) -> Mapping[str, nn.Module]:
        """The trained parts of all objectives; a second part of one name is numbered."""
        found: dict[str, nn.Module] = {}
        for number, objective in enumerate(self.objectives, 1):
            if isinstance(objective, HasHeads):
                for name, part in objective.heads().items():
                    found[f"{name} {number}" if name in found else name] = part
        return found


def weighted(*terms: tuple[float, AbstractObjective]) -> Combined:
    """The terms whose weight is not 0.

    Raises:
        ValueError: if all weights are 0: nothing would be learned.
    """
    kept = [(weight, objective) for weight, objective in terms if weight]
    if not kept:
        raise ValueError("the weights of contrast and regression cannot all be 0: nothing would be learned")
    return Combined([objective for _, objective in kept], [weight for weight, _ in kept])
