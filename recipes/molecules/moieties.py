"""What molecules are made of, by the rules of chemists: the truth, and the hand-made ways to cut a molecule."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import networkx
from rdkit import Chem
from rdkit.Chem import BRICS
from rdkit.Chem.Lipinski import RotatableBondSmarts

GROUPS: Mapping[str, str] = {
    "sulphonyl": "[#16X4](=O)(=O)[O,N]",
    "sulphone": "[#16X4](=O)=O",
    "sulphoxide": "[#16X3]=O",
    "phosphoryl": "[#15X4](=[O,S])([O,N])([O,N])[O,N]",
    "phosphorus": "[#15]=[O,S]",
    "nitro": "[$([NX3](=O)=O),$([NX3+](=O)[O-])](~O)~O",
    "nitrate": "[OX2][NX3](~O)~O",
    "urea": "[NX3][CX3](=[O,S])[NX3]",
    "carbamate": "[NX3][CX3](=[O,S])[OX2,SX2]",
    "carbonate": "[OX2][CX3](=O)[OX2]",
    "carboxyl": "[CX3](=O)[OX2H1,OX1-]",
    "ester": "[CX3](=O)[OX2,SX2]",
    "amide": "[CX3](=[O,S])[NX3]",
    "acyl halide": "[CX3](=O)[F,Cl,Br,I]",
    "guanidine": "[NX3][CX3](=[NX2,NX3+])[NX3]",
    "amidine": "[CX3](=[NX2,NX3+])[NX3]",
    "carbonyl": "[CX3]=[O,S]",
    "imine": "[CX3]=[NX2,NX3+]",
    "nitrile": "[CX2]#[NX1]",
    "azo": "[NX2]=[NX2,NX1]",
    "nitroso": "[NX2]=[OX1]",
    "trihalomethyl": "[CX4]([F,Cl,Br,I])([F,Cl,Br,I])[F,Cl,Br,I]",
    "alkyne": "[CX2]#[CX2]",
    "alkene": "[CX3]=[CX3]",
    "disulphide": "[SX2][SX2]",
    "peroxide": "[OX2][OX2]",
    "hydrazine": "[NX3][NX3]",
    "hydroxylamine": "[NX3][OX2]",
    "hydroxyl": "[OX2H1,OX1-]",
    "thiol": "[SX2H1]",
    "ether": "[OX2]([#6])[#6]",
    "thioether": "[SX2]([#6])[#6]",
    "amine": "[NX3,NX4+;!$(N~[!#6])]",
    "halide": "[F,Cl,Br,I;X1]",
}
"""Functional groups as SMARTS, most particular first; an atom belongs to the first that claims it."""

PATTERNS = {name: Chem.MolFromSmarts(smarts) for name, smarts in GROUPS.items()}
ROTATABLE = RotatableBondSmarts

Part = tuple[str, tuple[int, ...]]
"""The name and the atoms of a part of a molecule."""


def moieties(molecule: Any) -> list[Part]:
    """Ring systems, functional groups, and the carbon chains between them: every atom is in one of them.

    Rings that share an atom are one system, with what is bound to it by a double bond; groups are sought outside rings
    in the order of `GROUPS`; what is left falls into connected pieces.

    Example:
        >>> [name for name, _ in moieties(Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O"))]
        ['ring system', 'carboxyl', 'ester', 'chain']
    """
    rings = _ring_systems(molecule)
    parts: list[Part] = [("ring system", tuple(sorted(ring))) for ring in rings]
    ring_atoms = set().union(*rings) if rings else set()
    taken = set(ring_atoms)
    for name, pattern in PATTERNS.items():
        for match in molecule.GetSubstructMatches(pattern):
            own = tuple(sorted(set(match) - ring_atoms))
            if own and not taken & set(own):
                parts.append((name, own))
                taken |= set(own)
    rest = set(range(molecule.GetNumAtoms())) - taken
    chains = pieces(molecule, lambda one, two: one in rest and two in rest)
    return parts + [("chain", chain) for chain in chains if set(chain) <= rest]


def _ring_systems(molecule: Any) -> list[set[int]]:
    systems: list[set[int]] = []
    for ring in molecule.GetRingInfo().AtomRings():
        own = set(ring)
        apart = [system for system in systems if not system & own]
        systems = [*apart, own.union(*(system for system in systems if system & own))]
    for bond in molecule.GetBonds():
        ends = {bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()}
        if bond.GetBondType() == Chem.BondType.DOUBLE and not bond.IsInRing():
            holders = [system for system in systems if system & ends]
            if len(holders) == 1 and any(molecule.GetAtomWithIdx(atom).GetDegree() == 1 for atom in ends - holders[0]):
                holders[0] |= ends
    return systems


def brics_pieces(molecule: Any) -> list[Part]:
    """What is left when the bonds that BRICS cuts are gone (Degen et al., 2008).

    Example:
        >>> [atoms for _, atoms in brics_pieces(Chem.MolFromSmiles("CCOc1ccccc1"))]
        [(0, 1), (2,), (3, 4, 5, 6, 7, 8)]
    """
    cut = {frozenset(ends) for ends, _ in BRICS.FindBRICSBonds(molecule)}
    return [("piece", piece) for piece in pieces(molecule, lambda one, two: frozenset((one, two)) not in cut)]


def rotatable_pieces(molecule: Any) -> list[Part]:
    """What is left when rotatable bonds are cut: single bonds outside rings between atoms that have others."""
    cut = {frozenset(ends) for ends in molecule.GetSubstructMatches(ROTATABLE)}
    return [("piece", piece) for piece in pieces(molecule, lambda one, two: frozenset((one, two)) not in cut)]


def single_bond_pieces(molecule: Any) -> list[Part]:
    """What is left when all single bonds outside rings are cut."""
    kept = {
        frozenset((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()))
        for bond in molecule.GetBonds()
        if bond.IsInRing() or bond.GetBondType() != Chem.BondType.SINGLE
    }
    return [("piece", piece) for piece in pieces(molecule, lambda one, two: frozenset((one, two)) in kept)]


def communities(molecule: Any, seed: int = 0) -> list[Part]:
    """Communities of greatest modularity on the plain graph of bonds (Louvain; Blondel et al., 2008)."""
    graph = networkx.Graph()
    graph.add_nodes_from(range(molecule.GetNumAtoms()))
    graph.add_edges_from((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in molecule.GetBonds())
    if not graph.number_of_edges():
        return [("community", (atom,)) for atom in graph]
    found: Collection[set[int]] = networkx.community.louvain_communities(graph, seed=seed)
    return [("community", tuple(sorted(nodes))) for nodes in found]


def pieces(molecule: Any, kept: Callable[[int, int], bool]) -> list[tuple[int, ...]]:
    """The connected pieces of a molecule over the bonds that are kept."""
    graph = networkx.Graph()
    graph.add_nodes_from(range(molecule.GetNumAtoms()))
    ends = ((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in molecule.GetBonds())
    graph.add_edges_from(pair for pair in ends if kept(*pair))
    return sorted(tuple(sorted(nodes)) for nodes in networkx.connected_components(graph))
