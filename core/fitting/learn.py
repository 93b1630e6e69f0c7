"""Labelled vectors to a fit: what is open is chosen on held-out rows, then a head is fitted to all of them."""

from dataclasses import dataclass
from typing import final

import torch

from ..evaluation.splitting import Split
from ..methods.targets import AbstractTarget, Errs
from .examples import Examples
from .fitted import Fitted, some_of
from .fitters.base import AbstractFitter
from .heads.base import AbstractFittedHead
from .held_out import HeldOut, held_out, temperature_of, threshold_of
from .margins import margins_of
from .subjects import AbstractSubject
from .task import Task


@final
@dataclass(frozen=True)
class Learned:
    """A fit, and what heads of the other folds said of every labelled row; None where nothing was held out."""

    fitted: Fitted
    fitter: AbstractFitter
    held: HeldOut | None


def learned(
    examples: Examples,
    of: AbstractSubject,
    task: Task,
    fitter: AbstractFitter,
    splits: tuple[Split, ...],
    unknown: float,
    sure: float,
) -> Learned:
    """Fit a head to all labelled vectors.

    Args:
        examples: labelled vectors.
        of: what they are of.
        task: what is known of them, in the units of a head.
        fitter: of the head, with everything chosen.
        splits: what is held out; none, and nothing is calibrated.
        unknown: the share of held-out rows that may be called unknown.
        sure: the share of values that are to lie within their margins.
    """
    held = held_out(examples, task, fitter, splits) if splits else None
    head = fitter.fit(examples, task, torch.arange(len(examples)))
    fitted = with_memory(head, examples, of, task.target, task.seed, unknown if held is not None else 0.0)
    if held is not None:
        settle(fitted, held, unknown, sure)
    return Learned(fitted, fitter, held)


def with_memory(
    head: AbstractFittedHead, examples: Examples, of: AbstractSubject, target: AbstractTarget, seed: int, unknown: float
) -> Fitted:
    """A head with the vectors that distances are measured to, where anything may be unknown."""
    vectors = some_of(examples.vectors(), seed) if unknown else examples.vectors()[:0]
    fitted = Fitted(of, target, head, examples.asked.values.shape[2], len(vectors))
    if len(vectors):
        fitted.remember(vectors)
    return fitted.eval()


def settle(fitted: Fitted, held: HeldOut, unknown: float, sure: float) -> None:
    """Set the temperature, the threshold and the margins by held-out rows."""
    fitted.temperature.fill_(temperature_of(fitted.target, held.outputs, held.known))
    fitted.threshold.fill_(threshold_of(held.distance, unknown))
    if isinstance(fitted.target, Errs):
        distance = held.distance if fitted.remembered else torch.zeros_like(held.distance)
        margins, usual = margins_of(fitted.target.errors(held.outputs, held.known), distance, sure)
        fitted.margins.copy_(margins)
        fitted.usual.fill_(usual)
