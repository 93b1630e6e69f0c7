"""What is learned of held-out rows: which ones they are, how sure a head may be, and how far is too far."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn.functional import normalize

from ..evaluation.splitting import Split, folds
from ..methods.targets import AbstractTarget, Decides
from .examples import Examples
from .fitted import nearest_distance, some_of
from .fitters.base import AbstractFitter
from .heads.base import Standard
from .task import Task, outputs_of

ROUNDING = 1e-5
"""A vector that is labelled is at distance 0, but for rounding."""
COLDEST, HOTTEST = 0.1, 10.0
"""The bounds of a temperature: a few rows that are all right would make every answer certain."""


@final
@dataclass(frozen=True)
class HeldOut:
    """What heads that had not seen them said of labelled rows.

    Attributes:
        outputs: of heads of the other folds.
        known: the truth.
        distance: to the nearest row that the head was fitted to.
    """

    outputs: Float[Tensor, "rows outputs"]
    known: Shaped[Tensor, "rows ..."]
    distance: Float[Tensor, " rows"]


def splits_of(examples: Examples, count: int, seed: int) -> tuple[tuple[Split, ...], str]:
    """Folds over the groups of the rows, as many as there are groups at most, and how they are said.

    A row with several vectors counts by the commonest of its classes. Rows of one group alone are held out item by
    item, and those of one item alone not at all.

    Example:
        >>> from ..data.feature_map import FeatureMap
        >>> asked = FeatureMap(torch.zeros(4, 1, 2), torch.ones(4, 1, dtype=torch.bool))
        >>> rows = Examples(asked, torch.tensor([[0], [1], [0], [1]]), torch.arange(4), torch.tensor([0, 0, 1, 1]))
        >>> splits_of(rows, 5, seed=0)[1]
        '2 folds of 2 groups, each held out once'
    """
    groups, word = examples.groups, "groups"
    if len(groups.unique()) < 2:
        groups, word = examples.index, "items of one group, so that held-out scores flatter"
    there = len(groups.unique())
    if there < 2:
        return (), "nothing is held out: all is of one item"
    count = min(count, there)
    found = folds(_strata(examples), groups, count, seed)
    return found, f"{len(found)} folds of {there} {word}, each held out once"


def _strata(examples: Examples) -> Shaped[Tensor, " rows"]:
    """One class for every row; of values nothing but that they are some."""
    known = examples.known
    if known.ndim != 2 or known.is_floating_point():
        return torch.zeros(len(examples))
    if known.shape[1] == 1:
        return known[:, 0]
    counts = torch.nn.functional.one_hot(known + 1, int(known.max()) + 2)[..., 1:].sum(dim=1)
    return counts.argmax(dim=1)


def held_out(examples: Examples, task: Task, fitter: AbstractFitter, splits: Sequence[Split]) -> HeldOut:
    """Every labelled vector as the head of the other folds sees it.

    Vectors of a class that no vector of the other folds has are left out: nothing could name them rightly.
    """
    parts = list[HeldOut]()
    for split in splits:
        learned, held = examples.some(split.train), examples.some(split.test)
        head = fitter.fit(examples, task, split.train)
        outputs, known = outputs_of(head, held), held.facts()
        standard = Standard(examples.asked.values.shape[2])
        bank = some_of(learned.vectors(), task.seed)  # as many as the model remembers: in more, all is nearer
        standard.see(bank)
        distance = nearest_distance(standard(held.vectors()), normalize(standard(bank), dim=1))
        keep = torch.ones(len(known), dtype=torch.bool)
        if known.ndim == 1:
            keep = torch.isin(known, learned.facts())
        parts.append(HeldOut(outputs[keep], known[keep], distance[keep]))
    return HeldOut(*(torch.cat([getattr(part, name) for part in parts]) for name in HeldOut.__dataclass_fields__))


def temperature_of(
    target: AbstractTarget, outputs: Float[Tensor, "rows outputs"], known: Shaped[Tensor, "rows ..."]
) -> float:
    """The T in [0.1, 10] with the smallest loss of outputs / T; 1 for a target that gives no probabilities.

    Example:
        >>> from ..methods.targets import Classes
        >>> sure, known = torch.tensor([[4.0, 0.0]] * 4), torch.tensor([0, 0, 0, 1])
        >>> round(float(torch.tensor(4.0) / temperature_of(Classes(("a", "b")), sure, known)), 2)
        1.1
    """
    if not isinstance(target, Decides) or not len(known):
        return 1.0
    log = torch.zeros((), dtype=torch.float64, requires_grad=True)
    wide = outputs.double()
    optimizer = torch.optim.LBFGS([log], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = target.loss(wide / log.exp(), known).mean()
        loss.backward()
        return loss

    with torch.enable_grad():
        optimizer.step(closure)
    return float(log.detach().exp().clamp(COLDEST, HOTTEST))


def threshold_of(distance: Float[Tensor, " rows"], share: float) -> float:
    """The distance beyond which a share of held-out rows lies; none for a share of 0, or without rows."""
    if share == 0 or not len(distance):
        return float("inf")
    return float(distance.double().quantile(1 - share)) + ROUNDING
