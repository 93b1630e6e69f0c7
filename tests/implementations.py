"""Everything that is implemented, built small. The laws run over these lists; a new implementation is added here."""

import copy
import dataclasses
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor

from gestalt.core.components.registry import METHODS
from gestalt.core.data.feature_map import FeatureMap, Grid
from gestalt.core.data.presence import Presence, Subsample
from gestalt.core.data.segmentation import Objects, Segmentation
from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.discovery.groupers import (
    AbstractGrouper,
    AcrossParts,
    Agglomerative,
    ChangePoints,
    Contiguous,
    Estimated,
    InOrder,
    KMeans,
    MergeAlike,
    Mixture,
    PartByPart,
    Regions,
    Seams,
    Spectral,
)
from gestalt.core.discovery.segmenters import (
    AbstractSegmenter,
    Discovery,
    EveryElement,
    GivenMasks,
    SwitchAt,
    WholeItem,
)
from gestalt.core.methods.adversary import Adversary
from gestalt.core.methods.compared import Compared
from gestalt.core.methods.computed.learner import ComputedLearner
from gestalt.core.methods.computed.method import Computed
from gestalt.core.methods.info import BatchInfo
from gestalt.core.methods.learner import Learner
from gestalt.core.methods.method import AbstractMethod, DataInfo
from gestalt.core.methods.objectives import (
    AbstractObjective,
    Combined,
    Contrastive,
    Exemplar,
    Moco,
    Npid,
    Queue,
    Regression,
    Relic,
    Semantic,
    SupervisedContrastive,
)
from gestalt.core.methods.presets import preset_named
from gestalt.core.methods.settings import Heads, Inputs
from gestalt.core.methods.step import AbstractLearner, StepOutput
from gestalt.core.methods.targets import Classes
from gestalt.core.networks.encoder import AbstractEncoder, Network
from gestalt.core.networks.follower import (
    AbstractRule,
    CopyEvery,
    Fixed,
    Follower,
    MovingAverage,
    NetworkSource,
    Shared,
)
from gestalt.core.networks.heads import MLP
from gestalt.core.optimization.progress import Progress
from tests.cluster_objectives import BANKS, CLUSTERED, SMALL_NUMBERS
from tests.computed_numbers import numbers
from tests.few_label_objectives import REMEMBERED, SUPPORTED
from tests.kinds_of_learners import ASKING, NARROW, built_by
from tests.small_batches import identity_of as identity_of
from tests.small_batches import joined as joined
from tests.small_batches import make_batch as make_batch
from tests.toy import PATCH, Ragged, point_items, series_items, toy
from tests.toy_encoders import Summary


@final
@dataclass(frozen=True)
class GrouperCase:
    """How to build a grouper for at most so many objects, and what it needs and keeps.

    `ordered`: the order of its elements means something, so that they cannot be shuffled. `in_set`: they are a set all
    the same; otherwise ordered elements lie on a grid of one axis.
    `exact`: it finds as many objects as it may, if there are enough distinct elements; others estimate their number.
    `soft`: an element may belong to several objects.
    """

    build: Callable[[int], AbstractGrouper]
    ordered: bool = False
    in_set: bool = False
    exact: bool = True
    soft: bool = False

    def features(self, items: Sequence[Tensor]) -> FeatureMap:
        """Items of shape (elements, dim) as one padded feature map of the form that the grouper takes."""
        return feature_map(items, self.ordered and not self.in_set)


GROUPERS: dict[str, GrouperCase] = {
    "k-means": GrouperCase(lambda objects: KMeans(objects)),
    "k-means, Euclidean": GrouperCase(lambda objects: KMeans(objects, spherical=False)),
    "k-means with position": GrouperCase(lambda objects: KMeans(objects, position=0.5), ordered=True),
    "mixture": GrouperCase(lambda objects: Mixture(objects), soft=True),
    "mixture, one variance each": GrouperCase(
        lambda objects: Mixture(objects, covariance="spherical", spherical=False, floor=0.1), exact=False, soft=True
    ),
    "normalised cut": GrouperCase(lambda objects: Spectral(objects, neighbours=3)),
    "normalised cut of nearest neighbours": GrouperCase(
        lambda objects: Spectral(objects, neighbours=4, sparse=True, spherical=False), exact=False
    ),
    "normalised cut at the eigengap": GrouperCase(lambda objects: Spectral(objects, estimate=True), exact=False),
    "Ward": GrouperCase(lambda objects: Agglomerative(objects)),
    "average linkage": GrouperCase(lambda objects: Agglomerative(objects, "average", spherical=False)),
    "number by silhouette": GrouperCase(
        lambda objects: Estimated([KMeans(k) for k in range(1, objects + 1)]), exact=False
    ),
    "number by criterion": GrouperCase(
        lambda objects: Estimated([Agglomerative(k) for k in range(1, objects + 1)], by="bic"), exact=False
    ),
    "runs of k-means": GrouperCase(lambda objects: Contiguous(KMeans(3), objects, shortest=2), ordered=True),
    "regions": GrouperCase(lambda objects: Regions(penalty=0.5, objects=objects), ordered=True),
    "merged by likeness": GrouperCase(lambda objects: MergeAlike(0.3, objects), ordered=True),
    "change points": GrouperCase(lambda objects: ChangePoints(penalty=0.05, objects=objects), ordered=True),
    "seams": GrouperCase(lambda objects: Seams(objects), ordered=True),
    "change points of a set in order": GrouperCase(
        lambda objects: InOrder(ChangePoints(penalty=0.05, objects=objects)), ordered=True, in_set=True
    ),
    "part by part": GrouperCase(lambda objects: PartByPart(KMeans(objects))),
    "across parts": GrouperCase(lambda objects: AcrossParts(KMeans(objects))),
}

