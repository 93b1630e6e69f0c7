"""Marks of punctuation: which elements are words, and found objects without the marks."""

from dataclasses import dataclass
from typing import final

from jaxtyping import Bool, Float
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.data.segmentation import Segmentation
from gestalt.core.discovery.background import AbstractBackgroundRemover

from .data import Words
from .letters import punctuation


def words_of(data: Words) -> Bool[Tensor, "items words"]:
    """Which elements of a batch are words; what has no letter and no digit is punctuation, and in no span.

    Example:
        >>> from .data import Passage, collate
        >>> words_of(collate([Passage.of("So far, silence."), Passage.of("Stop")])).tolist()
        [[True, True, False, True, False], [True, False, False, False, False]]
    """
    marks = punctuation(data.codes.flatten(0, 1)).view(data.valid.shape)
    return data.valid & ~marks


@final
@dataclass(frozen=True)
class WithoutPunctuation(AbstractBackgroundRemover):
    """Marks of punctuation are in no object.

    Example:
        >>> import torch
        >>> from .data import Passage, collate
        >>> data = collate([Passage.of("So far, silence.")])
        >>> features = FeatureMap(torch.zeros(1, 5, 1), data.valid)
        >>> whole = Segmentation.from_labels(torch.zeros(1, 5, dtype=torch.long), 1)
        >>> WithoutPunctuation()(whole, features, data).labels().tolist()
        [[0, 0, -1, 0, -1]]
    """

    def look(self, data: Words, features: FeatureMap) -> Float[Tensor, "items words 1"]:  # noqa: ARG002
        """1 for a word, 0 for a mark."""
        return words_of(data)[..., None].float()

    def remove(
        self,
        segmentation: Segmentation,
        features: FeatureMap,  # noqa: ARG002
        seen: Float[Tensor, "items words 1"],
    ) -> Segmentation:
        """The same segments with weight 0 on the marks."""
        return Segmentation(segmentation.weights * seen[:, None, :, 0], segmentation.grid, segmentation.whole)
