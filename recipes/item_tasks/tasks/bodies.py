"""What does a body do? Graphs of joints, each with where it is over a short time; some joints are not seen."""

from dataclasses import replace
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gestalt.core.components.ranges import PositiveShare, check_ranges
from gestalt.core.data.correspondence import Index
from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.evaluation.fine_tuning import FineTuning
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.methods.settings import Heads
from gestalt.core.methods.simclr import SimCLR
from gestalt.core.methods.targets import Classes
from gestalt.core.modality.transform import AbstractTransform, Views
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.modalities.graph import MODALITY, Graph, Graphs, Schema, chain
from gestalt.modalities.graph.views import NodeDrop

from ..cells import accuracy
from ..task import Part, PreTraining, Task
from .skeletons import BONES, FRAMES, GESTURES, JOINTS, body

SCHEMA = Schema(nodes=(len(JOINTS) + 1,), numbers=3 * FRAMES)
"""Of a node which joint it is, and its places, frame by frame, in metres from the pelvis."""
UNSEEN = 0.15
"""The chance that a joint is not seen."""
SEEDS: dict[Part, int] = {"test": 7_000_000, "validation": 8_000_000}


def graph(where: Float[np.ndarray, "frames joints 3"]) -> Graph:
    """Joints as nodes, bones as edges."""
    ends = torch.tensor([(JOINTS.index(parent), JOINTS.index(joint)) for joint, (parent, _) in BONES.items()])
    edges = torch.cat([ends, ends.flip(1)]).T.contiguous()
    numbers = torch.from_numpy(where.transpose(1, 0, 2).reshape(len(JOINTS), -1).astype(np.float32))
    empty = torch.zeros(edges.shape[1], 0)
    nodes = torch.arange(1, len(JOINTS) + 1)[:, None]
    return Graph(nodes, numbers, edges, empty.long(), empty, torch.arange(len(JOINTS)), SCHEMA, JOINTS)


def bodies(count: int, seed: int) -> tuple[list[Graph], Int[Tensor, " items"]]:
    """Bodies with all gestures by turns, and the gesture of each."""
    named, found = torch.arange(count) % len(GESTURES), list[Graph]()
    for row, gesture in enumerate(named.tolist()):
        rng = np.random.default_rng([seed, row])
        seen = torch.from_numpy(rng.random(len(JOINTS)) >= UNSEEN)
        whole = graph(body(GESTURES[gesture], rng))
        seen[0] = True  # all places are those from the pelvis
        found.append(whole.take(seen.nonzero()[:, 0]))
    return found, named


def changed(item: Graph, by: Float[Tensor, "3 3"]) -> tuple[Graph, Index]:
    """All places times a matrix; every joint shows itself."""
    where = item.numbers.view(len(item), FRAMES, 3) @ by
    return replace(item, numbers=where.flatten(1)), Index.identity(len(item))


@final
class Turned(AbstractTransform[Graph]):
    """A body seen from another side: a turn about the vertical by any angle."""

    def __call__(self, item: Graph, rng: np.random.Generator) -> tuple[Graph, Index]:
        """Every joint shows itself."""
        angle = torch.tensor(rng.uniform(0, 2 * np.pi))
        turn = torch.eye(3)
        turn[0, 0] = turn[1, 1] = angle.cos()
        turn[0, 1], turn[1, 0] = angle.sin(), -angle.sin()
        return changed(item, turn)


@final
class Sized(AbstractTransform[Graph]):
    """A body of another size, by a factor from 1 − `most` to 1 + `most`."""

    def __init__(self, most: PositiveShare = 0.2) -> None:
        self.most = most
        check_ranges(self)

    def __call__(self, item: Graph, rng: np.random.Generator) -> tuple[Graph, Index]:
        """Every joint shows itself."""
        return changed(item, torch.eye(3) * rng.uniform(1 - self.most, 1 + self.most))


@final
class Mirrored(AbstractTransform[Graph]):
    """A body in a mirror: its left is its right."""

    def __call__(self, item: Graph, rng: np.random.Generator) -> tuple[Graph, Index]:  # noqa: ARG002
        """Every joint shows itself, under the name of the other side."""
        found, index = changed(item, torch.diag(torch.tensor([-1.0, 1.0, 1.0])))
        return replace(found, nodes=OTHER_SIDE[item.nodes]), index


def _other_side(joint: str) -> str:
    side, _, rest = joint.partition(" ")
    return {"left": f"right {rest}", "right": f"left {rest}"}.get(side, joint)


OTHER_SIDE = torch.tensor([0, *(JOINTS.index(_other_side(joint)) + 1 for joint in JOINTS)])
"""The category of every joint in a mirror; 0, the mask, stays."""


@final
class Places(AbstractEncoder):
    """The places of joints without parameters, each joint's in columns of its own, so that the mean loses nothing.

    Beside x, y and z of every frame stands the distance from the vertical through the pelvis, which no turn changes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.dim = len(JOINTS) * FRAMES * 4

    def forward(self, data: Graphs) -> FeatureMap:
        """One vector per joint, zero outside its own columns."""
        where = data.numbers.unflatten(2, (FRAMES, 3))
        own = torch.cat([where, where[..., :2].norm(dim=3, keepdim=True)], dim=3).flatten(2)
        which = torch.nn.functional.one_hot(data.nodes[..., 0], len(JOINTS) + 1)[..., 1:].float()
        values = (which[..., None] * own[:, :, None]).flatten(2) * data.valid[..., None]
        return FeatureMap(values, data.valid)


def gestures(seed: int, part: Part, scale: float) -> Task:
    """The task."""
    count, fewest = len(GESTURES) * max(2, round(120 * scale)), len(GESTURES) * max(1, round(50 * scale))
    (items, known), (asked, asked_known) = bodies(count, seed), bodies(fewest, SEEDS[part])
    view = chain((1.0, Turned()), (0.5, Mirrored()), (1.0, Sized()), (0.5, NodeDrop(0.15)))
    return Task(
        name="bodies",
        question="what a body does, seen from any side, with joints missing",
        target=Classes(GESTURES),
        of="items",
        modality=MODALITY,
        items=items,
        known=known,
        asked=asked,
        asked_known=asked_known,
        columns=("accuracy",),
        measure=lambda answers: accuracy(answers, asked_known),
        encoder=EncoderChoice("gine", {"width": 96, "layers": 3}),
        pretraining=PreTraining(
            SimCLR(heads=Heads(256, 128)), Views(chain(), (view, view)), steps=max(2, round(400 * scale)), batch=64
        ),
        tuning=FineTuning(steps=max(2, round(300 * scale)), batch=64, lr=3e-3, warmup=30),
        transform=view,
        plain=Places(),
    )
