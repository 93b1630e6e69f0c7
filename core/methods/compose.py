"""What several methods compose in the same way: teachers that follow by a rule, the task network."""

import copy

from torch import nn

from ..data.presence import Presence
from ..discovery.segmenters.base import AbstractSegmenter
from ..networks.encoder import Network
from ..networks.follower import AbstractRule, Follower, NetworkSource
from ..networks.heads import LinearHead
from .learner import Learner
from .method import DataInfo
from .objectives.base import AbstractObjective
from .settings import Inputs
from .target_head import TargetHead


def task_of(data: DataInfo, width: int) -> TargetHead:
    """A linear task network on projections.

    Raises:
        ValueError: if there are no labels.
    """
    if data.target is None:
        raise ValueError("a task network learns from labels of some items, and there are none: give them with --labels")
    return TargetHead(LinearHead(width, data.target.outputs), data.target)


def learner_of(
    online: Network,
    segmenter: AbstractSegmenter,
    objective: AbstractObjective,
    teacher: AbstractRule | NetworkSource | None = None,
    predictor: nn.Module | None = None,
    task: TargetHead | None = None,
    inputs: Inputs | None = None,
    presence: Presence | None = None,
    teacher_views: int | None = None,
) -> Learner:
    """A learner whose teacher follows by a rule, and whose objective is its own: a method may build many learners."""
    inputs = inputs or Inputs()
    return Learner(
        online,
        segmenter,
        copy.deepcopy(objective),
        Follower(online, teacher) if isinstance(teacher, AbstractRule) else teacher,
        predictor,
        teacher_views,
        presence,
        task,
        inputs.teacher_sees,
        inputs.adversary,
    )
