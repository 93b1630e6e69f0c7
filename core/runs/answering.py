"""What a fit says of features: predictions of items, and objects that have names."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ..data.feature_map import FeatureMap, item_means
from ..data.segmentation import Objects, Segmentation
from ..discovery.found import FoundBatch, Named
from ..fitting.fitted import UNKNOWN, Fitted, Said
from ..methods.targets import AbstractTarget, Classes, Decides
from ..networks.encoder import Network
from ..networks.modes import evaluating
from .mask_classes import NONE
from .results import ItemPrediction

ItemT = TypeVar("ItemT")

HALF = 0.5
"""From this probability on, one of several labels applies."""


def said_of(fitted: Fitted, batch: FoundBatch[Any], device: torch.device) -> Said:
    """What a fit says of a batch, on the CPU."""
    with evaluating(fitted):
        said = fitted(batch.features.to(device), batch.segmentation.to(device))
    return Said(said.outputs.cpu(), said.asked.cpu(), said.distance.cpu())


def item_predictions(
    fitted: Fitted, index: Sequence[int], said: Said, name: Callable[[int], str]
) -> Iterator[ItemPrediction]:
    """What a fit says of the items of a batch: scores, a decision, how far it is from what was labelled.

    Of a fit to elements or objects, the greatest score of each class over those of the item (the mean of values), and
    no decision.
    """
    columns, of_items = fitted.target.columns, fitted.of.word == "item"
    measured = of_items and fitted.remembered > 0
    decoded = decoded_of(fitted, said)
    for row, number in enumerate(index):
        there = said.asked[row]
        scores, distance = decoded[row, there], said.distance[row, there]
        nothing = dict.fromkeys(columns, float("nan"))
        if not len(scores):
            far, margins = (float("nan") if measured else None), (nothing if of_items and fitted.has_margins else None)
            yield ItemPrediction(name(number), nothing, None, far, margins)
            continue
        answer = fitted.answers(said.outputs[row, there], distance)[0] if of_items else None
        far = float(distance[0]) if measured else None
        values = scores.amax(dim=0) if isinstance(fitted.target, Decides) else scores.mean(dim=0)
        margins = None
        if of_items and fitted.has_margins:
            margins = dict(zip(columns, fitted.margins_at(distance)[0].tolist(), strict=True))
        yield ItemPrediction(name(number), dict(zip(columns, values.tolist(), strict=True)), answer, far, margins)


def decoded_of(fitted: Fitted, said: Said) -> Float[Tensor, "items asked columns"]:
    """The target's columns, as a user reads them."""
    decoded: Tensor = fitted.target.decode(said.outputs.flatten(0, 1)).unflatten(0, said.asked.shape).float()
    return decoded


def task_of(target: AbstractTarget | None, heads: Mapping[str, nn.Module]) -> AbstractTarget:
    """What the task head of a run predicts.

    Raises:
        ValueError: if the run has none.
    """
    if target is None or "task" not in heads:
        raise ValueError("this run has no task head: train with labels and --method supervised, or with --method.task")
    return target


def task_predictions(
    target: AbstractTarget,
    task: nn.Module,
    network: Network,
    encoded: Iterable[tuple[tuple[int, ...], FeatureMap]],
    name: Callable[[int], str],
) -> Iterator[ItemPrediction]:
    """What a task head says of the projected means of items, which come with their numbers."""
    for numbers, features in encoded:
        with evaluating(network), evaluating(task):
            whole = Objects(item_means(features)[:, None], features.valid.any(dim=1, keepdim=True))
            outputs = task(network.project(whole).vectors[:, 0])
        yield from decoded_predictions(target, outputs, list(map(name, numbers)))


def decoded_predictions(target: AbstractTarget, outputs: Tensor, names: Sequence[str]) -> Iterator[ItemPrediction]:
    """What a task head says of items, by their names."""
    decoded = target.decode(outputs).float().cpu()
    answers = target.decide(decoded) if isinstance(target, Decides) else [None] * len(names)
    for name, row, answer in zip(names, decoded.tolist(), answers, strict=True):
        columns = target.columns or tuple(map(str, range(len(row))))
        yield ItemPrediction(name, dict(zip(columns, row, strict=True)), answer)


def names_of(fitted: Fitted) -> tuple[str, ...]:
    """What objects may be called: the classes, but for that of no object, and what is unknown."""
    return (*(name for name in fitted.target.columns if name != NONE), UNKNOWN)


def names_objects(fitted: Fitted) -> bool:
    """Whether a fit gives classes of elements or objects."""
    return isinstance(fitted.target, Decides) and fitted.of.word != "item"


def named(fitted: Fitted, batch: FoundBatch[ItemT], said: Said) -> FoundBatch[ItemT]:
    """The objects of a batch with what a fit calls them.

    Classes of elements become objects; discovered objects stay apart, and those that are none of the classes are left
    out.

    Raises:
        ValueError: if the fit gives no classes of elements or objects.
    """
    if not names_objects(fitted):
        raise ValueError(
            f"this model says {type(fitted.target).__name__.lower()} of {fitted.of.word}s, which are no named objects: "
            "its predict gives them"
        )
    scores, kinds = decoded_of(fitted, said).max(dim=2)
    names = names_of(fitted)
    place = torch.tensor([-1 if name == NONE else names.index(name) for name in fitted.target.columns])
    kinds = torch.where(said.distance > fitted.threshold.cpu(), len(names) - 1, place[kinds])
    kinds = torch.where(said.asked & enough(fitted, scores), kinds, -1)
    if not fitted.of.of_found:
        places = batch.features.places
        segmentation = Segmentation.from_labels(kinds, len(names), places)
        return replace(batch, segmentation=segmentation, numbers=None, fine=None, named=Named(names, scores))
    found = batch.segmentation
    numbers = batch.object_numbers() * len(names) + kinds.clamp(min=0)
    of = found.labels()
    on_elements = scores.gather(1, of.clamp(min=0)) * (of >= 0)
    fine = None if batch.fine is None else replace(batch.fine, weights=_kept(batch.fine.weights, kinds))
    return replace(
        batch,
        segmentation=replace(found, weights=_kept(found.weights, kinds)),
        numbers=torch.where(batch.object_numbers() >= 0, numbers, -1),
        fine=fine,
        named=Named(names, on_elements),
    )


def enough(fitted: Fitted, scores: Float[Tensor, "items asked"]) -> Bool[Tensor, "items asked"]:
    """Where the greatest score is one of something: that of classes always is, of several labels none may apply."""
    of_classes = isinstance(fitted.target, Classes)
    return torch.ones_like(scores, dtype=torch.bool) if of_classes else scores >= HALF


def _kept(weights: Tensor, kinds: Tensor) -> Tensor:
    """Weights of the objects that are of a class."""
    return torch.where((kinds >= 0)[..., None], weights, 0.0)
