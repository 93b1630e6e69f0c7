"""Transforms of clips among which a network can tell the one that was applied."""

from collections.abc import Mapping
from dataclasses import replace
from typing import final

import numpy as np
import torch

from gestalt.core.data.correspondence import Affine
from gestalt.core.modality.transform import AbstractTransform

from .data import Clip
from .views import Reverse, TimeJitter, chain


@final
class SwappedHalves(AbstractTransform[Clip]):
    """The second half of the frames before the first. Nothing is known of what shows what: no one shift describes it.

    Source: learning from the order of frames (Misra et al., 2016), with two stretches.
    """

    def __call__(self, item: Clip, rng: np.random.Generator) -> tuple[Clip, Affine]:  # noqa: ARG002
        """No correspondence, but for a clip of one frame, which stays as it is."""
        count = len(item.frames)
        if count < 2:
            return item, Affine.identity(3)
        order = torch.arange(count).roll(-(count // 2))
        lengths = item.edges.diff()[order]
        edges = torch.cat([item.edges[:1], item.edges[0] + lengths.cumsum(0)])
        return replace(item, frames=item.frames[order], edges=edges), Affine.none(3)


CHOICES: Mapping[str, Mapping[str, AbstractTransform[Clip]]] = {
    "direction": {"forwards": chain(), "backwards": Reverse()},
    "speed": {f"{rate}×": TimeJitter(float(rate), float(rate)) for rate in (1, 2, 4)},
    "order": {"kept": chain(), "swapped": SwappedHalves()},
}
"""Forwards or backwards (Wei et al., 2018), three speeds (Benaim et al., 2020), or two halves in their order or not."""
