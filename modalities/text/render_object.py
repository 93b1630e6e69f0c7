"""One object of a passage: its words, with some on either side."""

import html

from jaxtyping import Bool
from torch import Tensor

from gestalt.core.data.feature_map import Grid
from gestalt.core.report.direction import reads_leftwards

from .data import Passage

AROUND = 6
"""Words on either side."""
LONGEST = 60
"""Words of an object that are shown."""


def render_object(item: Passage, inside: Bool[Tensor, " elements"], grid: Grid | None) -> str:  # noqa: ARG001
    """The words of an object marked, with six on either side; dots where the passage goes on."""
    own = inside[: len(item.words)].nonzero()[:, 0].tolist()
    first, last = max(0, own[0] - AROUND), min(len(item.words), own[-1] + 1 + AROUND, own[0] + LONGEST)
    marked = set(own)
    words = [
        f"<mark>{html.escape(item.words[place])}</mark>" if place in marked else html.escape(item.words[place])
        for place in range(first, last)
    ]
    gaps = ["" if not gap else " " for gap in item.gaps[first + 1 : last]]
    text = "".join(word + gap for word, gap in zip(words, [*gaps, ""], strict=True))
    before, after = "… " if first else "", " …" if last < len(item.words) else ""
    way = "rtl" if reads_leftwards(item.text) else "ltr"
    return f'<p class="gestalt-words" dir="{way}" style="margin:0;max-width:34rem">{before}{text}{after}</p>'
