"""One cell of the table: a recipe's network is trained as a row says, and what it finds is measured on test items."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import torch

from gestalt.core.data.resampling import averaged
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import MergeAlike
from gestalt.core.discovery.segmenters.in_rounds import InRounds, in_rounds
from gestalt.core.experiment.build import LearnerFactory
from gestalt.core.experiment.predictions import PredictedBatch, Predictions, encode, predictions_of
from gestalt.core.experiment.recipe import AbstractRecipe, ExperimentData
from gestalt.core.experiment.transplants import transplants_of
from gestalt.core.methods.learner import Learner
from gestalt.core.networks.encoder import Network
from gestalt.core.training.loop import launch, train_learner
from gestalt.core.training.training_data import TrainingData

CHUNK = 25


@final
@dataclass(frozen=True)
class Parts:
    """What a seed of a recipe evaluates on.

    Attributes:
        validation: recipe and data, for choosing a threshold.
        test: recipe and data, for the table.
    """

    validation: tuple[AbstractRecipe[Any, Any], ExperimentData[Any, Any]]
    test: tuple[AbstractRecipe[Any, Any], ExperimentData[Any, Any]]

    @classmethod
    def of(cls, kind: type[AbstractRecipe[Any, Any]], options: Any) -> "Parts":
        """Those of a recipe with its options."""
        both = [
            kind(replace(options, running=replace(options.running, validate=validate)))  # type: ignore[call-arg]
            for validate in (True, False)
        ]
        return cls((both[0], both[0].data()), (both[1], both[1].data()))


def trained(recipe: AbstractRecipe[Any, Any], data: ExperimentData[Any, Any], folder: Path) -> Learner:
    """The learner of a recipe after training.

    Raises:
        KeyboardInterrupt: if training was interrupted; it is saved.
    """
    options = recipe.options
    learner = LearnerFactory(recipe, data, data.views, None).fresh()
    assert isinstance(learner, Learner)
    folder.mkdir(parents=True, exist_ok=True)
    transplants = transplants_of(options.method, recipe.modality, True, None, False)
    learned_from = TrainingData(data.items, data.views, recipe.modality.collate, transplants=transplants)
    done = train_learner(launch(options.training), learner, learned_from, options.training, folder, resume=True)
    if not done.finished:
        raise KeyboardInterrupt
    return learner.cpu()


def threshold_of(finder: ObjectFinder) -> float:
    """Up to which cosine distance a finder merges.

    Raises:
        ValueError: if its grouper has no threshold.
    """
    return _merging(finder).threshold


def with_threshold(finder: ObjectFinder, threshold: float) -> ObjectFinder:
    """The same finder, whose grouper merges up to another threshold.

    Raises:
        ValueError: if its grouper has none.
    """
    return replace(finder, grouper=MergeAlike(threshold, _merging(finder).objects))


def _merging(finder: ObjectFinder) -> MergeAlike:
    if not isinstance(finder.grouper, MergeAlike):
        raise ValueError(
            f"rounds-table varies the threshold of MergeAlike, and the recipe groups by {type(finder.grouper).__name__}"
        )
    return finder.grouper


def chosen_and_measured(
    network: Network, parts: Parts, thresholds: Sequence[float], instances: Sequence[str]
) -> dict[str, float]:
    """The metrics of test items at the threshold whose metrics of validation items have the greatest sum.

    Args:
        network: after training.
        parts: what it is evaluated on.
        thresholds: to choose from.
        instances: the names of the metrics that are summed.
    """

    def measured(part: tuple[AbstractRecipe[Any, Any], ExperimentData[Any, Any]], at: float) -> dict[str, float]:
        recipe, data = part
        found = predictions_of(network, recipe.modality, data.evaluated, with_threshold(recipe.finder, at))
        return recipe.measure(found, data.truth)

    def sums(at: float) -> float:
        on_validation = measured(parts.validation, at)
        return sum(on_validation[name] for name in instances)

    best = max(thresholds, key=sums)
    return {**measured(parts.test, best), "threshold": best}


def first_segments_measured(parts: Parts) -> dict[str, float]:
    """The metrics of the segments that round 0 learns from; vectors are those of the network before training."""
    recipe, data = parts.test
    learner = LearnerFactory(recipe, data, data.views, None).fresh()
    segmenter = in_rounds(learner)
    assert isinstance(learner, Learner)
    assert segmenter is not None
    batches = [
        _first(segmenter, learner.online, recipe.modality.collate(data.evaluated[start : start + CHUNK]))
        for start in range(0, len(data.evaluated), CHUNK)
    ]
    return recipe.measure(Predictions(tuple(batches), learner.online), data.truth)


def _first(segmenter: InRounds, network: Network, data: Any) -> PredictedBatch:
    found, _ = segmenter.find(0, data, torch.Generator().manual_seed(0))
    features = encode(network, data)
    own = averaged(found, features)
    finer = (None, None) if own is found else (found.labels(), found.grid)
    return PredictedBatch(features, own.labels(), *finer)
