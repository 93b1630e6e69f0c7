"""All methods by name: where each comes from, its five answers, and one way to build any of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, final

from torch import nn

from ..discovery.background import AbstractBackgroundRemover
from ..discovery.concat_features import ConcatFeatures
from ..discovery.groupers import AbstractGrouper
from ..discovery.segmenters import AbstractSegmenter
from ..modality.plugins import choose
from ..networks.encoder import AbstractEncoder
from ..networks.follower import AbstractRule, MovingAverage
from .byol import byol
from .detcon import detcon, detcon_s
from .learner import Learner
from .moco import moco
from .npid import npid
from .objectives import AbstractObjective, Contrastive, Queue, Relic, Semantic
from .odin import odin
from .relic import relic
from .semppl import semppl
from .simclr import simclr
from .supervised import supervised, supervised_contrastive
from .task import Task, class_loss, squared_error


@final
@dataclass(frozen=True)
class Setting:
    """What every method can be built from; each takes what it asks for, and the paper's value where None is given.

    Attributes:
        hidden: width of the heads' hidden layer.
        projection: length of the projected vectors.
        temperature: of the objective.
        decay: of the teacher's moving average.
        batch: items per step, for queues.
        items: size of the data set, for a bank.
        large_views: views that the teacher sees.
        classes: of the labels; 0 where there are none.
        values: labels are values to predict instead.
        grouper: finds objects; the next five say how, as in `odin`.
        space: which features are grouped.
        background: what is taken out of them.
        extra_features: which plain features are put beside them.
        discovery: how the discovery network follows.
        first: the first segments, and the given ones of DetCon.
        hand_over: the step at which discovered segments take over.
        objective: in place of Odin's own.
    """

    hidden: int = 4096
    projection: int = 256
    temperature: float | None = None
    decay: float | None = None
    batch: int = 256
    items: int = 1
    large_views: int = 2
    classes: int = 0
    values: bool = False
    grouper: AbstractGrouper | None = None
    space: Literal["projected", "hidden"] = "projected"
    background: AbstractBackgroundRemover | None = None
    extra_features: ConcatFeatures | None = None
    discovery: AbstractRule | None = None
    first: AbstractSegmenter | None = None
    hand_over: int = 0
    objective: AbstractObjective | None = None

    def teacher(self, base: float, rising: bool = True) -> AbstractRule:
        """A moving average with the method's own decay, if no other is given."""
        return MovingAverage(base if self.decay is None else self.decay, rising)

    def semantic(self, paper: bool = False) -> Semantic:
        """SemPPL's objective as the document has it, or with the weights and samples of the paper."""
        queue = Queue(10 * self.batch, self.projection, self.large_views)
        temperature = self.temperature or 0.2
        if not paper:
            return Semantic(queue, temperature)
        return Semantic(queue, temperature, positives=3, negatives=10, same_view=True, contrast=0.3, invariance=5.0)

    def task(self) -> Task:
        """A linear task network on projections."""
        if self.values:
            return Task(nn.Linear(self.projection, 1), squared_error, values=True)
        return Task(nn.Linear(self.projection, self.classes), class_loss)


Build = Callable[[AbstractEncoder, Setting], Learner]


@final
@dataclass(frozen=True)
class Method:
    """A method: its name on the command line, its source in a line, and its answers to the five questions.

    `labels` tells what it needs: none, classes of some items, or anything known of some items (classes or values).
    """

    name: str
    title: str
    source: str
    segmentation: str
    follower: str
    objective: str
    views: str
    encoder: str
    build: Build
    labels: Literal["none", "classes", "anything"] = "none"


def _byol(encoder: AbstractEncoder, s: Setting) -> Learner:
    return byol(encoder, hidden=s.hidden, projection=s.projection, teacher=s.teacher(0.996))


