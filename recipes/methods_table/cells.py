"""One cell of the table: a method trains a recipe's network, and what was learned is measured on test items."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, final

import torch

from gestalt.core.data.items import BadItemError
from gestalt.core.experiment.build import LearnerFactory
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.experiment.predictions import predictions_of
from gestalt.core.experiment.recipe import AbstractRecipe, ExperimentData
from gestalt.core.experiment.run import train
from gestalt.core.methods.method import AbstractMethod
from gestalt.core.methods.step import AbstractLearner
from gestalt.core.modality.inferred import plain_encoder
from gestalt.core.modality.some_items import some_items
from gestalt.core.networks.encoder import Network
from gestalt.core.training.loop import Diverged, launch

from .classes import KnownClasses


@final
class CannotError(ValueError):
    """A method cannot learn here, and why."""


@final
@dataclass(frozen=True)
class Trial:
    """A recipe with one encoder and one seed: what all methods of a column of cells share, made when it is asked for.

    Attributes:
        kind: the recipe.
        options: its options.
        known: most items to learn from whose classes a probe is shown.
        items: most items that methods learn from; None: all.
    """

    kind: type[AbstractRecipe[Any, Any]]
    options: Any
    known: int
    items: int | None = None

    def with_encoder(self, name: str) -> "Trial":
        """The same with another encoder of the modality, which has its default settings."""
        return replace(self, options=replace(self.options, encoder=EncoderChoice(name)))

    def with_seed(self, seed: int) -> "Trial":
        """The same with another seed."""
        return replace(self, options=replace(self.options, training=replace(self.options.training, seed=seed)))

    @cached_property
    def recipe(self) -> AbstractRecipe[Any, Any]:
        """The recipe with its options."""
        recipe: AbstractRecipe[Any, Any] = self.kind(self.options)  # type: ignore[call-arg]
        return recipe

    @cached_property
    def data(self) -> ExperimentData[Any, Any]:
        """What is learned from and measured on."""
        return self.recipe.data()

    @cached_property
    def factory(self) -> LearnerFactory:
        """Learners of it, which see no labels."""
        data, count = self.data, len(self.data.items)
        if self.items is not None and self.items < count:
            drawn = torch.randperm(count, generator=torch.Generator().manual_seed(self.options.training.seed))
            numbers = drawn[: self.items].sort().values.tolist()
            data = replace(data, items=some_items(data.items, numbers, together=False))
        return LearnerFactory(self.recipe, data, data.views, None)

    @cached_property
    def classes(self) -> KnownClasses[Any] | None:
        """What the recipe knows of its items."""
        return KnownClasses.of(self.recipe.modality, self.data, self.known, self.options.training.seed)

    def learner(self, method: AbstractMethod) -> AbstractLearner[Any]:
        """The learner of a method before training.

        Raises:
            CannotError: if the method cannot learn from these items with this encoder.
        """
        try:
            return self.factory.fresh(method)
        except BadItemError:
            raise
        except ValueError as error:
            raise CannotError(str(error)) from error

    def trained(self, method: AbstractMethod, folder: Path) -> AbstractLearner[Any]:
        """The learner of a method after training, which goes on where it was stopped.

        Raises:
            CannotError: if the method cannot learn from these items, or its loss is no number any more.
            KeyboardInterrupt: if training was interrupted; it is saved.
        """
        learner = self.learner(method)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            done = train(launch(self.options.training), learner, self.factory, method, folder, True)
        except BadItemError:
            raise
        except (ValueError, Diverged) as error:
            raise CannotError(str(error)) from error
        if not done.finished:
            raise KeyboardInterrupt
        return learner.cpu()

    def measured(self, network: Network) -> Mapping[str, float]:
        """The recipe's own metrics with the recipe's finder, and the classes of test items, where they are known."""
        recipe, data = self.recipe, self.data
        found = recipe.measure(predictions_of(network, recipe.modality, data.evaluated, recipe.finder), data.truth)
        return found if self.classes is None else {**found, **self.classes.scores(network)}

    def plain(self) -> Network:
        """The modality's features without parameters."""
        return Network(plain_encoder(self.recipe.modality, self.data.items))

    def random(self, method: AbstractMethod) -> Network:
        """The encoder before training: the one that every method begins with."""
        return Network(self.learner(method).online.encoder)