OBJECTIVES: dict[str, Callable[[], AbstractObjective]] = {
    "regression": Regression,
    "contrastive": Contrastive,
    "contrastive with the same view": lambda: Contrastive(temperature=0.2, same_view=True),
    "contrastive across items only": lambda: Contrastive(temperature=0.3, same_item=False),
    "contrastive within items only": lambda: Contrastive(same_view=True, other_items=False),
    "contrastive by dot product": lambda: Contrastive(temperature=2.0, same_view=True, similarity="dot"),
    "regression, plain": lambda: Regression("plain"),
    "regression, cosine": lambda: Regression("cosine"),
    "regression, cross-entropy": lambda: Regression("cross-entropy"),
    "regression, one direction": lambda: Regression(symmetric=False),
    "relic": lambda: Relic(negatives=None, same_view=False),
    "supervised contrastive": SupervisedContrastive,
    "combined": lambda: Combined([Regression(), Contrastive(temperature=0.5)], [0.5, 2.0]),
}

QUEUED: dict[str, Callable[[int, int], AbstractObjective]] = {
    "moco": lambda dim, _: Moco(Queue(6, dim)),
    "moco, symmetric": lambda dim, _: Moco(Queue(6, dim), temperature=0.5, symmetric=True),
    "semantic": lambda dim, views: Semantic(Queue(40, dim, views)),
    "semantic, by distance": lambda dim, views: Semantic(
        Queue(40, dim, views), neighbours=3, metric="euclidean", alpha=0.7, same_item=False
    ),
    "semantic with invariance": lambda dim, views: Semantic(Queue(40, dim, views), contrast=0.3, invariance=5.0),
}
"""Objectives with a queue, built for vectors of a length and for so many views of the teacher."""


def _whatever_the_size(build: Callable[[], AbstractObjective], _dim: int, _views: int) -> AbstractObjective:
    return build()


EVERY_OBJECTIVE: dict[str, Callable[[int, int], AbstractObjective]] = {
    **{name: functools.partial(_whatever_the_size, build) for name, build in OBJECTIVES.items()},
    **(QUEUED | CLUSTERED | SUPPORTED),
}
"""All that compare any number of objects."""

DRAWING: dict[str, Callable[[int, int], AbstractObjective]] = {
    "relic as published": lambda _dim, _views: Relic(),
    "semantic as published": lambda dim, views: Semantic(
        Queue(40, dim, views), negatives=2, positives=2, same_view=True, contrast=0.3, invariance=5.0
    ),
}
"""Those that draw their negatives: the order of items then decides what is drawn."""

WITH_THEMSELVES: dict[str, Callable[[int, int], AbstractObjective]] = {
    "relic, views with themselves": lambda _dim, _views: Relic(negatives=None),
    "semantic, views with themselves": lambda dim, views: Semantic(
        Queue(40, dim, views), positives=2, same_view=True, contrast=0.3, invariance=5.0
    ),
}
"""Those that pair views with themselves: objects that no two views share are compared all the same."""

BANKED: dict[str, Callable[[int, int], AbstractObjective]] = (
    {
        "npid": lambda items, dim: Npid(items, dim, temperature=0.2, noise=None),
        "npid with noise": lambda items, dim: Npid(items, dim, temperature=0.3, noise=5),
        "exemplar": Exemplar,
    }
    | BANKS
    | REMEMBERED
)
"""Those with a bank of whole items, built for the size of the data set and the length of vectors."""

