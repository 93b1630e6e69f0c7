"""How far away what every pixel shows is."""

from collections.abc import Mapping
from typing import ClassVar, final

from jaxtyping import Float
from torch import Tensor

from gestalt.core.evaluation import Column
from gestalt.core.methods.targets import Values
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.core.training.labels import Labels

from .elements import answers, cells, on_pixels
from .scenes import Scenes
from .task import AbstractTask, Learning

NEAR = 1.25
"""A depth is right where neither it nor the true one is greater than the other by more than this factor."""


@final
class Depth(AbstractTask):
    """Values of elements: a cell is learned as the mean of its pixels, and asked about pixel by pixel."""

    title: ClassVar[str] = "Depth"
    columns: ClassVar[tuple[Column, ...]] = (Column("RMSE", higher_is_better=False), Column("δ < 1.25"))
    note: ClassVar[str] = (
        "RMSE: root mean square error of the depth of pixels (things stand at 1 to 2, the photograph at 2 to 4). "
        "δ < 1.25: share of pixels whose depth is right up to a factor of 1.25."
    )

    def scores(
        self, encoder: AbstractEncoder, tuned: bool, seen: Scenes, asked: Scenes, learning: Learning, seed: int
    ) -> Mapping[str, float]:
        """See `AbstractTask`."""
        labels = Labels(Values(("depth",)), cells(seen.depth).mean(dim=2)[..., None])
        said = answers(encoder, tuned, seen, labels, asked, learning, seed)
        return errors(on_pixels(said[:, 0]), asked.depth)

    def rules(self, seen: Scenes, asked: Scenes) -> Mapping[str, Mapping[str, float]]:
        """Every pixel is as far as it is in the mean over the scenes."""
        return {"the mean of every pixel, by rule": errors(seen.depth.mean(dim=0).expand_as(asked.depth), asked.depth)}


def errors(found: Float[Tensor, "scenes size size"], true: Float[Tensor, "scenes size size"]) -> dict[str, float]:
    """RMSE, and the share of pixels with max(found / true, true / found) < 1.25; a depth of 0 or less is wrong.

    Source: Eigen et al., "Depth map prediction from a single image using a multi-scale deep network" (2014).
    """
    found, true = found.double(), true.double()
    right = (found < NEAR * true) & (true < NEAR * found)
    return {"RMSE": float((found - true).square().mean().sqrt()), "δ < 1.25": float(right.double().mean())}
