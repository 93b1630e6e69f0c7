"""Which kind of scene is it, and what is the thing without a name? From things, attributes and relations."""

from typing import final

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from gestalt.core.data.feature_map import FeatureMap
from gestalt.core.evaluation.fine_tuning import FineTuning
from gestalt.core.experiment.options import EncoderChoice
from gestalt.core.methods.bert import BERT
from gestalt.core.methods.masked.hiding import AtRandom
from gestalt.core.methods.targets import Classes
from gestalt.core.modality.transform import Views
from gestalt.core.networks.encoder import AbstractEncoder
from gestalt.modalities.graph import MODALITY, Graph, Graphs, chain
from gestalt.modalities.graph.data import ALONG
from gestalt.modalities.graph.scene_graphs import SCENE, scene_graph, scene_of
from gestalt.modalities.graph.typed import WORDS, category

from ...captioned_scenes.synthetic.words import THINGS
from ..cells import accuracy
from ..task import Part, PreTraining, Task
from .plans import KINDS, RELATIONS, Planned, scene

HIDDEN = 2
"""Things of a scene without a name, where these are asked about."""
SEEDS: dict[Part, int] = {"test": 4_000_000, "validation": 5_000_000}


@final
class Triples(AbstractEncoder):
    """Counts without parameters: of each node its plain features, and the triples (own name, relation, other name).

    A triple is counted at its subject. Names and relations are those that are listed; others share one place.

    Args:
        names: of things.
        relations: between them.
    """

    places: Tensor

    def __init__(self, names: tuple[str, ...] = THINGS, relations: tuple[str, ...] = RELATIONS) -> None:
        super().__init__()
        self.names, self.relations = tuple(names), tuple(relations)
        self.raw = MODALITY.encoders["raw"](**SCENE.settings())
        for role, words in (("name", self.names), ("relation", self.relations)):
            table = torch.full((WORDS,), len(words))
            table[[category(word) for word in words]] = torch.arange(len(words))
            self.register_buffer(f"{role}_places", table, persistent=False)
        self.dim = self.raw.dim + (len(self.names) + 1) ** 2 * (len(self.relations) + 1)

    def forward(self, data: Graphs) -> FeatureMap:
        """One vector per node."""
        plain = self.raw(data)
        along = data.kinds[:, -1] == ALONG
        subject, other = data.edges[:, along]
        names = self.get_buffer("name_places")[data.nodes[data.valid][:, 0]]
        said = self.get_buffer("relation_places")[data.kinds[along, 0]]
        kinds, count = len(self.relations) + 1, len(self.names) + 1
        triple = (names[subject] * kinds + said) * count + names[other]
        rows = torch.zeros(len(names), self.dim - self.raw.dim, device=triple.device)
        rows.index_put_((subject, triple), torch.ones(len(triple), device=triple.device), accumulate=True)
        counts = plain.values.new_zeros(*data.valid.shape, rows.shape[1]).masked_scatter(data.valid[..., None], rows)
        return FeatureMap(torch.cat([plain.values, counts], dim=2), data.valid, neighbours=plain.neighbours)


def scenes(count: int, seed: int) -> list[Planned]:
    """Scenes of all kinds by turns."""
    return [scene(np.random.default_rng([seed, number]), number % len(KINDS)) for number in range(count)]


def graph(one: Planned, hidden: frozenset[int] = frozenset()) -> Graph:
    """A scene as the modality reads it from JSON; hidden things have no name."""
    return scene_graph(scene_of(one.document(hidden)), "")


def unnamed(one: Planned, number: int) -> frozenset[int]:
    """The things of scene `number` that have no name: always the same."""
    order = np.random.default_rng([len(one.things), number]).permutation(len(one.things))
    return frozenset(order[:HIDDEN].tolist())


def named(some: list[Planned]) -> Int[Tensor, "items things"]:
    """The names of the things that have none, by number; −1 for the others and behind the last."""
    rows = [
        torch.tensor([thing if place in unnamed(one, number) else -1 for place, thing in enumerate(one.things)])
        for number, one in enumerate(some)
    ]
    return pad_sequence(rows, batch_first=True, padding_value=-1)


def kinds_of_scenes(seed: int, part: Part, scale: float) -> Task:
    """Which kind of scene?"""
    learned, asked = (
        scenes(max(2 * len(KINDS), round(1600 * scale)), seed),
        scenes(max(len(KINDS), round(400 * scale)), SEEDS[part]),
    )
    asked_known = torch.tensor([one.kind for one in asked])
    return Task(
        name="scene-graphs",
        question="which of four kinds of scene is it, where no name and no relation alone tells",
        target=Classes(KINDS),
        of="items",
        modality=MODALITY,
        items=[graph(one) for one in learned],
        known=torch.tensor([one.kind for one in learned]),
        asked=[graph(one) for one in asked],
        asked_known=asked_known,
        columns=("accuracy",),
        measure=lambda answers: accuracy(answers, asked_known),
        encoder=_encoder(),
        pretraining=_pretraining(scale),
        tuning=_tuning(scale),
        plain=Triples(),
    )


def hidden_objects(seed: int, part: Part, scale: float) -> Task:
    """What is the thing without a name?"""
    learned, asked = scenes(max(8, round(1600 * scale)), seed), scenes(max(4, round(400 * scale)), SEEDS[part])
    asked_known = named(asked)
    graphs = [graph(one, unnamed(one, number)) for number, one in enumerate(asked)]
    rows = torch.cat([known[: len(one)] for known, one in zip(asked_known, graphs, strict=True)])
    return Task(
        name="scene-objects",
        question="what are the two things of a scene that have no name there",
        target=Classes(THINGS),
        of="elements",
        modality=MODALITY,
        items=[graph(one, unnamed(one, number)) for number, one in enumerate(learned)],
        known=named(learned),
        asked=graphs,
        asked_known=asked_known,
        columns=("accuracy",),
        measure=lambda answers: accuracy(answers, rows),
        encoder=_encoder(),
        pretraining=_pretraining(scale),
        tuning=_tuning(scale),
        plain=Triples(),
    )


def _encoder() -> EncoderChoice:
    return EncoderChoice("gine", {"width": 64, "layers": 3})


def _pretraining(scale: float) -> PreTraining:
    return PreTraining(
        BERT(hiding=AtRandom(0.25)), Views(chain(), (chain(),)), steps=max(2, round(200 * scale)), batch=64, lr=3e-3
    )


def _tuning(scale: float) -> FineTuning:
    return FineTuning(steps=max(2, round(150 * scale)), batch=64, lr=3e-3, warmup=20)