RULES: dict[str, Callable[[], AbstractRule]] = {
    "moving average": lambda: MovingAverage(0.9),
    "moving average, buffers copied": lambda: MovingAverage(0.9, buffers="copy"),
    "even average": lambda: MovingAverage(0.9, schedule="linear"),
    "steady average": lambda: MovingAverage(0.8, schedule="constant"),
    "copy every two steps": lambda: CopyEvery(2, "steps"),
    "copy every epoch": lambda: CopyEvery(1),
}
"""Rules by which a copy follows; `Shared` and `Fixed` keep none and are tested on their own."""

FINDER = ObjectFinder(KMeans(3))

SEGMENTERS: dict[str, Callable[[Network], AbstractSegmenter]] = {
    "whole item": lambda _: WholeItem(),
    "every element": lambda online: EveryElement(Shared(online)),
    "the centre of every element": lambda online: EveryElement(Shared(online), at_centres=True),
    "masks by a rule": lambda online: GivenMasks(lambda data: KMeans(2)(online.encode(data), seeded())),
    "discovery": lambda online: Discovery(Follower(online, CopyEvery(2, "steps")), FINDER),
    "discovery in hidden features": lambda online: Discovery(Shared(online), ObjectFinder(KMeans(3), space="hidden")),
    "discovery by a fixed network": lambda online: Discovery(Fixed(copy.deepcopy(online)), FINDER),
    "switch": lambda online: SwitchAt(
        WholeItem(), Discovery(Follower(online, MovingAverage(0.9), buffers="copy"), FINDER), step=0
    ),
}


def _learner(
    segmenter: str, objective: AbstractObjective, rule: AbstractRule | None
) -> Callable[[AbstractEncoder], Learner]:
    def build(encoder: AbstractEncoder) -> Learner:
        online = Network(encoder, MLP(encoder.dim, 8, 5))
        teacher: NetworkSource = Shared(online) if rule is None else Follower(online, rule)
        return Learner(online, SEGMENTERS[segmenter](online), objective, teacher, MLP(5, 8, 5))

    return build


def _groups_of_data(data: Ragged) -> Segmentation:
    """First segments for both toys: two groups of the elements' own numbers."""
    grid = Grid.uniform((data.values.shape[1],), (float(PATCH),)) if data.values.shape[2] == PATCH else None
    found: Segmentation = KMeans(2)(FeatureMap(data.values, data.valid, grid), seeded())
    return found


DATA = DataInfo(
    items=200,
    batch=4,
    target=Classes(("a", "b")),
    finder=FINDER,
    first_segments=GivenMasks(_groups_of_data),
    computed=numbers(),
    alternatives=("one", "other"),
    sequence=True,
    teacher=Network(Summary()),
)
"""The data for which all methods are built small."""
SMALL: dict[str, Any] = SMALL_NUMBERS | {
    "heads": Heads(8, 5),
    "finder": FINDER,
    "switch": 2,
    "contrast": 1.0,
    "decoder": NARROW,
    "hidden": 8,
}
"""In place of a method's own settings, where it has such settings."""


def small(name: str, **changes: Any) -> AbstractMethod:
    """An installed method or preset with small heads, and whatever else is changed."""
    method = preset_named(name).method
    fields = {field.name for field in dataclasses.fields(method)}
    own = {name: value for name, value in SMALL.items() if name in fields}
    made: AbstractMethod = dataclasses.replace(method, **(own | changes))
    return made


def method_learner(name: str, encoder: AbstractEncoder, data: DataInfo = DATA, **changes: Any) -> Learner:
    """A learner of an installed method, built small."""
    built = small(name, **changes).build(encoder, data)
    assert isinstance(built, Learner)
    return built


def _built(name: str, **changes: Any) -> Callable[[AbstractEncoder], Learner]:
    return functools.partial(method_learner, name, **changes)


LEARNERS: dict[str, Callable[[AbstractEncoder], Learner]] = {
    **{name: _built(name) for name in METHODS.names() if built_by(name) is Learner},
    "odin-warm-start with both": _built("odin-warm-start", contrast=0.2, regression=1.0, switch=0),
    "byol, adversary, source": _built("byol", inputs=Inputs("source", Adversary(0.2, steps=2))),
    "byol without projector": _built("byol", heads=Heads(8, None)),
    "byol with a task": _built("byol", task=True),
    "odin, one network without heads": _built("odin", heads=Heads(8, None), predictor=False, teacher=None),
    "odin, grouped by the teacher": _built(
        "odin",
        finder=ObjectFinder(Mixture(3, floor=0.2), space="hidden", span=True),
        teacher=MovingAverage(0.9, buffers="copy"),
        discovery="teacher",
        presence=Presence(of_object=0.1, draw=Subsample(2, by="area")),
    ),
    "dense": _learner("every element", Regression(), MovingAverage()),
    "one network, two terms": _learner("discovery", Combined([Regression(), Contrastive()], [1.0, 1.0]), None),
}
"""Every installed method and preset that compares, and compositions of the parts that the methods do not use."""