def _odin(encoder: AbstractEncoder, s: Setting, objective: AbstractObjective | None = None) -> Learner:
    return odin(
        encoder,
        hidden=s.hidden,
        projection=s.projection,
        grouper=s.grouper,
        teacher=s.teacher(0.996),
        discovery=s.discovery,
        objective=objective or s.objective or Contrastive(s.temperature or 0.1),
        space=s.space,
        background=s.background,
        extra_features=s.extra_features,
        first=s.first,
        hand_over=s.hand_over,
    )


def _odin_semantic(encoder: AbstractEncoder, s: Setting) -> Learner:
    return _odin(encoder, s, s.semantic())


def _semppl(encoder: AbstractEncoder, s: Setting, paper: bool = False, task: bool = False) -> Learner:
    return semppl(
        encoder,
        batch=s.batch,
        large_views=s.large_views,
        hidden=s.hidden,
        projection=s.projection,
        teacher=s.teacher(0.996),
        objective=s.semantic(paper),
        task=s.task() if task else None,
    )


def _semppl_paper(encoder: AbstractEncoder, s: Setting) -> Learner:
    return _semppl(encoder, s, paper=True)


def _semppl_task(encoder: AbstractEncoder, s: Setting) -> Learner:
    return _semppl(encoder, s, task=True)


def _relic(encoder: AbstractEncoder, s: Setting) -> Learner:
    return relic(
        encoder,
        large_views=s.large_views,
        hidden=s.hidden,
        projection=s.projection,
        teacher=s.teacher(0.996),
        objective=Relic(s.temperature or 0.2),
    )


def _simclr(encoder: AbstractEncoder, s: Setting) -> Learner:
    return simclr(encoder, hidden=s.hidden, projection=s.projection, temperature=s.temperature or 0.1)


def _moco(encoder: AbstractEncoder, s: Setting) -> Learner:
    # 65536 keys are 256 of the published batches; a short run would never see the end of its random start.
    return moco(
        encoder,
        keys=min(65536, 16 * s.batch),
        hidden=s.hidden,
        projection=s.projection,
        temperature=s.temperature or 0.2,
        teacher=s.teacher(0.999, rising=False),
    )


def _npid(encoder: AbstractEncoder, s: Setting) -> Learner:
    return npid(
        encoder,
        items=s.items,
        hidden=s.hidden,
        projection=s.projection,
        temperature=s.temperature or 0.07,
        noise=min(4096, s.items),
    )


def _supervised(encoder: AbstractEncoder, s: Setting) -> Learner:
    return supervised(encoder, task=s.task(), hidden=s.hidden, projection=s.projection)


def _supervised_contrastive(encoder: AbstractEncoder, s: Setting) -> Learner:
    return supervised_contrastive(encoder, hidden=s.hidden, projection=s.projection, temperature=s.temperature or 0.1)


def _detcon(encoder: AbstractEncoder, s: Setting) -> Learner:
    contrast = Contrastive(s.temperature or 0.1, same_view=True)
    teacher = s.teacher(0.996)
    return detcon(encoder, s.first, hidden=s.hidden, projection=s.projection, teacher=teacher, objective=contrast)


def _detcon_s(encoder: AbstractEncoder, s: Setting) -> Learner:
    contrast = Contrastive(s.temperature or 0.1, same_view=True)
    return detcon_s(encoder, s.first, hidden=s.hidden, projection=s.projection, objective=contrast)


WHOLE, AVERAGE, ONE, ANY = "the whole item", "moving average", "the online network itself", "any"
TWO, MANY = "two", "large ones for both networks, small ones for the online network"

