"""Large graphs in windows: connected parts of bounded size, the same every time, and what lies around each."""

from collections import deque

import torch
from jaxtyping import Bool, Int
from torch import Tensor


def windows(count: int, edges: Int[Tensor, "2 edges"], most: int) -> list[Int[Tensor, " nodes"]]:
    """Every node in one of ⌈count / most⌉ windows of `most` nodes; the last holds the rest.

    Each window grows from the first node that is left, nearest nodes first, and goes on elsewhere only where nothing
    is left to reach. Within a window, nodes keep the order of the graph.

    Example:
        >>> path = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 4]])
        >>> [window.tolist() for window in windows(5, path, most=2)]
        [[0, 1], [2, 3], [4]]
    """
    near = neighbours(count, edges)
    free = [True] * count
    parts: list[list[int]] = []
    part: list[int] = []
    for start in range(count):
        queue = deque([start] if free[start] else [])
        while queue:
            node = queue.popleft()
            if not free[node]:
                continue
            if len(part) == most:
                parts.append(part)
                # A new window: what the old one had in reach waits for its own turn.
                part, queue = [], deque()
            free[node] = False
            part.append(node)
            queue += [other for other in near[node] if free[other]]
    return [torch.tensor(sorted(nodes)) for nodes in [*parts, part] if nodes]


def surroundings(
    own: Int[Tensor, " own"], count: int, edges: Int[Tensor, "2 edges"], hops: int, most: int
) -> Bool[Tensor, " nodes"]:
    """Which of `count` nodes lie at most `hops` edges away from a window, whichever way edges point, and its own.

    Beside the window's own there are at most `most`: the nearest ones, and of those at one distance the first.

    Example:
        >>> path = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 4]])
        >>> surroundings(torch.tensor([0]), 5, path, hops=2, most=9).tolist()
        [True, True, True, False, False]
    """
    seen = torch.zeros(count, dtype=torch.bool)
    seen[own] = True
    for _ in range(hops):
        one, two = seen[edges[0]], seen[edges[1]]
        reached = seen.clone()
        reached[edges[1][one & ~two]] = True
        reached[edges[0][two & ~one]] = True
        new = (reached & ~seen).nonzero()[:, 0]
        spare = most - (int(seen.sum()) - len(own))
        seen[new[:spare]] = True
        if len(new) >= spare:
            break
    return seen


def neighbours(count: int, edges: Int[Tensor, "2 edges"]) -> list[list[int]]:
    """The nodes next to each node, whichever way the edge points, in order of the edges."""
    near: list[list[int]] = [[] for _ in range(count)]
    for one, two in zip(*edges.tolist(), strict=True):
        near[one].append(two)
        near[two].append(one)
    return [list(dict.fromkeys(others)) for others in near]
