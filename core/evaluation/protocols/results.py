"""Protocols carried out: scores with confidence intervals, and which classes are taken for which."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import stdev
from typing import Any, final

from jaxtyping import Int
from torch import Tensor

from ...methods.targets import Classes
from ..bootstrap import Interval, bootstrap
from ..calibration import Reliability, reliability
from ..measures import ClassMeasure, confusion
from .base import AbstractProtocol, Answer, EvaluationData, NotApplicableError


@final
@dataclass(frozen=True)
class Score:
    """One number: the mean over draws, its interval over files, and its standard deviation over draws (NaN of one)."""

    value: float
    interval: Interval
    spread: float


@final
@dataclass(frozen=True)
class ByClass:
    """How rows of every true class were named, and how sure of it.

    Attributes:
        names: of the classes.
        confusion: rows by true class (down) and given class (across), over all draws.
        reliability: None where the protocol gives no probabilities.
    """

    names: tuple[str, ...]
    confusion: Int[Tensor, "true found"]
    reliability: Reliability | None

    def table(self) -> list[dict[str, float]]:
        """Precision, recall, F1 and number of rows of every class; NaN where a denominator is 0."""
        counts = self.confusion.double()
        hits, true, found = counts.diagonal(), counts.sum(dim=1), counts.sum(dim=0)
        columns = {"precision": hits / found, "recall": hits / true, "f1": 2 * hits / (true + found), "rows": true}
        return [{name: float(column[place]) for name, column in columns.items()} for place in range(len(self.names))]


@final
@dataclass(frozen=True)
class Result:
    """One variant of a protocol, scored."""

    protocol: str
    title: str
    variant: str
    scores: Mapping[str, Score]
    rows: int
    groups: int
    draws: int
    by_class: ByClass | None
    note: str = ""
    share: float = math.nan


@final
@dataclass(frozen=True)
class Evaluation:
    """What protocols say of a run.

    Attributes:
        results: in the order in which protocols were asked for.
        left_out: protocols that the data do not allow, with what they lack.
        facts: about data and splits, in words.
        scored: the numbers of the items that took part.
    """

    results: tuple[Result, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    scored: tuple[int, ...] = ()

    def score(self, protocol: str, metric: str, variant: str | None = None) -> float:
        """One number; of several variants the last one, if none is named.

        Raises:
            KeyError: if there is none such.
        """
        fitting = [one for one in self.results if one.protocol == protocol and variant in (None, one.variant)]
        if not fitting or metric not in fitting[-1].scores:
            known = [(one.protocol, one.variant, *one.scores) for one in self.results]
            raise KeyError(f"there is no {metric!r} of {protocol!r} {variant or ''}; there are {known}")
        return fitting[-1].scores[metric].value


def evaluated(
    data: EvaluationData[Any], protocols: Mapping[str, AbstractProtocol], resamples: int = 1000
) -> Evaluation:
    """Carry out protocols by name, and score what they answer.

    Args:
        data: what they are given.
        protocols: by what they are called in results.
        resamples: of the bootstrap over groups.

    Raises:
        ValueError: if the data allow none of them.
    """
    results, left_out = list[Result](), list[tuple[str, str]]()
    for name, protocol in protocols.items():
        try:
            answers = protocol.answers(data)
        except NotApplicableError as error:
            left_out.append((name, str(error)))
            continue
        results += [_scored(name, protocol, one, data, resamples) for one in answers]
    if not results:
        raise ValueError("; ".join(f"{name} {reason}" for name, reason in left_out))
    return Evaluation(tuple(results), tuple(left_out))


def _scored(name: str, protocol: AbstractProtocol, answer: Answer, data: EvaluationData[Any], resamples: int) -> Result:
    def mean(rows: Int[Tensor, " drawn"]) -> dict[str, float]:
        known = answer.known[rows]
        draws = [answer.measure(outputs[rows], known) for outputs in answer.outputs]
        return {metric: sum(draw[metric] for draw in draws) / len(draws) for metric in draws[0]}

    intervals = bootstrap(answer.groups, mean, resamples, seed=data.seed)
    each = [answer.measure(outputs, answer.known) for outputs in answer.outputs]
    scores = {}
    for metric, interval in intervals.items():
        values = [draw[metric] for draw in each]
        spread = stdev(values) if len(values) > 1 and all(map(math.isfinite, values)) else math.nan
        scores[metric] = Score(sum(values) / len(values), interval, spread)
    groups = len(answer.groups.unique())
    shape = len(answer.known), groups, len(answer.outputs)
    by_class = _by_class(protocol, answer, data)
    return Result(name, protocol.title, answer.variant, scores, *shape, by_class, answer.note, answer.share)


def _by_class(protocol: AbstractProtocol, answer: Answer, data: EvaluationData[Any]) -> ByClass | None:
    rows = data.elements if protocol.of == "elements" else data.items
    if not isinstance(answer.measure, ClassMeasure) or rows is None or not isinstance(rows.target, Classes):
        return None
    names = rows.target.names
    outputs, known = answer.outputs.flatten(0, 1), answer.known.repeat(len(answer.outputs))
    table = confusion(outputs, known, len(names))
    return ByClass(names, table, reliability(outputs, known) if answer.measure.probabilities else None)
