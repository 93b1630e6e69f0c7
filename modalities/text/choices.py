"""Orders of words among which a network can tell the one that was applied."""

from collections.abc import Mapping
from typing import final

import numpy as np

from gestalt.core.data.correspondence import Index
from gestalt.core.modality.transform import AbstractTransform

from .data import Passage
from .views import arranged, chain


@final
class Backwards(AbstractTransform[Passage]):
    """The words in reverse order."""

    def __call__(self, item: Passage, rng: np.random.Generator) -> tuple[Passage, Index]:  # noqa: ARG002
        """Word `i` of the view is word `n − 1 − i`."""
        order = list(range(len(item.words)))[::-1]
        return arranged(item, [item.words[place] for place in order], order), Index.of(order)


@final
class SwappedHalves(AbstractTransform[Passage]):
    """The second half of the words before the first.

    Source: ALBERT's order of sentences (Lan et al., 2020), with halves of a passage.
    """

    def __call__(self, item: Passage, rng: np.random.Generator) -> tuple[Passage, Index]:  # noqa: ARG002
        """The words from the middle on, then the others."""
        count = len(item.words)
        order = [*range(count // 2, count), *range(count // 2)]
        return arranged(item, [item.words[place] for place in order], order), Index.of(order)


CHOICES: Mapping[str, Mapping[str, AbstractTransform[Passage]]] = {
    "direction": {"forwards": chain(), "backwards": Backwards()},
    "order": {"kept": chain(), "swapped": SwappedHalves()},
}
"""Forwards or backwards, or two halves in their order or not."""