METHODS = (
    Method(
        "odin",
        "Odin",
        "Hénaff et al. 2022, US 2025/0259068",
        "objects discovered by a network that follows the online one",
        AVERAGE,
        "contrast between objects",
        "two of one source view",
        "any with one vector per element",
        _odin,
    ),
    Method(
        "odin-semantic",
        "Odin with semantic positives",
        "ours: Odin's objects, SemPPL's objective",
        "objects discovered by a network that follows the online one",
        AVERAGE,
        "contrast with semantic positives from labelled objects",
        "two of one source view",
        "any with one vector per element",
        _odin_semantic,
        "classes",
    ),
    Method(
        "detcon",
        "DetCon-B",
        "Hénaff et al. 2021",
        "given masks, or a heuristic's",
        AVERAGE,
        "contrast between objects, over both views",
        TWO,
        "any with one vector per element",
        _detcon,
    ),
    Method(
        "detcon-s",
        "DetCon-S",
        "Hénaff et al. 2021",
        "given masks, or a heuristic's",
        ONE,
        "contrast between objects, over both views",
        TWO,
        "any with one vector per element",
        _detcon_s,
    ),
    Method("byol", "BYOL", "Grill et al. 2020", WHOLE, AVERAGE, "regression onto the teacher", TWO, ANY, _byol),
    Method(
        "semppl",
        "SemPPL",
        "Bošnjak et al. 2022, WO 2023/222889",
        WHOLE,
        AVERAGE,
        "contrast with semantic positives by pseudo-labels",
        MANY,
        ANY,
        _semppl,
        "classes",
    ),
    Method(
        "semppl-invariant",
        "SemPPL with invariance",
        "Bošnjak et al. 2022, weights of the paper",
        WHOLE,
        AVERAGE,
        "contrast with semantic positives, and the invariance penalty of ReLIC v2",
        MANY,
        ANY,
        _semppl_paper,
        "classes",
    ),
    Method(
        "semppl-task",
        "SemPPL with task network",
        "WO 2023/222889, claims 17 and 18",
        WHOLE,
        AVERAGE,
        "contrast with semantic positives, and the task's loss on labelled items",
        MANY,
        ANY,
        _semppl_task,
        "classes",
    ),
    Method(
        "relic",
        "ReLIC v2",
        "Tomasev et al. 2022",
        WHOLE,
        AVERAGE,
        "contrast with few negatives, and invariance of predictions",
        MANY,
        ANY,
        _relic,
    ),
    Method("simclr", "SimCLR", "Chen et al. 2020", WHOLE, ONE, "contrast over both views", TWO, ANY, _simclr),
    Method("moco", "MoCo v2", "Chen et al. 2020b", WHOLE, AVERAGE, "contrast with a queue", TWO, ANY, _moco),
    Method(
        "npid",
        "NPID",
        "Wu et al. 2018",
        WHOLE,
        "a memory bank",
        "noise-contrastive, items as classes",
        "one",
        ANY,
        _npid,
    ),
    Method(
        "supervised",
        "supervised",
        "the baseline",
        WHOLE,
        "none",
        "cross-entropy of labels, or squared error of values",
        "any number",
        ANY,
        _supervised,
        "anything",
    ),
    Method(
        "supervised-contrastive",
        "supervised contrastive",
        "Khosla et al. 2020",
        WHOLE,
        ONE,
        "contrast with all items of a class as positives",
        TWO,
        ANY,
        _supervised_contrastive,
        "classes",
    ),
)
"""Every method of the house."""


def method(name: str) -> Method:
    """The method of that name.

    Raises:
        ValueError: if there is none, with the nearest name.

    Example:
        >>> method("byol").source
        'Grill et al. 2020'
    """
    names = [entry.name for entry in METHODS]
    return METHODS[names.index(choose("method", name, names))]


def build(name: str, encoder: AbstractEncoder, setting: Setting) -> Learner:
    """The learner of a method.

    Raises:
        ValueError: if there is no such method, or it learns from labels and there are none.
    """
    chosen = method(name)
    if chosen.labels != "none" and not setting.classes and not (chosen.labels == "anything" and setting.values):
        what = "classes" if chosen.labels == "classes" else "classes or values"
        raise ValueError(
            f"the method {name!r} learns from {what} of some items, and there are none: give them with --labels"
        )
    return chosen.build(encoder, setting)
