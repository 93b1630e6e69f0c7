"""What several processes must share so that N ranks compute what one rank computes on the joined batch.

Every function is the identity on a single process. Gradients flow through all of them: with the gradients averaged
over ranks, as data-parallel training does, the result equals that of one rank with the whole batch.
"""

from typing import Any, final

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor


def world_size() -> int:
    """Number of processes that train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Number of this process."""
    return dist.get_rank() if world_size() > 1 else 0


@final
class _Sum(torch.autograd.Function):
    """All-reduce whose gradient is all-reduced too: every rank's loss depends on every rank's input."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:  # noqa: ARG004
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total


def sum_over_ranks(values: Tensor) -> Tensor:
    """The sum of `values` over all ranks."""
    if world_size() == 1:
        return values
    total: Tensor = _Sum.apply(values)  # type: ignore[no-untyped-call]
    return total


def mean_over_ranks(total: Float[Tensor, ""], count: Tensor) -> Float[Tensor, ""]:
    """This rank's part of the mean Σ total / Σ count, scaled so that the average over ranks is that mean; 0 if empty.

    Example:
        >>> mean_over_ranks(torch.tensor(6.0), torch.tensor(3)).item()
        2.0
    """
    return part_of_mean(total, sum_over_ranks(count.detach().to(total.dtype)))


def part_of_mean(total: Float[Tensor, ""], everyone: Tensor) -> Float[Tensor, ""]:
    """As `mean_over_ranks`, where the count of all ranks is known already.

    Example:
        >>> part_of_mean(torch.tensor(6.0), torch.tensor(3.0)).item()
        2.0
    """
    return total * (world_size() / everyone.clamp(min=1))


def max_over_ranks(value: int, device: torch.device | str = "cpu") -> int:
    """The greatest `value` of all ranks.

    Example:
        >>> max_over_ranks(3)
        3
    """
    if world_size() == 1:
        return value
    greatest = torch.tensor(value, device=device)
    dist.all_reduce(greatest, dist.ReduceOp.MAX)
    return int(greatest)


def gather(rows: Float[Tensor, "rows ..."]) -> tuple[Tensor, int]:
    """The rows of all ranks in order of rank, and where this rank's rows start. Ranks may hold unequal numbers.

    Gradients of every rank's loss flow back to the rank that holds the row.
    """
    if world_size() == 1:
        return rows, 0
    counts = [torch.zeros((), dtype=torch.long, device=rows.device) for _ in range(world_size())]
    dist.all_gather(counts, torch.tensor(len(rows), device=rows.device))
    sizes = [int(count) for count in counts]
    start = sum(sizes[: rank()])
    # Summing zero-padded copies is an all-gather for unequal sizes whose gradient comes for free.
    before = rows.new_zeros(start, *rows.shape[1:])
    after = rows.new_zeros(sum(sizes) - start - len(rows), *rows.shape[1:])
    return sum_over_ranks(torch.cat([before, rows, after])), start


def joint_rows(rows: int, device: torch.device | str = "cpu") -> tuple[int, int]:
    """The number of rows on all ranks, and where this rank's rows start among them.

    Example:
        >>> joint_rows(3)
        (3, 0)
    """
    everyone, start = gather(torch.zeros(rows, 1, device=device))
    return len(everyone), start


def of_first_rank(values: Tensor) -> Tensor:
    """The values of the first rank, on all: for what each could compute, and rounding might decide differently.

    Example:
        >>> of_first_rank(torch.tensor([3])).tolist()
        [3]
    """
    if world_size() == 1:
        return values
    agreed = values.clone()
    dist.broadcast(agreed, 0)
    return agreed
