"""A plain drawing of any graph: nodes pushed apart, edges pulling together."""

import html
import re
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from .data import Graph

NAMED = 60
"""Graphs of up to so many nodes have their nodes' names beside them."""


def layout(count: int, edges: Int[np.ndarray, "2 edges"], steps: int = 60) -> Float[np.ndarray, "nodes 2"]:
    """Places of nodes in the unit square, the same every time (Fruchterman and Reingold, 1991).

    Every pair repels by k²/d, every edge attracts by d²/k; steps get shorter as the drawing cools.
    """
    ideal = 1 / np.sqrt(max(count, 1))
    angle = 2.39996 * np.arange(count)  # the golden angle: no two nodes begin at one place
    places = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.sqrt(np.arange(count) + 0.5)[:, None] * ideal
    for step in range(steps):
        apart = places[:, None] - places[None]
        distance = np.maximum(np.sqrt((apart**2).sum(axis=2)), 1e-3)
        # A little gravity keeps parts that no edge joins on the page.
        move = (apart * (ideal**2 / distance**2)[..., None]).sum(axis=1) - places * ideal
        along = places[edges[0]] - places[edges[1]]
        pull = along * np.sqrt((along**2).sum(axis=1, keepdims=True)) / ideal
        np.add.at(move, edges[0], -pull / 2)
        np.add.at(move, edges[1], pull / 2)
        length = np.maximum(np.sqrt((move**2).sum(axis=1, keepdims=True)), 1e-9)
        places = places + move / length * np.minimum(length, 0.2 * (1 - step / steps))
    low, high = places.min(axis=0), places.max(axis=0)
    scaled: Float[np.ndarray, "nodes 2"] = (places - low) / np.maximum(high - low, 1e-9)
    return scaled


def writable(text: str) -> str:
    r"""A text without the characters that no XML file may hold.

    Example:
        >>> writable("a\x00b\x1bc")
        'a�b�c'
    """
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "\ufffd", text)


def _pairs(edges: Int[np.ndarray, "2 edges"]) -> Int[np.ndarray, "pairs 2"]:
    """Which nodes are joined, in whichever direction, each pair once."""
    pairs = np.unique(np.sort(edges.T, axis=1), axis=0)
    apart: Int[np.ndarray, "pairs 2"] = pairs[pairs[:, 0] != pairs[:, 1]]
    return apart


def draw_network(item: Graph, colours: Mapping[int, str], width: int, height: int) -> str:
    """An SVG of circles and lines; nodes that belong to nothing stay white."""
    edges = item.edges.numpy()
    margin = 16.0
    places = layout(len(item), edges) * [width - 2 * margin, height - 2 * margin] + margin
    lines = "".join(
        f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{u:.1f}" y2="{v:.1f}"/>'
        for (x, y), (u, v) in ((places[one], places[two]) for one, two in _pairs(edges))
    )
    radius = 7 if len(item) <= NAMED else 3
    circles = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colours.get(node, "#ffffff")}"/>'
        for node, (x, y) in enumerate(places.tolist())
    )
    words = "".join(
        f'<text x="{x:.1f}" y="{y + 3:.1f}">{html.escape(writable(item.names[number])[:12])}</text>'
        for (x, y), number in zip(places.tolist(), item.ids.tolist(), strict=True)
        if item.names and len(item) <= NAMED
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'style="width:100%;height:auto;display:block">'
        f'<g stroke="#8c959f" stroke-width="1">{lines}</g><g stroke="#57606a" stroke-width="0.8">{circles}</g>'
        f'<g font-size="8" text-anchor="middle" fill="#24292f" font-family="sans-serif">{words}</g></svg>'
    )
