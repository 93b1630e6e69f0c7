"""Answers that are there already, scored as those of protocols are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, final

import torch

from ..methods.targets import AbstractTarget
from .protocols.base import AbstractProtocol, Answer, EvaluationData, LabelledVectors
from .protocols.results import Result, evaluated


@final
@dataclass(frozen=True)
class Given(AbstractProtocol):
    """What a model has answered."""

    answer: Answer
    title: ClassVar[str] = "answers"
    of: ClassVar[Literal["items", "elements", "masked"]] = "items"

    def answers(self, data: EvaluationData[Any]) -> Sequence[Answer]:  # noqa: ARG002
        """That."""
        return [self.answer]


def scored(name: str, answer: Answer, target: AbstractTarget, resamples: int, seed: int) -> Result:
    """An answer with intervals, and by class where the target is one of classes; `name` is what it is called."""
    nothing = torch.empty(len(answer.known), 0)
    rows = LabelledVectors(nothing, target, answer.known, answer.groups, (), torch.arange(len(answer.known)))
    found = evaluated(EvaluationData[Any](items=rows, seed=seed), {name: Given(answer)}, resamples)
    return replace(found.results[0], title=name)
