"""What the states of words are, given the words: forward and backward along every passage."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .tables import Tables


def pairs(
    tables: Tables, symbols: Int[Tensor, "items words"]
) -> tuple[Float[Tensor, "items steps states states"], Float[Tensor, " items"]]:
    """p(s_t, s_{t+1} | all words) for neighbours along every passage, and log p(words).

    Passages stand between two ends, so that step t, from 0, goes from word t − 1 to word t. A symbol of −1, a mark of
    punctuation or padding, is an end too.

    Forward α_{t+1} ∝ e(x_{t+1}) Σ_s α_t(s) a(x_t, s, ·), backward β_t(s) = Σ_r a(x_t, s, r) e_r(x_{t+1}) β_{t+1}(r),
    both scaled to one at every word; p(s, r) ∝ α_t(s) a(x_t, s, r) e_r(x_{t+1}) β_{t+1}(r).

    Source: Baum et al. (1970), where what follows depends on the state and on its word: the right-linear grammar of
    Ponvert, Baldridge and Erk (2011).
    """
    count = tables.words.shape[1]
    there = torch.nn.functional.pad(symbols, (1, 1), value=-1)
    word, known = there.clamp(min=0), (there >= 0)[..., None]
    end = torch.zeros(count + 1).to(tables.start)
    end[-1] = 1
    emitted = torch.where(known, torch.nn.functional.pad(tables.words[word], (0, 1)), end)
    from_end = torch.zeros(count + 1, count + 1).to(tables.start)
    from_end[-1, :-1], from_end[-1, -1] = tables.start, 1
    after = torch.nn.functional.pad(tables.after[word], (0, 0, 0, 1))
    after = torch.where(known[..., None], after, from_end)

    forward, scales = [end.expand(len(symbols), -1)], []
    for place in range(there.shape[1] - 1):
        ahead = (forward[-1][:, None] @ after[:, place])[:, 0] * emitted[:, place + 1]
        scales.append(ahead.sum(dim=1, keepdim=True))
        forward.append(ahead / scales[-1])
    found, backward = [], torch.ones_like(forward[-1])
    for place in reversed(range(there.shape[1] - 1)):
        ahead = after[:, place] * (emitted[:, place + 1] * backward / scales[place])[:, None]
        found.append(forward[place][..., None] * ahead)
        backward = ahead.sum(dim=2)
    return torch.stack(found[::-1], dim=1), torch.cat(scales, dim=1).log().sum(dim=1)
