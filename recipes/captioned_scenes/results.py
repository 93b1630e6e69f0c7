"""The table: every way of telling which caption fits, and where what it says is to be seen, on the same scenes."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.discovery.finder import ObjectFinder
from gestalt.core.evaluation import Column
from gestalt.core.experiment.predictions import Predictions, predictions_of
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.joint import JointItem
from gestalt.core.networks.encoder import Network

from .alone import Encoded, encoded_alone
from .located import heat_of_phrases, pointed, spanned
from .match import WAYS, Scores, Way, by_sort, match_metrics, scores
from .synthetic.told import PICTURE, Told
from .synthetic.words import SORTS

METRICS = ("match", "one word", "R@1 → picture", "R@5 → picture", "R@1 → caption", "R@5 → caption")
GROUPS: dict[Way, tuple[str, str]] = {"whole": ("whole items", ""), "objects": ("by objects", " by objects")}
COLUMNS = (
    *(Column(name + GROUPS[way][1], GROUPS[way][0]) for way in WAYS for name in METRICS),
    Column("pointing", "grounding"),
    Column("spanned", "grounding"),
    *(Column(sort, "word changed, by objects") for sort in SORTS),
)
NOTE = (
    "Captions and pictures are encoded apart. Whole: the cosine of their mean vectors; by objects: every word (or "
    "moment of speech) with the cell of the picture that is most like it, on average. Match: how often the right "
    "caption is above one of another scene, and above itself with one word changed so that it is false (areas under "
    "the curve, 0.5 is chance). R@k: the right one is among the first k of all scenes. Grounding: the cell most like a "
    "phrase lies in the item that it mentions; and the share of words for colours, textures and things in an object "
    "most of which, in the picture, is their item."
)


def measure(predictions: Predictions, modality: AbstractModality[JointItem], told: Sequence[Told]) -> dict[str, float]:
    """All metrics of what a network learned."""
    assert predictions.network is not None
    captions, pictures, changed = encoded(predictions.network, modality, told)
    of = numbers_of_changed(told)
    found = _of_scores(lambda way: scores(captions, pictures, changed, of, way))
    found |= by_sort(scores(captions, pictures, changed, of, "objects"), [sort for one in told for sort in one.changed])
    assert pictures.grid is not None
    found["pointing"] = pointed(heat_of_phrases(captions, pictures, told), pictures.grid, told)
    found["spanned"] = spanned(predictions, told)
    return found


def encoded(
    network: Network, modality: AbstractModality[JointItem], told: Sequence[Told]
) -> tuple[Encoded, Encoded, Encoded]:
    """Captions, pictures and false captions, each by itself."""
    items, part = [one.item for one in told], told[0].part
    changed = [other for one in told for other in one.changed.values()]
    return (
        encoded_alone(network, modality, items, part),
        encoded_alone(network, modality, items, PICTURE),
        encoded_alone(network, modality, changed, part),
    )


def numbers_of_changed(told: Sequence[Told]) -> Int[Tensor, " changed"]:
    """The scene of every false caption."""
    return torch.tensor([number for number, one in enumerate(told) for _ in one.changed])


def _of_scores(scored: Callable[[Way], Scores]) -> dict[str, float]:
    return {name + GROUPS[way][1]: value for way in WAYS for name, value in match_metrics(scored(way)).items()}


def baselines(
    random: Network, plain: Network, finder: ObjectFinder, modality: AbstractModality[JointItem], told: Sequence[Told]
) -> dict[str, dict[str, float]]:
    """What needs no training: chance, either modality by itself, and the run's own network before training."""
    items = [one.item for one in told]
    captions, pictures, changed = encoded(plain, modality, told)
    of, grid = numbers_of_changed(told), pictures.grid
    assert grid is not None
    phrases = [number for number, one in enumerate(told) for _ in one.scene.caption.phrases]
    nothing = Scores(torch.zeros(len(told), len(told)), torch.zeros(len(of)), of)
    # Which caption is the most usual one, and which cell the least usual: neither asks what the other part is.
    usual = (captions.whole @ captions.whole.mean(dim=0))[:, None].expand(-1, len(told))
    by_captions = Scores(usual.contiguous(), changed.whole @ captions.whole.mean(dim=0), of)
    unusual = -(pictures.elements @ pictures.whole[..., None])[..., 0]
    return {
        "chance": _of_scores(lambda _: nothing)
        | {"pointing": pointed(torch.zeros(len(phrases), grid.elements), grid, told)},
        "captions alone": _of_scores(lambda _: by_captions),
        "pictures alone": {"pointing": pointed(unusual[phrases], grid, told)},
        "plain features": measure(predictions_of(plain, modality, items, finder), modality, told),
        "a random network": measure(predictions_of(random, modality, items, finder), modality, told),
    }
