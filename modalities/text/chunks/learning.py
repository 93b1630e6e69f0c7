"""A grammar of chunks is learned: expectation and maximisation over passages without labels."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .chain import pairs
from .states import States
from .tables import Tables, even

FIRST, TRIED, LAST = 15, 8, 30
"""Passes over the text: with one kind of chunk, then for each way of dividing it, then on from the best."""
WAYS = 4
"""Ways of dividing the states that are tried; the text decides, by its likelihood."""
RARE = 0.1
"""Every word counts so much in every state beside what was counted."""
LIKE_OTHERS = 10.0
"""Words that are seen as seldom go as half by what follows their state with any word."""
ANYTHING = 0.02
"""Share of what follows alike, whatever was counted."""

Symbols = Int[Tensor, "items words"]


def learn(passages: Sequence[Symbols], states: States, words: int, generator: torch.Generator) -> Tables:
    """The grammar by which the text is likely.

    Learned with one kind of chunk first, which is then divided into several, and learned on.

    Args:
        passages: batches of words by their numbers; −1 are marks and padding.
        states: which the grammar has in the end.
        words: how many different ones there are.
        generator: the only source of randomness.
    """
    seen = torch.cat([batch[batch >= 0] for batch in passages])
    frequencies = seen.bincount(minlength=words).float() + 1
    single = States(1, 1)
    tables, _ = _passes(even(single, frequencies), passages, single, FIRST)
    tried = [_passes(tables.divided(states, generator), passages, states, TRIED) for _ in range(WAYS)]
    best, _ = max(tried, key=lambda found: found[1])
    return _passes(best, passages, states, LAST)[0]


def _passes(tables: Tables, passages: Sequence[Symbols], states: States, passes: int) -> tuple[Tables, float]:
    likelihood = -torch.inf
    for _ in range(passes):
        tables, likelihood = better(tables, passages, states)
    return tables, likelihood


def better(tables: Tables, passages: Sequence[Symbols], states: States) -> tuple[Tables, float]:
    """One pass: count by the grammar as it is, and take the counts for the grammar; with the likelihood as it was.

    e_s(x) ∝ n(s, x) + λ,  a(x, s, r) ∝ n(x, s, r) + κ ā(s, r),  ā(s, ·) what follows s with any word.
    """
    counts, start, likelihood = torch.zeros_like(tables.after), torch.zeros_like(tables.start), 0.0
    for batch in passages:
        steps, logarithm = pairs(tables, batch)
        likelihood += float(logarithm.sum())
        start += steps[:, :, -1, :-1].sum(dim=(0, 1))
        known = batch >= 0
        counts.index_add_(0, batch[known], steps[:, 1:, :-1][known])
    allowed = states.allowed[:-1].to(counts)
    usual = (1 - ANYTHING) * _shares(counts.sum(dim=0)) + ANYTHING * _shares(allowed)
    of_words = counts.sum(dim=2) + RARE
    return Tables(_shares(start), of_words / of_words.sum(dim=0), _shares(counts + LIKE_OTHERS * usual)), likelihood


def _shares(rows: Float[Tensor, "*rows numbers"]) -> Float[Tensor, "*rows numbers"]:
    return rows / rows.sum(dim=-1, keepdim=True).clamp(min=torch.finfo(rows.dtype).tiny)
