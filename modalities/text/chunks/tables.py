"""The numbers of a grammar of chunks."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from .states import States

SPREAD = 0.3
"""Standard deviation of the logarithm of what tells the parts of a divided state from one another at first."""


@final
@dataclass(frozen=True)
class Tables:
    """Chances of states and words.

    `start` of every state at the beginning of a stretch; `words` of every word where a state is known; `after` of every
    state, the end of the stretch among them, behind a state with a word.
    """

    start: Float[Tensor, " states"]
    words: Float[Tensor, "words states"]
    after: Float[Tensor, "words states further"]

    def divided(self, states: States, generator: torch.Generator) -> "Tables":
        """Where this has one kind of chunk and one outside, several of each, alike but for a little noise.

        Source: Petrov et al., "Learning accurate, compact, and interpretable tree annotation" (2006), who divide the
        states of a grammar and learn on.
        """
        origin = torch.tensor(states.parts)
        of, into = origin[:-1], origin
        noise = torch.randn(len(self.words), states.count, generator=generator, dtype=self.words.dtype)
        after = self.after[:, of][:, :, into] * states.allowed[:-1]
        return Tables(
            _shares(self.start[of]),
            _columns(self.words[:, of] * (SPREAD * noise).exp()),
            _shares(after),
        )


def even(states: States, frequencies: Float[Tensor, " words"]) -> Tables:
    """Every state has the words of the text as they are; whatever may follow does so alike."""
    allowed = states.allowed.to(frequencies)
    following = _shares(allowed[:-1])
    return Tables(
        _shares(allowed[-1, :-1]),
        _columns(frequencies[:, None].expand(-1, states.count)),
        following.expand(len(frequencies), -1, -1),
    )


def _shares(rows: Tensor) -> Tensor:
    return rows / rows.sum(dim=-1, keepdim=True)


def _columns(rows: Tensor) -> Tensor:
    return rows / rows.sum(dim=0)
