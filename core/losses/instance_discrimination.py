"""Instance discrimination: every item is its own class, remembered in a memory bank."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import logsigmoid

from ..data.precision import full_precision
from .distances import Temperature, at_least_float, checked, unit
from .reduction import Reduction, reduced


def instance_discrimination(
    vectors: Float[Tensor, "rows dim"],
    bank: Float[Tensor, "items dim"],
    index: Int[Tensor, " rows"],
    noise: Int[Tensor, "rows draws"] | None = None,
    partition: Float[Tensor, ""] | None = None,
    temperature: Temperature = 0.07,
    reduction: Reduction = "mean",
) -> Float[Tensor, "..."]:
    """Which of all items is this? −log P(i) of the soft-max over a memory bank, or its estimate against noise.

    With v the unit vector of item i, P(n) = e^{⟨v, m_n⟩/τ} / Z. Without noise the loss is −log P(i) with Z the sum over
    the bank. With m noise items n and h(n) = P(n) / (P(n) + m/N) it is −log h(i) − Σ_n log(1 − h(n)).

    Args:
        vectors: v, normalised here.
        bank: m, one row per item of the data set, taken as they are; no gradient enters them.
        index: i, the number of every row's item.
        noise: the numbers of the noise items of every row; None for the full soft-max.
        partition: Z, for the estimate; that of these vectors by default, see `partition_function`. Keep the first.
        temperature: τ.
        reduction: the mean over rows, their sum, or the loss of each.

    Raises:
        ValueError: if the temperature is not positive.

    Source: Wu et al., "Unsupervised feature learning via non-parametric instance discrimination" (2018), equations 2
    to 8, and the authors' code.

    Example:
        >>> bank = torch.eye(3)
        >>> loss = instance_discrimination(bank[:1], bank, torch.tensor([0]), temperature=1.0)
        >>> round(loss.item(), 4)  # log(e + 2) − 1
        0.5514
    """
    v, t = unit(vectors), checked(temperature)
    m = bank.detach().to(v)
    own = (v * m[index]).sum(dim=1) / t
    with full_precision(v):
        if noise is None:
            return reduced((v @ m.T / t).logsumexp(dim=1) - own, reduction)
        others = torch.einsum("rd,rnd->rn", v, m[noise]) / t
        partition = partition_function(vectors, bank, temperature) if partition is None else partition
        # log(P / (P + m/N)) = log σ(log P − log(m/N)), which neither overflows nor needs a small number added.
        shift = torch.log(partition.to(v) * noise.shape[1] / len(m))
    return reduced(-logsigmoid(own - shift) - logsigmoid(shift - others).sum(dim=1), reduction)


@torch.no_grad()
def partition_function(
    vectors: Float[Tensor, "rows dim"], bank: Float[Tensor, "items dim"], temperature: Temperature = 0.07
) -> Float[Tensor, ""]:
    """Z = 1/R Σ_r Σ_n e^{⟨v_r, m_n⟩/τ}: the mean over the vectors; the size of the bank where there are none.

    Example:
        >>> round(partition_function(torch.eye(2), torch.eye(2), temperature=1.0).item(), 4)  # e + 1
        3.7183
    """
    v = at_least_float(unit(vectors))
    if not len(v):
        return torch.tensor(float(len(bank)), dtype=v.dtype, device=v.device)
    with full_precision(v):
        return (v @ bank.to(v).T / checked(temperature)).exp().sum(dim=1).mean()