def _computed(method: Computed, encoder: AbstractEncoder) -> ComputedLearner:
    return method.build(encoder, DATA)


def _asking(name: str, encoder: AbstractEncoder, **changes: Any) -> AbstractLearner[Compared]:
    return small(name, **changes).build(encoder, DATA)


COMPUTED: dict[str, Callable[[AbstractEncoder], ComputedLearner]] = {
    "computed": functools.partial(_computed, Computed(hidden=8)),
    "computed from views": functools.partial(_computed, Computed(hidden=8, sees="views")),
    "computed beside odin": functools.partial(_computed, Computed(small("odin"), weight=0.5, hidden=8)),
    "computed beside labels": functools.partial(_computed, Computed(small("semppl"), hidden=8)),
}
"""Computed targets of items; those of elements differ between modalities."""

ELEMENTS: dict[str, Callable[[AbstractEncoder], AbstractLearner[Compared]]] = {
    **{name: functools.partial(_asking, name) for name in ASKING},
    "context prediction with surroundings, of views": functools.partial(
        _asking, "context-prediction", alone=False, sees="views", gap=1
    ),
    "next elements of views, from two moments": functools.partial(_asking, "next-element", cuts=2, sees="views"),
}
"""Every installed method that asks about elements, and others of their settings."""

EVERY_LEARNER: dict[str, Callable[[AbstractEncoder], AbstractLearner[Compared]]] = {**LEARNERS, **COMPUTED, **ELEMENTS}
"""All but masked prediction (`tests/masked_methods.py`)."""

ENCODERS: dict[str, Callable[[], AbstractEncoder]] = {
    "points": lambda: toy("points").encoders["small"](),
    "series": lambda: toy("series").encoders["small"](),
}
ITEMS: dict[str, Callable[[int], list[Tensor]]] = {"points": point_items, "series": series_items}

PROGRESS = Progress(step=2, steps=10, steps_per_epoch=2)


def seeded(seed: int = 0) -> torch.Generator:
    """A generator of random numbers."""
    return torch.Generator().manual_seed(seed)


def feature_map(items: Sequence[Tensor], on_grid: bool) -> FeatureMap:
    """Items of shape (elements, dim) as one feature map, padded with NaN: whoever reads the padding is found out."""
    longest = max(len(item) for item in items)
    values = torch.full((len(items), longest, items[0].shape[1]), torch.nan)
    valid = torch.zeros(len(items), longest, dtype=torch.bool)
    for row, item in enumerate(items):
        values[row, : len(item)] = item
        valid[row, : len(item)] = True
    return FeatureMap(values, valid, Grid.uniform((longest,), (1.0,)) if on_grid else None)


def blobs(elements: int, clusters: int, dim: int = 4, seed: int = 0) -> Tensor:
    """One item whose elements lie around `clusters` centres, in stretches of equal length."""
    generator = seeded(seed)
    centres = torch.randn(clusters, dim, generator=generator) * 4
    number = torch.arange(elements) * clusters // elements
    return centres[number] + 0.3 * torch.randn(elements, dim, generator=generator)


def random_objects(batch: int, objects: int, dim: int, seed: int, absent: float = 0.3) -> Objects:
    """Random vectors, some absent: zero there, as `Segmentation.pool` leaves them."""
    generator = seeded(seed)
    present = torch.rand(batch, objects, generator=generator) >= absent
    return Objects(torch.randn(batch, objects, dim, generator=generator) * present[..., None], present)


def labelled(objects: Objects, start: int = 0, seed: int = 0, classes: int | None = None) -> BatchInfo:
    """Items numbered from `start`; every object of an even item has a class of its own, the others have none.

    With a number of `classes`, objects share them.
    """
    items, count = objects.present.shape
    index = torch.arange(start, start + items)
    own = index[:, None] * count + torch.arange(count)
    own = own if classes is None else own // 2 % classes
    return BatchInfo(index, torch.where(index[:, None] % 2 == 0, own, -1), seeded(seed))


def output(teacher: tuple[Objects, ...], info: BatchInfo) -> StepOutput[Compared]:
    """What a step gives to the objective's `after_step`, when the teacher's objects were these."""
    whole = Segmentation.whole_items(len(info.index))
    compared = Compared(teacher, teacher, whole, torch.zeros_like(whole.whole), info)
    return StepOutput(torch.zeros(()), {}, compared)
