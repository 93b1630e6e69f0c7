"""SemPPL as a composition."""

from ..discovery.segmenters import AbstractSegmenter, WholeItem
from ..networks.encoder import AbstractEncoder, Network
from ..networks.follower import AbstractRule, Follower, MovingAverage
from ..networks.heads import mlp
from .learner import Learner
from .objectives import AbstractObjective, Queue, Semantic
from .task import Task


def semppl(
    encoder: AbstractEncoder,
    *,
    batch: int,
    queue_batches: int = 10,
    large_views: int = 2,
    hidden: int = 4096,
    projection: int = 256,
    teacher: AbstractRule | None = None,
    segmenter: AbstractSegmenter | None = None,
    objective: AbstractObjective | None = None,
    task: Task | None = None,
) -> Learner:
    """SemPPL: an item's positives are its own views and labelled items of the same class, guessed where unknown.

    Args:
        encoder: the online encoder f.
        batch: items per step, over all ranks: the queue holds a multiple of it.
        queue_batches: that multiple; 10 or 20 in the document.
        large_views: views that the teacher sees; further, small ones are for the online network alone.
        hidden: width of the heads' hidden layer.
        projection: length of the projected vectors.
        teacher: how the teacher follows; a moving average by default.
        segmenter: what is compared; whole items by default. With discovered objects it is Odin with semantic positives.
        objective: `Semantic` with other settings; its queue must fit views and projections.
        task: the task network of claims 17 and 18, trained at the same time.

    Source: the SemPPL document (WO 2023/222889): α = 1/5, k = 1, cosine similarity, a queue of 10 batches. Widths and
    the moving average are those of BYOL, whose networks the authors use; the temperature 0.2 is that of ReLIC v2.
    """
    online = Network(encoder, mlp(encoder.dim, hidden, projection))
    return Learner(
        online=online,
        predictor=mlp(projection, hidden, projection),
        teacher=Follower(online, teacher or MovingAverage(0.996)),
        segmenter=segmenter or WholeItem(),
        objective=objective or Semantic(Queue(queue_batches * batch, projection, large_views)),
        teacher_views=large_views,
        task=task,
    )
