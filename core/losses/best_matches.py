"""How well the objects of one item are found in another: each by the one that is most like it."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..data.precision import full_precision


def best_matches(
    asking: Float[Tensor, "asking dim"],
    asked: Float[Tensor, "asked dim"],
    asking_item: Int[Tensor, " asking"],
    asked_item: Int[Tensor, " asked"],
    items: tuple[int, int],
) -> Float[Tensor, "asking_items asked_items"]:
    """s_ij = 1/|K_i| Σ_{k ∈ K_i} max_{l ∈ L_j} ⟨u_k, v_l⟩: every object of item i with the most alike object of item j.

    Args:
        asking: u, the objects that ask; of length 1 for cosines.
        asked: v, the objects that are asked.
        asking_item: the item of every object that asks.
        asked_item: the item of every object that is asked, in increasing order.
        items: how many items ask, and how many are asked.

    Returns:
        The scores; −∞ where an item has no object on its side. Gradients enter the pairs that are most alike, the first
        one where several are. Memory grows with the product of the numbers of objects, and with that of the objects
        that ask, the items that are asked and the length of a vector.

    Source: Harwath et al., "Jointly discovering visual objects and spoken words from raw sensory input" (2018), the
    similarity MISA; Yao et al., "FILIP" (2022), equation 4, for tokens.

    Example: two words in one picture of two cells and in another of one.

        >>> words = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> cells = torch.tensor([[0.9, 0.3], [0.1, 0.5], [0.2, 0.2]])
        >>> best_matches(words, cells, torch.tensor([0, 0]), torch.tensor([0, 0, 1]), (1, 2))
        tensor([[0.7000, 0.2000]])
    """
    ask, among = items
    places, there = _in_rows(asked_item, among)
    with torch.no_grad(), full_precision(asking):
        similarity = (asked @ asking.T)[places] if len(asked) else asking.new_zeros(among, 1, len(asking))
        chosen = places.gather(1, similarity.masked_fill_(~there[..., None], -torch.inf).argmax(dim=1)).T
    highest = (asking[:, None] * asked[chosen]).sum(dim=2) if len(asked) else asking.new_zeros(len(asking), among)
    count = torch.bincount(asking_item, minlength=ask).to(highest.dtype)
    total = highest.new_zeros(ask, among).index_add(0, asking_item, highest)
    known = (count > 0)[:, None] & there.any(dim=1)
    return torch.where(known, total / count.clamp(min=1)[:, None], -torch.inf)


def _in_rows(item: Int[Tensor, " objects"], items: int) -> tuple[Int[Tensor, "items most"], Bool[Tensor, "items most"]]:
    """The numbers of every item's objects side by side, and which places of a row hold one."""
    counts = torch.bincount(item, minlength=items)
    column = torch.arange(max(int(counts.max()) if items else 0, 1), device=item.device)
    there = column < counts[:, None]
    first = counts.cumsum(dim=0) - counts
    return torch.where(there, first[:, None] + column, 0), there
