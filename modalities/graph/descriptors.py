"""What is computed from molecules: RDKit's descriptors, without log P and what is made of it."""

import hashlib
import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float
from rdkit import Chem, rdBase

from .data import Graph
from .molecules import molecule_from

KEPT = 100_000
"""The descriptors of so many molecules stay in memory, some 80 MB; those of further ones are computed every time."""

LEFT_OUT = ("Ipc", "qed", "NumUnspecifiedAtomStereoCenters")
"""Ipc overflows; qed is made of log P among others; stereo is not known of a graph that a view has changed."""

_kept: dict[bytes, Float[np.ndarray, " descriptors"]] = {}


@cache
def descriptor_functions() -> Mapping[str, Callable[[Chem.Mol], Any]]:
    """RDKit's descriptors by name; those of log P (MolLogP, SlogP_VSA1, …) answer too many questions by themselves.

    Example:
        >>> "TPSA" in descriptor_functions(), "MolLogP" in descriptor_functions()
        (True, False)
    """
    from rdkit.Chem import Descriptors

    listed: list[tuple[str, Callable[[Chem.Mol], Any]]] = Descriptors.descList
    return {name: one for name, one in listed if name not in LEFT_OUT and "logp" not in name.lower()}


def descriptors(graph: Graph) -> dict[str, float]:
    """The descriptors of a molecule, NaN for what RDKit cannot compute of it.

    They take some five milliseconds, so they are kept: a molecule is known again by its atoms, its bonds and its
    SMILES.

    Example:
        >>> from .molecules import graph_of, molecule_of
        >>> round(descriptors(graph_of(molecule_of("CCO")))["MolWt"], 2)
        46.07
    """
    # Features hold no isotopes, so what the molecule was made of counts too.
    key = hashlib.blake2b(graph.source if isinstance(graph.source, bytes) else graph.source.encode(), digest_size=16)
    for part in (graph.nodes, graph.edges, graph.kinds, graph.ids):
        key.update(np.int64(part.shape[0]).tobytes())
        key.update(part.contiguous().numpy().tobytes())
    row = _kept.get(key.digest())
    if row is None:
        row = _computed(molecule_from(graph))
        if len(_kept) < KEPT:
            _kept[key.digest()] = row
    return dict(zip(descriptor_functions(), row.tolist(), strict=True))


def _computed(molecule: Chem.Mol) -> Float[np.ndarray, " descriptors"]:
    with rdBase.BlockLogs():
        return np.array([_number(one, molecule) for one in descriptor_functions().values()])


def _number(one: Callable[[Chem.Mol], Any], molecule: Chem.Mol) -> float:
    try:
        return float(one(molecule))
    except (RuntimeError, ValueError, ArithmeticError):  # a part of a molecule need make no sense in chemistry
        return math.nan
