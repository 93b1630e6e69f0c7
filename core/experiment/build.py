"""From the options of a recipe to a learner."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import torch

from ..components.names import choose
from ..discovery.segmenters.given import GivenMasks
from ..methods.method import AbstractMethod, DataInfo, all_of, wants_computed
from ..methods.step import AbstractLearner
from ..modality.inferred import inferred_settings
from ..modality.optional import IsSequence
from ..modality.transform import Views
from ..modality.two_steps import encoders_in_two_steps
from ..training.computing import ComputedTargets, Computing, computed_targets
from ..training.labels import Labels
from .choices import alternatives_of
from .recipe import AbstractRecipe, ExperimentData
from .teacher import teacher_of


@final
@dataclass(frozen=True)
class LearnerFactory:
    """Builds the learner of a run before training: the same one whenever the seed is the same.

    Attributes:
        recipe: with the options.
        data: what the learner will be trained on.
        views: which views of it.
        labels: what is known of it.
    """

    recipe: AbstractRecipe[Any, Any]
    data: ExperimentData[Any, Any]
    views: Views[Any]
    labels: Labels | None

    def fresh(self, method: AbstractMethod | None = None) -> AbstractLearner[Any]:
        """The learner of the options' method, or of another one.

        Raises:
            ValueError: if the method needs labels and there are none.
        """
        options = self.recipe.options
        method = options.method if method is None else method
        check_labels(method, self.labels)
        settings = {**self.inferred, **self.data.encoder_settings, **options.encoder.settings}  # the user's own go last
        torch.manual_seed(options.training.seed)
        encoder = self.recipe.modality.encoders[self.encoder_name](**settings)
        return method.build(encoder, self.info(method))

    def info(self, method: AbstractMethod) -> DataInfo:
        """What a method may need to know."""
        views = self.recipe.options.views
        masks = self.recipe.options.running.masks
        return DataInfo(
            items=len(self.data.items),
            batch=self.recipe.options.training.batch,
            large_views=len(self.views.views) - views.small,
            target=None if self.labels is None else self.labels.target,
            finder=self.recipe.finder,
            first_segments=self.data.first_segments if masks is None else GivenMasks(),
            computed=self.computed.info if wants_computed(method) else None,
            sequence=isinstance(self.recipe.modality, IsSequence) and self.recipe.modality.sequence,
            alternatives=tuple(alternatives_of(method, self.recipe.modality)),
            two_steps=encoders_in_two_steps(self.recipe.modality.encoders),
            teacher=teacher_of(method, self.recipe.modality),
        )

    @property
    def encoder_name(self) -> str:
        """The encoder of the options, if the modality has it."""
        return choose("encoder", self.recipe.options.encoder.name, list(self.recipe.modality.encoders))

    @cached_property
    def inferred(self) -> Mapping[str, Any]:
        """Settings that follow from the data; all learners share them, since a tokenizer takes a while to learn."""
        given = {**self.data.encoder_settings, **self.recipe.options.encoder.settings}
        return inferred_settings(self.recipe.modality, self.encoder_name, self.data.items, given)

    @cached_property
    def computed(self) -> ComputedTargets[Any]:
        """What is computed from the items; all learners share it, since it takes a while."""
        skip_bad = self.recipe.options.running.skip_bad
        return computed_targets(self.recipe.modality, self.data.items, self.views.source, skip_bad)

    def computing(self, method: AbstractMethod) -> Computing[Any] | None:
        """What computes the targets of a method from the items, None where it asks for none."""
        return self.computed.computing if wants_computed(method) else None


def check_labels(method: AbstractMethod, labels: Labels | None) -> None:
    """Refuse a method that learns from labels where there are none of its kind.

    Raises:
        ValueError: with what is missing.
    """
    for one in all_of(method):
        _check_labels(one, labels)


def _check_labels(method: AbstractMethod, labels: Labels | None) -> None:
    needs = method.card.labels
    if needs == "none":
        return
    classes = labels is not None and not labels.known.is_floating_point()
    if classes or (needs == "anything" and labels is not None):
        return
    what = "classes" if needs == "classes" else "classes or values"
    got = (
        "there are none: give them with --labels, or --label-column"
        if labels is None
        else "the labels are values: --label-kind class"
    )
    raise ValueError(f"the method {method.card.title} learns from {what} of some items, and {got}")
