"""What a fit gives, and what is said of it in words."""

from collections import Counter
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from ..fitting.fitted import Fitted
from ..fitting.learn import Learned
from ..methods.targets import AbstractTarget, Decides, Points
from ..networks.encoder import Network
from ..storage.naming import counted

Facts = tuple[tuple[str, str], ...]
"""What is said, in words: a name and a text each."""


@final
@dataclass(frozen=True)
class Fit:
    """What answers, and what is known of its making.

    Attributes:
        network: that was trained with the head; None where the run's own is as it was.
        fitted: what answers.
        before: what was said before the head was fitted.
        after: what held-out rows say of it.
        items: the numbers of the items that it was fitted to.
    """

    network: Network | None
    fitted: Fitted
    before: Facts
    after: Facts
    items: tuple[int, ...] = ()


def counts_of(target: AbstractTarget, known: Tensor) -> str:
    """How many rows are of what, the commonest first.

    Example:
        >>> from ..methods.targets import Classes
        >>> counts_of(Classes(("cat", "dog")), torch.tensor([0, 1, 1]))
        '2 classes: dog 2, cat 1'
    """
    names = target.columns
    if known.ndim == 1 or isinstance(target, Points):
        numbers = known.tolist() if known.ndim == 1 else known[:, 1].tolist()
        counts = Counter(number for number in numbers if number >= 0)
        listed = ", ".join(f"{names[number]} {count}" for number, count in counts.most_common(20))
        more = f", {len(counts) - 20} more" if len(counts) > 20 else ""
        word = ("class", "classes") if known.ndim == 1 else ("relation", "relations")
        return f"{counted(len(counts), *word)}: {listed}{more}"
    there = known > 0 if isinstance(target, Decides) else ~known.isnan()
    return ", ".join(f"{name} {int(count)}" for name, count in zip(names[:20], there.sum(dim=0), strict=False))


def after_facts(found: Learned) -> Facts:
    """What held-out rows say."""
    fitted, held = found.fitted, found.held
    lines = [("fitted", found.fitter.described())]
    if held is not None and len(held.known):
        scores = fitted.target.score(held.outputs / float(fitted.temperature), held.known)
        said = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
        lines.append(("held-out rows", f"{len(held.known)}: {said}"))
        if float(fitted.temperature) != 1:
            lines.append(("temperature", f"{float(fitted.temperature):.2f}"))
    if fitted.has_margins:
        wide = zip(fitted.target.columns, fitted.margins.tolist(), strict=True)
        said = ", ".join(f"{name} ± {margin:.3g}" for name, margin in wide)
        lines.append(("margins of held-out values", f"{said}; wider for what is far from all labelled"))
    if torch.isfinite(fitted.threshold):
        lines.append(("unknown", f"beyond {float(fitted.threshold):.3f} from every labelled {fitted.of.word}"))
    return tuple(lines)
