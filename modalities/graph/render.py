"""A drawing of a graph with its objects, as one HTML fragment."""

import dataclasses
import functools
import html
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.data.feature_map import Grid
from gestalt.core.modality.colours import colour_of
from gestalt.core.report.direction import isolated

from .data import Graph
from .drawing import draw_network
from .molecules import MOLECULE, molecule_from

Part = tuple[str, list[int]]
"""The name and the nodes of an object."""


def found_parts(found: Int[Tensor, " elements"], by_number: bool = False) -> list[Part]:
    """The nodes of every object; objects are numbered from 1 as they appear, or by the numbers that are given: then
    those that do not appear have no nodes.

    Example:
        >>> import torch
        >>> found_parts(torch.tensor([4, -1, 0, 4]))
        [('object 1', [0, 3]), ('object 2', [2])]
    """
    nodes: dict[int, list[int]] = {}
    for node, number in enumerate(found.tolist()):
        if number >= 0:
            nodes.setdefault(number, []).append(node)
    if by_number:
        return [(f"object {number + 1}", nodes.get(number, [])) for number in range(max(nodes, default=-1) + 1)]
    return [(f"object {place}", part) for place, part in enumerate(nodes.values(), start=1)]


def render(
    item: Graph,
    found: Int[Tensor, " elements"],
    grid: Grid | None,
    truth: Sequence[tuple[str, Any]] = (),
    by_number: bool = False,
) -> str:
    """The graph with every found object in a colour of its own, and beside it with the true ones.

    Molecules are drawn by RDKit, other graphs laid out by springs. Each true object is its name and its nodes.

    With `by_number`, objects are called and coloured by the numbers that are given; otherwise by their order here.

    Raises:
        ValueError: if the elements lie on a grid, or `found` names fewer elements than there are nodes.
    """
    if grid is not None:
        raise ValueError("the elements of a graph are a set, got a grid")
    if len(found) < len(item):
        raise ValueError(f"the graph has {len(item)} nodes, found names {len(found)} elements")
    panels = [("found", found_parts(found[: len(item)], by_number))]
    if truth:
        panels.append(("true", [(name, [int(node) for node in nodes]) for name, nodes in truth]))
    shown = "".join(_panel(item, kind, parts) for kind, parts in panels)
    title = (
        f'<figcaption style="font-size:0.85rem;flex-basis:100%">{isolated(item.title)}</figcaption>'
        if item.title
        else ""
    )
    return (
        '<figure class="gestalt-graph" style="margin:0 0 1.5rem;display:flex;flex-wrap:wrap;gap:1rem">'
        f"{title}{shown}</figure>"
    )


def _panel(item: Graph, kind: str, parts: Sequence[Part]) -> str:
    legend = " ".join(
        f'<span style="white-space:nowrap"><span style="display:inline-block;width:0.8em;height:0.8em;'
        f'border-radius:50%;background:{pale(number)}"></span> {isolated(name)}</span>'
        for number, (name, nodes) in enumerate(parts)
        if nodes
    )
    described = html.escape(
        f"{kind}: " + ("; ".join(f"{name}: {_listed(nodes)}" for name, nodes in parts if nodes) or "nothing")
    )
    return (
        f'<div style="flex:1 1 320px;max-width:420px;background:#fff;color:#24292f">'
        f'<div role="img" aria-label="{described}">{draw(item, parts)}</div>'
        f'<div style="font-size:0.8rem;padding:0 0.5rem 0.4rem"><strong>{kind}</strong> '
        f"{legend or 'nothing'}</div></div>"
    )


def _listed(nodes: Sequence[int], most: int = 24) -> str:
    text = ", ".join(map(str, nodes[:most]))
    return text if len(nodes) <= most else f"{text} and {len(nodes) - most} more"


def draw(item: Graph, parts: Sequence[Part], width: int = 420, height: int = 300) -> str:
    """One SVG of the graph with every part in its colour; it holds no ids and nothing from elsewhere."""
    colours = {node: pale(number) for number, (_, nodes) in enumerate(parts) for node in nodes}
    if item.schema == MOLECULE:
        return _draw_molecule(item, colours, width, height)
    return draw_network(item, colours, width, height)


@functools.cache
def rdkit_drawing() -> Any:
    """RDKit's drawings; None where a system library that they need is missing, as in small containers: said once."""
    try:
        from rdkit.Chem.Draw import rdMolDraw2D
    except ImportError as error:
        warnings.warn(
            f"RDKit cannot draw here ({error}): molecules are drawn as plain graphs. Its drawings need the system "
            "libraries libXrender and libXext, on Debian and Ubuntu: apt-get install libxrender1 libxext6",
            stacklevel=2,
        )
        return None
    return rdMolDraw2D


def _draw_molecule(item: Graph, colours: dict[int, str], width: int, height: int) -> str:
    molecule, drawing = molecule_from(item), rdkit_drawing()
    if drawing is None:
        symbols = tuple(atom.GetSymbol() for atom in molecule.GetAtoms())
        named = dataclasses.replace(item, names=symbols, ids=torch.arange(len(item)))
        return draw_network(named, colours, width, height)
    atoms = {node: [_rgb(colour)] for node, colour in colours.items()}
    bonds = {
        bond.GetIdx(): [_rgb(colours[bond.GetBeginAtomIdx()])]
        for bond in molecule.GetBonds()
        if colours.get(bond.GetBeginAtomIdx(), "") == colours.get(bond.GetEndAtomIdx())
    }
    drawer = drawing.MolDraw2DSVG(width, height)
    options: Any = drawer.drawOptions()  # RDKit's types name no option
    options.prepareMolsBeforeDrawing = False
    options.fillHighlights = True
    options.clearBackground = False
    prepared = drawing.PrepareMolForDrawing(molecule, kekulize=False, addChiralHs=False, wedgeBonds=False)
    drawer.DrawMoleculeWithHighlights(prepared, "", atoms, bonds, {}, {})
    drawer.FinishDrawing()
    text: str = drawer.GetDrawingText()
    # The XML declaration and namespaces are for files of their own, not for a fragment.
    body = text[text.index("<svg") :]
    return _responsive(body[body.index("<!-- END OF HEADER -->") :], width, height)


def _responsive(body: str, width: int, height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'style="width:100%;height:auto;display:block">{body}'
    )


def pale(number: int, white: float = 0.45) -> str:
    """The colour of object `number`, mixed with white so that the letters of atoms can be read on it.

    Example:
        >>> pale(0)
        '#73b1d5'
    """
    own = (int(colour_of(number)[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{round(part + white * (255 - part)):02x}" for part in own)


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue
