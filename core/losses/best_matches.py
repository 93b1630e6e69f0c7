"""How well the objects of one item are found in another: each by the one that is most like it."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def best_matches(
    similarity: Float[Tensor, "asking asked"],
    asking_item: Int[Tensor, " asking"],
    asked_item: Int[Tensor, " asked"],
    items: tuple[int, int],
) -> Float[Tensor, "asking_items asked_items"]:
    """s_ij = 1/|K_i| Σ_{k ∈ K_i} max_{l ∈ L_j} ⟨u_k, v_l⟩: every object of item i with the most alike object of item j.

    Args:
        similarity: of all objects that ask with all that are asked.
        asking_item: the item of every object that asks.
        asked_item: the item of every object that is asked.
        items: how many items ask, and how many are asked.

    Returns:
        The scores; −∞ where an item has no object on its side.

    Source: Harwath et al., "Jointly discovering visual objects and spoken words from raw sensory input" (2018), the
    similarity MISA; Yao et al., "FILIP" (2022), equation 4, for tokens.

    Example: two words in one picture of two cells and in another of one.

        >>> similarity = torch.tensor([[0.9, 0.1, 0.2], [0.3, 0.5, 0.2]])
        >>> best_matches(similarity, torch.tensor([0, 0]), torch.tensor([0, 0, 1]), (1, 2))
        tensor([[0.7000, 0.2000]])
    """
    asking, asked = items
    highest = similarity.new_full((len(similarity), asked), -torch.inf)
    highest = highest.scatter_reduce(1, asked_item.expand(len(similarity), -1), similarity, "amax", include_self=False)
    count = torch.bincount(asking_item, minlength=asking).to(similarity.dtype)
    # −∞ times anything has no gradient: what is not there is put back in the end.
    there = torch.bincount(asked_item, minlength=asked) > 0
    total = similarity.new_zeros(asking, asked).index_add(0, asking_item, torch.where(there, highest, 0.0))
    known = (count > 0)[:, None] & there
    return torch.where(known, total / count.clamp(min=1)[:, None], -torch.inf)
