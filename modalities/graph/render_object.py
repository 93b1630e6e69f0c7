"""One object of a graph: a small drawing in which it alone is coloured."""

import html

from jaxtyping import Bool
from torch import Tensor

from gestalt.core.data.feature_map import Grid

from .data import Graph
from .render import draw


def render_object(item: Graph, inside: Bool[Tensor, " elements"], grid: Grid | None) -> str:
    """A drawing of the whole graph.

    Raises:
        ValueError: if the elements lie on a grid.
    """
    if grid is not None:
        raise ValueError("the elements of a graph are a set, got a grid")
    nodes = inside[: len(item)].nonzero()[:, 0].tolist()
    words = html.escape(f"{item.title}: nodes {', '.join(map(str, nodes[:24]))}".strip(": "))
    return (
        f'<div class="gestalt-part" role="img" aria-label="{words}" style="width:260px;max-width:100%;background:#fff">'
        f"{draw(item, [('object', nodes)], 260, 190)}</div>"
    )
