"""How well can a target be read off frozen vectors with a straight line?"""

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from ..methods.targets import AbstractTarget, Classes, Values, any_known, standardised
from .linear_probe import linear_probe, linear_value_probe
from .sides import sides

ITERATIONS = 500


def probe(
    vectors: Float[Tensor, "rows dim"],
    target: AbstractTarget,
    known: Shaped[Tensor, "rows ..."],
    train: Int[Tensor, " train"],
    test: Int[Tensor, " test"],
    penalty: float = 1.0,
) -> dict[str, float]:
    """The target's score of a linear head on standardised vectors, trained on `train` and asked about `test`.

    The head W minimises Σ loss + λ/2 ‖W‖² over the training rows (L-BFGS, in double precision). For classes it is
    scikit-learn's logistic regression, for one value its ridge regression (Σ (y − ŷ)² + λ ‖W‖²): the numbers of
    `linear_probe` and `linear_value_probe`.

    Args:
        vectors: of items, objects or elements; keep everything that shares an item, or a source, on one side.
        target: what is read off.
        known: what is known of every row, in the target's form; rows of which nothing is known take no part.
        train: row numbers to learn from.
        test: row numbers to be asked about.
        penalty: λ.

    Raises:
        ValueError: if no labelled row is left on a side, a row is on both, or the penalty is not positive.

    Example:
        >>> vectors, known = torch.tensor([[0.0], [1.0], [0.1], [0.9]]), torch.tensor([0, 1, 0, 1])
        >>> probe(vectors, Classes(("cat", "dog")), known, torch.tensor([0, 1]), torch.tensor([2, 3]))
        {'accuracy': 1.0, 'balanced_accuracy': 1.0}
    """
    if not 0 < penalty < float("inf"):
        raise ValueError(f"the penalty must be positive and finite, got {penalty}")
    if isinstance(target, Classes):
        named = linear_probe(vectors, known, train, test, 1 / penalty)
        return {"accuracy": named.accuracy, "balanced_accuracy": named.balanced}
    if isinstance(target, Values) and target.outputs == 1:
        read = linear_value_probe(vectors, known[:, 0], train, test, penalty)
        return {"rmse": read.rmse, "r2": read.r2}
    learned, outputs = probe_outputs(vectors, target, known, train, test, penalty)
    _, ask = known_sides(known, train, test, "a probe")
    return learned.score(outputs, known[ask].cpu())


def probe_outputs(
    vectors: Float[Tensor, "rows dim"],
    target: AbstractTarget,
    known: Shaped[Tensor, "rows ..."],
    train: Int[Tensor, " train"],
    test: Int[Tensor, " test"],
    penalty: float = 1.0,
) -> tuple[AbstractTarget, Float[Tensor, "asked outputs"]]:
    """What the linear head of `probe` says of every test row of which something is known, for scores of one's own.

    Returns:
        The target, standardised by the training rows where it has units, and the head's outputs for it.

    Raises:
        ValueError: as `probe`.
    """
    learn, ask = known_sides(known, train, test, "a probe")
    target = standardised(target, known[learn])
    rows = vectors.detach().cpu().double()
    mean, scale = rows[learn].mean(dim=0), rows[learn].std(dim=0, correction=0)
    rows = (rows - mean) / torch.where(scale > 0, scale, 1.0)
    ridge = isinstance(target, Values) and target.outputs == 1  # its penalty has no factor of one half
    weight, bias = fitted(rows[learn], target, known[learn].cpu(), 2 * penalty if ridge else penalty)
    return target, rows[ask] @ weight.T + bias


def fitted(
    vectors: Float[Tensor, "rows dim"],
    target: AbstractTarget,
    known: Shaped[Tensor, "rows ..."],
    penalty: float,
    rarity: Float[Tensor, " rows"] | None = None,
) -> tuple[Float[Tensor, "outputs dim"], Float[Tensor, " outputs"]]:
    """The weights and biases that minimise the target's loss with a penalty on the weights; always the same ones.

    `rarity` weighs the rows' losses; None weighs all by 1.
    """
    weight = torch.zeros(target.outputs, vectors.shape[1], dtype=vectors.dtype, requires_grad=True)
    bias = torch.zeros(target.outputs, dtype=vectors.dtype, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        losses = target.loss(vectors @ weight.T + bias, known)
        total = (losses if rarity is None else losses * rarity).sum() + penalty / 2 * weight.square().sum()
        mean: Tensor = total / len(vectors)
        mean.backward()
        return mean

    with torch.enable_grad():
        optimizer.step(closure)
    return weight.detach(), bias.detach()


def known_sides(
    known: Shaped[Tensor, "rows ..."], train: Int[Tensor, " train"], test: Int[Tensor, " test"], what: str
) -> tuple[Int[Tensor, " learned"], Int[Tensor, " asked"]]:
    """The rows of both sides of which anything is known.

    Args:
        known: what is known.
        train, test: row numbers.
        what: what needs them, for the message.

    Raises:
        ValueError: if none is left on a side, or a row is on both.
    """
    there = any_known(known.cpu())
    learn, ask = (torch.from_numpy(rows)[there[rows]] for rows in sides(train, test))
    if not len(learn) or not len(ask):
        raise ValueError(f"{what} needs labelled rows on both sides, got {len(learn)} and {len(ask)}")
    return learn, ask
