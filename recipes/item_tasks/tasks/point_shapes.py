"""What thing is it? Point clouds of solids and furniture, of which a part is missing."""

from typing import final

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.evaluation.fine_tuning import FineTuning
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.methods.settings import Heads
from gestalt.core.methods.simclr import SimCLR
from gestalt.core.methods.targets import Classes
from gestalt.core.modality.transform import Views
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.modalities.points import MODALITY, Cloud, Clouds, chain
from gestalt.modalities.points.views import Crop, DropOut, Hole, Jitter, Rotation, Scaling

from ..cells import accuracy
from ..task import Part, PreTraining, Task
from .solids import THINGS, thing

SEEDS: dict[Part, int] = {"test": 9_000_000, "validation": 10_000_000}
NAMES = tuple(THINGS)


@final
class Heights(AbstractEncoder):
    """Where points lie, without parameters: plain features, and one of `cells` × `cells` cells of height and distance.

    Distance is that from the vertical through the middle. The mean of the cells over a cloud is a histogram, which no
    turn about the vertical changes. The plain features beside it are those of the modality.

    Args:
        cells: along either axis; the first and the last are open.
    """

    def __init__(self, cells: int = 8) -> None:
        super().__init__()
        self.cells = cells
        self.raw = MODALITY.encoders["raw"](columns=0)
        self.dim = self.raw.dim + cells**2

    def forward(self, data: Clouds) -> FeatureMap:
        """One vector per point."""
        plain = self.raw(data)
        edges = torch.linspace(0, 1, self.cells + 1, device=data.places.device)[1:-1]
        up = torch.bucketize(data.places[..., 2].contiguous(), 4 * edges - 2)
        out = torch.bucketize(data.places[..., :2].norm(dim=2), 2 * edges)
        cell = torch.nn.functional.one_hot(up * self.cells + out, self.cells**2) * data.valid[..., None]
        return FeatureMap(torch.cat([plain.values, cell.float()], dim=2), data.valid, neighbours=plain.neighbours)


def clouds(count: int, seed: int) -> tuple[list[Cloud], Int[Tensor, " items"]]:
    """Clouds of all things by turns, and which thing each is."""
    named = torch.arange(count) % len(NAMES)
    scans = [thing(NAMES[which], np.random.default_rng([seed, row])) for row, which in enumerate(named.tolist())]
    return [Cloud.of(points, np.zeros((len(points), 0)), ()) for points in scans], named


def point_shapes(seed: int, part: Part, scale: float) -> Task:
    """The task."""
    count, fewest = len(NAMES) * max(2, round(100 * scale)), len(NAMES) * max(1, round(40 * scale))
    (items, known), (asked, asked_known) = clouds(count, seed), clouds(fewest, SEEDS[part])
    view = chain(
        (1.0, Rotation()),
        (0.8, Scaling()),
        (0.8, Crop(0.6, 0.95)),
        (0.3, Hole()),
        (0.5, DropOut()),
        (0.5, Jitter(0.02)),
    )
    # A scan misses a part already; where another one is cut away, less is learned from labels.
    light = chain((1.0, Rotation()), (0.8, Scaling(0.9, 1.1)), (0.5, DropOut()))
    return Task(
        name="point-shapes",
        question="what thing is it, of whose points a part is missing",
        target=Classes(NAMES),
        of="items",
        modality=MODALITY,
        items=items,
        known=known,
        asked=asked,
        asked_known=asked_known,
        columns=("accuracy",),
        measure=lambda answers: accuracy(answers, asked_known),
        encoder=EncoderChoice("pointnet", {"width": 64, "layers": 2, "near": 8}),
        pretraining=PreTraining(
            SimCLR(heads=Heads(256, 128)), Views(chain(), (view, view)), steps=max(2, round(150 * scale)), batch=48
        ),
        tuning=FineTuning(steps=max(2, round(150 * scale)), batch=32, lr=3e-3, warmup=20),
        transform=light,
        plain=Heights(),
    )
